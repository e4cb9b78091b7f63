"""Forget a person: names, keys and payloads go, the amounts stay, and no sweep brings the person back."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import ARRAY, BigInteger, Double, Text, cast, delete, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session, aliased

from mappings.program import Program
from records import audit, erasing_presence, idempotency, opt_outs
from records.actor import Actor
from records.affiliations import organisations_named
from records.decisions import Kind
from records.forgotten import NOBODY, remember
from records.keys import among
from records.merged import person_now, persons_behind
from records.mirror import side_by_side
from records.models import (
    Account,
    Decision,
    FactRow,
    Membership,
    MilestoneRow,
    MirrorCompletion,
    MirrorEnrolment,
    MirrorGroupMember,
    MirrorParticipation,
    MirrorRoleAssignment,
    NudgeMessage,
    OptOut,
    Person,
    Reread,
    Welcome,
)
from records.people import AccountKey
from records.programs import newest, versions_by_program

PSEUDONYMS = 2**62
"""An erased account gets one of so many negative ids, by lot: nothing leads from it to the one it had."""
GONE = [{"kind": "erased", "value": ""}]
"""In the place of a milestone's evidence: that there was some may be what its minutes hang on."""
ERASED = "erased"
"""Why a message wasn't sent."""
NOTES = ["note", "evidence"]
"""Free text in a decision's data."""
MIRRORS: dict[str, Any] = {
    "completions": MirrorCompletion,
    "enrolments": MirrorEnrolment,
    "role assignments": MirrorRoleAssignment,
    "courses taken part in": MirrorParticipation,
    "group memberships": MirrorGroupMember,
    "welcome messages": Welcome,
}
BLANK: dict[str, Any] = {
    "username": "",
    "idnumber": "",
    "email": "",
    "firstname": "",
    "lastname": "",
    "present": False,
    "suspended": False,
}


class Fault(StrEnum):
    """Why a person can't be erased."""

    NOT_THERE = "not_there"
    MERGED = "merged"
    """Into somebody else, who can be."""
    ERASED = "erased"
    BUSY = "busy"
    """Somebody else is changing the person."""
    NO_REASON = "no_reason"
    NAMES = "names"
    """The reason says who it is."""


