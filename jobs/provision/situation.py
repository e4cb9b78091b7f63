"""What a site holds of a course, as it was read: the ground of every comparison."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.provision.content import Content
from moodle_client import CalendarEvent, CourseSetup, SetupCohort, SetupRole, SiteSetup


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who takes part in a course."""

    user: int
    """Moodle's id."""
    methods: frozenset[str] = frozenset()
    """Names of the enrolment methods by which the person is enrolled, and not suspended."""
    suspended: bool = False
    """Every enrolment of the person there is suspended."""
    roles: frozenset[str] = frozenset()
    """Short names of roles in the course."""
    groups: frozenset[int] = frozenset()
    """Moodle's ids of groups."""


@dataclass(frozen=True, slots=True)
class Category:
    id: int
    name: str
    idnumber: str
    parent: int
    path: tuple[int, ...]
    """The ids from the root to this one."""


@dataclass(frozen=True, slots=True)
class SiteSituation:
    """What a site offers, and what is there of the courses that a file asks for."""

    setup: SiteSetup
    categories: tuple[Category, ...]
    courses: Mapping[str, tuple[int, ...]]
    """Courses by ID number; several where more than one has it."""
    shortnames: Mapping[str, int]
    """Courses by short name."""
    templates: Mapping[str, CourseSetup] = field(default_factory=dict)
    """By ID number."""

    @property
    def roles(self) -> dict[str, SetupRole]:
        return {role.shortname: role for role in self.setup.roles}

    @property
    def cohorts(self) -> dict[str, SetupCohort]:
        return {cohort.idnumber: cohort for cohort in self.setup.cohorts if cohort.idnumber}


@dataclass(frozen=True, slots=True)
class CourseSituation:
    """What a course is like."""

    setup: CourseSetup
    members: Mapping[int, Member]
    """By Moodle's id of the user."""
    events: tuple[CalendarEvent, ...] = ()

    @property
    def content(self) -> Content:
        return Content.of_setup(self.setup)
