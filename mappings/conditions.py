"""Whether a condition is reached: what counted, what didn't and why, what is still missing. Pure and total."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mappings.facts import Credit, Meeting
from mappings.occasions import occasions
from mappings.periods import Span
from mappings.program import Program
from mappings.requirements import (
    ActivitiesNeeded,
    Condition,
    CyclesNeeded,
    HoursNeeded,
    MilestonesNeeded,
    SessionsNeeded,
)


class Lacks(StrEnum):
    """What is still to do; the words for it belong to the pages."""

    HOURS = "hours"
    """`minutes`, and `component` or None."""
    ACTIVITY = "activity"
    """`rule`."""
    ACTIVITIES = "activities"
    """`count` more of `rules`."""
    SESSION = "session"
    """`session` (its code), `title`, `starts_at`."""
    SESSIONS = "sessions"
    """`count` more, of `kind` and `mode` or None."""
    MILESTONE = "milestone"
    """`milestone`, and the `session` that it follows or None."""
    MILESTONES = "milestones"
    """`count` more of `milestone`."""
    CYCLES = "cycles"
    """`count` more of `cycle`."""
    PHASE = "phase"
    """`phase` of the begun cycle `label` of `cycle`."""
    ANY_OF = "any_of"
    """`count` more of several."""
    SETTING = "setting"
    """The program file has yet to state a figure."""
    CALENDAR = "calendar"
    """The period can't be told: a date or the calendar is missing."""


class PassedOver(StrEnum):
    """Why something that could have counted didn't."""

    OUTSIDE_PERIOD = "outside_period"
    NOT_PROVEN = "not_proven"
    NOT_FULL = "not_full"
    """Of a cycle: phases are missing."""
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Missing:
    """One thing that is still to do: a code and its parameters."""

    code: Lacks
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Done:
    """An activity that was completed, by the rule that it falls under."""

    rule: str
    key: str
    happened_at: datetime


