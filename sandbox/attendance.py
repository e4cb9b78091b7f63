"""Who was where: the attendance activity (mod_attendance), which is no part of Moodle, and joins of BigBlueButton.

Its events tell that something was recorded, and of whom, nothing; what a web service changes has no event at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from sandbox.recording import Event, at_meetings, like
from sandbox.silent import change
from sandbox.store import Db, Row, Store, need, one
from sandbox.work import Done, Work, facilitator, working

KIND = "attendance"
STATUSES = (("P", "Present", 2), ("L", "Late", 1), ("E", "Excused", 1), ("A", "Absent", 0))
"""What the plugin gives each new activity."""
_FIELDS = frozenset({"sessdate", "duration", "description", "groupid"})
TAKEN, JOINED = r"\mod_attendance\event\attendance_taken", r"\mod_bigbluebuttonbn\event\meeting_joined"
ADDED, DELETED = r"\mod_attendance\event\session_added", r"\mod_attendance\event\session_deleted"


class Attendance:
    """Sessions of attendance activities and who was at them; `site.attendance`. Nothing of it is there at first."""

    def __init__(self, store: Store, clock: Callable[[], float], wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake

    def add_session(
        self,
        module: int,
        sessdate: int,
        duration: int = 3600,
        description: str = "",
        *,
        group: int = 0,
        told: bool = True,
    ) -> int:
        """A session of an activity of the kind `attendance`: its id."""
        with self._working(told) as work:
            row = work.module(module)
            _statuses(work.db, row["instance"])
            made = work.db.execute(
                "INSERT INTO attendance_sessions (attendanceid, groupid, sessdate, duration, timemodified, description)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (row["instance"], group, sessdate, duration, work.now, description),
            )
            work.write([_event(work, ADDED, row)])
            return int(made.lastrowid or 0)

    def take(self, session: int, said: Mapping[int, str], *, told: bool = True) -> Done:
        """The teacher's form: of each user one of the acronyms. One event, that names nobody."""
        with self._working(told) as work:
            held = need(work.db, "attendance_sessions", session)
            row = module_of(work.db, held["attendanceid"])
            teacher = facilitator(work.db, row["course"])
            for user, acronym in said.items():
                _record(work, held, user, acronym, teacher)
            event = _event(work, TAKEN, row)
            event["other"] = event["other"] | {"sessionid": like(event["other"]["sessionid"], session)}
            return work.write([event])

    def mark(self, session: int, user: int, acronym: str) -> None:
        """mod_attendance_update_user_status: no event."""
        with self._working() as work:
            _record(work, need(work.db, "attendance_sessions", session), user, acronym, user)

    def change_session(self, session: int, **fields: Any) -> None:
        """Move it, rename it, have it last longer: untold."""
        with self._working() as work:
            change(work, "attendance_sessions", session, fields, _FIELDS)

    def hide_status(self, module: int, acronym: str) -> None:
        """A status that isn't used any more: what was recorded with it stays, and nobody is told what it means."""
        with self._working() as work:
            sql = "UPDATE attendance_statuses SET visible = 0 WHERE attendanceid = ? AND acronym = ?"
            work.db.execute(sql, (work.module(module)["instance"], acronym))

    def remove_session(self, session: int, *, told: bool = True) -> Done:
        """Delete it with what was recorded."""
        with self._working(told) as work:
            row = module_of(work.db, need(work.db, "attendance_sessions", session)["attendanceid"])
            work.db.execute("DELETE FROM attendance_log WHERE sessionid = ?", (session,))
            work.db.execute("DELETE FROM attendance_sessions WHERE id = ?", (session,))
            event = _event(work, DELETED, row)
            return work.write([event | {"other": {"info": str(session)}}])

    def join(self, user: int, module: int) -> Done:
        """Somebody comes into the room of a meeting; that they leave no event tells."""
        with self._working() as work:
            event = _event(work, JOINED, work.participates(user, module))
            return work.write([event | {"userid": like(event["userid"], user)}])

    def _working(self, told: bool = True) -> AbstractContextManager[Work]:
        return working(self._store, self._clock(), self._wake, told)


def _statuses(db: Db, attendance: int) -> None:
    if one(db, "SELECT 1 FROM attendance_statuses WHERE attendanceid = ?", attendance) is None:
        sql = "INSERT INTO attendance_statuses (attendanceid, acronym, description, grade) VALUES (?, ?, ?, ?)"
        db.executemany(sql, [(attendance, *status) for status in STATUSES])


def module_of(db: Db, attendance: int) -> Row:
    row = one(db, "SELECT * FROM course_modules WHERE modname = ? AND instance = ?", KIND, attendance)
    if row is None:
        raise LookupError(f"no attendance activity {attendance}")
    return row


def _record(work: Work, session: Row, user: int, acronym: str, by: int) -> None:
    need(work.db, "user", user)
    sql = "SELECT id FROM attendance_statuses WHERE attendanceid = ? AND acronym = ?"
    status = one(work.db, sql, session["attendanceid"], acronym)
    if status is None:
        raise LookupError(f"no status {acronym}")
    work.db.execute(
        "INSERT INTO attendance_log (sessionid, studentid, statusid, remarks) VALUES (?, ?, ?, '')"
        " ON CONFLICT (sessionid, studentid) DO UPDATE SET statusid = excluded.statusid",
        (session["id"], user, status["id"]),
    )
    work.db.execute(
        "UPDATE attendance_sessions SET lasttaken = ?, lasttakenby = ?, timemodified = ? WHERE id = ?",
        (work.now, by, work.now, session["id"]),
    )


def _event(work: Work, name: str, module: Row) -> Event:
    event = dict(at_meetings(name))
    return event | {
        "objectid": like(event["objectid"], module["instance"]),
        "contextid": like(event["contextid"], module["contextid"]),
        "contextinstanceid": like(event["contextinstanceid"], module["id"]),
        "courseid": like(event["courseid"], module["course"]),
        "userid": like(event["userid"], facilitator(work.db, module["course"])),
        "timecreated": work.now,
    }
