"""Copy a template: asked for once, found again by its short name after a kill, whole before anybody goes on."""

import threading
from datetime import timedelta

from jobs.provision.content import Content, paired
from jobs.provision.house import House
from jobs.provision.plan import InTheWay, Problem
from jobs.provision.reading import read_setup
from jobs.provision.situation import SiteSituation
from mappings.provision_wanted import WantedCourse
from moodle_client import CourseSetup, SiteSetup
from records import provisioning
from records.models import ProvisionedCourse

PATIENCE = timedelta(minutes=3)
"""So long after a call without an answer Moodle may still be filling the copy."""
UNSEEN = timedelta(seconds=20)
"""So long after it Moodle may be about to make the copy: it refuses a second one of the same name only then."""
LOOK_SECONDS = 2.0
"""How often it is looked for meanwhile."""


def copied(house: House, wanted: WantedCourse, record: ProvisionedCourse | None, site: SiteSituation, to: int) -> int:
    """Moodle's id of the course's copy of the template, made where it isn't there yet, in the category `to`. Raises
    InTheWay, MoodleError."""
    template = site.templates[wanted.template]
    if record is not None and record.course_id is not None:
        return record.course_id
    course = _looked_for(house, record, template) if record is not None else None
    if course is None:
        course = _made(house, wanted, template, site.setup, to)
    with house.transaction() as session:
        provisioning.got_to(session, house.code, wanted.key, "copied", course_id=course)
    return course


def _made(house: House, wanted: WantedCourse, template: CourseSetup, setup: SiteSetup, to: int) -> int:
    with house.transaction() as session:
        provisioning.about_to_copy(session, house.code, wanted.key, house.site_id, wanted.shortname, house.clock())
    return house.moodle.duplicate_course(
        template.course.id,
        fullname=wanted.fullname,
        shortname=wanted.shortname,
        category=to,
        visible=False,
        # An account that may not copy people may not say that it doesn't, either.
        options={"users": False} if setup.copiespeople else None,
    ).data.id


def _looked_for(house: House, record: ProvisionedCourse, template: CourseSetup) -> int | None:
    """The copy that an earlier application asked for, once it is whole; None: that call made none."""
    pause = threading.Event()
    seen: int | None = None
    while True:
        found = house.moodle.courses("shortname", record.shortname).data
        if found:
            seen = found[0].id
            if _is_whole(house, seen, template):
                return seen
        until = record.asked_at + (UNSEEN if seen is None else PATIENCE)
        left = (until - house.clock()).total_seconds()
        if left <= 0:
            break
        pause.wait(min(LOOK_SECONDS, left))
    if seen is not None:
        raise InTheWay(Problem.BROKEN_COPY, course=seen, shortname=record.shortname)
    return None


def _is_whole(house: House, course: int, template: CourseSetup) -> bool:
    setup = read_setup(house.moodle, course)
    if setup is None or len(setup.sections) < len(template.sections):
        return False
    _, gone, _ = paired(Content.of_setup(template).activities, Content.of_setup(setup).activities)
    return not gone
