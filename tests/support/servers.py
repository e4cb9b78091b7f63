"""PostgreSQL and Valkey for tests: the embedded ones, or servers that the environment names."""

import hashlib
import hmac
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

from service.embedded.postgres import ADMIN, APP, OWNER, Passwords, Postgres, make_database, make_role
from service.embedded.valkey import Valkey


@dataclass(frozen=True)
class Database:
    """One database of a test, as SQLAlchemy URLs."""

    name: str
    url: str
    """As the application's role."""
    owner_url: str
    """As the role that owns the tables."""
    admin_url: str
    """As the superuser."""


MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it
ROOM, SPARE = 4 * 2**30, 8 * 2**30
"""Bytes that the folder in memory must have free, and the machine besides."""
TOGETHER = 40
"""So many databases are dropped at a time."""


def _place() -> Path | None:
    """Where the servers' data lie: in memory where there is room for them, since a disk makes every commit wait.
    None: where temporary files lie."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM
    return MEMORY if roomy and psutil.virtual_memory().available >= SPARE else None


class Servers:
    """PostgreSQL and Redis for a run of tests; `start` before use, `stop` after."""

    def __init__(self, admin_url: str | None = None, redis_url: str | None = None) -> None:
        self._given_admin_url = admin_url
        self._given_redis_url = redis_url
        self.folder = Path(tempfile.mkdtemp(prefix="copbridge-test-", dir=_place()))
        self.postgres: Postgres | None = None
        """The embedded server, None where TEST_DATABASE_URL names another."""
        self.valkey: Valkey | None = None
        """The embedded server, None where TEST_REDIS_URL names another."""
        self._passwords = Passwords(*(secrets.token_urlsafe(16) for _ in range(3)))
        self._done_with: list[str] = []

    @classmethod
    def from_environment(cls) -> "Servers":
        """As TEST_DATABASE_URL (a superuser's URL) and TEST_REDIS_URL say; they will be written to."""
        return cls(os.environ.get("TEST_DATABASE_URL"), os.environ.get("TEST_REDIS_URL"))

    def start(self) -> None:
        """Start what wasn't given, and make the two roles."""
        if self._given_admin_url is None:
            self.postgres = Postgres(self.folder, self._passwords)
            self.postgres.start()
            self._make_connecting_cheap()
        else:
            # The same on every run against this server, so that runs side by side agree.
            self._passwords = Passwords("", *(_derived(self._given_admin_url, role) for role in (OWNER, APP)))
            with self._connect() as connection:
                make_role(connection, OWNER, self._passwords.owner)
                make_role(connection, APP, self._passwords.app)
        if self._given_redis_url is None:
            (self.folder / "valkey").mkdir()
            self.valkey = Valkey(self.folder / "valkey")
            self.valkey.start()

    def stop(self) -> None:
        """Stop what `start` started, and remove its data."""
        if self.postgres is None:
            self._drop_all()
        if self.valkey is not None:
            self.valkey.stop()
        if self.postgres is not None:
            self.postgres.stop()
            if self.postgres.elsewhere:
                shutil.rmtree(self.postgres.folder)
        shutil.rmtree(self.folder)

    def _make_connecting_cheap(self) -> None:
        """The three passwords again, hashed once instead of 4096 times: every connection does it over, and a run has
        tens of thousands. `postgres_wants_a_password` of test_embedded.py looks at the real ones.
        """
        with self._connect() as connection:
            connection.execute("SET scram_iterations = 1")
            make_role(connection, OWNER, self._passwords.owner)
            make_role(connection, APP, self._passwords.app)
            admin = sql.SQL("ALTER ROLE {} PASSWORD {}").format(
                sql.Identifier(ADMIN), sql.Literal(self._passwords.admin)
            )
            connection.execute(admin)

    @property
    def redis_url(self) -> str:
        """The Redis server's URL."""
        if self.valkey is not None:
            return self.valkey.url
        return str(self._given_redis_url)

    def database(self, name: str) -> Database:
        """The URLs of a database, whether it exists or not."""
        return Database(
            name,
            url=self._url(name, APP, self._passwords.app),
            owner_url=self._url(name, OWNER, self._passwords.owner),
            admin_url=_text(self._admin_url(name)),
        )

    def create(self, name: str, template: str = "template1") -> Database:
        """Make a database out of a template, which nobody may be connected to."""
        with self._connect() as connection:
            make_database(connection, name, template)
        return self.database(name)

    def drop(self, name: str) -> None:
        """Have a database dropped, whoever is connected to it: a number of them together.

        PostgreSQL answers a drop only when the disk has everything: that is waited for once a number.
        """
        self._done_with.append(name)
        if len(self._done_with) >= TOGETHER:
            self._drop_all()

    def _drop_all(self) -> None:
        with self._connect() as connection:
            for name in self._done_with:
                connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        self._done_with.clear()

    def _admin_url(self, database: str) -> URL:
        if self.postgres is not None:
            return make_url(self.postgres.admin_url(database))
        return make_url(str(self._given_admin_url)).set(drivername="postgresql+psycopg", database=database)

    def _url(self, database: str, role: str, password: str) -> str:
        return _text(self._admin_url(database).set(username=role, password=password))

    def _connect(self) -> psycopg.Connection:
        url = _text(self._admin_url("postgres").set(drivername="postgresql"))
        return psycopg.connect(url, autocommit=True)


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


def _derived(admin_url: str, role: str) -> str:
    return hmac.new(admin_url.encode(), role.encode(), hashlib.sha256).hexdigest()
