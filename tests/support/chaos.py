"""Seeded blows at a running house: kills, freezes, servers that go and come, at watched moments."""

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable

import psycopg
import redis

from tests.support.killable import Process
from tests.support.servers import Servers

PATIENCE = 0.25
"""A moment that doesn't come so long needs those that are frozen: they are thawed."""
LONGEST_WATCH = 3.0
"""A moment that doesn't come at all is not waited for longer."""
PENDING = "SELECT 1 FROM inbox WHERE status = 'pending' AND attempts = 0 LIMIT 1"
CLAIMED = "SELECT 1 FROM inbox WHERE status = 'pending' AND attempts > 0 LIMIT 1"
DIRTY = "SELECT 1 FROM memberships WHERE dirty_at IS NOT NULL LIMIT 1"
BUSY = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'copbridge' AND state <> 'idle' LIMIT 1"
MOMENTS = {
    "between commit and wake": (PENDING, "web"),
    "mid-batch": (CLAIMED, "worker"),
    "between facts and ledger": (DIRTY, "worker"),
    "within a statement": (BUSY, "worker"),
    "at the scheduler's look": (BUSY, "scheduler"),
}
FROZEN_FOR = (1, 4)
"""A frozen process is thawed after so many further rounds, at the latest."""
BLOWS = ("kill", "freeze", "member")
"""SIGKILL or SIGSTOP for a process group, SIGKILL for one of gunicorn's processes."""


class Chaos:
    """Deals blows to the processes of a house and counts them by what they were."""

    def __init__(self, servers: Servers, processes: list[Process], url: str, seed: int) -> None:
        self.counts: Counter[str] = Counter()
        self.hit: Counter[str] = Counter()
        """Moments that really came before the blow."""
        self._servers, self._processes = servers, processes
        self._url = url
        self._lots = random.Random(seed)
        self._frozen: list[tuple[int, Process]] = []
        self._struck: list[Process] = []
        self._watch: psycopg.Connection | None = None

    def round(self, number: int) -> None:
        """Wait for a seeded moment, strike one of those that it is about, and somebody else."""
        moment = self._lots.choice(list(MOMENTS))
        condition, name = MOMENTS[moment]
        self._thaw(number)
        if self._came(condition):
            self.hit[moment] += 1
        for wanted in (name, self._lots.choice(("web", "worker", "worker", "worker", "scheduler"))):
            victims = [p for p in self._processes if p.name == wanted and p not in self._struck]
            if victims:
                self._strike(number, self._lots.choice(victims))
        self._struck = [process for _, process in self._frozen]

    @property
    def blows(self) -> int:
        return sum(count for name, count in self.counts.items() if name.split()[0] in BLOWS)

    def _strike(self, number: int, victim: Process) -> None:
        members = victim.members()
        # Of the web mostly one process is hit, so that events go on coming in.
        way = self._lots.choice(
            ("kill", "freeze", "member", "member", "member", "member") if members else ("kill", "kill", "freeze")
        )
        if way == "freeze":
            victim.signal(signal.SIGSTOP)
            self._frozen.append((number + self._lots.randint(*FROZEN_FOR), victim))
        elif way == "member":
            # One process of gunicorn's: its master starts another.
            _signal(self._lots.choice(members), signal.SIGKILL)
        else:
            victim.kill()
        self._struck.append(victim)
        self.counts[f"{way} {victim.name}"] += 1

    def end(self) -> None:
        """Leave everybody running."""
        self.everybody_runs()
        self._stop_watching()

    def everybody_runs(self) -> bool:
        """Let frozen processes go on, and restart those that ended. True, for conditions."""
        self._thaw(None)
        for process in self._processes:
            process.ensure()
        return True

    def _stop_watching(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _thaw(self, number: int | None) -> None:
        """Let frozen processes go on: those that are due, or all."""
        due = [item for item in self._frozen if number is None or item[0] <= number]
        self._frozen = [item for item in self._frozen if item not in due]
        for _, process in due:
            process.signal(signal.SIGCONT)

    def server(self, way: str) -> None:
        """One of SERVER_BLOWS."""
        SERVER_BLOWS[way](self._servers)
        self.counts[way] += 1

    def _came(self, condition: str) -> bool:
        """Whether a statement found something before the watch was over."""
        begun = time.monotonic()
        while time.monotonic() < begun + LONGEST_WATCH:
            if time.monotonic() > begun + PATIENCE:
                self.everybody_runs()
            try:
                if self._watch is None:
                    self._watch = psycopg.connect(self._url, autocommit=True, connect_timeout=2)
                if self._watch.execute(condition).fetchone():
                    return True
            except psycopg.Error:
                self._stop_watching()
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _flush_redis(servers: Servers) -> None:
    with redis.Redis.from_url(servers.redis_url) as client:
        client.flushall()


def _restart_redis(servers: Servers) -> None:
    assert servers.valkey
    servers.valkey.stop(signal.SIGKILL)
    servers.valkey.start()


def _restart_postgres(how: signal.Signals) -> Callable[[Servers], None]:
    def restart(servers: Servers) -> None:
        assert servers.postgres
        servers.postgres.stop(how)
        servers.postgres.start()

    return restart


SERVER_BLOWS: dict[str, Callable[[Servers], None]] = {
    "Redis flushed": _flush_redis,
    "Redis killed and started": _restart_redis,
    "PostgreSQL restarted": _restart_postgres(signal.SIGINT),
    "PostgreSQL killed and started": _restart_postgres(signal.SIGKILL),
}
