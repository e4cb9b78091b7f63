"""Statements compiled once a run: every engine of a test would compile again what the last one's had compiled."""

from typing import Any

import sqlalchemy
from sqlalchemy import Engine
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.util import LRUCache

from records import database

SIZE = 5_000
"""Statements, of which an engine of its own keeps 500."""


class OneDialect(PGDialect_psycopg):
    """Equal to any other of its kind, since all of a run's databases are of one server's version and settings."""

    supports_statement_cache = True

    def __hash__(self) -> int:
        return hash(OneDialect)

    def __eq__(self, other: object) -> bool:
        return type(other) is OneDialect


_STATEMENTS: LRUCache[Any, Any] = LRUCache(SIZE)


def _create_engine(*args: Any, **kwargs: Any) -> Engine:
    engine = sqlalchemy.create_engine(*args, **kwargs)
    if type(engine.dialect) is PGDialect_psycopg:
        engine.dialect.__class__ = OneDialect
        engine._compiled_cache = _STATEMENTS
    return engine


def share() -> None:
    """Have every engine that is made from now on look into one store, which is the same as one engine's is."""
    vars(database)["create_engine"] = _create_engine
