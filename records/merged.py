"""Memberships that were merged into others: where what hangs on them counts, and which people are one by now.

What is said here is read whenever hours are computed. Merging itself is in records.merging, its undoing in
records.unmerging.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from records.keys import among
from records.models import Decision, Membership

MERGE = "merge"
"""The decision's kind: records.decisions reads this module."""


def counts_in(session: Session, membership_ids: Iterable[UUID]) -> dict[UUID, UUID]:
    """Every membership of which what hangs on it counts in one of these, and in which: each in itself, and all that
    were merged into it, at once or by way of others. One of these that was merged is left out: it counts elsewhere."""
    asked = set(membership_ids)
    gone = merged_among(session, asked)
    found = {membership: membership for membership in asked if membership not in gone}
    front, m = list(found), Membership
    while front:
        rows = session.execute(select(m.id, m.merged_into).where(among(m.merged_into, front))).all()
        found |= {row.id: found[row.merged_into] for row in rows if row.merged_into}
        front = [row.id for row in rows]
    return found


def merged_among(session: Session, membership_ids: Iterable[UUID]) -> set[UUID]:
    """Those that were merged into others."""
    m = Membership
    return set(session.scalars(select(m.id).where(among(m.id, membership_ids), m.merged_into.is_not(None))))


def root_of(session: Session, membership_id: UUID) -> UUID:
    """The membership in which one counts: itself, but for one that was merged."""
    while further := session.scalar(select(Membership.merged_into).where(Membership.id == membership_id)):
        membership_id = further
    return membership_id


@dataclass(frozen=True, slots=True)
class Merged:
    """A decision that two people are one."""

    id: UUID
    from_person: UUID
    into_person: UUID
    accounts: tuple[UUID, ...]
    """Those that went over."""
    pointed: Mapping[UUID, UUID]
    """The membership of the other person in the same community, by that of the one."""
    moved: tuple[UUID, ...]
    """The memberships that went over as they are."""
    kept: tuple[UUID, ...]
    """Those that the other person had already."""

    @classmethod
    def by(cls, decision: Decision) -> "Merged":
        data: Mapping[str, Any] = decision.data
        ids = {name: tuple(map(UUID, data[name])) for name in ("accounts", "moved", "kept")}
        pointed = {UUID(one): UUID(other) for one, other in data["pointed"].items()}
        return cls(decision.id, UUID(data["from"]), UUID(data["into"]), pointed=pointed, **ids)

    @property
    def as_data(self) -> dict[str, Any]:
        """What the decision keeps of it."""
        return {
            "from": str(self.from_person),
            "into": str(self.into_person),
            "accounts": list(map(str, self.accounts)),
            "pointed": {str(one): str(other) for one, other in self.pointed.items()},
            "moved": list(map(str, self.moved)),
            "kept": list(map(str, self.kept)),
        }


def standing_merges(session: Session) -> list[Merged]:
    """The merges that nobody has undone, the earliest first."""
    undoing = aliased(Decision)
    undone = select(undoing.undoes).where(undoing.undoes.is_not(None))
    rows = select(Decision).where(Decision.kind == MERGE, Decision.id.not_in(undone)).order_by(Decision.id)
    return [Merged.by(row) for row in session.scalars(rows)]


def person_now(session: Session, person_id: UUID) -> UUID:
    """Who a person is by now: the one that he or she was merged into, at once or by way of others."""
    into = {merged.from_person: merged.into_person for merged in standing_merges(session)}
    while person_id in into:
        person_id = into[person_id]
    return person_id


def persons_behind(session: Session, person_id: UUID) -> list[UUID]:
    """Everybody who was merged into a person, at once or by way of others."""
    merges = standing_merges(session)
    found, front = list[UUID](), [person_id]
    while front:
        front = [merged.from_person for merged in merges if merged.into_person in front]
        found += front
    return found
