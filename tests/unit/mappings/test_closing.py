"""Closed periods: what comes late changes nothing in them until staff let it in."""

from dataclasses import replace
from typing import Any

import pytest

from mappings.facts import Adjustment, Closing, Ended, Fact, Nothing, SelfReport
from tests.unit.mappings.worlds import at, closing, done, lines_of, minutes, net, program, span, talk, there

YEAR = span("2025-07-01", "2026-07-01")
IN, OUT = at("2026-02-01"), at("2026-09-01")
PLAIN = program()
CAPPED = program(caps=[{"cap": "c", "minutes": 100}])
HELD = [done("c1", when=IN), talk("c2", when=IN), there("a1", 50, IN)]


def shut(facts: list[Fact] | None = None, by: Any = PLAIN, *admitted: str, **decided: Any) -> Closing:
    """The year, closed when these facts were known."""
    held = closing(by, HELD if facts is None else facts, YEAR, **decided)
    return replace(held, admitted=frozenset(admitted))


def test_what_stood_goes_on_standing() -> None:
    lines = lines_of(PLAIN, HELD, closings=(shut(),))
    assert net(lines) == {"c1": 90, "c2": 60, "a1": 50}
    assert not any("late" in line.params for line in lines)
    assert lines == lines_of(PLAIN, HELD)


@pytest.mark.parametrize(
    ("facts", "key", "nothing", "stands", "would_be"),
    [
        ([*HELD, done("c9", when=IN)], "c9", Nothing.LATE, 0, 90),
        ([replace(HELD[0], ended=Ended.UNDONE), *HELD[1:]], "c1", None, 90, 0),
        ([*HELD[:2], replace(HELD[2], minutes=70)], "a1", None, 50, 70),
        ([*HELD[:2], there("a1", 50, IN, mode="virtual")], "a1", None, 50, 50),
        (HELD[1:], "c1", None, 90, 0),
        # A date that crosses the border.
        ([replace(HELD[0], happened_at=OUT), *HELD[1:]], "c1", None, 90, 90),
    ],
    ids=["found", "lost", "more", "component", "gone", "moved"],
)
def test_what_comes_late(facts: list[Fact], key: str, nothing: Nothing | None, stands: int, would_be: int) -> None:
    lines = lines_of(PLAIN, facts, closings=(shut(),))
    assert net(lines) == {"c1": 90, "c2": 60, "a1": 50}
    line = next(
        line for line in lines if key in (line.fact.key if line.fact else "", line.credit.key if line.credit else "")
    )
    assert (line.nothing, line.credit.minutes if line.credit else 0) == (nothing, stands)
    assert line.params["late"] == would_be
    assert all(YEAR.holds(line.credit.happened_at) for line in lines if line.credit)
    assert net(lines_of(PLAIN, facts, closings=(shut(None, PLAIN, key),))) == net(lines_of(PLAIN, facts))
    assert net(lines_of(PLAIN, facts, closings=(shut(None, PLAIN, "other"),))) == {"c1": 90, "c2": 60, "a1": 50}


def test_a_late_fact_that_earns_nothing_is_nothing_to_decide() -> None:
    lines = lines_of(PLAIN, [*HELD, done("c9", "FREE", IN)], closings=(shut(),))
    assert [line.nothing for line in lines if line.nothing] == [Nothing.ZERO_MINUTES]


def test_what_lies_outside_counts_at_once() -> None:
    later = [done("c8", when=at("2026-07-01")), done("c9", when=at("2025-06-30T23:59:59"))]
    assert net(lines_of(PLAIN, [*HELD, *later], closings=(shut(),))).keys() == {"c1", "c2", "a1", "c8", "c9"}


def test_self_reports_come_late_as_facts_do() -> None:
    report = SelfReport("r", IN, 30, "online", approved=True)
    (line,) = lines_of(PLAIN, [], closings=(shut([]),), reports=(report,))
    assert (line.nothing, line.params["late"]) == (Nothing.LATE, 30)
    held = shut([], PLAIN, reports=(report,))
    assert net(lines_of(PLAIN, [], closings=(held,))) == {"decision:r": 30}
    (line,) = lines_of(PLAIN, [], closings=(held,), reports=(replace(report, approved=False),))
    assert line.credit
    assert (line.credit.minutes, line.params["late"]) == (30, 0)
    admitted = replace(held, admitted=frozenset({"decision:r"}))
    assert net(lines_of(PLAIN, [], closings=(admitted,))) == {}


