"""`copbridge doctor`: each finding where its cause is there, and none where all is well."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from jobs.doctor import connection, flow
from jobs.doctor.certificate import Certificate
from jobs.doctor.findings import Code, Finding, Severity
from jobs.doctor.needs import (
    ALWAYS,
    FUNCTIONS,
    HIDDEN_COURSES,
    PING,
    PLUGIN_CAPABILITIES,
    PLUGIN_FUNCTIONS,
    PLUGIN_READING,
    SITE_INFO,
    STATUS,
    VIEW,
    own_capability,
)
from jobs.doctor.run import CHECKS
from moodle_client import Function
from records.secrets import Purpose, keep_secret, make_secret
from records.settings import Settings
from service import plugin_zip
from service.cli import doctor_fixes, doctor_words
from service.cli.doctor_outcomes import OTHER, OUTCOMES, outcome_of
from tests.support.cli import Answer, Cli
from tests.support.community import COURSE, Place
from tests.support.doctor_cases import CASES, World
from tests.support.fake_moodle import FakeMoodle

ROOT = Path(__file__).parents[2]
NUMBER = re.compile(r"\d+")
PLACEHOLDER = re.compile(r"\{(\w+)\}")
TOKEN = "5eaa41f0b1d44c9d8f0d0b0e0a1c2d3e"
QUIET = {Code.PLUGIN_ABSENT, Code.CRON_UNKNOWN, Code.RULES_UNMATCHED}
"""Notes that the world of these tests has from the start."""


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


@pytest.fixture
def world(engine: Engine, placed: Place, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> World:
    """A site that is connected as it should be, and a round trip that isn't waited for."""
    with Session(engine) as session, session.begin():
        for purpose, value in ((Purpose.WEB_SERVICES, TOKEN), (Purpose.WIRE, make_secret(Purpose.WIRE))):
            keep_secret(session, placed.site_id, purpose, value, settings.encryption_key)
    monkeypatch.setenv("MOODLE_CALLS_PER_MINUTE", "600000")
    made = World(engine, placed, FakeMoodle(), Certificate())
    made.item("done", received_at=datetime.now(UTC))
    made.sweep(status="done", finished_at=datetime.now(UTC))
    monkeypatch.setattr(connection, "look_at", lambda _: made.certificate)
    monkeypatch.setattr(flow, "ROUND_TRIP_SECONDS", 0.5)
    return made


def examined(cli: Cli, world: World, *arguments: str) -> Answer:
    with world.moodle.serving():
        return cli("doctor", "moodle", *(arguments or ("--json",)))


def codes(answer: Answer) -> dict[str, Any]:
    """The findings' parameters by code."""
    return {one["code"]: one["params"] for check in answer.data["checks"] for one in check["findings"]}


def test_where_all_is_well_there_is_nothing_but_notes(cli: Cli, world: World) -> None:
    answer = examined(cli, world)
    assert set(codes(answer)) == QUIET, codes(answer)
    assert (answer.code, answer.data["exit_code"], answer.data["severity"]) == (0, 0, "note")


def test_every_code_has_a_case() -> None:
    assert set(CASES) == set(Code)


@pytest.mark.parametrize("code", list(Code), ids=str)
def test_each_finding_where_its_cause_is_there(cli: Cli, world: World, code: Code) -> None:
    CASES[code](world)
    answer = examined(cli, world)
    assert answer.err == ""
    found = codes(answer)
    assert code in found, found
    expected = {Severity.NOTE: 0, Severity.WARNING: 1, Severity.ERROR: 4}
    worst = max((Code(name).severity for name in found), key=lambda severity: severity.rank)
    assert answer.code == answer.data["exit_code"] == expected[worst]
    assert TOKEN not in answer.out
    told = examined(cli, world, "--all")
    assert told.code == answer.code
    said = doctor_words.words(Finding(code, found[code])).says
    assert NUMBER.sub("0", said) in NUMBER.sub("0", told.out)
    assert "{" not in told.out
    assert TOKEN not in told.out


def test_nobody_is_named(cli: Cli, world: World) -> None:
    for answer in (examined(cli, world), examined(cli, world, "--all")):
        assert "@example.org" not in answer.out
        assert "First" not in answer.out
        assert "E11" not in answer.out


def test_what_hangs_on_a_failure_is_not_looked_at(cli: Cli, world: World) -> None:
    world.moodle.refuse("core_webservice_get_site_info", "invalidtoken")
    checks = {check["check"]: check for check in examined(cli, world).data["checks"]}
    assert [check["check"] for check in checks.values()] == [check.name for check in CHECKS]
    assert checks["functions"]["because"] == "answers"
    assert checks["capabilities"]["because"] == "answers"
    assert checks["mapping"]["severity"] == "note"
    said = examined(cli, world, "--all").out
    assert "Capabilities not looked at, because of: Address and token" in re.sub(" +", " ", said)


