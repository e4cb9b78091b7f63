"""Write a course's own things: attributes, sections and activities, fields, groups, cohorts. Only what differs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from jobs.provision.compare import cohort_id
from jobs.provision.content import rules_of
from jobs.provision.differences import Difference, Kind
from jobs.provision.plan import InTheWay, Problem
from jobs.provision.situation import SiteSituation
from mappings.provision_wanted import WantedCourse
from moodle_client import ActivityOutcome, MoodleClient

ATTRIBUTES = {
    Kind.FULLNAME: "fullname",
    Kind.SHORTNAME: "shortname",
    Kind.IDNUMBER: "idnumber",
    Kind.STARTS: "startdate",
    Kind.ENDS: "enddate",
    Kind.TRACKING: "enablecompletion",
}
OF_ACTIVITIES = {
    Kind.ACTIVITY_IDNUMBER: "idnumber",
    Kind.ACTIVITY_NAME: "name",
    Kind.ACTIVITY_SECTION: "section",
    Kind.ACTIVITY_VISIBLE: "visible",
    Kind.ACTIVITY_COMPONENT: "component",
}
OWN = frozenset(
    {*ATTRIBUTES, *OF_ACTIVITIES, Kind.CATEGORY, Kind.ACTIVITY_RULES, Kind.ACTIVITY_MINUTES, Kind.ACTIVITY_FURTHER}
    | {Kind.ACTIVITY_GONE, Kind.ACTIVITY_NEW_HOURS, Kind.SECTION_NAME, Kind.SECTION_GONE, Kind.SECTION_VISIBLE}
)
"""What is put right before anybody is enrolled."""
NO_MINUTES = -1
"""As `set_activities` takes hours away."""
LOCKED, FAILED = "locked", "failed"


def write_attributes(
    moodle: MoodleClient, course: int, found: Sequence[Difference], category: int, starts: datetime
) -> None:
    """Names, ID number, dates, category, tracking. `category`: Moodle's id of the wanted one; `starts`: the first day
    that is wanted. Raises MoodleError."""
    row: dict[str, Any] = {name: one.wanted for one in found if (name := ATTRIBUTES.get(one.kind))}
    if "enddate" in row:
        # Moodle takes no end without a start, also where the course has one.
        row["startdate"] = int(starts.timestamp())
    if any(one.kind is Kind.CATEGORY for one in found):
        row["categoryid"] = category
    if row:
        moodle.update_courses([{"id": course} | row])


def write_visible(moodle: MoodleClient, course: int, *, visible: bool) -> None:
    """Show or hide a course. Raises MoodleError."""
    moodle.update_courses([{"id": course, "visible": visible}])


def write_content(moodle: MoodleClient, course: int, found: Sequence[Difference]) -> None:
    """Sections and activities. Raises MoodleError, InTheWay where an activity can't be put right."""
    sections: dict[str, dict[str, Any]] = {}
    for one in found:
        if one.kind in (Kind.SECTION_NAME, Kind.SECTION_GONE):
            sections.setdefault(one.about, {"number": int(one.about)})["name"] = str(one.wanted or "")
        elif one.kind is Kind.SECTION_VISIBLE:
            sections.setdefault(one.about, {"number": int(one.about)})["visible"] = one.wanted
    if sections:
        moodle.set_sections(course, list(sections.values()))
    rows: dict[int, dict[str, Any]] = {}
    for one in found:
        if value := _of_activity(one):
            rows.setdefault(one.cmid, {"cmid": one.cmid}).update(value)
    if not rows:
        return
    names = {one.cmid: one.about for one in found}
    for outcome in moodle.set_activities(course, list(rows.values())).data:
        _check(outcome, names.get(outcome.cmid, str(outcome.cmid)))


def _of_activity(one: Difference) -> dict[str, Any]:
    if name := OF_ACTIVITIES.get(one.kind):
        return {name: one.wanted}
    if one.kind is Kind.ACTIVITY_RULES:
        return {"completion": rules_of(one.wanted)}
    if one.kind is Kind.ACTIVITY_MINUTES:
        return {"minutes": NO_MINUTES if one.wanted is None else one.wanted}
    return {}


def _check(outcome: ActivityOutcome, activity: str) -> None:
    if outcome.outcome == LOCKED:
        raise InTheWay(Problem.LOCKED, activity=activity)
    if outcome.outcome == FAILED:
        raise InTheWay(
            Problem.MOODLE, function="local_copbridge_set_activities", reason=outcome.code, errorcode=activity
        )


def write_fields(moodle: MoodleClient, course: int, found: Sequence[Difference]) -> None:
    """Custom fields. Raises MoodleError."""
    fields = {one.about: str(one.wanted) for one in found if one.kind is Kind.FIELD}
    if fields:
        moodle.set_course_fields(course, fields)


def write_groups(moodle: MoodleClient, course: int, found: Sequence[Difference]) -> dict[str, int]:
    """Groups that are missing. Returns Moodle's ids of those that were made, by ID number. Raises MoodleError."""
    rows = [{"courseid": course, "name": one.wanted, "idnumber": one.about} for one in found if one.kind is Kind.GROUP]
    made = moodle.create_groups(rows).data if rows else ()
    return {group.idnumber: group.id for group in made}


def write_cohorts(
    moodle: MoodleClient,
    course: int,
    wanted: WantedCourse,
    found: Sequence[Difference],
    site: SiteSituation,
    groups: dict[str, int],
) -> None:
    """Cohorts' enrolments that are missing. `groups`: Moodle's ids by ID number. Raises MoodleError."""
    missing = {one.about for one in found if one.kind is Kind.COHORT}
    for cohort in wanted.cohorts:
        if cohort.cohort in missing:
            role = site.roles[cohort.role].id
            moodle.add_cohort_enrolment(course, cohort_id(cohort, site), role, groups.get(cohort.group, 0))
