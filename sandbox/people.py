"""The web services' answers about people, their part in courses, and groups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sandbox.capabilities import COURSE_VIEW, PARTICIPANTS, USER_DETAILS, Caller
from sandbox.content import EDITING_TEACHER
from sandbox.parameters import invalid_parameter
from sandbox.shapes import Answer, template
from sandbox.site import Site
from sandbox.store import Row, need
from sandbox.work import ACTIVE

_SORTS = {"id": "u.id", "us.id": "u.id", "firstname": "u.firstname", "lastname": "u.lastname", "siteorder": "u.id"}
_FIELDS = ("id", "idnumber", "username", "email")
_CRITERIA = ("id", "lastname", "firstname", "idnumber", "username", "email")
_EMPTY_UNTOLD = ("idnumber", "city", "groups", "enrolledcourses")
_AUTH = "coalesce((SELECT auth FROM user_auth WHERE userid = user.id), 'manual') AS auth"
_GROUP = ("id", "courseid", "name", "description", "descriptionformat", "enrolmentkey", "idnumber")


def enrolled_users(site: Site, caller: Caller, course: int, options: dict[str, str]) -> list[Answer]:
    """core_enrol_get_enrolled_users: each person once, however often enrolled; says neither status
    nor method nor times of an enrolment."""
    with site.store.read() as db:
        need(db, "course", course)
    rows = _enrolled_rows(site, course, options)
    parts = _Parts(site, course)
    if not caller.may(USER_DETAILS):
        rows = [row for row in rows if parts.is_contact(row["id"])]
    start = int(options.get("limitfrom", 0))
    count = int(options.get("limitnumber", 0)) or len(rows)
    shape, unseen = template("enrolled_user", site.wwwroot), caller.unseen()
    users = [_seen(_enrolled(shape, row, parts), unseen) for row in rows[start : start + count]]
    if "userfields" not in options:
        return users
    wanted = set(options["userfields"].split(",")) | {"id", "fullname"}
    return [{key: value for key, value in user.items() if key in wanted} for user in users]


def _enrolled_rows(site: Site, course: int, options: dict[str, str]) -> list[Row]:
    """Active is who has any active enrolment, by Moodle's clock rounded to 100 seconds; everyone
    else who is enrolled counts as suspended."""
    sort, direction = options.get("sortby", "id"), options.get("sortdirection", "ASC").upper()
    if sort not in _SORTS or direction not in ("ASC", "DESC"):
        raise invalid_parameter()
    only = [name for name in ("onlyactive", "onlysuspended") if options.get(name) == "1"]
    group = int(options.get("groupid", 0))
    now = round(site.clock(), -2)
    rows = site.rows(
        "SELECT u.*, coalesce(l.timeaccess, 0) AS lastcourseaccess,"  # noqa: S608 - parts of ours
        f" max({ACTIVE}) AS active FROM user u JOIN user_enrolments ue ON ue.userid = u.id"
        " JOIN enrol e ON e.id = ue.enrolid"
        " LEFT JOIN user_lastaccess l ON l.userid = u.id AND l.courseid = ue.course"
        " WHERE ue.course = ? AND u.deleted = 0 AND (? = 0 OR u.id IN"
        " (SELECT userid FROM groups_members WHERE groupid = ?))"
        f" GROUP BY u.id ORDER BY {_SORTS[sort]} {direction}, u.id",
        *(now, now, course, group, group),
    )
    wanted = {"onlyactive": 1, "onlysuspended": 0}
    return [row for row in rows if all(row["active"] == wanted[name] for name in only)]


class _Parts:
    """Roles, groups and other courses of everyone in a course, read once."""

    def __init__(self, site: Site, course: int) -> None:
        self.groups = self._by_user(
            site,
            "SELECT m.userid, g.id, g.name FROM groups g JOIN groups_members m ON m.groupid = g.id"
            " WHERE g.course = ? ORDER BY g.id",
            course,
            {"description": "", "descriptionformat": 1},
        )
        self.roles = self._by_user(
            site,
            "SELECT a.userid, r.id AS roleid, '' AS name, r.shortname, 0 AS sortorder FROM role_assignments a"
            " JOIN role r ON r.id = a.roleid WHERE a.course = ? ORDER BY r.sortorder",
            course,
            {},
        )
        self.courses = self._by_user(
            site,
            "SELECT DISTINCT o.userid, c.id, c.fullname, c.shortname FROM user_enrolments ue JOIN user_enrolments o"
            " ON o.userid = ue.userid AND o.status = 0 JOIN course c ON c.id = o.course WHERE ue.course = ?"
            " ORDER BY c.fullname",
            course,
            {},
        )

    @staticmethod
    def _by_user(site: Site, sql: str, course: int, filler: Answer) -> dict[int, list[Answer]]:
        found: dict[int, list[Answer]] = defaultdict(list)
        for row in site.rows(sql, course):
            item = dict(row) | filler
            found[item.pop("userid")].append(item)
        return found

    def is_contact(self, user: int) -> bool:
        """The course's contact is seen by everyone."""
        return any(role["roleid"] == EDITING_TEACHER for role in self.roles.get(user, []))


