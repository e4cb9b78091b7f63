"""What a batch of items amounts to, gathered so that each table is written once a batch, in one order."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from mappings.completion import Completion, Observation, clash
from records.adoptions import CopySeen
from records.claims import CourseSeen
from records.completions import CompletionKey, Reported
from records.declared import HoursTold
from records.drift import Swept
from records.inbox import Question
from records.joins import Joined
from records.mirror import PairReport, Row
from records.module_forms import ModuleSeen
from records.moodle_log import AttendanceRead
from records.people import AccountName

SEVERAL = "several_in_one_second"


@dataclass(frozen=True, slots=True)
class Source:
    """Where an item comes from. `cause` is its correlation id; `trusted` is False for senders that also
    send what Moodle rolls back; `swept`: from our own reading of Moodle's state, so that news in it is drift."""

    site_id: UUID
    cause: UUID
    trusted: bool
    swept: bool = False


def of_one_second(key: CompletionKey, course_id: int, second: datetime) -> Question:
    """Within one second nobody can tell which event came last: complete stands, and Moodle is asked."""
    return Question(key[0], course_id, key[2], key[1], SEVERAL, second)


@dataclass(slots=True)
class Batch:
    """Filled by the kinds, written by jobs.process in the order of the fields."""

    courses: list[Row] = field(default_factory=list)
    courses_seen: list[CourseSeen] = field(default_factory=list)
    copies: list[CopySeen] = field(default_factory=list)
    modules: list[Row] = field(default_factory=list)
    modules_seen: list[ModuleSeen] = field(default_factory=list)
    hours: list[HoursTold] = field(default_factory=list)
    roles: list[Row] = field(default_factory=list)
    accounts: list[Row] = field(default_factory=list)
    groups: list[Row] = field(default_factory=list)
    pairs: list[PairReport] = field(default_factory=list)
    completions: dict[CompletionKey, Reported] = field(default_factory=dict)
    attendance: list[AttendanceRead] = field(default_factory=list)
    joins: list[Joined] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    read: dict[CompletionKey, datetime] = field(default_factory=dict)
    """The latest reading of each completion in this batch: it answers what its events leave open."""
    swept: Swept = field(default_factory=Swept)
    """What a sweep's readings in this batch are about."""
    unknown: set[tuple[UUID, AccountName]] = field(default_factory=set)
    """Keys of people that no account has: what is about them was put aside."""
    causes: dict[Any, UUID] = field(default_factory=dict)
    """The correlation id of the item that reported a completion, pair or module, by its key."""

    def observe(self, key: CompletionKey, course_id: int, seen: Observation, source: Source) -> None:
        new = Completion.of(seen)
        held = self.completions.get(key)
        second = clash(held.completion, new) if held else None
        if second:
            self.questions.append(of_one_second(key, course_id, second))
        self.completions[key] = Reported(course_id, held.completion.merge(new) if held else new)
        self.causes[key] = source.cause
