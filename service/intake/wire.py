"""Our own wire (docs/wire): batches of events and readings, signed as Standard Webhooks."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from flask import Response, request
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import Engine

from jobs.kinds.events import check_event, known_event
from jobs.process import needed
from jobs.queues import QueueName, wake
from jobs.wire import AnyReading, Event, EventData, MalformedEvent, Moment, reading_adapter
from records.inbox import NewItem, copy_mark, heard_of
from records.models import uuid7
from service.intake.blueprint import Desk, Refused, answer, body, desk, intake, parse_json
from service.intake.signature import verified
from service.intake.sites import NO_SITE, KnownSite, is_this_site, learn
from service.intake.store import Delivery

AHEAD = timedelta(days=1)
"""A clock may be wrong; a time further ahead is no report of the present."""


class Envelope(BaseModel):
    """The batch as a whole; its items are checked one by one, so that one bad item spoils no other."""

    version: Literal[1]
    wwwroot: Annotated[str, Field(min_length=8, max_length=255, pattern=r"^https?://[!-~]+$")]
    epoch: UUID
    sent_at: Moment
    events: Annotated[list[Any], Field(max_length=1000)] = []
    readings: Annotated[list[Any], Field(max_length=5000)] = []


@dataclass(slots=True)
class Sorted:
    """An item with its fate. `thing` is None where it was malformed."""

    name: str
    kind: str
    item_id: str | None
    payload: bytes
    thing: EventData | AnyReading | None
    result: str = "accepted"
    reason: str | None = None
    waits_for: str | None = None

    @classmethod
    def unnamed(cls, name: str, content: dict[str, Any]) -> "Sorted":
        """An event of a sender that gives it no id: its key is a hash of what is kept of it."""
        key = hashlib.sha256(json.dumps(content, sort_keys=True).encode("ascii")).hexdigest()
        try:
            thing: EventData | None = EventData.model_validate(content)
        except ValidationError:
            thing = None
        return cls(name, "event", key, json.dumps(content, separators=(",", ":")).encode("ascii"), thing)


@intake.post("/webhooks/<slug>/events")
def take_batch(slug: str) -> Response:
    """Size, signature, shape, store, wake, answer: in this order."""
    here = desk()
    data = body()
    site = here.sites.get(here.context, slug)
    secrets = site.secrets["wire"] if site else NO_SITE
    if not verified(data, dict(request.headers.items()), secrets, here.context.clock()) or site is None:
        raise Refused(401)
    envelope = _envelope(parse_json(data))
    items = [_event(number, item) for number, item in enumerate(envelope.events)]
    items += [_reading(number, item) for number, item in enumerate(envelope.readings)]
    sort_out(items, here.context.clock())
    confirmed = is_this_site(here.context.engine, site, envelope.wwwroot, envelope.epoch)
    if confirmed:
        hold_back(here.context.engine, site, items)
    else:
        for item in items:
            item.result, item.reason, item.waits_for = (
                "quarantined",
                "unconfirmed_copy",
                copy_mark(envelope.epoch, envelope.wwwroot),
            )
    deliver(here, site, "wire", items)
    if confirmed and all(item.result == "ignored" for item in items):
        with here.context.engine.begin() as connection:
            heard_of(connection, site.id)
    return answer(
        [
            {
                "item": i.name,
                "id": i.item_id if i.name.startswith("events/") else None,
                "result": i.result,
                "reason": i.reason,
            }
            for i in items
        ],
        confirmed=confirmed,
    )


def _envelope(data: dict[str, Any]) -> Envelope:
    try:
        return Envelope.model_validate(data)
    except ValidationError as err:
        places = [
            f"{'.'.join(str(step) for step in e['loc'])}: {e['msg']}"
            for e in err.errors(include_url=False, include_input=False)
        ]
        raise Refused(400, places) from err


def _payload(item: Any) -> bytes:
    # ASCII with escapes: what JSON may hold and UTF-8 may not (a lone surrogate) is kept as it was sent.
    return json.dumps(item, separators=(",", ":")).encode("ascii")


def _event(number: int, item: Any) -> Sorted:
    name = f"events/{number}"
    try:
        event = Event.model_validate(item)
        return Sorted(name, "event", str(event.id), _payload(item["data"]), event.data)
    except ValidationError:
        payload = _payload(item)
        return Sorted(name, "event", hashlib.sha256(payload).hexdigest(), payload, None)


def _reading(number: int, item: Any) -> Sorted:
    payload = _payload(item)
    try:
        reading = reading_adapter.validate_python(item)
        return Sorted(f"readings/{number}", f"reading.{reading.kind}", None, payload, reading)
    except ValidationError:
        return Sorted(f"readings/{number}", "reading", hashlib.sha256(payload).hexdigest(), payload, None)


def sort_out(items: Sequence[Sorted], now: datetime) -> None:
    """Decide which items are malformed, from the future, or not ours to keep."""
    for item in items:
        thing = item.thing
        if thing is None:
            item.result, item.reason = "quarantined", "malformed"
            continue
        if isinstance(thing, EventData):
            if not known_event(thing):
                item.result, item.reason = "ignored", "uninteresting_event"
                continue
            try:
                check_event(thing)
            except MalformedEvent:
                item.result, item.reason = "quarantined", "malformed"
                continue
        if (thing.timecreated if isinstance(thing, EventData) else thing.read_at) > now + AHEAD:
            item.result, item.reason = "quarantined", "future_time"


def hold_back(engine: Engine, site: KnownSite, items: Sequence[Sorted]) -> None:
    """Mark items as waiting whose course or module neither the mirror nor this batch knows."""
    accepted = [(item, item.thing) for item in items if item.result == "accepted" and item.thing is not None]
    courses = {thing.course for _, thing in accepted if not isinstance(thing, EventData) and thing.kind == "course"}
    modules = {thing.module for _, thing in accepted if not isinstance(thing, EventData) and thing.kind == "module"}
    wanted = [(item, *needed(thing)) for item, thing in accepted]
    named = {module for _, _, of_thing in wanted for module in of_thing}
    learn(engine, site, {course for _, course, _ in wanted if course} - courses, named - modules)
    for item, course, of_thing in wanted:
        if course and course not in courses | site.courses:
            item.result, item.reason, item.waits_for = "waiting", "unknown_course", f"course:{course}"
        elif unknown := of_thing - modules - site.modules:
            item.result, item.reason, item.waits_for = "waiting", "unknown_module", f"module:{min(unknown)}"


STATUS = {"accepted": "pending", "waiting": "waiting", "quarantined": "quarantined"}


def deliver(here: Desk, site: KnownSite, sender: str, items: Sequence[Sorted]) -> None:
    """Store what is to be stored in one statement, mark duplicates, commit, and wake a worker."""
    correlation = uuid7()
    kept = [
        NewItem(
            site.id,
            sender,
            correlation,
            item.kind,
            item.payload,
            item.item_id,
            STATUS[item.result],
            item.reason,
            item.waits_for,
        )
        for item in items
        if item.result != "ignored"
    ]
    ignored = [
        (item.thing.eventname, item.reason or "")
        for item in items
        if item.result == "ignored" and isinstance(item.thing, EventData)
    ]
    new = here.store.put(Delivery(site.id, here.context.clock().date(), kept, ignored))
    for item in items:
        if item.result != "ignored" and item.item_id is not None:
            if item.item_id in new:
                new.discard(item.item_id)
            else:
                item.result, item.reason = "duplicate", "known_id"
    if kept:
        wake(here.context.redis, QueueName.INBOX)
