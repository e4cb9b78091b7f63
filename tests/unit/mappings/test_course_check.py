"""A program file held against courses: what its rules leave out, and what a community adds up to."""

import pytest

from mappings import course_check
from mappings.course_check import CommunityForm, CourseActivity, PlannedSession, course_findings, mapped_minutes
from mappings.facts import Activity, Hours
from mappings.loading import program_in
from mappings.matching import Placement, Refusal
from mappings.program import Program
from mappings.source import read
from tests.support.messages import unspoken

TEXT = r"""program: small
title: {en: A small program}
effective_from: 2026-01-01
timezone: America/Los_Angeles
hour_minutes: 50
commitment: {min_hours: 2, max_hours: 4}
components: [online, face_to_face]
topics:
  - {code: MATH, title: {en: Math}}
  - {code: EBRI, title: {en: Reading}, commitment: {min_hours: 20, max_hours: 30}}
  - {code: OPEN, title: {en: Open}, commitment: to_be_set}
regions:
  - {code: BAY, title: {en: Bay Area}}
communities:
  - course_idnumber: ^COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)$
particulars:
  - {course_idnumber: COP-MATH-LA, commitment: {min_hours: 1, max_hours: 1.5}}
participant_roles: [student]
session_kinds:
  - {kind: fixed, title: {en: Fixed}, component: online, attendance: {earns: fixed, minutes: 70}}
  - {kind: weighted, title: {en: W}, attendance: {earns: weighted, weights: {L: 50, P: 80}}}
attendance:
  at_least: 20
  components: {face_to_face: face_to_face}
activities:
  - {rule: session, idnumber: 'F2F-(?P<session>.+)', minutes: 60, component: face_to_face}
  - {rule: plan, kind: [assign], name: Plan, minutes: 90, component: online, alternative: plan}
  - {rule: paper, kind: [assign], minutes: 60, component: online, alternative: plan}
  - {rule: quiz, kind: [quiz], minutes: 10, component: online, earns: {complete: 5, passed: 30}}
"""
SOURCE = read(TEXT, "small.yaml")
PROGRAM = program_in(SOURCE)
MATH = "COP-MATH-BAY"


def activity(idnumber: str = "", kind: str = "page", name: str = "", **others: object) -> CourseActivity:
    given = {"course": MATH, "tracked": True} | others
    return CourseActivity(activity=Activity(idnumber, kind, "", name), **given)  # type: ignore[arg-type]


def community(
    *activities: CourseActivity, topic: str = "MATH", sessions: tuple[PlannedSession, ...] = ()
) -> CommunityForm:
    return CommunityForm((MATH,), topic, "BAY", activities, sessions)


PLAN, PAPER, QUIZ = activity("P", "assign", "Plan"), activity("R", "assign", "Paper"), activity("Q", "quiz", "Quiz")
F2F = activity("F2F-1", name="Session 1")


def told(*communities: CommunityForm, refused: tuple[tuple[str, Placement], ...] = ()) -> list[str]:
    found = course_findings(PROGRAM, SOURCE, communities, refused)
    assert all(finding.level == "warning" for finding in found)
    return [str(finding).removeprefix("small.yaml:").rpartition(" (docs/")[0] for finding in found]


FINE = community(PLAN, PAPER, QUIZ, F2F)
"""180 minutes: of plan and paper the better one counts."""


def test_a_course_that_fits() -> None:
    assert mapped_minutes(PROGRAM, FINE) == 90 + 30 + 60
    left = [one for one in told(FINE) if "takes" not in one]
    assert left == []


@pytest.mark.parametrize(
    ("forms", "message"),
    [
        (
            [community(PLAN, PAPER, QUIZ, F2F, activity("X", "page", "Read me"))],
            "25: warning: activities: no rule matches 'Read me' (page, X) in the course COP-MATH-BAY, whose completion",
        ),
        (
            [community(PLAN, PAPER, QUIZ, F2F, activity("", "page", "Read me"))],
            "25: warning: activities: no rule matches 'Read me' (page) in the course COP-MATH-BAY",
        ),
        (
            [FINE],
            "28: warning: activities.2: in the course COP-MATH-BAY 'plan' takes 'Plan' (assign, P) from 'paper':"
            " the first rule counts",
        ),
        (
            [community(PLAN, PAPER, F2F, activity("Q", "quiz", "Quiz", tracked=False))],
            "29: warning: activities.3: in the course COP-MATH-BAY 'quiz' matches 'Quiz' (quiz, Q) alone, whose"
            " completion isn't tracked",
        ),
        (
            [community(*(activity(f"Q{n}", "quiz", "Q", tracked=False) for n in range(7)))],
            "29: warning: activities.3: in the course COP-MATH-BAY 'quiz' matches 'Q' (quiz, Q0), 'Q' (quiz, Q1),"
            " 'Q' (quiz, Q2), 'Q' (quiz, Q3), 'Q' (quiz, Q4) and 2 more alone",
        ),
        ([community(PLAN)], "26: warning: activities.0: 'session' matches nothing in any course"),
        (
            [community(QUIZ)],
            "6: warning: commitment: COP-MATH-BAY: activities and planned sessions add up to 0.6 hours, below the 2"
            " to 4 of the community",
        ),
        (
            [community(*FINE.activities, sessions=(PlannedSession("2", "face_to_face", minutes=100),))],
            "6: warning: commitment: COP-MATH-BAY: activities and planned sessions add up to 5.6 hours, above the 2",
        ),
        ([community(QUIZ, topic="EBRI")], "10: warning: topics.1.commitment: COP-MATH-BAY: activities and planned"),
        (
            [CommunityForm(("COP-MATH-LA",), "MATH", "LA", (PLAN,))],
            "17: warning: particulars.0.commitment: COP-MATH-LA: activities and planned sessions add up to 1.8 hours",
        ),
        ([], "14: warning: communities: no course is a community of this program"),
    ],
)
def test_what_is_strange_about_courses_is_told(forms: list[CommunityForm], message: str) -> None:
    found = told(*forms)
    assert any(one.startswith(message) for one in found), found


