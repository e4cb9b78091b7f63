"""Reconcile memberships: the ledger's net becomes credit(inputs), by entries that are only ever added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mappings.credit import credit, credits_of
from mappings.facts import Adjustment, Credit, Fact, Line
from mappings.program import ProgramVersion, next_version_at, version_at
from mappings.standing import Standing, evaluate
from records.counted import counted
from records.keys import among, put
from records.memberships import Participation, participations, role_in, status_at
from records.models import (
    Community,
    Decision,
    LedgerEntry,
    Membership,
    StandingRow,
    uuid7,
)
from records.programs import newest, versions_by_program


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that decides about one membership."""

    membership: Membership
    community: Community
    versions: tuple[ProgramVersion, ...]
    participation: Participation
    facts: list[Fact]
    correlations: dict[str, UUID]
    """Of each fact and decision, by its id."""
    adjustments: list[Adjustment]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the inputs amount to at a moment."""

    role: str
    status: str
    lines: list[Line]
    standing: Standing
    valid_until: datetime | None


def inputs_of(session: Session, membership_ids: Sequence[UUID]) -> list[Inputs]:
    """The inputs of memberships, in the order of their ids."""
    versions = versions_by_program(session)
    rows = session.execute(
        select(Membership, Community)
        .join(Community)
        .where(among(Membership.id, membership_ids))
        .order_by(Membership.id)
        .execution_options(populate_existing=True)
    ).all()
    seen = participations(session, membership_ids)
    facts: dict[UUID, list[Fact]] = {row.Membership.id: [] for row in rows}
    causes: dict[UUID, dict[str, UUID]] = {row.Membership.id: {} for row in rows}
    for membership_id, fact, correlation in counted(session, membership_ids):
        facts[membership_id].append(fact)
        causes[membership_id][fact.id] = correlation
    adjustments: dict[UUID, list[Adjustment]] = {row.Membership.id: [] for row in rows}
    undone = select(Decision.undoes).where(Decision.undoes.is_not(None))
    decisions = select(Decision).where(
        among(Decision.membership_id, membership_ids), Decision.kind == "adjustment", Decision.id.not_in(undone)
    )
    for d in session.scalars(decisions):
        if d.membership_id is None:
            continue
        adjustments[d.membership_id].append(
            Adjustment(str(d.id), d.decided_at, int(str(d.data["minutes"])), str(d.data["component"]))
        )
        causes[d.membership_id][str(d.id)] = d.correlation_id
    return [
        Inputs(m, c, versions[c.program_id], seen[m.id], facts[m.id], causes[m.id], adjustments[m.id]) for m, c in rows
    ]


def answer(inputs: Inputs, now: datetime) -> Answer:
    """What the inputs amount to at `now`: lines, standing, and the next instant at which time alone changes it."""
    program = newest(inputs.versions)
    role = role_in(program, inputs.participation)
    status, changes_at = status_at(inputs.participation, now)
    moments = [moment for moment in (changes_at, next_version_at(inputs.versions, now)) if moment]
    lines = credit(inputs.facts, inputs.adjustments, inputs.versions, participant=role == "participant")
    # The commitment is that of the version in force now: earlier versions only decide what was credited.
    band = version_at(inputs.versions, now).program.band(inputs.community.topic)
    return Answer(role, status, lines, evaluate(credits_of(lines), lines, band), min(moments, default=None))


def reconcile(session: Session, membership_ids: Sequence[UUID], now: datetime) -> int:
    """Bring the ledger and the standing of memberships, whose rows the caller has locked, in line with their inputs.

    Clears the dirty marks. Returns how many ledger entries were added.
    """
    inputs = inputs_of(session, membership_ids)
    held = standing_entries(session, membership_ids)
    ordinals = _ordinals(session, membership_ids)
    entries: list[dict[str, Any]] = []
    standings: list[dict[str, Any]] = []
    members: list[dict[str, Any]] = []
    for item in inputs:
        result = answer(item, now)
        entries += _difference(
            item, credits_of(result.lines), held.get(item.membership.id, {}), ordinals.get(item.membership.id, {})
        )
        standings.append(_standing_row(item.membership.id, result, now))
        members.append({"id": item.membership.id, "role": result.role, "status": result.status, "dirty_at": None})
    if entries:
        session.execute(put(LedgerEntry, entries))
    if standings:
        statement = put(StandingRow, standings)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["membership_id"],
                set_={name: statement.excluded[name] for name in standings[0] if name != "membership_id"},
            )
        )
        session.execute(update(Membership), members)
    return len(entries)


def standing_entries(session: Session, membership_ids: Sequence[UUID]) -> dict[UUID, dict[str, LedgerEntry]]:
    """The ledger entries that no other entry reverses, by membership and credit key."""
    reversal = select(LedgerEntry.reverses).where(
        among(LedgerEntry.membership_id, membership_ids), LedgerEntry.reverses.is_not(None)
    )
    rows = session.scalars(
        select(LedgerEntry).where(
            among(LedgerEntry.membership_id, membership_ids),
            LedgerEntry.reverses.is_(None),
            LedgerEntry.id.not_in(reversal),
        )
    )
    found: dict[UUID, dict[str, LedgerEntry]] = {}
    for entry in rows:
        found.setdefault(entry.membership_id, {})[entry.credit_key] = entry
    return found


def _ordinals(session: Session, membership_ids: Sequence[UUID]) -> dict[UUID, dict[str, int]]:
    rows = session.execute(
        select(LedgerEntry.membership_id, LedgerEntry.credit_key, func.max(LedgerEntry.ordinal))
        .where(among(LedgerEntry.membership_id, membership_ids))
        .group_by(LedgerEntry.membership_id, LedgerEntry.credit_key)
    )
    found: dict[UUID, dict[str, int]] = {}
    for membership_id, key, ordinal in rows:
        found.setdefault(membership_id, {})[key] = ordinal
    return found


def agrees(entry: LedgerEntry, wanted: Credit) -> bool:
    """Whether an entry says what a credit says; its date and program version may be older."""
    return (entry.minutes, entry.component, entry.rule) == (wanted.minutes, wanted.component, wanted.rule)


def _difference(
    item: Inputs, wanted: list[Credit], held: dict[str, LedgerEntry], ordinals: dict[str, int]
) -> list[dict[str, Any]]:
    """The entries to add: a reversal of what no longer stands, then what stands instead."""
    by_key = {c.key: c for c in wanted}
    causes = item.correlations
    rows: list[dict[str, Any]] = []

    def add(key: str, **values: Any) -> None:
        ordinals[key] = ordinals.get(key, 0) + 1
        rows.append(
            {"id": uuid7(), "membership_id": item.membership.id, "credit_key": key, "ordinal": ordinals[key], **values}
        )

    for key, entry in sorted(held.items()):
        if key in by_key and agrees(entry, by_key[key]):
            continue
        same_fact = next((f.id for f in item.facts if f.key == key), None)
        add(
            key,
            minutes=-entry.minutes,
            component=entry.component,
            rule=entry.rule,
            program_version_id=entry.program_version_id,
            fact_id=UUID(same_fact) if same_fact else entry.fact_id,
            decision_id=entry.decision_id,
            reverses=entry.id,
            happened_at=entry.happened_at,
            correlation_id=causes.get(same_fact or "", entry.correlation_id),
        )
    for key, new in sorted(by_key.items()):
        if key in held and agrees(held[key], new):
            continue
        add(
            key,
            minutes=new.minutes,
            component=new.component,
            rule=new.rule,
            program_version_id=UUID(new.program_version),
            fact_id=UUID(new.fact) if new.fact else None,
            decision_id=UUID(new.decision) if new.decision else None,
            reverses=None,
            happened_at=new.happened_at,
            correlation_id=causes[new.fact or new.decision or ""],
        )
    return rows


def _standing_row(membership_id: UUID, result: Answer, now: datetime) -> dict[str, Any]:
    s = result.standing
    return {
        "membership_id": membership_id,
        "minutes": s.minutes,
        "by_component": s.by_component,
        "status": str(s.status),
        "band_min": s.band_min,
        "band_max": s.band_max,
        "on_their_way": s.on_their_way,
        "valid_until": result.valid_until,
        "computed_at": now,
    }


@dataclass(frozen=True, slots=True)
class Difference:
    """Where the books don't say what the inputs say; minutes by credit key."""

    membership_id: UUID
    what: str
    held: object
    computed: object