def _enrolled(shape: Answer, row: Row, parts: _Parts) -> Answer:
    user = row["id"]
    field = shape["customfields"][0] | {"value": row["agency"]}
    own = _account(row) | {
        "lastcourseaccess": row["lastcourseaccess"],
        "customfields": [field],
        "groups": parts.groups.get(user, []),
        "roles": parts.roles.get(user, []),
        "enrolledcourses": parts.courses.get(user, []),
    }
    return shape | own


def _account(row: Row) -> Answer:
    names = ("id", "username", "firstname", "lastname", "email", "idnumber", "city", "lastaccess")
    return {name: row[name] for name in names} | {"fullname": f"{row['firstname']} {row['lastname']}"}


def _seen(answer: Answer, unseen: frozenset[str]) -> Answer:
    """Moodle leaves out what is empty, and what the caller may not see."""
    gone = unseen | {key for key in _EMPTY_UNTOLD if key in answer and not answer[key]}
    return {key: value for key, value in answer.items() if key not in gone}


def users_by_field(site: Site, caller: Caller, field: str, values: Sequence[str]) -> list[Answer]:
    """core_user_get_users_by_field: exact, of a username's letters alike. Whoever can't see the
    field that they look by finds nobody."""
    if field not in _FIELDS:
        raise invalid_parameter()
    if field == "username":
        values = [value.lower() for value in values]
    marks = ",".join("?" * len(values))
    sql = f"SELECT *, {_AUTH} FROM user WHERE deleted = 0 AND CAST({field} AS TEXT) IN ({marks}) ORDER BY id"  # noqa: S608
    return _users(site, caller, site.rows(sql, *values), (field,))


def users(site: Site, caller: Caller, criteria: Sequence[dict[str, str]]) -> dict[str, Any]:
    """core_user_get_users: a key that it doesn't know is a warning and no condition, so that
    everyone is found; `%` stands for anything, and letters' cases are alike."""
    known = [row for row in criteria if row.get("key") in _CRITERIA]
    where = "".join(f" AND CAST({row['key']} AS TEXT) LIKE ?" for row in known)
    sql = f"SELECT *, {_AUTH} FROM user WHERE deleted = 0{where} ORDER BY id"  # noqa: S608 - keys of ours
    rows = site.rows(sql, *(row.get("value", "") for row in known))
    warnings = [
        {
            "item": row.get("key", ""),
            "warningcode": "invalidfieldparameter",
            "message": f"The search key '{row.get('key', '')}' is not supported, look at the web service documentation",
        }
        for row in criteria
        if row not in known
    ]
    return {"users": _users(site, caller, rows, tuple(row["key"] for row in known)), "warnings": warnings}


