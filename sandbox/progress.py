"""The web services' answers about completion, from the rows as they stand."""

from __future__ import annotations

from typing import Any

from sandbox.capabilities import HIDDEN_ACTIVITIES, Caller
from sandbox.completion import COMPLETE, FAILED, PASSED
from sandbox.shapes import Answer, rules, template
from sandbox.site import Site
from sandbox.store import Row, need


def held(site: Site, course: int, user: int) -> dict[int, Row]:
    """One person's completion rows of a course, by module."""
    rows = site.rows(
        "SELECT c.* FROM course_modules_completion c JOIN course_modules m ON m.id = c.coursemoduleid"
        " WHERE c.userid = ? AND m.course = ?",
        user,
        course,
    )
    return {int(row["coursemoduleid"]): row for row in rows}


def statuses(site: Site, caller: Caller, course: int, user: int) -> list[Answer]:
    """core_completion_get_activities_completion_status: tracked activities only, and all
    incomplete for somebody who isn't enrolled. What the caller can't see is left out."""
    with site.store.read() as db:
        need(db, "course", course)
        need(db, "user", user)
    own = held(site, course, user)
    sql = "SELECT * FROM course_modules WHERE course = ? AND completion > 0 ORDER BY id"
    shape = template("status", site.wwwroot)
    found = []
    for row in site.rows(sql, course):
        if row["visible"] or caller.may(HIDDEN_ACTIVITIES):
            ids = {"cmid": row["id"], "modname": row["modname"], "instance": row["instance"]}
            found.append(shape | ids | {"tracking": row["completion"]} | told(row, own.get(row["id"])))
    return found


def told(module: Row, row: Row | None) -> Answer:
    """The state as Moodle tells it. `timecompleted` is when the row last changed, whatever its
    state; nought for both says that there may be no row."""
    state = int(row["completionstate"]) if row is not None else 0
    rulings = rules(module["modname"], module["completion"])
    passing = any(rule["rulename"] == "completionpassgrade" for rule in rulings)
    return {
        "state": state,
        "timecompleted": int(row["timemodified"]) if row is not None else 0,
        "overrideby": row["overrideby"] if row is not None else None,
        "valueused": False,
        "hascompletion": True,
        "isautomatic": module["completion"] == 2,
        "istrackeduser": True,
        "uservisible": True,
        "details": [_ruled(rule, state) for rule in rulings],
        "isoverallcomplete": state in (COMPLETE, PASSED) or (state == FAILED and not passing),
    }


def _ruled(rule: Answer, state: int) -> Answer:
    failed = state == FAILED and rule["rulename"] == "completionusegrade"
    value: dict[str, Any] = rule["rulevalue"] | {"status": COMPLETE if failed else state}
    return rule | {"rulevalue": value}
