"""What a provision file amounts to: each community's course as it shall be, with a program's titles and zones."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from mappings import findings
from mappings.base import words
from mappings.program import Program
from mappings.provisioning import Part, People, Place, Provision, Session

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WantedCategory:
    name: str
    idnumber: str


@dataclass(frozen=True, slots=True)
class WantedGroup:
    idnumber: str
    name: str


@dataclass(frozen=True, slots=True)
class WantedCohort:
    cohort: str
    """Its ID number."""
    role: str
    group: str = ""
    """The ID number of a group; empty: none."""


@dataclass(frozen=True, slots=True)
class WantedSession:
    """A session; moments are aware UTC."""

    code: str
    title: str
    starts_at: datetime
    ends_at: datetime | None
    minutes: int | None
    timezone: str
    mode: str
    kind: str = ""
    place: str = ""
    link: str = ""
    activity: str = ""
    """The ID number of the activity that stands for it; empty: none."""
    required: bool = False
    calendar: bool = True


@dataclass(frozen=True, slots=True)
class WantedPerson:
    """Somebody who shall take part. Keys that weren't said are empty."""

    row: int
    """The line of the file of people; 0: there is none."""
    file: str
    moodle_id: int = 0
    idnumber: str = ""
    email: str = ""
    username: str = ""
    firstname: str = ""
    lastname: str = ""
    role: str = ""
    """The short name of a Moodle role."""
    group: str = ""
    """The ID number of a group; empty: none."""


@dataclass(frozen=True, slots=True)
class WantedCourse:
    """A community's course as it shall be."""

    key: str
    """`TOPIC/REGION`, or `TOPIC/REGION/CODE`: how it is named in what is said about it, and known again."""
    topic: str
    region: str
    host: str
    template: str
    """The template's ID number."""
    fullname: str
    shortname: str
    idnumber: str
    categories: tuple[WantedCategory, ...]
    """The outermost first."""
    starts_at: datetime
    ends_at: datetime
    """The last second of the last day."""
    timezone: str
    visible: bool
    fields: tuple[tuple[str, str], ...]
    groups: tuple[WantedGroup, ...]
    cohorts: tuple[WantedCohort, ...]
    sessions: tuple[WantedSession, ...]
    welcome: str
    """Empty: none."""
    enrolling: People
    people: tuple[WantedPerson, ...] = ()
    """From the files of people: `with_people`."""

    def with_people(self, people: tuple[WantedPerson, ...]) -> "WantedCourse":
        """The same course with who shall take part."""
        return replace(self, people=people)


@dataclass(frozen=True, slots=True)
class Asked:
    """A course that a file asks for, and where the file says so."""

    course: WantedCourse
    parts: tuple[tuple[findings.Place, Part], ...]
    """What of the file holds for it, the weightiest last."""

    def place(self, key: str) -> findings.Place:
        """Where in the file it is said."""
        return (*next((place for place, part in reversed(self.parts) if getattr(part, key) is not None), ()), key)

    def said(self, key: str) -> Any:
        """What is said last of it; None: nothing."""
        return _said(self.parts, key)


def wanted_courses(provision: Provision, program: Program) -> tuple[Asked, ...]:
    """The courses that a file asks for, in its order; mappings.provision_fitting says what can't be."""
    found = []
    for place, parts in _places(provision, program):
        found.append(Asked(_course(provision, program, place, parts), parts))
    return tuple(found)


def people_files(provision: Provision) -> list[str]:
    """The files of people that a provision file names, each once."""
    parts: list[Part] = [provision, *provision.overrides, *provision.communities]
    return list(dict.fromkeys(name for part in parts if part.people for name in part.people.files))


def codes(program: Program) -> dict[str, list[str]]:
    """The codes of the program's topics and regions."""
    return {"topic": [topic.code for topic in program.topics], "region": [region.code for region in program.regions]}


def matrix_places(provision: Provision, program: Program) -> list[Place]:
    """The communities of the matrix, also those that `without` leaves out."""
    matrix, known = provision.matrix, codes(program)
    if matrix is None:
        return []
    topics = known["topic"] if matrix.topics == "all" else matrix.topics
    regions = known["region"] if matrix.regions == "all" else matrix.regions
    return [Place(topic=topic, region=region) for topic in topics for region in regions]


Parts = tuple[tuple[findings.Place, Part], ...]


