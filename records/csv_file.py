"""Read a CSV file as people and Excel write it: row by row, with problems that name the line and the column."""

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

MAX_BYTES = 20_000_000
MAX_TEXT = 1333
"""As long as Moodle's own texts."""
MAX_CODE = 80
MAX_RECORD = 1_000_000
"""Characters of one record, over however many lines."""
_CHUNK = 1 << 20
_BYTES_OF_A_LINE = 1 << 16
"""More than any first line that is looked at for what separates the columns."""

T = TypeVar("T")


class UnreadableFile(Exception):
    """The file as a whole can't be used; the message says what was expected."""


class Wrong(Exception):
    """A value can't be used; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, and what was expected."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns that a kind of file may have."""

    required: tuple[str, ...]
    optional: tuple[str, ...]
    either: tuple[str, ...] = ()
    """Optional columns of which the file needs at least one."""

    @property
    def known(self) -> tuple[str, ...]:
        return self.required + self.optional


@dataclass(frozen=True, slots=True)
class Line:
    """The values of a line by column, stripped, and what is wrong with them."""

    number: int
    columns: frozenset[str]
    """Those that the file has."""
    values: Mapping[str, str]
    """Of every known column; empty where the file lacks it."""
    problems: list[Problem] = field(default_factory=list)

    def take(self, column: str, convert: Callable[[str], T], default: T) -> T:
        """The converted value; the default where `convert` raised Wrong, which is noted."""
        try:
            return convert(self.values[column])
        except Wrong as err:
            self.refuse(column, str(err))
            return default

    def refuse(self, column: str, message: str) -> None:
        self.problems.append(Problem(self.number, column, message))


def read_rows(data: bytes, layout: Layout, row_of: Callable[[Line], T]) -> tuple[list[T], list[Problem]]:
    """The rows of a file that are right in themselves, and the problems of the others.

    `row_of` makes a row of a line, and notes on it what is wrong. Raises UnreadableFile where the file as a whole
    is wrong.
    """
    encoding = _encoding_of(data)
    rows: list[T] = []
    problems: list[Problem] = []
    columns: list[str] | None = None
    for number, fields in records_of(data, encoding, delimiter_of(first_lines(data, encoding, 1))):
        if columns is None:
            columns = _columns(fields, layout)
            continue
        line = _line(number, columns, fields, layout)
        row = None if line.problems else row_of(line)
        if row is not None and not line.problems:
            rows.append(row)
        problems += line.problems
    if columns is None:
        needed = ", ".join(layout.required) + (f", and {' or '.join(layout.either)}" if layout.either else "")
        raise UnreadableFile(f"The file is empty; its first line has to name the columns: {needed}.")
    return rows, problems


def _encoding_of(data: bytes) -> str:
    check_size(data)
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UnreadableFile("The file is UTF-16: save it as 'CSV UTF-8' instead.")
    if data.startswith(b"PK\x03\x04"):
        raise UnreadableFile("The file is a workbook, not CSV: save it as 'CSV UTF-8'.")
    check_encoding(data, "utf-8-sig")
    return "utf-8-sig"


def check_size(data: bytes) -> None:
    """Raises UnreadableFile for a file over the limit."""
    if len(data) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1_000_000} MB: split it.")


def check_encoding(data: bytes, encoding: str) -> None:
    """Raises UnreadableFile where the bytes aren't text in this encoding, with the line. Holds no copy of the text."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for start in range(0, len(data), _CHUNK):
            decoder.decode(data[start : start + _CHUNK], final=start + _CHUNK >= len(data))
    except UnicodeDecodeError as err:
        if encoding != "utf-8-sig":
            raise UnreadableFile(
                "The file is damaged: it begins as UTF-16 and doesn't go on so. Export it again."
            ) from err
        line = data.count(b"\n", 0, _first_undecodable(data)) + 1
        raise UnreadableFile(
            f"Line {line} is not UTF-8 (an older Excel's CSV is Latin-1): save the file as 'CSV UTF-8'."
        ) from err


def _first_undecodable(data: bytes) -> int:
    try:
        data.decode()
    except UnicodeDecodeError as err:
        return err.start
    return len(data)


def _lines_of(data: bytes, encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")


def first_lines(data: bytes, encoding: str, count: int) -> list[str]:
    """The first lines that aren't blank, at most so many. Of a line without end its beginning."""
    text = _lines_of(data, encoding)
    found: list[str] = []
    while len(found) < count and (line := text.readline(_BYTES_OF_A_LINE)):
        if line.strip():
            found.append(line)
    return found


