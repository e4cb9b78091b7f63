"""Read a file of attendance: CSV as people and Excel write it, row by row, with errors that name the line."""

import csv
import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, time
from typing import TypeVar, get_args
from zoneinfo import available_timezones

from mappings.program import Mode

REQUIRED = ("site", "community", "session", "date", "start", "mode", "minutes")
OPTIONAL = ("title", "timezone", "planned_minutes", "activity", "user", "idnumber")
MODES: tuple[str, ...] = get_args(Mode)
DAY_MINUTES = 24 * 60
MAX_BYTES = 20_000_000
MAX_MOODLE_ID = 2**63 - 1
MAX_TEXT = 1333
"""As long as Moodle's own texts."""
MAX_CODE = 80

T = TypeVar("T")


class UnreadableFile(Exception):
    """The file as a whole can't be used; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a line, and what was expected."""

    line: int
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class AttendanceRow:
    """One person at one session, as a line says. None and empty: the line doesn't say."""

    line: int
    site: str
    community: str
    session: str
    day: date
    start: time
    mode: str
    minutes: int
    title: str
    timezone: str
    planned_minutes: int | None
    activity: str
    user: int | None
    idnumber: str


def read_attendance(data: bytes) -> tuple[list[AttendanceRow], list[Problem]]:
    """The rows of a file that are right in themselves, and the problems of the others.

    Raises UnreadableFile where the file as a whole is wrong.
    """
    text = _decoded(data)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    rows: list[AttendanceRow] = []
    problems: list[Problem] = []
    columns: list[str] | None = None
    try:
        first = 1
        for fields in lines:
            line, first = first, lines.line_num + 1
            if not any(field.strip() for field in fields) or (columns is None and fields[0].lower().startswith("sep=")):
                continue
            if columns is None:
                columns = _columns(fields)
                continue
            row = _row(line, columns, fields, problems)
            if row is not None:
                rows.append(row)
    except csv.Error as err:
        raise UnreadableFile(f"Line {lines.line_num} is not CSV: {err}.") from err
    if columns is None:
        raise UnreadableFile(
            f"The file is empty; its first line has to name the columns: {', '.join(REQUIRED)}, and user or idnumber."
        )
    return rows, problems


def _decoded(data: bytes) -> str:
    if len(data) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1_000_000} MB: split it.")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UnreadableFile("The file is UTF-16: save it as 'CSV UTF-8' instead.")
    if data.startswith(b"PK\x03\x04"):
        raise UnreadableFile("The file is a workbook, not CSV: save it as 'CSV UTF-8'.")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as err:
        line = data.count(b"\n", 0, err.start) + 1
        raise UnreadableFile(
            f"Line {line} is not UTF-8 (an older Excel's CSV is Latin-1): save the file as 'CSV UTF-8'."
        ) from err


def _delimiter(text: str) -> str:
    """What separates the columns of the first line: comma, semicolon or tab. Excel's `sep=;` line counts."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    if re.fullmatch(r"sep=[,;\t]\s*", first, re.IGNORECASE):
        return first[4]
    return max(",;\t", key=first.count)


def _columns(fields: list[str]) -> list[str]:
    columns = [field.strip().lower() for field in fields]
    while columns and not columns[-1]:
        columns.pop()
    problems = [f"'{c}' stands twice" for c in sorted({c for c in columns if columns.count(c) > 1})]
    unknown = [c for c in columns if c not in REQUIRED + OPTIONAL]
    problems += [f"'{c}' is no column of this file" for c in dict.fromkeys(unknown)]
    problems += [f"'{c}' is missing" for c in REQUIRED if c not in columns]
    if not {"user", "idnumber"} & set(columns):
        problems.append("'user' or 'idnumber' is missing")
    if problems:
        raise UnreadableFile(f"The columns are wrong: {'; '.join(problems)}. Known: {', '.join(REQUIRED + OPTIONAL)}.")
    return columns


class _Wrong(Exception):
    """A value can't be used; the message says what was expected."""


@dataclass(frozen=True, slots=True)
class _Line:
    """The values of a line by column, and where to note what is wrong with them."""

    number: int
    values: dict[str, str]
    problems: list[Problem]

    def take(self, column: str, convert: Callable[[str], T], default: T) -> T:
        try:
            return convert(self.values[column])
        except _Wrong as err:
            self.problems.append(Problem(self.number, column, str(err)))
            return default


def _row(number: int, columns: list[str], fields: list[str], problems: list[Problem]) -> AttendanceRow | None:
    if any(field.strip() for field in fields[len(columns) :]):
        problems.append(
            Problem(number, "", f"has {len(fields)} values, and the first line names {len(columns)} columns")
        )
        return None
    values = dict.fromkeys(REQUIRED + OPTIONAL, "") | dict(
        zip(columns, (field.strip() for field in fields), strict=False)
    )
    line = _Line(number, values, problems)
    before = len(problems)
    row = AttendanceRow(
        line=number,
        site=line.take("site", _text, ""),
        community=line.take("community", _text, ""),
        session=line.take("session", _code, ""),
        day=line.take("date", _date, date.min),
        start=line.take("start", _time, time.min),
        mode=line.take("mode", _mode, ""),
        minutes=line.take("minutes", _minutes, 0),
        title=line.take("title", _optional, ""),
        timezone=line.take("timezone", _timezone, ""),
        planned_minutes=line.take("planned_minutes", _planned, None),
        activity=line.take("activity", _optional, ""),
        user=line.take("user", _user, None),
        idnumber=line.take("idnumber", _optional, ""),
    )
    if len(problems) == before and row.user is None and not row.idnumber:
        problems.append(Problem(number, "user", "names nobody: expected a Moodle user id here, or an idnumber"))
    return row if len(problems) == before else None


def _optional(text: str) -> str:
    if not text.isprintable():
        raise _Wrong("holds characters that can't be printed")
    if len(text) > MAX_TEXT:
        raise _Wrong(f"is longer than {MAX_TEXT} characters")
    return text


def _text(text: str) -> str:
    if not text:
        raise _Wrong("is empty")
    return _optional(text)


def _code(text: str) -> str:
    if len(_text(text)) > MAX_CODE:
        raise _Wrong(f"is longer than {MAX_CODE} characters")
    return text


def _date(text: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        raise _Wrong(f"'{text}' is not a date: expected YYYY-MM-DD, such as 2026-03-14")
    try:
        return date.fromisoformat(text)
    except ValueError as err:
        raise _Wrong(f"'{text}' is not a day of the calendar") from err


def _time(text: str) -> time:
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::00)?", text, re.ASCII)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise _Wrong(f"'{text}' is not a time: expected HH:MM, such as 09:30")
    return time(int(found[1]), int(found[2]))


def _mode(text: str) -> str:
    if text not in MODES:
        raise _Wrong(f"'{text}' is not a mode: expected {', '.join(MODES[:-1])} or {MODES[-1]}")
    return text


def _timezone(text: str) -> str:
    if text and text not in available_timezones():
        raise _Wrong(f"'{text}' is not a time zone: expected a name such as America/Los_Angeles, or nothing")
    return text


def _minutes(text: str) -> int:
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or int(text) > DAY_MINUTES:
        raise _Wrong(f"'{text}' can't be minutes: expected a whole number from 0 to {DAY_MINUTES}")
    return int(text)


def _planned(text: str) -> int | None:
    return _minutes(text) if text else None


def _user(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or not 0 < int(text) <= MAX_MOODLE_ID:
        raise _Wrong(f"'{text}' is not a Moodle user id: expected a whole number above 0")
    return int(text)
