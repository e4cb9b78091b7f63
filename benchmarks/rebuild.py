"""How fast the whole ledger is computed anew, and what that takes: `python -m benchmarks.rebuild`.

Starts a PostgreSQL of its own in a temporary folder, and stops it.
"""

import argparse
import cProfile
import os
import platform
import pstats
import secrets
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil
from cryptography.fernet import Fernet
from sqlalchemy import make_url

from benchmarks import rebuild_sql, rebuild_work
from benchmarks.house import cpu_of
from benchmarks.rebuild_seed import Size, seed
from benchmarks.rebuild_work import CHUNK, LOCKED, Work, chunks_of, spread
from records.migrate import upgrade
from records.settings import Settings
from service.embedded.postgres import Passwords, Postgres

AIM_CPU_MS = 0.5
"""Of Python, for a membership of 20 facts."""
AIM_TO_FETCHING = 10
PROFILED = 25


class WrongTotals(Exception):
    """The engine and the aggregate written by hand don't say the same."""


@dataclass(frozen=True)
class Running:
    """A migrated, empty database: URLs for SQLAlchemy as the application and for psycopg as the superuser, and
    PostgreSQL's process."""

    url: str
    admin: str
    server: psutil.Process


@dataclass(frozen=True)
class Measured:
    """`seconds` on the clock; CPU `python` and `server` in seconds over all processes."""

    name: str
    memberships: int
    seconds: float
    python: float
    server: float
    works: list[Work]

    @property
    def minutes(self) -> list[int]:
        return [minutes for work in self.works for minutes in work.minutes]

    @property
    def cpu_ms(self) -> tuple[float, float]:
        """CPU milliseconds a membership, of Python and of PostgreSQL."""
        return self.python * 1000 / self.memberships, self.server * 1000 / self.memberships


@dataclass(frozen=True)
class Results:
    """All of a run. `computed` by the number of processes: 1, 2, 4, ...; `fetching` in seconds."""

    size: Size
    seeding: float
    computed: dict[int, Measured]
    written: list[Measured]
    aggregate: rebuild_sql.Aggregate
    fetching: float


