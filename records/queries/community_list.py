"""Communities in a list that goes on page by page, and how they stand in numbers. No query grows with their number."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, case, exists, func, or_, select
from sqlalchemy.orm import Session

from mappings.standing import REACHED, Status
from records.actor import Actor, in_scope
from records.keys import among
from records.models import (
    Community,
    CommunityCourse,
    Membership,
    MirrorCourse,
    MirrorGroup,
    Organisation,
    ProgramRow,
    SessionRow,
    StandingRow,
)


@dataclass(frozen=True, slots=True)
class Filters:
    """What is wanted of communities, by codes; empty: any."""

    program: str = ""
    region: str = ""
    topic: str = ""
    host: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A community. `titles` are those of its courses, or of the groups in them."""

    id: UUID
    program: str
    topic: str
    region: str
    timezone: str
    host: tuple[str, str] | None
    """(Code, name)."""
    titles: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Numbers:
    """How a community stands. Minutes and counts are of active participants."""

    participants: int = 0
    facilitators: int = 0
    minutes: int = 0
    met: int = 0
    behind: int = 0
    cannot_reach: int = 0
    on_their_way: int = 0
    band_min: int | None = None
    band_max: int | None = None
    dirty: int = 0
    """Members whose hours are about to be computed again."""

    @property
    def average(self) -> int:
        """Minutes a participant."""
        return round(self.minutes / self.participants) if self.participants else 0


def listed(
    session: Session, actor: Actor, wanted: Filters, *, after: UUID | None = None, limit: int = 50
) -> list[Listed]:
    """Communities in the actor's scope in the order in which they came to be, those after one of them."""
    c = Community
    rows = _wanted(actor).order_by(c.id).limit(limit)
    if after:
        rows = rows.where(c.id > after)
    for column, value in (
        (ProgramRow.code, wanted.program),
        (c.region, wanted.region),
        (c.topic, wanted.topic),
        (Organisation.code, wanted.host),
    ):
        if value:
            rows = rows.where(column == value)
    return _read(session, session.execute(rows).all())


def one(session: Session, actor: Actor, community_id: UUID) -> Listed | None:
    """A community; None for one that isn't there or out of scope."""
    found = _read(session, session.execute(_wanted(actor).where(Community.id == community_id)).all())
    return found[0] if found else None


def _wanted(actor: Actor) -> Select[Community, str, str, str]:
    c, cc = Community, CommunityCourse
    # What lost its courses to another community is there as long as sessions of it are recorded.
    has_courses = exists().where(cc.community_id == c.id)
    has_sessions = exists().where(SessionRow.community_id == c.id)
    return (
        select(c, ProgramRow.code, Organisation.code, Organisation.name)
        .join(ProgramRow, ProgramRow.id == c.program_id)
        .outerjoin(Organisation, Organisation.id == c.host_id)
        .where(in_scope(actor), or_(has_courses, has_sessions))
    )


def _read(session: Session, rows: Iterable[Row[Community, str, str, str]]) -> list[Listed]:
    found = list(rows)
    titles = _titles(session, [row[0].id for row in found])
    return [
        Listed(
            c.id,
            program,
            c.topic,
            c.region,
            c.timezone,
            (code, name or "") if code else None,
            tuple(titles.get(c.id, ())),
            c.created_at,
        )
        for c, program, code, name in found
    ]


def _titles(session: Session, communities: Collection[UUID]) -> Mapping[UUID, list[str]]:
    cc, course, group = CommunityCourse, MirrorCourse, MirrorGroup
    title = case((cc.group_id == 0, course.fullname), else_=course.fullname + ": " + func.coalesce(group.name, ""))
    rows = session.execute(
        select(cc.community_id, title)
        .join(course, (course.site_id == cc.site_id) & (course.course_id == cc.course_id))
        .outerjoin(group, (group.site_id == cc.site_id) & (group.group_id == cc.group_id))
        .where(among(cc.community_id, communities))
        .order_by(cc.community_id, title)
    )
    found: dict[UUID, list[str]] = {}
    for community, text in rows:
        found.setdefault(community, []).append(text)
    return found


def numbers(session: Session, communities: Collection[UUID]) -> dict[UUID, Numbers]:
    """How communities stand, in one statement over stored standings."""
    m, s = Membership, StandingRow
    active = (m.role == "participant") & (m.status == "active")
    rows = session.execute(
        select(
            m.community_id,
            func.count().filter(active),
            func.count().filter((m.role == "facilitator") & (m.status == "active")),
            func.coalesce(func.sum(s.minutes).filter(active), 0),
            func.count().filter(active & s.status.in_([str(status) for status in REACHED])),
            func.count().filter(active & (s.status == str(Status.BEHIND))),
            func.count().filter(active & (s.status == str(Status.CANNOT_REACH))),
            func.coalesce(func.sum(s.on_their_way).filter(active), 0),
            func.min(s.band_min),
            func.max(s.band_max),
            func.count(m.dirty_at),
        )
        .outerjoin(s, s.membership_id == m.id)
        .where(m.merged_into.is_(None), among(m.community_id, communities))
        .group_by(m.community_id)
    )
    found = {community: Numbers() for community in communities}
    for community, people, leaders, minutes, met, behind, cannot, way, least, most, dirty in rows:
        found[community] = Numbers(people, leaders, int(minutes), met, behind, cannot, int(way), least, most, dirty)
    return found
