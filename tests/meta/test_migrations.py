"""The migrations: one line of revisions, the models' very schema, and an upgrade from each released one."""

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs import reconcile
from records import ledger
from records.database import make_engine
from records.migrate import MigrationError, alembic_config, upgrade
from records.models import Base, Membership
from records.settings import Settings
from tests.support import readings, releases
from tests.support.servers import Servers
from tests.support.settings import make_settings


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(alembic_config("postgresql://nobody@nowhere/none")).get_heads()) == 1


def test_the_migrations_give_the_schema_of_the_models(owner_engine: Engine) -> None:
    with owner_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_upgrading_twice_changes_nothing(settings: Settings, owner_engine: Engine) -> None:
    upgrade(settings)
    with owner_engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_the_owner_and_the_application_are_two_roles(settings: Settings) -> None:
    same = settings.model_copy(update={"database_url": settings.migration_database_url})
    with pytest.raises(MigrationError, match="role of its own"):
        upgrade(same)
    with pytest.raises(MigrationError, match="MIGRATION_DATABASE_URL is not set"):
        upgrade(settings.model_copy(update={"migration_database_url": None}))


def test_every_revision_has_an_installation_to_upgrade_from() -> None:
    assert [name for name in releases.revisions() if not (releases.FOLDER / f"{name}.sql").is_file()] == []


@pytest.mark.parametrize("revision", releases.revisions())
def test_an_installation_with_data_upgrades_from_each_revision(servers: Servers, revision: str) -> None:
    database = servers.create(f"copbridge_from_{revision}")
    try:
        settings = make_settings(database, servers.redis_url)
        upgrade(settings, revision)
        with psycopg.connect(database.admin_url.replace("+psycopg", "")) as connection:
            connection.execute("SET session_replication_role = replica")
            connection.execute((releases.FOLDER / f"{revision}.sql").read_bytes())
        upgrade(settings)
        engine = make_engine(database.url)
        with Session(engine) as session:
            members = list(session.scalars(select(Membership.id)))
            before = ledger.nets(session, members)
        # What a revision made standings say anew is computed by the workers.
        reconcile.reconcile_dirty(engine, lambda: readings.NOW)
        with Session(engine) as session:
            after = ledger.nets(session, members)
            differences = ledger.compare(session, members, readings.NOW)
        engine.dispose()
    finally:
        servers.drop(database.name)
    assert members, "the installation has people in it"
    assert sum(before.values()) > 0
    assert after == before, "an upgrade moves no minute"
    assert differences == [], "its books still say what its inputs say"
