"""Courses, and groups in them, become communities: the earliest reading that a program claims stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from mappings.program import Program
from records import adoptions, continuing, teams
from records.claims import (
    Claim,
    Claimants,
    CourseKey,
    CourseSeen,
    GroupSeen,
    accepted,
    claimants,
    forms_of,
    groups_matter,
    groups_of,
    looks_at_groups,
    slugs_of,
)
from records.community_details import refresh_details
from records.keys import among
from records.memberships import belonging, mark_courses, mark_persons, refresh_memberships
from records.models import (
    Account,
    Binding,
    Community,
    CommunityCourse,
    LedgerEntry,
    Membership,
    MirrorParticipation,
    StandingRow,
    uuid7,
)
from records.module_forms import decide_bindings, modules_of

PlaceKey = continuing.PlaceKey
"""(site, course, group); the group 0 is everybody in the course."""
PLACING = "communities"
"""Names the lock: one community may have courses on several sites."""


@dataclass(frozen=True, slots=True)
class _Held:
    """Which community a course or group is, by a reading of that time."""

    as_of: datetime
    community_id: UUID
    what: tuple[UUID, str, str, str]
    """Program, topic, region and key."""


def _what(claim: Claim) -> tuple[UUID, str, str, str]:
    place = claim.placement
    return claim.program_id, place.topic, place.region, place.key


def place(session: Session, courses: Iterable[CourseSeen], groups: Iterable[GroupSeen]) -> set[CourseKey]:
    """Make communities of courses and groups that a program claims. The earliest reading that placed one stands,
    so that a later rename moves nobody's hours. Copies that go on with such a course go along with it; those that
    have to wait are none any more. Returns the courses in which something was placed anew: see `settle`.

    The mirror holds what was read. Where something is to be placed (`would_place`) nobody else is at work on the site.
    """
    courses, groups = list(courses), list(groups)
    if not courses and not groups:
        return set()
    programs = claimants(session)
    sooner, anew = _sooner(session, programs, courses, groups)
    _date(session, {key: claim.as_of for key, claim in sooner.items() if key not in anew})
    if anew:
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(PLACING))))
    by_id = dict(programs)
    for key in sorted(anew, key=str):
        _put(session, key, sooner[key], by_id[sooner[key].program_id])
    placed = {(site, course) for site, course, _ in anew}
    held = hold(session, placed)
    placed |= follow(session, placed | {course.key for course in courses} | {group.course for group in groups})
    return placed - held


def would_place(session: Session, courses: Iterable[CourseSeen], groups: Iterable[GroupSeen]) -> bool:
    """Whether some of what was read would become a community, or another one than it is."""
    courses, groups = list(courses), list(groups)
    return bool(courses or groups) and bool(_sooner(session, claimants(session), courses, groups)[1])


def hold(session: Session, courses: set[CourseKey]) -> set[CourseKey]:
    """Take copies of communities that nobody has adopted out of the communities that they would be: whichever of
    a copy's own reading, its original's and the report of the copy came first. Returns the copies that wait."""
    if not courses:
        return set()
    # Of a copy that was adopted already, an earlier time may have been reported.
    mark_courses(session, courses)
    held = adoptions.held_back(session, courses)
    for key in sorted(held, key=str):
        take_out(session, key)
    return held


def take_out(session: Session, course: CourseKey) -> None:
    """Have a course, and every group in it, be no community; nor the copies that go on with it."""
    c = CommunityCourse
    of_course = (c.site_id == course[0], c.course_id == course[1])
    left = set(session.scalars(select(c.community_id).where(*of_course)))
    if not left:
        return
    teams.forget_teams(session, course)
    session.execute(delete(c).where(*of_course))
    session.flush()
    _unbind(session, course)
    session.expire_all()
    for community in sorted(left, key=str):
        _leave(session, community)
    follow(session, {course})


def _unbind(session: Session, course: CourseKey) -> None:
    """Have no form of an activity count in a course of which no program has anything any more."""
    b, c = Binding, CommunityCourse
    in_force = (b.site_id == course[0], b.course_id == course[1], b.status.in_(("active", "proposed")))
    placed = exists().where(c.site_id == course[0], c.course_id == course[1])
    session.execute(
        update(b).where(*in_force, ~placed).values(status="seen", rule=None),
        execution_options={"synchronize_session": False},
    )


def follow(session: Session, courses: set[CourseKey]) -> set[CourseKey]:
    """Have continuations, among these courses or of them, be the communities that their originals are, and the
    continuations of those. Returns the courses that are in other communities than before: see `settle`."""
    moved: set[CourseKey] = set()
    front = courses
    while front:
        changes = continuing.strays(session, front)
        if changes:
            session.execute(select(func.pg_advisory_xact_lock(func.hashtext(PLACING))))
        front = set()
        for key in sorted(changes, key=str):
            if _go_along(session, key, changes[key]):
                front.add(key[:2])
        moved |= front
    return moved


def _go_along(session: Session, key: PlaceKey, place: continuing.Held | None) -> bool:
    """Have a course or group be a community, or none, because its original is. Returns whether that is another one."""
    held = session.get(CommunityCourse, key, populate_existing=True)
    before = held.community_id if held else None
    if held and place:
        held.community_id, held.basis_as_of = place
    elif held:
        session.delete(held)
    elif place:
        new = CommunityCourse(site_id=key[0], course_id=key[1], group_id=key[2])
        new.community_id, new.basis_as_of = place
        session.add(new)
    session.flush()
    _unbind(session, key[:2])
    after = place[0] if place else None
    if before and before != after:
        if not key[2]:
            teams.forget_teams(session, key[:2])
        if not key[2] and after:
            teams.take_along(session, key[:2], after)
        _leave(session, before)
    return before != after


def settle(session: Session, placed: set[CourseKey]) -> None:
    """What follows where courses, or groups in them, became communities: teams, bindings, memberships, marks."""
    if not placed:
        return
    groups = groups_of(session, placed)
    teams.place_teams(session, groups)
    teams.refresh_teams(session, {group.key for group in groups})
    decide_bindings(session, modules_of(session, placed))
    p = MirrorParticipation
    pairs = session.execute(
        select(p.site_id, p.course_id, p.moodle_user_id).where(among((p.site_id, p.course_id), placed))
    )
    refresh_memberships(session, {(site, course, user) for site, course, user in pairs})
    mark_courses(session, placed)
    refresh_details(session, placed)


def _sooner(
    session: Session, programs: Claimants, courses: Sequence[CourseSeen], groups: Sequence[GroupSeen]
) -> tuple[dict[PlaceKey, Claim], set[PlaceKey]]:
    """The claims that are earlier than what stands, and which of them make another community of it."""
    wanted = _claimed(session, programs, courses, groups)
    held = _held(session, wanted)
    sooner = {key: claim for key, claim in wanted.items() if key not in held or claim.as_of < held[key].as_of}
    return sooner, {key for key, claim in sooner.items() if key not in held or held[key].what != _what(claim)}


def _claimed(
    session: Session, programs: Claimants, courses: Sequence[CourseSeen], groups: Sequence[GroupSeen]
) -> dict[PlaceKey, Claim]:
    """The earliest claim to each course, and to each group of the course as it is known now."""
    found: dict[PlaceKey, Claim] = {}

    def add(key: PlaceKey, claim: Claim) -> None:
        if key not in found or claim.as_of < found[key].as_of:
            found[key] = claim

    out = adoptions.kept_out(session, {course.key for course in courses} | {group.course for group in groups})
    courses = [course for course in courses if course.key not in out]
    groups = [group for group in groups if group.course not in out]
    slugs = slugs_of(session, {course.key[0] for course in courses}) if courses else {}
    for course in courses:
        claim = accepted(programs, course.form(slugs.get(course.key[0], "")))
        if claim:
            add((*course.key, 0), Claim(*claim, course.as_of))
    if not looks_at_groups(programs):
        return found
    seen = list(groups)
    forms = forms_of(session, {course.key for course in courses} | {group.course for group in seen})
    forms = {course: form for course, form in forms.items() if groups_matter(programs, form)}
    # The groups of a course may be known for long before the course is one that a program looks into.
    seen += groups_of(session, {course.key for course in courses if course.key in forms})
    for group in seen:
        form = forms.get(group.course)
        claim = accepted(programs, form, group.idnumber) if form else None
        if claim:
            add((*group.course, group.key[1]), Claim(*claim, group.as_of))
    return found


def _held(session: Session, keys: Iterable[PlaceKey]) -> dict[PlaceKey, _Held]:
    c = CommunityCourse
    wanted = list(keys)
    if not wanted:
        return {}
    rows = session.execute(
        select(c.site_id, c.course_id, c.group_id, c.basis_as_of, c.community_id)
        .add_columns(Community.program_id, Community.topic, Community.region, Community.key)
        .join(Community, Community.id == c.community_id)
        .where(among((c.site_id, c.course_id, c.group_id), wanted))
    )
    return {
        (site, course, group): _Held(as_of, community, (program, topic, region, key))
        for site, course, group, as_of, community, program, topic, region, key in rows
    }


def _date(session: Session, earlier: Mapping[PlaceKey, datetime]) -> None:
    """Keep that an earlier reading said the same."""
    c = CommunityCourse
    for key in sorted(earlier, key=str):
        same = (c.site_id == key[0], c.course_id == key[1], c.group_id == key[2])
        session.execute(
            update(c).where(*same, c.basis_as_of > earlier[key]).values(basis_as_of=earlier[key]),
            execution_options={"synchronize_session": False},
        )


def _put(session: Session, key: PlaceKey, claim: Claim, program: Program) -> None:
    """Have a course or group be the community of a claim."""
    held = session.get(CommunityCourse, key, populate_existing=True)
    if held and held.basis_as_of <= claim.as_of:
        return
    program_id, topic, region, name = _what(claim)
    before = session.get_one(Community, held.community_id, populate_existing=True) if held else None
    if before and before.program_id != program_id and not key[2]:
        teams.forget_teams(session, key[:2])
    values = {"program_id": program_id, "topic": topic, "region": region, "key": name}
    target = _of_key(session, program_id, name) if name else None
    if target is None and before and _is_only(session, before.id):
        # Nobody else's: it becomes the other one, and what hangs on it goes along.
        session.execute(update(Community).where(Community.id == before.id).values(**values))
        target = before.id
    elif target is None:
        target = uuid7()
        session.add(Community(id=target, timezone=program.timezone, **values))
        session.flush()
    if held is None:
        place = {"site_id": key[0], "course_id": key[1], "group_id": key[2]}
        session.add(CommunityCourse(**place, community_id=target, basis_as_of=claim.as_of))
    else:
        held.community_id, held.basis_as_of = target, claim.as_of
    session.flush()
    if before and before.id != target:
        if not key[2]:
            teams.take_along(session, key[:2], target)
        _leave(session, before.id)


def _of_key(session: Session, program_id: UUID, key: str) -> UUID | None:
    return session.scalar(select(Community.id).where(Community.program_id == program_id, Community.key == key))


def _is_only(session: Session, community: UUID) -> bool:
    """Whether one course or group is all that the community has."""
    found = select(func.count()).select_from(CommunityCourse).where(CommunityCourse.community_id == community)
    return session.scalar(found) == 1


def _leave(session: Session, community: UUID) -> None:
    """A course or group went from one community to another: memberships that nothing is behind any more go, and
    the community, too, when it has no course left. What hangs on one of them (minutes in the ledger, a session, a
    decision) keeps it: its net is computed again."""
    mark_persons(session, select(Membership.id).where(Membership.community_id == community))
    inside = belonging().subquery()
    a, m = Account, Membership
    same_user = (inside.c.site_id == a.site_id) & (inside.c.moodle_user_id == a.moodle_user_id)
    in_it = exists().where(same_user, inside.c.community_id == community, a.person_id == m.person_id)
    earned = exists().where(LedgerEntry.membership_id == m.id)
    gone = list(session.scalars(select(m.id).where(m.community_id == community, ~in_it, ~earned)))
    empty = ~exists().where(CommunityCourse.community_id == community)
    try:
        with session.begin_nested():
            session.execute(delete(StandingRow).where(among(StandingRow.membership_id, gone)))
            session.execute(delete(m).where(among(m.id, gone)))
            session.execute(delete(Community).where(Community.id == community, empty))
    except IntegrityError:
        return
