"""What the engine reads: facts, decisions and the community; and what it answers: credits and explanations."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from mappings.base import record
from mappings.periods import ALWAYS, Span


class State(IntEnum):
    """Moodle's completion states. Source: completionlib's COMPLETION_* values, as recorded."""

    INCOMPLETE = 0
    COMPLETE = 1
    PASSED = 2
    FAILED = 3


class Ended(StrEnum):
    """Why a fact no longer stands."""

    UNDONE = "undone"
    """The row is there with state 0."""
    RESET = "reset"
    """The row is gone."""
    DELETED = "deleted"
    """The module is gone."""
    LEFT = "left"
    """The participant has no enrolment any more."""
    WITHDRAWN = "withdrawn"
    """A milestone that somebody took back."""


class FactKind(StrEnum):
    COMPLETION = "completion"
    ATTENDANCE = "attendance"
    MILESTONE = "milestone"


@dataclass(frozen=True, slots=True)
class Hours:
    """What an activity's form in Moodle says that it earns. `component` empty: what its rule counts in."""

    minutes: int
    component: str = ""


def hours_of(minutes: int | None, component: str) -> Hours | None:
    """Hours as two columns hold them."""
    return None if minutes is None else Hours(minutes, component)


@dataclass(frozen=True, slots=True)
class Activity:
    """A course module as it was when it was bound: what rules look at, and the hours that its form in Moodle states."""

    idnumber: str
    kind: str
    section: str
    name: str
    hours: Hours | None = None
    """Those of the form that counts: staff have accepted them."""
    declared: Hours | None = None
    """Those that Moodle's form states now, whoever accepted them."""


@dataclass(frozen=True, slots=True)
class Session:
    """A meeting as the engine needs it. `mode` and `kind` are the program file's; `planned_minutes` whole minutes."""

    title: str
    mode: str
    code: str = ""
    kind: str = ""
    planned_minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Milestone:
    """A milestone as it was recorded. `proven`: there is evidence."""

    code: str
    cycle: str = ""
    session: str | None = None
    """The item of the session that it follows."""
    proven: bool = False


@record
class Fact:
    """Something achieved. `happened_at` is aware UTC, `minutes` whole minutes (attendance only)."""

    id: str
    key: str
    kind: FactKind
    happened_at: datetime
    state: State | None = None
    minutes: int | None = None
    presence: str | None = None
    """The status code of an attendance, where the program weighs it."""
    ended: Ended | None = None
    overridden: bool = False
    """Somebody else marked it as done in the participant's place."""
    ours: bool = False
    """It was us who did: see records.telling_presence."""
    per_session: bool = False
    """Its activity stands for several sessions, each of which counts by itself."""
    provisional: bool = False
    activity: Activity | None = None
    """None for a completion whose module no reading has described yet."""
    session: Session | None = None
    milestone: Milestone | None = None
    item: str = ""
    """The activity or session that it is about, whoever did it: what `Offer.item` names."""
    alternative: str | None = None
    """Facts of one alternative group credit once: the best counts."""
    elsewhere: bool = False
    """It counts in another community of the person, as the program file says."""
    continues: bool = False
    """Of an activity in a copy of the course, which goes on with `item`: all that is about that item credits once."""
    several: bool = False
    """The person has several accounts, and may have done it with each: all that is about `item` credits once."""
    copied: bool = False
    """It came along when the course was copied, and wasn't done there."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A person's decision that gives or takes minutes. `approved`: by another person, as the program may ask."""

    id: str
    decided_at: datetime
    minutes: int
    component: str
    approved: bool = False


@dataclass(frozen=True, slots=True)
class SelfReport:
    """Hours that a participant reported; they count once staff approved them."""

    id: str
    happened_at: datetime
    minutes: int
    component: str
    approved: bool


@dataclass(frozen=True, slots=True)
class Recalculation:
    """A decision that facts of a span are credited by a version other than the one in force then."""

    id: str
    decided_at: datetime
    span: Span
    version: str


