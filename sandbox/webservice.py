"""Moodle's REST web services, as far as the service reads them: recorded shapes, our state."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sandbox import answers
from sandbox.actions import ActionRefusedError
from sandbox.site import Site

Params = dict[str, str]

PROTOCOL_FIELDS = frozenset(
    {"wstoken", "wsfunction", "moodlewsrestformat", "moodlewssettingfilter", "moodlewssettinglang"}
)


class MoodleError(Exception):
    """An error as Moodle words it; HTTP says 200 all the same."""

    def __init__(self, exception: str, errorcode: str, message: str) -> None:
        super().__init__(errorcode)
        self.payload = {"exception": exception, "errorcode": errorcode, "message": message}


def invalid_parameter() -> MoodleError:
    """Without debugging Moodle never says which parameter it was."""
    name = "core\\exception\\invalid_parameter_exception"
    return MoodleError(name, "invalidparameter", "Invalid parameter value detected")


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
    """Answer one call; a `MoodleError` is an answer too."""
    user = _caller(site, form.get("wstoken", ""))
    if "wsfunction" not in form:
        raise invalid_parameter()
    name = form["wsfunction"]
    if name not in _FUNCTIONS:
        raise no_access() if answers.is_moodle_function(name) else no_record()
    params = {key: value for key, value in form.items() if key not in PROTOCOL_FIELDS}
    try:
        return _FUNCTIONS[name](site, user, params)
    except LookupError as err:
        raise no_record() from err


def _caller(site: Site, token: str) -> int:
    rows = site.rows("SELECT userid FROM external_tokens WHERE token = ?", token)
    if not rows:
        raise invalid_token()
    return int(rows[0]["userid"])


def _check(params: Params, *known: str) -> None:
    """One parameter too many fails the whole call."""
    if any(key.partition("[")[0] not in known for key in params):
        raise invalid_parameter()


def _integer(params: Params, name: str, default: int | None = None) -> int:
    value = params.get(name)
    if value is None and default is not None:
        return default
    if value is None or not value.strip().lstrip("-").isdecimal():
        raise invalid_parameter()
    return int(value)


def _boolean(params: Params, name: str) -> bool:
    """Moodle takes 1 and 0 for a boolean and nothing else."""
    value = params.get(name)
    if value not in ("0", "1"):
        raise invalid_parameter()
    return value == "1"


def _options(params: Params) -> dict[str, str]:
    """The name-value list `options[0][name]`; unknown names are silently ignored."""
    found: dict[str, str] = {}
    for key, value in params.items():
        if key.startswith("options[") and key.endswith("][name]"):
            found[value] = params.get(key.removesuffix("[name]") + "[value]", "")
    return found


def _site_info(site: Site, user: int, params: Params) -> Any:
    _check(params, "serviceshortnames")
    return answers.site_info(site, user)


def _courses_by_field(site: Site, _user: int, params: Params) -> Any:
    _check(params, "field", "value")
    field, value = params.get("field", ""), params.get("value", "")
    if field not in ("", "id", "ids", "shortname", "idnumber", "category"):
        raise invalid_parameter()
    return {"courses": answers.courses(site, field, value), "warnings": []}


def _contents(site: Site, user: int, params: Params) -> Any:
    _check(params, "courseid", "options")
    return answers.contents(site, _integer(params, "courseid"), user)


def _course_module(site: Site, _user: int, params: Params) -> Any:
    _check(params, "cmid")
    return {"cm": answers.course_module(site, _integer(params, "cmid")), "warnings": []}


def _enrolled_users(site: Site, _user: int, params: Params) -> Any:
    _check(params, "courseid", "options")
    options = _options(params)
    for name in ("limitfrom", "limitnumber", "onlyactive", "onlysuspended", "groupid"):
        if name in options:
            _integer(options, name)
    return answers.enrolled_users(site, _integer(params, "courseid"), options)


def _statuses(site: Site, _user: int, params: Params) -> Any:
    _check(params, "courseid", "userid")
    course, user = _integer(params, "courseid"), _integer(params, "userid")
    return {"statuses": answers.statuses(site, course, user), "warnings": []}


def _update_manually(site: Site, user: int, params: Params) -> Any:
    _check(params, "cmid", "completed")
    module, completed = _integer(params, "cmid"), _boolean(params, "completed")
    if answers.module_row(site, module)["completion"] != 1:
        text = "Activity does not provide manual completion tracking"
        raise MoodleError("core\\exception\\moodle_exception", "cannotmanualctrack", text)
    try:
        site.act.tick(user, module) if completed else site.act.untick(user, module)
    except ActionRefusedError as err:
        text = "Course or activity not accessible. (Not enrolled)"
        name = "require_login_exception"
        raise MoodleError(f"core\\exception\\{name}", "requireloginerror", text) from err
    return {"status": True, "warnings": []}


_FUNCTIONS: dict[str, Callable[[Site, int, Params], Any]] = {
    "core_webservice_get_site_info": _site_info,
    "core_course_get_courses_by_field": _courses_by_field,
    "core_course_get_contents": _contents,
    "core_course_get_course_module": _course_module,
    "core_enrol_get_enrolled_users": _enrolled_users,
    "core_completion_get_activities_completion_status": _statuses,
    "core_completion_update_activity_completion_status_manually": _update_manually,
}


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
