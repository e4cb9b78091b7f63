"""What a sweep reads of the sandbox has the recorded shapes, and shrinks as Moodle's answers do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import webservice
from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.term import Term

FIXTURES = Path(__file__).parents[1] / "fixtures" / "moodle" / "ws"
BAY = "COP-EBWIESL-BAY"
NOW = 1_795_300_049.5

ENROLLED = "core_enrol_get_enrolled_users"
STATUSES = "core_completion_get_activities_completion_status"
COURSES = "core_course_get_courses_by_field"
BY_FIELD = "core_user_get_users_by_field"
USERS = "core_user_get_users"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh sandbox site at a fixed moment."""
    with Site(tmp_path / "site.db", clock=lambda: NOW) as fresh:
        yield fresh


class Caller:
    """Calls the site's web services with one token."""

    def __init__(self, client: FlaskClient, token: str) -> None:
        self.client = client
        self.token = token

    def __call__(self, function: str, **params: Any) -> Any:
        form = {"wstoken": self.token, "wsfunction": function, "moodlewsrestformat": "json"}
        for name, value in params.items():
            form |= _encoded(name, value)
        response = self.client.post("/webservice/rest/server.php", data=form)
        assert response.status_code == 200
        return json.loads(response.data)


def _encoded(name: str, value: Any) -> dict[str, str]:
    if isinstance(value, dict):
        return {k: v for key, part in value.items() for k, v in _encoded(f"{name}[{key}]", part).items()}
    if isinstance(value, list):
        return _encoded(name, dict(enumerate(value)))
    return {name: str(value)}


def options(**named: Any) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in named.items()]


@pytest.fixture
def client(site: Site) -> Iterator[FlaskClient]:
    term = Term(site)
    app = create_app(site, term, "for tests")
    app.testing = True
    with app.test_client() as made:
        yield made
    term.close()


@pytest.fixture
def ask(client: FlaskClient, site: Site) -> Caller:
    """The service account's calls."""
    return Caller(client, site.token)


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))["response"]


def shapes(value: Any) -> dict[str, str]:
    """Keys in their order, with their types."""
    return {key: type(item).__name__ for key, item in value.items()}


def test_all_courses_and_some(ask: Caller) -> None:
    everything = ask(COURSES)
    assert [course["idnumber"] for course in everything["courses"]] == [BAY, "COP-EBWIESL-LA"]
    assert shapes(everything["courses"][0]) == shapes(recorded(COURSES)["courses"][0])
    assert [c["id"] for c in ask(COURSES, field="ids", value="3,2,99")["courses"]] == [2, 3]
    assert everything["courses"][0]["customfields"] == []


def test_custom_fields_of_a_course(ask: Caller, site: Site) -> None:
    site.silent.set_field(site.course(BAY), "cop_topic", "Writing")
    field = ask(COURSES, field="idnumber", value=BAY)["courses"][0]["customfields"][0]
    theirs = recorded(COURSES)["courses"][0]["customfields"][0]
    assert shapes(field) == shapes(theirs)
    assert (field["shortname"], field["value"]) == ("cop_topic", "Writing")
    reading = next(r for r in site.full_batches()[0]["readings"] if r["kind"] == "course")
    assert reading["fields"] == {"cop_topic": "Writing"}
    site.silent.set_field(site.course(BAY), "cop_topic", "")
    assert site.world().courses[0]["fields"] == {}


def test_categories(ask: Caller, site: Site) -> None:
    theirs = recorded("core_course_get_categories")
    answer = ask("core_course_get_categories")
    assert shapes(answer[0]) == shapes(theirs[1])
    assert [row["idnumber"] for row in answer] == ["COP-BAY", "COP-LA"]
    with site.store.write() as db:
        db.execute("UPDATE course_categories SET idnumber = '' WHERE id = 2")
    assert shapes(ask("core_course_get_categories")[0]) == shapes(theirs[0])
    criteria = [{"key": "idnumber", "value": "COP-LA"}]
    assert [row["id"] for row in ask("core_course_get_categories", criteria=criteria)] == [3]


def test_who_does_not_manage_categories_sees_no_idnumber(ask: Caller, site: Site) -> None:
    site.lacks("moodle/category:manage")
    names = ["id", "name", "description", "descriptionformat", "parent", "sortorder", "coursecount", "depth", "path"]
    assert [list(row) for row in ask("core_course_get_categories")] == [names, names]


