"""What Moodle said about one completion row, folded so that order, repetition and batching don't matter.

Every part of `Completion` is a maximum or a minimum over what was observed, so folding is commutative,
associative and idempotent: law 2 holds by construction, not by care.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self

from mappings.facts import Ended, State

EVENT, READING = 0, 1
"""Ranks: on a tie in time a reading beats an event."""
EARNING = (State.COMPLETE, State.PASSED)


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """What stands: the later; then readings before events; then complete before incomplete."""

    at: datetime
    rank: int
    weight: int


@dataclass(frozen=True, slots=True)
class Observation:
    """One report of a completion row. `at` is aware UTC: a reading's read_at, an event's whole second.

    `since` is when the row last changed (a reading's timemodified), `trusted` is False for senders that
    also send rolled-back work.
    """

    at: datetime
    rank: int
    present: bool
    state: State = State.INCOMPLETE
    since: datetime | None = None
    overrideby: int | None = None
    trusted: bool = True

    @property
    def stamp(self) -> Stamp:
        # Of states on one instant: passed, complete, failed, incomplete, gone.
        weight = (
            {State.PASSED: 4, State.COMPLETE: 3, State.FAILED: 2, State.INCOMPLETE: 1}[self.state]
            if self.present
            else 0
        )
        return Stamp(self.at, self.rank, weight)


@dataclass(frozen=True, slots=True)
class Completion:
    """The fold. `row` is the latest report of a row that was there, `latest` the latest report at all."""

    latest: Observation
    row: Observation | None = None
    first_complete: datetime | None = None
    first_passed: datetime | None = None
    first_failed: datetime | None = None
    confirmed: bool = False
    """A trusted sender reported this row at least once as complete."""

    @classmethod
    def of(cls, seen: Observation) -> Self:
        when = min(seen.at, seen.since) if seen.since else seen.at
        firsts = {state: when if seen.present and seen.state is state else None for state in State}
        return cls(
            seen,
            seen if seen.present else None,
            firsts[State.COMPLETE],
            firsts[State.PASSED],
            firsts[State.FAILED],
            confirmed=seen.trusted and seen.present and seen.state in EARNING,
        )

    def merge(self, other: "Completion") -> "Completion":
        return replace(
            self,
            latest=_later(self.latest, other.latest),
            row=_later(self.row, other.row) if self.row and other.row else self.row or other.row,
            first_complete=_earlier(self.first_complete, other.first_complete),
            first_passed=_earlier(self.first_passed, other.first_passed),
            first_failed=_earlier(self.first_failed, other.first_failed),
            confirmed=self.confirmed or other.confirmed,
        )

    @property
    def first_completed_at(self) -> datetime | None:
        """The first time the activity was complete in a state that can earn, else the first failure."""
        return _earlier(self.first_complete, self.first_passed) or self.first_failed


def clash(a: Completion, b: Completion) -> datetime | None:
    """The second in which events said different things that both would stand: only Moodle can tell which came last."""
    one, other = a.latest, b.latest
    undecided = one.rank == other.rank == EVENT and one.at == other.at and one.state != other.state
    return one.at if undecided else None


def _later(a: Observation, b: Observation) -> Observation:
    return max(
        a,
        b,
        key=lambda seen: (
            seen.stamp,
            seen.since.timestamp() if seen.since else 0.0,
            seen.overrideby or 0,
            seen.trusted,
        ),
    )


def _earlier(a: datetime | None, b: datetime | None) -> datetime | None:
    return min(a, b) if a and b else a or b


@dataclass(frozen=True, slots=True)
class Achieved:
    """The fact in a completion: when first, in which state it stands or last stood, how it ended."""

    happened_at: datetime
    state: State
    ended: Ended | None
    overrideby: int | None
    provisional: bool


def achieved(seen: Completion, *, module_present: bool, enrolled: bool) -> Achieved | None:
    """The fact that a completion row amounts to; None while it was never complete.

    A row that is gone keeps the minutes (`reset`) only if it was complete when last seen: one that was
    undone before stays undone.
    """
    first = seen.first_completed_at
    if first is None or seen.row is None:
        return None
    state, ended = seen.row.state, None
    if state is State.INCOMPLETE:
        ended = Ended.UNDONE
        state = State.PASSED if seen.first_passed else State.COMPLETE if seen.first_complete else State.FAILED
    elif not module_present:
        ended = Ended.DELETED
    elif not seen.latest.present:
        ended = Ended.RESET
    elif not enrolled:
        ended = Ended.LEFT
    # A failure earns nothing, so that no report of a completion confirms it: its own sender does.
    confirmed = seen.confirmed or (state is State.FAILED and seen.row.trusted)
    return Achieved(first, state, ended, seen.row.overrideby, provisional=not confirmed)
