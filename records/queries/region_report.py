"""The report on a program, or a region of it, and a period: communities in numbers and hours by month, nobody's name.

The present period is told by stored standings, a closed one by its snapshot, other days by the ledger alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Subquery,
    Text,
    cast,
    column,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from mappings.periods import ALWAYS, Calendar, Span, span_at
from mappings.program import Program, ProgramVersion, version_at
from mappings.standing import Status
from records.actor import Actor
from records.keys import among
from records.models import ClosedMember, Closing, Community, LedgerEntry, Membership, ProgramRow, StandingRow
from records.programs import versions_by_program
from records.queries.board import CommunityLine, board
from records.queries.filters import Figures, PeopleFilter
from records.queries.periods import days_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is reported on. `region`: a code, or empty for all; `closing` and `days` (both included): the period, or
    neither, for the present one."""

    program: str
    region: str = ""
    closing: UUID | None = None
    days: tuple[date, date] | None = None

    def filter(self) -> PeopleFilter:
        """The same as a filter; without days, which filters don't know."""
        period = str(self.closing) if self.closing else ""
        return PeopleFilter(program=self.program, region=self.region, period=period)


@dataclass(frozen=True, slots=True)
class Closed:
    """The closed period that is reported on."""

    id: UUID
    label: str
    closed_at: datetime
    sha256: str


@dataclass(slots=True)
class Report:
    """All figures of a report; minutes are whole."""

    program: Program
    lines: list[CommunityLine]
    """Of other days than a period `met` is who has the minimum in them, and nobody is behind."""
    days: tuple[date, date] | None
    """The first and the last day; None: without a limit on either side."""
    closed: Closed | None = None
    components: Counter[str] = field(default_factory=Counter)
    months: dict[date, Counter[str]] = field(default_factory=dict)
    """Minutes by the first of the month in which they were earned, and by component."""


def report(session: Session, actor: Actor, wanted: Wanted, now: datetime) -> Report | None:
    """The report within the actor's scope; None for a program or closed period that isn't there for the actor."""
    found = board(session, actor, wanted.filter())
    program_id = session.scalar(select(ProgramRow.id).where(ProgramRow.code == wanted.program))
    if program_id is None or wanted.program not in found.programs or not _reaches(session, actor, wanted.program):
        return None
    versions = versions_by_program(session)[program_id]
    program = found.programs[wanted.program]
    told = Report(program, found.communities, None)
    if wanted.closing:
        row = session.scalars(
            select(Closing).where(Closing.id == wanted.closing, Closing.program_id == program_id)
        ).one_or_none()
        if row is None:
            return None
        told.days = days_of(Span(row.starts_at, row.ends_at), program)
        told.closed = Closed(row.id, row.label, row.closed_at, row.sha256)
        told.lines = _banded(told.lines, version_at(versions, row.ends_at - timedelta(seconds=1)))
        _add(told, session.execute(_of_snapshot(actor, wanted)))
    elif wanted.days:
        told.days = wanted.days
        _of_days(session, actor, wanted, told)
    else:
        span = _present(program, now)
        told.days = days_of(span, program) if span.start and span.end else None
        _add(told, session.execute(_of_ledger(_counted(actor, wanted, _active()), span)))
        # What was brought along by a transfer, or handed on by the period before, has no entry of its own here.
        told.components = _by_component(session, actor, wanted)
    return told


def _reaches(session: Session, actor: Actor, program: str) -> bool:
    """Whether there is a community of the program in scope."""
    places = PeopleFilter(program=program).places(actor)
    return session.scalar(select(Community.id).where(*places).limit(1)) is not None


def _present(program: Program, now: datetime) -> Span:
    """The commitment's present period, as far as it is the same for all communities."""
    return span_at(program.period, Calendar(program.zone, program.school_year, program.terms), now) or ALWAYS


def _active() -> ColumnElement[bool]:
    return Membership.status == "active"


def _counted(actor: Actor, wanted: Wanted, counts: ColumnElement[bool]) -> list[ColumnElement[bool]]:
    """Conditions on `memberships`: participants of the communities that are reported on."""
    places = select(Community.id).where(*wanted.filter().places(actor)).correlate(None)
    m = Membership
    return [m.community_id.in_(places), m.merged_into.is_(None), m.role == "participant", counts]


def _within(span: Span) -> list[ColumnElement[bool]]:
    at = LedgerEntry.happened_at
    return [*([at >= span.start] if span.start else []), *([at < span.end] if span.end else [])]


def _of_ledger(counted: Sequence[ColumnElement[bool]], span: Span) -> Select[Any]:
    """(Local first of the month, component, minutes) of what was credited."""
    e = LedgerEntry
    month = func.date_trunc("month", func.timezone(Community.timezone, e.happened_at)).label("month")
    return (
        select(month, e.component, func.sum(e.minutes))
        .select_from(e)
        .join(Membership, Membership.id == e.membership_id)
        .join(Community, Community.id == Membership.community_id)
        .where(*counted, *_within(span))
        .group_by(month, e.component)
    )


