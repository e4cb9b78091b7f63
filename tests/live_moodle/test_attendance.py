"""Attendance out of mod_attendance on a real site: pulled after its event, swept where nothing told of it."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import attendance
from jobs.reread import reread
from records.models import FactRow, Presence, Reread, SessionChange, SessionRow
from tests.live_moodle.given import Given
from tests.live_moodle.plugin import PluginWorld
from tests.live_moodle.world import MINUTES, LiveCourse

WHAT = "sessions of mod_attendance"


class Meetings:
    """An attendance activity of a course, and what a teacher does with it by the plugin's own code."""

    def __init__(self, given: Given, world: PluginWorld, course: LiveCourse) -> None:
        self.given, self.world, self.course = given, world, course
        self.cm = self.do("make")["cm"]

    def do(self, what: str, **arguments: Any) -> Any:
        cm = {"cm": self.cm} if what not in ("make", "grant", "revoke") else {}
        told = self.given.run_php(WHAT, "attendance.php", do=what, course=self.course.id, **cm, **arguments)
        return json.loads(told.splitlines()[-1])

    def take(self, session: int, said: dict[int, str]) -> None:
        self.do("take", session=session, said=",".join(f"{user}:{status}" for user, status in said.items()))

    def deliver(self) -> int:
        """The plugin sends, the scheduler asks Moodle, the workers work. Returns how many questions were answered."""
        self.world.deliver()
        self._later()
        answered = reread(self.world.engine, self.world.settings)
        self.work()
        return answered

    def sweep(self) -> dict[str, int]:
        self._later()
        found = self.world.sweep(self.course.id)
        self.work()
        return found

    def _later(self) -> None:
        """Of the very second of an event a reading says nothing for sure: until the next one began."""
        second = int(time.time())
        while int(time.time()) == second:
            time.sleep(0.05)

    def work(self) -> None:
        self.world.work()
        attendance.fold_due(self.world.engine)
        self.world.work()

    def earned(self, before: dict[int, int]) -> dict[int, int]:
        now = self.world.minutes()
        return {user: now.get(user, 0) - before.get(user, 0) for user in self.course.people[:4]}

    def written(self) -> list[int]:
        tables: list[Any] = [Presence, FactRow, SessionRow, SessionChange]
        with Session(self.world.engine) as session:
            return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


@pytest.fixture
def meetings(handed: PluginWorld, course: LiveCourse, given: Given) -> Iterator[Meetings]:
    there = json.loads(given.run_php(WHAT, "attendance.php", do="installed"))
    if not there["installed"]:
        given.skip(WHAT, "mod_attendance is not installed on the site")
    made = Meetings(given, handed, course)
    made.do("grant")
    try:
        yield made
    finally:
        made.do("revoke")


def test_who_was_there_comes_by_event_and_by_sweep(meetings: Meetings) -> None:
    world, people = meetings.world, meetings.course.people[:4]
    before = world.minutes()
    start = int(time.time()) // 60 * 60 - 7200
    session = meetings.do("session", start=start, duration=5400, description="<p>Saturday&nbsp;1</p>")["sessionid"]
    meetings.take(session, dict(zip(people, "PLAE", strict=True)))
    assert meetings.deliver() == 1
    with Session(world.engine) as session_:
        row = session_.scalars(select(SessionRow)).one()
        assert (row.title, row.planned_minutes, row.source, row.source_id) == (
            "Saturday 1",
            90,
            "mod_attendance",
            session,
        )
        assert row.starts_at.timestamp() == start
        assert (
            session_.scalars(select(Reread).where(Reread.done_at.is_(None), Reread.module_id == meetings.cm)).all()
            == []
        )
        said = dict(session_.execute(select(Presence.status, func.count()).group_by(Presence.status)).all())
    assert said == {"P": 1, "L": 1, "E": 1, "A": 1}
    assert meetings.earned(before) == dict(zip(people, (90, 45, 0, 45), strict=True)), "half the points"

    held = meetings.written()
    for _ in range(10):
        assert meetings.sweep() == {}
    assert meetings.written() == held, "ten sweeps write nothing new"

    meetings.do("mark", session=session, user=people[2], status="P")
    meetings.do("mark", session=session, user=people[0], status="A")
    assert world.plugin.waiting() == 0, "a web service has no event"
    meetings.sweep()
    assert meetings.earned(before) == dict(zip(people, (0, 45, 90, 45), strict=True))

    meetings.do("move", session=session, start=start - 86_400, duration=3600)
    meetings.sweep()
    assert meetings.earned(before) == dict(zip(people, (0, 30, 60, 30), strict=True))

    meetings.do("delete", session=session)
    assert meetings.deliver() == 1
    assert meetings.earned(before) == dict.fromkeys(people, 0)
    with Session(world.engine) as session_:
        whats = session_.scalars(select(SessionChange.what).order_by(SessionChange.at)).all()
        assert whats == ["made", "moved", "cancelled"]


def test_an_activity_with_sessions_counts_by_them_alone(meetings: Meetings) -> None:
    world, people = meetings.world, meetings.course.people[:4]
    before = world.minutes()
    start = int(time.time()) // 60 * 60 - 7200
    for number in range(2):
        when = start + 3600 * number
        session = meetings.do("session", start=when, duration=3600, description="")["sessionid"]
        meetings.take(session, {people[0]: "P", people[1]: "A"})
    world.plugin.deeds(meetings.course.id, [{"do": "complete", "user": each, "cm": meetings.cm} for each in people[:2]])
    assert meetings.deliver() == 1, "one pull for all that happened"
    assert meetings.earned(before)[people[0]] == 120
    assert meetings.earned(before)[people[1]] == 0
    assert MINUTES
