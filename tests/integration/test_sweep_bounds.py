"""What a sweep must not do: take out whom it may not see, keep what is none of ours, bring back who was erased."""

import json
from collections.abc import Iterator

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from records import erasure, forgotten
from records.actor import CLI
from records.drift import Drift
from records.models import Account, InboxItem, Membership, MirrorCourse, MirrorEnrolment, MirrorModule
from sandbox.disorder import Disorder
from tests.support import happenings
from tests.support.healed import assert_mirrors_moodle, known_people, of_mirror
from tests.support.servers import Servers
from tests.support.sweep_calls import latest
from tests.support.sweeping import BAY, Houses, Scene, open_houses


@pytest.fixture(scope="module")
def houses(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    with open_houses(servers, template, tmp_path_factory.mktemp("sites")) as opened:
        yield opened


@pytest.fixture
def scene(houses: Houses) -> Iterator[Scene]:
    with houses.scene(Disorder(drop=1.0), alone=True) as opened:
        yield opened


def newcomers(scene: Scene) -> list[int]:
    """Enough people for a share of them to mean something."""
    users = [happenings.person(scene.site, f"n{number}") for number in range(8)]
    for user in users:
        scene.site.unseen.enrol(user, scene.bay, timestart=0)
    scene.clock.tick()
    scene.swept.sweep(scene.bay)
    scene.clock.tick()
    return users


def test_a_list_that_shrinks_takes_nobody_out(scene: Scene) -> None:
    newcomers(scene)
    before = scene.swept.house.books()
    scene.site.lacks("moodle/user:viewdetails")
    assert scene.swept.sweep(scene.bay) == {}
    found = latest(scene)
    assert found.status == "failed"
    assert "would be gone" in found.error
    after = scene.swept.house.books()
    assert after["enrolments"] == before["enrolments"]
    assert after["standings"] == before["standings"]
    scene.site.lacks()
    assert scene.swept.sweep(scene.bay) == {}
    assert latest(scene).status == "done"


def test_many_who_really_left_go_once_somebody_says_so(scene: Scene) -> None:
    for user in [*newcomers(scene), scene.site.user("e0001")]:
        scene.site.unseen.leave(user, scene.bay)
    assert scene.swept.sweep(scene.bay) == {}
    assert latest(scene).status == "failed"
    assert scene.swept.sweep(scene.bay, gone=True) == {(scene.bay, str(Drift.LOST_ENROLMENT), 0): 9}
    assert_mirrors_moodle(scene, {scene.bay}, known_people(scene.swept))


def test_what_the_caller_may_not_see_stays_as_it_was(scene: Scene) -> None:
    """Idnumbers of activities and categories, and hidden activities, which are not gone."""
    hidden = scene.site.module(BAY, "ACT-02")
    scene.site.silent.change_module(hidden, visible=0)
    scene.clock.tick()
    scene.swept.sweep()
    before = of_mirror(scene.swept, {scene.bay})
    for lacking in ("moodle/course:manageactivities", "moodle/course:viewhiddenactivities", "moodle/category:manage"):
        scene.clock.tick()
        scene.site.lacks(lacking)
        assert scene.swept.sweep() == {}, lacking
        assert {row.status for row in scene.swept.sweeps()} == {"done"}
        assert of_mirror(scene.swept, {scene.bay}) == before, lacking
    scene.site.lacks("moodle/course:viewhiddenactivities")
    scene.site.silent.change_module(hidden, visible=1)
    scene.clock.tick()
    assert scene.swept.sweep(scene.bay) == {(scene.bay, str(Drift.CHANGED_ACTIVITY), hidden): 1}


def test_a_copy_is_found_by_the_list_and_its_people_are_not_read(scene: Scene) -> None:
    copy, _ = scene.site.silent.duplicate(scene.bay)
    scene.clock.tick()
    assert scene.swept.sweep() == {(scene.bay, str(Drift.COPIED_COURSE), 0): 1}
    assert scene.swept.copies() == [(copy, scene.bay, "proposed")]
    with Session(scene.swept.house.engine) as session:
        modules = select(func.count()).where(MirrorModule.course_id == copy)
        people = select(func.count()).where(MirrorEnrolment.course_id == copy)
        assert session.scalar(modules), "for whoever reviews which activity is which"
        assert session.scalar(people) == 0


def test_courses_that_are_none_of_ours_are_not_kept(scene: Scene) -> None:
    """Neither old ones nor new ones, nor anything of their people."""
    copy, _ = scene.site.silent.duplicate(scene.bay)
    with scene.site.store.write() as db:
        db.execute("UPDATE course SET fullname = 'Payroll for staff' WHERE id = ?", (copy,))
        db.execute("UPDATE course_modules SET name = 'Slip ' || id WHERE course = ?", (copy,))
    scene.clock.tick()
    assert scene.swept.sweep() == {}
    with Session(scene.swept.house.engine) as session:
        assert set(session.scalars(select(MirrorCourse.course_id))) == {scene.bay, scene.la}
        payloads = session.scalars(select(InboxItem.payload).where(InboxItem.sender == "sweep"))
        assert not [payload for payload in payloads if b"Payroll" in payload]


def test_who_was_erased_does_not_come_back(scene: Scene) -> None:
    user, other = scene.site.user("e0001"), scene.site.user("e0002")
    module = scene.site.module(BAY, "ACT-01")
    scene.site.act.complete(user, module)
    scene.clock.tick()
    scene.swept.sweep(scene.bay)
    earned = sum(scene.swept.minutes().values())
    members = len(scene.swept.house.books()["standings"])
    engine = scene.swept.house.engine
    with Session(engine) as session:
        person = session.scalars(select(Account.person_id).where(Account.moodle_user_id == user)).one()
    key = scene.swept.settings.encryption_key
    with Session(engine) as session, session.begin():
        now = scene.swept.house.clock()
        erasure.erase(session, person, actor=CLI, reason="A letter asks for it.", encryption_key=key, now=now)
    list(forgotten.redact_inbox(engine, key))
    scene.site.act.complete(user, scene.site.module(BAY, "F2F-1"))
    scene.site.act.complete(other, module)
    scene.clock.tick()
    scene.swept.sweep()
    with Session(engine) as session:
        assert user not in session.scalars(select(Account.moodle_user_id)).all()
        told = session.scalars(select(InboxItem.payload).where(InboxItem.sender == "sweep")).all()
        assert not [payload for payload in told if json.loads(payload).get("user") == user]
        assert (
            session.scalar(text("SELECT count(*) FROM mirror_completions WHERE moodle_user_id = :u"), {"u": user}) == 0
        )
        # One membership is nobody's now.
        assert session.scalar(select(func.count()).select_from(Membership)) == members
    assert sum(scene.swept.minutes().values()) >= earned
