"""`copbridge import`: records that come as files."""

import hashlib
from pathlib import Path
from typing import Annotated

import typer

from jobs.queues import QueueName
from records.actor import CLI
from records.attendance import Plan, apply_plan, plan_attendance
from records.attendance_file import UnreadableFile, read_attendance
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, counted, local, say, say_json, table

group = typer.Typer(help="Take in records that come as files.", no_args_is_help=True)
ACTIONS = ("new", "changed", "unchanged")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="import")


@group.callback()
def _group() -> None:
    """Keep `attendance` a command of the group while it is the only one."""


@group.command()
def attendance(
    file: Annotated[Path, typer.Argument(help="A CSV file; docs/cli.md names its columns.", metavar="FILE.csv")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    skip_errors: Annotated[
        bool, typer.Option("--skip-errors", help="Take in the right rows, though others are wrong.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Take in who attended which session, and for how many minutes.

    Nothing is written if any row is wrong, unless --skip-errors is given. The same file twice
    changes nothing; changed minutes replace the earlier ones. Exit code 1 when a row is wrong.
    """
    try:
        data = file.read_bytes()
        rows, problems = read_attendance(data)
    except OSError as err:
        raise UserError(f"{file} can't be read: {err.strerror}.") from err
    except UnreadableFile as err:
        raise UserError(f"{file}: {err}") from err
    with records() as opened:
        with opened.transaction() as session:
            plan = plan_attendance(session, rows, problems, opened.now())
            written = not dry_run and (skip_errors or not plan.problems) and plan.changes
            if written:
                apply_plan(session, plan, actor=CLI, digest=hashlib.sha256(data).hexdigest())
        if written:
            opened.wake(QueueName.RECONCILE)
    if as_json:
        say_json(_as_data(plan, written=written))
    else:
        _tell(plan, written=written, dry_run=dry_run, refused=bool(plan.problems) and not skip_errors)
    if plan.problems:
        raise typer.Exit(1)


def _tell(plan: Plan, *, written: bool, dry_run: bool, refused: bool) -> None:
    for problem in plan.problems:
        say(clean(f"line {problem.line}: {problem.column + ': ' if problem.column else ''}{problem.message}"))
    if dry_run:
        _tell_rows(plan)
    counts = ", ".join(f"{plan.count(action)} {action}" for action in ACTIONS)
    sums = f"{counted(len(plan.sessions), 'new session')}; of {counted(len(plan.facts), 'attendance')}: {counts}."
    if plan.walk_ins:
        sums += (
            f" {counted(plan.walk_ins, 'person is', 'people are')} not in the community yet: Moodle's enrolment with a"
            " participant's role makes these minutes count."
        )
    if dry_run:
        say(f"Would be taken in: {sums}")
    elif written:
        say(f"Taken in: {sums}")
    elif refused:
        say(f"Nothing was written: {counted(len(plan.problems), 'row is', 'rows are')} wrong.")
    else:
        say(f"Nothing to do: {sums}")


def _tell_rows(plan: Plan) -> None:
    sessions = [
        (m.code, m.title or "", local(m.starts_at, m.timezone), m.timezone, m.mode, m.module[1] if m.module else "")
        for _, m in [*plan.sessions, *plan.linked]
    ]
    if sessions:
        table("Sessions", ("session", "title", "starts", "time zone", "mode", "activity"), sessions)
    rows = [
        (f.presence.line, f.presence.meeting.code, f.action, "" if f.before is None else f.before, f.presence.minutes)
        for f in plan.facts
    ]
    if rows:
        table("Attendance", ("line", "session", "what", "before", "minutes"), rows, right=("line", "before", "minutes"))


def _as_data(plan: Plan, *, written: bool) -> dict[str, object]:
    return {
        "written": written,
        "sessions": [
            {"session": m.code, "community": m.community_id, "starts_at": m.starts_at.isoformat(), "mode": m.mode}
            for _, m in plan.sessions
        ],
        "counts": {action: plan.count(action) for action in ACTIONS},
        "walk_ins": plan.walk_ins,
        "rows": [
            {
                "line": f.presence.line,
                "session": f.presence.meeting.code,
                "account": f.presence.account_id,
                "action": f.action,
                "before": f.before,
                "minutes": f.presence.minutes,
            }
            for f in plan.facts
        ],
        "problems": [{"line": p.line, "column": p.column, "message": p.message} for p in plan.problems],
    }
