"""How long a web-service call takes and how many are served at once, as measured on a real site.

The figures are medians of a Moodle on two cores (PostgreSQL, file caches); a call's time is its
function's floor and so much for each row of its answer. Nothing is locked while it is waited.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

Answer = TypeVar("Answer")

FLOOR = 65.0
"""Milliseconds of any call at all."""

_FEW_FIELDS = 5.25
_MILLISECONDS: dict[str, tuple[float, float]] = {
    "core_completion_get_activities_completion_status": (FLOOR, 3.0),
    "core_completion_update_activity_completion_status_manually": (90.0, 0.0),
    "core_course_duplicate_course": (1_400.0, 0.0),
    "core_course_get_categories": (50.0, 0.0),
    "core_course_get_contents": (FLOOR, 2.1),
    "core_course_get_course_module": (87.0, 0.0),
    "core_course_get_courses_by_field": (55.0, 1.5),
    "core_enrol_get_enrolled_users": (FLOOR, 7.3),
    "core_grades_update_grades": (FLOOR, 190.0),
    "core_user_get_users": (FLOOR, 5.6),
    "core_user_get_users_by_field": (FLOOR, 5.6),
}


def milliseconds(function: str, rows: int, *, few_fields: bool = False) -> float:
    """What a real site was measured to need for an answer of so many rows."""
    floor, each = _MILLISECONDS.get(function, (FLOOR, 0.0))
    return floor + rows * (min(each, _FEW_FIELDS) if few_fields else each)


@dataclass(frozen=True)
class Pace:
    """`factor` times the measured time; `at_once` calls are served, the others queue (0: any number).

    The default is no pace at all: calls take what they take."""

    factor: float = 0.0
    at_once: int = 0


@dataclass(frozen=True)
class Traffic:
    """What was served so far; `peak` is the longest that queue and service were together."""

    calls: dict[str, int]
    peak: int
    busy_seconds: float


class Gate:
    """Lets calls in at the site's pace and counts them."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self._workers = threading.BoundedSemaphore(pace.at_once) if pace.at_once else None
        self._counting = threading.Lock()
        self._calls: Counter[str] = Counter()
        self._inside = self._peak = 0
        self._busy = 0.0

    def serve(self, form: dict[str, str], answer: Callable[[], Answer]) -> Answer:
        """Answer in a worker of the site, and hold that worker as long as a real one would be busy."""
        name = form.get("wsfunction", "")
        with self._counted(name), self._worker():
            began = time.monotonic()
            found = answer()
            few = "userfields" in form.values()
            wanted = self.pace.factor * milliseconds(name, _rows(found), few_fields=few) / 1_000
            left = wanted - (time.monotonic() - began)
            if left > 0:
                time.sleep(left)
            with self._counting:
                self._busy += time.monotonic() - began
        return found

    def traffic(self) -> Traffic:
        """What was served since the start, or since `forget`."""
        with self._counting:
            return Traffic(dict(self._calls), self._peak, self._busy)

    def forget(self) -> None:
        """Count from nought."""
        with self._counting:
            self._calls.clear()
            self._peak, self._busy = self._inside, 0.0

    @contextmanager
    def _counted(self, name: str) -> Iterator[None]:
        with self._counting:
            self._calls[name] += 1
            self._inside += 1
            self._peak = max(self._peak, self._inside)
        try:
            yield
        finally:
            with self._counting:
                self._inside -= 1

    @contextmanager
    def _worker(self) -> Iterator[None]:
        if self._workers is None:
            yield
            return
        with self._workers:
            yield


def _rows(answer: Any) -> int:
    """How many things the answer lists: sections count by their modules."""
    if isinstance(answer, dict):
        lists = [value for key, value in answer.items() if isinstance(value, list) and key != "warnings"]
        return sum(len(found) for found in lists) if "exception" not in answer and "sitename" not in answer else 0
    if not isinstance(answer, list):
        return 0
    return sum(len(item["modules"]) if "modules" in item else 1 for item in answer)
