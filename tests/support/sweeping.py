"""Houses that are told what a sandbox does, or read it by themselves."""

import json
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from redis import Redis
from sqlalchemy import event, select
from sqlalchemy.orm import Session

from jobs.sweep import run
from moodle_client import MoodleClient
from records import inbox, sweeps
from records.database import make_engine
from records.inbox import NewItem
from records.models import Community, CourseCopy, DriftCount, LedgerEntry, Sweep, uuid7
from records.queries import drift
from records.secrets import Purpose, keep_secret
from records.settings import Settings
from sandbox import wire
from sandbox.disorder import ORDER, Disorder
from sandbox.site import Site
from tests.support.house import House
from tests.support.moodles import HOUR, Clock, Lossy, Near, Told
from tests.support.sender import PROGRAM
from tests.support.servers import Database, Servers
from tests.support.settings import make_settings

BAY, LA = "COP-EBWIESL-BAY", "COP-EBWIESL-LA"
Drifted = dict[tuple[int, str, int], int]
"""By (course, kind, module or 0)."""


def unhurried(settings: Settings, **others: Any) -> Settings:
    """Settings that let a sandbox be asked as fast as it answers."""
    return settings.model_copy(update={"moodle_calls_per_minute": 10_000_000} | others)


class Sweeper:
    """A house with a token: it takes what it is told, and sweeps."""

    def __init__(self, house: House, connect: Callable[..., MoodleClient]) -> None:
        self.house, self.connect = house, connect
        self.settings = unhurried(house.settings)

    @property
    def site_id(self) -> UUID:
        return self.house.site_id

    def store(self, batch: wire.Batch) -> None:
        """Have a batch in the inbox, as intake would."""
        found = [
            NewItem(self.site_id, "wire", uuid7(), "event", json.dumps(event["data"]).encode(), event["id"])
            for event in batch["events"]
        ]
        found += [
            NewItem(self.site_id, "wire", uuid7(), f"reading.{reading['kind']}", json.dumps(reading).encode())
            for reading in batch["readings"]
        ]
        with self.house.engine.begin() as connection:
            inbox.store(connection, found)

    def tell(self, batches: Iterable[wire.Batch]) -> None:
        for batch in batches:
            self.store(batch)
        self.house.work()

    def ask(self, *courses: int | None, gone: bool = False) -> list[UUID]:
        with Session(self.house.engine) as session, session.begin():
            return sweeps.ask(session, self.site_id, courses, "asked", allow_absences=gone)

    def targets(self) -> list[int]:
        with Session(self.house.engine) as session:
            return sweeps.targets(session, self.site_id)

    def run_house(self, **others: Any) -> run.House:
        return run.House(self.house.engine, self.settings, **({"connect": self.connect} | others))

    def carry_on(self, **others: Any) -> int:
        """Carry on whatever is due, turn after turn. Returns how many turns there were."""
        turns = 0
        while run.carry_on(self.run_house(**others)):
            turns += 1
        return turns

    def sweep(self, *courses: int | None, gone: bool = False) -> Drifted:
        """Sweep these courses (None: the site's list), or the list and then all that there are. Returns the drift that
        was found."""
        before = self.drift()
        if not courses:
            self.ask(None)
            self.carry_on()
            self.house.work()
        self.ask(*(courses or self.targets()), gone=gone)
        self.carry_on()
        self.house.work()
        now = self.drift()
        return {key: times - before.get(key, 0) for key, times in now.items() if times != before.get(key, 0)}

    def drift(self) -> Drifted:
        d = DriftCount
        with Session(self.house.engine) as session:
            found = Counter[tuple[int, str, int]]()
            for course, kind, module, times in session.execute(select(d.course_id, d.kind, d.module_id, d.count)):
                found[(course, kind, module)] += times
            return dict(found)

    def entries(self) -> int:
        """How many entries the ledger has."""
        with Session(self.house.engine) as session:
            return len(session.scalars(select(LedgerEntry.id)).all())

    def copies(self) -> list[tuple[int, int, str]]:
        """(Course, what it was copied from, what became of it)."""
        c = CourseCopy
        with Session(self.house.engine) as session:
            rows = session.execute(select(c.course_id, c.original_id, c.status))
            return [(course, original, status) for course, original, status in rows]

    def unmapped(self, topic: str, region: str) -> int:
        """New activities of a community that earn nothing."""
        c = Community
        with Session(self.house.engine) as session:
            community = session.scalars(select(c.id).where(c.topic == topic, c.region == region)).one()
            return drift.unmapped(session, community)

    def sweeps(self) -> list[Sweep]:
        with Session(self.house.engine, expire_on_commit=False) as session:
            return list(session.scalars(select(Sweep).order_by(Sweep.asked_at, Sweep.id)))

    def minutes(self) -> dict[str, int]:
        """By `topic-region/user`."""
        net = self.house.books()["net"]
        return {member: sum(part["minutes"] for part in parts.values()) for member, parts in net.items()}


