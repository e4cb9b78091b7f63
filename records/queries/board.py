"""The board: the communities that are asked for, in one statement over stored standings or a closed period."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Integer, Select, case, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from mappings.matching import CourseForm, Refusal, has_groups, place_course
from mappings.program import Program
from mappings.standing import REACHED, Status
from records.actor import Actor, in_scope
from records.claims import CourseKey, CourseSeen, GroupSeen, groups_of
from records.models import (
    Binding,
    Community,
    CommunityCourse,
    Membership,
    MirrorCourse,
    MirrorGroup,
    ProgramRow,
    SessionRow,
    Site,
    StandingRow,
)
from records.programs import newest, versions_by_program
from records.queries.filters import Figures, PeopleFilter

EVERYTHING = PeopleFilter()


@dataclass(frozen=True, slots=True)
class CommunityLine:
    """One community on the board. Averages are over active participants: facilitators never count."""

    id: UUID
    program: str
    topic: str
    region: str
    title: str
    participants: int
    facilitators: int
    minutes: int
    """Of all active participants together."""
    average: int
    met: int
    behind: int
    cannot_reach: int
    on_their_way: int
    band_min: int | None
    """None where nothing is asked, and where the period's band isn't known."""
    band_max: int | None
    asked: int
    """Of how many participants anything is asked."""
    proposed: int
    """Changes of activities that wait for a decision."""
    dirty: int
    """Members whose hours are about to be computed again."""


@dataclass(frozen=True, slots=True)
class RefusedCourse:
    """A course that looks like a community and is none, and why."""

    site: str
    fullname: str
    idnumber: str
    program: str
    topic: str
    region: str
    refusal: Refusal


@dataclass(frozen=True, slots=True)
class Board:
    """All that the board shows. `programs` are the newest versions by code, for their titles and time zones."""

    communities: list[CommunityLine]
    refused: list[RefusedCourse]
    programs: Mapping[str, Program]
    any_at_all: bool
    """Whether there are communities in scope, whatever was asked for."""


def board(session: Session, actor: Actor, asked: PeopleFilter = EVERYTHING, seer: Actor | None = None) -> Board:
    """The communities in the actor's scope that are asked for, by program, region and topic. A status asks for those
    where anybody has it. `seer`: the actor as far as he or she may see people (see PeopleFilter.places)."""
    programs = {newest(versions).program: newest(versions) for versions in versions_by_program(session).values()}
    communities = _communities(session, actor, asked, seer)
    here = set(session.scalars(_places(actor))) if asked.values() else {line.program for line in communities}
    visible = {code: p for code, p in sorted(programs.items()) if code in here or _reaches_any(actor, p)}
    refused = [course for course in _refused(session, actor, programs) if _asked_for(course, asked)]
    return Board(communities, refused, visible, bool(here))


def _asked_for(course: RefusedCourse, asked: PeopleFilter) -> bool:
    """Whether a course that is no community lies where the filter looks; people and hosts it has none."""
    wanted = ((asked.program, course.program), (asked.region, course.region), (asked.topic, course.topic))
    return all(value in ("", its) for value, its in wanted)


def _reaches_any(actor: Actor, program: Program) -> bool:
    return any(actor.reaches(program.program, region.code) for region in program.regions)


def _shown() -> ColumnElement[bool]:
    """What lost its courses to another community is shown as long as sessions of it are recorded."""
    return or_(
        exists().where(CommunityCourse.community_id == Community.id),
        exists().where(SessionRow.community_id == Community.id),
    )


def _places(actor: Actor) -> Select[str]:
    """The programs of all communities in scope."""
    of_program = select(ProgramRow.code).join(Community, Community.program_id == ProgramRow.id)
    return of_program.where(in_scope(actor), _shown()).distinct()


def _members(communities: Select[UUID], asked: PeopleFilter) -> CTE:
    """Counts and sums of each community's members."""
    m, figures = Membership, Figures.of(asked)
    counts, status = figures.counts, figures.status
    waiting = 0 if asked.closing else func.sum(StandingRow.on_their_way).filter(counts)
    counted = select(
        m.community_id,
        func.count().filter(counts).label("participants"),
        func.count().filter((m.role == "facilitator") & (m.status == "active")).label("facilitators"),
        func.coalesce(func.sum(figures.minutes).filter(counts), 0).label("minutes"),
        func.count().filter(counts & status.in_(sorted(REACHED))).label("met"),
        func.count().filter(counts & (status == str(Status.BEHIND))).label("behind"),
        func.count().filter(counts & (status == str(Status.CANNOT_REACH))).label("cannot_reach"),
        func.coalesce(waiting, 0).label("on_their_way"),
        func.min(cast(figures.band_min, Integer)).label("band_min"),
        func.max(cast(figures.band_max, Integer)).label("band_max"),
        # Whether anything is asked of anybody, also where no band is known.
        func.count().filter(counts & (status != str(Status.NO_COMMITMENT))).label("asked"),
        func.count(m.dirty_at).label("dirty"),
    )
    within = figures.joined(counted).where(m.merged_into.is_(None), m.community_id.in_(communities))
    return within.group_by(m.community_id).cte("members")


