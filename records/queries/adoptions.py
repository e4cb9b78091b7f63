"""Copied courses: those that wait for a decision, and what was decided about others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from mappings.program import Program
from records.actor import Actor, in_scope
from records.adopting import AdoptionError, Decided, Wanted, claimed, decide, known_copy, unlike_groups
from records.adoptions import UNDECIDED, Status, held_back, mirrored
from records.claims import CourseKey, slugs_of
from records.deciding import By
from records.keys import among
from records.models import (
    Community,
    CommunityCourse,
    ContinuedModule,
    CourseCopy,
    Decision,
    MirrorCompletion,
    MirrorCourse,
    MirrorEnrolment,
    MirrorGroup,
)
from records.module_pairs import Pairs, proposed_pairs
from records.programs import newest, versions_by_program


@dataclass(frozen=True, slots=True)
class Adoption:
    """A copied course. `waits`: it earns nothing, since its original is a community and nobody has let it in."""

    site_id: UUID
    site: str
    course_id: int
    name: str
    original_id: int
    original: str
    copied_at: datetime
    status: Status
    waits: bool
    communities: list["Place"]
    """Those of the original."""
    people: int
    """Who is enrolled in the copy."""
    completions: int
    """Of these people there, those that came along included."""


@dataclass(frozen=True, slots=True)
class Review:
    """A copied course with everything that is to be looked at before deciding."""

    adoption: Adoption
    pairs: Pairs
    """As they are proposed now."""
    decided: dict[int, int]
    """As they were decided (new: old)."""
    own: list["Place"]
    """The communities that the copy is now."""
    claimed: bool
    """Whether a program would take it for a community of its own."""
    unlike: list[str]
    """Names of the original's groups that are communities and have no like in the copy."""
    reason: str = ""
    decided_by: str = ""
    decided_at: datetime | None = None
    fields: dict[str, str] = field(default_factory=dict)
    """What programs look at: idnumber, shortname, category."""


def adoptions(session: Session, actor: Actor, *, decided: bool = False) -> list[Adoption]:
    """Copies that wait for a decision, and, if asked for, those that somebody decided about. The earliest copy first.

    Only for an actor whose scope is everything. Raises PermissionError.
    """
    _check(actor)
    c, place = CourseCopy, CommunityCourse
    originals = select(c.site_id, c.original_id).join(
        place, (place.site_id == c.site_id) & (place.course_id == c.original_id)
    )
    heads = {(site, course) for site, course in session.execute(originals.distinct())}
    waits = held_back(session, heads)
    undecided = c.status == str(Status.PROPOSED)
    wanted = undecided & among((c.site_id, c.course_id), waits)
    rows = session.scalars(
        select(c).where(wanted | ~undecided if decided else wanted).order_by(c.copied_at, c.site_id, c.course_id)
    ).all()
    return _described(session, rows, waits)


def review(session: Session, actor: Actor, course: CourseKey) -> Review:
    """A copied course. Only for an actor whose scope is everything. Raises PermissionError, AdoptionError."""
    _check(actor)
    return _review(session, course)


def _review(session: Session, course: CourseKey) -> Review:
    row = known_copy(session, course)
    original = (row.site_id, row.original_id)
    m, g = ContinuedModule, MirrorGroup
    kept = session.execute(
        select(m.module_id, m.original_id).where(m.site_id == course[0], m.course_id == course[1]).order_by(m.module_id)
    )
    names = select(g.name).where(g.site_id == course[0], among(g.group_id, unlike_groups(session, course, original)))
    decision = session.get(Decision, row.decision_id) if row.decision_id else None
    form = mirrored(session, course)
    return Review(
        _described(session, [row], held_back(session, [course]))[0],
        proposed_pairs(session, course, original),
        {new: old for new, old in kept},  # noqa: C416 - dict() of rows has no type
        _communities(session, {course}).get(course, []),
        claimed(session, course),
        list(session.scalars(names.order_by(g.name))),
        decision.reason if decision else "",
        decision.actor if decision else "",
        decision.decided_at if decision else None,
        {"idnumber": form.idnumber, "shortname": form.shortname, "category": form.category_idnumber} if form else {},
    )


def how_many(session: Session, actor: Actor) -> int:
    """How many copies wait that the actor may look at."""
    return session.scalar(counted(actor)) or 0


def counted(actor: Actor) -> Select[int]:
    """The query for how many: what is counted on every page, by the few rows of copies."""
    return select(func.count()).select_from(CourseCopy).where(*_waiting_in(actor))


def oldest(session: Session, actor: Actor) -> datetime | None:
    """Since when the oldest of them waits."""
    return session.scalar(select(func.min(CourseCopy.copied_at)).where(*_waiting_in(actor)))


