"""Batches of the wire, out of the outbox and the tables as they stand."""

from __future__ import annotations

import json
from typing import Any

from sandbox import readings
from sandbox.store import Db, Row, config

Batch = dict[str, Any]

EVENTS_PER_BATCH = 200
READINGS_PER_BATCH = 1_000


def envelope(db: Db, now: float, events: list[Any], found: list[readings.Reading]) -> Batch:
    """A batch whose readings were taken now."""
    instant = round(now, 6)
    return {
        "version": 1,
        "wwwroot": config(db, "wwwroot"),
        "epoch": config(db, "epoch"),
        "sent_at": instant,
        "events": events,
        "readings": [{"kind": r["kind"], "read_at": instant} | r for r in found],
    }


def of_events(db: Db, rows: list[Row], now: float) -> Batch:
    """These outbox rows as hints, with the readings that they need."""
    data = [json.loads(row["data"]) for row in rows]
    events = [{"id": row["uuid"], "sequence": row["id"], "data": event} for row, event in zip(rows, data, strict=True)]
    return envelope(db, now, events, readings.for_events(db, data))


def of_everything(db: Db, now: float) -> list[Batch]:
    """Readings of the whole site, in as many batches as they need."""
    found = readings.everything(db)
    return [
        envelope(db, now, [], found[start : start + READINGS_PER_BATCH])
        for start in range(0, len(found), READINGS_PER_BATCH)
    ]
