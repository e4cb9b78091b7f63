"""What waits in the inbox, for whom it is to look after: numbers only, never what was sent."""

from dataclasses import dataclass

from sqlalchemy import func, literal, select
from sqlalchemy.orm import Session

from records.actor import Actor
from records.models import InboxItem

COUNTED_TO = 10_000
"""A longer queue is as good as this one to who looks, and would take longer to count."""


@dataclass(frozen=True, slots=True)
class Queue:
    """How many items are not done, by status; none is above COUNTED_TO."""

    pending: int
    waiting: int
    quarantined: int
    dead: int


def queue(session: Session, actor: Actor) -> Queue | None:
    """The inbox in numbers; None for an actor without any grant. It belongs to no program."""
    if not actor.grants:
        return None

    def count(status: str) -> int:
        # The status is written out so that the partial index of that status serves.
        some = select(literal(1)).where(InboxItem.status == literal(status, literal_execute=True)).limit(COUNTED_TO)
        return session.scalar(select(func.count()).select_from(some.subquery())) or 0

    return Queue(count("pending"), count("waiting"), count("quarantined"), count("dead"))
