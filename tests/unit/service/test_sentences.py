"""What is missing, and how guidelines are kept, as people read it."""

from pathlib import Path
from typing import Any

import pytest

from mappings.conditions import Lacks, Missing
from mappings.loading import load_program
from mappings.together import Noticed, NoticeStatus
from service.sentences import Teller, listed

PROGRAM = load_program(Path(__file__).parents[2] / "fixtures" / "programs" / "everything.yaml")
TELLER = Teller(PROGRAM, "America/Los_Angeles", "en")
MORNING = "2026-03-12T17:00:00+00:00"
PHASE = {"cycle": "pdsa", "phase": "study"}
MISSING: list[tuple[Lacks, dict[str, Any], str]] = [
    (Lacks.HOURS, {"minutes": 150, "component": "online"}, "2 h 30 min online"),
    (Lacks.HOURS, {"minutes": 60, "component": None}, "1 h"),
    (Lacks.ACTIVITY, {"rule": "report"}, "the activity “report”"),
    (Lacks.ACTIVITIES, {"count": 1, "rules": ["report", "talk"]}, "1 more activity of: report, talk"),
    (
        Lacks.SESSION,
        {"session": "G1", "title": "Kick-off", "starts_at": MORNING},
        "the session “Kick-off” of Mar 12, 2026",
    ),
    (Lacks.SESSION, {"session": "", "title": "", "starts_at": MORNING}, "the session of Mar 12, 2026"),
    (Lacks.SESSIONS, {"count": 2, "kind": "gathering", "mode": "virtual"}, "2 more sessions (Gathering, virtual)"),
    (Lacks.SESSIONS, {"count": 1, "kind": None, "mode": None}, "1 more session"),
    (
        Lacks.MILESTONE,
        {"milestone": "report", "session": "G1", "starts_at": MORNING},
        "“Report” after the session of Mar 12, 2026",
    ),
    (Lacks.MILESTONES, {"milestone": "study", "count": 1}, "“Study”"),
    (Lacks.MILESTONES, {"milestone": "study", "count": 2}, "“Study”, 2 times"),
    (Lacks.CYCLES, {"cycle": "pdsa", "count": 3}, "3 full cycles “PDSA”"),
    (Lacks.PHASE, PHASE | {"label": "2"}, "the phase “Study” of cycle 2"),
    (Lacks.PHASE, PHASE | {"label": ""}, "the phase “Study” of a cycle that has begun"),
    (Lacks.ANY_OF, {"count": 1}, "one of these"),
    (Lacks.SETTING, {}, "a figure that the program file has yet to state"),
    (Lacks.CALENDAR, {}, "a date that isn't known yet"),
]
NOTICED: list[tuple[str, dict[str, Any], str]] = [
    ("size", {"have": 3, "min": 4, "max": 7}, "3 participants; recommended: 4 to 7"),
    ("teams", {"have": 1, "min": 2, "max": "to_be_set"}, "1 team; recommended: at least 2"),
    ("leaders", {"have": 0, "min": None, "max": 2}, "0 facilitators; recommended: at most 2"),
    ("roles", {"missing": {}, "unknown": 0}, "Every recommended role is there"),
    ("roles", {"missing": {"teacher": 2}, "unknown": 0}, "Missing: 2 of Teacher"),
    ("roles", {"missing": {"teacher": 1}, "unknown": 1}, "Missing: Teacher; the role of 1 participant isn't known"),
    ("alike", {"role": None, "wanted": ["teacher"]}, "The role isn't known; recommended: Teacher"),
    ("schools", {"kind": "county_office", "wanted": ["school"]}, "county office; recommended: school"),
    ("level", {"same": "level", "found": ["ES", "MS"]}, "Teams' levels: ES, MS; recommended: one"),
    (
        "more",
        {
            "have": 60,
            "need": 1800,
            "unit": "minutes",
            "missing": [{"code": "hours", "minutes": 1740, "component": None}],
        },
        "1 h of 30 h; still to do: 29 h",
    ),
    ("more", {"to_be_set": True}, "Its period isn't known yet"),
]


@pytest.mark.parametrize(("code", "params", "says"), MISSING)
def test_one_thing_that_is_missing(code: Lacks, params: dict[str, Any], says: str) -> None:
    assert TELLER.missing(Missing(code, params)) == says


def test_everything_that_can_be_missing_was_tried() -> None:
    assert {code for code, _, _ in MISSING} == set(Lacks)


def test_all_that_is_missing_is_one_phrase() -> None:
    hours = Missing(Lacks.HOURS, {"minutes": 150, "component": "online"})
    session = Missing(Lacks.SESSION, {"title": "", "session": "", "starts_at": MORNING})
    assert TELLER.lacking([hours, session]) == "2 h 30 min online and the session of Mar 12, 2026"
    ways = [Missing(Lacks.ANY_OF, {"count": 1}), hours, session]
    assert TELLER.lacking(ways) == "one of these: 2 h 30 min online; the session of Mar 12, 2026"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert TELLER.lacking([]) == ""


@pytest.mark.parametrize(("notice", "params", "says"), NOTICED)
def test_how_a_guideline_is_kept(notice: str, params: dict[str, Any], says: str) -> None:
    assert TELLER.noticed(Noticed(notice, NoticeStatus.DEVIATES, params)) == says


def test_every_guideline_was_tried() -> None:
    assert {notice for notice, _, _ in NOTICED} == {notice.notice for notice in PROGRAM.notices}


def test_a_code_that_the_program_no_longer_has_reads_as_it_is() -> None:
    assert TELLER.requirement("first_aid") == "first aid"
    assert TELLER.noticed(Noticed("gone", NoticeStatus.KEPT)) == ""


def test_amounts_in_other_units() -> None:
    assert TELLER.units(750) == ["1.25 Continuing education unit"]
