"""Carry a sweep on for a turn: course and people first, then everybody's completions, several calls side by side.

What was read is stored and struck off the list in one transaction, so that whoever carries on after a kill begins
where this one stopped. Moodle is never asked while a transaction is open.
"""

import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

import structlog
from sqlalchemy import Engine, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs.sweep import copies, core
from jobs.sweep.core import Suspicious
from jobs.sweep.items import Reading, stamp, store
from moodle_client import MoodleClient, MoodleError, Pace
from records import sweeps
from records.models import Site
from records.queries import sweep as known
from records.secrets import Purpose, active_secrets
from records.settings import Settings
from records.sweeps import LeaseLost, Task

log = structlog.get_logger()
BEAT_SECONDS = sweeps.LEASE.total_seconds() / 4
CHUNK = 16
"""So many users for each call at once are read, or being read, before what was read is stored."""
AHEAD = 4
"""So many of them are asked about ahead, so that nobody waits while a chunk is stored."""

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


def _turn(turn: Turn) -> None:
    task = turn.task
    if task.course_id is None:
        _site(turn)
        return
    pending, total = task.pending, task.total
    if pending is None:
        pending = _course(turn, task.course_id)
        total = len(pending)
    _completions(turn, task.course_id, pending, total)


def _site(turn: Turn) -> None:
    """The list of courses: those that are ours, as they are now, and those that are copies of them."""
    engine, site_id = turn.house.engine, turn.task.site_id
    with Session(engine) as session:
        held = known.category_idnumbers(session, site_id)
        there = known.known_courses(session, site_id)
        newer_than = known.highest_course(session, site_id)
        seen_as_copies = known.copies(session, site_id)
        originals = known.forms_of_communities(session, site_id)
    categories = core.category_idnumbers(turn.moodle, held)
    listed = core.all_courses(turn.moodle)
    at = stamp(listed.as_of)
    readings = {course.id: core.course_reading(course, categories, at) for course in listed.data}
    with Session(engine) as session:
        ours = known.claimed(session, site_id, readings.values()) | there.keys() | seen_as_copies
    strangers = [c for c in listed.data if c.id not in ours and newer_than is not None and c.id > newer_than]
    found = [readings[course] for course in sorted(readings.keys() & ours)]
    found += copies.looked_for(turn.moodle, strangers, readings, originals)
    for missing in sorted(course for course, present in there.items() if present and course not in readings):
        if core.one_course(turn.moodle, missing) is None:
            found += _gone(turn, missing, at)
    with Session(engine) as session, session.begin():
        store(session, site_id, found, turn.task.id)
        sweeps.finish(session, turn.task, calls=turn.calls, highest_course=max(readings, default=0))


def _course(turn: Turn, course_id: int) -> list[int]:
    """The course, its activities and its people. Returns the users whose completions are to be read."""
    engine, site_id = turn.house.engine, turn.task.site_id
    with Session(engine) as session:
        categories = known.category_idnumbers(session, site_id)
        held = known.held_modules(session, site_id, course_id)
        enrolled, completed = known.held_people(session, site_id, course_id)
        open_questions = known.asked_about(session, site_id, course_id)
        modules_only = known.is_no_community(session, site_id, course_id)
    found = core.one_course(turn.moodle, course_id)
    if found is None:
        return _stored(turn, _gone(turn, course_id, stamp(turn.task.started_at)), [])
    categories = core.category_idnumbers(turn.moodle, categories)
    readings = [core.course_reading(found.data, categories, stamp(found.as_of))]
    if modules_only:
        # A copy that waits for its adoption: its people are none of ours yet.
        return _stored(turn, readings + core.modules(turn.moodle, course_id, held), [])
    with ThreadPoolExecutor(max_workers=1) as beside:
        # Idnumbers cost a call for each activity: meanwhile the people are read.
        of_modules = beside.submit(core.modules, turn.moodle, course_id, held)
        people = core.people(turn.moodle, course_id, enrolled, allow_absences=turn.task.allow_absences)
        readings += of_modules.result()
    deleted = {r["user"] for r in people.readings if r["kind"] == "account" and not r["present"]}
    ids = people.active_first + sorted(completed - set(people.active_first) - deleted)
    ordered = [user for user in ids if user in open_questions] + [user for user in ids if user not in open_questions]
    return _stored(turn, readings + people.readings, ordered)


def _gone(turn: Turn, course_id: int, at: float) -> list[Reading]:
    """A course that isn't there any more, and with it everything and everybody in it."""
    with Session(turn.house.engine) as session:
        held = known.held_modules(session, turn.task.site_id, course_id)
        enrolled, _ = known.held_people(session, turn.task.site_id, course_id)
    found = [core.gone_course(course_id, at)]
    found += [core.gone_module(course_id, module, at) for module in sorted(held)]
    return found + [core.nobody(course_id, user, at) for user in sorted(enrolled)]


def _stored(turn: Turn, readings: list[Reading], pending: list[int]) -> list[int]:
    with Session(turn.house.engine) as session, session.begin():
        store(session, turn.task.site_id, readings, turn.task.id)
        sweeps.progress(session, turn.task, pending, total=len(pending), calls=turn.calls, way="core")
    return pending


def _completions(turn: Turn, course_id: int, pending: list[int], total: int) -> None:
    turn.house.told(total - len(pending), total)
    with closing(_read(turn, course_id, pending)) as chunks:
        for read in chunks:
            pending = [user for user in pending if user not in read]
            with Session(turn.house.engine) as session, session.begin():
                store(session, turn.task.site_id, [r for r in read.values() if r is not None], turn.task.id)
                sweeps.progress(session, turn.task, pending, total=total, calls=turn.calls, way="core")
            turn.house.told(total - len(pending), total)
    with Session(turn.house.engine) as session, session.begin():
        if pending:
            sweeps.pause(session, turn.task, calls=turn.calls)
        else:
            sweeps.finish(session, turn.task, calls=turn.calls)


def _read(turn: Turn, course_id: int, users: list[int]) -> Generator[dict[int, Reading | None], None, None]:
    """Read users' completions until the turn is over, a chunk at a time; the site is asked on while one is stored.

    Raises the first MoodleError, after a last chunk of what was read before it.
    """
    at_once = turn.house.settings.moodle_calls_at_once
    ahead = AHEAD * at_once
    rest = iter(users)
    asked: dict[Future[Reading | None], int] = {}
    read: dict[int, Reading | None] = {}
    failure: BaseException | None = None
    begun = False
    threads = ThreadPoolExecutor(max_workers=at_once)
    try:
        while failure is None:
            # However short a turn is, it gets somewhere.
            if not (begun and turn.over):
                begun = True
                wanted = islice(rest, ahead - len(asked))
                asked |= {threads.submit(_one, turn.moodle, course_id, user): user for user in wanted}
            if not asked:
                break
            for answer in wait(asked, return_when=FIRST_COMPLETED).done:
                user, failure = asked.pop(answer), failure or answer.exception()
                if not answer.exception():
                    read[user] = answer.result()
            if len(read) >= CHUNK * at_once - ahead:
                yield read
                read = {}
        if read:
            yield read
    finally:
        threads.shutdown(cancel_futures=True)
    if failure is not None:
        raise failure


def _one(moodle: MoodleClient, course_id: int, user_id: int) -> Reading | None:
    """One user's completions; None where Moodle won't tell of this one."""
    try:
        return core.completions(moodle, course_id, user_id)
    except MoodleError as err:
        if not core.about_one(err):
            raise
        log.warning("sweep_user_failed", course=course_id, reason=str(err.reason))
        return None


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
