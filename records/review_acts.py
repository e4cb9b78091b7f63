"""What staff do about what waits: say who somebody is, let something count, dismiss it, decide; and take that back.

Each act is alone on every site until its transaction ends (so that the facts are right at once), and audited by ids.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import audit, deciding, presences
from records.actor import Actor
from records.deciding import By
from records.deciding_presence import Choice, decide_all, hold_people
from records.decisions import Kind, standing_decisions
from records.keys import among
from records.matching_people import roster
from records.mirror import everywhere_alone
from records.models import Account, AttendanceReport, CommunityCourse, Decision, Presence, SessionRow, uuid7
from records.presences import Key
from records.review import meetings_of, visible
from records.review_items import Meeting

HELD = ("device",)
"""Codes of Presence.held."""
QUIETLY = {"synchronize_session": False}


class NotThere(Exception):
    """There is no such thing in the actor's scope."""


class Fault(StrEnum):
    """Why an act can't be done, and what to do, at the terminal; pages say it in their own words."""

    DEALT_WITH = "Somebody has dealt with it already: look again."
    NO_REASON = "Say why: it is kept."
    CANCELLED = "The session was cancelled: restore it first."
    FORGOTTEN = "Nobody knows any more what was reported of who it is: decide about the attendance instead."


class ReviewError(Exception):
    """It can't be done; the message says why, and what to do."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Taken:
    """A row with those that say the same of who it is in the same report (or the same session, without one)."""

    row: Presence
    meeting: Meeting

    @property
    def same(self) -> tuple[Any, ...]:
        """Conditions on all of them."""
        p, row = Presence, self.row
        if not row.who:
            return (p.id == row.id,)
        return p.session_id == row.session_id, p.report_id.is_not_distinct_from(row.report_id), p.who == row.who


def _take(session: Session, actor: Actor, presence_id: UUID) -> Taken:
    """Raises NotThere."""
    everywhere_alone(session)
    row = session.get(Presence, presence_id, populate_existing=True)
    meeting = meetings_of(session, actor, [row.session_id]).get(row.session_id) if row else None
    if row is None or meeting is None:
        raise NotThere
    if row.account_id and not visible(session, {meeting.id: meeting}, [(meeting.id, row.account_id)]):
        raise NotThere
    return Taken(row, meeting)


def match(session: Session, actor: Actor, presence_id: UUID, account_id: UUID) -> int:
    """Say whose presence it is: somebody of the roster's. Nobody else is matched by it, now or later. Returns how many
    rows are somebody's now. Raises NotThere, ReviewError."""
    taken = _take(session, actor, presence_id)
    p = Presence
    _check_waits(taken.row.account_id is None and taken.row.withdrawn_at is None)
    _check_on(session, taken)
    _check_member(session, actor, taken.meeting, account_id)
    changed = session.scalars(
        update(p)
        .where(*taken.same, p.account_id.is_(None), p.withdrawn_at.is_(None))
        .values(account_id=account_id, folded_at=None)
        .returning(p.id),
        execution_options=QUIETLY,
    ).all()
    presences.fold(session, [(taken.meeting.id, account_id)])
    _note(session, actor, "presence.matched", taken, rows=len(changed), account=str(account_id))
    return len(changed)


def unmatch(session: Session, actor: Actor, presence_id: UUID) -> int:
    """Take back that a presence is somebody's, while it is known what was said of who it is. Raises NotThere,
    ReviewError."""
    taken = _take(session, actor, presence_id)
    p, account = Presence, taken.row.account_id
    _check_waits(account is not None and taken.row.withdrawn_at is None)
    if account is None or not taken.row.who:
        raise ReviewError(Fault.FORGOTTEN)
    changed = session.scalars(
        update(p)
        .where(*taken.same, p.account_id == account, p.withdrawn_at.is_(None))
        .values(account_id=None, folded_at=None)
        .returning(p.id),
        execution_options=QUIETLY,
    ).all()
    presences.fold(session, [(taken.meeting.id, account)])
    _note(session, actor, "presence.unmatched", taken, rows=len(changed), account=str(account))
    return len(changed)


def accept(session: Session, actor: Actor, presence_id: UUID) -> None:
    """Let count what is held. Raises NotThere, ReviewError."""
    taken = _take(session, actor, presence_id)
    _check_waits(bool(taken.row.held) and taken.row.withdrawn_at is None)
    _check_on(session, taken)
    _hold(session, taken, None)
    _note(session, actor, "presence.accepted", taken, held=taken.row.held)


def hold_again(session: Session, actor: Actor, presence_id: UUID, why: str) -> None:
    """Take back that it was accepted. Raises NotThere, ReviewError."""
    taken = _take(session, actor, presence_id)
    # Nothing else was ever held: least of all what somebody decided.
    checked_in = taken.row.way == Way.CHECK_IN and taken.row.device is not None
    _check_waits(checked_in and taken.row.held is None and taken.row.withdrawn_at is None and why in HELD)
    _hold(session, taken, why)
    _note(session, actor, "presence.held", taken, held=why)


def _hold(session: Session, taken: Taken, why: str | None) -> None:
    p = Presence
    changed = update(p).where(p.id == taken.row.id).values(held=why, folded_at=None)
    session.execute(changed, execution_options=QUIETLY)
    _fold(session, taken)


def _fold(session: Session, taken: Taken) -> None:
    if taken.row.account_id:
        presences.fold(session, [(taken.meeting.id, taken.row.account_id)])


