"""Inbox items that were put aside: counts with reasons, and which of them may be tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records import audit, inbox
from records.actor import Actor
from records.keys import among
from records.models import InboxItem, Site
from records.sites import UNCONFIRMED

STATUSES = ("dead", "quarantined", "waiting")


@dataclass(frozen=True, slots=True)
class Stuck:
    """Items of one site that were put aside for one reason."""

    site: str
    status: str
    reason: str
    waits_for: str
    count: int
    oldest: datetime
    first_id: int


def stuck(session: Session, statuses: Sequence[str] = STATUSES, site_id: UUID | None = None) -> list[Stuck]:
    """What was put aside, by site, status and reason."""
    i = InboxItem
    reason, waits_for = func.coalesce(i.reason, ""), func.coalesce(i.waits_for, "")
    statement = (
        select(Site.slug, i.status, reason, waits_for, func.count(), func.min(i.received_at), func.min(i.id))
        .join(Site, Site.id == i.site_id)
        .where(i.status.in_(statuses))
        .group_by(Site.slug, i.status, reason, waits_for)
        .order_by(Site.slug, i.status, func.count().desc(), reason, waits_for)
    )
    if site_id:
        statement = statement.where(i.site_id == site_id)
    return [Stuck(*row) for row in session.execute(statement)]


def replay(
    session: Session,
    actor: Actor,
    statuses: Sequence[str] = STATUSES,
    site_id: UUID | None = None,
    ids: Sequence[int] = (),
) -> tuple[int, int]:
    """Make put-aside items due again. Returns (how many, how many stay since their sender is unconfirmed)."""
    chosen = [InboxItem.status.in_(statuses), *([InboxItem.site_id == site_id] if site_id else [])]
    if ids:
        chosen.append(among(InboxItem.id, ids))
    done = inbox.replay(session, statuses, site_id, ids)
    left = session.scalar(select(func.count()).where(*chosen, InboxItem.reason == UNCONFIRMED)) or 0
    if done:
        after = {"statuses": list(statuses), "items": done}
        audit.record(session, actor, "inbox.replayed", str(site_id or "all"), after=after)
    return done, left
