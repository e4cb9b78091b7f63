"""How the site and its courses are set up, as the companion plugin tells it."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox import rules
from sandbox.capabilities import Caller
from sandbox.content import STUDENT
from sandbox.observer import hands_over
from sandbox.store import Db, Row, config, need, one

Answer = dict[str, Any]

MAX_SECTIONS = 52
AUTHS = ("manual", "email", "oauth2")
ENROLMENTS = ("manual", "guest", "self", "cohort")
ASSIGNABLE = (3, 4, 5)
"""The roles that the provisioning account may assign: teachers and students."""
_ARCHETYPES = frozenset({"manager", "coursecreator", "editingteacher", "teacher", "student", "guest"})


def of_site(db: Db, caller: Caller, courses: list[Answer]) -> Answer:
    """What the site offers, and which of these courses, there or to come, the plugin would hand over."""
    assigns = caller.may("moodle/role:assign")
    return {
        "roles": [
            {
                "id": row["id"],
                "shortname": row["shortname"],
                "archetype": row["shortname"] if row["shortname"] in _ARCHETYPES else "",
                "assignable": assigns and row["id"] in ASSIGNABLE,
            }
            for row in _rows(db, "SELECT * FROM role ORDER BY sortorder, id")
        ],
        "fields": fields(db),
        "cohorts": _rows(
            db,
            "SELECT c.id, c.idnumber, c.name, c.category, count(m.userid) AS members FROM cohort c"
            " LEFT JOIN cohort_members m ON m.cohortid = c.id GROUP BY c.id ORDER BY c.id",
        ),
        "auths": list(AUTHS),
        "enrolments": [name for name in ENROLMENTS if name != "cohort" or cohort_sync(db)],
        "completion": True,
        "maxsections": MAX_SECTIONS,
        "cohortsync": cohort_sync(db),
        "passwordpolicy": True,
        "copiespeople": copies_people(caller),
        "handedover": [hands_over(db, row["idnumber"], row["category"]) for row in courses],
    }


def copies_people(caller: Caller) -> bool:
    """Whether the caller may copy a course's people with it."""
    return caller.may("moodle/backup:userinfo") and caller.may("moodle/restore:userinfo")


def cohort_sync(db: Db) -> bool:
    """Whether cohorts can be enrolled."""
    return config(db, "cohortsync") != "off"


def fields(db: Db) -> list[Answer]:
    """The custom fields of courses: those that were defined, and whatever a course has."""
    defined = _rows(db, "SELECT * FROM customfield_field ORDER BY shortname")
    known = {row["shortname"] for row in defined}
    sql = "SELECT DISTINCT shortname FROM customfield_data ORDER BY shortname"
    others = [row["shortname"] for row in _rows(db, sql) if row["shortname"] not in known]
    found = [row | {"options": json.loads(row["options"]), "required": bool(row["required"])} for row in defined]
    return found + [{"shortname": name, "type": "text", "options": [], "required": False} for name in others]


def of_course(db: Db, course: int) -> Answer:
    """Everything that makes up a course, and nobody's data."""
    return {
        "course": _course(db, need(db, "course", course)),
        "sections": [_section(db, row) for row in _sections(db, course)],
        "activities": [_activity(db, row) for row in _modules(db, course)],
        "groups": _rows(
            db,
            "SELECT g.id, g.idnumber, g.name, count(m.userid) AS members FROM groups g"
            " LEFT JOIN groups_members m ON m.groupid = g.id WHERE g.course = ? GROUP BY g.id ORDER BY g.id",
            course,
        ),
        "groupings": _groupings(db, course),
        "enrolments": _enrolments(db, course),
        "criteria": _hashed(json.dumps(_criteria(db, course))) if _criteria(db, course) else "",
        "participants": _rows(db, _PARTICIPANTS, course)[0]["n"],
    }


_PLACES = (
    "SELECT m.id, m.idnumber, k.moduleinstance IS NOT NULL AS counts FROM course_modules m"
    " LEFT JOIN course_completion_criteria k ON k.moduleinstance = m.id WHERE m.course = ? ORDER BY m.id"
)
_PARTICIPANTS = "SELECT count(DISTINCT userid) AS n FROM user_enrolments WHERE course = ?"


def _criteria(db: Db, course: int) -> list[str]:
    """The activities that complete the course, by idnumber or place, so that a copy has the same."""
    rows = enumerate(_rows(db, _PLACES, course))
    return [row["idnumber"] or str(place) for place, row in rows if row["counts"]]


def _hashed(text: str) -> str:
    """What differs where the text does; empty for none."""
    return hashlib.sha256(text.encode()).hexdigest() if text else ""


