"""Drift: what a sweep found in Moodle that no event had told, counted by kind, course, activity and day.

A sweep's readings go the way of all readings; what is looked at here is the mirror before and after them.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import case, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records.claims import CourseKey
from records.completions import CompletionKey
from records.keys import among
from records.mirror import NEVER, PairKey
from records.models import (
    Account,
    CourseCopy,
    DriftCount,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorGroupMember,
    MirrorModule,
    MirrorParticipation,
    MirrorRoleAssignment,
    Sweep,
)

ON_ITS_WAY = timedelta(minutes=15)
"""A completion that changed so shortly before it was read is no drift: its event may still come."""


class Drift(StrEnum):
    """What differed."""

    MISSED_COMPLETION = "missed_completion"
    MISSED_UNCOMPLETION = "missed_uncompletion"
    RESET = "reset"
    """A completion row is gone: a reset, or an activity whose completion was unlocked."""
    CHANGED_COMPLETION = "changed_completion"
    MISSED_ENROLMENT = "missed_enrolment"
    LOST_ENROLMENT = "lost_enrolment"
    CHANGED_ENROLMENT = "changed_enrolment"
    """Suspended, expired, or active again."""
    CHANGED_ROLE = "changed_role"
    CHANGED_GROUP = "changed_group"
    NEW_ACTIVITY = "new_activity"
    DELETED_ACTIVITY = "deleted_activity"
    CHANGED_ACTIVITY = "changed_activity"
    """Another name, section, visibility or kind of completion."""
    CHANGED_IDNUMBER = "changed_idnumber"
    """Of an activity or of the course."""
    COPIED_COURSE = "copied_course"
    """A course that is new is a copy of this one."""
    NEW_COURSE = "new_course"
    DELETED_COURSE = "deleted_course"
    CHANGED_COURSE = "changed_course"
    CHANGED_ACCOUNT = "changed_account"
    """Another name, e-mail address or key; suspended; deleted."""


OF_PEOPLE = {
    *(Drift.MISSED_COMPLETION, Drift.MISSED_UNCOMPLETION, Drift.RESET, Drift.CHANGED_COMPLETION),
    *(Drift.MISSED_ENROLMENT, Drift.LOST_ENROLMENT, Drift.CHANGED_ENROLMENT, Drift.CHANGED_ROLE, Drift.CHANGED_GROUP),
}
OF_LISTS = {
    (kind, 0)
    for kind in (
        *(Drift.NEW_COURSE, Drift.COPIED_COURSE, Drift.DELETED_COURSE),
        *(Drift.CHANGED_COURSE, Drift.CHANGED_IDNUMBER),
    )
}
"""(Kind, no activity) of what a site's list tells of a course that was never swept itself."""

Tally = Counter[tuple[UUID, int, Drift, int]]
"""By (site, course, kind, module or 0)."""


@dataclass(slots=True)
class Swept:
    """What a sweep's readings are about."""

    courses: set[CourseKey] = field(default_factory=set)
    modules: dict[tuple[UUID, int], int] = field(default_factory=dict)
    """The course of each."""
    accounts: set[tuple[UUID, int]] = field(default_factory=set)
    pairs: set[PairKey] = field(default_factory=set)
    completions: dict[CompletionKey, tuple[int, datetime]] = field(default_factory=dict)
    """The course of each, and when it was read."""
    causes: set[UUID] = field(default_factory=set)
    """The sweeps themselves, by correlation id."""

    def __bool__(self) -> bool:
        return bool(self.courses or self.modules or self.accounts or self.pairs or self.completions)

    def of_courses(self) -> set[CourseKey]:
        """The courses that are concerned, but for those of accounts."""
        found = self.courses | {(site, course) for (site, _), course in self.modules.items()}
        found |= {(site, course) for site, course, _ in self.pairs}
        return found | {(key[0], course) for key, (course, _) in self.completions.items()}


@dataclass(slots=True)
class Look:
    """The mirror at one moment, as far as a sweep's readings are about it; what isn't there is left out."""

    courses: dict[Any, Any] = field(default_factory=dict)
    modules: dict[Any, Any] = field(default_factory=dict)
    accounts: dict[Any, Any] = field(default_factory=dict)
    pairs: dict[Any, Any] = field(default_factory=dict)
    completions: dict[Any, Any] = field(default_factory=dict)


def look(session: Session, swept: Swept) -> Look:
    """What the mirror holds now of what was swept."""
    if not swept:
        return Look()
    return Look(
        courses=_courses(session, swept.courses),
        modules=_modules(session, swept.modules),
        accounts=_accounts(session, swept.accounts),
        pairs=_pairs(session, swept.pairs),
        completions=_completions(session, swept.completions),
    )


