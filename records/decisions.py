"""What people decide, as the engine reads it: inputs like facts, undone by another decision."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from mappings.facts import Adjustment, Closing, Credit, Recalculation, SelfReport
from mappings.facts import Decisions as Decided
from mappings.periods import Span
from records.counted import NOW, AsOf
from records.keys import among
from records.merged import counts_in, merged_among, root_of
from records.models import ClosedMember, Decision
from records.models import Closing as ClosingRow


class Kind(StrEnum):
    """What was decided, and what `data` holds for it. Minutes are whole, moments ISO 8601. `batch`: of several that
    were taken at once."""

    ADJUSTMENT = "adjustment"
    """Of a membership: `minutes`, `component`. A large one counts once it is approved, where the program says so."""
    SELF_REPORT = "self_report"
    """Of a membership: `minutes`, `component`, `happened_at`, `evidence`. Counts once it is approved."""
    APPROVAL = "approval"
    """Of a membership: the `report` or `adjustment` that is approved."""
    WAIVER = "waiver"
    """Of a membership, or of `subject_kind` and `subject_id`: the `requirement` that isn't asked."""
    RATIONALE = "rationale"
    """Of a membership or subject: the `notice` that is deviated from; the decision's reason is the rationale."""
    TRANSFER = "transfer"
    """Of the membership that goes on: the one that it continues, `from`."""
    RECALCULATION = "recalculation"
    """Of a program: facts from `start` until `end` are credited by `version`."""
    CLOSING = "closing"
    """Of a program: a period was closed; `closing` names the snapshot."""
    ADMISSION = "admission"
    """Of a membership: the late change of `key` in `closing` is let in."""
    BINDING = "binding"
    """Which form of an activity counts: `binding`, `module`, `proposed`."""
    ADOPTION = "adoption"
    """What a copied `course` (`site:course`) is: `choice`, its `original`; of a continuation `modules` (new: old), as
    they were decided; `left`: the communities that it was before, and is again if it becomes one again."""
    PRESENCE = "presence"
    """Of a membership: what counts of an `account` at a `session`: `minutes`, `status`, `mode`; the way that was
    `chosen`, if any; what each way `said`, and what stood `before`; `batch`, where several were decided at once."""
    MERGE = "merge"
    """Of two people who are one, `from` was merged into `into`: the `accounts` that went over; `pointed`: memberships
    that count in others from now on; `moved`: those that went over as they are; `kept`: those that `into` had."""
    UNDO = "undo"
    """Takes back the decision that it names; `refused`: somebody else didn't approve that one."""


@dataclass(slots=True)
class Of:
    """The decisions about one membership, with the correlation id of each."""

    adjustments: list[Adjustment] = field(default_factory=list)
    reports: list[SelfReport] = field(default_factory=list)
    waived: dict[str, str] = field(default_factory=dict)
    admitted: dict[str, set[str]] = field(default_factory=dict)
    continues: list[UUID] = field(default_factory=list)
    """Memberships whose minutes it brings along."""
    correlations: dict[str, str] = field(default_factory=dict)


def standing_decisions(as_of: AsOf = NOW) -> Select[Decision]:
    """Every decision that nobody has undone, as far as it was known."""
    known: ColumnElement[bool] = Decision.id.is_not(None)
    undone = select(Decision.undoes).where(Decision.undoes.is_not(None))
    if as_of.known_on is not None:
        known = Decision.decided_at <= as_of.known_on
        undone = undone.where(Decision.decided_at <= as_of.known_on)
    return select(Decision).where(known, Decision.undoes.is_(None), Decision.id.not_in(undone))


def decided(session: Session, membership_ids: Sequence[UUID], as_of: AsOf = NOW) -> dict[UUID, Of]:
    """What was decided about memberships, and about those that were merged into them; of a merged one nothing."""
    found = {membership: Of() for membership in membership_ids}
    into = counts_in(session, found)
    rows = session.scalars(
        standing_decisions(as_of).where(among(Decision.membership_id, into)).order_by(Decision.decided_at, Decision.id)
    ).all()
    approved = {approves(row) for row in rows if row.kind == Kind.APPROVAL}
    for row in rows:
        if row.membership_id is not None:
            _take(found[into[row.membership_id]], row, approved, as_of)
    _continue_merged(session, found)
    return found


def approves(row: Decision) -> str:
    """The id of what an approval is about."""
    return str(row.data.get("report") or row.data.get("adjustment"))


def _continue_merged(session: Session, found: Mapping[UUID, Of]) -> None:
    """What goes on with a membership that was merged goes on with the one that it counts in."""
    gone = merged_among(session, {before for of in found.values() for before in of.continues})
    if gone:
        roots = {membership: root_of(session, membership) for membership in gone}
        for of in found.values():
            of.continues = list(dict.fromkeys(roots.get(before, before) for before in of.continues))


