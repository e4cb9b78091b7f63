"""What a sweep has to know of the mirror: what was there at the last look, and what core web services don't tell."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from records.claims import CourseSeen, claimants, claims, groups_matter, slugs_of
from records.forgotten import NOBODY
from records.keys import among
from records.models import (
    CommunityCourse,
    CourseCopy,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorModule,
    Reread,
    Sweep,
)


@dataclass(frozen=True, slots=True)
class HeldModule:
    """An activity as the mirror has it."""

    id: int
    idnumber: str
    modname: str
    name: str
    section_name: str


def held_modules(session: Session, site_id: UUID, course_id: int) -> dict[int, HeldModule]:
    """The activities that are there in a course, by the mirror."""
    m = MirrorModule
    rows = session.execute(
        select(m.module_id, m.idnumber, m.modname, m.name, m.section_name)
        .where(m.site_id == site_id, m.course_id == course_id, m.present)
        .order_by(m.module_id)
    )
    return {row[0]: HeldModule(*row) for row in rows}


def held_people(session: Session, site_id: UUID, course_id: int) -> tuple[set[int], set[int]]:
    """(Moodle users who are enrolled in a course by the mirror, those who may have completion rows in it: who left
    keeps them, and what happened before may have been told by no event). Without erased people, of whom nobody asks."""
    e, c = MirrorEnrolment, MirrorCompletion
    of_course = (e.site_id == site_id, e.course_id == course_id, e.moodle_user_id > 0)
    rows = session.execute(select(e.moodle_user_id, e.present).where(*of_course)).all()
    completed = select(c.moodle_user_id).where(_rows_of(site_id), c.course_id == course_id)
    return {user for user, present in rows if present}, {user for user, _ in rows} | set(
        session.scalars(completed.distinct())
    )


def _rows_of(site_id: UUID) -> ColumnElement[bool]:
    """The completion rows that are there, but for those of erased people, whose ids are of our own making."""
    c = MirrorCompletion
    return (c.site_id == site_id) & c.present & (c.moodle_user_id > 0)


@dataclass(frozen=True, slots=True)
class HeldDigest:
    """Counts and sums over the completion rows of an activity."""

    incomplete: int
    complete: int
    passed: int
    failed: int
    latest: int
    users: int
    times: int
    overridden: int | None
    """None: somebody who was erased set one of them, and which id that was nobody knows."""

    def agrees(self, told: "HeldDigest") -> bool:
        """Whether Moodle tells the same."""
        return self == told or (self.overridden is None and self == replace(told, overridden=None))


def held_digests(session: Session, site_id: UUID, course_id: int) -> dict[int, HeldDigest]:
    """By activity: what the mirror has of its completion rows; activities without rows are left out."""
    c = MirrorCompletion
    changed = func.coalesce(func.extract("epoch", c.timemodified), 0)
    by_erased = func.bool_or(func.coalesce(c.overrideby, 0) == NOBODY)
    rows = session.execute(
        select(c.module_id, by_erased, *(func.count().filter(c.state == state) for state in range(4)))
        .add_columns(func.max(changed), func.sum(c.moodle_user_id), func.sum(changed))
        .add_columns(func.sum(func.coalesce(c.overrideby, 0)))
        .where(_rows_of(site_id), c.course_id == course_id)
        .group_by(c.module_id)
    )
    found = {}
    for module, unknown, *numbers in rows:
        form = HeldDigest(*map(int, numbers))
        found[module] = replace(form, overridden=None) if unknown else form
    return found


def held_completers(session: Session, site_id: UUID, modules: Collection[int]) -> set[int]:
    """Moodle users who have a completion row of one of these activities by the mirror."""
    c = MirrorCompletion
    found = select(c.moodle_user_id).distinct().where(_rows_of(site_id), among(c.module_id, modules))
    return set(session.scalars(found))


def asked_about(session: Session, site_id: UUID, course_id: int) -> set[int]:
    """Moodle users of whom an event left something open in a course."""
    r = Reread
    found = session.scalars(
        select(r.moodle_user_id)
        .distinct()
        .where(r.site_id == site_id, r.course_id == course_id, r.done_at.is_(None), r.moodle_user_id.is_not(None))
    )
    return {user for user in found if user is not None}


def category_idnumbers(session: Session, site_id: UUID) -> dict[int, str]:
    """The idnumbers of categories, as courses were last read to be in them."""
    c = MirrorCourse
    rows = session.execute(
        select(c.category_id, c.category_idnumber).where(
            c.site_id == site_id, c.category_id.is_not(None), c.category_idnumber != ""
        )
    )
    return {category: idnumber for category, idnumber in rows if category is not None}


def known_courses(session: Session, site_id: UUID) -> dict[int, bool]:
    """The courses that the mirror has, and whether each is there."""
    c = MirrorCourse
    rows = session.execute(select(c.course_id, c.present).where(c.site_id == site_id))
    return {course: present for course, present in rows}  # noqa: C416 - dict() of rows has no type


def claimed(session: Session, site_id: UUID, courses: Iterable[dict[str, Any]]) -> set[int]:
    """Those of a site's courses, as read, that a program claims, or looks for groups in: the rest isn't ours."""
    programs = claimants(session)
    slug = slugs_of(session, {site_id}).get(site_id, "")
    found = set()
    for read in courses:
        seen = CourseSeen(
            (site_id, read["course"]),
            read["idnumber"],
            datetime.fromtimestamp(read["read_at"], UTC),
            shortname=read["shortname"],
            category_idnumber=read["category_idnumber"],
            fields=read["fields"],
        )
        form = seen.form(slug)
        if claims(programs, form) or groups_matter(programs, form):
            found.add(read["course"])
    return found


def highest_course(session: Session, site_id: UUID) -> int | None:
    """The highest course id at the last finished look at the site's list."""
    s = Sweep
    return session.scalar(
        select(s.highest_course)
        .where(s.site_id == site_id, s.course_id.is_(None), s.status == "done")
        .order_by(s.finished_at.desc())
        .limit(1)
    )


def forms_of_communities(session: Session, site_id: UUID) -> dict[int, tuple[str, set[tuple[str, str]]]]:
    """By course that is a community: its name, and (kind, name) of its activities."""
    m, c, course = MirrorModule, CommunityCourse, MirrorCourse
    rows = session.execute(
        select(c.course_id, course.fullname, m.modname, m.name)
        .join(course, (course.site_id == c.site_id) & (course.course_id == c.course_id))
        .join(m, (m.site_id == c.site_id) & (m.course_id == c.course_id) & m.present)
        .where(c.site_id == site_id)
    )
    found: dict[int, tuple[str, set[tuple[str, str]]]] = {}
    for course_id, fullname, modname, name in rows:
        found.setdefault(course_id, (fullname, set()))[1].add((modname, name))
    return found


def copies(session: Session, site_id: UUID) -> set[int]:
    """The courses that are known to be copies of others."""
    return set(session.scalars(select(CourseCopy.course_id).where(CourseCopy.site_id == site_id)))


def is_no_community(session: Session, site_id: UUID, course_id: int) -> bool:
    """Whether a course is no community, such as a copy that waits: its people are none of ours."""
    of_course = (CommunityCourse.site_id == site_id, CommunityCourse.course_id == course_id)
    return session.scalar(select(CommunityCourse.course_id).where(*of_course).limit(1)) is None
