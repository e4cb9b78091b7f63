"""The state folder of `copbridge up`: one folder that holds everything one start must find again.

copbridge-state.json   says that the folder is ours, and its format
lock                   held by the `up` that uses the folder
secrets/               0600 each, made at the first start
postgres/, valkey/     the embedded servers' data
logs/                  one file for each process
mail/                  mails, while no server for them is set
"""

import fcntl
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from cryptography.fernet import Fernet

from service.cli.errors import UserError

MARKER = "copbridge-state.json"
FORMAT = 1
FOLDERS = ("secrets", "logs", "valkey")


def _password() -> str:
    return secrets.token_urlsafe(32)


SECRETS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": _password,
    "ENCRYPTION_KEY": lambda: Fernet.generate_key().decode(),
    "POSTGRES_ADMIN_PASSWORD": _password,
    "POSTGRES_OWNER_PASSWORD": _password,
    "POSTGRES_APP_PASSWORD": _password,
}


class StateFolder:
    """A state folder in use: a context manager that holds its lock.

    Entering makes the folder (0700) if it is missing or empty, and raises UserError, having
    touched nothing, if it is somebody else's, broken, of another format or in use.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().resolve()
        self._lock: int | None = None

    def __enter__(self) -> Self:
        try:
            self._make_or_check()
        except OSError as err:
            raise UserError(f"The state folder {self.path} can't be used: {err.strerror or err}.") from err
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._unlock()

    @property
    def logs(self) -> Path:
        """The folder of the processes' logs."""
        return self.path / "logs"

    def secret(self, name: str) -> str:
        """The value of one of SECRETS.

        Raises:
            UserError: its file is gone or empty. It isn't made anew, since what the lost one
                protects couldn't be read any more.
        """
        file = self.path / "secrets" / name
        value = file.read_text().strip() if file.is_file() else ""
        if not value:
            raise UserError(
                f"The state folder {self.path} is broken: secrets/{name} is missing. Bring it back"
                " from a copy, or name another state folder."
            )
        return value

    def keep(self, name: str, value: str) -> Path:
        """Write a secret (0600), replacing an earlier one at once, and name its file."""
        file = self.path / "secrets" / name
        _write(file, f"{value}\n")
        return file

    def _make_or_check(self) -> None:
        self._check_owner()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        marker = self.path / MARKER
        if not marker.exists():
            # The first thing in the folder says whose it is, so that a start which is killed
            # right now leaves no foreign folder behind. An empty marker is an unfinished start.
            marker.touch(mode=0o600)
        self._take_lock()
        try:
            self._tighten()
            if marker.stat().st_size == 0:
                self._fill(marker)
            else:
                for name in SECRETS:
                    self.secret(name)
            for folder in FOLDERS:
                (self.path / folder).mkdir(mode=0o700, exist_ok=True)
        except BaseException:
            self._unlock()
            raise

    def _check_owner(self) -> None:
        """Reads only."""
        if not self.path.exists():
            return
        if not self.path.is_dir():
            raise UserError(f"{self.path} is a file, and the state folder must be a folder.")
        marker = self.path / MARKER
        if marker.exists():
            self._check_format(marker)
        elif any(self.path.iterdir()):
            raise UserError(
                f"{self.path} holds other things (there is no {MARKER} in it): name an empty or a"
                " new folder as the state folder."
            )

    def _check_format(self, marker: Path) -> None:
        text = marker.read_text(errors="replace")
        if not text:
            return
        try:
            found = json.loads(text)["format"]
        except (ValueError, KeyError, TypeError) as err:
            raise UserError(
                f"The state folder {self.path} is broken: its {MARKER} can't be read. Bring it back"
                " from a copy, or name another state folder."
            ) from err
        if found != FORMAT:
            raise UserError(
                f"The state folder {self.path} has format {found}, and this copbridge knows"
                f" {FORMAT}: use the copbridge that wrote it, or name another state folder."
            )

    def _tighten(self) -> None:
        """Nobody else may list the folder or write to it; root's database user may pass."""
        mode = self.path.stat().st_mode & 0o777
        if mode & 0o066:
            self.path.chmod(mode & 0o711)

    def _fill(self, marker: Path) -> None:
        (self.path / "secrets").mkdir(mode=0o700, exist_ok=True)
        for name, make in SECRETS.items():
            self.keep(name, make())
        _write(marker, json.dumps({"format": FORMAT}) + "\n")

    def _take_lock(self) -> None:
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            holder = os.pread(lock, 20, 0).decode(errors="replace").strip() or "unknown"
            os.close(lock)
            raise UserError(
                f"Another copbridge (process {holder}) uses the state folder {self.path}: stop it,"
                " or name another state folder."
            ) from err
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _write(file: Path, text: str) -> None:
    """Write 0600, and durably: after a power cut there is the old content or the new."""
    making = file.with_name(f"{file.name}.new")
    descriptor = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    making.replace(file)
