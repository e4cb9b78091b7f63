"""What the ways of reading Moodle have in common: by its core web services, or by the companion plugin's.

A way asks Moodle and makes readings of the wire of what it hears. What is known of the mirror it is given, and what it
found is stored by whoever asked.
"""

from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from jobs.sweep.items import Reading
from records.queries.sweep import HeldModule

MANY = 5
SHARE = 0.5
"""More than so many people, and more than this share of them, gone at once: that may be a missing capability."""

Forms = Mapping[int, tuple[str, set[tuple[str, str]]]]
"""By course: its name, and (kind, name) of its activities."""
Chunk = dict[int, Reading | None]
"""Users who have been read, each with what is to be stored; None: nothing."""


class Suspicious(Exception):
    """What was read would take many people out, which a missing capability would look like, too.

    `params`: gone, before.
    """

    def __init__(self, gone: int, before: int) -> None:
        super().__init__(f"{gone} of {before} participants would be gone")
        self.params = {"gone": gone, "before": before}


def check_absences(gone: Collection[int], before: Collection[int]) -> None:
    """Raises Suspicious where so many are gone that the caller may just not see them."""
    if len(gone) > MANY and len(gone) > SHARE * len(before):
        raise Suspicious(len(gone), len(before))


@dataclass(frozen=True, slots=True)
class KnownSite:
    """What the mirror has of a site."""

    categories: Mapping[int, str]
    """The idnumbers of categories."""
    there: Mapping[int, bool]
    """The courses that are known, and whether each is there."""
    newer_than: int | None
    """The highest course id at the last look; None: this is the first."""
    copies: Collection[int]
    originals: Forms
    """The courses that are communities."""
    claimed: Callable[[Iterable[Reading]], set[int]]
    """Those of the courses, as read, that a program claims."""

    def missing(self, listed: Collection[int]) -> list[int]:
        """The courses that were there and aren't listed."""
        return sorted(course for course, present in self.there.items() if present and course not in listed)


@dataclass(frozen=True, slots=True)
class SiteRead:
    """`gone`: courses that aren't there any more, and when that was read. `highest`: course id."""

    readings: list[Reading]
    gone: Mapping[int, float]
    highest: int


@dataclass(frozen=True, slots=True)
class KnownCourse:
    """What the mirror has of a course."""

    id: int
    categories: Mapping[int, str]
    modules: Mapping[int, HeldModule]
    enrolled: set[int]
    completed: set[int]
    """Who may have completion rows there."""
    asked: set[int]
    """Of whom an event left something open."""
    modules_only: bool
    """A copy that waits for its adoption: its people are none of ours yet."""
    allow_absences: bool

    def urgent_first(self, users: Iterable[int]) -> list[int]:
        """The users in their order, but for those of whom something is open, who come first."""
        return sorted(users, key=lambda user: user not in self.asked)


@dataclass(frozen=True, slots=True)
class CourseRead:
    """`people`: whose completions are to be read, in that order."""

    readings: list[Reading]
    people: list[int]


class Way(Protocol):
    """A way to read Moodle. Methods raise MoodleError."""

    name: str

    def site(self, known: KnownSite) -> SiteRead:
        """The list of courses: those that are ours, as they are now, and those that are copies of them."""

    def course(self, known: KnownCourse) -> CourseRead | None:
        """A course, its activities and its people; None: it isn't there. Raises Suspicious."""

    def completions(self, course_id: int, users: list[int], over: Callable[[], bool]) -> Generator[Chunk, None, None]:
        """The completions in a course, a chunk at a time, until all of these users are in one, or the turn is `over`:
        however short a turn is, it gets somewhere. Raises the first MoodleError after a last chunk of what was read."""

    def completions_of(self, course_id: int, user_id: int) -> Reading:
        """The completions of one user, for what an event left open."""

    def participation(self, course_id: int, user_id: int) -> list[Reading]:
        """How one user takes part in a course, and the account."""
