"""Sites, events and jobs: how the machine runs. Statuses, attempts and codes; never what was sent."""

import re
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from pydantic.json_schema import SkipJsonSchema
from werkzeug.wrappers import Response

from records import long_work
from records.actor import Actor
from records.models import LongJob
from records.queries import operations as queries
from records.queries.operations import Item, Wanted
from service.access import actor
from service.api.answers import after_id, after_number, cursor_after, page, reading, shown
from service.api.blueprint import read
from service.api.problems import Refusal
from service.api.wire import NoQuery, Page, PageQuery, Told
from service.context import context

CODE = re.compile(r"[a-z0-9_.:-]{1,60}", re.ASCII)
OTHER = "other"
"""Stands for a reason that is a sentence."""


class Site(Told):
    """A Moodle site."""

    id: UUID
    slug: str
    name: str
    wwwroot: str
    last_received_at: datetime | None
    refused_at: datetime | None = Field(description="When a copy of it that nobody has confirmed knocked last.")
    created_at: datetime
    events: dict[str, int] = Field(description="How many of its events aren't done, by status.")


class Sites(Page):
    """A piece of the list of sites."""

    items: list[Site]


class Event(Told):
    """An event or reading that a site sent, without its content."""

    id: int
    site: UUID
    sender: str
    kind: str
    status: str = Field(description="`pending`, `waiting`, `quarantined`, `dead` or `done`.")
    reason: str | None = Field(description="A code; `other` for what isn't one.")
    attempts: int
    failures: int
    correlation_id: UUID = Field(description="Leads to the facts and ledger entries that came of it.")
    received_at: datetime
    due_at: datetime
    processed_at: datetime | None


class Events(Page):
    """A piece of the list of events, the latest first."""

    items: list[Event]


class Job(Told):
    """Long work that somebody asked for."""

    id: UUID
    kind: str
    status: str = Field(description="`due`, `running`, `done` or `failed`.")
    done: int
    total: int
    attempts: int
    scope: dict[str, Any]
    asked_by: str = Field(description="A user's id, `cli` or `system`.")
    error: str = Field(description="A code; empty while nothing went wrong.")
    created_at: datetime
    heartbeat_at: datetime | None
    finished_at: datetime | None


class Jobs(Page):
    """A piece of the list of jobs, the latest first."""

    items: list[Job]


class PeriodicJob(Told):
    """What is done from time to time."""

    name: str
    every_seconds: int
    due_at: datetime
    claimed_at: datetime | None


class PeriodicJobs(Told):
    """Everything that is done from time to time."""

    items: list[PeriodicJob]


class SitePath(BaseModel):
    """Which site."""

    site_id: UUID


class EventPath(BaseModel):
    """Which event."""

    event_id: int = Field(ge=0, le=2**63 - 1)


class JobPath(BaseModel):
    """Which job."""

    job_id: UUID


class EventsQuery(PageQuery):
    """Which events are wanted."""

    site: UUID | SkipJsonSchema[None] = Field(default=None, description="A site's id.")
    status: Literal["", "pending", "waiting", "quarantined", "dead", "done"] = ""
    kind: str = Field(default="", max_length=40, description="`event`, or `reading.` and what was read.")


class JobsQuery(PageQuery):
    """Which jobs are wanted."""

    kind: str = Field(default="", max_length=40)


def _site(row: queries.Listed) -> Site:
    return Site(
        id=row.id,
        slug=row.slug,
        name=row.name,
        wwwroot=row.wwwroot,
        last_received_at=row.last_received_at,
        refused_at=row.refused_at,
        created_at=row.created_at,
        events=row.waiting,
    )


def _event(row: Item) -> Event:
    # What is no code is a sentence: that may quote what was sent.
    reason = row.reason if not row.reason or CODE.fullmatch(row.reason) else OTHER
    return Event(
        id=row.id,
        site=row.site_id,
        sender=row.sender,
        kind=row.kind,
        status=row.status,
        reason=reason or None,
        attempts=row.attempts,
        failures=row.failures,
        correlation_id=row.correlation_id,
        received_at=row.received_at,
        due_at=row.due_at,
        processed_at=row.processed_at,
    )


def _job(row: LongJob) -> Job:
    return Job(
        id=row.id,
        kind=row.kind,
        status=row.status,
        done=row.done,
        total=row.total,
        attempts=row.attempts,
        scope=row.scope,
        asked_by=row.actor,
        error=row.error,
        created_at=row.created_at,
        heartbeat_at=row.heartbeat_at,
        finished_at=row.finished_at,
    )


def _whole() -> Actor:
    """Who asks, reaching everything: these are about the whole installation. Raises Refusal."""
    who = actor()
    if not who.unlimited:
        raise Refusal("not-found", "It is about the whole installation, and your account covers a part of it.")
    return who


@read("/sites", Sites, "operations")
def sites(query: PageQuery) -> Response:
    """The Moodle sites of this installation."""
    after = after_id(query.cursor)
    with reading() as session:
        rows = queries.sites_after(session, _whole(), after, query.limit)
    following = cursor_after(rows[query.limit - 1].id) if len(rows) > query.limit else None
    return page(Sites(items=[_site(row) for row in rows[: query.limit]], next=following), following)


@read("/sites/<uuid:site_id>", Site, "operations")
def site(path: SitePath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """One site."""
    with reading() as session:
        row = queries.site(session, _whole(), path.site_id)
    if row is None:
        raise Refusal("not-found")
    return shown(_site(row))


@read("/events", Events, "operations")
def events(query: EventsQuery) -> Response:
    """What sites sent, the latest first: statuses, attempts and codes, never its content."""
    wanted = Wanted(query.site, query.status, kind=query.kind, before=after_number(query.cursor))
    with reading() as session:
        rows = queries.items(session, _whole(), wanted, query.limit)
    following = cursor_after(rows[query.limit - 1].id) if len(rows) > query.limit else None
    return page(Events(items=[_event(row) for row in rows[: query.limit]], next=following), following)


@read("/events/<int:event_id>", Event, "operations")
def event(path: EventPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """One event."""
    with reading() as session:
        row = queries.item(session, _whole(), path.event_id)
    if row is None:
        raise Refusal("not-found")
    return shown(_event(row))


@read("/jobs", Jobs, "operations")
def jobs(query: JobsQuery) -> Response:
    """Long work that was asked for, as far as the token's user covers it; the latest first."""
    before = after_id(query.cursor)
    with reading() as session:
        rows = long_work.listed(session, actor(), kind=query.kind or None, before=before, limit=query.limit + 1)
        items = [_job(row) for row in rows[: query.limit]]
    following = cursor_after(items[-1].id) if len(rows) > query.limit else None
    return page(Jobs(items=items, next=following), following)


@read("/jobs/<uuid:job_id>", Job, "operations")
def job(path: JobPath, query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """One job."""
    with reading() as session:
        row = long_work.shown(session, actor(), path.job_id)
        if row is None:
            raise Refusal("not-found")
        found = _job(row)
    return shown(found)


@read("/periodic-jobs", PeriodicJobs, "operations")
def periodic_jobs(query: NoQuery) -> Response:  # noqa: ARG001 - parameters are refused
    """What is done from time to time, and when next."""
    with reading() as session:
        items = [
            PeriodicJob(
                name=row.name,
                every_seconds=int(row.every.total_seconds()),
                due_at=row.due_at,
                claimed_at=row.claimed_at,
            )
            for row in queries.periodic(session, _whole(), context().clock())
        ]
    return shown(PeriodicJobs(items=items))
