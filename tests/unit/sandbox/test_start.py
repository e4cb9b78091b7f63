"""Starting and stopping `python -m sandbox`."""

import base64
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests

from sandbox.__main__ import main
from sandbox.site import Site

SECRET = "whsec_" + base64.b64encode(b"a secret for tests, 32 bytes now").decode()


@pytest.fixture
def secret_file(tmp_path: Path) -> Path:
    """A file with a signing secret."""
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


def options(tmp_path: Path, secret: Path, port: int) -> list[str]:
    state = tmp_path / "state" / "site.db"
    target = f"http://127.0.0.1:{free_port()}/webhooks/demo/events"
    return ["--port", f"{port}", "--state", f"{state}", "--target", target, "--secret-file", f"{secret}"]


def test_it_starts_without_its_target_and_stops_on_sigterm(tmp_path: Path, secret_file: Path) -> None:
    port = free_port()
    token = tmp_path / "token"
    second = tmp_path / "provisioning-token"
    arguments = [*options(tmp_path, secret_file, port), "--token-file", f"{token}"]
    arguments += ["--provisioning-token-file", f"{second}"]
    root = Path(__file__).parents[3]
    process = subprocess.Popen([sys.executable, "-m", "sandbox", *arguments], cwd=root)
    try:
        assert _healthy(f"http://127.0.0.1:{port}/healthz")
        state = requests.get(f"http://127.0.0.1:{port}/state.json", timeout=5).json()
        assert state["waiting"] == "The whole site is waiting to be sent."
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0
    assert {stat.S_IMODE(file.stat().st_mode) for file in (token, second)} == {0o600}
    with Site(tmp_path / "state" / "site.db") as site:
        assert token.read_text().strip() == site.token
        assert second.read_text().strip() == site.provisioning_token() != site.token


def _healthy(address: str) -> bool:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            return requests.get(address, timeout=5).status_code == 200
        except requests.ConnectionError:
            time.sleep(0.05)
    return False


def test_a_port_in_use_is_one_sentence(tmp_path: Path, secret_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(options(tmp_path, secret_file, port)) == 2
    assert capsys.readouterr().err.startswith(f"sandbox: port {port} can't be used")


@pytest.mark.parametrize("text", ["", "no secret", "whsec_", "whsec_a"])
def test_a_bad_secret_is_one_sentence(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "secret"
    path.write_text(text)
    assert main(options(tmp_path, path, 1)) == 2
    error = capsys.readouterr().err
    assert error.startswith("sandbox: the secret in ")
    assert error.count("\n") == 1


def test_a_missing_secret_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(options(tmp_path, tmp_path / "nothing", 1)) == 2
    assert "can't be read" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["text", "foreign", "folder"])
def test_a_foreign_state_file_is_one_sentence_and_left_alone(
    kind: str, tmp_path: Path, secret_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "state" / "site.db"
    path.parent.mkdir()
    if kind == "text":
        path.write_text("a letter to my aunt, long enough to be no database at all\n" * 20)
    elif kind == "folder":
        path.mkdir()
    else:
        other = sqlite3.connect(path)
        other.execute("CREATE TABLE recipes (name TEXT)")
        other.close()
    before = path.read_bytes() if path.is_file() else b""
    assert main(options(tmp_path, secret_file, 1)) == 2
    error = capsys.readouterr().err
    assert error.startswith("sandbox: ")
    assert error.count("\n") == 1
    assert (path.read_bytes() if path.is_file() else b"") == before


@pytest.mark.parametrize("option", ["--drop=2", "--pace=-1", "--at-once=-1", "--fill=2x0x3", "--fill=many"])
def test_a_wrong_share_or_number_is_refused(option: str, tmp_path: Path, secret_file: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main([*options(tmp_path, secret_file, 1), option])
    assert stopped.value.code == 2


def test_options_for_tests_and_benchmarks(tmp_path: Path, secret_file: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        given = options(tmp_path, secret_file, taken.getsockname()[1])
        given += ["--fill", "1x5x3", "--pace", "0.1", "--at-once", "2", "--drop", "0.5", "--no-readings"]
        assert main([*given, "--without", "moodle/user:viewdetails"]) == 2
    with Site(tmp_path / "state" / "site.db") as site:
        assert len(site.participants(site.course("COP-MANY-1"))) == 5
        assert [row["capability"] for row in site.rows("SELECT capability FROM lacking")] == ["moodle/user:viewdetails"]
