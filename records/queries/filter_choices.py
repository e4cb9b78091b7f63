"""What there is to choose from in the filters of the board and of the search over people, within a scope."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.program import Program
from records.actor import Actor, in_scope
from records.models import Closing, Community, Membership, Organisation, ProgramRow
from records.programs import newest, versions_by_program
from records.queries.community import names_of


@dataclass(frozen=True, slots=True)
class Facilitator:
    """Somebody who facilitates; `name` is empty while Moodle hasn't told it, `account` is Moodle's user id."""

    person_id: UUID
    name: str
    account: int


@dataclass(frozen=True, slots=True)
class Choices:
    """`programs` are the newest versions by code, of the communities in scope; `places` are (program, region, topic);
    `hosts` (code, name); `closings` (id, program, label), the latest first."""

    programs: dict[str, Program]
    places: list[tuple[str, str, str]]
    hosts: list[tuple[str, str]]
    facilitators: list[Facilitator]
    closings: list[tuple[UUID, str, str]]


def choices(session: Session, actor: Actor, seer: Actor | None) -> Choices:
    """What can be chosen among the communities in scope; facilitators as far as `seer` may see people."""
    places = [
        (program, region, topic)
        for program, region, topic in session.execute(
            select(ProgramRow.code, Community.region, Community.topic)
            .join(Community, Community.program_id == ProgramRow.id)
            .where(in_scope(actor))
            .distinct()
        )
    ]
    known = {newest(versions).program: newest(versions) for versions in versions_by_program(session).values()}
    programs = {code: known[code] for code in sorted({program for program, _, _ in places})}
    return Choices(
        programs,
        places,
        _hosts(session, actor),
        _facilitators(session, seer) if seer else [],
        _closings(session, list(programs)),
    )


def _hosts(session: Session, actor: Actor) -> list[tuple[str, str]]:
    hosting = select(Community.host_id).where(in_scope(actor), Community.host_id.is_not(None))
    wanted = select(Organisation.code, Organisation.name).where(Organisation.id.in_(hosting))
    return [(code, name) for code, name in session.execute(wanted.order_by(Organisation.name, Organisation.code))]


def _facilitators(session: Session, seer: Actor) -> list[Facilitator]:
    m = Membership
    here = (m.role == "facilitator", m.status == "active", m.merged_into.is_(None))
    persons = session.scalars(select(m.person_id).join(Community).where(*here, in_scope(seer)).distinct()).all()
    names = names_of(session, persons)
    found = (Facilitator(person, *names.get(person, ("", 0))) for person in persons)
    return sorted(found, key=lambda one: (one.name.casefold(), one.account))


def _closings(session: Session, programs: list[str]) -> list[tuple[UUID, str, str]]:
    wanted = (
        select(Closing.id, ProgramRow.code, Closing.label)
        .join(ProgramRow, ProgramRow.id == Closing.program_id)
        .where(ProgramRow.code.in_(programs))
        .order_by(Closing.starts_at.desc(), ProgramRow.code)
    )
    return [(closing, program, label) for closing, program, label in session.execute(wanted)]
