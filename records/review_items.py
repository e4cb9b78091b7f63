"""What waits for staff, as it is shown: see records.review."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from mappings.attending import Said, Way
from records.matching_people import Suggestion, Who
from records.presences import Key


class Waits(StrEnum):
    """The kinds of things that wait."""

    UNMATCHED = "unmatched"
    CONFLICT = "conflict"
    HELD = "held"
    WALK_IN = "walk_in"


@dataclass(frozen=True, slots=True)
class Meeting:
    """A session as it is shown. `community_id` is its own, `mine` those of its communities that are in scope."""

    id: UUID
    title: str
    code: str
    starts_at: datetime
    timezone: str
    mode: str
    community_id: UUID
    mine: tuple[UUID, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """An account as it is shown; `account` is its Moodle id, negative where the person was erased."""

    account_id: UUID
    person_id: UUID
    name: str
    account: int


@dataclass(frozen=True, slots=True)
class Unmatched:
    """Somebody nobody knows: all open rows of one report and session that say the same of who it is."""

    presence_id: UUID
    """One of the rows, which stands for all of them."""
    meeting: Meeting
    who: Who
    ways: tuple[Way, ...]
    minutes: int | None
    """As that report says it, if it does."""
    suggestions: tuple[Suggestion, ...]


@dataclass(frozen=True, slots=True)
class HeldBack:
    """What doesn't count until somebody lets it. `why` is a code of Presence.held."""

    presence_id: UUID
    meeting: Meeting
    person: Named
    way: Way
    why: str
    beside: tuple[Named, ...]
    """Who else was recorded by the same device at that session."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one way says, and what it would earn: whole minutes in a component."""

    said: Said
    minutes: int
    component: str
    stands: bool
    later: bool
    """It was reported after the decision."""
    open: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Ways that disagree about a person; `decided`: somebody had decided, and then something else was reported."""

    meeting: Meeting
    person: Named
    sides: tuple[Side, ...]
    decided: bool
    statuses: tuple[str, ...]
    """Those that the program weighs here; none where it counts minutes."""

    @property
    def key(self) -> Key:
        return self.meeting.id, self.person.account_id


@dataclass(frozen=True, slots=True)
class WalkIn:
    """Somebody who came and isn't enrolled in Moodle yet: the minutes count once that is so."""

    meeting: Meeting
    person: Named


@dataclass(slots=True)
class Review:
    """Everything that waits, as far as the actor's scope reaches."""

    unmatched: list[Unmatched] = field(default_factory=list)
    held: list[HeldBack] = field(default_factory=list)
    conflicts: list[Conflict] = field(default_factory=list)
    walk_ins: list[WalkIn] = field(default_factory=list)
    people: dict[UUID, Named] = field(default_factory=dict)
    """Who is suggested, and who is on the rosters of the sessions with unmatched people, by account."""
    rosters: dict[UUID, list[UUID]] = field(default_factory=dict)
    """The accounts of the roster of each such session, by name."""

    @property
    def counts(self) -> dict[Waits, int]:
        return {
            Waits.UNMATCHED: len(self.unmatched),
            Waits.CONFLICT: len(self.conflicts),
            Waits.HELD: len(self.held),
            Waits.WALK_IN: len(self.walk_ins),
        }