@dataclass
class Scene:
    """A sandbox, a house that is told everything of it, and one that a wire tells what it doesn't lose."""

    site: Site
    clock: Clock
    told: Sweeper
    swept: Sweeper
    everything: Told
    lossy: Lossy

    def __post_init__(self) -> None:
        self.bay, self.la = self.site.course(BAY), self.site.course(LA)

    def wire(self, disorder: Disorder) -> None:
        """From now on the wire is another one."""
        self.lossy = Lossy(self.site, disorder)

    def happened(self) -> None:
        """Tell what happened since: to one house in order and with readings of all that differs."""
        rows, differing = self.everything.take()
        with self.site.store.read() as db:
            batch = wire.of_events(db, rows, self.site.clock())
        self.told.store(batch | {"readings": [*batch["readings"], *differing]})
        self.lossy.give(rows)

    def arrives(self, *, all_of_it: bool = False) -> None:
        """Let come out of the lossy wire what is due."""
        self.swept.store(self.lossy.batch(all_of_it=all_of_it))

    def end(self) -> None:
        """All has happened, and all that comes has come."""
        self.happened()
        self.arrives(all_of_it=True)
        self.clock.tick()
        self.told.house.work()
        self.swept.house.work()


KEPT_ACTIVITIES = ("ACT-01", "ACT-02", "ACT-06", "ACT-08", "ACT-10", "F2F-1", "")
KEPT_PEOPLE = ("e0001", "e0002", "e0003", "e0004", "e0005", "e0013", "e0014", "e0015")


def lessen(site: Site) -> None:
    """Fewer activities and people: as much of each kind as tests need."""
    with site.store.write() as db:
        marks = ", ".join("?" * len(KEPT_ACTIVITIES))
        modules = f"SELECT id FROM course_modules WHERE idnumber NOT IN ({marks})"  # noqa: S608 - ours
        for table, column in (("course_completion_criteria", "moduleinstance"), ("course_modules", "id")):
            db.execute(f"DELETE FROM {table} WHERE {column} IN ({modules})", KEPT_ACTIVITIES)  # noqa: S608
        marks = ", ".join("?" * len(KEPT_PEOPLE))
        people = f"SELECT id FROM user WHERE username LIKE 'e%' AND username NOT IN ({marks})"  # noqa: S608
        for table in ("user_enrolments", "role_assignments", "groups_members"):
            db.execute(f"DELETE FROM {table} WHERE userid IN ({people})", KEPT_PEOPLE)  # noqa: S608


class Moved:
    """One engine for one database after another: what it has compiled it needn't compile again."""

    def __init__(self, url: str) -> None:
        self.engine = make_engine(url)
        self._name = ""
        event.listen(self.engine, "do_connect", self._connect)

    def move(self, name: str) -> None:
        self.engine.dispose()
        self._name = name

    def _connect(self, dialect: object, record: object, arguments: object, named: dict[str, Any]) -> None:
        del dialect, record, arguments
        named["dbname"] = self._name


