"""What was read of courses and groups, and which program claims each as a community."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.matching import CourseForm, Placement, has_groups, place_course
from mappings.program import Program
from records.keys import among
from records.mirror import Row
from records.models import MirrorCourse, MirrorGroup, Site
from records.programs import newest, versions_by_program

CourseKey = tuple[UUID, int]
GroupKey = tuple[UUID, int]
Claimants = list[tuple[UUID, Program]]
"""Programs by code, each in its newest version: of two that claim something the first one has it."""


@dataclass(frozen=True, slots=True)
class CourseSeen:
    """A course as one reading tells of it: all that can decide which community it is."""

    key: CourseKey
    idnumber: str
    as_of: datetime
    shortname: str = ""
    category_idnumber: str = ""
    fields: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Custom fields by short name."""

    @classmethod
    def of_mirror(cls, row: MirrorCourse) -> "CourseSeen":
        """The course as it is known now."""
        return cls(
            (row.site_id, row.course_id),
            row.idnumber,
            row.as_of,
            shortname=row.shortname,
            category_idnumber=row.category_idnumber,
            fields={name: str(value) for name, value in row.fields.items()},
        )

    def form(self, site: str) -> CourseForm:
        """What a program's patterns look at; `site` is the site's short name."""
        return CourseForm(self.idnumber, self.shortname, self.category_idnumber, self.fields, site)


@dataclass(frozen=True, slots=True)
class GroupSeen:
    """A group as one reading tells of it."""

    key: GroupKey
    course_id: int
    idnumber: str
    name: str
    groupings: tuple[str, ...]
    as_of: datetime

    @property
    def course(self) -> CourseKey:
        return self.key[0], self.course_id


@dataclass(frozen=True, slots=True)
class Claim:
    """A program's claim to a course or group, by a reading of that time."""

    program_id: UUID
    placement: Placement
    as_of: datetime


def claimants(session: Session) -> Claimants:
    """All programs."""
    found = [(program_id, newest(versions)) for program_id, versions in versions_by_program(session).items()]
    return sorted(found, key=lambda item: item[1].program)


def claims(programs: Claimants, form: CourseForm, group_idnumber: str | None = None) -> list[tuple[UUID, Placement]]:
    """Every program that claims a course of this form, or the group of that ID number in it; the refused included."""
    found = ((program_id, place_course(program, form, group_idnumber)) for program_id, program in programs)
    return [(program_id, placement) for program_id, placement in found if placement]


def accepted(programs: Claimants, form: CourseForm, group_idnumber: str | None = None) -> tuple[UUID, Placement] | None:
    """The program whose community it is."""
    return next((claim for claim in claims(programs, form, group_idnumber) if claim[1].refusal is None), None)


def looks_at_groups(programs: Claimants) -> bool:
    """Whether any program has groups as communities."""
    return any(match.group_idnumber for _, program in programs for match in program.communities)


def groups_matter(programs: Claimants, form: CourseForm) -> bool:
    """Whether groups of a course of this form may be communities."""
    return any(has_groups(program, form) for _, program in programs)


def forms_of(session: Session, courses: Iterable[CourseKey]) -> dict[CourseKey, CourseForm]:
    """The forms that courses have now; none for a course that nothing is known of."""
    rows = session.execute(
        select(MirrorCourse, Site.slug)
        .join(Site, Site.id == MirrorCourse.site_id)
        .where(among((MirrorCourse.site_id, MirrorCourse.course_id), set(courses)))
        .execution_options(populate_existing=True)
    )
    return {(row.site_id, row.course_id): CourseSeen.of_mirror(row).form(slug) for row, slug in rows}


def slugs_of(session: Session, sites: Iterable[UUID]) -> dict[UUID, str]:
    """The sites' short names."""
    found = session.execute(select(Site.id, Site.slug).where(among(Site.id, set(sites))))
    return {site: slug for site, slug in found}  # noqa: C416 - dict() of rows has no type


def groups_of(session: Session, courses: Iterable[CourseKey]) -> list[GroupSeen]:
    """The groups of courses as they are known now."""
    g = MirrorGroup
    wanted = set(courses)
    if not wanted:
        return []
    rows = session.execute(
        select(g.site_id, g.group_id, g.course_id, g.idnumber, g.name, g.groupings, g.as_of)
        .where(among((g.site_id, g.course_id), wanted), g.present)
        .order_by(g.site_id, g.group_id)
    )
    return [
        GroupSeen((site, group), course, idnumber, name, tuple(groupings), as_of)
        for site, group, course, idnumber, name, groupings, as_of in rows
    ]


def groups_read(rows: Iterable[Row]) -> list[GroupSeen]:
    """Each form of each group among the mirror's rows to be, with the earliest time: every enrolment repeats them."""
    best: dict[tuple[GroupKey, int, str, str, tuple[str, ...]], datetime] = {}
    for row in rows:
        form = ((row["site_id"], row["group_id"]), row["course_id"], row["idnumber"], row["name"])
        name = (*form, tuple(row["groupings"]))
        best[name] = min(row["as_of"], best.get(name, row["as_of"]))
    return [GroupSeen(*form, as_of) for form, as_of in best.items()]
