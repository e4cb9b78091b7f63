"""Changes that Moodle doesn't tell by the events of what changed, or that nobody told it to tell.

Some are silent on every site (grades in bulk, unlocking, resetting, copying, expiry). The others
have an event on a real site when `told=True`, and none when a script wrote to the database.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from sandbox import copying
from sandbox.completion import COMPLETE, FAILED, PASSED, Change, set_completion
from sandbox.content import ADMIN, SERVICE
from sandbox.observer import unchosen
from sandbox.recording import USER_GRADED, Event, administered, like, play, recorded
from sandbox.store import Row, Store, need, one
from sandbox.telling import in_course, of_account, of_module
from sandbox.work import ActionRefusedError, Done, Work, working

PASS_GRADE = 6.0
_MODULE_FIELDS = frozenset({"name", "idnumber", "visible", "completion"})
_ACCOUNT_FIELDS = frozenset({"username", "idnumber", "email", "firstname", "lastname", "suspended", "agency"})
_COURSE_FIELDS = frozenset({"shortname", "fullname", "idnumber", "visible", "startdate", "enddate", "category"})


class Silent:
    """The site's changes by administrators, teachers and scripts; `site.silent`."""

    def __init__(self, store: Store, clock: Callable[[], float], wake: Callable[[], None]) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake

    def grade_in_bulk(self, module: int, grades: Mapping[int, float], *, actor: int = SERVICE) -> Done:
        """Grades from outside complete the activity; told are the grades alone, and no course is
        completed by it before a cron."""
        with self._working() as work:
            row = work.module(module)
            events: list[Event] = []
            for user, grade in grades.items():
                need(work.db, "user", user)
                if row["completion"] == 2:
                    state = COMPLETE if row["modname"] != "quiz" else PASSED if grade >= PASS_GRADE else FAILED
                    set_completion(work.db, module, user, Change(state), work.now)
                events += _graded(work, row, user, actor, grade)
            return work.write(events)

    def unlock(self, module: int) -> Done:
        """A teacher unlocks the activity's completion settings: all its rows go, untold."""
        with self._working() as work:
            row = work.module(module)
            work.db.execute("DELETE FROM course_modules_completion WHERE coursemoduleid = ?", (module,))
            return work.write([of_module(work, "course_module_updated", row)])

    def reset(self, course: int) -> Done:
        """Reset the course with its completion: told is the reset."""
        with self._working() as work:
            row = need(work.db, "course", course)
            work.db.execute(
                "DELETE FROM course_modules_completion WHERE coursemoduleid IN"
                " (SELECT id FROM course_modules WHERE course = ?)",
                (course,),
            )
            work.db.execute("DELETE FROM course_completions WHERE course = ?", (course,))
            return work.write(_reset(work, row))

    def duplicate(self, course: int) -> tuple[int, Done]:
        """Copy the course with its users, as restoring its backup does: the new course's id. All
        ids are new, modules keep their idnumbers, the course's own is empty; told is the
        restoring alone."""
        with self._working() as work:
            made = copying.course(work.db, need(work.db, "course", course), work.now)
            event = administered("course_restored")
            event |= in_course(event, need(work.db, "course", made), work.now)
            event["objectid"] = like(event["objectid"], made)
            event["other"]["originalcourseid"] = like(event["other"]["originalcourseid"], course)
            return made, work.write([event])

    def expire(self, user: int, course: int, timeend: int | None = None) -> None:
        """The enrolment ends by its time, by default long enough ago for all of Moodle's clocks."""
        with self._working() as work:
            end = work.now - 200 if timeend is None else timeend
            sql = "UPDATE user_enrolments SET timeend = ? WHERE userid = ? AND course = ?"
            if not work.db.execute(sql, (end, user, course)).rowcount:
                raise ActionRefusedError("This person isn't enrolled in the course.")

    def add_module(
        self,
        course: int,
        modname: str = "page",
        name: str = "A new activity",
        idnumber: str = "",
        *,
        tracking: int = 1,
        section: int = 1,
        told: bool = False,
    ) -> int:
        """A new activity: its id."""
        with self._working(told) as work:
            made = copying.module(work.db, course, modname, section, name, idnumber, tracking, work.now)
            work.write([of_module(work, "course_module_created", work.module(made))])
            return made

    def change_module(self, module: int, *, told: bool = False, **fields: Any) -> Done:
        """Rename it, hide it, give it another idnumber, track it otherwise."""
        with self._working(told) as work:
            change(work, "course_modules", module, fields, _MODULE_FIELDS)
            return work.write([of_module(work, "course_module_updated", work.module(module))])

    def declare_hours(self, module: int, minutes: int | None, component: str = "", *, told: bool = False) -> Done:
        """Its hours in the plugin's part of its form; None takes them back. No event of Moodle's is handed over."""
        with self._working(told) as work:
            return Done(declare(work, work.module(module), minutes, component))

    def delete_module(self, module: int, *, told: bool = False) -> Done:
        """Delete it, and its completion rows with it."""
        with self._working(told) as work:
            row = work.module(module)
            for sql in (
                "DELETE FROM course_modules_completion WHERE coursemoduleid = ?",
                "DELETE FROM course_completion_criteria WHERE moduleinstance = ?",
                "DELETE FROM hours WHERE cmid = ?",
                "DELETE FROM course_modules WHERE id = ?",
            ):
                work.db.execute(sql, (module,))
            copying.retire(work.db, "course_modules", module)
            event = of_module(work, "course_module_deleted", row)
            return work.write([event])

    def change_account(self, user: int, *, told: bool = False, **fields: Any) -> Done:
        """Rename the account, suspend it, give it another idnumber or address."""
        with self._working(told) as work:
            change(work, "user", user, fields, _ACCOUNT_FIELDS)
            event = of_account(work, "user_updated", user)
            return work.write([event])

    def change_course(self, course: int, *, told: bool = False, **fields: Any) -> Done:
        """Rename the course, hide it, give it another idnumber."""
        with self._working(told) as work:
            change(work, "course", course, fields, _COURSE_FIELDS)
            row = need(work.db, "course", course)
            event = administered("course_updated")
            event |= in_course(event, row, work.now) | {"objectid": like(event["objectid"], course)}
            event["other"] = {key: row[key] for key in ("shortname", "fullname")} | {"updatedfields": dict(fields)}
            return work.write([event])

    def set_field(self, course: int, shortname: str, value: str) -> None:
        """A custom field of a course; without a value it goes."""
        with self._working() as work:
            need(work.db, "course", course)
            work.db.execute("DELETE FROM customfield_data WHERE course = ? AND shortname = ?", (course, shortname))
            if value:
                work.db.execute("INSERT INTO customfield_data VALUES (?, ?, ?)", (course, shortname, value))

    def _working(self, told: bool = True) -> AbstractContextManager[Work]:
        return working(self._store, self._clock(), self._wake, told)


