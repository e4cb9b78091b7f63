"""The house under test, as a newcomer starts it: `copbridge up` in a folder of its own, reached over HTTP."""

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

START_SECONDS = 120.0
SITE = "bench"
WWWROOT = "https://moodle.example.org"
"""What sandbox.load's batches say that they come from."""


@dataclass(frozen=True)
class House:
    """A running installation. `admin` connects as PostgreSQL's superuser (for the references alone)."""

    port: int
    path: str
    secret: str
    admin: str
    processes: dict[str, list[psutil.Process]]

    def cpu(self) -> dict[str, float]:
        """CPU seconds used so far, by part; PostgreSQL's with all of its backends, also those that ended."""
        return {name: sum(cpu_of(process) for process in found) for name, found in self.processes.items()}

    def freeze(self, part: str, *, frozen: bool) -> None:
        for process in self.processes[part]:
            process.send_signal(signal.SIGSTOP if frozen else signal.SIGCONT)


def cpu_of(process: psutil.Process) -> float:
    """CPU seconds of a process with its children, also those that ended."""
    total = 0.0
    for member in [process, *process.children(recursive=True)]:
        try:
            times = member.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
        if member is process:
            total += times.children_user + times.children_system
    return total


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def copbridge() -> str:
    """The command beside this interpreter."""
    return str(Path(sys.executable).with_name("copbridge"))


@contextmanager
def running(state: Path) -> Iterator[House]:
    """Start everything, add a site of our own, stop everything."""
    port, sandbox_port = free_port(), free_port()
    command = [copbridge(), "up", "--state", str(state), "--port", str(port), "--sandbox-port", str(sandbox_port)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=_plain_environment())
    try:
        _await(started)
        environment = _environment(state / "environment")
        site = _add_site(environment)
        yield House(port, f"/webhooks/{SITE}/events", site, _admin(state), _parts(started.pid))
    finally:
        started.send_signal(signal.SIGINT)
        started.wait(60)


def _plain_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.endswith("_URL")}


def _await(started: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + START_SECONDS
    if started.stdout is None:
        raise RuntimeError("no output to wait on")
    for line in started.stdout:
        if "Ctrl-C" in line:
            return
        if time.monotonic() > deadline:
            break
    raise RuntimeError("copbridge up did not start; its state folder holds the logs")


def _environment(path: Path) -> dict[str, str]:
    """The exports that `copbridge up` leaves for the command line."""
    words = (shlex.split(line)[1] for line in path.read_text().splitlines() if line.startswith("export "))
    return _plain_environment() | dict(word.split("=", 1) for word in words)


def _add_site(environment: dict[str, str]) -> str:
    command = [copbridge(), "site", "add", SITE, "--wwwroot", WWWROOT, "--name", "Benchmark", "--json"]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return str(json.loads(answer.stdout)["secret"])


def _admin(state: Path) -> str:
    password = (state / "secrets" / "POSTGRES_ADMIN_PASSWORD").read_text().strip()
    return f"host={state / 'postgres' / 'run'} user=postgres password={password} dbname=copbridge"


def _parts(pid: int) -> dict[str, list[psutil.Process]]:
    """The processes by part: what `copbridge up` started."""
    found: dict[str, list[psutil.Process]] = {"web": [], "worker": [], "scheduler": [], "postgres": [], "valkey": []}
    for process in psutil.Process(pid).children():
        line = " ".join(process.cmdline())
        for part, mark in (("web", "gunicorn"), ("worker", "copbridge worker"), ("scheduler", "copbridge scheduler")):
            if mark in line:
                found[part].append(process)
        if "postgres" in Path(process.cmdline()[0]).name:
            found["postgres"].append(process)
        if "valkey" in line and "postgres" not in line:
            found["valkey"].append(process)
    missing = [part for part in ("web", "worker", "postgres") if not found[part]]
    if missing:
        raise RuntimeError(f"no process found of: {', '.join(missing)}")
    return found
