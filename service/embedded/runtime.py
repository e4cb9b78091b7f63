"""Where sockets go: under the state folder, or in a short private folder if its path is too long."""

import os
import tempfile
from pathlib import Path

from service.cli.errors import UserError
from service.embedded.process import Identity

# sun_path holds 108 bytes on Linux and 104 on macOS, with the closing zero.
LONGEST_SOCKET_PATH = 100
POINTER = "socket-folder"


def socket_folder(folder: Path, name: str, identity: Identity | None = None) -> Path:
    """A folder (0700) in which a socket called `name` has a path short enough.

    That is `folder/run`; else a new folder in the system's temporary one, whose path is kept in
    `folder/socket-folder` and taken again while it is still ours.

    Raises:
        UserError: the temporary folder's path is too long as well.
    """
    inside = folder / "run"
    if _fits(inside, name):
        inside.mkdir(mode=0o700, exist_ok=True)
        _give(inside, identity)
        return inside
    pointer = folder / POINTER
    if pointer.exists():
        known = Path(pointer.read_text().strip())
        if _still_ours(known, identity):
            return known
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - mkdtemp makes a private folder
        if _fits(Path(parent) / "copbridge-12345678", name):
            made = Path(tempfile.mkdtemp(prefix="copbridge-", dir=parent))
            _give(made, identity)
            pointer.write_text(f"{made}\n")
            return made
    raise UserError(
        f"The path {folder} is too long for a socket, and so is {tempfile.gettempdir()}:"
        " name a state folder with a shorter path."
    )


def _fits(folder: Path, name: str) -> bool:
    return len(os.fsencode(folder / name)) <= LONGEST_SOCKET_PATH


def _give(folder: Path, identity: Identity | None) -> None:
    if identity is not None:
        os.chown(folder, identity.uid, identity.gid)


def _still_ours(folder: Path, identity: Identity | None) -> bool:
    """Whether nobody else can have put something there since."""
    if folder.is_symlink() or not folder.is_dir():
        return False
    status = folder.stat()
    owner = identity.uid if identity is not None else os.getuid()
    return status.st_uid == owner and status.st_mode & 0o777 == 0o700