def change(work: Work, table: str, row_id: int, fields: Mapping[str, Any], known: frozenset[str]) -> None:
    if not fields or not set(fields) <= known:
        raise TypeError(f"{table} has no such fields here: {', '.join(sorted(set(fields) - known)) or 'none given'}")
    need(work.db, table, row_id)
    sets = ", ".join(f"{name} = ?" for name in fields)
    work.db.execute(f"UPDATE {table} SET {sets} WHERE id = ?", (*fields.values(), row_id))  # noqa: S608 - ours


def _graded(work: Work, module: Row, user: int, actor: int, grade: float) -> list[Event]:
    events = play(recorded("core_grades_update_grades"), work.scene(module, user, actor, {}))
    for event in events:
        if event["eventname"] == USER_GRADED:
            old = event["other"]["finalgrade"]
            told = f"{grade:.5f}" if isinstance(old, str) else int(grade) if grade == int(grade) else grade
            event["other"]["finalgrade"] = told
    return events


def _reset(work: Work, course: Row) -> list[Event]:
    events = recorded("course_reset_completion")
    last = events[-1]["timecreated"]
    for event in events:
        when = work.now - (last - event["timecreated"])
        event |= in_course(event, course, when)
        options = event["other"]["reset_options"]
        options |= {key: like(options[key], course["id"]) for key in ("id", "courseid")}
    return events


def declare(work: Work, module: Row, minutes: int | None, component: str, actor: int = ADMIN) -> list[Event]:
    """Hours of an activity; nothing is told, and nothing written, where they are the same."""
    old = one(work.db, "SELECT minutes, component FROM hours WHERE cmid = ?", module["id"])
    before = (old["minutes"], old["component"]) if old else (None, "")
    after = (None, "") if minutes is None else (minutes, component)
    if before == after:
        return []
    work.db.execute("DELETE FROM hours WHERE cmid = ?", (module["id"],))
    if minutes is not None:
        work.db.execute("INSERT INTO hours (cmid, minutes, component) VALUES (?, ?, ?)", (module["id"], *after))
    event = _hours_updated(module, before, after, work.now) | {"userid": actor}
    if work.told and module["course"] not in unchosen(work.db):
        work.note(event)
    return [event]


def _hours_updated(module: Row, before: tuple[int | None, str], after: tuple[int | None, str], now: int) -> Event:
    """The plugin's own word, which has fewer keys than an event of Moodle's."""
    other = {"minutes": after[0], "component": after[1], "minutesbefore": before[0], "componentbefore": before[1]}
    return {
        "eventname": "\\local_copbridge\\event\\hours_updated",
        "component": "local_copbridge",
        "objectid": None,
        "contextlevel": 70,
        "contextinstanceid": module["id"],
        "userid": ADMIN,
        "courseid": module["course"],
        "relateduserid": None,
        "other": other,
        "timecreated": now,
    }
