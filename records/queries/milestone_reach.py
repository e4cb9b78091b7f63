"""How far somebody's scope reaches where teams, schools, communities and programs achieve something together."""

from dataclasses import dataclass
from typing import cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session, aliased

from mappings.earning import Subject as SubjectKind
from mappings.loading import parse_program
from mappings.program import Program
from records.actor import Actor, in_scope
from records.keys import among
from records.models import Community, Membership, Organisation, ProgramRow, ProgramVersionRow, Team
from records.programs import newest, versions_by_program
from records.queries.decided import reaches_program

KINDS: tuple[SubjectKind, ...] = ("organisation", "community", "team", "program")
"""Whose milestones have pages. Those of participants are on each one's own."""


@dataclass(frozen=True, slots=True)
class Asking:
    """A program that asks or recommends something together. `whole`: all of it lies in scope."""

    id: UUID
    program: Program
    whole: bool


@dataclass(frozen=True, slots=True)
class Reach:
    """A subject that lies in scope. `community`: of a team and a community."""

    kind: SubjectKind
    id: UUID
    program_id: UUID
    program_code: str
    community: Community | None = None
    team: Team | None = None
    organisation: Organisation | None = None
    whole: bool = False
    """The whole program lies in scope."""


def kinds_asked(program: Program) -> frozenset[str]:
    """Of what a program asks, recommends or names something: kinds of KINDS."""
    parts = (program.requirements, program.notices, program.milestones)
    return frozenset(one.of for part in parts for one in part if one.of != "participant")


_ASKING: dict[UUID, bool] = {}
"""By version: it is asked on every page, and a version never changes."""


def anything_asked(session: Session, actor: Actor) -> bool:
    """Whether some program with communities in scope has anything together: one small query."""
    v = ProgramVersionRow
    here = select(Community.id).where(Community.program_id == v.program_id, in_scope(actor)).exists()
    latest = select(v.program_id, func.max(v.number).label("number")).where(here).group_by(v.program_id).subquery()
    ids = session.scalars(
        select(v.id).join(latest, (latest.c.program_id == v.program_id) & (latest.c.number == v.number))
    ).all()
    missing = [one for one in ids if one not in _ASKING]
    if missing:
        for version_id, source in session.execute(select(v.id, v.source).where(among(v.id, missing))):
            _ASKING[version_id] = bool(kinds_asked(parse_program(source)))
    return any(_ASKING[one] for one in ids)


def programs(session: Session, actor: Actor) -> list[Asking]:
    """The programs with communities in scope that have anything together, by code; by their newest versions."""
    rows = session.execute(
        select(ProgramRow.id, ProgramRow.code)
        .join(Community, Community.program_id == ProgramRow.id)
        .where(in_scope(actor))
        .distinct()
        .order_by(ProgramRow.code)
    ).all()
    versions = versions_by_program(session) if rows else {}
    found = [Asking(key, newest(versions[key]), reaches_program(actor, code)) for key, code in rows if key in versions]
    return [one for one in found if kinds_asked(one.program)]


def organisations_in_reach(
    actor: Actor, program_id: UUID, *, whole: bool, region: str = "", community: UUID | None = None
) -> Select[UUID]:
    """The ids of organisations with a team or a participant in a community in scope; for who reaches the whole
    program, also of those above them."""
    here: list[ColumnElement[bool]] = [Community.program_id == program_id, in_scope(actor)]
    here += [Community.region == region] if region else []
    here += [Community.id == community] if community else []
    m = Membership
    teams = select(Team.organisation_id).join(Community, Community.id == Team.community_id).where(*here)
    people = (
        select(m.organisation_id)
        .join(Community, Community.id == m.community_id)
        .where(*here, m.merged_into.is_(None), m.role == "participant")
    )
    found = (
        teams.where(Team.organisation_id.is_not(None)).union(people.where(m.organisation_id.is_not(None))).subquery()
    )
    near = select(found.c.organisation_id).cte("near", recursive=whole)
    if whole:
        below = aliased(Organisation)
        above = select(below.parent_id).join(near, near.c.organisation_id == below.id)
        near = near.union(above.where(below.parent_id.is_not(None)))
    return select(near.c.organisation_id)


