"""What a program asks for beside hours, and what it only recommends: the language."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from mappings.base import Code, Count, Hours, Mode, Model, Pattern, Text, ToBeSet
from mappings.earning import Subject
from mappings.periods import Period

CONDITIONS = ("hours", "activities", "sessions", "milestones", "cycles", "all_of", "any_of", "n_of")


class HoursNeeded(Model):
    """So many hours, in all or in one component."""

    min_hours: Hours | ToBeSet
    """At least so many."""
    max_hours: Hours | None = None
    """Informs, and never cuts."""
    component: Code | None = None
    """Only minutes of this component. Left out: all."""


class ActivitiesNeeded(Model):
    """Activities that have to be completed, named by the rules that they fall under."""

    rules: Annotated[tuple[Code, ...], Field(min_length=1)]
    """Codes of rules of `activities`."""
    at_least: Count | Literal["all"] = "all"
    """`all`: one activity under each of the rules."""


class SessionsNeeded(Model):
    """Sessions: attended, of a participant or team; held, of a community or program."""

    codes: tuple[Pattern, ...] = ()
    """Their codes."""
    kind: Code | None = None
    """Only sessions of this kind."""
    mode: Mode | None = None
    """Only sessions of this mode."""
    at_least: Count | Literal["all"] | ToBeSet = "all"
    """`all`: every one that has been held or is planned in the period."""


class MilestonesNeeded(Model):
    """Milestones of a kind."""

    milestone: Code
    """Its code in `milestones`."""
    at_least: Count | ToBeSet = 1
    """How many."""
    each_session: Code | None = None
    """One for each session of this kind, instead of a number."""


class CyclesNeeded(Model):
    """Full cycles."""

    cycle: Code
    """Its code in `cycles`."""
    at_least: Count | ToBeSet
    """How many full ones."""


class NOf(Model):
    """So many of several."""

    at_least: Count
    """How many of them."""
    of: "Annotated[tuple[Condition, ...], Field(min_length=1)]"
    """The conditions."""


class Condition(Model):
    """One thing that has to be reached; exactly one of its keys is given."""

    hours: HoursNeeded | None = None
    """So many hours."""
    activities: ActivitiesNeeded | None = None
    """Activities that have to be completed."""
    sessions: SessionsNeeded | None = None
    """Sessions that have to be attended or held."""
    milestones: MilestonesNeeded | None = None
    """Milestones that have to be reached."""
    cycles: CyclesNeeded | None = None
    """Full cycles."""
    all_of: "tuple[Condition, ...]" = ()
    """Every one of these conditions."""
    any_of: "tuple[Condition, ...]" = ()
    """At least one of these conditions."""
    n_of: NOf | None = None
    """So many of these conditions."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in CONDITIONS if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of {', '.join(CONDITIONS)}; {len(given)} are given")
        return self

    @property
    def parts(self) -> "tuple[Condition, ...]":
        """The conditions that it is made of; none of a simple one."""
        return self.all_of or self.any_of or (self.n_of.of if self.n_of else ())


class Only(Model):
    """Whom it is asked of; all that is given has to hold. Left out: everybody."""

    newcomers: bool = False
    """Who had no membership before, and hasn't completed the like at this site."""
    job_roles: tuple[Code, ...] = ()
    """Whose job role is one of these."""
    organisation_kinds: tuple[Code, ...] = ()
    """Whose organisation is of one of these kinds."""
    designations: tuple[Code, ...] = ()
    """Whose organisation has one of these designations."""
    levels: tuple[Code, ...] = ()
    """Whose organisation is of one of these levels."""
    topics: tuple[Code, ...] = ()
    """In communities of these topics."""
    regions: tuple[Code, ...] = ()
    """In communities of these regions."""


class Due(Model):
    """Until when: a day, or so long after something."""

    on: date | None = None
    """The last day."""
    after: Literal["designation", "community_start", "session"] | None = None
    """So long after the organisation's `designation`, the `community_start`, or each `session` that `each_session`
    names."""
    days: Annotated[int | None, Field(ge=0, le=20_000)] = None
    """With `after`: how many days."""
    months: Annotated[int | None, Field(ge=1, le=600)] = None
    """With `after`: how many months."""
    at: Literal["period_end"] | None = None
    """The last day of the period."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(x is not None for x in (self.on, self.after, self.at)) != 1:
            raise ValueError("needs exactly one of on, after, at")
        if (self.after is not None) != ((self.days is None) != (self.months is None)):
            raise ValueError("'after' goes with either days or months")
        return self


class Requirement(Condition):
    """Something that is required, of whom, within which period, until when."""

    requirement: Code
    """Its code."""
    title: Text
    """Its name, in words."""
    of: Subject = "participant"
    """Who has to meet it."""
    only: Only = Only()
    """Of whom it is asked."""
    within: Period | None = None
    """Left out: the program's own period."""
    due: Due | None = None
    """Until when. Left out: whenever."""


class Range(Model):
    """From `min` to `max`, both included; either may be left out, or be set later."""

    min: Annotated[int, Field(ge=0, le=10_000)] | ToBeSet | None = None
    """At least so many."""
    max: Annotated[int, Field(ge=0, le=10_000)] | ToBeSet | None = None
    """At most so many."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min is None and self.max is None:
            raise ValueError("needs min or max")
        if isinstance(self.min, int) and isinstance(self.max, int) and self.max < self.min:
            raise ValueError(f"max {self.max} is below min {self.min}")
        return self


CHECKS = (
    "members",
    "teams",
    "facilitators",
    "roles_covered",
    "role_alike",
    "organisation_kinds",
    "same",
    "reach",
)


class Notice(Model):
    """A guideline: staff are told where it isn't kept, nothing is blocked, and a rationale can be recorded."""

    notice: Code
    """Its code."""
    title: Text
    """Its name, in words."""
    of: Subject
    """Whom it is about."""
    only: Only = Only()
    """About whom it is."""
    within: Period | None = None
    """The period of `reach`. Left out: the program's own."""
    members: Range | None = None
    """How many participants the team or community has."""
    teams: Range | None = None
    """How many teams the community has."""
    facilitators: Range | None = None
    """How many facilitators the community has."""
    roles_covered: dict[Code, Annotated[int, Field(ge=1, le=100)]] = Field(default_factory=dict)
    """How many of each job role the team has at least."""
    role_alike: Literal[True] | None = None
    """The participant's job role is one of those that the community is for."""
    organisation_kinds: tuple[Code, ...] = ()
    """The participant's organisation is of one of these kinds."""
    same: Literal["level", "parent"] | None = None
    """All teams' organisations have one level, or one parent."""
    reach: Condition | None = None
    """Something that is worth reaching, as of a requirement."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in CHECKS if getattr(self, name)]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of {', '.join(CHECKS)}; {len(given)} are given")
        asked = {
            "members": ("team", "community"),
            "teams": ("community",),
            "facilitators": ("community",),
            "roles_covered": ("team",),
            "role_alike": ("participant",),
            "organisation_kinds": ("participant",),
            "same": ("community",),
        }.get(given[0], (self.of,))
        if self.of not in asked:
            raise ValueError(f"'{given[0]}' is asked of a {' or '.join(asked)}, not of a {self.of}")
        return self
