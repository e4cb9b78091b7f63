"""What was decided about a person's memberships, as a history: who, in which role, when, why, and what it moved."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from records.decisions import Kind
from records.keys import among
from records.merged import counts_in
from records.models import Decision, LedgerEntry, SessionRow, User


@dataclass(frozen=True, slots=True)
class Event:
    """A decision. `decided_at` is aware UTC; `before` and `after` are all credited minutes around its first effect."""

    id: UUID
    kind: str
    state: str
    """`stands` or `undone`. Whether it waits for approval is said by what counts: Nothing.NOT_APPROVED."""
    decided_at: datetime
    role: str
    actor: str
    """A user's id, `cli` or `system`."""
    by: str
    """The user's name; of others as `actor`."""
    reason: str
    data: Mapping[str, Any]
    undid: str
    """Of an undoing the kind of what it took back, else empty."""
    session: str
    """The title of the session that it is about."""
    before: int | None
    after: int | None


def history(session: Session, membership_ids: Iterable[UUID], until: datetime | None = None) -> dict[UUID, list[Event]]:
    """The decisions about memberships and those that were merged into them, the latest first; as known `until`."""
    into = counts_in(session, membership_ids)
    rows = _decisions(session, into, until)
    ids = {row.id: row for row in rows}
    undone = {row.undoes for row in rows if row.undoes}
    moved = _moved(session, into, {row.correlation_id: row.id for row in rows})
    names, titles = _names(session, rows), _titles(session, rows)
    found: dict[UUID, list[Event]] = {membership: [] for membership in into.values()}
    for row in rows:
        earlier = ids.get(row.undoes) if row.undoes else None
        whose = row.membership_id or (earlier.membership_id if earlier else None)
        if whose is None:
            continue
        before, after = moved.get(row.id, (None, None))
        found[into[whose]].append(
            Event(
                row.id,
                row.kind,
                "undone" if row.id in undone else "stands",
                row.decided_at,
                row.actor_role,
                row.actor,
                names.get(row.actor, row.actor),
                row.reason,
                row.data,
                earlier.kind if earlier else "",
                titles.get(str(row.data.get("session")), ""),
                before,
                after,
            )
        )
    return found


def _decisions(session: Session, into: Mapping[UUID, UUID], until: datetime | None) -> Sequence[Decision]:
    d = Decision
    about = select(d.id).where(among(d.membership_id, into))
    wanted = select(d).where(or_(among(d.membership_id, into), d.undoes.in_(about)))
    if until is not None:
        wanted = wanted.where(d.decided_at <= until)
    return session.scalars(wanted.order_by(d.decided_at.desc(), d.id.desc())).all()


def _moved(
    session: Session, into: Mapping[UUID, UUID], causes: Mapping[UUID, UUID]
) -> dict[UUID, tuple[int | None, int | None]]:
    """Of each decision that the ledger names as a cause: all minutes before its first entries, and with them."""
    if not causes:
        return {}
    e = LedgerEntry
    rows = session.execute(
        select(e.membership_id, e.minutes, e.correlation_id, e.reverses, e.created_at)
        .where(among(e.membership_id, set(into.values())))
        .order_by(e.created_at, e.id)
    )
    totals: dict[UUID, int] = {}
    first: dict[UUID, tuple[datetime, int, int]] = {}
    for membership, minutes, correlation, reverses, created_at in rows:
        decision = causes.get(correlation)
        if decision and reverses is None:
            at, before, own = first.get(decision, (created_at, totals.get(membership, 0), 0))
            # Written in one go: later entries of it follow from something else, such as a new version of the program.
            if at == created_at:
                first[decision] = (at, before, own + minutes)
        totals[membership] = totals.get(membership, 0) + minutes
    return {decision: (before, before + own) for decision, (_, before, own) in first.items()}


def _names(session: Session, rows: Sequence[Decision]) -> dict[str, str]:
    users = select(cast(User.id, Text), User.name).where(cast(User.id, Text).in_({row.actor for row in rows}))
    return {str(user): name for user, name in session.execute(users)}


def _titles(session: Session, rows: Sequence[Decision]) -> dict[str, str]:
    ids = {str(row.data["session"]) for row in rows if row.kind == Kind.PRESENCE and row.data.get("session")}
    if not ids:
        return {}
    found = session.execute(select(SessionRow.id, SessionRow.title).where(cast(SessionRow.id, Text).in_(ids)))
    return {str(session_id): title for session_id, title in found}
