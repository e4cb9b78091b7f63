"""Sessions of a provisioned community, here and in the course's calendar in Moodle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.provision.differences import Difference, Kind
from jobs.provision.house import House
from jobs.provision.plan import InTheWay, Problem
from jobs.provision.situation import CourseSituation
from mappings.provision_wanted import WantedCourse, WantedSession
from moodle_client import CalendarEvent
from records import sessions
from records.models import MirrorModule, SessionRow
from records.session_checks import Draft, SessionError, with_length

SHOWN = ("title", "starts_at", "ends_at", "planned_minutes", "mode", "kind", "place", "link", "required")
"""What staff, or the file, may have changed of a session since."""
REASON = "The provision file was changed"


def as_applied(wanted: WantedCourse) -> dict[str, Any]:
    """The sessions as the file has them, to be kept with the course: by it is told later who changed one."""
    return {_key(one.code, name): _text(getattr(_draft(one), name)) for one in wanted.sessions for name in SHOWN}


def _key(code: str, name: str) -> str:
    return f"session:{code.casefold()}:{name}"


def differences(
    session: Session,
    wanted: WantedCourse,
    community: UUID | None,
    found: CourseSituation | None,
    applied: Mapping[str, Any],
) -> Iterator[Difference]:
    """Sessions that aren't as the file has them, and those that the course's calendar lacks. `community` None: it is
    yet to be one; `applied`: what `as_applied` said at the last application."""
    planned = _planned(session, community) if community else {}
    events = [event for event in found.events if not event.modulename] if found else []
    titles = {one.title for one in wanted.sessions} | {row.title for row in planned.values()}
    for one in wanted.sessions:
        row = planned.get(one.code.casefold())
        if row is None:
            yield Difference(Kind.SESSION, one.code, one.starts_at.isoformat(), None)
        else:
            for name in SHOWN:
                was, is_ = getattr(_draft(one), name), getattr(row, name)
                if was != is_:
                    # As the file had it once, and staff changed it; otherwise the file was changed.
                    by_hand = applied.get(_key(one.code, name), _text(was)) == _text(was)
                    yield Difference(Kind.SESSION_CHANGED, one.code, _text(was), _text(is_), by_hand=by_hand)
        if one.calendar and not (row is not None and row.cancelled_at):
            yield from _event(one, row, events, titles)


def _event(
    wanted: WantedSession, row: SessionRow | None, events: Sequence[CalendarEvent], titles: set[str]
) -> Iterator[Difference]:
    """What the calendar lacks. The session as staff have it now counts, not as the file has it."""
    title, starts = (row.title, row.starts_at) if row else (wanted.title, wanted.starts_at)
    there = [event for event in events if event.name == title]
    # One at that time under a name that no session has is this one, and somebody renamed it.
    if any(event.timestart == int(starts.timestamp()) and event.name not in titles - {title} for event in events):
        return
    if there:
        elsewhere = datetime.fromtimestamp(there[0].timestart, UTC)
        yield Difference(Kind.EVENT_ELSEWHERE, wanted.code, starts.isoformat(), elsewhere.isoformat(), by_hand=True)
    else:
        yield Difference(Kind.EVENT, wanted.code, starts.isoformat(), None)


def _planned(session: Session, community: UUID) -> dict[str, SessionRow]:
    rows = session.scalars(select(SessionRow).where(SessionRow.community_id == community))
    return {row.code.casefold(): row for row in rows}


def _text(value: object) -> str | bool | None:
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, bool) or value is None else str(value)


def _draft(wanted: WantedSession) -> Draft:
    """A session as people would state it."""
    return with_length(
        Draft(
            title=wanted.title,
            code=wanted.code,
            starts_at=wanted.starts_at,
            timezone=wanted.timezone,
            mode=wanted.mode,
            ends_at=wanted.ends_at,
            kind=wanted.kind,
            planned_minutes=wanted.minutes,
            place=" ".join(wanted.place.split()),
            link=wanted.link,
            required=wanted.required,
        )
    )


def write(
    house: House,
    wanted: WantedCourse,
    course: int,
    community: UUID,
    differ: Sequence[Difference],
    known: Mapping[str, Any],
) -> None:
    """Plan the sessions that are missing, have those be as the file says now that it was changed for, and put into the
    calendar what it lacks. `known`: see `differences`. Raises MoodleError, InTheWay."""
    missing = {one.about for one in differ if one.kind is Kind.SESSION}
    changed = {one.about for one in differ if one.kind is Kind.SESSION_CHANGED}
    with house.transaction() as session:
        planned = _planned(session, community)
        for one in wanted.sessions:
            if one.code in missing:
                _plan(house, session, one, course, community)
            elif one.code in changed:
                _change(house, session, one, planned[one.code.casefold()], known)
        planned = _planned(session, community)
    lacking = {one.about for one in differ if one.kind is Kind.EVENT}
    rows = [_row(planned[one.code.casefold()], course) for one in wanted.sessions if one.code in lacking]
    if rows:
        house.moodle.create_calendar_events(rows)


def _plan(house: House, session: Session, wanted: WantedSession, course: int, community: UUID) -> None:
    draft = _draft(wanted)
    values: dict[str, Any] = {field.name: getattr(draft, field.name) for field in fields(draft)}
    if wanted.activity:
        module = session.scalar(
            select(MirrorModule.module_id).where(
                MirrorModule.site_id == house.site_id,
                MirrorModule.course_id == course,
                MirrorModule.idnumber == wanted.activity,
                MirrorModule.present,
            )
        )
        if module is None:
            raise InTheWay(Problem.ACTIVITY_GONE, activity=wanted.activity)
        values["module"] = (house.site_id, module)
    try:
        sessions.make(session, community, Draft(**values), house.actor, house.clock())
    except SessionError as err:
        raise InTheWay(Problem.SESSION, code=wanted.code, fault=str(err.fault)) from err


def _change(house: House, session: Session, wanted: WantedSession, row: SessionRow, applied: Mapping[str, Any]) -> None:
    """Have a session be as the file says, in what the file was changed; what staff changed stays."""
    draft = _draft(wanted)
    new = {
        name: getattr(draft, name)
        for name in SHOWN
        if applied.get(_key(wanted.code, name)) not in (None, _text(getattr(draft, name)))
    }
    try:
        now = replace(sessions.draft_of(session, row), **new)
        sessions.change(session, row.id, now, house.actor, house.clock(), reason=REASON)
    except SessionError as err:
        raise InTheWay(Problem.SESSION, code=wanted.code, fault=str(err.fault)) from err


def _row(planned: SessionRow, course: int) -> dict[str, Any]:
    """A session as the calendar takes it."""
    length = planned.ends_at - planned.starts_at if planned.ends_at else timedelta(minutes=planned.planned_minutes or 0)
    return {
        "name": planned.title,
        "courseid": course,
        "eventtype": "course",
        "timestart": int(planned.starts_at.timestamp()),
        "timeduration": int(length.total_seconds()),
        "description": " ".join(part for part in (planned.place, planned.link) if part),
        "format": 2,
    }
