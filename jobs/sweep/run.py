"""Carry a sweep on for a turn: course and people first, then everybody's completions, by the way that the site has.

What was read is stored and struck off the list in one transaction, so that whoever carries on after a kill begins
where this one stopped. Moodle is never asked while a transaction is open.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from uuid import UUID

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs.sweep import attendance, plugin
from jobs.sweep.by_core import ByCore
from jobs.sweep.items import Reading, gone_course, gone_module, nobody, stamp, store
from jobs.sweep.plugin import ByPlugin
from jobs.sweep.way import CourseRead, KnownCourse, KnownSite, Suspicious, Way
from moodle_client import MoodleClient, MoodleError, Pace
from records import sweeps
from records.models import Site
from records.queries import sweep as known
from records.secrets import Purpose, active_secrets
from records.settings import Settings
from records.sweeps import LeaseLost, Task

log = structlog.get_logger()
BEAT_SECONDS = sweeps.LEASE.total_seconds() / 4

Connect = Callable[..., AbstractContextManager[MoodleClient]]
Told = Callable[[int, int], None]
"""Told how far a sweep is: people read, people in all."""


def nobody_listens(done: int, total: int) -> None:
    """For who doesn't want to be told."""
    del done, total


@dataclass(frozen=True, slots=True)
class House:
    """What a sweep works with. `seconds`: about so long is a turn; None: to the end."""

    engine: Engine
    settings: Settings
    connect: Connect = MoodleClient
    seconds: float | None = None
    told: Told = nobody_listens


@dataclass(slots=True)
class Turn:
    """A claimed sweep being carried on."""

    house: House
    task: Task
    moodle: MoodleClient
    ends: float | None

    @property
    def calls(self) -> int:
        """So many calls were made for this sweep, in all of its turns."""
        return self.task.calls + self.moodle.pace.calls

    @property
    def over(self) -> bool:
        return self.ends is not None and time.monotonic() >= self.ends


def carry_on(house: House, only: Sequence[UUID] = ()) -> Task | None:
    """Claim a due sweep (of these, where some are named) and carry it on for a turn. None: there was none to do."""
    with Session(house.engine) as session, session.begin():
        task = sweeps.claim(session, only)
        if task is None:
            return None
        wwwroot = session.scalars(select(Site.wwwroot).where(Site.id == task.site_id)).one()
        tokens = active_secrets(session, task.site_id, Purpose.WEB_SERVICES, house.settings.encryption_key)
    pace = Pace(at_once=house.settings.moodle_calls_at_once, per_minute=house.settings.moodle_calls_per_minute)
    ends = None if house.seconds is None else time.monotonic() + house.seconds
    with house.connect(wwwroot, tokens[0] if tokens else "", pace=pace) as moodle:
        turn = Turn(house, task, moodle, ends)
        try:
            with _lease(turn):
                _turn(turn)
        except LeaseLost:
            log.warning("sweep_overtaken", sweep=str(task.id))
        except (MoodleError, Suspicious) as err:
            _failed(turn, err)
        except Exception as err:
            # Nobody foresaw it: counted and put off like the others, or it would be tried again for ever.
            _failed(turn, err)
            raise
    return task


