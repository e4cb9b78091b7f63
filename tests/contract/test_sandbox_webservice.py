"""The sandbox's web-service answers have the recorded shapes: the same keys and types."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.term import Term

FIXTURES = Path(__file__).parents[1] / "fixtures" / "moodle" / "ws"
BAY = "COP-EBWIESL-BAY"
ADDRESS = "/webservice/rest/server.php"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh sandbox site that sends nothing."""
    with Site(tmp_path / "site.db") as fresh:
        yield fresh


@pytest.fixture
def client(site: Site) -> Iterator[FlaskClient]:
    """A browserless client of the sandbox's web application."""
    term = Term(site)
    app = create_app(site, term, "for tests")
    app.testing = True
    with app.test_client() as made:
        yield made
    term.close()


def recorded(name: str) -> Any:
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))["response"]


def call(client: FlaskClient, token: str, function: str, **params: str) -> Any:
    form = {"wstoken": token, "wsfunction": function, "moodlewsrestformat": "json"} | params
    response = client.post(ADDRESS, data=form)
    assert response.status_code == 200
    assert response.content_type == "application/json"
    return json.loads(response.data)


def shapes(value: Any, path: str = "") -> dict[str, set[str]]:
    """Every path in the answer with the types found there; a list's items share one path."""
    found: dict[str, set[str]] = {path: {type(value).__name__}}
    items: list[tuple[str, Any]] = []
    if isinstance(value, dict):
        items = [(f"{path}.{key}", item) for key, item in value.items()]
    elif isinstance(value, list):
        items = [(f"{path}[]", item) for item in value]
    for place, item in items:
        for deeper, types in shapes(item, place).items():
            found.setdefault(deeper, set()).update(types)
    return found


def assert_shaped(ours: Any, theirs: Any) -> None:
    """Nothing that was never recorded: no other key, no other type."""
    known = shapes(theirs)
    for path, types in shapes(ours).items():
        assert path in known, path
        assert types <= known[path], (path, types, known[path])


def keys(value: dict[str, Any]) -> set[str]:
    return set(value)


def test_site_info(client: FlaskClient, site: Site) -> None:
    answer = call(client, site.token, "core_webservice_get_site_info")
    theirs = recorded("core_webservice_get_site_info")
    assert_shaped(answer, theirs)
    assert keys(answer) == keys(theirs)
    assert answer["siteurl"] == site.wwwroot


def test_courses_by_field(client: FlaskClient, site: Site) -> None:
    function = "core_course_get_courses_by_field"
    answer = call(client, site.token, function, field="idnumber", value=BAY)
    theirs = recorded(function)
    assert_shaped(answer, theirs)
    assert keys(answer["courses"][0]) == keys(theirs["courses"][0])
    nothing = call(client, site.token, function, field="idnumber", value="NOPE")
    assert nothing == recorded(f"{function}.notfound")


def test_contents(client: FlaskClient, site: Site) -> None:
    function = "core_course_get_contents"
    answer = call(client, site.token, function, courseid=str(site.course(BAY)))
    theirs = recorded(function)
    assert_shaped(answer, theirs)
    assert keys(answer[1]) == keys(theirs[1])
    by_kind = {m["modname"]: m for s in theirs for m in s["modules"] if m["completion"]}
    for module in (m for s in answer for m in s["modules"] if m["completion"]):
        assert keys(module) == keys(by_kind[module["modname"]]), module["modname"]
    assert "idnumber" not in answer[1]["modules"][0]


def test_contents_as_a_participant(client: FlaskClient, site: Site) -> None:
    user = site.user("e0001")
    site.act.complete(user, site.module(BAY, "ACT-01"))
    token, course = site.token_of(user), str(site.course(BAY))
    answer = call(client, token, "core_course_get_contents", courseid=course)
    own = answer[1]["modules"][0]["completiondata"]
    theirs = recorded("core_course_get_contents.as_student")[1]["modules"][0]["completiondata"]
    assert {k: v for k, v in own.items() if k not in ("timecompleted", "valueused")} == {
        k: v for k, v in theirs.items() if k not in ("timecompleted", "valueused")
    }


