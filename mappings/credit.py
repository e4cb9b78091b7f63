"""From facts and decisions to the credits that ought to stand, and the explanation of each line."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from mappings.attending import component_at, rule_of, worth
from mappings.earning import StateName, named_group
from mappings.facts import (
    Adjustment,
    Closing,
    Community,
    Credit,
    Decisions,
    Ended,
    Fact,
    FactKind,
    Line,
    Nothing,
    Recalculation,
    SelfReport,
    Session,
    State,
)
from mappings.limits import Limited, closing_of, limit
from mappings.matching import fits, hours_taken, rule_for
from mappings.periods import Span
from mappings.program import Program, ProgramVersion, version_at

STATES: dict[State, StateName] = {State.COMPLETE: "complete", State.PASSED: "passed", State.FAILED: "failed"}
ADJUSTMENT, SELF_REPORT = "adjustment", "self-report"
"""What stands in the ledger as the rule of a decision's minutes."""
Versions = tuple[ProgramVersion, ...]


def credit(
    facts: Iterable[Fact],
    decisions: Decisions,
    versions: Versions,
    *,
    participant: bool,
    community: Community,
) -> list[Line]:
    """Every fact and decision of one membership as a line: with the credit it earns, or why it earns none.

    Total: any input gives lines. The program version in force at the fact's date counts, whenever it
    is processed, unless a recalculation says otherwise. The result does not depend on the order of the
    arguments (law 2): lines come sorted by date, then key. Lines that follow from others (the best of
    alternatives, caps, rounded sums) take minutes back by a credit of their own.
    """
    lines, limited = [], []
    facts, decisions = _once(facts), _orderly(decisions)
    sessions = _sessions(facts, community)
    continued = {fact.item for fact in facts if fact.continues or fact.several}
    for fact in facts:
        version = version_for(versions, decisions.recalculations, fact.happened_at)
        line = _of_fact(fact, version) if participant else Line(fact, None, Nothing.NOT_A_PARTICIPANT)
        line = _as_closed(line, decisions.closings)
        lines.append(line)
        if line.credit:
            limited.append(_limited(line, line.credit, version.program, sessions, continued))
    for report in decisions.reports:
        version = version_for(versions, decisions.recalculations, report.happened_at)
        line = _as_closed(_of_report(report, version, participant=participant), decisions.closings)
        lines.append(line)
        if line.credit:
            limited.append(Limited(line.credit, line.credit.key))
    lines += _followed(limited, decisions, versions, community)
    lines += [_of_adjustment(a, version_at(versions, a.decided_at), decisions.closings) for a in decisions.adjustments]
    lines += _without_inputs(lines, decisions.closings)
    return sorted(lines, key=_when)


def _once(facts: Iterable[Fact]) -> list[Fact]:
    """Each fact once, whatever the order and repetition of the arguments."""
    return list({fact.key: fact for fact in sorted(facts, key=lambda f: (f.happened_at, f.id))}.values())


def _orderly(decisions: Decisions) -> Decisions:
    """The decisions, each once; earlier closed periods first."""
    return replace(
        decisions,
        adjustments=tuple({a.id: a for a in decisions.adjustments}.values()),
        reports=tuple({report.id: report for report in decisions.reports}.values()),
        closings=tuple(sorted({c.id: c for c in decisions.closings}.values(), key=lambda c: (_begins(c.span), c.id))),
    )


def _begins(span: Span) -> str:
    return span.start.astimezone(UTC).isoformat() if span.start else ""


def _sessions(facts: Iterable[Fact], community: Community) -> dict[str, str]:
    """The alternative group of each session, by its code."""
    found = {meeting.code: meeting.occasion for meeting in community.meetings}
    for fact in facts:
        if fact.session and fact.alternative:
            found.setdefault(fact.session.code, fact.alternative)
    return found


def credits_of(lines: Iterable[Line]) -> list[Credit]:
    return [line.credit for line in lines if line.credit]


def late_minutes(line: Line) -> int | None:
    """What a line that came late for a closed period would earn if it were let in; None: it isn't late."""
    return int(line.params["late"]) if line.nothing is Nothing.LATE or "late" in line.params else None


def version_for(versions: Versions, recalculations: tuple[Recalculation, ...], moment: datetime) -> ProgramVersion:
    """The version that a fact of a moment is credited by: the one that the latest recalculation names, or in force."""
    if recalculations:
        by_id = {version.id: version for version in versions}
        decided = [r for r in recalculations if r.span.holds(moment) and r.version in by_id]
        if decided:
            return by_id[max(decided, key=lambda r: (r.decided_at, r.id)).version]
    return version_at(versions, moment)


def _of_fact(fact: Fact, version: ProgramVersion) -> Line:
    if fact.copied:
        return Line(fact, None, Nothing.COPIED)
    if fact.ours:
        return Line(fact, None, Nothing.WRITTEN_BY_US)
    if fact.per_session:
        return Line(fact, None, Nothing.PER_SESSION)
    if fact.elsewhere:
        return Line(fact, None, Nothing.COUNTS_ELSEWHERE)
    if fact.kind is FactKind.COMPLETION:
        return _completion(fact, version)
    return _attendance(fact, version) if fact.kind is FactKind.ATTENDANCE else _milestone(fact, version)


def _completion(fact: Fact, version: ProgramVersion) -> Line:
    if fact.activity is None:
        return Line(fact, None, Nothing.UNKNOWN_ACTIVITY)
    rule = rule_for(version.program, fact.activity)
    if rule is None:
        return Line(fact, None, _without_rule(fact, version.program))
    stated = {"from_moodle": True} if hours_taken(version.program, fact.activity) else {}
    params = {"rule": rule.rule, "minutes": rule.worth} | stated
    minutes = rule.minutes_for(STATES[fact.state]) if fact.state in STATES else None
    if minutes is None:
        return Line(fact, None, Nothing.NOT_PASSED, params)
    nothing = _not_standing(fact, version.program)
    if nothing:
        return Line(fact, None, nothing, params)
    if rule.minutes == "to_be_set" and not minutes:
        return Line(fact, None, Nothing.TO_BE_SET, params)
    line = _line(fact, version, minutes, rule.component, rule.rule)
    return replace(line, params=line.params | stated) if stated else line


def _without_rule(fact: Fact, program: Program) -> Nothing:
    """What earns nothing may still be a milestone: then it has to stand as any other."""
    sources = (milestone.from_activity for milestone in program.milestones)
    if not any(source and fact.activity and fits(source, fact.activity) for source in sources):
        return Nothing.NO_RULE
    if fact.state not in (State.COMPLETE, State.PASSED):
        return Nothing.NOT_PASSED
    return _not_standing(fact, program) or Nothing.NO_RULE


def _not_standing(fact: Fact, program: Program) -> Nothing | None:
    """Why a completion doesn't stand, or not yet."""
    kept = program.when_ended
    if fact.ended and fact.ended is not Ended.WITHDRAWN and getattr(kept, fact.ended) == "take_back":
        return Nothing.UNDONE if fact.ended is Ended.UNDONE else Nothing.ENDED
    if fact.overridden and kept.overridden == "take_back":
        return Nothing.OVERRIDDEN
    return Nothing.PROVISIONAL if fact.provisional else None


def _attendance(fact: Fact, version: ProgramVersion) -> Line:
    program, session = version.program, fact.session or Session("", "")
    component, rule = component_at(program, session.kind, session.mode), rule_of(program, session.kind)
    if component is None:
        return Line(fact, None, Nothing.MODE_WITHOUT_COMPONENT, {"mode": session.mode})
    name = f"attendance:{session.kind if session.kind in program.kinds_by_name else session.mode}"
    params = {"rule": name, "minutes": fact.minutes or 0, "at_least": rule.at_least}
    if fact.ended:
        return Line(fact, None, Nothing.UNDONE, params)
    minutes = worth(rule, fact.minutes, fact.presence, session.planned_minutes)
    return (
        Line(fact, None, minutes, params)
        if isinstance(minutes, Nothing)
        else _line(fact, version, minutes, component, name)
    )


def _milestone(fact: Fact, version: ProgramVersion) -> Line:
    known = version.program.milestones_by_name.get(fact.milestone.code) if fact.milestone else None
    if known is None or known.component is None:
        return Line(fact, None, Nothing.NO_RULE)
    params = {"rule": known.milestone, "minutes": known.minutes}
    if fact.ended:
        return Line(fact, None, Nothing.UNDONE, params)
    if known.evidence == "required" and not (fact.milestone and fact.milestone.proven):
        return Line(fact, None, Nothing.NOT_PROVEN, params)
    return _line(fact, version, known.minutes, known.component, f"milestone:{known.milestone}")


def _line(fact: Fact, version: ProgramVersion, minutes: int, component: str, rule: str) -> Line:
    exact, minutes = minutes, _rounded(minutes, version.program)
    params: dict[str, Any] = {"rule": rule, "minutes": minutes, "version": version.number}
    if minutes == 0:
        return Line(fact, None, Nothing.ZERO_MINUTES, params)
    earned = Credit(fact.key, minutes, component, rule, version.id, fact.happened_at, fact=fact.id)
    if exact != minutes:
        params["exact"] = exact
    return Line(fact, earned, params=params)


def _rounded(minutes: int, program: Program) -> int:
    """One amount, as far as the program rounds each."""
    rounding = program.rounding
    return rounding.apply(minutes) if rounding and rounding.per == "activity" else minutes


