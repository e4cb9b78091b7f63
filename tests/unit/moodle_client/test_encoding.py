"""Parameters reach PHP as they were meant, or aren't sent at all."""

import itertools
from typing import Any
from urllib.parse import urlencode

import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st

from moodle_client import MoodleError, Reason
from moodle_client.encoding import BadText, encode, parts
from tests.unit.moodle_client.php import parsed_body
from tests.unit.moodle_client.site import answer, client, forms

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
SCALARS = st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS


def nested(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(inner, min_size=1, max_size=4) | st.dictionaries(NAMES, inner, min_size=1, max_size=4)


def as_text(value: Any) -> Any:
    """What Moodle gets: all leaves are text, booleans are 1 and 0."""
    if isinstance(value, dict):
        return {key: as_text(part) for key, part in value.items()}
    if isinstance(value, list):
        return [as_text(part) for part in value]
    return str(int(value)) if isinstance(value, bool) else str(value)


@given(st.dictionaries(NAMES, st.recursive(SCALARS, nested, max_leaves=12), max_size=4))
def test_php_reads_what_was_sent(params: dict[str, Any]) -> None:
    assert parsed_body(urlencode(encode(params))) == as_text(params)


def test_fields_are_written_as_php_reads_them() -> None:
    params = {
        "courses": [{"customfields": [{"shortname": "x"}]}],
        "options": {"ids": (2,)},
        "flag": True,
        "other": False,
    }
    assert encode(params) == [
        ("courses[0][customfields][0][shortname]", "x"),
        ("options[ids][0]", "2"),
        ("flag", "1"),
        ("other", "0"),
    ]


@pytest.mark.parametrize("value", [None, b"x", {"a": None}, [None], float("nan"), float("inf"), {1, 2}, object()])
def test_what_has_no_form_in_php_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        encode({"lang": value})


@pytest.mark.parametrize("name", ["a.b", "a b", "a[b]", "", "ä"])
def test_names_that_php_would_change_are_refused(name: str) -> None:
    with pytest.raises(TypeError, match="name"):
        encode({name: 1})
    with pytest.raises(TypeError, match="name"):
        encode({"x": {name: 1}})


@pytest.mark.parametrize("value", ["\ud800", "a\0b", "x\udcff"])
def test_text_that_moodle_would_change_is_refused_by_its_name(value: str) -> None:
    with pytest.raises(BadText, match=r"^users\[0\]\[city\]$"):
        encode({"users": [{"city": value}]})
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.call("core_user_create_users", users=[{"city": value}])
    assert (err.value.reason, err.value.parameters) == (Reason.INVALID_PARAMETER, ("users[0][city]",))
    with client() as moodle, pytest.raises(MoodleError) as err:
        moodle.create_users([{"city": value}])
    assert err.value.parameters == ("users[0][city]",)


@given(st.lists(st.dictionaries(NAMES, SCALARS, min_size=1, max_size=6), max_size=30), st.integers(6, 20))
def test_parts_are_the_whole_and_none_is_too_long(rows: list[dict[str, Any]], room: int) -> None:
    found = list(parts("rows", rows, room))
    assert [row for part in found for row in part] == rows
    assert all(len(encode({"rows": part})) <= room for part in found)
    # No two neighbours would have fitted into one part.
    for one, other in itertools.pairwise(found):
        assert len(encode({"rows": [*one, other[0]]})) > room


@responses.activate
def test_a_long_list_goes_in_parts_and_comes_back_whole() -> None:
    for start, count in ((0, 896), (896, 4)):
        answer([{"id": number + 1, "fullname": "x"} for number in range(start, start + count)])
    with client() as moodle:
        reply = moodle.users_by_field("id", [*range(1, 901), 1, 2])
    assert [user.id for user in reply.data] == list(range(1, 901))
    sizes = [len(form) + 1 for form in forms()]
    assert sizes == [900, 8], "the fields of each call, the token among them"
    assert forms()[1]["values[0]"] == "897"


@responses.activate
def test_an_empty_list_asks_nothing() -> None:
    with client() as moodle:
        assert moodle.users_by_field("id", []).data == ()
        assert moodle.enrol_users([]).data is None
        assert moodle.create_groups([]).data == ()
    assert len(responses.calls) == 0


@responses.activate
def test_a_call_that_php_would_cut_off_is_refused_before_it_is_sent() -> None:
    with client() as moodle:
        with pytest.raises(MoodleError) as err:
            moodle.call("core_user_get_users_by_field", field="id", values=list(range(897)))
        assert (err.value.reason, err.value.parameters) == (Reason.INVALID_PARAMETER, ("field", "values"))
        fields = [{"shortname": f"f{number}", "value": 1} for number in range(500)]
        small = {"fullname": "a", "shortname": "a", "categoryid": 1}
        # The second row is too long by itself: the first isn't created either.
        with pytest.raises(MoodleError, match="fields, more than 900"):
            moodle.create_courses([small, small | {"customfields": fields}])
    assert len(responses.calls) == 0


@responses.activate
def test_a_later_part_that_fails_tells_what_was_done() -> None:
    answer([{"id": 1, "username": "a"}, {"id": 2, "username": "b"}])
    answer({"exception": "invalid_parameter_exception", "errorcode": "invalidparameter", "message": "c is taken"})
    with client(max_fields=7) as moodle, pytest.raises(MoodleError) as err:
        moodle.create_users([{"username": name, "email": f"{name}@x.org"} for name in "abcd"])
    assert err.value.rows_done == 2
    assert err.value.done == ([{"id": 1, "username": "a"}, {"id": 2, "username": "b"}],)
    assert err.value.parameters == ("users",)
