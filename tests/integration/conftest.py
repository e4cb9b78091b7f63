"""A test that asks for `seeded` gets a database with people and hours in it, copied from one that was filled once."""

import secrets
from collections.abc import Iterator

import pytest

from records.database import make_engine
from tests.support import seed
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


@pytest.fixture
def database(request: pytest.FixtureRequest, servers: Servers, template: str) -> Iterator[Database]:
    """A fresh database, filled for who asks for `seeded`."""
    source = request.getfixturevalue("seeded_template")[0] if "seeded" in request.fixturenames else template
    name = f"{template}_{secrets.token_hex(4)}"
    yield servers.create(name, source)
    servers.drop(name)


@pytest.fixture
def seeded(seeded_template: tuple[str, Seeded]) -> Seeded:
    """The ids of what the test's database holds."""
    return seeded_template[1]
