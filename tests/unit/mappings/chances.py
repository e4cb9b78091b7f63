"""Random programs, facts and decisions for the engine's laws: valid programs, facts of any kind, also nonsense."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from hypothesis import strategies as st

from mappings.facts import (
    Activity,
    Adjustment,
    Closing,
    Community,
    Credit,
    Decisions,
    Ended,
    Fact,
    Member,
    Organisation,
    Recalculation,
    SelfReport,
    State,
)
from mappings.periods import Span
from mappings.program import Program
from tests.unit.mappings.worlds import KOLKATA, LA, at, done, meeting, offering, program, reached, seconds, span, there

EVER = st.integers(*seconds("1970-01-01", "2099-12-31")).map(partial(datetime.fromtimestamp, tz=UTC))
NEAR = st.integers(*seconds("2026-01-01", "2026-03-01")).map(partial(datetime.fromtimestamp, tz=UTC))
MOMENTS = NEAR | EVER
RULES: list[dict[str, Any]] = [
    {"rule": "plan", "idnumber": "PLAN", "minutes": 90, "component": "online"},
    {
        "rule": "part",
        "idnumber": "PART",
        "minutes": 37,
        "component": "room",
        "earns": {"failed": 5, "complete": "none"},
    },
    {"rule": "up", "idnumber": "UP-(?P<session>.*)", "minutes": 200, "component": "online"},
    {"rule": "x", "idnumber": "X", "minutes": 10, "component": "online", "alternative": "pair"},
    {"rule": "y", "idnumber": "Y", "minutes": 30, "component": "room", "alternative": "pair"},
    {"rule": "free", "idnumber": "FREE", "minutes": 0, "component": "online"},
    {"rule": "talk", "kind": ["forum"], "minutes": 60, "component": "online"},
]
IDNUMBERS = ["PLAN", "PART", "UP-S1", "UP-", "X", "Y", "FREE", "OTHER", "PDSA-1", "PDSA-2"]
ATTENDANCE: list[dict[str, Any]] = [
    {},
    {"at_least": 30, "at_most_planned": True},
    {"earns": "fixed", "minutes": 45},
    {"earns": "weighted", "weights": {"P": 100, "L": 50, "A": 0}},
]
CONDITIONS: list[dict[str, Any]] = [
    {"hours": {"min_hours": 2, "component": "online"}},
    {"hours": {"min_hours": "to_be_set"}},
    {"activities": {"rules": ["plan", "talk"], "at_least": 1}},
    {"sessions": {}},
    {"sessions": {"kind": "gathering", "at_least": 1}},
    {"milestones": {"milestone": "note", "at_least": 2}},
    {"milestones": {"milestone": "note", "each_session": "gathering"}},
    {"cycles": {"cycle": "pdsa", "at_least": 1}},
]
DUES: list[Any] = [
    None,
    {"on": "2026-02-01"},
    {"at": "period_end"},
    {"after": "session", "days": 7},
    {"after": "designation", "months": 5},
    {"after": "community_start", "days": 20},
]
ENDS = [{}, {"reset": "take_back"}, {"undone": "keep", "overridden": "take_back"}]
PERIODS: list[dict[str, Any]] = [
    {},
    {"every": "community"},
    {"every": "school_year"},
    {"every": "school_year", "carry_over": {"max_hours": 3}},
    {"every": "term", "carry_over": {"max_hours": 1}},
    {"every": "rolling", "days": 20},
    {"every": "years", "years": 2, "anchor": "designation"},
    {"every": "term", "anchor": "designation"},
]
CAPS = st.fixed_dictionaries(
    {"per": st.sampled_from(["activity", "day", "week", "term", "period", "all"]), "minutes": st.integers(0, 300)},
    optional={
        "component": st.sampled_from(["online", "room"]),
        "kind": st.sampled_from([["forum"], ["assign", "quiz"]]),
        "rules": st.sampled_from([["plan"], ["talk", "x"]]),
        "session_kinds": st.just(["gathering"]),
    },
)
ROUNDINGS = st.fixed_dictionaries(
    {
        "to_minutes": st.sampled_from([2, 15, 60]),
        "direction": st.sampled_from(["down", "nearest", "up"]),
        "per": st.sampled_from(["activity", "day", "all"]),
    }
)


@st.composite
def conditions(draw: st.DrawFn) -> dict[str, Any]:
    """A condition, perhaps of conditions."""
    parts: list[dict[str, Any]] = draw(st.lists(st.sampled_from(CONDITIONS), min_size=1, max_size=3))
    one = draw(st.sampled_from(["all_of", "any_of", "n_of", "plain"]))
    if one == "plain":
        return parts[0]
    return {"n_of": {"at_least": 1, "of": parts}} if one == "n_of" else {one: parts}


@st.composite
def programs(draw: st.DrawFn, /, **fixed: Any) -> Program:
    """A small valid program; `fixed` keys are as given."""
    keys: dict[str, Any] = {
        "activities": RULES,
        "session_kinds": [{"kind": "gathering", "title": {}, "component": "room"}],
        "milestones": [
            {"milestone": "note", "title": {}, "of": "participant", "minutes": 20, "component": "room"},
            {"milestone": "do", "title": {}, "of": "participant", "cycle": "pdsa", "phase": "do",
             "from_activity": {"idnumber": "PDSA-(?P<cycle>.)"}},
        ],
        "cycles": [{"cycle": "pdsa", "title": {}, "phases": ["do"], "full": ["do"]}],
        "school_year": {"starts": draw(st.sampled_from(["07-01", "02-01", "02-29"]))},
        "terms": [{"term": "a", "starts": "10-01", "ends": "01-31"}, {"term": "b", "starts": "02-10", "ends": "06-10"}],
        "hour_minutes": draw(st.sampled_from([60, 50])),
        "attendance": {"components": {"face_to_face": "room", "virtual": "online"}} | draw(st.sampled_from(ATTENDANCE)),
        "period": draw(st.sampled_from(PERIODS)),
        "when_ended": draw(st.sampled_from(ENDS)),
        "adjustments": draw(st.sampled_from([{}, {"approval_above_minutes": 100}])),
        "caps": [cap | {"cap": f"c{n}"} for n, cap in enumerate(draw(st.lists(CAPS, max_size=3)))],
        "rounding": draw(st.none() | ROUNDINGS),
        "requirements": [
            condition | {"requirement": f"r{n}", "title": {}, "due": draw(st.sampled_from(DUES))}
            | ({"within": within} if (within := draw(st.sampled_from([None, *PERIODS[1:3], *PERIODS[5:]]))) else {})
            for n, condition in enumerate(draw(st.lists(conditions(), max_size=2)))
        ],
    }  # fmt: skip
    if draw(st.booleans()):
        keys |= {"commitment": {"min_hours": draw(st.sampled_from([0.001, 2, 8])), "max_hours": 10}}
        keys |= {"pace": draw(st.sampled_from([None, {"behind_by_percent": 10}]))}
    if keys["period"].get("every") == "rolling":
        # It has no borders to count within.
        keys["caps"] = [cap for cap in keys["caps"] if cap.get("per") != "period"]
    return program(**keys | fixed)


AMOUNTS = st.integers(0, 300) | st.none() | st.sampled_from([-30, -(10**12), 10**12])
SESSION_KEYS = {
    "mode": st.sampled_from(["face_to_face", "virtual", "hybrid", "zeppelin", ""]),
    "kind": st.sampled_from(["", "gathering", "unheard"]),
    "code": st.sampled_from(["", "S1", "S2"]),
    "planned_minutes": st.none() | st.integers(-5, 240),
}
FLAGS = {
    "ended": st.none() | st.sampled_from(Ended),
    "overridden": st.booleans(),
    "provisional": st.booleans(),
    "elsewhere": st.booleans(),
    "alternative": st.sampled_from([None, None, "m-S1", "s2", ""]),
    "item": st.sampled_from(["", "i1", "i2", "m-S1"]),
}
FORMS = st.builds(
    Activity, st.sampled_from(IDNUMBERS), st.sampled_from(["assign", "forum", ""]), st.just(""), st.just("")
)


@st.composite
def facts(draw: st.DrawFn, when: Any = MOMENTS) -> Fact:
    """Anything that might be called a fact."""
    flags: dict[str, Any] = {name: draw(values) for name, values in FLAGS.items() if draw(st.booleans())}
    key, moment = f"f{draw(st.integers(0, 12)):02}", draw(when)
    kind = draw(st.integers(0, 2))
    if kind == 0:
        state = draw(st.none() | st.sampled_from(State))
        return done(key, when=moment, **flags | {"state": state, "activity": draw(st.none() | FORMS)})
    if kind == 1:
        made = there(
            key, draw(AMOUNTS), moment, **{name: draw(values) for name, values in SESSION_KEYS.items()}, **flags
        )
        made = replace(made, presence=draw(st.sampled_from([None, "P", "L", "A", "?"])))
        return replace(made, session=None) if draw(st.integers(0, 9)) == 0 else made
    proven = draw(st.booleans())
    label = draw(st.sampled_from(["", "1"]))
    code = draw(st.sampled_from(["note", "do", "unheard"]))
    flags.pop("item", None)
    made = reached(key, code, moment, proven=proven, cycle=label, session=draw(st.sampled_from([None, "S1"])), **flags)
    return replace(made, milestone=None) if draw(st.integers(0, 9)) == 0 else made


def many(when: Any = MOMENTS, most: int = 10) -> st.SearchStrategy[list[Fact]]:
    return st.lists(facts(when), max_size=most, unique_by=lambda fact: fact.key)


@st.composite
def earning(draw: st.DrawFn, alternatives: bool = False) -> Fact:
    """A fact that surely earns: sixty minutes of a forum, or so many at a session."""
    key, moment = f"e{draw(st.integers(0, 30)):02}", draw(NEAR)
    group = draw(st.sampled_from([None, "s1", "s2"])) if alternatives else None
    if draw(st.booleans()):
        return done(key, when=moment, activity=Activity("", "forum", "", ""), alternative=group)
    mode = draw(st.sampled_from(["face_to_face", "virtual"]))
    return there(key, draw(st.integers(1, 300)), moment, mode=mode, alternative=group)


def earnings(alternatives: bool = False) -> st.SearchStrategy[list[Fact]]:
    return st.lists(earning(alternatives), max_size=10, unique_by=lambda fact: fact.key)


def spans() -> st.SearchStrategy[Span]:
    borders = st.sampled_from(["2025-07-01", "2026-01-15", "2026-02-01", "2026-02-20"])
    return st.lists(borders, min_size=2, max_size=2, unique=True).map(lambda pair: span(*sorted(pair)))


CREDITS = st.builds(
    Credit,
    st.sampled_from(["f01", "f02", "decision:r1", "cap:c0::online:k"]),
    st.integers(-100, 300),
    st.just("online"),
    st.sampled_from(["plan", "unheard"]),
    st.sampled_from(["v1", "v9"]),
    NEAR,
    st.sampled_from([None, "id-f01"]),
)


@st.composite
def decisions(draw: st.DrawFn) -> Decisions:
    """Anything that people might have decided, also snapshots that fit nothing."""
    moments = draw(st.lists(MOMENTS, min_size=4, max_size=4))
    held = draw(st.none() | st.lists(CREDITS, max_size=3))
    snapshot = None if held is None else {one.key: one for one in held}
    admitted = draw(st.frozensets(st.sampled_from(["f01", "f03"])))
    shut = draw(st.lists(st.builds(Closing, st.just("k"), spans(), st.just(snapshot), st.just(admitted)), max_size=1))
    amounts = st.integers(-200, 200)
    return Decisions(
        (
            Adjustment("d1", moments[0], draw(amounts), "online", draw(st.booleans())),
            Adjustment("d2", moments[1], draw(amounts), "room"),
        ),
        (SelfReport("r1", moments[2], draw(AMOUNTS) or 0, "online", draw(st.booleans())),),
        (Recalculation("c1", moments[3], draw(spans()), draw(st.sampled_from(["v1", "v2", "v9"]))),),
        tuple(shut),
    )


PEOPLE = st.sampled_from(
    [Member(), Member(newcomer=True, organisation=Organisation("s", "school", designated_on=at("2025-09-30").date()))]
)


def community_by(by: Program, zone: Any = LA) -> Community:
    """A community that offers two sessions and an activity."""
    meetings = tuple(
        meeting(code, at(day), kind=kind, planned_minutes=90)
        for code, day, kind in (("S1", "2026-01-20T20:00", "gathering"), ("S2", "2026-02-10T20:00", ""))
    )
    dates = span("2026-01-10", "2026-02-25", zone)
    return offering(by, [("i1", "PLAN")], meetings=meetings, span=dates, zone=zone)


ZONES = st.sampled_from([LA, KOLKATA])
