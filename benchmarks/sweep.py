"""What a sweep of a large course costs: calls, time, and how far from the best that the site could do.

`python -m benchmarks.sweep` asks a sandbox that takes as long as a real site was measured to take; with MOODLE_URL,
MOODLE_TOKEN and MOODLE_COURSE in the environment it reads that course of that site, and writes nothing there. Starts a
PostgreSQL of its own in a temporary folder, and stops it.
"""

import argparse
import os
import platform
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psutil
from cryptography.fernet import Fernet
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from benchmarks.rebuild import database
from jobs import process
from jobs.sweep import core
from jobs.sweep.run import House, carry_on
from moodle_client import MoodleClient, Pace
from records import sites, sweeps
from records.actor import SYSTEM
from records.database import make_engine
from records.models import MirrorCompletion, Sweep
from records.program_loading import load_version
from records.secrets import Purpose, keep_secret
from records.settings import Settings
from sandbox.many import Many, fill
from sandbox.pace import Gate
from sandbox.pace import Pace as SitePace
from sandbox.serving import serving
from sandbox.site import Site

UNLIMITED = 10_000_000
PROGRAM = """
program: measured
title: {{en: A course that is measured}}
effective_from: 2000-01-01
timezone: UTC
commitment: {{min_hours: 16, max_hours: 20}}
components: [online]
topics: [{{code: ALL, title: {{en: All of it}}}}]
regions: [{{code: ALL, title: {{en: Everywhere}}}}]
communities: [{{course_shortname: '{shortname}', topic: ALL, region: ALL}}]
participant_roles: [student]
facilitator_roles: [editingteacher]
attendance: {{components: {{face_to_face: online}}}}
activities: [{{rule: any, minutes: 30, component: online}}]
"""


class SweepFailed(Exception):
    """The sweep, or one of the loops that it is compared with, didn't come to a good end."""


@dataclass(frozen=True)
class Target:
    """A course of a site. `gate` counts what a sandbox served; None: a live site."""

    address: str
    token: str
    course: int
    shortname: str
    gate: Gate | None = None
    at_once: int = 0
    """Calls that the sandbox serves at once."""


@dataclass(frozen=True)
class Timed:
    """`rows`: completion rows that were found. `busy`: seconds of service by the site, where it tells."""

    calls: int
    seconds: float
    rows: int
    users: int
    busy: float = 0.0


@contextmanager
def sandbox(users: int, modules: int, factor: float, at_once: int) -> Iterator[Target]:
    """A sandbox with a course of that size, at that pace."""
    with (
        tempfile.TemporaryDirectory(prefix="copbridge-bench-") as folder,
        Site(Path(folder) / "site.db", pace=SitePace(factor, at_once)) as site,
    ):
        course = fill(site, Many(courses=1, users=users, modules=modules))[0]
        with serving(site) as address:
            yield Target(address, site.token, course, "MANY-1", site.gate, at_once)


def live() -> Target | None:
    """The course that the environment names."""
    address, token = os.environ.get("MOODLE_URL"), os.environ.get("MOODLE_TOKEN")
    if not (address and token and "MOODLE_COURSE" in os.environ):
        return None
    course = int(os.environ["MOODLE_COURSE"])
    with MoodleClient(address, token) as moodle:
        return Target(address, token, course, moodle.courses("id", course).data[0].shortname)


def _clients(target: Target, at_once: int) -> MoodleClient:
    return MoodleClient(target.address, target.token, timeout=120, pace=Pace(at_once=at_once))


def plain(target: Target) -> Timed:
    """One call after another: the course, its people, and of each of them the completions. Nothing is stored."""
    busy, began = _busy(target), time.perf_counter()
    with _clients(target, 1) as moodle:
        core.modules(moodle, target.course, {})
        people = core.people(moodle, target.course, set(), allow_absences=True)
        read = [core.completions(moodle, target.course, user) for user in people.active_first]
        calls = moodle.pace.calls
    rows = sum(len(reading["rows"]) for reading in read)
    return Timed(calls, time.perf_counter() - began, rows, len(read), _busy(target) - busy)


def side_by_side(target: Target, at_once: int) -> Timed:
    """The completions alone, so many calls at once: what the site's own concurrency lets through at best."""
    with _clients(target, 1) as moodle:
        users = [user.id for page in moodle.enrolled_users(target.course, fields=("id",)) for user in page.data]
    began = time.perf_counter()
    with _clients(target, at_once) as moodle, ThreadPoolExecutor(at_once) as threads:
        read = list(threads.map(lambda user: core.completions(moodle, target.course, user), users))
        calls = moodle.pace.calls
    return Timed(calls, time.perf_counter() - began, sum(len(r["rows"]) for r in read), len(users))


