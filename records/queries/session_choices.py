"""What a session can be said to be: the kinds, activities, sessions and communities to choose from."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.program import Program
from records.actor import Actor, in_scope
from records.keys import among
from records.models import Community, CommunityCourse, MirrorModule, SessionRow
from records.programs import newest, versions_by_program
from records.session_checks import Module
from records.sessions import communities_of


@dataclass(frozen=True, slots=True)
class Choices:
    """For the form of a session of a community; `row` None: of a new one."""

    community: Community
    program: Program
    row: SessionRow | None
    activities: list[tuple[Module, str]]
    """Those that Moodle tracks, and which stand for no other session."""
    sessions: Sequence[SessionRow]
    """Those that it may make up."""
    communities: list[Community]
    """Others of the program, in scope."""


def choices(session: Session, actor: Actor, community_id: UUID, row: SessionRow | None = None) -> Choices | None:
    """What there is to choose from; None where the community isn't there or out of scope."""
    community = session.scalars(select(Community).where(Community.id == community_id, in_scope(actor))).one_or_none()
    if community is None:
        return None
    s = SessionRow
    own = session.scalars(select(s).where(s.community_id == community_id).order_by(s.starts_at, s.code)).all()
    others = select(Community).where(
        Community.program_id == community.program_id, Community.id != community_id, in_scope(actor)
    )
    made_up = {each.makes_up for each in own}
    taken = {(each.module_site_id, each.module_id) for each in own if row is None or each.id != row.id}
    return Choices(
        community,
        newest(versions_by_program(session)[community.program_id]),
        row,
        [each for each in _activities(session, community_id, row) if each[0] not in taken],
        [each for each in own if not each.makes_up and (row is None or (each.id != row.id and row.id not in made_up))],
        list(session.scalars(others.order_by(Community.region, Community.topic, Community.id))),
    )


def _activities(session: Session, community_id: UUID, row: SessionRow | None) -> list[tuple[Module, str]]:
    m, c = MirrorModule, CommunityCourse
    communities = {community_id} | (communities_of(session, row) if row else set())
    rows = session.execute(
        select(m.site_id, m.module_id, m.name, m.section_number)
        .join(c, (c.site_id == m.site_id) & (c.course_id == m.course_id))
        .where(among(c.community_id, communities), m.present, m.tracking > 0)
        .distinct()
        .order_by(m.section_number, m.name, m.module_id)
    )
    return [((site, module), name) for site, module, name, _ in rows]
