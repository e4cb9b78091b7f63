"""`copbridge period`: close periods, and decide about what comes late for them."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

import typer

from jobs.queues import QueueName
from records import closings
from records.actor import CLI
from records.closings import Late
from service.cli.errors import UserError
from service.cli.opening import Opened, records
from service.cli.output import counted, hours, minute, progress, say, say_json, table

group = typer.Typer(help="Close periods, and decide about what comes late for them.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
Reason = Annotated[str, typer.Option(help="Why; kept with the decision.")]
Program = Annotated[str, typer.Argument(help="A program's code.", metavar="PROGRAM")]
DAY = ["%Y-%m-%d"]
COLUMNS = ("closing", "period", "membership", "happened", "stands", "would be", "key")


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="period")


@group.command()
def close(
    program: Program,
    first: Annotated[datetime, typer.Option("--from", formats=DAY, help="The first day.")],
    last: Annotated[datetime, typer.Option("--until", formats=DAY, help="The last day, included.")],
    reason: Reason,
    label: Annotated[str, typer.Option(help="What people call it, such as 2025-26.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be closed, and do nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Close a period of a program: a snapshot with a hash. Afterwards nothing changes in it without a decision."""
    days = f"{first:%Y-%m-%d} to {last:%Y-%m-%d}"
    with records() as opened, opened.transaction() as session, progress("Taking the snapshot") as advance:
        now = opened.now()
        snapshot = closings.begin(session, program, first.date(), last.date(), label or days, now)
        for done, total in closings.fill(session, snapshot, now):
            advance(done, total)
        if not dry_run:
            closings.close(session, snapshot, actor=CLI, role="cli", reason=reason, now=now)
    if not dry_run:
        opened.wake(QueueName.RECONCILE)
    if as_json:
        data = {"closing": None if dry_run else snapshot.id, "memberships": len(snapshot.members)}
        say_json(data | {"minutes": snapshot.minutes, "sha256": snapshot.sha256})
        return
    what = f"{counted(len(snapshot.members), 'membership')} with {hours(snapshot.minutes)} in all"
    if dry_run:
        say(f"Would be closed: {days}, {what}.")
    else:
        say(f"Closed: {days}, {what}; closing {snapshot.id}, sha256 {snapshot.sha256}.")


@group.command("list")
def show(as_json: AsJson = False) -> None:
    """List closed periods, and whether each snapshot still is what was closed. Exit code 1 when one isn't."""
    with records() as opened, opened.transaction() as session:
        found = closings.closings(session)
    rows = [
        (row.id, code, row.label, minute(row.starts_at), minute(row.ends_at), "intact" if intact else "CHANGED")
        for row, code, intact in found
    ]
    columns = ("closing", "program", "period", "from", "until", "snapshot")
    if as_json:
        say_json([dict(zip(columns, map(str, row), strict=True)) for row in rows])
    elif rows:
        table("", columns, rows)
    else:
        say("No period is closed.")
    if not all(intact for _, _, intact in found):
        raise typer.Exit(1)


@group.command()
def late(
    program: Annotated[str | None, typer.Argument(help="A program's code.", metavar="[PROGRAM]")] = None,
    as_json: AsJson = False,
) -> None:
    """List what came late for closed periods: it changes nothing until it is let in."""
    with records() as opened:
        found = _late(opened, program)
    if as_json:
        say_json([_as_data(change) for change in found])
    elif found:
        table("", COLUMNS, [_cells(change) for change in found], right=("stands", "would be"))
    else:
        say("Nothing came late.")


@group.command()
def admit(
    closing: Annotated[UUID, typer.Argument(help="The closing's id: see `copbridge period list`.", metavar="CLOSING")],
    reason: Reason,
    membership: Annotated[UUID | None, typer.Option(help="Only this membership.")] = None,
    key: Annotated[str | None, typer.Option(help="Only this key.")] = None,
    as_json: AsJson = False,
) -> None:
    """Let late changes into a closed period: the snapshot stays, the ledger follows."""
    with records() as opened:
        wanted = [
            change
            for change in _late(opened, None)
            if change.closing_id == closing and membership in (None, change.membership_id) and key in (None, change.key)
        ]
        if not wanted:
            raise UserError("Nothing of that kind is late: see `copbridge period late`.")
        with opened.transaction() as session:
            for change in wanted:
                closings.admit(session, change, actor=CLI, role="cli", reason=reason, now=opened.now())
        opened.wake(QueueName.RECONCILE)
    if as_json:
        say_json([_as_data(change) for change in wanted])
    else:
        moved = sum(change.would_be - change.held for change in wanted)
        say(f"Let in: {counted(len(wanted), 'change')}, {hours(moved)} in all.")


def _late(opened: Opened, program: str | None) -> list[Late]:
    found: list[Late] = []
    with opened.transaction() as session, progress("Looking") as advance:
        for chunk, done, total in closings.late(session, program):
            found += chunk
            advance(done, total)
    return found


def _cells(change: Late) -> tuple[object, ...]:
    return (
        change.closing_id,
        change.label,
        change.membership_id,
        minute(change.happened_at),
        hours(change.held),
        hours(change.would_be),
        change.key,
    )


def _as_data(change: Late) -> dict[str, object]:
    return {
        "closing": change.closing_id,
        "period": change.label,
        "membership": change.membership_id,
        "key": change.key,
        "happened_at": change.happened_at.isoformat(),
        "held": change.held,
        "would_be": change.would_be,
    }
