"""A session, those that make it up, and the activities that stand for them: one occasion, counted once."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mappings.conditions import Evidence, Lacks, Missing, PassedOver, Reached, Result, check
from mappings.facts import Activity, Meeting
from mappings.occasions import occasions
from mappings.offers import offers_of, remaining
from mappings.requirements import Condition
from tests.unit.mappings.worlds import at, community, done, lines_of, meeting, minutes, program, span, standing, there

FIRST, AGAIN, OTHER = at("2026-02-07T18:00"), at("2026-02-14T18:00"), at("2026-02-21T18:00")
NOW = at("2026-02-10")
BY = program(
    session_kinds=[{"kind": "gathering", "title": {}}, {"kind": "webinar", "title": {}, "voluntary": True}],
    milestones=[{"milestone": "report", "title": {}, "of": "community", "after": "gathering"}],
    activities=[
        {"rule": "meet", "idnumber": "MEET", "minutes": 240, "component": "room"},
        {"rule": "named", "idnumber": "ACT-(?P<session>.+)", "minutes": 200, "component": "room"},
    ],
)
ONE = meeting("S1", FIRST, mode="face_to_face", kind="gathering", planned_minutes=180)
MADE_UP = meeting("S1b", AGAIN, planned_minutes=120, makes_up=ONE.item)
TWO = meeting("S2", OTHER, mode="face_to_face", kind="gathering", planned_minutes=60)
CANCELLED = meeting("S1", FIRST, mode="face_to_face", kind="gathering", planned_minutes=180, cancelled=True)


def counted(
    needs: dict[str, Any], *meetings: Meeting, attended: Any = frozenset(), now: Any = NOW, **more: Any
) -> Result:
    evidence = Evidence(sessions=meetings, attended=frozenset(attended) if attended is not None else None, **more)
    return check(Condition.model_validate(needs), evidence, BY, span("2026-01-01", "2027-01-01"), now)


def named(one: Meeting) -> Missing:
    return Missing(Lacks.SESSION, {"session": one.code, "title": one.title, "starts_at": one.starts_at.isoformat()})


ALL = {"sessions": {"at_least": "all", "kind": "gathering"}}


@pytest.mark.parametrize(
    ("attended", "have", "missing"),
    [
        ((), 0, (MADE_UP, TWO)),
        ((ONE.item,), 1, (TWO,)),
        ((MADE_UP.item,), 1, (TWO,)),
        ((ONE.item, MADE_UP.item), 1, (TWO,)),
        ((MADE_UP.item, TWO.item), 2, ()),
    ],
)
def test_attending_either_is_attending_that_one(attended: Any, have: int, missing: tuple[Meeting, ...]) -> None:
    for order in permutations((ONE, MADE_UP, TWO)):
        result = counted(ALL, *order, attended=attended)
        assert (result.have, result.need) == (have, 2)
        # What is named is the last chance to be there.
        assert result.missing == tuple(named(one) for one in missing)


def test_the_make_up_counts_where_the_session_itself_would_whatever_it_is() -> None:
    by_code = {"sessions": {"codes": ["S1"], "at_least": "all"}}
    by_mode = {"sessions": {"mode": "face_to_face", "at_least": 1}}
    for needs in (by_code, by_mode):
        assert counted(needs, ONE, MADE_UP, attended=[MADE_UP.item]).met
    assert counted({"sessions": {"mode": "virtual", "at_least": 1}}, ONE, MADE_UP, attended=[MADE_UP.item]).have == 0


def test_absent_only_when_every_chance_is_over() -> None:
    assert counted(ALL, ONE, MADE_UP).passed_over == ()
    assert counted(ALL, ONE, MADE_UP, now=AGAIN).passed_over == ((ONE.item, PassedOver.ABSENT),)


def test_a_cancelled_session_is_required_of_nobody() -> None:
    result = counted(ALL, CANCELLED, TWO)
    assert (result.need, result.missing) == (1, (named(TWO),))
    held = counted({"sessions": {"at_least": 1}}, CANCELLED, TWO, attended=None, now=AGAIN)
    assert (held.have, held.counted) == (0, ())


def test_what_makes_a_cancelled_session_up_takes_its_place() -> None:
    by_code = {"sessions": {"codes": ["S1"], "at_least": "all"}}
    assert counted(by_code, CANCELLED, MADE_UP).missing == (named(MADE_UP),)
    result = counted(by_code, CANCELLED, MADE_UP, attended=[MADE_UP.item])
    assert (result.met, result.counted) == (True, (MADE_UP.item,))
    # Whoever did the activity that stood for the cancelled one was there, too.
    assert counted(by_code, CANCELLED, MADE_UP, attended=[CANCELLED.item]).met
    lone = meeting("S9", AGAIN, makes_up="m-elsewhere")
    (occasion,) = occasions([lone])
    assert (occasion.lead, occasion.items) == (lone, ("m-elsewhere", lone.item))


def test_one_report_for_a_session_and_its_make_up() -> None:
    needs = {"milestones": {"milestone": "report", "each_session": "gathering"}}
    none = counted(needs, ONE, MADE_UP, now=OTHER)
    assert (none.have, none.need, none.missing[0].params["session"]) == (0, 1, "S1")
    for follows in (ONE.item, MADE_UP.item):
        fine = counted(needs, ONE, MADE_UP, now=OTHER, milestones=(Reached("report", "r", AGAIN, session=follows),))
        assert (fine.have, fine.need, fine.missing) == (1, 1, ())
    assert counted(needs, CANCELLED, now=OTHER).need == 0


ACTIVITIES = [
    ("tied", Activity("MEET", "assign", "", ""), ONE.item),
    ("named", Activity("ACT-S1b", "assign", "", ""), None),
]


def test_what_can_still_be_earned_holds_an_occasion_once() -> None:
    offers = offers_of(BY, ACTIVITIES, (ONE, MADE_UP, TWO))
    assert {offer.alternative for offer in offers} == {ONE.item, TWO.item}
    assert remaining(offers, (), NOW) == (240 + 60, 240 + 60)
    only = offers_of(BY, (), (ONE, MADE_UP))
    # After the first one the make-up is left, and adds nothing to who was there.
    assert remaining(only, (), NOW) == (120, 180)
    was_there = lines_of(BY, [there("a", 180, FIRST, item=ONE.item, alternative=ONE.item)])
    assert remaining(only, was_there, NOW) == (0, 180)
    assert remaining(offers_of(BY, (), (CANCELLED, MADE_UP)), (), NOW) == (120, 120)
    assert offers_of(BY, (), (CANCELLED,)) == ()


def facts(first: int, again: int) -> list[Any]:
    """Somebody at both, who did the activity tied to the one, and one that names the other."""
    return [
        there("a", first, FIRST, item=ONE.item, alternative=ONE.item, code="S1"),
        there("b", again, AGAIN, item=MADE_UP.item, alternative=ONE.item, code="S1b"),
        done("c", "MEET", AGAIN, alternative=ONE.item),
        done("d", "ACT-S1b", OTHER),
        done("e", "ACT-S1", OTHER),
    ]


@settings(max_examples=60, deadline=None, derandomize=True)
@given(data=st.data(), first=st.integers(0, 300), again=st.integers(0, 300), cancelled=st.booleans())
def test_no_double_credit_in_any_order(data: st.DataObject, first: int, again: int, cancelled: bool) -> None:
    worth = {"a": first, "b": again, "c": 240, "d": 200, "e": 200}
    where = community(meetings=(CANCELLED if cancelled else ONE, MADE_UP))
    chosen = data.draw(st.lists(st.sampled_from(facts(first, again)), unique_by=lambda fact: fact.key))
    assert minutes(BY, *chosen, where=where) == max((worth[fact.key] for fact in chosen), default=0)


def test_a_standing_tells_of_no_cancelled_session() -> None:
    by = program(
        requirements=[{"requirement": "all", "title": {}, "of": "participant", "sessions": {"at_least": "all"}}]
    )
    told = standing(by, where=community(meetings=(CANCELLED, TWO)), now=NOW)
    assert [lack.params["session"] for lack in told.outcomes[0].missing] == ["S2"]
    told = standing(by, [done("c", "MEET", AGAIN, alternative=ONE.item)], where=community(meetings=(ONE, MADE_UP)))
    assert told.outcomes[0].missing == ()
