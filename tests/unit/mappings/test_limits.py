"""What is taken back again: the lesser of alternatives, what goes over a cap, what rounding drops."""

from typing import Any

import pytest

from mappings.facts import Fact, SelfReport
from mappings.limits import _short
from tests.unit.mappings.worlds import (
    BASE,
    KOLKATA,
    LA,
    WHEN,
    at,
    community,
    done,
    lines_of,
    minutes,
    net,
    program,
    span,
    standing,
    talk,
    there,
    versions,
)


def capped(*caps: dict[str, Any], **keys: Any) -> Any:
    return program(caps=[{"cap": f"c{n}"} | cap for n, cap in enumerate(caps)], **keys)


@pytest.mark.parametrize(("present", "taken", "best"), [(300, "c1", "a1"), (180, "a1", "c1"), (240, "c1", "a1")])
def test_the_best_of_alternatives_counts_once(present: int, taken: str, best: str) -> None:
    facts = [there(minutes=present, alternative="s1"), done(idnumber="MEET", alternative="s1"), talk("c9")]
    lines = lines_of(program(), facts)
    lesser = min(present, 240)
    assert net(lines) == {"a1": present, "c1": 240, "c9": 60, "best-of:s1:room": -lesser}
    (line,) = [line for line in lines if line.credit and line.credit.rule == "best-of"]
    assert line.params == {"best": best, "of": [taken], "minutes": -lesser}
    assert line.credit
    assert (line.credit.fact, line.credit.about, line.credit.happened_at) == (None, f"id-{taken}", WHEN)


def test_an_alternative_that_earns_nothing_takes_nothing_away() -> None:
    lines = lines_of(program(), [there(minutes=0, alternative="s1"), done(idnumber="OTHER", alternative="s1")])
    assert net(lines) == {}


def test_the_lesser_ones_are_taken_from_their_components() -> None:
    facts = [talk("c1", alternative="s"), done("c2", alternative="s"), there("a1", 100, alternative="s")]
    assert net(lines_of(program(), facts)) == {"c1": 60, "c2": 90, "a1": 100, "best-of:s:online": -150}


RULES = [
    {"rule": "make-up", "idnumber": "UP-(?P<session>.*)", "minutes": 200, "component": "online"},
    {"rule": "x", "idnumber": "X", "minutes": 10, "component": "online", "alternative": "pair"},
    {"rule": "y", "idnumber": "Y", "minutes": 30, "component": "online", "alternative": "pair"},
]


@pytest.mark.parametrize(
    ("facts", "total"),
    [
        # An activity tied to the session by the records.
        ((there(minutes=60, alternative="s"), done(idnumber="Y", alternative="s")), 60),
        # By the rule's pattern: the session of that code.
        ((there(minutes=60, code="7", alternative="s"), done(idnumber="UP-7")), 200),
        ((there(minutes=60, code="8", alternative="s"), done(idnumber="UP-7")), 260),
        ((there(minutes=60, code="", alternative="s"), done(idnumber="UP-")), 260),
        ((done("c1", "UP-7"), done("c2", "UP-7")), 200),
        ((done("c1", "UP-7"), done("c2", "UP-8")), 400),
        # By the rules' own word.
        ((done("c1", "X"), done("c2", "Y")), 30),
        ((done("c1", "X"), done("c2", "X")), 10),
        # The tie wins over the rule's word.
        ((done("c1", "X", alternative="s"), done("c2", "Y")), 40),
    ],
)
def test_what_makes_alternatives(facts: tuple[Fact, ...], total: int) -> None:
    assert minutes(program(activities=RULES), *facts) == total


def test_a_cap_is_a_line_of_its_own() -> None:
    lines = lines_of(capped({"minutes": 100}), [talk("c1"), talk("c2"), talk("c3"), there("z", 10)])
    assert net(lines) == {"c1": 60, "c2": 60, "c3": 60, "z": 10, "cap:c0::online": -80, "cap:c0::room": -10}
    line = next(line for line in lines if line.credit and line.credit.key == "cap:c0::online")
    assert line.params == {"cap": "c0", "counted": 100, "of": ["c2", "c3"], "minutes": -80}
    assert line.credit
    assert (line.credit.rule, line.credit.about) == ("cap:c0", "id-c3")


