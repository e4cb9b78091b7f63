"""How commands answer: tables and sentences for people, JSON for scripts."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import typer
from rich import box
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

NARROWEST = 160
"""Where the output is no terminal: so many columns."""


@contextmanager
def progress(description: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for long work: call what is yielded with (done, of how many).

    On standard error, and only where somebody looks: standard output is for the answer.
    """
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(description, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def clean(value: object) -> str:
    """Foreign text without what a terminal would obey."""
    return "".join(c if c.isprintable() else "?" for c in str(value))


def say(sentence: str) -> None:
    typer.echo(sentence)


def say_json(value: object) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], *, right: Sequence[str] = ()) -> None:
    """A table on standard output; the columns of `right` hold numbers."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=max(console.width, NARROWEST))
    shown = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        shown.add_column(column, justify="right" if column in right else "left", overflow="fold")
    for row in rows:
        shown.add_row(*(Text(clean(cell)) for cell in row))
    if title:
        say(title)
    console.print(shown)


def hours(minutes: int) -> str:
    """Minutes as people read them: 4:00."""
    sign = "-" if minutes < 0 else ""
    return f"{sign}{abs(minutes) // 60}:{abs(minutes) % 60:02}"


def local(moment: datetime, timezone: str) -> str:
    """A moment on the wall clock of a program or community."""
    return f"{moment.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M}"


def minute(moment: datetime | None) -> str:
    """A moment as IT reads it; nothing for none."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else ""


def counted(number: int, one: str, many: str | None = None) -> str:
    """`1 site`, `2 sites`."""
    return f"{number} {one if number == 1 else many or one + 's'}"
