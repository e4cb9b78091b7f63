"""Whether the parts of a program file fit together: every code that is named is there, and stands once."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mappings.base import Misplaced, Model
from mappings.earning import ActivityRule, Attendance, Cap, Milestone, SessionKind, Shared
from mappings.findings import Place, nearest
from mappings.periods import Period
from mappings.places import CommunityMatch, Particulars
from mappings.requirements import (
    ActivitiesNeeded,
    CyclesNeeded,
    HoursNeeded,
    MilestonesNeeded,
    Notice,
    Only,
    SessionsNeeded,
)

if TYPE_CHECKING:
    from mappings.program import Program

NAMES: dict[type[Model], dict[str, str]] = {
    ActivityRule: {"component": "components", "phase": "phases"},
    Attendance: {"components": "components"},
    SessionKind: {"component": "components"},
    Milestone: {"component": "components", "after": "session_kinds", "cycle": "cycles"},
    Cap: {"rules": "activities", "session_kinds": "session_kinds", "component": "components"},
    Shared: {"prefer": "regions"},
    CommunityMatch: {"topic": "topics", "region": "regions"},
    Particulars: {"topic": "topics", "region": "regions", "job_roles": "job_roles"},
    Only: {"topics": "topics", "regions": "regions", "job_roles": "job_roles"},
    HoursNeeded: {"component": "components"},
    ActivitiesNeeded: {"rules": "activities"},
    SessionsNeeded: {"kind": "session_kinds"},
    MilestonesNeeded: {"milestone": "milestones", "each_session": "session_kinds"},
    CyclesNeeded: {"cycle": "cycles"},
    Notice: {"roles_covered": "job_roles"},
}
"""Which keys name codes of which list. Of `roles_covered` it is the keys, of other mappings the values."""


def misplaced(program: "Program") -> Iterator[Misplaced]:
    """What doesn't fit together, each with its place."""
    lists = _lists(program)
    yield from _twice(lists)
    both = set(program.participant_roles) & set(program.facilitator_roles)
    if both:
        text = f"'{min(both)}' stands in participant_roles and in facilitator_roles"
        yield Misplaced(text, "facilitator_roles", needs=("participant_roles",))
    yield from _never(program)
    yield from _unlisted(program, lists)
    yield from _phases(program)
    yield from _calendar(program)


def models(value: object, place: Place = ()) -> Iterator[tuple[Model, Place]]:
    """Every part of a program, with its place."""
    if isinstance(value, Model):
        yield value, place
        for name in type(value).model_fields:
            yield from models(getattr(value, name), (*place, name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from models(item, (*place, number))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from models(item, (*place, name))


def _lists(program: "Program") -> dict[str, list[str]]:
    """The codes that each list of the file holds."""
    return {
        "components": list(program.components),
        "phases": list(program.phases),
        "topics": [t.code for t in program.topics],
        "regions": [r.code for r in program.regions],
        "job_roles": [r.code for r in program.job_roles],
        "activities": [a.rule for a in program.activities],
        "session_kinds": [s.kind for s in program.session_kinds],
        "milestones": [m.milestone for m in program.milestones],
        "cycles": [c.cycle for c in program.cycles],
        "caps": [c.cap for c in program.caps],
        "units": [u.unit for u in program.units],
        "requirements": [r.requirement for r in program.requirements],
        "notices": [n.notice for n in program.notices],
        "terms": [t.term for t in program.terms] if program.terms != "to_be_set" else [],
    }


def _twice(lists: dict[str, list[str]]) -> Iterator[Misplaced]:
    for what, codes in lists.items():
        for number, code in enumerate(codes):
            if code in codes[:number]:
                yield Misplaced(f"'{code}' stands twice", what, number)


def _unlisted(program: "Program", lists: dict[str, list[str]]) -> Iterator[Misplaced]:
    for model, place in models(program):
        for key, where in NAMES.get(type(model), {}).items():
            for code, at in _codes(getattr(model, key), key):
                if code not in lists[where]:
                    yield _missing(where, code, lists[where], (*place, key, *at))
    for number, code in enumerate(program.self_reported):
        if code not in program.components:
            yield _missing("components", code, program.components, ("self_reported", number))


def _missing(where: str, code: str, codes: Iterable[str], place: Place) -> Misplaced:
    meant = nearest(code, codes)
    hint = f"; did you mean '{meant}'?" if meant else ""
    return Misplaced(f"{where} does not list '{code}'{hint}", *place, needs=(where,))


def _codes(value: object, key: str) -> Iterator[tuple[str, Place]]:
    if isinstance(value, str):
        yield value, ()
    elif isinstance(value, dict):
        yield from ((name if key == "roles_covered" else item, (name,)) for name, item in value.items())
    elif isinstance(value, tuple):
        yield from ((item, (number,)) for number, item in enumerate(value))


def _never(program: "Program") -> Iterator[Misplaced]:
    """Rules that an earlier one, with the same conditions or with none, leaves nothing to match."""
    seen: dict[tuple[object, ...], str] = {}
    for number, rule in enumerate(program.activities):
        earlier = next((e for c, e in seen.items() if c == rule.conditions() or not any(c)), None)
        if earlier:
            text = f"rule '{rule.rule}' can never match: '{earlier}' before it takes it all"
            yield Misplaced(text, "activities", number)
        seen[rule.conditions()] = rule.rule


def _phases(program: "Program") -> Iterator[Misplaced]:
    phases = {cycle.cycle: cycle.phases for cycle in program.cycles}
    for number, cycle in enumerate(program.cycles):
        for at, phase in enumerate(cycle.full if cycle.full != "to_be_set" else ()):
            if phase not in cycle.phases:
                yield Misplaced(f"the cycle '{cycle.cycle}' has no phase '{phase}'", "cycles", number, "full", at)
    for number, milestone in enumerate(program.milestones):
        if milestone.phase and milestone.phase not in phases.get(milestone.cycle or "", ()):
            text = f"the cycle '{milestone.cycle}' has no phase '{milestone.phase}'"
            yield Misplaced(text, "milestones", number, "phase", needs=("cycles",))


def _calendar(program: "Program") -> Iterator[Misplaced]:
    """Periods that need a calendar which the file doesn't hold."""
    for period, place in models(program):
        if isinstance(period, Period):
            if period.every == "school_year" and not program.school_year:
                yield Misplaced("needs 'school_year': the day on which it begins", *place, needs=("school_year",))
            if period.every == "term" and not program.terms:
                yield Misplaced("needs 'terms'", *place, needs=("terms",))
    for number, cap in enumerate(program.caps):
        if cap.per == "term" and not program.terms:
            yield Misplaced("needs 'terms'", "caps", number, needs=("terms",))
        if cap.per == "period" and program.period.every == "rolling":
            yield Misplaced("a rolling period has no borders to count within", "caps", number, "per", needs=("period",))
    if program.pace and not (program.commitment or any(topic.commitment for topic in program.topics)):
        yield Misplaced("'pace' needs a commitment", "pace", needs=("commitment", "topics"))
