"""A sweep by Moodle's core web services: one call for everybody's completions each, several of them side by side."""

from collections.abc import Callable, Generator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice

import structlog

from jobs.sweep import copies, core
from jobs.sweep.items import Reading, stamp
from jobs.sweep.way import Chunk, CourseRead, KnownCourse, KnownSite, SiteRead
from moodle_client import MoodleClient, MoodleError

log = structlog.get_logger()
CHUNK = 16
"""So many users for each call at once are read, or being read, before what was read is stored."""
AHEAD = 4
"""So many of them are asked about ahead, so that nobody waits while a chunk is stored."""


class ByCore:
    """See jobs.sweep.way.Way. `at_once`: so many calls are made side by side."""

    name = "core"

    def __init__(self, moodle: MoodleClient, at_once: int) -> None:
        self._moodle = moodle
        self._at_once = at_once

    def site(self, known: KnownSite) -> SiteRead:
        categories = core.category_idnumbers(self._moodle, known.categories)
        listed = core.all_courses(self._moodle)
        at = stamp(listed.as_of)
        readings = {course.id: core.course_reading(course, categories, at) for course in listed.data}
        ours = known.claimed(readings.values()) | known.there.keys() | set(known.copies)
        newer = known.newer_than
        strangers = [c for c in listed.data if c.id not in ours and newer is not None and c.id > newer]
        found = [readings[course] for course in sorted(readings.keys() & ours)]
        found += copies.looked_for(self._moodle, strangers, readings, known.originals)
        gone = [course for course in known.missing(readings) if core.one_course(self._moodle, course) is None]
        return SiteRead(found, dict.fromkeys(gone, at), max(readings, default=0))

    def course(self, known: KnownCourse) -> CourseRead | None:
        found = core.one_course(self._moodle, known.id)
        if found is None:
            return None
        categories = core.category_idnumbers(self._moodle, known.categories)
        readings = [core.course_reading(found.data, categories, stamp(found.as_of))]
        if known.modules_only:
            return CourseRead(readings + core.modules(self._moodle, known.id, known.modules), [])
        with ThreadPoolExecutor(max_workers=1) as beside:
            # Idnumbers cost a call for each activity: meanwhile the people are read.
            of_modules = beside.submit(core.modules, self._moodle, known.id, known.modules)
            people = core.people(self._moodle, known.id, known.enrolled, allow_absences=known.allow_absences)
            readings += of_modules.result()
        deleted = {r["user"] for r in people.readings if r["kind"] == "account" and not r["present"]}
        users = people.active_first + sorted(known.completed - set(people.active_first) - deleted)
        return CourseRead(readings + people.readings, known.urgent_first(users))

    def completions(self, course_id: int, users: list[int], over: Callable[[], bool]) -> Generator[Chunk, None, None]:
        """The site is asked on while a chunk is stored."""
        ahead = AHEAD * self._at_once
        rest = iter(users)
        asked: dict[Future[Reading | None], int] = {}
        read: Chunk = {}
        failure: BaseException | None = None
        begun = False
        threads = ThreadPoolExecutor(max_workers=self._at_once)
        try:
            while failure is None:
                if not (begun and over()):
                    begun = True
                    wanted = islice(rest, ahead - len(asked))
                    asked |= {threads.submit(self._one, course_id, user): user for user in wanted}
                if not asked:
                    break
                for answer in wait(asked, return_when=FIRST_COMPLETED).done:
                    user, failure = asked.pop(answer), failure or answer.exception()
                    if not answer.exception():
                        read[user] = answer.result()
                if len(read) >= CHUNK * self._at_once - ahead:
                    yield read
                    read = {}
            if read:
                yield read
        finally:
            threads.shutdown(cancel_futures=True)
        if failure is not None:
            raise failure

    def _one(self, course_id: int, user_id: int) -> Reading | None:
        """One user's completions; None where Moodle won't tell of this one."""
        try:
            return core.completions(self._moodle, course_id, user_id)
        except MoodleError as err:
            if not core.about_one(err):
                raise
            log.warning("sweep_user_failed", course=course_id, reason=str(err.reason))
            return None

    def completions_of(self, course_id: int, user_id: int) -> Reading:
        return core.completions(self._moodle, course_id, user_id)

    def participation(self, course_id: int, user_id: int) -> list[Reading]:
        return core.participation(self._moodle, course_id, user_id)
