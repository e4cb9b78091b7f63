"""Files of attendance for tests: good rows of several sessions, and thirty ways to spoil one."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import xlsxwriter
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from jobs import attendance, attendance_reports
from records import attendance_reports as reports
from records.actor import CLI
from records.models import AttendanceReport, LedgerEntry
from tests.support.community import COURSE, SESSION_ACTIVITY, Place, make_place
from tests.support.readings import account, completion, enrolment, settle, take_in

COLUMNS = (
    *("site", "community", "session", "title", "date", "start", "timezone", "mode", "planned_minutes", "activity"),
    *("kind", "shared_with", "user", "idnumber", "email", "name", "minutes", "status", "attended_as"),
)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
PEOPLE, SESSIONS = 40, 10
FIRST = 100
Row = dict[str, str]


def crowd(engine: Engine) -> Place:
    """A community of PEOPLE participants (Moodle users from FIRST on) and others; two accounts share an idnumber."""
    place = make_place(engine)
    users = range(FIRST, FIRST + PEOPLE + len(SPOILED))
    readings = [account(user, f"P{user}") for user in users] + [enrolment(user, COURSE) for user in users]
    readings += [account(70, "TWIN"), account(71, "TWIN")]
    take_in(engine, place.site_id, readings)
    take_in(engine, place.site_id, [completion(FIRST, SESSION_ACTIVITY, COURSE)])
    return place


def good(session: int, person: int, **changed: str) -> Row:
    """Somebody at a session; by turns named by Moodle's id, idnumber and e-mail."""
    keys = (
        {"user": str(FIRST + person)},
        {"idnumber": f"P{FIRST + person}"},
        {"email": f"U{FIRST + person}@EXAMPLE.org"},
    )
    row = dict.fromkeys(COLUMNS, "") | {
        "site": "moodle",
        "community": "COP-EBWIESL-BAY",
        "session": f"S-{session}",
        "title": f"Session {session}",
        "date": f"2026-03-{session + 1:02}",
        "start": "09:00",
        "mode": "face_to_face",
        "planned_minutes": "360",
        "minutes": str(60 + 10 * session + person),
    }
    return row | keys[person % len(keys)] | changed


def good_rows() -> list[Row]:
    """PEOPLE at each of SESSIONS."""
    return [good(session, person) for session in range(SESSIONS) for person in range(PEOPLE)]


SPOILED: tuple[tuple[dict[str, str], str, str], ...] = (
    ({"site": ""}, "site", "is empty"),
    ({"site": "elsewhere"}, "site", "there is no site 'elsewhere'"),
    ({"community": ""}, "community", "is empty"),
    ({"community": "COP-MATH-BAY"}, "community", "no community has a course or group of the idnumber"),
    ({"session": ""}, "session", "is empty"),
    ({"session": "x" * 81}, "session", "is longer than 80 characters"),
    ({"title": "Another title"}, "title", "contradicts line 2"),
    ({"title": "Ses\x1bsion"}, "title", "holds characters that can't be printed"),
    ({"date": ""}, "date", "is not a date: expected YYYY-MM-DD"),
    ({"date": "03/14/2026"}, "date", "is not a date: expected YYYY-MM-DD"),
    ({"date": "2026-02-30"}, "date", "is not a day of the calendar"),
    ({"date": "2096-01-17"}, "date", "which is yet to come"),
    ({"date": "2026-03-30"}, "date", "contradicts line 2"),
    ({"start": "9 am"}, "start", "is not a time: expected HH:MM"),
    ({"start": "25:00"}, "start", "is not a time: expected HH:MM"),
    ({"session": "DST", "date": "2026-03-08", "start": "02:30"}, "start", "the clocks go forward then"),
    ({"timezone": "Pacific"}, "timezone", "is not a time zone: expected a name such as America/Los_Angeles"),
    ({"mode": "in person"}, "mode", "expected face_to_face, virtual or hybrid"),
    ({"mode": "virtual"}, "mode", "contradicts line 2"),
    ({"attended_as": "virtual"}, "attended_as", "is for sessions of the mode hybrid, and this one is face_to_face"),
    ({"session": "H", "mode": "hybrid", "attended_as": "hybrid"}, "attended_as", "expected face_to_face or virtual"),
    ({"planned_minutes": "lots"}, "planned_minutes", "expected a whole number from 0 to 1440"),
    ({"planned_minutes": "90"}, "planned_minutes", "contradicts line 2"),
    ({"activity": "NONE-1"}, "activity", "no activity has the idnumber 'NONE-1'"),
    ({"kind": "party"}, "kind", "is no kind of session of the program"),
    ({"shared_with": "COP-EBWIESL-BAY"}, "shared_with", "names the session's own community"),
    ({"user": "", "idnumber": "", "email": ""}, "user", "names nobody: expected a Moodle user id here"),
    ({"user": "e11"}, "user", "is not a Moodle user id"),
    ({"user": "999", "idnumber": "", "email": ""}, "user", "no account has the Moodle user id 999"),
    ({"user": "", "idnumber": "P9", "email": ""}, "idnumber", "no account on that site has the idnumber 'P9'"),
    ({"user": "", "idnumber": "TWIN", "email": ""}, "idnumber", "2 accounts have the idnumber 'TWIN'"),
    ({"minutes": "4h"}, "minutes", "expected a whole number from 0 to 1440"),
    ({"minutes": "1441"}, "minutes", "expected a whole number from 0 to 1440"),
    ({"minutes": ""}, "minutes", "expected a whole number from 0 to 1440"),
)
"""What is changed of a good row, the column that is wrong then, and what has to be said."""


