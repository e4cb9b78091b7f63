"""Readings: the site's state as rows of the wire, taken at the moment of sending."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.store import Db, one

Reading = dict[str, Any]

_ORDER = ("course", "module", "account", "enrolment", "completion")
_WHOLE_COURSE = frozenset(
    f"\\core\\event\\course_{name}"
    for name in (
        "created",
        "updated",
        "restored",
        "reset_ended",
        "section_created",
        "section_updated",
        "section_deleted",
    )
)
"""Events after which the plugin reads all activities of the course."""


def course(db: Db, course_id: int) -> Reading:
    """A course row."""
    row = one(
        db,
        "SELECT c.*, coalesce(k.idnumber, '') AS category_idnumber, o.original FROM course c"
        " LEFT JOIN course_categories k ON k.id = c.category"
        " LEFT JOIN originals o ON o.course = c.id AND o.original IN (SELECT id FROM course) WHERE c.id = ?",
        course_id,
    )
    if row is None:
        return {"kind": "course", "course": course_id, "present": False}
    return {
        "kind": "course",
        "course": course_id,
        "present": True,
        "shortname": row["shortname"],
        "fullname": row["fullname"],
        "idnumber": row["idnumber"],
        "category": row["category"],
        "category_idnumber": row["category_idnumber"],
        "fields": _fields(db, course_id),
        "visible": bool(row["visible"]),
        "startdate": row["startdate"],
        "enddate": row["enddate"],
        "copy_of": row["original"],
    }


def _fields(db: Db, course_id: int) -> dict[str, str]:
    rows = db.execute("SELECT shortname, value FROM customfield_data WHERE course = ? ORDER BY shortname", (course_id,))
    return {row["shortname"]: row["value"] for row in rows.fetchall()}


def module(db: Db, course_id: int, module_id: int) -> Reading:
    """A course module with its section, and the hours that its form declares."""
    row = one(
        db,
        "SELECT m.*, s.section AS number, s.name AS section_name, h.minutes, coalesce(h.component, '') AS component"
        " FROM course_modules m JOIN course_sections s ON s.id = m.section"
        " LEFT JOIN hours h ON h.cmid = m.id WHERE m.id = ?",
        module_id,
    )
    if row is None:
        return {"kind": "module", "module": module_id, "course": course_id, "present": False}
    return {
        "kind": "module",
        "module": module_id,
        "course": row["course"],
        "present": True,
        "modname": row["modname"],
        "name": row["name"],
        "idnumber": row["idnumber"],
        "section_number": row["number"],
        "section_name": row["section_name"],
        "visible": bool(row["visible"]),
        "tracking": row["completion"],
        "minutes": row["minutes"],
        "component": row["component"],
    }


def role(db: Db, role_id: int) -> Reading:
    """A role of the site."""
    row = db.execute("SELECT shortname FROM role WHERE id = ?", (role_id,)).fetchone()
    return {"kind": "role", "role": role_id, "shortname": row["shortname"]}


def account(db: Db, user_id: int) -> Reading:
    """A user row."""
    row = one(db, "SELECT * FROM user WHERE id = ? AND deleted = 0", user_id)
    if row is None:
        return {"kind": "account", "user": user_id, "present": False}
    return {
        "kind": "account",
        "user": user_id,
        "present": True,
        "username": row["username"],
        "idnumber": row["idnumber"],
        "email": row["email"],
        "firstname": row["firstname"],
        "lastname": row["lastname"],
        "suspended": bool(row["suspended"]),
        "profile": {"agency": row["agency"]},
    }


def enrolment(db: Db, course_id: int, user_id: int) -> Reading:
    """All that says how a user takes part in a course; empty lists when nothing does. What a method let in that is
    switched off is told as suspended."""
    pair = (course_id, user_id)
    enrolments = db.execute(
        "SELECT u.id, e.enrol AS method, u.status <> 0 OR e.status <> 0 AS status, u.timestart, u.timeend"
        " FROM user_enrolments u"
        " JOIN enrol e ON e.id = u.enrolid WHERE u.course = ? AND u.userid = ? ORDER BY u.id",
        pair,
    )
    roles = db.execute(
        "SELECT a.id, a.roleid AS role, r.shortname FROM role_assignments a"
        " JOIN role r ON r.id = a.roleid WHERE a.course = ? AND a.userid = ? ORDER BY a.id",
        pair,
    )
    groups = db.execute(
        "SELECT g.id, g.name, g.idnumber FROM groups g JOIN groups_members m ON m.groupid = g.id"
        " WHERE g.course = ? AND m.userid = ? ORDER BY g.id",
        pair,
    )
    return {
        "kind": "enrolment",
        "course": course_id,
        "user": user_id,
        "enrolments": [dict(row) for row in enrolments.fetchall()],
        "roles": [dict(row) for row in roles.fetchall()],
        "groups": [dict(row) | {"groupings": _groupings(db, row["id"])} for row in groups.fetchall()],
    }


def _groupings(db: Db, group_id: int) -> list[str]:
    rows = db.execute(
        "SELECT g.idnumber, g.name FROM groupings g JOIN groupings_groups i ON i.groupingid = g.id"
        " WHERE i.groupid = ? ORDER BY g.id",
        (group_id,),
    )
    return [row["idnumber"] or row["name"] for row in rows.fetchall()]


def completion(db: Db, course_id: int, module_id: int, user_id: int) -> Reading:
    """A completion row, or that there is none."""
    row = one(
        db,
        "SELECT * FROM course_modules_completion WHERE coursemoduleid = ? AND userid = ?",
        module_id,
        user_id,
    )
    reading: Reading = {
        "kind": "completion",
        "module": module_id,
        "course": course_id,
        "user": user_id,
        "present": row is not None,
    }
    if row is not None:
        reading["state"] = row["completionstate"]
        reading["timemodified"] = row["timemodified"]
        reading["overrideby"] = row["overrideby"]
    return reading


def _wanted(db: Db, data: dict[str, Any]) -> set[tuple[int | str, ...]]:
    """Which rows the plugin reads for an event. The participant is the related user and never who acts; of an event
    about an account it is the account."""
    course_id = int(data["courseid"] or 0)
    user_id = int((data["objectid"] if data.get("objecttable") == "user" else data["relateduserid"]) or 0)
    module_id = int(data["contextinstanceid"]) if data["contextlevel"] == 70 else 0
    wanted: set[tuple[int | str, ...]] = set()
    if user_id > 0:
        wanted.add(("account", user_id))
    if course_id > 0:
        wanted.add(("course", course_id))
        wanted |= {("enrolment", course_id, user_id)} if user_id > 0 else set()
        wanted |= {("module", course_id, module_id)} if module_id else set()
        wanted |= {("completion", course_id, module_id, user_id)} if module_id and user_id > 0 else set()
    if data["eventname"] in _WHOLE_COURSE:
        rows = db.execute("SELECT id FROM course_modules WHERE course = ?", (course_id,)).fetchall()
        wanted |= {("module", course_id, row["id"]) for row in rows}
    return wanted


_READERS: dict[str, Callable[..., Reading]] = {
    "course": course,
    "module": module,
    "account": account,
    "enrolment": enrolment,
    "completion": completion,
}


def for_events(db: Db, events: Iterable[dict[str, Any]]) -> list[Reading]:
    """The readings that these events need, each once, what others refer to first."""
    wanted: set[tuple[int | str, ...]] = set()
    for data in events:
        wanted |= _wanted(db, data)
    ordered = sorted(wanted, key=lambda item: (_ORDER.index(str(item[0])), item[1:]))
    return [_READERS[str(kind)](db, *(int(i) for i in ids)) for kind, *ids in ordered]


def everything(db: Db) -> list[Reading]:
    """The whole site: every row that there is, what others refer to first."""
    found = [role(db, row["id"]) for row in db.execute("SELECT id FROM role ORDER BY id").fetchall()]
    courses = db.execute("SELECT id FROM course ORDER BY id").fetchall()
    found += [course(db, row["id"]) for row in courses]
    modules = db.execute("SELECT id, course FROM course_modules ORDER BY id").fetchall()
    found += [module(db, row["course"], row["id"]) for row in modules]
    users = db.execute("SELECT id FROM user WHERE deleted = 0 ORDER BY id").fetchall()
    found += [account(db, row["id"]) for row in users]
    pairs = db.execute(
        "SELECT course, userid FROM user_enrolments UNION SELECT course, userid FROM"
        " role_assignments UNION SELECT m.course, c.userid FROM course_modules_completion c"
        " JOIN course_modules m ON m.id = c.coursemoduleid ORDER BY 1, 2"
    ).fetchall()
    found += [enrolment(db, row["course"], row["userid"]) for row in pairs]
    rows = db.execute(
        "SELECT m.course, c.coursemoduleid, c.userid FROM course_modules_completion c"
        " JOIN course_modules m ON m.id = c.coursemoduleid ORDER BY c.id"
    ).fetchall()
    found += [completion(db, row["course"], row["coursemoduleid"], row["userid"]) for row in rows]
    return found
