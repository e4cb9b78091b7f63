"""A community's sessions in a list that goes on page by page."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from records.actor import Actor, in_scope
from records.keys import among
from records.models import Community, SessionRow, SharedSession


@dataclass(frozen=True, slots=True)
class Between:
    """When the wanted sessions begin: not before `since`, and before `until`; aware. None: whenever."""

    since: datetime | None = None
    until: datetime | None = None


def listed(
    session: Session,
    actor: Actor,
    community_id: UUID,
    between: Between,
    *,
    after: UUID | None = None,
    limit: int = 50,
) -> list[SessionRow] | None:
    """Its sessions, those that others share with it among them, in the order in which they were planned; those after
    one of them. None for a community that isn't there or out of scope."""
    own = select(Community.id).where(Community.id == community_id, in_scope(actor))
    if session.scalar(own) is None:
        return None
    s = SessionRow
    shared = select(SharedSession.session_id).where(SharedSession.community_id == community_id)
    wanted = select(s).where(or_(s.community_id == community_id, s.id.in_(shared))).order_by(s.id).limit(limit)
    if after:
        wanted = wanted.where(s.id > after)
    if between.since:
        wanted = wanted.where(s.starts_at >= between.since)
    if between.until:
        wanted = wanted.where(s.starts_at < between.until)
    return list(session.scalars(wanted))


def shared_with(session: Session, actor: Actor, sessions: Collection[UUID]) -> dict[UUID, list[UUID]]:
    """The other communities in the actor's scope that sessions are shared with."""
    s = SharedSession
    rows = session.execute(
        select(s.session_id, s.community_id)
        .join(Community, Community.id == s.community_id)
        .where(among(s.session_id, sessions), in_scope(actor))
        .order_by(s.session_id, s.community_id)
    )
    found: dict[UUID, list[UUID]] = {}
    for session_id, community_id in rows:
        found.setdefault(session_id, []).append(community_id)
    return found


def timezone_of(session: Session, actor: Actor, community_id: UUID) -> str | None:
    """A community's time zone; None for one that isn't there or out of scope."""
    return session.scalar(select(Community.timezone).where(Community.id == community_id, in_scope(actor)))
