"""A house for a whole module of tests: emptied between two of them, which costs a tenth of another database."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis
from sqlalchemy import Engine

from records.database import make_engine
from tests.support.house import LAB, House
from tests.support.servers import Database, Servers
from tests.support.settings import make_settings


@dataclass(frozen=True)
class Bench:
    """A house, its database, and the engine of the role that may empty it."""

    house: House
    database: Database
    owner: Engine

    def emptied(self) -> House:
        """The house, of which nothing is known."""
        self.house.reset(self.owner)
        return self.house


@contextmanager
def open_bench(servers: Servers, template: str, program: str = LAB) -> Iterator[Bench]:
    """A house in a database of its own, with the program of that text."""
    database = servers.create(f"{template}_{secrets.token_hex(4)}", template)
    engine, owner = make_engine(database.url), make_engine(database.owner_url)
    redis = Redis.from_url(servers.redis_url)
    try:
        settings = make_settings(database, servers.redis_url)
        yield Bench(House(settings, engine, redis, program=program), database, owner)
    finally:
        redis.close()
        engine.dispose()
        owner.dispose()
        servers.drop(database.name)
