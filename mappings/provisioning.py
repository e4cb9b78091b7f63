"""The provision file as frozen models: which communities there shall be as Moodle courses, and who takes part."""

from datetime import date
from string import Formatter
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from mappings.base import Code, Disorder, Minutes, Misplaced, Mode, Model, Timezone

NAMES = (
    *("topic", "topic_title", "region", "region_title", "code"),
    *("term", "term_title", "host", "program", "program_title"),
)
"""What may stand in braces in a pattern: codes and titles of the program file and the term, and what sets a community
apart."""
LONGEST = 250
SAID_AT_THE_TOP = ("template", "naming", "category", "starts", "ends")
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)


def _pattern(text: str) -> str:
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError as err:
        raise ValueError(f"is not a pattern: {err}; a brace that is meant is written twice") from err
    for _, name, form, conversion in parts:
        if name not in NAMES or form or conversion:
            # As it is written: a format such as {topic:>9} would be one that few people know.
            whole = f"{name}{'!' + conversion if conversion else ''}{':' + form if form else ''}"
            raise ValueError(f"{{{whole}}} means nothing; what can stand in braces: {', '.join(NAMES)}")
    return text


def _day(value: date) -> date:
    if not FIRST_DAY <= value <= LAST_DAY:
        raise ValueError(f"{value} is not a day from {FIRST_DAY} to {LAST_DAY}")
    return value


Line = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""One line of text."""
Named = Annotated[Line, AfterValidator(_pattern)]
"""One line of text with {topic}, {region}, {term} and their like in it."""
Day = Annotated[date, AfterValidator(_day)]
Clock = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Idnumber = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^\S(.*\S)?$")]


class Naming(Model):
    """What the courses are called."""

    fullname: Named
    """The course's name."""
    shortname: Named
    """Its short name, which no other course of the site may have."""
    idnumber: Named
    """Its ID number, by which the program file takes it for a community of its topic and region."""


class CategoryStep(Model):
    """A category; one that isn't there is made."""

    name: Named
    """Its name."""
    idnumber: Named
    """Its ID number: by it, it is found again."""


class Group(Model):
    """A group in the course, such as a school team."""

    idnumber: Named
    """Its ID number, by which the program file takes it for a team."""
    name: Named
    """Its name."""


class CohortEnrolment(Model):
    """A cohort of the site whose members are enrolled."""

    cohort: Named
    """The cohort's ID number."""
    role: Line = "student"
    """The short name of the Moodle role that they get."""
    group: Named | None = None
    """The ID number of the group that they are put in."""


class People(Model):
    """Who is enrolled."""

    files: tuple[Line, ...] = ()
    """CSV or XLSX files of people or applicants, beside this file."""
    create_users: bool = False
    """Whether who has no account gets one. Left out: they are told of, and nobody is made."""
    auth: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,19}$")] | None = None
    """How those who get one sign in: the name of an authentication method of the site, such as `manual` or `oidc`."""
    participant_role: Line = "student"
    """The short name of the Moodle role of participants."""
    facilitator_role: Line = "editingteacher"
    """The short name of the Moodle role of facilitators."""

    @model_validator(mode="after")
    def _says_how(self) -> Self:
        if self.create_users and self.auth is None:
            raise ValueError("create_users needs 'auth', the way in which new people sign in, such as manual")
        return self


class Session(Model):
    """A session of each community."""

    code: Code
    """Its code, by which it is found again, such as F2F-1."""
    title: Named
    """Its title."""
    on: Day | None = None
    """The day."""
    after_days: Annotated[int, Field(ge=0, le=1_000)] | None = None
    """Instead of the day: so many days after the community starts."""
    start: Clock
    """When it begins, on the community's wall clock."""
    end: Clock | None = None
    """When it ends, the same day."""
    minutes: Annotated[Minutes, Field(ge=1, le=1_440)] | None = None
    """How long it takes. Left out: until it ends."""
    mode: Mode
    """How people meet."""
    kind: Code | None = None
    """One of the program's `session_kinds`."""
    place: Line | None = None
    """Where it is."""
    link: Annotated[str, Field(pattern=r"^https?://\S+$", max_length=1_000)] | None = None
    """Where it is on line."""
    activity: Idnumber | None = None
    """The ID number of the Moodle activity that stands for it."""
    required: bool = False
    """Whether the program requires it."""
    calendar: bool = True
    """Whether it is put into the course's calendar in Moodle."""

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        if (self.on is None) == (self.after_days is None):
            raise ValueError("needs either 'on', a day, or 'after_days'")
        if self.end is None and self.minutes is None:
            raise ValueError("needs 'end' or 'minutes'")
        if self.end is not None and self.end <= self.start:
            said = f"is {self.end}, and it starts at {self.start}: it has to end later, on the same day"
            raise Disorder((Misplaced(said, "end"),))
        return self


