"""Alembic's entry: one connection, a transaction a revision, one migration at a time."""

from alembic import context
from sqlalchemy import text

from records.database import make_engine
from records.models import Base


def run() -> None:
    engine = make_engine(context.config.attributes["url"], pool_size=1)
    try:
        with engine.connect() as connection:
            connection.execute(text("SET lock_timeout = 0"))
            # Two that migrate at once take turns; the lock goes with the connection.
            connection.execute(text("SELECT pg_advisory_lock(hashtext('copbridge migrations'))"))
            connection.execute(text("SET lock_timeout = '10s'"))
            connection.commit()
            context.configure(
                connection=connection, target_metadata=Base.metadata, transaction_per_migration=True, compare_type=True
            )
            with context.begin_transaction():
                context.run_migrations()
    finally:
        engine.dispose()


run()
