"""One course's state in one form, as the mirror has it, as Moodle's tables have it, and as its web services tell it.

Each table is rows by key. What a source can't tell is None, and agrees with everything.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.keys import among
from records.models import (
    Account,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorGroup,
    MirrorGroupMember,
    MirrorModule,
    MirrorRoleAssignment,
)

Rows = dict[tuple[int, ...], tuple[Any, ...]]
ACTIVE, INACTIVE = "active", "inactive"


@dataclass
class Tables:
    """The state of one course. `courses`: shortname, fullname, idnumber, category, its idnumber, visible, dates;
    `modules` by cm: kind, name, idnumber, section number and name, visible, tracking; `completions` by (cm, user):
    state, timemodified, overrideby."""

    courses: Rows = field(default_factory=dict)
    modules: Rows = field(default_factory=dict)
    accounts: Rows = field(default_factory=dict)
    enrolments: Rows = field(default_factory=dict)
    roles: Rows = field(default_factory=dict)
    groups: Rows = field(default_factory=dict)
    members: Rows = field(default_factory=dict)
    completions: Rows = field(default_factory=dict)

    def of_modules(self) -> "Tables":
        """The course and its activities alone: all that is read of a copy that nobody has adopted."""
        return Tables(courses=self.courses, modules=self.modules)


@dataclass(frozen=True)
class Difference:
    """A row that isn't the same; None: it isn't there."""

    table: str
    key: tuple[int, ...]
    mirror: tuple[Any, ...] | None
    moodle: tuple[Any, ...] | None


@dataclass(frozen=True)
class Comparison:
    """How many rows were compared, and which of them differ."""

    rows: int
    differences: tuple[Difference, ...]

    def about(self, table: str) -> list[tuple[int, ...]]:
        """The keys of a table's rows that differ."""
        return [difference.key for difference in self.differences if difference.table == table]


def compared(mirror: Tables, moodle: Tables) -> Comparison:
    """Every row of every table, both ways."""
    rows = 0
    found: list[Difference] = []
    for table in vars(mirror):
        ours: Rows = getattr(mirror, table)
        theirs: Rows = getattr(moodle, table)
        keys = sorted(ours.keys() | theirs.keys())
        rows += len(keys)
        found += [
            Difference(table, key, ours.get(key), theirs.get(key))
            for key in keys
            if not _agree(ours.get(key), theirs.get(key))
        ]
    return Comparison(rows, tuple(found))


def _agree(ours: tuple[Any, ...] | None, theirs: tuple[Any, ...] | None) -> bool:
    if ours is None or theirs is None:
        return False
    return all(one == other or other is None for one, other in zip(ours, theirs, strict=True))


def by_mirror(session: Session, site: UUID, course: int) -> Tables:
    """What the mirror has of a course."""
    return Tables(
        courses=_courses(session, site, course),
        modules=_modules(session, site, course),
        accounts=_accounts(session, site, course),
        enrolments=_enrolments(session, site, course),
        roles=_pairs(session, MirrorRoleAssignment, MirrorRoleAssignment.role_id, site, course),
        groups=_groups(session, site, course),
        members=_pairs(session, MirrorGroupMember, MirrorGroupMember.group_id, site, course),
        completions=_completions(session, site, course),
    )


def known_people(session: Session, site: UUID, course: int) -> set[int]:
    """Moodle users whom the mirror has ever seen in a course: of nobody else can core web services tell."""
    e = MirrorEnrolment
    return set(session.scalars(select(e.moodle_user_id).where(e.site_id == site, e.course_id == course)))


def unix(moment: datetime | None) -> int:
    """As Moodle writes it: 0 for none."""
    return int(moment.timestamp()) if moment else 0


def _courses(session: Session, site: UUID, course: int) -> Rows:
    c = MirrorCourse
    rows = session.scalars(select(c).where(c.site_id == site, c.course_id == course, c.present))
    return {
        (row.course_id,): (
            row.shortname,
            row.fullname,
            row.idnumber,
            row.category_id,
            row.category_idnumber,
            row.visible,
            unix(row.startdate),
            unix(row.enddate),
        )
        for row in rows
    }


