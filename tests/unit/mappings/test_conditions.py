"""Each condition: what counts, what is passed over and why, what is still missing."""

from typing import Any

import pytest

from mappings.conditions import Done, Evidence, Lacks, Missing, PassedOver, Reached, Result, check, first
from mappings.facts import Credit, Meeting
from mappings.periods import ALWAYS
from mappings.requirements import Condition
from tests.unit.mappings.worlds import WHEN, at, meeting, program, span

YEAR = span("2025-07-01", "2026-07-01")
IN, OUT = at("2026-02-01"), at("2026-08-01")
SOON = at("2026-03-01")
BY = program(
    session_kinds=[{"kind": "gathering", "title": {}}, {"kind": "webinar", "title": {}, "voluntary": True}],
    cycles=[
        {"cycle": "pdsa", "title": {}, "phases": ["plan", "do", "act"], "full": ["plan", "do"]},
        {"cycle": "open", "title": {}, "phases": ["plan"], "full": "to_be_set"},
    ],
    milestones=[
        {"milestone": "note", "title": {}, "of": "team"},
        {"milestone": "proof", "title": {}, "of": "team", "evidence": "required"},
        {"milestone": "m-plan", "title": {}, "of": "team", "cycle": "pdsa", "phase": "plan"},
        {"milestone": "m-replan", "title": {}, "of": "team", "cycle": "pdsa", "phase": "plan"},
        {"milestone": "m-do", "title": {}, "of": "team", "cycle": "pdsa", "phase": "do", "evidence": "required"},
        {"milestone": "m-act", "title": {}, "of": "team", "cycle": "pdsa", "phase": "act"},
    ],
)


def found(condition: dict[str, Any], now: Any = IN, by: Any = BY, within: Any = YEAR, **evidence: Any) -> Result:
    return check(Condition.model_validate(condition), Evidence(**evidence), by, within, now)


def earnings(*amounts: tuple[str, int, str, Any]) -> tuple[Credit, ...]:
    return tuple(Credit(key, minutes, part, "r", "v1", when) for key, minutes, part, when in amounts)


EARNED = earnings(("a", 60, "online", IN), ("b", -15, "room", IN), ("c", 90, "room", IN), ("d", 500, "room", OUT))


@pytest.mark.parametrize(
    ("needs", "have", "need", "counted", "missing"),
    [
        ({"min_hours": 2}, 135, 120, ("a", "b", "c"), None),
        ({"min_hours": 2.25}, 135, 135, ("a", "b", "c"), None),
        ({"min_hours": 3}, 135, 180, ("a", "b", "c"), (45, None)),
        ({"min_hours": 1, "component": "online"}, 60, 60, ("a",), None),
        ({"min_hours": 2, "component": "room"}, 75, 120, ("b", "c"), (45, "room")),
        ({"min_hours": 2, "max_hours": 2}, 135, 120, ("a", "b", "c"), None),
    ],
)
def test_hours(needs: Any, have: int, need: int, counted: tuple[str, ...], missing: tuple[int, str] | None) -> None:
    result = found({"hours": needs}, credits=EARNED)
    lacks = (Missing(Lacks.HOURS, {"minutes": missing[0], "component": missing[1]}),) if missing else ()
    assert result.met is (missing is None)
    passed = (("d", PassedOver.OUTSIDE_PERIOD),) if needs.get("component") != "online" else ()
    assert result == Result(have, need, "minutes", lacks, counted, passed)


def test_hours_of_fifty_minutes_and_yet_to_be_set() -> None:
    short = program(hour_minutes=50)
    assert found({"hours": {"min_hours": 3}}, by=short, credits=EARNED).need == 150
    result = found({"hours": {"min_hours": "to_be_set"}}, credits=EARNED)
    assert (result.have, result.need, result.met, result.missing) == (135, None, False, (Missing(Lacks.SETTING),))


DONE = (Done("talk", "c9", OUT), Done("plan", "c1", IN), Done("plan", "c0", IN), Done("talk", "c8", OUT))


