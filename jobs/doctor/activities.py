"""Which activities and sections Moodle leaves out: by what the mirror knows, and by the course's own numbers."""

from collections.abc import Iterable, Sequence

from jobs.doctor.books import Module
from jobs.doctor.evidence import Place, Shown
from jobs.doctor.needs import (
    ALL_GROUPS,
    COMPLETIONS,
    CONTENTS,
    COURSE_MODULE,
    HIDDEN_ACTIVITIES,
    HIDDEN_SECTIONS,
    KINDS_WITH_VIEW,
    MANAGE_ACTIVITIES,
    PROGRESS,
    RESTRICTED,
    USERS_COURSES,
    VIEW,
    has_view,
    view_of,
)
from moodle_client import ActivityCompletion, MoodleError, Reason, Section

PROBED = 10
"""Activities that aren't listed are asked for one by one, so many at most."""
GAPS = 40
"""Ids between those of listed activities, of which nobody knows whose they are."""
PEOPLE = 5
COMPLETED = frozenset({1, 2})
"""States that Moodle counts for a person's progress."""
CLOSE = 0.01
"""Percent."""


def enter(place: Place) -> tuple[Section, ...] | None:
    """The course's contents; None where nothing can be probed in it."""
    try:
        sections = place.look.moodle.contents(place.id).data
    except MoodleError as err:
        place.evidence.refused(err, VIEW, place.id)
        return None
    place.evidence.shows(VIEW)
    return sections


def see_sections(place: Place, sections: Sequence[Section]) -> None:
    """Sections that are there and not for us, and those that aren't even named."""
    evidence = place.evidence
    for section in sections:
        if section.visible is False and section.uservisible:
            evidence.shows(HIDDEN_SECTIONS)
        if section.uservisible is False:
            name = HIDDEN_SECTIONS if section.visible is False else RESTRICTED
            place.lacks(name, Shown.FEWER_SECTIONS, CONTENTS)
    numbers = {section.number for section in sections if section.id > 0}
    if numbers and len(numbers) <= max(numbers):
        left_out = max(numbers) + 1 - len(numbers)
        evidence.one_of((HIDDEN_SECTIONS, RESTRICTED), Shown.FEWER_SECTIONS, CONTENTS, place.id, str(left_out))


def see_modules(place: Place, sections: Sequence[Section]) -> None:
    """What the listed activities show, and whether those are all."""
    modules = [module for section in sections for module in section.modules]
    for module in modules:
        if module.visible is False and module.uservisible:
            place.evidence.shows(HIDDEN_ACTIVITIES)
        if module.uservisible and has_view(module.modname):
            place.evidence.shows(view_of(module.modname))
        if module.uservisible is False and module.visible:
            place.lacks(RESTRICTED, Shown.FEWER_ACTIVITIES, CONTENTS, str(module.id))
    listed = {module.id for module in modules}
    kinds = {module.modname for module in modules}
    known = place.books.modules if place.books else []
    for held in [held for held in known if held.id not in listed][:PROBED]:
        _ask_for(place, held, kinds)
    if modules:
        _see_fields(place, modules[0].id)


def _see_fields(place: Place, cmid: int) -> None:
    try:
        module = place.look.moodle.course_module(cmid).data
    except MoodleError as err:
        place.evidence.refused(err, VIEW, place.id)
        return
    # An activity that never had one is told with null; who may not see it is told nothing.
    if "idnumber" not in module.model_fields_set:
        place.lacks(MANAGE_ACTIVITIES, Shown.FIELDS, COURSE_MODULE, "idnumber")
    else:
        place.evidence.shows(MANAGE_ACTIVITIES)


def _ask_for(place: Place, module: Module, kinds: set[str]) -> None:
    """An activity that the mirror has and Moodle doesn't list: gone, or out of sight."""
    try:
        found = place.look.moodle.course_module(module.id).data
    except MoodleError as err:
        if err.reason is Reason.NO_PERMISSION:
            possible = _why(module, kinds)
            place.evidence.one_of(possible, Shown.FEWER_ACTIVITIES, CONTENTS, place.id, str(module.id))
        return
    if found.course == place.id:
        # It may be looked at by itself: so it is its section that is hidden.
        place.lacks(HIDDEN_SECTIONS, Shown.FEWER_ACTIVITIES, CONTENTS, str(module.id))


def _why(module: Module, kinds: set[str]) -> Iterable[str]:
    """What may hide an activity, the likeliest first."""
    if module.kind not in kinds and has_view(module.kind):
        yield view_of(module.kind)
    yield RESTRICTED if module.visible else HIDDEN_ACTIVITIES


def see_completions(place: Place, sections: Sequence[Section], people: Sequence[int]) -> None:
    """Whether the completions of a person are all there: Moodle's own percentage counts what it hides from us, too."""
    listed = {module.id for section in sections for module in section.modules}
    for user in people[:PEOPLE]:
        statuses = _statuses(place, user)
        if statuses is None:
            return
        if any(status.cmid not in listed for status in statuses):
            place.lacks(HIDDEN_SECTIONS, Shown.FEWER_ACTIVITIES, CONTENTS)
        progress = _progress(place, user)
        if progress is None or not 0 < progress < 100:
            continue
        done = sum(status.state in COMPLETED for status in statuses)
        if not statuses or abs(100 * done / len(statuses) - progress) > CLOSE:
            _name(place, sections, f"{done}/{len(statuses)}, {progress:.1f} %")
        return
    if not place.books or not place.books.modules:
        _look_between(place, sections)


def _statuses(place: Place, user: int) -> tuple[ActivityCompletion, ...] | None:
    try:
        statuses = place.look.moodle.activity_completions(place.id, user).data
    except MoodleError as err:
        if err.errorcode == "accessdenied":
            place.lacks(ALL_GROUPS, Shown.REFUSED, COMPLETIONS)
            return None
        place.evidence.refused(err, PROGRESS, place.id)
        return None
    place.evidence.shows(PROGRESS)
    return statuses


def _progress(place: Place, user: int) -> float | None:
    """A person's progress in percent, as Moodle counts it; None where it doesn't."""
    try:
        rows = place.look.moodle.call(USERS_COURSES, reads=True, userid=user, returnusercount=False).data
    except MoodleError:
        return None
    found = [row.get("progress") for row in rows if isinstance(row, dict) and row.get("id") == place.id]
    return float(found[0]) if found and isinstance(found[0], int | float) else None


def _look_between(place: Place, sections: Sequence[Section]) -> None:
    """Ids between those of the activities: one that Moodle refuses is an activity that we don't see."""
    listed = {module.id for section in sections for module in section.modules}
    if not listed:
        return
    between = [cmid for cmid in range(min(listed), max(listed) + 2) if cmid not in listed]
    for cmid in between[:GAPS]:
        try:
            place.look.moodle.course_module(cmid)
        except MoodleError as err:
            if err.reason is Reason.NO_PERMISSION:
                _name(place, sections, str(cmid))
                return


def _name(place: Place, sections: Sequence[Section], what: str) -> None:
    """Which capabilities may be missing where only the number of activities tells that one is."""
    kinds = {module.modname for section in sections for module in section.modules}
    views = [view_of(kind) for kind in KINDS_WITH_VIEW if kind not in kinds]
    possible = [HIDDEN_ACTIVITIES, RESTRICTED, *views]
    place.evidence.one_of(possible, Shown.FEWER_ACTIVITIES, COMPLETIONS, place.id, what)
