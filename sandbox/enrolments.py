"""Joining and leaving a course, as an administrator does it by manual enrolment, or by oneself."""

from __future__ import annotations

from sandbox.content import ADMIN, STUDENT
from sandbox.recording import Event, Scene, play, recorded
from sandbox.store import Db, Row, need, one
from sandbox.work import ActionRefusedError, Done, Work, facilitator


def leave(work: Work, user: int, course: int, method: str = "", actor: int = ADMIN) -> Done:
    """With the last enrolment roles go first, then groups; completion rows stay."""
    rows = _enrolments(work, user, course, method)
    if not rows:
        raise ActionRefusedError("This person isn't enrolled in the course.")
    left = len(_enrolments(work, user, course, ""))
    events: list[Event] = []
    for row in rows:
        left -= 1
        if not left:
            events += _give_up(work, user, course, actor)
        played = scene(work, user, course, {"user_enrolments": row["id"]}, row, actor)
        events += _by(row["enrol"], play(recorded("emit_enrolment_deleted")[1:], played), last=not left)
        work.db.execute("DELETE FROM user_enrolments WHERE id = ?", (row["id"],))
    return work.write(events)


def _give_up(work: Work, user: int, course: int, actor: int) -> list[Event]:
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
        played = scene(work, user, course, rows, actor=actor)
        events += play(recorded("emit_enrolment_deleted")[:1], played)
    for group in groups:
        played = scene(work, user, course, {"groups": group["id"]}, actor=actor)
        events += play(recorded("group_member_removed"), played)
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
    return join(work, user, instance(work.db, course, method), STUDENT, actor, time)


def join(
    work: Work,
    user: int,
    method: Row,
    role: int,
    actor: int,
    time: tuple[int, int],
    *,
    status: int = 0,
    component: str = "",
) -> Done:
    """A new enrolment by an enrolment method, then its role, where it isn't held; `component`: who keeps the role."""
    course = method["courseid"]
    enrolment = work.db.execute(
        "INSERT INTO user_enrolments (status, enrolid, course, userid, timestart, timeend,"
        " modifierid, timecreated, timemodified) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (status, method["id"], course, user, *time, actor, work.now, work.now),
    ).lastrowid
    rows = {"user_enrolments": int(enrolment or 0), "role": role}
    assigned = assign(work, user, course, role)
    events = recorded("re_enrol")
    if assigned:
        rows["role_assignments"] = assigned
    else:
        events = [event for event in events if event["objecttable"] != "role"]
    played = play(events, scene(work, user, course, rows, actor=actor))
    for event in played if component else ():
        if event["objecttable"] == "role":
            event["other"] |= {"component": component, "itemid": str(method["id"])}
    return work.write(_by(method["enrol"], played))


def assign(work: Work, user: int, course: int, role: int) -> int:
    """Give a role: the id of the assignment, 0 where it is held already."""
    held = "SELECT id FROM role_assignments WHERE course = ? AND userid = ? AND roleid = ?"
    if one(work.db, held, course, user, role) is not None:
        return 0
    made = work.db.execute(
        "INSERT INTO role_assignments (roleid, course, userid) VALUES (?, ?, ?)", (role, course, user)
    )
    return int(made.lastrowid or 0)


def set_status(work: Work, user: int, course: int, status: int, method: str = "") -> Done:
    """Suspend (1) or resume (0): one and the same event, which doesn't say which."""
    rows = [row for row in _enrolments(work, user, course, method) if row["status"] != status]
    if not rows:
        raise ActionRefusedError("The enrolment is as you want it already, or there is none.")
    events: list[Event] = []
    for row in rows:
        events += set_terms(work, row, (row["timestart"], row["timeend"]), status, ADMIN).events
    return Done(events)


def set_terms(work: Work, row: Row, time: tuple[int, int], status: int, actor: int) -> Done:
    """Another time or status of an enrolment."""
    work.db.execute(
        "UPDATE user_enrolments SET timestart = ?, timeend = ?, status = ?, timemodified = ? WHERE id = ?",
        (*time, status, work.now, row["id"]),
    )
    played = scene(work, row["userid"], row["course"], {"user_enrolments": row["id"]}, actor=actor)
    method = need(work.db, "enrol", row["enrolid"])["enrol"]
    return work.write(_by(method, play(recorded("enrol_again_same_user"), played)))


def instance(db: Db, course: int, method: str) -> Row:
    """The course's enrolment method, made when first used."""
    row = one(db, "SELECT * FROM enrol WHERE courseid = ? AND enrol = ?", course, method)
    if row is not None:
        return row
    made = db.execute("INSERT INTO enrol (courseid, enrol) VALUES (?, ?)", (course, method))
    return need(db, "enrol", int(made.lastrowid or 0))


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


def scene(
    work: Work, user: int, course: int, rows: dict[str, int], enrolment: Row | None = None, actor: int = ADMIN
) -> Scene:
    """Who and what is put into a recording about somebody's part in a course."""
    row = need(work.db, "course", course)
    kept = {} if enrolment is None else dict(enrolment) | {"courseid": course}
    kept.pop("course", None)
    return Scene(
        participant=user,
        actor=actor,
        contact=_contact(work.db, course, actor),
        course=course,
        course_context=row["contextid"],
        now=work.now,
        numbers=work.numbers,
        rows=rows,
        enrolment=kept,
    )


def _contact(db: Db, course: int, actor: int) -> int:
    """In whose name Moodle welcomes: the course's contact, where it has one."""
    try:
        return facilitator(db, course)
    except ActionRefusedError:
        return actor
