"""One membership explained: each line, what transfers bring along, and what the ledger itself says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from mappings.credit import ADJUSTMENT, SELF_REPORT, credits_of, version_for
from mappings.facts import Credit, Ended, Fact, Line, Nothing, State
from mappings.limits import BEST_OF, CAP, ROUNDING
from records import answers
from records.counted import NOW, AsOf
from records.decisions import Kind, approves
from records.models import Decision, FactRow, LedgerEntry, ProgramVersionRow
from records.queries.attended import Attended, attended

DERIVED = (BEST_OF, CAP, ROUNDING)
GONE = "gone"


@dataclass(frozen=True, slots=True)
class Explained:
    """One line: what happened, and what it earned by which rule and version, or `nothing` and why."""

    key: str
    """Names it in what counted for requirements, and in `of` and `best` of other lines."""
    kind: str
    """A kind of fact, `adjustment`, `self-report`; `best-of`, `cap` or `rounding` of what follows from other lines;
    `gone` for what stands in a closed period though its fact doesn't exist any more."""
    what: str
    """The activity's name, the session's title, the milestone's or cap's code, or the decision's reason; empty while
    it is unknown."""
    detail: str
    """The activity's kind, the session's mode, the milestone's cycle."""
    happened_at: datetime
    minutes: int
    component: str | None
    rule: str | None
    version: int
    nothing: Nothing | None
    state: State | None
    ended: Ended | None
    overridden: bool
    """Somebody marked it in Moodle in the participant's place."""
    fact: str | None = None
    decision: str | None = None
    session: str = ""
    """The item of the session that it is about."""
    continues: bool = False
    """It was done in a copy of the course, in an activity that goes on with this one."""
    late: int | None = None
    """It lies in a closed period, and would earn this by now."""
    exact: int | None = None
    """Before it was rounded."""
    from_moodle: bool = False
    """The hours are those of the activity's form in Moodle, not the rule's."""
    attended: Attended | None = None
    """Of an attendance: which ways reported it, and what was decided."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """Of what follows from other lines: `of`, `best`, `cap`, `counted`."""


@dataclass(frozen=True, slots=True)
class Undone:
    """A decision was taken back: in which role, why, and when. `approval`: only its approval was."""

    role: str
    reason: str
    at: datetime
    approval: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the ledger. A reversal takes back an earlier one; `ended` says how that fact ended."""

    created_at: datetime
    happened_at: datetime
    key: str
    minutes: int
    component: str
    rule: str
    version: int
    reversal: bool
    ended: Ended | None
    reason: str = ""
    """Of one that comes of a decision: why it was taken."""
    undone: Undone | None = None
    """Of a reversal: how the decision that it comes of was taken back, or the approval of it."""


@dataclass(frozen=True, slots=True)
class AsWritten:
    """What the ledger's entries came to at a past moment, beside what is computed for it today."""

    written: int
    computed: int
    differing: dict[str, tuple[int, int]]
    """(As written, as computed) of each key whose minutes differ."""


def explained(session: Session, item: answers.Inputs, lines: Iterable[Line], as_of: AsOf = NOW) -> list[Explained]:
    """Every line by its date; what follows from others comes after them."""
    lines = list(lines)
    reasons = _reasons(session, item.membership.id)
    overridden = _overridden(session, lines)
    found = [_explained(item, line, reasons, overridden) for line in lines]
    there = attended(session, (line.key for line in found), as_of)
    found = [replace(line, attended=there.get(line.key)) for line in found]
    return sorted(found, key=lambda line: (line.happened_at, line.kind in DERIVED))


def _reasons(session: Session, membership_id: UUID) -> dict[str, str]:
    rows = session.execute(select(Decision.id, Decision.reason).where(Decision.membership_id == membership_id))
    return {str(decision): reason for decision, reason in rows}


def _overridden(session: Session, lines: list[Line]) -> set[str]:
    facts = [UUID(line.fact.id) for line in lines if line.fact]
    if not facts:
        return set()
    rows = session.scalars(select(FactRow.id).where(FactRow.id.in_(facts), FactRow.overrideby.is_not(None)))
    return {str(fact) for fact in rows}


def _explained(item: answers.Inputs, line: Line, reasons: Mapping[str, str], overridden: set[str]) -> Explained:
    credit, fact, params = line.credit, line.fact, line.params
    happened_at: datetime = credit.happened_at if credit else fact.happened_at if fact else params["happened_at"]
    kind, what, detail = _about(line, reasons)
    return Explained(
        key=fact.key if fact else credit.key if credit else f"decision:{line.decision}",
        kind=kind,
        what=what,
        detail=detail,
        happened_at=happened_at,
        minutes=credit.minutes if credit else 0,
        component=credit.component if credit else None,
        rule=credit.rule if credit else params.get("rule"),
        version=_version(item, credit, happened_at),
        nothing=line.nothing,
        state=fact.state if fact else None,
        ended=fact.ended if fact else None,
        overridden=bool(fact and fact.id in overridden),
        fact=fact.id if fact else None,
        decision=line.decision,
        session=(fact.alternative or "") if fact else "",
        continues=bool(fact and fact.continues),
        late=params.get("late"),
        exact=params.get("exact") if fact else None,
        from_moodle="from_moodle" in params,
        params={}
        if fact
        else {name: params[name] for name in ("of", "best", "cap", "counted", "exact") if name in params},
    )


