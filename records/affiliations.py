"""Where people work, and as what: read from the custom profile fields of their Moodle accounts that a program names."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, String, func, select, update
from sqlalchemy.orm import Session

from mappings.program import Program
from records.keys import among
from records.models import Account, Community, CommunityCourse, Membership, Organisation
from records.programs import newest, versions_by_program


def organisations_named(session: Session, texts: Iterable[str]) -> dict[str, UUID]:
    """The organisation that each text is the code of, whatever its case and the blanks around it.

    Where codes differ by case alone, the very one that was written is meant, else the first of them.
    """
    wanted = {text: text.strip().lower() for text in texts if text.strip()}
    if not wanted:
        return {}
    lowered = func.lower(Organisation.code, type_=String)
    rows = session.execute(
        select(Organisation.id, Organisation.code)
        .where(among(lowered, set(wanted.values())))
        .order_by(Organisation.code)
    )
    exact: dict[str, UUID] = {}
    folded: dict[str, UUID] = {}
    for organisation, code in rows:
        exact[code] = organisation
        folded.setdefault(code.lower(), organisation)
    found = {text: exact.get(text.strip()) or folded.get(low) for text, low in wanted.items()}
    return {text: organisation for text, organisation in found.items() if organisation}


@dataclass(frozen=True, slots=True)
class _Member:
    """A membership, and the profiles of the person's accounts: those that say most about it first."""

    id: UUID
    organisation_id: UUID | None
    program: Program
    profiles: list[dict[str, Any]]

    def texts(self, field: str | None) -> list[str]:
        """What the accounts say in a field; nothing where the program names none."""
        said = (str(profile.get(field, "")).strip() for profile in self.profiles) if field else ()
        return [text for text in said if text]


def _members(session: Session, memberships: Select[UUID]) -> list[_Member]:
    """Memberships by id. Of several accounts those on the community's own sites come first, then those that are
    still there, then by site and Moodle id, so that the answer depends on nothing else."""
    rows = session.execute(
        select(Membership.id, Membership.person_id, Membership.community_id, Membership.organisation_id)
        .add_columns(Community.program_id)
        .join(Community, Community.id == Membership.community_id)
        .where(Membership.id.in_(memberships))
        .order_by(Membership.id)
    ).all()
    accounts: dict[UUID, list[Any]] = {}
    known = select(Account.person_id, Account.site_id, Account.moodle_user_id, Account.present, Account.profile)
    for account in session.execute(known.where(among(Account.person_id, {row.person_id for row in rows}))):
        accounts.setdefault(account.person_id, []).append(account)
    places = select(CommunityCourse.community_id, CommunityCourse.site_id).distinct()
    places = places.where(among(CommunityCourse.community_id, {row.community_id for row in rows}))
    here = {(community, site) for community, site in session.execute(places)}
    programs = {program_id: newest(versions) for program_id, versions in versions_by_program(session).items()}
    found = []
    for row in rows:
        ordered = sorted(
            accounts.get(row.person_id, ()),
            key=lambda a: ((row.community_id, a.site_id) not in here, not a.present, str(a.site_id), a.moodle_user_id),
        )
        profiles = [account.profile for account in ordered]
        found.append(_Member(row.id, row.organisation_id, programs[row.program_id], profiles))
    return found


def refresh_affiliations(session: Session, memberships: Select[UUID]) -> int:
    """Bring the organisation of memberships, given as a SELECT of their ids, in line with the accounts' profiles,
    the program and the organisations that are known. Returns how many changed; those are marked as dirty."""
    if not any(newest(versions).profile.organisation for versions in versions_by_program(session).values()):
        memberships = select(Membership.id).where(
            Membership.id.in_(memberships), Membership.organisation_id.is_not(None)
        )
    members = _members(session, memberships)
    said = {member.id: member.texts(member.program.profile.organisation) for member in members}
    known = organisations_named(session, {text for texts in said.values() for text in texts})
    changed = {}
    for member in members:
        organisation = next((known[text] for text in said[member.id] if text in known), None)
        if organisation != member.organisation_id:
            changed[member.id] = organisation
    if changed:
        # One order for everybody, as memberships.mark_dirty has it.
        session.execute(
            select(Membership.id)
            .where(among(Membership.id, changed))
            .order_by(Membership.id)
            .with_for_update(key_share=True)
        )
        rows = [{"id": member, "organisation_id": organisation} for member, organisation in changed.items()]
        session.execute(update(Membership), rows)
        session.execute(
            update(Membership).where(among(Membership.id, changed)).values(dirty_at=func.clock_timestamp()),
            execution_options={"synchronize_session": False},
        )
    return len(changed)


def unknown_organisations(session: Session, memberships: Select[UUID]) -> dict[UUID, str]:
    """What the accounts of members say of where they work, by membership, where no organisation has that code; empty
    where they say nothing. Nothing at all where the program names no field."""
    found = _members(session, memberships)
    return {
        member.id: next(iter(member.texts(member.program.profile.organisation)), "")
        for member in found
        if member.organisation_id is None and member.program.profile.organisation
    }


def job_roles(session: Session, membership_ids: Iterable[UUID]) -> dict[UUID, str]:
    """What people do where they work, by membership: the code of one of the program's job roles, else the text that
    their account says. Nothing for who says nothing, and where the program names no field."""
    found = {}
    for member in _members(session, select(Membership.id).where(among(Membership.id, list(membership_ids)))):
        texts = member.texts(member.program.profile.job_role)
        if texts:
            codes = (role.code for role in member.program.job_roles)
            found[member.id] = next((code for code in codes if code.lower() == texts[0].lower()), texts[0])
    return found
