"""Courses and capabilities where sweeps go by the plugin's functions: each refuses for want of a capability, and
leaves nothing out."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from pydantic import ValidationError

from jobs.doctor.evidence import Evidence, Shown
from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import REFUSED, Look, refused, told
from jobs.doctor.needs import HIDDEN_COURSES, PLUGIN_READING, REST, VIEW, own_capability
from jobs.sweep.plugin import NOT_CHOSEN
from moodle_client import Course, Function, MoodleError, Reason

ASKED = 50
"""So many communities that aren't listed are asked for one by one."""
NAMED = 5
ENTRY = frozenset({"errorcoursecontextnotvalid", "requireloginerror"})
"""Moodle's errorcodes for a course that the account can't enter."""


def courses(look: Look) -> Iterator[Finding]:
    """Choose the courses to look at: those that were named, else communities, else the newest."""
    try:
        look.courses = _listed(look)
    except MoodleError as err:
        yield refused(err, own_capability(Function.GET_COURSES))
        return
    ours = list(look.wanted) or [course.id for course in look.books.courses.values() if course.present]
    unlisted = [number for number in ours if number not in look.courses][:ASKED]
    unclear: list[int] = []
    not_chosen: list[int] = []
    for number in unlisted:
        try:
            course = look.moodle.get_course_map(number).data.readings[0]
        except MoodleError as err:
            if err.errorcode == NOT_CHOSEN:
                not_chosen.append(number)
            elif err.reason in REFUSED:
                unclear.append(number)
            else:
                yield told(err)
            continue
        if not course.get("present"):
            yield Finding(Code.COURSE_GONE, {"course": number, "name": _name(look, number)})
    if not_chosen:
        names = [_name(look, number) for number in not_chosen[:NAMED]]
        yield Finding(Code.COURSES_NOT_CHOSEN, {"count": len(not_chosen), "courses": names})
    candidates = [number for number in ours if number in look.courses] + unclear
    candidates = candidates or sorted(look.courses, reverse=True)
    look.chosen = tuple(candidates[: look.most] if look.most and not look.wanted else candidates)
    if not look.courses:
        yield Finding(Code.NOTHING_CHOSEN)


def _listed(look: Look) -> dict[int, Course]:
    if not look.has(Function.GET_COURSES):
        return {}
    readings = [reading for page in look.moodle.get_courses() for reading in page.data.readings]
    return {course.id: course for course in _courses(readings)}


def _courses(readings: Iterable[dict[str, Any]]) -> Iterator[Course]:
    for reading in readings:
        if not reading.get("present"):
            continue
        try:
            yield Course.model_validate(
                {"categoryid": 0} | reading | {"id": reading.get("course")}  # The wire's names differ in these two.
            )
        except ValidationError as err:
            raise MoodleError(Function.GET_COURSES, Reason.NOT_MOODLE, "a reading of a course") from err


def _name(look: Look, number: int) -> str:
    books = look.books.courses.get(number)
    return (books.idnumber or books.name) if books else str(number)


def capabilities(look: Look) -> list[Finding]:
    """Each capability, by calling what asks for it."""
    evidence = Evidence(look)
    evidence.shows(REST, own_capability(Function.GET_COURSES))
    for number in look.chosen:
        _probe(evidence, number)
    _probe_standings(evidence)
    findings = evidence.concluded()
    asked = (REST, VIEW, HIDDEN_COURSES, *map(own_capability, PLUGIN_READING))
    missing = {name for key in evidence.findings for name in (key if isinstance(key, tuple) else (key,))}
    look.told = {
        "shown": [name for name in asked if name in evidence.there],
        "nothing_to_show": [name for name in asked if name not in evidence.there and name not in missing],
    }
    return findings


def _probe(evidence: Evidence, number: int) -> None:
    """Read as little as there is of each kind."""
    moodle = evidence.look.moodle
    course = evidence.look.courses.get(number)
    asked: dict[Function, Callable[[], object]] = {
        Function.GET_COURSE_MAP: lambda: moodle.get_course_map(number),
        Function.GET_ROSTER: lambda: next(moodle.get_roster(number, limit=1), None),
        Function.GET_DIGEST: lambda: moodle.get_digest(number),
        Function.GET_COMPLETIONS: lambda: next(moodle.get_completions(number, limit=1), None),
    }
    for function, ask in asked.items():
        if not evidence.look.has(function):
            continue
        try:
            ask()
        except MoodleError as err:
            if err.errorcode in ENTRY:
                _cannot_enter(evidence, err, course, number)
                return
            if err.errorcode != NOT_CHOSEN:
                evidence.refused(err, own_capability(function), number)
            continue
        evidence.shows(VIEW, own_capability(function))
        if course and course.visible is False:
            evidence.shows(HIDDEN_COURSES)


def _cannot_enter(evidence: Evidence, err: MoodleError, course: Course | None, number: int) -> None:
    if course and course.visible:
        evidence.lacks(VIEW, Shown.REFUSED, err.function, number)
    else:
        evidence.one_of((VIEW, HIDDEN_COURSES), Shown.REFUSED, err.function, number)


def _probe_standings(evidence: Evidence) -> None:
    """With nothing to keep, nothing is kept."""
    function = Function.SET_STANDINGS
    if not evidence.look.has(function):
        return
    try:
        evidence.look.moodle.call(function)
    except MoodleError as err:
        evidence.refused(err, own_capability(function))
