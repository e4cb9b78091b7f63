"""What of a provision file doesn't fit its program, or itself: told once, however many communities it is about."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from mappings import findings
from mappings.base import Misplaced
from mappings.findings import nearest
from mappings.matching import CourseForm, Refusal, place_course
from mappings.program import Program
from mappings.provision_wanted import Asked, WantedCourse, codes, matrix_places
from mappings.provisioning import LONGEST, Place, Provision, Some

LONGEST_IDNUMBER = 100
LONGEST_TITLE = 200
"""Of a session."""
TAG = re.compile(r"<\S")
Remark = tuple[str, findings.Place, str]
"""Of which sort it is, where it has to be put right, and what it is: of a sort at one place only the first is told."""


def misfits(provision: Provision, program: Program, asked: tuple[Asked, ...]) -> tuple[Misplaced, ...]:
    """What can't be: codes that the program file hasn't, ID numbers that it takes for no community of that topic and
    region, names that two courses would share, times that there are not."""
    if provision.program != program.program:
        said = f"'{provision.program}' is another program than that of the program file, '{program.program}'"
        return (Misplaced(said, "program"),)
    # What rests on an unknown code is no problem of its own.
    if unknown := tuple(_unknown(provision, program)):
        return unknown
    remarks = [remark for one in asked for remark in _of_course(one, program, provision.site)]
    return (*_idle(provision, program, [one.course for one in asked]), *_once([*remarks, *_shared(asked)]))


def _once(remarks: Iterable[Remark]) -> Iterator[Misplaced]:
    found: dict[tuple[str, findings.Place], list[str]] = {}
    for sort, place, said in remarks:
        found.setdefault((sort, place), []).append(said)
    for (_, place), all_ in found.items():
        yield Misplaced(all_[0] + (f" (... and {len(all_) - 1} more)" if len(all_) > 1 else ""), *place)


def _unknown(provision: Provision, program: Program) -> Iterator[Misplaced]:
    """Codes that the program file hasn't."""
    known = codes(program)
    said: list[tuple[str, str | None, findings.Place]] = []
    if matrix := provision.matrix:
        for kind, listed in (("topic", matrix.topics), ("region", matrix.regions)):
            said += [(kind, code, ("matrix", f"{kind}s", n)) for n, code in enumerate(listed) if listed != "all"]
        said += [(k, getattr(p, k), ("matrix", "without", n, k)) for n, p in enumerate(matrix.without) for k in known]
    lists: dict[str, Sequence[Place | Some]] = {"communities": provision.communities, "overrides": provision.overrides}
    for key, list_ in lists.items():
        said += [(k, getattr(one, k), (key, n, k)) for n, one in enumerate(list_) for k in known]
    for kind, code, place in said:
        if code is not None and code not in known[kind]:
            meant = nearest(code, known[kind])
            hint = f"did you mean '{meant}'?" if meant else f"there are: {', '.join(known[kind])}"
            yield Misplaced(f"'{code}' is no {kind} of the program {program.program}; {hint}", *place)


def _idle(provision: Provision, program: Program, courses: list[WantedCourse]) -> Iterator[Misplaced]:
    """What holds for no community at all: it was meant for another one."""
    places = [Place(topic=course.topic, region=course.region) for course in courses]
    for number, override in enumerate(provision.overrides):
        if not any(override.fits(place) for place in places):
            yield Misplaced("no community of this file is of that topic and region: take it out", "overrides", number)
    if provision.matrix:
        whole = matrix_places(provision, program)
        for number, left_out in enumerate(provision.matrix.without):
            if not any(left_out.fits(place) for place in whole):
                yield Misplaced("the matrix has none of these: take it out", "matrix", "without", number)
        if not courses:
            yield Misplaced("no community is left of the matrix", "matrix")


def _of_course(one: Asked, program: Program, site: str) -> Iterator[Remark]:
    course = one.course
    if course.ends_at < course.starts_at:
        said = f"{course.key}: {one.said('ends')} is before it starts, on {one.said('starts')}"
        yield "ends", one.place("ends"), said
    yield from _claimed(one, program, site)
    yield from _texts(one)
    yield from _twice(one)
    yield from _sessions(one, program)


