"""What a course holds, sections and activities: as it was verified, and as it is."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from jobs.provision.differences import Difference, Kind
from moodle_client import ActivitySetup, CourseSetup

RULES = ("tracking", "view", "submit", "posts", "discussions", "replies", "entries", "grade", "passgrade")


@dataclass(frozen=True, slots=True)
class Section:
    number: int
    name: str
    """Empty where the course's format names it."""
    visible: bool
    text: str
    """A hash."""


@dataclass(frozen=True, slots=True)
class Activity:
    idnumber: str
    modname: str
    name: str
    section: int
    visible: bool
    minutes: int | None
    component: str
    rules: tuple[tuple[str, str | int | bool], ...]
    """The completion rules that are on, and `tracking`."""
    expected: int
    further: tuple[str, ...]
    restrictions: str
    """A hash."""
    cmid: int = 0

    @property
    def called(self) -> str:
        """How it is named to people: its ID number, else its name."""
        return self.idnumber or self.name


@dataclass(frozen=True, slots=True)
class Content:
    """What a course holds."""

    sections: tuple[Section, ...]
    activities: tuple[Activity, ...]

    def as_data(self) -> dict[str, Any]:
        """To be kept as JSON."""
        return {
            "sections": [asdict(section) for section in self.sections],
            "activities": [asdict(activity) for activity in self.activities],
        }

    @classmethod
    def of_data(cls, data: dict[str, Any]) -> "Content":
        """What `as_data` gave."""
        return cls(
            tuple(Section(**row) for row in data["sections"]),
            tuple(
                Activity(
                    **row
                    | {"rules": tuple((name, value) for name, value in row["rules"]), "further": tuple(row["further"])}
                )
                for row in data["activities"]
            ),
        )

    @classmethod
    def of_setup(cls, setup: CourseSetup) -> "Content":
        """What a course holds as the plugin tells it."""
        return cls(
            tuple(
                Section(section.number, section.name if section.named else "", section.visible, section.summary)
                for section in setup.sections
                # Those of subsection activities follow these.
                if not section.component
            ),
            tuple(_activity(activity) for activity in setup.activities),
        )


def _activity(told: ActivitySetup) -> Activity:
    rules = tuple((name, value) for name in RULES if (value := getattr(told.completion, name)))
    return Activity(
        idnumber=told.idnumber,
        modname=told.modname,
        name=told.name,
        section=told.section,
        visible=told.visible,
        minutes=told.minutes,
        component=told.component,
        rules=rules,
        expected=told.completion.expected,
        further=tuple(sorted(told.further)),
        restrictions=told.availability,
        cmid=told.cmid,
    )


def differing(wanted: Content, found: Content, *, by_hand: bool) -> Iterator[Difference]:
    """Where a course doesn't hold what it shall. `by_hand`: it did once."""
    yield from _sections(wanted, found, by_hand)
    pairs, gone, new = paired(wanted.activities, found.activities)
    for activity in gone:
        yield Difference(Kind.ACTIVITY_GONE, activity.called, activity.modname, None, by_hand=by_hand)
    for before, now in pairs:
        yield from _changed(before, now, by_hand)
    for activity in new:
        kind = Kind.ACTIVITY_NEW_HOURS if activity.minutes is not None or activity.idnumber else Kind.ACTIVITY_NEW
        yield Difference(kind, activity.called, None, activity.modname, activity.cmid, by_hand=True)


def _sections(wanted: Content, found: Content, by_hand: bool) -> Iterator[Difference]:
    there = {section.number: section for section in found.sections}
    for section in wanted.sections:
        now, about = there.pop(section.number, None), str(section.number)
        if now is None:
            yield Difference(Kind.SECTION_GONE, about, section.name, None, by_hand=by_hand)
            continue
        for kind, was, is_ in (
            (Kind.SECTION_NAME, section.name, now.name),
            (Kind.SECTION_VISIBLE, section.visible, now.visible),
            (Kind.SECTION_TEXT, section.text, now.text),
        ):
            if was != is_:
                yield Difference(kind, about, was, is_, by_hand=by_hand)
    for number, section in there.items():
        yield Difference(Kind.SECTION_NEW, str(number), None, section.name, by_hand=True)


def paired(
    wanted: Sequence[Activity], found: Sequence[Activity]
) -> tuple[list[tuple[Activity, Activity]], list[Activity], list[Activity]]:
    """Which activity of one course is which of another: by ID number, else by kind and name, else, where just one of
    its kind is left on either side in a section, by that. Also: those that are gone, and those that are new."""
    pairs: list[tuple[Activity, Activity]] = []
    gone, left = list(wanted), list(found)
    for key in (_by_cmid, _by_idnumber, _by_name, _by_place):
        theirs = _unique(left, key)
        for mine, activity in _unique(gone, key).items():
            if other := theirs.get(mine):
                pairs.append((activity, other))
                gone.remove(activity)
                left.remove(other)
    return pairs, gone, left


Key = tuple[str | int, ...]


def _by_cmid(activity: Activity) -> Key | None:
    return (activity.cmid,) if activity.cmid else None


def _by_idnumber(activity: Activity) -> Key | None:
    return (activity.idnumber,) if activity.idnumber else None


def _by_name(activity: Activity) -> Key | None:
    return activity.modname, activity.name


def _by_place(activity: Activity) -> Key | None:
    return activity.modname, activity.section


def _unique(activities: Sequence[Activity], key: Any) -> dict[Key, Activity]:
    """Activities by what no two of them share."""
    found: dict[Key, list[Activity]] = {}
    for activity in activities:
        if (named := key(activity)) is not None:
            found.setdefault(named, []).append(activity)
    return {named: same[0] for named, same in found.items() if len(same) == 1}


def _changed(wanted: Activity, found: Activity, by_hand: bool) -> Iterator[Difference]:
    values = (
        (Kind.ACTIVITY_IDNUMBER, wanted.idnumber, found.idnumber),
        (Kind.ACTIVITY_NAME, wanted.name, found.name),
        (Kind.ACTIVITY_SECTION, wanted.section, found.section),
        (Kind.ACTIVITY_VISIBLE, wanted.visible, found.visible),
        (Kind.ACTIVITY_RULES, _text(wanted.rules), _text(found.rules)),
        (Kind.ACTIVITY_FURTHER, " ".join(wanted.further), " ".join(found.further)),
        (Kind.ACTIVITY_EXPECTED, wanted.expected, found.expected),
        (Kind.ACTIVITY_MINUTES, wanted.minutes, found.minutes),
        (Kind.ACTIVITY_COMPONENT, wanted.component, found.component),
        (Kind.ACTIVITY_RESTRICTED, wanted.restrictions, found.restrictions),
    )
    for kind, was, is_ in values:
        if was != is_:
            yield Difference(kind, wanted.called, was, is_, found.cmid, by_hand=by_hand)


def _text(rules: tuple[tuple[str, str | int | bool], ...]) -> str:
    return json.dumps(dict(rules), sort_keys=True)


def rules_of(text: str | int | bool | None) -> dict[str, Any]:
    """Completion rules as `set_activities` takes them, out of a difference's value."""
    rules: dict[str, Any] = json.loads(str(text))
    return rules
