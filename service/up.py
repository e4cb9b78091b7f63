"""`copbridge up`: everything on one machine, from one state folder, on loopback only."""

import os
import socket
import sys
from pathlib import Path

from records.migrate import MigrationError, upgrade
from records.secrets import Purpose
from records.settings import Settings
from service.cli.errors import UserError
from service.embedded.postgres import Passwords, Postgres
from service.embedded.valkey import Valkey
from service.state import StateFolder
from service.supervisor import Child, Stopped, Supervisor, say

HOST = "127.0.0.1"
SANDBOX_SECRET = "SANDBOX_WEBHOOK_SECRET"  # noqa: S105 - a file's name
# What only the service may know: the sandbox is a stranger's Moodle.
PRIVATE = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEY", "SMTP_PASSWORD")


def run(state: Path, port: int, sandbox_port: int) -> None:
    """Start everything, say where it is, and keep it running until SIGINT, SIGTERM or SIGHUP.

    Raises:
        UserError: a port or the state folder can't be used, or a part didn't start; whatever had
            been started is stopped again.
    """
    check_ports(port, sandbox_port)
    with StateFolder(state) as folder, Supervisor() as supervisor:
        say(f"Starting CoP Bridge; its data are in {folder.path}")
        try:
            start_all(supervisor, folder, port, sandbox_port)
            supervisor.watch()
        except Stopped:
            say("Asked to stop while starting.")
        say("Stopping.")


def check_ports(port: int, sandbox_port: int) -> None:
    """Raise UserError if a port is taken; nothing has been started then."""
    if port == sandbox_port:
        raise UserError(f"The board and the sandbox can't share port {port}: name another with SANDBOX_PORT=.")
    for number, option in ((port, "PORT"), (sandbox_port, "SANDBOX_PORT")):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            # As the servers do: the remains of closed connections don't count as use.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, number))
            except PermissionError as err:
                raise UserError(f"Port {number} needs more rights: name another with {option}=.") from err
            except OSError as err:
                raise UserError(f"Port {number} on {HOST} is in use: name another with {option}=.") from err


def start_all(supervisor: Supervisor, folder: StateFolder, port: int, sandbox_port: int) -> None:
    """Start every part in order, and print the addresses once all are healthy."""
    # Imported here: it brings the whole web application along.
    from service.demo import prepare, take_tokens

    board = f"http://{HOST}:{port}"
    sandbox = f"http://{HOST}:{sandbox_port}"
    settings = _start_servers(supervisor, folder, board)
    try:
        upgrade(settings)
    except MigrationError as err:
        raise UserError(str(err)) from err
    environment = _environment(settings)
    children = [
        _child(folder, "web", ("web", "--bind", f"{HOST}:{port}"), environment, f"{board}/healthz"),
        _child(folder, "worker", ("worker",), environment),
        _child(folder, "scheduler", ("scheduler",), environment),
    ]
    for child in children:
        supervisor.start(child.name, child)
    demo = prepare(settings, sandbox, folder.path)
    secret_file = folder.keep(SANDBOX_SECRET, demo.webhook_secret)
    simulated = _sandbox(folder, sandbox_port, f"{board}/webhooks/{demo.site_slug}/events", secret_file)
    supervisor.start(simulated.name, simulated)
    for child in (*children, simulated):
        child.wait(supervisor.check)
    take_tokens(settings, token_files(folder))
    say(f"\nStaff board     {board}\nSandbox Moodle  {sandbox}")
    if demo.sign_in_url:
        say(demo.told)
    say("\nCtrl-C stops everything.")


def _start_servers(supervisor: Supervisor, folder: StateFolder, board: str) -> Settings:
    """Start the embedded servers that the environment doesn't replace; the settings of them all."""
    values = {
        "secret_key": os.environ.get("SECRET_KEY") or folder.secret("SECRET_KEY"),
        "encryption_key": os.environ.get("ENCRYPTION_KEY") or folder.secret("ENCRYPTION_KEY"),
        "public_url": os.environ.get("PUBLIC_URL") or board,
        "mail_folder": os.environ.get("MAIL_FOLDER") or str(folder.path / "mail"),
    }
    if os.environ.get("DATABASE_URL"):
        values["database_url"] = os.environ["DATABASE_URL"]
    else:
        postgres = Postgres(
            folder.path,
            Passwords(*(folder.secret(f"POSTGRES_{role}_PASSWORD") for role in ("ADMIN", "OWNER", "APP"))),
            folder.logs / "postgres.log",
        )
        supervisor.start("PostgreSQL", postgres)
        if postgres.elsewhere:
            say(f"PostgreSQL can't run as root inside that folder; its data are in {postgres.folder}")
        values["database_url"] = postgres.app_url()
        values["migration_database_url"] = postgres.owner_url()
    if os.environ.get("REDIS_URL"):
        values["redis_url"] = os.environ["REDIS_URL"]
    else:
        valkey = Valkey(folder.path / "valkey", folder.logs / "valkey.log")
        supervisor.start("Valkey", valkey)
        values["redis_url"] = valkey.url
    return Settings.model_validate(values)


def _environment(settings: Settings) -> dict[str, str]:
    """For the service's processes; they have no use for the owner's role."""
    environment = {name: value for name, value in os.environ.items() if name not in PRIVATE}
    return environment | {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "PUBLIC_URL": settings.public_url,
        "MAIL_FOLDER": str(settings.mail_folder),
        "PYTHONUNBUFFERED": "1",
        **({"SMTP_PASSWORD": settings.smtp_password.get_secret_value()} if settings.smtp_password else {}),
    }


def _child(
    folder: StateFolder, name: str, arguments: tuple[str, ...], environment: dict[str, str], health: str = ""
) -> Child:
    """One of our own commands, run exactly as a deployment runs it."""
    copbridge = Path(sys.executable).with_name("copbridge")
    command = (str(copbridge), *arguments)
    return Child(name, command, log=folder.logs / f"{name}.log", cwd=folder.path, env=environment, health=health)


def token_files(folder: StateFolder) -> dict[Purpose, Path]:
    """Where the sandbox leaves its tokens."""
    secrets = folder.path / "secrets"
    return {
        Purpose.WEB_SERVICES: secrets / "SANDBOX_TOKEN",
        Purpose.PROVISIONING: secrets / "SANDBOX_PROVISIONING_TOKEN",
    }


def _sandbox(folder: StateFolder, port: int, target: str, secret_file: Path) -> Child:
    environment = {name: value for name, value in os.environ.items() if name not in PRIVATE}
    tokens = token_files(folder)
    command = (
        *(sys.executable, "-m", "sandbox", "--port", str(port)),
        *("--state", str(folder.path / "sandbox.json"), "--target", target, "--secret-file", str(secret_file)),
        *("--token-file", str(tokens[Purpose.WEB_SERVICES]), "--plugin"),
        *("--provisioning-token-file", str(tokens[Purpose.PROVISIONING])),
    )
    return Child(
        "sandbox",
        command,
        log=folder.logs / "sandbox.log",
        cwd=folder.path,
        env=environment | {"PYTHONUNBUFFERED": "1"},
        health=f"http://{HOST}:{port}/healthz",
    )
