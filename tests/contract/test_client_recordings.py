"""Every recorded answer of a real Moodle, played through the client: the values it holds, or the error it is."""

import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
import responses

from moodle_client import MoodleClient, MoodleError, PartialFailure, Reason
from tests.unit.moodle_client.expected import (
    OVERRIDE,
    READS,
    RECORDED,
    STATUS,
    WRITES,
    Played,
    function_of,
    recorded,
    sent,
)
from tests.unit.moodle_client.expected_messages import MESSAGES
from tests.unit.moodle_client.expected_provisioning import PROVISIONING
from tests.unit.moodle_client.php import parsed_body

WWWROOT = "https://moodle.example.org"
URL = f"{WWWROOT}/webservice/rest/server.php"
TOKEN = "a-token-that-must-not-leak"
CREATE_USERS = "core_user_create_users"
XML = "XML: it read none of our fields"

CALLS: dict[str, Any] = {
    "core_cohort_add_cohort_members": {"warnings": []},
    "core_completion_mark_course_self_completed": {"status": True, "warnings": []},
    "core_completion_update_activity_completion_status_manually": {"status": True, "warnings": []},
    "core_course_delete_courses": {"warnings": []},
    "core_course_delete_modules": None,
    "core_course_update_courses": {"warnings": []},
    "core_user_delete_users": None,
    "core_user_update_users": {"warnings": []},
    "core_user_update_users.suspend": {"warnings": []},
    "errors/emoji": {"total": 0, "courses": [], "warnings": []},
    "errors/login_token_ok": {"token": "0" * 32, "privatetoken": None},
}
"""Functions without a method, through `call`: their answers."""

COURSES_AS_ROWS = {"core_course_get_courses.id_missing": [2], "errors/multipart": [6, 1, 3, 4, 2, 7]}
"""Lists of courses through `call`: the ids."""

WARNED: dict[str, tuple[str, str | None, str | None]] = {
    "core_cohort_add_cohort_members.err_cohort": ("2", None, None),
    "core_course_update_courses.warn_nonexistent": ("invalidrecordunknown", "course", "99999"),
    "errors/no_permission": ("cannotdeletecourse", "course", "2"),
}
"""Writes that failed in part or wholly by their warnings: warning code, item, item id."""

