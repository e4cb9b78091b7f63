"""A sweep by the companion plugin's functions: whole courses in a few calls, and of completions only those of
activities whose digest differs from the mirror's."""

from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass
from itertools import islice
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.sweep.items import Reading, before, gone_module
from jobs.sweep.way import Chunk, CourseRead, KnownCourse, KnownSite, SiteRead, check_absences
from moodle_client import CompletionRow, Function, ModuleDigest, MoodleClient, MoodleError, SiteInfo
from records import forgotten
from records.queries import sweep as known_of
from records.queries.sweep import HeldDigest

CHUNK = 500
"""So many users' readings are stored at a time."""
PEOPLE_A_PAGE = 1_000
ROWS_A_PAGE = 5_000
MODULES_A_CALL = 500
"""Of more activities than this all rows of the course are read: PHP takes so many fields and no more."""
NOT_CHOSEN = "notchosen"
"""Moodle's errorcode for a course that isn't handed over."""
FUNCTIONS = (
    Function.GET_COURSES,
    Function.GET_COURSE_MAP,
    Function.GET_ROSTER,
    Function.GET_DIGEST,
    Function.GET_COMPLETIONS,
)
NO_ROWS = HeldDigest(0, 0, 0, 0, 0, 0, 0, 0)


def offered(site: SiteInfo) -> bool:
    """Whether a site can be read by the plugin."""
    return all(site.has(function) for function in FUNCTIONS)


