"""What the run was given by its environment, and what it could not do without the rest."""

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import pytest

SCRIPTS = Path(__file__).parent / "php"
REQUIRED = ("MOODLE_URL", "MOODLE_TOKEN")


@dataclass(frozen=True)
class Given:
    """The site and its keys. `repr` shows none of them."""

    url: str
    token: str = field(repr=False)
    """Of the account that the service reads with: what is tested."""
    maker_token: str = field(repr=False)
    """Of the account that makes, changes and removes things: MOODLE_ADMIN_TOKEN, else the same."""
    template: str = ""
    student_role: int = 5
    database_url: str = field(default="", repr=False)
    prefix: str = "mdl_"
    folder: str = field(default="", repr=False)
    php: tuple[str, ...] = ("php",)
    clean: bool = False
    installs: bool = False
    """Whether the plugin may be put into the folder of Moodle's code."""
    events: int = 60
    """How many things happen while the service is away."""
    left_out: dict[str, str] = field(default_factory=dict)
    """What was not run, and why."""

    @classmethod
    def from_environment(cls, env: Mapping[str, str] = os.environ) -> "Given":
        """Raises pytest.UsageError where the site or its token is missing."""
        missing = [name for name in REQUIRED if not env.get(name)]
        if missing:
            raise pytest.UsageError(f"not set: {', '.join(missing)}. make live MOODLE_URL=... MOODLE_TOKEN=...")
        return cls(
            env["MOODLE_URL"].rstrip("/"),
            env["MOODLE_TOKEN"],
            env.get("MOODLE_ADMIN_TOKEN") or env["MOODLE_TOKEN"],
            env.get("MOODLE_TEMPLATE", ""),
            int(env.get("MOODLE_STUDENT_ROLE") or 5),
            env.get("MOODLE_DATABASE_URL", ""),
            env.get("MOODLE_DATABASE_PREFIX") or "mdl_",
            env.get("MOODLE_DIR", ""),
            tuple(shlex.split(env.get("MOODLE_PHP") or "php")),
            bool(env.get("MOODLE_CLEAN")),
            bool(env.get("MOODLE_INSTALL")),
            int(env.get("MOODLE_EVENTS") or 60),
        )

    def without(self, what: str, why: str) -> None:
        """Note what is not run; the end of the run lists it."""
        self.left_out[what] = why

    def skip(self, what: str, why: str) -> NoReturn:
        """The whole test can't be run."""
        self.without(what, why)
        pytest.skip(f"{what}: {why}")

    def command(self, what: str, script: str, **arguments: object) -> list[str]:
        """The command that runs one of our scripts; skips the test `what` where Moodle's own code isn't at hand."""
        if not self.folder:
            self.skip(what, "no web service can do it, and MOODLE_DIR is not given")
        command = [*self.php, str(SCRIPTS / script), f"--dir={self.folder}"]
        return command + [f"--{name}={value}" for name, value in arguments.items()]

    def run_php(self, what: str, script: str, *, told: str = "", **arguments: object) -> str:
        """Run one of our scripts against Moodle's own code. `told`: its standard input, where secrets may be."""
        command = self.command(what, script, **arguments)
        done = subprocess.run(command, input=told, capture_output=True, text=True, timeout=1500, check=False)
        assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout
