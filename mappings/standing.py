"""The answer for a membership: how far it is, against what, what is missing, and until when that holds."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from mappings.conditions import Done, Evidence, Lacks, Missing, Reached, first
from mappings.earning import named_group
from mappings.facts import Community, Credit, Fact, FactKind, Line, Member, Nothing
from mappings.matching import fits
from mappings.offers import remaining
from mappings.outcomes import DONE, Asked, Outcome, OutcomeStatus, calendar_of, outcomes
from mappings.periods import ALWAYS, Span, before, span_at
from mappings.program import MinuteBand, Program


class Status(StrEnum):
    NO_COMMITMENT = "no_commitment"
    NOT_STARTED = "not_started"
    IN_PROGRESS = "in_progress"
    """Under way, where the program names no pace or the community no dates."""
    ON_PACE = "on_pace"
    BEHIND = "behind"
    CANNOT_REACH = "cannot_reach"
    """The period is over, or everything that is left isn't enough."""
    MET = "met"
    ABOVE = "above"
    """Met, and above the band's maximum: that informs, and never cuts."""


REACHED = frozenset({Status.MET, Status.ABOVE})
WAITING = (Nothing.PROVISIONAL, Nothing.UNKNOWN_ACTIVITY)
DONE_WITHOUT_MINUTES = frozenset({None, Nothing.ZERO_MINUTES, Nothing.TO_BE_SET})
PASSED_OVER = frozenset({Nothing.LATE, Nothing.COUNTS_ELSEWHERE, Nothing.NOT_A_PARTICIPANT})
STANDING = DONE_WITHOUT_MINUTES | {Nothing.NO_RULE}
NOT_THERE = PASSED_OVER | {Nothing.NOT_LONG_ENOUGH, Nothing.STATUS_WITHOUT_WEIGHT}


