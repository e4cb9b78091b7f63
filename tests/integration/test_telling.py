"""What the companion plugin is told of standings: what changed, once, in its shape, and only where switched on."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from jobs.telling import tell
from moodle_client import Function
from records import secrets
from records.actor import SYSTEM
from records.models import Site, Sweep, ToldStanding
from records.program_loading import load_version
from records.secrets import Purpose
from records.settings import Settings
from records.telling import forget_refused
from tests.support import readings
from tests.support.fake_moodle import FakeMoodle, Refused
from tests.support.seed import BAY, FACILITATOR, LA, LEAVER, PROGRAM_FILE, Seeded, finish, modules_of, take_in

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "wire" / "standing.schema.json").read_text())
LATER = readings.NOW + timedelta(days=1)
SWITCH = "write_back: {standings: true}"
BAY_PEOPLE = {11, 12, 13, 14, 15, 16}


class Page:
    """What a site's plugin holds: standings by (course, user), communities by course; and how often it was called."""

    def __init__(self, moodle: FakeMoodle) -> None:
        self.standings: dict[tuple[int, int], Any] = {}
        self.courses: dict[int, Any] = {}
        self.calls = 0
        self.refuses: set[int] = set()
        moodle.functions[str(Function.SET_STANDINGS)] = "2026112200"
        moodle.answers[str(Function.SET_STANDINGS)] = self.take

    def take(self, params: dict[str, str]) -> dict[str, Any]:
        self.calls += 1
        rows: dict[tuple[str, str], dict[str, str]] = {}
        for name, value in params.items():
            if found := re.fullmatch(r"(standings|courses)\[(\d+)\]\[(\w+)\]", name):
                rows.setdefault((found[1], found[2]), {})[found[3]] = value
        refused = []
        for (kind, _), row in rows.items():
            course, user = int(row["courseid"]), int(row.get("userid", 0))
            if user in self.refuses:
                refused.append({"courseid": course, "userid": user, "reason": "unknown_user"})
            elif kind == "courses":
                self.courses[course] = json.loads(row["data"])
            elif row["data"]:
                self.standings[course, user] = json.loads(row["data"])
            else:
                self.standings.pop((course, user), None)
        return {"kept": len(rows) - len(refused), "refused": refused, "held": len(self.standings)}


@pytest.fixture
def moodle() -> FakeMoodle:
    return FakeMoodle()


@pytest.fixture
def page(moodle: FakeMoodle, engine: Engine, seeded: Seeded, settings: Settings) -> Iterator[Page]:
    with Session(engine) as session, session.begin():
        secrets.keep_secret(session, seeded.site, Purpose.WEB_SERVICES, "a" * 32, settings.encryption_key)
        assert session.get_one(Site, seeded.site).wwwroot == moodle.info["siteurl"]
    with moodle.serving():
        yield Page(moodle)


def switch(engine: Engine, *, on: bool) -> None:
    """Load a version of the program that says whether standings are written into Moodle."""
    shipped = PROGRAM_FILE.read_text()
    assert SWITCH in shipped
    # A version of its own also where it says what the shipped file says.
    source = f"# {on}\n" + shipped.replace(SWITCH, SWITCH.replace("true", str(on).lower()))
    with Session(engine) as session, session.begin():
        load_version(session, source, "with write_back", actor=SYSTEM, reason="Moodle shows hours, or not")
    take_in(engine, _site(engine), [readings.account(99)])


def _site(engine: Engine) -> Any:
    with Session(engine) as session:
        return session.scalars(select(Site.id)).one()


def told(engine: Engine, settings: Settings) -> int:
    return tell(engine, settings, LATER)


def test_without_the_switch_nothing_is_written(engine: Engine, page: Page, settings: Settings) -> None:
    switch(engine, on=False)
    assert told(engine, settings) == 0
    assert page.calls == 0


