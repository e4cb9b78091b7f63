"""The fold of what Moodle said about one completion row: order, repetition and batching don't matter."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import reduce

from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.completion import EVENT, READING, Completion, Observation, achieved, clash
from mappings.facts import Ended, State
from records.completions import from_row, to_row
from records.models import MirrorCompletion, uuid7

THOUSANDS = settings(max_examples=600, deadline=None, derandomize=True)
START = datetime(2026, 11, 21, tzinfo=UTC)
KEY = (uuid7(), 3, 6)


@st.composite
def observations(draw: st.DrawFn) -> Observation:
    """A report as an intake can let it through: few instants, so that they often fall together."""
    rank = draw(st.sampled_from([EVENT, READING]))
    at = START + timedelta(seconds=draw(st.integers(0, 3)))
    if rank == READING and draw(st.booleans()):
        at += timedelta(microseconds=500_000)
    present = rank == EVENT or draw(st.booleans())
    since = START + timedelta(seconds=draw(st.integers(-2, 3))) if rank == READING and present else None
    overrideby = draw(st.sampled_from([None, 2, 44])) if present else None
    state = draw(st.sampled_from(State)) if present else State.INCOMPLETE
    return Observation(at, rank, present, state, since, overrideby, trusted=rank == READING or draw(st.booleans()))


def fold(seen: Sequence[Observation]) -> Completion:
    return reduce(Completion.merge, map(Completion.of, seen))


MANY = st.lists(observations(), min_size=1, max_size=8)


@THOUSANDS
@given(data=st.data(), seen=MANY)
def test_order_and_repetition_change_nothing(data: st.DataObject, seen: list[Observation]) -> None:
    again = data.draw(st.lists(st.sampled_from(seen), max_size=4))
    assert fold(data.draw(st.permutations(seen + again))) == fold(seen)


@THOUSANDS
@given(a=MANY, b=MANY, c=MANY)
def test_batches_may_be_cut_anywhere(a: list[Observation], b: list[Observation], c: list[Observation]) -> None:
    left, middle, right = fold(a), fold(b), fold(c)
    assert left.merge(middle).merge(right) == left.merge(middle.merge(right)) == fold(a + b + c)
    assert left.merge(middle) == middle.merge(left)
    assert left.merge(left) == left


@THOUSANDS
@given(seen=MANY)
def test_the_mirror_keeps_the_whole_fold(seen: list[Observation]) -> None:
    folded = fold(seen)
    assert from_row(MirrorCompletion(**to_row(KEY, 2, folded))) == folded


@THOUSANDS
@given(seen=MANY, present=st.booleans(), enrolled=st.booleans())
def test_what_is_achieved_is_what_was_seen(seen: list[Observation], present: bool, enrolled: bool) -> None:
    """Said once more in other words: the latest report, the first completion, and a trusted word for it."""
    found = achieved(fold(seen), module_present=present, enrolled=enrolled)
    done = [o for o in seen if o.present and o.state in (State.COMPLETE, State.PASSED)]
    failed = [o for o in seen if o.present and o.state is State.FAILED]
    if not done and not failed:
        assert found is None
        return
    assert found is not None
    assert found.happened_at == min(min(o.at, o.since or o.at) for o in done or failed)
    rows = [o for o in seen if o.present]
    newest = max((o.at, o.rank == READING) for o in rows)
    states = {o.state for o in rows if (o.at, o.rank == READING) == newest}
    best = next(s for s in (State.PASSED, State.COMPLETE, State.FAILED, State.INCOMPLETE) if s in states)
    assert (found.ended is Ended.UNDONE) == (best is State.INCOMPLETE)
    assert found.state == best or best is State.INCOMPLETE
    gone = max((o.at, o.rank == READING, o.present) for o in seen)[2] is False
    if best is not State.INCOMPLETE:
        expected = Ended.DELETED if not present else Ended.RESET if gone else None if enrolled else Ended.LEFT
        assert found.ended is expected
    if any(o.trusted for o in done):
        assert not found.provisional
    elif found.state is not State.FAILED:
        assert found.provisional


@THOUSANDS
@given(one=observations(), other=observations())
def test_only_events_of_one_second_clash(one: Observation, other: Observation) -> None:
    found = clash(Completion.of(one), Completion.of(other))
    events = one.rank == other.rank == EVENT
    assert (found is not None) == (events and one.at == other.at and one.state != other.state)
    assert found in (None, one.at)
