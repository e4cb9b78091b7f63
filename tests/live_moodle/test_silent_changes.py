"""The five ways in which completions change with no event of them: after one sweep the mirror is Moodle again."""

import time

import pytest

from moodle_client import MoodleClient
from records.drift import Drift
from tests.live_moodle.given import Given
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import MINUTES, LiveCourse, World, rename
from tests.support.cli import Cli

GRADES = "1 core_grades_update_grades"
UNLOCKED = "2 unlocked completion settings"
RESET = "3 course reset with completion"
COPIED = "4 duplicate with users"
ENROLLED = "5 unenrol, re-enrol, expiry"
CHANGEABLE = ("page", "label")
"""Kinds that unlock.php can save."""
SOON = 75
"""Seconds until an enrolment ends: Moodle rounds "now" to 100."""


def test_a_grade_written_in_bulk_completes_and_earns_after_a_sweep(
    world: World, course: LiveCourse, role: str, maker: MoodleClient, given: Given
) -> None:
    if not course.graded:
        given.skip(GRADES, "the template has no assignment or quiz that a grade completes")
    cm, kind = course.graded[0]
    world.connect(role)
    world.first_sweep(course.id)
    user = course.people[3]
    with world.silently(GRADES, course.id) as change:
        maker.update_grades(course.id, f"mod_{kind}", cm, [{"studentid": user, "grade": 100}])
    assert change.before.about("completions") == [(cm, user)]
    assert change.drift == {Drift.MISSED_COMPLETION: 1}
    assert change.earned == {user: MINUTES}


def test_unlocked_completion_settings_keep_the_minutes(
    world: World, course: LiveCourse, role: str, given: Given
) -> None:
    _by_hand(course, given)
    world.connect(role)
    world.first_sweep(course.id)
    changeable = {
        tracking: next((cm for cm in which if course.kinds[cm] in CHANGEABLE), None)
        for tracking, which in ((1, course.manual), (2, course.automatic))
    }
    if not any(changeable.values()):
        given.skip(UNLOCKED, f"the template has no tracked {' or '.join(CHANGEABLE)}")
    for tracking, cm in changeable.items():
        if cm is None:
            continue
        rows = [key for key in world.mirror(course.id).completions if key[0] == cm]
        name = f"{UNLOCKED}: {'manual' if tracking == 1 else 'automatic'} activity"
        with world.silently(name, course.id) as change:
            given.run_php(UNLOCKED, "unlock.php", course=course.id, cm=cm, completion=tracking)
        gone = [key for key in rows if key not in world.mirror(course.id).completions]
        assert gone, "every row came back"
        assert change.drift == {Drift.RESET: len(gone)}
        assert change.earned == {}
        assert world.happened(course.id) == change.happened_before, "a row that came back has a new time: not ours"


def test_a_course_reset_keeps_the_minutes(world: World, course: LiveCourse, role: str, given: Given) -> None:
    world.connect(role)
    world.first_sweep(course.id)
    rows = len(world.mirror(course.id).completions)
    with world.silently(RESET, course.id) as change:
        given.run_php(RESET, "reset.php", course=course.id)
    assert change.drift == {Drift.RESET: rows}
    assert world.mirror(course.id).completions == {}
    assert set(world.ends(course.id)) == {"reset"}
    assert change.earned == {}
    assert sum(change.minutes_before.values()) == rows * MINUTES


def test_a_copy_with_its_people_earns_nothing(
    world: World, course: LiveCourse, role: str, throwaway: Throwaway
) -> None:
    maker = throwaway.maker
    world.connect(role)
    world.first_sweep(course.id)
    earned = world.minutes()
    name = throwaway.next_name()
    made = maker.duplicate_course(
        course.id, fullname=f"Copy & {name}", shortname=name, category=throwaway.category, options={"users": True}
    )
    copy = made.data.id
    with world.silently(f"{COPIED}: not adopted", copy, None, copy, modules_only=True) as change:
        pass
    assert change.drift[Drift.COPIED_COURSE] == 1
    assert change.earned == {}
    rename(maker, copy, name)
    with world.silently(f"{COPIED}: with an ID number", copy, None, copy, modules_only=True) as change:
        pass
    assert change.earned == {}

    answer = Cli(world.settings)(
        "adoption", "decide", "live", str(copy), "new-community", "--reason", "A test", "--yes"
    )
    assert answer.code == 0, answer.err
    world.work()
    with world.silently(f"{COPIED}: adopted as new", copy, None, copy) as change:
        pass
    assert len(world.mirror(copy).completions) == len(world.mirror(course.id).completions) > 0
    assert change.earned == {}
    assert world.minutes() == earned


def test_who_leaves_keeps_the_minutes_and_earns_nothing_twice(
    world: World, course: LiveCourse, role: str, maker: MoodleClient, given: Given
) -> None:
    leaves, expires = course.people[0], course.people[1]
    who = {"roleid": given.student_role, "courseid": course.id}
    ends = int(time.time()) + SOON
    maker.enrol_users([who | {"userid": expires, "timeend": ends}])
    world.connect(role)
    world.first_sweep(course.id)
    assert world.mirror(course.id).enrolments[(expires,)] == ("active",)
    rows = sum(user == leaves for _, user in world.mirror(course.id).completions)
    assert world.minutes()[leaves] == rows * MINUTES > 0

    with world.silently(f"{ENROLLED}: unenrolled", course.id) as change:
        maker.unenrol_users([{"userid": leaves, "courseid": course.id}])
    assert change.drift == {Drift.LOST_ENROLMENT: 1}
    assert change.earned == {}
    assert world.ends(course.id)["left"] == rows

    with world.silently(f"{ENROLLED}: enrolled again", course.id) as change:
        maker.enrol_users([who | {"userid": leaves}])
    assert change.drift == {Drift.MISSED_ENROLMENT: 1}
    assert change.earned == {}
    assert world.ends(course.id)["left"] == 0

    with world.silently(f"{ENROLLED}: expired", course.id) as change:
        _wait_for_the_end(maker, course.id, expires)
    assert change.before.about("enrolments") == [(expires,)]
    assert change.drift == {Drift.CHANGED_ENROLMENT: 1}
    assert change.earned == {}


def _by_hand(course: LiveCourse, given: Given) -> None:
    """Somebody ticks a manual activity, and looks at an automatic one: rows that nobody overrode."""
    for cm in [*course.manual[:1], *[cm for cm in course.automatic if course.kinds[cm] in CHANGEABLE][:1]]:
        given.run_php(UNLOCKED, "act.php", course=course.id, cm=cm, user=course.people[5], state=1)


def _wait_for_the_end(maker: MoodleClient, course: int, user: int) -> None:
    """Until Moodle itself takes the enrolment for over; nothing else happens, and nothing tells of it."""
    for _ in range(60):
        inactive = {one.id for page in maker.enrolled_users(course, only_suspended=True) for one in page.data}
        if user in inactive:
            return
        time.sleep(4)
    pytest.fail("the enrolment never ended")
