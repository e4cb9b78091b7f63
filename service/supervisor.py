"""Keeps a set of processes running: started in order, restarted when they crash, stopped in reverse."""

import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Protocol

from service.cli.errors import UserError
from service.embedded import process

POLL_SECONDS = 0.2
LONGEST_PAUSE = 30.0
HEALTHY_AFTER = 60.0
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(Exception):
    """A signal asked us to end."""


class Part(Protocol):
    """What a supervisor can run: an embedded server or a child process."""

    def running(self) -> bool:
        """Whether its process is alive."""

    def start(self) -> None:
        """Start it, and return once it is usable."""

    def stop(self) -> None:
        """End it and everything it started."""


class Child:
    """A program of ours in a process group of its own, with its log."""

    def __init__(
        self, name: str, command: Sequence[str], *, log: Path, cwd: Path, env: Mapping[str, str], health: str = ""
    ) -> None:
        """`health` is the URL that answers 200 once the program is ready."""
        self.name = name
        self.log = log
        self.health = health
        self._command = command
        self._cwd = cwd
        self._env = env
        self._process: subprocess.Popen[bytes] | None = None

    def running(self) -> bool:
        """Whether its process is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the program; `wait` tells when it is ready."""
        if self._process is not None:
            # What a crashed leader left of its group.
            process.stop(self._process)
        self._process = process.start(self._command, log=self.log, cwd=self._cwd, env=self._env)

    def wait(self, check: Callable[[], None], seconds: float = 60) -> None:
        """Poll its health; `check` may raise to give up.

        Raises:
            UserError: it ended, or isn't healthy in time.
        """
        if self._process is None:
            raise RuntimeError(f"{self.name} is not started")

        def healthy() -> bool:
            check()
            return not self.health or answers(self.health)

        process.wait_until(
            healthy, process=self._process, name=f"The {self.name} process", log=self.log, seconds=seconds
        )

    def stop(self) -> None:
        """Ask it to end, with SIGTERM; kill what is left after 20 seconds."""
        if self._process is not None:
            process.stop(self._process)
            self._process = None


def answers(url: str) -> bool:
    """Whether a GET of a loopback URL gives 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as response:  # noqa: S310 - http on loopback, built by us
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


class Supervisor:
    """A context manager: leaving it stops every part, the last started first."""

    def __init__(self) -> None:
        self._parts: list[tuple[str, Part]] = []
        self._stop = threading.Event()
        self._failures: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._before: dict[
            signal.Signals, signal.Handlers | int | Callable[[int, FrameType | None], object] | None
        ] = {}

    def __enter__(self) -> "Supervisor":
        for number in SIGNALS:
            self._before[number] = signal.signal(number, lambda *_: self._stop.set())
        return self

    def __exit__(self, *_: object) -> None:
        try:
            for _name, part in reversed(self._parts):
                part.stop()
        finally:
            for number, handler in self._before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise Stopped if a signal came."""
        if self._stop.is_set():
            raise Stopped

    def start(self, name: str, part: Part) -> None:
        """Start a part and take care of it from now on."""
        self.check()
        # Before the start, so that a part which fails half-way is stopped as well.
        self._parts.append((name, part))
        part.start()
        self._started[name] = time.monotonic()
        self.check()

    def watch(self) -> None:
        """Restart what crashes, with growing pauses, until a signal comes."""
        while not self._stop.wait(POLL_SECONDS):
            for name, part in self._parts:
                if not part.running():
                    self._revive(name, part)

    def _revive(self, name: str, part: Part) -> None:
        now = time.monotonic()
        if name not in self._due:
            if now - self._started[name] > HEALTHY_AFTER:
                self._failures[name] = 0
            pause = min(2.0 ** self._failures.get(name, 0) - 1, LONGEST_PAUSE)
            self._failures[name] = self._failures.get(name, 0) + 1
            self._due[name] = now + pause
            say(f"{name} ended by itself; starting it again in {pause:.0f} s.")
        elif now >= self._due[name]:
            del self._due[name]
            self._started[name] = now
            try:
                part.start()
            except UserError as error:
                say(error.sentence)


def say(sentence: str) -> None:
    """One line for the person at the terminal."""
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()