def test_where_all_is_well_with_the_plugin(cli: Cli, world: World) -> None:
    """Its functions are enough: none of Moodle's own is missed, and no capability of theirs."""
    world.plugin(version=plugin_zip.stated()[1])
    answer = examined(cli, world)
    assert set(codes(answer)) == {Code.RULES_UNMATCHED}, codes(answer)
    told = {check["check"]: check["told"] for check in answer.data["checks"]}
    assert told["courses"]["looked_at"] == [COURSE]
    assert told["capabilities"]["nothing_to_show"] == [HIDDEN_COURSES]


@pytest.mark.parametrize("function", [one for one in PLUGIN_FUNCTIONS if one is not Function.SET_PRESENCE], ids=str)
def test_each_capability_of_the_plugin(cli: Cli, world: World, function: Function) -> None:
    """They are found by calling the functions. That of presences is asked for an activity, and none is named here."""
    world.plugin()
    world.moodle.refuse(function)
    assert codes(examined(cli, world))[Code.CAPABILITY_MISSING]["capability"] == own_capability(function)


@pytest.mark.parametrize(("visible", "code"), [(1, Code.CAPABILITY_MISSING), (0, Code.CAPABILITY_ONE_OF)])
def test_a_course_that_cant_be_entered(cli: Cli, world: World, visible: int, code: Code) -> None:
    world.plugin()
    world.moodle.course["visible"] = visible
    for function in PLUGIN_READING[1:]:
        world.moodle.refuse(function, "errorcoursecontextnotvalid")
    found = codes(examined(cli, world))[code]
    assert VIEW in (found.get("capabilities") or [found["capability"]])


def test_functions_of_both(cli: Cli, world: World) -> None:
    """A service with some of the plugin's functions, and all of Moodle's own: sweeps go by those."""
    both = world.moodle.functions
    world.plugin()
    world.moodle.functions = both | {PING: "1", Function.GET_DIGEST: "1"}
    found = codes(examined(cli, world))
    assert {Code.FUNCTION_MISSING, Code.PLUGIN_FUNCTIONS_MISSING}.isdisjoint(found)
    assert Function.GET_ROSTER in found[Code.PLUGIN_FUNCTIONS_FEWER]["functions"]


def test_a_service_of_the_plugins_functions_alone(cli: Cli, world: World) -> None:
    """Moodle says the same of it as of a token that it doesn't take."""
    world.plugin()
    del world.moodle.functions[SITE_INFO]
    found = codes(examined(cli, world))
    assert found[Code.FUNCTION_MISSING] == {"function": SITE_INFO}
    assert Code.TOKEN_REFUSED not in found


def test_a_community_that_is_gone_is_no_unchosen_one(cli: Cli, world: World) -> None:
    world.plugin()
    world.moodle.course = {}
    found = codes(examined(cli, world))
    assert Code.COURSE_GONE in found
    assert Code.COURSES_NOT_CHOSEN not in found


@pytest.mark.parametrize("answer", [None, [], "x", {"lastcron": "soon", "pending": []}])
def test_a_plugin_that_tells_nothing_useful(cli: Cli, world: World, answer: Any) -> None:
    world.plugin()
    world.moodle.answers[STATUS] = answer
    assert set(codes(examined(cli, world))) == {Code.RULES_UNMATCHED, Code.CRON_UNKNOWN, Code.PLUGIN_FAILED}


def test_the_plugins_clock_is_the_one_that_counts(cli: Cli, world: World) -> None:
    world.plugin(time=datetime.now(UTC).timestamp() + 500)
    assert 490 < codes(examined(cli, world))[Code.CLOCK_FAR_OFF]["seconds"] < 510


@pytest.mark.parametrize("outcome", [*OUTCOMES, "something else"])
def test_words_for_every_outcome(outcome: str) -> None:
    params = {"outcome": outcome, "status": 0, "site": "moodle", "address": "https://x/events", "last": "never"}
    for code in (Code.PING_FAILED, Code.PLUGIN_REFUSED):
        told = doctor_words.words(Finding(code, params))
        assert outcome_of(outcome).says.split("{")[0] in told.says
        assert "{" not in told.says + told.fix[0]
        assert told.fix[0]


def test_the_outcomes_are_those_of_the_plugin() -> None:
    strings = (ROOT / "moodle_plugin/local_copbridge/lang/en/local_copbridge.php").read_text(encoding="utf-8")
    theirs = set(re.findall(r"\$string\['outcome_(\w+)'\]", strings)) - flow.DELIVERED
    assert set(OUTCOMES) - {flow.GIVEN_UP} == theirs