@pytest.mark.parametrize(
    ("needs", "have", "need", "counted", "missing"),
    [
        ({"rules": ["plan"]}, 1, 1, ("c0",), ()),
        ({"rules": ["plan", "talk"]}, 1, 2, ("c0",), (Missing(Lacks.ACTIVITY, {"rule": "talk"}),)),
        ({"rules": ["plan", "talk"], "at_least": 1}, 1, 1, ("c0",), ()),
        (
            {"rules": ["plan", "talk", "meet"], "at_least": 2},
            1,
            2,
            ("c0",),
            (Missing(Lacks.ACTIVITIES, {"count": 1, "rules": ["talk", "meet"]}),),
        ),
    ],
)
def test_activities(needs: Any, have: int, need: int, counted: tuple[str, ...], missing: Any) -> None:
    result = found({"activities": needs}, activities=DONE)
    outside = (("c9", PassedOver.OUTSIDE_PERIOD), ("c8", PassedOver.OUTSIDE_PERIOD)) if "talk" in needs["rules"] else ()
    assert result == Result(have, need, "count", missing, counted, outside)
    assert result.met is not bool(missing)


def test_an_activity_done_again_later_was_still_done_in_time() -> None:
    again = (Done("plan", "c1", IN), Done("plan", "c2", OUT), Done("plan", "c3", at("2025-01-01")))
    assert found({"activities": {"rules": ["plan"]}}, activities=again).counted == ("c1",)


HELD = (
    meeting("S2", SOON, kind="gathering"),
    meeting("S1", IN, kind="gathering", mode="face_to_face"),
    meeting("W1", IN, kind="webinar"),
    meeting("S9", OUT, kind="gathering"),
)


def session(one: Meeting) -> Missing:
    return Missing(Lacks.SESSION, {"session": one.code, "title": one.title, "starts_at": one.starts_at.isoformat()})


@pytest.mark.parametrize(
    ("needs", "attended", "have", "need", "missing"),
    [
        ({}, {"m-S1"}, 1, 2, (session(HELD[0]),)),
        ({}, {"m-S1", "m-S2"}, 2, 2, ()),
        ({}, None, 1, 2, (session(HELD[0]),)),
        ({"kind": "gathering"}, set(), 0, 2, (session(HELD[1]), session(HELD[0]))),
        ({"kind": "webinar"}, set(), 0, 1, (session(HELD[2]),)),
        ({"codes": ["W.*"]}, set(), 0, 1, (session(HELD[2]),)),
        ({"codes": ["S1", "W"]}, {"m-S1"}, 1, 1, ()),
        ({"codes": ["S"]}, set(), 0, 1, (Missing(Lacks.SESSIONS, {"count": 1, "kind": None, "mode": None}),)),
        ({"mode": "face_to_face"}, {"m-S1"}, 1, 1, ()),
        ({"at_least": 2}, {"m-S1", "m-W1"}, 2, 2, ()),
        ({"at_least": 2}, {"m-S9"}, 0, 2, (Missing(Lacks.SESSIONS, {"count": 2, "kind": None, "mode": None}),)),
        (
            {"at_least": 2, "mode": "virtual", "kind": "gathering"},
            {"m-S2"},
            1,
            2,
            (Missing(Lacks.SESSIONS, {"count": 1, "kind": "gathering", "mode": "virtual"}),),
        ),
        ({"at_least": "to_be_set"}, {"m-S1"}, 1, None, (Missing(Lacks.SETTING),)),
    ],
)
def test_sessions(needs: Any, attended: Any, have: int, need: int | None, missing: Any) -> None:
    there = None if attended is None else frozenset(attended)
    result = found({"sessions": needs}, now=WHEN, sessions=HELD, attended=there)
    assert (result.have, result.need, result.missing) == (have, need, missing)
    assert result.met is (not missing)


def test_why_sessions_are_passed_over() -> None:
    result = found({"sessions": {"at_least": 3}}, sessions=HELD, attended=frozenset({"m-W1", "m-S9"}), now=IN)
    assert result.counted == ("m-W1",)
    assert set(result.passed_over) == {("m-S1", PassedOver.ABSENT), ("m-S9", PassedOver.OUTSIDE_PERIOD)}


