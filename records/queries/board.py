"""The board: every community in scope, in one statement over stored standings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, Integer, cast, func, select
from sqlalchemy.orm import Session

from mappings.matching import Placement, Refusal, place_course
from mappings.program import Program
from mappings.standing import MET
from records.actor import Actor, in_scope
from records.models import (
    Binding,
    Community,
    CommunityCourse,
    Membership,
    MirrorCourse,
    ProgramRow,
    Site,
    StandingRow,
)
from records.programs import newest, versions_by_program


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
    on_their_way: int
    band_min: int | None
    band_max: int | None
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


def board(session: Session, actor: Actor) -> Board:
    """Every community in the actor's scope, by program, region and topic."""
    programs = {newest(versions).program: newest(versions) for versions in versions_by_program(session).values()}
    communities = _communities(session, actor)
    here = {line.program for line in communities}
    visible = {code: p for code, p in sorted(programs.items()) if code in here or _reaches_any(actor, p)}
    return Board(communities, _refused(session, actor, programs), visible)


def _reaches_any(actor: Actor, program: Program) -> bool:
    return any(actor.reaches(program.program, region.code) for region in program.regions)


def _members(actor: Actor) -> CTE:
    """Counts and sums of each community's members."""
    m, s = Membership, StandingRow
    active = (m.role == "participant") & (m.status == "active")
    return (
        select(
            m.community_id,
            func.count().filter(active).label("participants"),
            func.count().filter((m.role == "facilitator") & (m.status == "active")).label("facilitators"),
            func.coalesce(func.sum(s.minutes).filter(active), 0).label("minutes"),
            func.count().filter(active & s.status.in_([str(status) for status in MET])).label("met"),
            func.coalesce(func.sum(s.on_their_way).filter(active), 0).label("on_their_way"),
            func.min(s.band_min).label("band_min"),
            func.max(s.band_max).label("band_max"),
            func.count(m.dirty_at).label("dirty"),
        )
        .outerjoin(s, s.membership_id == m.id)
        .where(m.community_id.in_(select(Community.id).where(in_scope(actor))))
        .group_by(m.community_id)
        .cte("members")
    )


def _courses() -> CTE:
    """The name of each community's course, and how many changes of its activities wait for a decision."""
    cc, course, b = CommunityCourse, MirrorCourse, Binding
    proposed = (
        select(func.count())
        .where(b.site_id == cc.site_id, b.course_id == cc.course_id, b.status == "proposed")
        .correlate(cc)
        .scalar_subquery()
    )
    return (
        select(
            cc.community_id,
            func.min(course.fullname).label("title"),
            cast(func.sum(proposed), Integer).label("proposed"),
        )
        .join(course, (course.site_id == cc.site_id) & (course.course_id == cc.course_id))
        .group_by(cc.community_id)
        .cte("courses")
    )


def _communities(session: Session, actor: Actor) -> list[CommunityLine]:
    members, courses = _members(actor), _courses()
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
        .where(in_scope(actor))
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
        on_their_way=int(row.on_their_way or 0),
        band_min=row.band_min,
        band_max=row.band_max,
        proposed=int(row.proposed or 0),
        dirty=int(row.dirty or 0),
    )


def _refused(session: Session, actor: Actor, programs: Mapping[str, Program]) -> list[RefusedCourse]:
    """Courses that a program claims by their idnumber, and refuses; who reaches their region sees them."""
    placed = select(CommunityCourse.course_id).where(
        CommunityCourse.site_id == MirrorCourse.site_id, CommunityCourse.course_id == MirrorCourse.course_id
    )
    rows = session.execute(
        select(Site.name, MirrorCourse.fullname, MirrorCourse.idnumber)
        .join(Site, Site.id == MirrorCourse.site_id)
        .where(MirrorCourse.present, MirrorCourse.idnumber != "", ~placed.exists())
        .order_by(Site.name, MirrorCourse.idnumber)
    ).all()
    found = []
    for site, fullname, idnumber in rows:
        claim = _first_claim(programs, idnumber)
        if claim is None:
            continue
        code, place = claim
        if place.refusal and actor.reaches(code, place.region):
            found.append(RefusedCourse(site, fullname, idnumber, code, place.topic, place.region, place.refusal))
    return found


def _first_claim(programs: Mapping[str, Program], idnumber: str) -> tuple[str, Placement] | None:
    claims = ((code, place_course(program, idnumber)) for code, program in sorted(programs.items()))
    return next(((code, place) for code, place in claims if place), None)
