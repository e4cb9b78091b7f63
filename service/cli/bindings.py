"""`copbridge binding`: changes of activities that would earn other minutes, and the decision on each."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from jobs.queues import QueueName
from mappings.facts import Activity, Hours
from mappings.matching import HoursRefused
from records import bindings
from records.actor import CLI, Role
from service.cli.opening import records
from service.cli.output import hours, say, say_json, table

group = typer.Typer(help="Changed activities that would earn other minutes: decide on each.", no_args_is_help=True)
Id = Annotated[UUID, typer.Argument(help="The change's id: see `copbridge binding list`.", metavar="ID")]
Reason = Annotated[str, typer.Option(help="Why: it is kept with the decision.")]


WHY = {
    HoursRefused.TOO_FEW: "fewer than the program's min_hours",
    HoursRefused.TOO_MANY: "more than the program's max_hours",
    HoursRefused.UNKNOWN_COMPONENT: "the program has no such component",
    HoursRefused.NO_COMPONENT: "no component, and no rule matches",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="binding")


@group.command("list")
def list_bindings(as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False) -> None:
    """List the changes that wait for a decision, and how many credited minutes each would move."""
    with records() as opened, opened.transaction() as session:
        found = bindings.proposals(session, opened.now())
        left_out = len(bindings.refused_hours(session))
    if as_json:
        say_json([asdict(p) | {"change": p.minutes_after - p.minutes_before} for p in found])
        return
    if left_out:
        say(f"Hours in Moodle that are never taken: {left_out}. See `copbridge binding refused`.")
    if not found:
        say("No change of an activity waits for a decision.")
        return
    rows = [
        (
            p.id,
            p.module_id,
            f"{_form(p.now)}: {_earns(p.now_rule, p.now_hours)}",
            f"{_form(p.then)}: {_earns(p.then_rule, p.then_hours)}",
            p.members,
            hours(p.minutes_before),
            hours(p.minutes_after),
        )
        for p in found
    ]
    columns = ("id", "module", "counts now", "would count", "members", "now h:mm", "then h:mm")
    table("", columns, rows, right=("members", "now h:mm", "then h:mm"))


@group.command("refused")
def list_refused(as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False) -> None:
    """List the hours in activities' forms in Moodle that their program never takes, and why."""
    with records() as opened, opened.transaction() as session:
        found = bindings.refused_hours(session)
    if as_json:
        say_json([asdict(one) for one in found])
        return
    if not found:
        say("No hours in Moodle are refused.")
        return
    rows = [
        (one.module_id, _form(one.activity), one.program, hours(one.hours.minutes), one.hours.component, WHY[one.why])
        for one in found
    ]
    table("", ("module", "activity", "program", "h:mm", "component", "why"), rows, right=("h:mm",))


def _form(activity: Activity) -> str:
    return " / ".join(part for part in (activity.idnumber, activity.kind, activity.section, activity.name) if part)


def _earns(rule: str | None, stated: Hours | None) -> str:
    if rule is None or stated is None:
        return rule or "earns nothing"
    return f"{hours(stated.minutes)} {stated.component}".strip() + " as stated in Moodle"


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
