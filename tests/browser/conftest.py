"""A served application with people and hours in it, and somebody who is about to sign in."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine

from records.actor import Grant, Role
from records.database import make_engine
from records.settings import Settings
from tests.support import seed
from tests.support.seed import Seeded
from tests.support.servers import Database, Servers
from tests.support.web import application, served

DESKTOP, PHONE = (1280, 900), (390, 844)


@dataclass(frozen=True)
class Site:
    """A running application, and what is in it."""

    address: str
    engine: Engine
    seeded: Seeded
    link: str
    """The set-up link of somebody with the roles IT and staff."""


@pytest.fixture(scope="session")
def seeded_template(servers: Servers, template: str) -> Iterator[tuple[str, Seeded]]:
    """Name of a database that was filled once, and the ids in it."""
    name = f"{template}_browsed"
    engine = make_engine(servers.create(name, template).url)
    found = seed.seed(engine)
    engine.dispose()
    yield name, found
    servers.drop(name)


@pytest.fixture
def database(request: pytest.FixtureRequest, servers: Servers, template: str) -> Iterator[Database]:
    """A fresh database, copied from the filled one for who asks for `seeded`."""
    filled = "seeded" in request.fixturenames
    name = f"{template}_{secrets.token_hex(4)}"
    yield servers.create(name, request.getfixturevalue("seeded_template")[0] if filled else template)
    servers.drop(name)


@pytest.fixture
def seeded(seeded_template: tuple[str, Seeded]) -> Seeded:
    """The ids of what the test's database holds."""
    return seeded_template[1]


@pytest.fixture
def site(settings: Settings, engine: Engine, seeded: Seeded) -> Iterator[Site]:
    link = seed.user_link(engine, "robin@example.org", [Grant(Role.IT), Grant(Role.STAFF)])
    with application(settings) as app, served(app) as address:
        yield Site(address, engine, seeded, address + link)


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def page(request: pytest.FixtureRequest, browser: Browser, site: Site) -> Iterator[Page]:
    """A page of each size, closed before the site goes, for an open page goes on asking. Whatever it complains about
    in its console fails the test, but for a 401, which browsers report there too: it is how an open page learns that
    the sign-in ended.
    """
    del site
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    context.close()
    assert [complaint for complaint in complaints if "401" not in complaint] == []
