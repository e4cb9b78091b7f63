"""Hours that an activity's form in Moodle declares: what they take the place of, and when they are never taken."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from mappings.earning import MOODLE_HOURS
from mappings.facts import Activity, Fact, Hours, State
from mappings.matching import HoursRefused, hours_refused, hours_taken, rule_for
from mappings.offers import offers_of
from mappings.program import Program
from tests.unit.mappings.worlds import at, done, lines_of, meeting, minutes, net, nothings, program, there, versions

PLAN = Activity("PLAN", "assign", "", "Plan")
UNRULED = Activity("", "page", "", "A page")
TAKES = ("ignore", "propose", "accept")


def taking(take: str, **keys: Any) -> Program:
    bounds = {name: keys.pop(name) for name in ("min_hours", "max_hours") if name in keys}
    return program(hours_from_moodle={"take": take} | bounds, **keys)


def of(activity: Activity, accepted: Hours | None = None, declared: Hours | None = None, **more: Any) -> Fact:
    return done(activity=replace(activity, hours=accepted, declared=declared), **more)


@pytest.mark.parametrize(
    ("take", "accepted", "declared", "earned"),
    [
        ("ignore", 120, 30, 90),
        ("propose", None, 30, 90),
        ("propose", 120, 30, 120),
        ("accept", None, 30, 30),
        ("accept", 120, 30, 30),
        ("accept", 120, None, 90),
    ],
)
def test_which_hours_count(take: str, accepted: int | None, declared: int | None, earned: int) -> None:
    stated = [Hours(amount, "room") if amount is not None else None for amount in (accepted, declared)]
    (line,) = lines_of(taking(take), [of(PLAN, *stated)])
    assert line.credit
    assert (line.credit.minutes, line.credit.key, line.credit.rule) == (earned, "c1", "plan")
    assert line.credit.component == ("online" if earned == 90 else "room")
    assert line.params.get("from_moodle", False) == (earned != 90)


def test_a_program_that_says_nothing_lets_staff_decide() -> None:
    assert program().hours_from_moodle.model_dump() == {"take": "propose", "min_hours": 0, "max_hours": 8}
    assert minutes(program(), of(PLAN, declared=Hours(30))) == 90


def test_without_a_rule_hours_earn_by_themselves() -> None:
    (line,) = lines_of(taking("accept"), [of(UNRULED, declared=Hours(45, "online"))])
    assert line.credit
    assert (line.credit.minutes, line.credit.component, line.credit.rule) == (45, "online", MOODLE_HOURS)
    assert nothings(taking("propose"), of(UNRULED, declared=Hours(45, "online"))) == {"c1": "no_rule"}


def test_hours_without_a_component_count_in_the_rules() -> None:
    rule = rule_for(taking("accept"), replace(PLAN, declared=Hours(45)))
    assert rule
    assert (rule.minutes, rule.component) == (45, "online")


@pytest.mark.parametrize(
    ("activity", "hours", "why"),
    [
        (PLAN, Hours(30), None),
        (PLAN, Hours(240), None),
        (PLAN, Hours(29), HoursRefused.TOO_FEW),
        (PLAN, Hours(241), HoursRefused.TOO_MANY),
        (PLAN, Hours(60, "unheard"), HoursRefused.UNKNOWN_COMPONENT),
        (UNRULED, Hours(60), HoursRefused.NO_COMPONENT),
        (UNRULED, Hours(60, "room"), None),
    ],
)
def test_what_is_never_taken(activity: Activity, hours: Hours, why: HoursRefused | None) -> None:
    for take in TAKES:
        by = taking(take, min_hours=0.5, max_hours=4)
        assert hours_refused(by, activity, hours) == why
        stated = replace(activity, hours=hours, declared=hours)
        assert (hours_taken(by, stated) is None) == (why is not None or take == "ignore")


def test_bounds_are_hours_of_the_file() -> None:
    by = taking("accept", max_hours=1, hour_minutes=50)
    assert [hours_refused(by, PLAN, Hours(amount)) for amount in (50, 51)] == [None, HoursRefused.TOO_MANY]


def test_what_a_state_earns_stays_the_rules() -> None:
    rules = [{"rule": "r", "minutes": 30, "component": "online", "earns": {"failed": 10, "passed": "none"}}]
    by = taking("accept", activities=rules)
    earned = {state: minutes(by, of(PLAN, declared=Hours(80), state=state)) for state in (1, 2, 3)}
    assert earned == {State.COMPLETE: 80, State.PASSED: 0, State.FAILED: 10}


def test_hours_settle_what_the_file_leaves_open() -> None:
    rules = [{"rule": "r", "minutes": "to_be_set", "component": "online"}]
    assert nothings(program(activities=rules), of(PLAN)) == {"c1": "to_be_set"}
    assert minutes(taking("accept", activities=rules), of(PLAN, declared=Hours(80))) == 80


def test_the_best_of_alternatives_counts_with_its_hours() -> None:
    rules = [{"rule": "rec", "idnumber": "REC-(?P<session>.+)", "minutes": 30, "component": "online"}]
    by = taking("accept", activities=rules)
    recording = of(Activity("REC-S1", "url", "", ""), declared=Hours(120))
    held = there("a1", 100, code="S1", alternative="a1")
    assert minutes(by, recording, held) == 120
    assert minutes(by, replace(recording, activity=Activity("REC-S1", "url", "", "")), held) == 100


def test_caps_and_rounding_go_on_as_usual() -> None:
    caps = [{"cap": "c", "kind": ["page"], "minutes": 60}]
    rounding = {"to_minutes": 50, "direction": "down"}
    by = taking("accept", caps=caps, rounding=rounding)
    lines = lines_of(by, [of(UNRULED, declared=Hours(119, "online"))])
    assert net(lines) == {"c1": 100, "cap:c::online": -40}


def test_the_version_in_force_decides() -> None:
    known = versions(taking("propose"), taking("accept", effective_from="2026-02-01"))
    early, late = (
        of(PLAN, declared=Hours(30), key=key, when=at(day)) for key, day in (("e", "2026-01-05"), ("l", "2026-03-05"))
    )
    assert net(lines_of(known, [early, late])) == {"e": 90, "l": 30}
    ignoring = versions(taking("propose"), taking("ignore", effective_from="2026-02-01"))
    early, late = (replace(fact, activity=replace(PLAN, hours=Hours(30))) for fact in (early, late))
    assert net(lines_of(ignoring, [early, late])) == {"e": 30, "l": 90}


def test_a_community_offers_what_its_activities_earn() -> None:
    forms = [
        ("i1", replace(PLAN, declared=Hours(30))),
        ("i2", replace(UNRULED, declared=Hours(45, "room"))),
        ("i3", UNRULED),
    ]
    found = offers_of(taking("accept"), [(*form, None) for form in forms], [meeting("S", at("2026-01-01"))])
    assert [(offer.item, offer.minutes, offer.component) for offer in found] == [
        ("i1", 30, "online"),
        ("i2", 45, "room"),
    ]


@pytest.mark.parametrize(
    "keys",
    [{"take": "always"}, {"max_hours": 0}, {"max_hours": 101}, {"min_hours": -1}, {"min_hours": 9}, {"minimum": 1}],
)
def test_what_makes_no_sense_is_refused(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        program(hours_from_moodle=keys)


def test_no_rule_of_a_file_has_the_name_of_hours_from_moodle() -> None:
    with pytest.raises(ValidationError):
        program(activities=[{"rule": MOODLE_HOURS, "minutes": 1, "component": "online"}])


STATED = st.none() | st.builds(Hours, st.integers(0, 700), st.sampled_from(["", "online", "room", "unheard"]))


@given(st.sampled_from(TAKES), st.sampled_from([PLAN, UNRULED]), STATED, STATED)
def test_whatever_is_declared_gives_a_line_within_the_bounds(
    take: str, activity: Activity, accepted: Hours | None, declared: Hours | None
) -> None:
    by = taking(take, min_hours=0.5, max_hours=4)
    (line,) = lines_of(by, [of(activity, accepted, declared)])
    plain = minutes(by, of(activity))
    stated = {"ignore": None, "propose": accepted, "accept": declared}[take]
    if stated is None or not line.params.get("from_moodle"):
        assert (line.credit.minutes if line.credit else 0) == plain
    else:
        assert line.credit
        assert 30 <= line.credit.minutes == stated.minutes <= 240
        assert line.credit.component in by.components
