"""`copbridge person`: forget a person for good, and keep the amounts; for merging see service.cli.merging."""

from collections.abc import Iterator
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from records.actor import CLI
from records.erasure import ErasureError, Plan, erase, plan_erasure
from records.forgotten import count_items, count_payloads, erased_among, redact_inbox
from service.cli.errors import UserError
from service.cli.lookup import UnknownAccount, find_person
from service.cli.opening import Opened, records
from service.cli.output import counted, minute, progress, say, table

group = typer.Typer(help="The people of the communities.", no_args_is_help=True)
WORD = "erase"


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="person")


@group.command("erase")
def erase_person(
    person: Annotated[str, typer.Argument(help="A person's id, or SITE:MOODLE_ID.", metavar="PERSON")],
    reason: Annotated[str, typer.Option(help="Why: kept for ever, so that it must not say who.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and do nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
) -> None:
    """Forget a person: names, keys and payloads go for good, the amounts stay.

    Nothing that Moodle says of the person later is taken in. It can't be undone. When it was
    interrupted, the same command does the rest.
    """
    with records() as opened:
        with opened.transaction() as session:
            plan = _plan(opened, session, person, reason)
        if plan is None or plan.erased_at:
            say(f"Erased already{f', on {minute(plan.erased_at)}' if plan else ''}.")
            if not dry_run:
                _redact(opened)
            return
        _tell(opened, plan)
        if dry_run:
            return
        if not yes and typer.prompt(f"This can't be undone. Type '{WORD}' to go on") != WORD:
            raise UserError("Nothing was erased.")
        try:
            with opened.transaction() as session:
                key = opened.settings.encryption_key
                erase(session, plan.person_id, actor=CLI, reason=reason, encryption_key=key, now=opened.now())
        except ErasureError as err:
            raise UserError(str(err)) from err
        say(f"Erased; the amounts of {plan.person_id} stay.")
        _redact(opened)


def _plan(opened: Opened, session: Session, person: str, reason: str) -> Plan | None:
    """What would go; None for a Moodle user who is known for having been erased."""
    try:
        return plan_erasure(session, find_person(session, person), reason)
    except UnknownAccount as err:
        if not erased_among(session, opened.settings.encryption_key, {err.key}):
            raise
        return None
    except ErasureError as err:
        raise UserError(str(err)) from err


def _tell(opened: Opened, plan: Plan) -> None:
    named = _watched(opened, count_payloads(opened.engine, set(plan.users)), "Reading the inbox")
    rows = [*plan.counts.items(), ("payloads in the inbox", named)]
    table(f"What goes with {plan.person_id}:", ("what", "how many"), rows, right=("how many",))


def _redact(opened: Opened) -> None:
    """Take erased people out of the inbox: it goes on where an interrupted run ended."""
    chunks = redact_inbox(opened.engine, opened.settings.encryption_key)
    done = _watched(opened, chunks, "Redacting the inbox")
    say(f"{counted(done, 'payload')} in the inbox deleted or redacted.")


def _watched(opened: Opened, chunks: Iterator[tuple[int, int]], what: str) -> int:
    """Run through chunks of the inbox with a progress bar; how many items were concerned."""
    with opened.transaction() as session:
        total = count_items(session)
    found = 0
    with progress(what) as advance:
        done = 0
        for looked_at, hit in chunks:
            done, found = done + looked_at, found + hit
            advance(done, total)
    return found
