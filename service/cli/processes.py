"""The commands that run: `up`, and the processes that it and any deployment start."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from service.cli.errors import UserError

if TYPE_CHECKING:
    from records.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(up)
    app.command()(web)
    app.command()(worker)
    app.command()(scheduler)
    app.command()(migrate)


def load_settings() -> "Settings":
    """Settings from the environment and from files of secrets.

    Raises:
        UserError: one is missing or wrong; names each by its environment variable.
    """
    from records.settings import Settings

    try:
        return Settings.model_validate({})
    except ValidationError as err:
        faults = "; ".join(
            # A fault of several settings together names them in its words.
            f"{'.'.join(str(part) for part in fault['loc']).upper()}: {fault['msg'].lower()}".removeprefix(": ")
            for fault in err.errors(include_input=False, include_url=False)
        )
        raise UserError(f"These settings have to be mended first (docs/settings.md): {faults}.", code=2) from None


def up(
    state: Annotated[Path, typer.Option(help="The folder that keeps everything.")] = Path(".state"),
    port: Annotated[int, typer.Option(min=1, max=65535, help="Of the staff board.")] = 8080,
    sandbox_port: Annotated[int, typer.Option(min=1, max=65535, help="Of the sandbox Moodle.")] = 8081,
) -> None:
    """Start everything on this machine: servers, migrations, web, worker, scheduler, sandbox.

    PostgreSQL and Valkey are embedded ones under the state folder, unless DATABASE_URL (with
    MIGRATION_DATABASE_URL) and REDIS_URL name others. It listens on 127.0.0.1 only.
    """
    from service.up import run

    run(state, port, sandbox_port)


def web(
    bind: Annotated[str, typer.Option(help="Address and port to listen on.")] = "127.0.0.1:8080",
    processes: Annotated[int, typer.Option(min=1, help="Worker processes.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each process.")] = 8,
) -> None:
    """Serve the pages and the intake, by gunicorn."""
    load_settings()
    arguments = [
        *(sys.executable, "-m", "gunicorn", "--config", "python:service.gunicorn_conf"),
        *("--bind", bind, "--workers", str(processes), "--threads", str(threads)),
        "service.wsgi:build()",
    ]
    sys.stdout.flush()
    os.execv(sys.executable, arguments)  # noqa: S606 - gunicorn takes this process' place, and its signals


def worker() -> None:
    """Take jobs off the queues."""
    from jobs.worker import run
    from service.nudge_words import write

    run(load_settings(), write=write)


def scheduler() -> None:
    """Start periodic jobs when they are due. Any number of schedulers may run."""
    from jobs.scheduler import run

    run(load_settings())


def migrate() -> None:
    """Bring the database to the newest schema, as MIGRATION_DATABASE_URL's role."""
    from records.migrate import MigrationError, upgrade

    try:
        upgrade(load_settings())
    except MigrationError as err:
        raise UserError(str(err)) from err
    typer.echo("The database has the newest schema.")
