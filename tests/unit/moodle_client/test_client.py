"""The client's methods: what they send, what they make of answers, and what they refuse to do."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
import responses

import moodle_client
from moodle_client import FIELD_NEEDS, NEEDS, Function, MoodleClient, MoodleError, PartialFailure, Reason, Reply
from moodle_client.errors import safe_code
from moodle_client.models import ActivityCompletion, Course, Section, User
from tests.unit.moodle_client.site import TOKEN, URL, WWWROOT, answer, client, fail, forms

RECORDED = Path(__file__).parents[2] / "fixtures" / "moodle" / "ws"
DOCS = Path(__file__).parents[3] / "docs" / "moodle-client.md"


def status(**changes: Any) -> ActivityCompletion:
    row = {"cmid": "3", "modname": "page", "state": 0, "timecompleted": 0, "tracking": 2, "overrideby": None}
    return ActivityCompletion.model_validate(row | changes)


@pytest.mark.parametrize(("state", "complete"), [(0, False), (1, True), (2, True), (3, True), (4, False)])
def test_the_time_of_an_incomplete_row_is_no_completion(state: int, complete: bool) -> None:
    row = status(state=state, timecompleted=1795293850)
    assert row.changed_at == datetime(2026, 11, 21, 20, 44, 10, tzinfo=UTC)
    assert (row.completed_at is not None) is complete
    assert not hasattr(row, "timecompleted")
    assert row.exists
    assert not status().exists
    assert status(state=1).completed_at is None, "complete, but Moodle doesn't say since when"


@responses.activate
def test_as_of_is_never_later_than_the_reading() -> None:
    answer([], headers={"Date": "Sat, 21 Nov 2026 20:48:19 GMT"})
    with client() as moodle:
        reply = moodle.categories()
    assert datetime(2026, 11, 21, 20, 48, 0, tzinfo=UTC) < reply.as_of < datetime(2026, 11, 21, 20, 48, 19, tzinfo=UTC)


@responses.activate
def test_without_a_date_this_machines_clock_is_taken() -> None:
    before = datetime.now(UTC)
    responses.post(URL, json=[], headers={"Date": "nonsense"})
    with client() as moodle:
        assert abs((moodle.categories().as_of - before).total_seconds()) < 60


@responses.activate
def test_groupings_are_joined_with_their_groups() -> None:
    listed = [{"id": n, "courseid": 2, "name": "A &amp; B", "idnumber": None} for n in (1, 2, 3)]
    answer(listed)
    answer([listed[0] | {"groups": [{"id": "7"}, {"id": 8}]}, listed[1]])
    answer([listed[2] | {"groups": []}])
    with client(max_fields=6) as moodle:
        found = moodle.groupings(2).data
    assert [(g.id, g.name, g.idnumber, g.groups) for g in found] == [
        (1, "A & B", "", (7, 8)),
        (2, "A & B", "", ()),
        (3, "A & B", "", ()),
    ]
    assert forms()[1]["returngroups"] == "1"
    assert [forms()[1]["groupingids[1]"], forms()[2]["groupingids[0]"]] == ["2", "3"]


@responses.activate
def test_a_course_without_groupings_is_asked_once() -> None:
    answer([])
    with client() as moodle:
        assert moodle.groupings(2).data == ()
    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    "criteria", [{}, {"bogus": "x"}, {"email": "%"}, {"username": "a", "phone1": "x"}, {"email": ""}, {"lastname": " "}]
)
def test_criteria_that_would_find_everyone_are_never_sent(criteria: dict[str, str]) -> None:
    with client() as moodle, pytest.raises(ValueError, match=r"criteria|wildcard"):
        moodle.find_users(criteria)


@responses.activate
def test_an_underscore_finds_only_itself() -> None:
    emails = ["Ann_Lee@x.org", "annalee@x.org", None]
    answer({"users": [{"id": n, "fullname": "x", "email": email} for n, email in enumerate(emails)], "warnings": []})
    with client() as moodle:
        assert [user.id for user in moodle.find_users({"email": "ann_lee@x.org"}).data] == [0]
        assert len(moodle.find_users({"username": "ann_lee"}).data) == 3, "that one Moodle compares by equality"


def test_mistakes_of_the_callers_code_are_told_before_anything_is_sent() -> None:
    with client() as moodle:
        with pytest.raises(ValueError, match="all courses"):
            moodle.courses(value="COP")
        with pytest.raises(TypeError, match="letters"):
            moodle.users_by_field("id", "123")
        with pytest.raises(ValueError, match="state 0 or 1"):
            moodle.override_completion(2, 3, 3)
        with pytest.raises(TypeError, match="NoneType"):
            moodle.create_courses([{"fullname": "a", "lang": "en", "idnumber": None}])
    for settings in ({"tries": 0}, {"max_fields": 3}):
        with pytest.raises(ValueError, match="at least one try"):
            MoodleClient(WWWROOT, TOKEN, **settings)  # type: ignore[arg-type]


@responses.activate
def test_an_empty_language_is_left_out() -> None:
    answer([{"id": 2, "shortname": "a"}])
    with client() as moodle:
        moodle.create_courses([{"shortname": "a", "lang": ""}, {"shortname": "b", "lang": "es"}])
    assert "courses[0][lang]" not in forms()[0]
    assert forms()[0]["courses[1][lang]"] == "es"


@pytest.mark.parametrize(("flag", "told"), [(1, "failed"), (4, "item locked"), (9, "unknown flag"), ({}, "unexpected")])
@responses.activate
def test_grades_that_moodle_refuses_are_an_error(flag: Any, told: str) -> None:
    answer(flag)
    with client() as moodle, pytest.raises(MoodleError, match=told):
        moodle.update_grades(2, "mod_assign", 16, [{"studentid": 11, "grade": 77}])


@responses.activate
def test_warnings_of_a_read_are_in_the_reply() -> None:
    warning = {"item": "course", "itemid": 9, "warningcode": "1", "message": "No access rights in course context"}
    answer({"courses": [], "warnings": [warning]})
    with client() as moodle:
        reply = moodle.courses("ids", "9")
    assert [(w.item, w.itemid, w.warningcode) for w in reply.warnings] == [("course", "9", "1")]
    assert "access rights" not in repr(reply.warnings)


@pytest.mark.parametrize("warnings", ["Maria", [["Maria"]], [{"itemid": {"a": "Maria"}}]])
@responses.activate
def test_warnings_of_an_unknown_shape_fail_a_write_all_the_same(warnings: Any) -> None:
    answer({"warnings": warnings})
    with client() as moodle, pytest.raises(PartialFailure) as err:
        moodle.call("local_x_do")
    assert "Maria" not in str(err.value)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("<html>a captive portal</html>", "no JSON"),
        ("", "empty answer"),
        ("  ", "empty answer"),
        ('<?xml version="1.0"?>', "XML"),
        ("<br />Warning: Maria García in x.php\n{}", "no JSON"),
        (b"\xff\xfe\xfd", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ('{"statuses": [{"cmid": "Maria"}]}', r"statuses\.0\.cmid, statuses\.0\.modname"),
        ('{"statuses": "Maria"}', "statuses"),
        ("null", "unexpected answer"),
        ("[]", "unexpected answer"),
    ],
)
@responses.activate
def test_what_is_no_answer_of_moodle_is_an_error_that_quotes_nothing(body: str | bytes, told: str) -> None:
    answer(body)
    with client() as moodle, pytest.raises(MoodleError, match=told) as err:
        moodle.activity_completions(2, 6)
    assert err.value.reason is Reason.NOT_MOODLE
    assert "Maria" not in f"{err.value} {err.value!r}"
    assert (err.value.__cause__, err.value.__context__) == (None, None)


@responses.activate
def test_a_firewalls_403_is_not_moodles() -> None:
    answer("<html>Blocked</html>", status=403)
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert (err.value.reason, err.value.errorcode) == (Reason.NOT_MOODLE, "HTTP 403")


@responses.activate
def test_a_certificate_that_cannot_be_verified_is_no_outage() -> None:
    responses.post(URL, body=requests.exceptions.SSLError("[SSL: CERTIFICATE_VERIFY_FAILED] expired"))
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert (err.value.reason, err.value.permanent, len(responses.calls)) == (Reason.UNTRUSTED, True, 1)


@responses.activate
def test_an_error_holds_names_of_parameters_and_no_values() -> None:
    fail("invalidparameter")
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.call("core_user_create_users", users=[{"username": "maria"}], other="García")
    assert err.value.parameters == ("users", "other")
    assert "maria" not in f"{err.value!r} {vars(err.value)}".lower()
    assert TOKEN not in f"{vars(err.value)}"


@pytest.mark.parametrize(("code", "told"), [("a_b:c/d", "a_b:c/d"), ("No user Maria", "free text"), (None, "")])
def test_an_errorcode_that_is_a_sentence_is_not_told(code: str | None, told: str) -> None:
    assert safe_code(code) == told


def test_fields_are_read_as_moodle_sends_them() -> None:
    fields = [
        {"shortname": "topic", "type": "text", "valueraw": "R&D", "value": '<a href="x">R&amp;D</a>'},
        {"shortname": "region", "type": "select", "valueraw": 2, "value": "A &amp; B"},
        {"shortname": "empty", "type": "select", "valueraw": 0, "value": None},
        {"shortname": "active", "type": "checkbox", "valueraw": 0, "value": "Nein"},
        {"shortname": "start", "type": "date", "valueraw": 0, "value": None},
        {"shortname": "none", "type": "text", "valueraw": None, "value": None},
    ]
    course = Course.model_validate(
        {
            "id": "2",
            "shortname": "A &amp; B",
            "fullname": "x",
            "categoryid": "1",
            "idnumber": None,
            "customfields": fields,
        }
    )
    assert (course.id, course.shortname, course.idnumber) == (2, "A & B", "")
    assert course.customfields == {
        "topic": "R&D",
        "region": "A & B",
        "empty": "",
        "active": "0",
        "start": "",
        "none": "",
    }
    assert {"visible", "startdate"} <= course.missing_fields
    profile = User.model_validate({"id": 1, "customfields": [{"shortname": "agency", "type": "menu", "value": "A"}]})
    assert profile.customfields == {"agency": "A"}
    assert User.model_validate({"id": 1, "customfields": None}).customfields == {}


def test_a_delegated_section_keeps_its_owner() -> None:
    module = {"id": 9, "name": "Week 2", "modname": "subsection", "instance": 4, "customdata": '{"sectionid":"17"}'}
    found = Section.model_validate(
        {"id": 17, "name": "Week 2", "section": 5, "component": "mod_subsection", "itemid": "4", "modules": [module]}
    )
    assert (found.number, found.component, found.itemid) == (5, "mod_subsection", 4)
    assert found.modules[0].customdata == '{"sectionid":"17"}'
    assert found.modules[0].deletioninprogress is False


def test_the_token_shows_nowhere() -> None:
    with client() as moodle:
        assert TOKEN not in f"{moodle!r} {moodle} {moodle.pace!r} {moodle._transport!r}"
        assert repr(moodle) == f"MoodleClient('{URL}')"


def test_every_function_has_its_needs_and_its_line_in_the_documentation() -> None:
    assert set(NEEDS) == set(Function)
    text = DOCS.read_text(encoding="utf-8")
    assert [function for function in Function if f"`{function}`" not in text] == []
    assert [reason for reason in Reason if f"`{reason.name}`" not in text] == []
    assert set(FIELD_NEEDS.values()) <= set(NEEDS[Function.ENROLLED_USERS])


def test_all_public_names_are_exported() -> None:
    assert all(hasattr(moodle_client, name) for name in moodle_client.__all__)
    assert Reply(1, datetime.now(UTC)).with_data("x").data == "x"
    assert (Path(moodle_client.__file__).parent / "py.typed").exists()


def test_no_recording_holds_a_token() -> None:
    for path in RECORDED.rglob("*.json"):
        text = path.read_text(encoding="utf-8")
        words = json.dumps(json.loads(text)).replace('"', " ").replace("=", " ").split()
        keys = [w for w in words if len(w) == 32 and set(w) <= set("0123456789abcdef") and set(w) != {"0"}]
        assert keys == [], path.name
