"""Starting and stopping a program that must not outlive us."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.cli.errors import UserError

LAUNCHER = Path(__file__).with_name("launch.py")
POLL_SECONDS = 0.05


@dataclass(frozen=True)
class Identity:
    """The system user that a program runs as."""

    uid: int
    gid: int


def start(
    command: Sequence[str],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    identity: Identity | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start `command` (an absolute path first) in a process group of its own.

    Its output is appended to `log`. A Ctrl-C at the terminal doesn't reach it: whoever started it
    stops it. On Linux it gets `death_signal` when we die without having stopped it.
    """
    user = (str(identity.uid), str(identity.gid)) if identity else ("-", "-")
    launcher = (sys.executable, "-I", "-S", str(LAUNCHER))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(descriptor, "ab") as output:
        return subprocess.Popen(
            [*launcher, str(os.getpid()), str(int(death_signal)), *user, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=dict(os.environ if env is None else env),
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM, seconds: float = 20) -> None:
    """Ask the process to end, wait, and kill what is left of its group after `seconds`."""
    if process.poll() is None:
        process.send_signal(how)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait(seconds)
    # A leader may be gone while its children still work: they are ours too.
    _signal_group(process.pid, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        # Gone already. macOS answers with the second for a group of zombies.
        return


def wait_until(
    ready: Callable[[], bool],
    *,
    process: subprocess.Popen[bytes],
    name: str,
    log: Path,
    seconds: float = 180,
) -> None:
    """Poll `ready` until it holds.

    Raises:
        UserError: the process ended, or the time is over; names the log and its last line.
    """
    deadline = time.monotonic() + seconds
    while not ready():
        if process.poll() is not None:
            raise UserError(f"{name} ended while starting; {last_line(log)}")
        if time.monotonic() > deadline:
            raise UserError(f"{name} was not ready after {seconds:.0f} s; {last_line(log)}")
        time.sleep(POLL_SECONDS)


def last_line(log: Path) -> str:
    """`its log LOG ends with: ...`, for an error's sentence."""
    text = log.read_text(errors="replace").strip() if log.exists() else ""
    ending = text.splitlines()[-1].strip() if text else "(nothing)"
    return f"its log {log} ends with: {ending}"
