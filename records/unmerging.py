"""Take a merge of two people back: accounts, memberships and what arrived since go to whom they belong."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from records import presences
from records.affiliations import refresh_affiliations
from records.decisions import Kind, standing_decisions
from records.keys import among
from records.memberships import belonging, ensure_memberships, of_persons
from records.merged import Merged, standing_merges
from records.mirror import everywhere_alone
from records.models import (
    Account,
    Closing,
    Community,
    Decision,
    FactRow,
    Membership,
    MirrorParticipation,
    Person,
    Presence,
    SessionRow,
)
from records.people import AccountKey

QUIETLY = {"synchronize_session": False}


class Entangled(StrEnum):
    """Why a merge can't be taken back."""

    ERASED = "erased"
    MERGED_ON = "merged_on"
    """The person was merged into another one, or somebody else into the same hours."""
    CLOSED = "closed"
    DECIDED = "decided"
    """Something was decided since about the hours of both."""


class StillEntangled(Exception):
    """A merge can't be taken back; the message says why, and what to do."""

    def __init__(self, why: Entangled, message: str) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class Undoing:
    """A merge that can be taken back, with both people's memberships locked."""

    what: Merged
    returned: tuple[UUID, ...]
    """Memberships that go back as they are, or that came since by the accounts that go back."""
    moves: tuple[UUID, ...]
    """All memberships of both."""

    def carry_out(self, session: Session) -> None:
        """Everything that can be told apart is again as it was; what arrived since is with whose account it is."""
        a, m, what = Account, Membership, self.what
        own = {"person_id": what.from_person}
        session.execute(update(a).where(among(a.id, what.accounts)).values(own), execution_options=QUIETLY)
        session.execute(update(m).where(among(m.id, what.pointed)).values(merged_into=None), execution_options=QUIETLY)
        session.execute(update(m).where(among(m.id, self.returned)).values(own), execution_options=QUIETLY)
        both = (what.from_person, what.into_person)
        for person in both:
            users = users_of(session, a.person_id == person)
            ensure_memberships(session, ((community, person) for community in _enrolled(session, users)))
        # Who came to a session without being enrolled is a member by that alone.
        p = Presence
        there = select(p.session_id, p.account_id).join(a, a.id == p.account_id).where(a.person_id.in_(both))
        presences.fold(session, [(row.session_id, row.account_id) for row in session.execute(there) if row.account_id])
        refresh_affiliations(session, of_persons(both))


def prepare(session: Session, decision: Decision) -> Undoing:
    """Check that a merge can be taken back, alone on every site until the transaction ends. Raises StillEntangled."""
    everywhere_alone(session)
    what = Merged.by(decision)
    moves = lock_memberships(session, (what.from_person, what.into_person))
    others = [other for other in standing_merges(session) if other.id != what.id]
    _check_people(session, what, others)
    _check_pointed(session, what, others)
    _check_closings(session, what)
    returned = {*what.moved, *_since(session, what, others)}
    _check_decisions(session, what, moves, returned | what.pointed.keys())
    return Undoing(what, tuple(returned), moves)


def lock_memberships(session: Session, persons: Iterable[UUID]) -> tuple[UUID, ...]:
    """All memberships of people, locked in the order in which everybody locks them."""
    m = Membership
    rows = select(m.id).where(among(m.person_id, persons)).order_by(m.id).with_for_update()
    return tuple(session.scalars(rows))


def users_of(session: Session, *which: ColumnElement[bool]) -> set[AccountKey]:
    """(site, Moodle user) of accounts, given as conditions."""
    rows = session.execute(select(Account.site_id, Account.moodle_user_id).where(*which))
    return {(site, user) for site, user in rows}


