"""The engine, and what the database has to be before anything relies on it."""

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

LOCK_TIMEOUT = "10s"
STATEMENT_TIMEOUT = "120s"
IDLE_TIMEOUT = "60s"
"""Of a transaction: whoever froze within one (a stopped process, a lost machine) loses it, and its locks."""
UNREACHABLE_CLASSES = {"08", "53", "57"}
"""SQLSTATE classes: connection lost, no resources, shut down by an operator."""
APPEND_ONLY = ("ledger", "audit", "closings", "closed_members")


class UnsafeDatabase(Exception):
    """The database can't be trusted with the ledger; the message says what to change."""


def make_engine(url: str, *, pool_size: int = 8) -> Engine:
    """An engine on PostgreSQL through psycopg 3. `url` begins with postgresql:// or postgresql+psycopg://."""
    if url.startswith("postgresql://"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        hide_parameters=True,  # an error in a log must not quote names or e-mails
        connect_args={
            "options": f"-c timezone=UTC -c lock_timeout={LOCK_TIMEOUT} -c statement_timeout={STATEMENT_TIMEOUT}"
            f" -c idle_in_transaction_session_timeout={IDLE_TIMEOUT}",
            "connect_timeout": 5,
            "application_name": "copbridge",
        },
    )


def check_database(engine: Engine) -> None:
    """Refuse a database that could lose what it confirmed, or a role that could rewrite the ledger.

    Raises UnsafeDatabase, and OperationalError where it can't be reached.
    """
    with engine.connect() as connection:
        version = int(connection.scalar(text("SHOW server_version_num")) or 0)
        if version < 150000:
            raise UnsafeDatabase(f"PostgreSQL 15 or newer is needed; this server is {version // 10000}.")
        for name in ("fsync", "synchronous_commit"):
            if connection.scalar(text(f"SHOW {name}")) == "off":
                raise UnsafeDatabase(f"The server has {name} off: confirmed events could be lost. Set {name} = on.")
        for table in APPEND_ONLY:
            if connection.scalar(text("SELECT to_regclass(:t)"), {"t": table}) is None:
                raise UnsafeDatabase("The tables are missing: run `copbridge migrate` first.")
            owner = connection.scalar(
                text("SELECT tableowner = current_user FROM pg_tables WHERE tablename = :t AND schemaname = 'public'"),
                {"t": table},
            )
            may = connection.scalar(text("SELECT has_table_privilege(:t, 'UPDATE, DELETE, TRUNCATE')"), {"t": table})
            if owner or may:
                raise UnsafeDatabase(
                    f"The role of DATABASE_URL may change rows of '{table}'. Use a role that owns no table, "
                    "and run `copbridge migrate` with MIGRATION_DATABASE_URL."
                )


def is_unreachable(err: BaseException) -> bool:
    """Whether an error means that the database can't be reached now, rather than that a statement was wrong."""
    if not isinstance(err, OperationalError):
        return False
    state = getattr(err.orig, "sqlstate", None)
    return bool(err.connection_invalidated) or state is None or str(state)[:2] in UNREACHABLE_CLASSES
