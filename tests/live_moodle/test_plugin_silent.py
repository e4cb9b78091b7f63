"""Changes that no event tells of: one sweep by the companion plugin's functions, and the mirror is Moodle again."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from moodle_client import MoodleClient
from records.drift import Drift
from tests.live_moodle.given import Given
from tests.live_moodle.plugin import NEEDS, PluginWorld
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import MINUTES, Change, LiveCourse, rename

CORE = {"core_webservice_get_site_info"}
"""What a service of the plugin alone has of core's functions: it says what there is."""
CHANGEABLE = ("page", "label")


@contextmanager
def silent(world: PluginWorld, change: str, course: int, *swept: int | None) -> Iterator[Change]:
    """Around a change that nothing tells of, whatever the plugin has sent: one sweep puts it right, by no function of
    core."""
    with world.silently(f"plugin: {change}", course, *swept) as found:
        yield found
        world.deliver()
        world.calls.clear()
    assert {call for call in world.calls if not call.startswith("local_copbridge_")} <= CORE, world.calls
    assert Counter(world.calls)["local_copbridge_get_digest"] <= len(swept or (course,))
    assert [row.way for row in world.sweeps()] == ["plugin"] * len(world.sweeps())
    assert world.sweep(course) == {}, "another sweep finds nothing"


def test_a_grade_in_bulk_and_rows_that_somebody_wrote(
    handed: PluginWorld, course: LiveCourse, given: Given, maker: MoodleClient
) -> None:
    if course.graded:
        cm, kind = course.graded[0]
        user = course.people[3]
        with silent(handed, "a grade written in bulk", course.id) as change:
            maker.update_grades(course.id, f"mod_{kind}", cm, [{"studentid": user, "grade": 100}])
        assert change.before.about("completions") == [(cm, user)]
        assert change.drift == {Drift.MISSED_COMPLETION: 1}
        assert change.earned == {user: MINUTES}
    else:
        given.without("a grade in bulk", "the template has no assignment or quiz that a grade completes")
    manual, user, other = course.manual[0], course.people[9], course.people[0]
    with silent(handed, "rows written and deleted by SQL", course.id) as change:
        handed.plugin.deeds(
            course.id,
            [
                {"do": "write_row", "user": user, "cm": manual, "state": 1},
                {"do": "delete_rows", "user": other, "cm": manual},
            ],
        )
    assert change.drift == {Drift.MISSED_COMPLETION: 1, Drift.RESET: 1}
    assert change.earned == {user: MINUTES}
    with silent(handed, "a row set to incomplete by SQL", course.id) as change:
        handed.plugin.deeds(course.id, [{"do": "write_row", "user": user, "cm": manual, "state": 0}])
    assert change.drift == {Drift.MISSED_UNCOMPLETION: 1}
    assert change.earned == {user: -MINUTES}


@pytest.mark.parametrize(("tracking", "name"), [(1, "manual"), (2, "automatic")])
def test_unlocked_settings(handed: PluginWorld, course: LiveCourse, given: Given, tracking: int, name: str) -> None:
    which = course.manual if tracking == 1 else course.automatic
    changeable = [cm for cm in which if course.kinds[cm] in CHANGEABLE]
    if not changeable:
        given.skip(NEEDS, f"the template has no {name} {' or '.join(CHANGEABLE)}")
    cm, user = changeable[0], course.people[5]
    handed.plugin.deeds(course.id, [{"do": "complete", "user": user, "cm": cm}])
    handed.deliver()
    rows = {key for key in handed.mirror(course.id).completions if key[0] == cm}
    assert rows
    with silent(handed, f"unlocked settings, {name}", course.id) as change:
        given.run_php(NEEDS, "unlock.php", course=course.id, cm=cm, completion=tracking)
    gone = rows - handed.mirror(course.id).completions.keys()
    assert gone, "every row came back"
    assert change.drift == {Drift.RESET: len(gone)}
    assert change.earned == {}


def test_a_course_reset(handed: PluginWorld, course: LiveCourse, given: Given) -> None:
    rows = len(handed.mirror(course.id).completions)
    with silent(handed, "course reset", course.id) as change:
        given.run_php(NEEDS, "reset.php", course=course.id)
    assert change.drift == {Drift.RESET: rows}
    assert change.earned == {}
    assert handed.mirror(course.id).completions == {}


def test_a_copy_with_its_people(handed: PluginWorld, course: LiveCourse, throwaway: Throwaway) -> None:
    maker, earned = throwaway.maker, handed.minutes()
    name = throwaway.next_name()
    copied = maker.duplicate_course(
        course.id, fullname=f"Copy & {name}", shortname=name, category=throwaway.category, options={"users": True}
    )
    copy = copied.data.id
    rename(maker, copy, name)
    handed.deliver()
    handed.calls.clear()
    handed.sweep(None)
    handed.sweep(copy)
    found = handed.compare(copy, modules_only=True)
    handed.summary.add("plugin: a copy with its people", "SQL", None, found, {})
    assert found.differences == (), found.differences
    assert {call for call in handed.calls if not call.startswith("local_copbridge_")} <= CORE
    assert handed.minutes() == earned, "a copy earns nothing"


def test_an_enrolment_that_ends_and_one_that_is_suspended(handed: PluginWorld, course: LiveCourse) -> None:
    expires = course.people[1]
    with silent(handed, "an enrolment given an end by SQL", course.id) as change:
        values = {"timeend": int(time.time()) - 10}
        handed.plugin.deeds(course.id, [{"do": "write_enrolment", "user": expires, "values": values}])
    assert change.drift == {Drift.CHANGED_ENROLMENT: 1}
    assert change.earned == {}
    with silent(handed, "suspended by SQL", course.id) as change:
        handed.plugin.deeds(course.id, [{"do": "write_enrolment", "user": course.people[2], "values": {"status": 1}}])
    assert change.drift == {Drift.CHANGED_ENROLMENT: 1}


def test_events_that_never_were_sent(handed: PluginWorld, course: LiveCourse) -> None:
    """The outbox is lost, as when PHP dies between a change and its event."""
    people, manual = course.people, course.manual[0]
    found = handed.mirror(course.id).completions
    ticks = next(user for user in people[5:] if not found.get((manual, user), (0,))[0])
    with silent(handed, "an outbox that was lost", course.id) as change:
        handed.plugin.deeds(
            course.id,
            [
                {"do": "tick", "user": ticks, "cm": manual, "state": 1},
                {"do": "unenrol", "user": people[0]},
                {"do": "make_group", "group": f"{course.name}-Z"},
                {"do": "join", "user": people[3], "group": f"{course.name}-Z"},
                {"do": "change_user", "user": people[4], "values": {"lastname": "Renamed by SQL"}},
                {"do": "change_module", "cm": manual, "name": "Renamed"}
                if course.kinds[manual] == "page"
                else {"do": "rename_module", "cm": manual, "name": "Renamed"},
            ],
        )
        assert handed.plugin.waiting() >= 5
        handed.plugin.clear()
    assert change.earned == {ticks: MINUTES}
    assert change.drift[Drift.MISSED_COMPLETION] == 1
    assert change.drift[Drift.LOST_ENROLMENT] == 1
    assert change.drift[Drift.CHANGED_GROUP] == 1
    assert change.drift[Drift.CHANGED_ACCOUNT] == 1
    assert change.drift[Drift.CHANGED_ACTIVITY] == 1