def swept(engine: Engine, settings: Settings, site_id: UUID, target: Target) -> Timed:
    """A sweep of the course by the house's own job, from asking for it to the last reading in the inbox."""
    busy, began = _busy(target), time.perf_counter()
    with Session(engine) as session, session.begin():
        sweeps.ask(session, site_id, [target.course], "asked")
    while carry_on(House(engine, settings)):
        pass
    seconds = time.perf_counter() - began
    with Session(engine) as session:
        row = session.scalars(select(Sweep).order_by(Sweep.asked_at.desc()).limit(1)).one()
        if row.status != "done":
            raise SweepFailed(f"{row.status}: {row.error}")
        return Timed(row.calls, seconds, 0, row.total, _busy(target) - busy)


def _busy(target: Target) -> float:
    return target.gate.traffic().busy_seconds if target.gate else 0.0


def prepared(engine: Engine, settings: Settings, target: Target) -> UUID:
    """The site and a program that claims the course, which the site's list makes known."""
    with Session(engine) as session, session.begin():
        site = sites.add_site(session, "measured", "Measured", target.address, actor=SYSTEM)
        program = PROGRAM.format(shortname=target.shortname)
        load_version(session, program, "measured.yaml", actor=SYSTEM, reason="A benchmark")
        keep_secret(session, site.id, Purpose.WEB_SERVICES, target.token, settings.encryption_key)
        sweeps.ask(session, site.id, [None], "asked")
        site_id = site.id
    while carry_on(House(engine, settings)):
        pass
    work_off(engine, settings)
    return site_id


def work_off(engine: Engine, settings: Settings) -> tuple[float, int]:
    """Seconds that the readings take to be worked off, and the completion rows that are known then."""
    began = time.perf_counter()
    process.drain(engine, settings.encryption_key)
    with Session(engine) as session:
        rows = session.scalar(select(func.count()).select_from(MirrorCompletion).where(MirrorCompletion.present)) or 0
    return time.perf_counter() - began, rows


def measure(target: Target, at_once: int) -> str:
    """The report of a run. Raises SweepFailed where the sweep found other rows than the plain loop."""
    with database() as running:
        settings = Settings.model_validate(
            {
                "database_url": running.url,
                "redis_url": "redis://127.0.0.1:1",
                "secret_key": secrets.token_urlsafe(32),
                "encryption_key": Fernet.generate_key().decode(),
                "moodle_calls_at_once": at_once,
                "moodle_calls_per_minute": UNLIMITED,
            }
        )
        engine = make_engine(running.url)
        try:
            site_id = prepared(engine, settings, target)
            loop = plain(target)
            at_best = side_by_side(target, at_once)
            sweep = swept(engine, settings, site_id, target)
            worked = work_off(engine, settings)
        finally:
            engine.dispose()
    if not loop.rows == at_best.rows == worked[1]:
        raise SweepFailed(f"rows: {loop.rows} by the loop, {at_best.rows} side by side, {worked[1]} by the sweep")
    return report(target, at_once, (loop, at_best, sweep), worked[0])


def report(target: Target, at_once: int, timed: tuple[Timed, Timed, Timed], worked: float) -> str:
    loop, at_best, sweep = timed
    machine = f"{platform.system()}, {psutil.cpu_count()} cores, {round(psutil.virtual_memory().total / 2**30)} GiB"
    where = f"a sandbox that serves {target.at_once} at once" if target.gate else "a live site"
    lines = [
        f"{machine}, Python {platform.python_version()}, {datetime.now(UTC):%Y-%m-%d}; {where}",
        f"{sweep.users} people, {loop.rows} completion rows; {at_once} calls at once, no limit a minute",
        "",
        f"{'':28}{'calls':>7}{'seconds':>10}{'calls/s':>10}",
        *(
            f"{name:28}{row.calls:>7}{row.seconds:>10.2f}{row.calls / row.seconds:>10.1f}"
            for name, row in (("plain loop", loop), ("completions side by side", at_best), ("sweep", sweep))
        ),
        "",
        f"sweep to the plain loop: {sweep.seconds / loop.seconds:.2f}",
    ]
    if target.gate and target.at_once:
        floor = sweep.busy / target.at_once
        lines.append(
            f"sweep to the site's floor, service time / calls at once ({floor:.2f} s): {sweep.seconds / floor:.2f}"
        )
    lines.append(f"sweep to completions side by side, nothing stored: {sweep.seconds / at_best.seconds:.2f}")
    lines.append(f"working off what was read: {worked:.2f} s")
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.sweep", description=__doc__)
    options.add_argument("--users", type=int, default=200, help="people in the sandbox's course")
    options.add_argument("--modules", type=int, default=30, help="activities in it")
    options.add_argument("--factor", type=float, default=1.0, help="times the measured latency of a real site")
    options.add_argument("--at-once", type=int, default=2, help="calls that the sandbox serves at once")
    options.add_argument("--calls", type=int, default=4, help="calls that the sweep makes at once")
    given = options.parse_args()
    target = live()
    if target:
        sys.stdout.write(measure(target, given.calls))
        return
    with sandbox(given.users, given.modules, given.factor, given.at_once) as made:
        sys.stdout.write(measure(made, given.calls))


if __name__ == "__main__":
    main()