def test_an_adjustment_is_never_late() -> None:
    given = Adjustment("d", IN, 30, "online")
    assert net(lines_of(PLAIN, [], closings=(shut([]),), adjustments=(given,))) == {"decision:d": 30}
    held = shut([], PLAIN, adjustments=(given,))
    assert net(lines_of(PLAIN, [], closings=(held,), adjustments=(given,))) == {"decision:d": 30}


def test_an_adjustment_that_is_approved_after_its_period_was_closed_is_late() -> None:
    by = program(adjustments={"approval_above_minutes": 20})
    given = Adjustment("d", IN, 30, "online")
    held = shut([], by, adjustments=(given,))
    assert held.credits == {}
    (line,) = lines_of(by, [], closings=(held,), adjustments=(given,))
    assert line.nothing is Nothing.SECOND_APPROVAL
    approved = replace(given, approved=True)
    (line,) = lines_of(by, [], closings=(held,), adjustments=(approved,))
    assert (line.nothing, line.params["late"], line.credit) == (Nothing.LATE, 30, None)
    admitted = replace(held, admitted=frozenset({"decision:d"}))
    assert net(lines_of(by, [], closings=(admitted,), adjustments=(approved,))) == {"decision:d": 30}
    # Approved in time it is in the snapshot, and stays there whatever becomes of the approval.
    kept = shut([], by, adjustments=(approved,))
    assert net(lines_of(by, [], closings=(kept,), adjustments=(given,))) == {"decision:d": 30}


def test_a_closing_being_made_splits_lines() -> None:
    facts = [*HELD, talk("c3", when=OUT)]
    being = Closing("closed", YEAR, None)
    assert net(lines_of(CAPPED, facts))["cap:c::online"] == -160
    split = net(lines_of(CAPPED, facts, closings=(being,)))
    assert (split["cap:c::online:closed"], split["cap:c::online"]) == (-100, -60)
    assert sum(split.values()) == minutes(CAPPED, *facts)


def test_the_snapshots_derived_lines_stay() -> None:
    held = shut(by=CAPPED)
    assert held.credits is not None
    assert [key for key, one in held.credits.items() if one.fact is None] == ["cap:c::online:closed"]
    tighter = program(caps=[{"cap": "c", "minutes": 10}])
    assert minutes(tighter, *HELD, closings=(held,)) == 100
    assert minutes(tighter, *HELD, closings=(replace(held, admitted=frozenset({"x"})),)) == 10


def test_a_cap_reached_in_a_closed_period_leaves_nothing() -> None:
    for when in (OUT, at("2025-01-01")):
        found = net(lines_of(CAPPED, [*HELD, talk("c3", when=when)], closings=(shut(by=CAPPED),)))
        assert sum(found.values()) == 100
        assert found["cap:c::online"] == -60


@pytest.mark.parametrize(("late", "total"), [(70, 90), (90, 90), (120, 120)])
def test_a_better_alternative_after_closing_adds_what_it_has_more(late: int, total: int) -> None:
    first = done("c1", when=IN, alternative="s")
    better = there("a9", late, OUT, alternative="s")
    found = net(lines_of(PLAIN, [first, better], closings=(shut([first]),)))
    assert (found["c1"], sum(found.values())) == (90, total)
    assert found.get("best-of:s:room", 0) == -min(late, 90)


def test_two_closed_periods() -> None:
    before = span("2024-07-01", "2025-07-01")
    early = talk("c0", when=at("2025-02-01"), alternative="s")
    later = done("c1", when=IN, alternative="s")
    first = replace(closing(PLAIN, [early], before), id="first")
    second = closing(PLAIN, [early, later], YEAR, closings=(first,))
    facts = [early, later, there("a9", 240, OUT, alternative="s")]
    for closings in ((first, second), (second, first), (second, first, second)):
        assert net(lines_of(PLAIN, facts, closings=closings)) == {
            "c0": 60, "c1": 90, "best-of:s:online:closed": -60, "a9": 240, "best-of:s:room": -90
        }  # fmt: skip


def test_days_are_rounded_apart_on_both_sides_of_the_border() -> None:
    by = program(rounding={"to_minutes": 60, "direction": "down", "per": "day"})
    first, after = there("a1", 50, at("2026-06-30T23:00")), there("a2", 70, at("2026-07-01T01:00"))
    held = shut([first], by)
    assert minutes(by, first, closings=(held,)) == 0
    assert minutes(by, first, after, closings=(held,)) == 60


def test_who_stops_being_a_participant_keeps_what_was_closed() -> None:
    lines = lines_of(PLAIN, [*HELD, talk("c9", when=OUT)], participant=False, closings=(shut(),))
    assert net(lines) == {"c1": 90, "c2": 60, "a1": 50}