def test_groups_and_groupings(ask: Caller, site: Site) -> None:
    course = site.course(BAY)
    groups = ask("core_group_get_course_groups", courseid=course)
    theirs = recorded("core_group_get_course_groups")[0]
    assert list(groups[0]) == list(theirs)
    assert {k: type(v) for k, v in groups[0].items()} == {k: type(v) for k, v in theirs.items()}
    groupings = ask("core_group_get_course_groupings", courseid=course)
    assert [row["idnumber"] for row in groupings] == ["WORKING"]
    ids = [row["id"] for row in groupings]
    full = ask("core_group_get_groupings", groupingids=ids, returngroups=1)
    assert [group["id"] for group in full[0]["groups"]] == [group["id"] for group in groups]
    assert "groups" not in ask("core_group_get_groupings", groupingids=ids)[0]
    assert ask("core_group_get_groupings", groupingids=[99])["errorcode"] == "invalidrecordunknown"


def test_users_by_field(ask: Caller, site: Site) -> None:
    user = site.user("e0001")
    theirs = recorded(BY_FIELD)[0]
    answer = ask(BY_FIELD, field="id", values=[user, site.user("e0002"), 999])
    assert [row["id"] for row in answer] == [user, user + 1]
    assert shapes(answer[0]) == shapes(theirs)
    assert shapes(answer[0]["customfields"][0]) == shapes(theirs["customfields"][0])
    assert ask(BY_FIELD, field="email", values=["e0001@example.org"])[0]["id"] == user
    assert ask(BY_FIELD, field="email", values=["E0001@example.org"]) == recorded(f"{BY_FIELD}.email") == []
    assert ask(BY_FIELD, field="idnumber", values=["E0001"])[0]["id"] == user
    assert ask(BY_FIELD, field="lastname", values=["Okafor"])["errorcode"] == "invalidparameter"
    site.silent.change_account(user, suspended=1)
    assert ask(BY_FIELD, field="username", values=["e0001"])[0]["suspended"] is True
    assert "idnumber" not in ask(BY_FIELD, field="username", values=["admin"])[0]


def test_an_unknown_criterion_finds_everyone(ask: Caller, site: Site) -> None:
    found = ask(USERS, criteria=[{"key": "email", "value": "E0001@example.org"}])
    assert ([row["username"] for row in found["users"]], found["warnings"]) == (["e0001"], [])
    assert len(ask(USERS, criteria=[{"key": "username", "value": "e00%"}])["users"]) == 24
    theirs = recorded(f"{USERS}.err_key")
    answer = ask(USERS, criteria=[{"key": "bogus", "value": "x"}])
    assert answer["warnings"] == theirs["warnings"]
    assert len(answer["users"]) == len(site.world().accounts)


def test_php_loses_what_comes_after_a_thousand_fields(ask: Caller, site: Site) -> None:
    ids = [*range(5_000, 6_000), site.user("e0001")]
    assert ask(BY_FIELD, field="id", values=ids) == []
    assert len(ask(BY_FIELD, field="id", values=ids[10:])) == 1


def test_one_row_for_two_enrolments_and_active_by_either(ask: Caller, site: Site) -> None:
    user, course = site.user("e0001"), site.course(BAY)
    site.act.enrol(user, course, "self", timestart=0)
    site.act.suspend(user, course, "manual")

    def ids(**named: Any) -> list[int]:
        return [row["id"] for row in ask(ENROLLED, courseid=course, options=options(**named))]

    assert ids().count(user) == 1
    assert user in ids(onlyactive=1)
    assert user not in ids(onlysuspended=1)
    site.silent.expire(user, course, timeend=int(NOW) - 500)
    assert user not in ids(onlyactive=1)
    assert user in ids(onlysuspended=1)
    assert sorted(ids(onlyactive=1) + ids(onlysuspended=1)) == ids()


@pytest.mark.parametrize(("end", "active"), [(1_795_300_001, True), (1_795_300_000, False), (0, True)])
def test_active_goes_by_a_clock_of_hundred_seconds(end: int, active: bool, ask: Caller, site: Site) -> None:
    user, course = site.user("e0001"), site.course(BAY)
    site.silent.expire(user, course, timeend=end)
    found = [row["id"] for row in ask(ENROLLED, courseid=course, options=options(onlyactive=1))]
    assert (user in found) == active
    row = next(r for r in site.world().enrolments if (r["course"], r["user"]) == (course, user))
    assert bool(row["active"]) == active


