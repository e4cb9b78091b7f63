"""Joining and leaving a course, as an administrator does it by manual enrolment, or by oneself."""

from __future__ import annotations

from sandbox.content import ADMIN, STUDENT
from sandbox.recording import Event, Scene, play, recorded
from sandbox.store import Db, Row, need, one
from sandbox.work import ActionRefusedError, Done, Work, facilitator


def leave(work: Work, user: int, course: int, method: str = "") -> Done:
    """With the last enrolment roles go first, then groups; completion rows stay."""
    rows = _enrolments(work, user, course, method)
    if not rows:
        raise ActionRefusedError("This person isn't enrolled in the course.")
    left = len(_enrolments(work, user, course, ""))
    events: list[Event] = []
    for row in rows:
        left -= 1
        if not left:
            events += _give_up(work, user, course)
        scene = _scene(work, user, course, {"user_enrolments": row["id"]}, row)
        events += _by(row["enrol"], play(recorded("emit_enrolment_deleted")[1:], scene), last=not left)
        work.db.execute("DELETE FROM user_enrolments WHERE id = ?", (row["id"],))
    return work.write(events)


def _give_up(work: Work, user: int, course: int) -> list[Event]:
    """Roles and groups of somebody who leaves for good."""
    db = work.db
    roles = db.execute(
        "SELECT id, roleid FROM role_assignments WHERE course = ? AND userid = ?", (course, user)
    ).fetchall()
    groups = db.execute(
        "SELECT g.id FROM groups g JOIN groups_members m ON m.groupid = g.id WHERE g.course = ? AND m.userid = ?",
        (course, user),
    ).fetchall()
    events: list[Event] = []
    for role in roles:
        rows = {"role": role["roleid"], "role_assignments": role["id"]}
        events += play(recorded("emit_enrolment_deleted")[:1], _scene(work, user, course, rows))
    for group in groups:
        events += play(recorded("group_member_removed"), _scene(work, user, course, {"groups": group["id"]}))
    db.execute("DELETE FROM role_assignments WHERE course = ? AND userid = ?", (course, user))
    db.execute(
        "DELETE FROM groups_members WHERE userid = ? AND groupid IN (SELECT id FROM groups WHERE course = ?)",
        (user, course),
    )
    return events


def enrol(work: Work, user: int, course: int, method: str, time: tuple[int, int]) -> Done:
    """The enrolment comes first, the role after it; old completion rows count on, unannounced."""
    if _enrolments(work, user, course, method):
        raise ActionRefusedError("This person is enrolled in the course already.")
    actor = ADMIN if method == "manual" else user
    enrolment = work.db.execute(
        "INSERT INTO user_enrolments (status, enrolid, course, userid, timestart, timeend,"
        " modifierid, timecreated, timemodified) VALUES (0, ?, ?, ?, ?, ?, ?, ?, ?)",
        (instance(work.db, course, method), course, user, *time, actor, work.now, work.now),
    ).lastrowid
    rows = {"user_enrolments": int(enrolment or 0), "role": STUDENT}
    events = recorded("re_enrol")
    role = one(
        work.db,
        "SELECT id FROM role_assignments WHERE course = ? AND userid = ? AND roleid = ?",
        course,
        user,
        STUDENT,
    )
    if role is None:
        assigned = work.db.execute(
            "INSERT INTO role_assignments (roleid, course, userid) VALUES (?, ?, ?)", (STUDENT, course, user)
        )
        rows["role_assignments"] = int(assigned.lastrowid or 0)
    else:
        events = [event for event in events if event["objecttable"] != "role"]
    return work.write(_by(method, play(events, _scene(work, user, course, rows, actor=actor))))


def set_status(work: Work, user: int, course: int, status: int, method: str = "") -> Done:
    """Suspend (1) or resume (0): one and the same event, which doesn't say which."""
    rows = [row for row in _enrolments(work, user, course, method) if row["status"] != status]
    if not rows:
        raise ActionRefusedError("The enrolment is as you want it already, or there is none.")
    events: list[Event] = []
    for row in rows:
        work.db.execute(
            "UPDATE user_enrolments SET status = ?, timemodified = ? WHERE id = ?",
            (status, work.now, row["id"]),
        )
        scene = _scene(work, user, course, {"user_enrolments": row["id"]})
        events += _by(row["enrol"], play(recorded("enrol_again_same_user"), scene))
    return work.write(events)


def instance(db: Db, course: int, method: str) -> int:
    """The course's enrolment method, made when first used."""
    row = one(db, "SELECT id FROM enrol WHERE courseid = ? AND enrol = ?", course, method)
    if row is not None:
        return int(row["id"])
    made = db.execute("INSERT INTO enrol (courseid, enrol) VALUES (?, ?)", (course, method))
    return int(made.lastrowid or 0)


def _by(method: str, events: list[Event], *, last: bool = True) -> list[Event]:
    """The recorded enrolments were manual ones, and the last of their people."""
    for event in events:
        if isinstance(event["other"], dict) and "enrol" in event["other"]:
            event["other"]["enrol"] = method
            if "userenrolment" in event["other"]:
                event["other"]["userenrolment"] |= {"enrol": method, "lastenrol": last}
    return events


def _enrolments(work: Work, user: int, course: int, method: str) -> list[Row]:
    need(work.db, "user", user)
    need(work.db, "course", course)
    return work.db.execute(
        "SELECT ue.*, e.enrol FROM user_enrolments ue JOIN enrol e ON e.id = ue.enrolid"
        " WHERE ue.course = ? AND ue.userid = ? AND ? IN ('', e.enrol) ORDER BY ue.id",
        (course, user, method),
    ).fetchall()


def _scene(
    work: Work, user: int, course: int, rows: dict[str, int], enrolment: Row | None = None, actor: int = ADMIN
) -> Scene:
    row = need(work.db, "course", course)
    kept = {} if enrolment is None else dict(enrolment) | {"courseid": course}
    kept.pop("course", None)
    return Scene(
        participant=user,
        actor=actor,
        contact=facilitator(work.db, course),
        course=course,
        course_context=row["contextid"],
        now=work.now,
        numbers=work.numbers,
        rows=rows,
        enrolment=kept,
    )
