"""Take over courses that are there already: propose which is which, and what they lack; write on confirmation."""

from collections import Counter
from dataclasses import dataclass, replace

from jobs.provision import compare
from jobs.provision.community import become_community
from jobs.provision.compare import Known
from jobs.provision.content import Activity, Content, paired
from jobs.provision.house import House
from jobs.provision.plan import InTheWay, Problem
from jobs.provision.reading import read_course
from jobs.provision.situation import CourseSituation, SiteSituation
from mappings.provision_wanted import WantedCourse
from moodle_client import Course
from records import provisioning


@dataclass(frozen=True, slots=True)
class Proposal:
    """A course that a community of the file may be."""

    wanted: WantedCourse
    course: int
    shortname: str
    by: str
    """What it was found by: idnumber, shortname or fullname."""
    idnumber: str | None
    """The ID number that it would get; None: it has it."""
    activities: tuple[tuple[int, str, str], ...]
    """(cmid, name, ID number) of activities that would get the ID number of the template's like."""


def proposals(house: House, site: SiteSituation) -> list[Proposal]:
    """For each community of the file without a course: the one course of the site that looks like it. It reads, and
    writes nothing. Raises MoodleError, InTheWay."""
    with house.transaction() as session:
        records = provisioning.courses_of(session, house.code)
        owned = provisioning.owners(session, house.site_id)
    all_ = house.moodle.courses().data
    there = {course.id for course in all_}
    templates = {template.course.id for template in site.templates.values()}
    listed = [course for course in all_ if course.id not in {*owned, *templates}]
    found = []
    for wanted in house.wanted:
        # A course that was deleted may have been restored as another one.
        if wanted.key in records and (records[wanted.key].course_id or 0) in {0, *there}:
            continue
        for by in ("idnumber", "shortname", "fullname"):
            like = [course for course in listed if getattr(course, by) == getattr(wanted, by)]
            # Of several nobody is guessed, nor of which of two communities a course is.
            if len(like) == 1:
                found.append(_proposal(house, wanted, like[0], by, site))
                break
    times = Counter(one.course for one in found)
    return [one for one in found if times[one.course] == 1]


def _proposal(house: House, wanted: WantedCourse, course: Course, by: str, site: SiteSituation) -> Proposal:
    situation = _situation(house, course.id)
    template = site.templates.get(wanted.template)
    lacking: list[tuple[int, str, str]] = []
    if template is not None:
        there = situation.content.activities
        taken = {one.idnumber for one in there}
        pairs, _, _ = paired(_unnumbered(Content.of_setup(template).activities), _unnumbered(there))
        names = {(one.modname, one.name, one.section): one.idnumber for one in Content.of_setup(template).activities}
        for theirs, ours in pairs:
            idnumber = names[theirs.modname, theirs.name, theirs.section]
            had = next(one.idnumber for one in there if one.cmid == ours.cmid)
            if idnumber and not had and idnumber not in taken:
                lacking.append((ours.cmid, ours.name, idnumber))
    own = None if course.idnumber == wanted.idnumber else wanted.idnumber
    return Proposal(wanted, course.id, course.shortname, by, own, tuple(lacking))


def _unnumbered(activities: tuple[Activity, ...]) -> tuple[Activity, ...]:
    """Activities to be paired by kind and name alone; template and course share no course module ids."""
    return tuple(replace(one, idnumber="") for one in activities)


def _situation(house: House, course: int) -> CourseSituation:
    found = read_course(house.moodle, course, events=False)
    if found is None:
        raise InTheWay(Problem.GONE, course=course)
    return found


def adopt(house: House, proposal: Proposal) -> None:
    """Write what a proposal says, and take the course for the file's, as it is. Raises MoodleError, InTheWay."""
    if proposal.idnumber is not None:
        house.moodle.update_courses([{"id": proposal.course, "idnumber": proposal.idnumber}])
    if proposal.activities:
        rows = [{"cmid": cmid, "idnumber": idnumber} for cmid, _, idnumber in proposal.activities]
        for outcome in house.moodle.set_activities(proposal.course, rows).data:
            if outcome.outcome == "failed":
                raise InTheWay(
                    Problem.MOODLE,
                    function="local_copbridge_set_activities",
                    reason=outcome.code,
                    errorcode=str(outcome.cmid),
                )
    become_community(house, proposal.wanted, proposal.course)
    found = _situation(house, proposal.course)
    known = Known({}, found.content, compare.called(found))
    with house.transaction() as session:
        wanted = proposal.wanted
        provisioning.adopt(
            session, house.code, wanted.key, house.site_id, proposal.course, proposal.shortname, house.clock()
        )
        provisioning.got_to(session, house.code, wanted.key, "verified", content=known.as_data())
