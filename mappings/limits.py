"""What is taken back again: the lesser of alternatives, what goes over a cap, what rounding drops.

Each is a line of its own with a stable key, so that one late fact moves that line and reverses no other.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from mappings.earning import Cap
from mappings.facts import Closing, Community, Credit, Line
from mappings.periods import ALWAYS, Calendar, Period, span_at
from mappings.program import Program, ProgramVersion

BEST_OF, CAP, ROUNDING = "best-of", "cap", "rounding"
CONTINUES = "continues"
"""Begins the name of a group that nothing but continued activities make."""
REPEATING = ("school_year", "term")
TERM = Period(every="term")
SHORT = 24
"""A longer part of a key becomes a hash: the ledger's keys have a length."""


@dataclass(slots=True)
class Limited:
    """A credit, what the limits look at, and what they have left of it."""

    credit: Credit
    item: str
    kind: str = ""
    """Of the activity."""
    session_kind: str = ""
    alternative: str | None = None
    continued: bool = False
    """Activities of several courses go on with one another as this item: they are alternatives, too."""
    left: int = 0
    closing: str = ""
    """The closed period that it lies in."""
    segment: str = ""
    """That, and the school year or term of the program."""

    def __post_init__(self) -> None:
        self.left = self.credit.minutes

    @property
    def groups(self) -> list[str]:
        """Names of the groups of which only the best counts."""
        names = [self.alternative] if self.alternative is not None else []
        return [*names, f"{CONTINUES}:{self.item}"] if self.continued else names

    @property
    def place(self) -> tuple[datetime, str]:
        return self.credit.happened_at, self.credit.key


Taken = tuple[Limited, int]
"""How many minutes are taken from what."""


def closing_of(closings: tuple[Closing, ...], moment: datetime) -> Closing | None:
    """The closed period that a moment lies in."""
    return next((closing for closing in closings if closing.span.holds(moment)), None)


def limit(
    limited: list[Limited], closings: tuple[Closing, ...], versions: tuple[ProgramVersion, ...], community: Community
) -> Iterator[Line]:
    """The lines that take minutes back: alternatives first, then each cap in the file's order, then rounding.

    A line never goes over the border of a closed period, nor of a school year or term of the program: what is taken
    back is missing where it was earned. What lies in a closed period counts before the rest, so that nothing that
    comes later changes it.
    """
    programs = {version.id: version.program for version in versions}
    limited = _in_order(
        [one for one in limited if one.credit.program_version in programs], closings, programs, community
    )
    yield from _best_of(limited)
    latest = sorted(versions, key=lambda v: (v.program.effective_from, v.number), reverse=True)
    for name in dict.fromkeys(cap.cap for version in latest for cap in version.program.caps):
        yield from _capped(name, limited, programs, community)
    yield from _rounded(limited, programs, community.zone)


def _in_order(
    limited: list[Limited], closings: tuple[Closing, ...], programs: dict[str, Program], community: Community
) -> list[Limited]:
    """The credits in the order in which they count, each with its segment."""
    repeating = {key for key, program in programs.items() if program.period.every in REPEATING}
    ranks: dict[str, int] = {"": 2} | {closing.id: 1 if closing.credits is None else 0 for closing in closings}
    for one in limited:
        version = one.credit.program_version
        closing = closing_of(closings, one.credit.happened_at) if closings else None
        program = programs[version]
        period = _period(program.period, program, one, community) if version in repeating else ""
        one.closing = closing.id if closing else ""
        one.segment = "/".join(part for part in (one.closing, period) if part)
    return sorted(limited, key=lambda one: (ranks[one.closing], *one.place))


def _best_of(limited: list[Limited]) -> Iterator[Line]:
    """Of credits that stand for one thing the one with the most minutes counts; the first key on a tie.

    What a closed period holds of it is settled: a better one that comes after it adds what it has more.
    """
    for name, group in _groups(limited).items():
        if len(group) < 2:
            continue
        counted = 0
        taken: list[Taken] = []
        for part in _by_closing(group):
            best = min(part, key=_first_of_best)
            taken += [(one, min(one.left, counted) if one is best else one.left) for one in part]
            counted = max(counted, best.left)
        yield from _lines(BEST_OF, name, taken, {"best": min(group, key=_first_of_best).credit.key})


def _groups(limited: list[Limited]) -> dict[str, list[Limited]]:
    """What stands for one thing, by its name. Two groups that have something in common are one: of activities that
    go on with one another each may have alternatives of its own, as its date's version of the program says."""
    leads: dict[str, str] = {}

    def lead(name: str) -> str:
        while leads.setdefault(name, name) != name:
            name = leads[name]
        return name

    for one in limited:
        if one.continued:
            first, *others = sorted({lead(name) for name in one.groups}, key=lambda n: (n.startswith(CONTINUES), n))
            leads |= dict.fromkeys(others, first)
    groups: dict[str, list[Limited]] = {}
    for one in limited:
        if one.groups:
            groups.setdefault(lead(one.groups[0]), []).append(one)
    return groups


