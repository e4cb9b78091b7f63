"""Moodle's functions that make accounts, enrol them and put them into groups."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox import copying, enrolments, setups
from sandbox.capabilities import Caller, enter_course
from sandbox.courses import EXCEPTION
from sandbox.parameters import MoodleError, Params, invalid_parameter
from sandbox.recording import Event, play, recorded
from sandbox.specs import parsed, text, trimmed, whole
from sandbox.store import Row, need, one
from sandbox.telling import of_account, of_course
from sandbox.work import Work

if TYPE_CHECKING:
    from sandbox.site import Site

Answer = dict[str, Any]

GROUPS = ("moodle/course:managegroups", "Manage groups")
_USER = {
    **{"username": trimmed, "firstname": text, "lastname": text, "email": trimmed, "auth": (text, "manual")},
    **{"createpassword?": whole, "password?": text, "customfields?": [{"type": text, "value": text}]},
    **dict.fromkeys(("idnumber?", "city?", "country?", "timezone?", "lang?", "description?", "institution?"), text),
    **dict.fromkeys(("department?", "phone1?", "phone2?", "address?", "middlename?", "alternatename?"), text),
    **{"maildisplay?": whole, "mailformat?": whole, "interests?": text, "theme?": text, "calendartype?": text},
    "preferences?": [{"type": text, "value": text}],
}
_ENROLMENT = {
    **{"roleid": whole, "userid": whole, "courseid": whole, "timestart": (whole, 0), "timeend": (whole, 0)},
    "suspend": (whole, 0),
}
_GROUP = {
    **{"courseid": whole, "name": trimmed, "description": text, "descriptionformat": (whole, 1)},
    **{"enrolmentkey?": text, "idnumber": (text, ""), "visibility": (whole, 0), "participation": (whole, 1)},
    "customfields?": [{"shortname": text, "value": text}],
}
_MEMBER = {"groupid": whole, "userid": whole}


def create_users(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """core_user_create_users: all or none."""
    wanted = parsed(params, {"users": [_USER]})["users"]
    caller.demand("moodle/user:create", "Create users")
    with site.working() as work:
        return [{"id": _create(work, each, caller.user), "username": each["username"]} for each in wanted]


def _create(work: Work, wanted: Answer, actor: int) -> int:
    db, name, mail = work.db, wanted["username"], wanted["email"]
    if not re.fullmatch(r"[a-z0-9._@-]+", name) or wanted["auth"] not in setups.AUTHS:
        raise invalid_parameter()
    if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", mail) or wanted.get("lang") == "":
        raise invalid_parameter()
    if not wanted.get("createpassword") and not _strong(wanted.get("password", "")):
        raise invalid_parameter()
    taken = "SELECT 1 FROM user WHERE deleted = 0 AND (username = ? OR lower(email) = lower(?))"
    if one(db, taken, name, mail) is not None:
        raise invalid_parameter()
    made = copying.new_id(db, "user")
    agency = next((field["value"] for field in wanted.get("customfields", ()) if field["type"] == "agency"), "")
    row = (made, name, wanted.get("idnumber", ""), wanted["firstname"], wanted["lastname"], mail)
    db.execute(
        "INSERT INTO user (id, username, idnumber, firstname, lastname, email, city, agency)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (*row, wanted.get("city", ""), agency),
    )
    db.execute("INSERT INTO user_auth VALUES (?, ?)", (made, wanted["auth"]))
    work.write([of_account(work, "user_created", made, actor)])
    return made


def _strong(password: str) -> bool:
    """Moodle's own policy: eight letters, a digit, both cases, and something else."""
    return len(password) >= 8 and all(re.search(part, password) for part in (r"\d", "[a-z]", "[A-Z]", r"[\W_]"))


def enrol_users(site: Site, caller: Caller, params: Params) -> None:
    """enrol_manual_enrol_users: all or none. Of who is enrolled it sets times and status."""
    wanted = parsed(params, {"enrolments": [_ENROLMENT]})["enrolments"]
    with site.working() as work:
        for each in wanted:
            method = _manual(site, caller, work, each["courseid"], "enrol")
            if each["roleid"] not in setups.ASSIGNABLE or not caller.may("moodle/role:assign"):
                raise MoodleError(EXCEPTION, "wsusercannotassign", "You don't have the permission to assign this role.")
            if one(work.db, "SELECT 1 FROM user WHERE id = ? AND deleted = 0", each["userid"]) is None:
                raise _php_error()
            _enrol(work, each, method, caller.user)


def _php_error() -> MoodleError:
    """Moodle stumbles over an account that isn't there: its errors have a code, PHP's own have none."""
    error = MoodleError("TypeError", "", "Argument #1 ($user) must be of type stdClass, bool given")
    del error.payload["errorcode"]
    return error


def _manual(site: Site, caller: Caller, work: Work, course: int, what: str) -> Row:
    need(work.db, "course", course)
    enter_course(site, caller, f"enrol_manual_{what}_users", course)
    caller.demand(f"enrol/manual:{what}", f"{what.capitalize()} users")
    row = one(work.db, "SELECT * FROM enrol WHERE courseid = ? AND enrol = 'manual' AND status = 0", course)
    if row is None:
        raise MoodleError(EXCEPTION, "wsnoinstance", "Manual enrolment plugin instance doesn't exist or is disabled")
    return row


