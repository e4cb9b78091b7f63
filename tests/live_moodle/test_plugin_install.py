"""The ZIP that `copbridge plugin build` writes, installed by Moodle's own upgrade."""

import json
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from moodle_client import MoodleClient
from records.settings import Settings
from service import plugin_zip
from tests.live_moodle.given import Given
from tests.support.cli import Cli

WHAT = "the installation of the companion plugin"


@pytest.fixture(scope="module")
def local(given: Given) -> Path:
    """Moodle's folder of local plugins: from 5.1 on below `public`."""
    if not given.installs or not given.folder:
        given.skip(WHAT, "MOODLE_DIR and MOODLE_INSTALL=1 are not given")
    folder = Path(given.folder)
    return (folder / "public" if (folder / "public").is_dir() else folder) / "local"


def test_the_zip_installs(settings: Settings, given: Given, local: Path, tmp_path: Path, moodle: MoodleClient) -> None:
    answer = Cli(settings)("plugin", "build", "--output", str(tmp_path))
    assert answer.code == 0, answer.err
    (archive,) = tmp_path.glob("*.zip")
    shutil.rmtree(local / plugin_zip.FOLDER, ignore_errors=True)
    with zipfile.ZipFile(archive) as held:
        held.extractall(local)
    upgraded = _cli(given, "upgrade.php", "--non-interactive", "--allow-unstable")
    for word in ("debugging", "warning", "notice", "exception"):
        assert word not in upgraded.lower(), upgraded
    _cli(given, "purge_caches.php")
    built = plugin_zip.build()
    found = json.loads(given.run_php(WHAT, "plugin.php", do="read"))
    assert found["settings"]["version"] == str(built.version)
    assert found["settings"]["wwwroot"] == given.url
    assert len(found["settings"]["epoch"]) == 36
    assert "No upgrade needed" in _cli(given, "upgrade.php", "--non-interactive", "--allow-unstable", code=None)
    schema = _cli(given, "check_database_schema.php", code=None)
    assert "copbridge" not in schema, schema
    assert moodle.site_info().data.release.startswith(found["moodle"].split(" ")[0].rstrip("+"))


def _cli(given: Given, script: str, *arguments: str, code: int | None = 0) -> str:
    command = [*given.php, f"{given.folder}/admin/cli/{script}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert code is None or done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr
