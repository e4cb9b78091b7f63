"""The house's own processes for tests that kill them: web, workers, scheduler, each a real process group."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

from records.settings import Settings
from tests.support.up import free_port

ROOT = Path(__file__).parents[2]


class Process:
    """One `copbridge` command, and its group."""

    def __init__(self, nursery: "Nursery", *command: str) -> None:
        self.command = command
        self._nursery = nursery
        self.pid = nursery.spawn(command)

    @property
    def name(self) -> str:
        return self.command[0]

    def alive(self) -> bool:
        """Whether the group's leader runs (or is frozen)."""
        try:
            return Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def members(self) -> list[int]:
        """The leader's children: gunicorn's worker processes."""
        try:
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        except OSError:
            return []

    def signal(self, number: signal.Signals) -> None:
        """Send to the whole group; one that is gone gets nothing."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def kill(self) -> None:
        """SIGKILL the whole group, and start the command anew, as any supervisor would."""
        self.signal(signal.SIGKILL)
        self.pid = self._nursery.spawn(self.command)

    def ensure(self) -> None:
        """Start the command anew where it has ended by itself, as any supervisor would."""
        if not self.alive():
            self.kill()


class Nursery:
    """Starts the processes of one installation; whatever runs at its end is killed."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.port = free_port()
        self.log = folder / "processes.log"
        environment = {name: value for name, value in os.environ.items() if "DATABASE_URL" not in name}
        environment |= {
            "DATABASE_URL": settings.database_url,
            "REDIS_URL": settings.redis_url,
            "SECRET_KEY": settings.secret_key.get_secret_value(),
            "ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
            "LOG_LEVEL": "WARNING",
        }
        command = [sys.executable, "-m", "tests.support.nursery"]
        self._parent = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment
        )
        self._answer()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parent.communicate(timeout=30)

    def spawn(self, command: tuple[str, ...]) -> int:
        """Fork a command. Returns the id of its process and group."""
        assert self._parent.stdin
        self._parent.stdin.write(json.dumps([str(self.log), *command]) + "\n")
        self._parent.stdin.flush()
        return int(self._answer())

    def web(self, processes: int = 2, threads: int = 4) -> Process:
        sizes = ("--processes", str(processes), "--threads", str(threads))
        return Process(self, "web", "--bind", f"127.0.0.1:{self.port}", *sizes)

    def worker(self) -> Process:
        return Process(self, "worker")

    def scheduler(self) -> Process:
        return Process(self, "scheduler")

    def _answer(self) -> str:
        assert self._parent.stdout
        line = self._parent.stdout.readline().strip()
        assert line, "the nursery has died"
        return line
