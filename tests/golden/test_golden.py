"""Golden pairs: recordings of a real site, each with a hand-written twin that says what has to follow."""

from typing import Any

import pytest

from tests.golden import case as golden
from tests.support.bench import Bench
from tests.support.house import House
from tests.support.kept import Beginnings

INDEX = golden.load(golden.HERE / "INDEX.yaml")
TWINS = sorted(path.name.removesuffix(golden.SUFFIX) for path in golden.HERE.glob(f"*{golden.SUFFIX}"))


def check(house: House, wanted: dict[str, Any], before: dict[str, Any]) -> None:
    seen = golden.observed(house)
    standings = seen.pop("standings")
    empty = {"enrolments", "roles"}
    expected = golden.expected(wanted, before)
    for section in expected:
        if section in empty:
            # A pair without rows is as good as no pair.
            expected[section] = {key: value for key, value in expected[section].items() if value}
        assert seen[section] == expected[section], section
    for member, parts in golden.spread(wanted.get("standings") or {}).items():
        assert parts is None or standings[member] | parts == standings[member], member
        assert parts is not None or member not in standings, member
    assert house.differences() == []


@pytest.fixture(scope="module")
def beginnings(bench: Bench) -> Beginnings:
    """The site as cases begin with it."""
    return Beginnings(bench)


@pytest.mark.parametrize("name", TWINS)
def test_what_follows_from_a_recording(name: str, beginnings: Beginnings) -> None:
    case = golden.load(golden.HERE / f"{name}{golden.SUFFIX}")
    house = golden.began(beginnings, case)
    before = golden.observed(house)
    for turn, step in enumerate(case["steps"]):
        found = golden.play(house, step, turn)
        assert found == golden.results(step["results"]), f"results of step {turn}"
        if "expect" in step:
            check(house, step["expect"], before)
    assert "expect" in case["steps"][-1]


def test_recordings_without_events_of_ours_leave_no_trace(beginnings: Beginnings) -> None:
    house = golden.began(beginnings, {"students": {2: "6-8"}})
    before = house.books()
    for name in INDEX["nothing"]:
        ignored = [("ignored", "uninteresting_event")] * len(golden.recorded(name))
        assert golden.play(house, {"play": name}, 0) == ignored != [], name
    assert house.books() == before


@pytest.mark.parametrize("name", sorted(INDEX["used"]))
def test_every_used_recording_has_its_twin(name: str) -> None:
    assert (golden.RECORDINGS / f"{name}.json").exists()
    twin = golden.HERE / f"{INDEX['used'][name] or name.replace('/', '.')}{golden.SUFFIX}"
    assert name in {step.get("play") for step in golden.load(twin)["steps"]}


def test_every_recording_at_hand_is_listed_once() -> None:
    listed = [*INDEX["used"], *INDEX["nothing"], *INDEX["excluded"]]
    assert sorted(set(listed)) == sorted(listed)
    here = {str(p.relative_to(golden.RECORDINGS).with_suffix("")) for p in golden.RECORDINGS.rglob("*.json")}
    assert {name for name in here if not name.startswith("ws/")} <= set(listed)
    assert set(INDEX["used"]) | set(INDEX["nothing"]) <= here
    assert all(reason.strip() for reason in INDEX["excluded"].values())


def test_every_twin_is_of_a_used_recording() -> None:
    assert {name or golden.twin_name(key) for key, name in INDEX["used"].items()} == set(TWINS)
