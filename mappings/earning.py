"""What earns minutes: activities, attendance, milestones; and what limits it: alternatives, caps, rounding."""

import re
from functools import lru_cache
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mappings.base import Code, Minutes, Mode, Model, Pattern, Text, ToBeSet

MOODLE_HOURS = "moodle:hours"
"""Stands as the rule of hours that come from an activity's form in Moodle alone: no code of a file has a colon."""
StateName = Literal["complete", "passed", "failed"]
EndName = Literal["undone", "reset", "deleted", "left", "overridden"]
Subject = Literal["participant", "team", "organisation", "community", "program"]


class ActivityRule(Model):
    """What completing an activity earns. All conditions that are given have to hold."""

    rule: Code
    """The rule's code. Credits name it."""
    idnumber: Pattern | None = None
    """The activity's ID number. A part `(?P<session>...)` names the session that the activity stands for."""
    kind: tuple[str, ...] = ()
    """Its kind, such as forum or quiz; one of these."""
    section: Pattern | None = None
    """The name of its section."""
    name: Pattern | None = None
    """Its name."""
    minutes: Minutes | ToBeSet
    """What completing one such activity earns; 0 records it and adds nothing, and so does `to_be_set`."""
    component: Code
    """What the minutes count in; one of `components`."""
    phase: Code | None = None
    """Before, between or after sessions, say; one of `phases`."""
    earns: dict[StateName, Literal["all", "none"] | Minutes] = Field(default_factory=dict)
    """What each completion state of Moodle earns: `all`, `none`, or minutes. Left out: complete and passed earn all,
    failed none."""
    alternative: Code | None = None
    """Rules of one alternative stand for one thing: the best of them counts, once."""

    def conditions(self) -> tuple[object, ...]:
        return (self.idnumber, self.kind, self.section, self.name)

    @property
    def worth(self) -> int:
        """The minutes; none while they are yet to be set."""
        return 0 if self.minutes == "to_be_set" else self.minutes

    def minutes_for(self, state: StateName) -> int | None:
        """What a state earns; None: nothing, since the activity wasn't passed."""
        share = self.earns.get(state, "none" if state == "failed" else "all")
        return self.worth if share == "all" else None if share == "none" else share


class Adjustments(Model):
    """What staff may give or take by themselves."""

    approval_above_minutes: Minutes | None = None
    """An adjustment of more minutes than this, given or taken, counts once somebody else has approved it. Left out:
    every adjustment counts at once."""

    def asks_approval(self, minutes: int) -> bool:
        """Whether an adjustment of so many minutes waits for a second person."""
        return self.approval_above_minutes is not None and abs(minutes) > self.approval_above_minutes


class HoursFromMoodle(Model):
    """Which of the hours in Moodle's forms are taken."""

    take: Literal["ignore", "propose", "accept"] = "propose"
    """`ignore`: they are never looked at. `propose`: staff decide on each, and until then they count nothing.
    `accept`: they count at once."""
    min_hours: Annotated[float, Field(ge=0, le=100)] = 0
    """An activity that declares less than this is never given it."""
    max_hours: Annotated[float, Field(gt=0, le=100)] = 8
    """An activity that declares more than this is never given it."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.min_hours > self.max_hours:
            raise ValueError(f"max_hours {self.max_hours} is below min_hours {self.min_hours}")
        return self


class AttendanceRule(Model):
    """What being at a session earns."""

    earns: Literal["present", "fixed", "weighted"] = "present"
    """`present`: the minutes that the person was there. `fixed`: `minutes` for whoever was there. `weighted`: the
    planned minutes by the weight of the person's status."""
    minutes: Minutes | None = None
    """With `fixed`: how many."""
    at_least: Minutes = 0
    """Who was there for fewer minutes earns nothing."""
    at_most_planned: bool = False
    """No more than the session's planned minutes."""
    weights: dict[str, Annotated[int, Field(ge=0, le=100)]] = Field(default_factory=dict)
    """With `weighted`: per cent of the planned minutes by status, such as {P: 100, L: 50, A: 0}."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.minutes is None) != (self.earns != "fixed"):
            raise ValueError("'minutes' belongs to 'earns: fixed', and only there")
        if bool(self.weights) != (self.earns == "weighted"):
            raise ValueError("'weights' belongs to 'earns: weighted', and only there")
        return self


class SessionKind(Model):
    """A kind of session with a name of its own, such as a gathering or a webinar."""

    kind: Code
    """Its code, which files of attendance name."""
    title: Text
    """Its name, in words."""
    component: Code | None = None
    """What its minutes count in. Left out: the component of the session's mode."""
    attendance: AttendanceRule | None = None
    """What it earns. Left out: as every session."""
    voluntary: bool = False
    """Open to others, too: who comes without being a member is welcome, and no member is missing."""


class Attendance(AttendanceRule):
    """What being at a session earns, and in which component."""

    components: dict[Mode, Code] = Field(default_factory=dict)
    """Which component a minute counts in, by the session's mode. A mode left out earns nothing."""