def test_enrolled_users_sorted_and_in_a_group(ask: Caller, site: Site) -> None:
    course = site.course(BAY)
    named = ask(ENROLLED, courseid=course, options=options(sortby="lastname", sortdirection="DESC"))
    names = [row["lastname"] for row in named]
    assert names == sorted(names, reverse=True)
    group = ask("core_group_get_course_groups", courseid=course)[0]["id"]
    for row in ask(ENROLLED, courseid=course, options=options(groupid=group)):
        assert [g["id"] for g in row["groups"]] == [group]
    assert ask(ENROLLED, courseid=course, options=options(sortby="email"))["errorcode"] == "invalidparameter"


def test_last_access_is_the_course_s_own(ask: Caller, site: Site) -> None:
    user, course = site.user("e0005"), site.course(BAY)
    site.act.view(user, site.module(BAY, "ACT-01"))
    for place, when in ((course, int(NOW)), (site.course("COP-EBWIESL-LA"), 0)):
        row = next(r for r in ask(ENROLLED, courseid=place) if r["id"] == user)
        assert (row["lastaccess"], row["lastcourseaccess"]) == (int(NOW), when)


def test_hidden_modules_and_their_completions_shrink_silently(ask: Caller, site: Site) -> None:
    module, course, user = site.module(BAY, "ACT-08"), site.course(BAY), site.user("e0001")
    site.act.tick(user, module)
    site.silent.change_module(module, visible=0)

    def seen() -> tuple[bool, bool]:
        modules = [m["id"] for s in ask("core_course_get_contents", courseid=course) for m in s["modules"]]
        states = [s["cmid"] for s in ask(STATUSES, courseid=course, userid=user)["statuses"]]
        return module in modules, module in states

    assert seen() == (True, True)
    site.lacks("moodle/course:viewhiddenactivities")
    assert seen() == (False, False)
    site.lacks()
    assert seen() == (True, True)


def test_people_shrink_silently(client: FlaskClient, ask: Caller, site: Site) -> None:
    course = site.course(BAY)
    limited = Caller(client, site.limited_token("moodle/user:viewdetails"))
    assert len(ask(ENROLLED, courseid=course)) == 13
    assert [row["roles"][0]["shortname"] for row in limited(ENROLLED, courseid=course)] == ["editingteacher"]
    assert limited(BY_FIELD, field="id", values=[11]) == recorded(f"{BY_FIELD}.plain_filtered")
    assert limited(USERS, criteria=[{"key": "username", "value": "e%"}]) == {"users": [], "warnings": []}
    limited = Caller(client, site.limited_token("moodle/user:viewalldetails"))
    gone = {"username", "idnumber", "department"}
    for full, less in zip(ask(ENROLLED, courseid=course), limited(ENROLLED, courseid=course), strict=True):
        assert set(full) - set(less) == gone
    assert limited(BY_FIELD, field="idnumber", values=["E0001"]) == []
    assert "idnumber" not in limited(BY_FIELD, field="id", values=[11])[0]


def test_a_module_without_manageactivities_has_no_idnumber(ask: Caller, site: Site) -> None:
    """As recorded with a service account that had moodle/course:view alone: few fields, no error."""
    site.lacks("moodle/course:manageactivities")
    answer = ask("core_course_get_course_module", cmid=site.module(BAY, "ACT-06"))["cm"]
    assert list(answer) == [
        *("id", "course", "module", "name", "modname", "instance", "section", "sectionnum"),
        *("groupmode", "groupingid", "completion", "downloadcontent"),
    ]


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "moodle/course:viewparticipants": (ENROLLED, {"courseid": 2}, "View participants"),
    "moodle/course:enrolreview": (
        ENROLLED,
        {"courseid": 2, "options": options(onlyactive=1)},
        "Review course enrolments",
    ),
    "report/progress:view": (STATUSES, {"courseid": 2, "userid": 11}, "View activity completion reports"),
    "moodle/course:managegroups": ("core_group_get_course_groups", {"courseid": 2}, "Manage groups"),
}


@pytest.mark.parametrize("capability", REFUSED)
def test_what_is_refused(capability: str, ask: Caller, site: Site) -> None:
    function, params, title = REFUSED[capability]
    site.lacks(capability)
    assert ask(function, **params) == {
        "exception": "core\\exception\\required_capability_exception",
        "errorcode": "nopermissions",
        "message": f"Sorry, but you do not currently have permissions to do that ({title}).",
    }


