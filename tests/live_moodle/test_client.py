"""Every typed method of the client, once, with its effect in Moodle. A method's test bears its name."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from moodle_client import MoodleClient, MoodleError, Reason
from moodle_client.reads import Reads
from moodle_client.writes import Writes
from tests.live_moodle.given import Given
from tests.live_moodle.throwaway import NOBODY, PEOPLE, Throwaway
from tests.live_moodle.world import LiveCourse

ATTENDANCE = "sessions of mod_attendance"


@pytest.fixture(scope="module")
def here(shared_course: LiveCourse) -> LiveCourse:
    """The course that is tried with."""
    return shared_course


def listed(moodle: MoodleClient, course: int, **options: Any) -> set[int]:
    """The ids of participants."""
    return {user.id for page in moodle.enrolled_users(course, **options) for user in page.data}


def test_every_method_has_a_test() -> None:
    methods = {name for part in (Reads, Writes) for name in vars(part) if not name.startswith("_")}
    assert {f"test_{name}" for name in methods} <= globals().keys()


def test_site_info(moodle: MoodleClient, given: Given) -> None:
    info = moodle.site_info().data
    assert info.siteurl.rstrip("/") == given.url
    assert info.has("core_completion_get_activities_completion_status")


def test_courses(moodle: MoodleClient, here: LiveCourse) -> None:
    (found,) = moodle.courses("idnumber", here.name).data
    assert (found.id, found.shortname, found.fullname) == (here.id, here.name, f"Live & {here.name}")
    assert found.missing_fields <= {"customfields"}, "of a site that has none it sends none"
    assert here.id in {course.id for course in moodle.courses().data}
    assert moodle.courses("idnumber", "nothing has this").data == ()


def test_categories(moodle: MoodleClient, throwaway: Throwaway) -> None:
    found = {category.id: category for category in moodle.categories().data}
    assert found[throwaway.category].idnumber == throwaway.name


def test_contents(moodle: MoodleClient, here: LiveCourse) -> None:
    found = {module.id: module.modname for section in moodle.contents(here.id).data for module in section.modules}
    assert found == here.kinds


def test_course_module(moodle: MoodleClient, here: LiveCourse) -> None:
    told = moodle.course_module(here.tracked[0]).data
    assert (told.course, told.completion) == (here.id, 1 if here.manual else 2)
    assert "idnumber" in told.model_fields_set


def test_enrolled_users(moodle: MoodleClient, here: LiveCourse) -> None:
    pages = list(moodle.enrolled_users(here.id, page=5))
    users = [user for page in pages for user in page.data]
    assert len(pages) > 1
    assert [user.id for user in users] == sorted(here.people)
    assert {user.missing_fields & {"username", "email", "firstname", "lastname"} for user in users} == {frozenset()}
    assert {len(user.roles) for user in users} == {1}
    assert listed(moodle, here.id, only_active=True, fields=("id",)) == set(here.people)


def test_shrinks(moodle: MoodleClient, here: LiveCourse) -> None:
    assert moodle.shrinks(here.id, len(here.people)).data == ()


def test_activity_completions(moodle: MoodleClient, here: LiveCourse) -> None:
    rows = moodle.activity_completions(here.id, here.people[0]).data
    assert {row.cmid for row in rows} == set(here.tracked)
    assert {(row.exists, row.completed_at) for row in rows} == {(False, None)}


def test_user_courses(moodle: MoodleClient, here: LiveCourse) -> None:
    assert here.id in {course.id for course in moodle.user_courses(here.people[0]).data}


def test_course_profiles(moodle: MoodleClient, here: LiveCourse) -> None:
    found = moodle.course_profiles([(user, here.id) for user in here.people[:3]]).data
    assert {user.id for user in found} == set(here.people[:3])
    assert all(user.roles for user in found)


def test_users_by_field(moodle: MoodleClient, throwaway: Throwaway) -> None:
    (found,) = moodle.users_by_field("username", [f"{throwaway.name}-01", "nobody-is-called-so"]).data
    assert (found.id, found.idnumber, found.lastname) == (throwaway.users[0], f"{throwaway.name}-01", "Person & 01")


def test_find_users(moodle: MoodleClient, throwaway: Throwaway) -> None:
    (found,) = moodle.find_users({"email": f"{throwaway.name.upper()}-02@example.org"}).data
    assert found.id == throwaway.users[1]
    assert moodle.find_users({"email": f"{throwaway.name}-0_@example.org"}).data == (), "no wildcards"


def test_attendance_sessions(maker: MoodleClient, here: LiveCourse, given: Given) -> None:
    def do(what: str, **arguments: Any) -> Any:
        told = given.run_php(ATTENDANCE, "attendance.php", do=what, **arguments)
        return json.loads(told.splitlines()[-1])

    if not do("installed")["installed"]:
        given.skip(ATTENDANCE, "mod_attendance is not installed on the site")
    made = do("make", course=here.id)
    assert maker.attendance_sessions(made["instance"]).data == ()
    start = 1_790_000_040
    at = {"course": here.id, "cm": made["cm"], "start": start, "duration": 5400}
    session = do("session", description="One & only", **at)["sessionid"]
    (found,) = maker.attendance_sessions(made["instance"]).data
    assert (found.id, found.attendanceid, found.courseid) == (session, made["instance"], here.id)
    assert (found.sessdate, found.duration, found.attendance_log) == (start, 5400, ())
    assert {status.acronym for status in found.statuses} == set("PLEA")


def test_create_categories(maker: MoodleClient, moodle: MoodleClient, throwaway: Throwaway) -> None:
    (made,) = maker.create_categories([{"name": "A & B", "parent": throwaway.category}]).data
    found = {category.id: category for category in moodle.categories().data}[made.id]
    assert (found.name, found.parent) == ("A & B", throwaway.category)


def test_create_courses(maker: MoodleClient, moodle: MoodleClient, throwaway: Throwaway) -> None:
    name = throwaway.next_name()
    row = {"fullname": "Made & empty", "shortname": name, "categoryid": throwaway.category, "lang": ""}
    (made,) = maker.create_courses([row]).data
    (found,) = moodle.courses("id", made.id).data
    assert (found.shortname, found.fullname, found.categoryid) == (name, "Made & empty", throwaway.category)
    assert refused(lambda: maker.create_courses([row])) is Reason.CONFLICT


def test_duplicate_course(moodle: MoodleClient, here: LiveCourse, template_course: int) -> None:
    """`here` is such a copy: its idnumber was given to it afterwards."""

    def forms(course: int) -> list[tuple[str, str]]:
        return [(m.modname, m.name) for section in moodle.contents(course).data for m in section.modules]

    assert sorted(forms(here.id)) == sorted(forms(template_course))


def test_create_users(maker: MoodleClient, moodle: MoodleClient, throwaway: Throwaway) -> None:
    made = throwaway.people(1)
    throwaway.users += made
    assert [user.id for user in moodle.users_by_field("id", made).data] == made
    throwaway.users.remove(made[0])
    maker.call("core_user_delete_users", userids=made)
    assert moodle.find_users({"id": made[0]}).data == ()
    (mangled,) = moodle.users_by_field("id", made).data
    assert mangled.email != f"{throwaway.name}-{PEOPLE + 1}@example.org", "Moodle goes on to tell of a deleted account"


def test_enrol_users(maker: MoodleClient, moodle: MoodleClient, here: LiveCourse, given: Given) -> None:
    row = {"roleid": given.student_role, "userid": here.people[1], "courseid": here.id}
    maker.enrol_users([row | {"suspend": 1}])
    assert listed(moodle, here.id, only_suspended=True) == {here.people[1]}
    maker.enrol_users([row | {"suspend": 0}])
    assert listed(moodle, here.id, only_suspended=True) == set()


def test_unenrol_users(maker: MoodleClient, moodle: MoodleClient, here: LiveCourse) -> None:
    leaves = here.people.pop()
    for _ in range(2):
        maker.unenrol_users([{"userid": leaves, "courseid": here.id}])
    assert listed(moodle, here.id) == set(here.people)


@pytest.fixture(scope="module")
def groups(maker: MoodleClient, here: LiveCourse) -> list[int]:
    """Two new groups."""
    rows = [{"courseid": here.id, "name": f"Client & {name}", "idnumber": f"{here.name}-c{name}"} for name in "AB"]
    return [group.id for group in maker.create_groups(rows).data]


def test_create_groups(maker: MoodleClient, here: LiveCourse, groups: list[int]) -> None:
    assert len(groups) == 2
    again = [{"courseid": here.id, "name": "Client & A"}]
    assert refused(lambda: maker.create_groups(again)) is Reason.INVALID_PARAMETER


def test_groups(moodle: MoodleClient, here: LiveCourse, groups: list[int]) -> None:
    found = {group.id: (group.name, group.idnumber) for group in moodle.groups(here.id).data}
    assert found[groups[0]] == ("Client & A", f"{here.name}-cA")


def test_groupings(maker: MoodleClient, moodle: MoodleClient, here: LiveCourse, groups: list[int]) -> None:
    row = {"courseid": here.id, "name": "Both & all", "description": "", "idnumber": f"{here.name}-g"}
    made = maker.call("core_group_create_groupings", groupings=[row]).data[0]["id"]
    maker.call("core_group_assign_grouping", assignments=[{"groupingid": made, "groupid": group} for group in groups])
    found = {grouping.id: grouping for grouping in moodle.groupings(here.id).data}[made]
    assert (found.name, set(found.groups)) == ("Both & all", set(groups))


def test_add_group_members(maker: MoodleClient, moodle: MoodleClient, here: LiveCourse, groups: list[int]) -> None:
    for _ in range(2):
        maker.add_group_members([{"groupid": groups[0], "userid": here.people[0]}])
    assert groups[0] in groups_of(moodle, here, here.people[0])


def test_delete_group_members(maker: MoodleClient, moodle: MoodleClient, here: LiveCourse, groups: list[int]) -> None:
    for _ in range(2):
        maker.delete_group_members([{"groupid": groups[0], "userid": here.people[0]}])
    assert groups[0] not in groups_of(moodle, here, here.people[0])


def groups_of(moodle: MoodleClient, course: LiveCourse, user: int) -> set[int]:
    """The groups that a participant is in."""
    (found,) = moodle.course_profiles([(user, course.id)]).data
    return {group.id for group in found.groups}


def test_override_completion(maker: MoodleClient, moodle: MoodleClient, here: LiveCourse) -> None:
    user, cm = here.people[2], here.tracked[0]
    for state in (1, 1, 0):
        told = maker.override_completion(user, cm, state).data
        (row,) = [row for row in moodle.activity_completions(here.id, user).data if row.cmid == cm]
        assert (row.state, row.timemodified, row.overrideby) == (state, told.timemodified, told.overrideby)
    assert row.changed_at is not None
    assert row.completed_at is None, "its time is that of the change"


def test_send_instant_messages(maker: MoodleClient, here: LiveCourse) -> None:
    rows = [{"touserid": here.people[0], "text": "Hello<br>there", "textformat": 1, "clientmsgid": "m-1"}]
    (told,) = maker.send_instant_messages(rows).data
    assert (told.sent, told.clientmsgid, told.errormessage) == (True, "m-1", "")
    (told,) = maker.send_instant_messages([{"touserid": NOBODY, "text": "Hello"}]).data
    assert (told.sent, told.msgid) == (False, -1)


def test_update_grades(maker: MoodleClient, moodle: MoodleClient, here: LiveCourse, given: Given) -> None:
    if not here.graded:
        given.skip("update_grades", "the template has no assignment or quiz that a grade completes")
    (cm, kind), user = here.graded[0], here.people[3]
    maker.update_grades(here.id, f"mod_{kind}", cm, [{"studentid": user, "grade": 100}])
    (row,) = [row for row in moodle.activity_completions(here.id, user).data if row.cmid == cm]
    assert row.state in (1, 2)
    assert row.completed_at is not None


def refused(what: Callable[[], object]) -> Reason:
    """The reason of the error that has to come."""
    with pytest.raises(MoodleError) as caught:
        what()
    return caught.value.reason


def test_errors_have_their_reasons(moodle: MoodleClient, given: Given) -> None:
    nothing = 2**31 - 1
    assert refused(lambda: moodle.contents(nothing)) is Reason.NOT_FOUND
    assert refused(lambda: moodle.call("core_no_such_function", reads=True)) is Reason.NOT_FOUND
    with MoodleClient(given.url, "0" * 32) as stranger:
        assert refused(stranger.site_info) is Reason.INVALID_TOKEN