def _courses() -> CTE:
    """Each community's title, and how many changes of activities in its courses wait for a decision."""
    cc, course, group, b = CommunityCourse, MirrorCourse, MirrorGroup, Binding
    # Several groups of one course may be one community: its proposals count once.
    proposed = (
        select(cc.community_id, func.count(b.id.distinct()).label("proposed"))
        .join(b, (b.site_id == cc.site_id) & (b.course_id == cc.course_id))
        .where(b.status == "proposed")
        .group_by(cc.community_id)
        .subquery()
    )
    title = case((cc.group_id == 0, course.fullname), else_=course.fullname + ": " + func.coalesce(group.name, ""))
    return (
        select(
            cc.community_id,
            func.min(title).label("title"),
            func.max(proposed.c.proposed).label("proposed"),
        )
        .join(course, (course.site_id == cc.site_id) & (course.course_id == cc.course_id))
        .outerjoin(group, (group.site_id == cc.site_id) & (group.group_id == cc.group_id))
        .outerjoin(proposed, proposed.c.community_id == cc.community_id)
        .group_by(cc.community_id)
        .cte("courses")
    )


def _communities(session: Session, actor: Actor, asked: PeopleFilter, seer: Actor | None) -> list[CommunityLine]:
    # Who may not see people isn't told who facilitates, not even of somebody whose id he or she has.
    within = [*asked.places(actor, seer or replace(actor, grants=())), _shown()]
    if asked.status:
        held = select(Membership.community_id).where(Membership.merged_into.is_(None), asked.with_status())
        within.append(Community.id.in_(held.correlate(None)))
    members, courses = _members(select(Community.id).where(*within).correlate(None), asked), _courses()
    rows = session.execute(
        select(
            Community.id,
            ProgramRow.code,
            Community.topic,
            Community.region,
            courses.c.title,
            courses.c.proposed,
            members,
        )
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .outerjoin(members, members.c.community_id == Community.id)
        .outerjoin(courses, courses.c.community_id == Community.id)
        .where(*within)
        .order_by(ProgramRow.code, Community.region, Community.topic, courses.c.title, Community.id)
    )
    return [_line(row) for row in rows]


def _line(row: Any) -> CommunityLine:
    participants, minutes = int(row.participants or 0), int(row.minutes or 0)
    return CommunityLine(
        id=row.id,
        program=row.code,
        topic=row.topic,
        region=row.region,
        title=row.title or "",
        participants=participants,
        facilitators=int(row.facilitators or 0),
        minutes=minutes,
        average=round(minutes / participants) if participants else 0,
        met=int(row.met or 0),
        behind=int(row.behind or 0),
        cannot_reach=int(row.cannot_reach or 0),
        on_their_way=int(row.on_their_way or 0),
        band_min=row.band_min,
        band_max=row.band_max,
        asked=int(row.asked or 0),
        proposed=int(row.proposed or 0),
        dirty=int(row.dirty or 0),
    )


def _refused(session: Session, actor: Actor, programs: Mapping[str, Program]) -> list[RefusedCourse]:
    """Courses and groups that a program claims, and refuses; who reaches their region sees them."""
    claimants = sorted(programs.items())
    found = []
    for site, name, idnumber, form, group in _unplaced(session, programs.values()):
        claims = ((code, place_course(program, form, group)) for code, program in claimants)
        code, place = next(((code, place) for code, place in claims if place), ("", None))
        if place and place.refusal and actor.reaches(code, place.region):
            found.append(RefusedCourse(site, name, idnumber, code, place.topic, place.region, place.refusal))
    return found


def _unplaced(session: Session, programs: Iterable[Program]) -> Iterator[tuple[str, str, str, CourseForm, str | None]]:
    """(site, name, ID number, form, group's ID number) of courses that are no community, and of groups that are none
    in courses of whose groups a program makes communities."""
    c = CommunityCourse
    placed = {
        (site, course, group) for site, course, group in session.execute(select(c.site_id, c.course_id, c.group_id))
    }
    courses = session.execute(
        select(MirrorCourse, Site.name, Site.slug)
        .join(Site, Site.id == MirrorCourse.site_id)
        .where(MirrorCourse.present)
        .order_by(Site.name, MirrorCourse.idnumber, MirrorCourse.course_id)
    ).all()
    seen = [(course, site, CourseSeen.of_mirror(course).form(slug)) for course, site, slug in courses]
    with_groups = [
        (course.site_id, course.course_id)
        for course, _, form in seen
        if any(has_groups(program, form) for program in programs)
    ]
    groups: dict[CourseKey, list[GroupSeen]] = {}
    for group in groups_of(session, with_groups):
        groups.setdefault(group.course, []).append(group)
    for course, site, form in seen:
        key = (course.site_id, course.course_id)
        if (*key, 0) not in placed:
            yield site, course.fullname, course.idnumber or course.shortname, form, None
        for group in groups.get(key, ()):
            if (*key, group.key[1]) not in placed:
                yield site, f"{course.fullname}: {group.name}", group.idnumber, form, group.idnumber
