"""Apply a provision file: course by course, several side by side; each step is looked for before it is done.

The order of a course: the copy, its own attributes, what it holds, verified against the template; only then the
community, groups, cohorts, people, sessions, visibility, and the welcome. A further application does what is missing.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import structlog

from jobs.provision import compare, meetings, members, planning, reading, writing
from jobs.provision.community import become_community
from jobs.provision.compare import Known
from jobs.provision.copying import copied
from jobs.provision.differences import Difference, Kind
from jobs.provision.house import House
from jobs.provision.members import Directory
from jobs.provision.plan import InTheWay, Obstacle, Plan, Problem
from jobs.provision.planning import known_of
from jobs.provision.situation import Category, CourseSituation, SiteSituation
from mappings.provision_wanted import WantedCourse
from moodle_client import CourseSetup, MoodleError
from records import provisioning
from records.database import is_unreachable
from records.models import ProvisionedCourse

log = structlog.get_logger()
Told = Callable[[int, int], None]
"""Is told how many courses are done, of how many."""
VERIFIED = frozenset({"fullname", "shortname", "idnumber", "category", "startdate", "enddate"})
"""Attributes that a course has before anybody is enrolled."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a course."""

    key: str
    course: int | None = None
    done: Counter[str] = field(default_factory=Counter)
    """By Kind, what was put right."""
    obstacle: Obstacle | None = None


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of an application."""

    plan: Plan
    outcomes: tuple[Outcome, ...] = ()

    @property
    def failed(self) -> tuple[Outcome, ...]:
        return tuple(outcome for outcome in self.outcomes if outcome.obstacle)


def apply(house: House, directory: Directory, site: SiteSituation, plan: Plan, told: Told) -> Applied:
    """Do what a plan says, in the lock of records.provisioning.alone. Where something is in the way of all, nothing is
    done; courses with obstacles of their own are left, the others are done. Raises MoodleError only before anything
    is written."""
    if plan.obstacles:
        return Applied(plan)
    with house.transaction() as session:
        records = provisioning.courses_of(session, house.code)
    outcomes: dict[str, Outcome] = {}
    for course, wanted in zip(plan.courses, house.wanted, strict=True):
        if course.obstacles:
            outcomes[wanted.key] = Outcome(wanted.key, course.course, obstacle=course.obstacles[0])
        elif not course.to_do and _settled(wanted, records.get(wanted.key)):
            outcomes[wanted.key] = Outcome(wanted.key, course.course)
    todo = [wanted for wanted in house.wanted if wanted.key not in outcomes]
    site = _with_categories(house, site, todo)
    told(len(outcomes), len(house.wanted))
    with ThreadPoolExecutor(max_workers=house.at_once) as threads:
        for outcome in threads.map(lambda wanted: _guarded(house, wanted, site, directory), todo):
            outcomes[outcome.key] = outcome
            told(len(outcomes), len(house.wanted))
    return Applied(plan, tuple(outcomes[wanted.key] for wanted in house.wanted))


def _settled(wanted: WantedCourse, record: ProvisionedCourse | None) -> bool:
    """Whether it is kept that the course is as the file has it. It isn't where a kill came right before that, or
    where the file now says what somebody had changed in Moodle."""
    known = known_of(record)
    if record is None or known is None:
        return False
    ready = record.stage == "ready" and not record.fault and known.attributes == compare.attributes_wanted(wanted)
    return ready or record.stage == "closed"


def _with_categories(house: House, site: SiteSituation, courses: Sequence[WantedCourse]) -> SiteSituation:
    """Make the categories that are missing, the outermost first."""
    known = {category.idnumber: category for category in site.categories if category.idnumber}
    for wanted in courses:
        parent = 0
        for step in wanted.categories:
            if step.idnumber not in known:
                row = {"name": step.name, "parent": parent, "idnumber": step.idnumber}
                made = house.moodle.create_categories([row]).data[0]
                known[step.idnumber] = Category(made.id, step.name, step.idnumber, parent, ())
            parent = known[step.idnumber].id
    return SiteSituation(site.setup, tuple(known.values()), site.courses, site.shortnames, site.templates)


def _guarded(house: House, wanted: WantedCourse, site: SiteSituation, directory: Directory) -> Outcome:
    """One course; whatever is in its way stops it alone, and is kept."""
    done: Counter[str] = Counter()
    try:
        course = _bring(house, wanted, site, directory, done)
        return Outcome(wanted.key, course, done)
    except InTheWay as err:
        obstacle = err.obstacle
    except MoodleError as err:
        problem = Problem.UNSURE if err.outcome_unknown else Problem.MOODLE
        params = {"function": err.function, "reason": str(err.reason), "errorcode": err.errorcode}
        obstacle = Obstacle(problem, params)
    except Exception as err:
        if is_unreachable(err):
            # Nothing could be kept of the others, either.
            raise
        obstacle = Obstacle(Problem.FAULT, {"fault": type(err).__name__})
    with house.transaction() as session:
        provisioning.stopped_at(session, house.code, wanted.key, str(obstacle.problem), obstacle.params)
    log.info("provision_stopped", provision=house.code, course=wanted.key, problem=str(obstacle.problem))
    return Outcome(wanted.key, None, done, obstacle)


def _bring(house: House, wanted: WantedCourse, site: SiteSituation, directory: Directory, done: Counter[str]) -> int:
    record = _record(house, wanted)
    categories = {category.idnumber: category.id for category in site.categories}
    category = categories[wanted.categories[-1].idnumber]
    course = copied(house, wanted, record, site, category)
    if record is None or record.course_id is None:
        done[Kind.COURSE] += 1
    setup = _own_things(house, wanted, site, course, category, done)
    community = become_community(house, wanted, course)
    found = reading.read_rest(house.moodle, setup, events=planning.has_events(wanted))
    differ = _to_do(house, wanted, found, site, directory)
    writing.write_fields(house.moodle, course, differ)
    groups = {group.idnumber: group.id for group in found.setup.groups if group.idnumber}
    groups |= writing.write_groups(house.moodle, course, differ)
    writing.write_cohorts(house.moodle, course, wanted, differ, site, groups)
    members.create_accounts(house, directory, wanted)
    members.write(house, wanted, course, directory, found, site, groups)
    applied = known.attributes if (known := known_of(_record(house, wanted))) else {}
    meetings.write(house, wanted, course, community, differ, applied)
    if any(one.kind is Kind.VISIBLE for one in differ):
        writing.write_visible(house.moodle, course, visible=wanted.visible)
    # Who is welcomed finds a course that is whole, and to be seen.
    members.welcome(house, wanted, course, directory)
    done.update(str(one.kind) for one in differ)
    found = _situation(house, wanted, course)
    for one in _to_do(house, wanted, found, site, directory):
        raise InTheWay(Problem.NOT_READ_BACK, what=str(one.kind), about=one.about)
    _keep(house, wanted, found, "ready", compare.attributes_wanted(wanted) | meetings.as_applied(wanted))
    return course


def _own_things(
    house: House, wanted: WantedCourse, site: SiteSituation, course: int, category: int, done: Counter[str]
) -> CourseSetup:
    """The course's attributes and what it holds: put right, and verified before anybody is enrolled. Returns how it is
    set up then."""
    known = known_of(_record(house, wanted))
    found = _without_people(house, course)
    differ = [one for one in compare.differences(wanted, known, found, site) if one.kind in writing.OWN]
    to_do = [one for one in differ if one.to_do]
    writing.write_attributes(house.moodle, course, to_do, category, wanted.starts_at)
    writing.write_content(house.moodle, course, to_do)
    done.update(str(one.kind) for one in to_do)
    if known is not None and not to_do:
        return found.setup
    found = _without_people(house, course)
    for one in compare.differences(wanted, known, found, site):
        # Of a new copy everything has to be as the template has it; later what people changed by hand may stand.
        if one.kind in writing.OWN and (one.to_do or known is None):
            raise InTheWay(Problem.CONTENT, what=str(one.kind), about=one.about)
    if known is None:
        # Visibility comes last: it isn't what the file says yet.
        attributes = {name: value for name, value in compare.attributes_wanted(wanted).items() if name in VERIFIED}
        _keep(house, wanted, found, "verified", attributes)
    return found.setup


def _to_do(
    house: House, wanted: WantedCourse, found: CourseSituation, site: SiteSituation, directory: Directory
) -> list[Difference]:
    differ = planning.differences_of(house, wanted, _record(house, wanted), found, site, directory)
    return [one for one in differ if one.to_do]


def _without_people(house: House, course: int) -> CourseSituation:
    setup = reading.read_setup(house.moodle, course)
    if setup is None:
        raise InTheWay(Problem.GONE, course=course)
    return CourseSituation(setup, {})


def _situation(house: House, wanted: WantedCourse, course: int) -> CourseSituation:
    found = reading.read_course(house.moodle, course, events=planning.has_events(wanted))
    if found is None:
        raise InTheWay(Problem.GONE, course=course)
    return found


def _record(house: House, wanted: WantedCourse) -> ProvisionedCourse | None:
    with house.transaction() as session:
        return provisioning.courses_of(session, house.code).get(wanted.key)


def _keep(
    house: House, wanted: WantedCourse, found: CourseSituation, stage: str, attributes: compare.Attributes
) -> None:
    """Keep the course as it is now: what drift is held against."""
    known = known_of(_record(house, wanted))
    kept = known or Known({}, found.content, compare.called(found))
    with house.transaction() as session:
        data = replace(kept, attributes=attributes).as_data()
        provisioning.got_to(session, house.code, wanted.key, stage, content=data)
