"""The items of the wire as models: docs/wire/v1.schema.json in Python. Unknown fields are let through.

A malformed item raises pydantic.ValidationError; which item of a batch is malformed is the intake's to say.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LATEST_SECOND = 4_102_444_800
"""2100-01-01: what claims to be later is no time of a Moodle site."""


def _number(value: object) -> object:
    # Moodle sends ids as integers or as strings at random; a bool or a fraction is neither.
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("a whole number is expected")
    return value


def _no_bool(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("a number is expected")
    return value


def _moment(value: object) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("Unix seconds are expected")
    try:
        seconds = float(value)
    except OverflowError as err:
        raise ValueError("a number beyond all times") from err
    if not math.isfinite(seconds) or not 0 <= seconds <= LATEST_SECOND:
        raise ValueError(f"Unix seconds between 0 and {LATEST_SECOND} are expected")
    return EPOCH + timedelta(microseconds=round(seconds * 1_000_000))


def _second_or_none(value: object) -> object:
    return None if value in (0, "0", None) else _moment(value)


def storable(text: str) -> str:
    """The text itself. Raises ValueError for characters that PostgreSQL's text can't hold."""
    if "\x00" in text:
        raise ValueError("a NUL character can't be stored")
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise ValueError("a lone surrogate is no character") from err
    return text


Id = Annotated[int, BeforeValidator(_number), Field(ge=1, le=2**63 - 1)]
Moment = Annotated[datetime, BeforeValidator(_moment)]
Second = Annotated[datetime | None, BeforeValidator(_second_or_none)]
Text = Annotated[str, Field(max_length=1333), AfterValidator(storable)]
Name = Annotated[str, Field(max_length=100), AfterValidator(storable)]
Minutes = Annotated[int, BeforeValidator(_number), Field(ge=0, le=1_000_000)]
Points = Annotated[float, BeforeValidator(_no_bool), Field(ge=-1_000_000, le=1_000_000, allow_inf_nan=False)]
Texts = Annotated[dict[Text, Text], Field(max_length=50)]


class MalformedEvent(ValueError):
    """An event of a kind that is ours lacks what its kind always has."""


class Item(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class RelatedKey(Item):
    """Whom an event happened to, by an exact key of the account: for senders that don't know Moodle's id."""

    field: Literal["email", "username", "idnumber"]
    value: Annotated[str, Field(min_length=1, max_length=255), AfterValidator(storable)]


class EventData(Item):
    """What the house reads of Moodle's get_data(). `relatedkey` is ours: an adapter puts it in the place of an id."""

    eventname: Annotated[str, Field(pattern=r"^\\[a-z0-9_]+(\\[a-z0-9_]+)+$", max_length=255)]
    timecreated: Moment
    objectid: Annotated[int | None, BeforeValidator(_number)] = None
    contextlevel: Annotated[int | None, BeforeValidator(_number)] = None
    contextinstanceid: Annotated[int | None, BeforeValidator(_number)] = None
    userid: Annotated[int | None, BeforeValidator(_number)] = None
    courseid: Annotated[int | None, BeforeValidator(_number)] = None
    relateduserid: Annotated[int | None, BeforeValidator(_number)] = None
    relatedkey: RelatedKey | None = None
    other: Any = None

    def _row(self, name: str) -> int:
        value = getattr(self, name)
        if not isinstance(value, int) or not 0 < value < 2**63:
            raise MalformedEvent(f"{name} has to be the id of a row")
        return value

    @property
    def course(self) -> int:
        return self._row("courseid")

    @property
    def module(self) -> int:
        """The course module of an event in its context."""
        return self._row("contextinstanceid")

    @property
    def participant(self) -> int:
        """Whom it happened to; `userid` is who did it."""
        return self._row("relateduserid")

    @property
    def actor(self) -> int:
        """Who did it."""
        return self._row("userid")

    @property
    def row(self) -> int:
        """The row that it is about, in `objecttable`."""
        return self._row("objectid")

    def detail(self, name: str) -> int | None:
        """A whole number out of `other`, which has them as integers, strings or null."""
        value = self.other.get(name) if isinstance(self.other, dict) else None
        if value is None:
            return None
        if isinstance(value, bool) or not re.fullmatch(r"-?\d{1,18}", str(value)):
            raise MalformedEvent(f"other.{name} has to be a whole number")
        return int(value)

    def tells(self, name: str) -> bool:
        """Whether `other` says anything of a name, be it null."""
        return isinstance(self.other, dict) and name in self.other

    def flag(self, name: str) -> bool:
        """A yes or no out of `other`, which has them as booleans, numbers or text."""
        value = self.other.get(name) if isinstance(self.other, dict) else None
        return value in (True, 1, "1")


