"""The sandbox as Moodle for houses in this process: a clock of its own, and a client that needs no network."""

import json
import random
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

import requests

from moodle_client import MoodleClient, Pace, Reply
from moodle_client.answers import decoded, warnings_in
from moodle_client.encoding import Fields
from moodle_client.transport import Transport
from sandbox import readings, webservice, wire
from sandbox.disorder import REACH, Disorder
from sandbox.site import Site
from sandbox.store import Row
from sandbox.world import World

START = 1_794_000_000.25
"""Somewhere in a term; all that happens is before the clock of houses."""
HOUR = 3_600.0
Reading = dict[str, Any]
After = Callable[[str, dict[str, str]], None]
"""Told of each call, function and parameters, once its answer is fixed and before the caller has it."""


def nothing(function: str, params: dict[str, str]) -> None:
    """After most calls."""
    del function, params


class Clock:
    """A site's clock, which only tests move."""

    def __init__(self, now: float = START) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now

    def tick(self, seconds: float = HOUR) -> None:
        self.now += seconds


class _NearTransport(Transport):
    """Asks the site in this process; an answer's moment is the site's."""

    def __init__(self, site: Site, token: str, after: After) -> None:
        super().__init__(site.wwwroot, token, timeout=10, max_bytes=2**26)
        self._site, self._near_token, self._after = site, token, after

    def _once(self, session: requests.Session, function: str, fields: Fields) -> Reply[Any]:
        del session
        began = int(self._site.clock())
        form = {name: str(value) for name, value in fields}
        form |= {"wstoken": self._near_token, "wsfunction": function, "moodlewsrestformat": "json"}
        body = json.dumps(self._site.gate.serve(form, lambda: self._answer(form)))
        self._after(function, form)
        data = decoded(function, body.encode())
        return Reply(data, datetime.fromtimestamp(began, UTC), 0.0, warnings_in(data))

    def _answer(self, form: dict[str, str]) -> Any:
        try:
            more = _MORE.get(form["wsfunction"])
            return more(self._site, form) if more else webservice.call(self._site, form)
        except webservice.MoodleError as err:
            return err.payload


def _users_courses(site: Site, form: dict[str, str]) -> Any:
    """core_enrol_get_users_courses: those in which an enrolment is active."""
    active = {row["course"] for row in site.world().enrolments if row["user"] == int(form["userid"]) and row["active"]}
    return [
        {"id": row["course"], "shortname": row["shortname"], "fullname": row["fullname"], "idnumber": row["idnumber"]}
        for row in site.world().courses
        if row["course"] in active
    ]


def _course_profiles(site: Site, form: dict[str, str]) -> Any:
    """core_user_get_course_user_profiles: as the list of a course tells of who is in it."""
    user, course = (int(form[f"userlist[0][{name}]"]) for name in ("userid", "courseid"))
    asked = {"wstoken": form["wstoken"], "wsfunction": "core_enrol_get_enrolled_users", "courseid": str(course)}
    return [row for row in webservice.call(site, asked) if row["id"] == user]


_MORE: dict[str, Callable[[Site, dict[str, str]], Any]] = {
    "core_enrol_get_users_courses": _users_courses,
    "core_user_get_course_user_profiles": _course_profiles,
}
"""What the sandbox has no answer to."""


class Near(MoodleClient):
    """A client of a sandbox in this process."""

    def __init__(self, site: Site, wwwroot: str, token: str, *, after: After = nothing, pace: Pace | None = None):
        super().__init__(wwwroot, token, pace=pace, tries=1)
        self._transport = _NearTransport(site, token, after)


class Told:
    """Everything that happened on a site since the last look: its events, and readings of all that differs."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._before = site.world()
        self.take()

    def take(self) -> tuple[list[Row], list[Reading]]:
        """The outbox's rows, which are removed, and readings of every row that came, changed or went."""
        after = self._site.world()
        wanted = _differing(self._before, after)
        self._before = after
        with self._site.store.write() as db:
            rows = db.execute("SELECT * FROM outbox ORDER BY id").fetchall()
            db.execute("DELETE FROM outbox")
            read = [_READERS[str(kind)](db, *map(int, ids)) for kind, *ids in wanted]
        return rows, [{"read_at": self._site.clock()} | reading for reading in read]


_READERS: dict[str, Callable[..., Reading]] = {
    "course": readings.course,
    "module": readings.module,
    "account": readings.account,
    "enrolment": readings.enrolment,
    "completion": readings.completion,
}
_KEYS = {
    "courses": ("course", "course"),
    "modules": ("module", "course", "module"),
    "accounts": ("account", "user"),
    "enrolments": ("enrolment", "course", "user"),
    "roles": ("enrolment", "course", "user"),
    "groups": ("enrolment", "course", "user"),
    "completions": ("completion", "course", "module", "user"),
}


def _differing(before: World, after: World) -> list[tuple[int | str, ...]]:
    """What to read, what others refer to first."""
    found: dict[tuple[int | str, ...], None] = {}
    for table, (kind, *columns) in _KEYS.items():
        was, now = (_keyed(getattr(world, table), columns) for world in (before, after))
        for key in sorted(was.keys() | now.keys()):
            if was.get(key) != now.get(key):
                found[(kind, *key)] = None
    return list(found)


def _keyed(rows: Iterable[dict[str, Any]], columns: list[str]) -> dict[tuple[int, ...], list[dict[str, Any]]]:
    found: dict[tuple[int, ...], list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in columns), []).append(row)
    return found


class Lossy:
    """What a wire that loses, doubles and reorders makes of events that are handed to it one after another."""

    def __init__(self, site: Site, disorder: Disorder) -> None:
        self._site, self._disorder = site, disorder
        self._held: list[tuple[float, Row]] = []
        self._last = 0.0

    def give(self, rows: Iterable[Row]) -> None:
        lots = self._disorder
        for row in rows:
            place = lots.place(row["id"])
            self._last = max(self._last, float(row["id"]))
            if not lots.loses(row["id"]):
                self._held.append((place, row))
            if not lots.loses(row["id"]) and lots.doubles(row["id"]):
                self._held.append((place + REACH * random.Random(row["id"]).random(), row))

    def batch(self, *, all_of_it: bool = False) -> wire.Batch:
        """What comes out of it now, with readings of this moment where it carries any."""
        due = [pair for pair in self._held if all_of_it or pair[0] <= self._last]
        self._held = [pair for pair in self._held if pair not in due]
        with self._site.store.read() as db:
            rows = [row for _, row in sorted(due, key=lambda pair: pair[0])]
            return self._disorder.bared(wire.of_events(db, rows, self._site.clock()))