def _courses(session: Session, keys: Iterable[CourseKey]) -> dict[Any, Any]:
    c, copy = MirrorCourse, CourseCopy
    rows = session.execute(
        select(c.site_id, c.course_id, c.idnumber, copy.original_id)
        .add_columns(c.shortname, c.fullname, c.category_id, c.visible, c.startdate, c.enddate, c.fields)
        .outerjoin(copy, (copy.site_id == c.site_id) & (copy.course_id == c.course_id))
        .where(among((c.site_id, c.course_id), set(keys)), c.present)
    )
    return {(row[0], row[1]): (row[2], row[3], tuple(map(str, row[4:]))) for row in rows}


def _modules(session: Session, keys: Iterable[tuple[UUID, int]]) -> dict[Any, Any]:
    m = MirrorModule
    rows = session.execute(
        select(
            m.site_id, m.module_id, m.idnumber, m.name, m.section_number, m.section_name, m.visible, m.tracking
        ).where(among((m.site_id, m.module_id), set(keys)), m.present)
    )
    return {(row[0], row[1]): (row[2], tuple(row[3:])) for row in rows}


def _accounts(session: Session, keys: Iterable[tuple[UUID, int]]) -> dict[Any, Any]:
    a = Account
    form = (a.username, a.idnumber, a.email, a.firstname, a.lastname, a.suspended, a.profile, a.present)
    rows = session.execute(
        select(a.site_id, a.moodle_user_id, *form).where(
            among((a.site_id, a.moodle_user_id), set(keys)), a.as_of.is_not(None)
        )
    )
    return {(row[0], row[1]): tuple(map(str, row[2:])) for row in rows}


def _pairs(session: Session, keys: Iterable[PairKey]) -> dict[Any, Any]:
    """How each takes part: enrolled, active, roles, groups; whatever the ids of the rows behind it."""
    wanted = set(keys)
    p, e, a, g = MirrorParticipation, MirrorEnrolment, MirrorRoleAssignment, MirrorGroupMember
    found: dict[Any, tuple[set[int], set[int], set[int]]] = {
        (site, course, user): (set(), set(), set())
        for site, course, user in session.execute(
            select(p.site_id, p.course_id, p.moodle_user_id).where(
                among((p.site_id, p.course_id, p.moodle_user_id), wanted), p.read_at > NEVER
            )
        )
    }
    # A sender that knows the dates tells of no other status when they are over: core's lists do.
    by_dates = or_(e.timestart.is_(None), e.timestart <= e.as_of) & or_(e.timeend.is_(None), e.timeend > e.as_of)
    status = case((by_dates, e.status), else_=1)
    tables: tuple[tuple[Any, Any], ...] = ((e, status), (a, a.role_id), (g, g.group_id))
    for part, (table, value) in enumerate(tables):
        pair = (table.site_id, table.course_id, table.moodle_user_id)
        rows = select(*pair).add_columns(value).where(among(pair, wanted), table.present)
        for site, course, user, number in session.execute(rows):
            found.setdefault((site, course, user), (set(), set(), set()))[part].add(number)
    return found


def _completions(session: Session, keys: Iterable[CompletionKey]) -> dict[Any, Any]:
    c = MirrorCompletion
    columns = (c.site_id, c.module_id, c.moodle_user_id)
    rows = session.execute(
        select(*columns, c.state, c.overrideby, c.timemodified).where(among(columns, set(keys)), c.present)
    )
    return {(row[0], row[1], row[2]): tuple(row[3:]) for row in rows}


def count(session: Session, swept: Swept, before: Look) -> Tally:
    """Count how the mirror differs from what it was before a sweep's readings were written into it.

    Only of courses that were swept before: a first sweep finds what nobody could have told. Returns what was counted.
    """
    if not swept:
        return Counter()
    known, peopled, new = _swept_before(session, swept)
    found = Counter(
        {
            name: times
            for name, times in tally(swept, before, look(session, swept)).items()
            if name[:2] in (peopled if name[2] in OF_PEOPLE else known) or (name[:2] in new and name[2:] in OF_LISTS)
        }
    )
    statement = insert(DriftCount)
    rows = [
        {"site_id": site, "course_id": course, "day": func.current_date(), "kind": str(kind), "module_id": module}
        | {"count": times}
        for (site, course, kind, module), times in sorted(found.items(), key=str)
    ]
    for row in rows:
        session.execute(
            statement.values(row).on_conflict_do_update(
                index_elements=["site_id", "course_id", "day", "kind", "module_id"],
                set_={"count": DriftCount.count + statement.excluded.count},
            )
        )
    return found


