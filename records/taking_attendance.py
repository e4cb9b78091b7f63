"""Look at a report of attendance, or take it in, piece by piece: each piece can be the last one that a worker lives."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import attendance, reports
from records.actor import Actor
from records.attendance import Source, plan_attendance, preview
from records.attendance_columns import Reading, count, lines
from records.attendance_conflicts import Earlier, key
from records.attendance_file import AttendanceRow, row_of
from records.attendance_reports import TABLE, ReportError
from records.attendance_tally import Tally
from records.csv_file import Problem
from records.meeting_reports import plan_meeting, tally, write_meeting
from records.mirror import everywhere_alone
from records.models import Presence, SessionRow
from records.reports import Report

AT_ONCE = 500
"""Rows in one transaction: nothing else is at work on any site meanwhile."""
ORDER = (
    "The file writes days such as 03/04, and nothing in it says whether the day or the month comes first: choose it."
)
NO_SESSION = "Choose the session that the file is about."
CANCELLED = "The session that the file is about was cancelled: restore it first, or choose another one."


@dataclass(frozen=True, slots=True)
class Work:
    """A report as whoever works on it needs it."""

    report_id: UUID
    format: str
    data: bytes
    options: Mapping[str, Any]
    within: UUID | None
    """The community it was uploaded in."""
    by: Actor
    run: UUID | None = None
    """Given: it is taken in; else it is only looked at."""

    @property
    def source(self) -> Source:
        if self.run is None:
            raise ReportError("The file is only looked at.")
        return Source(self.report_id, self.run)


@dataclass(slots=True)
class Piece:
    """Some rows of a table, and how many rows are read with them."""

    rows: list[AttendanceRow] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    until: int = 0


def total(work: Work) -> int:
    """How many rows there are to take in. Raises UnreadableFile."""
    if work.format != TABLE:
        return len(meeting_report(work).people)
    return count(work.data, Reading.of(work.options).sheet)


def pieces(work: Work, start: int = 0, size: int = 0) -> Iterator[Piece]:
    """A table's rows from the one after `start` on, in pieces. Raises UnreadableFile, also in the middle."""
    size = size or AT_ONCE
    piece = Piece(until=start)
    for number, line in enumerate(lines(work.data, Reading.of(work.options)), start=1):
        if number <= start:
            continue
        row = None if line.problems else row_of(line)
        if row is not None and not line.problems:
            piece.rows.append(row)
        piece.problems += line.problems
        piece.until = number
        if len(piece.rows) >= size or number % size == 0:
            yield piece
            piece = Piece(until=number)
    if piece.rows or piece.problems:
        yield piece


def taken_before(session: Session, run: UUID) -> Earlier:
    """What the pieces before said, which are taken in already: for whoever carries on."""
    p = Presence
    rows = session.execute(
        select(
            *(SessionRow.community_id, SessionRow.code, p.account_id, p.report_line),
            *(p.minutes, p.status, p.mode, p.withdrawn_at),
        )
        .join(SessionRow, SessionRow.id == p.session_id)
        .where(p.correlation_id == run, p.account_id.is_not(None))
        .execution_options(yield_per=5000)
    )
    earlier = Earlier()
    for community, code, account, line, minutes, status, mode, withdrawn in rows:
        if account and line:
            said = (line, minutes, status, mode)
            # What a later line has contradicted stays out, whatever the lines after that say.
            earlier.said[key((community, code), account)] = (said, (line, None, None, None)) if withdrawn else (said,)
    return earlier


def look_at(session: Session, work: Work, piece: Piece, earlier: Earlier, found: Tally, now: datetime) -> None:
    """Count in what a piece would do. Nothing is written."""
    plan = preview(session, piece.rows, piece.problems, now, within=work.within, earlier=earlier)
    found.add(plan, show=True)


def take(session: Session, work: Work, piece: Piece, earlier: Earlier, now: datetime) -> attendance.Plan:
    """Take a piece in. Returns what it was."""
    plan = plan_attendance(session, piece.rows, piece.problems, now, within=work.within, earlier=earlier)
    attendance.write(session, plan, actor=work.by, source=work.source, correlation_id=work.source.run)
    return plan


def meeting_report(work: Work, row: SessionRow | None = None) -> Report:
    """What Zoom, Teams or Meet wrote of a session. Raises UnreadableFile, and ReportError where something has to be
    chosen."""
    zone = ZoneInfo(work.options.get("zone") or "UTC")
    report = reports.read(
        work.data,
        format=work.format,
        zone=zone,
        order=work.options.get("order") or None,
        starts_at=row.starts_at if row else None,
        ends_at=row.ends_at if row else None,
    )
    if report.asks == "order":
        raise ReportError(ORDER)
    return report


def meeting(session: Session, work: Work, *, write: bool) -> Tally:
    """Look at a meeting's report, or take it in as a whole: nobody was in a meeting with many thousands."""
    wanted = work.options.get("session")
    row = session.get(SessionRow, UUID(str(wanted))) if wanted else None
    if row is None or (work.within and row.community_id != work.within):
        raise ReportError(NO_SESSION)
    if row.cancelled_at:
        raise ReportError(CANCELLED)
    # Read before everything else has to wait.
    report = meeting_report(work, row)
    if write:
        everywhere_alone(session)
        session.refresh(row)
    stays = plan_meeting(session, report, row)
    if write:
        write_meeting(session, stays, row, Way(work.format), source=work.source, by=work.by)
    return tally(report, stays, row.code)
