"""Hours over time: what the active participants of a community have on average, week after week, and the pace."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from mappings.facts import Member
from mappings.periods import Span
from mappings.program import Program, version_at
from mappings.standing import spans
from records.actor import Actor, in_scope
from records.models import Community, LedgerEntry, Membership
from records.programs import versions_by_program
from records.surroundings import surroundings

WEEK = timedelta(days=7)
MOST = 60
"""So many weeks are shown at most: the latest. What was earned before them is in the first figure."""


@dataclass(frozen=True, slots=True)
class Point:
    """What there was at an instant (aware UTC): average minutes of all active participants, since the period began."""

    at: datetime
    minutes: float


@dataclass(frozen=True, slots=True)
class HoursOverTime:
    """The averages of a community, the band, and the days between which pace is told."""

    program: Program
    topic: str
    timezone: str
    people: int
    """Active participants: the average is over them, whenever they came."""
    points: list[Point]
    """The first at the beginning, then one at the end of each week, the last one now; none before the beginning."""
    band: tuple[int, int] | None
    start: datetime | None
    end: datetime | None
    """The first instant after the last day."""

    @property
    def paced(self) -> bool:
        """Whether an even pace from the first to the last day is asked for."""
        return bool(self.program.pace and self.band and self.start and self.end and self.start < self.end)

    def pace_at(self, moment: datetime) -> float:
        """The minutes of an even pace; 0 where there is none."""
        if not self.paced or self.start is None or self.end is None or self.band is None:
            return 0
        share = (moment - self.start) / (self.end - self.start)
        return self.band[0] * min(1.0, max(0.0, share))


def hours_over_time(session: Session, actor: Actor, community_id: UUID, now: datetime) -> HoursOverTime | None:
    """The averages of a community by the ledger; None for one that doesn't exist or is out of scope alike.

    What a transfer brings along is in the ledger of the membership that it came from, and not counted here.
    """
    row = session.scalars(select(Community).where(Community.id == community_id, in_scope(actor))).one_or_none()
    if row is None:
        return None
    version = version_at(versions_by_program(session)[row.program_id], now)
    around = surroundings(session, [community_id])[community_id].by(version)
    span, run = spans(version.program, Member(), around, now)
    band = version.program.band(row.topic, version.program.of_community(row.topic, row.region, around.idnumbers))
    people = session.scalar(select(func.count()).select_from(Membership).where(*_active(community_id))) or 0
    by_week = _by_week(session, community_id, span, row.timezone) if people else {}
    return HoursOverTime(
        version.program,
        row.topic,
        row.timezone,
        people,
        _points(by_week, people, run, now, ZoneInfo(row.timezone)),
        (band.min_minutes, band.max_minutes) if band else None,
        run.start,
        run.end,
    )


def _active(community_id: UUID) -> tuple[ColumnElement[bool], ...]:
    m = Membership
    here = (m.community_id == community_id, m.merged_into.is_(None))
    return (*here, m.role == "participant", m.status == "active")


def _by_week(session: Session, community_id: UUID, span: Span, timezone: str) -> dict[datetime, int]:
    """Minutes by the local Monday (without a zone) of the week in which they were earned."""
    e = LedgerEntry
    week = func.date_trunc("week", func.timezone(timezone, e.happened_at)).label("week")
    wanted = select(week, func.sum(e.minutes)).join(Membership, Membership.id == e.membership_id)
    wanted = wanted.where(*_active(community_id))
    if span.start:
        wanted = wanted.where(e.happened_at >= span.start)
    if span.end:
        wanted = wanted.where(e.happened_at < span.end)
    return {monday: int(minutes) for monday, minutes in session.execute(wanted.group_by(week))}


def _points(by_week: Mapping[datetime, int], people: int, run: Span, now: datetime, zone: ZoneInfo) -> list[Point]:
    """Cumulated averages from the first day, or the first week with hours, until now or the last day."""
    until = min(now, run.end) if run.end else now
    first = run.start or min((_instant(week, zone) for week in by_week), default=None)
    if first is None or not people or until <= first:
        return []
    first = max(first, until - MOST * WEEK)
    monday = _monday(first, zone)
    total = sum(minutes for week, minutes in by_week.items() if week < monday)
    points = [Point(first, total / people)]
    while _instant(monday, zone) < until:
        total += by_week.get(monday, 0)
        monday += WEEK
        points.append(Point(min(_instant(monday, zone), until), total / people))
    # What has a date to come, such as a session that ended early, is there by now.
    late = sum(minutes for week, minutes in by_week.items() if week >= monday)
    return [*points[:-1], Point(points[-1].at, (total + late) / people)]


def _monday(moment: datetime, zone: ZoneInfo) -> datetime:
    there = moment.astimezone(zone).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
    return there - timedelta(days=there.weekday())


def _instant(local: datetime, zone: ZoneInfo) -> datetime:
    return local.replace(tzinfo=zone).astimezone(UTC)