def test_who_cannot_enter_courses(ask: Caller, site: Site) -> None:
    site.lacks("moodle/course:view")
    assert ask(ENROLLED, courseid=2) == recorded(f"{ENROLLED}.err_plain")
    assert ask(STATUSES, courseid=2, userid=11)["errorcode"] == "requireloginerror"
    public = ask(COURSES)["courses"][0]
    assert list(public) == [key for key in recorded(COURSES)["courses"][0] if key in public]
    assert "idnumber" not in public
    assert "fullname" in public


def test_hidden_courses(ask: Caller, site: Site) -> None:
    site.silent.change_course(site.course(BAY), visible=0)
    assert len(ask(COURSES)["courses"]) == 2
    site.lacks("moodle/course:viewhiddencourses")
    assert [course["id"] for course in ask(COURSES)["courses"]] == [3]


def test_grades_in_bulk_complete_without_saying_so(ask: Caller, site: Site) -> None:
    module, user = site.module(BAY, "ACT-10"), site.user("e0001")
    grades = [{"studentid": user, "grade": 77, "str_feedback": "ok"}]
    params = {"source": "lab", "courseid": 2, "component": "mod_assign", "activityid": module, "itemnumber": 0}
    assert ask("core_grades_update_grades", **params, grades=grades) == recorded("core_grades_update_grades")
    row = next(s for s in ask(STATUSES, courseid=2, userid=user)["statuses"] if s["cmid"] == module)
    assert (row["state"], row["timecompleted"]) == (1, int(NOW))
    # Moodle tells the grades alone, and of them the plugin hands over nothing.
    assert site.rows("SELECT data FROM outbox") == []
    params["component"] = "mod_quiz"
    assert ask("core_grades_update_grades", **params, grades=grades)["errorcode"] == "invalidparameter"
    site.lacks("moodle/grade:viewall")
    assert ask("core_grades_update_grades", **params, grades=grades)["errorcode"] == "nopermissiontoviewgrades"


def test_states_and_times_are_the_rows_own(ask: Caller, site: Site) -> None:
    user, module = site.user("e0001"), site.module(BAY, "ACT-08")
    site.act.tick(user, module)
    site.act.untick(user, module)
    told = {s["cmid"]: (s["state"], s["timecompleted"]) for s in ask(STATUSES, courseid=2, userid=user)["statuses"]}
    assert told.pop(module) == (0, int(NOW))
    assert set(told.values()) == {(0, 0)}
    tracked = [row["module"] for row in site.world().modules if row["course"] == 2 and row["tracking"]]
    assert sorted([*told, module]) == tracked


def test_the_courses_of_a_user_are_those_with_an_active_enrolment(site: Site, ask: Caller) -> None:
    user, bay = site.user("e0001"), site.course(BAY)
    recorded = json.loads((FIXTURES / "core_enrol_get_users_courses.json").read_text())["response"][0]
    found = ask("core_enrol_get_users_courses", userid=user)
    assert [set(course) for course in found] == [set(recorded)]
    assert (found[0]["id"], found[0]["idnumber"]) == (bay, BAY)
    bare = ask("core_enrol_get_users_courses", userid=user, returnusercount=0)
    assert set(recorded) - set(bare[0]) == {"enrolledusercount"}
    site.unseen.suspend(user, bay)
    assert ask("core_enrol_get_users_courses", userid=user) == []


def test_a_profile_tells_the_part_in_one_course(site: Site, ask: Caller) -> None:
    user, bay = site.user("e0001"), site.course(BAY)
    recorded = json.loads((FIXTURES / "core_user_get_course_user_profiles.json").read_text())["response"][0]
    found = ask("core_user_get_course_user_profiles", userlist=[{"userid": user, "courseid": bay}])
    assert {key for key in recorded if recorded[key]} - set(found[0]) <= {"city", "groups"}
    assert [role["shortname"] for role in found[0]["roles"]] == ["student"]
    site.unseen.leave(user, bay)
    found = ask("core_user_get_course_user_profiles", userlist=[{"userid": user, "courseid": bay}])
    assert found[0].get("roles", []) == []


def test_the_functions_that_it_names_are_those_that_it_serves(ask: Caller) -> None:
    named = {function["name"] for function in ask("core_webservice_get_site_info")["functions"]}
    assert named == set(webservice.FUNCTIONS)
