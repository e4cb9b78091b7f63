"""Lines of a file that say different things of one person at one session: none of them is taken."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from records.attendance_rows import Presence
from records.csv_file import Problem
from records.meetings import Meeting, Name

Statement = tuple[int, int | None, str | None, str | None]
"""(line, minutes, status, how the person was there)."""
COLUMNS = ("minutes", "status", "attended_as")
"""The file's names for what comes after the line."""


@dataclass(slots=True)
class Earlier:
    """What the lines before these said in the same file, where it is taken in by pieces."""

    sessions: dict[Name, tuple[UUID, Meeting]] = field(default_factory=dict)
    """Those that aren't recorded yet, since nothing is written."""
    said: dict[bytes, tuple[Statement, ...]] = field(default_factory=dict)
    """Of one person at one session, by `key`: the first line, and one that contradicts it."""
    taken_back: list[int] = field(default_factory=list)
    """Lines before these that one of these contradicts: neither is taken."""


def key(meeting: Name, account_id: UUID) -> bytes:
    """Of a person at a session; short, since a file may name very many."""
    community, code = meeting
    return hashlib.blake2b(community.bytes + account_id.bytes + code.encode(), digest_size=16).digest()


def without_conflicts(presences: Sequence[Presence], earlier: Earlier, problems: list[Problem]) -> list[Presence]:
    """One presence for each person and session; the lines that contradict each other, or one before them, are noted."""
    by_person: dict[bytes, list[Presence]] = {}
    kept = []
    for presence in presences:
        if presence.account_id:
            by_person.setdefault(key(presence.meeting.name, presence.account_id), []).append(presence)
        else:
            # Two of a name may be two people: whoever says who they are sees both lines.
            kept.append(presence)
    for name, same in by_person.items():
        before = earlier.said.get(name, ())
        said = [*before, *((p.line, *_says(p)) for p in same)]
        differing = next((one for one in said if one[1:] != said[0][1:]), None)
        earlier.said[name] = (said[0], differing) if differing else (said[0],)
        if differing is None:
            kept += [] if before else same[:1]
            continue
        if len(before) == 1:
            earlier.taken_back.append(before[0][0])
        problems += [_contradiction(presence, said) for presence in same]
    return sorted(kept, key=lambda presence: presence.line)


def _contradiction(presence: Presence, said: Sequence[Statement]) -> Problem:
    """What the line and another one say."""
    line, *values = next(one for one in said if one[1:] != _says(presence))
    column, ours, theirs = next(
        each for each in zip(COLUMNS, _says(presence), values, strict=True) if each[1] != each[2]
    )
    text = f"says {_words(ours)} for a person of whom line {line} says {_words(theirs)} at that session"
    return Problem(presence.line, column, text)


def _says(presence: Presence) -> tuple[int | None, str | None, str | None]:
    return presence.minutes, presence.status, presence.mode


def _words(value: int | str | None) -> str:
    return "nothing" if value is None else str(value)
