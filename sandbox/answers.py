"""The web services' answers about site, courses and modules: recorded ones with this site's rows."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox import progress
from sandbox.capabilities import COURSE_VIEW, HIDDEN_ACTIVITIES, HIDDEN_COURSES, MANAGE_ACTIVITIES, Caller
from sandbox.capabilities import MANAGE_CATEGORIES as CATEGORIES
from sandbox.recording import moodle_functions
from sandbox.setups import settings
from sandbox.shapes import Answer, rules, template
from sandbox.site import Site
from sandbox.store import Row, need

_MODULE_NUMBERS = {
    "assign": 1,
    "attendance": 25,
    "bigbluebuttonbn": 2,
    "book": 3,
    "choice": 5,
    "feedback": 7,
    "folder": 8,
    "forum": 9,
    "glossary": 10,
    "label": 12,
    "lesson": 13,
    "page": 16,
    "quiz": 17,
    "resource": 18,
    "url": 20,
}
_GRADED_ONLY = ("grade", "gradepass", "gradecat", "completiongradeitemnumber")
_MANAGED = ("idnumber", "visible", "visibleold", "timemodified", "theme")
_PUBLIC_OF_MODULE = (
    *("id", "course", "module", "name", "modname", "instance", "section", "sectionnum"),
    *("groupmode", "groupingid", "completion", "downloadcontent"),
)
_VERSION = "2025030400"
_LAST_PUBLIC_OF_COURSE = "customfields"


def is_moodle_function(name: str) -> bool:
    """Whether the recorded site had this function, though it isn't offered here."""
    return name in moodle_functions()


def module_row(site: Site, module: int) -> Row:
    """A course module; `LookupError` when there is none."""
    with site.store.read() as db:
        return need(db, "course_modules", module)


def site_info(site: Site, user: int, functions: Iterable[str]) -> Answer:
    """core_webservice_get_site_info, with the functions that the token's service holds."""
    row = site.rows("SELECT * FROM user WHERE id = ?", user)[0]
    name = f"{row['firstname']} {row['lastname']}"
    return template("site_info", site.wwwroot) | {
        "sitename": "Simulated Moodle site",
        "username": row["username"],
        "firstname": row["firstname"],
        "lastname": row["lastname"],
        "fullname": name,
        "userid": user,
        "siteurl": site.wwwroot,
        "userissiteadmin": user in (2, 3),
        "functions": [{"name": name, "version": _VERSION} for name in sorted(functions)],
    }


def courses(site: Site, caller: Caller, field: str, value: str) -> list[Answer]:
    """core_course_get_courses_by_field: a value that nothing has gives an empty list. Who can't
    enter a course gets its public fields alone."""
    rows = site.rows("SELECT * FROM course ORDER BY id")
    if field in ("id", "ids"):
        rows = [row for row in rows if str(row["id"]) in value.split(",")]
    elif field:
        rows = [row for row in rows if str(row[field]) == value]
    rows = [row for row in rows if row["visible"] or caller.may(HIDDEN_COURSES)]
    found = [_course(site, row) for row in rows]
    if caller.may(COURSE_VIEW):
        return found
    return [_up_to(course, _LAST_PUBLIC_OF_COURSE) for course in found]


def _up_to(answer: Answer, last: str) -> Answer:
    keys = list(answer)
    return {key: answer[key] for key in keys[: keys.index(last) + 1]}


def _course(site: Site, row: Row) -> Answer:
    answer = dict(template("course", site.wwwroot))
    contacts = site.rows(
        "SELECT u.id, u.firstname || ' ' || u.lastname AS fullname FROM role_assignments a"
        " JOIN user u ON u.id = a.userid WHERE a.course = ? AND a.roleid = 3",
        row["id"],
    )
    methods = site.rows("SELECT enrol FROM enrol WHERE courseid = ? AND status = 0 ORDER BY id", row["id"])
    sql = "SELECT shortname, value FROM customfield_data WHERE course = ? ORDER BY shortname"
    fields = [(field["shortname"], field["value"]) for field in site.rows(sql, row["id"])]
    answer |= {key: row[key] for key in ("id", "fullname", "shortname", "idnumber", "summary")}
    answer |= {key: row[key] for key in ("startdate", "enddate", "visible", "timecreated")}
    with site.store.read() as db:
        own = settings(db, row["id"])
    return answer | {
        **{name: own[name] for name in ("format", "groupmode", "enablecompletion")},
        "displayname": row["fullname"],
        "categoryid": row["category"],
        "categoryname": row["categoryname"],
        "sortorder": 10_000 * row["category"] + 1,
        "timemodified": row["timecreated"],
        "contacts": [dict(contact) for contact in contacts],
        "enrollmentmethods": [method["enrol"] for method in methods],
        "customfields": [
            {"name": name, "shortname": name, "type": "text", "valueraw": value, "value": value}
            for name, value in fields
        ],
    }


