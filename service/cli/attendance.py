"""`copbridge attendance`: the files that were taken in, and their undoing; and taking a meeting's report in."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from uuid import UUID
from zoneinfo import ZoneInfo, available_timezones

import typer
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs import attendance as folding
from jobs.queues import QueueName
from records import attendance_reports as reports
from records.actor import CLI
from records.attendance import Plan
from records.attendance_columns import Reading, look, proposed
from records.attendance_file import AttendanceRow, read_attendance
from records.attendance_tally import Tally
from records.csv_file import MAX_BYTES, Problem, UnreadableFile
from records.models import AttendanceReport, SessionRow
from records.taking_attendance import Work, meeting, pieces
from service.cli.errors import UserError
from service.cli.lookup import find_communities
from service.cli.opening import Opened, records
from service.cli.output import clean, counted, minute, say, say_json, table

group = typer.Typer(help="Files of attendance that were taken in.", no_args_is_help=True)
WORKBOOK = ".xlsx"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="attendance")


@group.command("list")
def listing(as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False) -> None:
    """The latest files: when and by whom they were taken in, and how many of their rows."""
    with records() as opened, opened.transaction() as session:
        found = [(report, reports.tally_of(report)) for report in reports.listing(session)]
    if as_json:
        say_json(
            [
                {"report": r.id, "format": r.format, "status": r.status, "rows": r.total, "wrong": tally.wrong}
                | {"counts": tally.counts, "community": r.community_id, "created_at": r.created_at, "by": r.actor}
                for r, tally in found
            ]
        )
        return
    rows = [(r.id, r.name, r.format, r.status, r.total, t.wrong, minute(r.created_at), r.actor) for r, t in found]
    columns = ("report", "file", "format", "state", "rows", "wrong", "uploaded", "by")
    table("", columns, rows, right=("rows", "wrong"))


@group.command()
def undo(report: Annotated[UUID, typer.Argument(help="Its id: see `copbridge attendance list`.")]) -> None:
    """Take back what a file said: hours become what they would be without it. Sessions that it made stay."""
    with records() as opened:
        with opened.transaction() as session:
            if session.get(AttendanceReport, report) is None:
                raise UserError(f"There is no report {report}: see `copbridge attendance list`.")
            try:
                withdrawn = reports.undo(session, report, by=CLI, now=opened.now())
            except reports.ReportError as err:
                raise UserError(str(err)) from err
        fold_all(opened.engine)
        opened.wake(QueueName.RECONCILE)
    say(f"Undone: {counted(withdrawn, 'attendance was', 'attendances were')} taken back.")


def fold_all(engine: Engine) -> None:
    """Make all facts that are due, rather than leave it to the workers."""
    while folding.fold_due(engine):
        pass


def rows_of(file: Path, data: bytes) -> tuple[list[AttendanceRow], list[Problem]]:
    """The rows of a CSV file with columns of ours, or of a workbook whose columns plainly are ours.

    Raises UnreadableFile.
    """
    if file.suffix.lower() != WORKBOOK:
        return read_attendance(data)
    columns = proposed(look(data).header)
    reading = Reading(columns)
    unknown = [theirs for theirs, ours in columns.items() if theirs and not ours]
    wrong = [f"'{name}' is no column of this file" for name in unknown]
    wrong += [f"'{name}' is missing" for name in reading.lacking]
    if wrong:
        raise UnreadableFile(f"The columns are wrong: {'; '.join(wrong)}.")
    rows: list[AttendanceRow] = []
    problems: list[Problem] = []
    for piece in pieces(Work(UUID(int=0), reports.TABLE, data, {"columns": columns}, None, CLI)):
        rows += piece.rows
        problems += piece.problems
    return rows, problems


def is_news(session: Session, data: bytes, plan: Plan) -> bool:
    """Whether taking a file in adds anything: what is known already does, if it comes from another file."""
    return plan.changes or (bool(plan.facts) and not reports.stands(session, data))


@dataclass(frozen=True, slots=True)
class Which:
    """What a meeting's report is about, as it was typed."""

    format: str
    community: str
    session: str
    zone: str
    order: str


def import_meeting(file: Path, which: Which, *, dry_run: bool, skip_errors: bool, as_json: bool) -> None:
    """Take in a report of Zoom, Teams or Meet."""
    if which.format not in reports.WAYS or which.format == reports.TABLE:
        raise UserError(f"'{clean(which.format)}' is no format: expected zoom, teams or meet.", code=2)
    try:
        data = file.read_bytes()
    except OSError as err:
        raise UserError(f"{file} can't be read: {err.strerror}.") from err
    with records() as opened:
        try:
            found, written = _take_meeting(opened, file.name, data, which, dry_run=dry_run, skip_errors=skip_errors)
        except (UnreadableFile, reports.ReportError) as err:
            raise UserError(f"{file}: {err}") from err
        if written:
            opened.wake(QueueName.RECONCILE)
    if as_json:
        say_json(
            {"written": written, "counts": found.counts, "wrong": found.wrong, "problems": found.as_json()["problems"]}
        )
    else:
        _tell(found, written=written, dry_run=dry_run)
    if found.wrong:
        raise typer.Exit(1)


def _take_meeting(
    opened: Opened, name: str, data: bytes, which: Which, *, dry_run: bool, skip_errors: bool
) -> tuple[Tally, bool]:
    if len(data) > MAX_BYTES:
        raise UnreadableFile(f"The file is larger than {MAX_BYTES // 1_000_000} MB: split it.")
    with opened.transaction() as session:
        community, row = _session_of(session, which)
        zone = which.zone or row.timezone
        if zone not in available_timezones():
            raise UserError(f"'{clean(zone)}' is not a time zone: expected a name such as America/Los_Angeles.", code=2)
        options = {"session": str(row.id), "zone": str(ZoneInfo(zone)), "order": which.order or None, "step": "take"}
        work = Work(UUID(int=0), which.format, data, options, community, CLI)
        found = meeting(session, work, write=False)
        if dry_run or (found.wrong and not skip_errors):
            return found, False
        kept = reports.upload(
            session, data, name=name, kind=which.format, community_id=community, options=options, by=CLI
        )
        if kept.report.status in ("done", "running", "due"):
            return found, False
        run = reports.start_run(kept.report)
        found = meeting(session, Work(kept.report.id, which.format, data, options, community, CLI, run), write=True)
        reports.record_taken(session, kept.report, found, by=CLI, now=opened.now())
    return found, True


def _session_of(session: Session, which: Which) -> tuple[UUID, SessionRow]:
    communities = find_communities(session, which.community)
    if len(communities) != 1:
        raise UserError(f"'{clean(which.community)}' is the ID number of {len(communities)} communities: give an id.")
    row = session.scalars(
        select(SessionRow).where(SessionRow.community_id == communities[0], SessionRow.code == which.session)
    ).one_or_none()
    if row is None:
        raise UserError(f"The community has no session with the code '{clean(which.session)}'.")
    return communities[0], row


def _tell(found: Tally, *, written: bool, dry_run: bool) -> None:
    for problem in (*found.problems, *found.notes):
        say(clean(f"line {problem.line}: {problem.column + ': ' if problem.column else ''}{problem.message}"))
    sums = ", ".join(f"{number} {action}" for action, number in found.counts.items())
    if dry_run:
        say(f"Would be taken in: {sums}.")
    elif written:
        say(f"Taken in: {sums}.")
    elif found.wrong:
        say(f"Nothing was written: {counted(found.wrong, 'row is', 'rows are')} wrong.")
    else:
        say(f"Nothing to do: the same file was taken in before. {sums}.")