@contextmanager
def _lease(turn: Turn) -> Iterator[None]:
    """Renew the lease all the while: a large course's list of people alone takes Moodle longer than a lease.

    A frozen process renews nothing, since its threads are frozen, too.
    """
    over = threading.Event()

    def renew() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                with Session(turn.house.engine) as session, session.begin():
                    sweeps.beat(session, turn.task)
            except LeaseLost:
                return
            except DBAPIError as err:
                log.warning("sweep_beat_failed", sweep=str(turn.task.id), error=type(err).__name__)

    thread = threading.Thread(target=renew, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def way_of(moodle: MoodleClient, engine: Engine, site_id: UUID, settings: Settings) -> Way:
    """By the companion plugin's functions, where the token's service holds them; else by core's."""
    if plugin.offered(moodle.site_info().data):
        return ByPlugin(moodle, engine, site_id, settings.encryption_key)
    return ByCore(moodle, settings.moodle_calls_at_once)


def _turn(turn: Turn) -> None:
    task, house = turn.task, turn.house
    way = way_of(turn.moodle, house.engine, task.site_id, house.settings)
    if task.course_id is None:
        _site(turn, way)
        return
    pending, total = task.pending, task.total
    if pending is None:
        pending = _course(turn, way, task.course_id)
        total = len(pending)
    _completions(turn, way, task.course_id, pending, total)


def _site(turn: Turn, way: Way) -> None:
    engine, site_id = turn.house.engine, turn.task.site_id
    read = way.site(_known_site(engine, site_id))
    found = read.readings + [reading for course, at in read.gone.items() for reading in _gone(turn, course, at)]
    with Session(engine) as session, session.begin():
        store(session, site_id, found, turn.task.id)
        sweeps.progress(session, turn.task, [], total=0, calls=turn.calls, way=way.name)
        sweeps.finish(session, turn.task, calls=turn.calls, highest_course=read.highest)


def _known_site(engine: Engine, site_id: UUID) -> KnownSite:
    def claimed(courses: Iterable[Reading]) -> set[int]:
        with Session(engine) as session:
            return known.claimed(session, site_id, courses)

    with Session(engine) as session:
        return KnownSite(
            categories=known.category_idnumbers(session, site_id),
            there=known.known_courses(session, site_id),
            newer_than=known.highest_course(session, site_id),
            copies=known.copies(session, site_id),
            originals=known.forms_of_communities(session, site_id),
            claimed=claimed,
        )


def _course(turn: Turn, way: Way, course_id: int) -> list[int]:
    """The course, its activities and its people. Returns the users whose completions are to be read."""
    known_course = _known_course(turn, course_id)
    read = way.course(known_course)
    if read is None:
        read = CourseRead(_gone(turn, course_id, stamp(turn.task.started_at)), [])
    elif not known_course.modules_only:
        read.readings.extend(attendance.of_course(turn.moodle, course_id, read.readings))
    with Session(turn.house.engine) as session, session.begin():
        store(session, turn.task.site_id, read.readings, turn.task.id)
        total = len(read.people)
        sweeps.progress(session, turn.task, read.people, total=total, calls=turn.calls, way=way.name)
    return read.people


def _known_course(turn: Turn, course_id: int) -> KnownCourse:
    site_id = turn.task.site_id
    with Session(turn.house.engine) as session:
        enrolled, completed = known.held_people(session, site_id, course_id)
        return KnownCourse(
            id=course_id,
            categories=known.category_idnumbers(session, site_id),
            modules=known.held_modules(session, site_id, course_id),
            enrolled=enrolled,
            completed=completed,
            asked=known.asked_about(session, site_id, course_id),
            modules_only=known.is_no_community(session, site_id, course_id),
            allow_absences=turn.task.allow_absences,
        )


def _gone(turn: Turn, course_id: int, at: float) -> list[Reading]:
    """A course that isn't there any more, and with it everything and everybody in it."""
    with Session(turn.house.engine) as session:
        held = known.held_modules(session, turn.task.site_id, course_id)
        enrolled, _ = known.held_people(session, turn.task.site_id, course_id)
    found = [gone_course(course_id, at)]
    found += [gone_module(course_id, module, at) for module in sorted(held)]
    return found + [nobody(course_id, user, at) for user in sorted(enrolled)]


def _completions(turn: Turn, way: Way, course_id: int, pending: list[int], total: int) -> None:
    turn.house.told(total - len(pending), total)
    if pending:
        with closing(way.completions(course_id, pending, lambda: turn.over)) as chunks:
            for read in chunks:
                pending = [user for user in pending if user not in read]
                with Session(turn.house.engine) as session, session.begin():
                    store(session, turn.task.site_id, [r for r in read.values() if r is not None], turn.task.id)
                    sweeps.progress(session, turn.task, pending, total=total, calls=turn.calls, way=way.name)
                turn.house.told(total - len(pending), total)
    with Session(turn.house.engine) as session, session.begin():
        if pending:
            sweeps.pause(session, turn.task, calls=turn.calls)
        else:
            sweeps.finish(session, turn.task, calls=turn.calls)


def _failed(turn: Turn, err: Exception) -> None:
    """Keep why a turn ended: what time may heal is tried again, anything else waits for somebody."""
    # The text of a strange error may quote people's data.
    said = str(err) if isinstance(err, MoodleError | Suspicious) else type(err).__name__
    log.warning("sweep_failed", sweep=str(turn.task.id), course=turn.task.course_id, error=said)
    with Session(turn.house.engine) as session, session.begin():
        sweeps.fail(
            session,
            turn.task,
            said,
            calls=turn.calls,
            retry_after=err.retry_after if isinstance(err, MoodleError) else None,
            for_good=isinstance(err, Suspicious) or (isinstance(err, MoodleError) and err.permanent),
        )
