"""`copbridge provision check` and `schema`: a provision file is looked at before any site is asked."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records.actor import SYSTEM
from records.program_loading import load_version
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.provisioning import FILE, WHOLE
from tests.support.sender import PROGRAM

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "fall.yaml"
    path.write_text(FILE, encoding="utf-8")
    return path


def test_a_file_is_checked_against_a_program_file_without_a_database(file: Path) -> None:
    answer = Cli()("provision", "check", str(file), "--program", str(PROGRAM))
    assert (answer.code, answer.out) == (0, f"{file}: in order: 4 courses, 0 lines of people.\n")


def test_the_shipped_file_is_in_order() -> None:
    shipped = ROOT / "provision" / "calpro-regional-26f.yaml"
    program = ROOT / "mappings" / "programs" / "calpro-regional.yaml"
    answer = Cli()("provision", "check", str(shipped), "--program", str(program), "--json")
    assert answer.data == {"ok": True, "problems": [], "courses": 4, "people": 0}


def test_problems_are_told_by_line_and_people_are_looked_at_too(file: Path) -> None:
    file.write_text(FILE.replace("[MATH, PST]", "[MAHT]"), encoding="utf-8")
    answer = Cli()("provision", "check", str(file), "--program", str(PROGRAM))
    assert answer.code == 1
    assert f"{file}:16: matrix.topics.0: 'MAHT' is no topic of the program" in answer.out
    file.write_text(WHOLE, encoding="utf-8")
    assert "people.csv can't be read" in Cli()("provision", "check", str(file), "--program", str(PROGRAM)).out
    people = file.parent / "people.csv"
    people.write_text("community,user\nMATH/BAY,1\nMATH/BAY,x\n", encoding="utf-8")
    answer = Cli()("provision", "check", str(file), "--program", str(PROGRAM), "--json")
    assert answer.code == 1
    assert answer.data["problems"] == ["people.csv:3: user: is no id of a Moodle user: a whole number"]
    people.write_text("community,user\nMATH/BAY,1\nMATH/BAY,2\n", encoding="utf-8")
    answer = Cli()("provision", "check", str(file), "--program", str(PROGRAM))
    assert answer.out.endswith("in order: 1 course, 2 lines of people.\n")


def test_without_a_program_file_the_applied_one_counts(engine: Engine, settings: Settings, file: Path) -> None:
    answer = Cli(settings)("provision", "check", str(file))
    assert answer.code == 1
    assert "No program “calpro-regional” was applied yet" in answer.err
    with Session(engine) as session, session.begin():
        load_version(session, PROGRAM.read_text(), str(PROGRAM), actor=SYSTEM, reason="A test")
    assert "in order: 4 courses" in Cli(settings)("provision", "check", str(file)).out


def test_the_schema_is_printed_or_written(tmp_path: Path) -> None:
    kept = (ROOT / "docs" / "provision.schema.json").read_text(encoding="utf-8")
    assert Cli()("provision", "schema").out == kept
    target = tmp_path / "schema.json"
    assert Cli()("provision", "schema", "--output", str(target)).code == 0
    assert json.loads(target.read_text(encoding="utf-8")) == json.loads(kept)
    assert Cli()("provision", "schema", "--output", str(tmp_path)).code == 2