def spoiled() -> list[tuple[Row, str, str]]:
    """Each a row of another person at the first session, spoiled."""
    others = range(PEOPLE, PEOPLE + len(SPOILED))
    named = [good(0, person) | {"user": str(FIRST + person), "idnumber": "", "email": ""} for person in others]
    return [(row | changed, column, says) for row, (changed, column, says) in zip(named, SPOILED, strict=True)]


def as_csv(rows: Iterable[Row], columns: Sequence[str] = COLUMNS) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def as_xlsx(rows: Iterable[Row], columns: Sequence[str] = COLUMNS) -> bytes:
    """As somebody types it: days and times as such, numbers as numbers."""
    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True, "remove_timezone": True})
    sheet = book.add_worksheet("Attendance")
    day, clock = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "hh:mm"})
    sheet.write_row(0, 0, columns)
    for number, row in enumerate(rows, start=1):
        for at, column in enumerate(columns):
            value = row[column]
            if column == "date" and value[:5] == "2026-" and value != "2026-02-30":
                sheet.write_datetime(number, at, datetime.strptime(value, "%Y-%m-%d"), day)  # noqa: DTZ007 - a cell's
            elif column == "start" and value == "09:00":
                sheet.write_number(number, at, 9 / 24, clock)
            elif value.isdigit():
                sheet.write_number(number, at, int(value))
            else:
                sheet.write_string(number, at, value)
    book.close()
    return data.getvalue()


def uploaded(engine: Engine, data: bytes, community: UUID | None = None, **options: Any) -> UUID:
    """A table that is ready to be looked at or taken in."""
    asked = {"columns": {column: column for column in COLUMNS}, **options}
    with Session(engine) as session, session.begin():
        return reports.upload(
            session, data, name="list.csv", kind="table", community_id=community, options=asked, by=CLI
        ).report.id


def ask(engine: Engine, report: UUID, step: str) -> None:
    with Session(engine) as session, session.begin():
        reports.ask(session.get_one(AttendanceReport, report), step)


def work(engine: Engine, seconds: float = 60) -> None:
    """All that workers have to do about attendance."""
    while attendance_reports.turn(engine, lambda: NOW, seconds):
        pass
    while attendance.fold_due(engine):
        pass
    settle(engine)


def take(engine: Engine, report: UUID) -> AttendanceReport:
    """Have a report taken in; how it is then."""
    ask(engine, report, "take")
    work(engine)
    return read(engine, report)


def read(engine: Engine, report: UUID) -> AttendanceReport:
    with Session(engine) as session:
        return session.get_one(AttendanceReport, report)


def undo(engine: Engine, report: UUID) -> int:
    with Session(engine) as session, session.begin():
        withdrawn = reports.undo(session, report, by=CLI, now=NOW)
    work(engine)
    return withdrawn


def net(engine: Engine) -> dict[tuple[UUID, str], int]:
    """The whole ledger's net by membership and key; what amounts to nothing is left out."""
    entry = LedgerEntry
    minutes = func.sum(entry.minutes)
    with Session(engine) as session:
        rows = session.execute(
            select(entry.membership_id, entry.credit_key, minutes)
            .group_by(entry.membership_id, entry.credit_key)
            .having(minutes != 0)
        )
        return {(membership, key): int(total) for membership, key, total in rows}
