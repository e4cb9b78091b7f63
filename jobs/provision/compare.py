"""Where a course isn't as its provision file has it; people and sessions apart (members.py, meetings.py)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jobs.provision.content import Content, differing
from jobs.provision.differences import Difference, Kind, Value, Weight
from jobs.provision.situation import CourseSituation, SiteSituation
from mappings.provision_wanted import WantedCohort, WantedCourse
from moodle_client import EnrolmentSetup

Attributes = Mapping[str, Any]
ATTRIBUTES: dict[str, Kind] = {
    "fullname": Kind.FULLNAME,
    "shortname": Kind.SHORTNAME,
    "idnumber": Kind.IDNUMBER,
    "category": Kind.CATEGORY,
    "startdate": Kind.STARTS,
    "enddate": Kind.ENDS,
    "visible": Kind.VISIBLE,
}
"""Attributes of a course as Moodle calls them. The category is told by its ID number."""
MANUAL, COHORT = "manual", "cohort"


@dataclass(frozen=True, slots=True)
class Known:
    """A course as the last application left it."""

    attributes: Attributes
    content: Content
    """What hangs on no file: as the template had it when the course was verified."""
    groups: tuple[str, ...] = ()
    """The groups that came along with the template, by ID number, else by name."""

    def as_data(self) -> dict[str, Any]:
        """To be kept as JSON."""
        return {"attributes": dict(self.attributes), "groups": list(self.groups)} | self.content.as_data()

    @classmethod
    def of_data(cls, data: dict[str, Any]) -> "Known":
        """What `as_data` gave."""
        return cls(data["attributes"], Content.of_data(data), tuple(data["groups"]))


def attributes_wanted(wanted: WantedCourse) -> dict[str, Any]:
    """A course's own attributes as the file has them; custom fields among them, as `field:NAME`."""
    return {
        "fullname": wanted.fullname,
        "shortname": wanted.shortname,
        "idnumber": wanted.idnumber,
        "category": wanted.categories[-1].idnumber,
        "startdate": int(wanted.starts_at.timestamp()),
        "enddate": int(wanted.ends_at.timestamp()),
        "visible": wanted.visible,
        **{f"field:{name}": value for name, value in wanted.fields},
    }


def attributes_found(found: CourseSituation, site: SiteSituation) -> dict[str, Any]:
    """The same of the course as it is."""
    course = found.setup.course
    idnumbers = {category.id: category.idnumber for category in site.categories}
    told = {name: getattr(course, name) for name in ATTRIBUTES if name != "category"}
    fields = {f"field:{name}": value for name, value in course.fields.items()}
    return told | {"category": idnumbers.get(course.category, "")} | fields


def differences(
    wanted: WantedCourse, known: Known | None, found: CourseSituation | None, site: SiteSituation
) -> Iterator[Difference]:
    """Where a course isn't as the file has it. `known`: None where no application got so far as to verify it, and
    what the course holds is held against its template then."""
    if found is None:
        yield Difference(Kind.COURSE, wanted.idnumber, wanted.fullname, None)
        yield from (Difference(Kind.GROUP, idnumber, name, None) for idnumber, name in wanted_groups(wanted))
        yield from (Difference(Kind.COHORT, one.cohort, one.role, None) for one in wanted.cohorts)
        return
    yield from _attributes(wanted, known, found, site)
    if not found.setup.course.enablecompletion:
        yield Difference(Kind.TRACKING, "", True, False, by_hand=known is not None)
    if known is not None:
        yield from differing(known.content, found.content, by_hand=True)
    elif (template := site.templates.get(wanted.template)) is not None:
        # Restrictions name other activities by their ids, and days move with the course.
        differ = differing(Content.of_setup(template), found.content, by_hand=False)
        yield from (one for one in differ if one.kind.weight is not Weight.HARMLESS)
    yield from _groups(wanted, known, found)
    yield from _methods(wanted, found, site)


def _attributes(
    wanted: WantedCourse, known: Known | None, found: CourseSituation, site: SiteSituation
) -> Iterator[Difference]:
    before = known.attributes if known else {}
    now = attributes_found(found, site)
    for name, value in attributes_wanted(wanted).items():
        is_ = now.get(name, "")
        if value == is_:
            continue
        kind, about = ATTRIBUTES.get(name, Kind.FIELD), name.partition(":")[2]
        # It was as the file says it, until somebody changed it in Moodle; otherwise the file was changed.
        by_hand = name in before and before[name] == value
        yield Difference(kind, about, value, is_, by_hand=by_hand)


def _groups(wanted: WantedCourse, known: Known | None, found: CourseSituation) -> Iterator[Difference]:
    there = {group.idnumber: group for group in found.setup.groups if group.idnumber}
    for group in wanted_groups(wanted):
        now = there.get(group[0])
        if now is None:
            yield Difference(Kind.GROUP, group[0], group[1], None)
        elif now.name != group[1]:
            yield Difference(Kind.GROUP_NAME, group[0], group[1], now.name, by_hand=known is not None)
    wanted_ones = {idnumber for idnumber, _ in wanted_groups(wanted)}
    if known is not None:
        for name in called(found):
            if name not in wanted_ones and name not in known.groups:
                yield Difference(Kind.GROUP_NEW, name, None, name, by_hand=True)


def called(found: CourseSituation) -> tuple[str, ...]:
    """The groups of a course, by ID number, else by name."""
    return tuple(group.idnumber or group.name for group in found.setup.groups)


def wanted_groups(wanted: WantedCourse) -> list[tuple[str, str]]:
    """The groups of a course, ID number and name: those that the file names, and those that people or cohorts are
    put in."""
    groups = {group.idnumber: group.name for group in wanted.groups}
    for idnumber in (*(one.group for one in wanted.cohorts), *(one.group for one in wanted.people)):
        if idnumber:
            groups.setdefault(idnumber, idnumber)
    return list(groups.items())


def _methods(wanted: WantedCourse, found: CourseSituation, site: SiteSituation) -> Iterator[Difference]:
    methods = found.setup.enrolments
    if not any(method.method == MANUAL and method.enabled for method in methods):
        yield Difference(Kind.MANUAL_OFF, "", True, False, by_hand=True)
    ours = set()
    for cohort in wanted.cohorts:
        method = cohort_method(cohort, found, site)
        if method is None:
            yield Difference(Kind.COHORT, cohort.cohort, cohort.role, None)
        else:
            ours.add(method.id)
            if not method.enabled:
                yield Difference(Kind.COHORT_OFF, cohort.cohort, True, False, by_hand=True)
    for method in methods:
        # Every course comes with self-enrolment and the like, switched off.
        if method.enabled and method.method != MANUAL and method.id not in ours:
            yield Difference(Kind.METHOD_NEW, method.method, None, method.method, by_hand=True)


def cohort_id(cohort: WantedCohort, site: SiteSituation) -> int:
    """Moodle's id of a cohort; -1: there is none of that ID number."""
    known = site.cohorts.get(cohort.cohort)
    return known.id if known else -1


def cohort_method(cohort: WantedCohort, found: CourseSituation, site: SiteSituation) -> EnrolmentSetup | None:
    """How a cohort is enrolled with the role that it shall have; None: it isn't."""
    known = cohort_id(cohort, site)
    return next(
        (
            method
            for method in found.setup.enrolments
            if (method.method, method.cohortid, method.role) == (COHORT, known, cohort.role)
        ),
        None,
    )


def value_of(found: list[Difference], kind: Kind) -> Value:
    """What is wanted of the first difference of a kind."""
    return next((one.wanted for one in found if one.kind is kind), None)
