"""The site's true tables as plain rows, for tests that compare a mirror with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.store import Db
from sandbox.work import ACTIVE

PlainRow = dict[str, Any]


@dataclass(frozen=True)
class World:
    """All rows of one moment, each list in the order of its ids."""

    courses: list[PlainRow]
    modules: list[PlainRow]
    accounts: list[PlainRow]
    enrolments: list[PlainRow]
    roles: list[PlainRow]
    groups: list[PlainRow]
    completions: list[PlainRow]


def world(db: Db, now: float) -> World:
    """Everything as it stands. `enrolments` are all of them, one row for each method; `groups`
    are memberships; of completions only those whose row is there."""
    groups = _rows(
        db,
        'SELECT g.course, m.userid AS user, g.id AS "group", g.name, g.idnumber FROM groups_members m'
        " JOIN groups g ON g.id = m.groupid ORDER BY g.course, m.userid, g.id",
    )
    names = _groupings(db)
    return World(
        courses=_courses(db),
        modules=_rows(
            db,
            "SELECT m.id AS module, m.course, m.modname, m.instance, m.name, m.idnumber, m.visible,"
            " m.completion AS tracking, s.section AS section_number, s.name AS section_name"
            " FROM course_modules m JOIN course_sections s ON s.id = m.section ORDER BY m.id",
        ),
        accounts=_rows(
            db,
            "SELECT id AS user, username, idnumber, email, firstname, lastname, suspended, agency"
            " FROM user WHERE deleted = 0 ORDER BY id",
        ),
        enrolments=_rows(
            db,
            "SELECT ue.id, ue.course, ue.userid AS user, e.enrol AS method, ue.status, ue.timestart,"  # noqa: S608
            f" ue.timeend, {ACTIVE} AS active FROM user_enrolments ue JOIN enrol e ON e.id = ue.enrolid"
            " ORDER BY ue.id",
            *(round(now, -2), round(now, -2)),
        ),
        roles=_rows(
            db,
            "SELECT a.id, a.course, a.userid AS user, a.roleid AS role, r.shortname FROM role_assignments a"
            " JOIN role r ON r.id = a.roleid ORDER BY a.id",
        ),
        groups=[row | {"groupings": names.get(row["group"], [])} for row in groups],
        completions=_rows(
            db,
            "SELECT m.course, c.coursemoduleid AS module, c.userid AS user, c.completionstate AS state,"
            " c.timemodified, c.overrideby FROM course_modules_completion c"
            " JOIN course_modules m ON m.id = c.coursemoduleid ORDER BY c.id",
        ),
    )


def _courses(db: Db) -> list[PlainRow]:
    courses = _rows(
        db,
        "SELECT c.id AS course, c.shortname, c.fullname, c.idnumber, c.category,"
        " coalesce(k.idnumber, '') AS category_idnumber, c.visible, c.startdate, c.enddate"
        " FROM course c LEFT JOIN course_categories k ON k.id = c.category ORDER BY c.id",
    )
    for row in courses:
        sql = "SELECT shortname, value FROM customfield_data WHERE course = ?"
        row["fields"] = {field["shortname"]: field["value"] for field in _rows(db, sql, row["course"])}
    return courses


def _groupings(db: Db) -> dict[int, list[str]]:
    """By group the idnumbers of its groupings, else their names."""
    found: dict[int, list[str]] = {}
    sql = (
        "SELECT gg.groupid, coalesce(nullif(g.idnumber, ''), g.name) AS name FROM groupings g"
        " JOIN groupings_groups gg ON gg.groupingid = g.id ORDER BY g.id"
    )
    for row in _rows(db, sql):
        found.setdefault(row["groupid"], []).append(row["name"])
    return found


def _rows(db: Db, sql: str, *values: Any) -> list[PlainRow]:
    return [dict(row) for row in db.execute(sql, values).fetchall()]
