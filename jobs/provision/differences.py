"""What can differ between a course and its provision file, how much each weighs, and what is to be done about it."""

from dataclasses import dataclass
from enum import StrEnum


class Weight(StrEnum):
    """What a change that was made by hand amounts to."""

    HARMLESS = "harmless"
    """Nothing hangs on it: it is told, and left."""
    ADOPT = "adopt"
    """It may be meant: it is left, until the file says it or somebody undoes it in Moodle."""
    MEND = "mend"
    """Hours, or who takes part, hang on it: the next application puts it right."""


class Kind(StrEnum):
    """What differs. `about` and the values of each: see Difference."""

    weight: Weight

    def __new__(cls, name: str, weight: Weight = Weight.MEND) -> "Kind":
        member = str.__new__(cls, name)
        member._value_ = name
        member.weight = weight
        return member

    COURSE = "course"
    """There is no course."""
    FULLNAME = ("fullname", Weight.ADOPT)
    SHORTNAME = ("shortname", Weight.ADOPT)
    IDNUMBER = "idnumber"
    CATEGORY = ("category", Weight.ADOPT)
    STARTS = "starts"
    ENDS = "ends"
    VISIBLE = "visible"
    TRACKING = "tracking"
    """The course doesn't track completion."""
    FIELD = "field"
    SECTION_GONE = "section_gone"
    SECTION_NAME = "section_name"
    """Rules may go by it."""
    SECTION_VISIBLE = ("section_visible", Weight.ADOPT)
    SECTION_TEXT = ("section_text", Weight.HARMLESS)
    SECTION_NEW = ("section_new", Weight.HARMLESS)
    ACTIVITY_GONE = "activity_gone"
    """Nothing here can bring it back."""
    ACTIVITY_IDNUMBER = "activity_idnumber"
    ACTIVITY_NAME = ("activity_name", Weight.ADOPT)
    ACTIVITY_SECTION = "activity_section"
    ACTIVITY_VISIBLE = ("activity_visible", Weight.ADOPT)
    ACTIVITY_RULES = "activity_rules"
    ACTIVITY_FURTHER = "activity_further"
    """Rules of its own kind, which nothing here can set."""
    ACTIVITY_EXPECTED = ("activity_expected", Weight.HARMLESS)
    ACTIVITY_MINUTES = "activity_minutes"
    ACTIVITY_COMPONENT = "activity_component"
    ACTIVITY_RESTRICTED = ("activity_restricted", Weight.HARMLESS)
    ACTIVITY_NEW = ("activity_new", Weight.HARMLESS)
    ACTIVITY_NEW_HOURS = ("activity_new_hours", Weight.ADOPT)
    """A new one that declares hours, or has an ID number."""
    GROUP = "group"
    GROUP_NAME = ("group_name", Weight.HARMLESS)
    GROUP_NEW = ("group_new", Weight.ADOPT)
    COHORT = "cohort"
    COHORT_OFF = "cohort_off"
    MANUAL_OFF = "manual_off"
    """People can't be enrolled by hand."""
    METHOD_NEW = ("method_new", Weight.ADOPT)
    """Another way to be enrolled, such as by oneself."""
    ACCOUNT = "account"
    """Somebody of the file has no account."""
    PERSON = "person"
    """Somebody of the file isn't enrolled."""
    PERSON_SUSPENDED = ("person_suspended", Weight.ADOPT)
    PERSON_ROLE = "person_role"
    PERSON_ROLE_MORE = ("person_role_more", Weight.ADOPT)
    """Somebody has other roles beside the file's."""
    PERSON_GROUP = "person_group"
    PERSON_GROUP_MORE = ("person_group_more", Weight.ADOPT)
    """Somebody is in other groups of the file's beside their own."""
    PERSON_NEW = ("person_new", Weight.ADOPT)
    """Somebody takes part of whom the file doesn't know."""
    WELCOME = "welcome"
    SESSION = "session"
    SESSION_CHANGED = ("session_changed", Weight.ADOPT)
    EVENT = "event"
    """A session isn't in the course's calendar."""
    EVENT_ELSEWHERE = ("event_elsewhere", Weight.ADOPT)
    """It is there, at another time."""
    COMMUNITY = "community"
    """A copied course that nobody has let in as a community of its own."""


UNMENDABLE = frozenset({Kind.ACTIVITY_GONE, Kind.ACTIVITY_FURTHER, Kind.MANUAL_OFF, Kind.COHORT_OFF})
"""What no web service puts right: somebody has to, in Moodle."""

Value = str | int | bool | None


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that isn't as the file has it."""

    kind: Kind
    about: str = ""
    """Which one: an activity's or group's ID number (else its name), a section's number, a field's short name, a
    session's code, a cohort's ID number. Of a person: the row of the file (`people.csv:7`), else Moodle's id."""
    wanted: Value = None
    found: Value = None
    cmid: int = 0
    """Of an activity that is there."""
    by_hand: bool = False
    """It was as the file has it once, and somebody changed it in Moodle."""

    @property
    def to_do(self) -> bool:
        """Whether an application does something about it."""
        return self.kind not in UNMENDABLE and (not self.by_hand or self.kind.weight is Weight.MEND)

    @property
    def creates(self) -> bool:
        """Whether something new is made, rather than something changed."""
        return self.found is None and not self.by_hand
