"""Moodle's state by its core web services, as readings of the wire.

Core tells neither the ids and dates of enrolments nor the ids of role assignments: such rows stand for all of a
user's. What it tells only to callers with a capability, and what the caller lacks, stays as the mirror has it. Source
of what each function leaves out: recordings of Moodle 5.0dev, and runs on 4.5.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.sweep.items import Reading, gone_module, nobody, read_at, stamp
from jobs.sweep.way import check_absences
from moodle_client import (
    ActivityCompletion,
    Course,
    EnrolledUser,
    Module,
    MoodleClient,
    MoodleError,
    Reason,
    Reply,
    Section,
    User,
)
from records.queries.sweep import HeldModule

FRONT_PAGE = 1
"""Moodle's own course: nobody's community."""
FIRST_ADMIN = 2
"""Moodle's first administrator, whom it doesn't let anybody delete."""
AT_ONCE = 200
"""So many accounts are read in one call: a thousand take Moodle six seconds."""
MAX_TEXT = 1333
ABOUT_ONE = {Reason.NOT_FOUND, Reason.NO_PERMISSION, Reason.INVALID_PARAMETER, Reason.BROKEN}
NOBODYS = {"userdeleted", "usernotconfirmed", "guestsarenotallowed"}
"""Errorcodes for accounts of whose completions Moodle tells nothing."""


@dataclass(frozen=True, slots=True)
class People:
    """Who takes part in a course."""

    readings: list[Reading]
    active_first: list[int]
    """Everybody whose completions are to be read; who was in the course last comes first."""


def about_one(err: MoodleError) -> bool:
    """Whether an error is about the user or course that was asked for; any other is about the site."""
    return err.reason in ABOUT_ONE or err.errorcode in NOBODYS


def course_reading(course: Course, categories: Mapping[int, str], at: float, copy_of: int | None = None) -> Reading:
    """A course as core tells it; `categories`: the idnumbers of categories."""
    found: Reading = {
        "kind": "course",
        "read_at": at,
        "course": course.id,
        "present": True,
        "shortname": course.shortname[:MAX_TEXT],
        "fullname": course.fullname[:MAX_TEXT],
        "idnumber": course.idnumber[:MAX_TEXT],
        "category": course.categoryid or None,
        "category_idnumber": categories.get(course.categoryid, "")[:MAX_TEXT],
        "fields": {name: text for name, text in course.customfields.items() if len(text) <= MAX_TEXT},
        "visible": course.visible is not False,
        "startdate": course.startdate,
        "enddate": course.enddate,
    }
    return found | ({"copy_of": copy_of} if copy_of else {})


def category_idnumbers(moodle: MoodleClient, held: Mapping[int, str]) -> dict[int, str]:
    """The categories' idnumbers; where the caller may not see them, as they were known."""
    try:
        listed = moodle.categories().data
    except MoodleError as err:
        if err.reason not in {Reason.NO_PERMISSION, Reason.NO_ACCESS}:
            raise
        return dict(held)
    told = {category.id: category.idnumber for category in listed if category.idnumber is not None}
    # Without moodle/category:manage every idnumber is null: that says nothing.
    return told or dict(held)


def all_courses(moodle: MoodleClient) -> Reply[tuple[Course, ...]]:
    """The courses of the site that the caller sees in full, but for its front page."""
    reply = moodle.courses()
    return reply.with_data(tuple(course for course in reply.data if course.id != FRONT_PAGE and _in_full(course)))


def _in_full(course: Course) -> bool:
    """Whether Moodle told all of a course: who has no rights in it is told of no idnumber, not even an empty one."""
    return "idnumber" in course.model_fields_set


def one_course(moodle: MoodleClient, course_id: int) -> Reply[Course] | None:
    """A course, or None where it isn't there. Raises MoodleError, also for one that the caller may not see."""
    reply = moodle.courses("id", course_id)
    if reply.data and _in_full(reply.data[0]):
        return reply.with_data(reply.data[0])
    try:
        moodle.contents(course_id)
    except MoodleError as err:
        if err.reason is Reason.NOT_FOUND:
            return None
        raise
    raise MoodleError("core_course_get_courses_by_field", Reason.NO_PERMISSION, "course without details")


