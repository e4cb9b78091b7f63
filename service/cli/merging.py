"""`copbridge person merge` and `merges`: two people who are one."""

from typing import Annotated

import typer

from jobs.queues import QueueName
from mappings.program import Program
from records import merging
from records.actor import CLI, Role
from records.deciding import By, DecisionError
from records.merge_plan import AccountShown, Looked, MergePlan, plan_merge
from records.queries.merges import candidates, merges
from service.cli.errors import UserError
from service.cli.lookup import find_person
from service.cli.opening import records
from service.cli.output import clean, counted, hours, minute, say, table
from service.cli.people import group


def register(app: typer.Typer) -> None:
    """The commands of this module are part of `copbridge person`."""


@group.command()
def merge(
    person: Annotated[str, typer.Argument(help="Who goes over: an id, or SITE:MOODLE_ID.", metavar="FROM")],
    into: Annotated[str, typer.Argument(help="Who stays: an id, or SITE:MOODLE_ID.", metavar="INTO")],
    reason: Annotated[str, typer.Option(help="Why: kept with the decision; don't say who it is.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Say that two people are one: what either has earned counts in one place, each thing once.

    `copbridge decision undo` takes it back, to the minute.
    """
    with records() as opened:
        try:
            with opened.transaction() as session:
                ids = find_person(session, person), find_person(session, into)
                plan = plan_merge(session, *ids, actor=CLI, now=opened.now())
                session.rollback()
            _tell(plan)
            if dry_run:
                return
            if not yes:
                typer.confirm("Are they one person?", abort=True, err=True)
            with opened.transaction() as session:
                decision = merging.merge(session, *ids, By(CLI, Role.IT, reason, opened.now()))
        except DecisionError as err:
            raise UserError(str(err)) from err
        opened.wake(QueueName.RECONCILE)
    say(f"Decided: {decision}. The hours are being computed again.")


@group.command("merges")
def list_merges(
    suggest: Annotated[
        bool, typer.Option("--suggest", help="Instead: people whose accounts share an e-mail or an ID number.")
    ] = False,
) -> None:
    """List the merges that stand, the latest first; or people who may be one."""
    with records() as opened, opened.transaction() as session:
        columns: tuple[str, ...] = ("person", "may be", "the same")
        rows: list[tuple[object, ...]]
        if suggest:
            rows = [(c.one.id, c.other.id, ", ".join(c.keys)) for c in candidates(session, CLI)]
        else:
            columns = ("decision", "when", "person", "into")
            found = merges(session, CLI)
            rows = [(f.merged.id, minute(f.decided_at), f.merged.from_person, f.merged.into_person) for f in found]
    if rows:
        table("", columns, rows)
    else:
        say("Nobody shares an e-mail or an ID number." if suggest else "Nobody was merged.")


def _tell(plan: MergePlan) -> None:
    for title, accounts in (("Goes over", plan.from_accounts), ("Stays", plan.into_accounts)):
        table(f"{title}:", ("site", "user", "name", "e-mail", "idnumber"), [_account(a) for a in accounts])
    rows = [
        (
            _place(c.program, c.topic, c.region),
            _looked(c.theirs),
            _looked(c.own),
            _looked(c.after),
            "; ".join(f"{t.what} {clean(t.title)} {hours(t.minutes)}" for t in c.twice),
        )
        for c in plan.communities
    ]
    numbers = ("goes over", "stays", "as one")
    if rows:
        table("Hours:", ("community", *numbers, "counts once"), rows, right=numbers)
    less = sum(c.less for c in plan.communities)
    say(f"{counted(len(rows), 'membership')} afterwards; {hours(less)} hours fewer than both together.")


def _account(a: AccountShown) -> tuple[object, ...]:
    return a.site, a.moodle_user_id, a.name, a.email, a.idnumber


def _place(program: Program, topic: str, region: str) -> str:
    return f"{program.program} {topic} {region}"


def _looked(looked: Looked | None) -> str:
    return f"{hours(looked.minutes)} {looked.standing}" if looked else "-"
