"""Inbox items that were put aside: counts with reasons, and which of them may be tried again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, String, and_, cast, func, literal, or_, select
from sqlalchemy.orm import Session

from records import audit, inbox
from records.actor import Actor
from records.models import InboxItem, Site
from records.sites import UNCONFIRMED

STATUSES = ("dead", "quarantined", "waiting")
CHUNK = 5_000


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


def _of_the_site_itself() -> ColumnElement[bool]:
    """Not what an unconfirmed copy sent: taking that in would write the copy's state over the site's."""
    confirmed = InboxItem.waits_for == literal("epoch:").concat(cast(Site.epoch, String))
    return or_(InboxItem.reason.is_distinct_from(UNCONFIRMED), confirmed)


def replay(
    session: Session,
    actor: Actor,
    statuses: Sequence[str] = STATUSES,
    site_id: UUID | None = None,
    ids: Sequence[int] = (),
) -> tuple[int, int]:
    """Make put-aside items due again. Returns (how many, how many stay since their sender is unconfirmed)."""
    wanted: list[ColumnElement[bool]] = [InboxItem.status.in_(statuses)]
    if site_id:
        wanted.append(InboxItem.site_id == site_id)
    if ids:
        wanted.append(InboxItem.id.in_(ids))
    items = select(InboxItem.id).join(Site, Site.id == InboxItem.site_id)
    chosen = list(session.scalars(items.where(*wanted, _of_the_site_itself()).order_by(InboxItem.id)))
    left = session.scalar(
        select(func.count()).select_from(items.where(and_(*wanted), ~_of_the_site_itself()).subquery())
    )
    done = sum(
        inbox.replay(session, statuses, site_id, chosen[start : start + CHUNK])
        for start in range(0, len(chosen), CHUNK)
    )
    if done:
        scope = {"statuses": list(statuses), "items": done, "first": chosen[0]}
        audit.record(session, actor, "inbox.replayed", str(site_id or "all"), after=scope)
    return done, left or 0
