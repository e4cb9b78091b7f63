"""Reports of one completion row, folded: which stands, when it was first complete, how it ended."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.completion import EVENT, READING, Achieved, Completion, Observation, achieved
from mappings.facts import Ended, State

START = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def event(seconds: int, state: State, **more: Any) -> Observation:
    return Observation(at(seconds), EVENT, True, state, **more)


def reading(seconds: float, state: State, since: int | None = None, **more: Any) -> Observation:
    return Observation(at(seconds), READING, True, state, at(since) if since is not None else None, **more)


def gone(seconds: float, rank: int = READING) -> Observation:
    return Observation(at(seconds), rank, False)


def fold(*seen: Observation) -> Completion:
    return reduce(Completion.merge, (Completion.of(one) for one in seen))


def fact(*seen: Observation, module_present: bool = True, enrolled: bool = True) -> Achieved | None:
    return achieved(fold(*seen), module_present=module_present, enrolled=enrolled)


def test_never_complete_is_no_fact() -> None:
    assert fact(event(0, State.INCOMPLETE)) is None
    assert fact(gone(0)) is None


def test_complete_at_its_event() -> None:
    assert fact(event(5, State.COMPLETE)) == Achieved(at(5), State.COMPLETE, None, None, provisional=False)


def test_first_view_sends_incomplete_and_complete_in_one_second() -> None:
    pair = (event(5, State.INCOMPLETE), event(5, State.COMPLETE))
    assert fact(*pair) == fact(*reversed(pair)) == Achieved(at(5), State.COMPLETE, None, None, provisional=False)


def test_a_reading_beats_an_event_of_the_same_instant() -> None:
    found = fact(event(5, State.COMPLETE), reading(5, State.INCOMPLETE))
    assert found is not None
    assert found.ended is Ended.UNDONE


def test_a_later_event_beats_an_earlier_reading() -> None:
    found = fact(reading(5, State.INCOMPLETE), event(6, State.COMPLETE))
    assert found is not None
    assert found.ended is None


def test_a_reading_tells_when_the_row_last_changed() -> None:
    found = fact(reading(100, State.COMPLETE, since=40))
    assert found is not None
    assert found.happened_at == at(40)


def test_undone_keeps_what_it_was() -> None:
    passed = fact(event(1, State.PASSED), event(9, State.INCOMPLETE))
    failed = fact(event(1, State.FAILED), event(9, State.INCOMPLETE))
    assert passed == Achieved(at(1), State.PASSED, Ended.UNDONE, None, provisional=False)
    assert failed is not None
    assert failed.state is State.FAILED


@pytest.mark.parametrize(
    ("module_present", "enrolled", "ended"),
    [(True, True, None), (True, False, Ended.LEFT), (False, True, Ended.DELETED), (False, False, Ended.DELETED)],
)
def test_how_a_complete_row_ends(module_present: bool, enrolled: bool, ended: Ended | None) -> None:
    found = fact(event(1, State.COMPLETE), module_present=module_present, enrolled=enrolled)
    assert found is not None
    assert found.ended is ended


def test_a_row_that_is_gone_was_reset_unless_it_was_undone_before() -> None:
    reset = fact(event(1, State.COMPLETE), gone(9))
    undone = fact(event(1, State.COMPLETE), event(5, State.INCOMPLETE), gone(9))
    assert reset is not None
    assert reset.ended is Ended.RESET
    assert undone is not None
    assert undone.ended is Ended.UNDONE


def test_a_fail_then_a_pass_counts_from_the_pass() -> None:
    found = fact(event(1, State.FAILED), event(60, State.PASSED))
    assert found == Achieved(at(60), State.PASSED, None, None, provisional=False)


def test_done_again_after_undoing_stands_from_the_first_time() -> None:
    found = fact(event(1, State.COMPLETE), event(5, State.INCOMPLETE), event(9, State.COMPLETE))
    assert found == Achieved(at(1), State.COMPLETE, None, None, provisional=False)


def test_an_override_is_kept() -> None:
    found = fact(event(1, State.COMPLETE, overrideby=5))
    assert found is not None
    assert found.overrideby == 5


def test_an_untrusted_sender_is_provisional_until_confirmed() -> None:
    alone = fact(event(1, State.COMPLETE, trusted=False))
    confirmed = fact(event(1, State.COMPLETE, trusted=False), reading(9, State.COMPLETE))
    unconfirmed = fact(event(1, State.COMPLETE, trusted=False), reading(9, State.INCOMPLETE))
    assert alone is not None
    assert alone.provisional
    assert confirmed is not None
    assert not confirmed.provisional
    assert unconfirmed is not None
    assert unconfirmed.provisional


def _plausible(seen: Observation) -> Observation:
    """Of a row that is gone nothing else is known."""
    return seen if seen.present else Observation(seen.at, seen.rank, present=False, trusted=seen.trusted)


def observations() -> st.SearchStrategy[list[Observation]]:
    seconds = st.integers(0, 4).map(at)
    return st.lists(
        st.builds(
            Observation,
            seconds,
            st.sampled_from([EVENT, READING]),
            st.booleans(),
            st.sampled_from(State),
            st.none() | seconds,
            st.none() | st.integers(1, 3),
            st.booleans(),
        ).map(_plausible),
        min_size=1,
        max_size=8,
    )


@given(observations(), st.randoms(use_true_random=False), st.integers(0, 8))
def test_order_repetition_and_batching_do_not_matter(seen: list[Observation], random: Any, split: int) -> None:
    expected = fold(*seen)
    again = seen + random.choices(seen, k=3)
    random.shuffle(again)
    assert fold(*again) == expected
    first, second = seen[:split], seen[split:]
    if first and second:
        assert fold(*first).merge(fold(*second)) == expected == fold(*second).merge(fold(*first))
