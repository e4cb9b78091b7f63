"""The web service of mod_attendance that the service reads: recorded shapes, our state."""

from __future__ import annotations

from sandbox.attendance import module_of
from sandbox.capabilities import COURSE_VIEW, Caller
from sandbox.parameters import MoodleError, Params, check, integer, invalid_parameter
from sandbox.shapes import Answer, template
from sandbox.site import Site
from sandbox.store import Db, Row

VIEW = "mod/attendance:view"
ANY_OF = ("mod/attendance:manageattendances", "mod/attendance:takeattendances", "mod/attendance:changeattendances")


def get_sessions(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """mod_attendance_get_sessions: all sessions of an activity, by its instance."""
    check(params, "attendanceid")
    attendance = integer(params, "attendanceid")
    with site.store.read() as db:
        row = module_of(db, attendance)
        if not caller.may(COURSE_VIEW) or not caller.may(VIEW):
            text = "Course or activity not accessible."
            raise MoodleError("core\\exception\\require_login_exception", "requireloginerror", text)
        if not any(map(caller.may, ANY_OF)):
            raise invalid_parameter()
        sql = "SELECT * FROM attendance_sessions WHERE attendanceid = ? ORDER BY id"
        return [_answer(site, db, row, held) for held in db.execute(sql, (attendance,)).fetchall()]


def _answer(site: Site, db: Db, module: Row, held: Row) -> Answer:
    shape = template("attendance_session", site.wwwroot)
    statuses = db.execute(
        "SELECT * FROM attendance_statuses WHERE attendanceid = ? AND visible AND NOT deleted ORDER BY grade DESC, id",
        (held["attendanceid"],),
    ).fetchall()
    log = db.execute("SELECT * FROM attendance_log WHERE sessionid = ? ORDER BY id", (held["id"],)).fetchall()
    users = db.execute(
        "SELECT DISTINCT u.id, u.firstname, u.lastname FROM user u JOIN user_enrolments e ON e.userid = u.id"
        " WHERE e.course = ? AND NOT u.deleted AND (? = 0 OR u.id IN (SELECT userid FROM groups_members"
        " WHERE groupid = ?)) ORDER BY u.lastname, u.id",
        (module["course"], held["groupid"], held["groupid"]),
    ).fetchall()
    return shape | {
        **dict(held),
        "courseid": module["course"],
        "statuses": [
            {**dict(s), "grade": int(s["grade"]) if s["grade"] == int(s["grade"]) else s["grade"]} for s in statuses
        ],
        "attendance_log": [
            {"studentid": e["studentid"], "statusid": str(e["statusid"]), "remarks": e["remarks"], "id": str(e["id"])}
            for e in log
        ],
        "users": [dict(user) for user in users],
    }
