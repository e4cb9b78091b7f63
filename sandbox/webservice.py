"""Moodle's REST web services, as far as the service reads them: recorded shapes, our state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sandbox import answers, attendance_answers, messages, parameters, people, plugin, progress, provisioning
from sandbox.actions import ActionRefusedError
from sandbox.capabilities import ENROL_REVIEW, Caller, caller_of, enter_course
from sandbox.content import PROVISIONER
from sandbox.parameters import MoodleError, Params, boolean, check, integer, invalid_parameter
from sandbox.site import Site
from sandbox.store import Row, need

__all__ = ["MoodleError", "call", "to_xml"]

SITE_INFO = "core_webservice_get_site_info"
ENROLLED = "core_enrol_get_enrolled_users"
ATTENDANCE = "mod_attendance_get_sessions"
COURSE_MODULE = "core_course_get_course_module"
STATUSES = "core_completion_get_activities_completion_status"


def no_record() -> MoodleError:
    """An unknown course, module, user; also an unknown function."""
    text = "Can't find data record in database."
    return MoodleError("dml_missing_record_exception", "invalidrecordunknown", text)


def invalid_token() -> MoodleError:
    """No token, or none that is known."""
    text = "Invalid token - token not found"
    return MoodleError("core\\exception\\moodle_exception", "invalidtoken", text)


def no_access() -> MoodleError:
    """A function of Moodle's that this token's service doesn't offer."""
    return MoodleError("webservice_access_exception", "accessexception", "Access control exception")


def call(site: Site, form: Mapping[str, str]) -> Any:
    """Answer one call, true of one moment; a `MoodleError` is an answer too."""
    with site.store.read():
        user = _user(site, form.get("wstoken", ""))
        if "wsfunction" not in form:
            raise invalid_parameter()
        name = form["wsfunction"]
        offered = offers(site, user)
        if name not in offered:
            known = name in FUNCTIONS or answers.is_moodle_function(name) or (site.setting("plugin") and name in _OURS)
            raise no_access() if known else no_record()
        try:
            return offered[name](site, caller_of(site, user), parameters.own(form))
        except LookupError as err:
            raise no_record() from err


def _user(site: Site, token: str) -> int:
    rows = site.rows("SELECT userid FROM external_tokens WHERE token = ?", token)
    if not rows:
        raise invalid_token()
    return int(rows[0]["userid"])


def _course(site: Site, caller: Caller, function: str, params: Params) -> int:
    course = int(_row(site, "course", integer(params, "courseid"))["id"])
    enter_course(site, caller, function, course)
    return course


def _row(site: Site, table: str, row_id: int) -> Row:
    with site.store.read() as db:
        return need(db, table, row_id)


def _site_info(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "serviceshortnames")
    return answers.site_info(site, caller.user, offers(site, caller.user))


def _courses_by_field(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "field", "value")
    field, value = params.get("field", ""), params.get("value", "")
    if field not in ("", "id", "ids", "shortname", "idnumber", "category"):
        raise invalid_parameter()
    return {"courses": answers.courses(site, caller, field, value), "warnings": []}


def _categories(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "criteria", "addsubcategories")
    criteria = {row.get("key", ""): row.get("value", "") for row in parameters.rows(params, "criteria")}
    if not set(criteria) <= {"id", "name", "idnumber", "parent"}:
        raise invalid_parameter()
    return answers.categories(site, caller, criteria)


def _contents(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "courseid", "options")
    return answers.contents(site, caller, _course(site, caller, "core_course_get_contents", params))


def _course_module(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "cmid")
    row = answers.module_row(site, integer(params, "cmid"))
    enter_course(site, caller, "core_course_get_course_module", row["course"])
    return {"cm": answers.course_module(site, caller, row), "warnings": []}


def _enrolled_users(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "courseid", "options")
    options = parameters.options(params)
    for name in ("limitfrom", "limitnumber", "onlyactive", "onlysuspended", "groupid"):
        if name in options:
            integer(options, name)
    course = _course(site, caller, ENROLLED, params)
    if "1" in (options.get("onlyactive"), options.get("onlysuspended")):
        caller.demand(ENROL_REVIEW, "Review course enrolments")
    return people.enrolled_users(site, caller, course, options)


def _statuses(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "courseid", "userid")
    user = integer(params, "userid")
    course = _course(site, caller, STATUSES, params)
    return {"statuses": progress.statuses(site, caller, course, user), "warnings": []}


def _course_groups(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "courseid")
    return people.course_groups(site, _course(site, caller, "core_group_get_course_groups", params))


def _course_groupings(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "courseid")
    return people.course_groupings(site, _course(site, caller, "core_group_get_course_groupings", params))


def _groupings(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "groupingids", "returngroups")
    rows = [_row(site, "groupings", grouping) for grouping in parameters.integers(params, "groupingids")]
    for course in {row["course"] for row in rows}:
        enter_course(site, caller, "core_group_get_groupings", course)
    groups = boolean(params, "returngroups", False)
    return [people.grouping(site, row, groups) for row in rows]


def _users_by_field(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "field", "values")
    return people.users_by_field(site, caller, params.get("field", ""), parameters.values(params, "values"))


