"""Each program runs end to end, and says what people expected by hand before it ran."""

from datetime import datetime, time
from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine

from records.settings import Settings
from tests.support import scenario_run
from tests.support.scenario import PROGRAMS, Expected, load
from tests.support.scenario_answers import answered, unexplained, unlike, wanted
from tests.support.scenario_house import ScenarioHouse
from tests.support.scenario_run import Play

FILES = sorted(Path(__file__).parent.glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def play(request: pytest.FixtureRequest) -> Play:
    return Play(load(request.param))


@pytest.fixture
def house(settings: Settings, engine: Engine, redis: Redis, play: Play) -> ScenarioHouse:
    return ScenarioHouse(settings, engine, redis, play.scenario)


def test_every_shipped_program_has_a_scenario() -> None:
    played = {name for path in FILES for name in load(path).programs}
    assert played == {path.stem for path in PROGRAMS.glob("*.yaml")}


@pytest.mark.slow
def test_a_program_runs_as_people_expect(play: Play, house: ScenarioHouse, owner_engine: Engine) -> None:
    story = list(play.scenario.story)
    inputs = scenario_run.begin(play, house)
    for expected in play.scenario.expected:
        due = [step for step in story if step.day < expected.day]
        scenario_run.tell(play, house, inputs, due)
        del story[: len(due)]
        look(play, house, expected)
    assert story == []
    # Everything once more, in another order and other batches.
    scenario_run.tell_backwards(play, house, at_once=40)
    look(play, house, play.scenario.expected[-1])
    # Another house, which hears of all of it at the end alone.
    house.forget(owner_engine)
    scenario_run.tell_late(play, house)
    look(play, house, play.scenario.expected[-1])


def look(play: Play, house: ScenarioHouse, expected: Expected) -> None:
    """Lay what is expected at noon of a day beside what the records say, and make sure that these are in order."""
    house.until(datetime.combine(expected.day, time(12), play.zone))
    house.work()
    house.settled()
    found = unlike(answered(house, play.users, expected), wanted(expected))
    assert not found, "\n".join(found)
    assert house.differences() == []
    assert unexplained(house) == []
