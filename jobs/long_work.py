"""Long work that somebody asked for: one job a turn, piece by piece, each with its progress in one transaction."""

import time
from collections.abc import Callable
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from jobs import provisioning
from jobs.closing import admit_late, close_period
from jobs.redacting import redact
from jobs.work import Kind, Work
from records import long_work
from records.long_work import CannotDo, Lost

log = structlog.get_logger()
TURN_SECONDS = 10.0
"""A worker has other things to do, too."""
FAILED = "failed"
"""Why a job failed, where nobody foresaw it."""
KINDS: dict[str, Kind] = {
    "admit_late": admit_late,
    "close_period": close_period,
    "redact_inbox": redact,
    provisioning.PLAN: provisioning.plan,
    provisioning.APPLY: provisioning.apply,
    provisioning.CLOSE: provisioning.close,
}
"""Every kind of long work. Words for each: service/work_words.py."""


def turn(engine: Engine, clock: Callable[[], datetime], seconds: float = TURN_SECONDS) -> bool:
    """Work on a job that is due, for a while. Returns whether there was one.

    One that its asker may not ask for any more ends here: what was done until then stays done.
    """
    with Session(engine) as session, session.begin():
        claim = long_work.claim(session)
        lost = long_work.grounds_lost(session, claim) if claim else ""
        if claim and lost:
            long_work.fail(session, claim.job_id, lost, claim)
    if claim is None:
        return False
    if lost:
        log.info("long_work_grounds_lost", job=str(claim.job_id), kind=claim.kind, why=lost)
        return True
    work = Work(engine, clock, claim, time.monotonic() + seconds)
    try:
        KINDS[claim.kind](work)
        if not work.ended:
            with Session(engine) as session, session.begin():
                long_work.release(session, work.claim)
    except Lost:
        log.info("long_work_lost", job=str(claim.job_id), kind=claim.kind)
    except CannotDo as err:
        _fail(work, str(err))
    except DBAPIError:
        # Another worker, or this one later, carries on.
        raise
    except Exception as err:  # noqa: BLE001 - one bad job must not keep the others waiting
        # No traceback: an error's message may quote what people wrote.
        log.error("long_work_failed", job=str(claim.job_id), kind=claim.kind, error=type(err).__name__)
        _fail(work, FAILED)
    return True


def _fail(work: Work, why: str) -> None:
    with Session(work.engine) as session, session.begin():
        long_work.fail(session, work.claim.job_id, why, work.claim)
