"""How fast one site is asked: so many calls at once, so many a minute, fewer while the site struggles."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

SLOW = 4.0
"""The site struggles when its answers take so many times the best recent time of the same function."""
WORTH = 0.5
"""Seconds: an answer that is less than this over the best time is never slow."""
WEIGHT = 0.3
"""How much one answer moves the mean: two very slow ones in a row are a sign, a single one isn't."""
WORST = 8.0
"""One answer counts as at most so many times slower."""
RECENT = 100
"""So many answers of a function are remembered."""
GOOD_ROUNDS = 4
"""After so many good calls for each call that is allowed at once, one more is allowed."""


@dataclass(slots=True)
class Turn:
    """One call's turn. Whoever makes the call sets what became of it."""

    function: str
    cuts: int
    overloaded: bool = False
    elapsed: float | None = None
    """Seconds to the whole answer; None: there was none."""


class Pace:
    """Limits the calls to one site, of all threads and clients that share it. Thread-safe.

    `at_once`: most calls at the same time. `per_minute`: most calls a minute, spread evenly; None: no limit.
    When the site struggles (time-outs, HTTP 5xx, maintenance, or answers much slower than its own recent best for
    the same function), the number at once is halved, down to 1; it grows again by one after a row of good calls.

    Example:
        pace = Pace(at_once=2, per_minute=120)
        with MoodleClient(wwwroot, token, pace=pace) as moodle: ...
    """

    def __init__(
        self,
        at_once: int = 4,
        per_minute: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        if at_once < 1 or (per_minute is not None and per_minute < 1):
            raise ValueError("a pace allows at least one call at once and one a minute")
        self._at_once = at_once
        self._gap = 60 / per_minute if per_minute else 0.0
        self._clock = clock
        self._sleep = sleep
        self._change = threading.Condition()
        self._allowed = at_once
        self._running = 0
        self._calls = 0
        self._next_at = float("-inf")
        self._times: dict[str, deque[float]] = {}
        self._strain = 1.0
        self._good = 0
        self._cuts = 0

    def __repr__(self) -> str:
        return f"Pace(allowed={self.allowed}, running={self.running}, calls={self.calls})"

    @property
    def allowed(self) -> int:
        """How many calls may run at once at present: from 1 to `at_once`."""
        with self._change:
            return self._allowed

    @property
    def running(self) -> int:
        """How many calls run now."""
        with self._change:
            return self._running

    @property
    def calls(self) -> int:
        """How many requests were let through since this pace was made, repeated ones included."""
        with self._change:
            return self._calls

    @property
    def cuts(self) -> int:
        """How often the number at once was cut because the site struggled."""
        with self._change:
            return self._cuts

    @contextmanager
    def turn(self, function: str = "") -> Iterator[Turn]:
        """Wait for room, make one call inside, and set on the turn what became of it."""
        with self._change:
            self._change.wait_for(lambda: self._running < self._allowed)
            self._running += 1
            self._calls += 1
            turn = Turn(function, self._cuts)
            wait = self._reserve()
        try:
            if wait > 0:
                self._sleep(wait)
            yield turn
        finally:
            with self._change:
                self._running -= 1
                self._learn(turn)
                self._change.notify_all()

    def _reserve(self) -> float:
        """Seconds until this call may start."""
        if not self._gap:
            return 0.0
        now = self._clock()
        due = max(now, self._next_at)
        self._next_at = due + self._gap
        return due - now

    def _learn(self, turn: Turn) -> None:
        if turn.overloaded or (turn.elapsed is not None and self._is_slow(turn.function, turn.elapsed)):
            self._cut(turn)
        elif turn.elapsed is not None:
            self._good += 1
            if self._good >= GOOD_ROUNDS * self._allowed and self._allowed < self._at_once:
                self._allowed += 1
                self._good = 0

    def _cut(self, turn: Turn) -> None:
        self._good = 0
        # Calls that had begun before the last cut tell nothing about the pace after it.
        if turn.cuts == self._cuts:
            self._allowed = max(1, self._allowed // 2)
            self._cuts += 1
            self._strain = 1.0

    def _is_slow(self, function: str, elapsed: float) -> bool:
        times = self._times.setdefault(function, deque(maxlen=RECENT))
        best = min(times, default=elapsed)
        times.append(elapsed)
        ratio = min(elapsed / best, WORST) if best > 0 and elapsed - best > WORTH else 1.0
        self._strain += WEIGHT * (ratio - self._strain)
        return self._strain > SLOW
