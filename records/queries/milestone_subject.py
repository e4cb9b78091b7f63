"""One team, organisation, community or program: what it reached, what is recorded of it, who belongs to it."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from mappings.conditions import Reached
from mappings.program import Program, version_at
from mappings.together import Noticed, NoticeStatus, Together
from records import teams
from records.actor import Actor, in_scope
from records.affiliations import job_roles, unknown_organisations
from records.models import Community, Membership, MilestoneRow, Organisation, SessionRow, SharedSession, Team
from records.programs import versions_by_program
from records.queries import deciders
from records.queries.community import names_of
from records.queries.milestone_overview import Why, reasons
from records.queries.milestone_overview import names_of as names_of_subjects
from records.queries.milestone_reach import Reach, members_of_program
from records.together import Found, of_communities, of_members, of_organisations, of_program

READ_AT_ONCE = 2_000
"""A program of no more memberships is answered for whenever somebody looks; a larger one, when asked to."""
PEOPLE = 50
"""So many people are on one page."""
VERSIONS = 500
SESSIONS = 100
FLAGS = (NoticeStatus.DEVIATES, NoticeStatus.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A milestone as it is recorded now. `versions`: all of it, the latest first."""

    row: MilestoneRow
    versions: list[MilestoneRow]


@dataclass(frozen=True, slots=True)
class Gathering:
    """A session that a milestone may follow."""

    id: UUID
    code: str
    kind: str
    title: str
    starts_at: datetime
    timezone: str
    community_id: UUID
    topic: str
    region: str


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who belongs to a team or works at an organisation. `flags`: the program's guidelines about him or her
    that aren't kept, or can't be told."""

    membership_id: UUID
    person_id: UUID
    name: str
    account: int
    role: str
    status: str
    community_id: UUID
    topic: str
    region: str
    job_role: str
    organisation: str
    """The name of the one where he or she works; empty where none is known."""
    flags: tuple[Noticed, ...] = ()
    says: str = ""
    """What the account says of where somebody works, where no organisation has that code."""


@dataclass(frozen=True, slots=True)
class Group:
    """A team, or a community, that belongs to the subject."""

    kind: str
    id: UUID
    code: str
    name: str
    topic: str
    region: str
    organisation: str = ""


@dataclass(slots=True)
class Subject:
    """Everything on the page of one subject. `program` as it is in force now; `together` None: not computed yet."""

    of: Reach
    program: Program
    timezone: str
    name: str
    members: int
    """Of the whole program, where that is what it is about."""
    together: Together | None = None
    reached: tuple[Reached, ...] = ()
    whys: dict[str, Why] = field(default_factory=dict)
    recorded: list[Recorded] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    """Of users who recorded something."""
    gatherings: dict[UUID, Gathering] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    people: list[Person] = field(default_factory=list)
    after: UUID | None = None
    parent: Organisation | None = None


def of_subject(
    session: Session, actor: Actor, of: Reach, now: datetime, *, everything: bool = False, after: UUID | None = None
) -> Subject:
    """What the page of a subject in reach shows; people and groups as far as the actor's scope reaches.

    `everything`: also of a program so large that answering takes a while.
    """
    program = version_at(versions_by_program(session)[of.program_id], now).program
    timezone = of.community.timezone if of.community else program.timezone
    members = members_of_program(session, of.program_id) if of.kind == "program" else 0
    name = names_of_subjects(session, [(of.kind, of.id)]).get((of.kind, of.id), "")
    made = Subject(of, program, timezone, name, members)
    found = _stands(session, of, now) if everything or members <= READ_AT_ONCE else []
    mine = next((each for each in found if each.subject == (of.kind, of.id)), None)
    if mine:
        made.together, made.reached = mine.together, mine.reached
    made.whys = reasons(session, of.program_id, [(of.kind, of.id)]).get((of.kind, of.id), {})
    made.recorded = _recorded(session, of)
    made.names = deciders.names_of(session, (v.recorded_by for one in made.recorded for v in one.versions))
    made.gatherings = {one.id: one for one in gatherings(session, actor, of, program)}
    made.gatherings |= _followed(session, made)
    made.groups = _groups(session, actor, of)
    made.people, made.after = _people(session, actor, of, found, now, after)
    if of.organisation and of.organisation.parent_id and of.kind == "organisation":
        made.parent = session.get(Organisation, of.organisation.parent_id)
    return made


def _stands(session: Session, of: Reach, now: datetime) -> list[Found]:
    if of.community:
        return of_communities(session, [of.community.id], now)
    if of.kind == "organisation":
        return of_organisations(session, of.program_id, [of.id], now)
    return of_program(session, of.program_id, now)


def _recorded(session: Session, of: Reach) -> list[Recorded]:
    m = MilestoneRow
    rows = session.scalars(
        select(m)
        .where(m.subject_kind == of.kind, m.subject_id == of.id, m.program_id == of.program_id)
        .order_by(m.recorded_at.desc(), m.version.desc())
        .limit(VERSIONS)
    )
    by_key: dict[str, list[MilestoneRow]] = {}
    for row in rows:
        by_key.setdefault(row.key, []).append(row)
    found = [Recorded(versions[0], versions) for versions in by_key.values()]
    return sorted(found, key=lambda one: one.row.happened_at, reverse=True)


def gatherings(session: Session, actor: Actor, of: Reach, program: Program) -> list[Gathering]:
    """The sessions in scope that a milestone of the subject may follow, the latest first."""
    kinds = {one.after for one in program.milestones if one.of == of.kind and one.after}
    if not kinds:
        return []
    wanted = _sessions().where(in_scope(actor), Community.program_id == of.program_id, SessionRow.kind.in_(kinds))
    shared = select(SharedSession.session_id)
    if of.community:
        of_this = SessionRow.id.in_(shared.where(SharedSession.community_id == of.community.id))
        wanted = wanted.where(or_(SessionRow.community_id == of.community.id, of_this))
    elif of.kind == "organisation":
        of_teams = select(Team.community_id).where(Team.organisation_id == of.id)
        of_people = select(Membership.community_id).where(Membership.organisation_id == of.id)
        ids = select(of_teams.union(of_people).subquery().c.community_id)
        of_these = SessionRow.id.in_(shared.where(SharedSession.community_id.in_(ids)))
        wanted = wanted.where(or_(SessionRow.community_id.in_(ids), of_these))
    rows = session.execute(wanted.order_by(SessionRow.starts_at.desc(), SessionRow.id).limit(SESSIONS))
    return [Gathering(*row) for row in rows]


def _sessions() -> Select[UUID, str, str, str, datetime, str, UUID, str, str]:
    s, c = SessionRow, Community
    return select(s.id, s.code, s.kind, s.title, s.starts_at, s.timezone, c.id, c.topic, c.region).join(
        c, c.id == s.community_id
    )


def _followed(session: Session, made: Subject) -> dict[UUID, Gathering]:
    """The sessions that recorded milestones follow: whoever sees the milestone sees which one."""
    ids = {one.row.session_id for one in made.recorded if one.row.session_id} - set(made.gatherings)
    if not ids:
        return {}
    return {row[0]: Gathering(*row) for row in session.execute(_sessions().where(SessionRow.id.in_(ids)))}


def _groups(session: Session, actor: Actor, of: Reach) -> list[Group]:
    """The teams of an organisation or community, and the organisations below one."""
    if of.kind not in ("organisation", "community"):
        return []
    c, o = Community, Organisation
    wanted = (
        select(Team.id, Team.code, c.topic, c.region, o.name)
        .join(c, c.id == Team.community_id)
        .outerjoin(o, o.id == Team.organisation_id)
        .where(in_scope(actor), c.program_id == of.program_id)
        .where(Team.organisation_id == of.id if of.kind == "organisation" else Team.community_id == of.id)
    )
    rows = session.execute(wanted.order_by(c.region, c.topic, Team.code, Team.id)).all()
    names = names_of_subjects(session, [("team", row[0]) for row in rows])
    return [
        Group("team", key, code, names.get(("team", key), ""), topic, region, school or "")
        for key, code, topic, region, school in rows
    ]


def _people(
    session: Session, actor: Actor, of: Reach, found: list[Found], now: datetime, after: UUID | None
) -> tuple[list[Person], UUID | None]:
    """A team's members; who works at an organisation; of a community whose affiliation needs a look."""
    m = Membership
    wanted = select(m.id).join(Community, Community.id == m.community_id)
    wanted = wanted.where(in_scope(actor), Community.program_id == of.program_id, m.merged_into.is_(None))
    if of.kind == "team":
        members = teams.members_of(session, [of.id])[of.id]
        wanted = wanted.where(m.id.in_(members))
    elif of.kind == "organisation":
        wanted = wanted.where(m.organisation_id == of.id)
    elif of.kind == "community":
        flagged = [f.subject[1] for f in found if f.subject[0] == "participant" and _flags(f)]
        nowhere = unknown_organisations(session, wanted.where(m.community_id == of.id, m.role == "participant"))
        wanted = wanted.where(m.id.in_([*flagged, *(key for key, text in nowhere.items() if text)]))
    else:
        return [], None
    if after:
        wanted = wanted.where(m.id > after)
    ids = list(session.scalars(wanted.order_by(m.id).limit(PEOPLE + 1)))
    more, ids = len(ids) > PEOPLE, ids[:PEOPLE]
    looked = found if of.community else of_members(session, ids, now)
    flags = {each.subject[1]: _flags(each) for each in looked if each.subject[0] == "participant"}
    return _persons(session, ids, flags), ids[-1] if more else None


def _flags(found: Found) -> tuple[Noticed, ...]:
    return tuple(notice for notice in found.together.notices if notice.status in FLAGS)


def _persons(session: Session, ids: list[UUID], flags: dict[UUID, tuple[Noticed, ...]]) -> list[Person]:
    m, c, o = Membership, Community, Organisation
    rows = session.execute(
        select(m.id, m.person_id, m.role, m.status, c.id, c.topic, c.region, o.name)
        .join(c, c.id == m.community_id)
        .outerjoin(o, o.id == m.organisation_id)
        .where(m.id.in_(ids))
    ).all()
    names = names_of(session, [row[1] for row in rows])
    roles = job_roles(session, ids)
    says = unknown_organisations(session, select(m.id).where(m.id.in_(ids)))
    found = []
    for key, person, role, status, community, topic, region, organisation in rows:
        name, account = names.get(person, ("", 0))
        place, works = (community, topic, region), (roles.get(key, ""), organisation or "")
        mine = (flags.get(key, ()), says.get(key, ""))
        found.append(Person(key, person, name, account, role, status, *place, *works, *mine))
    return sorted(found, key=lambda one: (one.role != "participant", one.name.casefold(), str(one.membership_id)))
