"""Which community, membership or other subject a person at the terminal means."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.earning import Subject as SubjectKind
from records.attendance_lookup import Lookup, Unknown
from records.deciding import program_named
from records.models import Community, Membership, Organisation, Site, Team
from records.reached import Subject
from service.cli.errors import UserError
from service.cli.lookup import find_person
from service.cli.output import clean


def find_community(session: Session, text: str) -> Community:
    """The community of an id, of a course's idnumber, or of SITE:IDNUMBER. Raises UserError."""
    slugs = list(session.scalars(select(Site.slug)))
    site, _, rest = text.partition(":")
    sites, name = ([site], rest) if rest and site in slugs else (slugs, text)
    lookup = Lookup(session, slugs)
    found: dict[UUID, Community] = {}
    said = f"No community has a course or group of the idnumber '{clean(name)}', and none has that id."
    for slug in sites:
        try:
            community = lookup.community(lookup.site(slug), name)
        except Unknown as err:
            said = f"The community {clean(err.message)}." if err.message.startswith("'") else said
            continue
        found[community.id] = community
    if len(found) > 1:
        raise UserError(f"'{clean(name)}' is a community on {len(found)} sites: write it as SITE:{clean(name)}.")
    if not found:
        raise UserError(said)
    return next(iter(found.values()))


def find_membership(session: Session, person: str, community: str) -> UUID:
    """The membership of a person (an id, or SITE:MOODLE_ID) in a community. Raises UserError."""
    person_id, place = find_person(session, person), find_community(session, community)
    wanted = select(Membership.id).where(Membership.person_id == person_id, Membership.community_id == place.id)
    found = session.scalar(wanted)
    if found is None:
        raise UserError(f"The person {person_id} is no member of {place.topic} {place.region}.")
    return found


def find_subject(
    session: Session, *, person: str, team: str, organisation: str, community: str, program: str
) -> tuple[Subject, UUID | None]:
    """Whom the options of a command name, and the program where one is given. Raises UserError."""
    program_id = program_named(session, program) if program else None
    if sum(map(bool, (person, team, organisation))) > 1:
        raise UserError("Name one of --person, --team and --organisation.", code=2)
    if (person or team) and not community:
        raise UserError("A person or a team is named with --community.", code=2)
    if organisation and (community or not program):
        raise UserError("An organisation is named with --program, and without --community.", code=2)
    if person:
        return ("participant", find_membership(session, person, community)), program_id
    if organisation:
        found = session.scalar(select(Organisation.id).where(Organisation.code == organisation))
        return _known("organisation", found, organisation), program_id
    if team:
        place = find_community(session, community)
        teams = list(session.scalars(select(Team.id).where(Team.community_id == place.id, Team.code == team)))
        return _known("team", teams[0] if len(teams) == 1 else None, team), program_id
    if community:
        return ("community", find_community(session, community).id), program_id
    if program_id:
        return ("program", program_id), program_id
    raise UserError("Name whom it is about: --person, --team, --organisation, --community or --program.", code=2)


def _known(kind: SubjectKind, found: UUID | None, code: str) -> Subject:
    if found is None:
        raise UserError(f"There is no {kind} '{clean(code)}' there, or more than one.")
    return kind, found
