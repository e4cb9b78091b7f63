"""`copbridge import`: records that come as files."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from jobs.queues import QueueName
from records.actor import CLI
from records.attendance import Plan as AttendancePlan
from records.attendance import plan_attendance
from records.attendance_reports import take_at_once
from records.attendance_tally import there
from records.csv_file import Problem, UnreadableFile
from records.milestone_file import read_milestones
from records.milestones import ACTIONS as MILESTONE_ACTIONS
from records.milestones import Plan as MilestonePlan
from records.milestones import apply_plan as apply_milestones
from records.milestones import plan_milestones
from records.organisation_file import read_organisations
from records.organisations import Plan as OrganisationPlan
from records.organisations import apply_plan as apply_organisations
from records.organisations import plan_organisations
from service.cli.attendance import Which, import_meeting, is_news, rows_of
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, counted, local, minute, say, say_json, table

group = typer.Typer(help="Take in records that come as files.", no_args_is_help=True)
ACTIONS = ("new", "changed", "unchanged")
T = TypeVar("T")
Plan = AttendancePlan | OrganisationPlan | MilestonePlan

File = Annotated[Path, typer.Argument(help="A CSV file; docs/cli.md names its columns.", metavar="FILE.csv")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
SkipErrors = Annotated[bool, typer.Option("--skip-errors", help="Take in the right rows, though others are wrong.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="import")


@group.command()
def attendance(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX; docs/cli.md names its columns.", metavar="FILE")],
    dry_run: DryRun = False,
    skip_errors: SkipErrors = False,
    as_json: AsJson = False,
    kind: Annotated[str, typer.Option("--format", help="Of a meeting's report: zoom, teams or meet.")] = "",
    community: Annotated[str, typer.Option(help="Of a meeting's report: its course's idnumber, or its id.")] = "",
    session_code: Annotated[str, typer.Option("--session", help="Of a meeting's report: the session's code.")] = "",
    zone: Annotated[str, typer.Option(help="The time zone of the report's times; else the session's.")] = "",
    order: Annotated[str, typer.Option(help="What comes first in the report's dates: dmy or mdy.")] = "",
) -> None:
    """Take in who attended which session, and for how many minutes.

    Nothing is written if any row is wrong, unless --skip-errors is given. The same file twice
    changes nothing; changed minutes replace the earlier ones. Exit code 1 when a row is wrong.
    `copbridge attendance undo` takes a file back.
    """
    if kind:
        which = Which(kind, community, session_code, zone, order)
        import_meeting(file, which, dry_run=dry_run, skip_errors=skip_errors, as_json=as_json)
        return
    data, (rows, problems) = _read_whole(file, lambda data: rows_of(file, data))
    with records() as opened:
        with opened.transaction() as session:
            plan = plan_attendance(session, rows, problems, opened.now())
            written = not dry_run and (skip_errors or not plan.problems) and is_news(session, data, plan)
            if written:
                take_at_once(session, data, plan, name=file.name, by=CLI, now=opened.now())
        if written:
            opened.wake(QueueName.RECONCILE)
    if as_json:
        say_json({"written": written, **_attendance_as_data(plan), "problems": _problems_as_data(plan.problems)})
    else:
        _tell_problems(plan.problems)
        if dry_run:
            _tell_attendance(plan)
        _tell_end(_sums_of_attendance(plan), plan.problems, written=written, dry_run=dry_run, skip_errors=skip_errors)
    if plan.problems:
        raise typer.Exit(1)


@group.command()
def organisations(
    file: File, dry_run: DryRun = False, skip_errors: SkipErrors = False, as_json: AsJson = False
) -> None:
    """Take in schools, districts and other organisations, by their codes.

    Nothing is written if any row is wrong, unless --skip-errors is given. The same file twice
    changes nothing; what a line says replaces what was recorded. Exit code 1 when a row is wrong.
    """
    digest, rows, problems = _read(file, read_organisations)
    marked = 0
    with records() as opened:
        with opened.transaction() as session:
            plan = plan_organisations(session, rows, problems)
            written = not dry_run and (skip_errors or not plan.problems) and plan.changes
            if written:
                marked = apply_organisations(session, plan, actor=CLI, digest=digest)
        if marked:
            opened.wake(QueueName.RECONCILE)
    if as_json:
        data = {"counts": _counts(plan), "marked": marked, "rows": _organisations_as_data(plan)}
        say_json({"written": written, **data, "problems": _problems_as_data(plan.problems)})
    else:
        _tell_problems(plan.problems)
        if dry_run:
            _tell_organisations(plan)
        sums = f"of {counted(len(plan.organisations), 'organisation')}: {_spelt_counts(plan)}."
        if marked:
            sums += f" {counted(marked, 'membership is', 'memberships are')} computed again."
        _tell_end(sums, plan.problems, written=written, dry_run=dry_run, skip_errors=skip_errors)
    if plan.problems:
        raise typer.Exit(1)


@group.command()
def milestones(file: File, dry_run: DryRun = False, skip_errors: SkipErrors = False, as_json: AsJson = False) -> None:
    """Take in who or what achieved which milestone: phases, reports, plans, with their evidence.

    Nothing is written if any row is wrong, unless --skip-errors is given. The same file twice
    changes nothing; what a line says replaces what was recorded. Exit code 1 when a row is wrong.
    """
    digest, rows, problems = _read(file, read_milestones)
    with records() as opened:
        with opened.transaction() as session:
            plan = plan_milestones(session, rows, problems, opened.now())
            written = not dry_run and (skip_errors or not plan.problems) and plan.changes
            if written:
                apply_milestones(session, plan, actor=CLI, digest=digest)
        if written:
            opened.wake(QueueName.RECONCILE)
    if as_json:
        data = {
            "counts": _counts(plan, MILESTONE_ACTIONS),
            "unproven": plan.unproven,
            "rows": _milestones_as_data(plan),
        }
        say_json({"written": written, **data, "problems": _problems_as_data(plan.problems)})
    else:
        _tell_problems(plan.problems)
        if dry_run:
            _tell_milestones(plan)
        sums = f"of {counted(len(plan.milestones), 'milestone')}: {_spelt_counts(plan, MILESTONE_ACTIONS)}."
        if plan.unproven:
            sums += f" {counted(plan.unproven, 'lacks', 'lack')} the evidence without which the program counts nothing."
        _tell_end(sums, plan.problems, written=written, dry_run=dry_run, skip_errors=skip_errors)
    if plan.problems:
        raise typer.Exit(1)


def _read(file: Path, reader: Callable[[bytes], tuple[list[T], list[Problem]]]) -> tuple[str, list[T], list[Problem]]:
    """(SHA-256 of the file, its rows, its problems). Raises UserError where it can't be used at all."""
    data, (rows, problems) = _read_whole(file, reader)
    return hashlib.sha256(data).hexdigest(), rows, problems


