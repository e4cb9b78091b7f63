"""What the engine reads: facts, decisions and bindings; and what it answers: credits and explanations."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any


class State(IntEnum):
    """Moodle's completion states. Source: completionlib's COMPLETION_* values, as recorded."""

    INCOMPLETE = 0
    COMPLETE = 1
    PASSED = 2
    FAILED = 3


class Ended(StrEnum):
    """Why a fact no longer stands in Moodle."""

    UNDONE = "undone"
    """The row is there with state 0."""
    RESET = "reset"
    """The row is gone."""
    DELETED = "deleted"
    """The module is gone."""
    LEFT = "left"
    """The participant has no enrolment any more."""


class FactKind(StrEnum):
    COMPLETION = "completion"
    ATTENDANCE = "attendance"


@dataclass(frozen=True, slots=True)
class Activity:
    """A course module as it was when it was bound: what rules look at."""

    idnumber: str
    kind: str
    section: str
    name: str


@dataclass(frozen=True, slots=True)
class Session:
    """A meeting as the engine needs it. `mode` is one of the program file's modes."""

    title: str
    mode: str
    alternative_of: str | None = None
    """The fact key prefix of the Moodle activity that stands for this session: the best of both counts."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something achieved. `happened_at` is aware UTC, `minutes` whole minutes (attendance only)."""

    id: str
    key: str
    kind: FactKind
    happened_at: datetime
    state: State | None = None
    minutes: int | None = None
    ended: Ended | None = None
    provisional: bool = False
    activity: Activity | None = None
    """None for a completion whose module no reading has described yet."""
    session: Session | None = None
    alternative: str | None = None
    """Facts of one alternative group credit once: the best counts."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A person's decision that gives or takes minutes."""

    id: str
    decided_at: datetime
    minutes: int
    component: str


@dataclass(frozen=True, slots=True)
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


class Nothing(StrEnum):
    """Why a fact earned nothing; the words for it belong to the pages."""

    NO_RULE = "no_rule"
    NOT_PASSED = "not_passed"
    UNDONE = "undone"
    PROVISIONAL = "provisional"
    UNKNOWN_ACTIVITY = "unknown_activity"
    MODE_WITHOUT_COMPONENT = "mode_without_component"
    ALTERNATIVE_COUNTED = "alternative_counted"
    NOT_A_PARTICIPANT = "not_a_participant"
    ZERO_MINUTES = "zero_minutes"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an explanation: a credit, or a fact that earned nothing and why."""

    fact: Fact | None
    credit: Credit | None
    nothing: Nothing | None = None
    params: dict[str, Any] = field(default_factory=dict)
    decision: str | None = None