def _user_courses(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "userid", "returnusercount")
    counted = boolean(params, "returnusercount", True)
    return people.user_courses(site, caller, integer(params, "userid"), with_count=counted)


def _course_profiles(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "userlist")
    pairs = [(integer(row, "userid"), integer(row, "courseid")) for row in parameters.rows(params, "userlist")]
    for course in {course for _, course in pairs}:
        enter_course(site, caller, "core_user_get_course_user_profiles", course)
    return people.course_profiles(site, caller, pairs)


def _users(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "criteria")
    return people.users(site, caller, parameters.rows(params, "criteria"))


def _update_grades(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "source", "courseid", "component", "activityid", "itemnumber", "grades", "itemdetails")
    course = _course(site, caller, "core_grades_update_grades", params)
    if not (caller.may("moodle/grade:viewall") and caller.may("moodle/grade:manage")):
        name = "core\\exception\\moodle_exception"
        raise MoodleError(name, "nopermissiontoviewgrades", "Cannot view grades.")
    module = answers.module_row(site, integer(params, "activityid"))
    if module["course"] != course or params.get("component") != f"mod_{module['modname']}":
        raise invalid_parameter()
    grades = {integer(row, "studentid"): _grade(row) for row in parameters.rows(params, "grades")}
    site.silent.grade_in_bulk(module["id"], grades, actor=caller.user)
    return 0


def _grade(row: Params) -> float:
    try:
        return float(row["grade"])
    except (KeyError, ValueError) as err:
        raise invalid_parameter() from err


def _update_manually(site: Site, caller: Caller, params: Params) -> Any:
    check(params, "cmid", "completed")
    module, completed = integer(params, "cmid"), boolean(params, "completed")
    if answers.module_row(site, module)["completion"] != 1:
        text = "Activity does not provide manual completion tracking"
        raise MoodleError("core\\exception\\moodle_exception", "cannotmanualctrack", text)
    try:
        site.act.tick(caller.user, module) if completed else site.act.untick(caller.user, module)
    except ActionRefusedError as err:
        text = "Course or activity not accessible. (Not enrolled)"
        name = "require_login_exception"
        raise MoodleError(f"core\\exception\\{name}", "requireloginerror", text) from err
    return {"status": True, "warnings": []}


Function = Callable[[Site, Caller, Params], Any]
FUNCTIONS: dict[str, Function] = {
    SITE_INFO: _site_info,
    "core_course_get_courses_by_field": _courses_by_field,
    "core_course_get_categories": _categories,
    "core_course_get_contents": _contents,
    COURSE_MODULE: _course_module,
    ENROLLED: _enrolled_users,
    "core_group_get_course_groups": _course_groups,
    "core_group_get_course_groupings": _course_groupings,
    "core_group_get_groupings": _groupings,
    "core_user_get_users_by_field": _users_by_field,
    "core_user_get_users": _users,
    "core_enrol_get_users_courses": _user_courses,
    "core_user_get_course_user_profiles": _course_profiles,
    STATUSES: _statuses,
    "core_completion_update_activity_completion_status_manually": _update_manually,
    "core_grades_update_grades": _update_grades,
    ATTENDANCE: attendance_answers.get_sessions,
    messages.FUNCTION: messages.send,
}


_OURS = plugin.FUNCTIONS | provisioning.OWN


def offers(site: Site, user: int) -> dict[str, Function]:
    """The functions that a token's service holds: without the companion plugin, with it, or its own alone. Those that
    set up courses are in the second service alone, whose account has no other."""
    has = site.setting("plugin")
    if user == PROVISIONER:
        held = FUNCTIONS | (_OURS if has else {})
        names = provisioning.ALSO | provisioning.OWN.keys()
        return {name: held[name] for name in held.keys() & names} | provisioning.CORE
    if has == "alone":
        kept = {name: FUNCTIONS[name] for name in (SITE_INFO, COURSE_MODULE, ATTENDANCE, messages.FUNCTION)}
        return kept | plugin.FUNCTIONS
    return FUNCTIONS | plugin.FUNCTIONS if has else FUNCTIONS


def to_xml(answer: Any) -> str:
    """What a caller gets who didn't ask for JSON."""
    head = '<?xml version="1.0" encoding="UTF-8" ?>\n'
    if isinstance(answer, dict) and "exception" in answer:
        return (
            f"{head}<EXCEPTION class={quoteattr(answer['exception'])}>\n"
            f"<ERRORCODE>{escape(answer['errorcode'])}</ERRORCODE>\n"
            f"<MESSAGE>{escape(answer['message'])}</MESSAGE>\n</EXCEPTION>\n"
        )
    return f"{head}<RESPONSE>\n{_xml(answer)}</RESPONSE>\n"


def _xml(value: Any) -> str:
    if isinstance(value, dict):
        keys = "".join(f'<KEY name="{key}">{_xml(item)}</KEY>\n' for key, item in value.items())
        return f"<SINGLE>\n{keys}</SINGLE>\n"
    if isinstance(value, list):
        return f"<MULTIPLE>\n{''.join(_xml(item) for item in value)}</MULTIPLE>\n"
    if value is None:
        return '<VALUE null="null"/>\n'
    text = str(int(value)) if isinstance(value, bool) else str(value)
    return f"<VALUE>{escape(text)}</VALUE>\n"
