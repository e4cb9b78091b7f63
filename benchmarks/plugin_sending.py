"""How long the companion plugin takes to hand over what waits, how far that is from mere posting, and its memory.

`python -m benchmarks.plugin_sending` with MOODLE_URL, MOODLE_DIR, MOODLE_PHP and MOODLE_COURSE fills the outbox of that
site with completions of that course as they are, and has them sent to a receiver of its own on this machine, which
verifies the signatures. The floor is PHP's cURL with the same bodies in a loop, to the same receiver. Settings and
outbox are put back; a site whose outbox isn't empty is refused.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.plugin_receiver import Taken, receiving, sign
from benchmarks.plugin_site import BenchmarkFailed, Inside, Place, machine

MIB = 2**20


@dataclass(frozen=True)
class Sent:
    """A run of the sender, without Moodle's start. `seconds`: until all was answered and removed; `floor`: of posting
    the same bodies. `before`, `peak`: bytes of memory, of Moodle itself and at their most."""

    events: int
    batches: int
    readings: int
    size: int
    seconds: float
    floor: float
    before: int
    peak: int

    @property
    def ratio(self) -> float:
        return self.seconds / self.floor


def send(place: Place, inside: Inside, taken: Taken, events: int) -> Sent:
    """Fill the outbox and have it sent; then the same bodies by a loop. Raises BenchmarkFailed where not each event
    came exactly once."""
    taken.forget(keeping=True)
    waiting = inside.ask("fill", events)
    run = place.run("plugin_send.php")
    came = len(taken.events)
    if run["outcome"] not in ("delivered", "idle") or not waiting == run["settled"] == came == len(set(taken.events)):
        raise BenchmarkFailed(f"{run['outcome']}: {waiting} waited, {run['settled']} were settled, {came} came")
    readings = taken.readings
    floor = post_all(place, taken)
    size = sum(path.stat().st_size for path in taken.bodies)
    return Sent(events, len(taken.bodies), readings, size, run["seconds"], floor, run["before"], run["peak"])


def post_all(place: Place, taken: Taken) -> float:
    """Seconds of posting what came once more, in one loop of PHP's cURL."""
    taken.forget(keeping=False)
    posts = []
    for path in taken.bodies:
        headers = [f"{name}: {value}" for name, value in sign(taken.secret, path.read_bytes()).items()]
        posts.append([str(path), headers])
    listed = taken.folder / "posts.json"
    listed.write_text(json.dumps(posts))
    done = place.run("plugin_curl.php", boots=False, list=listed, url=taken.url)
    if done["good"] != len(posts) or taken.refused:
        raise BenchmarkFailed(f"{done['good']} of {len(posts)} bodies were taken from the loop")
    return float(done["seconds"])


def report(few: Sequence[Sent], many: Sequence[Sent]) -> list[str]:
    """A line for each number of events, and the ratios."""
    heads = (
        "events",
        "batches",
        "readings",
        "MB",
        "seconds",
        "events/s",
        "floor, s",
        "ratio",
        "peak MiB",
        "of it Moodle",
    )
    lines = ["".join(f"{head:>10}" for head in heads[:-1]) + f"{heads[-1]:>13}"]
    for runs in (few, many):
        if not runs:
            continue
        one, took = runs[0], _median(runs, "seconds")
        lines.append(
            f"{one.events:>10}{one.batches:>10}{one.readings:>10}{one.size / 1e6:>10.2f}{took:>10.2f}"
            f"{one.events / took:>10.0f}{_median(runs, 'floor'):>10.3f}{_median(runs, 'ratio'):>10.1f}"
            f"{_median(runs, 'peak') / MIB:>10.1f}{_median(runs, 'before') / MIB:>13.1f}"
        )
    each = [run.ratio for run in few]
    lines += ["", f"sending to mere posting: {_median(few, 'ratio'):.1f} ({min(each):.1f} to {max(each):.1f})"]
    if many:
        more = many[0].events / few[0].events
        lines.append(f"peak memory with {more:.0f} times as many: {_median(many, 'peak') / _median(few, 'peak'):.3f}")
        lines.append(f"seconds an event, likewise: {_median(many, 'seconds') / more / _median(few, 'seconds'):.2f}")
    return lines


def _median(runs: Sequence[Sent], name: str) -> float:
    return float(statistics.median(getattr(run, name) for run in runs))


def measure(place: Place, course: int, events: int, times: int, rounds: int) -> str:
    with (
        tempfile.TemporaryDirectory(prefix="copbridge-bench-") as folder,
        receiving(Path(folder)) as taken,
        Inside(place, "plugin_outbox.php", course=course) as inside,
    ):
        # The site's PHP runs as another user.
        Path(folder).chmod(0o755)
        inside.ask("endpoint", taken.url)
        inside.ask("secret", taken.secret)
        send(place, inside, taken, min(events, 50))
        few = [send(place, inside, taken, events) for _ in range(rounds)]
        many = [send(place, inside, taken, events * times)] if times > 1 else []
        lines = [f"{machine()}; Moodle {inside.ask('moodle')}", f"medians of {rounds} rounds", "", *report(few, many)]
    return "\n".join(lines) + "\n"


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.plugin_sending", description=__doc__)
    options.add_argument("--events", type=int, default=500)
    options.add_argument("--times", type=int, default=10, help="once more with so many times as many; 1: no")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    try:
        place = Place.given()
        if not os.environ.get("MOODLE_COURSE"):
            raise BenchmarkFailed("MOODLE_COURSE isn't set")
        course = int(os.environ["MOODLE_COURSE"])
        sys.stdout.write(measure(place, course, given.events, given.times, given.rounds))
    except BenchmarkFailed as err:
        sys.exit(f"benchmarks.plugin_sending: {err}")


if __name__ == "__main__":
    main()
