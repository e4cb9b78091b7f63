"""What happens in Moodle reaches the mirror by the companion plugin alone: equal to the tables, without any sweep."""

import json
import time

import pytest

from moodle_client import MoodleClient
from tests.live_moodle.given import Given
from tests.live_moodle.plugin import NEEDS, Deed, PluginWorld
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import MINUTES, LiveCourse

DAY = 86_400


def by_minutes(world: PluginWorld, course: LiveCourse, members: set[int]) -> dict[int, int]:
    """What the program says: so many minutes for each activity that is complete or passed."""
    found: dict[int, int] = {}
    for (_, user), row in world.mirror(course.id).completions.items():
        if user in members and row[0] in (1, 2):
            found[user] = found.get(user, 0) + MINUTES
    return found


def test_every_kind_of_activity(handed: PluginWorld, course: LiveCourse, given: Given) -> None:
    made = json.loads(given.run_php(NEEDS, "kinds.php", course=course.id))
    for kind, answer in made.items():
        if "error" in answer:
            given.without(f"an activity of the kind {kind}", answer["error"])
    kinds = {answer["cm"]: kind for kind, answer in made.items() if "cm" in answer}
    handed.handed_over(f"{len(kinds)} kinds of activities made", course.id)
    user, other = course.people[4], course.people[5]
    states = dict(
        zip(
            kinds.values(),
            handed.plugin.deeds(course.id, [{"do": "complete", "user": user, "cm": cm} for cm in kinds]),
            strict=True,
        )
    )
    done = {kind for kind, state in states.items() if state in (1, 2)}
    handed.handed_over(f"{len(done)} of {len(states)} kinds completed", course.id)
    assert done >= {"page", "url", "folder", "quiz", "assign", "forum", "label"} & states.keys()
    found = handed.mirror(course.id).completions
    assert {kinds[cm] for cm in kinds if found.get((cm, user), (0,))[0] in (1, 2)} == done
    assert handed.minutes() == by_minutes(handed, course, set(course.people))

    deletes = [{"do": "delete_module", "cm": cm} for cm in list(kinds)[::2]]
    handed.plugin.deeds(course.id, [{"do": "complete", "user": other, "cm": cm} for cm in kinds] + deletes)
    handed.handed_over("completed, then every other one deleted", course.id)
    assert handed.plugin.dead() == 0
    assert handed.inbox().keys() <= {"done"}


def test_what_completes_and_what_undoes(handed: PluginWorld, course: LiveCourse) -> None:
    people, plugin = course.people, handed.plugin
    user, other, third = people[6], people[7], people[8]
    plugin.deeds(course.id, [{"do": "complete", "user": user, "cm": cm} for cm in course.tracked])
    before = handed.minutes()
    handed.handed_over("the template's activities, each by its own rule", course.id)
    assert handed.minutes()[user] > before.get(user, 0)

    manual = course.manual[0]
    ticks: list[Deed] = [{"do": "tick", "user": each, "cm": manual, "state": 1} for each in (user, other, third)]
    plugin.deeds(course.id, [*ticks, {"do": "tick", "user": other, "cm": manual, "state": 0}])
    handed.deliver()
    assert handed.compare(course.id).differences == ()
    assert handed.mirror(course.id).completions[(manual, other)][0] == 0
    plugin.deeds(
        course.id,
        [{"do": "override", "user": third, "cm": manual, "state": 0}]
        + [{"do": "override", "user": other, "cm": cm, "state": 1} for cm in course.automatic[:2]],
    )
    handed.handed_over("ticked, un-ticked, overridden both ways", course.id)
    assert handed.minutes() == by_minutes(handed, course, set(people))


def test_grades_pass_fail_and_go(handed: PluginWorld, course: LiveCourse, given: Given) -> None:
    assigns = [cm for cm, kind in course.graded if kind == "assign"]
    quizzes = [cm for cm, kind in course.graded if kind == "quiz"]
    if not assigns and not quizzes:
        given.skip("grades by teachers and quizzes", "the template has no assignment or quiz that a grade completes")
    user, other = course.people[6], course.people[7]
    plugin = handed.plugin
    for cm in assigns[:1]:
        plugin.deeds(course.id, [{"do": "grade", "user": user, "cm": cm, "grade": 70}])
        handed.handed_over("graded", course.id)
        plugin.deeds(course.id, [{"do": "grade", "user": user, "cm": cm, "grade": None}])
        handed.handed_over("the grade taken away", course.id)
        assert handed.mirror(course.id).completions[(cm, user)][0] == 0
    for cm in quizzes[:1]:
        failed, passed = plugin.deeds(
            course.id,
            [{"do": "quiz", "user": user, "cm": cm, "right": False}, {"do": "quiz", "user": other, "cm": cm}],
        )
        handed.handed_over(f"a quiz failed ({failed}) and passed ({passed})", course.id)
        earned = handed.minutes()
        plugin.deeds(course.id, [{"do": "quiz", "user": user, "cm": cm, "right": True}])
        handed.handed_over("failed, then passed", course.id)
        if failed == 3:
            assert handed.minutes()[user] - earned.get(user, 0) == MINUTES
    assert handed.minutes() == by_minutes(handed, course, set(course.people))


