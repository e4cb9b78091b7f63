"""Build a template course on a site: through the companion plugin, and only what is missing."""

from dataclasses import dataclass
from importlib import resources
from typing import Any

from jobs.provision.plan import InTheWay, Problem
from jobs.provision.reading import read_categories, read_setup
from mappings.source import read
from mappings.template import Template, TemplateActivity
from moodle_client import CourseSetup, MoodleClient

FOLDER = resources.files("mappings") / "templates"


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a template."""

    course: int
    made: tuple[str, ...]
    """ID numbers of the activities that were made; of what was there already nothing was touched."""
    minutes: int
    """Of all its activities, as their forms declare them."""


def codes() -> list[str]:
    """The templates that come with this release."""
    return sorted(each.name.removesuffix(".yaml") for each in FOLDER.iterdir() if each.name.endswith(".yaml"))


def template_of(code: str) -> Template:
    """A template by its code. Raises KeyError."""
    if code not in codes():
        raise KeyError(code)
    name = f"{code}.yaml"
    return Template.model_validate(read((FOLDER / name).read_text(encoding="utf-8"), name).data)


def build(moodle: MoodleClient, template: Template) -> Built:
    """Make the course where it isn't there, then its sections and activities. Raises MoodleError, InTheWay."""
    there = moodle.courses("idnumber", template.idnumber).data
    if len(there) > 1:
        raise InTheWay(Problem.TEMPLATES, template=template.idnumber, courses=[course.id for course in there])
    course = there[0].id if there else _made(moodle, template)
    setup = read_setup(moodle, course)
    if setup is None:
        raise InTheWay(Problem.GONE, course=course)
    if sections := _sections(template, setup):
        moodle.set_sections(course, sections)
    missing = [
        _row(one, number)
        for number, section in enumerate(template.sections, 1)
        for one in section.activities
        if setup.activity(one.idnumber) is None
    ]
    for outcome in moodle.create_activities(course, missing).data if missing else ():
        if outcome.outcome == "failed":
            raise InTheWay(
                Problem.MOODLE,
                function="local_copbridge_create_activities",
                reason=outcome.code,
                errorcode=outcome.idnumber,
            )
    minutes = sum(one.minutes or 0 for one in template.activities)
    return Built(course, tuple(row["idnumber"] for row in missing), minutes)


def _made(moodle: MoodleClient, template: Template) -> int:
    known = {category.idnumber: category.id for category in read_categories(moodle) if category.idnumber}
    category = known.get(template.category_idnumber)
    if category is None:
        row = {"name": template.category, "parent": 0, "idnumber": template.category_idnumber}
        category = moodle.create_categories([row]).data[0].id
    course = {
        "fullname": template.fullname,
        "shortname": template.shortname,
        "idnumber": template.idnumber,
        "categoryid": category,
        "visible": False,
        "enablecompletion": True,
        "format": "topics",
        "numsections": len(template.sections),
    }
    return moodle.create_courses([course]).data[0].id


def _sections(template: Template, setup: CourseSetup) -> list[dict[str, Any]]:
    """Sections without a name of their own; one that somebody named is left."""
    named = {section.number for section in setup.sections if section.named}
    return [
        {"number": number, "name": section.name, "summary": section.summary}
        for number, section in enumerate(template.sections, 1)
        if number not in named
    ]


def _row(activity: TemplateActivity, section: int) -> dict[str, Any]:
    """An activity as `create_activities` takes it."""
    row: dict[str, Any] = {
        "modname": activity.kind,
        "idnumber": activity.idnumber,
        "name": activity.name,
        "intro": activity.intro,
        "section": section,
        "completion": activity.completion.model_dump(),
    }
    if activity.minutes is not None:
        row |= {"minutes": activity.minutes, "component": activity.component or ""}
    if activity.settings is not None:
        row["settings"] = activity.settings.model_dump(exclude_none=True)
    return row
