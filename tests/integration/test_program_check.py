"""`copbridge program check --courses`: a file held against the courses on record, before it is loaded."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from records import sites
from records.actor import CLI
from records.models import Community, ProgramVersionRow, SessionRow, uuid7
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.community import COURSE, PROGRAM, SESSION_ACTIVITY, Place
from tests.support.readings import NOW, course, enrolment, group, module, take_in


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


@pytest.fixture
def place(placed: Place) -> Place:
    return placed


def told(cli: Cli, file: Path = PROGRAM) -> list[str]:
    """What the check says about the courses: line and message, but for figures that are yet to be set."""
    answer = cli("program", "check", "--courses", str(file), "--json")
    assert answer.code == 0, answer.err
    findings = answer.data[str(file)]["findings"]
    assert {finding["level"] for finding in findings} == {"warning"}
    return [f"{one['line']}: {one['message']}" for one in findings if not one["message"].startswith("is yet to be set")]


def line_of(text: str, file: Path = PROGRAM) -> int:
    lines = file.read_text(encoding="utf-8").splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


def add_session(place: Place, code: str, minutes: int, *, activity: int | None = None) -> None:
    with Session(place.engine) as session, session.begin():
        session.add(
            SessionRow(
                id=uuid7(),
                community_id=place.community_id,
                code=code,
                title=code,
                starts_at=NOW - timedelta(days=3),
                timezone="America/Los_Angeles",
                mode="face_to_face",
                planned_minutes=minutes,
                module_site_id=place.site_id if activity else None,
                module_id=activity,
            )
        )


def test_a_course_is_held_against_its_rules_and_its_band(cli: Cli, place: Place) -> None:
    untracked = module(41, COURSE, "ACT-08", name="Reading log") | {"tracking": 0}
    take_in(place.engine, place.site_id, [module(40, COURSE, "", kind="wiki", name="Shared notes"), untracked])
    found = told(cli)
    name = "COP-EBWIESL-BAY"
    activities, reading = line_of("activities:\n".strip()), line_of("rule: reading-log")
    assert (
        f"{activities}: no rule matches 'Shared notes' (wiki) in the course {name}, whose completion is tracked"
        in found
    )
    assert (
        f"{reading}: in the course {name} 'reading-log' matches 'Reading log' (page, ACT-08) alone, whose completion"
        " isn't tracked"
    ) in found
    assert f"{line_of('rule: lesson')}: 'lesson' matches nothing in any course" in found
    # 90 and 60 minutes online, 240 face to face.
    assert (
        f"{line_of('commitment: {min')}: {name}: activities and planned sessions add up to 6.5 hours, below"
        " the 16 to 20 of the community"
    ) in found


def test_planned_sessions_count_and_what_stands_for_one_counts_once(cli: Cli, place: Place) -> None:
    add_session(place, "F2F-1", 300, activity=SESSION_ACTIVITY)
    add_session(place, "F2F-2", 360)
    (hours,) = [one for one in told(cli) if "add up to" in one]
    assert "add up to 13.5 hours" in hours
    add_session(place, "F2F-3", 150)
    assert not any("add up to" in one for one in told(cli))


def test_courses_that_the_file_refuses_or_would_make_communities(cli: Cli, place: Place, tmp_path: Path) -> None:
    others = [course(7, "COP-EBRI-BAY"), course(8, "COP-NONE-BAY"), course(9, "COP-MATH-SF"), course(10, "else")]
    take_in(place.engine, place.site_id, others)
    found = told(cli)
    assert any(
        "the course COP-EBRI-BAY is refused: the hour band of the topic 'EBRI' is yet to be set" in f for f in found
    )
    assert any("the course COP-NONE-BAY is refused: there is no topic 'NONE'" in one for one in found)
    assert any("the course COP-MATH-SF is refused: there is no region 'SF'" in one for one in found)
    file = tmp_path / "wider.yaml"
    text = PROGRAM.read_text(encoding="utf-8")
    file.write_text(
        text.replace("regions:\n", "regions:\n  - {code: SF, title: {en: San Francisco}}\n", 1), encoding="utf-8"
    )
    wider = told(cli, file)
    assert any("COP-MATH-SF: activities and planned sessions add up to 0 hours" in one for one in wider)
    with Session(place.engine) as session:
        # Looked at, and nothing done.
        assert session.scalar(select(func.count()).select_from(Community)) == 1
        assert session.scalar(select(func.count()).select_from(ProgramVersionRow)) == 1


def test_groups_that_the_file_would_make_communities(cli: Cli, place: Place, tmp_path: Path) -> None:
    groups = [group(1, "One", "GRP-MATH-BAY"), group(2, "Two", "GRP-NONE-BAY"), group(3, "Others")]
    take_in(place.engine, place.site_id, [course(7, "SHARED"), enrolment(11, 7, groups=groups)])
    file = tmp_path / "groups.yaml"
    text = PROGRAM.read_text(encoding="utf-8").replace("program: calpro-regional", "program: groups")
    match = "communities:\n  - {course_idnumber: SHARED, group_idnumber: 'GRP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)'}\n"
    file.write_text(
        text.replace("communities:\n", match, 1).replace("  - course_idnumber: ^COP", "  - course_idnumber: ^X")
    )
    found = told(cli, file)
    assert any("SHARED: activities and planned sessions add up to 0 hours" in one for one in found)
    assert any("the course SHARED (group GRP-NONE-BAY) is refused: there is no topic 'NONE'" in one for one in found)


def test_courses_of_several_sites_are_told_apart(cli: Cli, place: Place) -> None:
    with Session(place.engine) as session, session.begin():
        other = sites.add_site(session, "other", "Other", "https://other.example.org", actor=CLI).id
    take_in(place.engine, other, [course(3, "COP-MATH-LA")])
    found = told(cli)
    assert any("moodle:COP-EBWIESL-BAY: activities" in one for one in found)
    assert any("other:COP-MATH-LA: activities" in one for one in found)


def test_no_course_at_all(cli: Cli, engine: Engine) -> None:
    assert engine
    line = line_of("communities:")
    assert told(cli) == [f"{line}: no course is a community of this program"]


def test_a_file_that_cannot_be_used_is_told_all_the_same(cli: Cli, place: Place, tmp_path: Path) -> None:
    assert place.site_id
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text("program: x\n")
    answer = cli("program", "check", "--courses", str(wrong), str(PROGRAM))
    assert answer.code == 1
    assert f"{wrong}:1: title: is missing (docs/programs.md#title)" in answer.out
    assert "matches nothing in any course" in answer.out


def test_without_a_database_courses_cannot_be_looked_at(settings: Settings) -> None:
    away = Cli(settings.model_copy(update={"database_url": "postgresql://app:secret@127.0.0.1:9/none"}))
    assert away("program", "check", "--courses", str(PROGRAM)).code == 3
    assert away("program", "check", str(PROGRAM)).code == 0