class Event(Item):
    id: UUID
    sequence: Annotated[int, Field(ge=0, le=2**63 - 1)]
    data: EventData


class Reading(Item):
    read_at: Moment


class CourseReading(Reading):
    kind: Literal["course"]
    course: Id
    present: bool
    shortname: Text = ""
    fullname: Text = ""
    idnumber: Text = ""
    category: Id | None = None
    category_idnumber: Text = ""
    fields: Texts = {}
    visible: bool = True
    startdate: Second = None
    enddate: Second = None
    copy_of: Id | None = None


class ModuleReading(Reading):
    kind: Literal["module"]
    module: Id
    course: Id
    present: bool
    modname: Annotated[str, Field(max_length=50), AfterValidator(storable)] = ""
    name: Text = ""
    idnumber: Text = ""
    section_number: Annotated[int, Field(ge=0, le=100_000)] = 0
    section_name: Text = ""
    visible: bool = True
    tracking: Literal[0, 1, 2] = 0
    minutes: Minutes | None = None
    """Declared in its form in Moodle. Left out: the sender can't tell."""
    component: Name = ""

    @property
    def tells_hours(self) -> bool:
        return self.present and "minutes" in self.model_fields_set


class RoleReading(Reading):
    kind: Literal["role"]
    role: Id
    shortname: Name


class AccountReading(Reading):
    kind: Literal["account"]
    user: Id
    present: bool
    username: Text = ""
    idnumber: Text = ""
    email: Text = ""
    firstname: Text = ""
    lastname: Text = ""
    suspended: bool = False
    profile: Texts = {}


class EnrolmentRow(Item):
    id: Id | None = None
    """None: the sender can't tell; the row stands for all enrolments of the user in the course."""
    method: Annotated[str, Field(max_length=50), AfterValidator(storable)] = ""
    status: Literal[0, 1]
    timestart: Second = None
    timeend: Second = None


class RoleRow(Item):
    id: Id | None = None
    """None: the sender can't tell; the row stands for all assignments of the role to the user in the course."""
    role: Id
    shortname: Name


class GroupRow(Item):
    id: Id
    name: Text
    idnumber: Text = ""
    groupings: Annotated[tuple[Text, ...], Field(max_length=50)] = ()


class EnrolmentReading(Reading):
    kind: Literal["enrolment"]
    course: Id
    user: Id
    enrolments: Annotated[tuple[EnrolmentRow, ...], Field(max_length=50)]
    roles: Annotated[tuple[RoleRow, ...], Field(max_length=50)]
    groups: Annotated[tuple[GroupRow, ...], Field(max_length=200)]


class CompletionReading(Reading):
    kind: Literal["completion"]
    module: Id
    course: Id
    user: Id
    present: bool
    state: Literal[0, 1, 2, 3] = 0
    timemodified: Second = None
    overrideby: Id | None = None


class CompletionRow(Item):
    module: Id
    state: Literal[0, 1, 2, 3]
    timemodified: Second = None
    overrideby: Id | None = None


class CompletionsReading(Reading):
    """All completion rows of one user in one course among some activities: what has no row there is gone."""

    kind: Literal["completions"]
    course: Id
    user: Id
    among: Annotated[tuple[Id, ...], Field(max_length=2000)]
    rows: Annotated[tuple[CompletionRow, ...], Field(max_length=2000)]


class AttendanceEntry(Item):
    """What was recorded of a user at a session."""

    user: Id
    status: Name = ""
    points: Points | None = None
    """None: the sender can't tell any more what the status is."""
    listed: bool = True
    """Takes part in the course, so that he or she could be recorded now."""


class AttendanceSession(Item):
    id: Id
    starts_at: Moment
    seconds: Annotated[int, BeforeValidator(_number), Field(ge=0, le=31_622_400)] = 0
    """How long it is; 0: nobody said."""
    title: Text = ""
    group: Annotated[int, BeforeValidator(_number), Field(ge=0, le=2**63 - 1)] = 0
    """0: of everybody in the course."""
    most: Points | None = None
    """The points of the status that has most; None: the sender doesn't say."""
    log: Annotated[tuple[AttendanceEntry, ...], Field(max_length=20_000)] = ()


class AttendanceReading(Reading):
    """All sessions of an attendance activity (mod_attendance): what isn't listed is gone."""

    kind: Literal["attendance"]
    module: Id
    course: Id
    sessions: Annotated[tuple[AttendanceSession, ...], Field(max_length=2000)]


AnyReading = Annotated[
    CourseReading
    | ModuleReading
    | RoleReading
    | AccountReading
    | EnrolmentReading
    | CompletionReading
    | CompletionsReading
    | AttendanceReading,
    Field(discriminator="kind"),
]
reading_adapter: TypeAdapter[AnyReading] = TypeAdapter(AnyReading)
