"""The web services' answers: a recorded answer of each kind, with this site's rows in it."""

from __future__ import annotations

import copy
from typing import Any

from sandbox.completion import COMPLETE, FAILED, PASSED, Completion, completion_of
from sandbox.recording import moodle_functions, ws_template
from sandbox.site import Site
from sandbox.store import Row, need

Answer = dict[str, Any]

RECORDED_WWWROOT = "https://moodle.example.org"

_MODULE_NUMBERS = {
    "assign": 1,
    "choice": 5,
    "feedback": 7,
    "forum": 9,
    "glossary": 10,
    "lesson": 13,
    "page": 16,
    "quiz": 17,
    "resource": 18,
    "url": 20,
}
_GRADED_ONLY = ("grade", "gradepass", "gradecat", "completiongradeitemnumber")


def is_moodle_function(name: str) -> bool:
    """Whether the recorded site had this function, though it isn't offered here."""
    return name in moodle_functions()


def _template(name: str, site: Site) -> Answer:
    """A recorded thing, its addresses moved to this site."""
    found: Answer = _moved(copy.deepcopy(ws_template()[name]), site.wwwroot)
    return found


def _moved(value: Any, wwwroot: str) -> Any:
    if isinstance(value, dict):
        return {key: _moved(item, wwwroot) for key, item in value.items()}
    if isinstance(value, list):
        return [_moved(item, wwwroot) for item in value]
    if isinstance(value, str):
        return value.replace(RECORDED_WWWROOT, wwwroot)
    return value


def module_row(site: Site, module: int) -> Row:
    """A course module; `LookupError` when there is none."""
    with site.store.read() as db:
        return need(db, "course_modules", module)


def site_info(site: Site, user: int) -> Answer:
    """core_webservice_get_site_info"""
    row = site.rows("SELECT * FROM user WHERE id = ?", user)[0]
    name = f"{row['firstname']} {row['lastname']}"
    return _template("site_info", site) | {
        "sitename": "Simulated Moodle site",
        "username": row["username"],
        "firstname": row["firstname"],
        "lastname": row["lastname"],
        "fullname": name,
        "userid": user,
        "siteurl": site.wwwroot,
        "userissiteadmin": user in (2, 3),
    }


def courses(site: Site, field: str, value: str) -> list[Answer]:
    """core_course_get_courses_by_field: a value that nothing has gives an empty list."""
    rows = site.rows("SELECT * FROM course ORDER BY id")
    if field in ("id", "ids"):
        rows = [row for row in rows if str(row["id"]) in value.split(",")]
    elif field:
        rows = [row for row in rows if str(row[field]) == value]
    return [_course(site, row) for row in rows]


def _course(site: Site, row: Row) -> Answer:
    answer = _template("course", site)
    contacts = site.rows(
        "SELECT u.id, u.firstname || ' ' || u.lastname AS fullname FROM role_assignments a"
        " JOIN user u ON u.id = a.userid WHERE a.course = ? AND a.roleid = 3",
        row["id"],
    )
    answer |= {key: row[key] for key in ("id", "fullname", "shortname", "idnumber", "summary")}
    answer |= {key: row[key] for key in ("startdate", "enddate", "visible", "timecreated")}
    return answer | {
        "displayname": row["fullname"],
        "categoryid": row["category"],
        "categoryname": row["categoryname"],
        "sortorder": 10_000 * row["category"] + 1,
        "timemodified": row["timecreated"],
        "contacts": [dict(contact) for contact in contacts],
        "customfields": [],
    }


def contents(site: Site, course: int, caller: int) -> list[Answer]:
    """core_course_get_contents: sections, their modules, and the caller's own completion."""
    with site.store.read() as db:
        need(db, "course", course)
    found = []
    sql = "SELECT * FROM course_sections WHERE course = ? ORDER BY section"
    for row in site.rows(sql, course):
        section = _template("section", site)
        section |= {"id": row["id"], "name": row["name"], "section": row["section"]}
        modules = site.rows("SELECT * FROM course_modules WHERE section = ? ORDER BY id", row["id"])
        section["modules"] = [_content(site, module, caller) for module in modules]
        found.append(section)
    return found


def _content(site: Site, row: Row, caller: int) -> Answer:
    answer: Answer = _template("modules", site)[row["modname"]]
    own = {key: row[key] for key in ("id", "name", "instance", "contextid", "completion", "visible")}
    own["url"] = f"{site.wwwroot}/mod/{row['modname']}/view.php?id={row['id']}"
    if row["completion"]:
        tracked = caller in site.participants(row["course"])
        own["completiondata"] = _completion(site, row, caller if tracked else 0)
        own["completiondata"]["istrackeduser"] = tracked
    else:
        answer.pop("completiondata", None)
    if "contents" in answer:
        for item in answer["contents"]:
            item["timemodified"] = row["added"]
        answer["contentsinfo"]["lastmodified"] = row["added"]
    return {key: own.get(key, value) for key, value in answer.items()}


def course_module(site: Site, module: int) -> Answer:
    """core_course_get_course_module, as somebody with manageactivities gets it."""
    row = module_row(site, module)
    section = site.rows("SELECT * FROM course_sections WHERE id = ?", row["section"])[0]
    rules = _rules(row)
    answer = _template("course_module", site) | {
        "id": module,
        "course": row["course"],
        "module": _MODULE_NUMBERS[row["modname"]],
        "name": row["name"],
        "modname": row["modname"],
        "instance": row["instance"],
        "section": row["section"],
        "sectionnum": section["section"],
        "completion": row["completion"],
        "idnumber": row["idnumber"],
        "added": row["added"],
        "visible": row["visible"],
        "visibleold": row["visible"],
        "completionpassgrade": int("completionpassgrade" in rules),
        "completionview": int("completionview" in rules),
    }
    if row["modname"] != "quiz":
        answer = {key: value for key, value in answer.items() if key not in _GRADED_ONLY}
        answer["completiongradeitemnumber"] = None
    return answer