def _places(provision: Provision, program: Program) -> list[tuple[Place, Parts]]:
    """Each community with the parts of the file that say something of it, the weightiest last."""
    without = provision.matrix.without if provision.matrix else ()
    single = {one.key: (("communities", number), one) for number, one in enumerate(provision.communities)}
    places: dict[str, Place] = {
        place.key: place for place in matrix_places(provision, program) if not any(one.fits(place) for one in without)
    }
    places |= {one.key: one for one in provision.communities if one.key not in places}
    found = []
    for key, place in places.items():
        parts: list[tuple[findings.Place, Part]] = [((), provision)]
        parts += [(("overrides", number), one) for number, one in enumerate(provision.overrides) if one.fits(place)]
        found.append((place, (*parts, single[key]) if key in single else tuple(parts)))
    return found


def _said(parts: Parts, key: str) -> Any:
    """What is said last."""
    return next((value for _, part in reversed(parts) if (value := getattr(part, key)) is not None), None)


def _filled(pattern: str, values: Mapping[str, str]) -> str:
    """A name with its braces filled. What stood for nothing leaves no gap: Moodle keeps no needless blanks."""
    return " ".join(pattern.format_map(values).split())


def _values(provision: Provision, program: Program, place: Place, host: str) -> dict[str, str]:
    """What the names in braces stand for."""
    topic, region = program.topic(place.topic), program.region(place.region)
    return {
        "topic": place.topic,
        "topic_title": words(topic.title, provision.language) if topic else place.topic,
        "region": place.region,
        "region_title": words(region.title, provision.language) if region else place.region,
        "code": place.code or "",
        "term": provision.term.code,
        "term_title": provision.term.title or provision.term.code,
        "host": host,
        "program": program.program,
        "program_title": words(program.title, provision.language),
    }


def _course(provision: Provision, program: Program, place: Place, parts: Parts) -> WantedCourse:
    host = _said(parts, "host") or ""
    values = _values(provision, program, place, host)
    naming, starts, ends = _said(parts, "naming"), _said(parts, "starts"), _said(parts, "ends")
    idnumber = _filled(naming.idnumber, values)
    zone = _said(parts, "timezone") or _timezone(program, place, idnumber)
    visible = _said(parts, "visible")
    fields: dict[str, str] = _said(parts, "fields") or {}
    return WantedCourse(
        key=place.key,
        topic=place.topic,
        region=place.region,
        host=host,
        template=_said(parts, "template"),
        fullname=_filled(naming.fullname, values),
        shortname=_filled(naming.shortname, values),
        idnumber=idnumber,
        categories=tuple(
            WantedCategory(_filled(step.name, values), _filled(step.idnumber, values))
            for step in _said(parts, "category")
        ),
        starts_at=_moment(starts, "00:00", zone),
        ends_at=_moment(ends + timedelta(days=1), "00:00", zone) - timedelta(seconds=1),
        timezone=zone,
        visible=True if visible is None else visible,
        fields=tuple((name, _filled(value, values)) for name, value in sorted(fields.items())),
        groups=tuple(
            WantedGroup(_filled(one.idnumber, values), _filled(one.name, values))
            for one in _said(parts, "groups") or ()
        ),
        cohorts=tuple(
            WantedCohort(_filled(one.cohort, values), one.role, _filled(one.group or "", values))
            for one in _said(parts, "cohorts") or ()
        ),
        sessions=tuple(_session(one, starts, zone, values) for one in _said(parts, "sessions") or ()),
        welcome=(_said(parts, "welcome") or "").format_map(values).strip(),
        enrolling=_said(parts, "people") or People(),
    )


def _timezone(program: Program, place: Place, idnumber: str) -> str:
    """The program's time zone for a community."""
    said = [one.timezone for one in program.of_community(place.topic, place.region, (idnumber,)) if one.timezone]
    return said[-1] if said else program.timezone


def _session(said: Session, starts: date, zone: str, values: dict[str, str]) -> WantedSession:
    day = said.on or starts + timedelta(days=said.after_days or 0)
    begins = _moment(day, said.start, zone)
    ends = _moment(day, said.end, zone) if said.end else None
    return WantedSession(
        code=said.code,
        title=_filled(said.title, values),
        starts_at=begins,
        ends_at=ends,
        minutes=said.minutes,
        timezone=zone,
        mode=said.mode,
        kind=said.kind or "",
        place=said.place or "",
        link=said.link or "",
        activity=said.activity or "",
        required=said.required,
        calendar=said.calendar,
    )


def _moment(day: date, clock: str, zone: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock), ZoneInfo(zone)).astimezone(UTC)