def _take(of: Of, row: Decision, approved: set[str], as_of: AsOf) -> None:
    data: Mapping[str, Any] = row.data
    of.correlations[str(row.id)] = str(row.correlation_id)
    if row.kind == Kind.ADJUSTMENT:
        # An adjustment happens when it is decided: that is its date in the ledger.
        if as_of.true_on is None or row.decided_at <= as_of.true_on:
            minutes, component, yes = int(data["minutes"]), str(data["component"]), str(row.id) in approved
            of.adjustments.append(Adjustment(str(row.id), row.decided_at, minutes, component, yes))
    elif row.kind == Kind.SELF_REPORT:
        happened_at = datetime.fromisoformat(data["happened_at"])
        if as_of.true_on is None or happened_at <= as_of.true_on:
            yes = str(row.id) in approved
            of.reports.append(SelfReport(str(row.id), happened_at, int(data["minutes"]), data["component"], yes))
    elif row.kind in (Kind.WAIVER, Kind.RATIONALE):
        of.waived[str(data.get("requirement") or data.get("notice"))] = str(row.id)
    elif row.kind == Kind.ADMISSION:
        of.admitted.setdefault(str(data["closing"]), set()).add(str(data["key"]))
    elif row.kind == Kind.TRANSFER:
        of.continues.append(UUID(str(data["from"])))


@dataclass(frozen=True, slots=True)
class OfProgram:
    """The decisions about a program."""

    recalculations: tuple[Recalculation, ...]
    closings: tuple[ClosingRow, ...]


def of_programs(session: Session, programs: Iterable[UUID], as_of: AsOf = NOW) -> dict[UUID, OfProgram]:
    """What was decided about programs."""
    wanted = set(programs)
    found: dict[UUID, list[Recalculation]] = {program: [] for program in wanted}
    rows = standing_decisions(as_of).where(Decision.kind == str(Kind.RECALCULATION), Decision.program_id.in_(wanted))
    for row in session.scalars(rows):
        if row.program_id is not None:
            span = Span(*(_moment(row.data.get(name)) for name in ("start", "end")))
            found[row.program_id].append(Recalculation(str(row.id), row.decided_at, span, str(row.data["version"])))
    closed = select(ClosingRow).where(ClosingRow.program_id.in_(wanted)).order_by(ClosingRow.starts_at)
    if as_of.known_on is not None:
        closed = closed.where(ClosingRow.closed_at <= as_of.known_on)
    closings: dict[UUID, list[ClosingRow]] = {program: [] for program in wanted}
    for closing in session.scalars(closed):
        closings[closing.program_id].append(closing)
    return {p: OfProgram(tuple(found[p]), tuple(closings[p])) for p in wanted}


def _moment(value: object) -> datetime | None:
    return datetime.fromisoformat(str(value)) if value else None


def closed(
    session: Session, memberships: Mapping[UUID, UUID], programs: Mapping[UUID, OfProgram], of: Mapping[UUID, Of]
) -> dict[UUID, tuple[Closing, ...]]:
    """The closed periods of memberships, by membership; `memberships` names the program of each.

    A closed period keeps what it held, also of two people who turned out to be one: the snapshots of both stand, and
    what both have under one key (the same milestone of a team, what a cap took back) adds up.
    """
    if not any(program.closings for program in programs.values()):
        return dict.fromkeys(memberships, ())
    into, c = counts_in(session, memberships), ClosedMember
    rows = session.scalars(select(c).where(among(c.membership_id, into)).order_by(c.membership_id))
    snapshots: dict[tuple[UUID, UUID], dict[str, Credit]] = {}
    for row in rows:
        held = snapshots.setdefault((row.closing_id, into[row.membership_id]), {})
        for key, credit in _credits(row.credits).items():
            held[key] = replace(credit, minutes=credit.minutes + held[key].minutes) if key in held else credit
    return {
        membership: tuple(
            Closing(
                str(closing.id),
                Span(closing.starts_at, closing.ends_at),
                snapshots.get((closing.id, membership), {}),
                frozenset(of[membership].admitted.get(str(closing.id), ())),
            )
            for closing in programs[program].closings
        )
        for membership, program in memberships.items()
    }


def _credits(rows: Iterable[Mapping[str, Any]]) -> dict[str, Credit]:
    """Credits as a snapshot keeps them."""
    return {row["key"]: Credit(**{**row, "happened_at": datetime.fromisoformat(row["happened_at"])}) for row in rows}


def as_decided(of: Of, program: OfProgram, closings: tuple[Closing, ...]) -> Decided:
    """Everything that was decided about a membership and its program, as the engine takes it."""
    return Decided(tuple(of.adjustments), tuple(of.reports), program.recalculations, closings, dict(of.waived))
