"""Decide who was at a session: which of several reports is right, or a value of one's own; each with a reason.

What is decided is a presence like any other, of Way.DECIDED: it stands beside whatever is reported later, and undoing
the decision leaves exactly what would be there without it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Said, Way, rule_of
from records import deciding, presences
from records.attendance_file import DAY_MINUTES
from records.deciding import By, DecisionError, Draft
from records.keys import among
from records.memberships import ensure_memberships
from records.mirror import everywhere_alone
from records.models import Account, Membership
from records.presences import Held, Key, NewPresence, Stated, as_values

MODES = ("face_to_face", "virtual", "hybrid")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is decided of one person at one session: what one way says (`take`), or values of one's own."""

    session_id: UUID
    account_id: UUID
    take: Way | None = None
    minutes: int | None = None
    status: str | None = None
    mode: str | None = None

    @property
    def key(self) -> Key:
        return self.session_id, self.account_id


@dataclass(frozen=True, slots=True)
class Planned:
    """A choice that was checked, as a decision and as what it says of the person."""

    draft: Draft
    says: Said
    key: Key


def decide(
    session: Session,
    session_id: UUID,
    account_id: UUID,
    *,
    take: Way | None = None,
    minutes: int | None = None,
    status: str | None = None,
    mode: str | None = None,
    by: By,
) -> UUID:
    """Decide what counts of somebody at a session: what `take` says, or the given values. Returns the decision's id.

    Nothing else is at work on any site until the transaction ends: call it before any row is locked. Raises
    DecisionError, whose message says what to do.
    """
    (decision,) = decide_all(session, [Choice(session_id, account_id, take, minutes, status, mode)], by=by)
    return decision


def correct(
    session: Session,
    session_id: UUID,
    account_id: UUID,
    *,
    minutes: int | None,
    status: str | None,
    mode: str | None,
    by: By,
) -> UUID:
    """Have a value of one's own count from now on; as `decide`."""
    return decide(session, session_id, account_id, minutes=minutes, status=status, mode=mode, by=by)


def strike(session: Session, session_id: UUID, account_id: UUID, *, by: By) -> UUID:
    """Decide that somebody wasn't there, whatever is reported; as `decide`."""
    return decide(session, session_id, account_id, minutes=0, by=by)


def decide_all(session: Session, choices: Sequence[Choice], *, by: By, batch: UUID | None = None) -> list[UUID]:
    """Decide several at once: all, or none where one can't be (DecisionError). `batch` names them together."""
    everywhere_alone(session)
    made = []
    for planned in plan(session, choices, by=by):
        draft = planned.draft
        data = draft.data | ({"batch": str(batch)} if batch else {})
        decision = deciding.write(session, replace(draft, data=data), by)
        says, (session_id, account_id) = planned.says, planned.key
        said = NewPresence(
            session_id, account_id, Way.DECIDED, says.minutes, says.status, says.mode, decision_id=decision
        )
        presences.add(session, [said], by=by.actor, correlation_id=decision)
        made.append(decision)
    presences.fold(session, [choice.key for choice in choices])
    return made


def plan(session: Session, choices: Sequence[Choice], *, by: By) -> list[Planned]:
    """Check what is to be decided. Raises DecisionError. Makes memberships where somebody has none yet."""
    hold_people(session, [choice.account_id for choice in choices])
    held = presences.held(session, {choice.session_id for choice in choices})
    stated = presences.stated(session, [choice.key for choice in choices])
    planned = []
    for choice in choices:
        meeting, ways = held.get(choice.session_id), stated.get(choice.key, [])
        if meeting is None:
            raise DecisionError(f"There is no session {choice.session_id}.")
        if meeting.row.cancelled_at:
            raise DecisionError("The session was cancelled: restore it first.")
        if meeting.row.starts_at > by.now:
            raise DecisionError("The session is yet to come: nobody was there.")
        says = _says(meeting, choice, ways)
        membership = _membership(session, meeting, choice.account_id)
        data = _data(meeting, choice, ways, says)
        planned.append(Planned(deciding.presence(session, membership, data), says, choice.key))
    return planned


def hold_people(session: Session, account_ids: Iterable[UUID]) -> None:
    """Lock the memberships of several people at once, in one order: one after the other, each would wait in a circle
    with who computes them."""
    persons = select(Account.person_id).where(among(Account.id, set(account_ids)))
    mine = select(Membership.id).where(Membership.person_id.in_(persons))
    session.execute(mine.order_by(Membership.id).with_for_update())


def _says(meeting: Held, choice: Choice, ways: Iterable[Stated]) -> Said:
    if choice.take is not None:
        found = next((one.said for one in ways if one.said.way is choice.take), None)
        if found is None or (found.minutes is None and found.status is None):
            raise DecisionError(f"Nothing is known of this person there by way of '{choice.take}': look again.")
        return replace(found, way=Way.DECIDED)
    minutes, status, mode = choice.minutes, choice.status or None, choice.mode or None
    if minutes is None and status is None:
        raise DecisionError("Say how many minutes, or which status.")
    if minutes is not None and not 0 <= minutes <= DAY_MINUTES:
        raise DecisionError(f"An attendance is of 0 to {DAY_MINUTES} minutes.")
    rule = rule_of(meeting.program, meeting.row.kind)
    if status is not None and not rule.weights:
        raise DecisionError("The program weighs no statuses here: say how many minutes.")
    if (status is not None or (rule.weights and minutes is None)) and status not in rule.weights:
        raise DecisionError(f"The program doesn't weigh '{status}': expected one of {', '.join(rule.weights)}.")
    if mode is not None and mode not in MODES:
        raise DecisionError(f"'{mode}' is no mode: expected one of {', '.join(MODES)}.")
    return Said(Way.DECIDED, minutes, status, mode)


def _data(meeting: Held, choice: Choice, ways: Iterable[Stated], says: Said) -> dict[str, Any]:
    """What is kept of it: ids, codes and minutes only."""
    ways = list(ways)
    before = meeting.judged(ways)
    return {
        "session": str(choice.session_id),
        "account": str(choice.account_id),
        "chosen": str(choice.take) if choice.take else None,
        **as_values(says),
        "said": {str(one.said.way): as_values(one.said) for one in ways},
        "before": {"way": str(before.stands.way), **as_values(before.stands)} if before else None,
    }


def _membership(session: Session, meeting: Held, account_id: UUID) -> UUID:
    """The membership that the decision is about: in the session's own community, else in another one of the
    session's; of a visitor any. Somebody without any becomes a member of the session's, as whoever comes there."""
    person = session.scalar(select(Account.person_id).where(Account.id == account_id, Account.present))
    if person is None:
        raise DecisionError(f"There is no account {account_id}.")
    found = _member(session, meeting, person)
    if found is None:
        ensure_memberships(session, [(meeting.row.community_id, person)])
        found = _member(session, meeting, person)
    if found is None:
        raise DecisionError(f"There is no account {account_id}.")
    return found


def _member(session: Session, meeting: Held, person: UUID) -> UUID | None:
    m = Membership
    rows = session.execute(select(m.id, m.community_id).where(m.person_id == person, m.merged_into.is_(None)))
    kind = meeting.program.kinds_by_name.get(meeting.row.kind)
    visits = bool(kind and kind.voluntary)
    ranked = sorted(
        (community != meeting.row.community_id, community not in meeting.communities, str(community), str(membership))
        for membership, community in rows
        if visits or community in meeting.communities
    )
    return UUID(ranked[0][-1]) if ranked else None
