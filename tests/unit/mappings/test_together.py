"""Guidelines: kept, deviated from, explained, unknown, yet to be set; of teams, communities and others."""

from typing import Any

import pytest

from mappings.conditions import Evidence, Reached
from mappings.facts import Member, Organisation
from mappings.outcomes import Asked
from mappings.places import Particulars
from mappings.together import Composition, Noticed, NoticeStatus, Together, stand
from tests.unit.mappings.worlds import LA, at, community, meeting, program, span

NOW = at("2026-02-01")
KEYS: dict[str, Any] = {
    "milestones": [{"milestone": "note", "title": {}, "of": "team"}],
    "session_kinds": [{"kind": "gathering", "title": {}}],
    "school_year": {"starts": "07-01"},
    "job_roles": [{"code": "teacher", "title": {}}, {"code": "coach", "title": {}}],
}
HERE = Asked(community=community())


def together(
    notice: dict[str, Any], of: Any = "community", asked: Asked = HERE, waived: Any = (), **more: Any
) -> Together:
    by = program(**KEYS, notices=[{"notice": "n", "title": {}, "of": of} | notice])
    evidence = more.pop("evidence", Evidence())
    return stand(by, of, evidence, asked, Composition(**more), dict.fromkeys(waived, "d1"), NOW)


def noticed(notice: dict[str, Any], *args: Any, **more: Any) -> Noticed:
    (found,) = together(notice, *args, **more).notices
    return found


def status(*args: Any, **more: Any) -> str:
    return str(noticed(*args, **more).status)


@pytest.mark.parametrize(
    ("check", "there", "expected"),
    [
        ({"members": {"min": 4, "max": 7}}, {"members": 3}, "deviates"),
        ({"members": {"min": 4, "max": 7}}, {"members": 4}, "kept"),
        ({"members": {"min": 4, "max": 7}}, {"members": 7}, "kept"),
        ({"members": {"min": 4, "max": 7}}, {"members": 8}, "deviates"),
        ({"members": {"min": 4}}, {"members": 800}, "kept"),
        ({"members": {"max": 7}}, {"members": 0}, "kept"),
        ({"members": {"max": 0}}, {"members": 1}, "deviates"),
        ({"members": {"min": 4, "max": "to_be_set"}}, {"members": 1}, "to_be_set"),
        ({"members": {"min": "to_be_set"}}, {"members": 1}, "to_be_set"),
        ({"teams": {"min": 2}}, {"teams": (None,), "members": 9}, "deviates"),
        ({"teams": {"min": 2}}, {"teams": (None, None)}, "kept"),
        ({"facilitators": {"min": 1}}, {"facilitators": 0, "members": 9}, "deviates"),
        ({"facilitators": {"min": 1}}, {"facilitators": 1}, "kept"),
    ],
)
def test_how_many(check: dict[str, Any], there: dict[str, Any], expected: str) -> None:
    assert status(check, **there) == expected
    explained = "explained" if expected == "deviates" else expected
    assert status(check, waived=["n"], **there) == explained
    assert status(check, waived=["other"], **there) == expected


def test_the_words_know_what_there_is() -> None:
    assert noticed({"members": {"min": 4}}, members=3).params == {"have": 3, "min": 4, "max": None}


@pytest.mark.parametrize(
    ("roles", "expected", "missing"),
    [
        (("teacher", "teacher", "coach"), "kept", {}),
        (("teacher", "teacher", "coach", None), "kept", {}),
        (("teacher", "coach"), "deviates", {"teacher": 1}),
        (("teacher", "coach", None), "unknown", {"teacher": 1}),
        (("teacher", None), "deviates", {"teacher": 1, "coach": 1}),
        ((None, None, None), "unknown", {"teacher": 2, "coach": 1}),
        ((), "deviates", {"teacher": 2, "coach": 1}),
    ],
)
def test_the_roles_of_a_team(roles: Any, expected: str, missing: dict[str, int]) -> None:
    found = noticed({"roles_covered": {"teacher": 2, "coach": 1}}, of="team", job_roles=roles)
    assert (found.status, found.params["missing"]) == (expected, missing)
    assert found.params["unknown"] == sum(role is None for role in roles)


def part(**more: Any) -> Particulars:
    return Particulars(**more)


@pytest.mark.parametrize(
    ("role", "parts", "expected"),
    [
        ("coach", (part(job_roles=("coach", "x")),), "kept"),
        ("teacher", (part(job_roles=("coach",)),), "deviates"),
        (None, (part(job_roles=("coach",)),), "unknown"),
        ("coach", (), "unknown"),
        # Of two that say something the later one does.
        ("coach", (part(job_roles=("teacher",)), part(job_roles=("coach",)), part()), "kept"),
    ],
)
def test_role_alike(role: str | None, parts: Any, expected: str) -> None:
    found = status({"role_alike": True}, of="participant", asked=Asked(Member(job_role=role)), particulars=parts)
    assert found == expected


