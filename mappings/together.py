"""What teams, organisations, communities and a whole program have reached together, and which guidelines they keep."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mappings.conditions import Evidence, check
from mappings.earning import Subject
from mappings.facts import Organisation
from mappings.outcomes import Asked, Outcome, calendar_of, concerns, outcomes
from mappings.periods import ALWAYS, span_at
from mappings.places import Particulars
from mappings.program import Program
from mappings.requirements import Notice, Range


@dataclass(frozen=True, slots=True)
class Composition:
    """Who is in a team or community: what notices look at. Of a participant: only `asked` and `particulars` matter."""

    members: int = 0
    facilitators: int = 0
    job_roles: tuple[str | None, ...] = ()
    """Of each participant."""
    teams: tuple[Organisation | None, ...] = ()
    """The organisation of each team."""
    particulars: tuple[Particulars, ...] = ()


class NoticeStatus(StrEnum):
    KEPT = "kept"
    DEVIATES = "deviates"
    EXPLAINED = "explained"
    """It deviates, and somebody recorded why."""
    UNKNOWN = "unknown"
    """What it looks at isn't known of everybody."""
    TO_BE_SET = "to_be_set"


@dataclass(frozen=True, slots=True)
class Noticed:
    """How a guideline is kept. `params`: what there is and what is recommended, for the words."""

    notice: str
    status: NoticeStatus
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Together:
    """How a subject stands."""

    outcomes: tuple[Outcome, ...]
    notices: tuple[Noticed, ...]


def stand(
    program: Program,
    of: Subject,
    evidence: Evidence,
    asked: Asked,
    composition: Composition,
    waived: Mapping[str, str],
    now: datetime,
) -> Together:
    """Requirements and guidelines of one subject. `waived`: requirements waived and deviations explained."""
    noticed = [
        _noticed(program, notice, evidence, asked, composition, waived, now)
        for notice in program.notices
        if notice.of == of and concerns(notice.only, asked)
    ]
    return Together(tuple(outcomes(program, of, evidence, asked, waived, now)), tuple(noticed))


def _noticed(
    program: Program,
    notice: Notice,
    evidence: Evidence,
    asked: Asked,
    composition: Composition,
    waived: Mapping[str, str],
    now: datetime,
) -> Noticed:
    if notice.reach:
        kept, params = _reached(program, notice, evidence, asked, now)
    else:
        kept, params = _composed(notice, asked, composition)
    status = {True: NoticeStatus.KEPT, False: NoticeStatus.DEVIATES, None: NoticeStatus.UNKNOWN}[kept]
    if params.get("to_be_set"):
        status = NoticeStatus.TO_BE_SET
    elif status is NoticeStatus.DEVIATES and notice.notice in waived:
        status = NoticeStatus.EXPLAINED
    return Noticed(notice.notice, status, params)


Checked = tuple[bool | None, dict[str, Any]]
"""(Whether it is kept, None while that isn't known; the parameters for its words)."""


def _reached(program: Program, notice: Notice, evidence: Evidence, asked: Asked, now: datetime) -> Checked:
    span = span_at(notice.within or program.period, calendar_of(program, asked), now)
    if span is None or notice.reach is None:
        return None, {"to_be_set": True}
    result = check(notice.reach, evidence, program, span or ALWAYS, now)
    missing = [{"code": str(lack.code)} | lack.params for lack in result.missing]
    params = {"have": result.have, "need": result.need, "unit": result.unit, "missing": missing}
    return result.met, params | ({"to_be_set": True} if result.need is None else {})


def _composed(notice: Notice, asked: Asked, composition: Composition) -> Checked:
    if notice.members:
        return _within(notice.members, composition.members)
    if notice.teams:
        return _within(notice.teams, len(composition.teams))
    if notice.facilitators:
        return _within(notice.facilitators, composition.facilitators)
    if notice.roles_covered:
        return _covered(notice, composition)
    if notice.role_alike:
        return _alike(asked, composition)
    if notice.same:
        return _same(notice, composition)
    kind = asked.member.organisation.kind if asked.member.organisation else None
    params = {"kind": kind, "wanted": list(notice.organisation_kinds)}
    return (kind in notice.organisation_kinds if kind else None), params


def _within(wanted: Range, there: int) -> Checked:
    params = {"have": there, "min": wanted.min, "max": wanted.max}
    if "to_be_set" in (wanted.min, wanted.max):
        return None, params | {"to_be_set": True}
    low = wanted.min if isinstance(wanted.min, int) else 0
    high = wanted.max if isinstance(wanted.max, int) else there
    return low <= there <= high, params


def _covered(notice: Notice, composition: Composition) -> Checked:
    there = Counter(role for role in composition.job_roles if role)
    lacking = {role: need - there[role] for role, need in notice.roles_covered.items() if there[role] < need}
    unknown = sum(role is None for role in composition.job_roles)
    kept = None if lacking and unknown >= sum(lacking.values()) else not lacking
    return kept, {"missing": lacking, "unknown": unknown}


def _alike(asked: Asked, composition: Composition) -> Checked:
    wanted = next((part.job_roles for part in reversed(composition.particulars) if part.job_roles), ())
    role = asked.member.job_role
    return (role in wanted if role and wanted else None), {"role": role, "wanted": list(wanted)}


def _same(notice: Notice, composition: Composition) -> Checked:
    values = [getattr(team, notice.same or "level") if team else None for team in composition.teams]
    known = sorted({value for value in values if value})
    params = {"same": notice.same, "found": known}
    if len(known) > 1:
        return False, params
    return (True if None not in values else None), params
