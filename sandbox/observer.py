"""Which of Moodle's events the companion plugin keeps to hand over: its `db/events.php` and `observer.php`."""

from __future__ import annotations

from sandbox.recording import Event
from sandbox.store import Db, config

COURSE_LEVEL = 50
_OBSERVED = (
    "course_module_completion_updated",
    *("user_enrolment_created", "user_enrolment_updated", "user_enrolment_deleted"),
    *("role_assigned", "role_unassigned"),
    *("group_member_added", "group_member_removed", "group_updated", "group_deleted"),
    *("grouping_updated", "grouping_deleted", "grouping_group_assigned", "grouping_group_unassigned"),
    *("user_updated", "user_deleted"),
    *("course_created", "course_updated", "course_deleted", "course_restored", "course_reset_ended"),
    *("course_section_created", "course_section_updated", "course_section_deleted"),
    *("course_module_created", "course_module_updated", "course_module_deleted"),
    "course_category_updated",
)
_OF_MODULES = (
    *("mod_attendance/attendance_taken", "mod_attendance/attendance_taken_by_student"),
    *("mod_attendance/session_added", "mod_attendance/session_updated"),
    *("mod_attendance/session_duration_updated", "mod_attendance/session_deleted"),
    "mod_bigbluebuttonbn/meeting_joined",
)
OBSERVED = frozenset(
    "\\{}\\event\\{}".format(*name.split("/")) for name in (*(f"core/{name}" for name in _OBSERVED), *_OF_MODULES)
)
_NEVER_KEPT = "\\core\\event\\course_category_updated"
"""The plugin looks again at which courses are chosen, and hands nothing over."""
_TAKES_PART = (
    "SELECT course FROM user_enrolments WHERE userid = ? UNION SELECT course FROM role_assignments WHERE userid = ?"
    " UNION SELECT m.course FROM course_modules_completion c JOIN course_modules m ON m.id = c.coursemoduleid"
    " WHERE c.userid = ?"
)


def keeps(db: Db, event: Event) -> bool:
    """Whether the plugin keeps an event: of a course that it hands over, or of somebody who takes part in one."""
    name = event["eventname"]
    if name not in OBSERVED or name == _NEVER_KEPT:
        return False
    if event["objecttable"] == "user":
        return _takes_part(db, int(event["objectid"]))
    if event["objecttable"] == "role" and event["contextlevel"] != COURSE_LEVEL:
        return False
    return int(event["courseid"]) not in unchosen(db)


def unchosen(db: Db) -> frozenset[int]:
    """The courses that the plugin doesn't hand over."""
    left_out = _numbers(db, "unchosen_categories")
    rows = db.execute("SELECT id, category FROM course").fetchall() if left_out else ()
    return _numbers(db, "unchosen") | frozenset(row["id"] for row in rows if row["category"] in left_out)


def hands_over(db: Db, idnumber: str, category: int) -> bool:
    """Whether the plugin hands over a course of this idnumber and category, which need not be there."""
    row = db.execute("SELECT id FROM course WHERE idnumber = ? AND idnumber <> ''", (idnumber,)).fetchone()
    there = row is not None and row["id"] in _numbers(db, "unchosen")
    return not there and category not in _numbers(db, "unchosen_categories")


def _numbers(db: Db, name: str) -> frozenset[int]:
    return frozenset(int(part) for part in config(db, name).split(",") if part)


def _takes_part(db: Db, user: int) -> bool:
    left_out = unchosen(db)
    return any(row["course"] not in left_out for row in db.execute(_TAKES_PART, (user, user, user)).fetchall())
