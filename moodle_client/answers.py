"""What an HTTP response says: a reply with the moment of its reading, or which error it is."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import TypeAdapter, ValidationError

from moodle_client.errors import BY_ERRORCODE, FREE_TEXT, MoodleError, Reason, Warned, safe_code

T = TypeVar("T")
U = TypeVar("U")
PIECE = 65_536
"""Bytes that are read at a time."""
_warnings = TypeAdapter(tuple[Warned, ...])


@dataclass(frozen=True, slots=True)
class Reply(Generic[T]):
    """An answer with the moment of its reading. Where parts were joined: the earliest moment, the sum of times."""

    data: T
    as_of: datetime
    """Aware UTC, on Moodle's clock, not later than the reading of the state: no event before it can be missing from
    the answer. Only where the answer had no Date is it this machine's clock."""
    elapsed: float = 0.0
    """Seconds from sending to the end of the answer, without waiting for a turn and without failed tries."""
    warnings: tuple[Warned, ...] = ()
    """What Moodle couldn't answer, with reads: courses that the caller can't see, say."""

    def with_data(self, data: U) -> "Reply[U]":
        """The same reading with other data."""
        return Reply(data, self.as_of, self.elapsed, self.warnings)


def joined(replies: Sequence[Reply[T]]) -> Reply[tuple[T, ...]]:
    """Several replies as one. Of none: nothing was asked, so nothing is as true now as ever."""
    return Reply(
        tuple(reply.data for reply in replies),
        min((reply.as_of for reply in replies), default=datetime.now(UTC)),
        sum(reply.elapsed for reply in replies),
        tuple(warning for reply in replies for warning in reply.warnings),
    )


def understood(function: str, adapter: TypeAdapter[T], data: Any) -> T:
    """The data as models. Raises MoodleError that names the places that have another shape."""
    try:
        return adapter.validate_python(data)
    except ValidationError as err:
        # Its text quotes what was sent: only the places are told.
        found = {".".join(str(step) for step in e["loc"]) for e in err.errors(include_input=False, include_url=False)}
    raise MoodleError(function, Reason.NOT_MOODLE, f"unexpected answer at {', '.join(sorted(found)[:5])}")


def check_status(function: str, response: requests.Response) -> None:
    """Raises MoodleError for any status but 200: Moodle tells nearly all of its errors with that one."""
    status = response.status_code
    if status == 200:
        return
    if 300 <= status < 400:
        raise MoodleError(function, Reason.REDIRECTED, f"HTTP {status}{_elsewhere(response)}")
    reasons = {429: Reason.BUSY, 503: Reason.MAINTENANCE}
    reason = reasons.get(status, Reason.SERVER_FAILED if status >= 500 else Reason.NOT_MOODLE)
    # Moodle's own 403 has an empty body; a page comes from a firewall in front of it.
    if status == 403 and not next(response.iter_content(1), b""):
        reason = Reason.WEB_SERVICES_OFF
    raise MoodleError(function, reason, f"HTTP {status}", retry_after(response))


def _elsewhere(response: requests.Response) -> str:
    parts = urlsplit(response.headers.get("Location", ""))
    known = parts.hostname and re.fullmatch(r"[A-Za-z0-9.-]+", parts.hostname)
    return f" to {parts.scheme}://{parts.hostname}" if known else ""


def retry_after(response: requests.Response) -> int | None:
    """Seconds that the server asks to wait: it says seconds or a date, which is compared with its own clock."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return int(text)
    try:
        until = parsedate_to_datetime(text).astimezone(UTC)
    except ValueError:
        return None
    return max(0, math.ceil((until - _sent_at(response)).total_seconds()))


def decoded(function: str, body: bytes) -> Any:
    """The answer's data. Raises MoodleError for Moodle's errors and for what isn't JSON."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        start = body.lstrip()[:5]
        # Its body holds data of persons: nothing of it is told, and the decoder's error isn't chained.
        told = "empty answer" if not start else "XML: it read none of our fields" if start == b"<?xml" else "no JSON"
    else:
        _check_error(function, data)
        return data
    raise MoodleError(function, Reason.NOT_MOODLE, told)


def _check_error(function: str, data: Any) -> None:
    if not isinstance(data, dict) or not ("exception" in data or {"error", "errorcode", "stacktrace"} <= data.keys()):
        return
    code = safe_code(data.get("errorcode"))
    if code and code != FREE_TEXT:
        raise MoodleError(function, BY_ERRORCODE.get(code, Reason.OTHER), code)
    # A PHP error (TypeError) has no errorcode, only its class; its message quotes values.
    kind = safe_code(data.get("exception"))
    raise MoodleError(function, Reason.OTHER if code else Reason.BROKEN, code or kind)


def warnings_in(data: Any) -> tuple[Warned, ...]:
    """An answer's `warnings`, where it has some."""
    found = data.get("warnings") if isinstance(data, dict) else None
    try:
        return _warnings.validate_python(found or ())
    except ValidationError:
        return (Warned(warningcode=FREE_TEXT),)


def as_of(response: requests.Response) -> datetime:
    """The answer's Date less the time that it took to come, rounded up: a Date has whole seconds only."""
    return _sent_at(response) - timedelta(seconds=math.ceil(response.elapsed.total_seconds()))


def _sent_at(response: requests.Response) -> datetime:
    try:
        return parsedate_to_datetime(response.headers["Date"]).astimezone(UTC)
    except (KeyError, ValueError):
        return datetime.now(UTC)
