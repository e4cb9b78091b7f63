"""How far a membership is: its band, pace, what can't be reached any more, what is missing, until when it holds."""

from datetime import timedelta
from typing import Any

import pytest

from mappings.conditions import Lacks, Missing
from mappings.facts import Activity, Adjustment, Credit, Ended, Fact, Member, Offer, State
from mappings.outcomes import OutcomeStatus
from mappings.standing import REACHED, Status, derived, forecast
from tests.unit.mappings.worlds import (
    BASE,
    LA,
    WHEN,
    at,
    community,
    done,
    meeting,
    offering,
    program,
    reached,
    span,
    standing,
    talk,
    there,
)

BAND = {"min_hours": 16, "max_hours": 20}
BY = program(commitment=BAND)


def given(minutes: int, when: Any = WHEN, component: str = "online", number: int = 1) -> Adjustment:
    return Adjustment(f"d{number}", when, minutes, component)


@pytest.mark.parametrize(
    ("minutes", "status"),
    [
        (0, Status.IN_PROGRESS),
        (959, Status.IN_PROGRESS),
        (960, Status.MET),
        (1200, Status.MET),
        (1201, Status.ABOVE),
        (-30, Status.IN_PROGRESS),
    ],
)
def test_the_borders_of_the_band(minutes: int, status: Status) -> None:
    found = standing(BY, adjustments=(given(minutes),))
    assert (found.minutes, found.all_minutes, found.status) == (minutes, minutes, status)
    assert (found.status in REACHED) == (minutes >= 960)
    assert (found.band_min, found.band_max) == (960, 1200)
    lacks = Missing(Lacks.HOURS, {"minutes": 960 - minutes, "component": None})
    assert found.missing == ((lacks,) if minutes < 960 else ())


def test_no_band_and_nothing_required_is_no_commitment() -> None:
    found = standing(program(), adjustments=(given(5_000),))
    assert (found.status, found.band_min, found.band_max, found.missing) == (Status.NO_COMMITMENT, None, None, ())
    needs = program(requirements=[{"requirement": "r", "title": {}, "hours": {"min_hours": 1}}])
    assert standing(needs, adjustments=(given(60),)).status is Status.MET
    assert standing(needs, adjustments=(given(59),)).status is Status.IN_PROGRESS


def test_minutes_are_summed_by_component_and_never_capped() -> None:
    parts = ((900, "online"), (600, "room"), (45, "online"), (-45, "online"), (5, "x"), (-5, "x"))
    decided = tuple(given(m, component=part, number=n) for n, (m, part) in enumerate(parts))
    found = standing(BY, adjustments=decided)
    assert (found.minutes, found.by_component) == (1500, {"online": 900, "room": 600})
    assert found == standing(BY, adjustments=decided[::-1])


def test_hours_of_fifty_minutes() -> None:
    found = standing(program(commitment=BAND, hour_minutes=50))
    assert (found.band_min, found.band_max) == (800, 1000)


def test_what_moodle_has_yet_to_say_is_on_its_way() -> None:
    facts = [
        done("c1", provisional=True),
        done("c2", activity=None),
        done("c3", "OTHER"),
        done("c4", ended=Ended.UNDONE),
        done("c5"),
    ]
    assert standing(BY, facts).on_their_way == 2


def test_not_started() -> None:
    assert standing(BY).status is Status.NOT_STARTED
    assert standing(BY, [done(idnumber="OTHER")]).status is Status.NOT_STARTED
    # What is done without earning minutes is a start; so is what a transfer brings.
    assert standing(BY, [done(idnumber="FREE")]).status is Status.IN_PROGRESS
    brought = (Credit("b", 30, "online", "r", "v0", at("2025-01-01")),)
    found = standing(BY, brought=brought)
    assert (found.status, found.minutes, found.all_minutes) == (Status.IN_PROGRESS, 30, 30)


def test_transfers_add_up_where_their_date_is() -> None:
    yearly = program(commitment=BAND, school_year={"starts": "07-01"}, period={"every": "school_year"})
    brought = tuple(
        Credit(f"b{n}", 500, "room", "r", "v0", at(day)) for n, day in enumerate(("2025-06-01", "2025-08-01"))
    )
    found = standing(yearly, [done()], brought=brought)
    assert (found.minutes, found.all_minutes, found.by_component) == (590, 1090, {"online": 90, "room": 500})


def test_a_fact_of_both_communities_counts_once_and_each_ones_caps_count() -> None:
    by = program(caps=[{"cap": "c", "minutes": 80}])
    same = Credit("c1", 90, "online", "plan", "v1", WHEN, fact="id-c1")
    taken = Credit("cap:c::online", -40, "online", "cap:c", "v1", WHEN)
    other = Credit("c0", 50, "online", "plan", "v1", WHEN, fact="id-c0")
    assert standing(by, [done()], brought=(same,)).all_minutes == 80
    assert standing(by, [done()], brought=(same, other, taken)).all_minutes == 80 + 50 - 40


