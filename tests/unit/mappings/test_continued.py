"""Activities that go on with others in a copy of the course, and completions that came along with one."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from mappings.facts import Activity, Ended, Nothing
from mappings.offers import offers_of, remaining
from tests.unit.mappings.worlds import (
    BASE,
    WHEN,
    at,
    done,
    lines_of,
    net,
    program,
    standing,
    talk,
    there,
    total,
    versions,
)

ALSO = [
    {"rule": "x", "idnumber": "X", "minutes": 10, "component": "online", "alternative": "pair"},
    {"rule": "y", "idnumber": "Y", "minutes": 30, "component": "online", "alternative": "pair"},
]


def pair(**more: Any) -> list[Any]:
    """One activity, done in the original and in a copy."""
    return [done("c1", item="31", **more), done("c2", item="31", continues=True, **more)]


def test_what_goes_on_with_another_activity_credits_once() -> None:
    found = net(lines_of(program(), pair()))
    assert (sum(found.values()), found["best-of:continues:31:online"]) == (90, -90)
    assert net(lines_of(program(), pair()[1:])) == {"c2": 90}


def test_without_a_continuation_two_of_one_item_credit_twice() -> None:
    assert total(lines_of(program(), [done("c1", item="31"), done("c2", item="31")])) == 180


def test_the_better_of_both_counts() -> None:
    facts = [talk("c1", item="31"), done("c2", item="31", continues=True), talk("c3", item="33")]
    assert total(lines_of(program(), facts)) == 90 + 60


def test_a_session_that_they_stand_for_is_one_with_them() -> None:
    facts = [*pair(idnumber="MEET", alternative="s1"), there("a1", 300, alternative="s1")]
    assert total(lines_of(program(), facts)) == 300


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_alternatives_of_several_versions_are_one_with_them(order: tuple[int, ...]) -> None:
    """The old activity was credited before the program had the alternative, the new one after."""
    plain = [{name: value for name, value in rule.items() if name != "alternative"} for rule in ALSO]
    before = program(activities=[*BASE["activities"], *plain])
    after = program(effective_from="2026-02-10", activities=[*BASE["activities"], *ALSO])
    late = at("2026-03-01T12:00")
    facts = [
        done("c1", "Y", item="1"),
        done("c2", "Y", late, item="1", continues=True),
        done("c3", "X", late, item="2"),
        done("c4", "X", item="3"),
    ]
    lines = lines_of(versions(before, after), [facts[place] for place in order])
    # The thirty count once, the ten beside them not; other ten were no alternative then.
    assert total(lines) == 30 + 10


def test_caps_of_each_activity_hold_for_both_together() -> None:
    capped = program(caps=[{"cap": "c", "per": "activity", "minutes": 100}])
    facts = [*pair(), replace(talk("c3"), item="33")]
    assert total(lines_of(capped, facts)) == 90 + 60


def test_what_came_along_earns_nothing_and_says_so() -> None:
    (line,) = lines_of(program(), [done(copied=True)])
    assert (line.credit, line.nothing) == (None, Nothing.COPIED)
    (line,) = lines_of(program(), [done(copied=True, ended=Ended.UNDONE, elsewhere=True)])
    assert line.nothing is Nothing.COPIED


def test_what_came_along_counts_for_no_requirement() -> None:
    asks = program(
        requirements=[{"requirement": "r", "title": {"en": "R"}, "activities": {"rules": ["plan"], "at_least": "all"}}]
    )
    for copied, have in ((True, 0), (False, 1)):
        (outcome,) = standing(asks, [done(copied=copied)]).outcomes
        assert outcome.have == have


def test_an_offer_that_was_taken_up_in_either_course_is_not_left() -> None:
    offers = offers_of(program(), [("31", Activity("PLAN", "page", "", ""), None)], [])
    for facts in (pair(), pair()[:1], pair()[1:]):
        assert remaining(offers, lines_of(program(), facts), WHEN) == (0, 90)
