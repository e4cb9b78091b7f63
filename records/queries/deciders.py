"""Who decided: the names of users, for those who may see people."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.keys import among
from records.models import User


def names_of(session: Session, actors: Iterable[str]) -> dict[str, str]:
    """The name of each user among actors, by the actor's name in decisions and the audit trail. The command line and
    the system's own jobs have none."""
    ids = {}
    for actor in set(actors):
        try:
            ids[UUID(actor)] = actor
        except ValueError:
            continue
    rows = session.execute(select(User.id, User.name).where(among(User.id, ids)))
    return {ids[user_id]: name for user_id, name in rows}
