"""Memberships in a list that goes on page by page; people by an exact key, and the memberships of one."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, Select, Text, func, or_, select
from sqlalchemy.orm import Session

from records.actor import Actor, in_scope
from records.keys import among
from records.models import Account, Community, Membership, Organisation, Person, ProgramRow, Site, StandingRow
from records.queries.community import names_of

MOST_PEOPLE = 20
"""An exact key is of one person, or of few."""
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Filters:
    """What is wanted of a community's memberships; empty: any."""

    role: str = ""
    status: str = ""
    standing: str = ""


@dataclass(frozen=True, slots=True)
class Listed:
    """A membership with its stored standing. `name` is empty while Moodle hasn't told it, and of who was erased."""

    id: UUID
    community_id: UUID
    program: str
    person_id: UUID
    name: str
    role: str
    status: str
    organisation: str | None
    """Its code."""
    created_at: datetime
    dirty: bool
    standing: StandingRow | None


@dataclass(frozen=True, slots=True)
class Found:
    """Somebody."""

    id: UUID
    name: str
    erased: bool


def listed(
    session: Session,
    actor: Actor,
    community_id: UUID,
    wanted: Filters,
    *,
    after: UUID | None = None,
    limit: int = 50,
) -> list[Listed] | None:
    """Memberships of a community in the order in which they came to be, those after one of them; None for a community
    that isn't there or out of scope."""
    own = select(Community.id).where(Community.id == community_id, in_scope(actor))
    if session.scalar(own) is None:
        return None
    m = Membership
    rows = _wanted(actor).where(m.community_id == community_id).order_by(m.id).limit(limit)
    if after:
        rows = rows.where(m.id > after)
    for column, value in ((m.role, wanted.role), (m.status, wanted.status), (StandingRow.status, wanted.standing)):
        if value:
            rows = rows.where(column == value)
    return _read(session, session.execute(rows).all())


def one(session: Session, actor: Actor, membership_id: UUID) -> Listed | None:
    """A membership; None for one that isn't there or out of scope."""
    found = _read(session, session.execute(_wanted(actor).where(Membership.id == membership_id)).all())
    return found[0] if found else None


def of_people(session: Session, actor: Actor, persons: Collection[UUID]) -> dict[UUID, list[Listed]]:
    """People's memberships in the actor's scope, by person."""
    m = Membership
    rows = session.execute(_wanted(actor).where(among(m.person_id, persons)).order_by(m.id)).all()
    found: dict[UUID, list[Listed]] = {person: [] for person in persons}
    for row in _read(session, rows):
        found[row.person_id].append(row)
    return found


def _wanted(actor: Actor) -> Select[Membership, StandingRow, str, str]:
    m = Membership
    return (
        select(m, StandingRow, ProgramRow.code, Organisation.code)
        .join(Community, Community.id == m.community_id)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .outerjoin(Organisation, Organisation.id == m.organisation_id)
        .outerjoin(StandingRow, StandingRow.membership_id == m.id)
        .where(m.merged_into.is_(None), in_scope(actor))
    )


def _read(session: Session, rows: Iterable[Row[Membership, StandingRow, str, str]]) -> list[Listed]:
    found = list(rows)
    names = names_of(session, {row[0].person_id for row in found})
    return [
        Listed(
            m.id,
            m.community_id,
            program,
            m.person_id,
            names.get(m.person_id, ("", 0))[0],
            m.role,
            m.status,
            organisation,
            m.created_at,
            m.dirty_at is not None,
            standing,
        )
        for m, standing, program, organisation in found
    ]


def by_key(session: Session, actor: Actor, key: str) -> list[Found]:
    """Who has exactly this e-mail, user name, ID number or Moodle id, and a membership in the actor's scope."""
    key, a = key.strip(), Account
    if not key:
        return []
    sites = session.scalars(select(Site.id)).all()
    # Each condition names the site: the indexes of the keys begin with it.
    conditions = [
        among((a.site_id, func.lower(a.email, type_=Text)), [(site, key.lower()) for site in sites]),
        among((a.site_id, a.idnumber), [(site, key) for site in sites]),
        among((a.site_id, a.username), [(site, key) for site in sites]),
    ]
    if key.isascii() and key.isdigit() and len(key) <= MAX_DIGITS:
        conditions.append(among((a.site_id, a.moodle_user_id), [(site, int(key)) for site in sites]))
    having = set(session.scalars(select(a.person_id).where(a.present, or_(*conditions)).limit(MOST_PEOPLE)))
    return people(session, actor, having)


def people(session: Session, actor: Actor, persons: Collection[UUID]) -> list[Found]:
    """Those of these people who have a membership in the actor's scope."""
    m = Membership
    inside = (
        select(Person.id, Person.erased_at)
        .join(m, m.person_id == Person.id)
        .join(Community, Community.id == m.community_id)
        .where(among(Person.id, persons), m.merged_into.is_(None), in_scope(actor))
        .distinct()
        .order_by(Person.id)
    )
    rows = session.execute(inside).all()
    names = names_of(session, [row.id for row in rows])
    return [Found(row.id, names.get(row.id, ("", 0))[0], row.erased_at is not None) for row in rows]