class Reopened(House):
    """The house of a database that was copied from another house's."""

    def __init__(self, like: House, engine: "Moved", database: Database, clock: Clock) -> None:
        self.settings = like.settings.model_copy(
            update={"database_url": database.url, "migration_database_url": database.owner_url}
        )
        engine.move(database.name)
        self.engine, self.redis = engine.engine, like.redis
        self.site_id, self.version_id = like.site_id, like.version_id
        self._site_clock = clock

    def clock(self) -> datetime:
        """After all that happened, however long a test lets its site live."""
        return datetime.fromtimestamp(self._site_clock.now + 86_400, UTC)


class Houses:
    """Two houses of CALPRO's program that know a sandbox as it is at first; each scene gets copies of all three.

    `plugin`: the site has the companion plugin, and the token may call its functions alone.
    """

    def __init__(self, servers: Servers, template: str, folder: Path, *, plugin: bool = False) -> None:
        self._servers, self._folder = servers, folder
        self._name = f"{template}_{secrets.token_hex(4)}"
        self._clock = Clock()
        self._first: list[House] = []
        self._engines: list[Moved] = []
        self._redis = Redis.from_url(servers.redis_url)
        folder.mkdir(exist_ok=True)
        with ExitStack() as stack:
            site = stack.enter_context(Site(folder / "first.db", clock=self._clock))
            lessen(site)
            if plugin:
                site.installs_plugin(alone=True)
            connect, batches = _connect(site), site.full_batches()
            for number in range(2):
                database = servers.create(f"{self._name}_{number}", template)
                moved = Moved(database.url)
                moved.move(database.name)
                self._engines.append(moved)
                engine, settings = moved.engine, make_settings(database, servers.redis_url)
                stack.callback(engine.dispose)
                house = House(settings, engine, self._redis, program=PROGRAM.read_text())
                house.now = datetime.fromtimestamp(self._clock.now + 86_400, UTC)
                with Session(engine) as session, session.begin():
                    keep_secret(session, house.site_id, Purpose.WEB_SERVICES, "any", house.settings.encryption_key)
                self._first.append(house)
                Sweeper(house, connect).tell(batches)
            self._clock.tick()
            assert not Sweeper(self._first[1], connect).sweep(), "a first sweep is no drift"

    @contextmanager
    def scene(self, disorder: Disorder = ORDER, *, alone: bool = False, beside: bool = False) -> Iterator[Scene]:
        """A site that both houses know; one of them by a sweep, too, so that what it finds from now on is drift.

        `alone`: this one is all that there is. `beside`: another scene may be open at the same time.
        """
        engines = [Moved(first.settings.database_url) for first in self._first] if beside else self._engines
        name = f"{self._name}_{secrets.token_hex(4)}"
        shutil.copy(self._folder / "first.db", self._folder / f"{name}.db")
        clock = Clock(self._clock.now + HOUR)
        with ExitStack() as stack:
            site = stack.enter_context(Site(self._folder / f"{name}.db", clock=clock))
            sweepers = []
            for number, (first, engine) in enumerate(zip(self._first, engines, strict=True)):
                if alone and first is not self._first[-1]:
                    continue
                stack.callback(self._servers.drop, f"{name}_{number}")
                database = self._servers.create(f"{name}_{number}", f"{self._name}_{number}")
                house = Reopened(first, engine, database, clock)
                stack.callback(house.engine.dispose)
                sweepers.append(Sweeper(house, _connect(site)))
            told, swept = sweepers[0], sweepers[-1]
            yield Scene(site, clock, told, swept, Told(site), Lossy(site, disorder))

    def close(self) -> None:
        for number in range(len(self._first)):
            self._servers.drop(f"{self._name}_{number}")
        self._redis.close()


def _connect(site: Site) -> Callable[..., MoodleClient]:
    """A client of this site, with a token that it knows."""
    return lambda wwwroot, _, **others: Near(site, wwwroot, site.token, **others)


@contextmanager
def open_houses(servers: Servers, template: str, folder: Path, *, plugin: bool = False) -> Iterator[Houses]:
    """For a module of tests."""
    houses = Houses(servers, template, folder, plugin=plugin)
    try:
        yield houses
    finally:
        houses.close()
