"""Where the hours of memberships go on: whatever moves them there moves them in those communities, too."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.program import Program
from records.actor import Actor, in_scope
from records.decisions import Kind, standing_decisions
from records.keys import among
from records.merged import root_of
from records.models import Community, Decision, Membership
from records.programs import newest, versions_by_program


@dataclass(frozen=True, slots=True)
class Place:
    """A community in scope in which hours of another one count."""

    program: Program
    topic: str
    region: str


@dataclass(slots=True)
class GoingOn:
    """Where a membership's hours go on. `elsewhere`: in so many communities that the actor doesn't look after."""

    places: list[Place] = field(default_factory=list)
    elsewhere: int = 0


def going_on(session: Session, actor: Actor, membership_ids: Collection[UUID]) -> dict[UUID, GoingOn]:
    """By membership, for those whose hours were transferred, and on from there."""
    people = select(Membership.person_id).where(among(Membership.id, membership_ids))
    theirs = select(Membership.id).where(Membership.person_id.in_(people))
    rows = session.scalars(
        standing_decisions().where(Decision.kind == str(Kind.TRANSFER), Decision.membership_id.in_(theirs))
    ).all()
    onward: dict[UUID, set[UUID]] = {}
    for row in rows:
        if row.membership_id:
            before, after = UUID(str(row.data["from"])), row.membership_id
            onward.setdefault(root_of(session, before), set()).add(root_of(session, after))
    if not onward:
        return {}
    ends = {one: _reached(onward, one) for one in membership_ids}
    places = _places(session, actor, {end for found in ends.values() for end in found})
    made = {}
    for one, found in ends.items():
        if found:
            seen = [place for end in sorted(found) if (place := places.get(end))]
            made[one] = GoingOn(seen, len(found) - len(seen))
    return made


def _reached(onward: Mapping[UUID, set[UUID]], one: UUID) -> set[UUID]:
    found: set[UUID] = set()
    front = onward.get(one, set())
    while front:
        found |= front
        front = {after for each in front for after in onward.get(each, ())} - found
    return found - {one}


def _places(session: Session, actor: Actor, ids: Collection[UUID]) -> dict[UUID, Place]:
    versions = versions_by_program(session)
    rows = session.execute(
        select(Membership.id, Community)
        .join(Community, Community.id == Membership.community_id)
        .where(among(Membership.id, ids), in_scope(actor))
    )
    return {key: Place(newest(versions[c.program_id]), c.topic, c.region) for key, c in rows}
