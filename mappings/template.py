"""A template course as data: what `copbridge provision template` builds on a site that has none yet."""

from typing import Annotated, Literal

from pydantic import Field

from mappings.base import Code, Model
from mappings.provisioning import Idnumber, Line

Kind = Literal["assign", "book", "choice", "feedback", "folder", "forum", "glossary", "label", "page", "quiz", "url"]
"""What the companion plugin can make."""
Minutes = Annotated[int, Field(ge=1, le=1_440)]


class Completion(Model):
    """When an activity is complete; see docs/plugin-functions.md."""

    tracking: Literal["none", "manual", "automatic"]
    view: bool = False
    submit: bool = False
    posts: Annotated[int, Field(ge=0, le=100)] = 0
    entries: Annotated[int, Field(ge=0, le=100)] = 0
    grade: bool = False
    passgrade: bool = False


class Settings(Model):
    """What only some kinds of activities have; see docs/plugin-functions.md."""

    content: str | None = None
    externalurl: str | None = None
    options: tuple[Line, ...] | None = None
    questions: tuple[Line, ...] | None = None
    submissiontypes: tuple[Literal["file", "onlinetext"], ...] | None = None
    gradepass: Annotated[int, Field(ge=1, le=100)] | None = None


class TemplateActivity(Model):
    """An activity of a template."""

    idnumber: Idnumber
    """By it the program's rules, and every comparison, know it."""
    kind: Kind
    """Moodle's name of its kind."""
    name: Line
    """Its name."""
    intro: str = ""
    """HTML."""
    minutes: Minutes | None = None
    """The hours that its form declares; the program's rule counts, where it has one."""
    component: Code | None = None
    """The component that they count in."""
    completion: Completion
    """When it is complete."""
    settings: Settings | None = None
    """What its kind needs."""


class TemplateSection(Model):
    """A section of a template."""

    name: Line
    """Its name: rules may go by it."""
    summary: str = ""
    """HTML."""
    activities: tuple[TemplateActivity, ...] = ()
    """In their order."""


class Template(Model):
    """A course to copy from."""

    template: Code
    """Its code, as the command takes it."""
    program: Code
    """The program whose rules it is made for."""
    fullname: Line
    shortname: Line
    idnumber: Idnumber
    category: Line
    """The name of the category that it is put in."""
    category_idnumber: Idnumber
    sections: Annotated[tuple[TemplateSection, ...], Field(min_length=1)]
    """Of the course, from number 1 on."""

    @property
    def activities(self) -> tuple[TemplateActivity, ...]:
        """All of them."""
        return tuple(one for section in self.sections for one in section.activities)
