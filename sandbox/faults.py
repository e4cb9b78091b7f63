"""Web services that fail, for tests of who must live with it: before the work is done, or after it."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

HANG = 600.0
"""Seconds after which a call that hangs fails at last."""


@dataclass(frozen=True)
class Fault:
    """What happens to one call: HTTP 500 with an empty body, as a fatal error of PHP's has; first it may hang."""

    after: bool = False
    """Whether the work is done all the same."""
    hangs: bool = False
    errorcode: str = ""
    """Moodle's own exception instead, with the work undone."""


class Faults:
    """The calls to come that fail, by function; `site.faults`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Fault]] = {}
        self._released = threading.Event()
        self._hanging = threading.Condition(self._lock)
        self._count = 0

    def fail(self, function: str, *, times: int = 1, after: bool = False) -> None:
        """The next calls of a function fail; `after`: once their work is done."""
        self._add(function, times, Fault(after))

    def refuse(self, function: str, errorcode: str, *, times: int = 1) -> None:
        """The next calls of a function come to an exception of Moodle's, and nothing is done."""
        self._add(function, times, Fault(errorcode=errorcode))

    def hang(self, function: str, *, times: int = 1, after: bool = False) -> None:
        """The next calls of a function get no answer until `release`; `after`: once their work is done."""
        self._released.clear()
        self._add(function, times, Fault(after, hangs=True))

    def skip(self, function: str, *, times: int) -> None:
        """The next calls of a function go well, before those that were or will be told to fail later."""
        with self._lock:
            self._waiting.setdefault(function, deque()).extend([_NONE] * times)

    def release(self) -> None:
        """Let all fail that hang, and forget what was to come."""
        with self._lock:
            self._waiting.clear()
        self._released.set()

    def until_hanging(self, count: int = 1, timeout: float = 30.0) -> bool:
        """Wait until so many calls hang: whether they do."""
        with self._hanging:
            return self._hanging.wait_for(lambda: self._count >= count, timeout)

    def take(self, function: str) -> Fault | None:
        """What happens to this call."""
        with self._lock:
            waiting = self._waiting.get(function)
            found = waiting.popleft() if waiting else _NONE
        return None if found is _NONE else found

    def suffer(self, fault: Fault) -> None:
        """Hang, where that is what happens. Nothing may be locked meanwhile."""
        if not fault.hangs:
            return
        with self._hanging:
            self._count += 1
            self._hanging.notify_all()
        self._released.wait(HANG)
        with self._hanging:
            self._count -= 1

    def _add(self, function: str, times: int, fault: Fault) -> None:
        with self._lock:
            self._waiting.setdefault(function, deque()).extend([fault] * times)


_NONE = Fault()