def got(milestone: str, key: str, when: Any = IN, **more: Any) -> Reached:
    return Reached(milestone, key, when, **more)


NOTES = (got("note", "n2", SOON), got("note", "n1"), got("note", "n9", OUT), got("proof", "p1"))
PROVEN = got("proof", "p2", proven=True)


@pytest.mark.parametrize(
    ("needs", "have", "short", "counted", "passed"),
    [
        ({"milestone": "note"}, 2, 0, ("n1", "n2"), {("n9", PassedOver.OUTSIDE_PERIOD)}),
        ({"milestone": "note", "at_least": 3}, 2, 1, ("n1", "n2"), {("n9", PassedOver.OUTSIDE_PERIOD)}),
        ({"milestone": "proof"}, 1, 0, ("p2",), {("p1", PassedOver.NOT_PROVEN)}),
    ],
)
def test_milestones(needs: Any, have: int, short: int, counted: Any, passed: Any) -> None:
    result = found({"milestones": needs}, milestones=(*NOTES, PROVEN))
    assert (result.have, result.counted, set(result.passed_over)) == (have, counted, passed)
    lacks = Missing(Lacks.MILESTONES, {"milestone": needs["milestone"], "count": short})
    assert result.missing == ((lacks,) if short else ())


def test_milestones_yet_to_be_set() -> None:
    result = found({"milestones": {"milestone": "note", "at_least": "to_be_set"}}, milestones=NOTES)
    assert (result.have, result.need, result.missing) == (2, None, (Missing(Lacks.SETTING),))


def report(key: str, session: str | None, when: Any = IN) -> Reached:
    return got("note", key, when, session=f"m-{session}" if session else None)


EACH = {"milestones": {"milestone": "note", "each_session": "gathering"}}


def test_a_report_for_each_session_that_was_held() -> None:
    reports = (report("r1", "S1"), report("r0", "S1", at("2026-01-31")), report("r3", None), report("r4", "W1"))
    late = at("2026-05-01")
    assert found(EACH, now=at("2026-01-01"), sessions=HELD).met
    result = found(EACH, now=IN, sessions=HELD, milestones=reports)
    assert (result.have, result.need, result.met, result.counted) == (1, 1, True, ("r0",))
    # Also a session to come is due some day.
    assert result.ends == (SOON,)
    result = found(EACH, now=late, sessions=HELD, milestones=reports)
    lacks = {"milestone": "note", "session": "S2", "starts_at": SOON.isoformat()}
    assert (result.have, result.need, result.missing) == (1, 2, (Missing(Lacks.MILESTONE, lacks),))
    after = report("r9", "S2", OUT)
    assert found(EACH, now=late, sessions=HELD, milestones=(*reports, after)).met


def phases(label: str, **when: Any) -> tuple[Reached, ...]:
    return tuple(got(f"m-{p}", f"{label}-{p}", moment, cycle=label, proven=True) for p, moment in when.items())


def cycles(at_least: int | str, *reached: Reached, cycle: str = "pdsa") -> Result:
    return found({"cycles": {"cycle": cycle, "at_least": at_least}}, milestones=reached)


def test_full_cycles() -> None:
    full, begun = phases("1", plan=IN, do=SOON), phases("2", plan=IN)
    result = cycles(1, *full, *begun)
    assert (result.have, result.counted, result.met) == (1, ("1",), True)
    assert result.passed_over == (("2", PassedOver.NOT_FULL),)
    result = cycles(2, *full, *begun)
    assert result.missing == (
        Missing(Lacks.CYCLES, {"cycle": "pdsa", "count": 1}),
        Missing(Lacks.PHASE, {"cycle": "pdsa", "label": "2", "phase": "do"}),
    )


