"""A PostgreSQL that outlived the supervisor that started it, and the file it leaves when killed."""

import os
import signal
import time
from pathlib import Path

from service.cli.errors import UserError

POLL_SECONDS = 0.1


def clear(data: Path, seconds: float = 30) -> None:
    """End a server that still runs on `data`, and remove a stale `postmaster.pid`.

    To be called by the holder of the state folder's lock, so that such a server can only be one
    that its supervisor left behind. Without a /proc to ask, PostgreSQL decides by itself.

    Raises:
        UserError: the server is still there after `seconds`.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists() or not Path("/proc/self").exists():
        return
    pid = _first_number(pid_file)
    deadline = time.monotonic() + seconds
    asked = False
    while pid is not None and _serves(pid, data):
        if time.monotonic() > deadline:
            raise UserError(f"An earlier PostgreSQL (process {pid}) still runs on {data} and doesn't stop.")
        if not asked:
            os.kill(pid, signal.SIGINT)
            asked = True
        time.sleep(POLL_SECONDS)
    # The number in the file may by now belong to a stranger, for whose sake PostgreSQL would
    # refuse to start. A server that is dead or isn't this one doesn't need the file.
    pid_file.unlink(missing_ok=True)


def _first_number(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None


def _serves(pid: int, data: Path) -> bool:
    """Whether the process is a PostgreSQL started on exactly this folder."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in words
