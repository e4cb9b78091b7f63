"""One database for all golden cases: emptied between two, which costs a tenth of another database."""

from collections.abc import Iterator

import pytest
from redis import Redis
from sqlalchemy import Engine

from records.database import make_engine
from tests.conftest import make_settings
from tests.support.house import House
from tests.support.servers import Servers


@pytest.fixture(scope="module")
def built(servers: Servers, template: str) -> Iterator[tuple[House, Engine]]:
    """A house, and the engine that may empty its tables."""
    database = servers.create(f"{template}_golden", template)
    engine, owner = make_engine(database.url), make_engine(database.owner_url)
    redis = Redis.from_url(servers.redis_url)
    yield House(make_settings(database, servers.redis_url), engine, redis), owner
    redis.close()
    engine.dispose()
    owner.dispose()
    servers.drop(database.name)


@pytest.fixture
def house(built: tuple[House, Engine]) -> House:
    """A site that nothing is known of yet."""
    house, owner = built
    house.reset(owner)
    return house
