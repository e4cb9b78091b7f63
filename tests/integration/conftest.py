"""A test that asks for `seeded` or `placed` gets a database with people in it, copied from one that was filled once."""

import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from records.database import make_engine
from tests.support import seed
from tests.support.community import Place, make_place
from tests.support.seed import Seeded
from tests.support.servers import Database, Servers


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


@pytest.fixture
def database(request: pytest.FixtureRequest, servers: Servers, template: str) -> Iterator[Database]:
    """A fresh database, filled for who asks for `seeded` or `placed`."""
    filled = next((kind for kind in ("seeded", "placed") if kind in request.fixturenames), None)
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