def dismiss(session: Session, actor: Actor, presence_id: UUID, reason: str) -> int:
    """Withdraw what waits: it is nobody's, or shall not count. Returns how many rows. Raises NotThere, ReviewError."""
    taken = _take(session, actor, presence_id)
    p = Presence
    if not reason.strip():
        raise ReviewError(Fault.NO_REASON)
    waits = taken.row.account_id is None or taken.row.held is not None
    _check_waits(waits and taken.row.withdrawn_at is None)
    which = (p.id == taken.row.id,) if taken.row.held else (*taken.same, p.account_id.is_(None))
    words = update(p).where(*which, p.withdrawn_at.is_(None)).values(reason=reason.strip())
    session.execute(words, execution_options=QUIETLY)
    count = presences.withdraw(session, *which, by=actor)
    _fold(session, taken)
    _note(session, actor, "presence.dismissed", taken, rows=count)
    return count


def restore(session: Session, actor: Actor, presence_id: UUID) -> int:
    """Take back one's own dismissal. Raises NotThere, ReviewError."""
    taken = _take(session, actor, presence_id)
    p, row = Presence, taken.row
    _check_waits(row.withdrawn_at is not None and row.withdrawn_by == actor.name and bool(row.reason))
    report = session.get(AttendanceReport, row.report_id) if row.report_id else None
    _check_waits(report is None or report.status != "undone")
    which = (p.id == row.id,) if row.held else (*taken.same, p.account_id.is_(None), p.reason == row.reason)
    back = {"withdrawn_at": None, "withdrawn_by": "", "reason": "", "folded_at": None}
    found = update(p).where(*which, p.withdrawn_by == actor.name).values(**back).returning(p.id)
    count = len(session.scalars(found, execution_options=QUIETLY).all())
    _fold(session, taken)
    _note(session, actor, "presence.restored", taken, rows=count)
    return count


def decide(session: Session, actor: Actor, session_id: UUID, accounts: Collection[UUID], take: Way, by: By) -> UUID:
    """Take what one way says of people at a session: all, or none where that can't be. Returns what names the
    decisions together. Raises NotThere, records.deciding.DecisionError."""
    everywhere_alone(session)
    keys = [(session_id, account) for account in dict.fromkeys(accounts)]
    _check_there(session, actor, keys)
    batch = uuid7()
    decide_all(session, [Choice(*key, take=take) for key in keys], by=by, batch=batch)
    return batch


def decide_one(session: Session, actor: Actor, choice: Choice, by: By) -> UUID:
    """Decide about one person at a session. Returns what names the decision for `undecide`. Raises NotThere,
    records.deciding.DecisionError."""
    everywhere_alone(session)
    _check_there(session, actor, [choice.key])
    batch = uuid7()
    decide_all(session, [choice], by=by, batch=batch)
    return batch


def undecide(session: Session, actor: Actor, batch: UUID, by: By) -> int:
    """Take back what one decided together. Returns how many decisions. Raises NotThere, ReviewError."""
    everywhere_alone(session)
    rows = session.scalars(
        standing_decisions().where(
            Decision.kind == str(Kind.PRESENCE),
            Decision.data["batch"].as_string() == str(batch),
            Decision.actor == actor.name,
        )
    ).all()
    keys = [(UUID(str(row.data["session"])), UUID(str(row.data["account"]))) for row in rows]
    _check_seen(session, actor, keys)
    hold_people(session, [account for _, account in keys])
    for row in rows:
        deciding.write(session, deciding.undo(session, row.id), by)
    return len(rows)


def _check_seen(session: Session, actor: Actor, keys: Iterable[Key]) -> None:
    wanted = set(keys)
    meetings = meetings_of(session, actor, {meeting for meeting, _ in wanted})
    if not wanted or visible(session, meetings, wanted) != wanted:
        raise NotThere


def _check_there(session: Session, actor: Actor, keys: Collection[Key]) -> None:
    """Nobody else is decided about than of whom something was said there, and who is on a roster in scope."""
    _check_seen(session, actor, keys)
    p = Presence
    said = session.execute(select(p.session_id, p.account_id).where(among((p.session_id, p.account_id), keys)))
    rest = set(keys) - {(meeting, account) for meeting, account in said}
    meetings = meetings_of(session, actor, {meeting for meeting, _ in rest})
    for meeting, account in rest:
        _check_member(session, actor, meetings[meeting], account)


def _check_waits(waits: bool) -> None:
    if not waits:
        raise ReviewError(Fault.DEALT_WITH)


def _check_on(session: Session, taken: Taken) -> None:
    if session.get_one(SessionRow, taken.meeting.id).cancelled_at:
        raise ReviewError(Fault.CANCELLED)


def _check_member(session: Session, actor: Actor, meeting: Meeting, account_id: UUID) -> None:
    """Somebody of the rosters in scope; who sees everything may name any account of the communities' sites."""
    if account_id in {account.id for account in roster(session, meeting.mine)}:
        return
    c = CommunityCourse
    sites = select(c.site_id).where(among(c.community_id, meeting.mine))
    anybody = select(func.count()).select_from(Account).where(Account.id == account_id, Account.present)
    if not actor.unlimited or not session.scalar(anybody.where(Account.site_id.in_(sites))):
        raise NotThere


def _note(session: Session, actor: Actor, action: str, taken: Taken, **after: Any) -> None:
    audit.record(session, actor, action, str(taken.row.id), after={"session": str(taken.meeting.id), **after})
