"""What taking in a report amounts to, piece by piece: counts, problems, rows, and what it said of sessions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from records.attendance import Plan
from records.csv_file import Problem
from records.meetings import Meeting

MOST_PROBLEMS = 1000
MOST_ROWS = 5000
"""Kept of a dry run, for whoever looks at it row by row."""
COMPLETED = ("title", "kind", "planned_minutes", "module", "shared_with")
"""What a row may say of a session that is recorded without it."""
ACTIONS = ("new", "changed", "unchanged", "unmatched")

Row = tuple[int, str, str, str | None, str, str, str, bool]
"""(line, action, session's code, account, who the file says it is, before, now, whether the file's name is another one
than the account's), as JSON keeps it."""
Completed = dict[str, dict[str, Any]]
"""By session: columns and what they were given."""


@dataclass(slots=True)
class Tally:
    """Kept in a report's result."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ACTIONS, 0))
    wrong: int = 0
    """Rows that nothing is taken from."""
    problems: list[Problem] = field(default_factory=list)
    """The first of them."""
    notes: list[Problem] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    made: list[str] = field(default_factory=list)
    """Sessions that there weren't before."""
    codes: list[str] = field(default_factory=list)
    """Their codes."""
    completed: Completed = field(default_factory=dict)
    """What was recorded of sessions that were known without it."""
    states: dict[str, list[str]] = field(default_factory=dict)
    """Which of those columns the rows say of which session, known or not."""
    walk_ins: int = 0

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> "Tally":
        """What `as_json` gave; columns that were pruned are empty."""
        tally = cls()
        for name in cls.__slots__:
            if name in kept:
                setattr(tally, name, kept[name])
        tally.problems = [Problem(*one) for one in kept.get("problems", ())]
        tally.notes = [Problem(*one) for one in kept.get("notes", ())]
        tally.rows = [tuple(row) for row in kept.get("rows", ())]
        return tally

    def as_json(self) -> dict[str, Any]:
        """For the report's result."""
        kept = {name: getattr(self, name) for name in self.__slots__}
        for name in ("problems", "notes"):
            kept[name] = [[one.line, one.column, one.message] for one in kept[name]]
        return kept

    def refuse(self, problems: Sequence[Problem]) -> None:
        """Note what is wrong."""
        self.wrong += len({problem.line for problem in problems})
        self.problems += problems[: MOST_PROBLEMS - len(self.problems)]

    def count(self, action: str) -> None:
        self.counts[action] += 1

    def show(self, rows: Iterable[Row]) -> None:
        """Keep rows for looking at, as many as are kept."""
        for row in rows:
            if len(self.rows) < MOST_ROWS:
                self.rows.append(row)

    def take_back(self, lines: Sequence[int]) -> None:
        """Lines of earlier pieces that a later one contradicts, after all."""
        said = "is contradicted by a later line about the same person and session: neither is taken"
        by_line = {row[0]: row for row in self.rows}
        for line in lines:
            action = by_line[line][1] if line in by_line else "new"
            self.counts[action] -= 1
        self.rows = [row for row in self.rows if row[0] not in set(lines)]
        self.refuse([Problem(line, "minutes", said) for line in lines])

    def add(self, plan: Plan, *, show: bool) -> None:
        """Count a piece of a table in."""
        self.take_back(plan.taken_back)
        self.refuse(plan.problems)
        for fact in plan.facts:
            self.count(fact.action)
        self.walk_ins += plan.walk_ins
        self.made += [str(session_id) for session_id, _ in plan.sessions]
        self.codes += [meeting.code for _, meeting in plan.sessions]
        for session_id, meeting in plan.linked:
            if str(session_id) not in self.made:
                now = completed(plan.recorded[session_id], meeting)
                self.completed[str(session_id)] = self.completed.get(str(session_id), {}) | now
        for session_id, meeting in plan.stated.items():
            said = set(self.states.get(str(session_id), ())) | {c for c in COMPLETED if getattr(meeting, c) is not None}
            self.states[str(session_id)] = sorted(said)
        if show:
            self.show(_rows(plan))


def completed(before: Meeting, after: Meeting) -> dict[str, Any]:
    """The columns that a session was recorded without, and what they say now, as JSON keeps it."""
    return {
        column: value_of(after, column)
        for column in COMPLETED
        if getattr(before, column) is None and getattr(after, column) is not None
    }


def value_of(meeting: Meeting, column: str) -> Any:
    """A column of a session as JSON keeps it."""
    value = getattr(meeting, column)
    if column == "module":
        return [str(value[0]), value[1]] if value else None
    return sorted(map(str, value)) if isinstance(value, frozenset) else value


def _rows(plan: Plan) -> Iterable[Row]:
    for fact in plan.facts:
        p = fact.presence
        account = str(p.account_id) if p.account_id else None
        before = there(fact.before, fact.before_status, fact.before_mode)
        now = there(p.minutes, p.status, p.mode)
        yield p.line, fact.action, p.meeting.code, account, who_words(p.who), before, now, p.other_name


def there(minutes: int | None, status: str | None, mode: str | None) -> str:
    """Minutes, status, and how somebody was there, as far as they are said."""
    return " ".join(str(part) for part in (minutes, status, mode) if part is not None)


def who_words(who: Mapping[str, str] | None) -> str:
    """What a file says of who somebody is, in a line."""
    return ", ".join((who or {}).values())
