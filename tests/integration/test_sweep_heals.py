"""Law 2: after loss, doubling and disorder of events, and changes that no event tells, one sweep makes all as right as
if nothing had been lost."""

import random
from collections.abc import Iterator

import pytest

from records.drift import Drift
from sandbox.disorder import Disorder
from tests.support import happenings
from tests.support.happenings import Happenings
from tests.support.healed import assert_law_2, assert_mirrors_moodle, known_people
from tests.support.servers import Servers
from tests.support.sweeping import BAY, Houses, Scene, open_houses

SEEDS = 18
ROUNDS = 3
"""So many lotteries one after another on one site."""
THINGS = 14
"""So many things happen in one of the lotteries."""


@pytest.fixture(scope="module")
def houses(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    with open_houses(servers, template, tmp_path_factory.mktemp("sites")) as opened:
        yield opened


@pytest.fixture(scope="module")
def houses_of_plugin(servers: Servers, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Houses]:
    """The same, of a site that is read by the companion plugin alone."""
    with open_houses(servers, template, tmp_path_factory.mktemp("sites"), plugin=True) as opened:
        yield opened


@pytest.fixture
def scene(houses: Houses) -> Iterator[Scene]:
    """One house is told everything, the other one nothing."""
    with houses.scene(Disorder(drop=1.0)) as opened:
        yield opened


@pytest.fixture(scope="module")
def common(houses: Houses) -> Iterator[Scene]:
    """The same for tests that leave the course as it is, and each has somebody of its own."""
    with houses.scene(Disorder(drop=1.0), beside=True) as opened:
        yield opened


def wires(seed: int) -> Disorder:
    """Wires that lose nothing, some or all of it, with and without readings."""
    lots = random.Random(seed)
    drop = lots.choice((0.0, 0.2, 0.5, 1.0))
    return Disorder(drop, lots.choice((0.0, 0.3)), lots.choice((0.0, 0.5)), lots.random() < 0.4, seed)


@pytest.mark.parametrize("seed", range(0, SEEDS, 2 * ROUNDS))
def test_whatever_happens_one_sweep_heals_it(houses: Houses, seed: int) -> None:
    with houses.scene() as scene:
        lotteries(scene, seed)


@pytest.mark.parametrize("seed", range(ROUNDS, SEEDS, 2 * ROUNDS))
def test_whatever_happens_one_sweep_by_the_plugin_heals_it(houses_of_plugin: Houses, seed: int) -> None:
    with houses_of_plugin.scene() as scene:
        lotteries(scene, seed)


def lotteries(scene: Scene, seed: int) -> None:
    for number in range(seed, seed + ROUNDS):
        scene.wire(wires(number))
        lottery(scene, number)
    scene.clock.tick()
    entries = scene.swept.entries()
    assert scene.swept.sweep(None, scene.bay) == {}, "a second sweep finds nothing"
    assert scene.swept.entries() == entries
    assert scene.told.house.differences() == scene.swept.house.differences() == []


def lottery(scene: Scene, seed: int) -> None:
    """Let things happen, and sweep once."""
    courses = {scene.bay}
    chance = Happenings(scene.site, scene.clock, seed, [scene.bay], scene.site.participants(scene.la)[:2])
    for number in range(THINGS):
        chance.one()
        scene.happened()
        if number % 3 == seed % 3:
            scene.arrives()
    scene.end()
    known = known_people(scene.swept)
    scene.swept.sweep(None, scene.bay)
    print("\n".join(chance.log))
    assert_mirrors_moodle(scene, courses, known)
    assert_law_2(scene, courses, known)


def completed(scene: Scene, username: str, activity: str) -> tuple[int, int]:
    """Somebody does an activity, and everybody knows. Returns user and module."""
    user, module = scene.site.user(username), scene.site.module(BAY, activity)
    scene.site.act.complete(user, module)
    both_know(scene)
    return user, module


def both_know(scene: Scene) -> None:
    """What happened so far reaches the house that sweeps, too: by a sweep, as no wire brings it anything."""
    scene.end()
    scene.swept.sweep(scene.bay)
    scene.clock.tick()


def healed(scene: Scene, *courses: int) -> dict[tuple[str, int], int]:
    """What one sweep found, by (kind, module or 0), once it is sure that all is right again and stays so."""
    scene.end()
    known = known_people(scene.swept)
    found = scene.swept.sweep(*courses)
    assert_mirrors_moodle(scene, {scene.bay}, known)
    assert_law_2(scene, {scene.bay}, known)
    scene.clock.tick()
    entries = scene.swept.entries()
    assert scene.swept.sweep(*courses) == {}, "a second sweep finds nothing"
    assert scene.swept.entries() == entries
    assert scene.swept.house.differences() == []
    assert {course for course, _, _ in found} <= {0, scene.bay}
    return {(kind, module): times for (_, kind, module), times in found.items()}


def minutes(scene: Scene, user: int) -> int:
    return scene.swept.minutes().get(f"EBWIESL-BAY/{user}", 0)


def test_a_lost_completion(common: Scene) -> None:
    user, module = common.site.user("e0001"), common.site.module(BAY, "ACT-01")
    common.site.act.complete(user, module)
    assert healed(common, common.bay) == {(Drift.MISSED_COMPLETION, module): 1}
    assert minutes(common, user) > 0


def test_a_lost_uncompletion(common: Scene) -> None:
    user, module = completed(common, "e0001", "F2F-1")
    earned = minutes(common, user)
    common.site.act.untick(user, module)
    assert healed(common, common.bay) == {(Drift.MISSED_UNCOMPLETION, module): 1}
    assert minutes(common, user) < earned


def test_a_changed_completion(common: Scene) -> None:
    """A failed quiz that is passed is complete where it wasn't; an override says who did it."""
    user, quiz = common.site.user("e0001"), common.site.module(BAY, "ACT-06")
    common.site.act.attempt_quiz(user, quiz, passes=False)
    both_know(common)
    earned = minutes(common, user)
    common.site.act.attempt_quiz(user, quiz, passes=True)
    assert healed(common, common.bay) == {(Drift.CHANGED_COMPLETION, quiz): 1}
    assert minutes(common, user) == earned + 60


def test_a_bulk_grade(common: Scene) -> None:
    module = common.site.module(BAY, "ACT-10")
    users = common.site.participants(common.bay)[:3]
    common.site.silent.grade_in_bulk(module, dict.fromkeys(users, 9.0))
    assert healed(common, common.bay) == {(Drift.MISSED_COMPLETION, module): 3}
    assert all(minutes(common, user) >= 90 for user in users)


def test_unlocking_keeps_what_was_earned(scene: Scene) -> None:
    user, module = completed(scene, "e0001", "ACT-01")
    earned = minutes(scene, user)
    scene.site.silent.unlock(module)
    assert healed(scene, scene.bay) == {(Drift.RESET, module): 1}
    assert minutes(scene, user) == earned > 0


def test_a_reset_keeps_what_was_earned(scene: Scene) -> None:
    user, page = completed(scene, "e0001", "ACT-01")
    _, session = completed(scene, "e0001", "F2F-1")
    earned = minutes(scene, user)
    scene.site.silent.reset(scene.bay)
    assert healed(scene, scene.bay) == {(Drift.RESET, page): 1, (Drift.RESET, session): 1}
    assert minutes(scene, user) == earned > 0


def test_a_copy_with_users_earns_nothing_and_waits(scene: Scene) -> None:
    user, _ = completed(scene, "e0001", "ACT-01")
    earned = minutes(scene, user)
    copy, _ = scene.site.silent.duplicate(scene.bay)
    assert healed(scene) == {(Drift.COPIED_COURSE, 0): 1}
    assert scene.swept.copies() == [(copy, scene.bay, "proposed")]
    assert copy in scene.swept.targets()
    assert minutes(scene, user) == earned
    scene.site.silent.change_course(copy, idnumber="COP-IET-LA")
    scene.end()
    scene.swept.sweep()
    assert {name.rsplit("/", 1)[0] for name in scene.swept.minutes()} == {"EBWIESL-BAY"}, "a name makes it no community"


def test_who_left_and_came_back_earns_nothing_twice(common: Scene) -> None:
    user, _ = completed(common, "e0002", "ACT-01")
    earned, entries = minutes(common, user), common.swept.entries()
    common.site.act.leave(user, common.bay)
    assert healed(common, common.bay) == {(Drift.LOST_ENROLMENT, 0): 1}
    assert minutes(common, user) == earned
    common.site.act.enrol(user, common.bay, timestart=0)
    assert healed(common, common.bay) == {(Drift.MISSED_ENROLMENT, 0): 1}
    assert minutes(common, user) == earned
    assert common.swept.entries() == entries


def test_what_was_done_before_leaving_counts(common: Scene) -> None:
    """Both are lost: that he did it, and that he left."""
    user, module = common.site.user("e0003"), common.site.module(BAY, "ACT-01")
    common.site.act.complete(user, module)
    common.site.act.leave(user, common.bay)
    found = healed(common, common.bay)
    assert found == {(Drift.LOST_ENROLMENT, 0): 1, (Drift.MISSED_COMPLETION, module): 1}
    assert minutes(common, user) > 0


def test_an_expired_enrolment(common: Scene) -> None:
    user = common.site.user("e0004")
    common.site.silent.expire(user, common.bay)
    assert healed(common, common.bay) == {(Drift.CHANGED_ENROLMENT, 0): 1}
    assert common.swept.house.books()["standings"][f"EBWIESL-BAY/{user}"]["status"] == "suspended"


def test_a_lost_enrolment_with_what_followed_it(common: Scene) -> None:
    """Somebody new, whom no event ever named, and what was done since."""
    user, module = common.site.user("e0013"), common.site.module(BAY, "ACT-01")
    common.site.act.enrol(user, common.bay, timestart=0)
    common.site.act.complete(user, module)
    found = healed(common, common.bay)
    assert found == {(Drift.MISSED_ENROLMENT, 0): 1, (Drift.MISSED_COMPLETION, module): 1}
    assert minutes(common, user) > 0


def test_suspended_and_resumed(common: Scene) -> None:
    user = common.site.user("e0005")
    for act in (common.site.act.suspend, common.site.act.resume):
        act(user, common.bay)
        assert healed(common, common.bay) == {(Drift.CHANGED_ENROLMENT, 0): 1}


def test_another_role_and_other_groups(common: Scene) -> None:
    user, other = common.site.user("e0005"), common.site.user("e0004")
    happenings.unassign_role(common.site, user, common.bay, happenings.STUDENT)
    happenings.assign_role(common.site, user, common.bay, happenings.TEACHER)
    first, second = happenings.groups_of(common.site, common.bay)
    before = {row["group"] for row in common.site.world().groups if (row["course"], row["user"]) == (common.bay, other)}
    happenings.set_groups(common.site, other, common.bay, [second] if first in before else [first])
    assert healed(common, common.bay) == {(Drift.CHANGED_ROLE, 0): 1, (Drift.CHANGED_GROUP, 0): 1}
    assert common.swept.house.books()["standings"][f"EBWIESL-BAY/{user}"]["role"] == "facilitator"


def test_a_renamed_account(common: Scene) -> None:
    user = common.site.user("e0001")
    common.site.silent.change_account(user, lastname="Okafor-Lindqvist", email="new@example.org")
    common.end()
    assert common.swept.sweep(common.bay) == {(0, str(Drift.CHANGED_ACCOUNT), 0): 1}
    assert_mirrors_moodle(common, {common.bay}, known_people(common.swept))


def test_activities_that_changed_went_and_came(scene: Scene) -> None:
    user, page = completed(scene, "e0001", "ACT-01")
    earned = minutes(scene, user)
    log, url, quiz = (scene.site.module(BAY, name) for name in ("ACT-08", "ACT-02", "ACT-06"))
    scene.site.silent.change_module(page, name="Another name")
    scene.site.silent.change_module(quiz, visible=0)
    # What the log was is another one now.
    scene.site.silent.change_module(log, idnumber="")
    made = scene.site.silent.add_module(scene.bay, "page", "A new reading log", "ACT-08")
    scene.site.silent.delete_module(url)
    assert healed(scene, scene.bay) == {
        (Drift.CHANGED_ACTIVITY, page): 1,
        (Drift.CHANGED_ACTIVITY, quiz): 1,
        (Drift.CHANGED_IDNUMBER, log): 1,
        (Drift.NEW_ACTIVITY, made): 1,
        (Drift.DELETED_ACTIVITY, url): 1,
    }
    assert minutes(scene, user) == earned, "a rename moves no minutes"


def test_a_new_activity_that_nothing_maps(common: Scene) -> None:
    made = common.site.silent.add_module(common.bay, "forum", "Coffee corner", section=2)
    assert healed(common, common.bay) == {(Drift.NEW_ACTIVITY, made): 1}
    assert common.swept.unmapped("EBWIESL", "BAY") == 1


def test_a_renamed_course(scene: Scene) -> None:
    scene.site.silent.change_course(scene.bay, fullname="Another name")
    assert healed(scene, scene.bay) == {(Drift.CHANGED_COURSE, 0): 1}
    scene.site.silent.change_course(scene.bay, idnumber="COP-IET-LA")
    assert healed(scene, scene.bay) == {(Drift.CHANGED_IDNUMBER, 0): 1}


@pytest.mark.parametrize("by_list", [True, False])
def test_a_deleted_course_keeps_what_was_earned(scene: Scene, by_list: bool) -> None:
    user, _ = completed(scene, "e0001", "ACT-01")
    earned = minutes(scene, user)
    course = scene.bay
    world = scene.site.world()
    modules = [row["module"] for row in world.modules if row["course"] == course]
    people = {row["user"] for row in world.enrolments if row["course"] == course}
    happenings.delete_course(scene.site, course)
    scene.end()
    known = known_people(scene.swept)
    found = scene.swept.sweep(*(() if by_list else (course,)))
    assert found == {
        (course, str(Drift.DELETED_COURSE), 0): 1,
        (course, str(Drift.LOST_ENROLMENT), 0): len(people),
        **{(course, str(Drift.DELETED_ACTIVITY), module): 1 for module in modules},
    }
    assert course not in scene.swept.targets()
    assert minutes(scene, user) == earned > 0
    assert_law_2(scene, {course}, known)
    assert scene.swept.house.differences() == []
    scene.clock.tick()
    assert scene.swept.sweep() == {}