def test_course_module(client: FlaskClient, site: Site) -> None:
    function = "core_course_get_course_module"
    answer = call(client, site.token, function, cmid=str(site.module(BAY, "ACT-06")))
    theirs = recorded(function)
    assert_shaped(answer, theirs)
    assert keys(answer["cm"]) == keys(theirs["cm"])
    assert answer["cm"]["idnumber"] == "ACT-06"


def test_enrolled_users(client: FlaskClient, site: Site) -> None:
    function = "core_enrol_get_enrolled_users"
    course = str(site.course(BAY))
    answer = call(client, site.token, function, courseid=course)
    theirs = recorded(function)
    assert_shaped(answer, theirs)
    optional = {"groups", "enrolledcourses"}
    assert {frozenset(keys(u) - optional) for u in answer} == {frozenset(keys(u) - optional) for u in theirs}
    options = {
        "options[0][name]": "userfields",
        "options[0][value]": "id,email,idnumber,lastcourseaccess,roles,customfields",
    }
    few = call(client, site.token, function, courseid=course, **options)
    assert keys(few[0]) == keys(recorded(f"{function}.userfields")[0])


def test_enrolled_users_in_pages_and_by_status(client: FlaskClient, site: Site) -> None:
    function, course = "core_enrol_get_enrolled_users", site.course(BAY)
    site.act.suspend(site.user("e0003"), course)

    def ids(**options: int) -> list[int]:
        params = {"courseid": str(course)}
        for place, (name, value) in enumerate(options.items()):
            params |= {f"options[{place}][name]": name, f"options[{place}][value]": str(value)}
        return [user["id"] for user in call(client, site.token, function, **params)]

    everyone = ids()
    assert ids(limitfrom=5, limitnumber=5) == everyone[5:10]
    assert ids(onlysuspended=1) == [site.user("e0003")]
    assert set(ids(onlyactive=1)) == set(everyone) - {site.user("e0003")}
    assert ids(bogus=1) == everyone


def test_activities_completion_status(client: FlaskClient, site: Site) -> None:
    function, user = "core_completion_get_activities_completion_status", site.user("e0001")
    for number in range(1, 13):
        site.act.complete(user, site.module(BAY, f"ACT-{number:02}"))
    params = {"courseid": str(site.course(BAY)), "userid": str(user)}
    answer = call(client, site.token, function, **params)
    theirs = recorded(function)
    assert_shaped(answer, theirs)
    assert {frozenset(s) for s in answer["statuses"]} == {frozenset(s) for s in theirs["statuses"]}
    same = ("state", "details", "isoverallcomplete", "tracking", "isautomatic", "overrideby")
    quiz = _status(answer, "quiz")
    assert {k: quiz[k] for k in same} == {k: _status(theirs, "quiz")[k] for k in same}


def test_a_failed_quiz_and_an_override_are_told_as_recorded(client: FlaskClient, site: Site) -> None:
    function, user = "core_completion_get_activities_completion_status", site.user("e0001")
    site.act.attempt_quiz(user, site.module(BAY, "ACT-06"), passes=False)
    page = site.module(BAY, "ACT-01")
    site.act.complete(user, page)
    site.act.override(user, page, complete=False)
    params = {"courseid": str(site.course(BAY)), "userid": str(user)}
    answer = call(client, site.token, function, **params)
    same = ("state", "details", "isoverallcomplete", "tracking", "isautomatic")
    failed = recorded(f"{function}.state3_failed_quiz")
    overridden = recorded(f"{function}.p004_overridden")
    ours, theirs = _status(answer, "quiz"), _status(failed, "quiz")
    assert {k: ours[k] for k in same} == {k: theirs[k] for k in same}
    ours, theirs = _status(answer, "page"), _status(overridden, "page")
    assert {k: ours[k] for k in same} == {k: theirs[k] for k in same}
    assert ours["timecompleted"] > 0
    assert type(ours["overrideby"]) is type(theirs["overrideby"])


def test_updating_by_hand(client: FlaskClient, site: Site) -> None:
    function, user = "core_completion_update_activity_completion_status_manually", "e0001"
    token = site.token_of(site.user(user))
    log, page = str(site.module(BAY, "ACT-08")), str(site.module(BAY, "ACT-01"))
    assert call(client, token, function, cmid=log, completed="1") == recorded(function)
    assert call(client, token, function, cmid="99999", completed="1") == recorded(f"{function}.err_cm")
    assert call(client, token, function, cmid=page, completed="1") == recorded(f"{function}.err_automatic")
    rows = site.rows("SELECT completionstate FROM course_modules_completion")
    assert [row["completionstate"] for row in rows] == [1]