def _of_adjustment(decision: Adjustment, version: ProgramVersion, closings: tuple[Closing, ...]) -> Line:
    params: dict[str, Any] = {"version": version.number}
    asks = version.program.adjustments.asks_approval(decision.minutes)
    if asks:
        params |= {"rule": ADJUSTMENT, "minutes": decision.minutes, "happened_at": decision.decided_at}
    if asks and not decision.approved:
        return _as_closed(Line(None, None, Nothing.SECOND_APPROVAL, params, decision.id), closings)
    earned = Credit(
        f"decision:{decision.id}",
        decision.minutes,
        decision.component,
        ADJUSTMENT,
        version.id,
        decision.decided_at,
        decision=decision.id,
    )
    line = Line(None, earned, params=params, decision=decision.id)
    # What nobody had to approve counted on its day: no period was closed by then. An approval may come later.
    return _as_closed(line, closings) if asks else line


def _of_report(report: SelfReport, version: ProgramVersion, *, participant: bool) -> Line:
    minutes = _rounded(max(0, report.minutes), version.program)
    params: dict[str, Any] = {"minutes": minutes, "version": version.number, "happened_at": report.happened_at}
    params |= {"exact": report.minutes} if minutes != report.minutes else {}
    if not participant:
        return Line(None, None, Nothing.NOT_A_PARTICIPANT, params, report.id)
    if not report.approved:
        return Line(None, None, Nothing.NOT_APPROVED, params, report.id)
    if minutes == 0:
        return Line(None, None, Nothing.ZERO_MINUTES, params, report.id)
    key = f"decision:{report.id}"
    earned = Credit(key, minutes, report.component, SELF_REPORT, version.id, report.happened_at, decision=report.id)
    return Line(None, earned, params=params, decision=report.id)


def _limited(line: Line, earned: Credit, program: Program, sessions: dict[str, str], continued: set[str]) -> Limited:
    """A credit with what caps and alternatives look at."""
    fact = line.fact
    activity = fact.activity if fact else None
    rule = program.rules_by_name.get(earned.rule) if activity else None
    alternative = fact.alternative if fact else None
    if alternative is None and rule and activity:
        code = named_group(rule.idnumber, "session", activity.idnumber)
        if code:
            alternative = sessions.get(code, f"session:{code}")
        elif rule.alternative:
            alternative = f"rule:{rule.alternative}"
    kind = activity.kind if activity else ""
    session_kind = fact.session.kind if fact and fact.session else ""
    item = (fact.item if fact else "") or earned.key
    return Limited(earned, item, kind, session_kind, alternative, item in continued)


def _as_closed(line: Line, closings: tuple[Closing, ...]) -> Line:
    """The line as a closed period has it: what came late changes nothing until staff let it in."""
    if not closings:
        return line
    moment = line.fact.happened_at if line.fact else line.params["happened_at"]
    key = line.fact.key if line.fact else f"decision:{line.decision}"
    # What a closed period holds stays in it, also where the fact's date has moved out since.
    holding = (c for c in closings if c.credits and key in c.credits and key not in c.admitted)
    closing = next(holding, None) or closing_of(closings, moment)
    if closing is None or closing.credits is None or key in closing.admitted:
        return line
    held, earned = closing.credits.get(key), line.credit
    if held is None:
        if earned is None:
            return line
        return replace(line, credit=None, nothing=Nothing.LATE, params=line.params | {"late": earned.minutes})
    if earned and closing.span.holds(moment) and _agree(earned, held):
        return line
    late = {"late": earned.minutes if earned else 0}
    now = replace(held, fact=line.fact.id if line.fact else held.fact)
    return replace(line, credit=now, nothing=None, params=line.params | late)


def _agree(one: Credit, other: Credit) -> bool:
    return (one.minutes, one.component, one.rule) == (other.minutes, other.component, other.rule)


def _followed(limited: list[Limited], decisions: Decisions, versions: Versions, community: Community) -> list[Line]:
    """The lines that follow from others; of a closed period, into which nothing was let, those that stood then."""
    settled = {c.id: c for c in decisions.closings if c.credits is not None and not c.admitted}
    counted = {one.credit.key for one in limited}
    found = [
        Line(None, held, params={"of": []})
        for closing in settled.values()
        for held in (closing.credits or {}).values()
        if held.fact is None and held.decision is None and held.key not in counted
    ]
    for line in limit(limited, decisions.closings, versions, community):
        closing = closing_of(decisions.closings, line.credit.happened_at) if line.credit else None
        if closing is None or closing.id not in settled:
            found.append(line)
    return found


def _without_inputs(lines: list[Line], closings: tuple[Closing, ...]) -> list[Line]:
    """What stood in a closed period and whose fact is nowhere any more: it goes on standing."""
    if not closings:
        return []
    known = {line.fact.key if line.fact else line.credit.key if line.credit else "" for line in lines}
    found = {
        key: Line(None, held, params={"late": 0})
        for closing in closings
        for key, held in (closing.credits or {}).items()
        if (held.fact or held.decision) and key not in known and key not in closing.admitted
    }
    return list(found.values())


def _when(line: Line) -> tuple[datetime, str]:
    dated = line.credit or line.fact
    if dated:
        return dated.happened_at, dated.key
    return line.params["happened_at"], f"decision:{line.decision}"
