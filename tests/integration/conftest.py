"""A test that asks for `seeded`, `placed` or `deeds` gets a database with people in it, copied from one filled once."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from redis import Redis
from sqlalchemy import Engine

from records.database import make_engine
from records.settings import Settings
from tests.support import seed
from tests.support.community import Place, make_place
from tests.support.deeds import make_house
from tests.support.house import House
from tests.support.seed import Seeded
from tests.support.servers import Database, Servers
from tests.support.settings import make_settings


@pytest.fixture(scope="session")
def seeded_template(servers: Servers, template: str) -> Iterator[tuple[str, Seeded]]:
    """Name of the filled database, and the ids in it."""
    name = f"{template}_seeded"
    engine = make_engine(servers.create(name, template).url)
    found = seed.seed(engine)
    engine.dispose()
    yield name, found
    servers.drop(name)


@pytest.fixture(scope="session")
def placed_template(servers: Servers, template: str) -> Iterator[tuple[str, Place]]:
    """Name of the database with one small community, and the ids in it."""
    name = f"{template}_placed"
    engine = make_engine(servers.create(name, template).url)
    found = make_place(engine)
    engine.dispose()
    yield name, found
    servers.drop(name)


@pytest.fixture(scope="session")
def deeds_template(servers: Servers, template: str) -> Iterator[tuple[str, House]]:
    """Name of the database with the house of tests/support/deeds.py, and that house."""
    name = f"{template}_deeds"
    database = servers.create(name, template)
    engine, redis = make_engine(database.url), Redis.from_url(servers.redis_url)
    made = make_house(make_settings(database, servers.redis_url), engine, redis)
    redis.close()
    engine.dispose()
    yield name, made
    servers.drop(name)


@pytest.fixture
def database(request: pytest.FixtureRequest, servers: Servers, template: str) -> Iterator[Database]:
    """A fresh database, filled for who asks for `seeded`, `placed` or `deeds`."""
    filled = next((kind for kind in ("seeded", "placed", "deeds") if kind in request.fixturenames), None)
    source = request.getfixturevalue(f"{filled}_template")[0] if filled else template
    name = f"{template}_{secrets.token_hex(4)}"
    yield servers.create(name, source)
    servers.drop(name)


@pytest.fixture
def seeded(seeded_template: tuple[str, Seeded]) -> Seeded:
    """The ids of what the test's database holds."""
    return seeded_template[1]


@pytest.fixture
def placed(placed_template: tuple[str, Place], engine: Engine) -> Place:
    """The small community that the test's database holds."""
    return replace(placed_template[1], engine=engine)


@pytest.fixture
def deeds(deeds_template: tuple[str, House], settings: Settings, engine: Engine, redis: Redis) -> House:
    """The house of tests/support/deeds.py, which the test's database holds."""
    return deeds_template[1].copied(settings, engine, redis)
