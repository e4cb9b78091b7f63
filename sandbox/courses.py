"""Moodle's functions that make and change categories and courses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sandbox import copying, sections, setups
from sandbox.capabilities import COURSE_VIEW, Caller, enter_course
from sandbox.parameters import MoodleError, Params
from sandbox.recording import like
from sandbox.specs import parsed, text, whole
from sandbox.store import Db, Row, need, one
from sandbox.telling import of_category, of_course
from sandbox.work import Work

if TYPE_CHECKING:
    from sandbox.site import Site

Answer = dict[str, Any]

EXCEPTION = "core\\exception\\moodle_exception"
_FIELD = {"shortname": text, "value": text}
_TEXTS = ("summary?", "format?", "lang?", "forcetheme?")
_NUMBERS = (
    *("summaryformat?", "showgrades?", "newsitems?", "startdate?", "enddate?", "numsections?", "maxbytes?"),
    *("showreports?", "visible?", "hiddensections?", "groupmode?", "groupmodeforce?", "defaultgroupingid?"),
    *("enablecompletion?", "completionnotify?"),
)
_COMMON: dict[str, Any] = dict.fromkeys(_TEXTS, text) | dict.fromkeys(_NUMBERS, whole)
_COMMON |= {"courseformatoptions?": [{"name": text, "value": text}], "customfields?": [_FIELD]}
_NEW = {"fullname": text, "shortname": text, "categoryid": whole, "idnumber?": text} | _COMMON
_CHANGED = {"id": whole, "fullname?": text, "shortname?": text, "categoryid?": whole, "idnumber?": text} | _COMMON
_CHANGING = {
    "fullname": "moodle/course:changefullname",
    "shortname": "moodle/course:changeshortname",
    "idnumber": "moodle/course:changeidnumber",
    "category": "moodle/course:changecategory",
    "visible": "moodle/course:visibility",
}
_ROW = ("fullname", "shortname", "idnumber", "category", "visible", "startdate", "enddate", "summary")
_SETTINGS = ("format", "groupmode", "enablecompletion")
_OPTIONS = frozenset(
    {"activities", "blocks", "filters", "users", "enrolments", "role_assignments", "comments", "userscompletion"}
    | {"logs", "grade_histories"}
)
_COPYING = (
    ("moodle/course:create", "Create courses"),
    ("moodle/restore:restorecourse", "Restore courses"),
    ("moodle/backup:backupcourse", "Back up courses"),
)


def create_categories(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """core_course_create_categories: all or none."""
    row = {
        **{"name": text, "parent": (whole, 0), "idnumber?": text, "description?": text},
        **{"descriptionformat": (whole, 1), "theme?": text},
    }
    wanted = parsed(params, {"categories": [row]})["categories"]
    caller.demand("moodle/category:manage", "Manage categories")
    found = []
    with site.working() as work:
        for each in wanted:
            if each["parent"]:
                category(work.db, each["parent"])
            key = each.get("idnumber", "")
            if key and one(work.db, "SELECT 1 FROM course_categories WHERE idnumber = ?", key):
                raise MoodleError(EXCEPTION, "categoryidnumbertaken", "ID number is already used for another category")
            made = add_category(work, each["name"], key, each["parent"], caller.user)
            found.append({"id": made, "name": each["name"]})
    return found


def add_category(work: Work, name: str, idnumber: str, parent: int, actor: int) -> int:
    """A new category: its id."""
    made = copying.new_id(work.db, "category_tree")
    work.db.execute("INSERT INTO category_tree (id, name, parent) VALUES (?, ?, ?)", (made, name, parent))
    work.db.execute("INSERT INTO course_categories VALUES (?, ?)", (made, idnumber))
    work.write([of_category(work, "course_category_created", made, actor)])
    return made


def category(db: Db, row_id: int) -> Row:
    """A category. Raises MoodleError where there is none."""
    row = one(db, "SELECT * FROM category_tree WHERE id = ?", row_id)
    if row is None:
        raise MoodleError(EXCEPTION, "unknowcategory", "Unknown category!")
    return row


def create_courses(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """core_course_create_courses: all or none, each with its sections and the site's enrolment methods."""
    wanted = parsed(params, {"courses": [_NEW]})["courses"]
    caller.demand("moodle/course:create", "Create courses")
    found = []
    with site.working() as work:
        for each in wanted:
            if each.get("lang") == "":
                raise MoodleError(EXCEPTION, "errorinvalidparam", 'The param "lang" is invalid.')
            made = _create(work, each, caller.user)
            found.append({"id": made, "shortname": each["shortname"]})
    return found


