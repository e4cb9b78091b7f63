"""Two people who are one: somebody says so, and what either has earned counts in one place, each thing once.

The accounts of one go over to the other. Where both are in a community, the membership of the one is pointed to that
of the other: what hangs on it counts there (records.merged). Where only the one is, the membership goes over as it is.
Nothing else is written, so that `records.unmerging` can give back just that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from records.actor import Actor, in_scope
from records.affiliations import refresh_affiliations
from records.deciding import By, DecisionError, Draft, write
from records.decisions import Kind, decided
from records.keys import among
from records.memberships import of_persons
from records.merged import Merged, person_now
from records.mirror import everywhere_alone
from records.models import Account, Community, Membership, Person, uuid7
from records.unmerging import QUIETLY, lock_memberships


class Fault(StrEnum):
    """Why two people can't be merged."""

    NOT_THERE = "not_there"
    """One of them isn't there, or has nothing in the actor's scope."""
    SAME = "same"
    MERGED = "merged"
    ERASED = "erased"
    NO_ACCOUNT = "no_account"
    BEYOND = "beyond"
    """One is also where the actor's scope doesn't reach."""
    TRANSFERS = "transfers"


class MergeError(DecisionError):
    """Two people can't be merged; the message says why, and what to do."""

    def __init__(self, fault: Fault, message: str) -> None:
        super().__init__(message)
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge that was checked, with all memberships of both locked."""

    what: Merged
    moves: tuple[UUID, ...]
    """All memberships of both."""

    @property
    def draft(self) -> Draft:
        """The decision; written, it is carried out."""
        return Draft(Kind.MERGE, self.what.as_data, moves=self.moves, carry_out=self.carry_out)

    def carry_out(self, session: Session) -> None:
        """Move accounts and memberships. Raises MergeError where transfers would be torn or tangled by it."""
        a, m = Account, Membership
        into = {"person_id": self.what.into_person}
        session.execute(update(a).where(among(a.id, self.what.accounts)).values(into), execution_options=QUIETLY)
        session.execute(update(m).where(among(m.id, self.what.moved)).values(into), execution_options=QUIETLY)
        for one, other in self.what.pointed.items():
            pointing = update(m).where(m.id == one).values(merged_into=other)
            session.execute(pointing, execution_options=QUIETLY)
        _check_transfers(session, self.moves)
        refresh_affiliations(session, of_persons((self.what.from_person, self.what.into_person)))


def merge(session: Session, from_person: UUID, into_person: UUID, by: By) -> UUID:
    """Say that two people are one, in the caller's transaction. Returns the decision's id.

    Nothing else is at work on any site until the transaction ends: call it before any row is locked. Raises
    MergeError, and DecisionError without a reason.
    """
    everywhere_alone(session)
    return write(session, prepare(session, from_person, into_person, by.actor).draft, by)


def prepare(session: Session, from_person: UUID, into_person: UUID, actor: Actor) -> Merge:
    """Check a merge. Raises MergeError."""
    persons = (from_person, into_person)
    check_people(session, persons, actor)
    moves = lock_memberships(session, persons)
    a, m = Account, Membership
    accounts = session.scalars(select(a.id).where(a.person_id == from_person).order_by(a.id).with_for_update()).all()
    live = select(m.community_id, m.id).where(m.merged_into.is_(None)).order_by(m.id)
    theirs = session.execute(live.where(m.person_id == from_person)).all()
    kept = {row.community_id: row.id for row in session.execute(live.where(m.person_id == into_person))}
    what = Merged(
        uuid7(),
        from_person,
        into_person,
        tuple(accounts),
        {row.id: kept[row.community_id] for row in theirs if row.community_id in kept},
        tuple(row.id for row in theirs if row.community_id not in kept),
        tuple(kept.values()),
    )
    return Merge(what, moves)


def check_people(session: Session, persons: tuple[UUID, UUID], actor: Actor) -> None:
    """Raises MergeError."""
    for person in persons:
        if not reaches(session, person, actor):
            raise MergeError(Fault.NOT_THERE, f"There is no person {person}.")
    if persons[0] == persons[1]:
        raise MergeError(Fault.SAME, "These are one person already: name two.")
    for person in persons:
        now = person_now(session, person)
        if now != person:
            raise MergeError(Fault.MERGED, f"The person {person} was merged into {now} already: take that one.")
        if session.get_one(Person, person, populate_existing=True).erased_at:
            raise MergeError(Fault.ERASED, f"The person {person} was erased: nobody can tell any more who it was.")
        if session.scalar(select(Account.id).where(Account.person_id == person).limit(1)) is None:
            raise MergeError(Fault.NO_ACCOUNT, f"The person {person} has no account.")
    if beyond(session, persons, actor):
        raise MergeError(
            Fault.BEYOND, "One of them is in a community that you don't look after as well: ask somebody who does."
        )


def reaches(session: Session, person: UUID, actor: Actor) -> bool:
    """Whether somebody is there, and the actor may know of it."""
    m = Membership
    wanted = select(Person.id).where(Person.id == person)
    if not actor.unlimited:
        within = exists().where(m.person_id == person, m.community_id.in_(select(Community.id).where(in_scope(actor))))
        wanted = wanted.where(within)
    return session.scalar(wanted) is not None


def beyond(session: Session, persons: Sequence[UUID], actor: Actor) -> bool:
    """Whether people are members of communities out of the actor's scope, too."""
    outside = select(Membership.id).join(Community).where(among(Membership.person_id, persons), ~in_scope(actor))
    return session.scalar(outside.limit(1)) is not None


def _check_transfers(session: Session, memberships: Iterable[UUID]) -> None:
    """Of one person, minutes go on in one place, and not round in a circle."""
    goes_on: dict[UUID, UUID] = {}
    for membership, of in decided(session, list(memberships)).items():
        for before in of.continues:
            if goes_on.setdefault(before, membership) != membership:
                raise MergeError(
                    Fault.TRANSFERS,
                    "Both were transferred from one community to different ones: undo one transfer first.",
                )
    for start in goes_on:
        at, steps = start, 0
        while at in goes_on and steps <= len(goes_on):
            at, steps = goes_on[at], steps + 1
        if at in goes_on:
            raise MergeError(Fault.TRANSFERS, "Their transfers would go round in a circle: undo one of them first.")
