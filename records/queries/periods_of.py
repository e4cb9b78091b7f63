"""A person's totals by program: the present period, each closed one as it was closed, and all time."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from records.merged import counts_in
from records.models import ClosedMember, Closing


@dataclass(frozen=True, slots=True)
class ClosedTotal:
    """What a person held in a closed period. `starts_at` and `ends_at` (the first instant after it) are aware UTC."""

    program_id: UUID
    label: str
    starts_at: datetime
    ends_at: datetime
    closed_at: datetime
    minutes: int


def closed_totals(session: Session, membership_ids: Iterable[UUID], until: datetime | None = None) -> list[ClosedTotal]:
    """The closed periods in which memberships, or those that were merged into them, held something or nothing; the
    latest first. As known `until`. Snapshots stand: what was let in later is in the ledger, not here."""
    into = counts_in(session, membership_ids)
    c, m = Closing, ClosedMember
    wanted = (
        select(c.program_id, c.label, c.starts_at, c.ends_at, c.closed_at, func.sum(m.minutes))
        .join(m, m.closing_id == c.id)
        .where(m.membership_id.in_(list(into)))
        .group_by(c.id)
        .order_by(c.starts_at.desc())
    )
    if until is not None:
        wanted = wanted.where(c.closed_at <= until)
    return [ClosedTotal(*row[:5], int(row[5])) for row in session.execute(wanted)]
