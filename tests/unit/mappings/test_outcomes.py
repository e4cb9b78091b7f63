"""Requirements: of whom they are asked, within what, until when; met, open, overdue, waived, yet to be set."""

from datetime import date
from typing import Any

import pytest

from mappings.conditions import Evidence, Lacks, Missing, Reached
from mappings.facts import Credit, Member, Organisation
from mappings.outcomes import Asked, Outcome, OutcomeStatus, calendar_of, outcomes
from tests.unit.mappings.worlds import KOLKATA, LA, at, community, meeting, program, span

SCHOOL = Organisation("s", "school", "ES", "focus", date(2025, 9, 30), "d")
NOW = at("2026-02-01")
NOTE = {"milestones": {"milestone": "note"}}
KEYS: dict[str, Any] = {
    "milestones": [{"milestone": "note", "title": {}, "of": "team", "after": "gathering"}],
    "session_kinds": [{"kind": "gathering", "title": {}}],
    "school_year": {"starts": "07-01"},
    "job_roles": [{"code": "teacher", "title": {}}],
}
HERE = community(span=span("2025-10-15", "2026-06-01", LA))


def outcome(
    requirement: dict[str, Any],
    *reached: Reached,
    now: Any = NOW,
    asked: Asked | None = None,
    waived: Any = (),
    **more: Any,
) -> Outcome:
    by = program(**KEYS, requirements=[{"requirement": "r", "title": {}} | requirement])
    asked = asked or Asked(Member(organisation=SCHOOL), HERE)
    (found,) = outcomes(
        by, "participant", Evidence(milestones=reached, **more), asked, dict.fromkeys(waived, "d1"), now
    )
    return found


def note(when: Any, **more: Any) -> Reached:
    return Reached("note", "n1", when, **more)


@pytest.mark.parametrize(
    ("due", "instant", "zone"),
    [
        ({"on": "2026-03-08"}, "2026-03-09", LA),
        ({"on": "2026-03-08"}, "2026-03-09", KOLKATA),
        ({"at": "period_end"}, "2026-07-01", LA),
        ({"after": "community_start", "days": 0}, "2025-10-16", LA),
        ({"after": "community_start", "days": 30}, "2025-11-15", LA),
        ({"after": "community_start", "months": 4}, "2026-02-16", LA),
        ({"after": "designation", "days": 10}, "2025-10-11", LA),
        ({"after": "designation", "months": 5}, "2026-03-01", LA),
        ({"after": "designation", "months": 24}, "2027-10-01", LA),
    ],
)
def test_due_dates_include_their_day(due: dict[str, Any], instant: str, zone: Any) -> None:
    where = community(zone=zone, span=span("2025-10-15T09:00", "2026-06-01", zone))
    asked = Asked(Member(organisation=SCHOOL), where)
    needs = NOTE | {"due": due, "within": {"every": "school_year"}}
    found = outcome(needs, asked=asked, now=at(instant, zone).replace(year=2024))
    assert found.due == at(instant, zone) or due == {"at": "period_end"}
    moment = at(instant, zone)
    before = outcome(needs, asked=asked, now=moment - (moment.resolution))
    assert (before.status, before.due) == (OutcomeStatus.OPEN, moment)
    assert before.changes_at == moment
    if due != {"at": "period_end"}:
        assert outcome(needs, asked=asked, now=moment).status is OutcomeStatus.OVERDUE


def test_an_anchored_period_ends_for_good() -> None:
    needs = NOTE | {"due": {"at": "period_end"}, "within": {"every": "years", "years": 1, "anchor": "designation"}}
    end = at("2026-09-30", LA)
    assert (outcome(needs).status, outcome(needs).due) == (OutcomeStatus.OPEN, end)
    assert outcome(needs, now=end).status is OutcomeStatus.OVERDUE
    assert outcome(needs, note(at("2026-09-30T06:00")), now=end).status is OutcomeStatus.MET
    nowhere = outcome(needs, asked=Asked())
    assert (nowhere.status, nowhere.missing) == (OutcomeStatus.TO_BE_SET, (Missing(Lacks.CALENDAR),))