@dataclass(frozen=True, slots=True)
class Reached:
    """A milestone that was reached. `session`: the item of the one that it follows."""

    milestone: str
    key: str
    happened_at: datetime
    cycle: str = ""
    session: str | None = None
    proven: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything about one participant, team, organisation, community or program that conditions look at."""

    credits: tuple[Credit, ...] = ()
    activities: tuple[Done, ...] = ()
    sessions: tuple[Meeting, ...] = ()
    """Held, planned or cancelled, that it is about."""
    attended: frozenset[str] | None = None
    """Items of the sessions attended; None: who was there doesn't matter, a session that is over counts."""
    milestones: tuple[Reached, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """How far a condition is: `have` of `need` (minutes or a count). `need` None: it is yet to be set."""

    have: int
    need: int | None
    unit: str = "count"
    missing: tuple[Missing, ...] = ()
    counted: tuple[str, ...] = ()
    passed_over: tuple[tuple[str, PassedOver], ...] = ()
    ends: tuple[datetime, ...] = ()
    """Moments at which a part of it is due."""

    @property
    def met(self) -> bool:
        return self.need is not None and self.have >= self.need and not self.missing


SETTING = Missing(Lacks.SETTING)


def check(condition: Condition, evidence: Evidence, program: Program, span: Span, now: datetime) -> Result:
    """How far a condition is within a span."""
    if condition.hours:
        return _hours(condition.hours, evidence, program, span)
    if condition.activities:
        return _activities(condition.activities, evidence, span)
    if condition.sessions:
        return _sessions(condition.sessions, evidence, program, span, now)
    if condition.milestones:
        if condition.milestones.each_session:
            return _after_sessions(condition.milestones, evidence, program, span, now)
        return _milestones(condition.milestones, evidence, program, span)
    if condition.cycles:
        return _cycles(condition.cycles, evidence, program, span)
    parts = [check(part, evidence, program, span, now) for part in condition.parts]
    return _several(condition, parts)


def _hours(needed: HoursNeeded, evidence: Evidence, program: Program, span: Span) -> Result:
    counted = [c for c in evidence.credits if needed.component in (None, c.component)]
    inside = [c for c in counted if span.holds(c.happened_at)]
    have = sum(c.minutes for c in inside)
    keys = tuple(c.key for c in inside)
    outside = tuple((c.key, PassedOver.OUTSIDE_PERIOD) for c in counted if not span.holds(c.happened_at))
    if needed.min_hours == "to_be_set":
        return Result(have, None, "minutes", (SETTING,), keys, outside)
    need = program.minutes(needed.min_hours)
    lacks = Missing(Lacks.HOURS, {"minutes": need - have, "component": needed.component})
    return Result(have, need, "minutes", (lacks,) if have < need else (), keys, outside)


def _activities(needed: ActivitiesNeeded, evidence: Evidence, span: Span) -> Result:
    inside: dict[str, str] = {}
    for done in sorted(evidence.activities, key=lambda d: (d.happened_at, d.key)):
        if done.rule in needed.rules and span.holds(done.happened_at):
            inside.setdefault(done.rule, done.key)
    outside = tuple(
        (d.key, PassedOver.OUTSIDE_PERIOD)
        for d in evidence.activities
        if d.rule in needed.rules and not span.holds(d.happened_at)
    )
    every = needed.at_least == "all"
    need = len(needed.rules) if needed.at_least == "all" else needed.at_least
    left = [rule for rule in needed.rules if rule not in inside]
    missing: tuple[Missing, ...] = ()
    if every:
        missing = tuple(Missing(Lacks.ACTIVITY, {"rule": rule}) for rule in left)
    elif len(inside) < need:
        missing = (Missing(Lacks.ACTIVITIES, {"count": need - len(inside), "rules": left}),)
    return Result(len(inside), need, "count", missing, tuple(inside.values()), outside)


def _wanted(needed: SessionsNeeded, meeting: Meeting, codes: Callable[[str], bool]) -> bool:
    return (
        (not needed.codes or codes(meeting.code))
        and needed.kind in (None, meeting.kind)
        and needed.mode in (None, meeting.mode)
    )


def _sessions(needed: SessionsNeeded, evidence: Evidence, program: Program, span: Span, now: datetime) -> Result:
    def named(code: str) -> bool:
        return any(re.fullmatch(pattern, code) for pattern in needed.codes)

    wanted = [o for o in occasions(evidence.sessions) if _wanted(needed, o.lead, named)]
    if needed.at_least == "all" and not (needed.codes or needed.kind):
        # Nobody is missing at a voluntary session, unless it is asked for by name.
        voluntary = {kind.kind for kind in program.session_kinds if kind.voluntary}
        wanted = [o for o in wanted if o.lead.kind not in voluntary]
    inside = [o for o in wanted if span.holds(o.starts_at)]
    there = [item for o in inside if (item := o.attended(evidence.attended, now))]
    left = [o for o in inside if not o.attended(evidence.attended, now)]
    passed = [(o.item, PassedOver.ABSENT) for o in left if o.last.starts_at <= now]
    passed += [(o.item, PassedOver.OUTSIDE_PERIOD) for o in wanted if o not in inside]
    keys = tuple(there)
    if needed.at_least == "to_be_set":
        return Result(len(there), None, "count", (SETTING,), keys, tuple(passed))
    need = max(1, len(inside)) if needed.at_least == "all" else needed.at_least
    params = {"kind": needed.kind, "mode": needed.mode}
    if needed.at_least == "all" and inside:
        missing = tuple(
            Missing(Lacks.SESSION, {"session": m.code, "title": m.title, "starts_at": m.starts_at.isoformat()})
            for m in (o.last for o in left)
        )
    else:
        short = need - len(there)
        missing = (Missing(Lacks.SESSIONS, {"count": short} | params),) if short > 0 else ()
    return Result(len(there), need, "count", missing, keys, tuple(passed))


def _usable(
    milestone: str, evidence: Evidence, program: Program, span: Span | None
) -> tuple[list[Reached], list[tuple[str, PassedOver]]]:
    """The milestones that count, and those that don't."""
    known = program.milestones_by_name.get(milestone)
    proof = known is not None and known.evidence == "required"
    fine: list[Reached] = []
    passed: list[tuple[str, PassedOver]] = []
    for reached in sorted(evidence.milestones, key=lambda r: (r.happened_at, r.key)):
        if reached.milestone != milestone:
            continue
        if proof and not reached.proven:
            passed.append((reached.key, PassedOver.NOT_PROVEN))
        elif span is not None and not span.holds(reached.happened_at):
            passed.append((reached.key, PassedOver.OUTSIDE_PERIOD))
        else:
            fine.append(reached)
    return fine, passed


def _milestones(needed: MilestonesNeeded, evidence: Evidence, program: Program, span: Span) -> Result:
    fine, passed = _usable(needed.milestone, evidence, program, span)
    keys = tuple(r.key for r in fine)
    if needed.at_least == "to_be_set":
        return Result(len(fine), None, "count", (SETTING,), keys, tuple(passed))
    short = needed.at_least - len(fine)
    lacks = Missing(Lacks.MILESTONES, {"milestone": needed.milestone, "count": short})
    return Result(len(fine), needed.at_least, "count", (lacks,) if short > 0 else (), keys, tuple(passed))


def _after_sessions(
    needed: MilestonesNeeded, evidence: Evidence, program: Program, span: Span, now: datetime
) -> Result:
    """One for each session of a kind that was held in the span; sessions to come ask for nothing yet."""
    fine, passed = _usable(needed.milestone, evidence, program, None)
    by_session = {r.session: r for r in reversed(fine) if r.session}
    held = [o for o in occasions(evidence.sessions) if o.lead.kind == needed.each_session and span.holds(o.starts_at)]
    done = {o.item: by_session[item] for o in held for item in reversed(o.items) if item in by_session}
    over = [o for o in held if o.starts_at <= now]
    found = [done[o.item] for o in over if o.item in done]
    missing = tuple(
        Missing(
            Lacks.MILESTONE,
            {"milestone": needed.milestone, "session": o.meetings[0].code, "starts_at": o.starts_at.isoformat()},
        )
        for o in over
        if o.item not in done
    )
    keys = tuple(r.key for r in found)
    ends = tuple(o.starts_at for o in held if o.item not in done)
    return Result(len(found), len(over), "count", missing, keys, tuple(passed), ends)


def _cycles(needed: CyclesNeeded, evidence: Evidence, program: Program, span: Span) -> Result:
    """Full cycles of which the last phase that a full one needs lies in the span."""
    cycle = next((c for c in program.cycles if c.cycle == needed.cycle), None)
    if cycle is None or cycle.full == "to_be_set" or needed.at_least == "to_be_set":
        return Result(0, None, "count", (SETTING,))
    by_label, passed = _phases(needed.cycle, evidence, program)
    full, missing = [], []
    for label, phases in sorted(by_label.items()):
        lacking = [phase for phase in cycle.full if phase not in phases]
        if lacking:
            passed.append((label, PassedOver.NOT_FULL))
            missing += [Missing(Lacks.PHASE, {"cycle": cycle.cycle, "label": label, "phase": p}) for p in lacking]
        elif span.holds(max(phases[phase] for phase in cycle.full)):
            full.append(label)
        else:
            passed.append((label, PassedOver.OUTSIDE_PERIOD))
    short = needed.at_least - len(full)
    if short <= 0:
        return Result(len(full), needed.at_least, "count", (), tuple(full), tuple(passed))
    lacks = Missing(Lacks.CYCLES, {"cycle": needed.cycle, "count": short})
    return Result(len(full), needed.at_least, "count", (lacks, *missing), tuple(full), tuple(passed))


def _phases(
    cycle: str, evidence: Evidence, program: Program
) -> tuple[dict[str, dict[str, datetime]], list[tuple[str, PassedOver]]]:
    """When each phase of each begun cycle was first reached, by the cycle's label; and what doesn't count."""
    by_label: dict[str, dict[str, datetime]] = {}
    passed: list[tuple[str, PassedOver]] = []
    for milestone in program.milestones:
        if milestone.cycle != cycle or milestone.phase is None:
            continue
        fine, unfit = _usable(milestone.milestone, evidence, program, None)
        passed += unfit
        for reached in fine:
            phases = by_label.setdefault(reached.cycle, {})
            phases[milestone.phase] = min(phases.get(milestone.phase, reached.happened_at), reached.happened_at)
    return by_label, passed


def _several(condition: Condition, parts: list[Result]) -> Result:
    need = len(parts) if condition.all_of else condition.n_of.at_least if condition.n_of else 1
    have = sum(part.met for part in parts)
    counted = tuple(key for part in parts for key in part.counted)
    passed = tuple(item for part in parts for item in part.passed_over)
    missing: tuple[Missing, ...] = ()
    if have < need:
        missing = tuple(lack for part in parts if not part.met for lack in part.missing)
        if not condition.all_of:
            missing = (Missing(Lacks.ANY_OF, {"count": need - have}), *missing)
    ends = tuple(moment for part in parts for moment in part.ends)
    # Where a figure that is yet to be set may decide, the whole waits for it.
    waits = have < need <= have + sum(part.need is None for part in parts)
    return Result(have, None if waits else need, "count", missing, counted, passed, ends)


def first(moments: Iterable[datetime | None], now: datetime) -> datetime | None:
    """The next of several moments after `now`."""
    return min((moment for moment in moments if moment and moment > now), default=None)
