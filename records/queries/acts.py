"""What can be decided about a membership, or about a community, team, organisation or program; and what was."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.earning import Subject as SubjectKind
from mappings.program import Program, version_at
from records import answers
from records.actor import Actor, in_scope
from records.effects import Looked, look
from records.merged import counts_in, root_of
from records.models import Community, Membership, Organisation, ProgramRow, Team
from records.programs import newest, versions_by_program
from records.queries import decided
from records.queries.community import names_of
from records.queries.decided import Line
from records.queries.milestones import names_of as names_of_subjects
from records.together import Found, of_communities, of_program

SHOWN = 50
"""So many decisions are listed beside the forms; the rest is on the page of all decisions."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A requirement or guideline by its code, and how it stands; empty where nobody computed that."""

    code: str
    status: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Another membership of the same person, in a community of the same program."""

    membership_id: UUID
    topic: str
    region: str


@dataclass(frozen=True, slots=True)
class OfMembership:
    """A membership and all that can be done about it. `program`: as it is in force now."""

    membership_id: UUID
    person_id: UUID
    name: str
    account: int
    community_id: UUID
    program: Program
    topic: str
    region: str
    timezone: str
    now: Looked
    requirements: list[Choice]
    notices: list[Choice]
    elsewhere: list[Elsewhere]
    decisions: list[Line]


@dataclass(frozen=True, slots=True)
class OfSubject:
    """A community, team, organisation or program, and what of it can be waived or explained."""

    kind: SubjectKind
    id: UUID
    code: str
    program_id: UUID
    program: Program
    timezone: str
    community_id: UUID | None
    topic: str
    region: str
    requirements: list[Choice]
    notices: list[Choice]
    decisions: list[Line]


def in_reach(session: Session, actor: Actor, membership_id: UUID) -> UUID | None:
    """The membership in which one counts, if it is in the actor's scope; None for one that isn't, or isn't there."""
    wanted = select(Membership.id).join(Community, Community.id == Membership.community_id)
    found = session.scalar(wanted.where(Membership.id == membership_id, in_scope(actor)))
    if found is None:
        return None
    root = root_of(session, found)
    return session.scalar(wanted.where(Membership.id == root, in_scope(actor)))


def of_membership(session: Session, actor: Actor, membership_id: UUID, now: datetime) -> OfMembership | None:
    """A membership; of one that was merged, the one that it counts in. None out of scope, as for nobody."""
    root = in_reach(session, actor, membership_id)
    item = next(iter(answers.inputs_of(session, [root])), None) if root else None
    if item is None:
        return None
    program, looked = version_at(item.versions, now).program, look(item, now)
    name, account = names_of(session, [item.membership.person_id]).get(item.membership.person_id, ("", 0))
    return OfMembership(
        item.membership.id,
        item.membership.person_id,
        name,
        account,
        item.community.id,
        program,
        item.community.topic,
        item.community.region,
        item.community.timezone,
        looked,
        [
            Choice(asked.requirement, looked.outcomes.get(asked.requirement, ""))
            for asked in program.requirements
            if asked.of == "participant"
        ],
        [Choice(notice.notice, "") for notice in program.notices if notice.of == "participant"],
        _elsewhere(session, actor, item.membership, item.community.program_id),
        decided.of_memberships(session, counts_in(session, [item.membership.id]), SHOWN),
    )


def _elsewhere(session: Session, actor: Actor, membership: Membership, program_id: UUID) -> list[Elsewhere]:
    rows = session.execute(
        select(Membership.id, Community.topic, Community.region)
        .join(Community, Community.id == Membership.community_id)
        .where(
            Membership.person_id == membership.person_id,
            Membership.id != membership.id,
            Membership.merged_into.is_(None),
            Community.program_id == program_id,
            in_scope(actor),
        )
        .order_by(Membership.id)
    )
    return [Elsewhere(*row) for row in rows]


def of_subject(
    session: Session, actor: Actor, kind: SubjectKind, subject_id: UUID, program: str, now: datetime
) -> OfSubject | None:
    """A community or team in scope; an organisation or program for whoever reaches all of the program, whose code an
    organisation needs. None for any other."""
    community = _community_of(session, actor, kind, subject_id)
    program_id = community.program_id if community else _whole_program(session, actor, kind, subject_id, program)
    if program_id is None:
        return None
    if kind == "organisation" and session.get(Organisation, subject_id) is None:
        return None
    versions = versions_by_program(session)[program_id]
    in_force = version_at(versions, now).program
    stands = _stands(session, kind, subject_id, community, program_id, now)
    outcomes = {o.requirement: str(o.status) for o in stands.together.outcomes} if stands else {}
    noticed = {n.notice: str(n.status) for n in stands.together.notices} if stands else {}
    return OfSubject(
        kind,
        subject_id,
        names_of_subjects(session, [(kind, subject_id)]).get((kind, subject_id), ""),
        program_id,
        in_force,
        community.timezone if community else newest(versions).timezone,
        community.id if community else None,
        community.topic if community else "",
        community.region if community else "",
        [Choice(r.requirement, outcomes.get(r.requirement, "")) for r in in_force.requirements if r.of == kind],
        [Choice(n.notice, noticed.get(n.notice, "")) for n in in_force.notices if n.of == kind],
        decided.of_subject(session, kind, subject_id, program_id, SHOWN),
    )


def _community_of(session: Session, actor: Actor, kind: SubjectKind, subject_id: UUID) -> Community | None:
    """The community of a team or community, if it is in scope."""
    wanted = select(Community).where(in_scope(actor))
    if kind == "team":
        wanted = wanted.join(Team, Team.community_id == Community.id)
        return session.scalars(wanted.where(Team.id == subject_id)).first()
    return session.scalars(wanted.where(Community.id == subject_id)).first() if kind == "community" else None


def _whole_program(session: Session, actor: Actor, kind: SubjectKind, subject_id: UUID, code: str) -> UUID | None:
    if kind not in ("organisation", "program"):
        return None
    which = ProgramRow.id == subject_id if kind == "program" else ProgramRow.code == code
    found = session.scalars(select(ProgramRow).where(which)).first()
    return found.id if found and decided.reaches_program(actor, found.code) else None


def _stands(
    session: Session,
    kind: SubjectKind,
    subject_id: UUID,
    community: Community | None,
    program_id: UUID,
    now: datetime,
) -> Found | None:
    if community:
        found = of_communities(session, [community.id], now)
    else:
        found = of_program(session, program_id, now)
    return next((each for each in found if each.subject == (kind, subject_id)), None)
