"""Run `copbridge` commands in this process, as a shell would: arguments, standard input, environment."""

import contextlib
import functools
import io
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from unittest import mock

import typer

from records.settings import Settings
from service.cli import PROCESSES, build, main


@functools.cache
def _built(wanted: str | None) -> object:
    """The command, made once a process for each first word that differs: a shell makes it once a command, and that
    takes a quarter of a second."""
    return typer.main.get_command(build(wanted))


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Its JSON."""
        return json.loads(self.out)


@dataclass(frozen=True)
class Cli:
    """`copbridge` with the settings of a test, or with none."""

    settings: Settings | None = None

    def __call__(self, *arguments: str, stdin: str = "") -> Answer:
        out, err = io.StringIO(), io.StringIO()
        code = 0
        with self._place(arguments, stdin), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main()
            except SystemExit as stop:
                code = int(stop.code or 0)
        return Answer(code, out.getvalue(), err.getvalue())

    @contextlib.contextmanager
    def _place(self, arguments: tuple[str, ...], stdin: str) -> Iterator[None]:
        with (
            mock.patch.dict(os.environ, self._environment()),
            mock.patch.object(sys, "argv", ["copbridge", *arguments]),
            mock.patch.object(sys, "stdin", io.StringIO(stdin)),
            mock.patch("service.cli.build", lambda wanted: _built(wanted if wanted in PROCESSES else None)),
        ):
            yield

    def _environment(self) -> dict[str, str]:
        if self.settings is None:
            return {}
        return {
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "SECRET_KEY": self.settings.secret_key.get_secret_value(),
            "ENCRYPTION_KEY": self.settings.encryption_key.get_secret_value(),
            "PUBLIC_URL": "http://bridge.example.org",
        }