def settings(db: Db, course: int) -> Answer:
    """What is set of a course besides its own row."""
    row = one(db, "SELECT format, groupmode, enablecompletion FROM course_settings WHERE course = ?", course)
    return dict(row) if row else {"format": "topics", "groupmode": 0, "enablecompletion": 1}


def section(db: Db, row: Row) -> Answer:
    """A section with what is set of it."""
    kept = one(db, "SELECT * FROM section_settings WHERE section = ?", row["id"])
    return {
        "number": row["section"],
        "name": row["name"],
        "named": bool(kept["named"]) if kept else not (row["section"] == 0 and row["name"] == "General"),
        "visible": bool(kept["visible"]) if kept else True,
        "summary": kept["summary"] if kept else "",
    }


def _section(db: Db, row: Row) -> Answer:
    found = section(db, row)
    return found | {"summary": _hashed(found["summary"]), "availability": "", "component": ""}


def _course(db: Db, row: Row) -> Answer:
    original = one(
        db,
        "SELECT original FROM originals WHERE course = ? AND original IN (SELECT id FROM course)",
        row["id"],
    )
    own = settings(db, row["id"])
    data = _rows(db, "SELECT shortname, value FROM customfield_data WHERE course = ? ORDER BY shortname", row["id"])
    names = ("id", "fullname", "shortname", "idnumber", "category", "startdate", "enddate", "timecreated")
    return {name: row[name] for name in names} | {
        "visible": bool(row["visible"]),
        "format": own["format"],
        "enablecompletion": bool(own["enablecompletion"]),
        "groupmode": own["groupmode"],
        "copy_of": original["original"] if original else None,
        "fields": {field["shortname"]: "0" if field["type"] == "checkbox" else "" for field in fields(db)}
        | {field["shortname"]: field["value"] for field in data},
    }


def _activity(db: Db, row: Row) -> Answer:
    hours = one(db, "SELECT minutes, component FROM hours WHERE cmid = ?", row["id"])
    return {
        "cmid": row["id"],
        "idnumber": row["idnumber"],
        "modname": row["modname"],
        "name": row["name"],
        "section": row["number"],
        "visible": shown(db, row),
        "minutes": hours["minutes"] if hours else None,
        "component": hours["component"] if hours else "",
        "completion": rules.of_module(db, row),
        "further": [],
        "availability": "",
    }


def shown(db: Db, module: Row) -> bool:
    """Whether an activity is visible; of one in a hidden section: whether it will be once that is shown."""
    with_section = one(db, "SELECT 1 FROM hidden_with_section WHERE cmid = ?", module["id"])
    return bool(module["visible"]) or with_section is not None


def _groupings(db: Db, course: int) -> list[Answer]:
    found = _rows(db, "SELECT id, idnumber, name FROM groupings WHERE course = ? ORDER BY id", course)
    sql = "SELECT groupid FROM groupings_groups WHERE groupingid = ? ORDER BY groupid"
    return [row | {"groups": [each["groupid"] for each in _rows(db, sql, row["id"])]} for row in found]


def _enrolments(db: Db, course: int) -> list[Answer]:
    rows = _rows(
        db,
        "SELECT e.id, e.enrol AS method, e.status = 0 AS enabled, coalesce(r.shortname, '') AS role,"
        " coalesce(nullif(c.idnumber, ''), c.id, '') AS cohort, coalesce(s.cohort, 0) AS cohortid,"
        ' coalesce(s.groupid, 0) AS "group" FROM enrol e LEFT JOIN enrol_settings s ON s.enrolid = e.id'
        " LEFT JOIN cohort c ON c.id = s.cohort LEFT JOIN role r ON r.id ="
        " coalesce(s.roleid, CASE e.enrol WHEN 'guest' THEN 0 ELSE ? END) WHERE e.courseid = ? ORDER BY e.id",
        *(STUDENT, course),
    )
    return [row | {"enabled": bool(row["enabled"]), "cohort": str(row["cohort"])} for row in rows]


def _sections(db: Db, course: int) -> list[Row]:
    return db.execute("SELECT * FROM course_sections WHERE course = ? ORDER BY section", (course,)).fetchall()


def _modules(db: Db, course: int) -> list[Row]:
    sql = (
        "SELECT m.*, s.section AS number FROM course_modules m JOIN course_sections s ON s.id = m.section"
        " WHERE m.course = ? ORDER BY s.section, m.id"
    )
    return db.execute(sql, (course,)).fetchall()


def _rows(db: Db, sql: str, *values: Any) -> list[Answer]:
    return [dict(row) for row in db.execute(sql, values).fetchall()]
