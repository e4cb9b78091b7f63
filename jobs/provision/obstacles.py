"""What is in the way of a course before anything is done: refused rather than guessed."""

import re
from collections.abc import Iterator, Sequence

from jobs.provision.compare import MANUAL, cohort_id, cohort_method
from jobs.provision.content import Content
from jobs.provision.differences import Difference, Kind
from jobs.provision.plan import Obstacle, Problem
from jobs.provision.situation import CourseSituation, SiteSituation
from mappings.facts import Activity as Form
from mappings.matching import rule_for
from mappings.program import Program
from mappings.provision_wanted import WantedCourse
from moodle_client import CourseSetup, SetupField

SELECT = "select"
FORMS = {"checkbox": re.compile("[01]"), "date": re.compile("[0-9]+"), "number": re.compile(r"-?[0-9]+(\.[0-9]+)?")}
"""What a custom course field takes, by its kind; a kind that isn't named takes any text."""
TAKEN = {"checkbox": ["0", "1"], "date": ["1788246000"], "number": ["1", "2.5"], SELECT: ["-"]}
"""The same by example."""


def of_site(site: SiteSituation) -> Iterator[Obstacle]:
    """What is in the way of everything."""
    if not site.setup.completion:
        yield Obstacle(Problem.NO_COMPLETION)


def of_templates(wanted: tuple[WantedCourse, ...], site: SiteSituation, program: Program) -> list[Obstacle]:
    """What is wrong with the templates that courses are copied from."""
    found: list[Obstacle] = []
    for idnumber in dict.fromkeys(one.template for one in wanted):
        ids = site.courses.get(idnumber, ())
        about = {"template": idnumber}
        if not ids:
            found.append(Obstacle(Problem.NO_TEMPLATE, about))
        elif len(ids) > 1:
            found.append(Obstacle(Problem.TEMPLATES, about | {"courses": list(ids)}))
        elif idnumber not in site.templates:
            found.append(Obstacle(Problem.TEMPLATE_CLOSED, about | {"course": ids[0]}))
        else:
            found += _of_template(idnumber, site.templates[idnumber], program)
    return found


def _of_template(idnumber: str, template: CourseSetup, program: Program) -> Iterator[Obstacle]:
    about = {"template": idnumber}
    tracked = [one for one in template.activities if one.completion.tracking != "none"]
    if not template.course.enablecompletion or not tracked:
        yield Obstacle(Problem.TEMPLATE_UNTRACKED, about)
        return
    content = Content.of_setup(template)
    keys = [one.idnumber or f"{one.modname}: {one.name}" for one in content.activities]
    if alike := sorted({key for key in keys if keys.count(key) > 1}):
        yield Obstacle(Problem.TEMPLATE_ALIKE, about | {"activities": alike})
    names = {section.number: section.name for section in template.sections}
    forms = [
        Form(idnumber=one.idnumber, kind=one.modname, name=one.name, section=names.get(one.section, ""))
        for one in tracked
    ]
    earning = any(rule_for(program, form) for form in forms) or any(one.minutes for one in tracked)
    if not earning:
        yield Obstacle(Problem.TEMPLATE_BARE, about | {"activities": len(tracked)})


def of_course(
    wanted: WantedCourse, course: int | None, number: int, site: SiteSituation, *, copying: bool
) -> Iterator[Obstacle]:
    """What is in the way of one course. `course`: Moodle's id of the one that this file made; `number`: which of the
    file's courses it is, from 0; `copying`: Moodle was asked for it, and nobody knows what became of that."""
    ids = site.courses.get(wanted.idnumber, ())
    if len(ids) > 1:
        yield Obstacle(Problem.COURSES, {"idnumber": wanted.idnumber, "courses": list(ids)})
    other = site.shortnames.get(wanted.shortname)
    # A copy of ours whose making was broken off may have its ID number already.
    if len(ids) == 1 and ids[0] != course and not (copying and ids[0] == other):
        yield Obstacle(Problem.TAKEN, {"idnumber": wanted.idnumber, "course": ids[0]})
    if other is not None and other != course and not copying:
        yield Obstacle(Problem.SHORTNAME, {"shortname": wanted.shortname, "course": other})
    if not site.setup.handedover[number]:
        yield Obstacle(Problem.NOT_HANDED_OVER, {"idnumber": wanted.idnumber})
    for step in wanted.categories:
        if sum(category.idnumber == step.idnumber for category in site.categories) > 1:
            yield Obstacle(Problem.CATEGORIES, {"category": step.idnumber})
    yield from _of_roles(wanted, site)
    yield from _of_fields(wanted, site)
    if wanted.enrolling.create_users and wanted.enrolling.auth not in site.setup.auths:
        yield Obstacle(Problem.AUTH, {"auth": wanted.enrolling.auth})


def of_differences(
    wanted: WantedCourse, found: CourseSituation | None, site: SiteSituation, differ: Sequence[Difference]
) -> Iterator[Obstacle]:
    """What Moodle would refuse of what is to be done; `found` None: the course is yet to be made."""
    kinds = {one.kind for one in differ if one.to_do}
    setup = found.setup if found else site.templates.get(wanted.template)
    if (
        found is not None
        and Kind.MANUAL_OFF in {one.kind for one in differ}
        and kinds & {Kind.PERSON, Kind.PERSON_ROLE}
    ):
        yield Obstacle(Problem.METHOD_OFF, {"method": MANUAL})
    names = {group.name: group.idnumber for group in setup.groups} if setup else {}
    for one in differ:
        if one.kind is Kind.GROUP and names.get(str(one.wanted), one.about) != one.about:
            yield Obstacle(Problem.GROUP_TAKEN, {"group": one.about, "name": one.wanted})
    if found is not None:
        groups = {group.idnumber: group.id for group in found.setup.groups if group.idnumber}
        for cohort in wanted.cohorts:
            method = cohort_method(cohort, found, site)
            if method is not None and method.group != groups.get(cohort.group, 0):
                yield Obstacle(Problem.COHORT_ELSEWHERE, {"cohort": cohort.cohort})


def _of_roles(wanted: WantedCourse, site: SiteSituation) -> Iterator[Obstacle]:
    roles = [*(one.role for one in wanted.cohorts), *(one.role for one in wanted.people)]
    for shortname in dict.fromkeys(roles):
        role = site.roles.get(shortname)
        if role is None:
            yield Obstacle(Problem.ROLE, {"role": shortname})
        elif not role.assignable:
            yield Obstacle(Problem.ROLE_NOT_OURS, {"role": shortname})
    for cohort in wanted.cohorts:
        if cohort_id(cohort, site) < 0:
            yield Obstacle(Problem.COHORT, {"cohort": cohort.cohort})


def _of_fields(wanted: WantedCourse, site: SiteSituation) -> Iterator[Obstacle]:
    known = {field.shortname: field for field in site.setup.fields}
    for name, value in wanted.fields:
        field = known.get(name)
        if field is None:
            yield Obstacle(Problem.FIELD, {"field": name, "known": sorted(known)})
        elif not _takes(field, value):
            taken = [*field.options] or TAKEN[field.type]
            yield Obstacle(Problem.FIELD_VALUE, {"field": name, "value": value, "options": taken})


def _takes(field: SetupField, value: str) -> bool:
    """Of a date Moodle takes Unix seconds; of texts anything."""
    if field.type == SELECT:
        return value in field.options
    form = FORMS.get(field.type)
    return form is None or form.fullmatch(value) is not None
