"""How far a membership is against its band: to the minute at both borders."""

from datetime import UTC, datetime

import pytest

from mappings.facts import Credit, Line, Nothing
from mappings.program import Band
from mappings.standing import MET, Status, evaluate

BAND = Band(min_hours=16, max_hours=20)


def credit(minutes: int, component: str = "online") -> Credit:
    return Credit(f"k{minutes}{component}", minutes, component, "rule", "1", datetime(2026, 1, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("minutes", "status"),
    [
        (0, Status.BELOW),
        (959, Status.BELOW),
        (960, Status.IN_BAND),
        (1200, Status.IN_BAND),
        (1201, Status.ABOVE),
        (-30, Status.BELOW),
    ],
)
def test_the_borders_of_the_band(minutes: int, status: Status) -> None:
    standing = evaluate([credit(minutes)], [], BAND)
    assert (standing.minutes, standing.status) == (minutes, status)
    assert (standing.status in MET) == (minutes >= 960)
    assert (standing.band_min, standing.band_max) == (960, 1200)


def test_no_band_is_no_commitment() -> None:
    standing = evaluate([credit(5_000)], [], None)
    assert (standing.status, standing.band_min, standing.band_max) == (Status.NO_COMMITMENT, None, None)


def test_minutes_are_summed_by_component_and_never_capped() -> None:
    given = [credit(900), credit(600, "face_to_face"), credit(45), credit(-45)]
    standing = evaluate(given, [], BAND)
    assert standing.minutes == 1500
    assert standing.by_component == {"face_to_face": 600, "online": 900}
    assert standing == evaluate(given[::-1], [], BAND)


def test_a_component_that_comes_to_nothing_is_not_named() -> None:
    assert evaluate([credit(45), credit(-45)], [], BAND).by_component == {}


def test_what_moodle_has_yet_to_say_is_on_its_way() -> None:
    nothings = (Nothing.PROVISIONAL, Nothing.UNKNOWN_ACTIVITY, Nothing.NO_RULE, Nothing.UNDONE, None)
    assert evaluate([], [Line(None, None, nothing) for nothing in nothings], BAND).on_their_way == 2