def test_a_period_and_what_it_hands_on() -> None:
    keys: dict[str, Any] = {"commitment": {"min_hours": 1, "max_hours": 2}, "school_year": {"starts": "07-01"}}
    carry = {"every": "school_year", "carry_over": {"max_hours": 1}}
    before = at("2025-06-01")
    for earned, carried in ((100, 0), (120, 0), (150, 30), (180, 60), (400, 60)):
        by = program(period=carry, **keys)
        found = standing(by, [talk("c1")], adjustments=(given(earned, before),))
        assert (found.carried, found.minutes, found.all_minutes) == (carried, 60 + carried, 60 + earned)
        assert found.by_component == {"online": 60}
        assert found.valid_until == at("2026-07-01", LA)
    assert standing(program(period={"every": "school_year"}, **keys), adjustments=(given(400, before),)).carried == 0
    # It comes from the period before and from no earlier one.
    assert standing(program(period=carry, **keys), adjustments=(given(400, at("2024-06-01")),)).carried == 0
    no_band = program(period=carry, school_year={"starts": "07-01"})
    assert standing(no_band, adjustments=(given(400, before),)).carried == 0


def test_between_terms() -> None:
    terms = [
        {"term": "fall", "starts": "08-15", "ends": "12-20"},
        {"term": "spring", "starts": "01-10", "ends": "06-10"},
    ]
    by = program(commitment=BAND, terms=terms, period={"every": "term", "carry_over": {"max_hours": 5}})
    found = standing(
        by, now=at("2025-12-25"), adjustments=(given(1230, at("2025-10-01")), given(7, at("2025-12-24"), number=2))
    )
    assert (found.minutes, found.carried, found.valid_until) == (30, 30, at("2026-01-10", LA))


DATED = community(span=span("2026-01-01", "2026-04-11", LA))
PACED = program(commitment={"min_hours": 10, "max_hours": 20}, pace={"behind_by_percent": 10})


@pytest.mark.parametrize(("minutes", "share"), [(0, 0.1), (60, 0.2), (300, 0.6), (539, 0.1 + 539 / 600)])
def test_behind_exactly_when_it_was_said(minutes: int, share: float) -> None:
    start, end = DATED.span.start, DATED.span.end
    assert start
    assert end
    decided = (given(minutes, start),)
    now = start
    found = standing(PACED, now=now, where=DATED, adjustments=decided)
    assert found.status is Status.ON_PACE
    assert found.valid_until
    assert abs((found.valid_until - start) / (end - start) - share) < 1e-9
    tick = timedelta(microseconds=1)
    assert standing(PACED, now=found.valid_until - tick, where=DATED, adjustments=decided).status is Status.ON_PACE
    after = standing(PACED, now=found.valid_until, where=DATED, adjustments=decided)
    assert (after.status, after.valid_until) == (Status.BEHIND, end)
    assert standing(PACED, now=end - tick, where=DATED, adjustments=decided).status is Status.BEHIND
    assert standing(PACED, now=end, where=DATED, adjustments=decided).status is Status.CANNOT_REACH


def test_who_is_within_the_slack_is_never_behind() -> None:
    found = standing(PACED, where=DATED, adjustments=(given(540),))
    assert (found.status, found.valid_until) == (Status.ON_PACE, DATED.span.end)
    over = standing(PACED, now=at("2026-04-12"), where=DATED, adjustments=(given(590),))
    assert (over.status, over.valid_until) == (Status.CANNOT_REACH, None)


def test_no_pace_without_dates_a_band_or_a_word_in_the_file() -> None:
    for by, where in ((PACED, community()), (BY, DATED), (PACED, community(span=span("2026-01-01", None)))):
        assert standing(by, [done()], where=where).status is Status.IN_PROGRESS
    tiny = program(commitment={"min_hours": 0.001, "max_hours": 20}, pace={"behind_by_percent": 10})
    assert standing(tiny, where=DATED).status is Status.MET
    assert standing(tiny, where=DATED, adjustments=(given(-5),)).band_min == 0


def test_pace_goes_by_the_school_year_where_hours_do() -> None:
    by = program(
        commitment={"min_hours": 10, "max_hours": 20},
        pace={"behind_by_percent": 10},
        school_year={"starts": "07-01"},
        period={"every": "school_year"},
    )
    found = standing(by, [done(when=at("2025-07-05"))], now=at("2025-07-06"), where=DATED)
    assert found.status is Status.ON_PACE
    assert found.valid_until
    assert found.valid_until - at("2025-07-01", LA) == timedelta(days=365) * ((90 + 60) / 600)


