"""A scenario file: a program's run as people would tell it, and what they expect of it, day by day."""

from collections.abc import Iterable
from datetime import date, time
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

import mappings

PROGRAMS = Path(mappings.__file__).parent / "programs"
NAMES = (
    *("code", "rule", "kind", "milestone", "cycle", "requirement", "notice", "term", "cap", "session"),
    *("region", "topic", "course_idnumber"),
)
"""What the items of a program file's lists are called by, in the paths of `set`."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Activity(_Model):
    kind: str = "page"
    section: str = ""
    name: str = "An activity"


class Course(_Model):
    site: str
    starts: date
    ends: date | None = None
    activities: dict[str, Activity] = Field(default_factory=dict)
    """By ID number."""


class Person(_Model):
    sites: tuple[str, ...] = ()
    """Where he or she has an account. Left out: on the first site."""
    profile: dict[str, str] = Field(default_factory=dict)


class Step(_Model):
    """What happens on a day: exactly one of the first keys."""

    enrol: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    done: tuple[str, ...] = ()
    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    undone: tuple[str, ...] = ()
    session: str | None = None
    milestone: str | None = None
    adjust: dict[str, int] = Field(default_factory=dict)
    waive: str | None = None
    rationale: str | None = None
    transfer: str | None = None

    day: date
    at: time = time(12)
    """Local time of the program, or of the session's community."""
    course: str = ""
    """Which course, or whose community."""
    by: tuple[str, ...] = ()
    role: Literal["student", "editingteacher"] = "student"
    groups: tuple[str, ...] = ()
    mode: Literal["face_to_face", "virtual", "hybrid"] = "virtual"
    kind: str = ""
    planned: int | None = None
    also: tuple[str, ...] = ()
    """Courses of other communities that share the session."""
    stands_for: str = ""
    """The activity that stands for the session."""
    there: dict[str, int] = Field(default_factory=dict)
    """Minutes of each person who was at the session."""
    of: str = ""
    """Of a milestone, waiver or rationale: `organisation CODE`, `team CODE in COURSE`, `community COURSE`, `program`,
    or `person NAME in COURSE`."""
    cycle: str = ""
    after: str = ""
    """The session that a milestone follows: `CODE of COURSE`."""
    evidence: str = ""
    component: str = ""
    to: str = ""
    """Of a transfer: the course of the new community."""
    because: str = ""


class Member(_Model):
    """What is expected of one person in one community."""

    minutes: int
    over_all: int | None = None
    """Left out: as `minutes`."""
    components: dict[str, int] = Field(default_factory=dict)
    status: str | None = None
    """Left out, of who leads: that, what is missing and outcomes aren't looked at."""
    missing: tuple[str, ...] = ()
    """Codes of what is missing, in any order."""
    outcomes: dict[str, str] = Field(default_factory=dict)
    notices: dict[str, str] = Field(default_factory=dict)
    """How those stand that aren't kept."""
    because: Annotated[str, Field(min_length=10)]


class Subject(_Model):
    """What is expected of a team, organisation, community or program."""

    outcomes: dict[str, str] = Field(default_factory=dict)
    notices: dict[str, str] = Field(default_factory=dict)
    """How those stand that aren't kept."""
    host: str | None = None
    timezone: str | None = None
    begins: dict[str, str] = Field(default_factory=dict)
    average: int | None = None
    """Of a community: its host's code, its time zone, when its sessions begin, and the minutes of a participant on
    the average; left out: not looked at."""
    missing: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    """Of requirements: the codes of what is missing."""
    because: Annotated[str, Field(min_length=10)]


class Expected(_Model):
    day: date
    members: dict[str, dict[str, Member]] = Field(default_factory=dict)
    """By course, then person: everybody who has a membership there."""
    refused: tuple[str, ...] | None = None
    """Courses that look like a community and are none; left out: not looked at."""
    subjects: dict[str, Subject] = Field(default_factory=dict)
    """By `organisation CODE`, `team CODE in COURSE`, `community COURSE` or `program`."""


class Scenario(_Model):
    programs: Annotated[dict[str, dict[str, Any]], Field(min_length=1)]
    """By file name without its ending: what is set in it, by paths, for what the program's own text leaves open."""
    sites: Annotated[tuple[str, ...], Field(min_length=1)]
    organisations: tuple[dict[str, str], ...] = ()
    """As lines of the organisations file."""
    people: dict[str, Person]
    courses: dict[str, Course]
    story: tuple[Step, ...]
    expected: Annotated[tuple[Expected, ...], Field(min_length=1)]


def load(path: Path) -> Scenario:
    """The scenario in a file; days have to come in their order."""
    scenario = Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    days = [(step.day, step.at) for step in scenario.story]
    assert days == sorted(days), f"{path.name}: the story isn't told in the order of its days"
    assert [e.day for e in scenario.expected] == sorted(e.day for e in scenario.expected)
    return scenario


def program_text(name: str, settings: dict[str, Any]) -> str:
    """The YAML of a program file, with its settings filled in."""
    data = yaml.safe_load((PROGRAMS / f"{name}.yaml").read_text(encoding="utf-8"))
    for path, value in settings.items():
        _set(data, path.split("."), value)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _set(data: Any, steps: list[str], value: Any) -> None:
    """Fill in one place. A list's item is named by its code; one that isn't there is added by `+`."""
    *way, last = steps
    for step in way:
        data = data[step] if isinstance(data, dict) else _item(data, step)
    if isinstance(data, dict):
        data[last] = value
    elif last == "+":
        data.append(value)
    else:
        data[data.index(_item(data, last))] = value


def _item(items: Iterable[Any], name: str) -> Any:
    found = [item for item in items if next((item[key] for key in NAMES if key in item), None) == name]
    assert len(found) == 1, f"{len(found)} items are called {name}"
    return found[0]
