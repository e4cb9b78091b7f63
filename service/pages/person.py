"""A person: totals, each minute explained, what is missing, what was decided, the ledger; now or looking back."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import urlsplit
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from mappings.facts import Nothing
from records.merged import person_now
from records.merging import reaches
from records.queries.history import Event, history
from records.queries.look_back import PRESENT, LiesAhead, LookBack, When
from records.queries.merges import merges
from records.queries.periods_of import ClosedTotal, closed_totals
from records.queries.person import InCommunity, PersonPage, person
from service import decided_words, wording
from service.access import actor, may
from service.context import context
from service.decided_words import EventTold
from service.explanations import LineTold, Told, tell
from service.i18n import _, language_now
from service.moments import NotADay, read_when
from service.pages import freshness
from service.pages.bars import Bar, bar, patterns, scale_for
from service.pages.live import if_changed, live_part, reading
from service.pages.titles import program_title, region_title, topic_title
from service.permissions import Permission
from service.sentences import Teller

blueprint = Blueprint("person", __name__)
KNOWN, TRUE = "known_on", "true_on"


@dataclass(frozen=True, slots=True)
class Section:
    """One community of the person."""

    found: InCommunity
    told: Told
    program: str
    topic: str
    region: str
    bar: Bar
    drawn: dict[str, str]
    units: list[str]
    earned: list[LineTold]
    nothing: list[LineTold]
    history: list[EventTold]
    acts: bool
    """Whether who asks may adjust, report or waive here."""


@dataclass(frozen=True, slots=True)
class Total:
    """The hours of one program. `closed`: (label, first day, last day, minutes) of each closed period."""

    program: str
    present: int
    period: str
    """The days of the present period; empty where it has none."""
    closed: list[tuple[str, str, str, int]]
    ever: int


@dataclass(frozen=True, slots=True)
class Look:
    """The form by which one looks back: what was asked for, and what is wrong with it."""

    known_on: str
    true_on: str
    today: str
    banner: str
    fault: str


@blueprint.get("/people/<uuid:person_id>")
def show(person_id: UUID) -> Response | tuple[str, int]:
    """A person's page, as of now or as it was; of somebody who was merged into another person that one's."""
    look, fault = _asked()
    with reading() as session:
        now = person_now(session, person_id)
        if now != person_id and all(reaches(session, one, actor()) for one in (person_id, now)):
            return redirect(url_for("person.show", person_id=now))
        try:
            found = _find(session, person_id, look)
        except LiesAhead:
            look, fault = PRESENT, _("One can look back only: choose a day that has come.")
            found = _find(session, person_id, look)
        part = _part(session, found, look)[0]
        fresh = freshness.of_page(session)
        merger = may(Permission.MERGE_PEOPLE)
        merged = merges(session, merger, person_id=person_id) if merger else []
        writer = may(Permission.SEND_NUDGES)
        writes = writer is not None and found.erased_at is None and reaches(session, person_id, writer)
    sections = [
        (i.community_id, topic_title(i.program, i.topic), region_title(i.program, i.region)) for i in found.communities
    ]
    page = render_template(
        "person.html",
        who=g.signed_in,
        part=part,
        fresh=fresh,
        found=found,
        sections=sections,
        look=_form(found, look, fault),
        came_by=_came_by(),
        may_write=writes,
        may_merge=merger is not None and found.erased_at is None,
        may_export=may(Permission.EXPORT_PEOPLE) is not None,
        may_erase=may(Permission.ERASE_PEOPLE) is not None and found.erased_at is None,
        merged=merged,
    )
    return page, HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK


@blueprint.get("/people/<uuid:person_id>/live")
def live(person_id: UUID) -> Response | str:
    """The part of the page that changes, if it did."""
    look, fault = _asked()
    with reading() as session:
        try:
            found = _find(session, person_id, look)
        except LiesAhead:
            abort(400)
        return abort(400) if fault else if_changed(_part(session, found, look))


def _came_by() -> str:
    """The address of the list of people, narrowed down as it was if one comes from there."""
    listed, before = url_for("people.show"), urlsplit(request.referrer or "")
    if before.netloc == request.host and before.path == listed and before.query:
        return f"{listed}?{before.query}"
    return listed


def _asked() -> tuple[LookBack, str]:
    """What the address asks for, and what is wrong with it."""
    try:
        return LookBack(*(read_when(text) if (text := request.args.get(name)) else None for name in (KNOWN, TRUE))), ""
    except NotADay:
        return PRESENT, _("That is no day: choose one such as 2026-05-01.")


def _find(session: Session, person_id: UUID, look: LookBack) -> PersonPage:
    found = person(session, actor(), person_id, context().clock(), look)
    if found is None:
        abort(404)
    return found


def _form(found: PersonPage, look: LookBack, fault: str) -> Look:
    timezone = found.communities[0].timezone if found.communities else "UTC"
    known, true = _words(look.known_on, timezone), _words(look.true_on, timezone)
    if known and true:
        banner = _("As known on %(known)s, as true on %(true)s", known=known, true=true)
    elif known:
        banner = _("As known on %(known)s", known=known)
    else:
        banner = _("As true on %(true)s", true=true) if true else ""
    today = _day(context().clock(), timezone)
    return Look(_day(look.known_on, timezone), _day(look.true_on, timezone), today, banner, fault)


def _words(when: When | None, timezone: str) -> str:
    if when is None:
        return ""
    if isinstance(when, datetime):
        return wording.moment(when, timezone) if when.tzinfo else when.isoformat(" ", "minutes")
    return wording.date_words(when)


def _day(when: When | None, timezone: str) -> str:
    """As a date field holds it."""
    if isinstance(when, datetime) and when.tzinfo:
        when = when.astimezone(ZoneInfo(timezone))
    return f"{when:%Y-%m-%d}" if when else ""


def _part(session: Session, found: PersonPage, look: LookBack) -> tuple[Markup, str]:
    asked = {name: when.isoformat() for name, when in ((KNOWN, look.known_on), (TRUE, look.true_on)) if when}
    address = url_for("person.live", person_id=found.id, **asked)  # type: ignore[arg-type]
    until = max((i.as_of.known_on for i in found.communities if i.as_of.known_on), default=None)
    memberships = [i.membership_id for i in found.communities]
    decided = history(session, memberships, until)
    totals = _totals(found, closed_totals(session, memberships, until))
    named = may(Permission.ADJUST_HOURS) is not None or may(Permission.SEE_AUDIT) is not None
    sections = [_section(each, decided[each.membership_id], named=named) for each in found.communities]
    # One community without closed periods says its total below the bar.
    several = len(found.communities) > 1 or any(total.closed for total in totals)
    return live_part(
        "parts/person.html",
        address,
        sections=sections,
        totals=totals if several else [],
        untold=found.untold,
        looking=bool(look),
    )


def _totals(found: PersonPage, closed: list[ClosedTotal]) -> list[Total]:
    """By program, in the order of the communities."""
    totals = []
    for program_id in dict.fromkeys(i.program_id for i in found.communities):
        own = [i for i in found.communities if i.program_id == program_id]
        first, teller = own[0], Teller(own[0].program, own[0].timezone, language_now())
        periods = {i.period for i in own}
        start, end = (first.period.start, first.period.end) if len(periods) == 1 else (None, None)
        days = _("%(start)s to %(end)s", start=teller.day(start), end=teller.last_day(end)) if start and end else ""
        totals.append(
            Total(
                program_title(first.program),
                sum(i.standing.minutes for i in own),
                days,
                [
                    (one.label, teller.day(one.starts_at), teller.last_day(one.ends_at), one.minutes)
                    for one in closed
                    if one.program_id == program_id
                ],
                sum(i.standing.all_minutes for i in own),
            )
        )
    return totals


def _section(found: InCommunity, decided: list[Event], *, named: bool) -> Section:
    standing, language = found.standing, language_now()
    low, high = standing.band_min, standing.band_max
    band = (low, high) if low is not None and high is not None else None
    drawn = patterns(found.program.components)
    ordered = {
        code: standing.by_component[code] for code in (*drawn, *standing.by_component) if code in standing.by_component
    }
    told = tell(found, language)
    teller = Teller(found.program, found.timezone, language)
    waiting = {line.decision for line in found.lines if line.nothing is Nothing.NOT_APPROVED}
    acts = may(Permission.ADJUST_HOURS)
    return Section(
        found,
        told,
        program_title(found.program),
        topic_title(found.program, found.topic),
        region_title(found.program, found.region),
        bar(ordered, drawn, scale_for([standing.minutes], high), band),
        drawn,
        teller.units(standing.minutes) if standing.minutes else [],
        [line for line in told.lines if line.line.nothing is None],
        [line for line in told.lines if line.line.nothing is not None],
        [decided_words.tell(each, teller, named=named, waits=str(each.id) in waiting) for each in decided],
        acts is not None and acts.reaches(found.program.program, found.region, found.community_id),
    )
