"""The methods for the companion plugin's functions: pages, JSON within JSON, lists as one field."""

import json
from typing import Any

import pytest
import responses

from moodle_client import MoodleError, Reason
from tests.unit.moodle_client.php import parsed_body
from tests.unit.moodle_client.site import answer, client, fail

ONE = {"kind": "course", "read_at": 1.5, "course": 2, "present": False}


def readings(*found: dict[str, Any], **more: Any) -> None:
    answer({"readings": json.dumps(found), **more})


def asked() -> list[dict[str, Any]]:
    protocol = ("wstoken", "wsfunction", "moodlews")
    return [
        {name: value for name, value in parsed_body(call.request.body).items() if not name.startswith(protocol)}
        for call in responses.calls
    ]


@responses.activate
def test_pages_go_on_after_the_last_one() -> None:
    readings(ONE, last=2, more=True)
    readings(ONE | {"course": 7}, last=7, more=False)
    with client() as moodle:
        pages = [page.data.readings for page in moodle.get_courses(limit=1)]
    assert pages == [[ONE], [ONE | {"course": 7}]]
    assert asked() == [{"after": "0", "limit": "1"}, {"after": "2", "limit": "1"}]


@responses.activate
def test_rows_go_on_after_the_last_activity_and_user() -> None:
    answer({"readat": 1.25, "rows": "[[3, 9, 1, 100, null], [4, 2, 0, 101, 5]]", "more": True})
    answer({"readat": 2.25, "rows": "[]", "more": False})
    with client() as moodle:
        pages = [page.data for page in moodle.get_completions(2, modules=[4, 3], users=range(1, 2000), limit=2)]
    assert [tuple(row) for row in pages[0].rows] == [(3, 9, 1, 100, None), (4, 2, 0, 101, 5)]
    assert (pages[0].readat, pages[1].rows) == (1.25, ())
    assert [(form["modules"], form["aftermodule"], form["afteruser"]) for form in asked()] == [
        (["3", "4"], "0", "0"),
        (["3", "4"], "4", "2"),
    ]
    assert asked()[0]["users"].startswith("1,2,3,"), "one field, however many there are"


@pytest.mark.parametrize("last", [0, 5])
@responses.activate
def test_a_page_that_goes_nowhere_ends_it(last: int) -> None:
    readings(ONE, last=last, more=True)
    with client() as moodle, pytest.raises(MoodleError) as err:
        list(moodle.get_roster(2))
    assert err.value.reason is Reason.NOT_MOODLE


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"kind": 1}', "[" * 100_000])
@responses.activate
def test_what_is_no_list_of_readings_is_no_answer(text: str) -> None:
    answer({"readings": text})
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.get_course_map(2)
    assert err.value.reason is Reason.NOT_MOODLE
    assert err.value.__cause__ is None


@responses.activate
def test_a_course_that_is_not_handed_over_is_told_by_its_code() -> None:
    fail("notchosen")
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.get_digest(2)
    assert (err.value.reason, err.value.errorcode) == (Reason.NO_PERMISSION, "notchosen")
    assert asked() == [{"courseid": "2"}]


@responses.activate
def test_standings_go_in_parts_and_courses_by_themselves() -> None:
    refused = {"courseid": 2, "userid": 3, "reason": "notchosen"}
    answer({"kept": 224, "refused": [refused]})
    answer({"kept": 76, "refused": []})
    answer({"kept": 1, "refused": []})
    rows = [{"courseid": 2, "userid": user, "asof": 5, "data": "{}"} for user in range(300)]
    with client() as moodle:
        kept = moodle.set_standings(rows, [{"courseid": 2, "asof": 5, "data": "{}"}]).data
    assert (kept.kept, [row.userid for row in kept.refused]) == (301, [3])
    assert ["courses" in next(iter(form)) for form in asked()][-1:] == [True]
    assert len(asked()) == 3


@responses.activate
def test_presence_tells_what_became_of_each() -> None:
    answer([{"cmid": 4, "userid": 3, "outcome": "written"}])
    with client() as moodle:
        found = moodle.set_presence([{"cmid": 4, "userid": 3, "present": True}]).data
    assert [(row.cmid, row.userid, row.outcome) for row in found] == [(4, 3, "written")]


@responses.activate
def test_the_plugin_tells_how_it_is_and_answers_a_ping() -> None:
    answer({"release": "0.1.0", "version": 2026112200, "time": 1.5, "pending": 3, "confirmed": True})
    answer({"sent": True, "outcome": "delivered", "httpstatus": 200})
    with client() as moodle:
        status, ping = moodle.get_status().data, moodle.ping().data
    assert (status.release, status.version, status.pending, status.confirmed) == ("0.1.0", "2026112200", 3, True)
    assert (ping.sent, ping.httpstatus) == (True, 200)
