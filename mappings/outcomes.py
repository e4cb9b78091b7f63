"""The requirements of a program for one participant, team, organisation, community or program: met, open, overdue."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from mappings.conditions import Evidence, Lacks, Missing, PassedOver, Result, check, first
from mappings.earning import Subject
from mappings.facts import Community, Member
from mappings.periods import Calendar, Span, before, months_later, span_at
from mappings.program import Program
from mappings.requirements import Due, Only, Requirement


class OutcomeStatus(StrEnum):
    MET = "met"
    OPEN = "open"
    OVERDUE = "overdue"
    WAIVED = "waived"
    TO_BE_SET = "to_be_set"
    """The program file has yet to state a figure, or the calendar a date."""


DONE = frozenset({OutcomeStatus.MET, OutcomeStatus.WAIVED})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a requirement stands. `have` of `need` in `unit` (minutes or count); `due`: the first instant too late."""

    requirement: str
    status: OutcomeStatus
    have: int
    need: int | None
    unit: str
    missing: tuple[Missing, ...] = ()
    counted: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, PassedOver], ...] = ()
    due: datetime | None = None
    span: Span | None = None
    changes_at: datetime | None = None
    """The next instant at which time alone may change it."""


NOBODY = Member()


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom requirements and notices are asked of."""

    member: Member = NOBODY
    community: Community | None = None


def calendar_of(program: Program, asked: Asked) -> Calendar:
    """What periods are computed from, for a participant, team, organisation, community or program."""
    community, organisation = asked.community, asked.member.organisation
    return Calendar(
        community.zone if community else program.zone,
        program.school_year,
        program.terms,
        community.span if community else Span(),
        organisation.designated_on if organisation else None,
    )


def concerns(only: Only, asked: Asked) -> bool:
    """Whether something is asked of somebody. What isn't known of them doesn't fit."""
    organisation, community = asked.member.organisation, asked.community
    has = (
        (only.job_roles, asked.member.job_role),
        (only.organisation_kinds, organisation.kind if organisation else None),
        (only.designations, organisation.designation if organisation else None),
        (only.levels, organisation.level if organisation else None),
        (only.topics, community.topic if community else None),
        (only.regions, community.region if community else None),
    )
    return all(not wanted or value in wanted for wanted, value in has) and (not only.newcomers or asked.member.newcomer)


def outcomes(
    program: Program, of: Subject, evidence: Evidence, asked: Asked, waived: Mapping[str, str], now: datetime
) -> list[Outcome]:
    """Every requirement that is asked, in the file's order.

    What a team, organisation, community or program missed in the period before stays, as overdue, for one
    period more: nobody would see it otherwise.
    """
    calendar = calendar_of(program, asked)
    found = []
    for requirement in program.requirements:
        if requirement.of != of or not concerns(requirement.only, asked):
            continue
        settled = requirement.requirement in waived
        span = span_at(requirement.within or program.period, calendar, now)
        if of != "participant" and span and requirement.due and requirement.due.at == "period_end":
            earlier = before(requirement.within or program.period, calendar, span)
            if earlier and _was_there(evidence, span):
                missed = _outcome(program, requirement, evidence, calendar, settled, earlier, now)
                found += [missed] if missed.status is OutcomeStatus.OVERDUE else []
        found.append(_outcome(program, requirement, evidence, calendar, settled, span, now))
    return found


def _was_there(evidence: Evidence, span: Span) -> bool:
    """Whether anything is known of the time before a period."""
    moments = [credit.happened_at for credit in evidence.credits]
    moments += [done.happened_at for done in evidence.activities]
    moments += [reached.happened_at for reached in evidence.milestones]
    moments += [meeting.starts_at for meeting in evidence.sessions]
    return any(span.start is not None and moment < span.start for moment in moments)


def _outcome(
    program: Program,
    requirement: Requirement,
    evidence: Evidence,
    calendar: Calendar,
    waived: bool,
    span: Span | None,
    now: datetime,
) -> Outcome:
    if span is None:
        result = Result(0, None, missing=(Missing(Lacks.CALENDAR),))
        dues: list[datetime] = []
    else:
        result = check(requirement, evidence, program, span, now)
        dues = list(_dues(requirement.due, result, span, calendar)) if requirement.due else []
    due = min(dues, default=None)
    late = due is not None and due <= now
    status = (
        OutcomeStatus.WAIVED
        if waived
        else OutcomeStatus.MET
        if result.met
        else OutcomeStatus.TO_BE_SET
        if result.need is None
        else OutcomeStatus.OVERDUE
        if late
        else OutcomeStatus.OPEN
    )
    moments = [*dues, span.start if span else None, span.end if span else None]
    moments += [meeting.starts_at for meeting in evidence.sessions]
    return Outcome(
        requirement.requirement,
        status,
        result.have,
        result.need,
        result.unit,
        () if status in DONE else result.missing,
        result.counted,
        result.passed_over,
        due,
        span,
        first(moments, now),
    )


def _dues(due: Due, result: Result, span: Span, calendar: Calendar) -> Iterator[datetime]:
    """The first instants that are too late."""
    if due.on:
        yield calendar.midnight(due.on + timedelta(days=1))
    elif due.at == "period_end":
        if span.end:
            yield span.end
    elif due.after == "session":
        for moment in result.ends:
            yield calendar.midnight(_after(calendar.day(moment), due))
    elif due.after == "designation":
        if calendar.anchor:
            yield calendar.midnight(_after(calendar.anchor, due))
    elif calendar.community.start:
        yield calendar.midnight(_after(calendar.day(calendar.community.start), due))


def _after(day: date, due: Due) -> date:
    """The day after the last one that is in time."""
    last = months_later(day, due.months) if due.months is not None else day + timedelta(days=due.days or 0)
    return last + timedelta(days=1)