class ErasureError(Exception):
    """A person can't be erased; the message says why, and names nobody."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Plan:
    """What would go with a person. `erased_at` given: it is gone already."""

    person_id: UUID
    erased_at: datetime | None
    users: frozenset[AccountKey]
    counts: dict[str, int]
    """By what it is, for the person at the terminal."""


def plan_erasure(session: Session, person_id: UUID, reason: str | None) -> Plan:
    """Count what would go. Raises ErasureError where `erase` would; `reason` None: it is yet to be given."""
    person = session.get(Person, person_id)
    if person is None:
        raise ErasureError(Fault.NOT_THERE, f"There is no person {person_id}.")
    accounts = _accounts(session, person_id)
    if reason is not None:
        _check_reason(reason, accounts)
    users = frozenset((account.site_id, account.moodle_user_id) for account in accounts)
    persons = _check_is_one(session, person_id)
    memberships = _memberships(session, persons)
    counts = {"accounts": len(users)}
    for name, table in MIRRORS.items():
        counts[name] = _count(session, table, among((table.site_id, table.moodle_user_id), users))
    by = (MirrorCompletion.site_id, MirrorCompletion.overrideby)
    counts["completions set in another's place"] = _count(session, MirrorCompletion, among(by, users))
    counts["questions to Moodle"] = _count(session, Reread, among((Reread.site_id, Reread.moodle_user_id), users))
    counts["reasons of decisions"] = _count(session, Decision, decided_about(memberships, persons))
    counts |= erasing_presence.count(session, accounts)
    counts["milestones' evidence"] = _count(session, MilestoneRow, *_evidence(memberships))
    counts["messages to be sent"] = _count(session, NudgeMessage, *_to_send(memberships))
    counts["wishes about messages"] = _count(session, OptOut, among(OptOut.person_id, persons))
    return Plan(person_id, person.erased_at, users, counts)


def _count(session: Session, table: Any, *where: Any) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def _accounts(session: Session, person_id: UUID, *, lock: bool = False) -> Sequence[Account]:
    found = select(Account).where(Account.person_id == person_id).order_by(Account.id)
    found = found.execution_options(populate_existing=True)
    return session.scalars(found.with_for_update() if lock else found).all()


def _check_is_one(session: Session, person_id: UUID) -> list[UUID]:
    """The person, and whoever was merged into him or her. Raises ErasureError for who was merged into somebody else."""
    now = person_now(session, person_id)
    if now != person_id:
        raise ErasureError(Fault.MERGED, f"The person {person_id} was merged into {now}: erase that one.")
    return [person_id, *persons_behind(session, person_id)]


def _memberships(session: Session, persons: Sequence[UUID], *, lock: bool = False) -> list[UUID]:
    found = select(Membership.id).where(among(Membership.person_id, persons)).order_by(Membership.id)
    return list(session.scalars(found.with_for_update() if lock else found))


def decided_about(memberships: Sequence[UUID], persons: Sequence[UUID]) -> Any:
    """The condition on `decisions` about memberships and people, and those that undo one of them."""
    decided = aliased(Decision)
    ids = [str(person) for person in persons]

    def of(table: Any) -> Any:
        merging = table.data["from"].as_string().in_(ids) | table.data["into"].as_string().in_(ids)
        return among(table.membership_id, memberships) | ((table.kind == str(Kind.MERGE)) & merging)

    return or_(of(Decision), Decision.undoes.in_(select(decided.id).where(of(decided))))


def _evidence(memberships: Sequence[UUID]) -> tuple[Any, ...]:
    of_person = (MilestoneRow.subject_kind == "participant", among(MilestoneRow.subject_id, memberships))
    return (*of_person, MilestoneRow.evidence != [])


def _to_send(memberships: Sequence[UUID]) -> tuple[Any, ...]:
    return among(NudgeMessage.membership_id, memberships), NudgeMessage.status == "waiting"


def erase(
    session: Session, person_id: UUID, *, actor: Actor, reason: str, encryption_key: SecretStr, now: datetime
) -> None:
    """Forget a person, in the caller's transaction; afterwards records.forgotten.redact_inbox is due.

    Raises ErasureError where there is no such person, where somebody did it already, where the reason is
    empty or says who it is: it is kept for ever.
    """
    sites = {account.site_id for account in _accounts(session, person_id)}
    # No batch of these sites is at work beside this, or begins before the commit: the next one finds the hash.
    side_by_side(session, sites, alone=True)
    person = session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise ErasureError(Fault.NOT_THERE, f"There is no person {person_id}.")
    if person.erased_at:
        raise ErasureError(Fault.ERASED, f"The person {person_id} was erased already.")
    accounts = _accounts(session, person_id, lock=True)
    if {account.site_id for account in accounts} - sites:
        raise ErasureError(Fault.BUSY, "Somebody else is changing this person: try again.")
    _check_reason(reason, accounts)
    # Whoever computes a membership reads accounts and mirror one after the other: not while both change.
    persons = _check_is_one(session, person_id)
    memberships = _memberships(session, persons, lock=True)
    kept = _kept_profiles(session, accounts)
    erasing_presence.leave(session, accounts)
    for account in accounts:
        _leave_mirror(session, account, kept[account.id], encryption_key)
    _leave_decisions(session, memberships, persons)
    _leave_messages(session, memberships, persons)
    idempotency.forget(session, [*persons, *memberships], encryption_key)
    session.execute(update(Person).where(among(Person.id, persons)).values(erased_at=now))
    after = {"accounts": [str(account.id) for account in accounts], "reason": reason.strip()}
    audit.record(session, actor, "person.erased", str(person_id), after=after)


def _check_reason(reason: str, accounts: Sequence[Account]) -> None:
    if not reason.strip():
        raise ErasureError(Fault.NO_REASON, "An erasure needs a reason.")
    said = reason.casefold()
    words = set(re.findall(r"\w+", said))
    for account in accounts:
        keys = {account.username, account.email, account.idnumber} - {""}
        names = set(re.findall(r"\w{2,}", f"{account.firstname} {account.lastname}".casefold()))
        if names & words or str(account.moodle_user_id) in words or any(_says(said, key.casefold()) for key in keys):
            raise ErasureError(Fault.NAMES, "The reason says who the person is, and is kept for ever: say it without.")


def _says(said: str, key: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(key)}(?!\w)", said) is not None


def _kept_profiles(session: Session, accounts: Sequence[Account]) -> dict[UUID, dict[str, Any]]:
    """Of each profile what programs go by, where it is one of their own codes: without a job role or an
    organisation other hours would be asked of the membership, and a standing would move. No other text is kept."""
    programs = [newest(versions) for versions in versions_by_program(session).values()]
    kept = {}
    for account in accounts:
        said = {name: str(text) for name, text in account.profile.items()}
        organisations = organisations_named(session, said.values())
        kept[account.id] = {
            name: text
            for name, text in said.items()
            if any(name == p.profile.organisation and text in organisations for p in programs)
            or any(name == p.profile.job_role and text.strip().casefold() in _job_roles(p) for p in programs)
        }
    return kept


def _job_roles(program: Program) -> set[str]:
    return {role.code.casefold() for role in program.job_roles}


def _leave_mirror(session: Session, account: Account, profile: dict[str, Any], encryption_key: SecretStr) -> None:
    """Put a pseudonym in the place of a Moodle user: facts and memberships go on as they were."""
    site_id, user = account.site_id, account.moodle_user_id
    remember(session, encryption_key, account)
    pseudonym = -1 - secrets.randbelow(PSEUDONYMS)
    quietly = {"synchronize_session": False}
    # Moodle's ids of enrolments and role assignments lead to the user there, too.
    rows = {MirrorEnrolment: "enrolment_id", MirrorRoleAssignment: "assignment_id"}
    by_lot = -1 - cast(func.random() * cast(PSEUDONYMS, Double), BigInteger)
    for table in MIRRORS.values():
        of_user = (table.site_id == site_id, table.moodle_user_id == user)
        values = {"moodle_user_id": pseudonym} | ({rows[table]: by_lot} if table in rows else {})
        session.execute(update(table).where(*of_user).values(values), execution_options=quietly)
    for by in (MirrorCompletion, FactRow):
        changed = update(by).where(by.site_id == site_id, by.overrideby == user).values(overrideby=NOBODY)
        session.execute(changed, execution_options=quietly)
    session.execute(
        delete(Reread).where(Reread.site_id == site_id, Reread.moodle_user_id == user), execution_options=quietly
    )
    session.execute(
        update(Account).where(Account.id == account.id).values(moodle_user_id=pseudonym, profile=profile, **BLANK),
        execution_options=quietly,
    )


def _leave_decisions(session: Session, memberships: Sequence[UUID], persons: Sequence[UUID]) -> None:
    data = Decision.data.op("-", return_type=JSONB())(literal(NOTES, ARRAY(Text)))
    quietly = {"synchronize_session": False}
    session.execute(
        update(Decision).where(decided_about(memberships, persons)).values(reason="", data=data),
        execution_options=quietly,
    )
    session.execute(
        update(MilestoneRow).where(*_evidence(memberships)).values(evidence=GONE), execution_options=quietly
    )


def _leave_messages(session: Session, memberships: Sequence[UUID], persons: Sequence[UUID]) -> None:
    """Nobody is there to be written to; that messages were sent stays, by ids alone."""
    skipped = update(NudgeMessage).where(*_to_send(memberships)).values(status="skipped", reason=ERASED)
    session.execute(skipped, execution_options={"synchronize_session": False})
    opt_outs.leave(session, persons)
