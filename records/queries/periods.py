"""Closed periods as pages show them, and the periods of a program that could be closed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, String, cast, func, select
from sqlalchemy.orm import Session

from mappings.periods import Calendar, Period, Span, before, span_at
from mappings.program import Program
from records.actor import Actor, Scope
from records.models import ClosedMember, Closing, Decision, ProgramRow, User
from records.programs import newest, versions_by_program

MOST = 3
"""So many of the periods that are over are proposed, of each kind."""


@dataclass(frozen=True, slots=True)
class ClosedPeriod:
    """A closed period. Days are local ones of the program, both included; minutes are whole."""

    id: UUID
    program: Program
    label: str
    first: date
    last: date
    closed_at: datetime
    closed_by: str
    """A name, or `cli`."""
    reason: str
    sha256: str
    members: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Choice:
    """A period of a program that is over and not closed: its days, both included."""

    first: date
    last: date
    every: str
    """`school_year` or `term`."""
    term: str = ""
    """The term's code."""


@dataclass(frozen=True, slots=True)
class PeriodsOf:
    """A program: its closed periods, the latest first, and what could be closed."""

    id: UUID
    program: Program
    closed: list[ClosedPeriod]
    choices: list[Choice]


def whole_programs(session: Session, actor: Actor) -> list[ProgramRow]:
    """The programs that lie in the actor's scope as a whole: a period is closed for all of one, or not at all."""
    named = [grant.scope for grant in actor.grants if grant.scope_kind is Scope.PROGRAM]
    wanted = select(ProgramRow).order_by(ProgramRow.code)
    return list(session.scalars(wanted if actor.unlimited else wanted.where(ProgramRow.code.in_(named))))


def whole_program(session: Session, actor: Actor, code: str) -> ProgramRow | None:
    """One of them by its code."""
    return next((row for row in whole_programs(session, actor) if row.code == code), None)


def periods(session: Session, actor: Actor, now: datetime) -> list[PeriodsOf]:
    """The programs in whole scope with their closed periods."""
    rows = whole_programs(session, actor)
    versions = versions_by_program(session)
    programs = {row.id: newest(versions[row.id]) for row in rows if versions.get(row.id)}
    found: dict[UUID, list[ClosedPeriod]] = {program_id: [] for program_id in programs}
    for row in session.execute(_closed().where(Closing.program_id.in_(list(programs)))).all():
        found[row.Closing.program_id].append(_shown(row, programs[row.Closing.program_id]))
    return [
        PeriodsOf(program_id, program, found[program_id], choices(program, found[program_id], now))
        for program_id, program in programs.items()
    ]


def period(session: Session, actor: Actor, closing_id: UUID) -> tuple[ClosedPeriod, Closing] | None:
    """A closed period of a program in whole scope."""
    rows = {row.id for row in whole_programs(session, actor)}
    found = session.execute(_closed().where(Closing.id == closing_id, Closing.program_id.in_(rows))).one_or_none()
    if found is None:
        return None
    program = newest(versions_by_program(session)[found.Closing.program_id])
    return _shown(found, program), found.Closing


def _closed() -> Any:
    sums = (
        select(
            ClosedMember.closing_id,
            func.count().label("members"),
            func.sum(ClosedMember.minutes).label("minutes"),
        )
        .group_by(ClosedMember.closing_id)
        .subquery()
    )
    return (
        select(
            Closing,
            Decision.reason,
            func.coalesce(User.name, Decision.actor).label("name"),
            func.coalesce(sums.c.members, 0).label("members"),
            func.coalesce(sums.c.minutes, 0).label("minutes"),
        )
        .join(Decision, Decision.id == Closing.decision_id)
        .outerjoin(User, cast(User.id, String) == Decision.actor)
        .outerjoin(sums, sums.c.closing_id == Closing.id)
        .order_by(Closing.starts_at.desc(), Closing.id)
    )


def _shown(row: Row[Any], program: Program) -> ClosedPeriod:
    closing: Closing = row.Closing
    first, last = days_of(Span(closing.starts_at, closing.ends_at), program)
    return ClosedPeriod(
        closing.id,
        program,
        closing.label,
        first,
        last,
        closing.closed_at,
        row.name,
        row.reason,
        closing.sha256,
        row.members,
        int(row.minutes),
    )


def days_of(span: Span, program: Program) -> tuple[date, date]:
    """The first and the last day of a span with both borders, in the program's time zone."""
    if span.start is None or span.end is None:
        raise ValueError("a period that is closed has two borders")
    calendar = Calendar(program.zone)
    return calendar.day(span.start), calendar.day(span.end) - timedelta(days=1)


def choices(program: Program, closed: Sequence[ClosedPeriod], now: datetime) -> list[Choice]:
    """The program's own school years and terms that are over, the latest first, without those that are closed."""
    calendar = Calendar(program.zone, program.school_year, program.terms)
    found = []
    for every in ("school_year", "term"):
        period = Period.model_validate({"every": every})
        span = span_at(period, calendar, now)
        # Between two terms the next one counts, and so the one before is over.
        for _ in range(MOST):
            span = before(period, calendar, span) if span else None
            if span is None or span.end is None or span.end > now:
                break
            first, last = days_of(span, program)
            if not any(one.first <= last and first <= one.last for one in closed):
                found.append(Choice(first, last, every, _term_at(program, first) if every == "term" else ""))
    return found


def _term_at(program: Program, first: date) -> str:
    if program.terms == "to_be_set":
        return ""
    return next((term.term for term in program.terms if term.starts == f"{first:%m-%d}"), "")
