"""The functions that RQ calls by name. Arguments are ids; the rows are read again."""

from datetime import timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import (
    attendance,
    attendance_reports,
    drift_alerts,
    long_work,
    mailing,
    nudging,
    process,
    reconcile,
    telling_presence,
)
from jobs.queues import QueueName, lower_flag, wake
from jobs.reread import reread
from jobs.runtime import current
from jobs.sweep.run import House, carry_on
from jobs.telling import tell
from records import forgotten, idempotency, inbox, lockout, nudges, provisioning, sign_ins, sweeps, telling
from records.attendance_reports import prune as prune_reports
from records.long_work import anything_due as waits_for_long_work
from records.models import InboxItem, Site

log = structlog.get_logger()
TURNS = 4
"""Batches a job."""
SWEEP_SECONDS = 15.0
"""A turn of a sweep: a worker has other things to do, too."""


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


def take_attendance() -> int:
    """Take files of attendance in for a while, make facts of what was recorded of who was where, and ask for the
    reconciling of what that marked."""
    runtime = current()
    lower_flag(runtime.redis, QueueName.ATTENDANCE)
    worked = attendance_reports.turn(runtime.engine, runtime.clock)
    folded = attendance.fold_due(runtime.engine)
    if folded or worked:
        wake(runtime.redis, QueueName.RECONCILE)
        wake(runtime.redis, QueueName.ATTENDANCE)
    return folded


def take_long_work() -> bool:
    """Carry on with what takes longer than a request, for a turn, and ask for the next. Returns whether there was
    any."""
    runtime = current()
    lower_flag(runtime.redis, QueueName.LONG_WORK)
    worked = long_work.turn(runtime.engine, runtime.clock)
    if worked:
        wake(runtime.redis, QueueName.RECONCILE)
        wake(runtime.redis, QueueName.LONG_WORK)
    return worked


def send_mail() -> int:
    """Send what mail is due for a while, and ask for the next turn; how many were tried."""
    runtime = current()
    lower_flag(runtime.redis, QueueName.MAIL)
    tried = mailing.send_due(runtime.engine, runtime.settings)
    if tried:
        wake(runtime.redis, QueueName.MAIL)
    return tried


def send_nudges() -> int:
    """Send messages to participants for a while, and ask for the next turn. Raises RuntimeError in a process that
    can't word them."""
    runtime = current()
    lower_flag(runtime.redis, QueueName.NUDGES)
    if runtime.write is None:
        raise RuntimeError("no writer: messages are sent by a worker that `copbridge worker` started")
    done = nudging.turn(nudging.Post(runtime.engine, runtime.settings, runtime.write, runtime.clock))
    if done:
        wake(runtime.redis, QueueName.NUDGES)
    return done


def match_attendance() -> int:
    """Credit those who came before Moodle knew them."""
    runtime = current()
    matched = attendance.match_waiting(runtime.engine, runtime.settings.encryption_key)
    if matched:
        wake(runtime.redis, QueueName.RECONCILE)
    return matched


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
        to_sweep = sweeps.anything_due(session)
        attended = attendance.anything_due(session) or attendance_reports.anything_due(session)
        asked_for = waits_for_long_work(session)
        to_nudge = nudges.anything_due(session, runtime.clock())
    if to_sweep:
        wake(runtime.redis, QueueName.SWEEP)
    if due:
        wake(runtime.redis, QueueName.INBOX)
    if attended:
        wake(runtime.redis, QueueName.ATTENDANCE)
    if asked_for:
        wake(runtime.redis, QueueName.LONG_WORK)
    if to_nudge:
        wake(runtime.redis, QueueName.NUDGES)
    if dirty:
        wake(runtime.redis, QueueName.RECONCILE)


def prune_inbox() -> None:
    """Delete what its retention is over for, and what intake put aside about people who were erased."""
    runtime = current()
    with Session(runtime.engine) as session, session.begin():
        deleted = inbox.prune(session, runtime.settings.payload_retention_days)
        reports = prune_reports(session, runtime.settings.payload_retention_days)
        people = provisioning.prune_people(session, runtime.clock(), runtime.settings.payload_retention_days)
        telling.forget_refused(session)
        lockout.prune(session, runtime.clock())
        sign_ins.prune(session, runtime.clock())
    redacted = sum(
        hit for _, hit in forgotten.redact_inbox(runtime.engine, runtime.settings.encryption_key, forgotten.PUT_ASIDE)
    )
    log.info("inbox_pruned", items=deleted, redacted=redacted, reports=reports, people_files=people)


def prune_idempotency_keys() -> None:
    """Forget what writes of the API were answered more than a day ago."""
    runtime = current()
    with Session(runtime.engine) as session, session.begin():
        pruned = idempotency.prune(session, runtime.clock())
    log.info("idempotency_keys_pruned", keys=pruned)


def reread_accounts() -> int:
    """Ask Moodle about accounts whose state no event told."""
    runtime = current()
    answered = reread(runtime.engine, runtime.settings)
    if answered:
        wake(runtime.redis, QueueName.INBOX)
    return answered


def tell_standings() -> int:
    """Have Moodle show how participants stand by now, for the programs that say so."""
    runtime = current()
    return tell(runtime.engine, runtime.settings, runtime.clock())


def tell_presences() -> int:
    """Have Moodle show who was at which session, for the programs that say so."""
    runtime = current()
    return telling_presence.tell(runtime.engine, runtime.settings, runtime.clock())


def schedule_sweeps() -> None:
    """Ask for the sweeps whose time has come, and for those that events ask for; tell of what they found too often."""
    runtime = current()
    with Session(runtime.engine) as session:
        sites = session.scalars(select(Site.id).where(sweeps.has_token(Site.id)).order_by(Site.id)).all()
    for site_id in sites:
        with Session(runtime.engine) as session, session.begin():
            settings = runtime.settings
            plugin = sweeps.goes_by_plugin(session, site_id)
            hours = settings.plugin_sweep_hours if plugin else settings.sweep_hours
            sweeps.schedule(session, site_id, timedelta(hours=hours))
    drift_alerts.tell(runtime.engine, runtime.redis, runtime.settings.drift_alert)


def sweep() -> bool:
    """Carry a sweep on for a turn, and ask for the next. Returns whether there was one."""
    runtime = current()
    lower_flag(runtime.redis, QueueName.SWEEP)
    task = carry_on(House(runtime.engine, runtime.settings, seconds=SWEEP_SECONDS))
    if task is None:
        return False
    wake(runtime.redis, QueueName.INBOX)
    wake(runtime.redis, QueueName.SWEEP)
    return True