def compare(session: Session, membership_ids: Sequence[UUID], now: datetime) -> list[Difference]:
    """Recompute nets and standings from the inputs, and list what differs from the books. Writes nothing."""
    found = []
    held = standing_entries(session, membership_ids)
    nets: dict[UUID, dict[str, int]] = {}
    sums = select(LedgerEntry.membership_id, LedgerEntry.credit_key, func.sum(LedgerEntry.minutes)).where(
        among(LedgerEntry.membership_id, membership_ids)
    )
    for membership_id, key, minutes in session.execute(
        sums.group_by(LedgerEntry.membership_id, LedgerEntry.credit_key)
    ):
        if minutes:
            nets.setdefault(membership_id, {})[key] = int(minutes)
    rows = {
        r.membership_id: r
        for r in session.scalars(select(StandingRow).where(among(StandingRow.membership_id, membership_ids)))
    }
    for item in inputs_of(session, membership_ids):
        member = item.membership.id
        result = answer(item, now)
        wanted = {c.key: c for c in credits_of(result.lines)}
        computed = {key: c.minutes for key, c in wanted.items()}
        if nets.get(member, {}) != computed:
            found.append(Difference(member, "net", nets.get(member, {}), computed))
        wrong = [key for key, entry in held.get(member, {}).items() if key in wanted and not agrees(entry, wanted[key])]
        found += [Difference(member, "entry", held[member][key].rule, wanted[key].rule) for key in wrong]
        new = _standing_row(member, result, now)
        row = rows.get(member)
        old = {name: getattr(row, name) for name in new if name not in {"computed_at"}} if row else None
        if old != {name: value for name, value in new.items() if name != "computed_at"}:
            found.append(Difference(member, "standing", old and old["minutes"], new["minutes"]))
        if (item.membership.role, item.membership.status) != (result.role, result.status):
            found.append(
                Difference(
                    member,
                    "membership",
                    f"{item.membership.role}/{item.membership.status}",
                    f"{result.role}/{result.status}",
                )
            )
    return found
