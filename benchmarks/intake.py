"""How fast events are taken in and turned into standings: `python -m benchmarks.intake`.

Starts an installation of its own in a temporary folder, and stops it.
"""

import argparse
import json
import platform
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg
from standardwebhooks import Webhook

from benchmarks import references
from benchmarks.client import Measured, Request, send
from benchmarks.house import SITE, House, running
from sandbox.load import Load, event_batches, site_batches

CONNECTIONS = 8
SIZES = {1: 4_000, 50: 20_000, 500: 40_000}
"""Events sent, by the size of the batch."""
RECONCILED = 10_000
WAIT_SECONDS = 600.0
POLL_SECONDS = 0.1


@dataclass(frozen=True)
class Intake:
    """One size of batch. `cpu` is CPU milliseconds an event, by part."""

    per_batch: int
    events: int
    measured: Measured
    floor: Measured
    cpu: dict[str, float]

    @property
    def rate(self) -> float:
        return self.events / self.measured.seconds


def signed(secret: str, batches: Iterator[dict[str, Any]]) -> list[Request]:
    """Bodies with their headers, signed now: they are good for five minutes."""
    webhook, now, found = Webhook(secret), datetime.now(UTC), []
    for batch in batches:
        body = json.dumps(batch, separators=(",", ":"))
        name = str(uuid.uuid4())
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": webhook.sign(name, now, body),
        }
        found.append((body.encode(), headers))
    return found


def bare(load: Load) -> Iterator[dict[str, Any]]:
    """Batches of events alone: what is compared with rows of a table is one row an event."""
    return ({**batch, "readings": []} for batch in event_batches(load))


def take_in(house: House, per_batch: int, events: int) -> Intake:
    """Send while the worker is frozen: taking in, by itself."""
    load = Load(users=500, modules=12, events=events, per_batch=per_batch, seed=per_batch)
    requests = signed(house.secret, bare(load))
    floor = references.http_floor(requests)
    before = house.cpu()
    measured = send(house.port, house.path, requests)
    after = house.cpu()
    cpu = {part: (after[part] - before[part]) * 1000 / events for part in ("web", "postgres", "valkey")}
    return Intake(per_batch, events, measured, floor, cpu)


def until_reconciled(house: House) -> float:
    """Seconds until nothing is pending and nobody dirty."""
    pending = (
        "SELECT (SELECT count(*) FROM inbox WHERE status = 'pending') + "
        "(SELECT count(*) FROM memberships WHERE dirty_at IS NOT NULL)"
    )
    begun = time.perf_counter()
    with psycopg.connect(house.admin, autocommit=True) as connection:
        while time.perf_counter() - begun < WAIT_SECONDS:
            row = connection.execute(pending).fetchone()
            if row and row[0] == 0:
                return time.perf_counter() - begun
            # Asking without a pause would take a core away from what is measured.
            time.sleep(POLL_SECONDS)
    raise RuntimeError("the worker did not come to an end")


def reconcile(house: House, events: int, *, complete: bool) -> tuple[float, dict[str, float]]:
    """Events a second that one worker turns into standings, and CPU milliseconds an event by part."""
    load = Load(users=500, modules=12, events=events, per_batch=500, seed=7 + complete, complete_readings=complete)
    batches = event_batches(load) if complete else bare(load)
    house.freeze("worker", frozen=True)
    send(house.port, house.path, signed(house.secret, batches))
    before = house.cpu()
    house.freeze("worker", frozen=False)
    seconds = until_reconciled(house)
    after = house.cpu()
    return events / seconds, {p: (after[p] - before[p]) * 1000 / events for p in ("worker", "postgres")}


def rows_of(events: int) -> list[references.Row]:
    load = Load(users=500, modules=12, events=events, per_batch=500, seed=3)
    return [
        (str(uuid.uuid5(uuid.NAMESPACE_URL, SITE)), "wire", "event", event["id"], json.dumps(event["data"]).encode())
        for batch in event_batches(load)
        for event in batch["events"]
    ]


def report(
    intakes: list[Intake], singles: float, copied: float, rates: list[tuple[str, float, dict[str, float]]]
) -> None:
    say = sys.stdout.write
    say(f"{platform.system()}, {psutil.cpu_count()} cores, {round(psutil.virtual_memory().total / 2**30)} GiB, ")
    say(f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}; {CONNECTIONS} connections\n\n")
    say(f"pgbench, single-row inserts   {singles:10,.0f} a second\n")
    say(f"COPY, 500 rows a commit       {copied:10,.0f} rows a second\n\n")
    say("batch   events/s   p50 ms   p99 ms   floor events/s   of floor   of pgbench   of COPY   CPU ms an event\n")
    for i in intakes:
        floor = i.events / i.floor.seconds
        p50, p99 = (i.measured.quantile(part) * 1000 for part in (0.5, 0.99))
        say(f"{i.per_batch:5} {i.rate:10,.0f} {p50:8.1f} {p99:8.1f} {floor:16,.0f} ")
        say(f"{i.rate / floor:10.2f} {i.rate / singles:12.2f} {i.rate / copied:9.2f}   {_parts(i.cpu)}\n")
    say("\none worker                     events/s   CPU ms an event\n")
    for name, rate, cpu in rates:
        say(f"{name:28} {rate:10,.0f}   {_parts(cpu)}\n")


def _parts(cpu: dict[str, float]) -> str:
    return ", ".join(f"{part} {value:.2f}" for part, value in cpu.items())


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.intake", description=__doc__)
    options.add_argument("--share", type=float, default=1.0, help="part of the events to send, for a quick look")
    share = options.parse_args().share
    with tempfile.TemporaryDirectory(prefix="copbridge-bench-") as folder:
        Path(folder).chmod(0o755)
        with running(Path(folder) / "state") as house:
            send(house.port, house.path, signed(house.secret, site_batches(Load(users=500, modules=12))))
            until_reconciled(house)
            house.freeze("worker", frozen=True)
            rows = rows_of(int(20_000 * share))
            singles = references.pgbench(house.admin, rows[0], CONNECTIONS, max(2, int(10 * share)))
            copied = references.copy(house.admin, rows, 500)
            intakes = [take_in(house, size, max(size, int(events * share))) for size, events in SIZES.items()]
            house.freeze("worker", frozen=False)
            until_reconciled(house)
            rates = [
                (name, *reconcile(house, int(RECONCILED * share), complete=complete))
                for name, complete in (("events alone", False), ("events with all readings", True))
            ]
    report(intakes, singles, copied, rates)


if __name__ == "__main__":
    main()
