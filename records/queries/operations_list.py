"""Sites, events and jobs in lists that go on page by page: statuses, attempts and codes, never what was sent.

They belong to no program: whoever reaches everything sees them, and nobody else.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from records.actor import Actor
from records.keys import among
from records.models import InboxItem, PeriodicJob, Site

CODE = re.compile(r"[a-z0-9_.:-]{1,60}", re.ASCII)
OTHER = "other"
"""Stands for a reason that is a sentence: that may quote what was sent."""
STATUSES = ("pending", "waiting", "quarantined", "dead")


@dataclass(frozen=True, slots=True)
class Listed:
    """A site, and how many of its items are put aside or still to do, by status."""

    id: UUID
    slug: str
    name: str
    wwwroot: str
    last_received_at: datetime | None
    refused_at: datetime | None
    """When a copy of the site knocked last, which nobody has confirmed."""
    created_at: datetime
    waiting: dict[str, int]


@dataclass(frozen=True, slots=True)
class Event:
    """An item of the inbox without its payload."""

    id: int
    site_id: UUID
    sender: str
    kind: str
    status: str
    reason: str | None
    """A code; `other` for what isn't one."""
    attempts: int
    failures: int
    correlation_id: UUID
    received_at: datetime
    due_at: datetime
    processed_at: datetime | None


@dataclass(frozen=True, slots=True)
class Filters:
    """What is wanted of events; empty or None: any."""

    site_id: UUID | None = None
    status: str = ""
    kind: str = ""


def sites(session: Session, actor: Actor, *, after: UUID | None = None, limit: int = 50) -> list[Listed]:
    """Sites in the order in which they were connected, those after one of them."""
    wanted = select(Site).order_by(Site.id).limit(limit)
    if after:
        wanted = wanted.where(Site.id > after)
    return _sites(session, list(session.scalars(wanted))) if actor.unlimited else []


def site(session: Session, actor: Actor, site_id: UUID) -> Listed | None:
    """A site; None for one that isn't there."""
    row = session.get(Site, site_id) if actor.unlimited else None
    return _sites(session, [row])[0] if row else None


def _sites(session: Session, rows: Collection[Site]) -> list[Listed]:
    i = InboxItem
    counted = (
        select(i.site_id, i.status, func.count())
        .where(among(i.site_id, [row.id for row in rows]), i.status.in_(STATUSES))
        .group_by(i.site_id, i.status)
    )
    found: dict[UUID, dict[str, int]] = {row.id: dict.fromkeys(STATUSES, 0) for row in rows}
    for site_id, status, number in session.execute(counted):
        found[site_id][status] = number
    return [
        Listed(
            row.id,
            row.slug,
            row.name,
            row.wwwroot,
            row.last_received_at,
            row.refused_at,
            row.created_at,
            found[row.id],
        )
        for row in rows
    ]


def events(
    session: Session, actor: Actor, wanted: Filters, *, before: int | None = None, limit: int = 50
) -> list[Event]:
    """Items of the inbox, the latest first, those before one of them."""
    i = InboxItem
    rows = _events().order_by(i.id.desc()).limit(limit)
    if before is not None:
        rows = rows.where(i.id < before)
    if wanted.site_id:
        rows = rows.where(i.site_id == wanted.site_id)
    if wanted.status:
        rows = rows.where(i.status == wanted.status)
    if wanted.kind:
        rows = rows.where(i.kind == wanted.kind)
    return [_event(row) for row in session.execute(rows)] if actor.unlimited else []


def event(session: Session, actor: Actor, event_id: int) -> Event | None:
    """An item of the inbox; None for one that isn't there (any more)."""
    row = session.execute(_events().where(InboxItem.id == event_id)).one_or_none()
    return _event(row) if row and actor.unlimited else None


def _events() -> Select[*tuple[Any, ...]]:
    # The payload stays where it is.
    i = InboxItem
    return select(
        i.id,
        i.site_id,
        i.sender,
        i.kind,
        i.status,
        i.reason,
        i.attempts,
        i.failures,
        i.correlation_id,
        i.received_at,
        i.due_at,
        i.processed_at,
    )


def _event(row: Row[*tuple[Any, ...]]) -> Event:
    values = dict(row._mapping)
    if values["reason"] is not None and not CODE.fullmatch(values["reason"]):
        values["reason"] = OTHER
    return Event(**values)


def periodic_jobs(session: Session, actor: Actor) -> list[PeriodicJob]:
    """What the schedulers have done from time to time; a list of the house's own, which doesn't grow."""
    return list(session.scalars(select(PeriodicJob).order_by(PeriodicJob.name))) if actor.unlimited else []
