"""What communities, teams, organisations and programs have to reach together: on the page and at the terminal."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, update

from records.actor import Grant, Role
from records.models import Membership, uuid7
from records.settings import Settings
from tests.support import readings, seed
from tests.support.cli import Cli
from tests.support.explained import ADA, BEN, MATH, QUIZ, Scene, make_scene
from tests.support.web import application

LATER = datetime(2026, 1, 5, tzinfo=UTC)
"""After the community's last day."""


@pytest.fixture
def scene(engine: Engine) -> Scene:
    return make_scene(engine)


@pytest.fixture
def client(settings: Settings, engine: Engine) -> Iterator[FlaskClient]:
    with application(settings) as app, app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.STAFF)])
        yield made


def words(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#39;", "'")


def test_the_community_tells_who_needs_help(client: FlaskClient, scene: Scene) -> None:
    scene.done(BEN, QUIZ, 0)
    with scene.engine.begin() as connection:
        connection.execute(update(Membership).values(dirty_at=scene.clock()))
    readings.settle(scene.engine, datetime(2025, 9, 1, tzinfo=UTC))
    page = words(client.get(f"/communities/{scene.communities[MATH]}").text)
    assert "2 Behind" in page
    assert re.search(r"Ada Brook .*Behind 6 h to go · 3 requirements open .*Ben Castle .*Behind 5 h to go", page)
    assert "2 Behind:" in words(client.get("/").text)
    with scene.engine.begin() as connection:
        connection.execute(update(Membership).values(dirty_at=scene.clock()))
    readings.settle(scene.engine, LATER)
    assert "2 Cannot reach it any more" in words(client.get(f"/communities/{scene.communities[MATH]}").text)
    assert "2 Cannot reach it any more" in words(client.get("/").text)


def test_the_community_tells_what_is_reached_together(client: FlaskClient, scene: Scene) -> None:
    path = f"/communities/{scene.communities[MATH]}"
    html = client.get(path).text
    assert f'hx-get="{path}/together"' in html
    assert "Contact: The office · office@example.org · 555 0100" in words(html)
    assert 'href="https://example.org/cop"' in html
    scene.attend(ADA, 0, 100)
    told = words(client.get(f"{path}/together").text)
    assert "Deviates Facilitators 1 facilitator; recommended: at least 2" in told
    assert "Team Oak School's team" in told
    assert "Three team talks Still to do: 2 more sessions" in told
    assert "The second gathering, Sep 28, 2025 (absent)" in told
    assert "What counted The first gathering, Mar 12, 2025 Open 1 of 3" in told
    assert "Deviates Size of the team 2 participants; recommended: 4 to 7" in told
    assert client.get(f"/communities/{uuid7()}/together").status_code == 404


def test_requirements_of_organisations(settings: Settings, scene: Scene) -> None:
    assert scene.site_id
    cli = Cli(settings)
    out = cli("requirements", "explained").out
    assert re.search(r"OAK Oak School +A report of each school +Open +0 of 1 +“School report”", out)
    oak, program = cli("requirements", "explained", "--json").data["subjects"]
    assert (oak["code"], oak["requirements"][0]["status"], oak["requirements"][0]["need"]) == ("OAK", "open", 1)
    assert (program["kind"], program["requirements"]) == ("program", [])
    assert cli("requirements", "none").code == 1
