"""Facts and decisions to credits: hand-computed cases, and that the order of arguments doesn't matter."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.credit import credit, credits_of
from mappings.facts import Activity, Adjustment, Ended, Fact, FactKind, Line, Nothing, Session, State
from mappings.loading import parse_program
from mappings.program import ProgramVersion

SOURCE = """\
program: p
title: {en: P}
effective_from: EFFECTIVE
timezone: America/Los_Angeles
commitment: {min_hours: 16, max_hours: 20}
components: [online, face_to_face]
topics: [{code: MATH, title: {en: Math}}]
regions: [{code: BAY, title: {en: Bay}}]
communities: [{course_idnumber: '(?P<topic>x)(?P<region>y)'}]
participant_roles: [student]
attendance: {components: {face_to_face: face_to_face, hybrid: face_to_face}}
activities:
  - {rule: plan, idnumber: PLAN, minutes: MINUTES, component: online}
  - {rule: meeting, idnumber: MEET, minutes: 240, component: face_to_face}
  - {rule: unpaid, idnumber: FREE, minutes: 0, component: online}
"""
FIRST = parse_program(SOURCE.replace("EFFECTIVE", "2026-01-01").replace("MINUTES", "90"))
SECOND = parse_program(SOURCE.replace("EFFECTIVE", "2026-03-01").replace("MINUTES", "60"))
VERSIONS = (ProgramVersion(id="v1", number=1, program=FIRST), ProgramVersion(id="v2", number=2, program=SECOND))
WHEN = datetime(2026, 2, 1, 12, 0, tzinfo=UTC)


def completion(key: str = "c1", idnumber: str = "PLAN", **more: Any) -> Fact:
    values: dict[str, Any] = {"state": State.COMPLETE, "activity": Activity(idnumber, "assign", "", "Plan")}
    return Fact(f"id-{key}", key, FactKind.COMPLETION, WHEN, **(values | more))


def attendance(key: str = "a1", minutes: int = 240, mode: str = "face_to_face", **more: Any) -> Fact:
    meeting = Session("Session 1", mode)
    return Fact(f"id-{key}", key, FactKind.ATTENDANCE, WHEN, minutes=minutes, session=meeting, **more)


def lines_of(*facts: Fact, adjustments: tuple[Adjustment, ...] = (), participant: bool = True) -> list[Line]:
    return credit(facts, adjustments, VERSIONS, participant=participant)


def only(*facts: Fact, participant: bool = True) -> Line:
    (line,) = lines_of(*facts, participant=participant)
    return line


def minutes(lines: list[Line]) -> dict[str, int]:
    return {earned.key: earned.minutes for earned in credits_of(lines)}


def test_a_completion_earns_by_its_rule() -> None:
    earned = only(completion()).credit
    assert earned is not None
    assert (earned.key, earned.minutes, earned.component, earned.rule) == ("c1", 90, "online", "plan")
    assert (earned.program_version, earned.happened_at, earned.fact) == ("v1", WHEN, "id-c1")


def test_the_version_in_force_at_the_facts_date_counts() -> None:
    later = replace(completion("c2"), happened_at=datetime(2026, 3, 1, 8, 0, tzinfo=UTC))
    just_before = replace(completion("c3"), happened_at=datetime(2026, 3, 1, 7, 59, tzinfo=UTC))
    assert minutes(lines_of(later, just_before)) == {"c2": 60, "c3": 90}


@pytest.mark.parametrize(
    ("state", "ended", "earns"),
    [
        (State.COMPLETE, None, 90),
        (State.PASSED, None, 90),
        (State.FAILED, None, 0),
        (State.COMPLETE, Ended.UNDONE, 0),
        (State.COMPLETE, Ended.RESET, 90),
        (State.COMPLETE, Ended.DELETED, 90),
        (State.PASSED, Ended.LEFT, 90),
        (State.FAILED, Ended.LEFT, 0),
    ],
)
def test_what_takes_minutes_back(state: State, ended: Ended | None, earns: int) -> None:
    assert sum(minutes(lines_of(completion(state=state, ended=ended))).values()) == earns


@pytest.mark.parametrize(
    ("fact", "nothing"),
    [
        (completion(idnumber="OTHER"), Nothing.NO_RULE),
        (completion(activity=None), Nothing.UNKNOWN_ACTIVITY),
        (completion(state=State.FAILED), Nothing.NOT_PASSED),
        (completion(ended=Ended.UNDONE), Nothing.UNDONE),
        (completion(provisional=True), Nothing.PROVISIONAL),
        (completion(provisional=True, ended=Ended.UNDONE), Nothing.UNDONE),
        (completion(idnumber="FREE"), Nothing.ZERO_MINUTES),
        (attendance(minutes=0), Nothing.ZERO_MINUTES),
        (attendance(mode="virtual"), Nothing.MODE_WITHOUT_COMPONENT),
    ],
)
def test_why_a_fact_earns_nothing(fact: Fact, nothing: Nothing) -> None:
    line = only(fact)
    assert (line.credit, line.nothing, line.fact) == (None, nothing, fact)


def test_a_facilitator_earns_nothing() -> None:
    assert only(completion(), participant=False).nothing is Nothing.NOT_A_PARTICIPANT
    assert only(attendance(), participant=False).nothing is Nothing.NOT_A_PARTICIPANT


def test_attendance_earns_the_minutes_present() -> None:
    earned = only(attendance(minutes=185, mode="hybrid")).credit
    assert earned is not None
    assert (earned.minutes, earned.component, earned.rule) == (185, "face_to_face", "attendance:hybrid")


@pytest.mark.parametrize(("present", "counted"), [(300, "a1"), (180, "c1"), (240, "a1")])
def test_the_best_of_alternatives_counts_once(present: int, counted: str) -> None:
    lines = lines_of(
        attendance(minutes=present, alternative="s1"), completion(idnumber="MEET", alternative="s1"), completion("c9")
    )
    assert minutes(lines) == {counted: max(present, 240), "c9": 90}
    (other,) = [line for line in lines if line.nothing]
    assert (other.nothing, other.params) == (Nothing.ALTERNATIVE_COUNTED, {"counted": counted})


def test_an_alternative_that_earns_nothing_takes_nothing_away() -> None:
    lines = lines_of(
        attendance(minutes=0, alternative="s1"), completion(idnumber="MEET", ended=Ended.UNDONE, alternative="s1")
    )
    assert [line.nothing for line in lines] == [Nothing.ZERO_MINUTES, Nothing.UNDONE]


def test_adjustments_give_and_take() -> None:
    given_, taken = Adjustment("d1", WHEN, 30, "online"), Adjustment("d2", WHEN + timedelta(days=60), -15, "online")
    lines = lines_of(completion(), adjustments=(given_, taken))
    assert minutes(lines) == {"c1": 90, "decision:d1": 30, "decision:d2": -15}
    assert [line.decision for line in lines if line.decision] == ["d1", "d2"]


def facts() -> st.SearchStrategy[list[Fact]]:
    when = st.integers(0, 60).map(lambda day: WHEN + timedelta(days=day))
    group = st.sampled_from([None, "s1", "s2"])
    completions = st.builds(
        completion,
        st.integers(0, 20).map(lambda n: f"c{n:02}"),
        st.sampled_from(["PLAN", "MEET", "FREE", "OTHER"]),
        state=st.sampled_from(State),
        ended=st.sampled_from([None, *Ended]),
        provisional=st.booleans(),
        alternative=group,
    )
    attendances = st.builds(
        attendance,
        st.integers(0, 20).map(lambda n: f"a{n:02}"),
        st.integers(0, 300),
        st.sampled_from(["face_to_face", "virtual", "hybrid"]),
        alternative=group,
    )
    dated = st.builds(lambda fact, moment: replace(fact, happened_at=moment), completions | attendances, when)
    return st.lists(dated, max_size=12, unique_by=lambda fact: fact.key)


@given(facts(), st.randoms(use_true_random=False))
def test_the_order_of_arguments_does_not_matter(given_facts: list[Fact], random: Any) -> None:
    adjustments = [Adjustment(f"d{n}", WHEN + timedelta(days=n), n - 2, "online") for n in range(4)]
    expected = credit(given_facts, adjustments, VERSIONS, participant=True)
    shuffled, decisions, versions = list(given_facts), list(adjustments), list(VERSIONS)
    for items in (shuffled, decisions, versions):
        random.shuffle(items)
    assert credit(shuffled, decisions, tuple(versions), participant=True) == expected


@given(facts())
def test_every_fact_has_one_line_and_no_credit_key_twice(given_facts: list[Fact]) -> None:
    lines = credit(given_facts, [], VERSIONS, participant=True)
    assert sorted(line.fact.key for line in lines if line.fact) == sorted(fact.key for fact in given_facts)
    assert all((line.credit is None) != (line.nothing is None) for line in lines)
    keys = [earned.key for earned in credits_of(lines)]
    assert len(keys) == len(set(keys))
    groups = [line.fact.alternative for line in lines if line.credit and line.fact and line.fact.alternative]
    assert len(groups) == len(set(groups))