def _read_whole(file: Path, reader: Callable[[bytes], T]) -> tuple[bytes, T]:
    """(The file, what `reader` makes of it). Raises UserError where it can't be used at all."""
    try:
        data = file.read_bytes()
        return data, reader(data)
    except OSError as err:
        raise UserError(f"{file} can't be read: {err.strerror}.") from err
    except UnreadableFile as err:
        raise UserError(f"{file}: {err}") from err


def _counts(plan: Plan, actions: Sequence[str] = ACTIONS) -> dict[str, int]:
    return {action: plan.count(action) for action in actions}


def _spelt_counts(plan: Plan, actions: Sequence[str] = ACTIONS) -> str:
    return ", ".join(f"{number} {action}" for action, number in _counts(plan, actions).items())


def _tell_problems(problems: Sequence[Problem]) -> None:
    for problem in problems:
        say(clean(f"line {problem.line}: {problem.column + ': ' if problem.column else ''}{problem.message}"))


def _problems_as_data(problems: Sequence[Problem]) -> list[dict[str, object]]:
    return [{"line": p.line, "column": p.column, "message": p.message} for p in problems]


def _tell_end(sums: str, problems: Sequence[Problem], *, written: bool, dry_run: bool, skip_errors: bool) -> None:
    if dry_run:
        say(f"Would be taken in: {sums}")
    elif written:
        say(f"Taken in: {sums}")
    elif problems and not skip_errors:
        wrong = len({problem.line for problem in problems})
        say(f"Nothing was written: {counted(wrong, 'row is', 'rows are')} wrong.")
    else:
        say(f"Nothing to do: {sums}")