@pytest.mark.parametrize("due", [{"after": "designation", "days": 1}, {"after": "community_start", "days": 1}])
def test_without_its_day_nothing_is_due(due: dict[str, Any]) -> None:
    found = outcome(NOTE | {"due": due}, asked=Asked(Member(), community()))
    assert (found.status, found.due, found.changes_at) == (OutcomeStatus.OPEN, None, None)
    assert outcome(NOTE | {"due": {"at": "period_end"}, "within": {"every": "all_time"}}).due is None


def test_each_report_is_due_after_its_session() -> None:
    needs = {
        "milestones": {"milestone": "note", "each_session": "gathering"},
        "due": {"after": "session", "days": 7},
    }
    sessions = (
        meeting("S1", at("2026-01-10T18:00", LA), kind="gathering"),
        meeting("S2", at("2026-03-10T18:00", LA), kind="gathering"),
    )
    first, second = at("2026-01-18", LA), at("2026-03-18", LA)
    one = note(at("2026-01-15"), session="m-S1")
    found = outcome(needs, sessions=sessions, now=at("2026-01-01"))
    assert (found.status, found.due, found.changes_at) == (OutcomeStatus.MET, first, sessions[0].starts_at)
    assert outcome(needs, sessions=sessions, now=at("2026-01-17")).status is OutcomeStatus.OPEN
    assert outcome(needs, sessions=sessions, now=first).status is OutcomeStatus.OVERDUE
    assert outcome(needs, one, sessions=sessions, now=first).status is OutcomeStatus.MET
    after = outcome(needs, one, sessions=sessions, now=at("2026-03-12"))
    assert (after.status, after.due, after.have, after.need) == (OutcomeStatus.OPEN, second, 1, 2)
    two = Reached("note", "n2", at("2026-04-01"), session="m-S2")
    assert outcome(needs, one, two, sessions=sessions, now=at("2026-04-01")).due is None


def test_within_what_a_requirement_is_counted() -> None:
    assert outcome(NOTE, note(at("2020-01-01"))).status is OutcomeStatus.MET
    yearly = NOTE | {"within": {"every": "school_year"}}
    found = outcome(yearly, note(at("2025-06-30")))
    assert (found.status, found.span) == (OutcomeStatus.OPEN, span("2025-07-01", "2026-07-01", LA))
    assert found.changes_at == at("2026-07-01", LA)
    assert outcome(yearly, note(at("2025-06-30")), now=at("2025-06-01")).status is OutcomeStatus.MET
    own = NOTE | {"within": {"every": "community"}}
    assert outcome(own, note(at("2025-10-01"))).status is OutcomeStatus.OPEN
    assert outcome(own, note(at("2025-11-01"))).status is OutcomeStatus.MET
    assert outcome(own, now=at("2025-10-01")).changes_at == at("2025-10-15", LA)


def test_waived_met_and_yet_to_be_set() -> None:
    late = NOTE | {"due": {"on": "2026-01-01"}}
    assert outcome(late).status is OutcomeStatus.OVERDUE
    assert outcome(late).missing
    waived = outcome(late, waived=["r"])
    assert (waived.status, waived.missing) == (OutcomeStatus.WAIVED, ())
    assert outcome(late, waived=["other"]).status is OutcomeStatus.OVERDUE
    met = outcome(late, note(NOW))
    assert (met.status, met.have, met.need, met.missing, met.counted) == (OutcomeStatus.MET, 1, 1, (), ("n1",))
    unset = outcome({"hours": {"min_hours": "to_be_set"}, "due": {"on": "2026-01-01"}})
    assert (unset.status, unset.unit, unset.missing) == (
        OutcomeStatus.TO_BE_SET,
        "minutes",
        (Missing(Lacks.SETTING),),
    )
    earned = (Credit("c", 60, "online", "r", "v1", at("2020-01-01")),)
    yearly = outcome({"hours": {"min_hours": 1}, "within": {"every": "school_year"}}, credits=earned)
    assert [key for key, _ in yearly.passed_over] == ["c"]


WHO = Member(newcomer=True, job_role="teacher", organisation=SCHOOL)


