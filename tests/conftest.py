"""Fixtures for all tests: real PostgreSQL and Valkey, one pair for the run, one database a test."""

import secrets
from collections.abc import Iterator
from functools import cache

import pytest
from argon2 import PasswordHasher
from playwright.sync_api import Browser, sync_playwright
from redis import Redis
from sqlalchemy import Engine

from records import passwords
from records.database import make_engine
from records.migrate import upgrade
from records.settings import Settings
from tests.support import chromium, compiled
from tests.support.bench import Bench, open_bench
from tests.support.house import House
from tests.support.servers import Database, Servers
from tests.support.settings import make_settings

passwords._hasher = cache(lambda: PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
"""A hash of a password takes a third of a second by design: hundreds of them in a run would test nothing more.
tests/unit/records/test_passwords.py looks at the real one."""
compiled.share()
MISSING_BROWSER = pytest.StashKey[bool]()


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """The run's PostgreSQL and Valkey. A test that kills or restarts servers starts `Servers()` of its own."""
    running = Servers.from_environment()
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def template(servers: Servers) -> Iterator[str]:
    """Name of a migrated, otherwise empty database."""
    name = f"copbridge_test_{secrets.token_hex(6)}"
    database = servers.create(name)
    upgrade(make_settings(database, servers.redis_url))
    yield name
    servers.drop(name)


@pytest.fixture
def database(servers: Servers, template: str) -> Iterator[Database]:
    """A fresh, migrated database: `.url` (application's role), `.owner_url`, `.admin_url`, `.name`."""
    name = f"{template}_{secrets.token_hex(4)}"
    yield servers.create(name, template)
    servers.drop(name)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """The test's database as the application's role."""
    made = make_engine(database.url)
    yield made
    made.dispose()


@pytest.fixture
def owner_engine(database: Database) -> Iterator[Engine]:
    """The test's database as the role that owns the tables."""
    made = make_engine(database.owner_url)
    yield made
    made.dispose()


@pytest.fixture
def redis(servers: Servers) -> Iterator[Redis]:
    """A client of the run's Redis, whose database is flushed before and after."""
    client = Redis.from_url(servers.redis_url)
    client.flushdb()
    yield client
    client.flushdb()
    client.close()


@pytest.fixture
def settings(database: Database, redis: Redis, servers: Servers) -> Settings:
    """Settings of the test's database and Redis, with fresh secrets."""
    assert redis.ping()
    return make_settings(database, servers.redis_url)


@pytest.fixture(scope="module")
def bench(servers: Servers, template: str) -> Iterator[Bench]:
    """One house for a whole module of tests; `bench.emptied()` forgets all that it knew."""
    with open_bench(servers, template) as opened:
        yield opened


@pytest.fixture
def house(bench: Bench) -> House:
    """A site that nothing is known of yet."""
    return bench.emptied()


@pytest.fixture(scope="session")
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    """The installed Chromium, driven by Playwright; skips where there is none."""
    path = chromium.find()
    if path is None:
        request.config.stash[MISSING_BROWSER] = True
        pytest.skip(chromium.HOW_TO_GET_IT)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(chromium.FLAGS))
        yield started
        started.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """One line on what a bare machine lacks for the browser tests."""
    if config.stash.get(MISSING_BROWSER, False):
        terminalreporter.write_line(f"Browser tests were skipped: {chromium.HOW_TO_GET_IT}")