def _first_of_best(one: Limited) -> tuple[int, str]:
    return -one.credit.minutes, one.credit.key


def _by_closing(group: list[Limited]) -> list[list[Limited]]:
    parts: dict[str, list[Limited]] = {}
    for one in group:
        parts.setdefault(one.closing, []).append(one)
    return list(parts.values())


def _capped(name: str, limited: list[Limited], programs: dict[str, Program], community: Community) -> Iterator[Line]:
    """In each bucket the first minutes count; what goes over the cap is taken back."""
    sums: dict[str, int] = {}
    taken: dict[str, list[Taken]] = {}
    for one in limited:
        program = programs[one.credit.program_version]
        cap = next((cap for cap in program.caps if cap.cap == name), None)
        if cap is None or _waits(cap, program) or not _selects(cap, one):
            continue
        bucket = _bucket(cap, one, program, community)
        over = max(0, min(one.left, sums.get(bucket, 0) + one.left - cap.minutes))
        sums[bucket] = sums.get(bucket, 0) + one.left - over
        taken.setdefault(bucket, []).append((one, over))
    for bucket, members in taken.items():
        yield from _lines(CAP, f"{name}:{_short(bucket)}", members, {"cap": name, "counted": sums[bucket]})


def _waits(cap: Cap, program: Program) -> bool:
    """Whether nobody has said yet when terms are."""
    return cap.per == "term" and program.terms == "to_be_set"


def _selects(cap: Cap, one: Limited) -> bool:
    return (
        (not cap.rules or one.credit.rule in cap.rules)
        and (not cap.kind or one.kind in cap.kind)
        and (not cap.session_kinds or one.session_kind in cap.session_kinds)
        and cap.component in (None, one.credit.component)
    )


def _bucket(cap: Cap, one: Limited, program: Program, community: Community) -> str:
    if cap.per == "activity":
        return one.alternative or one.item
    day = one.credit.happened_at.astimezone(community.zone).date()
    if cap.per == "week":
        return f"{day:%G-W%V}"
    if cap.per in ("term", "period"):
        return _period(TERM if cap.per == "term" else program.period, program, one, community)
    return day.isoformat() if cap.per == "day" else ""


def _period(period: Period, program: Program, one: Limited, community: Community) -> str:
    """Names the period that a credit lies in, or that it comes before."""
    calendar = Calendar(community.zone, program.school_year, program.terms, community.span)
    span = span_at(period, calendar, one.credit.happened_at) or ALWAYS
    start = calendar.day(span.start).isoformat() if span.start else ""
    return start if span.holds(one.credit.happened_at) else f"not-{start}"


def _rounded(limited: list[Limited], programs: dict[str, Program], zone: ZoneInfo) -> Iterator[Line]:
    """Sums of a day, or of all, rounded by component."""
    sums: dict[tuple[str, str, str], list[Limited]] = {}
    for one in limited:
        rounding = programs[one.credit.program_version].rounding
        if rounding and rounding.per != "activity":
            day = one.credit.happened_at.astimezone(zone).date().isoformat() if rounding.per == "day" else ""
            sums.setdefault((day, one.segment, one.credit.component), []).append(one)
    for (day, *_), group in sums.items():
        rounding = programs[group[-1].credit.program_version].rounding
        exact = sum(one.left for one in group)
        over = exact - rounding.apply(exact) if rounding else 0
        members = [(one, 0) for one in group[:-1]] + [(group[-1], over)]
        yield from _lines(ROUNDING, day, members, {"exact": exact})


def _lines(what: str, name: str, members: Iterable[Taken], params: dict[str, object]) -> Iterator[Line]:
    """One line for each component and segment from which minutes are taken."""
    groups: dict[tuple[str, str], list[Taken]] = {}
    for one, over in members:
        one.left -= over
        if over:
            groups.setdefault((one.credit.component, one.segment), []).append((one, over))
    for (component, segment), group in groups.items():
        over = sum(minutes for _, minutes in group)
        last = max((one.credit for one, _ in group), key=lambda credit: (credit.happened_at, credit.key))
        key = f"{what}:{_short(name)}:{component}" + (f":{_short(segment)}" if segment else "")
        rule = f"{what}:{params['cap']}" if what == CAP else what
        earned = Credit(
            key, -over, component, rule, last.program_version, last.happened_at, about=last.fact or last.decision
        )
        of = [one.credit.key for one, _ in group]
        yield Line(None, earned, params=params | {"of": of, "minutes": -over})


def _short(text: str) -> str:
    return text if len(text) <= SHORT else hashlib.sha256(text.encode()).hexdigest()[:16]
