"""Sessions of mod_attendance out of a (simulated) Moodle: pulled after an event, found by sweeps, and never twice."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.reread import reread
from mappings.facts import Nothing
from records import answers
from records.models import FactRow, Presence, Reread, SessionChange, SessionRow
from sandbox.disorder import Disorder
from tests.support import books
from tests.support.moodles import HOUR
from tests.support.servers import Servers
from tests.support.sweeping import Houses, Scene, Sweeper, open_houses

AMARA, HAO, LETICIA = "e0001", "e0002", "e0003"


@pytest.fixture(scope="module")
def houses(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    """Of a site with the companion plugin."""
    with open_houses(servers, template, tmp_path_factory.mktemp("sites"), plugin=True) as opened:
        yield opened


@pytest.fixture(scope="module")
def houses_by_core(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    with open_houses(servers, template, tmp_path_factory.mktemp("sites")) as opened:
        yield opened


def meetings(scene: Scene) -> int:
    """An attendance activity whose own completion would earn four hours face to face."""
    return scene.site.silent.add_module(scene.bay, "attendance", "CoP meetings", "F2F-9", told=True)


def written(sweeper: Sweeper) -> dict[str, int]:
    """How many rows there are of all that attendance writes."""
    with Session(sweeper.house.engine) as session:
        tables: list[Any] = [Presence, FactRow, SessionRow, SessionChange]
        counts = {t.__tablename__: session.scalar(select(func.count()).select_from(t)) or 0 for t in tables}
    return counts | {"ledger": sweeper.entries()}


def pull(sweeper: Sweeper) -> int:
    """What the scheduler does after an event."""
    answered = reread(sweeper.house.engine, sweeper.settings, sweeper.connect)
    sweeper.house.work()
    return answered


def minutes(sweeper: Sweeper, user: int) -> int:
    return sum(value for member, value in sweeper.minutes().items() if member.endswith(f"/{user}"))


def nothing_of(sweeper: Sweeper, user: int) -> set[Nothing | None]:
    """Why completions of a user earn nothing."""
    with Session(sweeper.house.engine) as session:
        member = books.memberships(session)[user]
        found = answers.answer(answers.inputs_of(session, [member])[0], sweeper.house.clock())
        return {line.nothing for line in found.lines if line.fact and line.fact.activity}


def held(sweeper: Sweeper) -> list[tuple[str, int | None, bool]]:
    with Session(sweeper.house.engine) as session:
        rows = session.scalars(select(SessionRow).order_by(SessionRow.starts_at, SessionRow.id))
        return [(row.title, row.planned_minutes, row.cancelled_at is not None) for row in rows]


@pytest.mark.parametrize("by", ["houses", "houses_by_core"])
def test_a_session_is_pulled_after_its_event_and_sweeps_find_the_rest(by: str, request: pytest.FixtureRequest) -> None:
    opened: Houses = request.getfixturevalue(by)
    with opened.scene(Disorder(drop=1.0), alone=True) as scene:
        site, sweeper = scene.site, scene.swept
        users = amara, hao, leticia = tuple(map(site.user, (AMARA, HAO, LETICIA)))
        start = int(scene.clock.now) - 7200
        module = meetings(scene)
        first = site.attendance.add_session(module, start, 3600, "<p>Saturday&nbsp;1 &amp; lunch</p>")
        site.attendance.take(first, {amara: "P", hao: "A", leticia: "L"})
        sweeper.store(site.pending_batch())
        scene.clock.tick()
        sweeper.house.work()
        with Session(sweeper.house.engine) as session:
            asked = session.execute(select(Reread.module_id, Reread.reason).where(Reread.done_at.is_(None))).all()
        assert [tuple(each) for each in asked if each[1] == "attendance_taken"] == [(module, "attendance_taken")]
        assert pull(sweeper) == 1
        assert pull(sweeper) == 0, "it is answered"
        assert held(sweeper) == [("Saturday 1 & lunch", 60, False)]
        assert [minutes(sweeper, user) for user in users] == [60, 0, 30], "who was late has half of the points"

        before = written(sweeper)
        for _ in range(10):
            scene.clock.tick()
            assert not sweeper.sweep(scene.bay)
        assert written(sweeper) == before, "ten sweeps write nothing new"

        site.attendance.mark(first, hao, "P")
        site.attendance.mark(first, amara, "A")
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert [minutes(sweeper, user) for user in users] == [0, 60, 30], "no event told of it"
        assert sweeper.house.differences() == []

        site.attendance.change_session(first, sessdate=start - 86_400, duration=5400, description="Friday")
        site.attendance.hide_status(module, "L")
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert held(sweeper) == [("Friday", 90, False)]
        assert [minutes(sweeper, user) for user in users] == [0, 90, 30], "of a status that is hidden nothing is told"

        site.attendance.remove_session(first, told=False)
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert held(sweeper) == [("Friday", 90, True)]
        assert [minutes(sweeper, user) for user in users] == [0, 0, 0]
        with Session(sweeper.house.engine) as session:
            whats = session.scalars(select(SessionChange.what).order_by(SessionChange.at)).all()
            assert whats == ["made", "moved", "cancelled"]
            assert set(session.scalars(select(SessionChange.actor))) == {"system"}
        assert sweeper.house.differences() == []


def test_an_activity_counts_once_beside_its_session_and_never_beside_several(houses: Houses) -> None:
    with houses.scene(Disorder(drop=1.0), alone=True) as scene:
        site, sweeper = scene.site, scene.swept
        amara, hao = site.user(AMARA), site.user(HAO)
        module, start = meetings(scene), int(scene.clock.now) - 7200
        first = site.attendance.add_session(module, start, 18_000)
        site.attendance.take(first, {amara: "P", hao: "P"})
        site.act.tick(amara, module)
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert (minutes(sweeper, amara), minutes(sweeper, hao)) == (300, 300), "the session's 300 are better than 240"
        assert held(sweeper)[0][0] == "CoP meetings"

        second = site.attendance.add_session(module, start + 3600, 3600)
        site.attendance.take(second, {amara: "P"})
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert (minutes(sweeper, amara), minutes(sweeper, hao)) == (360, 300)
        assert Nothing.PER_SESSION in nothing_of(sweeper, amara)

        site.attendance.mark(first, amara, "A")
        site.attendance.mark(second, amara, "A")
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert minutes(sweeper, amara) == 0, "the activity's completion counts nothing while its sessions are known"

        site.attendance.remove_session(second, told=False)
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert minutes(sweeper, amara) == 240, "an alternative of the only session"
        assert sweeper.house.differences() == []


def test_after_all_events_are_lost_one_sweep_gives_the_same_net(houses: Houses) -> None:
    with houses.scene(Disorder(drop=1.0)) as scene:
        site = scene.site
        module = meetings(scene)
        people = [site.user(name) for name in (AMARA, HAO, LETICIA)]
        ids = []
        for number, said in enumerate(("PPA", "LEP", "AAA")):
            session = site.attendance.add_session(module, int(scene.clock.now) - 9000 * number, 3600 + 600 * number)
            site.attendance.take(session, dict(zip(people, said, strict=True)))
            ids.append(session)
            scene.happened()
            scene.clock.tick(60)
            scene.told.house.work()
            pull(scene.told)
        site.attendance.take(ids[0], {people[2]: "P"})
        site.attendance.remove_session(ids[1])
        site.act.tick(people[0], module)
        scene.clock.tick(HOUR)
        scene.end()
        pull(scene.told)
        assert scene.swept.minutes() != scene.told.minutes(), "it has heard of nothing"
        scene.swept.sweep()
        assert scene.swept.minutes() == scene.told.minutes()
        assert sum(minutes(scene.told, user) for user in people) == 60 * 3
        for sweeper in (scene.told, scene.swept):
            assert sweeper.house.differences() == []


def test_without_the_function_nothing_is_asked_and_nothing_lost(houses: Houses) -> None:
    with houses.scene(Disorder(drop=1.0), alone=True) as scene:
        site, sweeper = scene.site, scene.swept
        module = meetings(scene)
        first = site.attendance.add_session(module, int(scene.clock.now) - 7200)
        amara = site.user(AMARA)
        site.attendance.take(first, {amara: "P"})
        sweeper.store(site.pending_batch())
        scene.clock.tick()
        sweeper.house.work()
        pull(sweeper)
        assert minutes(sweeper, amara) == 60
        site.lacks("mod/attendance:view")
        site.attendance.mark(first, amara, "A")
        scene.clock.tick()
        sweeper.sweep(scene.bay)
        assert [sweep.status for sweep in sweeper.sweeps()][-1] == "done", "the rest of the course was read"
        assert minutes(sweeper, amara) == 60
        site.lacks()
        sweeper.sweep(scene.bay)
        assert minutes(sweeper, amara) == 0
