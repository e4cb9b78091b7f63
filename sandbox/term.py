"""Plays a whole term at speed: what two dozen educators would do in four months."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox.actions import ActionRefusedError, Done
from sandbox.site import Site

Step = Callable[[], Done]

_PACES = ("finishes", "finishes", "finishes", "finishes", "behind", "finishes", "stops", "behind")


@dataclass
class Progress:
    """How far the term is."""

    total: int = 0
    played: int = 0
    refused: int = 0
    running: bool = False


@dataclass
class _Learner:
    user: int
    course: int
    pace: str
    steps: list[Step] = field(default_factory=list)


class Term:
    """One term, planned from a seed and played once at a time in the background."""

    def __init__(self, site: Site, *, seed: int = 18, seconds: float = 30.0) -> None:
        self._site = site
        self._seed = seed
        self._seconds = seconds
        self._stopped = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self.progress = Progress()

    def start(self) -> bool:
        """Play in the background; False when a term is being played already."""
        with self._starting:
            if self.progress.running:
                return False
            steps = self.plan()
            self.progress = Progress(total=len(steps), running=True)
            self._thread = threading.Thread(target=self.play, args=(steps,), name="term")
            self._thread.start()
            return True

    def play(self, steps: list[Step]) -> None:
        """Play these steps at the pace that fills the term's seconds."""
        try:
            for step in steps:
                if self._stopped.wait(self._seconds / max(1, len(steps))):
                    return
                try:
                    step()
                except ActionRefusedError:
                    # Whoever used the page meanwhile may have done this already.
                    self.progress.refused += 1
                self.progress.played += 1
        finally:
            self.progress.running = False

    def close(self) -> None:
        """Stop playing."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def plan(self) -> list[Step]:
        """Everyone's steps, interleaved as the weeks would: each person's stay in their order."""
        lots = random.Random(self._seed)
        learners = self._learners()
        for place, learner in enumerate(learners):
            self._plan_one(learner, place, lots)
        timed = [
            ((number + lots.random()) / 15, place, number, step)
            for place, learner in enumerate(learners)
            for number, step in enumerate(learner.steps)
        ]
        return [step for _, _, _, step in sorted(timed, key=lambda item: item[:3])]

    def _learners(self) -> list[_Learner]:
        courses = [int(row["id"]) for row in self._site.rows("SELECT id FROM course ORDER BY id")]
        pairs = [(u, c) for c in courses for u in self._site.participants(c)]
        return [_Learner(u, c, _PACES[i % len(_PACES)]) for i, (u, c) in enumerate(pairs)]

    def _plan_one(self, learner: _Learner, place: int, lots: random.Random) -> None:
        rows = self._site.rows(
            "SELECT id, modname, idnumber FROM course_modules WHERE course = ? AND completion > 0 ORDER BY id",
            learner.course,
        )
        done = {"finishes": 1.0, "behind": 0.6, "stops": 0.35}[learner.pace]
        for row in rows[: max(3, round(len(rows) * done))]:
            if learner.pace != "finishes" and lots.random() < 0.15:
                continue
            learner.steps += self._steps(learner, row["id"], row["modname"], row["idnumber"], lots)
        act, user, course = self._site.act, learner.user, learner.course
        if learner.pace == "stops":
            learner.steps.append(lambda: act.leave(user, course))
        if place == 4:
            module = int(rows[3]["id"])
            learner.steps.append(lambda: act.undo(user, module))
        if place == 7:
            learner.steps.insert(4, lambda: act.leave(user, course))
            learner.steps.insert(5, lambda: act.enrol(user, course))

    def _steps(self, learner: _Learner, module: int, modname: str, idnumber: str, lots: random.Random) -> list[Step]:
        act, user = self._site.act, learner.user
        if idnumber.startswith("F2F") and lots.random() < 0.5:
            return [lambda: act.override(user, module, complete=True)]
        if modname == "quiz" and lots.random() < 0.4:
            return [
                lambda: act.attempt_quiz(user, module, passes=False),
                lambda: act.attempt_quiz(user, module, passes=True),
            ]
        steps: list[Step] = [lambda: act.complete(user, module)]
        if modname == "page" and lots.random() < 0.1:
            steps.append(lambda: act.complete(user, module))
        return steps
