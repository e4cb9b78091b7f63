"""Read a site for a plan: what it offers, which courses are there, and what each is like."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jobs.provision.plan import InTheWay, Obstacle, Problem
from jobs.provision.situation import Category, CourseSituation, Member, SiteSituation
from mappings.provision_wanted import WantedCourse
from moodle_client import Course, CourseSetup, Function, MoodleClient, MoodleError, Reason

NEEDED = (
    *(Function.GET_SITE_SETUP, Function.GET_COURSE_SETUP, Function.GET_ROSTER, Function.SET_ACTIVITIES),
    *(Function.SET_SECTIONS, Function.ADD_COHORT_ENROLMENT, Function.SET_COURSE_FIELDS),
    *(Function.COURSES, Function.CATEGORIES, Function.CREATE_CATEGORIES, Function.UPDATE_COURSES),
    *(Function.DUPLICATE_COURSE, Function.USERS_BY_FIELD, Function.CREATE_USERS, Function.ENROL_USERS),
    *(Function.CREATE_GROUPS, Function.ADD_GROUP_MEMBERS, Function.CALENDAR_EVENTS, Function.CREATE_CALENDAR_EVENTS),
    Function.SEND_INSTANT_MESSAGES,
)
"""What an application may call."""
NOT_CHOSEN = "notchosen"
ASKED_AT_ONCE = 200
"""Courses about which the plugin is asked in one call."""


@dataclass(frozen=True, slots=True)
class Listed:
    """The courses of a site, by what they are known by."""

    by_idnumber: dict[str, list[int]]
    by_shortname: dict[str, int]
    by_id: dict[int, Course]

    @classmethod
    def of(cls, courses: Iterable[Course]) -> "Listed":
        """The courses of one answer."""
        found = cls({}, {}, {})
        for course in courses:
            found.by_id[course.id] = course
            found.by_shortname[course.shortname] = course.id
            if course.idnumber:
                found.by_idnumber.setdefault(course.idnumber, []).append(course.id)
        return found


def check_service(moodle: MoodleClient) -> list[Obstacle]:
    """What the token's service lacks. Raises MoodleError where the site can't be asked."""
    site = moodle.site_info().data
    missing = [str(function) for function in NEEDED if not site.has(function)]
    of_plugin = [name for name in missing if name.startswith("local_copbridge_")]
    if len(of_plugin) == sum(function.of_plugin for function in NEEDED):
        return [Obstacle(Problem.NO_PLUGIN)]
    return [Obstacle(Problem.NOT_IN_SERVICE, {"functions": missing})] if missing else []


def read_site(moodle: MoodleClient, wanted: Sequence[WantedCourse]) -> SiteSituation:
    """What the site offers, and what is there of the courses. Raises MoodleError."""
    listed = Listed.of(moodle.courses().data)
    categories = read_categories(moodle)
    inner = {category.idnumber: category.id for category in categories if category.idnumber}
    handed: list[bool] = []
    setup = None
    asked = [{"idnumber": one.idnumber, "shortname": one.shortname, "category": _nearest(one, inner)} for one in wanted]
    for start in range(0, len(asked), ASKED_AT_ONCE):
        setup = moodle.get_site_setup(asked[start : start + ASKED_AT_ONCE]).data
        handed += setup.handedover
    if setup is None:
        setup = moodle.get_site_setup().data
    templates = {}
    for idnumber in dict.fromkeys(one.template for one in wanted):
        ids = listed.by_idnumber.get(idnumber, [])
        if len(ids) == 1 and (template := _template(moodle, ids[0])) is not None:
            templates[idnumber] = template
    return SiteSituation(
        setup=setup.model_copy(update={"handedover": tuple(handed)}),
        categories=categories,
        courses={idnumber: tuple(ids) for idnumber, ids in listed.by_idnumber.items()},
        shortnames=listed.by_shortname,
        templates=templates,
    )


def _template(moodle: MoodleClient, course: int) -> CourseSetup | None:
    """How a template is set up; None where the plugin doesn't hand it over."""
    try:
        return read_setup(moodle, course)
    except InTheWay:
        return None


def _nearest(wanted: WantedCourse, known: dict[str, int]) -> int:
    """The innermost of the course's categories that is there; 0: none."""
    return next((known[one.idnumber] for one in reversed(wanted.categories) if one.idnumber in known), 0)


def read_categories(moodle: MoodleClient) -> tuple[Category, ...]:
    """All categories of the site. Raises MoodleError."""
    return tuple(
        Category(
            row.id, row.name, row.idnumber or "", row.parent, tuple(int(part) for part in row.path.split("/") if part)
        )
        for row in moodle.categories().data
    )


def read_setup(moodle: MoodleClient, course: int) -> CourseSetup | None:
    """How a course is set up; None where it is gone. Raises MoodleError, InTheWay where the plugin refuses it."""
    try:
        return moodle.get_course_setup(course).data
    except MoodleError as err:
        if err.reason is Reason.NOT_FOUND:
            return None
        if err.errorcode == NOT_CHOSEN:
            raise InTheWay(Problem.NOT_HANDED_OVER, course=course) from err
        raise


def read_course(moodle: MoodleClient, course: int, *, events: bool) -> CourseSituation | None:
    """What a course is like; None where it is gone. `events`: its calendar, too. Raises MoodleError, InTheWay."""
    setup = read_setup(moodle, course)
    return None if setup is None else read_rest(moodle, setup, events=events)


def read_rest(moodle: MoodleClient, setup: CourseSetup, *, events: bool) -> CourseSituation:
    """What a course is like of which it was read how it is set up. `events`: its calendar, too. Raises MoodleError."""
    told = moodle.calendar_events(setup.course.id).data if events else ()
    return CourseSituation(setup, read_members(moodle, setup.course.id), told)


def read_members(moodle: MoodleClient, course: int) -> dict[int, Member]:
    """Who takes part in a course. Raises MoodleError."""
    found: dict[int, Member] = {}
    for page in moodle.get_roster(course):
        for row in page.data.readings:
            if row["kind"] != "enrolment":
                continue
            enrolments = row["enrolments"]
            active = frozenset(one["method"] for one in enrolments if one["status"] == 0)
            found[row["user"]] = Member(
                user=row["user"],
                methods=active,
                suspended=bool(enrolments) and not active,
                roles=frozenset(one["shortname"] for one in row["roles"]),
                groups=frozenset(one["id"] for one in row["groups"]),
            )
    return found
