"""What all methods share: encode, refuse what would be cut off, send in parts, repeat what may be repeated."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from moodle_client.answers import Reply, joined
from moodle_client.encoding import MAX_FIELDS, BadText, Fields, encode, parts
from moodle_client.errors import MoodleError, PartialFailure, Reason
from moodle_client.functions import known
from moodle_client.pace import Pace
from moodle_client.retries import Retries, full_jitter
from moodle_client.transport import Transport

PROTOCOL_FIELDS = 3
"""wstoken, wsfunction, moodlewsrestformat."""
MAX_BYTES = 64 * 2**20


class Calls:
    """The base of MoodleClient: any function, by name."""

    def __init__(
        self,
        wwwroot: str,
        token: str,
        *,
        timeout: float = 30.0,
        pace: Pace | None = None,
        max_fields: int = MAX_FIELDS,
        tries: int = 4,
        budget: float = 120.0,
        max_bytes: int = MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[float], float] = full_jitter,
    ) -> None:
        if tries < 1 or max_fields <= PROTOCOL_FIELDS:
            raise ValueError("a client needs at least one try, and more fields than the protocol's own three")
        self.pace = pace if pace is not None else Pace(clock=clock, sleep=sleep)
        """The pace that this client keeps; give the same one to every client of a site."""
        self._max_fields = max_fields
        self._transport = Transport(wwwroot, token, timeout=timeout, max_bytes=max_bytes, clock=clock)
        self._retries = Retries(tries=tries, budget=budget, clock=clock, sleep=sleep, jitter=jitter)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._transport.url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the sessions of all threads. Later calls raise RuntimeError."""
        self._transport.sessions.close()

    def call(self, function: str, /, *, reads: bool = False, **params: Any) -> Reply[Any]:
        """Any function of Moodle's, its answer as decoded JSON.

        `reads=True` says that the function only reads: it is repeated after transient failures, and its warnings
        are in the reply. Without it, warnings raise PartialFailure, and nothing is repeated but the functions whose
        `Function.repeatable` says that it is harmless. Raises MoodleError; TypeError for a value that has no form
        in Moodle's protocol, None among them: leave out what isn't set.
        """
        mine = known(function)
        reading = reads or (mine is not None and mine.reads)
        repeatable = reading or (mine is not None and mine.repeatable)
        fields = self._fields(str(function), params)
        try:
            reply = self._retries.run(
                lambda: self._transport.attempt(str(function), fields, self.pace), repeatable=repeatable
            )
            if reply.warnings and not reading:
                raise PartialFailure(str(function), reply.warnings, reply.data)
        except MoodleError as err:
            err.about(params)
            raise
        return reply

    def _fields(self, function: str, params: Mapping[str, Any]) -> Fields:
        wrong = ""
        try:
            fields = encode(params)
        except BadText as err:
            wrong = str(err)
        if wrong:
            raise MoodleError(function, Reason.INVALID_PARAMETER, "not valid Unicode text").about([wrong])
        count = len(fields) + PROTOCOL_FIELDS
        if count > self._max_fields:
            told = f"{count} fields, more than {self._max_fields}"
            raise MoodleError(function, Reason.INVALID_PARAMETER, told).about(params)
        return fields

    def _in_parts(
        self, function: str, name: str, rows: Sequence[Any], *, most: int = MAX_FIELDS, **fixed: Any
    ) -> Reply[tuple[Any, ...]]:
        """The answers to a list that is sent in as many parts as it needs, each of at most `most` rows, and none for an
        empty one.

        Moodle does a part wholly or not at all, but not the list: see MoodleError.rows_done and .done.
        """
        replies: list[Reply[Any]] = []
        count = 0
        for part in self._parts(function, name, rows, most, fixed):
            try:
                params: dict[str, Any] = {**fixed, name: part}
                replies.append(self.call(function, **params))
            except MoodleError as err:
                err.rows_done, err.done = count, tuple(reply.data for reply in replies)
                raise
            count += len(part)
        return joined(replies)

    def _parts(
        self, function: str, name: str, rows: Sequence[Any], most: int, fixed: Mapping[str, Any]
    ) -> list[Sequence[Any]]:
        """All parts are cut, and each is checked, before the first is sent."""
        room = self._max_fields - PROTOCOL_FIELDS - len(self._fields(function, fixed))
        wrong = ""
        try:
            found = list(parts(name, rows, room, most))
        except BadText as err:
            wrong = str(err)
        if wrong:
            raise MoodleError(function, Reason.INVALID_PARAMETER, "not valid Unicode text").about([wrong])
        for part in found:
            self._fields(function, {**fixed, name: part})
        return found
