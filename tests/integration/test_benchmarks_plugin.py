"""The companion plugin's benchmarks: what runs without a Moodle runs, and what they compare has to be the same."""

import http.client
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from benchmarks.plugin_reading import Read, check
from benchmarks.plugin_receiver import PATH, Taken, receiving, sign
from benchmarks.plugin_requests import DEEDS, Times, ratio, report, turns
from benchmarks.plugin_sending import Sent
from benchmarks.plugin_sending import report as sending_report
from benchmarks.plugin_site import BenchmarkFailed, Place

ROOT = Path(__file__).parents[2]
BODY = b'{"events": [{"id": "a"}, {"id": "b"}], "readings": [{"kind": "course"}]}'


def run(name: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A benchmark, without what the environment says of a Moodle."""
    plain = {key: value for key, value in os.environ.items() if not key.startswith("MOODLE_")}
    command = [sys.executable, "-W", "error", "-m", f"benchmarks.{name}", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=280, check=False, env=plain | environment
    )


def test_a_small_course_is_read_in_bulk_and_by_core() -> None:
    small = ("--users", "12", "--modules", "5", "--sample", "4", "--rounds", "2", "--limit", "20")
    done = run("plugin_reading", *small)
    assert done.returncode == 0, done.stderr
    assert "13 people" in done.stdout
    assert "(read of 4, and scaled)" in done.stdout
    # The map, one page of people, the digest, and the rows in pages of twenty.
    assert [line.split()[2] for line in done.stdout.splitlines() if line.startswith("in bulk")] == ["5"]
    for part in ("completions", "whole"):
        assert f"{part}, core to bulk: " in done.stdout


@pytest.mark.parametrize(
    ("in_bulk", "by_core"),
    [
        ({(1, 7): (1, 50)}, {(1, 7): (1, 51)}),
        ({(1, 7): (1, 50)}, {}),
        ({}, {(1, 7): (1, 50)}),
    ],
)
def test_another_state_in_bulk_than_by_core_fails_loudly(
    in_bulk: dict[tuple[int, int], tuple[int, int]], by_core: dict[tuple[int, int], tuple[int, int]]
) -> None:
    with pytest.raises(BenchmarkFailed, match="1 rows differ: activity 1, user 7"):
        check(Read(0, 0, in_bulk), Read(0, 0, by_core, seen=frozenset({(1, 7)})))


def test_what_core_does_not_tell_of_says_nothing() -> None:
    check(Read(0, 0, {(2, 7): (1, 50)}), Read(0, 0, {}, seen=frozenset({(1, 7)})))


@pytest.mark.parametrize("name", ["plugin_requests", "plugin_sending"])
def test_a_benchmark_inside_a_site_says_what_it_lacks(name: str) -> None:
    assert run(name).stderr == f"benchmarks.{name}: MOODLE_URL isn't set\n"
    lacking = run(name, MOODLE_URL="http://127.0.0.1:9", MOODLE_COURSE="2")
    assert lacking.returncode == 1
    assert "MOODLE_DIR isn't set" in lacking.stderr


def test_no_token_is_shown() -> None:
    place = Place.given(
        {"MOODLE_URL": "https://moodle.example.org/", "MOODLE_TOKEN": "abc", "MOODLE_PLUGIN_TOKEN": "d9"}
    )
    assert (place.url, place.token, place.plugin_token) == ("https://moodle.example.org", "abc", "d9")
    assert "abc" not in repr(place)
    assert "d9" not in repr(place)


def test_with_and_without_come_first_as_often() -> None:
    assert turns(4) == ["all", "none", "none", "all", "all", "none", "none", "all"]


def test_a_ratio_of_medians_lies_in_its_interval() -> None:
    without = [[1.0, 1.1, 0.9 + place / 100] for place in range(20)]
    twice = [[2 * seconds for seconds in block] for block in without]
    found = ratio(twice, without, random.Random(1))
    assert found.low <= found.value <= found.high
    assert found.value == pytest.approx(2.0)


def test_each_deed_has_a_line_and_counts_alike() -> None:
    times = Times()
    for scope in turns(4):
        for number, deed in enumerate(DEEDS):
            times.add(deed, scope, [(number + 1) * (1.5 if scope == "all" else 1.0)] * 3)
            times.rows[deed] += 3 if scope == "all" else 0
    lines = report("nobody sends", times)
    assert [line.split("   ")[0].strip() for line in lines[1:]] == [*DEEDS, "all, each alike"]
    assert all(line.endswith("1.500 (1.500 to 1.500)") for line in lines[1:])


@pytest.fixture
def taken(tmp_path: Path) -> Iterator[Taken]:
    with receiving(tmp_path) as found:
        yield found


def post(taken: Taken, body: bytes, headers: dict[str, str]) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", taken.port, timeout=30)
    connection.request("POST", PATH, body, headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_the_receiver_takes_what_is_signed_and_keeps_it_to_the_byte(taken: Taken) -> None:
    headers = sign(taken.secret, BODY)
    Webhook(taken.secret).verify(BODY.decode(), headers)
    assert post(taken, BODY, headers) == 200
    assert (taken.events, taken.readings, taken.refused) == (["a", "b"], 1, 0)
    assert [path.read_bytes() for path in taken.bodies] == [BODY]


@pytest.mark.parametrize("wrong", ["webhook-signature", "webhook-timestamp", "webhook-id"])
def test_the_receiver_takes_nothing_else(taken: Taken, wrong: str) -> None:
    assert post(taken, BODY, sign(taken.secret, BODY) | {wrong: "1"}) == 401
    assert (taken.events, taken.refused, taken.bodies) == ([], 1, [])


def test_memory_and_time_are_told_as_ratios() -> None:
    few = [Sent(500, 2, 1430, 540_000, 0.2, 0.1, 13 * 2**20, 20 * 2**20)]
    many = [Sent(5000, 20, 14300, 5_400_000, 2.0, 1.0, 13 * 2**20, 21 * 2**20)]
    lines = sending_report(few, many)
    assert "sending to mere posting: 2.0 (2.0 to 2.0)" in lines
    assert "peak memory with 10 times as many: 1.050" in lines
    assert "seconds an event, likewise: 1.00" in lines