class ByPlugin:
    """See jobs.sweep.way.Way. Of the mirror it asks what it holds of completions, and never while it asks Moodle."""

    name = "plugin"

    def __init__(self, moodle: MoodleClient, engine: Engine, site_id: UUID, encryption_key: SecretStr) -> None:
        self._moodle = moodle
        self._engine = engine
        self._site_id = site_id
        self._key = encryption_key

    def site(self, known: KnownSite) -> SiteRead:
        readings = {
            reading["course"]: reading
            for page in self._moodle.get_courses()
            for reading in _stamped(page.data.readings)
            if reading["present"]
        }
        ours = known.claimed(readings.values()) | known.there.keys() | set(known.copies)
        found = [
            reading
            for course, reading in sorted(readings.items())
            if course in ours or reading.get("copy_of") in known.originals
        ]
        maybe = {course: self._gone_at(course) for course in known.missing(readings)}
        gone = {course: at for course, at in maybe.items() if at is not None}
        return SiteRead(found, gone, max(readings, default=0))

    def _gone_at(self, course_id: int) -> float | None:
        """When it was read that a course isn't there; None: it is, but isn't handed over any more, and stays here as it
        was."""
        try:
            course = self._map(course_id)[0]
        except MoodleError as err:
            if err.errorcode != NOT_CHOSEN:
                raise
            return None
        return None if course["present"] else float(course["read_at"])

    def _map(self, course_id: int) -> list[Reading]:
        return _stamped(self._moodle.get_course_map(course_id).data.readings)

    def course(self, known: KnownCourse) -> CourseRead | None:
        readings = self._map(known.id)
        if not readings[0]["present"]:
            return None
        listed = {reading["module"] for reading in readings[1:]}
        at = readings[0]["read_at"]
        readings += [gone_module(known.id, module, at) for module in sorted(known.modules.keys() - listed)]
        if known.modules_only:
            return CourseRead(readings, [])
        people = self._roster(known.id)
        there = {reading["user"] for reading in people if reading["kind"] == "enrolment"}
        enrolled = {reading["user"] for reading in people if reading.get("enrolments")}
        if not known.allow_absences:
            check_absences(known.enrolled - enrolled, known.enrolled)
        people += self._left(known.id, known.enrolled - there)
        # Whoever left earlier and is deleted now is in no list: nothing else would tell that the account is gone.
        before = self._left(known.id, known.completed - known.enrolled - there)
        people += [reading for reading in before if reading["kind"] == "account"]
        return CourseRead(readings + people, known.urgent_first(sorted(there | known.completed)))

    def _roster(self, course_id: int, users: Iterable[int] = ()) -> list[Reading]:
        pages = self._moodle.get_roster(course_id, users=users, limit=PEOPLE_A_PAGE)
        return [reading for page in pages for reading in _stamped(page.data.readings)]

    def _left(self, course_id: int, users: Collection[int]) -> list[Reading]:
        """Who takes no part any more. Asked for once more: somebody may have come while the pages were read, and an
        account that is gone is told only of those who are asked for."""
        if not users:
            return []
        return self._roster(course_id, users)

    def completions(self, course_id: int, users: list[int], over: Callable[[], bool]) -> Generator[Chunk, None, None]:
        """All of it in one turn: it takes few calls. Whoever has no part in what differs has nothing to be stored."""
        del over
        found = self._differing(course_id, users)
        rest = iter(dict.fromkeys(users) | (found.by_user if found else {}))
        while chunk := list(islice(rest, CHUNK)):
            yield {user: found.reading(course_id, user) if found else None for user in chunk}

    def _differing(self, course_id: int, users: Collection[int]) -> "_Rows | None":
        """The completions of whoever has a row, in Moodle or in the mirror, of an activity whose digests differ."""
        with Session(self._engine) as session:
            held = known_of.held_digests(session, self._site_id, course_id)
            among = self._not_erased(session, course_id, users)
        if among is not None and not among:
            return None
        digest = self._moodle.get_digest(course_id, users=among or ()).data
        told = {module.module: _held(module) for module in digest.modules}
        differing = {module for module, form in told.items() if not held.get(module, NO_ROWS).agrees(form)}
        if held.keys() - told.keys():
            # Activities that nobody completed and that aren't tracked, or that are gone, and with them their rows.
            there = {reading["module"] for reading in self._map(course_id)[1:] if reading["present"]}
            differing |= (held.keys() - told.keys()) & there
        if not differing:
            return None
        with Session(self._engine) as session:
            concerned = known_of.held_completers(session, self._site_id, differing)
        return self._read(course_id, differing, among or (), concerned)

    def _not_erased(self, session: Session, course_id: int, users: Collection[int]) -> set[int] | None:
        """Whose rows may be looked at where somebody was erased from the site; None: everybody's. The mirror has
        erased people under other ids, and so do its sums."""
        if not forgotten.anybody_erased(session, self._site_id):
            return None
        everybody = set(users) | known_of.held_people(session, self._site_id, course_id)[1]
        erased = forgotten.erased_among(session, self._key, {(self._site_id, user) for user in everybody})
        return {user for user in everybody if (self._site_id, user) not in erased}

    def _read(
        self, course_id: int, modules: Collection[int], users: Iterable[int], concerned: Iterable[int]
    ) -> "_Rows":
        """The rows in these activities by user; those who are concerned are there without rows, too."""
        rows: dict[int, list[CompletionRow]] = {user: [] for user in concerned}
        began: list[float] = []
        only = modules if len(modules) <= MODULES_A_CALL else ()
        for page in self._moodle.get_completions(course_id, modules=only, users=users, limit=ROWS_A_PAGE):
            began.append(page.data.readat)
            for row in page.data.rows:
                rows.setdefault(row.user, []).append(row)
        return _Rows(before(min(began)), sorted(modules), rows)

    def completions_of(self, course_id: int, user_id: int) -> Reading:
        digest = self._moodle.get_digest(course_id, users=[user_id]).data
        modules = [module.module for module in digest.modules]
        found = self._read(course_id, modules, [user_id], [user_id])
        return found.of(course_id, user_id) | {"read_at": min(found.at, before(digest.readat))}

    def participation(self, course_id: int, user_id: int) -> list[Reading]:
        return self._roster(course_id, [user_id])


def _stamped(readings: Iterable[Reading]) -> list[Reading]:
    return [reading | {"read_at": before(reading["read_at"])} for reading in readings]


def _held(module: ModuleDigest) -> HeldDigest:
    """A digest in the mirror's form: of rows it has no ids, so that one that was deleted and made again alike is the
    same to it."""
    return HeldDigest(
        module.incomplete,
        module.complete,
        module.passed,
        module.failed,
        module.latest,
        module.users,
        module.times,
        module.overridden,
    )


@dataclass(frozen=True, slots=True)
class _Rows:
    """Completion rows of some activities of a course, all read at that moment or later."""

    at: float
    modules: list[int]
    by_user: dict[int, list[CompletionRow]]

    def reading(self, course_id: int, user: int) -> Reading | None:
        """What is to be stored of a user: nothing of whoever has no part in it."""
        return self.of(course_id, user) if user in self.by_user else None

    def of(self, course_id: int, user: int) -> Reading:
        rows = [
            {"module": row.module, "state": row.state, "timemodified": row.timemodified, "overrideby": row.overrideby}
            for row in self.by_user[user]
        ]
        reading: Reading = {"kind": "completions", "read_at": self.at, "course": course_id, "user": user}
        return reading | {"among": self.modules, "rows": rows}
