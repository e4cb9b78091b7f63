"""`copbridge replay`: items of the inbox that were put aside are tried again."""

from dataclasses import asdict
from typing import Annotated

import typer

from jobs.queues import QueueName
from records.actor import CLI
from records.sites import find_site
from records.stuck import STATUSES, stuck
from records.stuck import replay as replay_items
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import counted, minute, say, say_json, table


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command()(replay)


def replay(
    ids: Annotated[list[int] | None, typer.Argument(help="Single items.", metavar="[ID]...")] = None,
    dead: Annotated[bool, typer.Option("--dead", help="Those that failed too often.")] = False,
    quarantined: Annotated[bool, typer.Option("--quarantined", help="Those that could not be used.")] = False,
    waiting: Annotated[bool, typer.Option("--waiting", help="Those whose course or module isn't known yet.")] = False,
    site: Annotated[str | None, typer.Option(help="Only those of this site.")] = None,
    list_only: Annotated[bool, typer.Option("--list", help="List counts and reasons, and replay nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Try items again that were put aside: dead letters, quarantine, waiting.

    What put an item aside is looked at again, so that it may end there again. What an unconfirmed copy
    of a site sent stays in quarantine until `copbridge site confirm`.
    """
    chosen = [name for name, wanted in zip(STATUSES, (dead, quarantined, waiting), strict=True) if wanted]
    if not (chosen or ids or list_only):
        raise UserError("Say which: --dead, --quarantined, --waiting, or the ids of items (--list shows them).", code=2)
    with records() as opened:
        with opened.transaction() as session:
            site_id = find_site(session, site).id if site else None
            if list_only:
                found = stuck(session, chosen or STATUSES, site_id)
                done = left = 0
            else:
                found = []
                done, left = replay_items(session, CLI, chosen or STATUSES, site_id, ids or ())
        if done:
            opened.wake(QueueName.INBOX)
    if list_only and as_json:
        say_json([asdict(item) for item in found])
    elif list_only:
        columns = ("site", "status", "reason", "waits for", "items", "oldest", "first id")
        rows = [(s.site, s.status, s.reason, s.waits_for, s.count, minute(s.oldest), s.first_id) for s in found]
        if rows:
            table("", columns, rows, right=("items", "first id"))
        else:
            say("Nothing is put aside.")
    elif as_json:
        say_json({"replayed": done, "unconfirmed": left})
    else:
        _tell(done, left)
    if ids and not list_only and done < len(set(ids)):
        raise typer.Exit(1)


def _tell(done: int, left: int) -> None:
    say(f"{counted(done, 'item')} due again.")
    if left:
        say(f"{counted(left, 'item')} stay in quarantine: an unconfirmed copy of the site sent them.")