def test_participants_are_told_of_as_the_books_have_it(
    engine: Engine, page: Page, settings: Settings, seeded: Seeded
) -> None:
    switch(engine, on=True)
    told(engine, settings)
    assert {user for course, user in page.standings if course == BAY} == BAY_PEOPLE
    assert FACILITATOR not in {user for _, user in page.standings}
    assert LEAVER not in {user for _, user in page.standings}
    check = Draft202012Validator(SCHEMA)
    for document in [*page.standings.values(), *page.courses.values()]:
        check.validate(document)
    one = page.standings[BAY, 12]
    assert one["minutes"] == sum(part["minutes"] for part in one["components"])
    assert one["minutes"] == sum(part["minutes"] for name in ("activities", "sessions", "other") for part in one[name])
    assert [part["minutes"] for part in one["sessions"]] == [300, 330]
    assert [part["module"] for part in one["activities"]] == list(modules_of(BAY))
    assert one["band_min"] == 960
    assert {"code": "hours", "params": {"minutes": 960 - one["minutes"], "component": None}} in one["missing"]
    community = page.courses[BAY]
    assert community["url"].endswith(f"/communities/{seeded.communities[BAY]}")
    assert community["components"] == ["online", "face_to_face", "implementation"]


def test_what_the_plugin_has_is_not_sent_again(engine: Engine, page: Page, settings: Settings, seeded: Seeded) -> None:
    switch(engine, on=True)
    told(engine, settings)
    calls = page.calls
    assert told(engine, settings) == 0
    with Session(engine) as session, session.begin():
        # Computed again since, and the same.
        session.execute(update(ToldStanding).values(as_of=readings.NOW - timedelta(hours=1)))
    assert told(engine, settings) == 0
    assert page.calls == calls
    with Session(engine) as session, session.begin():
        session.execute(update(ToldStanding).values(as_of=readings.NOW - timedelta(hours=1)))
    before = page.standings[BAY, 13]["minutes"]
    finish(engine, seeded, 13, modules_of(BAY)[3])
    assert told(engine, settings) == 1
    assert page.standings[BAY, 13]["minutes"] == before + 60


def test_who_left_and_whose_program_is_switched_off_is_taken_off_the_page(
    engine: Engine, page: Page, settings: Settings, seeded: Seeded
) -> None:
    switch(engine, on=True)
    told(engine, settings)
    gone = readings.enrolment(31, LA, at=readings.READ_AT + timedelta(days=2)) | {"enrolments": [], "roles": []}
    take_in(engine, seeded.site, [gone])
    told(engine, settings)
    assert {user for course, user in page.standings if course == LA} == {32}
    switch(engine, on=False)
    told(engine, settings)
    assert page.standings == {}


def test_a_lost_answer_is_told_again_and_a_refusal_only_once_a_day(
    engine: Engine, moodle: FakeMoodle, page: Page, settings: Settings
) -> None:
    switch(engine, on=True)
    moodle.answers[str(Function.SET_STANDINGS)] = lambda _: lost()
    assert told(engine, settings) == 0
    moodle.answers[str(Function.SET_STANDINGS)] = page.take
    page.refuses = {12}
    told(engine, settings)
    assert {user for course, user in page.standings if course == BAY} == BAY_PEOPLE - {12}
    assert told(engine, settings) == 0
    page.refuses = set()
    with Session(engine) as session, session.begin():
        forget_refused(session)
    assert told(engine, settings) == 1
    assert (BAY, 12) in page.standings


def lost() -> Any:
    raise Refused("errorwritingtodatabase")


def test_a_site_without_the_plugin_is_left_alone(
    engine: Engine, moodle: FakeMoodle, page: Page, settings: Settings
) -> None:
    switch(engine, on=True)
    del moodle.functions[str(Function.SET_STANDINGS)]
    assert told(engine, settings) == 0
    assert page.calls == 0
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(ToldStanding)) == 0


def test_a_site_that_lost_what_it_was_told_is_told_again(
    engine: Engine, page: Page, settings: Settings, seeded: Seeded
) -> None:
    switch(engine, on=True)
    told(engine, settings)
    before = dict(page.standings)
    page.standings.clear()
    with Session(engine) as session, session.begin():
        session.execute(update(ToldStanding).values(as_of=readings.NOW - timedelta(hours=1)))
    finish(engine, seeded, 14, modules_of(BAY)[3])
    told(engine, settings)
    told(engine, settings)
    assert page.standings.keys() == before.keys()
    assert told(engine, settings) == 0


def test_freshness_goes_along(engine: Engine, page: Page, settings: Settings, seeded: Seeded) -> None:
    switch(engine, on=True)
    told(engine, settings)
    assert page.courses[BAY]["swept_at"] is None
    with Session(engine) as session, session.begin():
        session.add(Sweep(site_id=seeded.site, course_id=BAY, reason="asked", status="done", finished_at=readings.NOW))
    assert told(engine, settings) == 1
    assert page.courses[BAY]["swept_at"] == int(readings.NOW.timestamp())