def test_an_overdue_requirement_is_behind() -> None:
    needs = {"requirement": "r", "title": {}, "activities": {"rules": ["plan"]}, "due": {"on": "2026-01-31"}}
    by = program(commitment=BAND, requirements=[needs])
    decided = (given(960),)
    assert standing(by, now=at("2026-01-31", LA), adjustments=decided).status is Status.IN_PROGRESS
    found = standing(by, adjustments=decided)
    assert (found.status, [str(one.code) for one in found.missing]) == (Status.BEHIND, ["activity"])
    assert standing(by, adjustments=decided, waived=["r"]).status is Status.MET
    assert standing(by, [done()], adjustments=decided).status is Status.MET
    assert standing(by, [done()]).missing[0].code is Lacks.HOURS


def test_a_figure_yet_to_be_set_is_never_met() -> None:
    by = program(requirements=[{"requirement": "r", "title": {}, "hours": {"min_hours": "to_be_set"}}])
    found = standing(by, [done()])
    assert (found.status, found.outcomes[0].status) == (Status.IN_PROGRESS, OutcomeStatus.TO_BE_SET)


SMALL = program(commitment={"min_hours": 2, "max_hours": 3})
LATER = at("2026-03-01")


def test_cannot_reach_where_what_is_left_is_not_enough() -> None:
    session = meeting("1", LATER, planned_minutes=60)
    where = offering(SMALL, [("item-c1", "PLAN")], meetings=(session,))
    over = LATER + timedelta(minutes=60)
    assert standing(SMALL, where=where).valid_until == over
    assert standing(SMALL, now=over - timedelta(seconds=1), where=where).status is Status.NOT_STARTED
    assert standing(SMALL, now=over, where=where).status is Status.CANNOT_REACH
    assert standing(SMALL, [done("c9", "MEET")], now=over, where=where).status is Status.ABOVE
    assert standing(SMALL, now=over, where=where, adjustments=(given(30),)).status is Status.IN_PROGRESS
    assert standing(SMALL, now=over, where=where, adjustments=(given(29),)).status is Status.CANNOT_REACH
    # The plan is done, and counts no second time.
    assert standing(SMALL, [done()], now=over, where=where).status is Status.CANNOT_REACH


def test_where_the_community_offers_too_little_more_is_to_come() -> None:
    where = offering(SMALL, meetings=(meeting("1", LATER, planned_minutes=119),))
    assert standing(SMALL, now=at("2026-04-01"), where=where).status is Status.NOT_STARTED
    where = community(offers=(Offer("m", 120, "online", None, LATER),))
    assert standing(SMALL, now=at("2026-04-01"), where=where).status is Status.CANNOT_REACH


def needs(**condition: Any) -> Any:
    return program(
        requirements=[{"requirement": "r", "title": {}} | condition],
        activities=[
            *BASE["activities"],
            {"rule": "up", "idnumber": "UP-(?P<session>.*)", "minutes": 5, "component": "online"},
            {"rule": "late", "idnumber": "LATE", "minutes": 5, "component": "online", "earns": {"failed": "all"}},
        ],
        session_kinds=[{"kind": "short", "title": {}, "attendance": {"at_least": 60}}],
    )


SESSIONS = community(meetings=(meeting("1", at("2026-01-10")), meeting("2", LATER)))


@pytest.mark.parametrize(
    ("fact", "attended"),
    [
        (there("a", 100, item="m-1", alternative="m-1"), True),
        (there("a", 0, item="m-1", alternative="m-1"), False),
        (there("a", 100, item="m-2", alternative="m-2"), True),
        (there("a", 100, item="m-1", mode="hybrid"), True),
        (there("a", 20, item="m-1", kind="short"), False),
        (there("a", 100, item="m-1", elsewhere=True), False),
        # An activity that stands for the session, as the records or the rule's pattern say.
        (done("c", item="i", alternative="m-1"), True),
        (done("c", "FREE", item="i", alternative="m-1"), True),
        (done("c", "UP-1", item="i"), True),
        (done("c", "UP-9", item="i"), False),
        (done("c", "UP-1", item="i", state=State.FAILED), False),
        (done("c", item="m-1"), False),
    ],
)
def test_required_sessions(fact: Fact, attended: bool) -> None:
    found = standing(needs(sessions={"at_least": 1}), [fact], where=SESSIONS)
    assert (found.outcomes[0].have, found.status is Status.MET) == (attended, attended)


