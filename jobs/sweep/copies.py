"""Copies of communities that no event told of: courses that are new, that no program claims, and whose activities
are those of a community. The companion plugin tells by itself what a course was copied from."""

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from jobs.sweep.items import Reading
from jobs.sweep.way import Forms
from moodle_client import Course, MoodleClient, MoodleError, Reason

ALIKE = 0.6
"""A course that has so large a share of another one's activities, by kind and name, is taken for its copy."""
ENOUGH = 3
"""Fewer activities than this say nothing."""


def looked_for(
    moodle: MoodleClient, strangers: Iterable[Course], readings: Mapping[int, Reading], originals: Forms
) -> list[Reading]:
    """The readings of those strangers that are copies, each naming its original."""
    if not any(len(forms) >= ENOUGH for _, forms in originals.values()):
        return []
    found = []
    for course in strangers:
        original = original_of(course.fullname, _activities(moodle, course.id), originals)
        if original is not None:
            found.append(dict(readings[course.id]) | {"copy_of": original})
    return found


def _activities(moodle: MoodleClient, course_id: int) -> set[tuple[str, str]]:
    try:
        sections = moodle.contents(course_id).data
    except MoodleError as err:
        if err.reason not in {Reason.NO_PERMISSION, Reason.NOT_FOUND}:
            raise
        return set()
    return {(module.modname, module.name) for section in sections for module in section.modules}


def original_of(name: str, activities: set[tuple[str, str]], originals: Forms) -> int | None:
    """The community that a course's activities come from; of several alike the one with the most similar name."""
    alike = []
    for course, (fullname, forms) in originals.items():
        share = len(activities & forms) / len(forms) if len(forms) >= ENOUGH else 0.0
        if share >= ALIKE:
            alike.append((round(share, 2), SequenceMatcher(None, name, fullname).ratio(), -course))
    return -max(alike)[2] if alike else None
