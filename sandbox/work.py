"""One action's transaction: tables and outbox change together, or neither does."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox import observer
from sandbox.completion import Change, complete_course, set_completion
from sandbox.recording import COMPLETION_UPDATED, Event, Scene, like, play, recorded
from sandbox.store import Db, Row, Store, need, number, one

ACTIVE = "ue.status = 0 AND e.status = 0 AND ue.timestart < ? AND (ue.timeend = 0 OR ue.timeend > ?)"
"""An active enrolment as Moodle asks for it, of `user_enrolments ue` and its `enrol e`."""


class ActionRefusedError(Exception):
    """Moodle wouldn't let this happen, or nothing would happen; the message is a sentence."""


@dataclass(frozen=True)
class Done:
    """What an action wrote: the events, in their order."""

    events: list[Event]


def facilitator(db: Db, course: int) -> int:
    """The course's editing teacher."""
    row = one(
        db,
        "SELECT a.userid FROM role_assignments a JOIN role r ON r.id = a.roleid"
        " WHERE a.course = ? AND r.shortname = 'editingteacher' ORDER BY a.id",
        course,
    )
    if row is None:
        raise ActionRefusedError("The course has no facilitator.")
    return int(row["userid"])


@contextmanager
def working(store: Store, now: float, wake: Callable[[], None], told: bool = True) -> Iterator[Work]:
    """A transaction to act in; the sender is woken once it is committed. What isn't told leaves no
    event in the outbox."""
    with store.write() as db:
        yield Work(db, int(now), told)
    wake()


class Work:
    """The tables during one action, and Moodle's whole-second clock."""

    def __init__(self, db: Db, now: int, told: bool = True) -> None:
        self.db = db
        self.now = now
        self.told = told

    def module(self, module: int) -> Row:
        """A course module; `LookupError` when there is none."""
        return need(self.db, "course_modules", module)

    def participates(self, user: int, module: int) -> Row:
        """The module, when this user has an active enrolment in its course."""
        row = self.module(module)
        enrolled = one(
            self.db,
            "SELECT 1 FROM user_enrolments ue JOIN enrol e ON e.id = ue.enrolid"  # noqa: S608 - a part of ours
            f" WHERE ue.course = ? AND ue.userid = ? AND {ACTIVE}",
            row["course"],
            user,
            self.now + 1,
            self.now,
        )
        if enrolled is None:
            raise ActionRefusedError("This person has no active enrolment in the course.")
        return row

    def emit(self, parts: list[list[Event]], module: Row, user: int, actor: int, changes: tuple[Change, ...]) -> Done:
        """Play recordings for this participant and module; rows and events say the same."""
        parts = [_without_course(part) for part in parts]
        when = self._time_of_completion(parts)
        row_id = 0
        for change in changes:
            row_id = set_completion(self.db, module["id"], user, change, when)
        rows = {"course_modules_completion": row_id}
        if changes and changes[0].overrideby is not None:
            rows["overrideby"] = changes[0].overrideby
        scene = self.scene(module, user, actor, rows)
        events = [event for part in parts for event in play(part, scene)]
        if changes:
            events = self._with_course(events, module, user, actor, when)
        self.db.execute("UPDATE user SET lastaccess = ? WHERE id = ?", (self.now, actor))
        self.db.execute(
            "INSERT INTO user_lastaccess VALUES (?, ?, ?) ON CONFLICT (userid, courseid)"
            " DO UPDATE SET timeaccess = excluded.timeaccess",
            (actor, module["course"], self.now),
        )
        return self.write(events)

    def write(self, events: list[Event]) -> Done:
        """Put those events into the outbox that the plugin keeps, or none when this isn't to be told."""
        for event in events if self.told else ():
            if observer.keeps(self.db, event):
                self.note(event)
        return Done(events)

    def note(self, event: Event) -> None:
        """A row of the outbox: an event that is kept, or the plugin's own word."""
        self.db.execute(
            "INSERT INTO outbox (uuid, data, created) VALUES (?, ?, ?)",
            (str(uuid.uuid4()), json.dumps(event, ensure_ascii=False), self.now),
        )

    def numbers(self, kind: str, key: str) -> int:
        """Ids of the things that have no table here."""
        return number(self.db, kind, key)

    def _time_of_completion(self, parts: list[list[Event]]) -> int:
        """When the completion happened: recordings may go on for a second after it."""
        for part in parts:
            times = [e["timecreated"] for e in part if e["eventname"] == COMPLETION_UPDATED]
            if times:
                last = max(int(e["timecreated"]) for e in part)
                return self.now - last + max(int(time) for time in times)
        return self.now

    def scene(self, module: Row, user: int, actor: int, rows: dict[str, int]) -> Scene:
        """Who and what is put into a recording about this module."""
        course = need(self.db, "course", module["course"])
        return Scene(
            participant=user,
            actor=actor,
            contact=actor,
            course=course["id"],
            course_context=course["contextid"],
            now=self.now,
            numbers=self.numbers,
            module=module["id"],
            module_context=module["contextid"],
            modname=module["modname"],
            instance=module["instance"],
            rows=rows,
        )

    def _with_course(self, events: list[Event], module: Row, user: int, actor: int, when: int) -> list[Event]:
        """Moodle tells that the course is completed *before* the completion that completes it.
        One recording holds both; here they come exactly when the criteria are met."""
        row_id = complete_course(self.db, module, user, when)
        if not row_id:
            return events
        scene = self.scene(module, user, actor, {"course_completions": row_id})
        pair = [event | {"timecreated": when} for event in play(_course_pair(), scene)]
        pair[0]["userid"] = like(pair[0]["userid"], actor)
        last = max(i for i, e in enumerate(events) if e["eventname"] == COMPLETION_UPDATED)
        return [*events[:last], *pair, *events[last:]]


def _course_pair() -> list[Event]:
    """The completion of a course and its notification, as recorded."""
    return recorded("choice_completes_and_course_completes")[:2]


def _without_course(events: list[Event]) -> list[Event]:
    return [event for event in events if event not in _course_pair()]
