"""A first sweep makes the mirror Moodle's own tables; later ones find what changed, and nothing else."""

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from moodle_client import MoodleClient
from records.drift import Drift
from records.models import Account, InboxItem
from tests.live_moodle.given import Given
from tests.live_moodle.tables import compared
from tests.live_moodle.throwaway import Throwaway
from tests.live_moodle.world import MINUTES, LiveCourse, World


def test_after_a_first_sweep_the_mirror_is_moodle(
    world: World, course: LiveCourse, role: str, given: Given, moodle: MoodleClient
) -> None:
    if given.folder:
        _by_hand(course, given)
    else:
        given.without("completions by participants themselves", "no web service can do it, and MOODLE_DIR is not given")
    world.connect(role)
    world.first_sweep(course.id, "a first sweep")
    mirror = world.mirror(course.id)
    assert {user for (user,) in mirror.enrolments} == set(course.people)
    assert len(mirror.groups) >= 2
    assert world.sweep(course.id) == {}, "a second sweep finds nothing"
    assert compared(mirror, world.mirror(course.id)).differences == ()
    done = [key for key, row in mirror.completions.items() if row[0] in (1, 2)]
    assert sum(world.minutes().values()) == len(done) * MINUTES
    with Session(world.engine) as session:
        assert session.scalars(select(InboxItem.status).where(InboxItem.status != "done")).all() == []
    told = [page.data for page in moodle.enrolled_users(course.id)]
    assert sum(map(len, told)) == len(course.people)


def _by_hand(course: LiveCourse, given: Given) -> None:
    """A participant ticks and un-ticks, another one ticks."""
    what = "completions by participants themselves"
    if not course.manual:
        given.without(what, "the template has no activity that is ticked by hand")
        return
    act: dict[str, Any] = {"course": course.id, "cm": course.manual[0]}
    for user, state in ((course.people[6], 1), (course.people[7], 1), (course.people[7], 0)):
        given.run_php(what, "act.php", **act, user=user, state=state)


def test_what_is_undone_is_taken_back(world: World, course: LiveCourse, role: str, maker: MoodleClient) -> None:
    world.connect(role)
    world.first_sweep(course.id)
    cm, user = next(key for key, row in sorted(world.mirror(course.id).completions.items()) if row[0])
    with world.silently("overridden to incomplete", course.id) as change:
        maker.override_completion(user, cm, 0)
    assert change.drift == {Drift.MISSED_UNCOMPLETION: 1}
    assert change.earned == {user: -MINUTES}


def test_what_changes_in_people_and_activities_is_seen(
    world: World, course: LiveCourse, role: str, throwaway: Throwaway, given: Given
) -> None:
    maker = throwaway.maker
    (dies,) = throwaway.people(1)
    throwaway.users.append(dies)
    maker.enrol_users([{"roleid": given.student_role, "userid": dies, "courseid": course.id}])
    world.connect(role)
    world.first_sweep(course.id)
    groups = [group.id for group in maker.groups(course.id).data if group.idnumber.startswith(course.name)]
    moves = course.people[2]
    with world.silently("people and activities changed, hidden, deleted", course.id) as change:
        maker.delete_group_members([{"groupid": groups[0], "userid": moves}])
        maker.add_group_members([{"groupid": groups[1], "userid": moves}])
        renamed = [{"id": course.people[4], "lastname": "Renamed"}]
        maker.call("core_user_update_users", users=renamed)
        maker.call("core_user_delete_users", userids=[dies])
        throwaway.users.remove(dies)
        hidden, deleted = course.tracked[-1], course.tracked[-2]
        maker.call("core_course_edit_module", action="hide", id=hidden)
        maker.call("core_course_delete_modules", cmids=[deleted])
    gone = change.drift.pop(Drift.RESET, 0)
    assert gone in (0, len([key for key in world.mirror(course.id).completions if key[0] == deleted]))
    assert change.drift == {
        Drift.CHANGED_GROUP: 1,
        Drift.CHANGED_ACCOUNT: 2,
        Drift.LOST_ENROLMENT: 1,
        Drift.CHANGED_ACTIVITY: 1,
        Drift.DELETED_ACTIVITY: 1,
    }
    assert change.earned == {}, "a deleted activity keeps its minutes"
    with Session(world.engine) as session:
        account = session.scalars(select(Account).where(Account.moodle_user_id == dies)).one()
        assert not account.present
        given_name = rf"{re.escape(throwaway.name)}-\d+"
        assert re.fullmatch(given_name, account.username), "not what Moodle makes of a deleted one"


def test_a_course_of_the_site_as_it_is(world: World, template_course: int, role: str, moodle: MoodleClient) -> None:
    """Only read: the template itself, with whatever its people did in it."""
    found = moodle.courses("id", template_course).data[0]
    world.connect(role, f"course_shortname: '{re.escape(found.shortname)}'")
    world.first_sweep(template_course, "the template itself, as it is")
    assert world.sweep(template_course) == {}
