"""`copbridge review`: what waits for staff about attendance, and what can be done about it."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.queues import QueueName
from mappings.attending import Way
from records import review, review_acts
from records.actor import CLI, Role
from records.deciding import By
from records.deciding_presence import Choice
from records.models import Account
from records.review import Filter
from records.review_acts import NotThere, ReviewError
from records.review_items import Conflict, Named, Review, Unmatched, Waits
from records.sites import find_site
from service.cli.errors import UserError
from service.cli.lookup import find_communities
from service.cli.opening import Opened, records
from service.cli.output import clean, counted, hours, local, say, say_json, table

group = typer.Typer(help="Attendance that waits for somebody to look at it.", no_args_is_help=True)

PresenceId = Annotated[UUID, typer.Argument(help="Its id: see `review list`.", metavar="ID")]
AccountName = Annotated[str, typer.Argument(help="SITE:MOODLE_ID, or an account's id.", metavar="ACCOUNT")]
Reason = Annotated[str, typer.Option(help="Why: it is kept.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="review")


@group.command("list")
def list_waiting(
    community: Annotated[str, typer.Option(help="Only of this one: its course's ID number, or its id.")] = "",
    kind: Annotated[Waits | None, typer.Option(help="Only of this kind.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """List what waits: people nobody knows, reports that disagree, what is held back, and who isn't enrolled yet."""
    with records() as opened, opened.transaction() as session:
        only = find_communities(session, community)[0] if community else None
        found = review.waiting(session, CLI, Filter(only, kind=kind))
    if as_json:
        say_json(_as_data(found))
        return
    if not any(found.counts.values()):
        say("Nothing waits.")
    if found.unmatched:
        rows = [
            (one.presence_id, one.meeting.code, _who(one.who.as_json()), ", ".join(one.ways), _likely(found, one))
            for one in found.unmatched
        ]
        table("Nobody knows them:", ("id", "session", "as reported", "by", "perhaps"), rows)
    if found.conflicts:
        told = [(c.meeting.id, c.meeting.code, _account(c.person), _sides(c)) for c in found.conflicts]
        table("Reports that disagree:", ("session id", "session", "account", "what each says, * counts"), told)
    if found.held:
        back = [(h.presence_id, h.meeting.code, _account(h.person), h.why, h.way) for h in found.held]
        table("Held back:", ("id", "session", "account", "why", "by"), back)
    if found.walk_ins:
        came = [
            (w.meeting.code, local(w.meeting.starts_at, w.meeting.timezone), _account(w.person)) for w in found.walk_ins
        ]
        table("Came, and not enrolled yet:", ("session", "when", "account"), came)


@group.command()
def match(presence: PresenceId, account: AccountName) -> None:
    """Say who somebody is whom a report names."""

    def act(session: Session) -> str:
        rows = review_acts.match(session, CLI, presence, _find_account(session, account))
        return f"Matched: {counted(rows, 'row')}."

    _do(act)


@group.command()
def accept(presence: PresenceId) -> None:
    """Let count what is held back."""

    def act(session: Session) -> str:
        review_acts.accept(session, CLI, presence)
        return "It counts now."

    _do(act)


@group.command()
def dismiss(presence: PresenceId, reason: Reason) -> None:
    """Withdraw what waits: it is nobody's, or shall not count."""

    def act(session: Session) -> str:
        return f"Dismissed: {counted(review_acts.dismiss(session, CLI, presence, reason), 'row')}."

    _do(act)


@group.command()
def decide(
    meeting: Annotated[UUID, typer.Argument(help="The session's id: see `review list`.", metavar="SESSION")],
    account: AccountName,
    reason: Reason,
    take: Annotated[Way | None, typer.Option(help="Take what this way says.")] = None,
    minutes: Annotated[int | None, typer.Option(help="Whole minutes, in place of any report.")] = None,
    status: Annotated[str, typer.Option(help="A status that the program weighs.")] = "",
) -> None:
    """Decide what counts of somebody at a session. `decision undo` takes it back."""
    if (take is None) == (minutes is None and not status):
        raise UserError("Say either --take, or --minutes or --status.", code=2)

    def act(session: Session) -> str:
        choice = Choice(meeting, _find_account(session, account), take, minutes, status or None)
        review_acts.decide_one(session, CLI, choice, By(CLI, Role.IT, reason, Opened.now()))
        return "Decided. The hours are being computed again."

    _do(act)


def _do(act: Callable[[Session], str]) -> None:
    """Carry an act out, and have the hours be computed again."""
    with records() as opened:
        try:
            with opened.transaction() as session:
                said = act(session)
        except NotThere as err:
            raise UserError("There is nothing of that id, or nobody of that name there: see `review list`.") from err
        except ReviewError as err:
            raise UserError(str(err)) from err
        opened.wake(QueueName.RECONCILE)
    say(said)


def _find_account(session: Session, text: str) -> UUID:
    site, _, number = text.rpartition(":")
    if not site:
        try:
            return UUID(text)
        except ValueError as err:
            raise UserError(f"'{clean(text)}' is neither an account's id nor SITE:MOODLE_ID.", code=2) from err
    if not number.isascii() or not number.isdigit() or len(number) > 18:
        raise UserError(f"'{clean(number)}' is not a Moodle user id.", code=2)
    of_site = (Account.site_id == find_site(session, site).id, Account.moodle_user_id == int(number))
    found = session.scalar(select(Account.id).where(*of_site))
    if found is None:
        raise UserError(f"The site '{clean(site)}' has no account {number} that we know of.")
    return found


def _who(said: dict[str, str]) -> str:
    return " ".join(said.values()) or "-"


def _account(person: Named) -> str:
    return f"{person.account} {person.name}".strip()


def _likely(found: Review, one: Unmatched) -> str:
    said = (f"{_account(found.people[s.account_id])} ({', '.join(s.reasons)})" for s in one.suggestions)
    return "; ".join(said) or "-"


def _sides(one: Conflict) -> str:
    return ", ".join(f"{'*' if side.stands else ''}{side.said.way} {hours(side.minutes)}" for side in one.sides)


def _as_data(found: Review) -> dict[str, object]:
    """Everything in JSON; minutes are whole."""
    return {
        "counts": {str(kind): number for kind, number in found.counts.items()},
        "unmatched": [
            {
                "id": one.presence_id,
                "session": one.meeting.id,
                "who": one.who.as_json(),
                "ways": one.ways,
                "minutes": one.minutes,
                "suggestions": [
                    {"account": s.account_id, "score": s.score, "reasons": s.reasons} for s in one.suggestions
                ],
            }
            for one in found.unmatched
        ],
        "conflicts": [
            {
                "session": one.meeting.id,
                "account": one.person.account_id,
                "decided": one.decided,
                "says": {
                    str(s.said.way): {
                        "minutes": s.said.minutes,
                        "status": s.said.status,
                        "earns": s.minutes,
                        "counts": s.stands,
                    }
                    for s in one.sides
                },
            }
            for one in found.conflicts
        ],
        "held": [
            {"id": one.presence_id, "session": one.meeting.id, "account": one.person.account_id, "why": one.why}
            for one in found.held
        ],
        "walk_ins": [{"session": one.meeting.id, "account": one.person.account_id} for one in found.walk_ins],
    }
