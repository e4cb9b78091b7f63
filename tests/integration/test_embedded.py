"""The embedded servers: they come back after a kill, and touch nothing beside their folder."""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from service.cli.errors import UserError
from service.embedded.placement import can_reach, copy_programs
from service.embedded.postgres import Passwords, Postgres
from service.embedded.process import Identity
from service.embedded.valkey import Valkey
from tests.support.up import permissions_above

PASSWORDS = Passwords("of-the-admin", "of-the-owner", "of-the-app")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A short folder that all may pass through, unlike pytest's own."""
    made = Path(tempfile.mkdtemp(prefix="copbridge-test-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture(scope="module")
def stopped() -> Iterator[Path]:
    """A state folder whose cluster was made by a first start, and stopped: to make one takes seconds."""
    made = Path(tempfile.mkdtemp(prefix="copbridge-test-"))
    made.chmod(0o711)
    state = made / "state"
    state.mkdir(mode=0o700)
    first = Postgres(state, PASSWORDS)
    first.start()
    first.stop()
    yield state
    shutil.rmtree(made)


@pytest.fixture
def postgres(folder: Path, stopped: Path) -> Iterator[Postgres]:
    """A cluster as a first start left it, each test's own."""
    subprocess.run(["/bin/cp", "-a", stopped, folder / "state"], check=True)
    server = Postgres(folder / "state", PASSWORDS)
    yield server
    server.stop()


def value(url: str, query: str) -> object:
    with psycopg.connect(make_url(url).set(drivername="postgresql").render_as_string(False)) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def test_postgres_is_durable_and_on_no_network(postgres: Postgres) -> None:
    postgres.start()
    shown = {name: value(postgres.app_url(), f"SHOW {name}") for name in ("fsync", "synchronous_commit")}
    assert shown == {"fsync": "on", "synchronous_commit": "on"}
    assert value(postgres.app_url(), "SHOW listen_addresses") == ""
    assert (
        value(
            postgres.app_url(),
            "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user",
        )
        is False
    )


def test_postgres_wants_a_password(postgres: Postgres) -> None:
    postgres.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        value(postgres.app_url().replace("of-the-app", "wrong"), "SELECT 1")


def test_application_role_owns_nothing(postgres: Postgres) -> None:
    postgres.start()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        value(postgres.app_url(), "CREATE TABLE mine (id int)")


def test_postgres_comes_back_after_kill(postgres: Postgres) -> None:
    postgres.start()
    value(postgres.owner_url(), "SELECT 1 FROM lo_create(4711)")
    postgres.stop(signal.SIGKILL)
    assert (postgres.folder / "data" / "postmaster.pid").exists()
    postgres.start()
    assert value(postgres.owner_url(), "SELECT oid FROM pg_largeobject_metadata") == 4711


def test_a_stale_pid_that_is_now_a_strangers_is_no_hindrance(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop(signal.SIGKILL)
    pid_file = postgres.folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    with subprocess.Popen(["/bin/sleep", "600"]) as stranger:
        try:
            pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
            postgres.start()
            assert stranger.poll() is None
        finally:
            stranger.kill()


def test_an_orphan_is_ended_before_the_next_start(postgres: Postgres) -> None:
    postgres.start()
    orphan = postgres._process
    assert orphan is not None
    again = Postgres(postgres.state, PASSWORDS)
    again.start()
    assert orphan.wait(10) == 0
    assert value(again.app_url(), "SELECT 1") == 1
    again.stop()


def test_data_of_another_major_version(postgres: Postgres) -> None:
    postgres.start()
    postgres.stop()
    (postgres.folder / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(UserError, match="written by PostgreSQL 15 and this copbridge brings 18"):
        postgres.start()


def test_a_long_path_gets_a_short_socket_folder(folder: Path) -> None:
    state = folder / ("long" * 30)
    state.mkdir(mode=0o700)
    server = Postgres(state, PASSWORDS)
    try:
        server.start()
        first = server.app_url()
        assert value(first, "SELECT 1") == 1
        server.stop()
        server.start()
        assert server.app_url() == first
    finally:
        server.stop()
    socket_folder = Path((server.folder / "socket-folder").read_text().strip())
    assert socket_folder.stat().st_mode & 0o777 == 0o700
    socket_folder.rmdir()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can't run PostgreSQL in a closed folder")
def test_root_in_a_closed_folder_opens_nothing(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    state = closed / "state"
    state.mkdir(mode=0o700)
    before = permissions_above(state)
    server = Postgres(state, PASSWORDS, elsewhere=folder / "elsewhere")
    try:
        server.start()
        assert value(server.app_url(), "SELECT 1") == 1
        assert server.elsewhere
        assert server.folder.parent == folder / "elsewhere"
        assert server.folder.stat().st_mode & 0o777 == 0o700
        first = server.folder
        server.stop()
        server.start()
        assert server.folder == first
    finally:
        server.stop()
    assert permissions_above(state) == before
    shutil.rmtree(server.folder)
    with pytest.raises(UserError, match="and that folder is gone"):
        server.start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root needs the programs elsewhere")
def test_copied_programs_run_as_an_ordinary_user(folder: Path) -> None:
    programs = copy_programs(folder, folder / "elsewhere")
    assert programs == copy_programs(folder, folder / "elsewhere")
    assert can_reach(programs / "initdb", Identity(65534, 65534))
    shown = subprocess.run(
        [programs / "initdb", "--version"], user=65534, group=65534, capture_output=True, text=True, check=True
    )
    assert "18" in shown.stdout


def test_postgres_changes_no_permission_above(folder: Path) -> None:
    # Where nothing is yet: to make the cluster is part of it.
    (folder / "state").mkdir(mode=0o700)
    server = Postgres(folder / "state", PASSWORDS)
    before = permissions_above(server.state)
    try:
        server.start()
        assert permissions_above(server.state) == before
        assert not server.elsewhere
    finally:
        server.stop()


def test_valkey_keeps_what_it_was_given(folder: Path) -> None:
    from redis import Redis

    server = Valkey(folder)
    server.start()
    with Redis.from_url(server.url) as client:
        client.set("key", "value")
    server.stop()
    server.start()
    try:
        with Redis.from_url(server.url) as client:
            assert client.get("key") == b"value"
            assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
    finally:
        server.stop()
