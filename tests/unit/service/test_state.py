import json
import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from service.cli.errors import UserError
from service.state import MARKER, SECRETS, StateFolder


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in sorted(folder.rglob("*"))}


def test_makes_a_private_folder_with_secrets_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "above" / "state"
    with StateFolder(path) as folder:
        assert mode(path) == 0o700
        assert folder.path == path
        assert len(folder.secret("SECRET_KEY")) >= 32
        Fernet(folder.secret("ENCRYPTION_KEY"))
        for name in SECRETS:
            assert mode(path / "secrets" / name) == 0o600
    with StateFolder(tmp_path / "other") as other:
        assert other.secret("SECRET_KEY") != (path / "secrets" / "SECRET_KEY").read_text().strip()


def test_finds_its_secrets_again(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state") as folder:
        first = {name: folder.secret(name) for name in SECRETS}
    with StateFolder(tmp_path / "state") as folder:
        assert {name: folder.secret(name) for name in SECRETS} == first


def test_takes_an_empty_folder_and_closes_it(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    path.chmod(0o777)
    with StateFolder(path):
        assert mode(path) & 0o066 == 0


def test_takes_up_a_first_start_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "state"
    (path / "secrets").mkdir(parents=True)
    (path / MARKER).touch()
    (path / "secrets" / "SECRET_KEY.new").write_text("half")
    with StateFolder(path) as folder:
        assert all(folder.secret(name) for name in SECRETS)


def test_leaves_a_foreign_folder_alone(tmp_path: Path) -> None:
    path = tmp_path / "home"
    path.mkdir(mode=0o755)
    (path / "thesis.txt").write_text("mine")
    before, mode_before = snapshot(path), mode(path)
    with pytest.raises(UserError, match="holds other things"), StateFolder(path):
        pass
    assert (snapshot(path), mode(path)) == (before, mode_before)


@pytest.mark.parametrize("content", ["{", "[]", '{"form": 1}', "null"])
def test_says_that_a_marker_is_broken(tmp_path: Path, content: str) -> None:
    path = tmp_path / "state"
    path.mkdir()
    (path / MARKER).write_text(content)
    before = snapshot(path)
    with pytest.raises(UserError, match=r"is broken: its copbridge-state.json can't be read"), StateFolder(path):
        pass
    assert snapshot(path) == before


def test_says_that_a_format_is_not_known(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.mkdir()
    (path / MARKER).write_text(json.dumps({"format": 99}))
    with pytest.raises(UserError, match="has format 99, and this copbridge knows 1"), StateFolder(path):
        pass


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_never_replaces_a_lost_secret(tmp_path: Path, name: str) -> None:
    path = tmp_path / "state"
    with StateFolder(path):
        (path / "secrets" / name).unlink()
    with pytest.raises(UserError, match=f"secrets/{name} is missing"), StateFolder(path):
        pass
    assert not (path / "secrets" / name).exists()


def test_refuses_a_second_user_at_once(tmp_path: Path) -> None:
    path = tmp_path / "state"
    refused = pytest.raises(UserError, match=rf"Another copbridge \(process {os.getpid()}\) uses")
    with StateFolder(path), refused, StateFolder(path):
        pass
    with StateFolder(path):
        pass


def test_names_a_file_in_its_place(tmp_path: Path) -> None:
    path = tmp_path / "state"
    path.write_text("x")
    with pytest.raises(UserError, match="is a file"), StateFolder(path):
        pass


def test_names_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(UserError, match="can't be used: Not a directory"), StateFolder(tmp_path / "file" / "state"):
        pass


def test_keeps_a_secret_under_a_name(tmp_path: Path) -> None:
    with StateFolder(tmp_path / "state") as folder:
        file = folder.keep("SANDBOX", "one")
        folder.keep("SANDBOX", "two")
        assert folder.secret("SANDBOX") == "two"
        assert mode(file) == 0o600