ENROLLED = "core_enrol_get_enrolled_users"

ERRORS = {
    "errors/missing_param": (ENROLLED, {}),
    "errors/extra_unknown_param": (ENROLLED, {"courseid": "2", "bogus": "1"}),
    "errors/invalid_param_type": (ENROLLED, {"courseid": "abc"}),
    "errors/nonexistent_course": (ENROLLED, {"courseid": "99999"}),
    "errors/nonexistent_cm": ("core_course_get_course_module", {"cmid": "99999"}),
    "errors/unknown_function": ("core_nope", {}),
    "errors/function_not_in_service": ("core_user_create_users", {}),
    "core_completion_get_activities_completion_status.userid_0": (
        "core_completion_get_activities_completion_status",
        {"courseid": "2", "userid": "0"},
    ),
    "core_completion_get_activities_completion_status.err_nonexistent_course": (
        "core_completion_get_activities_completion_status",
        {"courseid": "9999", "userid": "11"},
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str, client: FlaskClient, site: Site) -> None:
    function, params = ERRORS[name]
    assert call(client, site.token, function, **params) == recorded(name)


def test_errors_of_the_protocol(client: FlaskClient, site: Site) -> None:
    info = {"wsfunction": "core_webservice_get_site_info", "moodlewsrestformat": "json"}
    bad = client.post(ADDRESS, data=info | {"wstoken": "nobody"})
    assert bad.json == recorded("errors/invalid_token")
    assert client.post(ADDRESS, data=info).json == recorded("errors/no_token")
    header = {"Authorization": f"Bearer {site.token}"}
    in_header = client.post(ADDRESS, data=info, headers=header)
    assert in_header.json == recorded("errors/token_in_authorization_header")
    nameless = client.post(ADDRESS, data={"wstoken": site.token, "moodlewsrestformat": "json"})
    assert nameless.json == recorded("errors/no_function")


def test_without_a_format_it_is_xml(client: FlaskClient, site: Site) -> None:
    response = client.post(ADDRESS, data={"wstoken": site.token, "wsfunction": "core_nope"})
    assert response.content_type.startswith("application/xml")
    assert response.text == recorded("errors/xml_error")
    info = {"wstoken": site.token, "wsfunction": "core_webservice_get_site_info"}
    theirs = recorded("errors/default_format_is_xml")
    head = theirs.partition("<VALUE>")[0]
    assert client.post(ADDRESS, data=info).text.startswith(head)


def _status(answer: dict[str, Any], modname: str) -> dict[str, Any]:
    found: dict[str, Any] = next(s for s in answer["statuses"] if s["modname"] == modname)
    return found


def test_attendance_sessions(client: FlaskClient, site: Site) -> None:
    function = "mod_attendance_get_sessions"
    module = site.silent.add_module(site.course(BAY), "attendance", "CoP meeting attendance")
    session = site.attendance.add_session(module, 1_795_294_585, description="Session 1")
    instance = str(call(client, site.token, "core_course_get_course_module", cmid=str(module))["cm"]["instance"])
    untaken = recorded(function)
    assert_shaped(call(client, site.token, function, attendanceid=instance), untaken)
    site.attendance.take(session, {site.user("e0001"): "P", site.user("e0002"): "A"})
    (answer,) = call(client, site.token, function, attendanceid=instance)
    theirs = recorded("mod_attendance_get_session.after_taken_form")
    assert_shaped(answer, theirs)
    assert keys(answer) == keys(theirs)
    assert [status["acronym"] for status in answer["statuses"]] == [s["acronym"] for s in theirs["statuses"]]
    site.lacks("mod/attendance:manageattendances", "mod/attendance:takeattendances", "mod/attendance:changeattendances")
    assert call(client, site.token, function, attendanceid=instance) == recorded(
        "mod_attendance_get_session.as_student"
    )
    nowhere = call(client, site.token, function, attendanceid="99")
    assert nowhere["errorcode"] == "invalidrecordunknown"