def modules(moodle: MoodleClient, course_id: int, held: Mapping[int, HeldModule]) -> list[Reading]:
    """The activities of a course; those that the mirror has and Moodle hasn't any more are readings, too.

    An idnumber costs a call for each activity and a capability: where it can't be had, the one that was known stays.
    An activity that the caller doesn't see is asked for by itself: nothing says that it is gone.
    """
    reply = moodle.contents(course_id)
    at = read_at(reply)
    asking = _Asking(moodle)
    found = []
    listed = set()
    for section, module in _activities(reply.data):
        listed.add(module.id)
        known = held.get(module.id)
        told = asking.idnumber(module.id)
        idnumber = told if told is not None else known.idnumber if known else ""
        found.append(_module(course_id, section, module, idnumber, at))
    found += [gone_module(course_id, missing, at) for missing in held.keys() - listed if asking.is_gone(missing)]
    return sorted(found, key=lambda reading: reading["module"])


def _activities(sections: Iterable[Section]) -> Iterator[tuple[Section, Module]]:
    for section in sections:
        for module in section.modules:
            if not module.deletioninprogress:
                yield section, module


def _module(course_id: int, section: Section, module: Module, idnumber: str, at: float) -> Reading:
    return {
        "kind": "module",
        "read_at": at,
        "module": module.id,
        "course": course_id,
        "present": True,
        "modname": module.modname,
        "name": module.name[:MAX_TEXT],
        "idnumber": idnumber[:MAX_TEXT],
        "section_number": section.number,
        "section_name": section.name[:MAX_TEXT],
        "visible": module.visible is not False,
        "tracking": module.completion or 0,
    }


class _Asking:
    """Asks for activities one by one, until it turns out that the caller may not see what is asked for."""

    def __init__(self, moodle: MoodleClient) -> None:
        self._moodle = moodle
        self._useless = False

    def idnumber(self, cmid: int) -> str | None:
        """The activity's idnumber; None where it can't be had."""
        if self._useless:
            return None
        try:
            told = self._moodle.course_module(cmid).data
        except MoodleError as err:
            if err.reason is Reason.NOT_FOUND:
                return None
            self._useless = _forbidden(err)
            return None
        # Only somebody who manages activities is told idnumbers. Of an activity that never had one (the forum that
        # Moodle makes in every course, say) null is told.
        self._useless = "idnumber" not in told.model_fields_set
        return None if self._useless else told.idnumber or ""

    def is_gone(self, cmid: int) -> bool:
        """Whether an activity that isn't in the list is gone, and not only out of the caller's sight."""
        try:
            self._moodle.course_module(cmid)
        except MoodleError as err:
            return err.reason is Reason.NOT_FOUND or not _forbidden(err)
        return False


def _forbidden(err: MoodleError) -> bool:
    """Whether the caller lacks a right for what was asked. Raises any error that says something else."""
    if err.reason not in {Reason.NO_PERMISSION, Reason.NO_ACCESS}:
        raise err
    return True


def people(moodle: MoodleClient, course_id: int, enrolled_before: set[int], *, allow_absences: bool) -> People:
    """Everybody who takes part in a course, and those who don't any more.

    Raises Suspicious where so many are gone that the caller may just not see them.
    """
    # First, so that no group is missing that somebody is a member of later on.
    groups = moodle.groups(course_id)
    everybody, began = _listed(moodle.enrolled_users(course_id))
    active, began_again = _listed(moodle.enrolled_users(course_id, only_active=True, fields=("id",)))
    at = stamp(min(moment for moment in (groups.as_of, began, began_again) if moment))
    gone = enrolled_before - everybody.keys()
    if not allow_absences:
        check_absences(gone, enrolled_before)
    forms = {group.id: _group(group.id, group.name, group.idnumber) for group in groups.data}
    for grouping in moodle.groupings(course_id).data:
        for group_id in grouping.groups:
            if group_id in forms:
                forms[group_id]["groupings"].append((grouping.idnumber or grouping.name)[:MAX_TEXT])
    readings = accounts(moodle, everybody.keys() | gone, gone)
    readings += [_enrolment(course_id, user, at, active=user.id in active, groups=forms) for user in everybody.values()]
    readings += [nobody(course_id, user, at) for user in sorted(gone)]
    last = sorted(everybody.values(), key=lambda user: (-(user.lastcourseaccess or 0), user.id))
    return People(readings, [user.id for user in last])


def _listed(pages: Iterable[Reply[tuple[EnrolledUser, ...]]]) -> tuple[dict[int, EnrolledUser], datetime | None]:
    """All users of a paged list, and when its reading began; None: nobody is in it."""
    found: dict[int, EnrolledUser] = {}
    began: datetime | None = None
    for page in pages:
        began = min(began, page.as_of) if began else page.as_of
        found |= {user.id: user for user in page.data}
    return found, began


def _group(group_id: int, name: str, idnumber: str) -> dict[str, Any]:
    return {"id": group_id, "name": name[:MAX_TEXT], "idnumber": idnumber[:MAX_TEXT], "groupings": []}


