"""Sessions of a provisioned community, here and in the course's calendar in Moodle."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
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

SHOWN = ("title", "starts_at", "ends_at", "mode", "kind", "place", "link", "required")
"""What staff may have changed of a session since."""


def differences(
    session: Session, wanted: WantedCourse, community: UUID | None, found: CourseSituation | None
) -> Iterator[Difference]:
    """Sessions that aren't as the file has them, and those that the course's calendar lacks. `community` None: it is
    yet to be one."""
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
                    yield Difference(Kind.SESSION_CHANGED, one.code, _text(was), _text(is_), by_hand=True)
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


def write(house: House, wanted: WantedCourse, course: int, community: UUID, differ: Sequence[Difference]) -> None:
    """Plan the sessions that are missing, and put into the calendar what it lacks. Raises MoodleError, InTheWay."""
    missing = {one.about for one in differ if one.kind is Kind.SESSION}
    with house.transaction() as session:
        for one in wanted.sessions:
            if one.code in missing:
                _plan(house, session, one, course, community)
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
