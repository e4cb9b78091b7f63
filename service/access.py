"""The one place that decides who may do what.

Every route has its decision in DECISIONS; one without stops the application from being made. A
permission belongs to roles; where it reaches is the scope of the grants that carry those roles:
`g.actor` holds only these, and every query is limited by them. What lies outside is answered exactly
like what doesn't exist: 404.
"""

from enum import Enum, StrEnum
from typing import cast
from urllib.parse import urlsplit

import structlog
from flask import Flask, abort, current_app, g, redirect, request, url_for
from flask_wtf.csrf import CSRFProtect
from sqlalchemy.orm import Session
from werkzeug.exceptions import Unauthorized
from werkzeug.wrappers import Response

from records import users
from records.actor import Actor, Role
from service.context import context

log = structlog.get_logger()
FORM_MAX_BYTES = 64_000
LARGER = {"roster.save": 400_000, "imports.upload": 20_100_000}
"""Routes whose forms may be larger: a roster of 500 people; a file of attendance."""
SWALLOWED = 300_000_000
"""So much of what is too large is read all the same: a browser shows no answer to what it couldn't send."""


class Door(Enum):
    """Routes that ask for no permission."""

    OPEN = "open"
    """For everybody: sign-in itself, static files, the health check."""
    SENDER = "sender"
    """For Moodle sites: the route checks the sender's signature or token by itself, and reads no cookie."""
    SIGNED_IN = "signed_in"
    """For whoever is signed in, with whatever role."""


class Permission(StrEnum):
    """What a role may do."""

    SEE_BOARD = "see_board"
    """Communities in numbers."""
    SEE_PEOPLE = "see_people"
    """Names and hours of the people in a community."""
    SEE_INTAKE = "see_intake"
    """What waits in the inbox, in numbers, and whether a copy of a site knocked."""
    ASK_MOODLE = "ask_moodle"
    """Have a community read from Moodle now."""
    CONNECT_SITES = "connect_sites"
    """The plugin for Moodle, and the addresses that sites post to."""
    RECORD_ATTENDANCE = "record_attendance"
    """Plan sessions, and record who was there."""
    DECIDE_ATTENDANCE = "decide_attendance"
    """Say who somebody is, and which of several reports is right."""
    MERGE_PEOPLE = "merge_people"
    """Say that two people are one."""


EVERY_ROLE = frozenset(Role)
ROLES: dict[Permission, frozenset[Role]] = {
    Permission.SEE_BOARD: EVERY_ROLE,
    # IT keeps the machine running: for that nobody has to know people's hours.
    Permission.SEE_PEOPLE: EVERY_ROLE - {Role.IT},
    Permission.SEE_INTAKE: frozenset({Role.IT, Role.PROGRAM_ADMIN}),
    Permission.ASK_MOODLE: frozenset({Role.IT, Role.PROGRAM_ADMIN, Role.STAFF}),
    Permission.CONNECT_SITES: frozenset({Role.IT, Role.PROGRAM_ADMIN}),
    Permission.RECORD_ATTENDANCE: frozenset({Role.PROGRAM_ADMIN, Role.STAFF, Role.FACILITATOR}),
    Permission.DECIDE_ATTENDANCE: frozenset({Role.PROGRAM_ADMIN, Role.STAFF}),
    Permission.MERGE_PEOPLE: frozenset({Role.PROGRAM_ADMIN}),
}

DECISIONS: dict[str, Door | Permission] = {
    "static": Door.OPEN,
    "bootstrap.static": Door.OPEN,
    "assets.htmx": Door.OPEN,
    "health.healthz": Door.OPEN,
    "sign_in.form": Door.OPEN,
    "sign_in.submit": Door.OPEN,
    "sign_in.setup_form": Door.OPEN,
    "sign_in.setup_submit": Door.OPEN,
    "sign_in.sign_out": Door.SIGNED_IN,
    "identify.begin": Door.OPEN,
    "identify.answer": Door.OPEN,
    "arrive.scan": Door.OPEN,
    "arrive.enter": Door.OPEN,
    "arrive.enter_submit": Door.OPEN,
    "arrive.here": Door.OPEN,
    "arrive.arrived": Door.OPEN,
    "arrive.left": Door.OPEN,
    "arrive.forget": Door.OPEN,
    "arrive.personal": Door.OPEN,
    "intake.take_batch": Door.SENDER,
    "intake.take_event": Door.SENDER,
    "intake.take_statements": Door.SENDER,
    "intake.about": Door.SENDER,
    "intake.take_trigger": Door.SENDER,
    "board.show": Permission.SEE_BOARD,
    "board.live": Permission.SEE_BOARD,
    "freshness.live": Permission.SEE_BOARD,
    "community.show": Permission.SEE_PEOPLE,
    "community.live": Permission.SEE_PEOPLE,
    "community.together": Permission.SEE_PEOPLE,
    "moodle.live": Permission.SEE_PEOPLE,
    "moodle.ask": Permission.ASK_MOODLE,
    "plugin.show": Permission.CONNECT_SITES,
    "plugin.download": Permission.CONNECT_SITES,
    "person.show": Permission.SEE_PEOPLE,
    "person.live": Permission.SEE_PEOPLE,
    "sessions.listed": Permission.SEE_PEOPLE,
    "sessions.show": Permission.SEE_PEOPLE,
    "sessions.new": Permission.RECORD_ATTENDANCE,
    "sessions.create": Permission.RECORD_ATTENDANCE,
    "sessions.edit": Permission.RECORD_ATTENDANCE,
    "sessions.save": Permission.RECORD_ATTENDANCE,
    "sessions.move": Permission.RECORD_ATTENDANCE,
    "sessions.cancel": Permission.RECORD_ATTENDANCE,
    "sessions.restore": Permission.RECORD_ATTENDANCE,
    "calendars.feed": Door.OPEN,
    "calendars.renew": Permission.RECORD_ATTENDANCE,
    "review.show": Permission.DECIDE_ATTENDANCE,
    "review.conflicts": Permission.DECIDE_ATTENDANCE,
    "review.decide": Permission.DECIDE_ATTENDANCE,
    "review.match": Permission.DECIDE_ATTENDANCE,
    "review.accept": Permission.DECIDE_ATTENDANCE,
    "review.dismiss": Permission.DECIDE_ATTENDANCE,
    "review.undo": Permission.DECIDE_ATTENDANCE,
    "merging.show": Permission.MERGE_PEOPLE,
    "merging.preview": Permission.MERGE_PEOPLE,
    "merging.carry_out": Permission.MERGE_PEOPLE,
    "merging.merged": Permission.MERGE_PEOPLE,
    "merging.undo": Permission.MERGE_PEOPLE,
    "roster.show": Permission.RECORD_ATTENDANCE,
    "roster.state": Permission.RECORD_ATTENDANCE,
    "roster.save": Permission.RECORD_ATTENDANCE,
    "roster.walk_in": Permission.RECORD_ATTENDANCE,
    "roster.sheet": Permission.RECORD_ATTENDANCE,
    "roster.quick": Permission.RECORD_ATTENDANCE,
    "roster.take_sheet": Permission.RECORD_ATTENDANCE,
    "check_in.show": Permission.RECORD_ATTENDANCE,
    "check_in.code": Permission.RECORD_ATTENDANCE,
    "check_in.live": Permission.RECORD_ATTENDANCE,
    "check_in.begin": Permission.RECORD_ATTENDANCE,
    "check_in.end": Permission.RECORD_ATTENDANCE,
    "check_in.strike": Permission.RECORD_ATTENDANCE,
    "check_in.let_in": Permission.RECORD_ATTENDANCE,
    "check_in.links": Permission.DECIDE_ATTENDANCE,
    "imports.form": Permission.RECORD_ATTENDANCE,
    "imports.upload": Permission.RECORD_ATTENDANCE,
    "imports.history": Permission.RECORD_ATTENDANCE,
    "imports.report": Permission.RECORD_ATTENDANCE,
    "imports.live": Permission.RECORD_ATTENDANCE,
    "imports.look": Permission.RECORD_ATTENDANCE,
    "imports.take": Permission.RECORD_ATTENDANCE,
    "imports.undo": Permission.RECORD_ATTENDANCE,
    "imports.rows": Permission.RECORD_ATTENDANCE,
    "attendance_files.of_session": Permission.SEE_PEOPLE,
    "attendance_files.of_community": Permission.SEE_PEOPLE,
}


class UndecidedRoute(Exception):
    """A route has no decision: nobody has said who may use it."""


def guard(app: Flask) -> None:
    """Check each request by DECISIONS. Call it when all routes are there: raises UndecidedRoute."""
    undecided = sorted({rule.endpoint for rule in app.url_map.iter_rules()} - set(DECISIONS))
    if undecided:
        raise UndecidedRoute(f"no decision in service/access.py for: {', '.join(undecided)}")
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    csrf = CSRFProtect(app)

    @app.before_request
    def decide() -> Response | None:
        if request.endpoint is None:
            # No such address: 404 is on its way, and who asks doesn't matter.
            return None
        decision = DECISIONS[request.endpoint]
        if decision is Door.SENDER:
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
        for given, answer in ((request.args, 404), (request.form, 400)):
            # No column of the records can hold a NUL: nothing has such a name.
            if any("\0" in value for _, value in given.items(multi=True)):
                abort(answer)
        return None


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


def _who() -> users.SignedIn | None:
    token = request.cookies.get(cookie_name())
    if not token:
        return None
    here = context()
    with Session(here.engine) as session:
        return users.signed_in(session, token, here.clock())


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


def may(permission: Permission) -> Actor | None:
    """Who asks, as far as another permission than the route's reaches; None where there is none."""
    who = within(g.signed_in.actor, permission)
    return who if who.grants else None


def connects_sites(who: Actor) -> bool:
    """Whether somebody is offered the page about the plugin."""
    return bool(within(who, Permission.CONNECT_SITES).grants)


def decides_attendance(who: Actor) -> Actor | None:
    """Somebody as far as he or she may decide about attendance; None where that is nowhere."""
    found = within(who, Permission.DECIDE_ATTENDANCE)
    return found if found.grants else None
