"""What being at a session earns: by minutes, by head, by status; its component; what a community offers by it."""

from typing import Any

import pytest

from mappings.facts import Activity, Offer
from mappings.offers import offers_of, remaining
from tests.unit.mappings.worlds import WHEN, at, done, lines_of, meeting, minutes, nothings, program, talk, there

COMPONENTS = {"face_to_face": "room", "virtual": "online"}
WEIGHTED = {"earns": "weighted", "weights": {"P": 100, "L": 50, "A": 0}}


def by(**keys: Any) -> Any:
    return program(attendance={"components": COMPONENTS} | keys)


@pytest.mark.parametrize(
    ("rule", "fact", "earns"),
    [
        ({}, there(minutes=185), 185),
        ({"at_least": 90}, there(minutes=89), "not_long_enough"),
        ({"at_least": 90}, there(minutes=90), 90),
        ({"at_most_planned": True}, there(minutes=185, planned_minutes=180), 180),
        ({"at_most_planned": True}, there(minutes=175, planned_minutes=180), 175),
        ({"at_most_planned": True}, there(minutes=185), 185),
        ({"at_most_planned": False}, there(minutes=185, planned_minutes=180), 185),
        ({"at_most_planned": True}, there(minutes=185, planned_minutes=-5), "zero_minutes"),
        ({"earns": "fixed", "minutes": 120}, there(minutes=1), 120),
        ({"earns": "fixed", "minutes": 120}, there(minutes=500), 120),
        ({"earns": "fixed", "minutes": 120}, there(minutes=0), "zero_minutes"),
        ({"earns": "fixed", "minutes": 120}, there(minutes=None), "zero_minutes"),
        ({"earns": "fixed", "minutes": 120, "at_least": 60}, there(minutes=59), "not_long_enough"),
        ({"earns": "fixed", "minutes": 120, "at_most_planned": True}, there(minutes=60, planned_minutes=90), 90),
        (WEIGHTED, there(presence="P", planned_minutes=180), 180),
        (WEIGHTED, there(minutes=None, presence="L", planned_minutes=181), 90),
        (WEIGHTED, there(presence="A", planned_minutes=180), "zero_minutes"),
        (WEIGHTED, there(presence="X", planned_minutes=180), "status_without_weight"),
        (WEIGHTED, there(presence=None, planned_minutes=180), "status_without_weight"),
        (WEIGHTED, there(presence="P"), "length_unknown"),
        (WEIGHTED, there(presence="P", planned_minutes=-5), "zero_minutes"),
        (WEIGHTED | {"at_least": 60}, there(minutes=59, presence="P", planned_minutes=180), "not_long_enough"),
        (WEIGHTED | {"at_least": 60}, there(minutes=None, presence="P", planned_minutes=180), 180),
    ],
)
def test_what_attendance_earns(rule: dict[str, Any], fact: Any, earns: int | str) -> None:
    if isinstance(earns, str):
        assert nothings(by(**rule), fact) == {"a1": earns}
    else:
        (line,) = lines_of(by(**rule), [fact])
        assert line.credit
        assert (line.credit.minutes, line.credit.component, line.credit.rule) == (
            earns,
            "room",
            "attendance:face_to_face",
        )


def test_what_was_too_short_says_how_short() -> None:
    (line,) = lines_of(by(at_least=90), [there(minutes=20)])
    assert line.params == {"rule": "attendance:face_to_face", "minutes": 20, "at_least": 90}


KINDS = [
    {"kind": "webinar", "title": {}, "component": "room"},
    {"kind": "gathering", "title": {}, "attendance": {"earns": "fixed", "minutes": 45}},
]


@pytest.mark.parametrize(
    ("kind", "mode", "expected"),
    [
        ("", "virtual", (100, "online", "attendance:virtual")),
        ("webinar", "virtual", (100, "room", "attendance:webinar")),
        ("webinar", "hybrid", (100, "room", "attendance:webinar")),
        ("gathering", "virtual", (45, "online", "attendance:gathering")),
        ("gathering", "hybrid", None),
        ("unknown", "virtual", (100, "online", "attendance:virtual")),
        ("", "", None),
        ("", "zeppelin", None),
    ],
)
def test_kinds_of_sessions(kind: str, mode: str, expected: tuple[int, str, str] | None) -> None:
    (line,) = lines_of(program(session_kinds=KINDS), [there(minutes=100, kind=kind, mode=mode)])
    found = (line.credit.minutes, line.credit.component, line.credit.rule) if line.credit else None
    assert found == expected


