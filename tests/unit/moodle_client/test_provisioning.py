"""What sets up courses: parts of what the plugin takes, and answers that say less than was asked."""

from typing import Any

import pytest
import responses

from moodle_client import CourseSetup, Function, MoodleError, PartialFailure, Reason
from tests.unit.moodle_client.php import parsed_body
from tests.unit.moodle_client.site import answer, client

ROW = {"id": 1, "name": "Session", "courseid": 2, "timestart": 1_800_000_000}
WARNING = {"item": "Session", "warningcode": "nopermissions", "message": "no"}


def forms() -> list[dict[str, Any]]:
    return [parsed_body(call.request.body) for call in responses.calls]


@responses.activate
def test_rows_go_in_parts_of_what_the_plugin_takes() -> None:
    for count in (100, 50):
        answer([{"number": number, "outcome": "changed"} for number in range(count)])
    with client() as moodle:
        found = moodle.set_sections(2, [{"number": number, "name": ""} for number in range(150)]).data
    assert len(found) == 150
    assert [len(form["sections"]) for form in forms()] == [100, 50]
    assert {form["courseid"] for form in forms()} == {"2"}


@responses.activate
def test_a_later_part_that_fails_says_what_was_done() -> None:
    answer([{"shortname": f"f{number}", "outcome": "changed"} for number in range(100)])
    answer({"exception": "x", "errorcode": "provision_nofield", "message": "no"})
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.set_course_fields(2, {f"f{number}": "1" for number in range(101)})
    assert (err.value.errorcode, err.value.rows_done) == ("provision_nofield", 100)


@responses.activate
def test_a_row_without_an_answer_is_an_error() -> None:
    answer([])
    answer({"events": [], "warnings": []})
    answer({"events": [ROW], "warnings": [WARNING]})
    with client() as moodle:
        with pytest.raises(MoodleError) as err:
            moodle.set_activities(2, [{"cmid": 3}])
        assert err.value.reason is Reason.NOT_MOODLE
        with pytest.raises(MoodleError) as err:
            moodle.create_calendar_events([ROW])
        assert err.value.reason is Reason.NOT_MOODLE
        with pytest.raises(PartialFailure) as failed:
            moodle.create_calendar_events([ROW, ROW])
    assert failed.value.data["events"] == [ROW]


@responses.activate
def test_a_course_that_is_left_out_of_the_calendar_is_no_empty_calendar() -> None:
    answer({"events": [], "warnings": [WARNING]})
    with client() as moodle, pytest.raises(PartialFailure):
        moodle.calendar_events(2)
    assert forms()[0]["options"]["ignorehidden"] == "0"


@responses.activate
def test_no_course_need_be_asked_about() -> None:
    answer({"completion": True, "handedover": []})
    with client() as moodle:
        assert moodle.get_site_setup().data.handedover == ()
    assert "courses" not in forms()[0]


@responses.activate
def test_a_setup_that_is_no_json_is_not_of_moodle() -> None:
    answer({"setup": "{"})
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.get_course_setup(2)
    assert (err.value.reason, err.value.function) == (Reason.NOT_MOODLE, Function.GET_COURSE_SETUP)


def test_fields_that_php_sends_as_an_empty_list_are_none() -> None:
    course = {"id": 2, "fullname": "A", "shortname": "A", "category": 1, "visible": True, "enablecompletion": True}
    found = CourseSetup.model_validate({"course": course | {"fields": []}})
    assert found.course.fields == {}
