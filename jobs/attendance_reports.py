"""Work on the reports of attendance that were asked for: a claim with a heartbeat, piece by piece.

What a piece does and how far the report is then are one transaction. So a worker that is killed in the middle leaves
whole pieces behind, and whoever carries on begins with the next one.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, Engine, func, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from records.actor import Actor
from records.attendance_conflicts import Earlier
from records.attendance_reports import TABLE, ReportError, record_taken, run_of, tally_of
from records.attendance_tally import Tally
from records.csv_file import UnreadableFile
from records.models import AttendanceReport
from records.taking_attendance import Work, look_at, meeting, pieces, take, taken_before, total

log = structlog.get_logger()
TURN_SECONDS = 10.0
"""A worker has other things to do, too."""
LOST_SECONDS = 60
"""Whoever was silent for so long isn't at work any more."""
TRIES = 5
"""So often a worker may die of one report without having got any further."""
MAX_ERROR = 200


class Lost(Exception):
    """Somebody else carries the report on, or undid it: what was begun is rolled back."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A report that is ours as long as its heartbeat is the one that we left."""

    work: Work
    beat: datetime
    done: int
    total: int


def _due() -> ColumnElement[bool]:
    silent = AttendanceReport.heartbeat_at < func.clock_timestamp() - func.make_interval(0, 0, 0, 0, 0, 0, LOST_SECONDS)
    return (AttendanceReport.status == "due") | ((AttendanceReport.status == "running") & silent)


def anything_due(session: Session) -> bool:
    """Whether a report waits, or its worker has fallen silent."""
    return session.scalar(select(AttendanceReport.id).where(_due()).limit(1)) is not None


def turn(engine: Engine, clock: Callable[[], datetime], seconds: float = TURN_SECONDS) -> bool:
    """Work on a report that is due, for a while. Returns whether there was one."""
    claim = _claim(engine)
    if claim is None:
        return False
    try:
        _work(engine, clock, claim, time.monotonic() + seconds)
    except Lost:
        log.info("attendance_report_lost", report=str(claim.work.report_id))
    except (UnreadableFile, ReportError) as err:
        _fail(engine, claim.work.report_id, str(err))
    except DBAPIError:
        # Another worker, or this one later, carries on.
        raise
    except Exception as err:  # noqa: BLE001 - one bad file must not keep the others waiting
        # No traceback: an error's message may quote the file.
        log.error("attendance_report_failed", report=str(claim.work.report_id), error=type(err).__name__)
        _fail(engine, claim.work.report_id, type(err).__name__)
    return True


def _claim(engine: Engine) -> Claim | None:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        report = session.scalars(
            select(AttendanceReport)
            .where(_due())
            .order_by(AttendanceReport.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        ).first()
        if report is None:
            return None
        tries = int(str(report.result.get("tries", 0))) + 1
        report.result = {**report.result, "tries": tries}
        report.status = "running"
        report.heartbeat_at = session.scalars(select(func.clock_timestamp())).one()
        if tries > TRIES or report.payload is None:
            report.status, report.error = "failed", "Workers ended again and again while they worked on this file."
            return None
        beat, done = report.heartbeat_at, report.done
        taking = report.options.get("step") == "take"
        work = Work(
            report.id,
            report.format,
            report.payload,
            report.options,
            report.community_id,
            Actor(None, report.actor, ()),
            run_of(report) if taking else None,
        )
        return Claim(work, beat, done, report.total)


def _work(engine: Engine, clock: Callable[[], datetime], claim: Claim, until: float) -> None:
    if not claim.total:
        claim = replace(claim, total=total(claim.work))
        with Session(engine) as session, session.begin():
            claim = _go_on(session, claim, claim.done)
    if claim.work.format != TABLE:
        _meeting(engine, clock, claim)
    elif claim.work.run is None:
        _look(engine, clock, claim)
    else:
        _take(engine, clock, claim, until)


def _go_on(session: Session, claim: Claim, done: int) -> Claim:
    """Say how far the report is, in the transaction of what was done. Raises Lost where it isn't ours any more."""
    beat = session.scalars(
        update(AttendanceReport)
        .where(
            AttendanceReport.id == claim.work.report_id,
            AttendanceReport.status == "running",
            AttendanceReport.heartbeat_at == claim.beat,
        )
        .values(done=done, total=claim.total, heartbeat_at=func.clock_timestamp())
        .returning(AttendanceReport.heartbeat_at),
        execution_options={"synchronize_session": False},
    ).one_or_none()
    if beat is None:
        raise Lost
    return replace(claim, beat=beat, done=done)


def _look(engine: Engine, clock: Callable[[], datetime], claim: Claim) -> None:
    """Look at the whole table. Whoever has to begin again begins at its beginning: nothing was written."""
    earlier, found = Earlier(), Tally()
    for piece in pieces(claim.work):
        with Session(engine) as session, session.begin():
            look_at(session, claim.work, piece, earlier, found, clock())
        with Session(engine) as session, session.begin():
            claim = _go_on(session, claim, piece.until)
    with Session(engine) as session, session.begin():
        claim = _go_on(session, claim, claim.total)
        _end(session, claim, "uploaded", "plan", found, clock())


def _meeting(engine: Engine, clock: Callable[[], datetime], claim: Claim) -> None:
    taking = claim.work.run is not None
    with Session(engine) as session, session.begin():
        found = meeting(session, claim.work, write=taking)
        claim = _go_on(session, claim, claim.total)
        _end(session, claim, "done" if taking else "uploaded", "taken" if taking else "plan", found, clock())


def _take(engine: Engine, clock: Callable[[], datetime], claim: Claim, until: float) -> None:
    with Session(engine) as session:
        report = session.get_one(AttendanceReport, claim.work.report_id)
        found, earlier = tally_of(report), taken_before(session, claim.work.source.run)
    for piece in pieces(claim.work, claim.done):
        with Session(engine) as session, session.begin():
            plan = take(session, claim.work, piece, earlier, clock())
            found.add(plan, show=False)
            following = _go_on(session, claim, piece.until)
            _keep(session, claim.work.report_id, "taken", found, tries=0)
        claim = following
        if time.monotonic() > until:
            with Session(engine) as session, session.begin():
                _release(session, claim)
            return
    with Session(engine) as session, session.begin():
        claim = _go_on(session, claim, claim.total)
        _end(session, claim, "done", "taken", found, clock())


def _keep(session: Session, report_id: UUID, part: str, found: Tally, **more: Any) -> AttendanceReport:
    report = session.get_one(AttendanceReport, report_id, with_for_update=True, populate_existing=True)
    report.result = {**report.result, part: found.as_json(), **more}
    return report


def _release(session: Session, claim: Claim) -> None:
    """Have somebody carry on at once."""
    _go_on(session, claim, claim.done)
    report = session.get_one(AttendanceReport, claim.work.report_id, populate_existing=True)
    report.status, report.heartbeat_at = "due", None


def _end(session: Session, claim: Claim, status: str, part: str, found: Tally, now: datetime) -> None:
    report = _keep(session, claim.work.report_id, part, found, tries=0)
    if status == "done":
        record_taken(session, report, found, by=claim.work.by, now=now)
    else:
        report.status, report.heartbeat_at = status, None


def _fail(engine: Engine, report_id: UUID, why: str) -> None:
    with Session(engine) as session, session.begin():
        report = session.get_one(AttendanceReport, report_id, with_for_update=True)
        if report.status == "running":
            report.status, report.error, report.heartbeat_at = "failed", why[:MAX_ERROR], None
