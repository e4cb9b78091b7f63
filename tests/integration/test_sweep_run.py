"""How a sweep is carried on: beside events, after deaths, against sites that fail; and what leads to one."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jobs.reread import reread
from jobs.sweep import run
from jobs.sweep.by_core import CHUNK
from jobs.sweep.run import carry_on
from moodle_client import MoodleError, Reason
from records import inbox, sweeps
from records.drift import Drift
from records.inbox import Question
from records.models import InboxItem, Sweep
from sandbox.disorder import Disorder
from tests.support import books, happenings
from tests.support.healed import assert_mirrors_moodle, known_people
from tests.support.moodles import Near
from tests.support.servers import Servers
from tests.support.sweep_calls import events_of, hooked, latest, once
from tests.support.sweeping import BAY, Houses, Scene, open_houses
from tests.support.up import wait_for

STATUSES = "core_completion_get_activities_completion_status"
CONTENTS = "core_course_get_contents"
EVERY_DAY = timedelta(hours=24)


@pytest.fixture(scope="module")
def houses(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    with open_houses(servers, template, tmp_path_factory.mktemp("sites")) as opened:
        yield opened


@pytest.fixture
def scene(houses: Houses) -> Iterator[Scene]:
    with houses.scene(Disorder(drop=1.0), alone=True) as opened:
        yield opened


def test_what_happens_while_a_slow_sweep_reads_stands(scene: Scene) -> None:
    """Between Moodle's answer and its way into the mirror somebody acts, and the event is faster."""
    user, module = scene.site.user("e0001"), scene.site.module(BAY, "F2F-1")
    leaves = scene.site.user("e0002")

    def acts() -> None:
        scene.clock.tick(1)
        scene.site.act.tick(user, module)
        scene.swept.tell(events_of(scene))

    def goes() -> None:
        scene.clock.tick(1)
        scene.site.act.leave(leaves, scene.bay)
        scene.swept.tell(events_of(scene))

    for function, what in ((STATUSES, acts), ("core_user_get_users_by_field", goes)):
        scene.clock.tick()
        scene.swept.connect = hooked(scene, once(function, what))
        scene.swept.sweep(scene.bay)
    said = scene.swept.house.books()
    assert said["facts"][f"{module}/{user}"]["ended"] is None
    assert said["net"][f"EBWIESL-BAY/{user}"]
    assert f"{scene.bay}/{leaves}" not in said["enrolments"]
    assert said["standings"][f"EBWIESL-BAY/{leaves}"]["status"] == "left"


def test_an_older_reading_that_is_worked_off_late_changes_nothing(scene: Scene) -> None:
    """Read, kept, and only worked off after somebody had acted."""
    user, module = scene.site.user("e0001"), scene.site.module(BAY, "F2F-1")
    scene.swept.ask(scene.bay)
    scene.swept.carry_on()
    scene.clock.tick()
    scene.site.act.tick(user, module)
    scene.swept.tell(events_of(scene))
    assert scene.swept.house.books()["facts"][f"{module}/{user}"]["ended"] is None
    assert scene.swept.house.differences() == []


def chunked(scene: Scene, at_once: int = 1) -> None:
    """A sweep that makes one call at a time, so that it stores as often as it can."""
    scene.swept.settings = scene.swept.settings.model_copy(update={"moodle_calls_at_once": at_once})


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did."""


@pytest.mark.parametrize("at", [0, 9, 25])
def test_after_a_death_the_next_goes_on_where_it_stopped(scene: Scene, at: int) -> None:
    """Whatever call it was at: what was stored isn't read again, and at most a chunk is read twice."""
    for number in range(30):
        made = happenings.person(scene.site, f"x{number:03}")
        scene.site.unseen.enrol(made, scene.bay, timestart=0)
    chunked(scene)
    scene.clock.tick()
    scene.swept.ask(scene.bay)
    calls: list[str] = []

    def dies(function: str, params: dict[str, str]) -> None:
        del params
        calls.append(function)
        if calls.count(STATUSES) == at + 1:
            raise Killed

    scene.swept.connect = hooked(scene, dies)
    with pytest.raises(Killed):
        carry_on(scene.swept.run_house())
    assert carry_on(scene.swept.run_house()) is None, "it is still held by the dead one"
    expire_lease(scene)
    done = latest(scene).done
    assert done >= at - CHUNK
    scene.swept.connect = hooked(scene, lambda function, _: calls.append(function))
    scene.swept.carry_on()
    found = latest(scene)
    assert (found.status, found.done) == ("done", found.total)
    assert calls.count(STATUSES) <= found.total + CHUNK
    assert calls.count(CONTENTS) == 1
    scene.swept.house.work()
    assert_mirrors_moodle(scene, {scene.bay}, known_people(scene.swept))


def expire_lease(scene: Scene) -> None:
    old = func.clock_timestamp() - sweeps.LEASE
    with scene.swept.house.engine.begin() as connection:
        connection.execute(update(Sweep).where(Sweep.status == "running").values(heartbeat_at=old))


@pytest.mark.parametrize("function", [CONTENTS, STATUSES])
def test_who_was_frozen_and_overtaken_writes_nothing(scene: Scene, function: str) -> None:
    scene.swept.ask(scene.bay)
    stored: list[int] = []

    def overtaken() -> None:
        expire_lease(scene)
        scene.swept.connect = hooked(scene, lambda *_: None)
        assert carry_on(scene.swept.run_house()) is not None
        stored.append(items(scene))

    scene.swept.connect = hooked(scene, once(function, overtaken))
    carry_on(scene.swept.run_house())
    assert items(scene) == stored[0]
    found = latest(scene)
    assert (found.status, found.attempts, found.error) == ("done", 0, "")


def test_a_lease_is_renewed_while_moodle_is_slow(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BEAT_SECONDS", 0.05)
    scene.swept.ask(scene.bay)

    def slow() -> None:
        expire_lease(scene)
        with Session(scene.swept.house.engine) as session:
            alive = (Sweep.status == "running") & (Sweep.heartbeat_at > func.clock_timestamp() - sweeps.LEASE)
            wait_for(lambda: session.scalar(select(func.count()).where(alive)) == 1, "the lease is renewed")
        assert carry_on(scene.swept.run_house()) is None, "nobody else may take it"

    scene.swept.connect = hooked(scene, once("core_user_get_users_by_field", slow))
    carry_on(scene.swept.run_house())
    assert latest(scene).status == "done"


def test_an_error_that_nobody_foresaw_is_counted_and_put_off(scene: Scene) -> None:
    scene.swept.ask(scene.bay)

    def strange() -> None:
        raise ZeroDivisionError("a person's name")

    scene.swept.connect = hooked(scene, once(CONTENTS, strange))
    with pytest.raises(ZeroDivisionError):
        carry_on(scene.swept.run_house())
    found = latest(scene)
    assert (found.status, found.attempts, found.error) == ("due", 1, "ZeroDivisionError")
    assert found.due_at > datetime.now(UTC)


def items(scene: Scene) -> int:
    with Session(scene.swept.house.engine) as session:
        return session.scalar(select(func.count()).select_from(InboxItem)) or 0


def test_one_sweep_of_a_site_at_a_time(scene: Scene) -> None:
    scene.swept.ask(scene.bay, scene.la)
    beside: list[object] = []
    scene.swept.connect = hooked(scene, once(CONTENTS, lambda: beside.append(carry_on(scene.swept.run_house()))))
    assert carry_on(scene.swept.run_house())
    assert beside == [None]
    assert carry_on(scene.swept.run_house())
    assert {row.status for row in scene.swept.sweeps()} == {"done"}


def test_a_turn_ends_in_time_and_the_next_goes_on(scene: Scene) -> None:
    """Even one that is over at once gets somewhere."""
    chunked(scene)
    scene.swept.ask(scene.bay)
    turns = scene.swept.carry_on(seconds=0.0)
    assert turns > 1
    found = latest(scene)
    assert (found.status, found.done) == ("done", found.total)


def failing(scene: Scene, *, reason: Reason, retry_after: int | None = None) -> Callable[..., Near]:
    def fail(function: str, params: dict[str, str]) -> None:
        del params
        raise MoodleError(function, reason, "for a test", retry_after)

    return hooked(scene, fail)


def waits(scene: Scene) -> float:
    """Seconds until the latest sweep is due."""
    with scene.swept.house.engine.begin() as connection:
        query = select(func.extract("epoch", Sweep.due_at - func.clock_timestamp()))
        return float(connection.scalar(query.where(Sweep.id == latest(scene).id)) or 0)


def test_a_site_that_is_down_is_asked_again_ever_later(scene: Scene) -> None:
    scene.swept.ask(scene.bay)
    scene.swept.connect = failing(scene, reason=Reason.UNREACHABLE)
    before = 0.0
    for attempt in range(1, sweeps.MAX_ATTEMPTS + 1):
        assert scene.swept.carry_on() == 1
        found = latest(scene)
        assert found.attempts == attempt
        if found.status == "failed":
            break
        assert before < waits(scene) <= 3_600 or before > 3_500
        before = waits(scene)
        due_now(scene)
    assert (found.status, found.attempts) == ("failed", sweeps.MAX_ATTEMPTS)
    assert "unreachable" in found.error
    assert found.finished_at is not None
    scene.swept.connect = hooked(scene, lambda *_: None)
    assert scene.swept.sweep(scene.bay) == {}, "asked again it is swept again"


def due_now(scene: Scene) -> None:
    with scene.swept.house.engine.begin() as connection:
        connection.execute(update(Sweep).where(Sweep.status == "due").values(due_at=func.clock_timestamp()))


def test_maintenance_is_waited_for_as_long_as_the_site_says(scene: Scene) -> None:
    scene.swept.ask(scene.bay)
    scene.swept.connect = failing(scene, reason=Reason.MAINTENANCE, retry_after=1_800)
    assert scene.swept.carry_on() == 1
    assert 1_700 < waits(scene) <= 1_800
    assert latest(scene).status == "due"


@pytest.mark.parametrize("reason", [Reason.INVALID_TOKEN, Reason.WEB_SERVICES_OFF, Reason.UNTRUSTED])
def test_what_only_somebody_can_mend_has_failed_at_once(scene: Scene, reason: Reason) -> None:
    scene.swept.ask(scene.bay)
    scene.swept.connect = failing(scene, reason=reason)
    scene.swept.carry_on()
    found = latest(scene)
    assert (found.status, found.attempts) == ("failed", 1)
    assert str(reason) in found.error


def test_one_user_of_whom_moodle_will_not_tell_holds_up_nobody(scene: Scene) -> None:
    broken, other = scene.site.user("e0001"), scene.site.user("e0002")
    module = scene.site.module(BAY, "F2F-1")
    for user in (broken, other):
        scene.site.act.tick(user, module)

    def after(function: str, params: dict[str, str]) -> None:
        if function == STATUSES and params["userid"] == str(broken):
            raise MoodleError(function, Reason.BROKEN, "codingerror")

    scene.swept.connect = hooked(scene, after)
    scene.clock.tick()
    assert scene.swept.sweep(scene.bay) == {(scene.bay, str(Drift.MISSED_COMPLETION), module): 1}
    assert set(scene.swept.minutes()) == {f"EBWIESL-BAY/{other}"}


def test_a_suspension_is_asked_about_at_once(scene: Scene) -> None:
    """The event doesn't say what changed: one person is asked about, and nobody else."""
    user = scene.site.user("e0001")
    member = f"EBWIESL-BAY/{user}"
    for act, status in ((scene.site.act.suspend, "suspended"), (scene.site.act.resume, "active")):
        act(user, scene.bay)
        scene.swept.tell(events_of(scene))
        scene.clock.tick()
        scene.site.gate.forget()
        assert reread(scene.swept.house.engine, scene.swept.settings, scene.swept.connect) == 1
        scene.swept.house.work()
        assert scene.swept.house.books()["standings"][member]["status"] == status
        assert open_questions(scene) == []
        assert STATUSES not in scene.site.gate.traffic().calls


def open_questions(scene: Scene) -> list[str]:
    with Session(scene.swept.house.engine) as session:
        return books.asks(session)


def scheduled(scene: Scene, every: timedelta = EVERY_DAY) -> list[int | None]:
    """The courses whose sweeps are due, or will be soon, because the schedule asked for them."""
    with Session(scene.swept.house.engine) as session, session.begin():
        sweeps.schedule(session, scene.swept.site_id, every)
    return [row.course_id for row in scene.swept.sweeps() if row.status == "due"]


def test_a_change_that_its_event_does_not_tell_leads_to_one_sweep(scene: Scene) -> None:
    scheduled(scene)
    scene.swept.carry_on()
    scene.swept.house.work()
    module = scene.site.module(BAY, "ACT-01")
    scene.site.silent.change_module(module, told=True, name="Another name")
    scene.swept.tell(events_of(scene))
    assert open_questions(scene) == [f"{scene.bay}/* course_module_updated"]
    assert scheduled(scene) == [scene.bay]
    assert scene.swept.carry_on() == 0, "an author goes on changing: it is waited for"
    assert scheduled(scene) == [scene.bay], "asked for once"
    scene.clock.tick()
    due_now(scene)
    assert scene.swept.carry_on() == 1
    scene.swept.house.work()
    assert scene.swept.house.books()["modules"][module] == "Another name"
    assert open_questions(scene) == []
    scene.site.silent.change_module(module, told=True, name="One more")
    scene.swept.tell(events_of(scene))
    assert scheduled(scene) == [], "not so soon after the last"
    with scene.swept.house.engine.begin() as connection:
        connection.execute(update(Sweep).values(finished_at=Sweep.finished_at - sweeps.PAUSE))
    assert scheduled(scene) == [scene.bay]


def test_what_was_not_swept_for_long_is_due(scene: Scene) -> None:
    scheduled(scene)
    scene.swept.carry_on()
    assert scheduled(scene) == []
    assert scheduled(scene, timedelta(0)) == [None, scene.bay, scene.la]


def test_what_waits_for_an_unknown_activity_is_released(scene: Scene) -> None:
    made = scene.site.silent.add_module(scene.bay, "page", "Read: one thing more")
    user = scene.site.user("e0001")
    scene.site.act.complete(user, made)
    scene.swept.tell(events_of(scene))
    assert scene.swept.house.waiting() == [("waiting", "unknown_module")]
    assert scheduled(scene) == [scene.bay]
    due_now(scene)
    scene.clock.tick()
    scene.swept.carry_on()
    scene.swept.house.work()
    assert scene.swept.house.waiting() == []
    assert scene.swept.minutes()[f"EBWIESL-BAY/{user}"] > 0


def test_what_a_whole_sweep_did_not_answer_is_not_asked_for_ever(scene: Scene) -> None:
    """Moodle tells nothing of somebody who was deleted: what an event had left open about them ends with the sweep."""
    scene.swept.sweep(scene.bay)
    now = datetime.now(UTC)
    questions = [
        Question(scene.swept.site_id, scene.bay, user, None, "user_enrolment_updated", moment)
        for user, moment in ((999_999, now - timedelta(minutes=1)), (999_998, now + timedelta(hours=1)))
    ]
    with Session(scene.swept.house.engine) as session, session.begin():
        inbox.ask(session, questions)
    assert len(open_questions(scene)) == 2
    scene.clock.tick()
    scene.swept.sweep(scene.bay)
    assert open_questions(scene) == [f"{scene.bay}/999998 user_enrolment_updated"]
