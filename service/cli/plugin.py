"""`copbridge plugin`: the companion plugin of Moodle."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from service import plugin_zip
from service.cli.errors import UserError
from service.cli.output import say


def register(app: typer.Typer) -> None:
    """Add the group `plugin`."""
    group = typer.Typer(help="The companion plugin of Moodle.", no_args_is_help=True)
    group.command("build")(build)
    app.add_typer(group, name="plugin")


def build(
    output: Annotated[Path | None, typer.Option(help="The file, or the folder that it goes to.")] = None,
) -> None:
    """Write the ZIP that Moodle installs, and say how to install it."""
    try:
        made = plugin_zip.build()
    except plugin_zip.PluginMissing as err:
        raise UserError(str(err), code=1) from err
    target = output or Path(made.name)
    if target.is_dir():
        target /= made.name
    try:
        target.write_bytes(made.data)
    except OSError as err:
        raise UserError(f"{target} can't be written: {err.strerror}.") from err
    say(f"{target}: {plugin_zip.COMPONENT} {made.release} (version {made.version}), {len(made.data):,} bytes")
    say(f"SHA-256 {hashlib.sha256(made.data).hexdigest()}")
    say("In Moodle: Site administration > Plugins > Install plugins, and choose the file.")
    say("Without the web: unpack it into local/ of Moodle (from 5.1 on public/local/), then php admin/cli/upgrade.php")
