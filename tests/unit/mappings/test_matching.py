"""Which course or group is which community, which group is a team, and which rule an activity falls under."""

from typing import Any

import pytest

from mappings.facts import Activity
from mappings.matching import CourseForm, Placement, Refusal, TeamForm, has_groups, place_course, rule_for, team_of
from tests.unit.mappings.worlds import program

TOPICS = [{"code": "MATH", "title": {}}, {"code": "EBRI", "title": {}, "commitment": "to_be_set"}]
REGIONS = [{"code": "BAY", "title": {}}, {"code": "LA", "title": {}}]


def placing(*communities: dict[str, Any], **keys: Any) -> Any:
    return program(**({"topics": TOPICS, "regions": REGIONS, "communities": communities} | keys))


BY_IDNUMBER = placing(
    {"course_idnumber": "COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)"},
    {"course_idnumber": "(?P<region>[A-Z]+)/(?P<topic>[A-Z]+)"},
)


@pytest.mark.parametrize(
    ("idnumber", "placement"),
    [
        ("COP-MATH-BAY", Placement("MATH", "BAY")),
        ("BAY/MATH", Placement("MATH", "BAY")),
        ("COP-ART-BAY", Placement("ART", "BAY", Refusal.UNKNOWN_TOPIC)),
        ("COP-MATH-SD", Placement("MATH", "SD", Refusal.UNKNOWN_REGION)),
        ("COP-EBRI-BAY", Placement("EBRI", "BAY", Refusal.COMMITMENT_NOT_SET)),
        ("COP-MATH-BAY-2", None),
        ("XCOP-MATH-BAY", None),
        ("cop-math-bay", None),
        ("COP-MATH-BAY\n", None),
        ("", None),
    ],
)
def test_a_courses_place(idnumber: str, placement: Placement | None) -> None:
    assert place_course(BY_IDNUMBER, CourseForm(idnumber)) == placement


@pytest.mark.parametrize(
    ("particulars", "refusal"),
    [
        ({}, Refusal.COMMITMENT_NOT_SET),
        ({"commitment": {"min_hours": 40, "max_hours": 60}}, None),
        ({"commitment": {"min_hours": 40, "max_hours": 60}, "region": "LA"}, Refusal.COMMITMENT_NOT_SET),
        ({"commitment": {"min_hours": 40, "max_hours": 60}, "topic": "MATH"}, Refusal.COMMITMENT_NOT_SET),
        ({"commitment": {"min_hours": 40, "max_hours": 60}, "course_idnumber": "COP-.*"}, None),
        ({"commitment": {"min_hours": 40, "max_hours": 60}, "course_idnumber": "COP"}, Refusal.COMMITMENT_NOT_SET),
    ],
)
def test_a_commitment_that_is_set_for_one_community(particulars: dict[str, Any], refusal: Refusal | None) -> None:
    by = placing({"course_idnumber": "COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)"}, particulars=[particulars])
    assert place_course(by, CourseForm("COP-EBRI-BAY")) == Placement("EBRI", "BAY", refusal)


FIXED = {"topic": "MATH", "region": "BAY"}


@pytest.mark.parametrize(
    ("match", "course", "fits"),
    [
        ({"course_shortname": "S.*"}, CourseForm("", "Short"), True),
        ({"course_shortname": "S.*"}, CourseForm("Short", "XS"), False),
        ({"category_idnumber": "CAT"}, CourseForm("", category_idnumber="CAT"), True),
        ({"category_idnumber": "CAT"}, CourseForm("CAT"), False),
        ({"field": {"kind": "cop"}}, CourseForm("", fields={"kind": "cop", "x": "y"}), True),
        ({"field": {"kind": "cop"}}, CourseForm("", fields={"kind": "no"}), False),
        ({"field": {"kind": ".*"}}, CourseForm("", fields={}), False),
        ({"course_idnumber": "A", "category_idnumber": "B"}, CourseForm("A", category_idnumber="B"), True),
        ({"course_idnumber": "A", "category_idnumber": "B"}, CourseForm("A", category_idnumber="C"), False),
        ({"course_idnumber": "A", "site": "main"}, CourseForm("A", site="main"), True),
        ({"course_idnumber": "A", "site": "main"}, CourseForm("A", site="other"), False),
        ({"course_idnumber": "A"}, CourseForm("A", site="other"), True),
    ],
)
def test_what_a_match_looks_at(match: dict[str, Any], course: CourseForm, fits: bool) -> None:
    assert place_course(placing(match | FIXED), course) == (Placement("MATH", "BAY") if fits else None)