FAILS: dict[str, tuple[Reason, str]] = {
    f"{STATUS}.err_nonexistent_course": (Reason.NOT_FOUND, "invalidrecordunknown"),
    f"{STATUS}.userid_0": (Reason.NOT_FOUND, "invalidrecordunknown"),
    f"{OVERRIDE}.err_state3": (Reason.BROKEN, "err_system"),
    f"{OVERRIDE}.err_student": (Reason.NO_PERMISSION, "nopermission"),
    f"{CREATE_USERS}.err_second_of_two": (Reason.INVALID_PARAMETER, "invalidparameter"),
    f"{CREATE_USERS}.err_username_taken": (Reason.INVALID_PARAMETER, "invalidparameter"),
    "core_calendar_get_action_events_by_course": (Reason.BROKEN, "invalidresponse"),
    "core_completion_get_course_completion_status.no_enrol_dup": (Reason.NOT_FOUND, "usernotenroled"),
    "core_completion_mark_course_self_completed.err_again": (Reason.CONFLICT, "useralreadymarkedcomplete"),
    "core_completion_update_activity_completion_status_manually.err_automatic": (
        Reason.OTHER,
        "cannotmanualctrack",
    ),
    "core_completion_update_activity_completion_status_manually.err_cm": (Reason.NOT_FOUND, "invalidrecordunknown"),
    "core_course_create_courses.err_lang_empty": (Reason.INVALID_PARAMETER, "errorinvalidparam"),
    "core_course_create_courses.err_shortname_taken": (Reason.CONFLICT, "shortnametaken"),
    # Its errorcode is a sentence.
    "core_courseformat_create_module.err_page": (Reason.OTHER, "free text"),
    "core_courseformat_new_module": (Reason.NOT_FOUND, "invalidrecordunknown"),
    "core_enrol_get_enrolled_users.err_nonexistent": (Reason.NOT_FOUND, "invalidrecordunknown"),
    "core_enrol_get_enrolled_users.err_plain": (Reason.NO_PERMISSION, "errorcoursecontextnotvalid"),
    "core_group_create_groups.err_dup": (Reason.INVALID_PARAMETER, "invalidparameter"),
    "core_role_assign_roles.err_role": (Reason.INVALID_PARAMETER, "invalidparameter"),
    "core_message_send_instant_messages.err_disabled": (Reason.OTHER, "disabled"),
    # PHP's own errors have no errorcode.
    "enrol_manual_enrol_users.err_user": (Reason.BROKEN, "TypeError"),
    "enrol_self_enrol_user": (Reason.BROKEN, "Error"),
    "mod_attendance_get_session.as_student": (Reason.INVALID_PARAMETER, "invalidparameter"),
    "mod_attendance_get_session.err_nonexistent": (Reason.NOT_FOUND, "invalidrecordunknown"),
    "errors/debug_developer_action_events": (Reason.BROKEN, "invalidresponse"),
    "errors/debug_developer_expired": (Reason.INVALID_TOKEN, "invalidtoken"),
    "errors/debug_developer_ip": (Reason.NO_ACCESS, "accessexception"),
    "errors/debug_developer_nonexistent_course": (Reason.NOT_FOUND, "invalidrecord"),
    "errors/debug_developer_unknown_function": (Reason.NOT_FOUND, "invalidrecord"),
    "errors/expired_token": (Reason.NO_ACCESS, "accessexception"),
    "errors/function_not_in_service": (Reason.NO_ACCESS, "accessexception"),
    "errors/user_not_authorised_for_restricted_service": (Reason.NO_ACCESS, "accessexception"),
    "errors/suspended_service_user": (Reason.NO_ACCESS, "wsaccessusersuspended"),
    "errors/login_token_bad_password": (Reason.INVALID_LOGIN, "invalidlogin"),
    "errors/maintenance_cli": (Reason.MAINTENANCE, "HTTP 503"),
    "errors/maintenance_cli_login_token": (Reason.MAINTENANCE, "HTTP 503"),
    "errors/maintenance_ui_flag_companion_token": (Reason.MAINTENANCE, "sitemaintenance"),
    "errors/rest_protocol_disabled": (Reason.WEB_SERVICES_OFF, "HTTP 403"),
    "errors/webservices_disabled": (Reason.WEB_SERVICES_OFF, "HTTP 403"),
    "errors/restful_bad_path": (Reason.NOT_MOODLE, "HTTP 404"),
    "errors/HEAD_method": (Reason.NOT_MOODLE, "empty answer"),
    "errors/soap_protocol_disabled": (Reason.NOT_MOODLE, "empty answer"),
}
for _name in ["OPTIONS_method", "PUT_method", "bad_format", "default_format_is_xml", "xml_error"]:
    FAILS[f"errors/{_name}"] = (Reason.NOT_MOODLE, XML)
for _name in ["invalid_token", "malformed_token", "no_token", "token_in_authorization_header"]:
    FAILS[f"errors/{_name}"] = (Reason.INVALID_TOKEN, "invalidtoken")
for _name in ["nonexistent_cm", "nonexistent_course", "unknown_function", "settingfilter_lang"]:
    FAILS[f"errors/{_name}"] = (Reason.NOT_FOUND, "invalidrecordunknown")
INVALID = """
    bad_utf8 bool_false_string bool_python_False bool_true_string debug_developer_bool debug_developer_missing_param
    debug_developer_unknown_param debug_developer_user_exists empty_int_param enrol_2000_rows_over_max_input_vars
    extra_unknown_param invalid_param_type missing_param no_function params_last_lost
"""
for _name in INVALID.split():
    FAILS[f"errors/{_name}"] = (Reason.INVALID_PARAMETER, "invalidparameter")
UNSENDABLE = {"errors/bad_utf8", "errors/soap_protocol_disabled"}
"""Requests that this client can't make: bytes that are no text, and XML."""
ASKS_TO_WAIT = {"errors/maintenance_cli": 300, "errors/maintenance_cli_login_token": 300}
EVERYONE = "core_user_get_users.err_key"
ALL_FILES = sorted(str(path.relative_to(RECORDED).with_suffix("")) for path in RECORDED.rglob("*.json"))


def answer_with(record: dict[str, Any]) -> None:
    """Have the mocked site answer as the recorded one did."""
    body = record["response"]
    headers = {k: v for k, v in (record.get("response_headers") or {}).items() if k in {"Date", "Retry-After"}}
    responses.post(
        URL,
        status=record["status"],
        body=body if isinstance(body, str) else json.dumps(body),
        headers={"Date": "Sat, 21 Nov 2026 20:48:19 GMT"} | headers,
    )


