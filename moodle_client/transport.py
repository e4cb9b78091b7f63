"""The one way to Moodle: POST form fields in PHP's array syntax, the token in the body, errors by errorcode."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests

from moodle_client.errors import BY_ERRORCODE, MoodleError, Reason

MAX_FIELDS = 900
"""PHP drops fields over max_input_vars (1,000 by default) silently: a longer call is refused here."""


@dataclass(frozen=True, slots=True)
class Reply:
    """`data` as decoded; `as_of` is a moment on Moodle's clock not later than the reading of the state."""

    data: Any
    as_of: datetime


def encode(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Form fields in PHP's array syntax; booleans as 1 and 0, the only ones that Moodle takes."""
    return [pair for name, value in params.items() for pair in _encode(name, value)]


def _encode(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _encode(f"{name}[{key}]", part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for number, part in enumerate(value):
            yield from _encode(f"{name}[{number}]", part)
    elif isinstance(value, bool):
        yield name, "1" if value else "0"
    elif isinstance(value, str | int | float):
        yield name, str(value)
    else:
        raise TypeError(f"{name}: a {type(value).__name__} can't be sent to Moodle")


def post(
    session: requests.Session, url: str, token: str, function: str, params: Mapping[str, Any], timeout: float
) -> Reply:
    """Call a function once. Raises MoodleError."""
    fields = [("wstoken", token), ("wsfunction", function), ("moodlewsrestformat", "json"), *encode(params)]
    if len(fields) > MAX_FIELDS:
        raise MoodleError(function, Reason.INVALID_PARAMETER, f"{len(fields)} fields, more than {MAX_FIELDS}")
    try:
        response = session.post(url, data=fields, timeout=timeout, allow_redirects=False)
    except requests.RequestException as err:
        # The original error may hold the request, and with it the token: it isn't chained.
        raise MoodleError(function, Reason.UNREACHABLE, type(err).__name__) from None
    _check_status(function, response)
    try:
        data = response.json()
    except json.JSONDecodeError as err:
        raise MoodleError(function, Reason.NOT_MOODLE, "no JSON") from err
    if isinstance(data, dict) and "exception" in data:
        code = str(data.get("errorcode", ""))
        raise MoodleError(function, BY_ERRORCODE.get(code, Reason.OTHER), code)
    return Reply(data, _as_of(response))


def _check_status(function: str, response: requests.Response) -> None:
    if response.status_code == 200:
        return
    after = response.headers.get("Retry-After", "")
    reason = {403: Reason.WEB_SERVICES_OFF, 503: Reason.MAINTENANCE}.get(response.status_code)
    if reason is None:
        reason = Reason.SERVER_FAILED if response.status_code >= 500 else Reason.NOT_MOODLE
    raise MoodleError(function, reason, f"HTTP {response.status_code}", int(after) if after.isdigit() else None)


def _as_of(response: requests.Response) -> datetime:
    """The answer's Date less the time that it took: no event before it can be missing from the answer."""
    try:
        sent = parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        sent = datetime.now(UTC)
    return sent - timedelta(seconds=int(response.elapsed.total_seconds()) + (1 if response.elapsed.microseconds else 0))
