"""When a call is made again: after transient failures only, later and later, within a budget of time."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from moodle_client.errors import MoodleError

T = TypeVar("T")


def full_jitter(most: float) -> float:
    """Any wait up to `most` seconds."""
    return random.uniform(0, most)  # noqa: S311 - it spreads calls, it keeps no secret


@dataclass(frozen=True, slots=True)
class Retries:
    """Exponential backoff with full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/

    Times are in seconds. A wait that Moodle asks for (Retry-After) is never cut short: where it doesn't fit into
    the budget, the error is raised at once with `retry_after`, and the caller knows when to come back.
    """

    tries: int = 4
    budget: float = 120.0
    """No try begins later than this after the first one."""
    first: float = 0.5
    longest: float = 30.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    jitter: Callable[[float], float] = full_jitter

    def run(self, attempt: Callable[[], T], *, repeatable: bool) -> T:
        """Make the attempt, again if it may be repeated and that may help. Raises the last MoodleError."""
        started = self.clock()
        number = 1
        while True:
            try:
                return attempt()
            except MoodleError as err:
                wait = self._wait(err, number, started) if repeatable else None
                if wait is None:
                    raise
            self.sleep(wait)
            number += 1

    def _wait(self, err: MoodleError, number: int, started: float) -> float | None:
        """Seconds until the next try; None: there is none."""
        if err.permanent or number >= self.tries:
            return None
        wait = self.jitter(min(self.longest, self.first * 2 ** (number - 1)))
        if err.retry_after is not None:
            wait = max(wait, float(err.retry_after))
        return wait if self.clock() - started + wait <= self.budget else None