def _about(line: Line, reasons: Mapping[str, str]) -> tuple[str, str, str]:
    """(Kind, what, detail) of a line."""
    fact, credit = line.fact, line.credit
    if fact:
        return _about_fact(fact)
    if line.decision:
        rule = credit.rule if credit else line.params.get("rule")
        kind = ADJUSTMENT if rule == ADJUSTMENT else SELF_REPORT
        return kind, reasons.get(line.decision, ""), ""
    rule, _, name = (credit.rule if credit else "").partition(":")
    if rule in DERIVED and not (credit and (credit.fact or credit.decision)):
        return rule, name, ""
    return GONE, "", ""


def _about_fact(fact: Fact) -> tuple[str, str, str]:
    if fact.session:
        return str(fact.kind), fact.session.title, fact.session.mode
    if fact.milestone:
        return str(fact.kind), fact.milestone.code, fact.milestone.cycle
    return str(fact.kind), fact.activity.name if fact.activity else "", fact.activity.kind if fact.activity else ""


def _version(item: answers.Inputs, credit: Credit | None, happened_at: datetime) -> int:
    """The number of the version that decided."""
    numbers = {version.id: version.number for version in item.versions}
    if credit and credit.program_version in numbers:
        return numbers[credit.program_version]
    return version_for(item.versions, item.decisions.recalculations, happened_at).number


def entries(session: Session, membership_id: UUID, as_of: AsOf) -> list[Entry]:
    """The ledger as it was written, the newest first."""
    undoing = aliased(Decision)
    rows = session.execute(
        select(
            LedgerEntry,
            ProgramVersionRow.number,
            FactRow.ended,
            Decision.reason.label("why"),
            undoing.actor_role,
            undoing.reason.label("undone_why"),
            undoing.decided_at,
        )
        .join(ProgramVersionRow, ProgramVersionRow.id == LedgerEntry.program_version_id)
        .outerjoin(FactRow, FactRow.id == LedgerEntry.fact_id)
        .outerjoin(Decision, Decision.id == LedgerEntry.decision_id)
        .outerjoin(undoing, undoing.undoes == Decision.id)
        .where(LedgerEntry.membership_id == membership_id, *_until(as_of))
        .order_by(LedgerEntry.created_at.desc(), LedgerEntry.id.desc())
    ).all()
    approvals = _approvals_undone(session, {row[0].decision_id for row in rows if row[0].reverses})
    return [
        Entry(
            created_at=entry.created_at,
            happened_at=entry.happened_at,
            key=entry.credit_key,
            minutes=entry.minutes,
            component=entry.component,
            rule=entry.rule,
            version=number,
            reversal=entry.reverses is not None,
            ended=Ended(ended) if ended and entry.reverses else None,
            reason=why or "",
            undone=_latest(
                approvals.get(str(entry.decision_id), []) + ([Undone(role, undone_why, at)] if role else []), entry
            ),
        )
        for entry, number, ended, why, role, undone_why, at in rows
    ]


def _approvals_undone(session: Session, decisions: set[UUID | None]) -> dict[str, list[Undone]]:
    """By the id of what was approved: how approvals of it were taken back, the earliest first."""
    ids = decisions - {None}
    if not ids:
        return {}
    undoing, d = aliased(Decision), Decision
    about = select(d.membership_id).where(d.id.in_(ids))
    rows = session.execute(
        select(d, undoing)
        .join(undoing, undoing.undoes == d.id)
        .where(d.kind == str(Kind.APPROVAL), d.membership_id.in_(about))
        .order_by(undoing.decided_at, undoing.id)
    )
    found: dict[str, list[Undone]] = {}
    for approval, undo in rows:
        found.setdefault(approves(approval), []).append(Undone(undo.actor_role, undo.reason, undo.decided_at, True))
    return found


def _latest(undone: list[Undone], entry: LedgerEntry) -> Undone | None:
    """Which of them a reversal comes of: the last one before it."""
    if not undone or not entry.reverses:
        return None
    in_order = sorted(undone, key=lambda one: one.at)
    return ([one for one in in_order if one.at <= entry.created_at] or in_order)[-1]


def _until(as_of: AsOf) -> list[ColumnElement[bool]]:
    """Conditions on ledger entries: written, and about something that had happened, until then."""
    found: list[ColumnElement[bool]] = []
    if as_of.known_on:
        found.append(LedgerEntry.created_at <= as_of.known_on)
    if as_of.true_on:
        found.append(LedgerEntry.happened_at <= as_of.true_on)
    return found


def as_written(session: Session, membership_id: UUID, lines: Iterable[Line], as_of: AsOf) -> AsWritten:
    """The ledger's own net until then, compared with the lines."""
    net: dict[str, int] = {}
    sums = select(LedgerEntry.credit_key, func.sum(LedgerEntry.minutes)).where(
        LedgerEntry.membership_id == membership_id, *_until(as_of)
    )
    for key, minutes in session.execute(sums.group_by(LedgerEntry.credit_key)):
        net[key] = int(minutes)
    computed = {credit.key: credit.minutes for credit in credits_of(lines)}
    differing = {
        key: (net.get(key, 0), computed.get(key, 0))
        for key in sorted(net.keys() | computed)
        if net.get(key, 0) != computed.get(key, 0)
    }
    return AsWritten(sum(net.values()), sum(computed.values()), differing)


def by_component(earned: Iterable[Credit]) -> dict[str, int]:
    """Minutes by component."""
    found: dict[str, int] = {}
    for credit in earned:
        found[credit.component] = found.get(credit.component, 0) + credit.minutes
    return dict(sorted(found.items()))
