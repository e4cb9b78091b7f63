"""A mocked site, and a clock that nobody waits for."""

import json
from typing import Any
from urllib.parse import parse_qsl

import responses
from responses import CallList

from moodle_client import MoodleClient

WWWROOT = "https://moodle.example.org"
URL = f"{WWWROOT}/webservice/rest/server.php"
TOKEN = "a-token-that-must-not-leak"
DATE = {"Date": "Sat, 21 Nov 2026 20:48:19 GMT"}


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def client(clock: Clock | None = None, **settings: Any) -> MoodleClient:
    """A client that sleeps on the clock, by the longest jitter."""
    time = clock or Clock()
    return MoodleClient(WWWROOT, TOKEN, clock=time, sleep=time.sleep, jitter=lambda most: most, **settings)


def answer(body: Any = None, *, status: int = 200, headers: dict[str, str] | None = None) -> None:
    """The next answer: text as it is, all else as JSON."""
    text = body if isinstance(body, str | bytes) else json.dumps(body)
    responses.post(URL, status=status, body=text, headers=DATE | (headers or {}))


def fail(errorcode: str) -> None:
    answer({"exception": "moodle_exception", "errorcode": errorcode, "message": "Maria García"})


def forms(calls: CallList | None = None) -> list[dict[str, str]]:
    """The fields of every request, in their order, without the token."""
    return [
        {key: value for key, value in parse_qsl(str(call.request.body), keep_blank_values=True) if key != "wstoken"}
        for call in (calls or responses.calls)
    ]
