"""Completion rows, and when they complete a course."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.store import Db, Row, one

INCOMPLETE, COMPLETE, PASSED, FAILED = 0, 1, 2, 3


@dataclass(frozen=True)
class Completion:
    """What the row says; `row_id` is 0 when there is none."""

    row_id: int = 0
    state: int = INCOMPLETE
    viewed: bool = False
    overrideby: int | None = None
    timemodified: int = 0


@dataclass(frozen=True)
class Change:
    """What a row becomes. Noting a view keeps the row's time, as Moodle does."""

    state: int
    overrideby: int | None = None
    viewed: bool = False
    keeps_time: bool = False


def completion_of(db: Db, module: int, user: int) -> Completion:
    """The state of one activity for one person."""
    row = one(
        db,
        "SELECT * FROM course_modules_completion WHERE coursemoduleid = ? AND userid = ?",
        module,
        user,
    )
    if row is None:
        return Completion()
    return Completion(row["id"], row["completionstate"], bool(row["viewed"]), row["overrideby"], row["timemodified"])


def set_completion(db: Db, module: int, user: int, change: Change, when: int) -> int:
    """Write the row and say its id."""
    old = completion_of(db, module, user)
    viewed = old.viewed or change.viewed
    time = old.timemodified if change.keeps_time else when
    cursor = db.execute(
        "INSERT INTO course_modules_completion (coursemoduleid, userid, completionstate, viewed,"
        " overrideby, timemodified) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (userid, coursemoduleid)"
        " DO UPDATE SET completionstate = excluded.completionstate, viewed = excluded.viewed,"
        " overrideby = excluded.overrideby, timemodified = excluded.timemodified",
        (module, user, change.state, viewed, change.overrideby, time),
    )
    return old.row_id or int(cursor.lastrowid or 0)


def complete_course(db: Db, module: Row, user: int, when: int) -> int:
    """If the person's last criterion was just met, complete the course, once and for ever: the
    new row's id, else 0."""
    course = module["course"]
    if one(db, "SELECT 1 FROM course_completions WHERE userid = ? AND course = ?", user, course):
        return 0
    missing = one(
        db,
        "SELECT 1 FROM course_completion_criteria k LEFT JOIN course_modules_completion c"
        " ON c.coursemoduleid = k.moduleinstance AND c.userid = ? AND c.completionstate IN (1, 2)"
        " WHERE k.course = ? AND c.id IS NULL",
        user,
        course,
    )
    criterion = one(
        db,
        "SELECT 1 FROM course_completion_criteria WHERE course = ? AND moduleinstance = ?",
        course,
        module["id"],
    )
    if missing is not None or criterion is None:
        return 0
    cursor = db.execute(
        "INSERT INTO course_completions (userid, course, timecompleted) VALUES (?, ?, ?)",
        (user, course, when),
    )
    return int(cursor.lastrowid or 0)
