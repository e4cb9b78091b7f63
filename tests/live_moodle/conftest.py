"""Only `make live` runs this folder: nothing in it is collected but with `-m live_moodle`."""

import signal
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from sqlalchemy import Engine

from moodle_client import MoodleClient, Reply
from moodle_client.transport import Transport
from records import drift
from records.settings import Settings
from tests.live_moodle.door import House, open_house
from tests.live_moodle.given import Given
from tests.live_moodle.plugin import Plugin, PluginWorld
from tests.live_moodle.summary import Summary
from tests.live_moodle.throwaway import Throwaway, check_functions, refuse_leftovers
from tests.live_moodle.world import LiveCourse, World, make_course, populate

GIVEN = pytest.StashKey[Given]()
SUMMARY = pytest.StashKey[Summary]()
REPORT = pytest.StashKey[Path]()
SLOW = 600.0
"""Seconds that Moodle may take to copy or remove a course."""


def _wanted(config: pytest.Config) -> bool:
    return "live_moodle" in str(config.getoption("markexpr", ""))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Nobody runs this by accident, whatever the environment holds."""
    del collection_path
    return None if _wanted(config) else True


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not _wanted(config):
        return
    config.stash[GIVEN] = Given.from_environment()
    # What installs the plugin comes before what needs it.
    items.sort(key=lambda item: item.path.name != "test_plugin_install.py")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("live_moodle")


@pytest.fixture(scope="session")
def given(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Given:
    """The site and what else the environment names."""
    found = request.config.stash[GIVEN]
    request.config.stash[REPORT] = tmp_path_factory.getbasetemp() / "live-moodle.txt"
    if found.token == found.maker_token:
        found.without("reading with another account than the one that makes things", "MOODLE_ADMIN_TOKEN is not given")
    return found


@pytest.fixture(scope="session")
def summary(request: pytest.FixtureRequest) -> Summary:
    """The table at the end."""
    return request.config.stash.setdefault(SUMMARY, Summary())


@pytest.fixture(scope="session")
def moodle(given: Given, summary: Summary) -> Iterator[MoodleClient]:
    """A client with the token that the service reads with."""
    with MoodleClient(given.url, given.token) as client:
        info = client.site_info().data
        summary.site = f"Moodle {info.release} ({info.version})"
        yield client


@pytest.fixture(scope="session")
def maker(given: Given) -> Iterator[MoodleClient]:
    """A client with the token that makes, changes and removes things."""
    with MoodleClient(given.url, given.maker_token, timeout=SLOW) as client:
        yield client


@pytest.fixture(scope="session")
def template_course(given: Given, moodle: MoodleClient) -> int:
    """The course to copy: MOODLE_TEMPLATE, else the one with the fewest tracked activities that has any."""
    if given.template:
        found = moodle.courses("shortname", given.template).data
        assert found, f"MOODLE_TEMPLATE: the token sees no course of the short name {given.template}"
        return found[0].id
    tracked = {
        course.id: sum(
            bool(module.completion) for section in moodle.contents(course.id).data for module in section.modules
        )
        for course in moodle.courses().data
        if course.enablecompletion and course.id != 1
    }
    fitting = {course: count for course, count in tracked.items() if count}
    assert fitting, "the token sees no course with completion tracking; MOODLE_TEMPLATE names one"
    return min(fitting, key=lambda course: (fitting[course], course))


@pytest.fixture(scope="session")
def throwaway(given: Given, maker: MoodleClient) -> Iterator[Throwaway]:
    """The category and the people of this run. Both go, also after a failure, Ctrl-C or SIGTERM."""
    check_functions(maker)
    refuse_leftovers(maker, clean=given.clean)
    made = Throwaway(maker)
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        made.make()
        yield made
    finally:
        left = made.remove()
        signal.signal(signal.SIGTERM, before)
        if left:
            given.without("the removal of what the run made", "; ".join(left))
    assert left == []


def _interrupt(number: int, frame: FrameType | None) -> None:
    del number, frame
    raise KeyboardInterrupt


@pytest.fixture
def course(throwaway: Throwaway, given: Given, template_course: int) -> LiveCourse:
    """A copy of the template with people, groups and completions."""
    made = make_course(throwaway, given, template_course)
    populate(throwaway.maker, made)
    return made


@pytest.fixture(scope="module")
def shared_course(throwaway: Throwaway, given: Given, template_course: int) -> LiveCourse:
    """One for a whole module."""
    return make_course(throwaway, given, template_course)


@pytest.fixture
def role(moodle: MoodleClient, course: LiveCourse, given: Given) -> str:
    """What this site calls the role of participants."""
    users = [user for page in moodle.enrolled_users(course.id) for user in page.data]
    names = {role.shortname for user in users for role in user.roles if role.roleid == given.student_role}
    assert len(names) == 1, f"MOODLE_STUDENT_ROLE: nobody can be enrolled with role {given.student_role}"
    return names.pop()


@pytest.fixture
def world(engine: Engine, settings: Settings, given: Given, summary: Summary, monkeypatch: pytest.MonkeyPatch) -> World:
    """A house that knows nothing yet."""
    # Nobody waits a quarter of an hour for a change to count as drift.
    monkeypatch.setattr(drift, "ON_ITS_WAY", timedelta(days=-1))
    return World(engine, settings, given, summary)


@pytest.fixture(scope="session")
def plugin(given: Given, throwaway: Throwaway) -> Iterator[Plugin]:
    """The companion plugin, which gets back its settings at the end: before what the run made is removed."""
    del throwaway
    found = Plugin(given)
    yield found
    found.restore()


@pytest.fixture
def house(settings: Settings) -> Iterator[House]:
    """The real service on a loopback port."""
    with open_house(settings) as opened:
        yield opened


@pytest.fixture
def handed(
    engine: Engine,
    settings: Settings,
    plugin: Plugin,
    given: Given,
    summary: Summary,
    house: House,
    monkeypatch: pytest.MonkeyPatch,
    course: LiveCourse,
    role: str,
    throwaway: Throwaway,
) -> PluginWorld:
    """A house that the plugin hands the course over to, and that has looked at it once by the plugin's functions."""
    monkeypatch.setattr(drift, "ON_ITS_WAY", timedelta(days=-1))
    made = PluginWorld(engine, settings, given, summary, plugin, house)
    attempt = Transport.attempt

    def counted(self: Transport, function: str, *others: Any) -> Reply[Any]:
        made.calls.append(function)
        return attempt(self, function, *others)

    monkeypatch.setattr(Transport, "attempt", counted)
    made.hand_over(throwaway, role)
    made.first_look(course.id)
    return made


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """The table, what was not run, and where both are kept."""
    if REPORT not in config.stash:
        return
    text = config.stash.setdefault(SUMMARY, Summary()).text(config.stash[GIVEN].left_out)
    path = config.stash[REPORT]
    path.write_text(text + "\n", encoding="utf-8")
    terminalreporter.section("mirror and Moodle, row by row")
    terminalreporter.write_line(text)
    terminalreporter.write_line(f"Kept in {path}")
