"""What the pages about files of attendance show: where they are, who is meant, and what can be chosen."""

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.program import Program
from records.actor import Actor, in_scope
from records.keys import among
from records.models import Account, Community, CommunityCourse, SessionRow, Site
from records.programs import newest, versions_by_program


@dataclass(frozen=True, slots=True)
class Place:
    """A community as the head of a page names it."""

    id: UUID
    topic: str
    region: str
    timezone: str
    program: Program
    sites: tuple[str, ...]
    """The short names of the Moodle sites that it has courses on."""


@dataclass(frozen=True, slots=True)
class Person:
    """Whom a row means."""

    name: str
    moodle_user_id: int
    person_id: UUID


def place(session: Session, actor: Actor, community_id: UUID) -> Place | None:
    """None for a community that doesn't exist or lies out of scope."""
    found = session.scalars(select(Community).where(Community.id == community_id, in_scope(actor))).one_or_none()
    if found is None:
        return None
    sites = session.scalars(
        select(Site.slug)
        .join(CommunityCourse, CommunityCourse.site_id == Site.id)
        .where(CommunityCourse.community_id == community_id)
        .distinct()
        .order_by(Site.slug)
    )
    program = newest(versions_by_program(session)[found.program_id])
    return Place(found.id, found.topic, found.region, found.timezone, program, tuple(sites))


def sessions(session: Session, community_id: UUID) -> list[SessionRow]:
    """The sessions of a community that files can be about, the latest first."""
    return list(
        session.scalars(
            select(SessionRow)
            .where(SessionRow.community_id == community_id, SessionRow.cancelled_at.is_(None))
            .order_by(SessionRow.starts_at.desc(), SessionRow.code)
        )
    )


def people(session: Session, accounts: Iterable[str]) -> dict[str, Person]:
    """Who has these accounts, by the account's id as text."""
    rows = session.scalars(select(Account).where(among(Account.id, {UUID(account) for account in accounts})))
    return {
        str(row.id): Person(f"{row.firstname} {row.lastname}".strip(), row.moodle_user_id, row.person_id)
        for row in rows
    }