def _users(site: Site, caller: Caller, rows: Sequence[Row], sought: tuple[str, ...]) -> list[Answer]:
    if not caller.may(USER_DETAILS):
        return []
    shape, unseen = template("user", site.wwwroot), caller.unseen()
    if unseen & set(sought):
        return []
    found = []
    for row in rows:
        field = shape["customfields"][0] | {"value": row["agency"], "displayvalue": row["agency"]}
        own = _account(row) | {"suspended": bool(row["suspended"]), "customfields": [field], "auth": row["auth"]}
        found.append(_seen(shape | own, unseen))
    return found


def user_courses(site: Site, caller: Caller, user: int, *, with_count: bool) -> list[Answer]:
    """core_enrol_get_users_courses: those in which an enrolment is active, and that the caller may see."""
    with site.store.read() as db:
        need(db, "user", user)
    if not (caller.may(USER_DETAILS) and caller.may(COURSE_VIEW) and caller.may(PARTICIPANTS)):
        return []
    now = round(site.clock(), -2)
    rows = site.rows(
        "SELECT DISTINCT c.* FROM user_enrolments ue JOIN enrol e ON e.id = ue.enrolid"  # noqa: S608 - a part of ours
        f" JOIN course c ON c.id = ue.course WHERE ue.userid = ? AND {ACTIVE} ORDER BY c.fullname",
        *(user, now, now),
    )
    names = ("id", "shortname", "fullname", "idnumber", "visible", "summary", "startdate", "enddate", "category")
    found = []
    for row in rows:
        answer = template("user_course", site.wwwroot) | {name: row[name] for name in names}
        answer |= {"displayname": row["fullname"], "timemodified": row["timecreated"]}
        count = site.rows("SELECT count(DISTINCT userid) AS n FROM user_enrolments WHERE course = ?", row["id"])
        answer |= {"enrolledusercount": count[0]["n"]}
        found.append(answer if with_count else {k: v for k, v in answer.items() if k != "enrolledusercount"})
    return found


def course_profiles(site: Site, caller: Caller, pairs: Sequence[tuple[int, int]]) -> list[Answer]:
    """core_user_get_course_user_profiles: also of who isn't enrolled there, without roles then."""
    found = []
    for user, course in sorted(pairs):
        rows = site.rows(f"SELECT *, {_AUTH} FROM user WHERE id = ? AND deleted = 0", user)  # noqa: S608 - ours
        parts = _Parts(site, course)
        named = {"groups": parts.groups, "roles": parts.roles, "enrolledcourses": parts.courses}
        own = {name: by_user.get(user, []) for name, by_user in named.items()}
        found += [_seen(answer | own, frozenset()) for answer in _users(site, caller, rows, ())]
    return found


def course_groups(site: Site, course: int) -> list[Answer]:
    """core_group_get_course_groups"""
    rows = site.rows("SELECT id, course AS courseid, name, idnumber FROM groups WHERE course = ? ORDER BY name", course)
    return [template("group", site.wwwroot) | dict(row) for row in rows]


def course_groupings(site: Site, course: int) -> list[Answer]:
    """core_group_get_course_groupings"""
    rows = site.rows("SELECT * FROM groupings WHERE course = ? ORDER BY name", course)
    return [_grouping(row) for row in rows]


def grouping(site: Site, row: Row, with_groups: bool) -> Answer:
    """One of core_group_get_groupings; an empty one has no key `groups`."""
    answer = _grouping(row)
    groups = site.rows(
        "SELECT g.id, g.course AS courseid, g.name, g.idnumber FROM groups g JOIN groupings_groups gg"
        " ON gg.groupid = g.id WHERE gg.groupingid = ? ORDER BY g.id",
        row["id"],
    )
    if with_groups and groups:
        shape = {key: template("group", site.wwwroot)[key] for key in _GROUP}
        answer["groups"] = [shape | dict(group) for group in groups]
    return answer


def _grouping(row: Row) -> Answer:
    filler = {"description": "", "descriptionformat": 1}
    return {"id": row["id"], "courseid": row["course"], "name": row["name"]} | filler | {"idnumber": row["idnumber"]}
