"""A sweep by the companion plugin's functions alone: what it finds, and how little it asks for."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from jobs.reread import reread
from jobs.sweep import plugin
from jobs.sweep.run import carry_on
from moodle_client import Function
from records import erasure, forgotten, inbox, sweeps
from records.actor import CLI
from records.drift import Drift
from records.inbox import Question
from records.models import Account, InboxItem, MirrorCompletion, MirrorCourse, Sweep
from sandbox.disorder import Disorder
from sandbox.site import Site
from tests.support import books, happenings
from tests.support.healed import assert_mirrors_moodle, known_people, of_mirror
from tests.support.servers import Servers
from tests.support.sweep_calls import events_of, hooked, latest
from tests.support.sweeping import BAY, Houses, Scene, open_houses


@pytest.fixture(scope="module")
def houses(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    with open_houses(servers, template, tmp_path_factory.mktemp("sites"), plugin=True) as opened:
        yield opened


@pytest.fixture
def scene(houses: Houses) -> Iterator[Scene]:
    with houses.scene(Disorder(drop=1.0), alone=True) as opened:
        yield opened


def swept(scene: Scene, *courses: int | None, gone: bool = False) -> dict[str, int]:
    """Sweep (the course, if none is named): the calls by function."""
    scene.clock.tick()
    scene.site.gate.forget()
    scene.swept.sweep(*(courses or (scene.bay,)), gone=gone)
    return scene.site.gate.traffic().calls


def change_row(site: Site, change: str, user: int, module: int, *values: int) -> None:
    """Somebody works in Moodle's database."""
    of_row = "WHERE coursemoduleid = ? AND userid = ?"
    with site.store.write() as db:
        sql = f"UPDATE course_modules_completion SET {change} {of_row}"  # noqa: S608 - ours
        assert db.execute(sql, (*values, module, user)).rowcount == 1


class Changing:
    """What may happen without a word to the completions of somebody."""

    def __init__(self, scene: Scene) -> None:
        self.site, self.course = scene.site, scene.bay
        self.user, self.page = scene.site.user("e0001"), scene.site.module(BAY, "ACT-01")

    def complete(self) -> None:
        self.site.unseen.complete(self.user, self.page)

    def override(self) -> None:
        self.site.unseen.override(self.user, self.page, complete=False)

    def grade_in_bulk(self) -> None:
        self.site.silent.grade_in_bulk(self.site.module(BAY, "ACT-10"), {self.user: 9.0})

    def fail(self) -> None:
        self.site.unseen.attempt_quiz(self.user, self.site.module(BAY, "ACT-06"), passes=False)

    def succeed(self) -> None:
        self.site.unseen.attempt_quiz(self.user, self.site.module(BAY, "ACT-06"), passes=True)

    def another_time(self) -> None:
        change_row(self.site, "timemodified = timemodified - 1", self.user, self.page)

    def another_author(self) -> None:
        change_row(self.site, "overrideby = overrideby + 1", self.user, self.page)

    def another_person(self) -> None:
        change_row(self.site, "userid = ?", self.user, self.page, self.site.user("e0003"))

    def unlock(self) -> None:
        self.site.silent.unlock(self.page)

    def reset(self) -> None:
        self.site.silent.reset(self.course)


CHANGES = [change for name, change in vars(Changing).items() if not name.startswith("_")]


def test_the_digest_finds_each_kind_of_silent_change(scene: Scene) -> None:
    changing = Changing(scene)
    for change in CHANGES:
        scene.clock.tick()
        change(changing)
        assert swept(scene)[Function.GET_COMPLETIONS] == 1, change.__name__
        assert_mirrors_moodle(scene, {scene.bay}, known_people(scene.swept))
        assert Function.GET_COMPLETIONS not in swept(scene), f"{change.__name__}: a second sweep reads no rows"
    assert latest(scene).way == "plugin"


def test_a_row_that_was_made_again_alike_is_alike(scene: Scene) -> None:
    user, page = scene.site.user("e0001"), scene.site.module(BAY, "ACT-01")
    scene.site.unseen.complete(user, page)
    swept(scene)
    change_row(scene.site, "id = id + 1000", user, page)
    assert Function.GET_COMPLETIONS not in swept(scene)


def test_a_sweep_takes_a_handful_of_calls_however_many_people_there_are(scene: Scene) -> None:
    calls = swept(scene)
    assert calls == {
        "core_webservice_get_site_info": 1,
        Function.GET_COURSE_MAP: 1,
        Function.GET_ROSTER: 1,
        Function.GET_DIGEST: 1,
    }
    found = latest(scene)
    assert (found.status, found.calls, found.done, found.total) == ("done", 4, found.total, found.total)
    assert found.total == 6
    assert swept(scene, None) == {"core_webservice_get_site_info": 1, Function.GET_COURSES: 1}
    assert latest(scene).way == "plugin"


