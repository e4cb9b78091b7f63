"""What a site and its courses are set up as, and what became of a change of it. All answers of the companion plugin
but CalendarEvent, which is Moodle's own. Times are Unix seconds, 0: none; `minutes` are participation minutes."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from moodle_client.models import UNIX, Answer, Flag, Text, Title
from moodle_client.plugin_models import decoded


def _empty_map(value: Any) -> Any:
    # PHP writes an empty map as an empty list.
    return {} if value is None or value == [] else value


def _none_as_zero(value: Any) -> Any:
    return 0 if value is None else value


FieldValues = Annotated[dict[str, str], BeforeValidator(_empty_map)]
Number = Annotated[int, BeforeValidator(_none_as_zero)]


class SetupRole(Answer):
    """A role of the site. `shortname` is the site's own word; `archetype` is Moodle's: student, teacher..., or ""."""

    id: int
    shortname: str
    archetype: Text = ""
    assignable: Flag = False
    """Whether the caller may assign it in courses."""


class SetupField(Answer):
    """A custom field of courses."""

    shortname: str
    type: str
    """text, textarea, select, checkbox, date, number, or another plugin's."""
    options: tuple[str, ...] = ()
    """Of a select, in their order."""
    required: Flag = False


class SetupCohort(Answer):
    id: int
    idnumber: Text = ""
    name: Title
    category: Number = 0
    """The id of its category; 0: of the whole site."""
    members: int = 0


class SiteSetup(Answer):
    """What a site offers to courses that are made there."""

    roles: tuple[SetupRole, ...] = ()
    fields: tuple[SetupField, ...] = ()
    cohorts: tuple[SetupCohort, ...] = ()
    auths: tuple[str, ...] = ()
    """Names of the authentication methods that are on."""
    enrolments: tuple[str, ...] = ()
    """Names of the enrolment methods that are on."""
    completion: Flag
    """Whether the site tracks completion at all."""
    maxsections: int = 0
    cohortsync: Flag = False
    passwordpolicy: Flag = False
    copiespeople: Flag = False
    """Whether the caller may copy people with a course. Then `duplicate_course` copies them unless its options say
    `{"users": False}`; where not, it never does, and Moodle refuses all options (setting_locked_by_permission)."""
    handedover: tuple[bool, ...] = ()
    """For each of the courses that were asked about, in their order: whether the plugin would hand it over."""


class CourseAttributes(Answer):
    """A course itself."""

    id: int
    fullname: Title
    shortname: Title
    idnumber: Text = ""
    category: int
    """The id of its category."""
    visible: Flag
    startdate: Number = Field(default=0, description=UNIX)
    enddate: Number = Field(default=0, description=UNIX)
    format: Text = ""
    enablecompletion: Flag
    groupmode: int = 0
    """0 none, 1 separate, 2 visible groups."""
    timecreated: Number = Field(default=0, description=UNIX)
    copy_of: int | None = None
    """The course that it was restored or duplicated from, where that is known."""
    fields: FieldValues = Field(default_factory=dict)
    """Custom fields as text by short name: a select's option, "1" or "0" of a checkbox, Unix seconds of a date."""


class SectionSetup(Answer):
    number: int
    name: Title = ""
    """As people see it."""
    named: Flag = False
    """Whether somebody named it; otherwise the course's format does."""
    visible: Flag = True
    summary: Text = ""
    """SHA-256 of its HTML as it was set (UTF-8, in hex); empty: none."""
    availability: Text = ""
    """The same of its restrictions."""
    component: Text = ""
    """Of a section that belongs to an activity: mod_subsection. It can't be set."""


class CompletionRules(Answer):
    """The whole set of an activity's completion rules; a rule that isn't there is off."""

    tracking: Literal["none", "manual", "automatic"]
    view: Flag = False
    submit: Flag = False
    posts: Number = 0
    discussions: Number = 0
    replies: Number = 0
    entries: Number = 0
    grade: Flag = False
    """Graded, with any grade: false where it must be passed."""
    passgrade: Flag = False
    expected: Number = Field(default=0, description=UNIX)