def test_the_first_match_that_fits_counts_and_says_what_its_pattern_does_not() -> None:
    by = placing(
        {"course_idnumber": "A(?P<topic>[A-Z]+)?", "topic": "MATH", "region": "LA"},
        {"course_idnumber": "A.*", "topic": "EBRI", "region": "BAY"},
    )
    assert place_course(by, CourseForm("AX")) == Placement("MATH", "LA")
    by = placing({"course_idnumber": "(?P<topic>MATH)?A", "region": "LA"})
    assert place_course(by, CourseForm("A")) == Placement("", "LA", Refusal.UNKNOWN_TOPIC)


def test_courses_that_are_one_community_and_its_host() -> None:
    pattern = "(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)-(?P<community>[0-9]+)-.(?P<host>-[A-Z]+)?"
    by = placing({"course_idnumber": pattern})
    first, second = (place_course(by, CourseForm(idnumber)) for idnumber in ("MATH-BAY-1-a", "MATH-BAY-1-b-OUSD"))
    assert first == Placement("MATH", "BAY", None, "MATH/BAY/1")
    assert second == Placement("MATH", "BAY", None, "MATH/BAY/1", "-OUSD")


GROUPS = placing({"course_idnumber": "HUB", "topic": "MATH", "group_idnumber": "G-(?P<region>[A-Z]+)", "site": "s"})


@pytest.mark.parametrize(
    ("group", "placement"),
    [
        ("G-BAY", Placement("MATH", "BAY")),
        ("G-SD", Placement("MATH", "SD", Refusal.UNKNOWN_REGION)),
        ("X-BAY", None),
        ("", None),
        (None, None),
    ],
)
def test_groups_that_are_communities(group: str | None, placement: Placement | None) -> None:
    assert place_course(GROUPS, CourseForm("HUB", site="s"), group) == placement
    assert place_course(GROUPS, CourseForm("OTHER", site="s"), group) is None
    assert place_course(GROUPS, CourseForm("HUB", site="t"), group) is None
    assert place_course(BY_IDNUMBER, CourseForm("COP-MATH-BAY"), "G-BAY") is None


def test_where_groups_may_be_communities() -> None:
    assert has_groups(GROUPS, CourseForm("HUB", site="s"))
    assert not has_groups(GROUPS, CourseForm("HUB", site="t"))
    assert not has_groups(GROUPS, CourseForm("OTHER", site="s"))
    assert not has_groups(BY_IDNUMBER, CourseForm("COP-MATH-BAY"))


@pytest.mark.parametrize(
    ("teams", "idnumber", "groupings", "team"),
    [
        (None, "TEAM-A", (), None),
        ({"group_idnumber": "TEAM-.*"}, "TEAM-A", (), TeamForm(None)),
        ({"group_idnumber": "TEAM-(?P<organisation>.+)"}, "TEAM-A", (), TeamForm("A")),
        ({"group_idnumber": "TEAM-(?P<organisation>.+)"}, "TEAM-", (), None),
        ({"group_idnumber": ".*"}, "", (), None),
        ({"grouping": "Teams.*"}, "", ("Teams 2026",), TeamForm(None)),
        ({"grouping": "Teams"}, "", ("x", "Teams 2026"), None),
        ({"group_idnumber": "TEAM-.*", "grouping": "T"}, "TEAM-A", (), None),
        ({"group_idnumber": "TEAM-.*", "grouping": "T"}, "TEAM-A", ("x", "T"), TeamForm(None)),
        ({"group_idnumber": "TEAM-.*", "grouping": "T"}, "A", ("T",), None),
    ],
)
def test_teams(teams: Any, idnumber: str, groupings: tuple[str, ...], team: TeamForm | None) -> None:
    assert team_of(program(teams=teams), idnumber, groupings) == team


RULES = program(
    activities=[
        {"rule": "plan", "idnumber": "ACT-10", "kind": ["assign"], "minutes": 90, "component": "online"},
        {"rule": "numbered", "idnumber": r"ACT-\d+", "minutes": 10, "component": "online"},
        {
            "rule": "between",
            "section": "Between sessions",
            "kind": ["page", "url"],
            "minutes": 20,
            "component": "online",
        },
        {"rule": "reflection", "name": "Peer .*", "minutes": 30, "component": "online"},
    ]
)


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
    found = rule_for(RULES, activity)
    assert (found.rule if found else None) == rule
