"""What the token's account may see, found out by looking: Moodle tells nobody's capabilities, and leaves out silently
what somebody may not see."""

from collections import Counter
from collections.abc import Iterable, Iterator

from jobs.doctor import activities, by_plugin, people
from jobs.doctor.evidence import Evidence, Place, Shown
from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import Look, told
from jobs.doctor.needs import (
    CATEGORIES,
    COURSES,
    HIDDEN_COURSES,
    MANAGE_CATEGORIES,
    REST,
    UPDATE_COURSES,
    VIEW,
    needs,
)
from moodle_client import Category, Course, MoodleError

FRONT_PAGE = 1


def courses(look: Look) -> Iterator[Finding]:
    """Choose the courses to look at: those that were named, else communities, else the newest."""
    if look.by_plugin:
        yield from by_plugin.courses(look)
        return
    try:
        listed = look.moodle.courses().data
    except MoodleError as err:
        yield told(err)
        return
    look.courses = {course.id: course for course in listed if course.id != FRONT_PAGE}
    ours = [course.id for course in look.books.courses.values() if course.present]
    for number in ours:
        if number not in look.courses and look.books.courses[number].visible:
            yield Finding(Code.COURSE_GONE, {"course": number, "name": look.books.courses[number].name})
    candidates = list(look.wanted) or [number for number in ours if number in look.courses] or _newest(look)
    look.chosen = tuple(candidates[: look.most] if look.most and not look.wanted else candidates)
    if not look.chosen:
        yield Finding(Code.NO_COURSE, {"site": look.books.slug})


def _newest(look: Look) -> list[int]:
    return sorted((one.id for one in look.courses.values() if one.enablecompletion is not False), reverse=True)


def capabilities(look: Look) -> list[Finding]:
    """Each capability, by what it would show: all chosen courses and the site's lists are probed."""
    if look.by_plugin:
        return by_plugin.capabilities(look)
    evidence = Evidence(look)
    evidence.shows(REST)
    for number in look.chosen:
        place = Place(number, look.courses.get(number), look.books.courses.get(number), evidence)
        _probe(place)
    _see_course_fields(evidence)
    _see_hidden_courses(evidence)
    findings = evidence.concluded()
    look.told = _told(evidence)
    return findings


def _probe(place: Place) -> None:
    sections = activities.enter(place)
    if sections is None:
        return
    people_there = people.see_people(place)
    people.see_groups(place)
    activities.see_sections(place, sections)
    activities.see_modules(place, sections)
    activities.see_completions(place, sections, people_there)


def _see_course_fields(evidence: Evidence) -> None:
    seen = [course for number in evidence.look.chosen if (course := evidence.look.courses.get(number))]
    for course in seen:
        if course.visible is None:
            evidence.lacks(VIEW, Shown.FIELDS, COURSES, course.id, "visible")
        elif course.timecreated is None:
            evidence.lacks(UPDATE_COURSES, Shown.FIELDS, COURSES, course.id, "idnumber")
        else:
            evidence.shows(UPDATE_COURSES)


def _see_hidden_courses(evidence: Evidence) -> None:
    """A category's own count holds hidden courses, too."""
    look = evidence.look
    if any(course.visible is False for course in look.courses.values()):
        evidence.shows(HIDDEN_COURSES)
    try:
        found = look.moodle.categories().data
        missing = _left_out(found, look.courses.values())
        if missing:
            # Somebody may have made a course since the courses were listed.
            missing = min(missing, _left_out(found, look.moodle.courses().data))
    except MoodleError as err:
        evidence.refused(err, MANAGE_CATEGORIES)
        return
    if missing:
        evidence.lacks(HIDDEN_COURSES, Shown.FEWER_COURSES, CATEGORIES, what=str(missing))
    elif any(not course.visible and course.present for course in look.books.courses.values()):
        _see_known_hidden(evidence)
    if found and all(category.visible is None for category in found):
        evidence.lacks(MANAGE_CATEGORIES, Shown.FIELDS, CATEGORIES, what="idnumber")
    elif found:
        evidence.shows(MANAGE_CATEGORIES)


def _see_known_hidden(evidence: Evidence) -> None:
    for course in evidence.look.books.courses.values():
        if course.present and not course.visible and course.id not in evidence.look.courses:
            evidence.lacks(HIDDEN_COURSES, Shown.FEWER_COURSES, COURSES, course.id)


def _left_out(categories: Iterable[Category], listed: Iterable[Course]) -> int:
    """How many courses categories count that aren't listed."""
    seen = Counter(course.categoryid for course in listed)
    return sum(max(0, (category.coursecount or 0) - seen[category.id]) for category in categories)


def _told(evidence: Evidence) -> dict[str, list[str]]:
    """What the courses show to be granted, and of what nothing could show it."""
    asked = needs(evidence.look.uses).capabilities
    missing = {name for key in evidence.findings for name in (key if isinstance(key, tuple) else (key,))}
    return {
        "shown": [name for name in asked if name in evidence.there],
        "nothing_to_show": [name for name in asked if name not in evidence.there and name not in missing],
    }
