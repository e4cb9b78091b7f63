"""One's own tokens of the API: make one, which is shown once, and revoke."""

from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records import api_tokens
from records.api_tokens import MAX_DAYS, ApiScope, TokenError, TokenFault
from records.queries import users
from service.context import context
from service.i18n import N_, _
from service.pages.live import reading
from service.permissions import DECISIONS, ROLES, ByToken

blueprint = Blueprint("tokens", __name__)
Page = str | tuple[str, int] | Response
BAD_REQUEST, FORBIDDEN, NOT_FOUND = 400, 403, 404
SCOPES = {
    ApiScope.READ: N_("Communities, their standings in numbers, their sessions"),
    ApiScope.PEOPLE_READ: N_("People, their hours explained, attendance and adjustments"),
    ApiScope.ATTENDANCE_WRITE: N_("Plan sessions, and record who was there"),
    ApiScope.ADJUSTMENTS_WRITE: N_("Adjust hours, and undo that"),
    ApiScope.OPERATIONS_READ: N_("Sites, events and jobs"),
}
FAULTS = {
    TokenFault.NAME: N_("Say in at most 100 characters what the token is for."),
    TokenFault.SCOPES: N_("Choose at least one of the things that the token may do."),
    TokenFault.DAYS: N_("A token lasts from 1 to 365 days."),
    TokenFault.TOO_MANY: N_("You have 50 usable tokens: revoke one that nothing uses any more."),
}
FIELDS = {TokenFault.NAME: "name", TokenFault.SCOPES: "scopes", TokenFault.DAYS: "days"}
DAYS = 90
MOST_DIGITS = 4


@blueprint.get("/tokens")
def listed() -> str:
    """Whoever is signed in sees his or her own."""
    return _page()


@blueprint.post("/tokens")
def make() -> Page:
    """Make a token. The answer is the one page that shows it; to load it again asks nobody for another one."""
    here, who = context(), g.signed_in.actor
    # Without a role it would open nothing, ever.
    if not who.grants:
        abort(FORBIDDEN)
    scopes, days = request.form.getlist("scopes"), _days(request.form.get("days", ""))
    try:
        with Session(here.engine) as session, session.begin():
            _id, token = api_tokens.make(session, who, request.form.get("name", ""), scopes, days, here.clock())
    except TokenError as err:
        return _page(fault=err.fault), BAD_REQUEST
    return _page(token=token)


@blueprint.post("/tokens/<uuid:token_id>/revoke")
def revoke(token_id: UUID) -> Response:
    """End one of one's own tokens; one that has ended stays so."""
    here, who = context(), g.signed_in.actor
    with Session(here.engine) as session, session.begin():
        own = {row.id for row in api_tokens.listed(session, who.user_id)}
        if token_id not in own:
            abort(NOT_FOUND)
        api_tokens.revoke(session, who, token_id, here.clock(), of_user=who.user_id)
    return redirect(url_for(".listed"), 303)


def _days(text: str) -> int:
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS else 0


def _page(*, token: str = "", fault: TokenFault | None = None) -> str:
    here, who = context(), g.signed_in.actor
    now = here.clock()
    with reading() as session:
        rows = api_tokens.listed(session, who.user_id)
        timezone = users.timezone(session, who)
    typed: dict[str, Any] = {
        "name": request.form.get("name", "") if fault else "",
        "days": request.form.get("days", "") if fault else str(DAYS),
        "scopes": request.form.getlist("scopes") if fault else [],
    }
    return render_template(
        "tokens.html",
        who=g.signed_in,
        usable=[row for row in rows if row.usable(now)],
        ended=[row for row in rows if not row.usable(now)],
        scopes=[(str(scope), _(words)) for scope, words in SCOPES.items() if _opens(scope)],
        words={str(scope): _(words) for scope, words in SCOPES.items()},
        may_make=bool(who.grants),
        token=token,
        typed=typed,
        fault=_(FAULTS[fault]) if fault else "",
        wrong=FIELDS.get(fault, "") if fault else "",
        most_days=MAX_DAYS,
        timezone=timezone,
        address=url_for("api.document", _external=False),
    )


def _opens(scope: ApiScope) -> bool:
    """Whether some route of this scope is open to who asks: what his or her roles don't allow needn't be offered."""
    wanted = {each.permission for each in DECISIONS.values() if isinstance(each, ByToken) and each.scope is scope}
    return any(g.signed_in.actor.only(ROLES[permission]).grants for permission in wanted)
