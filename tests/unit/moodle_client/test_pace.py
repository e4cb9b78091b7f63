"""One site's pace: calls at once, calls a minute, and fewer while it struggles."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import pytest
import responses

from moodle_client import MoodleError, Pace
from tests.unit.moodle_client.site import Clock, answer, client


def calls(pace: Pace, times: Iterable[float], function: str = "f") -> None:
    for elapsed in times:
        with pace.turn(function) as turn:
            turn.elapsed = elapsed


def overload(pace: Pace) -> None:
    with pace.turn() as turn:
        turn.overloaded = True


def test_calls_a_minute_are_spread() -> None:
    clock = Clock()
    pace = Pace(per_minute=30, clock=clock, sleep=clock.sleep)
    calls(pace, [0.1] * 4)
    assert clock.slept == [2.0, 2.0, 2.0]
    clock.now += 60
    calls(pace, [0.1])
    assert clock.slept == [2.0, 2.0, 2.0], "a pause isn't saved up, nor waited for"
    assert pace.calls == 5


def test_overload_halves_the_number_at_once_down_to_one() -> None:
    pace = Pace(at_once=9)
    seen = []
    for _ in range(5):
        overload(pace)
        seen.append(pace.allowed)
    assert seen == [4, 2, 1, 1, 1]


def test_good_calls_raise_it_again_by_one() -> None:
    pace = Pace(at_once=4)
    overload(pace)
    overload(pace)
    assert pace.allowed == 1
    calls(pace, [0.1] * 4)
    assert pace.allowed == 2
    calls(pace, [0.1] * 8)
    assert pace.allowed == 3
    calls(pace, [0.1] * 100)
    assert pace.allowed == 4


def test_a_site_that_slows_down_is_spared() -> None:
    pace = Pace(at_once=4)
    calls(pace, [0.2] * 20)
    calls(pace, [2.0])
    assert pace.allowed == 4, "one slow answer is no sign"
    calls(pace, [2.0, 2.0])
    assert (pace.allowed, pace.cuts) == (2, 1)


def test_a_slow_function_is_no_slow_site() -> None:
    pace = Pace(at_once=4)
    for _ in range(30):
        calls(pace, [0.07], "quick")
        calls(pace, [5.0], "slow")
    assert pace.allowed == 4
    calls(pace, [0.01, *[0.4] * 20], "tiny")
    assert pace.allowed == 4, "fractions of a second don't matter"


def test_what_had_begun_before_a_cut_makes_no_second_one() -> None:
    pace = Pace(at_once=8)
    with pace.turn() as one, pace.turn() as other:
        one.overloaded = other.overloaded = True
    assert (pace.allowed, pace.cuts) == (4, 1)


def test_an_error_of_the_callers_frees_the_turn() -> None:
    pace = Pace(at_once=1)
    with pytest.raises(ZeroDivisionError), pace.turn():
        raise ZeroDivisionError
    calls(pace, [0.1])
    assert (pace.running, pace.allowed) == (0, 1)


@pytest.mark.parametrize("settings", [{"at_once": 0}, {"per_minute": 0}])
def test_a_pace_of_nothing_is_refused(settings: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="at least one"):
        Pace(**settings)  # type: ignore[arg-type]


def test_threads_never_exceed_it() -> None:
    pace = Pace(at_once=3)
    full = threading.Barrier(3, timeout=20)
    most: list[int] = []

    def call(_: int) -> None:
        with pace.turn() as turn:
            # Three at once are reached, or the barrier breaks.
            full.wait()
            most.append(pace.running)
            full.wait()
            turn.elapsed = 0.1

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(call, range(30)))
    assert set(most) == {3}
    assert (pace.calls, pace.running) == (30, 0)


def test_a_cut_holds_for_threads_that_wait() -> None:
    pace = Pace(at_once=2)
    overload(pace)
    running: list[int] = []

    def call(_: int) -> None:
        with pace.turn() as turn:
            running.append(pace.running)
            turn.overloaded = True

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(call, range(30)))
    assert set(running) == {1}


@responses.activate
def test_a_client_tells_its_pace_what_it_saw() -> None:
    answer("", status=500)
    pace = Pace(at_once=4)
    with client(pace=pace) as moodle, pytest.raises(MoodleError):
        moodle.site_info()
    assert (pace.calls, pace.allowed, pace.cuts) == (4, 1, 4)
    assert repr(pace) == "Pace(allowed=1, running=0, calls=4)"


@responses.activate
def test_an_error_that_moodle_answers_is_no_overload() -> None:
    answer({"exception": "x", "errorcode": "invalidtoken"})
    pace = Pace(at_once=4)
    with client(pace=pace) as moodle, pytest.raises(MoodleError):
        moodle.site_info()
    assert (pace.calls, pace.allowed) == (1, 4)