def _enrol(work: Work, wanted: Answer, method: Row, actor: int) -> None:
    user, course, status = wanted["userid"], wanted["courseid"], int(wanted["suspend"] != 0)
    time = (wanted["timestart"], wanted["timeend"])
    held = one(work.db, "SELECT * FROM user_enrolments WHERE enrolid = ? AND userid = ?", method["id"], user)
    if held is None:
        enrolments.join(work, user, method, wanted["roleid"], actor, time, status=status)
        return
    if (held["timestart"], held["timeend"], held["status"]) != (*time, status):
        enrolments.set_terms(work, held, time, status, actor)
    assigned = enrolments.assign(work, user, course, wanted["roleid"])
    if assigned:
        work.write([role_event(work, "role_assigned", course, user, wanted["roleid"], assigned, actor)])


def role_event(work: Work, told: str, course: int, user: int, role: int, assignment: int, actor: int) -> Event:
    """A role is given (role_assigned) or taken (role_unassigned), apart from an enrolment."""
    sequence = "re_enrol" if told == "role_assigned" else "emit_enrolment_deleted"
    events = [event for event in recorded(sequence) if event["objecttable"] == "role"]
    rows = {"role": role, "role_assignments": assignment}
    return play(events[:1], enrolments.scene(work, user, course, rows, actor=actor))[0]


def unenrol_users(site: Site, caller: Caller, params: Params) -> None:
    """enrol_manual_unenrol_users: all or none; of who isn't enrolled by hand nothing happens."""
    row = {"userid": whole, "courseid": whole, "roleid?": whole}
    with site.working() as work:
        for each in parsed(params, {"enrolments": [row]})["enrolments"]:
            method = _manual(site, caller, work, each["courseid"], "unenrol")
            need(work.db, "user", each["userid"])
            held = "SELECT 1 FROM user_enrolments WHERE enrolid = ? AND userid = ?"
            if one(work.db, held, method["id"], each["userid"]) is not None:
                enrolments.leave(work, each["userid"], each["courseid"], "manual", caller.user)


def create_groups(site: Site, caller: Caller, params: Params) -> list[Answer]:
    """core_group_create_groups: all or none; a name that the course has is refused."""
    found = []
    with site.working() as work:
        for each in parsed(params, {"groups": [_GROUP]})["groups"]:
            course = need(work.db, "course", each["courseid"])
            enter_course(site, caller, "core_group_create_groups", course["id"])
            caller.demand(*GROUPS)
            _check_group(work, each)
            made = copying.new_id(work.db, "groups")
            row = (made, course["id"], each["name"], each["idnumber"])
            work.db.execute("INSERT INTO groups VALUES (?, ?, ?, ?)", row)
            work.write([of_course(work, "group_created", course, made, caller.user)])
            names = ("courseid", "name", "description", "descriptionformat")
            told = {"id": made} | {name: each[name] for name in names} | {"enrolmentkey": each.get("enrolmentkey", "")}
            more = {"visibility": each["visibility"], "participation": bool(each["participation"])}
            found.append(told | {"idnumber": each["idnumber"]} | more)
    return found


def _check_group(work: Work, wanted: Answer) -> None:
    same = "SELECT 1 FROM groups WHERE course = ? AND name = ?"
    if not wanted["name"] or one(work.db, same, wanted["courseid"], wanted["name"]):
        raise invalid_parameter()
    same = "SELECT 1 FROM groups WHERE course = ? AND idnumber = ?"
    if wanted["idnumber"] and one(work.db, same, wanted["courseid"], wanted["idnumber"]):
        raise MoodleError(EXCEPTION, "idnumbertaken", "ID number is already taken")


def add_members(site: Site, caller: Caller, params: Params) -> None:
    """core_group_add_group_members: all or none, and only who is enrolled."""
    with site.working() as work:
        for each in parsed(params, {"members": [_MEMBER]})["members"]:
            group = _group(site, caller, work, each)
            enrolled = "SELECT 1 FROM user_enrolments WHERE course = ? AND userid = ?"
            if one(work.db, enrolled, group["course"], each["userid"]) is None:
                raise invalid_parameter()
            add_member(work, group, each["userid"], caller.user)


def add_member(work: Work, group: Row, user: int, actor: int, component: str = "", item: int = 0) -> None:
    """Put somebody into a group, unless they are there."""
    row = (group["id"], user)
    made = work.db.execute("INSERT OR IGNORE INTO groups_members (groupid, userid) VALUES (?, ?)", row)
    if made.rowcount:
        course = need(work.db, "course", group["course"])
        other = {"component": component, "itemid": item}
        work.write([of_course(work, "group_member_added", course, group["id"], actor, user, **other)])


def delete_members(site: Site, caller: Caller, params: Params) -> None:
    """core_group_delete_group_members: all or none; who isn't there is passed over."""
    with site.working() as work:
        for each in parsed(params, {"members": [_MEMBER]})["members"]:
            remove_member(work, _group(site, caller, work, each), each["userid"], caller.user)


def remove_member(work: Work, group: Row, user: int, actor: int) -> None:
    """Take somebody out of a group, if they are there."""
    gone = work.db.execute("DELETE FROM groups_members WHERE groupid = ? AND userid = ?", (group["id"], user))
    if gone.rowcount:
        scene = enrolments.scene(work, user, group["course"], {"groups": group["id"]}, actor=actor)
        work.write(play(recorded("group_member_removed"), scene))


def _group(site: Site, caller: Caller, work: Work, wanted: Answer) -> Row:
    group = need(work.db, "groups", wanted["groupid"])
    need(work.db, "user", wanted["userid"])
    enter_course(site, caller, "core_group_add_group_members", group["course"])
    caller.demand(*GROUPS)
    return group


FUNCTIONS: dict[str, Callable[[Site, Caller, Params], Any]] = {
    "core_user_create_users": create_users,
    "enrol_manual_enrol_users": enrol_users,
    "enrol_manual_unenrol_users": unenrol_users,
    "core_group_create_groups": create_groups,
    "core_group_add_group_members": add_members,
    "core_group_delete_group_members": delete_members,
}