@contextmanager
def database() -> Iterator[Running]:
    """A PostgreSQL with the house's tables."""
    with tempfile.TemporaryDirectory(prefix="copbridge-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        server = Postgres(folder, Passwords(*(secrets.token_urlsafe(16) for _ in range(3))))
        try:
            server.start()
            upgrade(_settings(server))
            yield Running(server.app_url(), _plain(server.admin_url("copbridge")), psutil.Process(server.pid))
        finally:
            server.stop()
            if server.elsewhere:
                shutil.rmtree(server.folder)


def _settings(server: Postgres) -> Settings:
    return Settings.model_validate(
        {
            "database_url": server.app_url(),
            "migration_database_url": server.owner_url(),
            # The migration asks for neither; they have no default.
            "redis_url": "redis://127.0.0.1:1",
            "secret_key": secrets.token_urlsafe(32),
            "encryption_key": Fernet.generate_key().decode(),
        }
    )


def _plain(url: str) -> str:
    """A URL of SQLAlchemy as psycopg takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def measured(
    running: Running, name: str, work: Callable[[str, range], Work], members: range, processes: int = 1
) -> Measured:
    """Have memberships worked on by so many fresh processes at once."""
    before = cpu_of(running.server)
    works = spread(work, running.url, members, processes)
    server = cpu_of(running.server) - before
    seconds = max(work.ended for work in works) - min(work.began for work in works)
    return Measured(name, len(members), seconds, sum(work.cpu for work in works), server, works)


def check_totals(computed: Sequence[int], aggregated: Sequence[int]) -> None:
    """Raises WrongTotals unless both hold the same minutes, membership by membership."""
    if len(computed) != len(aggregated):
        raise WrongTotals(f"the engine computed {len(computed)} memberships, the aggregate {len(aggregated)}")
    wrong = [n for n, pair in enumerate(zip(computed, aggregated, strict=True), 1) if pair[0] != pair[1]]
    if wrong:
        first = ", ".join(f"{n}: {computed[n - 1]} and {aggregated[n - 1]}" for n in wrong[:5])
        raise WrongTotals(f"{len(wrong)} memberships differ in minutes, engine and aggregate: {first}")


def run(running: Running, size: Size, sample: float, most: int) -> Results:
    """Seed, then measure everything, with so many processes at `most`. Raises WrongTotals."""
    seeding = seed(running.admin, size)
    members = range(1, size.memberships + 1)
    some = members[: max(1, round(size.memberships * sample))]
    aggregate = rebuild_sql.aggregate(running.admin)
    fetching, rows = rebuild_sql.fetch(running.admin, chunks_of(running.url, members))
    if rows != size.memberships * size.facts:
        raise WrongTotals(f"{rows} facts were fetched of {size.memberships * size.facts}")
    computed, processes = {}, 1
    while processes <= most:
        name = f"compute, {processes} process{'es' * (processes > 1)}"
        computed[processes] = measured(running, name, rebuild_work.recompute, members, processes)
        check_totals(computed[processes].minutes, aggregate.totals)
        processes *= 2
    written = [
        measured(running, name, rebuild_work.reconcile, some)
        for name in ("reconcile, all to be written", "reconcile, nothing to write")
    ]
    return Results(size, seeding, computed, written, aggregate, fetching)


def profile(running: Running, size: Size, sample: float) -> None:
    """Print where computing a part of the memberships spends its time; cProfile about doubles it."""
    seed(running.admin, size)
    members = range(1, max(1, round(size.memberships * sample)) + 1)
    # The first chunk compiles every statement.
    rebuild_work.recompute(running.url, members[:CHUNK])
    profiler = cProfile.Profile()
    profiler.runcall(rebuild_work.recompute, running.url, members)
    pstats.Stats(profiler, stream=sys.stdout).strip_dirs().sort_stats("tottime").print_stats(PROFILED)


def report(results: Results) -> None:
    """Print what was measured, then the ratios with their aims."""
    say, size = sys.stdout.write, results.size
    say(f"{platform.system()}, {psutil.cpu_count()} cores, {round(psutil.virtual_memory().total / 2**30)} GiB, ")
    say(f"Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}; ")
    say(f"chunks of {CHUNK} memberships, {LOCKED} where they are locked\n")
    facts = size.memberships * size.facts
    say(f"{size.memberships:,} memberships with {size.facts} facts each in {size.communities} communities, ")
    say(f"seeded in {results.seeding:.1f} s ({facts / results.seeding:,.0f} facts a second)\n\n")
    say(f"{'':30} {'memberships':>11} {'seconds':>8} {'facts/s':>9}   {'CPU ms a membership':26}   ")
    say("peak MiB at 10, 50, 100 %\n")
    for m in [*results.computed.values(), *results.written]:
        peaks = ", ".join(f"{peak:.0f}" for peak in m.works[0].peaks)
        say(f"{m.name:30} {m.memberships:11,} {m.seconds:8.2f} {m.memberships * size.facts / m.seconds:9,.0f}   ")
        python, server = m.cpu_ms
        say(f"Python {python:5.2f}, server {server:5.2f}   {peaks}\n")
    for name, seconds in (("fetching the facts", results.fetching), ("one aggregate", results.aggregate.seconds)):
        say(f"{name:30} {size.memberships:11,} {seconds:8.2f} {facts / seconds:9,.0f}\n")
    say(f"\nledger entries written: {', '.join(f'{sum(m.minutes):,}' for m in results.written)}\n")
    say(f"\n{'':52} {'found':>7} {'aim':>7}\n")
    for name, found, aim in _ratios(results):
        say(f"{name:52} {found:7.2f} {aim:>7}\n")


def _ratios(results: Results) -> Iterator[tuple[str, float, str]]:
    """Name, figure, aim."""
    alone = results.computed[1]
    share = 20 / results.size.facts
    first, _, last = alone.works[0].peaks
    yield "CPU ms of Python for a membership of 20 facts", alone.cpu_ms[0] * share, f"{AIM_CPU_MS}"
    yield "peak memory at 100 % of the work, to that at 10 %", last / first, "1"
    for processes, m in results.computed.items():
        if processes > 1:
            yield f"{processes} processes to one, of linear", alone.seconds / m.seconds / processes, "near 1"
    yield "computing to fetching the same facts, on the clock", alone.seconds / results.fetching, f"{AIM_TO_FETCHING}"
    yield "computing to one aggregate of equal totals", alone.seconds / results.aggregate.seconds, "-"
    yield "writing it all to computing alone, a membership", _per_member(results.written[0]) / _per_member(alone), "-"


def _per_member(m: Measured) -> float:
    return m.seconds / m.memberships


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.rebuild", description=__doc__)
    options.add_argument("--memberships", type=int, default=50_000)
    options.add_argument("--facts", type=int, default=20, help="facts of each membership")
    options.add_argument("--communities", type=int, default=200)
    options.add_argument("--share", type=float, default=1.0, help="part of it all, for a quick look")
    options.add_argument("--sample", type=float, default=0.1, help="part that is written to the ledger, or profiled")
    options.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at most so many at once")
    options.add_argument("--profile", action="store_true", help="measure nothing: print cProfile's top of computing")
    given = options.parse_args()
    size = Size(
        memberships=max(1, round(given.memberships * given.share)),
        facts=given.facts,
        communities=max(1, round(given.communities * given.share)),
    )
    with database() as running:
        if given.profile:
            profile(running, size, given.sample)
        else:
            report(run(running, size, given.sample, given.processes))


if __name__ == "__main__":
    main()
