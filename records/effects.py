"""What a decision moves: the memberships and the subject concerned, with it and without it. Nothing is kept of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.credit import credits_of
from records import answers, audit, deciding, together
from records.actor import Actor
from records.deciding import By, DecisionError, Draft
from records.decision_faults import Why
from records.models import Team
from records.programs import newest
from records.reached import Subject

MOVED = "decision.moved"
"""The audit trail's name for what a decision moved."""


@dataclass(frozen=True, slots=True)
class Looked:
    """How a membership stands. Whole minutes: those credited to it, and those that count, which a transfer adds to."""

    minutes: int
    counting: int
    status: str
    outcomes: dict[str, str]
    """The status of each requirement, by its code."""


def falls_below_zero(before: Looked, after: Looked) -> bool:
    """Whether hours become less than nothing, or still less: somebody mistyped, most likely."""
    return after.counting < min(0, before.counting)


@dataclass(frozen=True, slots=True)
class Moved:
    """A membership without and with the decision."""

    membership_id: UUID
    community_id: UUID
    community: str
    """Program, topic and region."""
    before: Looked
    after: Looked

    @property
    def outcomes(self) -> dict[str, tuple[str, str]]:
        """The requirements whose status differs: (before, after)."""
        return _differing(self.before.outcomes, self.after.outcomes)


@dataclass(frozen=True, slots=True)
class Effect:
    """What a decision moves. `looked_at`: how many memberships it might have moved."""

    moved: tuple[Moved, ...] = ()
    looked_at: int = 0
    subject: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Requirements and guidelines of the subject whose status differs, by code: (before, after)."""

    @property
    def below_zero(self) -> bool:
        """Whether a membership's hours become less than nothing by it, or still less."""
        return any(falls_below_zero(one.before, one.after) for one in self.moved)


@dataclass(frozen=True, slots=True)
class Before:
    """How everything that a draft concerns stands without it."""

    members: dict[UUID, tuple[UUID, str, Looked]]
    subject: dict[str, str]


def before(session: Session, draft: Draft, now: datetime) -> Before:
    """To be called when the decision is drafted, and not written yet."""
    return Before(dict(_members(session, draft.moves, now)), _subject(session, draft, now))


def looks(session: Session, memberships: Sequence[UUID], now: datetime) -> dict[UUID, Looked]:
    """How memberships stand; of one that was merged into another, nothing."""
    return {membership: looked for membership, (_community, _name, looked) in _members(session, memberships, now)}


def effect(session: Session, draft: Draft, was: Before, now: datetime) -> Effect:
    """To be called when it is written, in the same transaction. The membership that it is about is always named, of
    the others those that change."""
    moved = []
    for membership, (community_id, community, looked) in _members(session, draft.moves, now):
        earlier = was.members[membership][2]
        if looked != earlier or membership == draft.membership_id:
            moved.append(Moved(membership, community_id, community, earlier, looked))
    return Effect(tuple(moved), len(draft.moves), _differing(was.subject, _subject(session, draft, now)))


def _members(
    session: Session, memberships: Sequence[UUID], now: datetime
) -> Iterator[tuple[UUID, tuple[UUID, str, Looked]]]:
    for start in range(0, len(memberships), answers.AT_ONCE):
        for item in answers.inputs_of(session, memberships[start : start + answers.AT_ONCE]):
            community = f"{newest(item.versions).program} {item.community.topic} {item.community.region}"
            yield item.membership.id, (item.community.id, community, look(item, now))


def look(item: answers.Inputs, now: datetime) -> Looked:
    """How a membership with these inputs stands."""
    answer = answers.answer(item, now)
    return Looked(
        sum(credit.minutes for credit in credits_of(answer.lines)),
        answer.standing.all_minutes,
        str(answer.standing.status),
        {outcome.requirement: str(outcome.status) for outcome in answer.standing.outcomes},
    )


def keep(session: Session, actor: Actor, moved: Mapping[UUID, tuple[Looked, Looked]], decision: UUID) -> None:
    """Have the audit trail say what a decision moved: minutes and standing of each membership, before and after."""
    before = {str(membership): [was.counting, was.status] for membership, (was, _) in moved.items()}
    after = {str(membership): [now.counting, now.status] for membership, (_, now) in moved.items()}
    if before != after:
        audit.record(session, actor, MOVED, str(decision), before=before, after=after)


def settle(session: Session, draft: Draft, by: By, *, below_zero: bool = True) -> UUID:
    """Write a draft whose effect nobody has to look at first, with what it moves in the audit trail. Raises
    DecisionError; without `below_zero` also where a total would be less than nothing by it: roll back then."""
    was = before(session, draft, by.now)
    decision = deciding.write(session, draft, by)
    moved = effect(session, draft, was, by.now)
    if moved.below_zero and not below_zero:
        raise DecisionError("It takes away more than there is: a total would be less than nothing.", Why.BELOW_ZERO)
    keep(session, by.actor, {m.membership_id: (m.before, m.after) for m in moved.moved}, decision)
    return decision


def _subject(session: Session, draft: Draft, now: datetime) -> dict[str, str]:
    """The status of each requirement and guideline of the draft's subject; of a participant the guidelines alone,
    since the membership has the rest."""
    subject = draft.subject
    if subject is None:
        return {}
    for found in _found(session, subject, draft, now):
        if found.subject == subject:
            notices = {noticed.notice: str(noticed.status) for noticed in found.together.notices}
            if subject[0] == "participant":
                return notices
            return notices | {outcome.requirement: str(outcome.status) for outcome in found.together.outcomes}
    return {}


def _found(session: Session, subject: Subject, draft: Draft, now: datetime) -> list[together.Found]:
    kind, subject_id = subject
    if kind in ("organisation", "program"):
        return together.of_program(session, draft.program_id, now) if draft.program_id else []
    if kind == "team":
        community = session.scalar(select(Team.community_id).where(Team.id == subject_id))
    elif kind == "participant":
        item = next(iter(answers.inputs_of(session, [subject_id])), None)
        community = item.community.id if item else None
    else:
        community = subject_id
    return together.of_communities(session, [community], now) if community else []


def _differing(one: dict[str, str], other: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {
        code: (one.get(code, ""), other.get(code, ""))
        for code in sorted({*one, *other})
        if one.get(code) != other.get(code)
    }
