"""Answers as models: unknown fields are let through, ids may come as integers or strings, fields may be missing.

Names that Moodle sends as HTML (`Title`) are plain text here: it writes "A &amp; B" for "A & B".
"""

import html
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

UNIX = "Unix seconds; 0: none"


def _plain(name: str) -> str:
    return html.unescape(name)


def _at(seconds: int | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _text_by_shortname(fields: Any) -> Any:
    """Custom fields as Moodle sends them, a list, as text by short name; a mapping is taken as it is."""
    if fields is None or isinstance(fields, Mapping):
        return fields or {}
    return {field["shortname"]: _field_text(field) for field in fields if isinstance(field, Mapping)}


def _field_text(field: Mapping[str, Any]) -> str:
    # A select's raw value is the number of its option. All other raw values are what was typed, or numbers; their
    # shown values are in the language of the token's user ("Yes", "Saturday, 21 November 2026, 8:37 PM") or HTML.
    if field.get("type") == "select" or "valueraw" not in field:
        return html.unescape(str(field.get("value") or ""))
    if field.get("type") == "date":
        return str(field["valueraw"] or "")
    return "" if field["valueraw"] is None else str(field["valueraw"])


def _ids(items: Any) -> Any:
    return [item["id"] if isinstance(item, Mapping) else item for item in items or ()]


def _none_as_empty(value: Any) -> Any:
    return "" if value is None else value


Title = Annotated[str, BeforeValidator(_none_as_empty), AfterValidator(_plain)]
Text = Annotated[str, BeforeValidator(_none_as_empty)]
Texts = Annotated[dict[str, str], BeforeValidator(_text_by_shortname)]
Ids = Annotated[tuple[int, ...], BeforeValidator(_ids)]
Flag = bool
"""Moodle sends 1, 0, "1", true."""


class Answer(BaseModel):
    """Frozen; unknown fields are ignored. The repr of a person's data is the caller's to keep out of logs."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", coerce_numbers_to_str=True, validate_by_name=True, validate_by_alias=True
    )

    @property
    def missing_fields(self) -> frozenset[str]:
        """Fields that Moodle didn't send, mostly for lack of a capability: of a participant, `lacks` says which."""
        return frozenset(name for name in type(self).model_fields if name not in self.model_fields_set)


class FunctionInfo(Answer):
    name: str
    version: Text = ""


class SiteInfo(Answer):
    """The site, the token's user and the functions that the token's service holds."""

    sitename: Title
    siteurl: str
    userid: int
    username: Text = ""
    release: Text = ""
    """For people: "4.5.1 (Build: 20241202)"."""
    version: Text = ""
    """Moodle's version number, 2024100701 say."""
    userissiteadmin: Flag | None = None
    functions: tuple[FunctionInfo, ...] = ()

    def has(self, function: str) -> bool:
        """Whether the token's service holds a function; a call may still lack a capability."""
        return any(each.name == function for each in self.functions)


class Course(Answer):
    """A course. Without moodle/course:view Moodle sends few of its fields, no idnumber and no dates among them:
    `visible` is None then, and `missing_fields` names them all."""

    id: int
    shortname: Title
    fullname: Title
    idnumber: Text = ""
    categoryid: int
    visible: Flag | None = None
    startdate: int = Field(default=0, description=UNIX)
    enddate: int = Field(default=0, description=UNIX)
    timecreated: int | None = None
    timemodified: int | None = None
    enablecompletion: Flag | None = None
    groupmode: int | None = None
    format: Text = ""
    customfields: Texts = Field(default_factory=dict)
    """Text by short name: what was typed, a select's option, "1" or "0" of a checkbox, Unix seconds of a date."""


class UserCourse(Answer):
    """A course that a user is actively enrolled in."""

    id: int
    shortname: Title
    idnumber: Text = ""
    enrolledusercount: int | None = None


class Category(Answer):
    """A category of courses. idnumber is None without moodle/category:manage, and where there is none."""

    id: int
    name: Title
    idnumber: str | None = None
    parent: int = 0
    path: Text = ""
    """The ids from the root to this one: "/3/7"."""
    depth: int | None = None
    visible: Flag | None = None
    coursecount: int | None = None


class CallersCompletion(Answer):
    """The completion of one activity by the CALLER, whose token it is: never of a participant."""

    state: int
    timemodified: int = Field(default=0, validation_alias="timecompleted")
    overrideby: int | None = None


class Module(Answer):
    """An activity as core_course_get_contents tells it. Its idnumber isn't there: see CourseModule."""

    id: int
    """The course module's id (cmid)."""
    name: Title
    modname: str
    instance: int | None = None
    visible: Flag | None = None
    uservisible: Flag | None = None
    visibleoncoursepage: Flag | None = None
    completion: int | None = None
    """Tracking: 0 none, 1 by hand, 2 automatic."""
    completiondata: CallersCompletion | None = None
    deletioninprogress: Flag = False
    customdata: str | None = None
    """JSON; of a subsection it holds the id of its section."""


class Section(Answer):
    """A section of a course. A delegated one (4.5+) has `component` and `itemid`: mod_subsection and its instance."""

    id: int
    name: Title
    number: int = Field(validation_alias="section")
    visible: Flag | None = None
    uservisible: Flag | None = None
    component: str | None = None
    itemid: int | None = None
    modules: tuple[Module, ...] = ()


class CourseModule(Answer):
    """An activity as core_course_get_course_module tells it. Fields that are None need
    moodle/course:manageactivities."""

    id: int
    course: int
    name: Title
    modname: str
    instance: int | None = None
    section: int | None = None
    """The section's id."""
    sectionnum: int | None = None
    idnumber: str | None = None
    completion: int | None = None
    completionview: Flag | None = None
    completionexpected: int | None = None
    completionpassgrade: Flag | None = None
    completiongradeitemnumber: int | None = None
    groupmode: int | None = None
    groupingid: int | None = None
    visible: Flag | None = None
    availability: str | None = None
    """JSON of the restrictions."""


class Role(Answer):
    roleid: int
    shortname: Text = ""
    """The site's own word: no site needs to have "student"."""


class GroupOfUser(Answer):
    id: int
    name: Title = ""


class User(Answer):
    """A user as the caller may see them. A field that is None wasn't sent; an idnumber that is empty never is."""

    id: int
    username: str | None = None
    idnumber: str | None = None
    email: str | None = None
    firstname: str | None = None
    lastname: str | None = None
    fullname: Text = ""
    suspended: Flag | None = None
    """The account, not an enrolment. Not among the answers of core_enrol_get_enrolled_users."""
    lastaccess: int | None = None
    customfields: Texts = Field(default_factory=dict)
    """Profile fields by short name."""


class EnrolledUser(User):
    """A participant of one course. Moodle tells neither the enrolment's id nor its status, times or method."""

    lastcourseaccess: int | None = None
    roles: tuple[Role, ...] = ()
    groups: tuple[GroupOfUser, ...] = ()


class Group(Answer):
    id: int
    courseid: int
    name: Title
    idnumber: Text = ""


class Grouping(Answer):
    id: int
    courseid: int
    name: Title
    idnumber: Text = ""
    groups: Ids = ()
    """The ids of its groups."""


class ActivityCompletion(Answer):
    """One tracked activity of one user. Activities that the caller can't see are silently left out by Moodle."""

    cmid: int
    modname: str
    instance: int | None = None
    state: int
    """0 incomplete, 1 complete, 2 complete with a passing grade, 3 complete with a failing grade."""
    timemodified: int = Field(validation_alias="timecompleted")
    """Unix seconds at which the row last changed; 0: it never did. Moodle calls it timecompleted and sends it for
    incomplete rows too (un-ticked, overridden): what was completed is `completed_at`."""
    tracking: int
    overrideby: int | None = None
    """Who set it by hand, or the service that did (BigBlueButton's attendance sets it too)."""
    isoverallcomplete: Flag | None = None
    """Whether it counts as done: state 3 doesn't where a passing grade is required."""

    @property
    def changed_at(self) -> datetime | None:
        """When the row last changed, also to incomplete."""
        return _at(self.timemodified)

    @property
    def completed_at(self) -> datetime | None:
        """When the present completion was last written; None unless the state is 1, 2 or 3. A later change of a
        complete row (a grade that is removed and given again) moves it: it isn't the first completion."""
        return _at(self.timemodified) if self.state in (1, 2, 3) else None

    @property
    def exists(self) -> bool:
        """Whether there is anything to know: an answer for a row that isn't there says state 0 at time 0."""
        return bool(self.state or self.timemodified)


class ActivityCompletions(Answer):
    statuses: tuple[ActivityCompletion, ...]


class AttendanceStatus(Answer):
    """What somebody's presence may be called in an attendance activity: "P", present, 2 points."""

    id: int
    acronym: Title
    description: Title = ""
    grade: float = 0
    setnumber: int = 0


class AttendanceEntry(Answer):
    """What was recorded of one user at one session. Moodle tells no time."""

    studentid: int
    statusid: int | None = None
    """One of the session's statuses; of a status that was hidden or deleted since, Moodle tells no more."""


class AttendanceUser(Answer):
    id: int


class AttendanceSession(Answer):
    """A session of an attendance activity (mod_attendance), with all that was recorded."""

    id: int
    attendanceid: int
    courseid: int
    groupid: int = 0
    """0: of everybody."""
    sessdate: int
    """When it begins, Unix seconds."""
    duration: int = 0
    """Seconds."""
    description: Text = ""
    """HTML."""
    lasttaken: int | None = None
    statuses: tuple[AttendanceStatus, ...] = ()
    """Those of its set that are neither hidden nor deleted."""
    attendance_log: tuple[AttendanceEntry, ...] = ()
    users: tuple[AttendanceUser, ...] = ()
    """Who could be listed in it now."""

    @property
    def starts_at(self) -> datetime:
        """When it begins."""
        return datetime.fromtimestamp(self.sessdate, UTC)


class Override(Answer):
    """An activity's completion right after core_completion_override_activity_completion_status."""

    cmid: int
    userid: int
    state: int
    timemodified: int = Field(validation_alias="timecompleted")
    overrideby: int | None = None
    tracking: int | None = None

    @property
    def completed_at(self) -> datetime | None:
        """When it was completed; None unless the state is 1, 2 or 3."""
        return _at(self.timemodified) if self.state in (1, 2, 3) else None


class SentMessage(Answer):
    """What became of one message. Moodle tells why it wasn't sent in a sentence of the site's language, no code."""

    msgid: int
    """-1: it wasn't sent."""
    clientmsgid: Text = ""
    errormessage: Text = Field(default="", repr=False)
    conversationid: int | None = None

    @property
    def sent(self) -> bool:
        """Whether it is in the recipient's messages."""
        return self.msgid > 0


class NewCategory(Answer):
    id: int
    name: Title


class NewCourse(Answer):
    id: int
    shortname: Title


class NewUser(Answer):
    id: int
    username: str
