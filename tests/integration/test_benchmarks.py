"""The benchmark of the rebuild runs, and fails where the engine and plain SQL don't say the same."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rebuild import WrongTotals, check_totals

ROOT = Path(__file__).parents[2]
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
