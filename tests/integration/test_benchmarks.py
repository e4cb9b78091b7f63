"""The benchmarks run, and those of the rebuild and of the sweep fail where what is compared doesn't say the same."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rebuild import WrongTotals, check_totals

ROOT = Path(__file__).parents[2]
SMALL_SWEEP = ("--users", "12", "--modules", "5", "--factor", "0.02")
SMALL_CONSOLE = ("--memberships", "100", "--only", "benchmark.without_places", "board.live", "merging.show")
SMALL = ("--memberships", "20", "--communities", "2", "--sample", "1", "--processes", "1")


def test_a_small_rebuild_is_measured_and_its_totals_are_checked() -> None:
    command = [sys.executable, "-W", "error", "-m", "benchmarks.rebuild", *SMALL]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert "20 memberships with 20 facts each" in done.stdout
    first, again = re.findall(r"written: ([\d,]+), ([\d,]+)", done.stdout)[0]
    assert int(first) > 200
    assert again == "0"
    assert "to fetching the same facts" in done.stdout


@pytest.mark.parametrize(
    ("computed", "aggregated", "said"),
    [
        ([60, 45], [60, 30], "1 memberships differ in minutes, engine and aggregate: 2: 45 and 30"),
        ([60], [60, 0], "the engine computed 1 memberships, the aggregate 2"),
    ],
)
def test_other_totals_than_the_aggregates_fail_loudly(computed: list[int], aggregated: list[int], said: str) -> None:
    with pytest.raises(WrongTotals, match=said):
        check_totals(computed, aggregated)


def test_a_small_sweep_is_measured_beside_the_plain_loop_and_the_floor() -> None:
    command = [sys.executable, "-W", "error", "-m", "benchmarks.sweep", *SMALL_SWEEP]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MOODLE_")}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    assert "13 people" in done.stdout
    calls = {name: int(number) for name, number in re.findall(r"^(\w[\w ]+?) {2,}(\d+) ", done.stdout, re.MULTILINE)}
    assert calls["completions side by side"] == 13
    # Beside what the loop asks, the course itself and its category.
    assert calls["plain loop"] < calls["sweep"] <= calls["plain loop"] + 5
    for ratio in ("to the plain loop", "to the site's floor", "to completions side by side"):
        assert re.search(rf"sweep {ratio}.*: \d+\.\d\d$", done.stdout, re.MULTILINE), done.stdout


def test_a_few_pages_are_measured_beside_the_layout() -> None:
    command = [sys.executable, "-W", "error", "-m", "benchmarks.console", *SMALL_CONSOLE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr
    assert "100 memberships in 2 communities" in done.stdout
    # Ratio, milliseconds of CPU and on the clock, queries and KiB; a page that isn't answered with 200 says more.
    measured = re.findall(
        r"^([a-z_]+\.[a-z_]+)\S* +\d+\.\d +\d+\.\d +\d+\.\d +[1-9]\d* +\d+\.\d$", done.stdout, re.MULTILINE
    )
    assert set(measured) == {"benchmark.without_places", "board.live", "merging.show"}
