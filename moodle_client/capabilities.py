"""Which capability a function needs, and which one a thin answer lacks.

A caller without a capability often gets fewer rows or fields and no error. Recorded on a real site with a role at
system level; every function needs webservice/rest:use besides.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from moodle_client.functions import Function
from moodle_client.models import User

_VIEW = "moodle/course:view"
_GROUPS = (_VIEW, "moodle/course:managegroups")
_ENTER = (_VIEW, "moodle/course:viewhiddencourses")
_USERS = ("moodle/user:viewdetails", "moodle/user:viewalldetails", "moodle/site:viewuseridentity")

NEEDS: MappingProxyType[Function, tuple[str, ...]] = MappingProxyType(
    {
        Function.SITE_INFO: (),
        Function.COURSES: (_VIEW, "moodle/course:viewhiddencourses"),
        Function.CATEGORIES: ("moodle/category:viewhiddencategories", "moodle/category:manage"),
        Function.CONTENTS: (
            _VIEW,
            "moodle/course:viewhiddensections",
            "moodle/course:viewhiddenactivities",
            "moodle/course:ignoreavailabilityrestrictions",
        ),
        Function.COURSE_MODULE: (_VIEW, "moodle/course:manageactivities"),
        Function.ENROLLED_USERS: (
            _VIEW,
            "moodle/course:viewparticipants",
            "moodle/user:viewdetails",
            "moodle/user:viewalldetails",
            "moodle/site:viewfullnames",
            "moodle/course:useremail",
            "moodle/site:accessallgroups",
            "moodle/course:enrolreview",
        ),
        Function.COURSE_GROUPS: _GROUPS,
        Function.COURSE_GROUPINGS: _GROUPS,
        Function.GROUPINGS: _GROUPS,
        Function.ACTIVITY_COMPLETIONS: (
            _VIEW,
            "report/progress:view",
            "moodle/course:viewhiddenactivities",
            "moodle/course:ignoreavailabilityrestrictions",
            "mod/*:view",
        ),
        Function.USER_COURSES: (_VIEW, "moodle/course:viewparticipants", "moodle/user:viewdetails"),
        Function.COURSE_PROFILES: (_VIEW, "moodle/user:viewdetails", "moodle/user:viewalldetails"),
        Function.USERS_BY_FIELD: _USERS,
        Function.FIND_USERS: _USERS,
        # The second, or mod/attendance:manageattendances or mod/attendance:changeattendances.
        Function.ATTENDANCE_SESSIONS: (_VIEW, "mod/attendance:view", "mod/attendance:takeattendances"),
        Function.CREATE_CATEGORIES: ("moodle/category:manage",),
        Function.CREATE_COURSES: ("moodle/course:create",),
        Function.DUPLICATE_COURSE: (
            _VIEW,
            "moodle/course:create",
            "moodle/backup:backupcourse",
            "moodle/backup:configure",
            "moodle/backup:userinfo",
            "moodle/backup:anonymise",
            "moodle/restore:restorecourse",
            "moodle/restore:configure",
            "moodle/restore:userinfo",
        ),
        Function.UPDATE_COURSES: (
            _VIEW,
            "moodle/course:update",
            "moodle/course:changefullname",
            "moodle/course:changeshortname",
            "moodle/course:changeidnumber",
            "moodle/course:changecategory",
            "moodle/course:visibility",
            "moodle/course:viewhiddencourses",
        ),
        Function.CALENDAR_EVENTS: (_VIEW, "moodle/calendar:manageentries"),
        Function.CREATE_CALENDAR_EVENTS: (_VIEW, "moodle/calendar:manageentries"),
        Function.CREATE_USERS: ("moodle/user:create",),
        Function.ENROL_USERS: (_VIEW, "enrol/manual:enrol"),
        Function.UNENROL_USERS: (_VIEW, "enrol/manual:unenrol"),
        Function.CREATE_GROUPS: _GROUPS,
        Function.ADD_GROUP_MEMBERS: _GROUPS,
        Function.DELETE_GROUP_MEMBERS: _GROUPS,
        Function.OVERRIDE_COMPLETION: (_VIEW, "moodle/course:overridecompletion"),
        Function.UPDATE_GRADES: (_VIEW, "moodle/grade:viewall", "moodle/grade:manage", "moodle/grade:edit"),
        # Without the second only people who share a course with the account, and haven't blocked it, can be written to.
        Function.SEND_INSTANT_MESSAGES: ("moodle/site:sendmessage", "moodle/site:messageanyuser"),
        Function.GET_COURSES: ("local/copbridge:getcourses",),
        Function.GET_COURSE_MAP: (*_ENTER, "local/copbridge:getcoursemap"),
        Function.GET_ROSTER: (*_ENTER, "local/copbridge:getroster"),
        Function.GET_COMPLETIONS: (*_ENTER, "local/copbridge:getcompletions"),
        Function.GET_DIGEST: (*_ENTER, "local/copbridge:getdigest"),
        Function.GET_STATUS: ("local/copbridge:getstatus",),
        Function.PING: ("local/copbridge:ping",),
        Function.SET_STANDINGS: ("local/copbridge:setstandings",),
        Function.SET_PRESENCE: (*_ENTER, "local/copbridge:setpresence"),
        Function.GET_SITE_SETUP: ("local/copbridge:getsitesetup",),
        Function.GET_COURSE_SETUP: (*_ENTER, "local/copbridge:getcoursesetup"),
        Function.CREATE_ACTIVITIES: (*_ENTER, "local/copbridge:createactivities"),
        Function.SET_ACTIVITIES: (*_ENTER, "local/copbridge:setactivities"),
        Function.SET_SECTIONS: (*_ENTER, "local/copbridge:setsections"),
        # Besides, leave to assign the role.
        Function.ADD_COHORT_ENROLMENT: (*_ENTER, "local/copbridge:addcohortenrolment", "moodle/role:assign"),
        Function.SET_COURSE_FIELDS: (*_ENTER, "local/copbridge:setcoursefields"),
    }
)
"""The capabilities of each function's full answer. Some are needed for an answer at all, others only so that nothing
is left out: the methods' docstrings say which."""