LATER = at("2026-02-02T10:00")
S1 = meeting("1", LATER, planned_minutes=120)


@pytest.mark.parametrize(
    ("rule", "planned", "offered"),
    [
        ({}, 120, 120),
        ({}, None, None),
        ({"earns": "fixed", "minutes": 45}, 120, 45),
        ({"earns": "fixed", "minutes": 45}, None, 45),
        ({"earns": "fixed", "minutes": 45, "at_most_planned": True}, 30, 30),
        ({"earns": "weighted", "weights": {"P": 50, "L": 10}}, 120, 60),
        ({"components": {}}, 120, None),
    ],
)
def test_what_a_session_offers(rule: dict[str, Any], planned: int | None, offered: int | None) -> None:
    found = offers_of(by(**rule), (), [meeting("1", LATER, planned_minutes=planned)])
    assert [offer.minutes for offer in found] == ([offered] if offered else [])
    assert {(offer.item, offer.alternative, offer.component) for offer in found} <= {("m-1", "m-1", "online")}


def test_what_kinds_of_sessions_offer() -> None:
    known = program(session_kinds=KINDS)
    found = offers_of(known, (), [meeting("1", LATER, kind="webinar", mode="hybrid", planned_minutes=120)])
    assert found == (Offer("m-1", 120, "room", "m-1", at("2026-02-02T12:00")),)
    assert offers_of(known, (), [meeting("1", LATER, kind="gathering")])[0].minutes == 45


def test_what_activities_offer() -> None:
    rules = [
        {"rule": "s", "idnumber": "S-(?P<session>.*)", "minutes": 30, "component": "online"},
        {"rule": "a", "idnumber": "A", "minutes": 40, "component": "online", "alternative": "x"},
        {"rule": "none", "idnumber": "N", "minutes": 50, "component": "online", "earns": {"complete": 5, "passed": 10}},
        {"rule": "zero", "idnumber": "Z", "minutes": 0, "component": "online"},
        {"rule": "failed", "idnumber": "F", "minutes": 9, "component": "online",
         "earns": {"complete": "none", "passed": "none", "failed": "all"}},
    ]  # fmt: skip
    forms = [
        (f"i{number}", Activity(idnumber, "", "", ""), stands_for)
        for number, (idnumber, stands_for) in enumerate(
            [
                ("S-1", None),
                ("S-9", None),
                ("S-", None),
                ("A", None),
                ("A", "m-1"),
                ("N", None),
                ("Z", None),
                ("F", None),
            ]
        )
    ]
    found = offers_of(program(activities=rules), [*forms, ("i9", Activity("?", "", "", ""), None)], [S1])
    assert [(offer.item, offer.minutes, offer.alternative) for offer in found] == [
        ("i0", 30, "m-1"),
        ("i1", 30, "session:9"),
        ("i2", 30, None),
        ("i3", 40, "rule:x"),
        ("i4", 40, "m-1"),
        ("i5", 10, None),
        ("m-1", 120, "m-1"),
    ]


OFFERS = (
    Offer("m-1", 120, "room", "m-1", at("2026-02-02T12:00")),
    Offer("up", 150, "online", "m-1"),
    Offer("item-c1", 60, "online"),
)


@pytest.mark.parametrize(
    ("facts", "now", "left"),
    [
        ((), WHEN, 210),
        ((), at("2026-02-02T12:00"), 210),
        # The forum is done; of session and make-up one counts, the better one.
        ((talk("c1"),), WHEN, 150),
        # Who was at the session for 100 minutes can still make 50 more of it by the make-up.
        ((there(minutes=100, item="m-1", alternative="m-1"),), WHEN, 110),
        ((done("c9", "MEET", item="up", alternative="m-1"),), WHEN, 60),
        ((done("c9", item="up"),), WHEN, 90),
        ((done("c9", "NONE", item="item-c1"),), WHEN, 210),
        ((there(minutes=100, item="m-1", alternative="m-1"), done("c9", item="up")), WHEN, 60),
    ],
)
def test_what_is_left(facts: tuple[Any, ...], now: Any, left: int) -> None:
    assert remaining(OFFERS, lines_of(program(), facts), now) == (left, 210)


def test_a_session_that_is_over_is_not_left() -> None:
    assert remaining(OFFERS[:1], (), at("2026-02-02T11:59:59")) == (120, 120)
    assert remaining(OFFERS[:1], (), at("2026-02-02T12:00")) == (0, 120)


def test_minutes_of_planned_sessions_need_no_credit() -> None:
    assert minutes(program(), there(minutes=0)) == 0
