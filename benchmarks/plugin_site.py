"""A Moodle site with the companion plugin, as its benchmarks are given one: by the environment.

MOODLE_URL, MOODLE_TOKEN (core's functions) and MOODLE_PLUGIN_TOKEN (the plugin's); MOODLE_DIR and MOODLE_PHP (default:
php) where a script has to run in the site itself, as the web server's user.
"""

import http.client
import json
import os
import platform
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

import psutil

SCRIPTS = Path(__file__).parent / "php"
SECONDS = 300.0
"""So long an answer may take."""


class BenchmarkFailed(Exception):
    """What was to be measured didn't work, or did something else than what it is compared with."""


@dataclass(frozen=True)
class Place:
    """Where the site is. `repr` shows no token."""

    url: str
    token: str = field(default="", repr=False)
    plugin_token: str = field(default="", repr=False)
    folder: str = ""
    php: tuple[str, ...] = ("php",)

    @classmethod
    def given(cls, env: Mapping[str, str] = os.environ) -> Self:
        """Raises BenchmarkFailed where the site's address is missing."""
        if not env.get("MOODLE_URL"):
            raise BenchmarkFailed("MOODLE_URL isn't set")
        return cls(
            env["MOODLE_URL"].rstrip("/"),
            env.get("MOODLE_TOKEN", ""),
            env.get("MOODLE_PLUGIN_TOKEN", ""),
            env.get("MOODLE_DIR", ""),
            tuple(shlex.split(env.get("MOODLE_PHP") or "php")),
        )

    def command(self, script: str, *, boots: bool = True, **arguments: object) -> list[str]:
        """The command of one of our scripts; one that `boots` does so with this site's Moodle. Raises BenchmarkFailed
        where its folder isn't known."""
        if boots and not self.folder:
            raise BenchmarkFailed("MOODLE_DIR isn't set: the site's own PHP has to run there")
        given: dict[str, object] = ({"dir": self.folder} if boots else {}) | arguments
        return [*self.php, str(SCRIPTS / script), *(f"--{name}={value}" for name, value in given.items())]

    def run(self, script: str, *, boots: bool = True, **arguments: object) -> Any:
        """What a script says, as JSON in its last line. Raises BenchmarkFailed where it fails."""
        command = self.command(script, boots=boots, **arguments)
        done = subprocess.run(command, capture_output=True, text=True, timeout=3600, check=False)
        if done.returncode:
            raise BenchmarkFailed(f"{script}: {done.stdout}{done.stderr}")
        return json.loads(done.stdout.splitlines()[-1])


class Inside:
    """A script that stays in the site for a whole benchmark: a line of JSON for each line that it is told. It puts the
    site back as it was when its input ends, whatever became of us."""

    def __init__(self, place: Place, script: str, **arguments: int) -> None:
        self._script = script
        self._process = subprocess.Popen(
            place.command(script, boots=True, **arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C is ours: the script ends by the end of its input, after it has put the site back.
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closes its input, and reads whatever it still says.
        said, _ = self._process.communicate(timeout=600)
        if self._process.returncode and kind is None:
            raise BenchmarkFailed(f"{self._script}: ended with {self._process.returncode}: {said}")

    def ask(self, deed: str, argument: object = "") -> Any:
        """Raises BenchmarkFailed where the script ended or something went wrong in it."""
        if not (self._process.stdin and self._process.stdout):
            raise BenchmarkFailed(f"{self._script}: no pipes")
        try:
            self._process.stdin.write(f"{deed} {argument}\n")
            self._process.stdin.flush()
        except BrokenPipeError as err:
            raise BenchmarkFailed(f"{self._script}: ended before {deed}") from err
        line = self._process.stdout.readline()
        try:
            answer = json.loads(line)
        except ValueError as err:
            raise BenchmarkFailed(f"{self._script}: {deed}: {line!r}") from err
        if isinstance(answer, dict) and "error" in answer:
            raise BenchmarkFailed(f"{self._script}: {deed}: {answer['error']}")
        return answer


class Caller:
    """Web service calls over one kept connection, timed. One thread's alone."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(parts.netloc, timeout=SECONDS)
        self._path = parts.path
        self._token = token
        self.elapsed = 0.0
        """Seconds of the last call, to the end of its answer."""
        self.calls = 0

    def call(self, function: str, **fields: object) -> Any:
        """The answer as JSON. Raises BenchmarkFailed for an error of Moodle's."""
        protocol = {"wstoken": self._token, "wsfunction": function, "moodlewsrestformat": "json"}
        body = urlencode(protocol | fields)
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        content = self._timed("POST", f"{self._path}/webservice/rest/server.php", body, headers)
        self.calls += 1
        data = json.loads(content)
        if isinstance(data, dict) and "exception" in data:
            raise BenchmarkFailed(f"{function}: {data.get('errorcode')}: {data.get('message')}")
        return data

    def fetch(self, path: str) -> None:
        """A file that the web server answers with by itself; what it answers doesn't matter."""
        self._timed("GET", f"{self._path}/{path}", None, {})

    def _timed(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> bytes:
        began = time.perf_counter()
        self._connection.request(method, path, body, headers)
        content = self._connection.getresponse().read()
        self.elapsed = time.perf_counter() - began
        return content

    def close(self) -> None:
        self._connection.close()


def machine() -> str:
    """What it was measured on, and what else went on there."""
    memory = round(psutil.virtual_memory().total / 2**30)
    now, lately, _ = psutil.getloadavg()
    return (
        f"{platform.system()}, {psutil.cpu_count()} cores, {memory} GiB, Python {platform.python_version()}, "
        f"{datetime.now(UTC):%Y-%m-%d}; load {now:.1f}, over five minutes {lately:.1f}"
    )


def quantile(sorted_values: Sequence[float], part: float) -> float:
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * part))]
