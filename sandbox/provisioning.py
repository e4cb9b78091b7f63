"""The companion plugin's functions for who sets up courses, and the service that holds them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox import activities, calendars, courses, enrolments, joining, messages, sections, setups
from sandbox.capabilities import COURSE_VIEW, Caller, enter_course
from sandbox.copying import new_id
from sandbox.parameters import MoodleError, Params
from sandbox.problems import ProblemError
from sandbox.site import Site
from sandbox.specs import flag, parsed, text, trimmed, whole
from sandbox.store import Db, Row, need, one
from sandbox.telling import of_course
from sandbox.work import Work

Answer = dict[str, Any]
Function = Callable[[Site, Caller, Params], Any]

PREFIX = "local_copbridge_"
AT_ONCE = 200
"""So many members of a cohort are enrolled within the call."""
_SECTION = {"number": whole, "name": trimmed, "summary?": text, "visible?": flag}
_LIMITS = {"create_activities": 100, "set_activities": 200, "set_sections": 100, "set_course_fields": 100}


def _demand(caller: Caller, name: str) -> None:
    caller.demand(f"local/copbridge:{name.replace('_', '')}", name.replace("_", " ").capitalize())


def _course(site: Site, caller: Caller, name: str, course: int) -> Row:
    with site.store.read() as db:
        row = activities.course_of(db, course)
    if not caller.may(COURSE_VIEW):
        enter_course(site, caller, f"{PREFIX}{name}", course)
    _demand(caller, name)
    if course in site.unchosen():
        said = "This course isn't among those that are handed over to CoP Bridge."
        raise MoodleError("core\\exception\\moodle_exception", "notchosen", said)
    return row


def _asked(site: Site, caller: Caller, name: str, params: Params, rows: str, row: Mapping[str, Any]) -> Answer:
    """The parameters of a call with rows about a course, once the caller may."""
    found = parsed(params, {"courseid": whole, rows: [row]})
    _course(site, caller, name, found["courseid"])
    count, limit = len(found[rows]), _LIMITS[name]
    if count > limit:
        raise ProblemError("toomany", f"{count} rows in one call; at most {limit} are taken.")
    return found


def get_site_setup(site: Site, caller: Caller, params: Params) -> Answer:
    """What the site offers to courses that are made there."""
    row = {"idnumber": (text, ""), "shortname": (text, ""), "category": (whole, 0)}
    wanted = parsed(params, {"courses": ([row], [])})
    _demand(caller, "get_site_setup")
    with site.store.read() as db:
        return setups.of_site(db, caller, wanted["courses"])


def get_course_setup(site: Site, caller: Caller, params: Params) -> Answer:
    """How a course is set up, as JSON text."""
    course = parsed(params, {"courseid": whole})["courseid"]
    _course(site, caller, "get_course_setup", course)
    with site.store.read() as db:
        return {"setup": json.dumps(setups.of_course(db, course), ensure_ascii=False)}


def create_activities(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """Each is made, or there, or failed."""
    asked = _asked(site, caller, "create_activities", params, "activities", activities.NEW)
    rows = [{"idnumber": row["idnumber"], "cmid": 0, "outcome": "there", "wanted": row} for row in asked["activities"]]

    def make(work: Work, wanted: Answer, answer: Answer) -> None:
        activities.make(work, asked["courseid"], wanted, answer, caller.user)

    return activities.row_by_row(site, rows, make)


def set_activities(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """Each is changed, or unchanged, or locked, or failed."""
    asked = _asked(site, caller, "set_activities", params, "activities", activities.CHANGED)
    rows = [{"cmid": row["cmid"], "outcome": "unchanged", "wanted": row} for row in asked["activities"]]

    def change(work: Work, wanted: Answer, answer: Answer) -> None:
        activities.change(work, asked["courseid"], wanted, answer, caller.user)

    return activities.row_by_row(site, rows, change)


def set_sections(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """All or none."""
    asked = _asked(site, caller, "set_sections", params, "sections", _SECTION)
    found = []
    with site.working() as work:
        for row in asked["sections"]:
            there = sections.find(work, asked["courseid"], row["number"]) is not None
            if len(row["name"]) > 255:
                raise ProblemError("name", "The name is longer than 255 characters.")
            changed = sections.change(work, asked["courseid"], actor=caller.user, **row)
            outcome = "created" if not there else "changed" if changed else "unchanged"
            found.append({"number": row["number"], "outcome": outcome})
    return found


def add_cohort_enrolment(site: Site, caller: Caller, params: Params) -> Answer:
    """A cohort is enrolled with a role, and in a group, unless it is already."""
    spec = {"courseid": whole, "cohortid": whole, "roleid": whole, "groupid": (whole, 0)}
    asked = parsed(params, spec)
    course = _course(site, caller, "add_cohort_enrolment", asked["courseid"])
    cohort, role, group = asked["cohortid"], asked["roleid"], asked["groupid"]
    with site.working() as work:
        _check_cohort(work.db, caller, course, asked)
        members = [row["userid"] for row in work.db.execute(_MEMBERS, (cohort,)).fetchall()]
        there = one(work.db, _COHORT_METHOD, course["id"], cohort, role)
        if there is not None and (there["groupid"] != group or there["status"]):
            raise ProblemError("enrolmentdiffers", "This cohort is enrolled with another group, or switched off.")
        if there is not None:
            return {"enrolid": there["id"], "outcome": "there", "members": len(members), "synced": True}
        synced = len(members) <= AT_ONCE
        made = enrol_cohort(work, course, (cohort, role, group), members if synced else [], caller.user)
    return {"enrolid": made, "outcome": "created", "members": len(members), "synced": synced}


_MEMBERS = "SELECT userid FROM cohort_members WHERE cohortid = ? ORDER BY userid"
_COHORT_METHOD = (
    "SELECT e.id, e.status, s.groupid FROM enrol e JOIN enrol_settings s ON s.enrolid = e.id"
    " WHERE e.courseid = ? AND e.enrol = 'cohort' AND s.cohort = ? AND s.roleid = ? ORDER BY e.id"
)


def enrol_cohort(work: Work, course: Row, what: tuple[int, int, int], members: list[int], actor: int) -> int:
    """A new enrolment method of a cohort, role and group, and these members by it: the method's id."""
    cohort, role, group = what
    made = new_id(work.db, "enrol")
    work.db.execute("INSERT INTO enrol VALUES (?, ?, 'cohort', 0)", (made, course["id"]))
    work.db.execute("INSERT INTO enrol_settings VALUES (?, ?, ?, ?)", (made, role, cohort, group))
    work.write([of_course(work, "enrol_instance_created", course, made, actor, enrol="cohort")])
    method = need(work.db, "enrol", made)
    into = one(work.db, "SELECT * FROM groups WHERE id = ?", group)
    for user in members:
        enrolments.join(work, user, method, role, actor, (0, 0), component="enrol_cohort")
        if into is not None:
            joining.add_member(work, into, user, actor, "enrol_cohort", made)
    return made


