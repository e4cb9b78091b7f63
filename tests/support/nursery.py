"""A parent that has imported everything and forks `copbridge` commands: a restart costs a tenth of a second.

Reads lines of JSON, [log, command, ...], from its standard input and answers each with a process id. Every
child leads a process group of its own and runs the very command line that a deployment runs; all of them
are killed when the input ends.
"""

import ctypes
import importlib
import json
import os
import signal
import sys
from typing import NoReturn

from sqlalchemy.orm import configure_mappers

from service import cli

IMPORTED = ("gunicorn.app.wsgiapp", "gunicorn.workers.gthread", "jobs.scheduler", "jobs.worker", "service.wsgi")
"""What the commands import on their first use."""
PR_SET_PDEATHSIG = 1


def _run_gunicorn(_path: str, arguments: list[str]) -> NoReturn:
    """In place of execv: gunicorn with the arguments that it was to get."""
    assert arguments[1:3] == ["-m", "gunicorn"]
    sys.argv = ["gunicorn", *arguments[3:]]
    importlib.import_module("gunicorn.app.wsgiapp").run()
    raise SystemExit(0)


def _child(log: str, command: list[str]) -> NoReturn:
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(output, 1)
    os.dup2(output, 2)
    setattr(os, "execv", _run_gunicorn)  # noqa: B010 - a replacement, for this process alone
    sys.argv = ["copbridge", *command]
    cli.main()
    raise SystemExit(0)


def main() -> None:
    """Fork what is asked for until the input ends."""
    # Nobody waits for the children: the kernel takes them away.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for name in IMPORTED:
        importlib.import_module(name)
    configure_mappers()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    groups = []
    for line in sys.stdin:
        log, *command = json.loads(line)
        pid = os.fork()
        if pid == 0:
            _child(log, command)
        groups.append(pid)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
    for group in groups:
        try:
            os.killpg(group, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
