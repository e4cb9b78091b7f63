"""Intervals: what several sightings amount to, whatever their order, repetition, overlap, day and zone."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from mappings.intervals import Interval, minutes_of, since, union

PACIFIC = ZoneInfo("America/Los_Angeles")
MIDNIGHTS = st.sampled_from(
    # Shortly before an ordinary midnight, before an hour is left out, and before one comes a second time.
    [
        datetime(2026, 5, 1, 6, 57, 30, tzinfo=UTC),
        datetime(2026, 3, 8, 9, 57, 30, tzinfo=UTC),
        datetime(2026, 11, 1, 8, 57, 30, tzinfo=UTC),
    ]
)
SECOND = timedelta(seconds=1)
EVER = datetime.min.replace(tzinfo=UTC)


@st.composite
def nights(draw: st.DrawFn) -> list[Interval]:
    """Some sightings of one night: in several zones, open, empty, backwards, within one another, side by side."""
    begin = draw(MIDNIGHTS)
    zones = st.sampled_from([UTC, PACIFIC])

    def moment(second: int) -> datetime:
        return (begin + second * SECOND).astimezone(draw(zones))

    seconds = st.integers(0, 300)
    pairs = draw(st.lists(st.tuples(seconds, st.none() | seconds), max_size=8))
    return [Interval(moment(a), None if b is None else moment(b)) for a, b in pairs]


def _seconds_there(intervals: list[Interval], begins: datetime = EVER) -> int:
    """Counted one by one."""
    seen: set[datetime] = set()
    for interval in intervals:
        if interval.until:
            moment = interval.since.astimezone(UTC)
            while moment < interval.until:
                seen.add(moment)
                moment += SECOND
    return sum(moment >= begins for moment in seen)


@given(nights())
def test_minutes_are_those_counted_second_by_second(intervals: list[Interval]) -> None:
    assert minutes_of(intervals) == (_seconds_there(intervals) + 30) // 60


@given(nights(), MIDNIGHTS, st.integers(-10, 310))
def test_what_comes_before_the_beginning_is_left_out(intervals: list[Interval], night: datetime, second: int) -> None:
    begins = (night + second * SECOND).astimezone(PACIFIC)
    assert minutes_of(since(begins, intervals)) == (_seconds_there(intervals, begins) + 30) // 60


@given(nights(), st.randoms(use_true_random=False), st.integers(1, 3))
def test_order_and_repetition_change_nothing(intervals: list[Interval], random: object, times: int) -> None:
    shuffled = intervals * times
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert union(shuffled) == union(intervals)
    assert union(union(intervals)) == union(intervals)


@given(nights())
def test_a_union_is_in_order_and_its_parts_lie_apart(intervals: list[Interval]) -> None:
    joined = union(intervals)

    assert all(i.until and i.since < i.until for i in joined)
    assert all(a.until and a.until < b.since for a, b in pairwise(joined))


@given(nights(), nights())
def test_together_it_is_no_less_than_the_longer_and_no_more_than_the_sum(a: list[Interval], b: list[Interval]) -> None:
    # Half a minute up, of each: three roundings may add up to one minute.
    assert max(minutes_of(a), minutes_of(b), 0) <= minutes_of(a + b) <= minutes_of(a) + minutes_of(b) + 1


@given(nights())
def test_what_the_records_keep_comes_back(intervals: list[Interval]) -> None:
    assert union([Interval.from_json(i.as_json()) for i in intervals]) == union(intervals)


def test_an_hour_that_comes_twice_is_two_and_one_that_is_left_out_is_none() -> None:
    def night(month: int, day: int, *, leaving: int) -> Interval:
        since = datetime(2026, month, day, 1, 0, tzinfo=PACIFIC)
        return Interval(since, datetime(2026, month, day, leaving, 0, tzinfo=PACIFIC))

    assert minutes_of([night(11, 1, leaving=2)]) == 120
    assert minutes_of([night(3, 8, leaving=3)]) == 60
    assert minutes_of([night(5, 1, leaving=2)]) == 60
    # Clocks that show an earlier time afterwards: two datetimes of one zone are compared by what clocks show.
    turned = Interval(
        datetime(2026, 11, 1, 1, 50, tzinfo=PACIFIC), datetime(2026, 11, 1, 1, 10, tzinfo=PACIFIC, fold=1)
    )
    assert minutes_of([turned]) == 20
    # The same clock times in the two halves of the hour that comes twice don't overlap.
    halves = [
        Interval(
            datetime(2026, 11, 1, 1, 10, tzinfo=PACIFIC, fold=fold),
            datetime(2026, 11, 1, 1, 40, tzinfo=PACIFIC, fold=fold),
        )
        for fold in (0, 1)
    ]
    assert minutes_of(halves) == 60
