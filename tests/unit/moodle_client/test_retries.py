"""Reads are repeated after transient failures, writes only where that is harmless, and never too soon."""

from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses

from moodle_client import Function, MoodleClient, MoodleError, Reason, Repeat
from tests.unit.moodle_client.site import URL, Clock, answer, client, fail

SITE = {"sitename": "x", "siteurl": "https://moodle.example.org", "userid": 3}
FAILURES: list[Callable[[], Any]] = [
    lambda: responses.post(URL, body=requests.ConnectionError("reset")),
    lambda: responses.post(URL, body=requests.ReadTimeout("late")),
    lambda: answer("", status=500),
    lambda: answer("<html>", status=502),
    lambda: answer("slow down", status=429),
    lambda: fail("sitemaintenance"),
    lambda: fail("dmlreadexception"),
]
WRITES: dict[Function, Callable[[MoodleClient], Any]] = {
    Function.CREATE_CATEGORIES: lambda m: m.create_categories([{"name": "a"}]),
    Function.CREATE_COURSES: lambda m: m.create_courses([{"shortname": "a"}]),
    Function.DUPLICATE_COURSE: lambda m: m.duplicate_course(2, fullname="a", shortname="a", category=1),
    Function.CREATE_USERS: lambda m: m.create_users([{"username": "a"}]),
    Function.ENROL_USERS: lambda m: m.enrol_users([{"roleid": 5, "userid": 2, "courseid": 2}]),
    Function.UNENROL_USERS: lambda m: m.unenrol_users([{"userid": 2, "courseid": 2}]),
    Function.CREATE_GROUPS: lambda m: m.create_groups([{"courseid": 2, "name": "a"}]),
    Function.ADD_GROUP_MEMBERS: lambda m: m.add_group_members([{"groupid": 1, "userid": 2}]),
    Function.DELETE_GROUP_MEMBERS: lambda m: m.delete_group_members([{"groupid": 1, "userid": 2}]),
    Function.OVERRIDE_COMPLETION: lambda m: m.override_completion(2, 3, 1),
    Function.UPDATE_GRADES: lambda m: m.update_grades(2, "mod_assign", 3, [{"studentid": 2, "grade": 1}]),
    Function.SEND_INSTANT_MESSAGES: lambda m: m.send_instant_messages([{"touserid": 2, "text": "a"}]),
    Function.PING: lambda m: m.ping(),
    Function.SET_STANDINGS: lambda m: m.set_standings([{"courseid": 2, "userid": 3, "asof": 4, "data": "{}"}]),
    Function.SET_PRESENCE: lambda m: m.set_presence([{"cmid": 2, "userid": 3, "present": True}]),
    Function.UPDATE_COURSES: lambda m: m.update_courses([{"id": 2, "visible": 0}]),
    Function.CREATE_CALENDAR_EVENTS: lambda m: m.create_calendar_events([{"name": "a", "courseid": 2}]),
    Function.CREATE_ACTIVITIES: lambda m: m.create_activities(2, [{"modname": "page", "idnumber": "a"}]),
    Function.SET_ACTIVITIES: lambda m: m.set_activities(2, [{"cmid": 3, "minutes": 15}]),
    Function.SET_SECTIONS: lambda m: m.set_sections(2, [{"number": 1, "name": "a"}]),
    Function.ADD_COHORT_ENROLMENT: lambda m: m.add_cohort_enrolment(2, 3, 5),
    Function.SET_COURSE_FIELDS: lambda m: m.set_course_fields(2, {"region": "North"}),
}


@pytest.mark.parametrize("failure", FAILURES)
@responses.activate
def test_a_read_is_repeated_later_and_later(failure: Callable[[], Any]) -> None:
    clock = Clock()
    for _ in range(3):
        failure()
    answer(SITE)
    with client(clock) as moodle:
        assert moodle.site_info().data.userid == 3
    assert clock.slept == [0.5, 1.0, 2.0]


