"""What teams, communities, organisations and a program have reached together: computed when somebody looks."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.earning import Subject
from mappings.facts import Meeting
from mappings.program import Program, version_at
from mappings.together import NoticeStatus, Together
from records.actor import Actor, in_scope
from records.models import Community, Membership, MirrorGroup, Organisation, ProgramRow, Team
from records.programs import versions_by_program
from records.queries.community import names_of
from records.surroundings import surroundings
from records.together import Found, of_communities, of_program

ABOUT: frozenset[Subject] = frozenset({"team", "community"})


@dataclass(frozen=True, slots=True)
class Standing:
    """How one subject stands. Of a participant only the guidelines that aren't kept."""

    kind: Subject
    id: UUID
    code: str
    name: str
    """Empty of the community and the program themselves, and of a participant without a name."""
    account: int
    """Moodle's id of a participant."""
    together: Together


@dataclass(frozen=True, slots=True)
class Standings:
    """How the subjects of a community or program stand; the program as it is in force."""

    program: Program
    timezone: str
    subjects: list[Standing]
    meetings: dict[str, Meeting] = field(default_factory=dict)
    """Of a community, by item."""
    region: str = ""
    """Of a community."""


def asks_together(program: Program) -> bool:
    """Whether a program asks or recommends anything that isn't on each participant's own page."""
    return any(r.of in ABOUT for r in program.requirements) or any(
        n.of in ABOUT or n.of == "participant" for n in program.notices
    )


def of_community(session: Session, actor: Actor, community_id: UUID, now: datetime) -> Standings | None:
    """A community, its teams, and its participants as far as a guideline about them isn't kept; None for one that
    doesn't exist and for one out of the actor's scope alike."""
    row = session.scalars(select(Community).where(Community.id == community_id, in_scope(actor))).one_or_none()
    if row is None:
        return None
    program = version_at(versions_by_program(session)[row.program_id], now).program
    found = [_only_deviating(each) for each in of_communities(session, [community_id], now)]
    subjects = [each for each in found if each.together.outcomes or each.together.notices]
    meetings = {m.item: m for m in surroundings(session, [community_id])[community_id].meetings}
    return Standings(program, row.timezone, _named(session, subjects), meetings, row.region)


def of_whole_program(session: Session, code: str, now: datetime) -> Standings | None:
    """The organisations of a program and the program itself; None for one that isn't known. For who may see all."""
    program_id = session.scalar(select(ProgramRow.id).where(ProgramRow.code == code))
    if program_id is None:
        return None
    program = version_at(versions_by_program(session)[program_id], now).program
    return Standings(program, program.timezone, _named(session, of_program(session, program_id, now)))


def _only_deviating(found: Found) -> Found:
    if found.subject[0] != "participant":
        return found
    notices = tuple(n for n in found.together.notices if n.status in (NoticeStatus.DEVIATES, NoticeStatus.UNKNOWN))
    # A participant's requirements are on his or her own page.
    return Found(found.subject, found.code, Together((), notices))


def _named(session: Session, found: Iterable[Found]) -> list[Standing]:
    found = list(found)
    ids: dict[str, set[UUID]] = {}
    for each in found:
        ids.setdefault(each.subject[0], set()).add(each.subject[1])
    names: dict[UUID, tuple[str, int]] = {}
    organisations = select(Organisation.id, Organisation.name).where(Organisation.id.in_(ids.get("organisation", ())))
    names |= {key: (name, 0) for key, name in session.execute(organisations)}
    teams = (
        select(Team.id, MirrorGroup.name)
        .join(MirrorGroup, (MirrorGroup.site_id == Team.site_id) & (MirrorGroup.group_id == Team.group_id))
        .where(Team.id.in_(ids.get("team", ())))
    )
    names |= {key: (name, 0) for key, name in session.execute(teams)}
    members = select(Membership.id, Membership.person_id).where(Membership.id.in_(ids.get("participant", ())))
    persons = dict(session.execute(members).all())
    people = names_of(session, persons.values())
    names |= {membership: people.get(person, ("", 0)) for membership, person in persons.items()}
    return [Standing(*each.subject, each.code, *names.get(each.subject[1], ("", 0)), each.together) for each in found]