def test_people_come_and_go(handed: PluginWorld, course: LiveCourse, throwaway: Throwaway, given: Given) -> None:
    plugin, role, people = handed.plugin, given.student_role, course.people
    comes, dies = throwaway.people(2)
    throwaway.users += [comes, dies]
    soon = int(time.time())
    enrolled = {"do": "enrol", "role": role}
    plugin.deeds(course.id, [enrolled | {"user": comes, "timestart": soon - DAY, "timeend": soon + DAY}])
    handed.handed_over("enrolled, with dates", course.id)
    leaves = people[0]
    held = handed.minutes()[leaves]
    assert held > 0
    plugin.deeds(
        course.id,
        [
            enrolled | {"user": dies},
            {"do": "change_enrolment", "user": people[1], "status": 1},
            {"do": "change_enrolment", "user": people[2], "timeend": soon + 2 * DAY},
            {"do": "unenrol", "user": leaves},
        ],
    )
    handed.handed_over("suspended, given an end, unenrolled", course.id)
    assert handed.minutes()[leaves] == held
    plugin.deeds(
        course.id,
        [enrolled | {"user": leaves}, {"do": "change_enrolment", "user": people[1], "status": 0}],
    )
    handed.handed_over("enrolled again, no longer suspended", course.id)
    assert handed.minutes()[leaves] == held, "nothing is earned twice"
    plugin.deeds(
        course.id,
        [
            {"do": "role", "user": people[3], "role": 4, "on": True},
            {"do": "role", "user": people[4], "role": role, "on": False},
            {"do": "change_user", "user": people[5], "values": {"lastname": "Renamed & co.", "idnumber": "N-1"}},
            {"do": "change_user", "user": people[6], "values": {"suspended": 1}},
            {"do": "tick", "user": dies, "cm": course.manual[0], "state": 1},
        ],
    )
    handed.handed_over("roles and accounts changed", course.id)
    plugin.deeds(course.id, [{"do": "delete_user", "user": dies}])
    throwaway.users.remove(dies)
    handed.handed_over("an account deleted", course.id)


def test_groups(handed: PluginWorld, course: LiveCourse) -> None:
    name, people = f"{course.name}-X", course.people
    group = {"group": name}
    in_group = [{"do": "join", "user": user} | group for user in people[:4]]
    handed.plugin.deeds(course.id, [{"do": "make_group"} | group, *in_group])
    handed.handed_over("a group, and people in it", course.id)
    handed.plugin.deeds(
        course.id,
        [
            {"do": "rename_group", "name": "Renamed & co."} | group,
            {"do": "make_grouping", "name": "Working groups"} | group,
            {"do": "leave", "user": people[1]} | group,
        ],
    )
    handed.handed_over("renamed, in a grouping, left", course.id)
    handed.plugin.deeds(course.id, [{"do": "delete_group"} | group])
    handed.handed_over("a group deleted", course.id)


def test_course_and_activities_change(handed: PluginWorld, course: LiveCourse, maker: MoodleClient) -> None:
    pages = [cm for cm in course.tracked if course.kinds[cm] == "page"]
    if len(pages) < 2:
        pytest.skip("the template has fewer than two pages with completion")
    plugin = handed.plugin
    plugin.deeds(
        course.id,
        [
            {"do": "change_module", "cm": pages[0], "name": "Renamed & <b>co.</b>", "cmidnumber": "N-77"},
            {"do": "rename_module", "cm": pages[1], "name": "Renamed in place"},
            {"do": "hide", "cm": pages[1]},
            {"do": "rename_section", "number": 1, "name": "Another section"},
        ],
    )
    handed.handed_over("activities renamed, hidden, given an ID number; a section renamed", course.id)
    plugin.deeds(
        course.id,
        [
            {"do": "move_module", "cm": pages[0], "number": 2},
            {"do": "hours", "cm": pages[0], "minutes": 90, "component": "online"},
            {"do": "change_course", "values": {"fullname": "Renamed & co.", "startdate": 1_790_000_000}},
        ],
    )
    handed.handed_over("moved, hours declared, the course renamed", course.id)
    plugin.deeds(
        course.id,
        [{"do": "hours", "cm": pages[0], "minutes": None}, {"do": "delete_module", "cm": pages[1]}],
    )
    handed.handed_over("hours taken back, an activity deleted", course.id)
    earned = handed.minutes()
    maker.call("core_course_delete_courses", courseids=[course.id])
    handed.deliver()
    assert plugin.waiting() == 0
    assert handed.mirror(course.id).courses == {}
    assert handed.minutes() == earned, "who has learned keeps what was earned"


def test_silence_is_noticed(handed: PluginWorld) -> None:
    """Nothing waits, and nothing was delivered for long: an empty batch goes out, once."""
    posts = handed.house.door.posts
    handed.deliver()
    handed.plugin.write(lastdelivery=0)
    before = len(posts)
    handed.deliver()
    assert [json.loads(post.body)["events"] for post in posts[before:]] == [[]]
    handed.deliver()
    assert len(posts) == before + 1
