"""What people do on the site; each action plays its recorded events."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from sandbox import enrolments
from sandbox.completion import COMPLETE, FAILED, INCOMPLETE, PASSED, Change, completion_of
from sandbox.recording import Event, like, recorded
from sandbox.store import Row, Store, need
from sandbox.work import ActionRefusedError, Done, Work, facilitator, working

__all__ = ["Act", "ActionRefusedError", "Done"]

_VIEWED_KINDS = ("page", "url", "resource")
_RULE_RECORDINGS = {
    "assign": "assign_submit_completes",
    "forum": "forum_post_completes",
    "feedback": "feedback_completes",
    "glossary": "glossary_completes",
    "lesson": "lesson_completes",
    "choice": "choice_completes_and_course_completes",
}


class Act:
    """The actions, for programs and pages alike. Ids are Moodle's: an unknown one is a
    `LookupError`; what Moodle wouldn't do is an `ActionRefusedError`."""

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float] = time.time,
        wake: Callable[[], None] = lambda: None,
        *,
        told: bool = True,
    ) -> None:
        self._store = store
        self._clock = clock
        self._wake = wake
        self._told = told

    def complete(self, user: int, module: int) -> Done:
        """Do what completes this activity: tick it, view it, submit, post, pass its quiz."""
        row = self._module(module)
        if row["completion"] == 1:
            return self.tick(user, module)
        if row["modname"] in _VIEWED_KINDS:
            return self.view(user, module)
        if row["modname"] == "quiz":
            return self.attempt_quiz(user, module, passes=True)
        return self.fulfil(user, module)

    def undo(self, user: int, module: int) -> Done:
        """Take it back as Moodle allows: un-tick what was ticked by hand, remove a submission;
        anything else the facilitator overrides to incomplete."""
        row = self._module(module)
        if row["completion"] == 1:
            return self.untick(user, module)
        with self._store.read() as db:
            overridden = completion_of(db, module, user).overrideby is not None
        if row["modname"] == "assign" and not overridden:
            return self.remove_submission(user, module)
        return self.override(user, module, complete=False)

    def view(self, user: int, module: int) -> Done:
        """Open an activity that completes by being viewed. A second view completes nothing,
        unless the row was overridden: then Moodle looks again."""
        with self._working() as work:
            row = work.participates(user, module)
            if row["modname"] not in _VIEWED_KINDS:
                raise ActionRefusedError("Viewing isn't what completes this activity.")
            old = completion_of(work.db, module, user)
            seen = old.viewed and old.overrideby is None
            if row["completion"] != 2 or seen:
                return work.emit([_viewed(row)], row, user, user, ())
            if old.overrideby is None:
                first = (Change(INCOMPLETE, None, viewed=True, keeps_time=True), Change(COMPLETE))
                events = recorded(f"complete_by_view_{row['modname']}")
                return work.emit([events], row, user, user, first)
            noted = Change(old.state, old.overrideby, viewed=True, keeps_time=True)
            parts = [_viewed(row), [_noted(old.state)]]
            if old.state == COMPLETE:
                return work.emit(parts, row, user, user, (noted,))
            parts.append(recorded("complete_by_view_page")[-1:])
            return work.emit(parts, row, user, user, (noted, Change(COMPLETE)))

    def tick(self, user: int, module: int) -> Done:
        """Mark a manually tracked activity as done. The same tick again writes nothing."""
        return self._manual(user, module, COMPLETE)

    def untick(self, user: int, module: int) -> Done:
        """Take the tick back."""
        return self._manual(user, module, INCOMPLETE)

    def attempt_quiz(self, user: int, module: int, *, passes: bool) -> Done:
        """One attempt at a quiz with a pass grade: state 2 when passed, 3 when failed."""
        with self._working() as work:
            row = work.participates(user, module)
            if row["modname"] != "quiz":
                raise ActionRefusedError("This activity isn't a quiz.")
            old = completion_of(work.db, module, user)
            if old.state in (COMPLETE, PASSED) or (old.state == FAILED and not passes):
                raise ActionRefusedError("Another such attempt would change nothing.")
            name = "quiz_pass" if passes else "quiz_fail"
            if passes and old.row_id:
                name = "quiz_fail_then_pass"
            change = Change(PASSED if passes else FAILED)
            return work.emit([recorded(name)], row, user, user, (change,))

    def fulfil(self, user: int, module: int) -> Done:
        """Meet the rule of a forum, assignment, feedback, glossary, lesson or choice."""
        with self._working() as work:
            row = work.participates(user, module)
            if row["completion"] != 2 or row["modname"] not in _RULE_RECORDINGS:
                raise ActionRefusedError("Nothing that a participant does completes this activity.")
            if completion_of(work.db, module, user).state:
                raise ActionRefusedError("This activity is complete already.")
            events = recorded(_RULE_RECORDINGS[row["modname"]])
            return work.emit([events], row, user, user, (Change(COMPLETE),))

    def remove_submission(self, user: int, module: int) -> Done:
        """Remove an assignment's submission: the activity is incomplete again."""
        with self._working() as work:
            row = work.participates(user, module)
            old = completion_of(work.db, module, user)
            if row["modname"] != "assign" or not old.state or old.overrideby is not None:
                raise ActionRefusedError("There is no submission to remove.")
            change = Change(INCOMPLETE)
            return work.emit([recorded("remove_submission")], row, user, user, (change,))

    def override(self, user: int, module: int, *, complete: bool, by: int | None = None) -> Done:
        """The facilitator (or `by`) sets a participant's state, even of someone who isn't
        enrolled. The same again writes nothing."""
        with self._working() as work:
            row = work.module(module)
            need(work.db, "user", user)
            if not row["completion"]:
                raise ActionRefusedError("The completion of this activity isn't tracked.")
            old = completion_of(work.db, module, user)
            if old.state in ((COMPLETE, PASSED) if complete else (INCOMPLETE,)):
                return Done([])
            actor = by or facilitator(work.db, row["course"])
            name = "override_complete" if complete else "override_incomplete"
            change = Change(COMPLETE if complete else INCOMPLETE, actor)
            return work.emit([recorded(name)], row, user, actor, (change,))

    def leave(self, user: int, course: int, method: str = "") -> Done:
        """End the enrolment, by this method or by all. Completion rows stay, as Moodle leaves them."""
        with self._working() as work:
            return enrolments.leave(work, user, course, method)

    def enrol(
        self, user: int, course: int, method: str = "manual", *, timestart: int | None = None, timeend: int = 0
    ) -> Done:
        """Enrol as a student, for the first time, again, or by one method more. It starts now
        unless told otherwise; Moodle's lists of the active take that up to a minute later."""
        with self._working() as work:
            return enrolments.enrol(work, user, course, method, (work.now if timestart is None else timestart, timeend))

    def suspend(self, user: int, course: int, method: str = "") -> Done:
        """Suspend the enrolment: the event doesn't say so, only a reading does."""
        with self._working() as work:
            return enrolments.set_status(work, user, course, 1, method)

    def resume(self, user: int, course: int, method: str = "") -> Done:
        """End the suspension, with the very same event."""
        with self._working() as work:
            return enrolments.set_status(work, user, course, 0, method)

    def _manual(self, user: int, module: int, state: int) -> Done:
        with self._working() as work:
            row = work.participates(user, module)
            if row["completion"] != 1:
                raise ActionRefusedError("Only an activity that is marked by hand can be ticked.")
            old = completion_of(work.db, module, user)
            if old.state == state:
                return Done([])
            name = "manual_uncomplete_p3"
            if state:
                name = "recomplete" if old.row_id else "complete_manual"
            return work.emit([recorded(name)], row, user, user, (Change(state),))

    def _module(self, module: int) -> Row:
        with self._store.read() as db:
            return need(db, "course_modules", module)

    def _working(self) -> AbstractContextManager[Work]:
        return working(self._store, self._clock(), self._wake, self._told)


def _viewed(module: Row) -> list[Event]:
    """A view alone; of pages it was recorded by itself, of other kinds as a first view's start."""
    if module["modname"] == "page":
        return recorded("second_view_page")
    return recorded(f"complete_by_view_{module['modname']}")[:1]


def _noted(state: int) -> Event:
    """Moodle notes a view of an overridden row and tells the unchanged state, as a string."""
    event = recorded("view_after_override")[-1]
    other = event["other"]
    return event | {"other": other | {"completionstate": like(other["completionstate"], state)}}