def test_a_cycle_counts_when_its_last_needed_phase_is_reached() -> None:
    assert cycles(1, *phases("1", plan=at("2025-01-01"), do=IN)).met
    assert cycles(1, *phases("1", plan=IN, do=OUT)).passed_over == (("1", PassedOver.OUTSIDE_PERIOD),)
    # A phase that a full one doesn't need moves nothing.
    assert cycles(1, *phases("1", plan=IN, do=SOON, act=OUT)).met
    # Nor does a phase that is reached again.
    assert cycles(1, *phases("1", plan=IN, do=SOON), *phases("1", replan=OUT)).met
    assert cycles(1, *phases("1", plan=OUT, do=SOON), *phases("1", replan=IN)).met


def test_a_cycle_wants_proof_where_its_phase_does() -> None:
    result = cycles(1, got("m-plan", "a", cycle="1"), got("m-do", "b", cycle="1"))
    assert (result.have, result.passed_over) == (0, (("b", PassedOver.NOT_PROVEN), ("1", PassedOver.NOT_FULL)))


@pytest.mark.parametrize(("cycle", "at_least"), [("open", 1), ("pdsa", "to_be_set"), ("unheard", 1)])
def test_cycles_yet_to_be_set(cycle: str, at_least: int | str) -> None:
    assert cycles(at_least, *phases("1", plan=IN, do=IN), cycle=cycle) == Result(
        0, None, "count", (Missing(Lacks.SETTING),)
    )


YES: dict[str, Any] = {"milestones": {"milestone": "note"}}
NO: dict[str, Any] = {"milestones": {"milestone": "m-act"}}
OPEN: dict[str, Any] = {"milestones": {"milestone": "note", "at_least": "to_be_set"}}


@pytest.mark.parametrize(
    ("condition", "have", "need", "lacks"),
    [
        ({"all_of": [YES, YES]}, 2, 2, []),
        ({"all_of": [YES, NO]}, 1, 2, ["milestones"]),
        ({"any_of": [NO, YES]}, 1, 1, []),
        ({"any_of": [NO, NO]}, 0, 1, ["any_of", "milestones", "milestones"]),
        ({"n_of": {"at_least": 2, "of": [YES, NO, YES]}}, 2, 2, []),
        ({"n_of": {"at_least": 2, "of": [YES, NO, NO]}}, 1, 2, ["any_of", "milestones", "milestones"]),
        ({"n_of": {"at_least": 1, "of": [{"all_of": [YES, NO]}, {"any_of": [NO, YES]}]}}, 1, 1, []),
        ({"all_of": [{"any_of": [NO, {"n_of": {"at_least": 2, "of": [YES, YES]}}]}, YES]}, 2, 2, []),
        # Where a figure that is yet to be set decides, the whole waits; where it can't help, something is missing.
        ({"all_of": [YES, OPEN]}, 1, None, ["setting"]),
        ({"all_of": [NO, OPEN]}, 0, 2, ["milestones", "setting"]),
        ({"any_of": [NO, OPEN]}, 0, None, ["any_of", "milestones", "setting"]),
        ({"any_of": [YES, OPEN]}, 1, 1, []),
        ({"all_of": [{"any_of": [NO, OPEN]}, YES]}, 1, None, ["any_of", "milestones", "setting"]),
    ],
)
def test_conditions_of_conditions(condition: Any, have: int, need: int | None, lacks: list[str]) -> None:
    result = found(condition, milestones=NOTES)
    assert (result.have, result.need, [str(one.code) for one in result.missing]) == (have, need, lacks)
    assert result.met is (not lacks)
    if "any_of" in lacks[:1]:
        assert result.missing[0].params == {"count": 1}


def test_parts_hand_on_what_counted_and_when_they_are_due() -> None:
    result = found({"all_of": [YES, EACH]}, now=SOON, milestones=NOTES, sessions=HELD)
    assert result.counted == ("n1", "n2")
    assert result.passed_over == (("n9", PassedOver.OUTSIDE_PERIOD),)
    assert result.ends == (IN, SOON)


def test_the_next_of_several_moments() -> None:
    assert first([OUT, None, SOON, IN], IN) == SOON
    assert first([IN, None], IN) is None
    assert found(YES, within=ALWAYS, milestones=NOTES).have == 3
