"""Holds every request to what service/permissions.py decides.

`g.actor` holds only the grants that carry the route's permission, and every query is limited by them. What lies
outside is answered exactly like what doesn't exist: 404.
"""

from typing import Any, cast
from urllib.parse import urlsplit

import structlog
from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from records import sign_ins
from records.actor import Actor, Role
from records.deciding import By
from service.api.door import come_in
from service.context import context
from service.permissions import DECISIONS, ROLES, ByToken, Door, Permission

log = structlog.get_logger()
FORM_MAX_BYTES = 64_000
LARGER = {
    **{"roster.save": 400_000, "imports.upload": 20_100_000},
    **{"provision_edit.look": 2_000_000, "provision_edit.save": 1_000_000},
    **{"provision_edit.change": 1_000_000, "provisioning.people": 20_100_000},
}
"""Routes whose forms may be larger: a roster of 500 people; a file of attendance; a provision file, and one of
people."""
AS_WHAT = (Role.PROGRAM_ADMIN, Role.STAFF, Role.FACILITATOR, Role.IT, Role.AUDITOR)
"""Of several roles that let somebody do a thing, the first is written down."""
SWALLOWED = 300_000_000
"""So much of what is too large is read all the same: a browser shows no answer to what it couldn't send."""


class UndecidedRoute(Exception):
    """A route has no decision: nobody has said who may use it."""


def guard(app: Flask) -> None:
    """Check each request by DECISIONS. Call it when all routes are there: raises UndecidedRoute."""
    undecided = sorted({rule.endpoint for rule in app.url_map.iter_rules()} - set(DECISIONS))
    if undecided:
        raise UndecidedRoute(f"no decision in service/access.py for: {', '.join(undecided)}")
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf = CSRFProtect(app)
    app.after_request(_hand_out)

    @app.before_request
    def decide() -> Response | None:
        if request.endpoint is None:
            # No such address: 404 is on its way, and who asks doesn't matter.
            return None
        decision = DECISIONS[request.endpoint]
        if decision is Door.SENDER:
            return None
        if decision is Door.TOKEN or isinstance(decision, ByToken):
            # A bearer token, and nothing else: no cookie opens it, so that no form has to be guarded.
            come_in(decision)
            return None
        if decision is not Door.OPEN:
            refusal = _check(decision)
            if refusal:
                return refusal
        request.max_content_length = LARGER.get(request.endpoint, FORM_MAX_BYTES)
        if request.endpoint in LARGER and (request.content_length or 0) > request.max_content_length:
            _swallow()
            abort(413)
        csrf.protect()
        _refuse_nul()
        return None


def _refuse_nul() -> None:
    for given, answer in ((request.args, 404), (request.form, 400)):
        # No column of the records can hold a NUL: nothing has such a name.
        if any("\0" in value for _, value in given.items(multi=True)):
            abort(answer)


def _swallow() -> None:
    """Read what is too large, and throw it away."""
    stream, left = request.environ["wsgi.input"], min(request.content_length or 0, SWALLOWED)
    while left > 0 and (piece := stream.read(min(left, 1 << 20))):
        left -= len(piece)


def _check(decision: Door | Permission) -> Response | None:
    who = _who()
    if who is None:
        return _sign_in_first()
    g.signed_in = who
    if isinstance(decision, Permission):
        g.actor = within(who.actor, decision)
        if not g.actor.grants:
            log.info("access_refused", permission=str(decision), user=who.actor.name)
            abort(403)
    return None


def _who() -> sign_ins.SignedIn | None:
    token = request.cookies.get(cookie_name())
    if not token:
        return None
    here = context()
    now = here.clock()
    with Session(here.engine) as session, session.begin():
        idle = here.settings.sign_in_idle_minutes
        who = sign_ins.signed_in(session, token, now, idle_minutes=idle, present=not _asks_by_itself())
        if who and who.old and request.method == "GET" and "HX-Request" not in request.headers:
            g.fresh_cookie = sign_ins.rotated(session, token, now)
    return who


def _asks_by_itself() -> bool:
    """Whether it is an open page that asks for news of itself (service/pages/live.py), and perhaps nobody is there."""
    return request.method == "GET" and "HX-Request" in request.headers and "seen" in request.args


def _hand_out(response: Response) -> Response:
    """The cookie that takes the old one's place goes along with whatever is answered."""
    fresh = g.pop("fresh_cookie", None)
    if fresh and "signed_in" in g:
        left = g.signed_in.expires_at - context().clock()
        give_cookie(response, fresh, int(left.total_seconds()))
    return response


def give_cookie(response: Response, token: str, seconds: int | None = None) -> None:
    """Have the browser keep a sign-in; by default as long as a new one lasts."""
    whole = context().settings.sign_in_hours * 3600
    response.set_cookie(cookie_name(), token, max_age=whole if seconds is None else seconds, **_cookie_attributes())


def take_cookie(response: Response) -> None:
    """Have the browser forget its sign-in."""
    g.pop("fresh_cookie", None)
    response.delete_cookie(cookie_name(), **_cookie_attributes())


def _cookie_attributes() -> dict[str, Any]:
    return {"path": "/", "secure": is_https(), "httponly": True, "samesite": "Lax"}


def _sign_in_first() -> Response:
    """A page asked for by address leads to the sign-in and back; anything else is told 401."""
    if request.method == "GET" and "HX-Request" not in request.headers:
        wanted = request.full_path if request.query_string else request.path
        return redirect(url_for("sign_in.form", next=wanted), 303)
    raise Unauthorized


def own_path(wanted: str) -> str:
    """A path of this site that one may be led to; empty for anything else."""
    safe = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if safe else ""


def page_before() -> str:
    """The page of this site whose form was sent, as a path; empty where the browser names none."""
    try:
        came = urlsplit(request.referrer or "")
    except ValueError:
        return ""
    # Behind a proxy the host of the request may be another one than that which people see.
    if came.scheme not in ("http", "https") or came.netloc not in (
        request.host,
        urlsplit(context().settings.public_url).netloc,
    ):
        return ""
    wanted = own_path(came._replace(scheme="", netloc="", fragment="").geturl())
    adapter = current_app.create_url_adapter(request)
    # A form that was refused is shown where it was sent to: there is no page there to be asked for.
    return wanted if wanted and adapter and adapter.test(came.path, "GET") else ""


def cookie_name() -> str:
    """The sign-in cookie's name; with https browsers hold it to this host alone."""
    return "__Host-copbridge" if is_https() else "copbridge"


def is_https() -> bool:
    """Whether people reach this installation by https."""
    return context().settings.public_url.startswith("https://")


def actor() -> Actor:
    """Who asks, with the grants that carry the route's permission."""
    return cast(Actor, g.actor)


def within(who: Actor, permission: Permission) -> Actor:
    """An actor with only those grants that carry a permission."""
    return who.only(ROLES[permission])


def able() -> frozenset[Role]:
    """The roles that carry the route's permission."""
    return ROLES[cast(Permission, DECISIONS[request.endpoint or ""])]


def may(permission: Permission) -> Actor | None:
    """Who asks, as far as another permission than the route's reaches; None where there is none."""
    who = within(g.signed_in.actor, permission)
    return who if who.grants else None


def by(reason: str) -> By:
    """Who asks as somebody who decides, in the role that lets him or her; now."""
    who = actor()
    role = next(role for role in AS_WHAT if role in who.roles)
    return By(who, role, reason, context().clock())
