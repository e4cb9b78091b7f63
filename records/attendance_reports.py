"""Files of attendance as they are uploaded: kept, asked to be looked at or taken in, undone, and forgotten in time."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session, defer

from mappings.attending import Way
from records import audit, reports
from records.actor import Actor
from records.attendance import Plan, Source, apply_plan
from records.attendance_tally import Completed, Tally, value_of
from records.csv_file import UnreadableFile
from records.keys import among
from records.meetings import recorded
from records.memberships import mark_persons
from records.mirror import everywhere_alone
from records.models import AttendanceReport, Membership, Presence, SessionRow, SharedSession, uuid7
from records.presences import touch, withdraw
from records.sessions import draft_of, note_taken_in

TABLE = "table"
WAYS = {TABLE: Way.FILE, "zoom": Way.ZOOM, "teams": Way.TEAMS, "meet": Way.MEET}
"""What each format's presences say that they come from."""
MAX_NAME = 200
UNNAMED = "-"
STANDING = ("due", "running", "done", "failed")
"""States in which something may be taken in."""
LINES = ("problems", "notes", "rows")
"""Of a tally: what quotes the file."""


class ReportError(Exception):
    """What can't be done with a report; the message says what to do instead."""


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A report, and whether the same file was here before."""

    report: AttendanceReport
    again: bool = False


def detect(data: bytes) -> str:
    """`zoom`, `teams` or `meet` where the file is plainly one of theirs; else it is a table."""
    try:
        return reports.detect(data) or TABLE
    except UnreadableFile:
        # Whoever reads it as a table is told why it can't be read.
        return TABLE


def upload(
    session: Session,
    data: bytes,
    *,
    name: str,
    kind: str,
    community_id: UUID | None,
    options: Mapping[str, Any],
    by: Actor,
) -> Uploaded:
    """Keep a file. The same file in the same community, unless it was undone, is the report that is there already."""
    digest = hashlib.sha256(data).hexdigest()
    there = session.scalars(
        select(AttendanceReport)
        .where(
            AttendanceReport.sha256 == digest,
            AttendanceReport.community_id.is_not_distinct_from(community_id),
            AttendanceReport.status != "undone",
            AttendanceReport.payload.is_not(None),
        )
        .order_by(AttendanceReport.id)
        .limit(1)
    ).first()
    if there:
        return Uploaded(there, again=True)
    report = AttendanceReport(
        id=uuid7(),
        community_id=community_id,
        format=kind,
        name="".join(filter(str.isprintable, name))[-MAX_NAME:] or UNNAMED,
        sha256=digest,
        payload=data,
        options=dict(options),
        status="uploaded",
        actor=by.name,
    )
    session.add(report)
    session.flush()
    return Uploaded(report)


def of_community(
    session: Session, community_id: UUID, report_id: UUID, *, lock: bool = False
) -> AttendanceReport | None:
    """A report that was uploaded in a community, without its bytes."""
    wanted = (
        select(AttendanceReport)
        .where(AttendanceReport.id == report_id, AttendanceReport.community_id == community_id)
        .options(defer(AttendanceReport.payload))
    )
    return session.scalars(wanted.with_for_update() if lock else wanted).one_or_none()


def listing(session: Session, community_id: UUID | None = None, limit: int = 200) -> list[AttendanceReport]:
    """The latest reports, of a community or all, the latest first; without their bytes."""
    wanted = select(AttendanceReport).options(defer(AttendanceReport.payload)).order_by(AttendanceReport.id.desc())
    if community_id:
        wanted = wanted.where(AttendanceReport.community_id == community_id)
    return list(session.scalars(wanted.limit(limit)))


def ask(report: AttendanceReport, step: str, options: Mapping[str, Any] | None = None) -> None:
    """Have a worker look at a report (`look`) or take it in (`take`). Raises ReportError where that can't be."""
    if report.status not in ("uploaded", "failed", "undone"):
        raise ReportError("The file is being taken in, or was: undo that first.")
    if not has_payload(report):
        raise ReportError("The file isn't kept any more: upload it again.")
    if step == "take":
        start_run(report)
    else:
        report.result = {key: value for key, value in report.result.items() if key != "plan"}
    report.options = {**report.options, **(options or {}), "step": step}
    report.status, report.done, report.total, report.error = "due", 0, 0, ""
    report.heartbeat_at = report.finished_at = None