def _check_cohort(db: Db, caller: Caller, course: Row, asked: Answer) -> None:
    if not setups.cohort_sync(db):
        raise ProblemError("cohortoff", "Cohort sync is switched off on this site.")
    row = one(db, "SELECT category FROM cohort WHERE id = ?", asked["cohortid"])
    if row is None or row["category"] not in (0, *_above(db, course["category"])):
        raise ProblemError("nocohort", f"There is no cohort {asked['cohortid']} that this course can use.")
    if asked["roleid"] not in setups.ASSIGNABLE or not caller.may("moodle/role:assign"):
        raise ProblemError("role", f"Role {asked['roleid']} may not be assigned in this course by this account.")
    group = asked["groupid"]
    if group and one(db, "SELECT 1 FROM groups WHERE id = ? AND course = ?", group, course["id"]) is None:
        raise ProblemError("nogroup", f"There is no group {group} in this course. Create it first.")


def _above(db: Db, category: int) -> list[int]:
    """A category and those that it is in."""
    found: list[int] = []
    while category and category not in found:
        found.append(category)
        row = one(db, "SELECT parent FROM category_tree WHERE id = ?", category)
        category = row["parent"] if row else 0
    return found


def set_course_fields(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """All or none."""
    row = {"shortname": text, "value": text}
    asked = _asked(site, caller, "set_course_fields", params, "fields", row)
    course = asked["courseid"]
    found = []
    with site.working() as work:
        known = {field["shortname"]: field for field in setups.fields(work.db)}
        for each in asked["fields"]:
            if each["shortname"] not in known:
                raise ProblemError("nofield", f"There is no custom course field {each['shortname']}.")
            _check_value(known[each["shortname"]], each["value"])
            changed = _set_field(work.db, course, each["shortname"], each["value"])
            found.append({"shortname": each["shortname"], "outcome": "changed" if changed else "unchanged"})
        if any(each["outcome"] == "changed" for each in found):
            where = activities.course_of(work.db, course)
            names = {name: where[name] for name in ("shortname", "fullname")}
            work.write([of_course(work, "course_updated", where, course, caller.user, **names, updatedfields=[])])
    return found


def _check_value(field: Answer, value: str) -> None:
    kind, options = field["type"], field["options"]
    fits = {
        "checkbox": value in ("0", "1"),
        "select": value in ("", *options),
        "date": value == "" or value.isdecimal(),
        "number": value == "" or value.replace(".", "", 1).lstrip("-").isdecimal(),
    }
    if not fits.get(kind, True) or (field["required"] and not value):
        raise ProblemError("badvalue", f'The course field "{field["shortname"]}" cannot have this value.')


def _set_field(db: Db, course: int, shortname: str, value: str) -> bool:
    row = one(db, "SELECT value FROM customfield_data WHERE course = ? AND shortname = ?", course, shortname)
    if (row["value"] if row else "") == value:
        return False
    db.execute("DELETE FROM customfield_data WHERE course = ? AND shortname = ?", (course, shortname))
    if value:
        db.execute("INSERT INTO customfield_data VALUES (?, ?, ?)", (course, shortname, value))
    return True


OWN: dict[str, Function] = {
    f"{PREFIX}{function.__name__}": function
    for function in (
        *(get_site_setup, get_course_setup, create_activities, set_activities, set_sections),
        *(add_cohort_enrolment, set_course_fields),
    )
}
"""The plugin's functions that only the provisioning service holds."""
CORE: dict[str, Function] = courses.FUNCTIONS | joining.FUNCTIONS | calendars.FUNCTIONS
"""Moodle's functions that write, which only the provisioning service holds."""
ALSO = frozenset(
    {f"{PREFIX}{name}" for name in ("get_status", "get_roster", "get_courses", "get_course_map")}
    | {"core_webservice_get_site_info", "core_course_get_courses_by_field", "core_course_get_categories"}
    | {"core_user_get_users", "core_user_get_users_by_field", messages.FUNCTION}
)
"""What it holds besides, as the everyday service does."""