@pytest.mark.parametrize(
    ("cap", "total"),
    [
        ({"minutes": 0}, 0),
        ({"minutes": 200}, 200),
        ({"minutes": 390}, 390),
        ({"minutes": 10, "rules": ["plan"]}, 310),
        ({"minutes": 10, "rules": ["plan", "talk"]}, 250),
        ({"minutes": 10, "kind": ["forum"]}, 340),
        ({"minutes": 10, "kind": ["assign", "forum"]}, 250),
        ({"minutes": 10, "component": "room"}, 160),
        ({"minutes": 10, "component": "online", "kind": ["forum"], "rules": ["plan"]}, 390),
        ({"minutes": 10, "session_kinds": ["web"]}, 160),
        ({"minutes": 10, "session_kinds": ["web", "walk"], "component": "room"}, 160),
        ({"minutes": 10, "session_kinds": ["web"], "component": "online"}, 390),
        ({"minutes": 10, "session_kinds": ["walk"]}, 390),
        ({"minutes": 10, "session_kinds": ["web"], "kind": ["forum"]}, 390),
    ],
)
def test_what_a_cap_selects(cap: dict[str, Any], total: int) -> None:
    kinds = [{"kind": "web", "title": {}}, {"kind": "walk", "title": {}}]
    by = capped(cap, session_kinds=kinds)
    assert minutes(by, done("c1"), talk("c2"), there("a1", 240, kind="web")) == total


def test_caps_limit_what_the_ones_before_left() -> None:
    inner, outer = {"minutes": 50, "component": "online"}, {"minutes": 100}
    facts = (done("c1"), there("a1", 80))
    assert minutes(capped(inner, outer), *facts) == 100
    assert net(lines_of(capped(inner, outer), facts)) == {
        "a1": 80, "c1": 90, "cap:c0::online": -40, "cap:c1::online": -30
    }  # fmt: skip
    assert minutes(capped(outer, inner), *facts) == 80 + 20


def test_self_reports_are_capped() -> None:
    report = SelfReport("r", WHEN, 90, "online", approved=True)
    assert minutes(capped({"minutes": 60}), reports=(report,)) == 60
    assert minutes(capped({"minutes": 60, "kind": ["forum"]}), reports=(report,)) == 90


def test_a_cap_per_activity() -> None:
    facts = (talk("c1"), talk("c2"), there("a1", 30), there("a2", 100, alternative="s"), talk("c3", alternative="s"))
    assert minutes(capped({"per": "activity", "minutes": 50}), *facts) == 50 + 50 + 30 + 50
    assert minutes(capped({"per": "activity", "minutes": 50}), talk("c1", item="i"), talk("c2", item="i")) == 50


@pytest.mark.parametrize(
    ("per", "zone", "one", "other", "total"),
    [
        ("day", LA, "2026-06-01T00:00", "2026-06-01T23:59:59", 60),
        ("day", LA, "2026-06-01T23:59:59", "2026-06-02T00:00", 120),
        ("day", KOLKATA, "2026-06-01T00:00", "2026-06-01T23:59:59", 60),
        ("day", KOLKATA, "2026-06-01T23:59:59", "2026-06-02T00:00", 120),
        # Days of 23 and 25 hours.
        ("day", LA, "2026-03-08T00:00", "2026-03-08T23:59:59", 60),
        ("day", LA, "2026-03-08T23:59:59", "2026-03-09T00:00", 120),
        ("day", LA, "2026-11-01T00:00", "2026-11-01T23:59:59", 60),
        ("day", LA, "2026-11-01T23:59:59", "2026-11-02T00:00", 120),
        ("week", LA, "2026-05-31T23:59:59", "2026-06-01T00:00", 120),
        ("week", LA, "2026-06-01T00:00", "2026-06-07T23:59:59", 60),
        ("week", LA, "2026-12-28T00:00", "2027-01-03T23:59:59", 60),
        ("week", LA, "2025-06-02T00:00", "2026-06-01T00:00", 120),
        ("period", LA, "2026-06-30T23:59:59", "2026-07-01T00:00", 120),
        ("period", LA, "2025-07-01T00:00", "2026-06-30T23:59:59", 60),
        ("period", KOLKATA, "2025-07-01T00:00", "2026-06-30T23:59:59", 60),
        ("all", LA, "2020-01-01T00:00", "2026-06-30T23:59:59", 60),
    ],
)
def test_buckets_go_by_the_communitys_clock(per: str, zone: Any, one: str, other: str, total: int) -> None:
    by = capped({"per": per, "minutes": 60}, school_year={"starts": "07-01"}, period={"every": "school_year"})
    facts = (talk("c1", at(one, zone)), talk("c2", at(other, zone)))
    assert minutes(by, *facts, where=community(zone=zone)) == total


