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

PROCESSES = frozenset({"migrate", "scheduler", "up", "web", "worker"})
"""The commands of processes.py: an installation waits for each of them whenever it starts, and what the other groups
import takes seconds."""


def build(wanted: str | None = None) -> typer.Typer:
    """The command with all groups registered, in the order of their modules' names; with those alone that `wanted`,
    the first word of the command line, may be about."""
    app = typer.Typer(
        name="copbridge",
        help="The companion of a Moodle site: from events to Community of Practice hours.",
        no_args_is_help=True,
        add_completion=False,
        # A traceback of rich shows local variables, and those may be secrets.
        pretty_exceptions_enable=False,
    )
    names = ["processes"] if wanted in PROCESSES else sorted(found.name for found in pkgutil.iter_modules(__path__))
    for name in names:
        module = importlib.import_module(f"{__name__}.{name}")
        register = getattr(module, "register", None)
        if register is not None:
            register(app)
    return app


def main() -> None:
    """Entry point: a UserError becomes one sentence on stderr and its exit code."""
    command = build(next(iter(sys.argv[1:]), None))
    # What was imported stays: the garbage collector needs not look at it again and again, which took a tenth of a
    # rebuild's time.
    gc.freeze()
    try:
        command()
    except UserError as error:
        sys.stderr.write(f"copbridge: {error.sentence}\n")
        sys.exit(error.code)
