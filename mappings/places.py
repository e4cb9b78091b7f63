"""Topics, regions, and which Moodle courses and groups are which community or team."""

import re
from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from mappings.base import Code, Hours, Model, Pattern, Text, Timezone, ToBeSet


class Band(Model):
    """The hour band of a commitment: met = minimum reached; above the maximum informs and never caps."""

    min_hours: Hours
    """Met is who has reached this."""
    max_hours: Hours
    """Hours above are shown, and never cut."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.max_hours < self.min_hours:
            raise ValueError(f"max_hours {self.max_hours} is below min_hours {self.min_hours}")
        return self


class Pace(Model):
    """How participants are told whether they are on pace, between the community's first and last day."""

    behind_by_percent: Annotated[int, Field(ge=0, le=100)]
    """Behind is who has less than an even pace asks for by more than this share of the minimum."""


class Topic(Model):
    """What communities are about."""

    code: Code
    """What patterns and files name it by."""
    title: Text
    """Its name, in words."""
    commitment: Band | ToBeSet | None = None
    """A band of its own. Left out: the program's. `to_be_set`: it differs and has yet to be stated; a community of
    this topic is refused until then."""


class Region(Model):
    """Where communities are."""

    code: Code
    """What patterns and files name it by."""
    title: Text
    """Its name, in words."""
    statewide: bool = False
    """Across the other regions: a person may be in a community of it beside a regional one."""


class CommunityMatch(Model):
    """Which Moodle courses, or groups in them, become communities. All conditions that are given have to hold."""

    course_idnumber: Pattern | None = None
    """Patterns name the community by the parts `(?P<topic>...)`, `(?P<region>...)`, and by `(?P<community>...)`
    where several courses or groups are one community; `(?P<host>...)` is the code of the host organisation."""
    course_shortname: Pattern | None = None
    """A pattern that the course's short name has to match."""
    category_idnumber: Pattern | None = None
    """A pattern that the ID number of the course's category has to match."""
    field: dict[str, Pattern] = Field(default_factory=dict)
    """Course custom fields by short name."""
    group_idnumber: Pattern | None = None
    """Given: the groups of these ID numbers are the communities, not the course."""
    site: Code | None = None
    """Only on the site of this short name."""
    topic: Code | None = None
    """The topic of all of them, where no pattern says it."""
    region: Code | None = None
    """The region of all of them, where no pattern says it."""

    @property
    def of_course(self) -> tuple[Pattern, ...]:
        """The patterns that look at the course."""
        named = (self.course_idnumber, self.course_shortname, self.category_idnumber)
        return (*(pattern for pattern in named if pattern), *self.field.values())

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        patterns = (*self.of_course, *((self.group_idnumber,) if self.group_idnumber else ()))
        if not self.of_course:
            raise ValueError("needs course_idnumber, course_shortname, category_idnumber or field")
        groups = [name for pattern in patterns for name in re.compile(pattern).groupindex]
        for part in ("topic", "region"):
            if getattr(self, part) is None and part not in groups:
                raise ValueError(f"needs '{part}', or a pattern with the named group (?P<{part}>...)")
        twice = {name for name in groups if groups.count(name) > 1}
        if twice:
            raise ValueError(f"the named group '{min(twice)}' stands in two patterns")
        return self


class Teams(Model):
    """Which groups of a community's courses are teams."""

    group_idnumber: Pattern | None = None
    """A part `(?P<organisation>...)` is the code of the team's organisation."""
    grouping: Pattern | None = None
    """The ID number, else the name, of a grouping that they are in."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.group_idnumber or self.grouping):
            raise ValueError("needs group_idnumber or grouping")
        return self


class Profile(Model):
    """Which custom profile fields of Moodle accounts say what about a person."""

    organisation: str | None = None
    """The field that holds the organisation's code."""
    job_role: str | None = None
    """The field that holds one of `job_roles`."""


class JobRole(Model):
    """What people do where they work."""

    code: Code
    """What the profile field holds."""
    title: Text
    """Its name, in words."""


class Contact(Model):
    """Whom to ask."""

    name: str | None = None
    """Who it is."""
    email: str | None = None
    """An e-mail address."""
    url: str | None = None
    """A web page."""
    phone: str | None = None
    """A telephone number."""


class Particulars(Model):
    """What holds for some communities only: those of this topic, region and course, as far as given."""

    topic: Code | None = None
    """Only communities of this topic."""
    region: Code | None = None
    """Only communities of this region."""
    course_idnumber: Pattern | None = None
    """Only communities with a course whose ID number matches this pattern."""
    title: Text | None = None
    """The community's name. Left out: topic and region."""
    commitment: Band | None = None
    """The hour band of these communities."""
    timezone: Timezone | None = None
    """The time zone of their days and periods. Left out: the program's."""
    starts: date | None = None
    """The community's first day. Left out: the course's start date in Moodle."""
    ends: date | None = None
    """The last day, included. Left out: the course's end date."""
    host: Code | None = None
    """The organisation that hosts it."""
    job_roles: tuple[Code, ...] = ()
    """The job roles that it is for."""
    contact: Contact | None = None
    """Whom to ask about them."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError(f"ends {self.ends} before it starts on {self.starts}")
        return self

    def fits(self, topic: str, region: str, idnumbers: tuple[str, ...]) -> bool:
        """Whether a community of this topic and region, with courses of these ID numbers, is one of them."""
        pattern = self.course_idnumber
        return (
            self.topic in (None, topic)
            and self.region in (None, region)
            and (pattern is None or any(re.fullmatch(pattern, idnumber) for idnumber in idnumbers))
        )
