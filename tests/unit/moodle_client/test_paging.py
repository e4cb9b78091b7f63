"""Participants in pages: nobody twice, nobody skipped, whatever happens to the list meanwhile."""

import json
from collections.abc import Callable
from typing import Any

import pytest
import requests
import responses
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from moodle_client import Lack, MoodleError, lacks, visible_fields
from moodle_client.models import EnrolledUser
from tests.unit.moodle_client.php import parsed_body
from tests.unit.moodle_client.site import DATE, URL, client, forms


def serve(ids: list[int], hidden: set[int] | None = None, change: Callable[[int], None] = lambda _: None) -> None:
    """A course with users by id; hidden ones are cut out of pages, as Moodle does. `change` sees each call's number."""
    count = 0

    def respond(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        nonlocal count
        options = {o["name"]: o["value"] for o in parsed_body(request.body)["options"]}
        start = int(options["limitfrom"])
        rows = ids[start : start + int(options["limitnumber"])]
        change(count)
        count += 1
        return 200, DATE, json.dumps([{"id": i, "fullname": "x"} for i in rows if i not in (hidden or set())])

    responses.add_callback(responses.POST, URL, respond)


def read(page: int = 10) -> list[int]:
    with client() as moodle:
        return [user.id for reply in moodle.enrolled_users(2, page=page) for user in reply.data]


@pytest.mark.parametrize("count", [0, 1, 9, 10, 11, 19, 20, 100])
@responses.activate
def test_all_are_read_once(count: int) -> None:
    serve(list(range(5, 5 + count)))
    assert read() == list(range(5, 5 + count))


@settings(deadline=None)
@given(st.sets(st.integers(0, 40)), st.integers(2, 12))
def test_a_page_shortened_by_hidden_users_is_not_the_end(hidden: set[int], page: int) -> None:
    ids = list(range(41))
    expected = [number for number in ids if number not in hidden]
    # An empty page ends the reading: so many in a row aren't hidden here.
    runs = "".join("x" if number in hidden else " " for number in ids)
    assume("x" * page not in runs)
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(responses, "add_callback", mock.add_callback)
            serve(ids, hidden)
        assert read(page) == expected


@responses.activate
def test_nobody_is_skipped_when_somebody_before_them_leaves() -> None:
    ids = list(range(30))

    def leave(call: int) -> None:
        if call == 0:
            ids.remove(3)

    serve(ids, change=leave)
    assert read() == list(range(30)), "3 was there when it was read"


@responses.activate
def test_nobody_is_told_twice_when_somebody_joins() -> None:
    ids = list(range(1, 31))

    def join(call: int) -> None:
        if call == 0:
            ids.insert(0, 0)

    serve(ids, change=join)
    assert sorted(read()) == list(range(1, 31))


@responses.activate
def test_a_list_that_changes_all_the_time_is_an_error() -> None:
    ids = list(range(300))
    serve(ids, change=lambda _: ids.__delitem__(0))
    with pytest.raises(MoodleError, match="changed at each reading"):
        read()


@responses.activate
def test_a_server_that_ignores_the_paging_is_not_asked_for_ever() -> None:
    rows: list[dict[str, Any]] = [{"id": number, "fullname": "x"} for number in range(7)]
    responses.post(URL, json=rows)
    assert read(5) == list(range(7))
    assert len(responses.calls) == 3


@responses.activate
def test_options_are_sent_as_moodle_names_them() -> None:
    responses.post(URL, json=[])
    with client() as moodle:
        list(moodle.enrolled_users(2, page=50, only_active=True, fields=("id", "email")))
        list(moodle.enrolled_users(2, only_suspended=True))
    first = parsed_body(responses.calls[0].request.body)
    assert {o["name"]: o["value"] for o in first["options"]} == {
        "sortby": "id",
        "onlyactive": "1",
        "userfields": "id,email",
        "limitfrom": "0",
        "limitnumber": "50",
    }
    assert "onlysuspended" in forms()[1].values()
    with client() as moodle, pytest.raises(ValueError, match="two rows"):
        list(moodle.enrolled_users(2, page=1))


WHOLE = {"username": "a", "email": "a@x.org", "firstname": "A", "lastname": "B", "fullname": "A B"}


@pytest.mark.parametrize(
    ("others", "expected", "found"),
    [
        ([WHOLE], 2, set()),
        ([WHOLE], 3, {("moodle/user:viewdetails", "rows")}),
        ([], 0, {("moodle/user:viewdetails", "rows")}),
        (
            [WHOLE, {"firstname": "A", "email": "x"}],
            0,
            {("moodle/user:viewalldetails", "username")},
        ),
        (
            [{"username": "a"}],
            0,
            {("moodle/site:viewfullnames", "firstname"), ("moodle/course:useremail", "email")},
        ),
    ],
)
@responses.activate
def test_a_thin_answer_shows_which_capability_is_missing(
    others: list[dict[str, str]], expected: int, found: set[tuple[str, str]]
) -> None:
    responses.post(URL, json={"sitename": "x", "siteurl": "x", "userid": 4})
    people = [{"id": 4, **WHOLE}, *({"id": 10 + n, "fullname": "", **other} for n, other in enumerate(others))]
    responses.post(URL, json=people)
    responses.post(URL, json=[])
    with client() as moodle:
        reply = moodle.shrinks(2, expected_at_least=expected)
    assert set(reply.data) == {Lack(*each) for each in found}


def test_fields_that_were_sent_are_told() -> None:
    users = [EnrolledUser.model_validate({"id": 1, "email": None}), EnrolledUser.model_validate({"id": 2})]
    assert visible_fields(users) == {"id", "email"}
    assert "email" not in users[0].missing_fields
    assert {"email", "username", "roles"} <= users[1].missing_fields
    assert lacks([], caller=1) == ()