class ActivitySetup(Answer):
    """An activity of a course."""

    cmid: int
    idnumber: Text = ""
    modname: str
    name: Title
    section: int
    """The number of its section."""
    visible: Flag = True
    """In a hidden section: once the section is shown."""
    minutes: int | None = None
    """Participation minutes; None: none are declared, which isn't 0."""
    component: Text = ""
    completion: CompletionRules
    further: tuple[str, ...] = ()
    """Moodle's names of completion rules that are on and have no place in `completion`."""
    availability: Text = ""
    """SHA-256 of its restrictions, with activities by idnumber and groups by name: the same in a copy; empty: none."""


class GroupSetup(Answer):
    id: int
    idnumber: Text = ""
    name: Title
    members: int = 0


class GroupingSetup(Answer):
    id: int
    idnumber: Text = ""
    name: Title
    groups: tuple[int, ...] = ()
    """The ids of its groups."""


class EnrolmentSetup(Answer):
    """An enrolment method of a course."""

    id: int
    method: str
    """manual, cohort, self..."""
    enabled: Flag
    role: Text = ""
    """The short name of the role that it gives; empty: none."""
    cohort: Text = ""
    """Of the method cohort: the cohort's idnumber, or its id where it has none; else empty."""
    cohortid: Number = 0
    """Of the method cohort: the cohort's id; else 0."""
    group: Number = 0
    """Of the method cohort: the id of the group that members come into; 0: none."""


class CourseSetup(Answer):
    """How a course is set up: everything that provisioning sets or must know, and nobody's data."""

    course: CourseAttributes
    sections: tuple[SectionSetup, ...] = ()
    activities: tuple[ActivitySetup, ...] = ()
    groups: tuple[GroupSetup, ...] = ()
    groupings: tuple[GroupingSetup, ...] = ()
    enrolments: tuple[EnrolmentSetup, ...] = ()
    criteria: Text = ""
    """SHA-256 of the criteria of the course's own completion: the same in a copy; empty: none."""
    participants: int = 0
    """How many people have an enrolment there."""

    def activity(self, idnumber: str) -> ActivitySetup | None:
        """The first activity with that idnumber; an empty one is none's."""
        return next((each for each in self.activities if idnumber and each.idnumber == idnumber), None)


class SetupText(Answer):
    """The plugin's answer: a course's setup as JSON text."""

    setup: Annotated[CourseSetup, BeforeValidator(decoded)]


class ActivityOutcome(Answer):
    """What became of one activity that was described or changed."""

    idnumber: Text = ""
    """As it was asked for; of changes it isn't told."""
    cmid: int
    """0: there is none."""
    outcome: str
    """created, there or failed; of changes changed, unchanged, locked or failed."""
    code: Text = ""
    """Why it failed, for programs; else empty."""
    reason: Text = Field(default="", repr=False)
    """Why it failed and what to do, in the account's language."""


class SectionOutcome(Answer):
    """created, changed or unchanged."""

    number: int
    outcome: str


class FieldOutcome(Answer):
    """changed or unchanged."""

    shortname: str
    outcome: str


class CohortEnrolment(Answer):
    """An enrolment method that enrols a cohort."""

    enrolid: int
    outcome: str
    """created or there."""
    members: int
    """Of the cohort."""
    synced: Flag
    """Whether they are enrolled; otherwise a task does it as cron runs."""


class CalendarEvent(Answer):
    """An event of Moodle's calendar."""

    id: int
    name: Title
    description: Text = ""
    """HTML."""
    courseid: Number = 0
    groupid: Number = 0
    modulename: Text = ""
    """Of an activity's own date: its kind. Empty: an event that somebody put there."""
    eventtype: Text = ""
    """course, group, site, user, or what an activity calls its dates."""
    timestart: int = Field(description=UNIX)
    timeduration: Number = 0
    """Seconds."""
    visible: Flag = True
