"""Copy a template: asked for once, found again by its short name after a kill, whole before anybody goes on."""

import threading
from datetime import timedelta

from jobs.provision.content import Content, paired
from jobs.provision.house import House
from jobs.provision.plan import InTheWay, Problem
from jobs.provision.reading import read_setup
from jobs.provision.situation import SiteSituation
from mappings.provision_wanted import WantedCourse
from moodle_client import Course, CourseSetup, MoodleError, Reason, SiteSetup
from records import provisioning
from records.models import ProvisionedCourse

PATIENCE = timedelta(minutes=3)
"""So long after a call without an answer Moodle may still be filling the copy."""
UNSEEN = timedelta(seconds=60)
"""So long after it Moodle may be about to make the copy (it backs the template up first): it refuses a second one of
the same name only then."""
LOOK_SECONDS = 2.0
"""How often it is looked for meanwhile."""
TRIES = 4
COLLIDED = "storedfile"
"""How Moodle's codes begin of two backups of one template that were put away at the same moment: the one was in the
other's way, and no course was made yet."""


def copied(house: House, wanted: WantedCourse, record: ProvisionedCourse | None, site: SiteSituation, to: int) -> int:
    """Moodle's id of the course's copy of the template, made where it isn't there yet, in the category `to`. Raises
    InTheWay, MoodleError."""
    template = site.templates[wanted.template]
    if record is not None and record.course_id is not None:
        if record.stage != "copied" or read_setup(house.moodle, record.course_id) is not None:
            return record.course_id
        # Somebody deleted it before anybody was let in: it is made anew.
        record = None
    course = _looked_for(house, wanted, record, template) if record is not None else None
    if course is None:
        course = _made(house, wanted, template, site.setup, to, first=record is None)
    with house.transaction() as session:
        provisioning.got_to(session, house.code, wanted.key, "copied", course_id=course)
    return course


def _made(house: House, wanted: WantedCourse, template: CourseSetup, setup: SiteSetup, to: int, *, first: bool) -> int:
    """`first`: Moodle wasn't asked before, so that a course of that name is somebody else's."""
    with house.transaction() as session:
        provisioning.about_to_copy(session, house.code, wanted.key, house.site_id, wanted.shortname, house.clock())
    try:
        course = _asked(house, wanted, template, setup, to)
    except MoodleError as err:
        if not err.outcome_unknown:
            with house.transaction() as session:
                if first and err.reason is Reason.CONFLICT:
                    provisioning.not_copied(session, house.code, wanted.key)
                else:
                    provisioning.copy_is_over(session, house.code, wanted.key, house.clock() - PATIENCE)
        raise
    _number(house, wanted, course)
    return course


def _number(house: House, wanted: WantedCourse, course: int) -> None:
    """Give the copy its ID number at once: by it the plugin may choose what it hands over."""
    house.moodle.update_courses([{"id": course, "idnumber": wanted.idnumber}])


def _setup_of(house: House, wanted: WantedCourse, course: Course) -> CourseSetup | None:
    """How what has the copy's name is set up. One whose maker was killed before it had its ID number gets it now."""
    try:
        return read_setup(house.moodle, course.id)
    except InTheWay as err:
        bare = course.idnumber == "" and course.visible is False and course.fullname == wanted.fullname
        if err.obstacle.problem is not Problem.NOT_HANDED_OVER or not bare:
            raise
    _number(house, wanted, course.id)
    return read_setup(house.moodle, course.id)


def _asked(house: House, wanted: WantedCourse, template: CourseSetup, setup: SiteSetup, to: int) -> int:
    left = TRIES
    while True:
        left -= 1
        try:
            return house.moodle.duplicate_course(
                template.course.id,
                fullname=wanted.fullname,
                shortname=wanted.shortname,
                category=to,
                visible=False,
                # An account that may not copy people may not say that it doesn't, either.
                options={"users": False} if setup.copiespeople else None,
            ).data.id
        except MoodleError as err:
            if not (left and err.errorcode.startswith(COLLIDED)):
                raise


def _looked_for(house: House, wanted: WantedCourse, record: ProvisionedCourse, template: CourseSetup) -> int | None:
    """The copy that an earlier application asked for, once it is whole; None: that call made none. Raises InTheWay
    where what has its name is none."""
    pause = threading.Event()
    seen: int | None = None
    while True:
        found = house.moodle.courses("shortname", record.shortname).data
        if found:
            seen = found[0].id
            setup = _setup_of(house, wanted, found[0])
            if setup is not None and not _may_be_ours(house, wanted, setup):
                raise InTheWay(Problem.SHORTNAME, shortname=record.shortname, course=seen)
            if setup is not None and _is_whole(setup, template):
                return seen
        until = record.asked_at + (UNSEEN if seen is None else PATIENCE)
        left = (until - house.clock()).total_seconds()
        if left <= 0:
            break
        pause.wait(min(LOOK_SECONDS, left))
    if seen is not None:
        raise InTheWay(Problem.BROKEN_COPY, course=seen, shortname=record.shortname)
    return None


def _may_be_ours(house: House, wanted: WantedCourse, setup: CourseSetup) -> bool:
    """A copy has no ID number and nobody in it yet; a course that somebody made by that name may."""
    with house.transaction() as session:
        owned = setup.course.id in provisioning.owners(session, house.site_id)
    return not owned and not setup.participants and setup.course.idnumber in ("", wanted.idnumber)


def _is_whole(setup: CourseSetup, template: CourseSetup) -> bool:
    if len(setup.sections) < len(template.sections):
        return False
    _, gone, _ = paired(Content.of_setup(template).activities, Content.of_setup(setup).activities)
    return not gone
