"""The program file as frozen models. Every figure of a program lives in its file (law 4)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import Annotated, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, model_validator

from mappings.base import Code, Disorder, Model, Text, Timezone, ToBeSet
from mappings.earning import (
    ActivityRule,
    Adjustments,
    Attendance,
    Cap,
    Cycle,
    HoursFromMoodle,
    Milestone,
    Rounding,
    SessionKind,
    Shared,
    Unit,
    WhenEnded,
)
from mappings.facts import Activity
from mappings.periods import Period, SchoolYear, Term
from mappings.places import Band, CommunityMatch, Contact, JobRole, Pace, Particulars, Profile, Region, Teams, Topic
from mappings.requirements import Notice, Requirement
from mappings.wholeness import misplaced
from mappings.writing import WriteBack


@dataclass(frozen=True, slots=True)
class MinuteBand:
    """A commitment in whole minutes."""

    min_minutes: int
    max_minutes: int


class Program(Model):
    """One version of one program: what counts from `effective_from` on."""

    program: Code
    """The program's code, for good."""
    title: Text
    """The program's name, in words."""
    description: Text | None = None
    """What the program is, in words."""
    contact: Contact | None = None
    """Whom to ask about the program."""
    how_to_join: Text | None = None
    """How people apply, and agencies inquire about hosting."""
    effective_from: date
    """The first day that this version counts for."""
    timezone: Timezone
    """Decides what a day is, and the times on pages, where a community has none of its own."""
    hour_minutes: Annotated[int, Field(ge=30, le=90)] = 60
    """How many minutes an hour of this file is: 60, or 50 for an academic hour."""
    units: tuple[Unit, ...] = ()
    """Other units that amounts are shown in, beside hours."""
    commitment: Band | None = None
    """The hour band of every topic that has none of its own. Left out: no commitment."""
    period: Period = Period()
    """Within what the commitment, and every requirement that says nothing else, is counted."""
    pace: Pace | None = None
    """Left out: nobody is told to be on pace or behind."""
    school_year: SchoolYear | None = None
    """Needed where something is counted by school year."""
    terms: tuple[Term, ...] | ToBeSet = ()
    """Needed where something is counted by term."""
    components: Annotated[tuple[Code, ...], Field(min_length=1)]
    """The parts that hours are shown in."""
    phases: tuple[Code, ...] = ()
    """Before, between and after sessions, say."""
    topics: Annotated[tuple[Topic, ...], Field(min_length=1)]
    """What communities are about."""
    regions: Annotated[tuple[Region, ...], Field(min_length=1)]
    """Where communities are."""
    communities: Annotated[tuple[CommunityMatch, ...], Field(min_length=1)]
    """Which Moodle courses, or groups in them, are communities. The first that fits counts."""
    particulars: tuple[Particulars, ...] = ()
    """What holds for some communities only; of two that say something the later one does."""
    teams: Teams | None = None
    """Which groups are teams. Left out: none."""
    profile: Profile = Profile()
    """Which profile fields of Moodle accounts say where people work, and as what."""
    job_roles: tuple[JobRole, ...] = ()
    """What people do where they work."""
    participant_roles: Annotated[tuple[str, ...], Field(min_length=1)]
    """Short names of the Moodle roles whose hours are counted."""
    facilitator_roles: tuple[str, ...] = ()
    """Those who lead; their hours aren't counted."""
    shared: Shared | None = None
    """Where one activity or session could count in two communities of a person. Left out: in both."""
    activities: tuple[ActivityRule, ...] = ()
    """What completing an activity earns: the first rule that fits counts."""
    hours_from_moodle: HoursFromMoodle = HoursFromMoodle()
    """Whether hours that are declared in an activity's form in Moodle count instead of the rule's."""
    session_kinds: tuple[SessionKind, ...] = ()
    """Kinds of sessions with a name, and perhaps minutes, of their own."""
    attendance: Attendance = Attendance()
    """What a session earns for those who were there."""
    self_reported: tuple[Code, ...] = ()
    """Components that participants may report hours of their own in; staff approve them."""
    adjustments: Adjustments = Adjustments()
    """Whether a large adjustment waits for a second person."""
    milestones: tuple[Milestone, ...] = ()
    """What is achieved once, or once a cycle or session."""
    cycles: tuple[Cycle, ...] = ()
    """Cycles of phases."""
    caps: tuple[Cap, ...] = ()
    """Each limits what the ones before it left."""
    rounding: Rounding | None = None
    """Left out: minutes count as they are."""
    when_ended: WhenEnded = WhenEnded()
    """Whether minutes stay when Moodle no longer shows the completion."""
    requirements: tuple[Requirement, ...] = ()
    """What is required beside the commitment."""
    notices: tuple[Notice, ...] = ()
    """Guidelines: staff are told where one isn't kept, and nothing is blocked."""
    write_back: WriteBack = WriteBack()
    """What is written into Moodle. Left out: nothing."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        problems = tuple(misplaced(self))
        if problems:
            raise Disorder(problems)
        return self

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def rules_by_name(self) -> dict[str, ActivityRule]:
        return {rule.rule: rule for rule in self.activities}

    @cached_property
    def rules_found(self) -> dict[Activity, ActivityRule | None]:
        """What mappings.matching.rule_for found; as long as there are forms of activities."""
        return {}

    @cached_property
    def kinds_by_name(self) -> dict[str, SessionKind]:
        return {kind.kind: kind for kind in self.session_kinds}

    @cached_property
    def milestones_by_name(self) -> dict[str, Milestone]:
        return {milestone.milestone: milestone for milestone in self.milestones}

    def topic(self, code: str) -> Topic | None:
        return next((t for t in self.topics if t.code == code), None)

    def region(self, code: str) -> Region | None:
        return next((r for r in self.regions if r.code == code), None)

    def minutes(self, hours: float) -> int:
        """Hours of this file in minutes."""
        return round(hours * self.hour_minutes)

    def of_community(self, topic: str, region: str, idnumbers: tuple[str, ...] = ()) -> list[Particulars]:
        """What holds for a community beside the rest; of two that say something the later one does."""
        return [part for part in self.particulars if part.fits(topic, region, idnumbers)]

    def band(self, topic_code: str, particulars: list[Particulars] | None = None) -> MinuteBand | None:
        """The commitment of a topic's communities. None: no commitment (or one that is yet to be set)."""
        topic = self.topic(topic_code)
        own = next((part.commitment for part in reversed(particulars or []) if part.commitment), None)
        band = own or (topic.commitment if topic else None) or self.commitment
        if band is None or band == "to_be_set":
            return None
        return MinuteBand(self.minutes(band.min_hours), self.minutes(band.max_hours))

    def open_settings(self) -> list[tuple[str | int, ...]]:
        """The places of every figure that is yet to be set."""
        return list(_open(self, ()))


