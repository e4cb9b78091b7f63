"""Whom and what of them Moodle leaves out: the list of participants against the course's own count."""

from collections.abc import Callable, Sequence
from typing import Any

from jobs.doctor.evidence import Place, Shown
from jobs.doctor.findings import Code, Finding
from jobs.doctor.needs import (
    ALL_DETAILS,
    ALL_GROUPS,
    DETAILS,
    ENROL_REVIEW,
    ENROLLED_USERS,
    FULL_NAMES,
    IDENTITY,
    MANAGE_GROUPS,
    PROFILES,
    USERS_BY_FIELD,
    USERS_COURSES,
    VIEW,
)
from moodle_client import EnrolledUser, MoodleError

PAGE = 100
ASKED = 3
FIRST_ACCOUNT = 2
"""The administrator that Moodle's installer makes."""
SEPARATE_GROUPS = 1
FIELDS = {"username": ALL_DETAILS, "firstname": FULL_NAMES, "email": IDENTITY}
"""Fields that everybody has, and what shows them."""


def see_people(place: Place) -> list[int]:
    """Probe what is told of participants. Returns whose completions may be asked for."""
    try:
        page = next(place.look.moodle.enrolled_users(place.id, page=PAGE), None)
    except MoodleError as err:
        # Moodle asks for this one or moodle/course:viewparticipants.
        place.evidence.refused(err, ENROL_REVIEW, place.id)
        return list(place.books.completers) if place.books else []
    rows = page.data if page else ()
    others = [user.id for user in rows if user.id != _me(place)]
    known = place.books.completers or place.books.enrolled if place.books else []
    # Teachers come first in many courses: whoever came last is rather a participant.
    people = list(dict.fromkeys([*known, *reversed(others)]))
    _see_suspended(place)
    _see_fields(place, rows)
    if others:
        _count(place, rows, people)
    else:
        _see_nobody(place)
    if people:
        _see_profile(place, people[0])
    return people


def _me(place: Place) -> int:
    return place.look.info.userid if place.look.info else 0


def _see_suspended(place: Place) -> None:
    try:
        next(place.look.moodle.enrolled_users(place.id, only_suspended=True, fields=("id",)), None)
    except MoodleError as err:
        place.evidence.refused(err, ENROL_REVIEW, place.id)
    else:
        place.evidence.shows(ENROL_REVIEW)


def _see_fields(place: Place, rows: Sequence[EnrolledUser]) -> None:
    others = [user for user in rows if user.id != _me(place)]
    for name, capability in FIELDS.items():
        if any(name in user.missing_fields for user in others):
            place.lacks(capability, Shown.FIELDS, ENROLLED_USERS, name)
        elif others:
            place.evidence.shows(capability)


def _count(place: Place, rows: Sequence[EnrolledUser], people: Sequence[int]) -> None:
    """The silent shrinking: so many are enrolled by Moodle's own count, and so many are told to us."""
    total = _total(place, people)
    if total is None:
        _uncounted(place)
    elif len(rows) < min(total, PAGE):
        possible = (DETAILS, ALL_GROUPS) if _is_separate(place) else (DETAILS,)
        what = f"{len(rows)}/{min(total, PAGE)}"
        place.evidence.one_of(possible, Shown.FEWER_PEOPLE, ENROLLED_USERS, place.id, what)
    else:
        place.evidence.shows(DETAILS, *([ALL_GROUPS] if _is_separate(place) else []))


def _see_nobody(place: Place) -> None:
    """Nobody but us is told: nobody may be enrolled, or nobody may be seen. One account is on each site."""
    try:
        first = place.look.moodle.users_by_field("id", [FIRST_ACCOUNT]).data
    except MoodleError:
        first = ()
    expected = bool(place.books and place.books.enrolled)
    if not first:
        place.evidence.one_of([DETAILS], Shown.FEWER_PEOPLE, USERS_BY_FIELD, place.id, "0")
        return
    place.evidence.shows(DETAILS)
    if _is_separate(place) and (expected or _has_groups(place)):
        place.lacks(ALL_GROUPS, Shown.FEWER_PEOPLE, ENROLLED_USERS, "0")
    elif expected:
        _uncounted(place)


def _uncounted(place: Place) -> None:
    finding = Finding(Code.PEOPLE_UNCOUNTED, {"course": place.id, "function": USERS_COURSES})
    place.evidence.findings.setdefault(Code.PEOPLE_UNCOUNTED, finding)


def _is_separate(place: Place) -> bool:
    return place.course is not None and place.course.groupmode == SEPARATE_GROUPS


def _has_groups(place: Place) -> bool:
    try:
        return bool(place.look.moodle.groups(place.id).data)
    except MoodleError:
        return False


def _total(place: Place, people: Sequence[int]) -> int | None:
    """How many are enrolled, as Moodle tells with one participant's courses."""
    for user in people[:ASKED]:
        try:
            found = place.look.moodle.call(USERS_COURSES, reads=True, userid=user).data
        except MoodleError:
            return None
        for row in _rows(found):
            count = row.get("enrolledusercount")
            if row.get("id") == place.id and isinstance(count, int):
                return count
    return None


def _rows(answer: Any) -> list[dict[str, Any]]:
    return [row for row in answer if isinstance(row, dict)] if isinstance(answer, list) else []


def _see_profile(place: Place, user: int) -> None:
    """The other two functions that tell of people."""
    moodle = place.look.moodle

    def profile() -> bool:
        rows = [{"userid": user, "courseid": place.id}]
        return bool(_rows(moodle.call(PROFILES, reads=True, userlist=rows).data))

    def by_field() -> bool:
        return bool(moodle.users_by_field("id", [user]).data)

    asked: tuple[tuple[str, Callable[[], bool]], ...] = (
        (PROFILES, profile),
        ("core_user_get_users_by_field", by_field),
    )
    for function, ask in asked:
        try:
            if not ask():
                place.lacks(DETAILS, Shown.FEWER_PEOPLE, function)
        except MoodleError as err:
            place.evidence.refused(err, VIEW, place.id)


def see_groups(place: Place) -> None:
    """Groups and groupings."""
    try:
        place.look.moodle.groups(place.id)
        place.look.moodle.groupings(place.id)
    except MoodleError as err:
        place.evidence.refused(err, MANAGE_GROUPS, place.id)
    else:
        place.evidence.shows(MANAGE_GROUPS)
