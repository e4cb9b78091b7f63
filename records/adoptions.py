"""Courses that were restored or duplicated: while the original is a community, a copy earns nothing until a decision
adopts it, as a continuation of the original or as a community of its own."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records.claims import CourseKey
from records.keys import among
from records.models import CommunityCourse, CourseCopy, MirrorCourse


class Status(StrEnum):
    """What a copy is."""

    PROPOSED = "proposed"
    """Nobody has decided."""
    IGNORED = "ignored"
    """Somebody decided that it is nothing."""
    CONTINUATION = "continuation"
    """It goes on with the original, as the same communities."""
    NEW_COMMUNITY = "new_community"
    """A community of its own, if a program claims it; what came along with the copy doesn't count there."""


UNDECIDED = (Status.PROPOSED, Status.IGNORED)


@dataclass(frozen=True, slots=True)
class CopySeen:
    """A report that a course is a copy of another one of its site, at the latest since `as_of`."""

    key: CourseKey
    original: int
    as_of: datetime


@dataclass(frozen=True, slots=True)
class Copy:
    """A course that is a copy."""

    original: CourseKey
    status: Status
    copied_at: datetime


def is_news(session: Session, copies: Sequence[CopySeen]) -> bool:
    """Whether any report tells of a copy that isn't known, or of an earlier time."""
    return bool(_earlier(session, copies))


def see_copies(session: Session, copies: Iterable[CopySeen]) -> set[CourseKey]:
    """Keep what was reported of copies: the earliest report of each stands. Returns the courses of which something
    is new; nobody else is at work on the site then (`is_news`)."""
    news = _earlier(session, copies)
    if news:
        statement = insert(CourseCopy)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["site_id", "course_id"],
                set_={
                    "original_id": statement.excluded.original_id,
                    "copied_at": func.least(CourseCopy.copied_at, statement.excluded.copied_at),
                },
            ),
            [
                {"site_id": key[0], "course_id": key[1], "original_id": seen.original, "copied_at": seen.as_of}
                for key, seen in sorted(news.items(), key=str)
            ],
        )
    return set(news)


def mirrored(session: Session, course: CourseKey) -> MirrorCourse | None:
    """A course as it is known now."""
    key = {"site_id": course[0], "course_id": course[1]}
    return session.get(MirrorCourse, key, populate_existing=True)


def copies_above(session: Session, courses: Iterable[CourseKey]) -> dict[CourseKey, Copy]:
    """Those of the courses that are copies, and those that they were copied from, as far as these are copies, too."""
    c = CourseCopy
    found: dict[CourseKey, Copy] = {}
    front = set(courses)
    while front:
        rows = session.execute(
            select(c.site_id, c.course_id, c.original_id, c.status, c.copied_at).where(
                among((c.site_id, c.course_id), front)
            )
        )
        above = {(site, course): Copy((site, original), Status(s), at) for site, course, original, s, at in rows}
        found |= above
        front = {copy.original for copy in above.values()} - found.keys()
    return found


def waiting(session: Session, courses: Iterable[CourseKey]) -> set[CourseKey]:
    """Those of the courses that are copies of communities, or of other copies that wait, and that no decision lets
    in."""
    wanted = set(courses)
    return _waiting(session, wanted, copies_above(session, wanted))


def kept_out(session: Session, courses: Iterable[CourseKey]) -> set[CourseKey]:
    """Those of the courses that no program may claim by what they are called: they wait, or go on with others."""
    wanted = set(courses)
    above = copies_above(session, wanted)
    going_on = {key for key in wanted & above.keys() if above[key].status is Status.CONTINUATION}
    return going_on | _waiting(session, wanted, above)


def held_back(session: Session, courses: Iterable[CourseKey]) -> set[CourseKey]:
    """The copies that have to wait, where the copy, or what it was copied from, is one of these courses."""
    c = CourseCopy
    found = front = set(courses)
    while front:
        rows = session.execute(
            select(c.site_id, c.course_id).where(
                among((c.site_id, c.original_id), front), c.status.in_(list(map(str, UNDECIDED)))
            )
        )
        front = {(site, course) for site, course in rows} - found
        found = found | front
    return waiting(session, found)


def _waiting(session: Session, courses: set[CourseKey], above: Mapping[CourseKey, Copy]) -> set[CourseKey]:
    if not above:
        return set()
    place = CommunityCourse
    originals = {copy.original for copy in above.values()}
    rows = session.execute(
        select(place.site_id, place.course_id).distinct().where(among((place.site_id, place.course_id), originals))
    )
    communities = {(site, course) for site, course in rows}
    found = set()
    for course in courses:
        copy = above.get(course)
        while copy and copy.status in UNDECIDED and course not in found:
            if copy.original in communities:
                found.add(course)
            copy = above.get(copy.original)
    return found


def _earlier(session: Session, copies: Iterable[CopySeen]) -> dict[CourseKey, CopySeen]:
    """The earliest report of each copy, where it is earlier than what is known; of one time the lower original.

    Moodle counts courses up: what names a later course as its original is no copy of it, and could go in a circle.
    """
    best: dict[CourseKey, CopySeen] = {}
    for seen in copies:
        if seen.original >= seen.key[1]:
            continue
        if seen.key not in best or (seen.as_of, seen.original) < (best[seen.key].as_of, best[seen.key].original):
            best[seen.key] = seen
    if not best:
        return best
    c = CourseCopy
    held = {
        (site, course): (copied_at, original)
        for site, course, copied_at, original in session.execute(
            select(c.site_id, c.course_id, c.copied_at, c.original_id).where(
                among((c.site_id, c.course_id), list(best))
            )
        )
    }
    return {key: seen for key, seen in best.items() if key not in held or (seen.as_of, seen.original) < held[key]}