def test_an_event_that_was_taken_and_put_aside(cli: Cli, world: World) -> None:
    world.plugin()
    world.moodle.answers[PING] = {"sent": False, "outcome": "delivered", "httpstatus": 200}
    assert codes(examined(cli, world))[Code.PING_FAILED]["outcome"] == flow.GIVEN_UP


def test_without_a_site_or_with_an_unknown_one(cli: Cli, world: World) -> None:
    assert cli("doctor").code == 2
    unknown = cli("doctor", "elsewhere")
    assert (unknown.code, "sites: moodle" in unknown.err) == (1, True)
    assert world.place.site_id


def test_a_course_that_is_named(cli: Cli, world: World) -> None:
    answer = examined(cli, world, "--course", str(COURSE), "--json")
    courses = next(check for check in answer.data["checks"] if check["check"] == "courses")
    assert courses["told"]["looked_at"] == [COURSE]


def test_what_has_to_be_granted(cli: Cli, world: World) -> None:
    asked = cli("doctor", "--needed", "--json").data
    assert set(asked["functions"]) == set(FUNCTIONS)
    assert set(asked["capabilities"]) >= {*ALWAYS, "mod/quiz:view", "moodle/course:manageactivities"}
    assert {one["capability"] for one in asked["optional"]}.isdisjoint(asked["capabilities"])
    assert asked["with_plugin"]["functions"] == [FUNCTIONS[0], *PLUGIN_FUNCTIONS]
    assert asked["with_plugin"]["capabilities"] == list(PLUGIN_CAPABILITIES)
    told = cli("doctor", "--needed").out
    assert all(f"  {name}\n" in told for name in (*asked["functions"], *asked["capabilities"]))
    world.modules(modname="customcert")
    assert cli("doctor", "--needed", "--json").data["capabilities_of_plugins"] == ["mod/customcert:view"]


def test_no_program_asks_for_no_more_than_each_sweep(cli: Cli) -> None:
    asked = cli("doctor", "--needed", "--json").data
    changing = [name for name in asked["capabilities"] if "manage" in name or "update" in name]
    assert changing == ["moodle/course:update", "moodle/course:managegroups"]
    assert {one["capability"] for one in asked["optional"]} == {
        "moodle/course:manageactivities",
        "moodle/category:manage",
    }


def test_adding_a_site_walks_it_through(cli: Cli) -> None:
    answer = cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M")
    for line in (
        "copbridge site secret add m --purpose web_services --from-stdin",
        "copbridge doctor m",
        "webservice/rest:use",
        "core_completion_get_activities_completion_status",
        "http://bridge.example.org/webhooks/m/events",
        "copbridge plugin build",
        "the plugin's role, CoP Bridge",
    ):
        assert line in answer.out
    assert answer.out.index("With the plugin") < answer.out.index("Without it")
    token = ("--token-from-stdin",)
    second = cli("site", "add", "n", "--wwwroot", "https://n.example.org", "--name", "N", *token, stdin=f"{TOKEN}\n")
    assert "--from-stdin" not in second.out
    assert TOKEN not in second.out


def test_every_code_has_words_and_a_fix() -> None:
    assert set(doctor_words.SAYS) == set(Code) == set(doctor_fixes.FIXES)
    assert set(doctor_words.CHECKS) == {check.name for check in CHECKS}
    assert all(doctor_fixes.FIXES.values())


def test_the_page_explains_every_code() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (note|warning|error) \| (.+?) \| (.+?) \|$", page, re.MULTILINE)
    fixes = {code: " ".join(lines) for code, lines in doctor_fixes.FIXES.items()}
    expected = [
        (str(code), str(code.severity), written(doctor_words.SAYS[code]), written(fixes[code])) for code in Code
    ]
    assert rows == expected


def test_the_page_explains_every_outcome() -> None:
    page = (ROOT / "docs" / "doctor.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)` \| (?!note|warning|error)(.+?) \| (.+?) \|$", page, re.MULTILINE)
    assert rows == [(code, written(one.says), written(one.remedy)) for code, one in OUTCOMES.items()]
    assert written(OTHER.remedy) in page


def test_the_plugins_role_holds_all_that_is_asked_for() -> None:
    folder = ROOT / "moodle_plugin/local_copbridge"
    held = (folder / "classes/local/service_role.php").read_text(encoding="utf-8")
    held += (folder / "db/services.php").read_text(encoding="utf-8")
    assert [name for name in PLUGIN_CAPABILITIES if f"'{name}'" not in held] == []
    assert [name for name in PLUGIN_FUNCTIONS if f"'{name}'," not in held] == []


def written(template: str) -> str:
    """A text with parameters as the page shows it; a line of cron has stars of its own."""
    plain = template.replace("{admin}", doctor_fixes.ADMIN).replace("*", r"\*").replace("|", r"\|")
    return PLACEHOLDER.sub(r"*\1*", plain)