def _sums_of_attendance(plan: AttendancePlan) -> str:
    new = counted(len(plan.sessions), "new session")
    sums = f"{new}; of {counted(len(plan.facts), 'attendance')}: {_spelt_counts(plan)}."
    if plan.count("unmatched"):
        sums += f" {counted(plan.count('unmatched'), 'row waits', 'rows wait')} until staff say who it is."
    if plan.walk_ins:
        sums += (
            f" {counted(plan.walk_ins, 'person is', 'people are')} not in the community yet: Moodle's enrolment with a"
            " participant's role makes these minutes count."
        )
    if plan.visitors:
        sums += (
            f" {counted(plan.visitors, 'visitor', 'visitors')} at sessions that are open to others: recorded, and no"
            " members."
        )
    return sums


def _tell_attendance(plan: AttendancePlan) -> None:
    sessions = [
        (m.code, m.title or "", local(m.starts_at, m.timezone), m.timezone, m.mode, m.module[1] if m.module else "")
        for _, m in [*plan.sessions, *plan.linked]
    ]
    if sessions:
        table("Sessions", ("session", "title", "starts", "time zone", "mode", "activity"), sessions)
    rows = [
        (p.line, p.meeting.code, f.action, before, there(p.minutes, p.status, p.mode))
        for f in plan.facts
        for p, before in ((f.presence, there(f.before, f.before_status, f.before_mode)),)
    ]
    if rows:
        table("Attendance", ("line", "session", "what", "before", "minutes"), rows, right=("line", "before", "minutes"))


def _tell_milestones(plan: MilestonePlan) -> None:
    rows = [
        (p.line, m.code, m.subject[0], m.cycle, p.action, minute(m.happened_at), len(m.evidence))
        for p in plan.milestones
        for m in (p.milestone,)
    ]
    if rows:
        columns = ("line", "milestone", "of", "cycle", "what", "when", "evidence")
        table("Milestones", columns, rows, right=("line", "evidence"))


def _tell_organisations(plan: OrganisationPlan) -> None:
    rows: list[tuple[object, ...]] = []
    for planned in plan.organisations:
        if planned.action == "new":
            rows.append((planned.line, planned.code, "new", "", planned.values["name"]))
        rows += [
            (planned.line, planned.code, "changed", change.column, f"{change.before or '-'} -> {change.after or '-'}")
            for change in planned.changes
        ]
    if rows:
        table("Organisations", ("line", "code", "what", "column", "before -> after"), rows, right=("line",))


def _attendance_as_data(plan: AttendancePlan) -> dict[str, object]:
    return {
        "sessions": [
            {"session": m.code, "community": m.community_id, "starts_at": m.starts_at.isoformat(), "mode": m.mode}
            for _, m in plan.sessions
        ],
        "counts": _counts(plan),
        "walk_ins": plan.walk_ins,
        "visitors": plan.visitors,
        "rows": [
            {
                "line": f.presence.line,
                "session": f.presence.meeting.code,
                "account": f.presence.account_id,
                "action": f.action,
                "before": f.before,
                "minutes": f.presence.minutes,
                "status": f.presence.status,
                "attended_as": f.presence.mode,
            }
            for f in plan.facts
        ],
    }


def _milestones_as_data(plan: MilestonePlan) -> list[dict[str, object]]:
    return [
        {
            "line": p.line,
            "key": p.milestone.key,
            "action": p.action,
            "happened_at": p.milestone.happened_at.isoformat(),
            "evidence": [{"kind": kind, "value": value} for kind, value in p.milestone.evidence],
        }
        for p in plan.milestones
    ]


def _organisations_as_data(plan: OrganisationPlan) -> list[dict[str, object]]:
    return [
        {
            "line": planned.line,
            "code": planned.code,
            "action": planned.action,
            "changes": [{"column": c.column, "before": c.before, "after": c.after} for c in planned.changes],
        }
        for planned in plan.organisations
    ]
