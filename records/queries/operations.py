"""How the machine runs: what waits, what ran when, what each site sent. Numbers and codes, never what was sent.

It belongs to no program: whoever asks needs a grant that reaches everything, or is told nothing.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from records.actor import Actor
from records.drift import Drift
from records.keys import among
from records.models import (
    AttendanceReport,
    DriftCount,
    IgnoredCount,
    InboxItem,
    LongJob,
    Mail,
    Membership,
    NudgeMessage,
    PeriodicJob,
    Reread,
    Site,
    SiteSecret,
    Sweep,
)
from records.stuck import STATUSES

COUNTED_TO = 10_000
"""A longer queue is as good as this one to who looks, and would take longer to count."""
SHOWN = timedelta(days=7)
PAGE = 50


@dataclass(frozen=True, slots=True)
class Backlog:
    """Work that waits: its name, how much (none above COUNTED_TO), and since when the oldest of it."""

    name: str
    count: int
    since: datetime | None


def backlog(session: Session, actor: Actor) -> list[Backlog]:
    """Everything that waits to be done, whether Redis knows of it or not; nothing for whoever reaches less than all."""
    if not actor.unlimited:
        return []
    # Statuses are written out so that the partial index of each serves.
    open_work = ("due", "running")
    return [
        _waits(session, "inbox", InboxItem.due_at, _is(InboxItem.status, "pending")),
        _waits(session, "memberships", Membership.dirty_at, Membership.dirty_at.is_not(None)),
        _waits(session, "rereads", Reread.asked_at, Reread.done_at.is_(None)),
        _waits(session, "sweeps", Sweep.asked_at, _is(Sweep.status, *open_work)),
        _waits(session, "attendance", AttendanceReport.created_at, _is(AttendanceReport.status, *open_work)),
        _waits(session, "long_jobs", LongJob.created_at, _is(LongJob.status, *open_work)),
        _waits(session, "mails", Mail.created_at, _is(Mail.status, "waiting")),
        _waits(session, "messages", NudgeMessage.id, _is(NudgeMessage.status, "waiting"), dated=False),
    ]


def _is(column: InstrumentedAttribute[str], *values: str) -> ColumnElement[bool]:
    return column.in_([literal(value, literal_execute=True) for value in values])


def _waits(session: Session, name: str, since: Any, which: ColumnElement[bool], *, dated: bool = True) -> Backlog:
    some = select(since.label("since")).where(which).limit(COUNTED_TO).subquery()
    oldest = func.min(some.c.since) if dated else literal(None)
    count, first = session.execute(select(func.count(), oldest).select_from(some)).one()
    return Backlog(name, count, first)


@dataclass(frozen=True, slots=True)
class Periodic:
    """A periodic job. `late`: it should have been claimed long ago, so that no scheduler seems to run."""

    name: str
    every: timedelta
    claimed_at: datetime | None
    due_at: datetime
    late: bool


def periodic(session: Session, actor: Actor, now: datetime) -> list[Periodic]:
    """The periodic jobs, by name."""
    if not actor.unlimited:
        return []
    slack = timedelta(seconds=60)
    return [
        Periodic(row.name, timedelta(seconds=row.every_seconds), row.claimed_at, row.due_at, row.due_at + slack < now)
        for row in session.scalars(select(PeriodicJob).order_by(PeriodicJob.name))
    ]


@dataclass(frozen=True, slots=True)
class Undelivered:
    """Mail of one kind that failed in the last days for one reason, by its code. Nobody to whom it should go."""

    kind: str
    error: str
    count: int
    latest: datetime


ENDED_ANYWAY = ("superseded", "switched_off")
"""Why a mail isn't sent that nobody is to miss."""


def undelivered(session: Session, actor: Actor) -> list[Undelivered]:
    """Mail that was given up in the last days, and mail that goes on being tried."""
    if not actor.unlimited:
        return []
    m = Mail
    tried = or_(m.status == "failed", (m.status == "waiting") & (m.attempts > 0))
    since = m.created_at > func.now() - SHOWN
    rows = select(m.kind, m.error, func.count(), func.max(m.created_at)).where(tried, since, m.error != "")
    grouped = rows.where(m.error.not_in(ENDED_ANYWAY)).group_by(m.kind, m.error).order_by(m.kind, m.error)
    return [Undelivered(*row) for row in session.execute(grouped)]


@dataclass(slots=True)
class SiteState:
    """A Moodle site, what it can be asked with, and what came of it in the last days."""

    id: UUID
    slug: str
    name: str
    wwwroot: str
    last_received_at: datetime | None
    refused_wwwroot: str | None
    refused_at: datetime | None
    purposes: list[str] = field(default_factory=list)
    """What there are active secrets for: see records.secrets.Purpose."""
    swept_at: datetime | None = None
    stuck: dict[str, int] = field(default_factory=dict)
    """Items put aside, by status."""
    ignored: dict[str, int] = field(default_factory=dict)
    """What was counted and not kept in the last days, by reason."""
    drift: dict[Drift, int] = field(default_factory=dict)
    """What readings found in the last days that no event had told."""


