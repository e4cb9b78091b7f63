"""Lock files, and the reasons for what is in them."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-runtime.lock", "requirements-uv.lock")
PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)
NAME = re.compile(r"^[A-Za-z0-9-]+")


def wanted(part: str) -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lines = project["project"]["dependencies"] if part == "runtime" else project["dependency-groups"][part]
    return {match.group().lower() for line in lines if (match := NAME.match(line))}


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / lock).read_text()))


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_names_no_registry_and_hashes_everything(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    for line in text.splitlines():
        assert re.match(r"^([a-z0-9-]+==|    --hash=sha256:)", line), line
    entries = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert [entry for entry in entries if "--hash=" not in entry] == []


def test_no_file_that_records_hosts() -> None:
    assert not (ROOT / "uv.lock").exists()
    assert not (ROOT / "pylock.toml").exists()


def test_locks_hold_what_pyproject_wants() -> None:
    everything = pins("requirements.lock")
    assert wanted("runtime") | wanted("dev") <= set(everything)
    assert wanted("runtime") <= set(pins("requirements-runtime.lock"))
    assert wanted("build") <= set(pins("requirements-uv.lock"))
    assert pins("requirements-runtime.lock").items() <= everything.items()


def test_htmx_comes_without_django() -> None:
    assert "django-htmx" in pins("requirements.lock")
    assert "django" not in pins("requirements.lock")


def test_every_dependency_has_its_reason() -> None:
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \| (\d{4}-\d\d) \| (.{10,}) \|$", (ROOT / "docs/dependencies.md").read_text(), re.M
    )
    assert len(rows) == len({name for name, _, _ in rows})
    assert {name for name, _, _ in rows} == wanted("runtime") | wanted("dev") | wanted("build")
