"""Rules on files."""

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LONGEST = 400
# Path of a longer file: the reason why it stays whole.
LONGER = {
    "records/migrations/versions/0001_the_first_schema.py": "one schema, one revision; a released one is never edited",
    "moodle_plugin/local_copbridge/lang/en/local_copbridge.php": "Moodle wants all strings of a language in one file",
    "moodle_plugin/local_copbridge/lang/es/local_copbridge.php": "Moodle wants all strings of a language in one file",
}
SUFFIXES = {".py", ".php", ".html", ".js", ".css", ".sh", ".yaml", ".yml"}
# Recorded, installed or generated.
SKIPPED = {".venv", ".git", ".state", "build", "fixtures", "recordings", "node_modules"}


def sources() -> Iterator[Path]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in SKIPPED]
        yield from (Path(folder, name) for name in files if Path(name).suffix in SUFFIXES)


def test_no_file_is_longer_than_a_reader_can_hold() -> None:
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in sources()}
    assert len(lengths) > 20
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST and name not in LONGER} == {}


def test_no_reason_is_left_of_a_file_that_became_short() -> None:
    stale = [name for name in LONGER if len((ROOT / name).read_text().splitlines()) <= LONGEST]
    assert stale == []


def test_ci_calls_what_the_readme_gives() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    readme = (ROOT / "README.md").read_text()
    for command in ("make check", "make test"):
        assert f"\n{command}" in script
        assert command in readme
