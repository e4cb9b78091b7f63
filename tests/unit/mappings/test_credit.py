"""Facts and decisions to credits: what each state, end and version earns, and why something earns nothing."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mappings.facts import Activity, Adjustment, Credit, Ended, Fact, Nothing, Recalculation, SelfReport, State
from tests.unit.mappings.worlds import (
    BASE,
    WHEN,
    at,
    community,
    done,
    lines_of,
    meeting,
    minutes,
    net,
    nothings,
    program,
    reached,
    span,
    standing,
    there,
    versions,
)

PLAIN = program()


def with_rule(**keys: Any) -> Any:
    """The program with one rule for everything."""
    return program(activities=[{"rule": "all", "minutes": 90, "component": "online"} | keys])


def test_a_completion_earns_by_its_rule() -> None:
    (line,) = lines_of(PLAIN, [done()])
    assert line.credit == Credit("c1", 90, "online", "plan", "v1", WHEN, fact="id-c1")
    assert (line.fact, line.nothing, line.params) == (done(), None, {"rule": "plan", "minutes": 90, "version": 1})


@pytest.mark.parametrize(
    ("state", "ended", "earns"),
    [
        (State.COMPLETE, None, 90),
        (State.PASSED, None, 90),
        (State.FAILED, None, 0),
        (State.INCOMPLETE, None, 0),
        (None, None, 0),
        (State.COMPLETE, Ended.UNDONE, 0),
        (State.COMPLETE, Ended.RESET, 90),
        (State.COMPLETE, Ended.DELETED, 90),
        (State.COMPLETE, Ended.WITHDRAWN, 90),
        (State.PASSED, Ended.LEFT, 90),
        (State.FAILED, Ended.LEFT, 0),
    ],
)
def test_what_takes_minutes_back(state: State | None, ended: Ended | None, earns: int) -> None:
    assert minutes(PLAIN, done(state=state, ended=ended)) == earns


@pytest.mark.parametrize("ended", ["undone", "reset", "deleted", "left"])
@pytest.mark.parametrize(("policy", "earns"), [("keep", 90), ("take_back", 0)])
def test_a_program_says_what_an_end_does(ended: str, policy: str, earns: int) -> None:
    by = program(when_ended={ended: policy})
    fact = done(ended=Ended(ended))
    assert minutes(by, fact) == earns
    if not earns:
        assert nothings(by, fact) == {"c1": "undone" if ended == "undone" else "ended"}
    others = [end for end in Ended if end not in (ended, Ended.WITHDRAWN, Ended.UNDONE)]
    assert [minutes(by, done(ended=other)) for other in others] == [90] * len(others)


@pytest.mark.parametrize(
    ("earns", "expected"),
    [
        ({}, (90, 90, 0)),
        ({"failed": "all"}, (90, 90, 90)),
        ({"failed": 10}, (90, 90, 10)),
        ({"complete": "none"}, (0, 90, 0)),
        ({"passed": "none"}, (90, 0, 0)),
        ({"complete": 30, "passed": "all", "failed": "none"}, (30, 90, 0)),
        ({"complete": 0}, (0, 90, 0)),
    ],
)
def test_what_each_state_earns(earns: dict[str, Any], expected: tuple[int, int, int]) -> None:
    by = with_rule(earns=earns)
    states = (State.COMPLETE, State.PASSED, State.FAILED)
    assert tuple(minutes(by, done(state=state)) for state in states) == expected


def test_a_state_of_zero_minutes_is_not_a_state_that_earns_none() -> None:
    by = with_rule(earns={"complete": 0, "passed": "none"})
    assert nothings(by, done()) == {"c1": "zero_minutes"}
    assert nothings(by, done(state=State.PASSED)) == {"c1": "not_passed"}


@pytest.mark.parametrize(
    ("fact", "nothing"),
    [
        (done(idnumber="OTHER"), Nothing.NO_RULE),
        (done(idnumber="OTHER", provisional=True), Nothing.NO_RULE),
        (done(activity=None), Nothing.UNKNOWN_ACTIVITY),
        (done(state=State.FAILED), Nothing.NOT_PASSED),
        (done(ended=Ended.UNDONE), Nothing.UNDONE),
        (done(provisional=True), Nothing.PROVISIONAL),
        (done(provisional=True, ended=Ended.UNDONE), Nothing.UNDONE),
        (done(idnumber="FREE"), Nothing.ZERO_MINUTES),
        (done(elsewhere=True), Nothing.COUNTS_ELSEWHERE),
        (done(per_session=True), Nothing.PER_SESSION),
        (there("c1", elsewhere=True), Nothing.COUNTS_ELSEWHERE),
        (there("c1", 0), Nothing.ZERO_MINUTES),
        (there("c1", None), Nothing.ZERO_MINUTES),
        (there("c1", -30), Nothing.ZERO_MINUTES),
        (there("c1", mode="hybrid"), Nothing.MODE_WITHOUT_COMPONENT),
        (there("c1", session=None), Nothing.MODE_WITHOUT_COMPONENT),
        (reached("c1", "unheard"), Nothing.NO_RULE),
    ],
)
def test_why_a_fact_earns_nothing(fact: Fact, nothing: Nothing) -> None:
    (line,) = lines_of(PLAIN, [fact])
    assert (line.credit, line.nothing, line.fact) == (None, nothing, fact)


def test_minutes_yet_to_be_set_add_nothing() -> None:
    by = with_rule(minutes="to_be_set", earns={"passed": 20})
    assert nothings(by, done()) == {"c1": Nothing.TO_BE_SET}
    assert nothings(by, done(state=State.FAILED)) == {"c1": Nothing.NOT_PASSED}
    assert minutes(by, done(state=State.PASSED)) == 20


def test_who_leads_earns_nothing() -> None:
    report = SelfReport("r1", WHEN, 30, "online", approved=True)
    lines = lines_of(PLAIN, [done(), there(), reached("m", "x")], participant=False, reports=(report,))
    assert [line.nothing for line in lines] == [Nothing.NOT_A_PARTICIPANT] * 4


@pytest.mark.parametrize(("policy", "nothing"), [("keep", None), ("take_back", Nothing.OVERRIDDEN)])
def test_what_somebody_else_marked_as_done(policy: str, nothing: Nothing | None) -> None:
    (line,) = lines_of(program(when_ended={"overridden": policy}), [done(overridden=True)])
    assert line.nothing is nothing
    assert minutes(PLAIN, done(overridden=True)) == 90
    assert minutes(program(when_ended={"overridden": policy}), done()) == 90


@pytest.mark.parametrize(
    ("state", "ended", "provisional", "nothing"),
    [
        (State.COMPLETE, None, False, Nothing.NO_RULE),
        (State.COMPLETE, Ended.RESET, False, Nothing.NO_RULE),
        (State.COMPLETE, Ended.UNDONE, False, Nothing.UNDONE),
        (State.FAILED, None, False, Nothing.NOT_PASSED),
        (State.PASSED, None, True, Nothing.PROVISIONAL),
    ],
)
def test_an_activity_without_minutes_that_is_a_milestone_has_to_stand(
    state: State, ended: Ended | None, provisional: bool, nothing: Nothing
) -> None:
    phase = {"milestone": "m", "title": {}, "of": "participant", "from_activity": {"idnumber": "PDSA"}}
    needs = {"requirement": "r", "title": {}, "milestones": {"milestone": "m"}}
    by = program(milestones=[phase], requirements=[needs])
    fact = done(idnumber="PDSA", state=state, ended=ended, provisional=provisional)
    assert nothings(by, fact) == {"c1": nothing}
    (outcome,) = standing(by, [fact]).outcomes
    assert outcome.have == (nothing is Nothing.NO_RULE)


MILESTONES = [
    {"milestone": "talk", "title": {}, "of": "team", "minutes": 45, "component": "room"},
    {"milestone": "plan", "title": {}, "of": "participant", "minutes": 60, "component": "room", "evidence": "required"},
    {"milestone": "bare", "title": {}, "of": "participant"},
]


@pytest.mark.parametrize(
    ("fact", "earns", "nothing"),
    [
        (reached("m1", "talk"), 45, None),
        (reached("m1", "talk", ended=Ended.WITHDRAWN), 0, Nothing.UNDONE),
        (reached("m1", "plan"), 0, Nothing.NOT_PROVEN),
        (reached("m1", "plan", proven=True), 60, None),
        (reached("m1", "bare"), 0, Nothing.NO_RULE),
        (replace(reached("m1", "plan"), milestone=None), 0, Nothing.NO_RULE),
    ],
)
def test_milestones(fact: Fact, earns: int, nothing: Nothing | None) -> None:
    (line,) = lines_of(program(milestones=MILESTONES), [fact])
    assert line.nothing is nothing
    assert (line.credit.minutes if line.credit else 0) == earns
    if line.credit:
        assert (line.credit.rule, line.credit.component) == (f"milestone:{line.params['rule'][10:]}", "room")


def test_a_self_report_counts_once_it_is_approved() -> None:
    asked = SelfReport("r1", WHEN, 50, "online", approved=False)
    (line,) = lines_of(PLAIN, [], reports=(asked,))
    assert (line.nothing, line.decision, line.params["minutes"]) == (Nothing.NOT_APPROVED, "r1", 50)
    (line,) = lines_of(PLAIN, [], reports=(replace(asked, approved=True),))
    assert line.credit == Credit("decision:r1", 50, "online", "self-report", "v1", WHEN, decision="r1")
    for nothing in (0, -20):
        (line,) = lines_of(PLAIN, [], reports=(replace(asked, approved=True, minutes=nothing),))
        assert line.nothing is Nothing.ZERO_MINUTES


def test_adjustments_give_and_take_and_are_never_capped_or_rounded() -> None:
    by = program(
        caps=[{"cap": "c", "minutes": 60}], rounding={"to_minutes": 15, "direction": "down", "per": "activity"}
    )
    given = Adjustment("d1", WHEN, 31, "online")
    taken = Adjustment("d2", WHEN + timedelta(days=60), -17, "online")
    lines = lines_of(by, [done()], adjustments=(given, taken))
    assert net(lines) == {"c1": 90, "cap:c::online": -30, "decision:d1": 31, "decision:d2": -17}
    assert [line.decision for line in lines if line.decision] == ["d1", "d2"]


def test_a_large_adjustment_waits_for_a_second_person_by_the_version_of_its_day() -> None:
    by = program(adjustments={"approval_above_minutes": 60})
    for minutes_, waits in ((60, False), (-60, False), (61, True), (-61, True)):
        (line,) = lines_of(by, [], adjustments=(Adjustment("d", WHEN, minutes_, "online"),))
        assert (line.nothing is Nothing.SECOND_APPROVAL, line.credit is None) == (waits, waits), minutes_
        (line,) = lines_of(by, [], adjustments=(Adjustment("d", WHEN, minutes_, "online", approved=True),))
        assert line.credit == Credit("decision:d", minutes_, "online", "adjustment", "v1", WHEN, decision="d")
    (line,) = lines_of(PLAIN, [], adjustments=(Adjustment("d", WHEN, 9_000, "online"),))
    assert line.credit is not None
    known = versions(PLAIN, program(adjustments={"approval_above_minutes": 60}, effective_from="2026-06-01"))
    early, late = Adjustment("e", WHEN, 90, "online"), Adjustment("l", at("2026-06-02"), 90, "online")
    assert net(lines_of(known, [], adjustments=(late, early))) == {"decision:e": 90}


def plan_of(minutes_: int) -> list[dict[str, Any]]:
    return [BASE["activities"][0] | {"minutes": minutes_}]


FIRST = program(effective_from="2026-01-01", activities=plan_of(90))
SECOND = program(effective_from="2026-03-01", activities=plan_of(60))
BOTH = versions(FIRST, SECOND)


@pytest.mark.parametrize(
    ("when", "earns"),
    [
        (at("2025-01-01T00:00"), 90),
        (at("2026-02-28T23:59:59", "America/Los_Angeles"), 90),
        (at("2026-03-01T00:00", "America/Los_Angeles"), 60),
    ],
)
def test_the_version_in_force_at_the_facts_date_counts(when: Any, earns: int) -> None:
    assert minutes(BOTH, done(when=when)) == earns
    assert minutes(BOTH[::-1], done(when=when)) == earns


def test_of_two_versions_of_one_day_the_later_loaded_counts() -> None:
    again = program(effective_from="2026-03-01", activities=plan_of(70))
    assert minutes(versions(FIRST, SECOND, again), done(when=at("2026-04-01"))) == 70


def test_a_recalculation_names_the_version() -> None:
    over = span("2026-01-15", "2026-02-15")
    wrong = Recalculation("r9", at("2026-05-01"), over, "v1")
    right = Recalculation("r2", at("2026-05-02"), over, "v2")
    unknown = Recalculation("r3", at("2026-05-03"), over, "v9")
    for decided in ((wrong, right, unknown), (unknown, right, wrong)):
        lines = lines_of(BOTH, [done(), done("c2", when=over.end)], recalculations=decided)  # type: ignore[arg-type]
        assert net(lines) == {"c1": 60, "c2": 90}
        assert {line.credit.program_version for line in lines if line.credit} == {"v1", "v2"}
    report = SelfReport("s", WHEN, 20, "online", approved=True)
    (line,) = lines_of(BOTH, [], recalculations=(right,), reports=(report,))
    assert line.credit
    assert line.credit.program_version == "v2"


def test_lines_come_by_date_and_each_fact_once() -> None:
    early, late = done("z", when=at("2026-01-01")), done("a", when=at("2026-03-01"))
    report = SelfReport("r1", at("2026-01-15"), 20, "online", approved=False)
    lines = lines_of(PLAIN, [late, early, late, early], reports=(report, report))
    assert [line.fact.key if line.fact else line.decision for line in lines] == ["z", "r1", "a"]


def test_a_milestone_or_activity_that_counts_elsewhere_reaches_nothing_here() -> None:
    by = program(
        milestones=MILESTONES, requirements=[{"requirement": "r", "title": {}, "milestones": {"milestone": "bare"}}]
    )
    assert standing(by, [reached("m", "bare")]).outcomes[0].have == 1
    assert standing(by, [reached("m", "bare", elsewhere=True)]).outcomes[0].have == 0


def test_a_session_code_is_known_from_the_communitys_meetings() -> None:
    by = program(
        activities=[{"rule": "s", "idnumber": "S-(?P<session>.*)", "minutes": 30, "component": "online"}],
        caps=[{"cap": "one", "per": "activity", "minutes": 20}],
    )
    where = community(meetings=(meeting("1", WHEN),))
    assert net(lines_of(by, [done("c", "S-1")], where))["cap:one:m-1:online"] == -10
    assert net(lines_of(by, [done("c", "S-2")], where))["cap:one:session:2:online"] == -10
    assert net(lines_of(by, [done("c", "S-", activity=Activity("S-", "", "", ""))], where))["cap:one:item-c:online"]