def _modules(session: Session, site: UUID, course: int) -> Rows:
    m = MirrorModule
    rows = session.scalars(select(m).where(m.site_id == site, m.course_id == course, m.present))
    return {
        (row.module_id,): (
            row.modname,
            row.name,
            row.idnumber,
            row.section_number,
            row.section_name,
            row.visible,
            row.tracking,
        )
        for row in rows
    }


def _enrolled(session: Session, site: UUID, course: int) -> Iterator[tuple[int, int]]:
    """(User, status) of the enrolments that are there."""
    e = MirrorEnrolment
    rows = session.execute(
        select(e.moodle_user_id, e.status).where(e.site_id == site, e.course_id == course, e.present)
    )
    yield from ((user, status) for user, status in rows)


def _enrolments(session: Session, site: UUID, course: int) -> Rows:
    return activity(_enrolled(session, site, course))


def activity(rows: Iterable[tuple[int, int]]) -> Rows:
    """Of (user, status), 0 being active: whether each user is active, by whichever enrolment."""
    found: Rows = {}
    for user, status in rows:
        if status == 0 or (user,) not in found:
            found[(user,)] = (ACTIVE if status == 0 else INACTIVE,)
    return found


def _accounts(session: Session, site: UUID, course: int) -> Rows:
    a = Account
    users = {user for user, _ in _enrolled(session, site, course)}
    rows = session.scalars(select(a).where(a.site_id == site, among(a.moodle_user_id, users), a.present))
    return {
        (row.moodle_user_id,): (row.username, row.idnumber, row.email, row.firstname, row.lastname, row.suspended)
        for row in rows
    }


def _pairs(session: Session, table: Any, column: Any, site: UUID, course: int) -> Rows:
    rows = session.execute(
        select(table.moodle_user_id, column).where(table.site_id == site, table.course_id == course, table.present)
    )
    return dict.fromkeys(rows, ())


def _groups(session: Session, site: UUID, course: int) -> Rows:
    """Groups that somebody is in: others are told of nobody."""
    g, m = MirrorGroup, MirrorGroupMember
    here = select(m.group_id).where(m.site_id == site, m.course_id == course, m.present)
    rows = session.scalars(select(g).where(g.site_id == site, g.group_id.in_(here), g.present))
    return {(row.group_id,): (row.name, row.idnumber, tuple(sorted(row.groupings))) for row in rows}


def _completions(session: Session, site: UUID, course: int) -> Rows:
    c, m = MirrorCompletion, MirrorModule
    rows = session.execute(
        select(c.module_id, c.moodle_user_id, c.state, c.timemodified, c.overrideby)
        .join(m, (m.site_id == c.site_id) & (m.module_id == c.module_id) & m.present & (m.tracking > 0))
        .where(c.site_id == site, c.course_id == course, c.present)
    )
    return completion_rows((cm, user, state, unix(moment), by) for cm, user, state, moment, by in rows)


def completion_rows(rows: Iterable[tuple[int, int, int | None, int, int | None]]) -> Rows:
    """Rows of (cm, user, state, timemodified, overrideby); one that says nothing equals none."""
    return {(cm, user): (state, changed, by or 0) for cm, user, state, changed, by in rows if state or changed}


def within(people: set[int], found: Tables) -> Tables:
    """The same with the completions of these people alone."""
    rows = {key: row for key, row in found.completions.items() if key[1] in people}
    return Tables(**(vars(found) | {"completions": rows}))


def beyond(people: set[int], found: Tables) -> Mapping[tuple[int, ...], tuple[Any, ...]]:
    """Completions of anybody else: people who never were enrolled since the first look."""
    return {key: row for key, row in found.completions.items() if key[1] not in people}