@dataclass(frozen=True, slots=True)
class Closing:
    """A closed period, as far as one membership goes."""

    id: str
    span: Span
    credits: Mapping[str, "Credit"] | None
    """What stood when it was closed, by key. None: it is being closed now."""
    admitted: frozenset[str] = frozenset()
    """Keys whose late change staff have let in."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """What people decided about a membership, and about its program."""

    adjustments: tuple[Adjustment, ...] = ()
    reports: tuple[SelfReport, ...] = ()
    recalculations: tuple[Recalculation, ...] = ()
    closings: tuple[Closing, ...] = ()
    waived: Mapping[str, str] = field(default_factory=dict)
    """Requirements and notices that somebody waived, with the decision's id."""


@dataclass(frozen=True, slots=True)
class Organisation:
    """Where people work. `designated_on`: since when it has its designation."""

    code: str
    kind: str
    level: str | None = None
    designation: str | None = None
    designated_on: date | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """What is asked of a participant depends on this."""

    newcomer: bool = False
    job_role: str | None = None
    organisation: Organisation | None = None


@dataclass(frozen=True, slots=True)
class Meeting:
    """A session of a community, held or planned."""

    item: str
    code: str
    title: str
    starts_at: datetime
    mode: str
    kind: str = ""
    planned_minutes: int | None = None
    makes_up: str | None = None
    """The item of the session that it is held again for."""
    cancelled: bool = False
    """It is in no offer and no requirement; what was reported of it anyway still counts once, with what makes it up."""

    @property
    def occasion(self) -> str:
        """What it shares with the sessions that make it up, or that it makes up: of these the best counts, once."""
        return self.makes_up or self.item


@dataclass(frozen=True, slots=True)
class Offer:
    """Something that a participant of the community can earn. `until`: the instant after which it is over."""

    item: str
    minutes: int
    component: str
    alternative: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Community:
    """What the engine needs to know of a community. `span`: its first to its last day."""

    topic: str
    region: str
    zone: ZoneInfo
    idnumbers: tuple[str, ...] = ()
    """Of its courses."""
    span: Span = ALWAYS
    meetings: tuple[Meeting, ...] = ()
    offers: tuple[Offer, ...] = ()
    """What can be earned in it: see mappings.offers."""


@record
class Credit:
    """Minutes that ought to stand in the ledger. `key` is stable over recomputations."""

    key: str
    minutes: int
    component: str
    rule: str
    program_version: str
    happened_at: datetime
    fact: str | None = None
    decision: str | None = None
    about: str | None = None
    """Of a line that follows from others (a cap, the best of alternatives): the fact that moved it last."""


class Nothing(StrEnum):
    """Why a fact earned nothing; the words for it belong to the pages."""

    NO_RULE = "no_rule"
    NOT_PASSED = "not_passed"
    UNDONE = "undone"
    ENDED = "ended"
    """It ended in a way that takes minutes back in this program."""
    OVERRIDDEN = "overridden"
    PROVISIONAL = "provisional"
    UNKNOWN_ACTIVITY = "unknown_activity"
    MODE_WITHOUT_COMPONENT = "mode_without_component"
    NOT_LONG_ENOUGH = "not_long_enough"
    STATUS_WITHOUT_WEIGHT = "status_without_weight"
    LENGTH_UNKNOWN = "length_unknown"
    NOT_PROVEN = "not_proven"
    NOT_APPROVED = "not_approved"
    SECOND_APPROVAL = "second_approval"
    """An adjustment so large that another person has to approve it."""
    COUNTS_ELSEWHERE = "counts_elsewhere"
    PER_SESSION = "per_session"
    """The activity stands for several sessions: those count."""
    WRITTEN_BY_US = "written_by_us"
    """Moodle has it because we told it who was at the session: that is what counts."""
    COPIED = "copied"
    """It was done in another course, of which this one is a copy."""
    LATE = "late"
    """It came after its period was closed: staff decide."""
    NOT_A_PARTICIPANT = "not_a_participant"
    ZERO_MINUTES = "zero_minutes"
    TO_BE_SET = "to_be_set"
    """The program file has yet to state what it earns."""


@record
class Line:
    """One line of an explanation: a credit, or a fact that earned nothing and why.

    `params`: rule, minutes, version and what else the words need. A line without fact and decision
    follows from others: `params["of"]` names their keys.
    """

    fact: Fact | None
    credit: Credit | None
    nothing: Nothing | None = None
    params: dict[str, Any] = field(default_factory=dict)
    decision: str | None = None