def _of_snapshot(actor: Actor, wanted: Wanted) -> Select[Any]:
    """The same out of a closed period's snapshot."""
    c = ClosedMember
    parts = (column("component", Text), column("minutes", Integer), column("happened_at", DateTime(timezone=True)))
    credit = func.jsonb_to_recordset(c.credits).table_valued(*parts).render_derived(name="credit", with_types=True)
    month = func.date_trunc("month", func.timezone(Community.timezone, credit.c.happened_at)).label("month")
    return (
        select(month, credit.c.component, func.sum(credit.c.minutes))
        .select_from(c)
        .join(Membership, Membership.id == c.membership_id)
        .join(Community, Community.id == Membership.community_id)
        .join(credit, true())
        .where(c.closing_id == wanted.closing, *_counted(actor, wanted, Figures.of(wanted.filter()).counts))
        .group_by(month, credit.c.component)
    )


def _add(told: Report, rows: Iterable[Any]) -> None:
    for month, component, minutes in rows:
        if minutes:
            told.months.setdefault(month.date(), Counter())[component] += int(minutes)
            told.components[component] += int(minutes)


def _by_component(session: Session, actor: Actor, wanted: Wanted) -> Counter[str]:
    part = func.jsonb_each_text(StandingRow.by_component).table_valued("key", "value").render_derived(name="part")
    rows = session.execute(
        select(part.c.key, func.sum(cast(part.c.value, Integer)))
        .select_from(StandingRow)
        .join(Membership, Membership.id == StandingRow.membership_id)
        .join(part, true())
        .where(*_counted(actor, wanted, _active()))
        .group_by(part.c.key)
    )
    return Counter({code: int(minutes) for code, minutes in rows if minutes})


def _banded(lines: Iterable[CommunityLine], version: ProgramVersion) -> list[CommunityLine]:
    """A snapshot knows no band: that of the topic, as the program had it at the time."""
    found = []
    for line in lines:
        band = version.program.band(line.topic)
        known = band if line.asked else None
        found.append(replace(line, band_min=known.min_minutes, band_max=known.max_minutes) if known else line)
    return found


def _of_days(session: Session, actor: Actor, wanted: Wanted, told: Report) -> None:
    """Fill in what was earned on some days, by the ledger."""
    if wanted.days is None:
        return
    calendar = Calendar(told.program.zone)
    first, last = wanted.days
    span = Span(calendar.midnight(first), calendar.midnight(last + timedelta(days=1)))
    earned = _earned([line.id for line in told.lines], span)
    counts = or_(_active(), Membership.id.in_(select(earned.c.membership_id).where(earned.c.minutes > 0)))
    counted = _counted(actor, wanted, counts)
    of = {row.community_id: row for row in session.execute(_figures(counted, earned))}
    told.lines = [_on_days(line, of.get(line.id)) for line in told.lines]
    _add(told, session.execute(_of_ledger(counted, span)))


def _earned(communities: list[UUID], span: Span) -> Subquery:
    """Minutes of each membership."""
    e = LedgerEntry
    of = select(e.membership_id, func.sum(e.minutes).label("minutes")).join(
        Membership, Membership.id == e.membership_id
    )
    return of.where(among(Membership.community_id, communities), *_within(span)).group_by(e.membership_id).subquery()


def _figures(counted: Sequence[ColumnElement[bool]], earned: Subquery) -> Select[Any]:
    m, s = Membership, StandingRow
    minutes = func.coalesce(earned.c.minutes, 0)
    return (
        select(
            m.community_id,
            func.count().label("participants"),
            func.sum(minutes).label("minutes"),
            func.count().filter(minutes >= s.band_min).label("met"),
            func.count().filter(s.status != str(Status.NO_COMMITMENT)).label("asked"),
            func.min(s.band_min).label("band_min"),
            func.max(s.band_max).label("band_max"),
        )
        .select_from(m)
        .outerjoin(earned, earned.c.membership_id == m.id)
        .outerjoin(s, s.membership_id == m.id)
        .where(*counted)
        .group_by(m.community_id)
    )


def _on_days(line: CommunityLine, row: Any) -> CommunityLine:
    nothing = replace(
        line, participants=0, minutes=0, average=0, met=0, behind=0, cannot_reach=0, on_their_way=0, asked=0
    )
    if row is None:
        return nothing
    minutes = int(row.minutes)
    return replace(
        nothing,
        participants=row.participants,
        minutes=minutes,
        average=round(minutes / row.participants),
        met=row.met,
        asked=row.asked,
        band_min=row.band_min,
        band_max=row.band_max,
    )
