"""`copbridge up` as a newcomer runs it: real processes, real ports, a state folder of its own."""

import os
import shutil
import signal
import socket
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from service.cli import PROCESSES, build
from tests.support.up import Up, alive, free_port, permissions_above, running, wait_for

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that all may pass through, as a newcomer's clone is."""
    made = Path(tempfile.mkdtemp(prefix="copbridge-test-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as response:  # noqa: S310 - http on loopback
        return int(response.status)


def contents(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_process_is_started_by_its_own_words_alone() -> None:
    """What an installation waits for is all in one module, which is looked into alone."""
    quick, whole = (set(vars(typer.main.get_command(build(wanted)))["commands"]) for wanted in ("up", None))
    assert quick == PROCESSES < whole


def test_start_stop_and_start_again(home: Path) -> None:
    state = home / "state"
    before = permissions_above(state)
    with running(state) as up:
        assert f"Staff board     http://127.0.0.1:{up.port}\n" in up.output
        assert f"Sandbox Moodle  http://127.0.0.1:{up.sandbox_port}\n" in up.output
        assert "Sign in once    http" in up.output
        assert get(f"http://127.0.0.1:{up.port}/healthz") == 200
        assert get(f"http://127.0.0.1:{up.sandbox_port}/healthz") == 200
        family = up.family()
        assert len(family) > 8
        assert up.interrupt() == 0
        assert alive(family) == {}
    secret = (state / "secrets" / "SECRET_KEY").read_text()
    made = (state / "postgres" / "data" / "global" / "pg_control").stat().st_ino
    with running(state):
        assert (state / "secrets" / "SECRET_KEY").read_text() == secret
        assert (state / "postgres" / "data" / "global" / "pg_control").stat().st_ino == made
    assert permissions_above(state) == before


def test_listens_on_loopback_only(home: Path) -> None:
    with running(home / "state") as up, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # No packet is sent: it asks the kernel which of our addresses faces the outside.
        probe.connect(("192.0.2.1", 9))
        outside = str(probe.getsockname()[0])
        for port in (up.port, up.sandbox_port):
            with pytest.raises(OSError, match="refused"):
                socket.create_connection((outside, port), timeout=5)


def test_crashes_and_kills(home: Path) -> None:
    """A crashed part comes back; a supervisor that is killed takes everything along."""
    state = home / "state"
    with running(state) as up:
        gunicorn = {pid for pid, name in up.family().items() if name in ("gunicorn", "python", "python3")}
        victim = next(pid for pid in sorted(gunicorn) if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes())
        os.kill(victim, signal.SIGKILL)
        wait_for(lambda: "web ended by itself; starting it again" in up.output, "the crash is noticed")
        wait_for(lambda: answers(up.port), "web is back")
        second = Up(state)
        assert second.ended() == 1
        assert f"Another copbridge (process {up.process.pid}) uses the state folder" in second.output
        assert second.output.count("\n") == 1
        # An orphan of the killed one may have answered before, and be gone while the new one starts.
        wait_for(lambda: answers(up.port), "the first one still answers")
        family = up.family()
        up.process.kill()
        up.ended()
        wait_for(lambda: not alive(family), "all processes are gone")
    with running(state) as up:
        assert answers(up.port)


def answers(port: int) -> bool:
    try:
        return get(f"http://127.0.0.1:{port}/healthz") == 200
    except OSError:
        return False


def test_a_port_in_use_is_said_before_anything_starts(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        board, sandbox = Up(home / "one", port=port), Up(home / "two", sandbox_port=port)
        assert (board.ended(), sandbox.ended()) == (1, 1)
    assert board.output == f"copbridge: Port {port} on 127.0.0.1 is in use: name another with PORT=.\n"
    assert sandbox.output == f"copbridge: Port {port} on 127.0.0.1 is in use: name another with SANDBOX_PORT=.\n"
    assert not (home / "one").exists()
    assert not (home / "two").exists()


def test_one_port_for_two_is_refused(home: Path) -> None:
    port = free_port()
    up = Up(home / "state", port=port, sandbox_port=port)
    assert up.ended() == 1
    assert "can't share port" in up.output


def test_a_foreign_folder_is_left_alone(home: Path) -> None:
    state = home / "thesis"
    state.mkdir()
    (state / "chapter.txt").write_text("mine")
    up = Up(state)
    assert up.ended() == 1
    assert "holds other things" in up.output
    assert up.output.count("\n") == 1
    assert contents(state) == ["chapter.txt"]


def test_ctrl_c_while_starting_leaves_nothing(home: Path) -> None:
    up = Up(home / "state")
    wait_for(lambda: "postgres" in up.family().values(), "PostgreSQL is starting")
    family = up.family()
    assert up.interrupt() == 0
    assert alive(family) == {}