def test_every_session_of_the_period_is_required() -> None:
    by = needs(sessions={})
    one = there("a", 100, item="m-1")
    found = standing(by, [one], where=SESSIONS)
    assert [lack.params["session"] for lack in found.missing] == ["2"]
    assert standing(by, [one, there("b", 100, item="m-2")], where=SESSIONS).status is Status.MET
    assert found.valid_until == LATER


@pytest.mark.parametrize(
    ("fact", "stands"),
    [
        (done(), True),
        (done(ended=Ended.LEFT), True),
        (done(ended=Ended.UNDONE), False),
        (done(provisional=True), False),
        (done(elsewhere=True), False),
    ],
)
def test_required_activities(fact: Fact, stands: bool) -> None:
    assert standing(needs(activities={"rules": ["plan"]}), [fact]).outcomes[0].have == stands


def test_required_milestones_of_a_participant() -> None:
    keys: dict[str, Any] = {
        "milestones": [
            {"milestone": "essay", "title": {}, "of": "participant", "evidence": "required",
             "from_activity": {"idnumber": "ESSAY-(?P<cycle>.)"}},
            {"milestone": "own", "title": {}, "of": "participant", "minutes": 30, "component": "online"},
        ],
        "requirements": [
            {"requirement": name, "title": {}, "milestones": {"milestone": name}} for name in ("essay", "own")
        ],
    }  # fmt: skip
    by = program(**keys)

    def have(*facts: Fact) -> list[int]:
        return [one.have for one in standing(by, facts).outcomes]

    assert have(done(idnumber="ESSAY-1")) == [1, 0]
    assert have(done("c1", "ESSAY-1"), done("c2", "ESSAY-2"), done("c3", "ESSAY-2"), done("c4", "ESSAY")) == [2, 0]
    assert have(reached("m", "essay")) == [0, 0]
    assert have(reached("m", "essay", proven=True), reached("n", "own")) == [1, 1]
    assert have(reached("n", "own", ended=Ended.WITHDRAWN)) == [0, 0]
    found = standing(by, [reached("n", "own")], participant=False)
    assert (found.outcomes[1].have, found.minutes) == (0, 0)


def phase(key: str, label: str, day: str) -> Fact:
    return done(key, when=at(day), activity=Activity(f"PLAN-{label}", "", "", ""))


def test_milestones_that_completions_of_a_team_amount_to() -> None:
    def by(completed_by: str) -> Any:
        source = {"idnumber": "PLAN-(?P<cycle>.)", "completed_by": completed_by}
        return program(milestones=[{"milestone": "plan", "title": {}, "of": "team", "from_activity": source}])

    members = [
        [phase("a1", "1", "2026-01-02"), phase("a0", "1", "2026-01-03"), phase("a2", "2", "2026-01-09")],
        [phase("b1", "1", "2026-01-05"), talk("b9")],
    ]
    of_any = [(one.key, one.cycle, one.proven) for one in derived(by("any"), "team", members)]
    assert of_any == [("a1", "1", True), ("a2", "2", True)]
    assert [(one.key, one.cycle) for one in derived(by("all"), "team", members)] == [("b1", "1")]
    assert derived(by("all"), "team", []) == []
    assert derived(by("any"), "community", members) == []


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-01", None),
        ("2026-01-20", None),
        ("2026-01-21", 500),
        ("2026-02-20", 200),
        ("2026-04-11", 100),
        ("2026-05-01", 100),
    ],
)
def test_forecast(now: str, expected: int | None) -> None:
    assert forecast(100, span("2026-01-01", "2026-04-11"), at(now)) == expected


def test_no_forecast_without_dates() -> None:
    assert forecast(100, span(None, "2026-04-11"), WHEN) is None
    assert forecast(100, span("2026-01-01", None), WHEN) is None


def test_the_topics_and_the_communitys_own_bands() -> None:
    topics = [{"code": "MATH", "title": {}, "commitment": {"min_hours": 1, "max_hours": 2}}]
    assert standing(program(commitment=BAND, topics=topics)).band_min == 60
    own = [{"course_idnumber": "COP", "commitment": {"min_hours": 3, "max_hours": 4}}]
    assert standing(program(commitment=BAND, topics=topics, particulars=own)).band_min == 180
    assert standing(program(topics=[topics[0] | {"commitment": "to_be_set"}])).band_min is None


def test_newcomers_are_asked_for_more() -> None:
    by = program(
        requirements=[{"requirement": "r", "title": {}, "only": {"newcomers": True}, "activities": {"rules": ["free"]}}]
    )
    assert standing(by).status is Status.NO_COMMITMENT
    assert standing(by, member=Member(newcomer=True)).status is Status.NOT_STARTED
    assert standing(by, [done(idnumber="FREE")], member=Member(newcomer=True)).status is Status.MET
