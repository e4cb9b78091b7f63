"""Whom a decision about a copied course would move, as far as an actor may see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.actor import Actor, in_scope
from records.keys import among
from records.models import Community, Membership
from records.queries.community import names_of


@dataclass(frozen=True, slots=True)
class Somebody:
    """A person and how many minutes more (or fewer) it would be, over all communities."""

    person_id: UUID
    name: str
    moodle_user_id: int
    change: int


def people_of(session: Session, actor: Actor, moved: Mapping[UUID, tuple[int, int]]) -> list[Somebody]:
    """Those of the moved people, (before, after) in minutes, who are members in scope; who loses most comes first."""
    mine = (
        select(Membership.person_id)
        .distinct()
        .join(Community, Community.id == Membership.community_id)
        .where(among(Membership.person_id, set(moved)), in_scope(actor))
    )
    persons = set(moved) if actor.unlimited else set(session.scalars(mine))
    names = names_of(session, persons)
    found = [
        Somebody(person, *names.get(person, ("", 0)), after - before)
        for person, (before, after) in moved.items()
        if person in persons
    ]
    return sorted(found, key=lambda one: (one.change, one.name, str(one.person_id)))
