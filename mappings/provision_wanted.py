"""What a provision file amounts to: each community's course as it shall be, with a program's titles and zones."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from mappings.base import Misplaced, words
from mappings.matching import CourseForm, place_course
from mappings.program import Program
from mappings.provisioning import Override, Part, People, Place, Provision, Session

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


def wanted_courses(provision: Provision, program: Program) -> tuple[tuple[WantedCourse, ...], tuple[Misplaced, ...]]:
    """The courses that a file asks for, in its order, and what can't be: codes that the program file hasn't, ID
    numbers that it takes for no community of that topic and region, names that two courses would share."""
    found = [_course(provision, program, place, parts) for place, parts in _places(provision, program)]
    problems = list(_unknown(provision, program))
    if not problems:
        # What rests on an unknown code is no problem of its own.
        problems += [problem for course in found for problem in _unclaimed(course, program, provision.site)]
        problems += _shared(found)
    return tuple(found), tuple(problems)


def people_files(provision: Provision) -> list[str]:
    """The files of people that a provision file names, each once."""
    parts: list[Part] = [provision, *provision.overrides, *provision.communities]
    return list(dict.fromkeys(name for part in parts if part.people for name in part.people.files))


def _codes(program: Program) -> tuple[list[str], list[str]]:
    return [topic.code for topic in program.topics], [region.code for region in program.regions]


def _unknown(provision: Provision, program: Program) -> Iterator[Misplaced]:
    """Codes that the program file hasn't."""
    known = dict(zip(("topic", "region"), _codes(program), strict=True))
    said: list[tuple[str, str | None, tuple[str | int, ...]]] = []
    if matrix := provision.matrix:
        for kind, codes in (("topic", matrix.topics), ("region", matrix.regions)):
            said += [(kind, code, ("matrix", f"{kind}s", n)) for n, code in enumerate(codes) if codes != "all"]
        said += [(k, getattr(p, k), ("matrix", "without", n, k)) for n, p in enumerate(matrix.without) for k in known]
    for key, list_ in (("communities", provision.communities), ("overrides", provision.overrides)):
        said += [(k, getattr(one, k), (key, n, k)) for n, one in enumerate(list_) for k in known]
    for kind, code, place in said:
        if code is not None and code not in known[kind]:
            yield Misplaced(f"'{code}' is no {kind} of the program {program.program}", *place)


def _places(provision: Provision, program: Program) -> Iterator[tuple[Place, list[Part]]]:
    """Each community with the parts of the file that say something of it, the weightiest last."""
    topics, regions = _codes(program)
    single = {one.key: one for one in provision.communities}
    places: dict[str, Place] = {}
    if matrix := provision.matrix:
        without = {place.key for place in matrix.without}
        for topic in topics if matrix.topics == "all" else matrix.topics:
            for region in regions if matrix.regions == "all" else matrix.regions:
                place = Place(topic=topic, region=region)
                if place.key not in without:
                    places[place.key] = place
    places |= {key: one for key, one in single.items() if key not in places}
    for key, place in places.items():
        parts: list[Part] = [provision, *(one for one in provision.overrides if _fits(one, place))]
        yield place, [*parts, single[key]] if key in single else parts


def _fits(override: Override, place: Place) -> bool:
    return override.topic in (None, place.topic) and override.region in (None, place.region)


def _said(parts: list[Part], key: str) -> Any:
    """What is said last."""
    return next((value for part in reversed(parts) if (value := getattr(part, key)) is not None), None)


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


def _course(provision: Provision, program: Program, place: Place, parts: list[Part]) -> WantedCourse:
    host = _said(parts, "host") or ""
    values = _values(provision, program, place, host)
    zone = _said(parts, "timezone") or program.timezone
    naming, starts, ends = _said(parts, "naming"), _said(parts, "starts"), _said(parts, "ends")
    visible = _said(parts, "visible")
    fields: dict[str, str] = _said(parts, "fields") or {}
    return WantedCourse(
        key=place.key,
        topic=place.topic,
        region=place.region,
        host=host,
        template=_said(parts, "template"),
        fullname=naming.fullname.format_map(values),
        shortname=naming.shortname.format_map(values),
        idnumber=naming.idnumber.format_map(values),
        categories=tuple(
            WantedCategory(step.name.format_map(values), step.idnumber.format_map(values))
            for step in _said(parts, "category")
        ),
        starts_at=_moment(starts, "00:00", zone),
        ends_at=_moment(ends + timedelta(days=1), "00:00", zone) - timedelta(seconds=1),
        timezone=zone,
        visible=True if visible is None else visible,
        fields=tuple((name, value.format_map(values)) for name, value in sorted(fields.items())),
        groups=tuple(
            WantedGroup(one.idnumber.format_map(values), one.name.format_map(values))
            for one in _said(parts, "groups") or ()
        ),
        cohorts=tuple(
            WantedCohort(one.cohort.format_map(values), one.role, (one.group or "").format_map(values))
            for one in _said(parts, "cohorts") or ()
        ),
        sessions=tuple(_session(one, starts, zone, values) for one in _said(parts, "sessions") or ()),
        welcome=(_said(parts, "welcome") or "").format_map(values),
        enrolling=_said(parts, "people") or People(),
    )


def _session(said: Session, starts: date, zone: str, values: dict[str, str]) -> WantedSession:
    day = said.on or starts + timedelta(days=said.after_days or 0)
    begins = _moment(day, said.start, zone)
    ends = _moment(day, said.end, zone) if said.end else None
    return WantedSession(
        code=said.code,
        title=said.title.format_map(values),
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


def _unclaimed(course: WantedCourse, program: Program, site: str) -> Iterator[Misplaced]:
    """Whether the program would take the course for something else than what it is made for."""
    innermost = course.categories[-1].idnumber if course.categories else ""
    form = CourseForm(course.idnumber, course.shortname, innermost, dict(course.fields), site)
    place = place_course(program, form)
    if place is None:
        said = f"{course.key}: the program {program.program} doesn't take '{course.idnumber}' for a community"
        yield Misplaced(f"{said} (its 'communities' say which courses are)", "naming", "idnumber")
    elif (place.topic, place.region) != (course.topic, course.region):
        said = f"{course.key}: the program {program.program} takes '{course.idnumber}' for {place.topic}/{place.region}"
        yield Misplaced(said, "naming", "idnumber")
    elif place.refusal is not None:
        said = f"{course.key}: the program {program.program} refuses it: {place.refusal}"
        yield Misplaced(said, "naming", "idnumber")


def _shared(courses: list[WantedCourse]) -> Iterator[Misplaced]:
    """Names that have to be one course's alone."""
    for key in ("shortname", "idnumber"):
        first: dict[str, str] = {}
        for course in courses:
            other = first.setdefault(getattr(course, key), course.key)
            if other != course.key:
                yield Misplaced(f"{other} and {course.key} would both be '{getattr(course, key)}'", "naming", key)
