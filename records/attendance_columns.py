"""Which column of somebody's list is which of ours, and what is said once for the whole file."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from records.attendance_file import LAYOUT, MODES
from records.csv_file import Line, Problem, UnreadableFile
from records.tables import Table, open_table

FIRST, LAST = "first_name", "last_name"
"""Columns that make a name together."""
OURS = (*LAYOUT.known, FIRST, LAST)
FIXED = tuple(column for column in LAYOUT.known if column not in ("user", "idnumber", "email", "name"))
"""What can be said once for all rows."""
SAMPLES = 3
VARIANTS: dict[str, tuple[str, ...]] = {
    "site": ("moodle", "moodle site"),
    "community": ("cop", "course", "course id number", "course idnumber"),
    "session": ("session code", "code", "meeting", "event"),
    "date": ("session date", "day", "event date"),
    "start": ("start time", "starts", "begins", "begin", "time"),
    "mode": ("session mode", "how"),
    "minutes": ("duration", "duration minutes", "minutes attended", "time in session minutes", "total minutes", "min"),
    "title": ("session title", "session name", "topic"),
    "timezone": ("time zone", "tz"),
    "planned_minutes": ("planned", "planned length", "length"),
    "activity": ("activity id number", "moodle activity"),
    "kind": ("session kind", "type"),
    "shared_with": ("shared",),
    "user": ("user id", "userid", "moodle id", "moodle user id", "moodle user"),
    "idnumber": ("id number", "student id", "employee id", "staff id", "student number", "id no", "member id"),
    "email": ("e mail", "email address", "e mail address", "mail", "work email", "user email"),
    "name": ("full name", "participant", "participant name", "attendee", "attendee name", "student", "student name"),
    "status": ("attendance", "attendance status", "present"),
    "attended_as": ("attendance mode", "mode of attendance", "attended how"),
    FIRST: ("firstname", "given name", "forename"),
    LAST: ("lastname", "surname", "family name"),
}
"""What other people's headers are called, in small letters and without signs."""
BY_VARIANT = {variant: ours for ours, variants in VARIANTS.items() for variant in (ours.replace("_", " "), *variants)}


@dataclass(slots=True)
class Reading:
    """How a table is read."""

    columns: Mapping[str, str]
    """Theirs to ours; empty: it is passed over."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Of our columns, for rows whose cell is empty or that lack the column."""
    sheet: str | None = None

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> "Reading":
        """As a report's options keep it."""
        return cls(options.get("columns") or {}, options.get("values") or {}, options.get("sheet"))

    @property
    def lacking(self) -> list[str]:
        """What neither a column nor a value says, though every row needs it."""
        given = set(self.columns.values()) | {column for column, value in self.values.items() if value}
        missing = [column for column in LAYOUT.required if column not in given and column != "minutes"]
        if not given & {"minutes", "status"}:
            missing.append("minutes")
        if not given & {*LAYOUT.either, FIRST, LAST}:
            missing.append("email")
        return missing

    @property
    def twice(self) -> list[str]:
        """What two columns of theirs are said to be."""
        ours = [column for column in self.columns.values() if column]
        return sorted({column for column in ours if ours.count(column) > 1})


def proposed(header: Sequence[str]) -> dict[str, str]:
    """For each of somebody's headers the column of ours that it plainly is, or nothing."""
    found: dict[str, str] = {}
    for theirs in header:
        ours = BY_VARIANT.get(_plain(theirs), "")
        found[theirs] = ours if ours not in found.values() else ""
    return found


def _plain(header: str) -> str:
    return re.sub(r"[\W_]+", " ", header.casefold()).strip()


@dataclass(frozen=True, slots=True)
class Look:
    """The beginning of a table: its header, and values below it."""

    header: list[str]
    samples: list[list[str]]
    sheets: tuple[str, ...]


def look(data: bytes, sheet: str | None = None) -> Look:
    """Raises UnreadableFile where there is no table, or columns share a name."""
    table = open_table(data, sheet=sheet)
    rows = table.rows()
    header = _header(rows)
    samples = [values for _, (_, values) in zip(range(SAMPLES), rows, strict=False)]
    return Look(header, samples, table.sheets)


def _header(rows: Iterator[tuple[int, list[str]]]) -> list[str]:
    number, header = next(rows, (0, []))
    while number and len(header) == 1 and re.fullmatch(r"(?i)sep=.?", header[0]):
        number, header = next(rows, (0, []))
    while header and not header[-1]:
        header.pop()
    if not header:
        raise UnreadableFile("The file is empty; its first line has to name the columns.")
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise UnreadableFile(f"The columns are wrong: {', '.join(map(repr, twice))} stands twice.")
    return header


def count(data: bytes, sheet: str | None = None) -> int:
    """How many rows a table has below its header. Raises UnreadableFile."""
    rows = open_table(data, sheet=sheet).rows()
    _header(rows)
    return sum(1 for _ in rows)


def lines(data: bytes, reading: Reading) -> Iterator[Line]:
    """The rows of a table, one after the other, in our columns. Raises UnreadableFile, also in the middle."""
    table = open_table(data, sheet=reading.sheet)
    rows = table.rows()
    header = _header(rows)
    ours = [reading.columns.get(name, "") for name in header]
    columns = frozenset(column for column in ours if column) | reading.values.keys()
    told = 0
    for number, values in rows:
        line = Line(number, columns, dict.fromkeys(LAYOUT.known, "") | _values(ours, values, reading.values))
        if any(values[len(header) :]):
            line.refuse("", f"has {len(values)} values, and the first line names {len(header)} columns")
        line.problems.extend(_of_line(table, told, number))
        told = len(table.problems)
        yield line


def _of_line(table: Table, told: int, number: int) -> list[Problem]:
    """What the workbook itself has to say of a row, with the number that people see."""
    return [problem for problem in table.problems[told:] if problem.line == number]


def _values(ours: Sequence[str], values: Sequence[str], fixed: Mapping[str, str]) -> dict[str, str]:
    given = {column: value for column, value in zip(ours, values, strict=False) if column}
    name = " ".join(part for part in (given.pop(FIRST, ""), given.pop(LAST, "")) if part)
    if name and not given.get("name"):
        given["name"] = name
    for column in ("mode", "attended_as"):
        if given.get(column):
            given[column] = _mode(given[column])
    if given.get("start"):
        given["start"] = re.sub(r"^(\d{1,2}:\d{2}):00$", r"\1", given["start"])
    for column, value in fixed.items():
        given[column] = given.get(column) or value
    return given


def _mode(text: str) -> str:
    """`Face-to-face` is how people write `face_to_face`."""
    plain = _plain(text).replace(" ", "_")
    return plain if plain in MODES else text