def has_payload(report: AttendanceReport) -> bool:
    """Whether the file is still kept: its name goes with it."""
    return report.name != ""


def start_run(report: AttendanceReport) -> UUID:
    """Begin to take a report in: what comes of it is told from what an earlier, undone time made."""
    run, before = uuid7(), tally_of(report)
    found = Tally()
    if report.status != "undone":
        # What an unfinished time made of sessions is still this report's to take back.
        found = Tally(made=before.made, codes=before.codes, completed=before.completed, states=before.states)
    report.result = {**report.result, "run": str(run), "taken": found.as_json()}
    return run


def run_of(report: AttendanceReport) -> UUID:
    """Which taking in of the report the latest is."""
    return UUID(str(report.result["run"]))


def tally_of(report: AttendanceReport, part: str = "taken") -> Tally:
    """What was taken in so far (`taken`), or would be (`plan`)."""
    return Tally.of(cast(Mapping[str, Any], report.result.get(part, {})))


def stands(session: Session, data: bytes) -> bool:
    """Whether this very file is taken in."""
    same = AttendanceReport.sha256 == hashlib.sha256(data).hexdigest()
    return (
        session.scalar(select(AttendanceReport.id).where(same, AttendanceReport.status == "done").limit(1)) is not None
    )


def take_at_once(session: Session, data: bytes, plan: Plan, *, name: str, by: Actor, now: datetime) -> int:
    """Take a table in as a whole, in the transaction that planned it, as a report. Returns how many facts got a
    version."""
    kept = upload(session, data, name=name, kind=TABLE, community_id=None, options={"step": "take"}, by=by)
    report = kept.report
    source = Source(report.id, start_run(report))
    written = apply_plan(session, plan, actor=by, digest=report.sha256, source=source)
    found = tally_of(report)
    found.add(plan, show=False)
    report.result = {**report.result, "taken": found.as_json()}
    report.status, report.finished_at = "done", now
    report.total = report.done = len(plan.facts) + found.wrong
    return written


def record_taken(session: Session, report: AttendanceReport, found: Tally, *, by: Actor, now: datetime) -> None:
    """The report is taken in, as a whole: say so, and what came of it."""
    report.result = {**report.result, "taken": found.as_json()}
    report.status, report.heartbeat_at, report.finished_at = "done", None, now
    report.total = report.done = max(report.done, sum(found.counts.values()) + found.wrong)
    after = {**found.counts, "sessions": len(found.made), "skipped": found.wrong, "sha256": report.sha256}
    audit.record(session, by, "attendance.import", str(run_of(report)), after=after)


def undo(session: Session, report_id: UUID, *, by: Actor, now: datetime) -> int:
    """Withdraw all that a report said, and what it added to sessions that were there before; facts follow when they
    are folded. Sessions that it made stay. Returns how many presences were withdrawn. Raises ReportError."""
    report = session.get_one(AttendanceReport, report_id, options=[defer(AttendanceReport.payload)])
    # Of one that is at work nobody knows yet what it adds to sessions.
    if tally_of(report).completed or report.status not in ("done", "failed"):
        everywhere_alone(session)
    session.refresh(report, ["status", "result"], with_for_update=True)
    if report.status not in ("done", "failed"):
        raise ReportError(
            "It was undone already." if report.status == "undone" else "The file isn't taken in: nothing to undo."
        )
    withdrawn = withdraw(session, Presence.report_id == report.id, by=by)
    _uncomplete(session, report, tally_of(report).completed, by, now)
    report.status, report.undone_at, report.undone_by = "undone", now, by.name
    audit.record(session, by, "attendance.undo", str(report.id), after={"withdrawn": withdrawn})
    return withdrawn