def delimiter_of(lines: Sequence[str]) -> str:
    """What separates the columns of these lines: comma, semicolon or tab. Excel's `sep=;` as the first line counts."""
    if lines and re.fullmatch(r"sep=[,;\t]\s*", lines[0], re.IGNORECASE):
        return lines[0][4]
    several = len(lines) > 1

    def weight(mark: str) -> tuple[int, bool, int]:
        # Of several lines that all have tabs the commas are those of dates and titles.
        return sum(mark in line for line in lines), several and mark == "\t", sum(line.count(mark) for line in lines)

    return max(",;\t", key=weight)


def records_of(data: bytes, encoding: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """The records that aren't blank, read one after the other: the number of the first line, the values as written.

    Raises UnreadableFile, also in the middle, for what isn't CSV.
    """
    text = _lines_of(data, encoding)
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        while line := text.readline(MAX_RECORD + 1):
            taken += len(line)
            if taken > MAX_RECORD:
                raise csv.Error(f"it goes on for more than {MAX_RECORD:,} characters")
            yield line

    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    first, begun = 1, False
    try:
        for fields in reader:
            number, first, taken = first, reader.line_num + 1, 0
            if not any(value.strip() for value in fields) or (not begun and fields[0].lower().startswith("sep=")):
                continue
            begun = True
            yield number, fields
    except csv.Error as err:
        raise UnreadableFile(f"Line {max(reader.line_num, first)} is not CSV: {err}.") from err


def _columns(fields: list[str], layout: Layout) -> list[str]:
    columns = [value.strip().lower() for value in fields]
    while columns and not columns[-1]:
        columns.pop()
    problems = [f"'{c}' stands twice" for c in sorted({c for c in columns if columns.count(c) > 1})]
    unknown = [c for c in columns if c not in layout.known]
    problems += [f"'{c}' is no column of this file" for c in dict.fromkeys(unknown)]
    problems += [f"'{c}' is missing" for c in layout.required if c not in columns]
    if layout.either and not set(layout.either) & set(columns):
        problems.append(" or ".join(f"'{c}'" for c in layout.either) + " is missing")
    if problems:
        raise UnreadableFile(f"The columns are wrong: {'; '.join(problems)}. Known: {', '.join(layout.known)}.")
    return columns


def _line(number: int, columns: list[str], fields: list[str], layout: Layout) -> Line:
    given = dict(zip(columns, (value.strip() for value in fields), strict=False))
    line = Line(number, frozenset(columns), dict.fromkeys(layout.known, "") | given)
    if any(value.strip() for value in fields[len(columns) :]):
        line.refuse("", f"has {len(fields)} values, and the first line names {len(columns)} columns")
    return line


def optional_text(text: str) -> str:
    """Printable text, or nothing. Raises Wrong."""
    if not text.isprintable():
        raise Wrong("holds characters that can't be printed")
    if len(text) > MAX_TEXT:
        raise Wrong(f"is longer than {MAX_TEXT} characters")
    return text


def some_text(text: str) -> str:
    """Printable text. Raises Wrong."""
    if not text:
        raise Wrong("is empty")
    return optional_text(text)


def code(text: str) -> str:
    """Printable text that is short enough for a code. Raises Wrong."""
    if len(some_text(text)) > MAX_CODE:
        raise Wrong(f"is longer than {MAX_CODE} characters")
    return text


def day(text: str) -> date:
    """A day as YYYY-MM-DD. Raises Wrong."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise Wrong(f"'{text}' is not a date: expected YYYY-MM-DD, such as 2026-03-14")
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise Wrong(f"'{text}' is not a day of the calendar") from err
