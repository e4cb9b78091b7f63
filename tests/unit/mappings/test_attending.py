"""Which of several reports of an attendance stands: whatever their order, and never more than one of them says."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.attending import WAYS, Said, Way, judge

PLANNED = 120


def earned(said: Said) -> tuple[int, str]:
    """As a program does that rounds down to quarters, and counts what is virtual elsewhere."""
    minutes = min(said.minutes or 0, PLANNED) // 15 * 15
    return (minutes, "online" if said.mode == "virtual" else "face_to_face") if minutes else (0, "")


def reports(least: int = 0, *, decided: bool = True) -> st.SearchStrategy[list[Said]]:
    """What ways say, each at most once."""
    ways = [way for way in WAYS if decided or way is not Way.DECIDED]
    one = st.builds(
        Said,
        st.sampled_from(ways),
        st.integers(0, 2 * PLANNED),
        st.none(),
        st.sampled_from([None, "virtual"]),
    )
    return st.lists(one, min_size=least, max_size=5, unique_by=lambda said: said.way)


@given(reports(), st.randoms(use_true_random=False))
def test_the_order_of_the_reports_does_not_matter(said: list[Said], random: object) -> None:
    turned = list(said)
    shuffle: Callable[[list[Said]], None] = random.shuffle  # type: ignore[attr-defined]
    shuffle(turned)
    assert judge(turned, earned) == judge(said, earned)


@given(reports(1, decided=False))
def test_the_least_stands_until_somebody_decides(said: list[Said]) -> None:
    verdict = judge(said, earned)
    assert verdict is not None
    worths = {earned(one) for one in said}
    assert earned(verdict.stands) == min(worths)
    assert verdict.disputed == (len(worths) > 1)
    assert verdict.stands in said


@given(reports(1), st.integers(0, PLANNED))
def test_what_was_decided_stands_beside_anything_reported(said: list[Said], minutes: int) -> None:
    decided = Said(Way.DECIDED, minutes)
    others = [one for one in said if one.way is not Way.DECIDED]
    verdict = judge([*others, decided], earned)
    assert verdict is not None
    assert (verdict.stands, verdict.disputed) == (decided, False)


@pytest.mark.parametrize(
    ("said", "way", "disputed"),
    [
        # What earns the same agrees, whatever it says: the facilitator's list stands for all.
        ([Said(Way.ZOOM, 62), Said(Way.ROSTER, 70)], Way.ROSTER, False),
        ([Said(Way.ZOOM, 300), Said(Way.ROSTER, 120)], Way.ROSTER, False),
        ([Said(Way.ZOOM, 59), Said(Way.ROSTER, 60)], Way.ZOOM, True),
        # The same minutes in another component aren't the same.
        ([Said(Way.ROSTER, 60), Said(Way.MEET, 60, None, "virtual")], Way.ROSTER, True),
        ([Said(Way.CHECK_IN, 5), Said(Way.PAPER, 0)], Way.PAPER, False),
    ],
)
def test_which_way_stands(said: list[Said], way: Way, disputed: bool) -> None:
    for order in (said, said[::-1]):
        verdict = judge(order, earned)
        assert verdict is not None
        assert (verdict.stands.way, verdict.disputed) == (way, disputed)
    assert judge([], earned) is None
