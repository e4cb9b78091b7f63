"""A community's facilitators in the console, and those whom Moodle knows and the console doesn't."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import String, cast, exists, func, or_, select
from sqlalchemy.orm import Session

from mappings.program import Program
from records import models
from records.actor import Actor, Role, Scope, in_scope
from records.models import Account, Community, Membership, ProgramRow, SignIn, User
from records.programs import newest, versions_by_program

MOST = 200


@dataclass(frozen=True, slots=True)
class Where:
    """The community whose facilitators they are."""

    id: UUID
    program: Program
    topic: str
    region: str


@dataclass(frozen=True, slots=True)
class FacilitatorLine:
    """Somebody who facilitates here. `here`: in this community by name; else by a role that reaches further."""

    user_id: UUID
    name: str
    email: str
    active: bool
    invited: bool
    """Has never set a password, and never signed in."""
    here: bool


@dataclass(frozen=True, slots=True)
class Suggested:
    """A facilitator in the Moodle course who has no role here yet."""

    person_id: UUID
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Facilitators:
    """All of them, by name."""

    community: Where
    lines: list[FacilitatorLine]
    suggested: list[Suggested]


def of_community(session: Session, actor: Actor, community_id: UUID) -> Facilitators | None:
    """A community's facilitators; None where it isn't there, or isn't the actor's to know."""
    found = session.execute(
        select(Community, ProgramRow.code)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(Community.id == community_id, in_scope(actor))
    ).one_or_none()
    if found is None:
        return None
    place: Community = found.Community
    program = newest(versions_by_program(session)[place.program_id])
    lines = _lines(session, place, found.code)
    known = {line.email.lower() for line in lines}
    where = Where(place.id, program, place.topic, place.region)
    return Facilitators(where, lines, [one for one in _in_moodle(session, place.id) if one.email.lower() not in known])


def _lines(session: Session, place: Community, program: str) -> list[FacilitatorLine]:
    table = models.Grant
    here = (table.scope_kind == str(Scope.COMMUNITY)) & (table.scope == str(place.id))
    wider = or_(
        table.scope_kind == str(Scope.ALL),
        (table.scope_kind == str(Scope.PROGRAM)) & (table.scope == program),
        (table.scope_kind == str(Scope.REGION)) & (table.scope == f"{program}/{place.region}"),
    )
    signed = exists().where(SignIn.user_id == User.id).correlate(User)
    rows = session.execute(
        select(User, func.bool_or(here).label("here"), signed.label("signed"))
        .join(table, table.user_id == User.id)
        .where(table.role == str(Role.FACILITATOR), here | (wider & User.active))
        .group_by(User.id)
        .order_by(func.lower(User.name), User.id)
        .limit(MOST)
    )
    return [
        FacilitatorLine(
            row.User.id,
            row.User.name,
            row.User.email,
            row.User.active,
            row.User.password_hash is None and not row.signed,
            row.here,
        )
        for row in rows
    ]


def _in_moodle(session: Session, community_id: UUID) -> list[Suggested]:
    """Facilitators in the course, by an address that Moodle knows."""
    name = func.concat_ws(" ", Account.firstname, Account.lastname)
    rows = session.execute(
        select(Membership.person_id, func.min(cast(name, String)).label("name"), func.min(Account.email).label("email"))
        .join(Account, Account.person_id == Membership.person_id)
        .where(
            Membership.community_id == community_id,
            Membership.role == "facilitator",
            Membership.status == "active",
            Membership.merged_into.is_(None),
            Account.present,
            Account.email != "",
        )
        .group_by(Membership.person_id)
        .order_by("name", Membership.person_id)
        .limit(MOST)
    )
    return [Suggested(row.person_id, row.name, row.email) for row in rows]