class Part(Model):
    """What can be said of all communities, and otherwise of some: what is said for a community counts instead,
    key by key."""

    template: Idnumber | None = None
    """The ID number of the course that is copied."""
    naming: Naming | None = None
    """What the courses are called."""
    category: Annotated[tuple[CategoryStep, ...], Field(min_length=1)] | None = None
    """The categories that lead to the course, the outermost first."""
    starts: Day | None = None
    """The community's first day."""
    ends: Day | None = None
    """Its last day, included."""
    timezone: Timezone | None = None
    """The time zone of its days and sessions. Left out: the program's."""
    host: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,40}$")] | None = None
    """The code of the organisation that hosts it."""
    visible: bool | None = None
    """Whether participants see the course, once it is ready. Left out: they do."""
    fields: dict[str, Named] | None = None
    """Custom course fields by short name."""
    groups: tuple[Group, ...] | None = None
    """Groups, such as school teams."""
    cohorts: tuple[CohortEnrolment, ...] | None = None
    """Cohorts whose members are enrolled."""
    people: People | None = None
    """Who is enrolled."""
    sessions: tuple[Session, ...] | None = None
    """Its sessions."""
    welcome: Annotated[str, StringConstraints(min_length=1, max_length=3_000), AfterValidator(_pattern)] | None = None
    """A message that everybody gets who is enrolled, once."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.starts and self.ends and self.ends < self.starts:
            raise Disorder((Misplaced(f"{self.ends} is before it starts, on {self.starts}", "ends"),))
        for key, codes in (
            # Here and in Moodle a session is looked for by its code in any letter case.
            ("sessions", [one.code.casefold() for one in self.sessions or ()]),
            ("groups", [one.idnumber for one in self.groups or ()]),
        ):
            for number, code in enumerate(codes):
                if code in codes[:number]:
                    said = f"'{code}' stands twice: each has its own {'code' if key == 'sessions' else 'ID number'}"
                    raise Disorder((Misplaced(said, key, number),))
        return self


class Term(Model):
    """What sets this term's communities apart from those of another one."""

    code: Code
    """Its code, as it stands in names and ID numbers: 26F."""
    title: Line | None = None
    """Its name, in words. Left out: its code."""


class Place(Model):
    """A community, by its topic and region."""

    topic: Code
    """The code of a topic of the program file."""
    region: Code
    """The code of a region of it."""
    code: Code | None = None
    """Where there are several of that topic and region: what sets this one apart."""

    @property
    def key(self) -> str:
        """How it is named in what is said about it."""
        return "/".join(part for part in (self.topic, self.region, self.code) if part)


class Some(Model):
    """Communities of a topic, of a region, or of both."""

    topic: Code | None = None
    """Only communities of this topic."""
    region: Code | None = None
    """Only communities of this region."""

    @model_validator(mode="after")
    def _of_some(self) -> Self:
        if self.topic is None and self.region is None:
            raise ValueError("needs 'topic' or 'region', or both")
        return self

    def fits(self, place: Place) -> bool:
        """Whether a community is one of them."""
        return self.topic in (None, place.topic) and self.region in (None, place.region)


class Without(Some):
    """Communities that a matrix doesn't have."""


class Matrix(Model):
    """A community of each topic in each region."""

    topics: Literal["all"] | Annotated[tuple[Code, ...], Field(min_length=1)]
    """Codes of topics of the program file, or `all`."""
    regions: Literal["all"] | Annotated[tuple[Code, ...], Field(min_length=1)]
    """Codes of regions of it, or `all`."""
    without: tuple[Without, ...] = ()
    """Those that there shall be none of: of a topic, of a region, or of both."""


class Single(Place, Part):
    """One community, with what holds for it alone."""


class Override(Some, Part):
    """What holds for some communities."""


class Limits(Model):
    """When to stop and ask."""

    people_percent: Annotated[int, Field(ge=1, le=100)] = 20
    """More than so many per cent of a course's participants would change."""


class Provision(Part):
    """One term's communities on one site."""

    provision: Code
    """The file's own code, for good: by it is known what was made by it."""
    site: Code
    """The short name of the site."""
    program: Code
    """The code of the program."""
    language: Annotated[str, Field(pattern=r"^[a-z]{2}(-[A-Z]{2})?$")] = "en"
    """The language of the program file's titles in names."""
    term: Term
    """What sets this term apart."""
    matrix: Matrix | None = None
    """A community of each topic in each region."""
    communities: tuple[Single, ...] = ()
    """Single communities. One that the matrix has, too, is one, with what is said here."""
    overrides: tuple[Override, ...] = ()
    """What holds for some communities; of two that say something the later one does, before what `communities` say."""
    limits: Limits = Limits()
    """What an application stops at, and asks."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.matrix is None and not self.communities:
            raise ValueError("needs 'matrix' or 'communities', or both: which communities there shall be")
        said = "is missing: it is said at the top of the file, and may be said otherwise for some communities"
        problems = [Misplaced(said, key) for key in SAID_AT_THE_TOP if getattr(self, key) is None]
        keys = [one.key for one in self.communities]
        problems += [
            Misplaced(f"{key} stands twice: give each a 'code' of its own", "communities", number)
            for number, key in enumerate(keys)
            if key in keys[:number]
        ]
        if problems:
            raise Disorder(tuple(problems))
        return self
