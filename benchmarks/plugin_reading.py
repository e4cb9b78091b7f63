"""What the whole state of a course costs by the companion plugin's bulk functions, and by core's calls, one a user.

`python -m benchmarks.plugin_reading` asks a sandbox; with MOODLE_URL, MOODLE_TOKEN (core's functions),
MOODLE_PLUGIN_TOKEN (the plugin's) and MOODLE_COURSE in the environment it reads that course of that site, and with
MOODLE_DIR and MOODLE_PHP it says what of the time is SQL, PHP and network. It writes nothing.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from benchmarks.plugin_site import BenchmarkFailed, Caller, Place, machine
from sandbox.many import Many, fill
from sandbox.serving import serving
from sandbox.site import Site

PREFIX = "local_copbridge_"
COMPLETIONS = f"{PREFIX}get_completions"
CORE_COMPLETIONS = "core_completion_get_activities_completion_status"
STATIC = "theme/boost/pix/favicon.ico"
PEOPLE_AT_ONCE = 200
SHARES = ("HTTP", "SQL", "PHP", "check", "start", "network", "rest")
Rows = dict[tuple[int, int], tuple[int, int]]
"""State and time by activity and user, of all that isn't incomplete."""


@dataclass(frozen=True)
class Call:
    """A call that was made, and what it took."""

    function: str
    parameters: dict[str, object]
    seconds: float


@dataclass(frozen=True)
class Read:
    """A course's whole state, read once. `rest`: all but the completions."""

    rest: float
    completions: float
    rows: Rows
    calls: list[Call] = field(default_factory=list)
    count: int = 0
    """Calls, where they aren't listed."""
    seen: frozenset[tuple[int, int]] = frozenset()
    """Of whom something was told: activity and user."""

    @property
    def whole(self) -> float:
        return self.rest + self.completions


def in_bulk(caller: Caller, course: int, limit: int) -> Read:
    """The course and its activities, its people, the digest, and all rows of completion."""
    calls: list[Call] = []

    def call(name: str, **parameters: object) -> Any:
        answer = caller.call(f"{PREFIX}{name}", courseid=course, **parameters)
        calls.append(Call(f"{PREFIX}{name}", {"courseid": course, **parameters}, caller.elapsed))
        return answer

    began = perf_counter()
    json.loads(call("get_course_map")["readings"])
    last, more = 0, True
    while more:
        page = call("get_roster", afteruser=last)
        json.loads(page["readings"])
        last, more = page["last"], page["more"]
    call("get_digest")
    between = perf_counter()
    rows: list[list[Any]] = []
    after, more = (0, 0), True
    while more:
        page = call("get_completions", aftermodule=after[0], afteruser=after[1], limit=limit)
        found = json.loads(page["rows"])
        rows += found
        after, more = (found[-1][0], found[-1][1]) if found else after, page["more"] and bool(found)
    done = perf_counter()
    kept = {(module, user): (state, time) for module, user, state, time, _ in rows if state}
    return Read(between - began, done - between, kept, calls, len(calls))


def by_core(place: Place, course: int, threads: int, sample: int) -> tuple[Read, int, int]:
    """The same by core's functions, so many calls at once; with it of how many users the completions were read, and of
    how many there are. The time of the completions is scaled to all of them."""
    with _callers(place, threads) as at_once:
        began = perf_counter()
        caller = Caller(place.url, place.token)
        caller.call("core_course_get_courses_by_field", field="id", value=course)
        sections = caller.call("core_course_get_contents", courseid=course)
        modules = [module["id"] for section in sections for module in section["modules"]]
        at_once(modules, lambda one, module: one.call("core_course_get_course_module", cmid=module))
        users = _people(caller, course)
        caller.close()
        rest = perf_counter() - began
        some = sorted(random.Random(1).sample(users, sample)) if 0 < sample < len(users) else users
        began = perf_counter()
        told = at_once(some, lambda one, user: one.call(CORE_COMPLETIONS, courseid=course, userid=user)["statuses"])
        seconds = perf_counter() - began
    each = [(user, status) for user, statuses in zip(some, told, strict=True) for status in statuses]
    rows = {(s["cmid"], user): (s["state"], s["timecompleted"]) for user, s in each if s["state"]}
    seen = frozenset((s["cmid"], user) for user, s in each)
    count = 2 + len(modules) + len(users) // PEOPLE_AT_ONCE + 1 + len(users)
    return Read(rest, seconds * len(users) / len(some), rows, [], count, seen), len(some), len(users)