def _open(value: object, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if value == "to_be_set":
        yield place
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _open(getattr(value, name), (*place, name))
    elif isinstance(value, tuple):
        for number, item in enumerate(value):
            yield from _open(item, (*place, number))


class ProgramVersion(Model):
    """A program as loaded: the file's version number among all that were loaded for this program."""

    id: str
    number: int
    program: Program

    @cached_property
    def starts(self) -> datetime:
        """The instant at which it comes into force: midnight in the program's time zone."""
        return datetime.combine(self.program.effective_from, time(), self.program.zone).astimezone(UTC)

    @property
    def rank(self) -> tuple[date, int]:
        """Of two versions in force the one with the higher rank counts."""
        return self.program.effective_from, self.number


def version_at(versions: tuple[ProgramVersion, ...], moment: datetime) -> ProgramVersion:
    """The version in force at a moment: the latest `effective_from` that is not after its day in the
    program's time zone; the later loaded of two with one date. Before the first date the first counts,
    since a program that was described late was still that program.
    """
    if len(versions) == 1:
        return versions[0]
    in_force = [version for version in versions if version.starts <= moment]
    if in_force:
        return max(in_force, key=lambda v: v.rank)
    earliest = min(version.program.effective_from for version in versions)
    return max((v for v in versions if v.program.effective_from == earliest), key=lambda v: v.rank)


def next_version_at(versions: tuple[ProgramVersion, ...], moment: datetime) -> datetime | None:
    """The next instant after `moment` at which another version comes into force."""
    return min((version.starts for version in versions if version.starts > moment), default=None)