def sites(session: Session, actor: Actor) -> list[SiteState]:
    """All sites, by name: six queries, however many there are."""
    if not actor.unlimited:
        return []
    s = Site
    columns = (s.id, s.slug, s.name, s.wwwroot, s.last_received_at, s.refused_wwwroot, s.refused_at)
    found = {row.id: SiteState(*row) for row in session.execute(select(*columns).order_by(s.name, s.slug))}
    held = select(SiteSecret.site_id, SiteSecret.purpose).where(SiteSecret.retired_at.is_(None)).distinct()
    for site, purpose in session.execute(held.order_by(SiteSecret.site_id, SiteSecret.purpose)):
        found[site].purposes.append(purpose)
    done = select(Sweep.site_id, func.max(Sweep.finished_at)).where(Sweep.status == "done").group_by(Sweep.site_id)
    for site, at in session.execute(done):
        found[site].swept_at = at
    for name, grouped in (
        ("stuck", _per_site(InboxItem.site_id, InboxItem.status, func.count(), _is(InboxItem.status, *STATUSES))),
        (
            "ignored",
            _per_site(
                *(IgnoredCount.site_id, IgnoredCount.reason, func.sum(IgnoredCount.count)),
                IgnoredCount.day > func.current_date() - SHOWN.days,
            ),
        ),
        (
            "drift",
            _per_site(
                *(DriftCount.site_id, DriftCount.kind, func.sum(DriftCount.count)),
                DriftCount.day > func.current_date() - SHOWN.days,
            ),
        ),
    ):
        counted: dict[UUID, dict[str, int]] = defaultdict(dict)
        for site, code, times in session.execute(grouped):
            counted[site][code] = int(times)
        for site, codes in counted.items():
            setattr(found[site], name, {Drift(c): n for c, n in codes.items()} if name == "drift" else codes)
    return list(found.values())


def _per_site(site: Any, code: Any, times: Any, which: ColumnElement[bool]) -> Any:
    return select(site, code, times).where(which).group_by(site, code).order_by(site, code)


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


def sites_after(session: Session, actor: Actor, after: UUID | None = None, limit: int = PAGE) -> list[Listed]:
    """Sites in the order in which they were connected, those after one of them; a page, and one more if there are
    more."""
    wanted = select(Site).order_by(Site.id).limit(limit + 1)
    if after:
        wanted = wanted.where(Site.id > after)
    return _listed(session, list(session.scalars(wanted))) if actor.unlimited else []


def site(session: Session, actor: Actor, site_id: UUID) -> Listed | None:
    """A site; None where there is none for the actor."""
    row = session.get(Site, site_id) if actor.unlimited else None
    return _listed(session, [row])[0] if row else None


def _listed(session: Session, rows: Sequence[Site]) -> list[Listed]:
    i, statuses = InboxItem, ("pending", *STATUSES)
    counted = select(i.site_id, i.status, func.count()).where(
        among(i.site_id, [row.id for row in rows]), _is(i.status, *statuses)
    )
    found: dict[UUID, dict[str, int]] = {row.id: dict.fromkeys(statuses, 0) for row in rows}
    for site_id, status, times in session.execute(counted.group_by(i.site_id, i.status)):
        found[site_id][status] = times
    return [
        Listed(
            *(row.id, row.slug, row.name, row.wwwroot, row.last_received_at, row.refused_at, row.created_at),
            found[row.id],
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which items of the inbox: of a site, of a status, put aside for a reason; `before`: older than this id."""

    site_id: UUID | None = None
    status: str = ""
    reason: str = ""
    kind: str = ""
    before: int | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """An item of the inbox without what was sent. `attempts` begun, `failures` ended with an error."""

    id: int
    site_id: UUID
    site: str
    """Its slug."""
    sender: str
    kind: str
    item_id: str | None
    status: str
    reason: str
    waits_for: str
    attempts: int
    failures: int
    received_at: datetime
    due_at: datetime
    processed_at: datetime | None
    correlation_id: UUID
    size: int


def items(session: Session, actor: Actor, wanted: Wanted, limit: int = PAGE) -> Sequence[Item]:
    """Items, the latest first; a page, and one more if there are more."""
    if not actor.unlimited:
        return []
    i = InboxItem
    which = [
        *([i.site_id == wanted.site_id] if wanted.site_id else []),
        *([i.status == wanted.status] if wanted.status else []),
        *([i.reason == wanted.reason] if wanted.reason else []),
        *([i.kind == wanted.kind] if wanted.kind else []),
        *([i.id < wanted.before] if wanted.before is not None else []),
    ]
    return [Item(*row) for row in session.execute(_items().where(*which).order_by(i.id.desc()).limit(limit + 1))]


def item(session: Session, actor: Actor, item_id: int) -> Item | None:
    """One item; None where there is none for the actor."""
    if not actor.unlimited:
        return None
    row = session.execute(_items().where(InboxItem.id == item_id)).one_or_none()
    return Item(*row) if row else None


def _items() -> Any:
    i = InboxItem
    reason, waits_for = func.coalesce(i.reason, ""), func.coalesce(i.waits_for, "")
    said = (
        i.id,
        i.site_id,
        Site.slug,
        i.sender,
        i.kind,
        i.item_id,
        i.status,
        reason,
        waits_for,
        i.attempts,
        i.failures,
    )
    when = (i.received_at, i.due_at, i.processed_at, i.correlation_id, func.octet_length(i.payload))
    return select(*said, *when).join(Site, Site.id == i.site_id)
