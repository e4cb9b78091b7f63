"""Recorded sequences of Moodle events, played again with other ids, people and times.

The files under `recordings/` are what internal observers of a real site got for one action.
Everything that isn't an id, a person or a time stays as it was recorded, oddities included:
also whether an id was an integer or a string.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recordings"

COMPLETION_UPDATED = "\\core\\event\\course_module_completion_updated"
COURSE_COMPLETED = "\\core\\event\\course_completed"
NOTIFICATION_SENT = "\\core\\event\\notification_sent"
USER_GRADED = "\\core\\event\\user_graded"

_PEOPLE = {"relateduserid", "overrideby", "submitterid"}
_INSTANCES = {"forumid", "quizid", "choiceid", "instanceid"}
_NUMBERED = {
    "discussionid": "forum_discussions",
    "discussion": "forum_discussions",
    "submissionid": "assign_submission",
    "optionid": "choice_options",
}
_PER_MODULE = {"choice_options"}
_PER_MODULE_AND_USER = {"assign_submission", "assignsubmission_onlinetext"}

Event = dict[str, Any]


@cache
def _read(name: str) -> str:
    return (FOLDER / f"{name}.json").read_text(encoding="utf-8")


def recorded(name: str) -> list[Event]:
    """The events of a recording, in their order, each a complete `get_data()`."""
    events: list[Event] = json.loads(_read(name))["events"]
    return events


def administered(name: str) -> Event:
    """One recorded event of an administrator's or a teacher's change."""
    found: Event = json.loads(_read("administration"))[f"\\core\\event\\{name}"]
    return found


def at_meetings(name: str) -> Event:
    """One recorded event of who was where: of mod_attendance or mod_bigbluebuttonbn."""
    found: Event = json.loads(_read("attendance"))[name]
    return found


def ws_template() -> dict[str, Any]:
    """Recorded answers of web services, one of each kind of thing."""
    template: dict[str, Any] = json.loads(_read("ws"))
    return template


@cache
def moodle_functions() -> frozenset[str]:
    """The names of all functions that the recorded site had."""
    return frozenset(json.loads(_read("functions")))


@dataclass(frozen=True)
class Scene:
    """Who and what takes the places of the recorded people and things."""

    participant: int
    actor: int
    contact: int
    course: int
    course_context: int
    now: int
    numbers: Callable[[str, str], int]
    module: int = 0
    module_context: int = 0
    modname: str = ""
    instance: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    enrolment: dict[str, Any] = field(default_factory=dict)


def like(old: object, new: int) -> int | str:
    """The new id in the recorded one's type: Moodle gives integers and strings as it happens."""
    return str(new) if isinstance(old, str) else new


def play(events: Sequence[Event], scene: Scene) -> list[Event]:
    """The recorded events as they would be on this site, the last of them now."""
    if not events:
        return []
    return _Player(events, scene).play()


class _Player:
    def __init__(self, events: Sequence[Event], scene: Scene) -> None:
        self.events = events
        self.scene = scene
        self.people = self._people()
        self.last = max(int(event["timecreated"]) for event in events)
        self.fresh: dict[tuple[str, str], int] = {}

    def _people(self) -> dict[int, int]:
        """The participant is the related user; of the others the first one acts, the next one is
        the course's contact, in whose name Moodle sends the welcome."""
        related = [event["relateduserid"] for event in self.events if event["relateduserid"]]
        star = int(related[0] if related else self.events[0]["userid"])
        people = {0: 0, -1: -1, star: self.scene.participant}
        understudies = [self.scene.actor, self.scene.contact]
        for event in self.events:
            user = int(event["userid"])
            if user not in people:
                people[user] = understudies.pop(0)
        return people

    def play(self) -> list[Event]:
        return [self._event(event) for event in self.events]

    def _event(self, old: Event) -> Event:
        new = dict(old)
        scene = self.scene
        new["userid"] = self._person(old["userid"])
        new["relateduserid"] = self._person(old["relateduserid"])
        new["timecreated"] = scene.now - (self.last - int(old["timecreated"]))
        if int(old["courseid"]):
            new["courseid"] = like(old["courseid"], scene.course)
        if old["contextlevel"] == 70:
            new["contextid"] = like(old["contextid"], scene.module_context)
            new["contextinstanceid"] = like(old["contextinstanceid"], scene.module)
        elif old["contextlevel"] == 50:
            new["contextid"] = like(old["contextid"], scene.course_context)
            new["contextinstanceid"] = like(old["contextinstanceid"], scene.course)
        new["objectid"] = self._object(old)
        new["other"] = self._other(old)
        return new

    def _person(self, old: Any) -> Any:
        return None if old is None else like(old, self.people[int(old)])

    def _object(self, old: Event) -> Any:
        table, recorded_id = old["objecttable"], old["objectid"]
        if recorded_id is None:
            return None
        if table == self.scene.modname:
            return like(recorded_id, self.scene.instance)
        if table in self.scene.rows:
            return like(recorded_id, self.scene.rows[table])
        if table == "grade_grades":
            key = f"{self._grade_item(old)}:{self.scene.participant}"
            return like(recorded_id, self.scene.numbers(table, key))
        return like(recorded_id, self._number(table, recorded_id))

    def _grade_item(self, old: Event) -> int:
        """Moodle's system user (-1) grades the course total, everyone else the activity."""
        total = int(old["userid"]) == -1
        key = f"course:{self.scene.course}" if total else f"module:{self.scene.module}"
        return self.scene.numbers("grade_items", key)

    def _number(self, kind: str, recorded_id: Any) -> int:
        if kind in _PER_MODULE:
            return self.scene.numbers(kind, f"{self.scene.module}")
        if kind in _PER_MODULE_AND_USER:
            return self.scene.numbers(kind, f"{self.scene.module}:{self.scene.participant}")
        place = (kind, str(recorded_id))
        if place not in self.fresh:
            count = self.scene.numbers(kind, "")
            self.fresh[place] = count
        return self.fresh[place]

    def _other(self, old: Event) -> Any:
        other = old["other"]
        if not isinstance(other, dict):
            return other
        return {key: self._field(old, key, value) for key, value in other.items()}

    def _field(self, old: Event, key: str, value: Any) -> Any:
        if key == "userenrolment":
            return self._enrolment(value)
        if value is None or isinstance(value, (list, dict)):
            return value
        scene = self.scene
        if key in _PEOPLE:
            return self._overrider(value) if key == "overrideby" else self._person(value)
        if key in _INSTANCES:
            return like(value, scene.instance)
        if key in _NUMBERED:
            return like(value, self._number(_NUMBERED[key], value))
        if key == "itemid" and old["eventname"] == USER_GRADED:
            return like(value, self._grade_item(old))
        own = {"cmid": scene.module, "courseid": scene.course}
        own["id"] = scene.rows.get("role_assignments", 0)
        return like(value, own[key]) if key in own else value

    def _overrider(self, value: Any) -> Any:
        """Who overrode the row earlier may be someone else than who acts now."""
        return like(value, self.scene.rows.get("overrideby", self.scene.actor))

    def _enrolment(self, old: dict[str, Any]) -> dict[str, Any]:
        row = self.scene.enrolment
        return {key: str(row[key]) if key in row else value for key, value in old.items()}