def test_a_cap_per_period_outside_a_term_or_the_communitys_dates() -> None:
    terms = [{"term": "a", "starts": "01-10", "ends": "06-10"}]
    by = capped({"per": "period", "minutes": 60}, terms=terms, period={"every": "term"})
    assert minutes(by, talk("c1", at("2026-01-05T12:00")), talk("c2", at("2026-01-15T12:00"))) == 120
    assert minutes(by, talk("c1", at("2026-02-05T12:00")), talk("c2", at("2026-01-15T12:00"))) == 60
    by = capped({"per": "period", "minutes": 60}, period={"every": "community"})
    where = community(span=span("2026-01-10", "2026-06-10", LA))
    assert minutes(by, talk("c1", at("2026-01-05T12:00")), talk("c2", at("2026-01-15T12:00")), where=where) == 120


FALL_AND_SPRING = [
    {"term": "fall", "starts": "08-15", "ends": "12-20"},
    {"term": "spring", "starts": "01-07", "ends": "06-12"},
]


@pytest.mark.parametrize(
    ("one", "other", "total"),
    [
        ("2026-08-15T00:00", "2026-12-20T23:59:59", 60),
        ("2026-12-20T23:59:59", "2027-01-07T00:00", 120),
        ("2026-08-14T23:59:59", "2026-08-15T00:00", 120),
        ("2026-09-01T00:00", "2027-09-01T00:00", 120),
        # Between two terms is a time of its own.
        ("2026-12-25T00:00", "2027-01-06T00:00", 60),
        ("2026-12-25T00:00", "2027-01-07T00:00", 120),
    ],
)
@pytest.mark.parametrize("every", ["all_time", "school_year", "term"])
def test_a_cap_per_term_goes_by_terms_whatever_the_programs_period(
    every: str, one: str, other: str, total: int
) -> None:
    keys: dict[str, Any] = {"school_year": {"starts": "08-15"}, "period": {"every": every}}
    by = capped({"per": "term", "minutes": 60}, terms=FALL_AND_SPRING, **keys)
    assert minutes(by, talk("c1", at(one, LA)), talk("c2", at(other, LA))) == total


def test_a_cap_per_term_waits_for_terms_that_are_to_be_set() -> None:
    assert minutes(capped({"per": "term", "minutes": 60}, terms="to_be_set"), talk("c1"), talk("c2")) == 120


def test_what_is_taken_back_is_missing_where_it_was_earned() -> None:
    by = capped({"minutes": 60}, school_year={"starts": "07-01"}, period={"every": "school_year"})
    facts = [done("c1", when=at("2026-05-01")), talk("c2", when=at("2026-08-01"))]
    assert net(lines_of(by, facts)) == {
        "c1": 90, "c2": 60, "cap:c0::online:2025-07-01": -30, "cap:c0::online:2026-07-01": -60
    }  # fmt: skip
    assert [standing(by, facts, now=at(day)).minutes for day in ("2026-06-01", "2026-09-01")] == [60, 0]


def rounded(to: int, direction: str, per: str, **keys: Any) -> Any:
    return program(rounding={"to_minutes": to, "direction": direction, "per": per}, **keys)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [("down", (0, 0, 15, 15)), ("nearest", (0, 15, 15, 30)), ("up", (15, 15, 15, 30))],
)
def test_rounding_each_amount(direction: str, expected: tuple[int, ...]) -> None:
    by = rounded(15, direction, "activity")
    found = tuple(minutes(by, there(minutes=amount)) for amount in (7, 8, 15, 23))
    assert found == expected
    assert minutes(rounded(4, "nearest", "activity"), there(minutes=2)) == 4
    report = SelfReport("r", WHEN, 23, "online", approved=True)
    assert minutes(by, reports=(report,)) == expected[3]


