"""What the companion plugin costs a participant: requests that it keeps an event of, with it and without, in turn.

`python -m benchmarks.plugin_requests` with MOODLE_URL, MOODLE_DIR and MOODLE_PHP makes a course and people on that
site, and removes them: a site to try things on. "Without" is the plugin's scope "none" (its observers are called, and
look at one setting); "with" is "all". The order is with, without, without, with. First nobody sends; then the sending
task runs beside while its receiver is down.
"""

import argparse
import random
import statistics
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.plugin_site import BenchmarkFailed, Caller, Inside, Place, machine, quantile

SCOPES = ("all", "none")
TICK = "core_completion_update_activity_completion_status_manually"
TASK = "\\local_copbridge\\task\\send"
DEEDS = ("tick, untick", "first view", "enrol, unenrol")
AIM = 1.05
RESAMPLES = 1000
Block = list[float]


@dataclass
class Times:
    """Seconds of requests: of each deed and scope a block for each turn. `rows`: of the outbox, by deed."""

    blocks: dict[tuple[str, str], list[Block]] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)

    def add(self, deed: str, scope: str, block: Block) -> None:
        self.blocks.setdefault((deed, scope), []).append(block)

    def of(self, deed: str, scope: str) -> list[float]:
        return sorted(seconds for block in self.blocks[deed, scope] for seconds in block)


@dataclass(frozen=True)
class Ratio:
    """A ratio of medians, with the interval that 95 % of the resamples lie in."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def ratio(with_it: Sequence[Block], without: Sequence[Block], lots: random.Random) -> Ratio:
    """The ratio of medians; resampled by turns, for what disturbs a turn disturbs both of its blocks. As many turns of
    one as of the other."""
    turns = list(zip(with_it, without, strict=True))

    def medians(some: Sequence[tuple[Block, Block]]) -> float:
        a, b = (statistics.median(seconds for turn in some for seconds in turn[side]) for side in (0, 1))
        return a / b

    found = sorted(medians(lots.choices(turns, k=len(turns))) for _ in range(RESAMPLES))
    return Ratio(medians(turns), quantile(found, 0.025), quantile(found, 0.975))


def turns(pairs: int) -> list[str]:
    """With, without, without, with, and so on."""
    return [scope for pair in range(pairs) for scope in (SCOPES if pair % 2 == 0 else SCOPES[::-1])]


class Participants:
    """The people of the benchmark's course, who each do a thing at a time."""

    def __init__(self, url: str, made: dict[str, Any]) -> None:
        self._made = made
        self._teacher = Caller(url, made["teacher"])
        self._students = [Caller(url, token) for token in made["students"]]
        self._done = 0

    def warm(self) -> None:
        """What the first request after a switch has to do beside: read the settings anew."""
        self._teacher.call("core_webservice_get_site_info")
        self._students[0].call("core_webservice_get_site_info")

    def deeds(self) -> Iterator[tuple[str, Block]]:
        """Each deed once by each of them; every other time it is undone."""
        self._done += 1
        undo = self._done % 2 == 0
        course, role = self._made["course"], self._made["role"]
        tick = {"cmid": self._made["tick"], "completed": int(not undo)}
        yield "tick, untick", [_seconds(one, TICK, **tick) for one in self._students]
        page = self._made["page"]
        yield "first view", [_seconds(one, "mod_page_view_page", pageid=page) for one in self._students]
        function = "enrol_manual_unenrol_users" if undo else "enrol_manual_enrol_users"
        rows = [{"userid": user, "courseid": course, "roleid": role} for user in self._made["newcomers"]]
        fields = [{f"enrolments[0][{name}]": value for name, value in row.items()} for row in rows]
        yield "enrol, unenrol", [_seconds(self._teacher, function, **row) for row in fields]

    def close(self) -> None:
        for caller in (self._teacher, *self._students):
            caller.close()


def _seconds(caller: Caller, function: str, **fields: object) -> float:
    caller.call(function, **fields)
    return caller.elapsed


