"""Moodle says who is at the browser: the way there and back, once, and for nobody else."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import secrets
from records.models import Site
from records.secrets import Purpose
from records.settings import Settings
from tests.support import seed
from tests.support.web import application
from tests.unit.service.test_assertions import EPOCH, SECRET, made


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made_app:
        yield made_app


@pytest.fixture
def site(engine: Engine, settings: Settings) -> Site:
    seeded = seed.seed(engine)
    with Session(engine) as session, session.begin():
        found = session.get_one(Site, seeded.site)
        secrets.keep_secret(session, found.id, Purpose.WIRE, SECRET, settings.encryption_key)
        found.epoch = EPOCH
        session.flush()
        session.refresh(found)
        session.expunge(found)
    return found


def sent(client: FlaskClient, site: Site) -> str:
    """Go to Moodle, and return the state that the browser went with."""
    answer = client.get(f"/identify/{site.slug}/begin")
    assert answer.status_code == 303
    address = urlsplit(answer.headers["Location"])
    assert answer.headers["Location"].startswith(f"{site.wwwroot}/local/copbridge/checkin.php?")
    return parse_qs(address.query)["state"][0]


def back(client: FlaskClient, app: Flask, site: Site, state: str, user: int = 11) -> tuple[int, str]:
    now = int(app.extensions["copbridge"].clock().timestamp())
    text = made(site=site.slug, epoch=str(EPOCH), user=user, state=state, iat=now, exp=now + 120)
    answer = client.get(f"/identify/{site.slug}", query_string={"assertion": text})
    return answer.status_code, answer.text


def test_who_comes_back_from_moodle_is_known_by_name(app: Flask, site: Site) -> None:
    client = app.test_client()
    status, page = back(client, app, site, sent(client, site))
    assert status == 200
    assert "Amara Okafor" in page


def test_an_assertion_is_good_once_and_in_one_browser(app: Flask, site: Site) -> None:
    client, other = app.test_client(), app.test_client()
    state = sent(client, site)
    assert back(other, app, site, state)[0] == 400
    assert back(client, app, site, state)[0] == 200
    status, page = back(client, app, site, state)
    assert status == 400
    assert "Try again" in page


@pytest.mark.usefixtures("site")
def test_a_site_that_is_not_ours_is_not_found(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/identify/elsewhere/begin").status_code == 404
    assert client.get("/identify/elsewhere", query_string={"assertion": made()}).status_code == 404