class Cap(Model):
    """No more than so many minutes, for what the conditions name, in each bucket."""

    cap: Code
    """Its code."""
    title: Text | None = None
    """Its name, in words."""
    rules: tuple[Code, ...] = ()
    """Only what these rules earned."""
    kind: tuple[str, ...] = ()
    """Only Moodle activities of these kinds."""
    session_kinds: tuple[Code, ...] = ()
    """Only sessions of these kinds."""
    component: Code | None = None
    """Only this component, whatever earned it."""
    per: Literal["activity", "day", "week", "term", "period", "all"] = "all"
    """The bucket: one activity or session, a local day, a week from Monday, a term, the program's period, or
    everything."""
    minutes: Minutes
    """No more than this in each bucket."""


class Rounding(Model):
    """Amounts are rounded to a multiple of so many minutes."""

    to_minutes: Annotated[int, Field(ge=2, le=600)]
    """The amount that everything is a multiple of."""
    direction: Literal["down", "nearest", "up"]
    """Down, up, or to the nearest multiple; half of one goes up."""
    per: Literal["activity", "day", "all"] = "activity"
    """What is rounded: each amount, the sum of a local day, or the sum of all."""

    def apply(self, minutes: int) -> int:
        """The multiple of `to_minutes` that an amount becomes; half of one goes up."""
        add = {"down": 0, "nearest": self.to_minutes // 2, "up": self.to_minutes - 1}[self.direction]
        return (minutes + add) // self.to_minutes * self.to_minutes


class FromActivity(Model):
    """The Moodle activity whose completion is the milestone."""

    idnumber: Pattern | None = None
    """A part `(?P<cycle>...)` says which cycle it belongs to."""
    kind: tuple[str, ...] = ()
    """Its kind, such as assign; one of these."""
    section: Pattern | None = None
    """The name of its section."""
    name: Pattern | None = None
    """Its name."""
    completed_by: Literal["any", "all"] = "any"
    """Whether one participant of the team, organisation or community is enough, or all have to."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.idnumber or self.kind or self.section or self.name):
            raise ValueError("needs idnumber, kind, section or name")
        return self


class Milestone(Model):
    """Something that is achieved once, or once a cycle or session: a phase, a report, a plan."""

    milestone: Code
    """Its code."""
    title: Text
    """Its name, in words."""
    of: Subject
    """Who achieves it."""
    cycle: Code | None = None
    """The cycle that it is a phase of."""
    phase: Code | None = None
    """Which phase of the cycle it is."""
    after: Code | None = None
    """The kind of session after each of which it is due."""
    evidence: Literal["required", "optional"] = "optional"
    """`required`: without a link, a file's hash or a note it doesn't count."""
    minutes: Minutes = 0
    """What each participant of the subject earns by it."""
    component: Code | None = None
    """What the minutes count in."""
    from_activity: FromActivity | None = None
    """Left out: staff enter it, or a file."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.cycle is None) != (self.phase is None):
            raise ValueError("a phase belongs to a cycle: 'cycle' and 'phase' go together")
        if (self.minutes > 0) != (self.component is not None):
            raise ValueError("'minutes' and 'component' go together")
        if self.minutes and self.of not in ("participant", "team"):
            raise ValueError("only a participant's or a team's milestone earns 'minutes'")
        if self.minutes and self.from_activity:
            raise ValueError("with 'from_activity' the activity's own rule gives the minutes")
        return self


class Cycle(Model):
    """A cycle of phases, such as plan, do, study, act."""

    cycle: Code
    """Its code."""
    title: Text
    """Its name, in words."""
    phases: Annotated[tuple[Code, ...], Field(min_length=1)]
    """Its phases, in their order."""
    full: Annotated[tuple[Code, ...], Field(min_length=1)] | ToBeSet
    """The phases that make it a full one."""


class Shared(Model):
    """Where one thing could count in two communities of a person."""

    counts_in: Literal["both", "one"]
    """`both` of them, or `one`."""
    prefer: tuple[Code, ...] = ()
    """With `one`: it counts in the community of the region that stands first here; then in the older one."""


class WhenEnded(Model):
    """What becomes of minutes when Moodle no longer shows the completion."""

    undone: Literal["take_back", "keep"] = "take_back"
    """Marked as not done, by the participant or somebody else."""
    reset: Literal["take_back", "keep"] = "keep"
    """Its row is gone: the course was reset."""
    deleted: Literal["take_back", "keep"] = "keep"
    """The activity was deleted."""
    left: Literal["take_back", "keep"] = "keep"
    """The participant has no enrolment any more."""
    overridden: Literal["take_back", "keep"] = "keep"
    """Somebody else marked it as done in the participant's place."""


class Unit(Model):
    """Another unit that amounts are shown in, such as a continuing education unit."""

    unit: Code
    """Its code."""
    title: Text
    """Its name, in words."""
    minutes: Annotated[int, Field(ge=1, le=100_000)]
    """How many minutes one of it is."""


@lru_cache(maxsize=10_000)
def named_group(pattern: str | None, name: str, text: str) -> str | None:
    """The part of a text that a pattern's named group stands for."""
    if pattern is None or name not in re.compile(pattern).groupindex:
        return None
    found = re.fullmatch(pattern, text)
    return found[name] if found else None
