"""Copies of courses that go on with the original: which communities they are, which activities go on with which."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.adoptions import Copy, Status
from records.claims import CourseKey, GroupSeen, groups_of
from records.keys import among, as_text
from records.models import CommunityCourse, ContinuedModule, CourseCopy, MirrorCourse

PlaceKey = tuple[UUID, int, int]
Held = tuple[UUID, datetime]
"""The community that a course or group is, and since when."""
K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Continued:
    """Which activities go on with which, by (site, module); a copy of a copy goes on with what that goes on with."""

    above: Mapping[tuple[str, int], tuple[str, int]] = field(default_factory=dict)

    def root(self, module: tuple[str, int]) -> tuple[str, int]:
        """The activity that this one counts as: its own, or that of the first course."""
        while module in self.above:
            module = self.above[module]
        return module

    def came_along(
        self, copies: Mapping[CourseKey, Copy], course: CourseKey, module: tuple[str, int]
    ) -> datetime | None:
        """Until when a completion of the activity was done in another course, and came along with a copy of it.

        None where that doesn't matter: it is no copy, or it counts as the other course's own, and once.
        """
        while (copy := copies.get(course)) and copy.status in (Status.CONTINUATION, Status.NEW_COMMUNITY):
            if copy.status is Status.NEW_COMMUNITY or module not in self.above:
                return copy.copied_at
            course, module = copy.original, self.above[module]
        return None


def continued(session: Session, modules: Iterable[tuple[str, int]]) -> Continued:
    """What these activities go on with."""
    c = ContinuedModule
    above: dict[tuple[str, int], tuple[str, int]] = {}
    front = set(modules)
    while front:
        rows = session.execute(
            select(as_text(c.site_id), c.module_id, c.original_id).where(among((c.site_id, c.module_id), front))
        )
        found = {(site, module): (site, original) for site, module, original in rows}
        above |= found
        front = set(found.values()) - above.keys()
    return Continued(above)


def goes_on_with(session: Session, module: tuple[UUID, int]) -> set[int]:
    """An activity, and all of its site that go on with it."""
    c = ContinuedModule
    found = front = {module[1]}
    while front:
        rows = session.scalars(select(c.module_id).where(c.site_id == module[0], among(c.original_id, front)))
        front = set(rows) - found
        found = found | front
    return found


def strays(session: Session, courses: Iterable[CourseKey]) -> dict[PlaceKey, Held | None]:
    """What has to change so that continuations, among these courses or of these courses, are the communities that
    their originals are: whole courses, and groups of the same idnumber or name. None: it is none any more."""
    c, wanted = CourseCopy, set(courses)
    if not wanted:
        return {}
    named = among((c.site_id, c.course_id), wanted) | among((c.site_id, c.original_id), wanted)
    rows = session.execute(
        select(c.site_id, c.course_id, c.original_id)
        .join(MirrorCourse, (MirrorCourse.site_id == c.site_id) & (MirrorCourse.course_id == c.course_id))
        .where(c.status == str(Status.CONTINUATION), named)
    )
    found: dict[PlaceKey, Held | None] = {}
    for site, course, original in rows.all():
        found |= _astray(session, (site, course), (site, original))
    return found


def _astray(session: Session, course: CourseKey, original: CourseKey) -> dict[PlaceKey, Held | None]:
    places, held = places_of(session, original), places_of(session, course)
    by_group = {old: new for new, old in matching_groups(session, course, original).items()} if any(places) else {}
    wanted: dict[int, Held | None] = {}
    for group, place in places.items():
        if not group:
            wanted[0] = place
        elif group in by_group:
            wanted[by_group[group]] = place
    # A group that was the community stays it when it is renamed.
    communities = {place[0] for place in places.values()}
    wanted |= {group: None for group, place in held.items() if group not in wanted and place[0] not in communities}
    return {(*course, group): place for group, place in wanted.items() if held.get(group) != place}


def places_of(session: Session, course: CourseKey) -> dict[int, Held]:
    """Which communities a course (0) and the groups in it are."""
    c = CommunityCourse
    rows = session.execute(
        select(c.group_id, c.community_id, c.basis_as_of)
        .where(c.site_id == course[0], c.course_id == course[1])
        .order_by(c.group_id)
    )
    return {group: (community, since) for group, community, since in rows}


def matching_groups(session: Session, course: CourseKey, original: CourseKey) -> dict[int, int]:
    """The groups of a course, each with the one of the original that has the same idnumber, else the same name."""
    groups = groups_of(session, {course, original})
    new, old = ({g.key[1]: g for g in groups if g.course == key} for key in (course, original))
    return pairs(new, old, [_by_idnumber, _by_name])


def _by_idnumber(group: GroupSeen) -> object:
    return group.idnumber or None


def _by_name(group: GroupSeen) -> object:
    return group.name or None


def pairs(new: Mapping[int, K], old: Mapping[int, K], ways: Iterable[Callable[[K], object]]) -> dict[int, int]:
    """New with old, by the first way in which both have one name that nobody else of their side has."""
    found: dict[int, int] = {}
    for way in ways:
        left = {number: way(one) for number, one in new.items() if number not in found}
        taken = set(found.values())
        right = {number: way(one) for number, one in old.items() if number not in taken}
        once, known = Counter(left.values()), Counter(right.values())
        by_name = {name: number for number, name in right.items() if name is not None and known[name] == 1}
        found |= {number: by_name[name] for number, name in left.items() if once[name] == 1 and name in by_name}
    return found
