"""Reconcile memberships: the ledger's net becomes credit(inputs), by entries that are only ever added."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mappings.credit import credits_of
from mappings.facts import Credit
from records.answers import Inputs, answer, inputs_of
from records.keys import among, put
from records.models import LedgerEntry, Membership, StandingRow, uuid7
from records.standings import as_row


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
        standings.append(as_row(item.membership.id, result, now))
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


def nets(session: Session, membership_ids: Sequence[UUID]) -> dict[UUID, int]:
    """All credited minutes of memberships, as the ledger has them."""
    rows = session.execute(
        select(LedgerEntry.membership_id, func.sum(LedgerEntry.minutes))
        .where(among(LedgerEntry.membership_id, membership_ids))
        .group_by(LedgerEntry.membership_id)
    )
    return {membership: int(minutes) for membership, minutes in rows}


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
            fact_id=_fact_id(key, same_fact) or entry.fact_id,
            decision_id=entry.decision_id,
            reverses=entry.id,
            happened_at=entry.happened_at,
            correlation_id=UUID(causes[same_fact]) if same_fact in causes else entry.correlation_id,
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
            fact_id=_fact_id(key, new.fact),
            decision_id=UUID(new.decision) if new.decision else None,
            reverses=None,
            happened_at=new.happened_at,
            correlation_id=_cause(item, new),
        )
    return rows


def _cause(item: Inputs, new: Credit) -> UUID:
    """The correlation id of what caused a credit; of a closed period's, whose cause is gone, the membership's own."""
    about = new.fact or new.decision or new.about or ""
    return UUID(item.correlations[about]) if about in item.correlations else item.membership.id


def _fact_id(key: str, fact: str | None) -> UUID | None:
    """The row of `facts`; none of a milestone, which has a table of its own, in which the credit's key finds it."""
    return UUID(fact) if fact and not key.startswith("milestone:") else None


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
        new = as_row(member, result, now)
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
