"""The sandbox's answers of the companion plugin's functions: readings of the wire, in the plugin's pages."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sandbox import messages, plugin, webservice
from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.term import Term

SCHEMA = Path(__file__).parents[2] / "docs" / "wire" / "v1.schema.json"
VALIDATOR = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
BAY = "COP-EBWIESL-BAY"
NOW = 1_795_300_049.5


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site.db", clock=lambda: NOW) as fresh:
        fresh.installs_plugin(alone=True)
        yield fresh


def ask(site: Site, function: str, **params: object) -> Any:
    form = {name: str(value) for name, value in params.items()}
    return webservice.call(site, {"wstoken": site.token, "wsfunction": f"local_copbridge_{function}"} | form)


def told(answer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(answer["readings"])
    return found


def check(found: list[dict[str, Any]]) -> None:
    """Each is a reading of the wire."""
    batch = {"version": 1, "wwwroot": "https://moodle.example.org", "epoch": "00000000-0000-4000-8000-000000000000"}
    errors = list(VALIDATOR.iter_errors(batch | {"sent_at": NOW, "readings": found}))
    assert errors == []


def test_a_course_with_its_activities(site: Site) -> None:
    bay = site.course(BAY)
    found = told(ask(site, "get_course_map", courseid=bay))
    check(found)
    assert [reading["kind"] for reading in found[:2]] == ["course", "module"]
    assert len(found) == 1 + len([row for row in site.world().modules if row["course"] == bay])
    assert told(ask(site, "get_course_map", courseid=999)) == [
        {"kind": "course", "read_at": NOW, "course": 999, "present": False}
    ]


def test_a_copy_names_its_original_while_it_is_there(site: Site) -> None:
    bay = site.course(BAY)
    copy, _ = site.silent.duplicate(bay)
    assert told(ask(site, "get_course_map", courseid=copy))[0]["copy_of"] == bay
    assert told(ask(site, "get_course_map", courseid=bay))[0]["copy_of"] is None


def test_courses_come_in_pages_and_only_those_that_are_handed_over(site: Site) -> None:
    everything = [row["course"] for row in site.world().courses]
    first = ask(site, "get_courses", limit=1)
    assert (first["last"], first["more"]) == (everything[0], True)
    rest = ask(site, "get_courses", after=first["last"])
    check(told(first) + told(rest))
    assert [reading["course"] for reading in told(first) + told(rest)] == everything
    assert rest["more"] is False
    site.hands_over(all_but=[everything[0]])
    assert [reading["course"] for reading in told(ask(site, "get_courses"))] == everything[1:]
    for function in ("get_course_map", "get_roster", "get_completions", "get_digest"):
        assert refused(site, function, courseid=everything[0]) == "notchosen"


def refused(site: Site, function: str, **params: object) -> str:
    with pytest.raises(webservice.MoodleError) as err:
        ask(site, function, **params)
    return str(err.value.payload["errorcode"])


def test_the_roster_in_pages_and_of_some(site: Site) -> None:
    bay, user = site.course(BAY), site.user("e0001")
    everything = told(ask(site, "get_roster", courseid=bay))
    check(everything)
    first = ask(site, "get_roster", courseid=bay, limit=2)
    assert (len(told(first)), first["more"]) == (4, True)
    assert told(first) + told(ask(site, "get_roster", courseid=bay, afteruser=first["last"])) == everything
    site.unseen.leave(user, bay)
    left = told(ask(site, "get_roster", courseid=bay, users=f"{user},9999"))
    check(left)
    assert [(reading["kind"], reading["user"], reading.get("enrolments")) for reading in left] == [
        ("enrolment", user, []),
        ("account", 9999, None),
        ("enrolment", 9999, []),
    ]


def test_digests_count_and_sum_what_the_rows_say(site: Site) -> None:
    bay, user, other = site.course(BAY), site.user("e0001"), site.user("e0002")
    page, quiz = site.module(BAY, "ACT-01"), site.module(BAY, "ACT-06")
    for each in (user, other):
        site.unseen.complete(each, page)
    site.unseen.attempt_quiz(user, quiz, passes=False)
    rows = json.loads(ask(site, "get_completions", courseid=bay)["rows"])
    assert [row[:3] for row in rows] == sorted([[page, user, 1], [page, other, 1], [quiz, user, 3]])
    assert json.loads(ask(site, "get_completions", courseid=bay, users=other, **{"modules[0]": quiz})["rows"]) == []
    second = ask(site, "get_completions", courseid=bay, aftermodule=rows[0][0], afteruser=rows[0][1], limit=1)
    assert (json.loads(second["rows"]), second["more"]) == (rows[1:2], True)
    digest = {row["module"]: row for row in ask(site, "get_digest", courseid=bay)["modules"]}
    tracked = {row["module"] for row in site.world().modules if row["course"] == bay and row["tracking"]}
    assert digest.keys() == tracked
    assert (digest[page]["complete"], digest[page]["users"], digest[page]["latest"]) == (2, user + other, int(NOW))
    assert (digest[quiz]["failed"], digest[quiz]["times"]) == (1, int(NOW))
    of_other = {row["module"]: row for row in ask(site, "get_digest", courseid=bay, users=other)["modules"]}
    assert (of_other[page]["users"], of_other[quiz]["failed"], set(of_other)) == (other, 0, tracked)


def standing(minutes: int) -> str:
    return json.dumps({"version": 1, "status": "behind", "minutes": minutes, "band_min": 960, "band_max": 1200})


def test_what_is_told_of_hours_is_on_the_participants_page(site: Site) -> None:
    bay, user = site.course(BAY), site.user("e0001")
    row = {"standings[0][courseid]": bay, "standings[0][userid]": user}
    page = create_app(site, Term(site), "only-a-test").test_client()

    def tell(asof: int, data: str) -> Any:
        return ask(site, "set_standings", **row | {"standings[0][asof]": asof, "standings[0][data]": data})

    assert tell(20, standing(150)) == {"kept": 1, "refused": [], "held": 1}
    assert "2 h 30 min of 16 h to 20 h: behind" in page.get(f"/course/{bay}/as/{user}").text
    older = tell(10, standing(90))
    assert older == {"kept": 0, "refused": [{"courseid": bay, "userid": user, "reason": "older"}], "held": 1}
    assert tell(30, "[]")["refused"][0]["reason"] == "malformed"
    assert tell(30, "")["kept"] == 1
    assert "My CoP hours" not in page.get(f"/course/{bay}/as/{user}").text


def test_a_site_that_sends_nothing_says_so(site: Site) -> None:
    assert ask(site, "ping") == {"sent": False, "outcome": "unset", "httpstatus": 0}


def test_each_function_has_its_capability(site: Site) -> None:
    for name in plugin.FUNCTIONS:
        function = name.removeprefix(plugin.PREFIX)
        site.lacks(f"local/copbridge:{function.replace('_', '')}")
        of_a_course = function in ("get_course_map", "get_roster", "get_completions", "get_digest")
        params = {"courseid": site.course(BAY)} if of_a_course else {}
        assert refused(site, function, **params) == "nopermissions", name


def test_the_token_has_what_the_site_has(site: Site) -> None:
    def named() -> set[str]:
        form = {"wstoken": site.token, "wsfunction": webservice.SITE_INFO}
        return {function["name"] for function in webservice.call(site, form)["functions"]}

    of_others = {webservice.SITE_INFO, webservice.COURSE_MODULE, webservice.ATTENDANCE, messages.FUNCTION}
    assert named() == {*of_others, *plugin.FUNCTIONS}
    with pytest.raises(webservice.MoodleError) as err:
        webservice.call(site, {"wstoken": site.token, "wsfunction": "core_course_get_categories"})
    assert err.value.payload["errorcode"] == "accessexception"
    site.installs_plugin()
    assert named() == {*webservice.FUNCTIONS, *plugin.FUNCTIONS}
    site.uninstalls_plugin()
    assert named() == set(webservice.FUNCTIONS)
    assert refused(site, "get_status") == "invalidrecordunknown"
