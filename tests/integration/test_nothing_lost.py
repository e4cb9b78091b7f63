"""Law 1: what was answered `accepted` is in the ledger, once, whoever died on the way."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
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
from records.models import InboxItem, LedgerEntry, Membership
from records.settings import Settings
from sandbox.load import Load, event_batches, site_batches
from service.embedded.valkey import Valkey
from tests.support.chaos import SERVER_BLOWS, Chaos
from tests.support.killable import Nursery
from tests.support.sender import Client, Sender, load_program, make_site
from tests.support.servers import Database, Servers
from tests.support.settings import make_settings
from tests.support.up import wait_for

ROUNDS = 130
"""Of two blows each, at the most."""
BATCHES_A_ROUND = 4
SENDERS = 3
SERVER_BLOW_EVERY = 12
# As many events a second as a batch holds: no two readings claim to be of one instant.
LOAD = Load(
    users=9,
    modules=12,
    events=ROUNDS * BATCHES_A_ROUND * 4,
    per_batch=4,
    per_second=4,
    seed=11,
    complete_readings=False,
)
READING_LOG, READING_LOG_MINUTES, PAGE_MINUTES = 8, 60, 45
"""By CALPRO's file: the eighth activity is the reading log; any other page before session 1 earns as one."""


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
        self._batches, self._count = iter(batches), len(batches)
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
        self.allow(self._count + SENDERS)
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


def expected_nets(batches: list[dict[str, Any]]) -> dict[tuple[int, int], int]:
    """Minutes by (module, Moodle user), from the events alone: what the sender told last of each decides."""
    last: dict[tuple[int, int], tuple[int, int]] = {}
    for batch in batches:
        for event in batch["events"]:
            data = event["data"]
            key = (int(data["contextinstanceid"]), int(data["relateduserid"]))
            last[key] = max(last.get(key, (0, 0)), (event["sequence"], int(data["other"]["completionstate"])))
    return {
        key: READING_LOG_MINUTES if key[0] % 1000 == READING_LOG else PAGE_MINUTES
        for key, (_, state) in last.items()
        if state == 1
    }


def found_nets(engine: Engine) -> dict[tuple[int, int], int]:
    """The ledger's net by (module, Moodle user)."""
    statement = text(
        """
        SELECT split_part(credit_key, ':', 3)::bigint, accounts.moodle_user_id, sum(minutes)
        FROM ledger JOIN accounts ON accounts.id = split_part(credit_key, ':', 4)::uuid
        GROUP BY 1, 2 HAVING sum(minutes) <> 0
        """
    )
    with engine.connect() as connection:
        return {(module, user): int(minutes) for module, user, minutes in connection.execute(statement)}


def settled(engine: Engine) -> bool:
    """Whether nothing is on its way any more."""
    with engine.connect() as connection:
        inbox = connection.scalar(select(func.count()).where(InboxItem.status.in_(("pending", "waiting"))))
        dirty = connection.scalar(select(func.count()).where(Membership.dirty_at.is_not(None)))
    return not inbox and not dirty


def assert_law_1(engine: Engine, batches: list[dict[str, Any]], members: int) -> None:
    """The books say what was posted, once."""
    events = {event["id"] for batch in batches for event in batch["events"]}
    with Session(engine) as session:
        assert set(session.scalars(select(InboxItem.item_id).where(InboxItem.kind == "event"))) == events
        # A dead letter, a quarantined or a waiting item would stand here by its status.
        left = select(InboxItem.status, InboxItem.kind, InboxItem.reason, InboxItem.payload)
        assert session.execute(left.where(InboxItem.status != "done")).all() == []
        undone = select(LedgerEntry.reverses).where(LedgerEntry.reverses.is_not(None))
        credit = (LedgerEntry.membership_id, LedgerEntry.credit_key)
        standing = select(*credit).where(LedgerEntry.reverses.is_(None), LedgerEntry.id.not_in(undone))
        twice = standing.group_by(*credit).having(func.count() > 1)
        assert session.execute(twice).all() == []
        assert found_nets(engine) == expected_nets(batches)
        ids = list(session.scalars(select(Membership.id)))
        assert len(ids) == members
        assert ledger.compare(session, ids, datetime.now(UTC)) == []


