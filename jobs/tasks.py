"""The functions that RQ calls by name. Arguments are ids; the rows are read again."""

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import process, reconcile
from jobs.queues import QueueName, lower_flag, wake
from jobs.reread import reread
from jobs.runtime import current
from records import forgotten, inbox
from records.models import InboxItem

log = structlog.get_logger()
TURNS = 4
"""Batches a job."""


def drain_inbox() -> int:
    """Process what is due, and ask for the reconciling of what that marked.

    A few batches at a time: where more comes in all the while, hours move all the same.
    """
    runtime = current()
    lower_flag(runtime.redis, QueueName.INBOX)
    taken = process.drain(runtime.engine, runtime.settings.encryption_key, turns=TURNS)
    if taken:
        wake(runtime.redis, QueueName.RECONCILE)
        wake(runtime.redis, QueueName.INBOX)
    return taken


def reconcile_dirty() -> int:
    runtime = current()
    lower_flag(runtime.redis, QueueName.RECONCILE)
    return reconcile.reconcile_dirty(runtime.engine, runtime.clock)


def look() -> None:
    """The periodic look: whatever a lost wake, a dead worker or a passing moment left over is asked for."""
    runtime = current()
    reconcile.mark_due(runtime.engine, runtime.clock)
    with Session(runtime.engine) as session, session.begin():
        inbox.release_waiting(session)
        due = session.scalar(
            select(InboxItem.id)
            .where(InboxItem.status == "pending", InboxItem.due_at <= func.clock_timestamp())
            .limit(1)
        )
        dirty = reconcile.anything_dirty(session)
    if due:
        wake(runtime.redis, QueueName.INBOX)
    if dirty:
        wake(runtime.redis, QueueName.RECONCILE)


def prune_inbox() -> None:
    """Delete what its retention is over for, and what intake put aside about people who were erased."""
    runtime = current()
    with Session(runtime.engine) as session, session.begin():
        deleted = inbox.prune(session, runtime.settings.payload_retention_days)
    redacted = sum(
        hit for _, hit in forgotten.redact_inbox(runtime.engine, runtime.settings.encryption_key, forgotten.PUT_ASIDE)
    )
    log.info("inbox_pruned", items=deleted, redacted=redacted)


def reread_accounts() -> int:
    """Ask Moodle about accounts whose state no event told."""
    runtime = current()
    answered = reread(runtime.engine, runtime.settings)
    if answered:
        wake(runtime.redis, QueueName.INBOX)
    return answered