def _swept_before(session: Session, swept: Swept) -> tuple[set[CourseKey], set[CourseKey], set[CourseKey]]:
    """(The courses of which an earlier sweep is done, and course 0 by the site's list; those of them whose people were
    read, too, unlike those of a copy that waited; those that are new since the list was read)."""
    s = Sweep
    sites = {site for site, _ in swept.of_courses()} | {site for site, _ in swept.accounts}
    rows = session.execute(
        select(s.site_id, s.course_id, func.max(s.total))
        .where(among(s.site_id, sites), s.status == "done", ~among(s.id, swept.causes))
        .group_by(s.site_id, s.course_id)
    )
    done = {(site, course): people for site, course, people in rows}
    listed = {site for site, course in done if course is None}
    known = {(site, course) for site, course in done if course is not None}
    peopled = {(site, course) for (site, course), people in done.items() if course is not None and people}
    accounts = {(site, 0) for site in listed}
    return known | accounts, peopled | accounts, {key for key in swept.courses if key[0] in listed}


def tally(swept: Swept, before: Look, after: Look) -> Tally:
    """How two looks at the mirror differ, by (site, course, kind, module or 0)."""
    return Counter([*_of_courses(swept, before, after), *_of_people(swept, before, after)])


def _of_courses(swept: Swept, before: Look, after: Look) -> Iterable[tuple[UUID, int, Drift, int]]:
    for site, course in swept.courses:
        was, now = before.courses.get((site, course)), after.courses.get((site, course))
        original = now[1] if now and not (was and was[1]) else None
        if original:
            # Of the course that it was copied from: there somebody looks.
            yield site, original, Drift.COPIED_COURSE, 0
        for kind in _course(was, now, copied=bool(original)):
            yield site, course, kind, 0
    for (site, module), course in swept.modules.items():
        for kind in _module(before.modules.get((site, module)), after.modules.get((site, module))):
            yield site, course, kind, module


def _of_people(swept: Swept, before: Look, after: Look) -> Iterable[tuple[UUID, int, Drift, int]]:
    for account in swept.accounts:
        was = before.accounts.get(account)
        if was is not None and was != after.accounts.get(account):
            yield account[0], 0, Drift.CHANGED_ACCOUNT, 0
    for pair in swept.pairs:
        for kind in _participation(before.pairs.get(pair), after.pairs.get(pair)):
            yield *pair[:2], kind, 0
    for name, (course, read_at) in swept.completions.items():
        for kind in _completion(before.completions.get(name), after.completions.get(name), read_at):
            yield name[0], course, kind, name[1]


def _course(was: Any, now: Any, *, copied: bool) -> Iterable[Drift]:
    if was is None or now is None:
        if was or (now and not copied):
            yield Drift.DELETED_COURSE if was else Drift.NEW_COURSE
        return
    if was[0] != now[0]:
        yield Drift.CHANGED_IDNUMBER
    if was[2] != now[2]:
        yield Drift.CHANGED_COURSE


def _module(was: Any, now: Any) -> Iterable[Drift]:
    if was is None or now is None:
        if was or now:
            yield Drift.DELETED_ACTIVITY if was else Drift.NEW_ACTIVITY
        return
    if was[0] != now[0]:
        yield Drift.CHANGED_IDNUMBER
    if was[1] != now[1]:
        yield Drift.CHANGED_ACTIVITY


NOBODY: tuple[set[int], set[int], set[int]] = (set(), set(), set())


def _participation(was: Any, now: Any) -> Iterable[Drift]:
    before, after = was or NOBODY, now or NOBODY
    if bool(before[0]) != bool(after[0]):
        # Roles and groups come and go with the enrolment.
        yield Drift.LOST_ENROLMENT if before[0] else Drift.MISSED_ENROLMENT
        return
    if (0 in before[0]) != (0 in after[0]):
        yield Drift.CHANGED_ENROLMENT
    if before[1] != after[1]:
        yield Drift.CHANGED_ROLE
    if before[2] != after[2]:
        yield Drift.CHANGED_GROUP


def _completion(was: Any, now: Any, read_at: datetime) -> Iterable[Drift]:
    if now is None:
        if was:
            yield Drift.RESET
        return
    state, _, changed_at = now
    if was == now or (changed_at is not None and read_at - changed_at < ON_ITS_WAY):
        return
    if bool(state) != bool(was and was[0]):
        if state or was:
            yield Drift.MISSED_COMPLETION if state else Drift.MISSED_UNCOMPLETION
    elif was and was[:2] != now[:2]:
        # An event doesn't tell when the row changed: that a reading does is no drift.
        yield Drift.CHANGED_COMPLETION