@pytest.mark.parametrize(
    ("refusal", "message"),
    [
        (Refusal.UNKNOWN_TOPIC, "8: warning: topics: the course COP-X-Y is refused: there is no topic 'X'"),
        (Refusal.UNKNOWN_REGION, "12: warning: regions: the course COP-X-Y is refused: there is no region 'Y'"),
        (
            Refusal.COMMITMENT_NOT_SET,
            "8: warning: topics: the course COP-X-Y is refused: the hour band of the topic 'X' is yet to be set",
        ),
    ],
)
def test_refused_courses_are_told_with_the_reason(refusal: Refusal, message: str) -> None:
    assert told(FINE, refused=(("COP-X-Y", Placement("X", "Y", refusal)),))[0] == message


def stating(minutes: int, component: str = "online", idnumber: str = "", **others: str) -> CourseActivity:
    form = Activity(idnumber, others.get("kind", "page"), "", "Read me", declared=Hours(minutes, component))
    return CourseActivity(MATH, form, tracked=True)


HOURS = [
    (stating(500), "10 hours of 'Read me' (page) in the course COP-MATH-BAY are stated in Moodle", "the most is 8"),
    (stating(60, "webinar"), "1.2 hours of 'Read me' (page)", "there is no component 'webinar'"),
    (stating(60, ""), "1.2 hours of 'Read me' (page)", "they name no component, and no rule matches"),
]


@pytest.mark.parametrize(("stated", "about", "why"), HOURS)
def test_hours_in_moodle_that_are_never_taken_are_told(stated: CourseActivity, about: str, why: str) -> None:
    (found,) = (one for one in told(community(stated)) if "hours_from_moodle" in one)
    assert about in found
    assert found.endswith(f"and never taken: {why}")


def test_hours_in_moodle_that_can_be_taken_are_no_matter() -> None:
    fine = (stating(60), stating(60, "", "F2F-1"), stating(0), activity("", "page"))
    assert not any("stated in Moodle" in one for one in told(community(*fine)))


def test_hours_in_moodle_are_held_against_the_file() -> None:
    taking = Program.model_validate(PROGRAM.model_dump() | {"hours_from_moodle": {"take": "accept", "min_hours": 0.5}})
    assert mapped_minutes(taking, community(stating(60), stating(20), PLAN)) == 60 + 90
    (few,) = course_check._refused_hours(taking, [stating(20)])
    assert few[1].endswith("the least is 0.5")
    ignoring = Program.model_validate(PROGRAM.model_dump() | {"hours_from_moodle": {"take": "ignore"}})
    assert list(course_check._refused_hours(ignoring, [stating(500)])) == []


def test_every_message_is_exercised() -> None:
    said = told(
        community(*(stated for stated, *_ in HOURS)),
        community(QUIZ, activity("", "page"), *(activity(f"A{n}", "assign", "Plan") for n in range(7))),
        community(*FINE.activities, sessions=(PlannedSession("2", "face_to_face", minutes=100),)),
        community(activity("", "quiz", course="B", tracked=False)),
        refused=tuple((refusal, Placement("X", "Y", refusal)) for refusal in Refusal),
    )
    # Only a file with a bound of its own has hours that are too few.
    assert unspoken((course_check,), ["the least is 0.5", *said, *told(), *told(community(QUIZ))]) == []


def test_what_has_no_band_has_nothing_to_keep_to() -> None:
    assert not any("add up" in one for one in told(community(QUIZ, topic="OPEN")))


def test_an_untracked_activity_adds_nothing() -> None:
    assert mapped_minutes(PROGRAM, community(activity("P", "assign", "Plan", tracked=False))) == 0


@pytest.mark.parametrize(
    ("session", "minutes"),
    [
        (PlannedSession("1", "face_to_face", minutes=90), 90),
        # The activity stands for it: 60, or what the session itself is worth.
        (PlannedSession("1", "face_to_face", minutes=30), 60),
        (PlannedSession("2", "face_to_face", minutes=30), 90),
        (PlannedSession("2", "face_to_face", minutes=10), 60),
        (PlannedSession("2", "face_to_face"), 60),
        (PlannedSession("2", "virtual", minutes=90), 60),
        (PlannedSession("2", "virtual", "fixed"), 130),
        (PlannedSession("2", "face_to_face", "weighted", 100), 140),
    ],
)
def test_what_being_at_a_session_adds(session: PlannedSession, minutes: int) -> None:
    assert mapped_minutes(PROGRAM, community(F2F, sessions=(session,))) == minutes


def test_an_activity_may_be_recorded_to_stand_for_a_session() -> None:
    stands = activity("Q", "quiz", session="2")
    session = PlannedSession("2", "face_to_face", minutes=45)
    assert mapped_minutes(PROGRAM, community(stands, sessions=(session,))) == 45
