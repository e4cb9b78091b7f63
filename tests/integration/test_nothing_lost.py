"""Law 1: what was answered `accepted` is in the ledger, once, whoever died on the way."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from records import ledger
from records.database import make_engine
from records.migrate import upgrade
from records.models import FactRow, InboxItem, LedgerEntry, Membership
from sandbox.load import Load, event_batches, site_batches
from tests.conftest import make_settings
from tests.support.chaos import SERVER_BLOWS, Chaos
from tests.support.killable import Nursery
from tests.support.sender import Client, Sender, load_program, make_site
from tests.support.servers import Servers
from tests.support.up import wait_for

BLOWS = 220
BATCHES_A_BLOW = 2
SENDERS = 3
SERVER_BLOW_EVERY = 24
LOAD = Load(users=9, modules=12, events=BLOWS * BATCHES_A_BLOW * 4, per_batch=4, seed=11, complete_readings=False)
MINUTES = {"ACT-08": 60}
"""By CALPRO's file: the reading log 60, any other page before session 1 45."""
OTHER_MINUTES = 45


@pytest.fixture
def own_servers() -> Iterator[Servers]:
    """A pair that may be killed."""
    running = Servers()
    try:
        running.start()
        yield running
    finally:
        running.stop()


class Outbox:
    """Posts batches as the plugin does: whatever wasn't answered 200 is posted again, by several tasks at once."""

    def __init__(self, port: int, sender: Sender, batches: list[dict[str, Any]]) -> None:
        self.answers: Counter[str] = Counter()
        self.attempts = 0
        self._port, self._sender = port, sender
        self._batches = iter(batches)
        self._lock = threading.Lock()
        self._may = threading.Semaphore(0)
        self._tasks = [threading.Thread(target=self._run, daemon=True) for _ in range(SENDERS)]
        for task in self._tasks:
            task.start()

    def allow(self, batches: int) -> None:
        """Let so many further batches go out."""
        self._may.release(batches)

    def finish(self) -> None:
        """Wait until all was answered."""
        self.allow(BLOWS * BATCHES_A_BLOW + SENDERS)
        for task in self._tasks:
            task.join(30)
            assert not task.is_alive(), "a batch was never answered"

    def _run(self) -> None:
        client = Client(self._port, timeout=1.0)
        while True:
            self._may.acquire()
            with self._lock:
                batch = next(self._batches, None)
            if batch is None:
                client.close()
                return
            self._post(client, json.dumps(batch).encode())

    def _post(self, client: Client, body: bytes) -> None:
        while True:
            self.attempts += 1
            status, content = client.post(self._sender.path, body, self._sender.headers(body))
            if status == 200:
                self.answers.update(item["result"] for item in content["results"])
                return
            assert status in {0, 503}, f"the house answered {status}"
            # The pace of a sender that gets no answer.
            time.sleep(0.05)


def expected_nets(batches: list[dict[str, Any]]) -> dict[tuple[int, str], int]:
    """Minutes by (Moodle user, module idnumber), from the events alone: the last state of each decides."""
    last: dict[tuple[int, int], tuple[int, int]] = {}
    for batch in batches:
        for event in batch["events"]:
            data = event["data"]
            key = (int(data["relateduserid"]), int(data["contextinstanceid"]))
            last[key] = max(last.get(key, (0, 0)), (int(data["timecreated"]), int(data["other"]["completionstate"])))
    names = {LOAD.course * 1_000 + number + 1: f"ACT-{number + 1:02}" for number in range(LOAD.modules)}
    return {(user, names[m]): MINUTES.get(names[m], OTHER_MINUTES) for (user, m), (_, state) in last.items() if state == 1}


def found_nets(engine: Engine) -> dict[tuple[int, str], int]:
    """The ledger's net by (Moodle user, module idnumber)."""
    statement = text(
        """
        SELECT split_part(credit_key, ':', 4)::bigint, m.idnumber, sum(minutes)
        FROM ledger JOIN mirror_modules m ON m.module_id = split_part(credit_key, ':', 3)::bigint
        GROUP BY 1, 2 HAVING sum(minutes) <> 0
        """
    )
    with engine.connect() as connection:
        return {(user, name): int(minutes) for user, name, minutes in connection.execute(statement)}


def settled(engine: Engine) -> bool:
    """Whether nothing is on its way any more."""
    with engine.connect() as connection:
        inbox = connection.scalar(select(func.count()).where(InboxItem.status.in_(("pending", "waiting"))))
        dirty = connection.scalar(select(func.count()).where(Membership.dirty_at.is_not(None)))
    return not inbox and not dirty


def assert_law_1(engine: Engine, batches: list[dict[str, Any]]) -> None:
    """The books say what was posted, once."""
    events = sum(len(batch["events"]) for batch in batches)
    with Session(engine) as session:
        stored = dict(session.execute(select(InboxItem.status, func.count()).where(InboxItem.kind == "event").group_by(InboxItem.status)).tuples().all())
        assert stored == {"done": events}
        assert session.scalar(select(func.count()).where(InboxItem.status != "done")) == 0
        undone = select(LedgerEntry.reverses).where(LedgerEntry.reverses.is_not(None))
        standing = select(LedgerEntry.membership_id, LedgerEntry.credit_key).where(LedgerEntry.reverses.is_(None), LedgerEntry.id.not_in(undone))
        twice = standing.group_by(LedgerEntry.membership_id, LedgerEntry.credit_key).having(func.count() > 1)
        assert session.execute(twice).all() == []
        current = select(FactRow.key).where(FactRow.superseded_at.is_(None)).group_by(FactRow.key).having(func.count() > 1)
        assert session.scalars(current).all() == []
        assert found_nets(engine) == expected_nets(batches)
        members = list(session.scalars(select(Membership.id)))
        assert len(members) == LOAD.users
        assert ledger.compare(session, members, datetime.now(UTC)) == []


@pytest.mark.slow
def test_nothing_is_lost_and_nothing_counts_twice(own_servers: Servers, tmp_path: Path) -> None:
    database = own_servers.create("copbridge_lost")
    settings = make_settings(database, own_servers.redis_url)
    upgrade(settings)
    engine = make_engine(database.url)
    sender = make_site(engine, settings)
    load_program(engine)
    events = list(event_batches(LOAD))
    # Events come first: they wait for the course and the modules, which are told a little later.
    batches = events[:20] + list(site_batches(LOAD)) + events[20:]
    with Nursery(settings, tmp_path) as nursery:
        processes = [nursery.web(), nursery.worker(), nursery.worker(), nursery.worker(), nursery.scheduler()]
        chaos = Chaos(own_servers, processes, psycopg_url(database.admin_url), seed=11)
        outbox = Outbox(nursery.port, sender, batches)
        for number in range(BLOWS):
            outbox.allow(BATCHES_A_BLOW)
            chaos.blow(number)
            if number % SERVER_BLOW_EVERY == SERVER_BLOW_EVERY - 1:
                ways = list(SERVER_BLOWS)
                chaos.server(ways[number // SERVER_BLOW_EVERY % len(ways)])
        chaos.end()
        outbox.finish()
        wait_for(lambda: chaos.end() or settled(engine), "nothing is on its way", 60)
    assert sum(chaos.blows[f"{way} {name}"] for way in ("kill", "member", "freeze") for name in ("web", "worker", "scheduler")) >= 200
    assert set(chaos.hit) >= {"between commit and wake", "mid-batch", "between facts and ledger"}
    assert_law_1(engine, batches)
    engine.dispose()


def psycopg_url(url: str) -> str:
    """A URL of SQLAlchemy's for psycopg itself."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)
