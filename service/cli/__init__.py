"""The `copbridge` command.

Every module of this package that has a function `register(app: typer.Typer) -> None` adds its
commands by it: a new group of commands is a new file here, and nothing else.
"""

import gc
import importlib
import pkgutil
import sys

import typer

from service.cli.errors import UserError


def build() -> typer.Typer:
    """The command with all groups registered, in the order of their modules' names."""
    app = typer.Typer(
        name="copbridge",
        help="The companion of a Moodle site: from events to Community of Practice hours.",
        no_args_is_help=True,
        add_completion=False,
        # A traceback of rich shows local variables, and those may be secrets.
        pretty_exceptions_enable=False,
    )
    for found in sorted(pkgutil.iter_modules(__path__), key=lambda module: module.name):
        module = importlib.import_module(f"{__name__}.{found.name}")
        register = getattr(module, "register", None)
        if register is not None:
            register(app)
    return app


def main() -> None:
    """Entry point: a UserError becomes one sentence on stderr and its exit code."""
    command = build()
    # What was imported stays: the garbage collector needs not look at it again and again, which took a tenth of a
    # rebuild's time.
    gc.freeze()
    try:
        command()
    except UserError as error:
        sys.stderr.write(f"copbridge: {error.sentence}\n")
        sys.exit(error.code)