def _claimed(one: Asked, program: Program, site: str) -> Iterator[Remark]:
    """Whether the program would take the course for something else than what it is made for."""
    course = one.course
    form = CourseForm(course.idnumber, course.shortname, course.categories[-1].idnumber, dict(course.fields), site)
    place, at = place_course(program, form), (*one.place("naming"), "idnumber")
    begin = f"{course.key}: the program {program.program}"
    if place is None:
        said = f"{begin} doesn't take '{course.idnumber}' for a community: its 'communities' say which courses are"
        yield "unclaimed", at, said
    elif (place.topic, place.region) != (course.topic, course.region):
        yield "elsewhere", at, f"{begin} takes '{course.idnumber}' for {place.topic}/{place.region}"
    elif place.refusal is Refusal.COMMITMENT_NOT_SET:
        said = (
            f"{begin} hasn't set the hours of {course.topic} yet: set them there (commitment), or leave them out here"
        )
        at = ("matrix", "topics") if one.parts[-1][0][:1] != ("communities",) else (*one.parts[-1][0], "topic")
        yield f"hours {course.topic}", at, said
    elif course.host:
        parts = program.of_community(course.topic, course.region, (course.idnumber,))
        named = next((part.host for part in reversed(parts) if part.host), None) or place.host
        if named != course.host:
            said = (
                f"{course.key}: the program {program.program} takes '{named or 'nobody'}' for its host, not"
                f" '{course.host}': put {{host}} into the ID number as its 'communities' read it"
            )
            yield "host", one.place("host"), said


def _texts(one: Asked) -> Iterator[Remark]:
    """Names that Moodle would cut, refuse or change."""
    course, naming = one.course, one.place("naming")
    lines: list[tuple[findings.Place, str, int]] = [
        ((*naming, "fullname"), course.fullname, LONGEST),
        ((*naming, "shortname"), course.shortname, LONGEST),
        ((*naming, "idnumber"), course.idnumber, LONGEST_IDNUMBER),
    ]
    for number, step in enumerate(course.categories):
        at = (*one.place("category"), number)
        lines += [((*at, "name"), step.name, LONGEST), ((*at, "idnumber"), step.idnumber, LONGEST_IDNUMBER)]
    for number, group in enumerate(course.groups):
        at = (*one.place("groups"), number)
        lines += [((*at, "name"), group.name, LONGEST), ((*at, "idnumber"), group.idnumber, LONGEST_IDNUMBER)]
    for number, session in enumerate(course.sessions):
        lines.append(((*one.place("sessions"), number, "title"), session.title, LONGEST_TITLE))
    for place, text, longest in lines:
        if not text:
            yield "empty", place, f"{course.key}: nothing is left of it, since what stands in braces is empty there"
        elif len(text) > longest:
            yield "long", place, f"{course.key}: it has {len(text)} characters there, and {longest} is the most"
        elif TAG.search(text):
            yield "tag", place, f"{course.key}: Moodle takes '<' for HTML: write '{text}' without it"


def _twice(one: Asked) -> Iterator[Remark]:
    """What has to stand once in a course."""
    lists = {"groups": [group.idnumber for group in one.course.groups]}
    lists["cohorts"] = [cohort.cohort for cohort in one.course.cohorts]
    for key, names in lists.items():
        for number, name in enumerate(names):
            if name in names[:number]:
                yield "twice", (*one.place(key), number), f"{one.course.key}: '{name}' stands twice in {key}"


def _sessions(one: Asked, program: Program) -> Iterator[Remark]:
    """Kinds that the program hasn't, and times that clocks leave out."""
    for number, (said, session) in enumerate(zip(one.said("sessions") or (), one.course.sessions, strict=True)):
        at = (*one.place("sessions"), number)
        if session.kind and session.kind not in program.kinds_by_name:
            known = ", ".join(program.kinds_by_name) or "none"
            text = f"'{session.kind}' is none of the program's 'session_kinds'; there are: {known}"
            yield "kind", (*at, "kind"), text
        for key, clock, moment in (("start", said.start, session.starts_at), ("end", said.end, session.ends_at)):
            if moment is not None and _clock(moment, session.timezone) != clock:
                day = moment.astimezone(ZoneInfo(session.timezone)).date()
                yield "clock", (*at, key), f"on {day} the clocks of {session.timezone} leave {clock} out"


def _clock(moment: datetime, timezone: str) -> str:
    return f"{moment.astimezone(ZoneInfo(timezone)):%H:%M}"


def _shared(asked: Iterable[Asked]) -> Iterator[Remark]:
    """Names that have to be one course's alone, and categories of which two things are said."""
    first: dict[tuple[str, str], str] = {}
    steps: dict[str, tuple[tuple[str, str], str]] = {}
    for one in asked:
        course = one.course
        for key in ("shortname", "idnumber"):
            # To many a database behind Moodle letters of either case are the same.
            other = first.setdefault((key, getattr(course, key).casefold()), course.key)
            if other != course.key:
                said = f"{other} and {course.key} would both be '{getattr(course, key)}'"
                yield "shared", (*one.place("naming"), key), said
        above = ""
        for number, step in enumerate(course.categories):
            is_, other = steps.setdefault(step.idnumber, ((step.name, above), course.key))
            if is_ != (step.name, above):
                said = f"'{step.idnumber}' is one category in {other} and another one in {course.key}"
                yield "category", (*one.place("category"), number), f"{said}: their names, or what they lie in, differ"
            above = step.idnumber