def _check_people(session: Session, what: Merged, others: Iterable[Merged]) -> None:
    erased = select(Person.id).where(
        among(Person.id, [what.from_person, what.into_person]), Person.erased_at.is_not(None)
    )
    if session.scalar(erased.limit(1)):
        raise StillEntangled(
            Entangled.ERASED, "The person was erased since: whose account was which is nowhere any more."
        )
    a = Account
    here = select(a.id).where(among(a.id, what.accounts), a.person_id == what.into_person).with_for_update()
    if len(session.scalars(here).all()) < len(what.accounts):
        later = next((str(other.id) for other in others if other.from_person == what.into_person), "another one")
        raise StillEntangled(Entangled.MERGED_ON, f"The person was merged on since, by {later}: undo that one first.")


def _check_pointed(session: Session, what: Merged, others: Iterable[Merged]) -> None:
    """What was merged since into a membership that goes back would go with it."""
    m = Membership
    inside = set(session.scalars(select(m.id).where(among(m.merged_into, what.moved))))
    later = next((other.id for other in others if other.id > what.id and inside & other.pointed.keys()), None)
    if later:
        raise StillEntangled(
            Entangled.MERGED_ON, f"Somebody else was merged into the same hours since, by {later}: undo that one first."
        )


def _check_closings(session: Session, what: Merged) -> None:
    c = Closing
    memberships = {*what.pointed, *what.moved}
    programs = select(Community.program_id).join(Membership).where(among(Membership.id, memberships))
    since = select(c.label).where(c.program_id.in_(programs), c.decision_id > what.id).limit(1)
    label = session.scalar(since)
    if label is not None:
        raise StillEntangled(
            Entangled.CLOSED,
            f"The period '{label}' was closed since, and what each of them has in it can't be told apart any more:"
            " adjust the hours instead.",
        )


def _check_decisions(session: Session, what: Merged, both: Iterable[UUID], back: set[UUID]) -> None:
    """What was decided since and would be torn apart."""
    d = Decision
    kinds = (str(Kind.ADMISSION), str(Kind.TRANSFER))
    rows = session.scalars(
        standing_decisions().where(d.kind.in_(kinds), d.id > what.id, among(d.membership_id, both)).order_by(d.id)
    )
    accounts = tuple(map(str, what.accounts))
    for row in rows:
        goes_back = row.membership_id in back
        torn = row.kind == Kind.TRANSFER and (UUID(str(row.data["from"])) in back) != goes_back
        lost = row.kind == Kind.ADMISSION and str(row.data["key"]).endswith(accounts) and not goes_back
        if torn or lost:
            raise StillEntangled(
                Entangled.DECIDED,
                f"The decision {row.id} was taken since about the hours of both: undo that one first.",
            )


def _since(session: Session, what: Merged, others: Iterable[Merged]) -> set[UUID]:
    """The memberships that came since, by nothing but the accounts that go back."""
    known = {*what.kept, *what.moved}.union(*(other.moved for other in others))
    m, a = Membership, Account
    mine = session.execute(select(m.id, m.community_id).where(m.person_id == what.into_person, m.merged_into.is_(None)))
    new = {row.community_id: row.id for row in mine if row.id not in known}
    if not new:
        return set()
    theirs = _homes(session, among(a.id, what.accounts))
    left = _homes(session, a.person_id == what.into_person, ~among(a.id, what.accounts))
    held = set(session.scalars(select(m.community_id).where(m.person_id == what.from_person)))
    return {new[community] for community in (theirs - left - held) & new.keys()}


def _homes(session: Session, *which: ColumnElement[bool]) -> set[UUID]:
    """The communities that accounts are or were in, or whose sessions they came to."""
    f = FactRow
    came = (
        select(SessionRow.community_id)
        .join(f, f.session_id == SessionRow.id)
        .join(Account, Account.id == f.account_id)
        .where(f.superseded_at.is_(None), f.ended.is_(None), *which)
    )
    return _enrolled(session, users_of(session, *which)) | set(session.scalars(came))


def _enrolled(session: Session, users: Iterable[AccountKey]) -> set[UUID]:
    """The communities that Moodle users are or were in."""
    p = MirrorParticipation
    rows = session.execute(belonging().where(among((p.site_id, p.moodle_user_id), users)))
    return {community for community, _, _ in rows}