def enrolled_users(site: Site, course: int, options: dict[str, str]) -> list[Answer]:
    """core_enrol_get_enrolled_users: says neither status nor method of an enrolment."""
    with site.store.read() as db:
        need(db, "course", course)
    rows = site.rows(
        "SELECT u.*, e.status FROM user u JOIN user_enrolments e ON e.userid = u.id"
        " WHERE e.course = ? AND u.deleted = 0 ORDER BY u.id",
        course,
    )
    if options.get("onlyactive") == "1":
        rows = [row for row in rows if row["status"] == 0]
    if options.get("onlysuspended") == "1":
        rows = [row for row in rows if row["status"] == 1]
    if options.get("sortby") == "id" and options.get("sortdirection", "ASC") == "DESC":
        rows.reverse()
    start = int(options.get("limitfrom", 0))
    count = int(options.get("limitnumber", 0)) or len(rows)
    wanted = set(options["userfields"].split(",")) if "userfields" in options else None
    users = [_enrolled(site, course, row) for row in rows[start : start + count]]
    if wanted is None:
        return users
    wanted |= {"id", "fullname"}
    return [{key: value for key, value in user.items() if key in wanted} for user in users]


def _enrolled(site: Site, course: int, row: Row) -> Answer:
    user = row["id"]
    answer = _template("enrolled_user", site)
    answer |= {key: row[key] for key in ("id", "username", "firstname", "lastname", "email")}
    answer |= {key: row[key] for key in ("idnumber", "city", "lastaccess")}
    answer["fullname"] = f"{row['firstname']} {row['lastname']}"
    answer["lastcourseaccess"] = row["lastaccess"]
    answer["customfields"][0]["value"] = row["agency"]
    groups = site.rows(
        "SELECT g.id, g.name FROM groups g JOIN groups_members m ON m.groupid = g.id"
        " WHERE g.course = ? AND m.userid = ? ORDER BY g.id",
        course,
        user,
    )
    filler = {"description": "", "descriptionformat": 1}
    answer["groups"] = [dict(group) | filler for group in groups]
    roles = site.rows(
        "SELECT r.id AS roleid, r.shortname FROM role_assignments a JOIN role r ON r.id = a.roleid"
        " WHERE a.course = ? AND a.userid = ? ORDER BY r.sortorder",
        course,
        user,
    )
    answer["roles"] = [{"roleid": r["roleid"], "name": "", "shortname": r["shortname"], "sortorder": 0} for r in roles]
    enrolled = site.rows(
        "SELECT c.id, c.fullname, c.shortname FROM course c JOIN user_enrolments e"
        " ON e.course = c.id WHERE e.userid = ? AND e.status = 0 ORDER BY c.fullname",
        user,
    )
    answer["enrolledcourses"] = [dict(course_row) for course_row in enrolled]
    return _without_empty(answer)


def _without_empty(answer: Answer) -> Answer:
    """Moodle leaves these two keys out when there is nothing in them."""
    gone = {key for key in ("groups", "enrolledcourses") if not answer[key]}
    return {key: value for key, value in answer.items() if key not in gone}


def statuses(site: Site, course: int, user: int) -> list[Answer]:
    """core_completion_get_activities_completion_status: tracked activities only, and all
    incomplete for somebody who isn't enrolled."""
    with site.store.read() as db:
        need(db, "course", course)
        need(db, "user", user)
    sql = "SELECT * FROM course_modules WHERE course = ? AND completion > 0 ORDER BY id"
    found = []
    for row in site.rows(sql, course):
        answer = _template("status", site)
        answer |= {"cmid": row["id"], "modname": row["modname"], "instance": row["instance"]}
        answer |= _completion(site, row, user) | {"tracking": row["completion"]}
        found.append({key: answer[key] for key in ws_template()["status"]})
    return found


def _completion(site: Site, row: Row, user: int) -> Answer:
    with site.store.read() as db:
        held = completion_of(db, row["id"], user)
    passing = "completionpassgrade" in _rules(row)
    automatic = row["completion"] == 2
    complete = held.state in (COMPLETE, PASSED) or (held.state == FAILED and not passing)
    return {
        "state": held.state,
        "timecompleted": held.timemodified,
        "overrideby": held.overrideby,
        "valueused": False,
        "hascompletion": True,
        "isautomatic": automatic,
        "istrackeduser": True,
        "uservisible": True,
        "details": _details(row, held) if automatic else [],
        "isoverallcomplete": complete,
    }


def _details(row: Row, held: Completion) -> list[Answer]:
    details: list[Answer] = copy.deepcopy(ws_template()["modules"][row["modname"]]["completiondata"]["details"])
    for rule in details:
        failed = held.state == FAILED and rule["rulename"] == "completionusegrade"
        rule["rulevalue"]["status"] = COMPLETE if failed else held.state
    return details


def _rules(row: Row) -> list[str]:
    if row["completion"] != 2:
        return []
    data = ws_template()["modules"][row["modname"]]["completiondata"]
    return [rule["rulename"] for rule in data["details"]]
