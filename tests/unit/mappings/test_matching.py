"""Which course is which community, and which rule an activity falls under."""

import pytest

from mappings.facts import Activity
from mappings.loading import parse_program
from mappings.matching import Placement, Refusal, place_course, rule_for

PROGRAM = parse_program("""\
program: p
title: {en: P}
effective_from: 2026-01-01
timezone: UTC
components: [online]
topics: [{code: MATH, title: {en: Math}}, {code: EBRI, title: {en: EBRI}, commitment: to_be_set}]
regions: [{code: BAY, title: {en: Bay}}]
communities:
  - course_idnumber: COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)
  - course_idnumber: (?P<region>[A-Z]+)/(?P<topic>[A-Z]+)
participant_roles: [student]
activities:
  - {rule: plan, idnumber: ACT-10, kind: [assign], minutes: 90, component: online}
  - {rule: numbered, idnumber: 'ACT-\\d+', minutes: 10, component: online}
  - {rule: between, section: Between sessions, kind: [page, url], minutes: 20, component: online}
  - {rule: reflection, name: 'Peer .*', minutes: 30, component: online}
""")


@pytest.mark.parametrize(
    ("idnumber", "placement"),
    [
        ("COP-MATH-BAY", Placement("MATH", "BAY")),
        ("BAY/MATH", Placement("MATH", "BAY")),
        ("COP-ART-BAY", Placement("ART", "BAY", Refusal.UNKNOWN_TOPIC)),
        ("COP-MATH-LA", Placement("MATH", "LA", Refusal.UNKNOWN_REGION)),
        ("COP-EBRI-BAY", Placement("EBRI", "BAY", Refusal.COMMITMENT_NOT_SET)),
        ("COP-MATH-BAY-2", None),
        ("XCOP-MATH-BAY", None),
        ("cop-math-bay", None),
        ("COP-MATH-BAY\n", None),
        ("", None),
    ],
)
def test_a_courses_place(idnumber: str, placement: Placement | None) -> None:
    assert place_course(PROGRAM, idnumber) == placement


@pytest.mark.parametrize(
    ("activity", "rule"),
    [
        (Activity("ACT-10", "assign", "", ""), "plan"),
        # All conditions have to hold, and the first rule that matches counts.
        (Activity("ACT-10", "quiz", "", ""), "numbered"),
        (Activity("ACT-100", "assign", "", ""), "numbered"),
        (Activity("", "url", "Between sessions", "Peer reading"), "between"),
        (Activity("", "quiz", "Between sessions", "Peer reading"), "reflection"),
        # The whole text has to match.
        (Activity("XACT-1", "assign", "", ""), None),
        (Activity("", "page", "In Between sessions", "A peer reading"), None),
        (Activity("", "", "", ""), None),
    ],
)
def test_an_activitys_rule(activity: Activity, rule: str | None) -> None:
    found = rule_for(PROGRAM, activity)
    assert (found.rule if found else None) == rule
