"""The companion plugin as the ZIP that Moodle installs."""

import io
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

COMPONENT = "local_copbridge"
SOURCE = Path(__file__).parents[1] / "moodle_plugin" / COMPONENT
FOLDER = "copbridge"
"""The folder in the ZIP: Moodle installs it as local/copbridge."""
SAME_TIME = (2026, 1, 1, 0, 0, 0)
"""Every file's time in the ZIP: the same source makes the same bytes."""
FILE_MODE = 0o644 << 16


class PluginMissing(Exception):
    """This installation came without the plugin's source; the message says where it should be."""


@dataclass(frozen=True, slots=True)
class PluginZip:
    """The ZIP, and which plugin it holds."""

    release: str
    version: int
    data: bytes = field(repr=False)

    @property
    def name(self) -> str:
        """A file name that says what it is."""
        return f"{COMPONENT}-{self.release}.zip"


def stated(source: Path = SOURCE) -> tuple[str, int]:
    """Release and version of the plugin in this installation. Raises PluginMissing."""
    try:
        text = (source / "version.php").read_text(encoding="utf-8")
    except OSError as err:
        raise PluginMissing(f"The plugin's source isn't at {source}.") from err
    release = re.search(r"\$plugin->release = '([^']+)';", text)
    version = re.search(r"\$plugin->version = (\d{10});", text)
    if release is None or version is None:
        raise PluginMissing(f"{source / 'version.php'} states no release and version.")
    return release.group(1), int(version.group(1))


def build(source: Path = SOURCE) -> PluginZip:
    """The plugin as it is in this installation. Raises PluginMissing."""
    release, version = stated(source)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in source.rglob("*") if path.is_file() and not path.name.startswith(".")):
            entry = zipfile.ZipInfo(f"{FOLDER}/{file.relative_to(source).as_posix()}", SAME_TIME)
            entry.external_attr = FILE_MODE
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
    return PluginZip(release, version, held.getvalue())