def test_pages_are_joined(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(7):
        user = happenings.person(scene.site, f"x{number}")
        scene.site.unseen.enrol(user, scene.bay, timestart=0)
        for name in ("ACT-01", "ACT-02", "F2F-1"):
            scene.site.unseen.complete(user, scene.site.module(BAY, name))
    people = len({row["user"] for row in scene.site.world().enrolments if row["course"] == scene.bay})
    monkeypatch.setattr(plugin, "PEOPLE_A_PAGE", people // 3 + 1)
    monkeypatch.setattr(plugin, "ROWS_A_PAGE", 8)
    monkeypatch.setattr(plugin, "CHUNK", 5)
    calls = swept(scene)
    assert (calls[Function.GET_ROSTER], calls[Function.GET_COMPLETIONS]) == (3, 3)
    assert_mirrors_moodle(scene, {scene.bay}, known_people(scene.swept))
    assert Function.GET_COMPLETIONS not in swept(scene)


def test_both_ways_give_the_same_mirror(houses: Houses) -> None:
    with houses.scene(Disorder(drop=1.0)) as scene:
        chance = happenings.Happenings(scene.site, scene.clock, 5, [scene.bay], scene.site.participants(scene.la)[:2])
        for _ in range(20):
            chance.one()
        calls = swept(scene)
        scene.site.uninstalls_plugin()
        scene.site.gate.forget()
        scene.told.sweep(scene.bay)
        by_core = scene.site.gate.traffic().calls
        assert (scene.told.sweeps()[-1].way, latest(scene).way) == ("core", "plugin")
        assert not [name for name in by_core if name.startswith("local_")]
        assert of_mirror(scene.told, {scene.bay}) == of_mirror(scene.swept, {scene.bay})
        assert sum(calls.values()) <= 6 < sum(by_core.values())


def test_who_left_is_gone_but_not_everybody_at_once(scene: Scene) -> None:
    users = [happenings.person(scene.site, f"n{number}") for number in range(12)]
    for user in users:
        scene.site.unseen.enrol(user, scene.bay, timestart=0)
    swept(scene)
    scene.site.unseen.leave(users[0], scene.bay)
    with scene.site.store.write() as db:
        db.execute("UPDATE user SET deleted = 1 WHERE id = ?", (users[0],))
    assert swept(scene)[Function.GET_ROSTER] == 2
    with Session(scene.swept.house.engine) as session:
        assert session.scalars(select(Account.present).where(Account.moodle_user_id == users[0])).one() is False
    for user in users[1:]:
        scene.site.unseen.leave(user, scene.bay)
    swept(scene)
    assert latest(scene).status == "failed"
    assert "would be gone" in latest(scene).error
    swept(scene, gone=True)
    assert_mirrors_moodle(scene, {scene.bay}, known_people(scene.swept))


def test_an_account_that_is_deleted_long_after_it_left_is_gone(scene: Scene) -> None:
    user = happenings.person(scene.site, "once")
    scene.site.unseen.enrol(user, scene.bay, timestart=0)
    swept(scene)
    scene.site.unseen.leave(user, scene.bay)
    swept(scene)
    present = select(Account.present).where(Account.moodle_user_id == user)
    with Session(scene.swept.house.engine) as session:
        assert session.scalars(present).one() is True
    with scene.site.store.write() as db:
        db.execute("UPDATE user SET deleted = 1 WHERE id = ?", (user,))
    swept(scene)
    with Session(scene.swept.house.engine) as session:
        assert session.scalars(present).one() is False


def test_a_course_that_is_not_handed_over_any_more_stays_as_it_is(scene: Scene) -> None:
    before = scene.swept.house.books()
    scene.site.hands_over(all_but=[scene.bay])
    calls = swept(scene, None)
    assert calls[Function.GET_COURSE_MAP] == 1
    assert latest(scene).status == "done"
    swept(scene)
    found = latest(scene)
    assert (found.status, found.error) == ("failed", f"{Function.GET_COURSE_MAP}: no_permission (notchosen)")
    assert scene.swept.house.books() == before
    happenings.delete_course(scene.site, scene.bay)
    swept(scene, None)
    with Session(scene.swept.house.engine) as session:
        there = select(MirrorCourse.course_id).where(MirrorCourse.present)
        assert session.scalars(there).all() == [scene.la]


def test_a_missing_capability_is_told_and_core_is_not_asked_instead(scene: Scene) -> None:
    scene.site.lacks("local/copbridge:getroster")
    calls = swept(scene)
    found = latest(scene)
    assert (found.status, found.error) == ("failed", f"{Function.GET_ROSTER}: no_permission (nopermissions)")
    assert [name for name in calls if name.startswith("core_")] == ["core_webservice_get_site_info"]


def test_a_copy_names_its_original(scene: Scene) -> None:
    copy, _ = scene.site.silent.duplicate(scene.bay)
    with scene.site.store.write() as db:
        db.execute("UPDATE course_modules SET name = 'Another ' || id WHERE course = ?", (copy,))
    scene.clock.tick()
    assert scene.swept.sweep() == {(scene.bay, str(Drift.COPIED_COURSE), 0): 1}
    assert scene.swept.copies() == [(copy, scene.bay, "proposed")]
    assert {copy, scene.bay} <= set(scene.swept.targets())


@pytest.mark.parametrize("left", [False, True])
def test_who_was_erased_costs_no_reading_for_ever(scene: Scene, left: bool) -> None:
    """The mirror has erased people's rows under other ids, and Moodle goes on having them."""
    user, other = scene.site.user("e0001"), scene.site.user("e0002")
    module, overridden = scene.site.module(BAY, "ACT-01"), scene.site.module(BAY, "ACT-02")
    scene.site.unseen.complete(user, module)
    scene.site.unseen.complete(other, module)
    scene.site.unseen.complete(other, overridden)
    change_row(scene.site, "overrideby = ?", other, overridden, user)
    swept(scene)
    erase(scene, user)
    scene.site.unseen.complete(user, scene.site.module(BAY, "F2F-1"))
    if left:
        scene.site.unseen.leave(user, scene.bay)
    assert Function.GET_COMPLETIONS not in swept(scene)
    scene.site.unseen.override(other, module, complete=False)
    assert swept(scene)[Function.GET_COMPLETIONS] == 1
    with Session(scene.swept.house.engine) as session:
        c = MirrorCompletion
        assert session.scalars(select(c.state).where(c.moodle_user_id == other, c.module_id == module)).one() == 0
        assert session.scalar(select(func.count()).where(c.moodle_user_id == user)) == 0
        told = session.scalars(select(InboxItem.payload).where(InboxItem.sender == "sweep")).all()
        assert not [payload for payload in told if json.loads(payload).get("user") == user]
        assert session.scalar(select(func.count()).where(InboxItem.status.in_(("quarantined", "dead")))) == 0


def erase(scene: Scene, user: int) -> None:
    engine, key = scene.swept.house.engine, scene.swept.settings.encryption_key
    with Session(engine) as session, session.begin():
        person = session.scalars(select(Account.person_id).where(Account.moodle_user_id == user)).one()
        now = scene.swept.house.clock()
        erasure.erase(session, person, actor=CLI, reason="A letter asks for it.", encryption_key=key, now=now)
    list(forgotten.redact_inbox(engine, key))


def test_one_person_is_asked_about_by_the_plugin_alone(scene: Scene) -> None:
    user, other = scene.site.user("e0001"), scene.site.user("e0002")
    scene.site.act.suspend(user, scene.bay)
    scene.swept.tell(events_of(scene))
    module = scene.site.module(BAY, "F2F-1")
    scene.site.unseen.tick(other, module)
    question = Question(scene.swept.site_id, scene.bay, other, module, "unconfirmed_sender", datetime.now(UTC))
    with Session(scene.swept.house.engine) as session, session.begin():
        inbox.ask(session, [question])
    scene.clock.tick()
    scene.site.gate.forget()
    assert reread(scene.swept.house.engine, scene.swept.settings, scene.swept.connect) == 2
    scene.swept.house.work()
    said = scene.swept.house.books()
    assert said["standings"][f"EBWIESL-BAY/{user}"]["status"] == "suspended"
    assert said["facts"][f"{module}/{other}"]["ended"] is None
    calls = scene.site.gate.traffic().calls
    assert calls[Function.GET_ROSTER] == calls[Function.GET_COMPLETIONS] == 1
    with Session(scene.swept.house.engine) as session:
        assert not [asked for asked in books.asks(session) if "user_enrolment" in asked]


class Killed(BaseException):
    """The process is gone, in the middle of whatever it did."""


def test_after_a_death_course_and_people_are_not_read_again(scene: Scene) -> None:
    scene.site.unseen.complete(scene.site.user("e0001"), scene.site.module(BAY, "ACT-01"))
    scene.clock.tick()
    scene.swept.ask(scene.bay)

    def dies(function: str, params: dict[str, str]) -> None:
        del params
        if function == Function.GET_COMPLETIONS:
            raise Killed

    scene.swept.connect = hooked(scene, dies)
    with pytest.raises(Killed):
        carry_on(scene.swept.run_house())
    with scene.swept.house.engine.begin() as connection:
        old = func.clock_timestamp() - sweeps.LEASE
        connection.execute(update(Sweep).where(Sweep.status == "running").values(heartbeat_at=old))
    scene.swept.connect = hooked(scene, lambda *_: None)
    scene.site.gate.forget()
    scene.swept.carry_on()
    calls = scene.site.gate.traffic().calls
    assert Function.GET_ROSTER not in calls
    assert calls[Function.GET_COMPLETIONS] == 1
    scene.swept.house.work()
    assert_mirrors_moodle(scene, {scene.bay}, known_people(scene.swept))


def test_what_takes_a_few_calls_is_read_each_hour(scene: Scene) -> None:
    swept(scene)
    with Session(scene.swept.house.engine) as session, session.begin():
        assert sweeps.goes_by_plugin(session, scene.swept.site_id)
        # A later one that was only asked for says nothing of how it will go.
        sweeps.ask(session, scene.swept.site_id, [scene.bay], "asked")
        assert sweeps.goes_by_plugin(session, scene.swept.site_id)
        session.execute(update(Sweep).where(Sweep.status == "done").values(way="core"))
        assert not sweeps.goes_by_plugin(session, scene.swept.site_id)