def _create(work: Work, wanted: Answer, actor: int) -> int:
    db, where = work.db, category(work.db, wanted["categoryid"])
    _check_taken(db, wanted, 0)
    made = copying.new_id(db, "course")
    row = (made, wanted["shortname"], wanted["fullname"], wanted.get("idnumber", ""), where["id"], where["name"])
    dates = (wanted.get("startdate", work.now), wanted.get("enddate", 0), work.now, copying.new_context(db))
    db.execute(
        "INSERT INTO course (id, shortname, fullname, idnumber, category, categoryname, startdate, enddate,"
        " timecreated, contextid, summary, visible) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, *dates, wanted.get("summary", ""), wanted.get("visible", 1)),
    )
    set_beside(db, made, wanted)
    course = need(db, "course", made)
    other = {name: course[name] for name in ("shortname", "fullname")}
    work.write([of_course(work, "course_created", course, made, actor, **other)])
    add_methods(work, made, actor)
    for number in range(wanted.get("numsections", 4) + 1):
        sections.make(work, made, number, actor)
    return made


def add_methods(work: Work, course: int, actor: int) -> None:
    """The enrolment methods that a new course gets: by hand; guests and oneself are switched off."""
    row = need(work.db, "course", course)
    for method, status in (("manual", 0), ("guest", 1), ("self", 1)):
        made = copying.new_id(work.db, "enrol")
        work.db.execute("INSERT INTO enrol VALUES (?, ?, ?, ?)", (made, course, method, status))
        work.write([of_course(work, "enrol_instance_created", row, made, actor, enrol=method)])


def update_courses(site: Site, caller: Caller, params: Params) -> Answer:
    """core_course_update_courses: each course by itself; what fails is a warning."""
    warnings = []
    for each in parsed(params, {"courses": [_CHANGED]})["courses"]:
        try:
            with site.working() as work:
                row = need(work.db, "course", each["id"])
                enter_course(site, caller, "core_course_update_courses", row["id"])
                caller.demand("moodle/course:update", "Update course settings")
                change(work, row, each, caller)
        except LookupError:
            warnings.append(_warning(each["id"], "invalidrecordunknown", "Can't find data record in database."))
        except MoodleError as err:
            warnings.append(_warning(each["id"], err.payload["errorcode"], err.payload["message"]))
    return {"warnings": warnings}


def _warning(course: int, code: str, message: str) -> Answer:
    return {"item": "course", "itemid": course, "warningcode": code, "message": message}


def change(work: Work, row: Row, wanted: Mapping[str, Any], caller: Caller) -> None:
    """Set what is given, whether it was another or not: Moodle tells of it in both cases."""
    db, new = work.db, {name: wanted[name] for name in _ROW if name in wanted}
    if "categoryid" in wanted:
        where = category(db, wanted["categoryid"])
        new |= {"category": where["id"], "categoryname": where["name"]}
    for name, capability in _CHANGING.items():
        if name in new and new[name] != row[name]:
            caller.demand(capability, capability)
    _check_taken(db, new, row["id"])
    _check_dates(new)
    if new:
        sets = ", ".join(f"{name} = ?" for name in new)
        db.execute(f"UPDATE course SET {sets} WHERE id = ?", (*new.values(), row["id"]))  # noqa: S608 - ours
    set_beside(db, row["id"], wanted)
    updated = {name: value for name, value in new.items() if name != "categoryname" and value != row[name]}
    after = need(db, "course", row["id"])
    other = {"shortname": after["shortname"], "fullname": after["fullname"], "updatedfields": updated}
    work.write([of_course(work, "course_updated", after, row["id"], caller.user, **other)])