@contextmanager
def sending(place: Place) -> Iterator[None]:
    """The task that sends, run again and again as cron would; its receiver is down."""
    over = threading.Event()
    command = [*place.php, f"{place.folder}/admin/cli/scheduled_task.php", f"--execute={TASK}"]
    running: list[subprocess.Popen[bytes]] = []
    problems: list[str] = []

    def run() -> None:
        while not over.is_set():
            task = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            running[:] = [task]
            _, said = task.communicate()
            if task.returncode and not over.is_set():
                problems.append(said.decode(errors="replace"))
                return
            over.wait(5)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        for task in running:
            task.terminate()
        thread.join()
    if problems:
        raise BenchmarkFailed(f"the sending task failed: {problems[0]}")


def series(inside: Inside, participants: Participants, pairs: int) -> Times:
    """So many turns with and without. Raises BenchmarkFailed where an event wasn't kept that ought to be, or was."""
    times, rows = Times(), inside.ask("rows")
    for scope in turns(pairs):
        inside.ask("scope", scope)
        inside.ask("forget")
        participants.warm()
        for deed, block in participants.deeds():
            times.add(deed, scope, block)
            before, rows = rows, inside.ask("rows")
            times.rows[deed] += rows - before
            if rows != before if scope == "none" else rows < before + len(block):
                raise BenchmarkFailed(f"scope {scope}: {rows - before} events were kept of {len(block)} times {deed}")
    return times


def report(name: str, times: Times) -> list[str]:
    """A table: a line for each deed, and one for all of them, in which each counts alike."""
    lots = random.Random(1)
    heads = ("requests", "rows each", "with, ms", "without", "p95 with", "without")
    lines = [f"{name:16}" + "".join(f"{head:>10}" for head in heads) + "   ratio of medians"]
    for deed in DEEDS:
        kept, bare = times.of(deed, "all"), times.of(deed, "none")
        columns = (statistics.median(kept), statistics.median(bare), quantile(kept, 0.95), quantile(bare, 0.95))
        found = ratio(times.blocks[deed, "all"], times.blocks[deed, "none"], lots)
        counts = f"{deed:16}{len(kept):>10}{times.rows[deed] / len(kept):>10.1f}"
        lines.append(counts + "".join(f"{1000 * one:>10.1f}" for one in columns) + f"   {found}")
    relative = {scope: _relative(times, scope) for scope in SCOPES}
    lines.append(f"{'all, each alike':76}   {ratio(relative['all'], relative['none'], lots)}")
    return lines


def _relative(times: Times, scope: str) -> list[Block]:
    """The blocks of a turn together, each time in medians of its deed without the plugin."""
    bare = {deed: statistics.median(times.of(deed, "none")) for deed in DEEDS}
    blocks = zip(*(times.blocks[deed, scope] for deed in DEEDS), strict=True)
    return [[s / bare[deed] for deed, block in zip(DEEDS, turn, strict=True) for s in block] for turn in blocks]


def observer(inside: Inside) -> str:
    """What the observer takes by itself, inside one process: whatever else a request does."""
    found = {}
    for scope in SCOPES:
        inside.ask("scope", scope)
        found[scope] = statistics.median(inside.ask("observer", 200) for _ in range(5))
    return f"the observer alone, ms an event: {found['all']:.3f} with, {found['none']:.4f} without"


def measure(place: Place, pairs: int, people: int) -> str:
    with Inside(place, "plugin_participants.php") as inside:
        made = inside.ask("make", people)
        participants = Participants(place.url, made)
        lines = [
            f"{machine()}; Moodle {made['moodle']}",
            f"{pairs} turns of {people} requests of each kind; aim: {AIM}",
        ]
        try:
            series(inside, participants, 2)  # Not counted: caches fill.
            lines += ["", *report("nobody sends", series(inside, participants, pairs))]
            with sending(place):
                lines += ["", *report("receiver down", series(inside, participants, pairs))]
            lines += ["", observer(inside)]
        finally:
            participants.close()
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.plugin_requests", description=__doc__)
    options.add_argument("--pairs", type=int, default=40, help="turns with and without; an even number")
    options.add_argument("--people", type=int, default=5, help="requests of each kind in a turn")
    given = options.parse_args()
    try:
        if given.pairs < 2 or given.pairs % 2:
            raise BenchmarkFailed("--pairs: an even number, so that each comes first as often")
        sys.stdout.write(measure(Place.given(), given.pairs, given.people))
    except BenchmarkFailed as err:
        sys.exit(f"benchmarks.plugin_requests: {err}")


if __name__ == "__main__":
    main()
