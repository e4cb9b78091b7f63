"""The program file as frozen models. Every figure of a program lives in its file (law 4)."""

import re
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$")]
"""A short key that appears in addresses and course idnumbers: letters, digits, - and _."""


class Misplaced(ValueError):
    """What doesn't fit together; `place` is the path to the part that has to change."""

    def __init__(self, message: str, *place: str | int) -> None:
        super().__init__(message)
        self.place = place


def _pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as err:
        raise ValueError(f"is not a regular expression: {err}") from err
    return text


def _timezone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is not a time zone name such as America/Los_Angeles")
    return name


Pattern = Annotated[str, AfterValidator(_pattern)]
"""A regular expression that has to match the whole text."""
Timezone = Annotated[str, AfterValidator(_timezone)]
Text = dict[Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")], str]
"""Words for people, by language code."""
Mode = Literal["face_to_face", "virtual", "hybrid"]


class Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)


class Band(Model):
    """The hour band of a commitment: met = minimum reached; above the maximum informs and never caps."""

    min_hours: Annotated[float, Field(gt=0, le=10_000)]
    max_hours: Annotated[float, Field(gt=0, le=10_000)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_hours < self.min_hours:
            raise ValueError(f"max_hours {self.max_hours} is below min_hours {self.min_hours}")
        return self

    @property
    def min_minutes(self) -> int:
        return round(self.min_hours * 60)

    @property
    def max_minutes(self) -> int:
        return round(self.max_hours * 60)


class Topic(Model):
    code: Code
    title: Text
    commitment: Band | Literal["to_be_set"] | None = None
    """None: the program's band. `to_be_set`: a band of its own that the program office has yet to
    state; a community of this topic is refused until it does."""


class Region(Model):
    code: Code
    title: Text


class CourseMatch(Model):
    """Which Moodle courses become communities: the named groups `topic` and `region` of the pattern."""

    course_idnumber: Pattern

    @model_validator(mode="after")
    def _names_its_parts(self) -> Self:
        missing = {"topic", "region"} - set(re.compile(self.course_idnumber).groupindex)
        if missing:
            raise ValueError(
                f"course_idnumber needs the named group(s) {', '.join(sorted(missing))}, as (?P<topic>...)"
            )
        return self


class ActivityRule(Model):
    """What completing an activity earns. All conditions that are given have to hold."""

    rule: Code
    idnumber: Pattern | None = None
    kind: tuple[str, ...] = ()
    section: Pattern | None = None
    name: Pattern | None = None
    minutes: Annotated[int, Field(ge=0, le=10_000)]
    component: Code

    def conditions(self) -> tuple[object, ...]:
        return (self.idnumber, self.kind, self.section, self.name)


class Attendance(Model):
    """Minutes present at a session earn in the component of the session's mode."""

    components: dict[Mode, Code] = Field(default_factory=dict)


class Program(Model):
    """One version of one program: what counts from `effective_from` on."""

    program: Code
    title: Text
    effective_from: date
    timezone: Timezone
    commitment: Band | None = None
    components: Annotated[tuple[Code, ...], Field(min_length=1)]
    topics: Annotated[tuple[Topic, ...], Field(min_length=1)]
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    communities: Annotated[tuple[CourseMatch, ...], Field(min_length=1)]
    participant_roles: Annotated[tuple[str, ...], Field(min_length=1)]
    facilitator_roles: tuple[str, ...] = ()
    activities: tuple[ActivityRule, ...] = ()
    attendance: Attendance = Attendance()

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, codes in (
            ("topics", [t.code for t in self.topics]),
            ("regions", [r.code for r in self.regions]),
            ("components", list(self.components)),
            ("activities", [a.rule for a in self.activities]),
        ):
            for number, code in enumerate(codes):
                if code in codes[:number]:
                    raise Misplaced(f"'{code}' stands twice", what, number)
        both = set(self.participant_roles) & set(self.facilitator_roles)
        if both:
            raise Misplaced(f"'{min(both)}' stands in participant_roles and in facilitator_roles", "facilitator_roles")
        seen: dict[tuple[object, ...], str] = {}
        for number, rule in enumerate(self.activities):
            if rule.component not in self.components:
                raise Misplaced(f"components does not list '{rule.component}'", "activities", number, "component")
            earlier = next((e for c, e in seen.items() if c == rule.conditions() or not any(c)), None)
            if earlier:
                text = f"rule '{rule.rule}' can never match: '{earlier}' before it takes it all"
                raise Misplaced(text, "activities", number)
            seen[rule.conditions()] = rule.rule
        for mode, component in self.attendance.components.items():
            if component not in self.components:
                raise Misplaced(f"components does not list '{component}'", "attendance", "components", mode)
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def rules_by_name(self) -> dict[str, ActivityRule]:
        return {rule.rule: rule for rule in self.activities}

    def topic(self, code: str) -> Topic | None:
        return next((t for t in self.topics if t.code == code), None)

    def region(self, code: str) -> Region | None:
        return next((r for r in self.regions if r.code == code), None)

    def band(self, topic_code: str) -> Band | None:
        """The commitment of a topic's communities. None: no commitment (or one that is yet to be set)."""
        topic = self.topic(topic_code)
        own = topic.commitment if topic else None
        if own == "to_be_set":
            return None
        return own or self.commitment


class ProgramVersion(Model):
    """A program as loaded: the file's version number among all that were loaded for this program."""

    id: str
    number: int
    program: Program


def version_at(versions: tuple[ProgramVersion, ...], moment: datetime) -> ProgramVersion:
    """The version in force at a moment: the latest `effective_from` that is not after its day in the
    program's time zone; the later loaded of two with one date. Before the first date the first counts,
    since a program that was described late was still that program.
    """
    ordered = sorted(versions, key=lambda v: (v.program.effective_from, v.number))
    in_force = [v for v in ordered if v.program.effective_from <= moment.astimezone(v.program.zone).date()]
    if in_force:
        return in_force[-1]
    earliest = ordered[0].program.effective_from
    return [v for v in ordered if v.program.effective_from == earliest][-1]


def next_version_at(versions: tuple[ProgramVersion, ...], moment: datetime) -> datetime | None:
    """The next instant after `moment` at which another version comes into force: midnight in its time zone."""
    starts = (datetime.combine(v.program.effective_from, time(), v.program.zone).astimezone(UTC) for v in versions)
    return min((start for start in starts if start > moment), default=None)


def words(text: dict[str, str], language: str) -> str:
    """The text in a language, else in English, else in the first that there is."""
    return text.get(language) or text.get("en") or next(iter(text.values()), "")


JsonDict = dict[str, Any]
