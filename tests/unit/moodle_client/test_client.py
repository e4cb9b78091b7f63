"""The client against recorded answers of a real Moodle, and against what it must refuse to do."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import requests
import responses

from moodle_client import MoodleClient, MoodleError, Reason
from moodle_client.transport import MAX_FIELDS, encode

RECORDED = Path(__file__).parents[2] / "fixtures" / "moodle" / "ws"
WWWROOT = "https://moodle.example.org"
URL = f"{WWWROOT}/webservice/rest/server.php"
TOKEN = "a-token-that-must-not-leak"


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text())
    return found


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


@responses.activate
def test_completions_are_read_as_recorded() -> None:
    answer_with(recorded("core_completion_get_activities_completion_status"))
    with MoodleClient(WWWROOT, TOKEN) as moodle:
        reply, rows = moodle.activity_completions(2, 6)
    sent = dict(parse_qsl(str(responses.calls[0].request.body)))
    assert sent == {
        "wstoken": TOKEN,
        "wsfunction": "core_completion_get_activities_completion_status",
        "moodlewsrestformat": "json",
        "courseid": "2",
        "userid": "6",
    }
    assert responses.calls[0].request.url == URL
    first = next(row for row in rows if row.cmid == 3)
    assert (first.state, first.overrideby) == (1, None)
    assert first.changed_at is not None
    assert first.changed_at.isoformat() == "2026-11-21T20:41:15+00:00"
    assert reply.as_of.isoformat() <= "2026-11-21T20:48:19+00:00"


@responses.activate
def test_an_override_and_a_failed_quiz_keep_their_marks() -> None:
    answer_with(recorded("core_completion_get_activities_completion_status.p004_overridden"))
    answer_with(recorded("core_completion_get_activities_completion_status.state3_failed_quiz"))
    with MoodleClient(WWWROOT, TOKEN) as moodle:
        overridden = moodle.activity_completions(2, 9)[1]
        failed = moodle.activity_completions(2, 6)[1]
    assert any(row.overrideby for row in overridden)
    assert 3 in {row.state for row in failed}


@responses.activate
def test_a_time_on_an_incomplete_row_is_no_completion() -> None:
    rows = recorded("core_completion_get_activities_completion_status.p004_overridden")["response"]["statuses"]
    untouched = [row for row in rows if row["state"] == 0 and row["timecompleted"] == 0]
    answer_with(recorded("core_completion_get_activities_completion_status.p004_overridden"))
    with MoodleClient(WWWROOT, TOKEN) as moodle:
        found = moodle.activity_completions(2, 9)[1]
    assert untouched, "the recording holds rows that Moodle doesn't have"
    assert {row.cmid for row in found if not row.exists} == {row["cmid"] for row in untouched}


@pytest.mark.parametrize(
    ("name", "reason", "permanent"),
    [
        ("errors/invalid_token", Reason.INVALID_TOKEN, True),
        ("errors/expired_token", Reason.NO_ACCESS, True),
        ("errors/function_not_in_service", Reason.NO_ACCESS, True),
        ("errors/suspended_service_user", Reason.NO_ACCESS, True),
        ("core_completion_override_activity_completion_status.err_student", Reason.NO_PERMISSION, True),
        ("errors/nonexistent_course", Reason.NOT_FOUND, True),
        ("errors/maintenance_cli", Reason.MAINTENANCE, False),
        ("errors/webservices_disabled", Reason.WEB_SERVICES_OFF, True),
        ("core_completion_get_activities_completion_status.userid_0", Reason.NOT_FOUND, True),
    ],
)
@responses.activate
def test_errors_are_told_by_their_errorcode(name: str, reason: Reason, permanent: bool) -> None:
    answer_with(recorded(name))
    with MoodleClient(WWWROOT, TOKEN) as moodle, pytest.raises(MoodleError) as err:
        moodle.activity_completions(2, 6)
    assert (err.value.reason, err.value.permanent) == (reason, permanent)
    if reason is Reason.MAINTENANCE:
        assert err.value.retry_after == 300


@responses.activate
def test_html_in_place_of_json_is_no_moodle() -> None:
    responses.post(URL, status=200, body="<html>a captive portal</html>")
    with MoodleClient(WWWROOT, TOKEN) as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert err.value.reason is Reason.NOT_MOODLE


@responses.activate
def test_an_answer_of_another_shape_is_an_error_that_names_the_place() -> None:
    responses.post(URL, json={"statuses": [{"cmid": 3}]})
    with MoodleClient(WWWROOT, TOKEN) as moodle, pytest.raises(MoodleError, match=r"statuses\.0\.state") as err:
        moodle.activity_completions(2, 6)
    assert err.value.reason is Reason.NOT_MOODLE


@responses.activate
def test_the_token_leaks_nowhere() -> None:
    responses.post(URL, body=requests.ConnectionError(f"refused while sending wstoken={TOKEN}"))
    moodle = MoodleClient(WWWROOT, TOKEN)
    with moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert TOKEN not in f"{err.value!r} {err.value} {err.value.__cause__!r} {moodle!r}"
    assert err.value.reason is Reason.UNREACHABLE
    assert not err.value.permanent


@responses.activate
def test_a_call_that_php_would_cut_off_is_refused_before_it_is_sent() -> None:
    with MoodleClient(WWWROOT, TOKEN) as moodle, pytest.raises(MoodleError) as err:
        moodle.call("core_user_get_users_by_field", field="id", values=list(range(MAX_FIELDS)))
    assert err.value.reason is Reason.INVALID_PARAMETER
    assert len(responses.calls) == 0


def test_fields_are_written_as_php_reads_them() -> None:
    params = {
        "courses": [{"customfields": [{"shortname": "x"}]}],
        "options": {"ids": [2]},
        "flag": True,
        "other": False,
    }
    assert encode(params) == [
        ("courses[0][customfields][0][shortname]", "x"),
        ("options[ids][0]", "2"),
        ("flag", "1"),
        ("other", "0"),
    ]
    with pytest.raises(TypeError, match="NoneType"):
        encode({"lang": None})
