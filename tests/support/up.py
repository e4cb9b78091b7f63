"""A real `copbridge up` in a process of its own, and what it leaves behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

COPBRIDGE = Path(sys.executable).with_name("copbridge")
READY = "Ctrl-C stops everything."
POLL_SECONDS = 0.1


def free_port() -> int:
    """A loopback port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Poll until `condition` holds; AssertionError with `what` when it doesn't in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(POLL_SECONDS)


def environment() -> dict[str, str]:
    """This process's environment without what would replace the embedded servers."""
    names = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL", "SECRET_KEY", "ENCRYPTION_KEY")
    return {name: value for name, value in os.environ.items() if name not in names}


class Up:
    """`copbridge up` on free ports."""

    def __init__(self, state: Path, port: int | None = None, sandbox_port: int | None = None) -> None:
        self.state = state
        self.port = port or free_port()
        self.sandbox_port = sandbox_port or free_port()
        self._output = state.with_name(f"{state.name}.{self.port}.out")
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [
                    *(str(COPBRIDGE), "up", "--state", str(state)),
                    *("--port", str(self.port), "--sandbox-port", str(self.sandbox_port)),
                ],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment(),
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """What it has printed so far, stdout and stderr."""
        return self._output.read_text()

    def ready(self) -> "Up":
        """Wait until it has printed its addresses."""

        def printed() -> bool:
            assert self.process.poll() is None, self.output
            return READY in self.output

        wait_for(printed, f"up is ready; it printed: {self.output}", 120)
        return self

    def ended(self, seconds: float = 90) -> int:
        """Wait for its end; its exit code."""
        return self.process.wait(seconds)

    def interrupt(self) -> int:
        """Ctrl-C; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.ended()

    def family(self) -> dict[int, str]:
        """Process id and name of everything it started, and what those started, now."""
        return descendants(self.process.pid)


@contextmanager
def running(state: Path) -> Iterator[Up]:
    """An `up` that is ready, and that is gone afterwards."""
    up = Up(state)
    try:
        yield up.ready()
    finally:
        if up.process.poll() is None:
            up.interrupt()


def alive(pids: dict[int, str]) -> dict[int, str]:
    """Those of `pids` that still run, zombies left out, under the name they had."""
    now = {pid: name for pid, (_, name) in _table().items()}
    return {pid: name for pid, name in pids.items() if now.get(pid) == name}


def descendants(pid: int) -> dict[int, str]:
    """Process id and name of all that descend from `pid`."""
    table = _table()
    found: dict[int, str] = {}
    parents = {pid}
    while parents:
        children = {child: name for child, (parent, name) in table.items() if parent in parents}
        found |= children
        parents = set(children)
    return found


def _table() -> dict[int, tuple[int, str]]:
    """Of every process that isn't a zombie: parent and name."""
    table: dict[int, tuple[int, str]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = stat.read_text()
        except OSError:
            continue
        name = text[text.index("(") + 1 : text.rindex(")")]
        state, parent = text[text.rindex(")") + 2 :].split()[:2]
        if state != "Z":
            table[int(stat.parent.name)] = (int(parent), name)
    return table


def permissions_above(path: Path) -> dict[str, tuple[int, int, int]]:
    """Mode, owner and group of every folder above `path`."""
    return {str(part): (s.st_mode, s.st_uid, s.st_gid) for part in path.parents for s in (part.stat(),)}
