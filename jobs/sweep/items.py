"""Readings of the wire as inbox items of our own: what a sweep reads goes the way of all readings."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from moodle_client import Reply
from records import inbox
from records.inbox import SWEEP, NewItem
from records.models import uuid7

Reading = dict[str, Any]
"""An item of docs/wire/v1.schema.json, `readings[]`."""


def read_at(reply: Reply[Any]) -> float:
    """When a reply's state was read, for `read_at`: before every event of that second.

    Of what happened in the very second in which the reading began, nobody can tell whether it is in the answer. So
    its events stand, and the next sweep puts right what they don't tell.
    """
    return stamp(reply.as_of)


def stamp(as_of: datetime) -> float:
    """Unix seconds just before a moment."""
    return (as_of - timedelta(microseconds=1)).timestamp()


def before(read_at: float) -> float:
    """The same of a moment that a sender tells to the microsecond: events have whole seconds."""
    return stamp(datetime.fromtimestamp(int(read_at), UTC))


def gone_course(course_id: int, at: float) -> Reading:
    return {"kind": "course", "read_at": at, "course": course_id, "present": False}


def gone_module(course_id: int, module_id: int, at: float) -> Reading:
    return {"kind": "module", "read_at": at, "module": module_id, "course": course_id, "present": False}


def nobody(course_id: int, user_id: int, at: float) -> Reading:
    """A user who doesn't take part in a course."""
    found: Reading = {"kind": "enrolment", "read_at": at, "course": course_id, "user": user_id}
    return found | {"enrolments": [], "roles": [], "groups": []}


def store(session: Session, site_id: UUID, readings: Iterable[Reading], correlation_id: UUID | None = None) -> int:
    """Put readings into the inbox. Returns how many there were."""
    cause = correlation_id or uuid7()
    items = [
        NewItem(site_id, SWEEP, cause, f"reading.{reading['kind']}", json.dumps(reading).encode("ascii"))
        for reading in readings
    ]
    inbox.store(session.connection(), items)
    return len(items)