def post_all(port: int, sender: Sender, batches: list[dict[str, Any]]) -> None:
    outbox = Outbox(port, sender, batches)
    outbox.finish()


def psycopg_url(url: str) -> str:
    """A URL of SQLAlchemy's for psycopg itself."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


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
        processes = [nursery.web(), nursery.scheduler(), *(nursery.worker() for _ in range(4))]
        chaos = Chaos(own_servers, processes, psycopg_url(database.admin_url), seed=11)
        outbox = Outbox(nursery.port, sender, batches)
        for number in range(ROUNDS):
            outbox.allow(BATCHES_A_ROUND)
            chaos.round(number)
            if number % SERVER_BLOW_EVERY == SERVER_BLOW_EVERY - 1:
                chaos.server(list(SERVER_BLOWS)[number // SERVER_BLOW_EVERY % len(SERVER_BLOWS)])
        chaos.end()
        outbox.finish()

        def nothing_is_on_its_way() -> bool:
            # Whoever was started anew by a late blow has to run, too.
            chaos.end()
            return settled(engine)

        wait_for(nothing_is_on_its_way, "nothing is on its way", 60)
    assert chaos.blows >= 200, chaos.counts
    assert all(chaos.counts[way] for way in SERVER_BLOWS)
    assert set(chaos.hit) >= {"between commit and wake", "mid-batch", "between facts and ledger"}
    assert_law_1(engine, batches, LOAD.users)
    engine.dispose()


@pytest.mark.slow
def test_a_frozen_worker_holds_up_only_what_it_holds(
    database: Database, settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    """Its rows are skipped and the rest goes on; when it goes on, too, nothing doubles."""
    sender = make_site(engine, settings)
    load_program(engine)
    here = replace(LOAD, users=4, events=84, per_batch=84)
    elsewhere = replace(here, course=901, course_idnumber="COP-MATH-LA", seed=12)
    sites = [*site_batches(here), *site_batches(elsewhere)]
    batches, others = list(event_batches(here)), list(event_batches(elsewhere))
    with Nursery(settings, tmp_path) as nursery, psycopg.connect(psycopg_url(database.admin_url)) as holder:
        nursery.web()
        frozen = nursery.worker()
        post_all(nursery.port, sender, sites)
        wait_for(lambda: settled(engine), "the courses are known")
        # Somebody else's lock makes the worker wait in the middle of its transaction: there it is frozen.
        holder.execute("LOCK TABLE facts IN SHARE MODE")
        post_all(nursery.port, sender, batches)
        wait_for(lambda: waits_for_a_lock(engine), "the worker is within its batch")
        frozen.signal(signal.SIGSTOP)
        holder.rollback()
        nursery.worker()
        nursery.scheduler()
        post_all(nursery.port, sender, others)
        wait_for(lambda: found_nets(engine) == expected_nets(others), "the other course is in the books")
        frozen.signal(signal.SIGCONT)
        wait_for(lambda: settled(engine), "nothing is on its way", 90)
    assert_law_1(engine, batches + others, here.users + elsewhere.users)


def waits_for_a_lock(engine: Engine) -> bool:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with engine.connect() as connection:
        return bool(connection.scalar(text(waiting)))


def test_a_frozen_transaction_ends_by_itself(engine: Engine) -> None:
    """However long its process sleeps: the server takes its locks away after this time."""
    with engine.connect() as connection:
        assert connection.scalar(text("SHOW idle_in_transaction_session_timeout")) == "1min"


@pytest.mark.slow
def test_redis_may_be_down_while_events_come_in(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    """Intake answers 200 without it; once it is there the scheduler's look finds the rest."""
    sender = make_site(engine, settings)
    load_program(engine)
    load = replace(LOAD, users=3, events=36, per_batch=12)
    batches = [*site_batches(load), *event_batches(load)]
    valkey = Valkey(tmp_path)
    valkey.start()
    own = settings.model_copy(update={"redis_url": valkey.url})
    valkey.stop(signal.SIGKILL)
    with Nursery(own, tmp_path) as nursery:
        nursery.web()
        scheduler = nursery.scheduler()
        post_all(nursery.port, sender, batches)
        valkey.start()
        try:
            nursery.worker()
            wait_for(lambda: settled(engine), "nothing is on its way")
        finally:
            valkey.stop()
        assert scheduler.alive()
    assert_law_1(engine, batches, load.users)
