"""Reconcile dirty memberships, each under its row lock; mark those whose time has come."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from records import ledger
from records.database import is_unreachable
from records.keys import among
from records.memberships import mark_dirty
from records.models import Membership, StandingRow

log = structlog.get_logger()
BATCH = 200


def reconcile_dirty(engine: Engine, clock: Callable[[], datetime], *, batch: int = BATCH) -> int:
    """Reconcile until nothing is dirty that nobody else holds. Returns how many memberships were.

    One that can't be reconciled keeps its mark and holds up no other; the next run tries it again.
    """
    done, failed = 0, set[UUID]()
    while True:
        ids: list[UUID] = []
        try:
            with Session(engine) as session, session.begin():
                ids = _take(session, batch, failed)
                if ids:
                    ledger.reconcile(session, ids, clock())
        except Exception as err:
            if is_unreachable(err) or not ids:
                raise
            if len(ids) == 1:
                failed.add(ids[0])
                log.error("reconcile_failed", membership=str(ids[0]), error=type(err).__name__)
            else:
                log.warning("reconcile_batch_failed", memberships=len(ids), error=type(err).__name__)
            batch = 1
            continue
        done += len(ids)
        if not ids:
            return done


def reconcile_these(engine: Engine, ids: Sequence[UUID], clock: Callable[[], datetime]) -> Iterator[int]:
    """Reconcile certain memberships, dirty or not, for somebody who waits for it. Yields how many are done."""
    for start in range(0, len(ids), BATCH):
        with Session(engine) as session, session.begin():
            chunk = (
                select(Membership.id).where(among(Membership.id, ids[start : start + BATCH])).order_by(Membership.id)
            )
            # A statement of its own: what is read after it sees all that marked them.
            ledger.reconcile(session, session.scalars(chunk.with_for_update(key_share=True)).all(), clock())
        yield min(start + BATCH, len(ids))


def _take(session: Session, limit: int, but: set[UUID]) -> list[UUID]:
    """Dirty memberships, locked. A statement of its own: what is read after it sees all that marked them."""
    dirty = (
        select(Membership.id)
        .where(Membership.dirty_at.is_not(None), ~among(Membership.id, but))
        .order_by(Membership.dirty_at, Membership.id)
        .limit(limit)
    )
    return sorted(session.scalars(dirty.with_for_update(skip_locked=True, key_share=True)))


def mark_due(engine: Engine, clock: Callable[[], datetime]) -> int:
    """Mark memberships whose standing changes by time alone (an enrolment begins or ends). Returns how many."""
    with Session(engine) as session, session.begin():
        due = select(StandingRow.membership_id).where(StandingRow.valid_until <= clock())
        return mark_dirty(session, due)


def anything_dirty(session: Session) -> bool:
    return bool(
        session.scalar(
            select(func.count()).select_from(
                select(Membership.id).where(Membership.dirty_at.is_not(None)).limit(1).subquery()
            )
        )
    )