def reach(session: Session, actor: Actor, kind: str, subject_id: UUID, program: str = "") -> Reach | None:
    """A subject, if it lies in scope: a team or community by its community; a program for who reaches all of it; an
    organisation in the program that is named, where it has a team or people in a community in scope."""
    if kind in ("team", "community"):
        return _of_community(session, actor, cast(SubjectKind, kind), subject_id)
    which = ProgramRow.id == subject_id if kind == "program" else ProgramRow.code == program
    row = session.scalars(select(ProgramRow).where(which)).first() if kind in KINDS else None
    if row is None:
        return None
    whole = reaches_program(actor, row.code)
    if kind == "program":
        return Reach("program", row.id, row.id, row.code, whole=True) if whole else None
    wanted = select(Organisation).where(Organisation.id == subject_id)
    found = session.scalars(
        wanted.where(Organisation.id.in_(organisations_in_reach(actor, row.id, whole=whole)))
    ).first()
    if found is None:
        return None
    return Reach("organisation", found.id, row.id, row.code, organisation=found, whole=whole)


def may_record(session: Session, actor: Actor, program_id: UUID, kind: str, subject_id: UUID) -> bool:
    """Whether an actor whose grants carry RECORD_MILESTONES records what a subject achieved in a program.

    Who reaches the whole program: everything. Else a participant's, a team's and a community's, whose community is in
    scope; an organisation's, where each community in which it has a team or participants is, and no other
    organisation belongs to it: what a district achieved is said of all its schools.
    """
    code = session.scalar(select(ProgramRow.code).where(ProgramRow.id == program_id))
    if code is None or reaches_program(actor, code):
        return code is not None
    if kind == "organisation":
        above = session.scalar(select(Organisation.id).where(Organisation.parent_id == subject_id).limit(1))
        return above is None and _reaches_all(session, actor, program_id, subject_id)
    of = {
        "community": select(Community.id).where(Community.id == subject_id),
        "team": select(Team.community_id).where(Team.id == subject_id),
        "participant": select(Membership.community_id).where(Membership.id == subject_id),
    }.get(kind)
    if of is None:
        return False
    here = select(Community.id).where(Community.id.in_(of), Community.program_id == program_id, in_scope(actor))
    return session.scalar(here) is not None


def _reaches_all(session: Session, actor: Actor, program_id: UUID, organisation_id: UUID) -> bool:
    m = Membership
    people = (m.organisation_id == organisation_id, m.merged_into.is_(None), m.role == "participant")
    places = (
        select(Team.community_id)
        .where(Team.organisation_id == organisation_id)
        .union(select(m.community_id).where(*people))
        .subquery()
    )
    concerned = (
        select(in_scope(actor))
        .select_from(Community)
        .where(Community.program_id == program_id, Community.id.in_(select(places.c[0])))
    )
    reached = session.scalars(concerned).all()
    return bool(reached) and all(reached)


def _of_community(session: Session, actor: Actor, kind: SubjectKind, subject_id: UUID) -> Reach | None:
    wanted = select(Community, ProgramRow.code).join(ProgramRow, ProgramRow.id == Community.program_id)
    team = session.get(Team, subject_id) if kind == "team" else None
    community_id = subject_id if kind == "community" else team.community_id if team else None
    row = session.execute(wanted.where(Community.id == community_id, in_scope(actor))).first() if community_id else None
    if row is None:
        return None
    community, code = row
    organisation = session.get(Organisation, team.organisation_id) if team and team.organisation_id else None
    whole = reaches_program(actor, code)
    return Reach(kind, subject_id, community.program_id, code, community, team, organisation, whole)


def members_of_program(session: Session, program_id: UUID) -> int:
    """How many memberships a program has: what answering for all of it costs grows with them."""
    wanted = select(func.count()).select_from(Membership).join(Community, Community.id == Membership.community_id)
    return session.scalar(wanted.where(Community.program_id == program_id)) or 0