def categories(site: Site, caller: Caller, criteria: dict[str, str]) -> list[Answer]:
    """core_course_get_categories: the idnumber only for who manages categories, null for one
    that has none."""
    rows = site.rows(_CATEGORIES)
    parents = {row["id"]: row["parent"] for row in rows}
    found = []
    for row in rows:
        if not row["visible"] and not caller.may("moodle/category:viewhiddencategories"):
            continue
        path = _path(parents, row["id"])
        own = {"sortorder": 10_000 * row["id"], "path": path, "depth": path.count("/"), "visibleold": row["visible"]}
        answer = template("category", site.wwwroot) | dict(row) | own | {"description": ""}
        if all(str(answer.get(key)) == value for key, value in criteria.items()):
            found.append(answer)
    if caller.may(CATEGORIES):
        return found
    return [{key: value for key, value in answer.items() if key not in _MANAGED} for answer in found]


_CATEGORIES = (
    "SELECT t.id, t.name, nullif(k.idnumber, '') AS idnumber, t.parent, t.visible,"
    " (SELECT count(*) FROM course c WHERE c.category = t.id) AS coursecount FROM"
    " (SELECT id, name, parent, visible FROM category_tree UNION ALL SELECT category, categoryname, 0, 1 FROM course"
    " WHERE category NOT IN (SELECT id FROM category_tree) GROUP BY category) t"
    " LEFT JOIN course_categories k ON k.id = t.id ORDER BY t.id"
)


def _path(parents: dict[int, int], category: int) -> str:
    above = parents.get(category, 0)
    return f"{_path(parents, above) if above else ''}/{category}"


def contents(site: Site, caller: Caller, course: int) -> list[Answer]:
    """core_course_get_contents: sections, their modules, and the caller's own completion. Nobody
    is told of modules that are hidden from them."""
    with site.store.read() as db:
        need(db, "course", course)
    tracked = caller.user in site.participants(course)
    held = progress.held(site, course, caller.user) if tracked else {}
    modules = site.rows("SELECT * FROM course_modules WHERE course = ? ORDER BY id", course)
    modules = [row for row in modules if row["visible"] or caller.may(HIDDEN_ACTIVITIES)]
    wwwroot, found = site.wwwroot, []
    for row in site.rows("SELECT * FROM course_sections WHERE course = ? ORDER BY section", course):
        section = template("section", wwwroot) | {"id": row["id"], "name": row["name"], "section": row["section"]}
        own = [module for module in modules if module["section"] == row["id"]]
        section["modules"] = [_content(wwwroot, module, held, tracked) for module in own]
        found.append(section)
    return found


def _content(wwwroot: str, row: Row, held: dict[int, Row], tracked: bool) -> Answer:
    recorded = template("modules", wwwroot)
    # Kinds that were not recorded look like a page without files.
    answer: Answer = recorded.get(row["modname"]) or _bare(recorded["page"], row["modname"])
    own = {key: row[key] for key in ("id", "name", "instance", "contextid", "completion", "visible")}
    own["url"] = f"{wwwroot}/mod/{row['modname']}/view.php?id={row['id']}"
    gone = set()
    if row["completion"]:
        own["completiondata"] = progress.told(row, held.get(row["id"])) | {"istrackeduser": tracked}
    else:
        gone = {"completiondata"}
    if "contents" in answer:
        own["contents"] = [item | {"timemodified": row["added"]} for item in answer["contents"]]
        own["contentsinfo"] = answer["contentsinfo"] | {"lastmodified": row["added"]}
    return {key: own.get(key, value) for key, value in answer.items() if key not in gone}


def _bare(page: Answer, modname: str) -> Answer:
    return {key: value for key, value in page.items() if not key.startswith("contents")} | {"modname": modname}


def course_module(site: Site, caller: Caller, row: Row) -> Answer:
    """core_course_get_course_module: without manageactivities few fields are left, no idnumber."""
    section = site.rows("SELECT * FROM course_sections WHERE id = ?", row["section"])[0]
    own = [rule["rulename"] for rule in rules(row["modname"], row["completion"])]
    answer = template("course_module", site.wwwroot) | {
        "id": row["id"],
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
        "completionpassgrade": int("completionpassgrade" in own),
        "completionview": int("completionview" in own),
    }
    if not caller.may(MANAGE_ACTIVITIES):
        return {key: answer[key] for key in _PUBLIC_OF_MODULE}
    if row["modname"] != "quiz":
        answer = {key: value for key, value in answer.items() if key not in _GRADED_ONLY}
        answer["completiongradeitemnumber"] = None
    return answer
