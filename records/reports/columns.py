"""Columns of reports in the languages that they are known in, and the rows beneath them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo

from records.csv_file import Problem
from records.reports.clock import plain, zone_named

Rows = Sequence[tuple[int, list[str]]]
NOTHING = ("", "-", "--", "n/a", "na")
"""What products write where they have no value."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row about somebody, as written."""

    line: int
    who: Mapping[str, str]
    joined: str = ""
    left: str = ""
    lasted: str = ""
    host: bool = False
    summed: bool = False
    """From the first joining to the last leaving: `lasted` is the time in between that they were there."""


@dataclass(slots=True)
class Found:
    """What a format makes of a file's rows, before anything is understood of its times."""

    entries: list[Entry]
    title: str = ""
    started: str = ""
    ended: str = ""
    zone: tuple[str, tzinfo] | None = None
    """The zone that the file names for all its times, as written and as understood."""
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def state_zone(self, line: int, text: str) -> None:
        """The file names a zone on this line; what can't be understood of it is noted."""
        if zone := zone_named(text):
            self.zone = (text, zone)
        else:
            self.notes.append(Problem(line, "", f"names the time zone '{text}', which isn't known: yours was used"))


@dataclass(frozen=True, slots=True)
class Header:
    """A row that names columns."""

    index: int
    """Of the row among all rows."""
    columns: Mapping[str, int]
    """Which of the names asked for stands in which column."""
    zone: tuple[str, tzinfo] | None = None
    """A zone in a column's name: `Join time (UTC)`."""
    names: Sequence[str] = ()
    """As written."""

    def value(self, fields: Sequence[str], name: str) -> str:
        """The value of a row in a column, trimmed; empty where there is none."""
        at = self.columns.get(name)
        value = fields[at].strip() if at is not None and at < len(fields) else ""
        return "" if value.lower() in NOTHING else value


def header_of(index: int, fields: Sequence[str], names: Mapping[str, frozenset[str]]) -> Header:
    """The columns of a row by the names that they may have; the first stands where two have one."""
    columns: dict[str, int] = {}
    zone = None
    for at, written in enumerate(fields):
        text = plain(written).rstrip(":")
        base, _, stated = written.partition("(")
        if stated and not any(text in known for known in names.values()) and (found := zone_named(stated)):
            text, zone = plain(base), (stated.strip(") "), found)
        for name, known in names.items():
            if text in known:
                columns.setdefault(name, at)
    return Header(index, columns, zone, fields)


def named(**names: str) -> dict[str, frozenset[str]]:
    """Names of columns: each a list in one text, separated by bars."""
    return {name: frozenset(plain(one) for one in known.split("|")) for name, known in names.items()}


def who_of(name: str, email: str) -> dict[str, str]:
    """As `ReportPerson.who` has it."""
    return {key: value for key, value in (("name", name), ("email", email)) if value}


def said(rows: Rows, names: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """What lines of a name and its value (`Meeting title`, `Budget`) say."""
    for _, fields in rows:
        for name, known in names.items():
            if len(fields) > 1 and plain(fields[0]).rstrip(":") in known:
                yield name, fields[1].strip()