@dataclass(frozen=True, slots=True)
class Standing:
    """Whole minutes within the program's present period, and over all; by component within the period."""

    minutes: int
    all_minutes: int
    by_component: dict[str, int]
    carried: int
    """Of `minutes`: handed on from the period before."""
    status: Status
    band_min: int | None
    band_max: int | None
    on_their_way: int
    """Facts that wait for Moodle's confirmation."""
    missing: tuple[Missing, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    valid_until: datetime | None = None
    """The next instant at which time alone may change this."""


@dataclass(frozen=True, slots=True)
class Whose:
    """What is known of the participant beside the lines."""

    member: Member
    community: Community
    waived: Mapping[str, str]
    brought: tuple[Credit, ...] = ()
    """Credits of the memberships that this one continues: a transfer adds up."""


def evaluate(lines: Iterable[Line], program: Program, whose: Whose, now: datetime) -> Standing:
    """How a membership stands at `now`, by a version of the program. Total: any input gives a standing."""
    lines = list(lines)
    asked = Asked(whose.member, whose.community)
    calendar = calendar_of(program, asked)
    span, run = spans(program, whose.member, whose.community, now)
    own = {line.credit.key: line.credit for line in lines if line.credit}
    # Who moved from group to group of one course has the same facts in both: they count once.
    earned = (*own.values(), *(credit for credit in whose.brought if not (credit.fact and credit.key in own)))
    by_component: Counter[str] = Counter()
    for item in earned:
        if span.holds(item.happened_at):
            by_component[item.component] += item.minutes
    band = _band(program, whose.community)
    earlier = before(program.period, calendar, span)
    carried = _carried(program, earned, band, earlier)
    minutes = sum(by_component.values()) + carried
    evidence = evidence_of(lines, earned, program, whose.community)
    found = outcomes(program, "participant", evidence, asked, whose.waived, now)
    course = Course(minutes, band, run, started=bool(earned))
    status = _status(course, lines, found, program, whose.community, now)
    missing = [lack for outcome in found if outcome.status not in DONE for lack in outcome.missing]
    if band and minutes < band.min_minutes:
        missing.insert(0, Missing(Lacks.HOURS, {"minutes": band.min_minutes - minutes, "component": None}))
    return Standing(
        minutes,
        sum(item.minutes for item in earned),
        {component: amount for component, amount in sorted(by_component.items()) if amount},
        carried,
        status,
        band.min_minutes if band else None,
        band.max_minutes if band else None,
        sum(line.nothing in WAITING for line in lines),
        tuple(missing),
        tuple(found),
        first(_moments(course, found, program, whose.community, span), now),
    )


def spans(program: Program, member: Member, community: Community, now: datetime) -> tuple[Span, Span]:
    """(The program's present period, the days between which pace is told: these, or the community's)."""
    span = span_at(program.period, calendar_of(program, Asked(member, community)), now) or ALWAYS
    return span, community.span if program.period.every in ("all_time", "community") else span


@dataclass(frozen=True, slots=True)
class Course:
    """How far somebody is between two days. `span`: the community's dates, or those of the present period."""

    minutes: int
    band: MinuteBand | None
    span: Span
    started: bool = True
    """Whether anything has been earned, here or in a community that this one continues."""

    def behind_from(self, program: Program) -> datetime | None:
        """The instant from which these minutes are less than an even pace asks for."""
        start, end = self.span.start, self.span.end
        if self.band is None or program.pace is None or start is None or end is None or end <= start:
            return None
        if self.band.min_minutes == 0:
            return None
        slack = self.band.min_minutes * program.pace.behind_by_percent / 100
        share = max(0, (self.minutes + slack) / self.band.min_minutes)
        return start + timedelta(seconds=(end - start).total_seconds() * share) if share < 1 else None


TELLING = 5
"""A pace tells nothing before one part in so many of the days is over."""


def forecast(minutes: int, span: Span, now: datetime) -> int | None:
    """The minutes at the end of a span if it goes on as until now. None without its dates, and before a fair part of
    it is over: what came in the first days says nothing of all of them."""
    if span.start is None or span.end is None or not span.start < now:
        return None
    if (now - span.start) * TELLING < span.end - span.start:
        return None
    if now >= span.end:
        return minutes
    return round(minutes * ((span.end - span.start) / (now - span.start)))


def _band(program: Program, community: Community) -> MinuteBand | None:
    return program.band(community.topic, program.of_community(community.topic, community.region, community.idnumbers))


def _carried(program: Program, earned: Iterable[Credit], band: MinuteBand | None, earlier: Span | None) -> int:
    """What was earned above the maximum in the period before, as far as the program hands it on."""
    if band is None or earlier is None or program.period.carry_over is None:
        return 0
    held = sum(item.minutes for item in earned if earlier.holds(item.happened_at))
    return min(max(0, held - band.max_minutes), program.minutes(program.period.carry_over.max_hours))


def _status(
    course: Course, lines: list[Line], found: list[Outcome], program: Program, community: Community, now: datetime
) -> Status:
    band = course.band
    if band is None and not found:
        return Status.NO_COMMITMENT
    if (band is None or course.minutes >= band.min_minutes) and all(outcome.status in DONE for outcome in found):
        return Status.ABOVE if band and course.minutes > band.max_minutes else Status.MET
    if course.span.end and course.span.end <= now:
        return Status.CANNOT_REACH
    if band and course.minutes < band.min_minutes:
        left, whole = remaining(community.offers, lines, now)
        # Where the community as a whole offers less than it asks for, more is to come: sessions nobody has planned yet.
        if whole >= band.min_minutes and course.minutes + left < band.min_minutes:
            return Status.CANNOT_REACH
    behind_from = course.behind_from(program)
    if (behind_from and behind_from <= now) or any(outcome.status is OutcomeStatus.OVERDUE for outcome in found):
        return Status.BEHIND
    if not course.started and not any(line.nothing in DONE_WITHOUT_MINUTES for line in lines):
        return Status.NOT_STARTED
    dated = program.pace and band and course.span.start and course.span.end
    return Status.ON_PACE if dated else Status.IN_PROGRESS


def _moments(
    course: Course, found: list[Outcome], program: Program, community: Community, span: Span
) -> Iterable[datetime | None]:
    yield from (course.span.end, course.behind_from(program), span.start, span.end)
    yield from (offer.until for offer in community.offers)
    yield from (outcome.changes_at for outcome in found)


def evidence_of(lines: Iterable[Line], earned: tuple[Credit, ...], program: Program, community: Community) -> Evidence:
    """What conditions look at, of a participant."""
    done, reached, attended = [], [], set()
    codes = {meeting.code: meeting.occasion for meeting in community.meetings}
    lines = list(lines)
    for line in lines:
        fact = line.fact
        if fact is None:
            continue
        if fact.kind is FactKind.COMPLETION and line.nothing in DONE_WITHOUT_MINUTES:
            rule = line.credit.rule if line.credit else str(line.params.get("rule", ""))
            done.append(Done(rule, fact.key, fact.happened_at))
            attended.add(fact.alternative or codes.get(_session_code(program, rule, fact), ""))
        elif fact.kind is FactKind.ATTENDANCE and line.nothing not in NOT_THERE and (fact.minutes or line.credit):
            attended.add(fact.item)
        elif fact.milestone and not fact.ended and line.nothing not in PASSED_OVER:
            m = fact.milestone
            reached.append(Reached(m.code, fact.key, fact.happened_at, m.cycle, m.session, m.proven))
    participant = [line.fact for line in lines if line.fact and line.nothing in STANDING]
    reached = with_derived(reached, derived(program, "participant", [participant]))
    return Evidence(earned, tuple(done), community.meetings, frozenset(attended - {""}), tuple(reached))


def _session_code(program: Program, rule: str, fact: Fact) -> str:
    """The code of the session that a completed activity stands for, as its rule says."""
    known = program.rules_by_name.get(rule)
    return (named_group(known.idnumber, "session", fact.activity.idnumber) if known and fact.activity else None) or ""


def with_derived(recorded: Iterable[Reached], found: Iterable[Reached]) -> list[Reached]:
    """A subject's milestones, recorded and derived: one of a cycle and session counts once, a proven one first."""
    best: dict[tuple[str, str, str | None], Reached] = {}
    for reached in sorted((*recorded, *found), key=lambda r: (not r.proven, r.happened_at, r.key)):
        best.setdefault((reached.milestone, reached.cycle, reached.session), reached)
    return list(best.values())


def derived(
    program: Program, of: str, members: Iterable[Iterable[Fact]], gone: Iterable[Iterable[Fact]] = ()
) -> list[Reached]:
    """The milestones that completions of a Moodle activity amount to.

    `members`: the facts that stand, of each participant of the subject; `gone`: of those who were one
    before, whose work goes on counting where any participant's does. Where all have to complete it,
    the last of them decides when.
    """
    there, before = [list(facts) for facts in members], [list(facts) for facts in gone]
    found = []
    for milestone in program.milestones:
        source = milestone.from_activity
        if source is None or milestone.of != of:
            continue
        everybody = there if source.completed_by == "all" else there + before
        by_cycle: dict[str, list[Fact]] = {}
        for facts in everybody:
            firsts: dict[str, Fact] = {}
            for fact in sorted(facts, key=lambda f: (f.happened_at, f.key)):
                if fact.kind is FactKind.COMPLETION and fact.activity and fits(source, fact.activity):
                    label = named_group(source.idnumber, "cycle", fact.activity.idnumber) or ""
                    firsts.setdefault(label, fact)
            for label, fact in firsts.items():
                by_cycle.setdefault(label, []).append(fact)
        for label, facts in sorted(by_cycle.items()):
            if source.completed_by == "all" and len(facts) < len(everybody):
                continue
            pick = max if source.completed_by == "all" else min
            fact = pick(facts, key=lambda f: (f.happened_at, f.key))
            # The work itself is there to be looked at.
            found.append(Reached(milestone.milestone, fact.key, fact.happened_at, label, proven=True))
    return found
