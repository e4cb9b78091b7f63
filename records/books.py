"""Check the books: every net and standing against what the inputs amount to."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Engine, func, or_, select
from sqlalchemy.orm import Session

from records import ledger
from records.answers import AT_ONCE, Place, page
from records.keys import among
from records.memberships import mark_dirty
from records.models import Membership, StandingRow


@dataclass(frozen=True, slots=True)
class Checked:
    """One chunk: how many memberships were compared, how many are about to be reconciled anyway, what differs."""

    compared: int
    pending: int
    different: list[ledger.Difference]


def count_memberships(session: Session) -> int:
    return session.scalar(select(func.count()).select_from(Membership)) or 0


def check_books(engine: Engine, now: datetime) -> Iterator[Checked]:
    """Compare chunk by chunk, each in one snapshot, so that work which goes on meanwhile is no difference."""
    last: Place | None = None
    while True:
        with Session(engine) as session:
            session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            places = page(session, select(Membership.id), last)
            if not places:
                return
            last = places[-1]
            settled = _settled(session, [membership for _, membership in places], now)
            yield Checked(len(settled), len(places) - len(settled), ledger.compare(session, settled, now))


def _settled(session: Session, ids: list[UUID], now: datetime) -> list[UUID]:
    """Those that nobody has to reconcile: not marked, and their time has not come."""
    return list(
        session.scalars(
            select(Membership.id)
            .outerjoin(StandingRow, StandingRow.membership_id == Membership.id)
            .where(
                among(Membership.id, ids),
                Membership.dirty_at.is_(None),
                or_(StandingRow.valid_until.is_(None), StandingRow.valid_until > now),
            )
            .order_by(Membership.id)
        )
    )


def repair(session: Session, memberships: set[UUID]) -> int:
    """Mark memberships whose books differ: the next reconciling brings them in line."""
    ids = sorted(memberships)
    return sum(
        mark_dirty(session, select(Membership.id).where(among(Membership.id, ids[start : start + AT_ONCE])))
        for start in range(0, len(ids), AT_ONCE)
    )
