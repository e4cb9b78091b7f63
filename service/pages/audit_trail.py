"""The audit trail: who did what to what."""

from datetime import UTC, datetime, time, timedelta
from uuid import UUID

from flask import Blueprint, abort, g, render_template, request, url_for

from records.queries.audit_trail import PAGE, Wanted, actions, entries, kinds
from service import audit_words
from service.access import actor, may
from service.i18n import _
from service.moments import NotADay, read_when
from service.pages.live import reading
from service.permissions import DECISIONS, Permission

blueprint = Blueprint("audit_trail", __name__)
PAGES = {
    "membership": ("acts.show", "membership_id"),
    "person": ("person.show", "person_id"),
    "community": ("community.show", "community_id"),
    "user": ("users.show", "user_id"),
}
"""Where a subject has a page of its own: the page, and what it calls the id."""
ASKED = ("actor", "action", "subject", "since", "until")


@blueprint.get("/audit")
def show() -> tuple[str, int]:
    """Entries, the latest first."""
    if not actor().unlimited:
        abort(404)
    wanted, chosen, fault = asked_for()
    with reading() as session:
        found = [] if fault else entries(session, actor(), wanted)
        known, subjects = actions(session, actor()), kinds(session, found)
    after = ""
    if len(found) > PAGE:
        found = found[:PAGE]
        after = url_for("audit_trail.show", before=found[-1].id, **chosen)  # type: ignore[arg-type]
    page = render_template(
        "audit.html",
        who=g.signed_in,
        entries=found,
        chosen=chosen,
        after=after,
        fault=fault,
        timezone=audit_words.TIMEZONE,
        actions=known,
        pages={subject: address for subject, kind in subjects.items() if (address := _page_of(kind, subject))},
        words=audit_words,
    )
    return page, 400 if fault else 200


def _page_of(kind: str, subject: str) -> str:
    """The page of a subject, for who may go to all of its kind; else empty."""
    endpoint, name = PAGES[kind]
    needed = DECISIONS[endpoint]
    who = may(needed) if isinstance(needed, Permission) else None
    return url_for(endpoint, **{name: subject}) if who and who.unlimited else ""  # type: ignore[arg-type]


def asked_for() -> tuple[Wanted, dict[str, str], str]:
    """(Which entries the address asks for, what it says by name, what is wrong with its days in words)."""
    chosen = {name: value for name in ASKED if (value := request.args.get(name, "").strip())}
    fault, since, until = "", None, None
    try:
        since, until = _day(chosen.get("since", "")), _day(chosen.get("until", ""))
    except NotADay:
        fault = _("That is no day: choose one such as 2026-05-01.")
    before_day = until + timedelta(days=1) if until else None
    texts = {name: chosen.get(name, "") for name in ("actor", "action", "subject")}
    return Wanted(**texts, since=since, until=before_day, before=_before()), chosen, fault


def _day(text: str) -> datetime | None:
    if not text:
        return None
    found = read_when(text)
    day = found.date() if isinstance(found, datetime) else found
    return datetime.combine(day, time(), UTC)


def _before() -> UUID | None:
    try:
        return UUID(request.args["before"]) if "before" in request.args else None
    except ValueError:
        abort(404)
