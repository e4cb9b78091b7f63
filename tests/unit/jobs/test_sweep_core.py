"""What a sweep makes of Moodle's answers, among them the odd ones that real sites gave."""

from collections.abc import Iterator
from typing import Any

import pytest

from jobs.doctor.needs import COURSE_MODULE, ENROLLED_USERS, USERS_BY_FIELD
from jobs.sweep import copies, core
from jobs.sweep.way import Suspicious
from moodle_client import MoodleClient, MoodleError, Reason
from records.queries.sweep import HeldModule
from tests.support.fake_moodle import COURSE, WWWROOT, FakeMoodle, Refused

MANGLED = {"id": 12, "username": "p012@example.org.1795295003", "email": "0cc175b9c0f1b6a831c399e269772661"}
"""A deleted account as Moodle 4.5 and 5.0 go on to tell of it."""


@pytest.fixture
def fake() -> FakeMoodle:
    return FakeMoodle()


@pytest.fixture
def moodle(fake: FakeMoodle) -> Iterator[MoodleClient]:
    with fake.serving(), MoodleClient(WWWROOT, "a-token", tries=1) as client:
        yield client


def held(*modules: int, idnumber: str = "KEPT") -> dict[int, HeldModule]:
    return {module: HeldModule(module, idnumber, "page", "A page", "One") for module in modules}


def idnumbers(readings: list[dict[str, Any]]) -> dict[int, str]:
    return {reading["module"]: reading["idnumber"] for reading in readings if reading["present"]}


def test_an_activity_that_never_had_an_idnumber_hides_no_other(fake: FakeMoodle, moodle: MoodleClient) -> None:
    told = {31: None, 32: "ACT-2", 33: "ACT-3"}
    fake.answers[COURSE_MODULE] = lambda params: {
        "cm": fake.modules[0] | {"course": COURSE, "id": int(params["cmid"]), "idnumber": told[int(params["cmid"])]}
    }
    assert idnumbers(core.modules(moodle, COURSE, held(31, 32, 33))) == {31: "", 32: "ACT-2", 33: "ACT-3"}


def test_idnumbers_that_are_not_told_stay_as_they_were(fake: FakeMoodle, moodle: MoodleClient) -> None:
    fake.answers[COURSE_MODULE] = lambda params: {"cm": fake.modules[0] | {"course": COURSE, "id": int(params["cmid"])}}
    assert idnumbers(core.modules(moodle, COURSE, held(31, 32))) == {31: "KEPT", 32: "KEPT", 33: ""}
    fake.refuse(COURSE_MODULE)
    assert idnumbers(core.modules(moodle, COURSE, held(31, 32))) == {31: "KEPT", 32: "KEPT", 33: ""}


def test_only_an_activity_that_moodle_has_no_more_is_gone(fake: FakeMoodle, moodle: MoodleClient) -> None:
    hidden = 34

    def of_one(params: dict[str, str]) -> Any:
        if int(params["cmid"]) not in {31, 32, 33, hidden}:
            raise Refused("invalidrecordunknown")
        return {"cm": fake.modules[0] | {"course": COURSE, "id": int(params["cmid"]), "idnumber": ""}}

    fake.answers[COURSE_MODULE] = of_one
    found = core.modules(moodle, COURSE, held(31, hidden, 35))
    assert [reading["module"] for reading in found if not reading["present"]] == [35]
    assert hidden not in {reading["module"] for reading in found}


def test_a_deleted_account_is_gone_though_moodle_goes_on_to_tell_of_it(fake: FakeMoodle, moodle: MoodleClient) -> None:
    fake.answers[USERS_BY_FIELD] = [fake.users[0], MANGLED]
    found = {reading["user"]: reading["present"] for reading in core.accounts(moodle, [5, 12])}
    assert found == {5: True, 12: False}


@pytest.mark.parametrize(
    "odd", [MANGLED | {"email": "p012@example.org"}, MANGLED | {"username": "p012"}], ids=["address", "username"]
)
def test_half_of_the_marks_make_no_deleted_account(fake: FakeMoodle, moodle: MoodleClient, odd: dict[str, Any]) -> None:
    fake.answers[USERS_BY_FIELD] = [odd]
    assert [reading["present"] for reading in core.accounts(moodle, [12])] == [True]


def test_who_is_not_told_of_is_deleted_only_where_others_are_told_of(fake: FakeMoodle, moodle: MoodleClient) -> None:
    fake.answers[USERS_BY_FIELD] = [fake.users[0]]
    assert [r["user"] for r in core.accounts(moodle, [5, 11, 12], [11]) if not r["present"]] == [11]
    fake.answers[USERS_BY_FIELD] = []
    assert core.accounts(moodle, [11], [11]) == []


def test_a_course_without_details_is_no_course_without_an_idnumber(fake: FakeMoodle, moodle: MoodleClient) -> None:
    """Without rights in a course Moodle leaves the ID number out: taken for empty, it would move a community."""
    assert core.all_courses(moodle).data == ()
    with pytest.raises(MoodleError) as caught:
        core.one_course(moodle, COURSE)
    assert caught.value.reason is Reason.NO_PERMISSION
    fake.course["idnumber"] = ""
    assert [course.idnumber for course in core.all_courses(moodle).data] == [""]


def test_many_who_are_gone_at_once_are_held_back(fake: FakeMoodle, moodle: MoodleClient) -> None:
    fake.answers[USERS_BY_FIELD] = fake.users
    before = set(range(5, 25))
    with pytest.raises(Suspicious) as caught:
        core.people(moodle, COURSE, before, allow_absences=False)
    assert caught.value.params == {"gone": 17, "before": 20}
    found = core.people(moodle, COURSE, before, allow_absences=True)
    gone = [r for r in found.readings if r["kind"] == "enrolment" and not r["enrolments"]]
    assert len(gone) == 17


def test_somebody_who_is_on_no_list_takes_no_part(fake: FakeMoodle, moodle: MoodleClient) -> None:
    fake.answers[USERS_BY_FIELD] = fake.users
    fake.answers[ENROLLED_USERS] = []
    fake.answers["core_enrol_get_users_courses"] = []
    found = core.participation(moodle, COURSE, 5)
    assert [r["enrolments"] for r in found if r["kind"] == "enrolment"] == [[]]


def test_a_reading_stands_for_the_time_before_the_second_in_which_it_began(moodle: MoodleClient) -> None:
    reply = moodle.activity_completions(COURSE, 5)
    read_at = core.completions(moodle, COURSE, 5)["read_at"]
    assert int(read_at) < reply.as_of.timestamp() + 1
    assert round(read_at % 1, 6) == 0.999999


ORIGINALS = {
    2: ("Writing, Bay Area", {("page", "Read"), ("quiz", "Check"), ("assign", "Plan"), ("forum", "Talk")}),
    3: ("Writing, Los Angeles", {("page", "Read"), ("quiz", "Check"), ("assign", "Plan"), ("forum", "Talk")}),
    4: ("Small", {("page", "Only one")}),
}


@pytest.mark.parametrize(
    ("name", "activities", "original"),
    [
        ("Writing, Los Angeles copy 1", ORIGINALS[2][1], 3),
        ("Writing, Bay Area copy 1", ORIGINALS[2][1] | {("page", "More")}, 2),
        ("Something else", {("page", "Read"), ("page", "Other")}, None),
        ("Small copy 1", {("page", "Only one")}, None),
    ],
)
def test_a_copy_is_known_by_its_activities_and_then_by_its_name(
    name: str, activities: set[tuple[str, str]], original: int | None
) -> None:
    assert copies.original_of(name, activities, ORIGINALS) == original
