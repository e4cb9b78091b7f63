"""A session and those that make it up are one occasion: attending any of them is attending that one."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from mappings.facts import Meeting


@dataclass(frozen=True, slots=True)
class Occasion:
    """`lead`: the session itself, cancelled or not. `meetings`: when it is held; never empty, the session itself
    first, then by time."""

    lead: Meeting
    meetings: tuple[Meeting, ...]

    @property
    def item(self) -> str:
        """What is said of the occasion as a whole is said of the one that it is held as first."""
        return self.meetings[0].item

    @property
    def starts_at(self) -> datetime:
        return self.meetings[0].starts_at

    @property
    def last(self) -> Meeting:
        """The last chance to be there. Of whatever is still to come it is the one to name: that doesn't change with
        time."""
        return max(self.meetings, key=lambda meeting: (meeting.starts_at, meeting.item))

    @property
    def items(self) -> tuple[str, ...]:
        """What facts may name it by, those of the session itself first."""
        return (self.lead.occasion, *(meeting.item for meeting in self.meetings))

    def attended(self, attended: frozenset[str] | None, now: datetime) -> str | None:
        """The item that somebody attended of it; None: none. `attended` None: what is over was attended."""
        if attended is None:
            return next((meeting.item for meeting in self.meetings if meeting.starts_at <= now), None)
        there = next((meeting.item for meeting in self.meetings if meeting.item in attended), None)
        # An activity that stands for it names the occasion, also where the session itself was cancelled.
        return there or (self.item if self.lead.occasion in attended else None)


def occasions(meetings: Iterable[Meeting]) -> list[Occasion]:
    """The occasions of sessions, by time. What was cancelled and isn't made up is none."""
    groups: dict[str, list[Meeting]] = {}
    for meeting in meetings:
        groups.setdefault(meeting.occasion, []).append(meeting)
    found = []
    for group in groups.values():
        ordered = sorted(group, key=lambda meeting: (meeting.makes_up is not None, meeting.starts_at, meeting.item))
        held = tuple(meeting for meeting in ordered if not meeting.cancelled)
        if held:
            found.append(Occasion(ordered[0] if ordered[0].makes_up is None else held[0], held))
    return sorted(found, key=lambda occasion: (occasion.starts_at, occasion.item))
