"""Bring the tables to the newest schema, as the role that owns them."""

import re
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text
from sqlalchemy.engine import make_url

from records.database import APPEND_ONLY, make_engine
from records.settings import Settings


class MigrationError(Exception):
    """The migration can't begin; the message says what is missing."""


def alembic_config(owner_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["url"] = owner_url
    return config


def grant(owner_url: str, role: str) -> None:
    """What the application's role may do: rows of every table, and of the append-only ones SELECT and INSERT."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]*", role):
        raise MigrationError(f"The role '{role}' in DATABASE_URL is not a plain lower-case name.")
    statements = [
        f"GRANT USAGE ON SCHEMA public TO {role}",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
        f"REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {role}",
    ]
    engine = make_engine(owner_url, pool_size=1)
    try:
        with engine.begin() as connection:
            if not connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role}):
                raise MigrationError(
                    f"The database has no role '{role}' (from DATABASE_URL): create it with LOGIN first."
                )
            for statement in statements:
                connection.execute(text(statement))
            for table in APPEND_ONLY:
                if connection.scalar(text("SELECT to_regclass(:t)"), {"t": table}):
                    connection.execute(text(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {role}"))
    finally:
        engine.dispose()


def upgrade(settings: Settings, revision: str = "head") -> None:
    """Upgrade as MIGRATION_DATABASE_URL's role and grant the least that DATABASE_URL's role needs.

    Raises MigrationError where the owner's URL is missing or both are one role.
    """
    if not settings.migration_database_url:
        raise MigrationError("MIGRATION_DATABASE_URL is not set: it names the role that owns the tables.")
    app_role = make_url(settings.database_url).username
    if not app_role or app_role == make_url(settings.migration_database_url).username:
        raise MigrationError("DATABASE_URL has to name a role of its own, other than the owner of the tables.")
    command.upgrade(alembic_config(settings.migration_database_url), revision)
    grant(settings.migration_database_url, app_role)