def school(**more: Any) -> Organisation:
    return Organisation(**({"code": "s", "kind": "school"} | more))


@pytest.mark.parametrize(
    ("organisation", "expected"), [(school(), "kept"), (school(kind="university"), "deviates"), (None, "unknown")]
)
def test_kinds_of_organisations(organisation: Organisation | None, expected: str) -> None:
    asked = Asked(Member(organisation=organisation))
    found = noticed({"organisation_kinds": ["school", "district"]}, of="participant", asked=asked)
    assert found.status == expected
    assert found.params == {"kind": organisation.kind if organisation else None, "wanted": ["school", "district"]}


@pytest.mark.parametrize(
    ("teams", "level", "parent"),
    [
        ((school(level="ES", parent="a"), school(level="ES", parent="b")), "kept", "deviates"),
        ((school(level="ES", parent="a"), school(level="MS", parent="a")), "deviates", "kept"),
        ((school(level="ES", parent="a"), school(level="ES")), "kept", "unknown"),
        ((school(level="ES"), None), "unknown", "unknown"),
        ((school(level="ES"), school(level="MS"), None), "deviates", "unknown"),
        ((), "kept", "kept"),
    ],
)
def test_one_level_or_one_parent(teams: Any, level: str, parent: str) -> None:
    assert status({"same": "level"}, teams=teams) == level
    assert status({"same": "parent"}, teams=teams) == parent


NOTE = Reached("note", "k", at("2026-01-01"))


def reach(**condition: Any) -> dict[str, Any]:
    return {"reach": condition}


def test_something_worth_reaching() -> None:
    check = reach(milestones={"milestone": "note"})
    found = noticed(check, of="team")
    assert found.status is NoticeStatus.DEVIATES
    assert found.params == {
        "have": 0,
        "need": 1,
        "unit": "count",
        "missing": [{"code": "milestones", "milestone": "note", "count": 1}],
    }
    assert status(check, of="team", evidence=Evidence(milestones=(NOTE,))) == "kept"
    assert status(check, of="team", waived=["n"]) == "explained"
    unset = reach(milestones={"milestone": "note", "at_least": "to_be_set"})
    assert status(unset, of="team", waived=["n"]) == "to_be_set"
    both = reach(all_of=[{"milestones": {"milestone": "note"}}, unset["reach"]])
    assert status(both, of="team") == "deviates"
    assert status(both, of="team", evidence=Evidence(milestones=(NOTE,))) == "to_be_set"


def test_within_what_it_is_to_be_reached() -> None:
    check = reach(milestones={"milestone": "note"})
    old = Evidence(milestones=(Reached("note", "k", at("2025-06-30")),))
    assert status(check, of="team", evidence=old) == "kept"
    assert status(check | {"within": {"every": "school_year"}}, of="team", evidence=old) == "deviates"
    own = Asked(community=community(span=span("2025-07-15", None, LA)))
    assert status(check | {"within": {"every": "community"}}, of="team", asked=own, evidence=old) == "deviates"
    anchored = check | {"within": {"every": "school_year", "anchor": "designation"}}
    assert status(anchored, of="team", evidence=old) == "to_be_set"


def test_sessions_that_were_held_count_whoever_was_there() -> None:
    held = Evidence(sessions=(meeting("1", at("2026-01-01"), kind="gathering"),))
    assert status(reach(sessions={"kind": "gathering", "at_least": 1}), evidence=held) == "kept"
    assert status(reach(sessions={"kind": "gathering", "at_least": 2}), evidence=held) == "deviates"


def test_whom_a_guideline_is_about() -> None:
    check = {"members": {"min": 1}}
    assert together(check | {"only": {"topics": ["MATH"]}}).notices
    assert together(check | {"only": {"topics": ["MATH"]}}, asked=Asked()).notices == ()
    by = program(**KEYS, notices=[{"notice": "n", "title": {}, "of": "team"} | check])
    assert stand(by, "community", Evidence(), HERE, Composition(), {}, NOW).notices == ()


def test_requirements_stand_beside_guidelines() -> None:
    needs = {"requirement": "r", "title": {}, "of": "team", "milestones": {"milestone": "note"}}
    by = program(**KEYS, requirements=[needs])
    found = stand(by, "team", Evidence(milestones=(NOTE,)), HERE, Composition(), {}, NOW)
    assert [(one.requirement, str(one.status)) for one in found.outcomes] == [("r", "met")]