ROWS = "moodle/user:viewdetails"
"""Without it a list of participants holds the caller alone."""
FIELD_NEEDS: MappingProxyType[str, str] = MappingProxyType(
    {
        "username": "moodle/user:viewalldetails",
        "idnumber": "moodle/user:viewalldetails",
        "email": "moodle/course:useremail",
        "firstname": "moodle/site:viewfullnames",
        "lastname": "moodle/site:viewfullnames",
    }
)
"""The capability that shows a field of participants. An idnumber is also missing where a user has none."""


@dataclass(frozen=True, slots=True)
class Lack:
    """A capability that an answer shows to be missing, and what shows it: "username", or "rows"."""

    capability: str
    shown_by: str


def visible_fields(users: Iterable[User]) -> frozenset[str]:
    """The fields that Moodle sent for at least one of the users."""
    return frozenset(name for user in users for name in user.model_fields_set)


def lacks(users: Iterable[User], *, caller: int, expected_at_least: int = 0) -> tuple[Lack, ...]:
    """The capabilities that a list of participants, read without `fields`, shows to be missing.

    `caller` is the user of the token, who always sees themselves whole; `expected_at_least` is a number of
    participants known from elsewhere. Fewer rows may also mean separate groups without moodle/site:accessallgroups.
    """
    rows = list(users)
    others = [user for user in rows if user.id != caller]
    found = []
    if len(rows) < expected_at_least or (rows and not others):
        found.append(Lack(ROWS, "rows"))
    # An empty idnumber is never sent, so its absence shows nothing.
    for field in ("username", "email", "firstname"):
        if any(field in user.missing_fields for user in others):
            found.append(Lack(FIELD_NEEDS[field], field))
    return tuple(found)
