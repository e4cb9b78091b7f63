"""Read a file of attendance: who was at which session for how long, one line each."""

import re
from dataclasses import dataclass
from datetime import date, time
from typing import get_args
from zoneinfo import available_timezones

from mappings.base import Mode
from records.csv_file import Layout, Line, Problem, Wrong, code, day, optional_text, read_rows, some_text

LAYOUT = Layout(
    required=("site", "community", "session", "date", "start", "mode", "minutes"),
    optional=(
        *("title", "timezone", "planned_minutes", "activity", "kind", "shared_with"),
        *("user", "idnumber", "email", "name", "status", "attended_as"),
    ),
    either=("email", "name", "user", "idnumber"),
)
MODES: tuple[str, ...] = get_args(Mode)
HYBRID = "hybrid"
ATTENDED_AS = tuple(mode for mode in MODES if mode != HYBRID)
"""How one person can be at a hybrid session."""
DAY_MINUTES = 24 * 60
MAX_MOODLE_ID = 2**63 - 1
MAX_STATUS = 20


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
    minutes: int | None
    """None: the line gives a status instead."""
    title: str
    timezone: str
    planned_minutes: int | None
    activity: str
    kind: str
    shared_with: tuple[str, ...]
    """Other communities that it is a session of, too."""
    user: int | None
    idnumber: str
    status: str
    email: str = ""
    name: str = ""
    attended_as: str = ""
    """At a hybrid session: one of ATTENDED_AS."""

    @property
    def who(self) -> dict[str, str]:
        """What the line says of who it is, as presences keep it."""
        given = {
            "name": self.name,
            "email": self.email,
            "idnumber": self.idnumber,
            "user": str(self.user) if self.user is not None else "",
        }
        return {key: value for key, value in given.items() if value}


def read_attendance(data: bytes) -> tuple[list[AttendanceRow], list[Problem]]:
    """The rows of a file that are right in themselves, and the problems of the others.

    Raises UnreadableFile where the file as a whole is wrong.
    """
    return read_rows(data, LAYOUT, row_of)


def row_of(line: Line) -> AttendanceRow:
    """What a line says; what is wrong with it is noted on it."""
    row = AttendanceRow(
        line=line.number,
        site=line.take("site", some_text, ""),
        community=line.take("community", some_text, ""),
        session=line.take("session", code, ""),
        day=line.take("date", day, date.min),
        start=line.take("start", clock, time.min),
        mode=line.take("mode", _mode, ""),
        minutes=line.take("minutes", _minutes_or_none if line.values["status"] else _minutes, None),
        title=line.take("title", optional_text, ""),
        timezone=line.take("timezone", _timezone, ""),
        planned_minutes=line.take("planned_minutes", _minutes_or_none, None),
        activity=line.take("activity", optional_text, ""),
        kind=line.take("kind", optional_text, ""),
        shared_with=tuple(dict.fromkeys(line.take("shared_with", optional_text, "").split())),
        user=line.take("user", _user, None),
        idnumber=line.take("idnumber", optional_text, ""),
        status=line.take("status", _status, ""),
        email=line.take("email", optional_text, ""),
        name=line.take("name", optional_text, ""),
        attended_as=line.take("attended_as", _attended_as, ""),
    )
    if not line.problems and row.attended_as and row.mode != HYBRID:
        line.refuse("attended_as", f"is for sessions of the mode hybrid, and this one is {row.mode}: leave it empty")
    if not line.problems and not row.who:
        line.refuse("user", "names nobody: expected a Moodle user id here, or an idnumber, an e-mail or a name")
    return row


def clock(text: str) -> time:
    """A time of day as HH:MM. Raises Wrong."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})(?::00)?", text, re.ASCII)
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise Wrong(f"'{text}' is not a time: expected HH:MM, such as 09:30")
    return time(int(found[1]), int(found[2]))


def _mode(text: str) -> str:
    if text not in MODES:
        raise Wrong(f"'{text}' is not a mode: expected {', '.join(MODES[:-1])} or {MODES[-1]}")
    return text


def _attended_as(text: str) -> str:
    if text and text not in ATTENDED_AS:
        raise Wrong(f"'{text}' is no way to be there: expected {' or '.join(ATTENDED_AS)}, or nothing")
    return text


def _timezone(text: str) -> str:
    if text and text not in available_timezones():
        raise Wrong(f"'{text}' is not a time zone: expected a name such as America/Los_Angeles, or nothing")
    return text


def _minutes(text: str) -> int | None:
    if not re.fullmatch(r"\d{1,4}", text, re.ASCII) or int(text) > DAY_MINUTES:
        raise Wrong(f"'{text}' can't be minutes: expected a whole number from 0 to {DAY_MINUTES}")
    return int(text)


def _minutes_or_none(text: str) -> int | None:
    return _minutes(text) if text else None


def _status(text: str) -> str:
    if len(optional_text(text)) > MAX_STATUS:
        raise Wrong(f"is longer than {MAX_STATUS} characters")
    return text


def _user(text: str) -> int | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,19}", text, re.ASCII) or not 0 < int(text) <= MAX_MOODLE_ID:
        raise Wrong(f"'{text}' is not a Moodle user id: expected a whole number above 0")
    return int(text)
