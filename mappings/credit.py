"""From facts and decisions to the credits that ought to stand, and the explanation of each line."""

from collections.abc import Iterable

from mappings.facts import Adjustment, Credit, Ended, Fact, FactKind, Line, Nothing, State
from mappings.matching import rule_for
from mappings.program import ProgramVersion, version_at

EARNING_STATES = frozenset({State.COMPLETE, State.PASSED})
"""A failed attempt (state 3) is not overall complete, as recorded on a quiz that requires a pass."""
TAKES_MINUTES_BACK = frozenset({Ended.UNDONE})
"""`reset`, `deleted` and `left` end a fact and keep its minutes: the educator did the work."""


def _completion(fact: Fact, version: ProgramVersion) -> Line:
    if fact.activity is None:
        return Line(fact, None, Nothing.UNKNOWN_ACTIVITY)
    rule = rule_for(version.program, fact.activity)
    if rule is None:
        return Line(fact, None, Nothing.NO_RULE)
    params = {"rule": rule.rule, "minutes": rule.minutes}
    if fact.state not in EARNING_STATES:
        return Line(fact, None, Nothing.NOT_PASSED, params)
    if fact.ended in TAKES_MINUTES_BACK:
        return Line(fact, None, Nothing.UNDONE, params)
    if fact.provisional:
        return Line(fact, None, Nothing.PROVISIONAL, params)
    return _line(fact, version, rule.minutes, rule.component, rule.rule)


def _attendance(fact: Fact, version: ProgramVersion) -> Line:
    mode = fact.session.mode if fact.session else ""
    component = version.program.attendance.components.get(mode)  # type: ignore[call-overload]
    if component is None:
        return Line(fact, None, Nothing.MODE_WITHOUT_COMPONENT, {"mode": mode})
    return _line(fact, version, fact.minutes or 0, component, f"attendance:{mode}")


def _line(fact: Fact, version: ProgramVersion, minutes: int, component: str, rule: str) -> Line:
    if minutes == 0:
        return Line(fact, None, Nothing.ZERO_MINUTES, {"rule": rule})
    credit = Credit(fact.key, minutes, component, rule, version.id, fact.happened_at, fact=fact.id)
    return Line(fact, credit, params={"rule": rule, "minutes": minutes, "version": version.number})


def _best_of_alternatives(lines: list[Line]) -> list[Line]:
    """Of facts that stand for one thing the one with the most minutes counts; the first key on a tie."""
    best: dict[str, Line] = {}
    for line in lines:
        group = line.fact.alternative if line.fact and line.credit else None
        if group is None or line.credit is None:
            continue
        held = best.get(group)
        if (
            held is None
            or held.credit is None
            or (-line.credit.minutes, line.credit.key) < (-held.credit.minutes, held.credit.key)
        ):
            best[group] = line
    kept = []
    for line in lines:
        group = line.fact.alternative if line.fact and line.credit else None
        if group is not None and best[group] is not line:
            winner = best[group].credit
            kept.append(Line(line.fact, None, Nothing.ALTERNATIVE_COUNTED, {"counted": winner.key if winner else ""}))
        else:
            kept.append(line)
    return kept


def credit(
    facts: Iterable[Fact], adjustments: Iterable[Adjustment], versions: tuple[ProgramVersion, ...], *, participant: bool
) -> list[Line]:
    """Every fact and decision of one membership as a line: with the credit it earns, or why it earns none.

    The program version in force at the fact's date counts, whenever it is processed. The result does
    not depend on the order of the arguments (law 2): lines come sorted by date, then key.
    """
    lines = []
    for fact in facts:
        if not participant:
            lines.append(Line(fact, None, Nothing.NOT_A_PARTICIPANT))
            continue
        version = version_at(versions, fact.happened_at)
        lines.append(_completion(fact, version) if fact.kind is FactKind.COMPLETION else _attendance(fact, version))
    lines = _best_of_alternatives(lines)
    for decision in adjustments:
        version = version_at(versions, decision.decided_at)
        earned = Credit(
            f"decision:{decision.id}",
            decision.minutes,
            decision.component,
            "adjustment",
            version.id,
            decision.decided_at,
            decision=decision.id,
        )
        lines.append(Line(None, earned, params={"version": version.number}, decision=decision.id))
    return sorted(lines, key=_when)


def _when(line: Line) -> tuple[str, str]:
    dated = line.credit or line.fact
    return (dated.happened_at.isoformat(), dated.key) if dated else ("", "")


def credits_of(lines: Iterable[Line]) -> list[Credit]:
    return [line.credit for line in lines if line.credit]