def client() -> MoodleClient:
    return MoodleClient(WWWROOT, TOKEN, tries=1, max_fields=5000)


def generic(moodle: MoodleClient, record: dict[str, Any], *, reads: bool = False) -> Any:
    return moodle.call(function_of(record), reads=reads, **sent(record)).data


def test_every_recording_has_an_expectation() -> None:
    expected = [*READS, *WRITES, *MESSAGES, *PROVISIONING, *CALLS, *COURSES_AS_ROWS, *WARNED, *FAILS, EVERYONE]
    assert len(expected) == len(set(expected))
    assert sorted(expected) == ALL_FILES


@pytest.mark.parametrize("name", [*READS, *WRITES, *MESSAGES, *PROVISIONING])
@responses.activate
def test_a_recorded_answer_is_read_as_it_is(name: str) -> None:
    played: Played = (READS | WRITES | MESSAGES | PROVISIONING)[name]
    record = recorded(name)
    answer_with(record)
    with client() as moodle:
        reply = played.do(moodle)
    assert played.look(reply.data) == played.want
    assert reply.as_of.isoformat() <= "2026-11-21T21:59:59+00:00"
    assert reply.warnings == ()
    request = responses.calls[0].request
    assert dict(parse_qsl(str(request.body)))["wsfunction"] == (function_of(record) if record["request"] else STATUS)
    if played.same_request:
        form = parsed_body(request.body)
        assert {k: v for k, v in form.items() if not k.startswith(("wstoken", "wsfunction", "moodlews"))} == sent(
            record
        )


@pytest.mark.parametrize("name", CALLS)
@responses.activate
def test_a_function_without_a_method_is_called_by_name(name: str) -> None:
    record = recorded(name)
    answer_with(record)
    with client() as moodle:
        assert generic(moodle, record) == CALLS[name]
    form = parsed_body(responses.calls[0].request.body)
    assert {key: form[key] for key in sent(record)} == sent(record)


@pytest.mark.parametrize("name", COURSES_AS_ROWS)
@responses.activate
def test_a_list_is_told_as_decoded(name: str) -> None:
    answer_with(recorded(name))
    with client() as moodle:
        found = moodle.call("core_course_get_courses", reads=True).data
    assert [course["id"] for course in found] == COURSES_AS_ROWS[name]


@pytest.mark.parametrize("name", WARNED)
@responses.activate
def test_a_write_that_only_warns_has_failed(name: str) -> None:
    record = recorded(name)
    answer_with(record)
    with client() as moodle, pytest.raises(PartialFailure) as err:
        generic(moodle, record)
    assert [(w.warningcode, w.item, w.itemid) for w in err.value.warnings] == [WARNED[name]]
    assert (err.value.reason, err.value.permanent) == (Reason.PARTLY_FAILED, True)
    assert record["response"]["warnings"][0]["message"] not in f"{err.value!r} {err.value} {err.value.warnings!r}"


@pytest.mark.parametrize("name", FAILS)
@responses.activate
def test_an_error_is_told_by_its_errorcode(name: str) -> None:
    record = recorded(name)
    answer_with(record)
    with client() as moodle, pytest.raises(MoodleError) as err:
        generic(moodle, record if name not in UNSENDABLE else recorded("core_webservice_get_site_info"))
    reason, code = FAILS[name]
    assert (err.value.reason, err.value.errorcode) == (reason, code)
    assert err.value.retry_after == ASKS_TO_WAIT.get(name)
    assert err.value.permanent is (reason is not Reason.MAINTENANCE)
    response = record["response"]
    if isinstance(response, dict):
        told = f"{err.value} {err.value!r}"
        assert str(response.get("message") or response.get("error")) not in told
        assert not response.get("debuginfo") or response["debuginfo"] not in told


@responses.activate
def test_an_ignored_criterion_is_an_error_though_moodle_answers_with_everyone() -> None:
    record = recorded(EVERYONE)
    answer_with(record)
    with client() as moodle, pytest.raises(PartialFailure) as err:
        moodle.find_users({"email": "x"})
    assert err.value.data is None
    assert [(w.item, w.warningcode) for w in err.value.warnings] == [("bogus", "invalidfieldparameter")]
    with client() as moodle, pytest.raises(ValueError, match="not bogus"):
        moodle.find_users({"bogus": "x"})
    assert len(responses.calls) == 1