def _enrolment(
    course_id: int, user: EnrolledUser, at: float, *, active: bool, groups: Mapping[int, dict[str, Any]]
) -> Reading:
    """How a user takes part. The enrolment's row has no id: it stands for all that he or she has there."""
    return {
        "kind": "enrolment",
        "read_at": at,
        "course": course_id,
        "user": user.id,
        "enrolments": [{"status": 0 if active else 1}],
        "roles": [{"role": role.roleid, "shortname": role.shortname[:100]} for role in user.roles],
        "groups": [groups.get(group.id) or _group(group.id, group.name, "") for group in user.groups],
    }


def accounts(moodle: MoodleClient, users: Iterable[int], maybe_deleted: Iterable[int] = ()) -> list[Reading]:
    """The accounts of users. Whom the caller doesn't see is left out; who bears the marks of a deleted account is
    deleted, and of `maybe_deleted` whoever isn't there while others are seen."""
    wanted = sorted(users)
    found: list[Reading] = []
    missing: dict[int, float] = {}
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        reply = moodle.users_by_field("id", part)
        at = read_at(reply)
        missing |= dict.fromkeys(set(part) - {user.id for user in reply.data}, at)
        found += [
            _no_account(user.id, at) if _is_deleted(user) else _account(user, at)
            for user in reply.data
            if "username" in user.model_fields_set
        ]
    gone = sorted(missing.keys() & set(maybe_deleted)) if len(missing) < len(wanted) or _sees_somebody(moodle) else []
    return found + [_no_account(user, missing[user]) for user in gone]


def _no_account(user_id: int, at: float) -> Reading:
    return {"kind": "account", "read_at": at, "user": user_id, "present": False}


def _is_deleted(user: User) -> bool:
    """Whether it is what Moodle makes of a deleted account, which it goes on to tell of: the address and the time as
    username, a hash as address. Source: delete_user() in lib/moodlelib.php."""
    hashed = user.email is None or re.fullmatch(r"[0-9a-f]{32}", user.email) is not None
    return hashed and re.search(r"@.*\.\d{9,11}$", user.username or "") is not None


def _sees_somebody(moodle: MoodleClient) -> bool:
    """Whether accounts can be seen at all: of who sees nobody's, nothing can be learnt about who is gone."""
    admin = moodle.users_by_field("id", [FIRST_ADMIN])
    return bool(admin.data)


def _account(user: User, at: float) -> Reading:
    return {
        "kind": "account",
        "read_at": at,
        "user": user.id,
        "present": True,
        "username": (user.username or "")[:MAX_TEXT],
        "idnumber": (user.idnumber or "")[:MAX_TEXT],
        "email": (user.email or "")[:MAX_TEXT],
        "firstname": (user.firstname or "")[:MAX_TEXT],
        "lastname": (user.lastname or "")[:MAX_TEXT],
        "suspended": bool(user.suspended),
        "profile": {name: text for name, text in user.customfields.items() if len(text) <= MAX_TEXT},
    }


def completions(moodle: MoodleClient, course_id: int, user_id: int) -> Reading:
    """The completions of one user in one course: of activities that the answer lacks nothing is known."""
    reply = moodle.activity_completions(course_id, user_id)
    return {
        "kind": "completions",
        "read_at": read_at(reply),
        "course": course_id,
        "user": user_id,
        "among": [row.cmid for row in reply.data],
        "rows": [_row(row) for row in reply.data if row.exists],
    }


def _row(row: ActivityCompletion) -> dict[str, Any]:
    return {
        "module": row.cmid,
        "state": row.state,
        "timemodified": row.timemodified,
        "overrideby": row.overrideby or None,
    }


def participation(moodle: MoodleClient, course_id: int, user_id: int) -> list[Reading]:
    """How one user takes part in one course, and the account: what an event left open."""
    found = accounts(moodle, [user_id], [user_id])
    if found and not found[0]["present"]:
        return found
    courses = moodle.user_courses(user_id)
    active = any(course.id == course_id for course in courses.data)
    began = courses.as_of
    if not active:
        # Suspended, expired, or not enrolled at all: only a list tells.
        inactive, listed_at = _listed(moodle.enrolled_users(course_id, only_suspended=True, fields=("id",)))
        began = min(began, listed_at or began)
        if user_id not in inactive:
            return [*found, nobody(course_id, user_id, stamp(began))]
    profiles = moodle.course_profiles([(user_id, course_id)])
    at = stamp(min(began, profiles.as_of))
    forms = {group.id: _group(group.id, group.name, group.idnumber) for group in moodle.groups(course_id).data}
    return found + [_enrolment(course_id, user, at, active=active, groups=forms) for user in profiles.data]