def _people(caller: Caller, course: int) -> list[int]:
    users: list[int] = []
    while True:
        page = caller.call(
            "core_enrol_get_enrolled_users",
            courseid=course,
            **{
                "options[0][name]": "limitfrom",
                "options[0][value]": len(users),
                "options[1][name]": "limitnumber",
                "options[1][value]": PEOPLE_AT_ONCE,
                "options[2][name]": "sortby",
                "options[2][value]": "id",
            },
        )
        users += [user["id"] for user in page]
        if len(page) < PEOPLE_AT_ONCE:
            return users


AtOnce = Callable[[Sequence[int], Callable[[Caller, int], Any]], list[Any]]


@contextmanager
def _callers(place: Place, threads: int) -> Iterator[AtOnce]:
    """Does something for each of some ids, in threads that each keep a connection."""
    free = [Caller(place.url, place.token) for _ in range(threads)]

    def each(ids: Sequence[int], what: Callable[[Caller, int], Any]) -> list[Any]:
        def one(number: int) -> Any:
            caller = free.pop()
            try:
                return what(caller, number)
            finally:
                free.append(caller)

        with ThreadPoolExecutor(threads) as pool:
            return list(pool.map(one, ids))

    try:
        yield each
    finally:
        for caller in free:
            caller.close()


def check(bulk: Read, core: Read) -> None:
    """Raises BenchmarkFailed where the bulk functions tell another state of what core told. What core doesn't tell of
    (an activity that somebody can't see) says nothing."""
    mine = {key: value for key, value in bulk.rows.items() if key in core.seen}
    wrong = sorted(key for key in mine.keys() | core.rows.keys() if mine.get(key) != core.rows.get(key))
    if wrong:
        key = wrong[0]
        told = f"activity {key[0]}, user {key[1]}: {mine.get(key)} in bulk, {core.rows.get(key)} by core"
        raise BenchmarkFailed(f"{len(wrong)} rows differ: {told}")


def floors(place: Place, times: int) -> dict[str, float]:
    """Seconds at best: of Moodle's start and its look at the token alone (a function that isn't there), of the cheapest
    function of core's, and of a file that the web server hands out by itself."""
    caller = Caller(place.url, place.plugin_token)
    found: dict[str, list[float]] = {"start": [], "site_info": [], "file": []}
    for _ in range(times):
        with suppress(BenchmarkFailed):
            caller.call(f"{PREFIX}no_such_function")
        found["start"].append(caller.elapsed)
        caller.call("core_webservice_get_site_info")
        found["site_info"].append(caller.elapsed)
        caller.fetch(STATIC)
        found["file"].append(caller.elapsed)
    caller.close()
    return {name: min(seconds) for name, seconds in found.items()}


def shares(place: Place, course: int, limit: int, times: int) -> list[str]:
    """What of the calls' time is the database's, PHP's and the network's: each part at its best of as many."""
    caller = Caller(place.url, place.plugin_token)
    reads = [in_bulk(caller, course, limit) for _ in range(times)]
    caller.close()
    calls = reads[0].calls
    if any(len(read.calls) != len(calls) for read in reads):
        raise BenchmarkFailed("the course changed meanwhile: other pages than before")
    asked = json.dumps([[call.function, call.parameters] for call in calls])
    inside = place.run("plugin_shares.php", calls=asked, times=times)
    floor = floors(place, times)
    lines = [f"{'of the calls, ms at best':26}" + "".join(f"{head:>9}" for head in SHARES)]
    parts = []
    for number, call in enumerate(calls):
        http = min(read.calls[number].seconds for read in reads)
        sql, own, checked = inside[number]
        boot = floor["start"] - floor["file"]
        parts.append((http, sql, own - sql, checked - own, boot, floor["file"], http - checked - floor["start"]))
        lines.append(_share(call.function.removeprefix(PREFIX), parts[-1]))
    total = tuple(map(sum, zip(*parts, strict=True)))
    lines.append(_share("all of them", total))
    lines.append(f"{'of it, %':26}" + "".join(f"{100 * part / total[0]:>9.0f}" for part in total))
    lines.append(
        "SQL, PHP: the function itself. check: Moodle's look at its answer, and JSON. start: Moodle's, and its look"
    )
    lines.append("at the token. network: a file from the same web server. rest: what is left (below 0: noise).")
    lines.append(f"Core's cheapest call, site_info: {1000 * floor['site_info']:.1f} ms")
    return lines