@pytest.mark.parametrize(
    ("only", "fits"),
    [
        ({}, True),
        ({"newcomers": True}, True),
        ({"job_roles": ["teacher"]}, True),
        ({"organisation_kinds": ["district", "school"]}, True),
        ({"organisation_kinds": ["district"]}, False),
        ({"designations": ["focus"]}, True),
        ({"designations": ["other"]}, False),
        ({"levels": ["ES"]}, True),
        ({"levels": ["MS"]}, False),
        ({"topics": ["MATH"]}, True),
        ({"regions": ["BAY"]}, True),
        ({"regions": ["BAY"], "levels": ["MS"]}, False),
    ],
)
def test_whom_it_is_asked_of(only: dict[str, Any], fits: bool) -> None:
    by = program(**KEYS, requirements=[{"requirement": "r", "title": {}, "only": only} | NOTE])
    assert len(outcomes(by, "participant", Evidence(), Asked(WHO, HERE), {}, NOW)) == fits
    # What isn't known of somebody doesn't fit.
    assert len(outcomes(by, "participant", Evidence(), Asked(), {}, NOW)) == (not only)
    if only == {"newcomers": True}:
        assert not outcomes(by, "participant", Evidence(), Asked(Member(), HERE), {}, NOW)


@pytest.mark.parametrize(
    ("only", "asked"),
    [
        ({"topics": ["MATH"]}, Asked(WHO, community(topic="IET"))),
        ({"regions": ["BAY"]}, Asked(WHO, community(region="LA"))),
        ({"job_roles": ["teacher"]}, Asked(Member(job_role="coach"), HERE)),
    ],
)
def test_whom_it_is_not_asked_of(only: dict[str, Any], asked: Asked) -> None:
    by = program(**KEYS, requirements=[{"requirement": "r", "title": {}, "only": only} | NOTE])
    assert outcomes(by, "participant", Evidence(), asked, {}, NOW) == []


def test_requirements_of_other_subjects_and_the_files_order() -> None:
    needs = [{"requirement": name, "title": {}, "of": of} | NOTE for name, of in (("b", "team"), ("a", "team"))]
    by = program(**KEYS, requirements=[*needs, {"requirement": "c", "title": {}} | NOTE])
    assert [one.requirement for one in outcomes(by, "team", Evidence(), Asked(), {}, NOW)] == ["b", "a"]
    assert [one.requirement for one in outcomes(by, "participant", Evidence(), Asked(), {}, NOW)] == ["c"]
    assert outcomes(by, "organisation", Evidence(), Asked(), {}, NOW) == []


def test_where_no_community_is_known_the_programs_clock_counts() -> None:
    by = program(timezone="Asia/Kolkata")
    assert calendar_of(by, Asked()).zone == KOLKATA
    assert calendar_of(by, Asked(WHO, HERE)).zone == LA
    assert calendar_of(by, Asked(WHO, HERE)).anchor == date(2025, 9, 30)
    assert calendar_of(by, Asked()).anchor is None


def test_what_a_school_missed_stays_overdue_for_one_year_more() -> None:
    needs = {"requirement": "r", "title": {}, "of": "organisation", "due": {"at": "period_end"}}
    yearly = NOTE | needs | {"within": {"every": "school_year"}}
    by = program(**KEYS, requirements=[yearly])
    asked = Asked(Member(organisation=SCHOOL))
    was_there = (meeting("S1", at("2025-03-10"), kind="gathering"),)

    def at_day(day: str, *reached: Reached, sessions: Any = was_there) -> list[OutcomeStatus]:
        evidence = Evidence(milestones=reached, sessions=sessions)
        return [one.status for one in outcomes(by, "organisation", evidence, asked, {}, at(day))]

    assert at_day("2025-06-01") == [OutcomeStatus.OPEN]
    assert at_day("2025-09-01") == [OutcomeStatus.OVERDUE, OutcomeStatus.OPEN]
    assert at_day("2026-09-01") == [OutcomeStatus.OVERDUE, OutcomeStatus.OPEN]
    assert at_day("2025-09-01", note(at("2025-05-01"))) == [OutcomeStatus.OPEN]
    # Who wasn't there yet has missed nothing.
    assert at_day("2025-09-01", sessions=()) == [OutcomeStatus.OPEN]
