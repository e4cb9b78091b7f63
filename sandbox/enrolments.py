"""Joining and leaving a course, as an administrator does it by manual enrolment."""

from __future__ import annotations

from sandbox.content import ADMIN, STUDENT
from sandbox.recording import Event, Scene, play, recorded
from sandbox.store import Row, need, one
from sandbox.work import ActionRefusedError, Done, Work, facilitator


def leave(work: Work, user: int, course: int) -> Done:
    """Roles go first, then groups, then the enrolment; completion rows stay."""
    row = _enrolment(work, user, course)
    if row is None:
        raise ActionRefusedError("This person isn't enrolled in the course.")
    db = work.db
    roles = db.execute(
        "SELECT id, roleid FROM role_assignments WHERE course = ? AND userid = ?", (course, user)
    ).fetchall()
    groups = db.execute(
        "SELECT g.id FROM groups g JOIN groups_members m ON m.groupid = g.id WHERE g.course = ? AND m.userid = ?",
        (course, user),
    ).fetchall()
    unassigned, deleted = recorded("emit_enrolment_deleted")
    events: list[Event] = []
    for role in roles:
        rows = {"role": role["roleid"], "role_assignments": role["id"]}
        events += play([unassigned], _scene(work, user, course, rows))
    for group in groups:
        rows = {"groups": group["id"]}
        events += play(recorded("group_member_removed"), _scene(work, user, course, rows))
    events += play([deleted], _scene(work, user, course, {"user_enrolments": row["id"]}, row))
    db.execute("DELETE FROM role_assignments WHERE course = ? AND userid = ?", (course, user))
    db.execute(
        "DELETE FROM groups_members WHERE userid = ? AND groupid IN (SELECT id FROM groups WHERE course = ?)",
        (user, course),
    )
    db.execute("DELETE FROM user_enrolments WHERE id = ?", (row["id"],))
    return work.write(events)


def enrol(work: Work, user: int, course: int) -> Done:
    """The enrolment comes first, the role after it; old completion rows count on, unannounced."""
    if _enrolment(work, user, course) is not None:
        raise ActionRefusedError("This person is enrolled in the course already.")
    enrolment = work.db.execute(
        "INSERT INTO user_enrolments (status, enrolid, course, userid, timestart, timeend,"
        " modifierid, timecreated, timemodified) VALUES (0, ?, ?, ?, ?, 0, ?, ?, ?)",
        (course, course, user, work.now, ADMIN, work.now, work.now),
    ).lastrowid
    assignment = work.db.execute(
        "INSERT INTO role_assignments (roleid, course, userid) VALUES (?, ?, ?)",
        (STUDENT, course, user),
    ).lastrowid
    rows = {
        "user_enrolments": int(enrolment or 0),
        "role": STUDENT,
        "role_assignments": int(assignment or 0),
    }
    return work.write(play(recorded("re_enrol"), _scene(work, user, course, rows)))


def set_status(work: Work, user: int, course: int, status: int) -> Done:
    """Suspend (1) or resume (0): one and the same event, which doesn't say which."""
    row = _enrolment(work, user, course)
    if row is None or row["status"] == status:
        raise ActionRefusedError("The enrolment is as you want it already, or there is none.")
    work.db.execute(
        "UPDATE user_enrolments SET status = ?, timemodified = ? WHERE id = ?",
        (status, work.now, row["id"]),
    )
    scene = _scene(work, user, course, {"user_enrolments": row["id"]})
    return work.write(play(recorded("enrol_again_same_user"), scene))


def _enrolment(work: Work, user: int, course: int) -> Row | None:
    need(work.db, "user", user)
    need(work.db, "course", course)
    return one(work.db, "SELECT * FROM user_enrolments WHERE course = ? AND userid = ?", course, user)


def _scene(work: Work, user: int, course: int, rows: dict[str, int], enrolment: Row | None = None) -> Scene:
    row = need(work.db, "course", course)
    kept = {} if enrolment is None else dict(enrolment) | {"courseid": course}
    kept.pop("course", None)
    return Scene(
        participant=user,
        actor=ADMIN,
        contact=facilitator(work.db, course),
        course=course,
        course_context=row["contextid"],
        now=work.now,
        numbers=work.numbers,
        rows=rows,
        enrolment=kept,
    )