def test_a_rounded_amount_says_what_it_was() -> None:
    (line,) = lines_of(rounded(15, "down", "activity"), [there(minutes=20)])
    assert (line.params["minutes"], line.params["exact"]) == (15, 20)
    (line,) = lines_of(rounded(15, "down", "activity"), [there(minutes=10)])
    assert line.nothing == "zero_minutes"
    (line,) = lines_of(rounded(15, "down", "activity"), [there(minutes=30)])
    assert "exact" not in line.params


@pytest.mark.parametrize(
    ("direction", "day", "every"), [("down", (60, 60), 180), ("nearest", (120, 60), 180), ("up", (120, 120), 240)]
)
def test_rounding_sums(direction: str, day: tuple[int, int], every: int) -> None:
    facts = (
        talk("c1", at("2026-02-01T01:00", LA)),
        there("a1", 31, at("2026-02-01T23:00", LA), mode="virtual"),
        done("c3", when=at("2026-02-02T00:00", LA)),
    )
    assert minutes(rounded(60, direction, "day"), *facts[:2]) == day[0]
    assert minutes(rounded(60, direction, "day"), *facts) == day[0] + (60 if direction == "down" else 120)
    assert minutes(rounded(60, direction, "all"), *facts) == every
    # Components are rounded by themselves.
    assert minutes(rounded(60, "up", "day"), talk("c1"), there("a1", 1)) == 120


def test_a_rounded_sum_is_a_line_of_its_own() -> None:
    lines = lines_of(rounded(60, "down", "day"), [there("a1", 70), there("a2", 40)])
    assert net(lines) == {"a1": 70, "a2": 40, "rounding:2026-02-01:room": -50}
    (line,) = [line for line in lines if line.credit and line.credit.rule == "rounding"]
    assert line.params == {"exact": 110, "of": ["a2"], "minutes": -50}
    assert net(lines_of(rounded(60, "up", "all"), [there("a1", 70)])) == {"a1": 70, "rounding::room": 50}


def test_rounding_comes_after_alternatives_and_caps() -> None:
    by = rounded(60, "down", "all", caps=[{"cap": "c", "minutes": 100}])
    assert minutes(by, there("a1", 240), there("a2", 30)) == 60
    assert minutes(rounded(60, "down", "all"), there("a1", 70, alternative="s"), there("a2", 50, alternative="s")) == 60


def test_each_version_has_its_own_caps_and_rounding() -> None:
    first = capped({"minutes": 50})
    second = program(effective_from="2026-03-01", caps=[{"cap": "c0", "minutes": 130}])
    third = rounded(60, "down", "all", effective_from="2026-05-01")
    dates = (at("2026-02-01"), at("2026-04-01"), at("2026-06-01"))
    facts = [done(f"c{n}", when=when) for n, when in enumerate(dates)]
    assert net(lines_of(versions(first, second, third), facts)) == {
        "c0": 90, "c1": 90, "c2": 90, "cap:c0::online": -50, "rounding::online": -30
    }  # fmt: skip


def test_caps_count_in_the_order_of_the_latest_version() -> None:
    inner, outer = {"cap": "in", "minutes": 50, "component": "online"}, {"cap": "out", "minutes": 100}
    known = versions(program(caps=[outer, inner]), program(caps=[inner, outer], effective_from="2027-01-01"))
    facts = (done("a"), there("b", 80))
    assert [minutes(known, *facts), minutes(known[::-1], *facts)] == [100, 100]
    assert minutes(known[:1], *facts) == 60


def test_names_of_lines_fit_into_the_ledger() -> None:
    long = "x" * 40
    keys: dict[str, Any] = {"components": [long, "room"], "school_year": {"starts": "07-01"}}
    keys |= {"caps": [{"cap": long, "minutes": 0, "per": "activity"}], "period": {"every": "school_year"}}
    by = program(activities=[BASE["activities"][0] | {"component": long}], attendance={}, **keys)
    facts = [done("c1", item="i" * 100, alternative=long), done("c2", item="i" * 100, alternative=long)]
    found = net(lines_of(by, facts))
    assert len(found) == 4
    assert all(len(key) <= 140 for key in found)
    assert (_short("x" * 24), len(_short("x" * 25))) == ("x" * 24, 16)
    assert _short("x" * 25) != _short("x" * 26)
