"""Adjustments of a membership, and whether each stands."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.program import version_at
from records.actor import Actor, in_scope
from records.decisions import Kind, decided
from records.keys import among
from records.models import Community, Decision, Membership
from records.programs import versions_by_program

State = Literal["stands", "waits", "undone"]


@dataclass(frozen=True, slots=True)
class Adjusted:
    """An adjustment. `state`: `waits` until somebody else has approved it, where the program asks for that."""

    id: UUID
    membership_id: UUID
    minutes: int
    component: str
    reason: str
    actor: str
    """The user's id, or `cli`."""
    role: str
    decided_at: datetime
    state: State
    undone_by: UUID | None
    """The decision that took it back."""


def of_membership(
    session: Session, actor: Actor, membership_id: UUID, *, after: UUID | None = None, limit: int = 50
) -> list[Adjusted] | None:
    """A membership's adjustments in the order in which they were decided, those after one of them; None for a
    membership that isn't there or out of scope."""
    m, d = Membership, Decision
    own = select(m.id).join(Community).where(m.id == membership_id, m.merged_into.is_(None), in_scope(actor))
    if session.scalar(own) is None:
        return None
    wanted = select(d).where(d.membership_id == membership_id, d.kind == str(Kind.ADJUSTMENT))
    if after:
        wanted = wanted.where(d.id > after)
    return _read(session, session.scalars(wanted.order_by(d.id).limit(limit)).all())


def one(session: Session, actor: Actor, decision_id: UUID) -> Adjusted | None:
    """An adjustment; None for one that isn't there or out of scope."""
    m, d = Membership, Decision
    own = (
        select(d)
        .join(m, m.id == d.membership_id)
        .join(Community, Community.id == m.community_id)
        .where(d.id == decision_id, d.kind == str(Kind.ADJUSTMENT), in_scope(actor))
    )
    found = _read(session, session.scalars(own).all())
    return found[0] if found else None


def _read(session: Session, rows: Sequence[Decision]) -> list[Adjusted]:
    d = Decision
    taken_back = select(d.undoes, d.id).where(among(d.undoes, [row.id for row in rows]))
    undone: dict[UUID | None, UUID] = dict(session.execute(taken_back).all())
    waiting = _waiting(session, {row.membership_id for row in rows if row.membership_id})
    return [
        Adjusted(
            row.id,
            row.membership_id,
            int(str(row.data["minutes"])),
            str(row.data["component"]),
            row.reason,
            row.actor,
            row.actor_role,
            row.decided_at,
            "undone" if row.id in undone else "waits" if str(row.id) in waiting else "stands",
            undone.get(row.id),
        )
        for row in rows
        if row.membership_id
    ]


def _waiting(session: Session, memberships: Iterable[UUID]) -> set[str]:
    """The adjustments that count once somebody else has approved them."""
    ids = list(memberships)
    programs = select(Membership.id, Community.program_id).join(Community).where(among(Membership.id, ids))
    versions = versions_by_program(session)
    of_membership = {membership: versions[program] for membership, program in session.execute(programs)}
    return {
        each.id
        for membership, of in decided(session, ids).items()
        for each in of.adjustments
        if not each.approved
        and version_at(of_membership[membership], each.decided_at).program.adjustments.asks_approval(each.minutes)
    }
