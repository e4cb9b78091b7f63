"""The ZIP is what Moodle's installer takes, and the same source makes the same bytes."""

import io
import zipfile
from pathlib import Path

import pytest

from service import plugin_zip


def test_it_holds_the_plugin_under_the_folder_that_moodle_wants() -> None:
    made = plugin_zip.build()
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        names = set(archive.namelist())
        stated = archive.read("copbridge/version.php").decode()
    assert {name.split("/")[0] for name in names} == {"copbridge"}
    assert names >= {"copbridge/db/install.xml", "copbridge/lang/en/local_copbridge.php", "copbridge/lib.php"}
    assert f"$plugin->version = {made.version};" in stated
    assert made.name == f"local_copbridge-{made.release}.zip"


def test_the_same_source_makes_the_same_bytes() -> None:
    assert plugin_zip.build().data == plugin_zip.build().data


def test_without_the_source_it_says_where_it_should_be(tmp_path: Path) -> None:
    with pytest.raises(plugin_zip.PluginMissing, match=str(tmp_path)):
        plugin_zip.build(tmp_path)
    (tmp_path / "version.php").write_text("<?php // Nothing is stated.", encoding="utf-8")
    with pytest.raises(plugin_zip.PluginMissing, match="no release"):
        plugin_zip.build(tmp_path)
