"""Bars: geometry and the words that say the same."""

import pytest

from service.pages.bars import bar, describe, patterns, scale_for

BAND = (960, 1200)
DRAWN = patterns(["online", "face_to_face"])


def test_the_scale_ends_beyond_the_band_and_holds_who_did_more() -> None:
    assert scale_for([], 1200) == 1500
    assert scale_for([300, 2400], 1200) == 2400
    assert scale_for([], None) == 60


def test_parts_stand_in_the_programs_order_end_to_end() -> None:
    drawn = bar({"face_to_face": 450, "online": 240}, DRAWN, 1500, BAND)
    assert [(p.component, p.pattern, p.x, p.width) for p in drawn.parts] == [
        ("online", "solid", "0.00%", "16.00%"),
        ("face_to_face", "hatch", "16.00%", "30.00%"),
    ]
    assert (drawn.band, drawn.band_end) == (("64.00%", "16.00%"), "80.00%")


def test_components_that_the_program_no_longer_lists_come_last() -> None:
    drawn = bar({"retired": 60, "online": 60}, DRAWN, 120, None)
    assert [p.component for p in drawn.parts] == ["online", "retired"]
    assert drawn.band is None


def test_minutes_taken_away_are_told_and_not_drawn() -> None:
    drawn = bar({"online": -30}, DRAWN, 60, None)
    assert drawn.parts == ()
    assert drawn.text == "−30 min: online −30 min"


def test_neighbouring_components_never_share_a_pattern() -> None:
    assert len(set(patterns("abcde").values())) == 5


@pytest.mark.parametrize(
    ("minutes", "band", "text"),
    [
        (
            {"online": 240, "face_to_face": 450},
            BAND,
            "11 h 30 min of 16–20 h: online 4 h, face-to-face 7 h 30 min",
        ),
        ({}, BAND, "0 h of 16–20 h"),
        ({"online": 60}, None, "1 h: online 1 h"),
    ],
)
def test_the_words_say_what_is_drawn(minutes: dict[str, int], band: tuple[int, int] | None, text: str) -> None:
    assert describe(minutes, band) == text