def _share(name: str, parts: Sequence[float]) -> str:
    return f"{name:26}" + "".join(f"{1000 * part:>9.1f}" for part in parts)


def measure(place: Place, course: int, given: argparse.Namespace) -> str:
    """The report of a run: in bulk and by core in turn."""
    bulk, core = [], []
    sampled = users = 0
    caller = Caller(place.url, place.plugin_token)
    in_bulk(caller, course, given.limit)
    for _ in range(given.rounds):
        bulk.append(in_bulk(caller, course, given.limit))
        read, sampled, users = by_core(place, course, given.threads, given.sample)
        core.append(read)
        bulk.append(in_bulk(caller, course, given.limit))
        check(bulk[-1], read)
    caller.close()
    scaled = "" if sampled == users else f" (read of {sampled}, and scaled)"
    lines = [
        machine(),
        f"{users} people, {len(bulk[-1].rows)} completions, core's of each user{scaled}, {given.threads} calls at once",
        "",
        f"{'median seconds':26}{'calls':>8}{'map, people':>13}{'completions':>13}{'whole':>10}",
        _row("in bulk", bulk),
        _row("by core", core),
        "",
        f"completions, core to bulk: {_ratio(core, bulk, lambda read: read.completions)}",
        f"whole, core to bulk: {_ratio(core, bulk, lambda read: read.whole)}",
    ]
    if place.folder:
        lines += ["", *shares(place, course, given.limit, given.times)]
    return "\n".join(lines) + "\n"


def _row(name: str, reads: Sequence[Read]) -> str:
    columns = (lambda read: read.rest), (lambda read: read.completions), (lambda read: read.whole)
    rest, completions, whole = (statistics.median(map(column, reads)) for column in columns)
    return f"{name:26}{reads[0].count:>8}{rest:>13.3f}{completions:>13.3f}{whole:>10.3f}"


def _ratio(core: Sequence[Read], bulk: Sequence[Read], part: Callable[[Read], float]) -> str:
    """The ratio of medians, and the range over rounds: each of core's against those in bulk before and after it."""
    each = [part(one) / ((part(bulk[2 * n]) + part(bulk[2 * n + 1])) / 2) for n, one in enumerate(core)]
    ratio = statistics.median(map(part, core)) / statistics.median(map(part, bulk))
    return f"{ratio:.1f} ({min(each):.1f} to {max(each):.1f} over {len(each)} rounds)"


@contextmanager
def sandbox(users: int, modules: int) -> Iterator[tuple[Place, int]]:
    """A sandbox that has the plugin, and a course of that size."""
    with tempfile.TemporaryDirectory(prefix="copbridge-bench-") as folder, Site(Path(folder) / "site.db") as site:
        site.installs_plugin()
        course = fill(site, Many(courses=1, users=users, modules=modules))[0]
        with serving(site) as address:
            yield Place(address, site.token, site.token), course


def main() -> None:
    options = argparse.ArgumentParser(prog="benchmarks.plugin_reading", description=__doc__)
    options.add_argument("--users", type=int, default=200, help="people in the sandbox's course")
    options.add_argument("--modules", type=int, default=30, help="activities in it")
    options.add_argument("--sample", type=int, default=100, help="users whose completions core is asked for; 0: all")
    options.add_argument("--threads", type=int, default=8, help="calls of core's at once")
    options.add_argument("--limit", type=int, default=5000, help="rows of completion a call")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--times", type=int, default=15, help="repetitions inside the site, for the shares")
    given = options.parse_args()
    try:
        if os.environ.get("MOODLE_URL"):
            place = Place.given()
            if not (place.token and place.plugin_token and os.environ.get("MOODLE_COURSE")):
                raise BenchmarkFailed("MOODLE_TOKEN, MOODLE_PLUGIN_TOKEN and MOODLE_COURSE have to be set, too")
            sys.stdout.write(measure(place, int(os.environ["MOODLE_COURSE"]), given))
            return
        with sandbox(given.users, given.modules) as (made, course):
            sys.stdout.write(measure(made, course, given))
    except BenchmarkFailed as err:
        sys.exit(f"benchmarks.plugin_reading: {err}")


if __name__ == "__main__":
    main()
