"""Taking check-ins back by hand, and letting in again whom that was done to by mistake."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from records import audit, presences
from records.actor import SYSTEM, Actor
from records.check_in import PARTICIPANT, alone_at, check_open, check_time, row_of, same_check_in
from records.models import Presence


def strike(session: Session, session_id: UUID, presence_id: UUID, now: datetime, by: Actor) -> bool:
    """Take somebody's check-in back. Returns whether there was one. Raises Refused where it is too late."""
    check_time(session, alone_at(session, session_id), now)
    row = row_of(session, session_id, presence_id)
    if row is None:
        return False
    ids = [one.id for one in same_check_in(session, row)]
    struck = presences.withdraw(session, Presence.id.in_(ids), by=by)
    if struck:
        audit.record(session, by, "check_in.struck", str(presence_id))
    return bool(struck)


def let_in_again(session: Session, session_id: UUID, presence_id: UUID, now: datetime, by: Actor) -> bool:
    """Undo a strike: the check-in counts as it did. Returns whether there was one. Raises Refused where the check-in
    isn't open."""
    meeting = alone_at(session, session_id)
    check_time(session, meeting, now)
    check_open(meeting, now)
    row = row_of(session, session_id, presence_id)
    rows = same_check_in(session, row) if row else ()
    if any(one.withdrawn_at is None for one in rows):
        return False
    ids = [one.id for one in struck_of(rows)]
    back = {"withdrawn_at": None, "withdrawn_by": "", "folded_at": None}
    session.execute(
        update(Presence).where(Presence.id.in_(ids)).values(**back), execution_options={"synchronize_session": False}
    )
    if ids:
        audit.record(session, by, "check_in.let_in_again", str(presence_id))
    return bool(ids)


def struck_of(rows: Sequence[Presence]) -> list[Presence]:
    """Those that were struck: neither replaced by leaving, nor dismissed by staff in the review queue."""
    others = (PARTICIPANT.name, SYSTEM.name)
    return [row for row in rows if row.withdrawn_at and row.withdrawn_by not in others and not row.reason]