@pytest.mark.parametrize("failure", FAILURES)
@responses.activate
def test_the_last_error_is_told(failure: Callable[[], Any]) -> None:
    failure()
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert len(responses.calls) == 4
    assert not err.value.permanent


@pytest.mark.parametrize("function", [function for function in Function if not function.reads])
@responses.activate
def test_a_write_is_sent_twice_only_where_that_is_harmless(function: Function) -> None:
    answer("", status=500)
    with client() as moodle, pytest.raises(MoodleError) as err:
        WRITES[function](moodle)
    assert len(responses.calls) == (1 if function.repeat is Repeat.HARMFUL else 4)
    assert err.value.outcome_unknown


def test_each_write_says_whether_repeating_is_harmless() -> None:
    harmful = {function.name for function in Function if function.repeat is Repeat.HARMFUL}
    assert harmful == {
        "CREATE_CALENDAR_EVENTS",
        "CREATE_CATEGORIES",
        "CREATE_COURSES",
        "CREATE_GROUPS",
        "CREATE_USERS",
        "DUPLICATE_COURSE",
        "PING",
        "SEND_INSTANT_MESSAGES",
        "UPDATE_GRADES",
    }
    for name, function in Function.__members__.items():
        told = getattr(MoodleClient, name.lower(), None)
        if not function.reads:
            assert told is not None
            words = " ".join((told.__doc__ or "").split())
            assert ("Repeating is harmless" in words) is function.repeatable
            assert ("Repeating isn't harmless" in words) is not function.repeatable


@responses.activate
def test_a_function_by_name_is_repeated_only_if_it_is_said_to_read() -> None:
    answer("", status=500)
    with client() as moodle:
        with pytest.raises(MoodleError):
            moodle.call("local_x_do")
        assert len(responses.calls) == 1
        with pytest.raises(MoodleError):
            moodle.call("local_x_get", reads=True)
        assert len(responses.calls) == 5
        with pytest.raises(MoodleError):
            moodle.call("core_course_get_contents", courseid=2)
        assert len(responses.calls) == 9, "the client knows that one"


@pytest.mark.parametrize("code", ["invalidtoken", "accessexception", "invalidparameter", "nopermissions", "whatever"])
@responses.activate
def test_a_permanent_error_is_never_repeated(code: str) -> None:
    fail(code)
    with client() as moodle, pytest.raises(MoodleError):
        moodle.site_info()
    assert len(responses.calls) == 1


@responses.activate
def test_moodle_is_never_asked_sooner_than_it_said() -> None:
    clock = Clock()
    answer("", status=503, headers={"Retry-After": "40"})
    answer(SITE)
    with client(clock) as moodle:
        moodle.site_info()
    assert clock.slept == [40.0]


@responses.activate
def test_a_wait_beyond_the_budget_is_the_callers() -> None:
    clock = Clock()
    answer("", status=503, headers={"Retry-After": "300"})
    with client(clock) as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert (err.value.reason, err.value.retry_after, clock.slept) == (Reason.MAINTENANCE, 300, [])


@responses.activate
def test_a_date_to_wait_for_is_read_on_the_servers_clock() -> None:
    answer("", status=503, headers={"Retry-After": "Sat, 21 Nov 2026 20:58:19 GMT"})
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert err.value.retry_after == 600


@pytest.mark.parametrize("text", ["", "soon", "-5", "٣"])
@responses.activate
def test_nonsense_in_retry_after_is_none(text: str) -> None:
    answer("", status=503, headers={"Retry-After": text.encode().decode("latin-1")})
    with client(tries=1) as moodle, pytest.raises(MoodleError) as err:
        moodle.site_info()
    assert err.value.retry_after is None


@responses.activate
def test_the_budget_ends_the_tries() -> None:
    clock = Clock()
    answer("", status=500)
    with client(clock, tries=100, budget=60) as moodle, pytest.raises(MoodleError):
        moodle.site_info()
    assert sum(clock.slept) <= 60
    assert max(clock.slept) == 16.0