def _waiting_in(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    """Copies of communities in scope that nobody has decided about. Copies of copies follow when the first is
    decided."""
    return CourseCopy.status == str(Status.PROPOSED), _original_in(actor)


def _original_in(actor: Actor) -> ColumnElement[bool]:
    c, place = CourseCopy, CommunityCourse
    here = (
        select(place.course_id)
        .join(Community, Community.id == place.community_id)
        .where(place.site_id == c.site_id, place.course_id == c.original_id, in_scope(actor))
    )
    return here.correlate(c).exists()


def listed(session: Session, actor: Actor, *, decided: bool = False, limit: int = 100) -> list[Adoption]:
    """Copies of communities in scope: those that wait, the earliest first, or the latest that were decided about."""
    c = CourseCopy
    undecided = c.status == str(Status.PROPOSED)
    order = (c.copied_at.desc(),) if decided else (c.copied_at,)
    rows = session.scalars(
        select(c)
        .where(_original_in(actor), ~undecided if decided else undecided)
        .order_by(*order, c.site_id, c.course_id)
        .limit(limit)
    ).all()
    return _described(session, rows, {(row.site_id, row.course_id) for row in rows})


def reaches(session: Session, actor: Actor, course: CourseKey) -> bool | None:
    """Whether a copy, what it is and what its original is lies in scope as a whole, so that the actor may decide; None:
    nothing of it does, or there is no such copy."""
    row = session.get(CourseCopy, course)
    if row is None:
        return None
    keys = {course, (row.site_id, row.original_id)}
    return _within(
        session,
        actor,
        select(CommunityCourse.community_id).where(among((CommunityCourse.site_id, CommunityCourse.course_id), keys)),
    )


def _within(session: Session, actor: Actor, communities: Select[UUID]) -> bool | None:
    mine = select(in_scope(actor)).select_from(Community).where(Community.id.in_(communities))
    found = session.scalars(mine).all()
    if not found:
        return True if actor.unlimited else None
    return all(found) if any(found) else None


def looked_at(session: Session, actor: Actor, course: CourseKey) -> Review | None:
    """A copy for an actor in whose scope some of it lies; None for any other."""
    return None if reaches(session, actor, course) is None else _review(session, course)


def decide_as(session: Session, actor: Actor, course: CourseKey, wanted: Wanted, by: By) -> Decided:
    """Decide about a copy that lies in the actor's scope as a whole, before and after. Raises AdoptionError."""
    if not reaches(session, actor, course):
        raise AdoptionError("The copy isn't there, or not all of it is in scope.", "beyond")
    done = decide(session, course, wanted, by)
    made = select(Community.id).where(among(Community.id, done.communities))
    if done.communities and not _within(session, actor, made):
        raise AdoptionError("The course would be a community out of scope.", "beyond")
    return done


def waiting_copies(session: Session, courses: Iterable[CourseKey]) -> list[Adoption]:
    """The copies of these courses that nobody has decided about; for who may see the courses' communities."""
    wanted = set(courses)
    c = CourseCopy
    rows = session.scalars(
        select(c)
        .where(among((c.site_id, c.original_id), wanted), c.status == str(Status.PROPOSED))
        .order_by(c.copied_at, c.course_id)
    ).all()
    return _described(session, rows, {(row.site_id, row.course_id) for row in rows}) if rows else []


def _check(actor: Actor) -> None:
    if not actor.unlimited:
        raise PermissionError("only an actor whose scope is everything may list all copied courses")


def _described(session: Session, rows: Sequence[CourseCopy], waits: set[CourseKey]) -> list[Adoption]:
    courses = {(row.site_id, row.course_id) for row in rows}
    originals = {(row.site_id, row.original_id) for row in rows}
    m, e, c = MirrorCourse, MirrorEnrolment, MirrorCompletion
    named = select(m.site_id, m.course_id, m.fullname).where(among((m.site_id, m.course_id), courses | originals))
    names = {(site, course): name for site, course, name in session.execute(named)}
    slugs = slugs_of(session, {row.site_id for row in rows})
    communities = _communities(session, originals)
    enrolled = _counts(session, e, courses, func.count(e.moodle_user_id.distinct()))
    done = _counts(session, c, courses, func.count())
    found = []
    for row in rows:
        key, original = (row.site_id, row.course_id), (row.site_id, row.original_id)
        found.append(
            Adoption(
                row.site_id,
                slugs[row.site_id],
                row.course_id,
                names.get(key, ""),
                row.original_id,
                names.get(original, ""),
                row.copied_at,
                Status(row.status),
                key in waits and row.status in UNDECIDED,
                communities.get(original, []),
                enrolled.get(key, 0),
                done.get(key, 0),
            )
        )
    return found


def _counts(
    session: Session,
    table: type[MirrorEnrolment] | type[MirrorCompletion],
    courses: set[CourseKey],
    what: ColumnElement[int],
) -> dict[CourseKey, int]:
    t = table
    there = [t.present, among((t.site_id, t.course_id), courses)]
    if t is MirrorCompletion:
        there.append(MirrorCompletion.state > 0)
    rows = session.execute(select(t.site_id, t.course_id, what).where(*there).group_by(t.site_id, t.course_id))
    return {(site, course): count for site, course, count in rows}


@dataclass(frozen=True, slots=True)
class Place:
    """A community that a course is."""

    program: Program
    """As loaded last."""
    topic: str
    region: str

    def __str__(self) -> str:
        return f"{self.program.program} {self.topic} {self.region}"


def _communities(session: Session, courses: set[CourseKey]) -> dict[CourseKey, list[Place]]:
    c = CommunityCourse
    rows = session.execute(
        select(c.site_id, c.course_id, Community.program_id, Community.topic, Community.region)
        .join(Community, Community.id == c.community_id)
        .where(among((c.site_id, c.course_id), courses))
        .order_by(c.group_id)
    )
    versions = versions_by_program(session)
    found: dict[CourseKey, list[Place]] = {}
    for site, course, program_id, topic, region in rows:
        found.setdefault((site, course), []).append(Place(newest(versions[program_id]), topic, region))
    return found


def timezone(session: Session, actor: Actor) -> str:
    """A time zone to tell times in, where those of several communities stand side by side."""
    zone = select(Community.timezone).where(in_scope(actor)).order_by(Community.created_at, Community.id).limit(1)
    return session.scalar(zone) or "UTC"