def _check_dates(given: Mapping[str, Any]) -> None:
    """Moodle looks at what is given alone, whatever the course has."""
    start, end = given.get("startdate", 0), given.get("enddate", 0)
    if end and not start:
        raise MoodleError(EXCEPTION, "nostartdatenoenddate", "An end date needs a start date.")
    if end and end < start:
        text_ = "The course end date must be after the start date."
        raise MoodleError(EXCEPTION, "enddatebeforestartdate", text_)


def _check_taken(db: Db, wanted: Mapping[str, Any], own: int) -> None:
    for name, code in (("shortname", "shortnametaken"), ("idnumber", "courseidnumbertaken")):
        value = wanted.get(name)
        if value:
            found = one(db, f"SELECT fullname FROM course WHERE {name} = ? AND id <> ?", value, own)  # noqa: S608
            if found is not None:
                label = "Short name" if name == "shortname" else "ID number"
                raise MoodleError(EXCEPTION, code, f"{label} is already used for another course ({value})")


def set_beside(db: Db, course: int, wanted: Mapping[str, Any]) -> None:
    """Format, group mode, completion tracking and custom fields, where they are given."""
    own = setups.settings(db, course) | {name: wanted[name] for name in _SETTINGS if name in wanted}
    db.execute("REPLACE INTO course_settings VALUES (?, ?, ?, ?)", (course, *(own[name] for name in _SETTINGS)))
    for field in wanted.get("customfields", ()):
        db.execute("DELETE FROM customfield_data WHERE course = ? AND shortname = ?", (course, field["shortname"]))
        if field["value"]:
            row = (course, field["shortname"], field["value"])
            db.execute("INSERT INTO customfield_data VALUES (?, ?, ?)", row)


def duplicate_course(site: Site, caller: Caller, params: Params) -> Answer:
    """core_course_duplicate_course: told is the restoring alone; the copy's idnumber is empty."""
    spec = {"courseid": whole, "fullname": text, "shortname": text, "categoryid": whole, "visible": (whole, 1)}
    wanted = parsed(params, spec | {"options": ([{"name": text, "value": text}], [])})
    options = {each["name"]: each["value"] for each in wanted["options"]}
    people = setups.copies_people(caller)
    for name, value in options.items():
        if name not in _OPTIONS or value not in ("0", "1"):
            raise MoodleError(EXCEPTION, "invalidextparam", f"Invalid external api parameter: {name}")
    with site.working() as work:
        old = one(work.db, "SELECT * FROM course WHERE id = ?", wanted["courseid"])
        if old is None:
            raise MoodleError(EXCEPTION, "invalidcourseid", "You are trying to use an invalid course ID")
        where = category(work.db, wanted["categoryid"])
        _may_copy(caller)
        _check_taken(work.db, {"shortname": wanted["shortname"]}, 0)
        own = {name: wanted[name] for name in ("fullname", "shortname", "visible")}
        own |= {"category": where["id"], "categoryname": where["name"]}
        if options and not people:
            said = "The setting is locked by permission."
            raise MoodleError("base_setting_exception", "setting_locked_by_permission", said)
        users = people and options.get("users") != "0"
        made = copying.course(work.db, old, work.now, own, users=users)
        if not users:
            add_methods(work, made, caller.user)
        event = of_course(work, "course_restored", need(work.db, "course", made), made, caller.user)
        event["other"]["originalcourseid"] = like(event["other"]["originalcourseid"], old["id"])
        work.write([event])
    return {"id": made, "shortname": wanted["shortname"]}


def _may_copy(caller: Caller) -> None:
    if not caller.may(COURSE_VIEW):
        caller.demand(COURSE_VIEW, "View courses without participation")
    for capability, title in _COPYING:
        caller.demand(capability, title)


FUNCTIONS: dict[str, Callable[[Site, Caller, Params], Any]] = {
    "core_course_create_categories": create_categories,
    "core_course_create_courses": create_courses,
    "core_course_update_courses": update_courses,
    "core_course_duplicate_course": duplicate_course,
}
