"""Plan: read what is there, hold it against the file, and say what would be done and what is in the way."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from jobs.provision import compare, meetings, members, obstacles, reading
from jobs.provision.community import community_of
from jobs.provision.compare import Known
from jobs.provision.differences import Difference, Kind
from jobs.provision.house import House
from jobs.provision.members import Directory
from jobs.provision.plan import CoursePlan, InTheWay, Obstacle, Plan, Problem
from jobs.provision.situation import CourseSituation, SiteSituation
from mappings.provision_wanted import WantedCourse
from moodle_client import MoodleError, Reason
from records import provisioning
from records.models import ProvisionedCourse

CHANGES_PEOPLE = frozenset({Kind.PERSON, Kind.PERSON_ROLE})
"""What counts for `limits: {people_percent}` where a course has participants already."""
OF_ONE_COURSE = frozenset({Reason.OTHER, Reason.BROKEN, Reason.NO_PERMISSION, Reason.PARTLY_FAILED})
"""Reasons for which one course can't be read; the others may be."""


def survey(house: House) -> tuple[SiteSituation, Directory]:
    """What is there of the site, and who has an account. Raises MoodleError."""
    site = reading.read_site(house.moodle, house.wanted)
    return site, members.look_up(house.moodle, house.wanted)


def plan_of(house: House, site: SiteSituation, directory: Directory) -> Plan:
    """What an application would do. It reads, and writes nothing. Raises MoodleError."""
    in_the_way = [*obstacles.of_site(site), *obstacles.of_templates(house.wanted, site, house.program)]
    with house.transaction() as session:
        records = provisioning.courses_of(session, house.code)
    known = {category.idnumber for category in site.categories}
    steps = (step.idnumber for wanted in house.wanted for step in wanted.categories)
    missing = tuple(dict.fromkeys(idnumber for idnumber in steps if idnumber not in known))
    with ThreadPoolExecutor(max_workers=house.at_once) as threads:
        courses = threads.map(
            lambda item: _course(house, item[1], item[0], records.get(item[1].key), site, directory),
            enumerate(house.wanted),
        )
        found = tuple(courses)
    hidden = [course.key for course in found if would_hide(course)]
    if len(hidden) > house.hide:
        in_the_way.append(Obstacle(Problem.HIDING, {"courses": len(hidden)}))
    unlisted = [(key, row.course_id) for key, row in sorted(records.items()) if key not in house.keys and row.course_id]
    return Plan(house.code, house.slug, missing, found, tuple(in_the_way), tuple(unlisted))


def _course(
    house: House,
    wanted: WantedCourse,
    number: int,
    record: ProvisionedCourse | None,
    site: SiteSituation,
    directory: Directory,
) -> CoursePlan:
    course = record.course_id if record else None
    if record is not None and record.stage == "closed":
        return CoursePlan(wanted.key, course, wanted.shortname)
    copying = record is not None and record.stage == "copying"
    blocks = [*obstacles.of_course(wanted, course, number, site, copying=copying), *directory.obstacles(wanted)]
    try:
        found = _read(house, wanted, course) if course else None
    except InTheWay as err:
        return CoursePlan(wanted.key, course, wanted.shortname, obstacles=(*blocks, err.obstacle))
    if record is not None and course and found is None:
        if record.stage != "copied":
            blocks.append(Obstacle(Problem.GONE, {"course": course}))
            return CoursePlan(wanted.key, course, wanted.shortname, obstacles=tuple(blocks))
        # Nobody was ever let in: it is made anew.
        course, record = None, None
    differ = tuple(differences_of(house, wanted, record, found, site, directory))
    people = len(found.members) if found else 0
    blocks += obstacles.of_differences(wanted, found, site, differ)
    if not _half_done(record):
        blocks += _too_many(house, differ, people)
    return CoursePlan(wanted.key, course, wanted.shortname, differ, tuple(blocks), people)


def _read(house: House, wanted: WantedCourse, course: int) -> CourseSituation | None:
    """What a course is like. Raises InTheWay for what is in the way of this one, MoodleError for what is of all."""
    try:
        return reading.read_course(house.moodle, course, events=has_events(wanted))
    except MoodleError as err:
        if err.reason not in OF_ONE_COURSE:
            raise
        raise InTheWay(Problem.MOODLE, function=err.function, reason=str(err.reason), errorcode=err.errorcode) from err


def _half_done(record: ProvisionedCourse | None) -> bool:
    """Whether a course was made, and the application that was to fill it stopped. Of one that was adopted people were
    there before."""
    known = known_of(record)
    return record is not None and record.stage == "verified" and known is not None and bool(known.attributes)


def differences_of(
    house: House,
    wanted: WantedCourse,
    record: ProvisionedCourse | None,
    found: CourseSituation | None,
    site: SiteSituation,
    directory: Directory,
) -> Iterator[Difference]:
    """Everything in which a course differs from the file; `found` None: it is yet to be made."""
    known = known_of(record)
    yield from compare.differences(wanted, known, found, site)
    course = found.setup.course.id if found else None
    community = community_of(house, course) if course else None
    with house.transaction() as session:
        written_to = provisioning.written_to(session, house.site_id, course) if course else set()
        yield from members.differences(wanted, directory, found, written_to, seen=known is not None)
        yield from meetings.differences(session, wanted, community, found, known.attributes if known else {})
    if found is not None and community is None:
        yield Difference(Kind.COMMUNITY, wanted.idnumber, wanted.key, None)


def known_of(record: ProvisionedCourse | None) -> Known | None:
    """A course as the last application left it; None: none verified it."""
    return Known.of_data(dict(record.content)) if record is not None and record.content is not None else None


def has_events(wanted: WantedCourse) -> bool:
    """Whether any of its sessions is to be in the course's calendar."""
    return any(session.calendar for session in wanted.sessions)


def would_hide(course: CoursePlan) -> bool:
    """Whether people would lose sight of a course."""
    return bool(course.people) and any(
        one.kind is Kind.VISIBLE and one.to_do and one.wanted is False and one.found for one in course.differences
    )


def _too_many(house: House, differ: Sequence[Difference], people: int) -> Iterator[Obstacle]:
    changed = sum(one.kind in CHANGES_PEOPLE and one.to_do for one in differ)
    percent = house.provision.limits.people_percent
    if people and not house.many and changed * 100 > people * percent:
        yield Obstacle(Problem.TOO_MANY, {"changed": changed, "people": people, "percent": percent})
