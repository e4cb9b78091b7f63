"""How fresh what people look at is: when each site was last heard of."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import literal, or_, select
from sqlalchemy.orm import Session

from records.actor import Actor, in_scope
from records.models import Community, CommunityCourse, Site
from records.queries.drift import last_readings


@dataclass(frozen=True, slots=True)
class SiteNews:
    """When a site last sent anything; `refused_wwwroot` names a copy of it that was turned away.

    `able`: whether it has a token to be read with; None: it has no community yet. `read_at`: since when all of its
    communities were read to the end.
    """

    name: str
    last_received_at: datetime | None
    refused_wwwroot: str | None
    refused_at: datetime | None
    able: bool | None
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """The sites behind the communities in scope, and a time zone to tell times in."""

    sites: list[SiteNews]
    timezone: str


def freshness(session: Session, actor: Actor) -> Freshness:
    """The news of the sites that the actor's communities live on; of every site where no scope is set."""
    behind = (
        select(CommunityCourse.site_id)
        .join(Community, Community.id == CommunityCourse.community_id)
        .where(in_scope(actor))
    )
    rows = session.execute(
        select(Site.id, Site.name, Site.last_received_at, Site.refused_wwwroot, Site.refused_at)
        .where(or_(literal(actor.unlimited), Site.id.in_(behind)))
        .order_by(Site.name)
    ).all()
    read = last_readings(session, (row.id for row in rows))
    # Times of several communities side by side: one zone has to do, and it is written beside each.
    zone = session.scalar(select(Community.timezone).where(in_scope(actor)).order_by(Community.created_at).limit(1))
    return Freshness([SiteNews(*row[1:], *read.get(row.id, (None, None))) for row in rows], zone or "UTC")
