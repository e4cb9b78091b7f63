"""`copbridge binding`: changes of activities that would earn other minutes, and the decision on each."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from jobs.queues import QueueName
from mappings.facts import Activity
from records import bindings
from records.actor import CLI, Role
from service.cli.opening import records
from service.cli.output import hours, say, say_json, table

group = typer.Typer(help="Changed activities that would earn other minutes: decide on each.", no_args_is_help=True)
Id = Annotated[UUID, typer.Argument(help="The change's id: see `copbridge binding list`.", metavar="ID")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the decision.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="binding")


@group.command("list")
def list_bindings(as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False) -> None:
    """List the changes that wait for a decision, and how many credited minutes each would move."""
    with records() as opened, opened.transaction() as session:
        found = bindings.proposals(session, opened.now())
    if as_json:
        say_json([asdict(p) | {"change": p.minutes_after - p.minutes_before} for p in found])
        return
    if not found:
        say("No change of an activity waits for a decision.")
        return
    rows = [
        (
            p.id,
            p.module_id,
            f"{_form(p.now)}: {p.now_rule or 'earns nothing'}",
            f"{_form(p.then)}: {p.then_rule or 'earns nothing'}",
            p.members,
            hours(p.minutes_before),
            hours(p.minutes_after),
        )
        for p in found
    ]
    columns = ("id", "module", "counts now", "would count", "members", "now h:mm", "then h:mm")
    table("", columns, rows, right=("members", "now h:mm", "then h:mm"))


def _form(activity: Activity) -> str:
    return " / ".join(part for part in (activity.idnumber, activity.kind, activity.section, activity.name) if part)


@group.command()
def accept(binding: Id, reason: Reason) -> None:
    """Have the activity earn what its present form earns, for whoever completed it, at any date."""
    with records() as opened:
        with opened.transaction() as session:
            bindings.accept(session, binding, actor=CLI, role=Role.IT, reason=reason, now=opened.now())
        opened.wake(QueueName.RECONCILE)
    say("Accepted; the hours are being computed again.")


@group.command()
def reject(binding: Id, reason: Reason) -> None:
    """Have the activity go on earning what it earns now, and propose this form no more."""
    with records() as opened:
        with opened.transaction() as session:
            bindings.reject(session, binding, actor=CLI, role=Role.IT, reason=reason, now=opened.now())
        opened.wake(QueueName.RECONCILE)
    say("Rejected; nothing changes.")
