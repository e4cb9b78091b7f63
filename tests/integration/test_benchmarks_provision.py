"""The benchmark of provisioning: what runs without a Moodle runs, and what it lacks is said."""

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.plugin_site import BenchmarkFailed, Place
from benchmarks.provision import FILE, PROGRAM, Applied, Command, report, uploaded, write_rows
from mappings.loading import parse_program
from mappings.provision_loading import courses_in, parse_provision

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "MOODLE_URL isn't set"),
        ({"MOODLE_URL": "http://127.0.0.1:9"}, "MOODLE_TOKEN and MOODLE_DIR have to be set, too"),
    ],
)
def test_it_says_what_it_lacks(environment: dict[str, str], said: str) -> None:
    plain = {key: value for key, value in os.environ.items() if not key.startswith("MOODLE_")}
    command = [sys.executable, "-W", "error", "-m", "benchmarks.provision"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False, env=plain | environment
    )
    assert (done.returncode, done.stderr) == (1, f"benchmarks.provision: {said}\n")


def test_its_files_are_in_order() -> None:
    regions = "{code: R0, title: {en: One}}, {code: R1, title: {en: Two}}"
    program = parse_program(PROGRAM.format(regions=regions, prefix="BENCH-1"), "program.yaml")
    provision, source = parse_provision(FILE.format(template="T", prefix="BENCH-1"), "provision.yaml")
    courses = courses_in(provision, source, program)
    assert [one.idnumber for one in courses] == ["BENCH-1-ALL-R0", "BENCH-1-ALL-R1"]
    assert not any(one.visible for one in courses)


def test_the_upload_gets_the_same_courses(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    write_rows(file, "BENCH-1", [0, 2], 7, "TEMPLATE")
    rows = list(csv.DictReader(file.read_text(encoding="utf-8").splitlines()))
    assert [(row["shortname"], row["category"], row["templatecourse"], row["visible"]) for row in rows] == [
        ("BENCH-1-UP-0", "7", "TEMPLATE", "0"),
        ("BENCH-1-UP-2", "7", "TEMPLATE", "0"),
    ]


def test_what_fails_stops_it(tmp_path: Path) -> None:
    place = Place("http://127.0.0.1:9", "abc", folder=str(tmp_path), php=("false",))
    with pytest.raises(BenchmarkFailed, match="uploadcourse"):
        uploaded(place, tmp_path / "rows.csv")
    with pytest.raises(BenchmarkFailed, match="copbridge site add"):
        Command("postgresql+psycopg://nobody@127.0.0.1:9/none")("site", "add", "x", "--wwwroot", "y", "--name", "z")


def test_a_ratio_is_told() -> None:
    lines = report(4, 2, Applied(20.0, 30, 40), Applied(5.0, 12, 0), 40.0).splitlines()
    assert "apply, with all that it checks, to uploadcourse.php: 0.50" in lines
    assert lines[4].split()[-4:] == ["20.0", "5.00", "30", "40"]