def _uncomplete(session: Session, report: AttendanceReport, completed: Completed, by: Actor, now: datetime) -> None:
    """Take back what a report added to sessions, unless another report that stands says the same."""
    if not completed:
        return
    rows = {
        row.id: row for row in session.scalars(select(SessionRow).where(among(SessionRow.id, map(UUID, completed))))
    }
    known = dict(recorded(session, {row.community_id for row in rows.values()}).values())
    for session_id, columns in completed.items():
        inherited = _inherited(session, report, session_id, columns)
        row = rows[UUID(session_id)]
        gone = {
            column
            for column, value in columns.items()
            # What somebody has changed since stays.
            if column not in inherited and value_of(known[row.id], column) == value
        }
        before = draft_of(session, row)
        _empty(session, row, gone)
        note_taken_in(session, row, before, by, now)
    touch(session, among(Presence.session_id, rows))
    communities = {row.community_id for row in rows.values()}
    mark_persons(session, select(Membership.id).where(among(Membership.community_id, communities)))


def _inherited(session: Session, report: AttendanceReport, session_id: str, columns: Mapping[str, Any]) -> set[str]:
    """The columns that another standing report says of the session: it is that one's to take back from now on."""
    others = session.scalars(
        select(AttendanceReport)
        .where(
            AttendanceReport.id != report.id,
            AttendanceReport.status.in_(STANDING),
            AttendanceReport.result["taken"]["states"].has_key(session_id),
        )
        .order_by(AttendanceReport.id)
        .options(defer(AttendanceReport.payload))
        .with_for_update()
    )
    inherited: set[str] = set()
    for other in others:
        tally = tally_of(other)
        mine = {c: v for c, v in columns.items() if c in tally.states[session_id] and c not in inherited}
        tally.completed[session_id] = mine | tally.completed.get(session_id, {})
        other.result = {**other.result, "taken": tally.as_json()}
        inherited |= mine.keys()
    return inherited


def _empty(session: Session, row: SessionRow, columns: set[str]) -> None:
    """Have a session say nothing in these columns."""
    if "title" in columns:
        row.title = row.code
    if "kind" in columns:
        row.kind = ""
    if "planned_minutes" in columns:
        row.planned_minutes = None
    if "module" in columns:
        row.module_site_id = row.module_id = None
    if "shared_with" in columns:
        session.execute(delete(SharedSession).where(SharedSession.session_id == row.id))
    session.flush()


def prune(session: Session, days: int) -> int:
    """Forget the files, their names and their lines after the retention, and who was meant where that is known by now
    or was taken back. Returns how many files were forgotten."""
    old = func.clock_timestamp() - func.make_interval(0, 0, 0, days)
    idle = AttendanceReport.status.not_in(("due", "running"))
    forgotten = forget_files(session, AttendanceReport.created_at < old, idle)
    known = Presence.account_id.is_not(None) & (Presence.recorded_at < old)
    session.execute(
        update(Presence).where(Presence.who.is_not(None), known | (Presence.withdrawn_at < old)).values(who=None),
        execution_options={"synchronize_session": False},
    )
    return forgotten


def forget_files(session: Session, *which: Any) -> int:
    """Forget files, their names and their lines, of reports given as conditions. Returns how many still had some."""
    kept: Any = AttendanceReport.result
    for part in LINES:
        kept = kept.op("#-")(func.string_to_array(f"plan,{part}", ","))
        kept = kept.op("#-")(func.string_to_array(f"taken,{part}", ","))
    there = (AttendanceReport.payload.is_not(None)) | (AttendanceReport.name != "")
    found = session.scalars(
        update(AttendanceReport)
        .where(there, *which)
        .values(payload=None, name="", result=kept)
        .returning(AttendanceReport.id),
        execution_options={"synchronize_session": False},
    )
    return len(found.all())
