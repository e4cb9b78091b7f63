"""`copbridge user`: who may sign in, as what."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from jobs.queues import QueueName
from records import granting, users
from records.actor import CLI, Grant, Role, Scope
from records.granting import Fault, GrantError
from records.queries.users import Listed, Wanted, listed
from service import inviting
from service.cli.errors import UserError
from service.cli.opening import Opened, records
from service.cli.output import minute, say, say_json, table
from service.inviting import Invited

group = typer.Typer(help="The people who work in CoP Bridge. Participants stay in Moodle.", no_args_is_help=True)
A_PAGE = 500
Email = Annotated[str, typer.Argument(help="The e-mail address to sign in with.", metavar="EMAIL")]
Roles = Annotated[list[Role] | None, typer.Option("--role", help="What the person is; may be given more than once.")]
Scopes = Annotated[
    list[str] | None,
    typer.Option(
        "--scope", help="all, PROGRAM, PROGRAM/REGION or community:ID; may be given more than once. Default: all."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
FAULTS = {
    Fault.UNKNOWN: "{email} doesn't have this role there: see `copbridge user list`.",
    Fault.LAST: "Nobody else has this role everywhere: give it to somebody else first.",
    Fault.OFF: "{email} was switched off: see `copbridge user reactivate`.",
    Fault.THERE: "{email} is so already.",
}


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="user")


def parse_scope(text: str) -> tuple[Scope, str]:
    """`all`, `PROGRAM`, `PROGRAM/REGION` or `community:ID`. Raises ValueError."""
    if text == "all":
        return Scope.ALL, ""
    if text.startswith("community:"):
        return Scope.COMMUNITY, str(UUID(text.removeprefix("community:")))
    return (Scope.REGION if "/" in text else Scope.PROGRAM), text


def shown_scope(grant: Grant) -> str:
    """A grant's scope as `parse_scope` reads it."""
    return f"community:{grant.scope}" if grant.scope_kind is Scope.COMMUNITY else grant.scope or "all"


@group.command()
def invite(
    email: Email,
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    role: Roles = None,
    scope: Scopes = None,
    no_mail: Annotated[bool, typer.Option("--no-mail", help="Print the link, though mail could be sent.")] = False,
    as_json: AsJson = False,
) -> None:
    """Invite somebody: mail a one-time link at which to set a password, or print it where no mail server is set.

    For somebody who is known already, without --role: a new link; earlier ones stop working.
    """
    if not users.is_address(email):
        raise UserError(f"'{email}' is not an e-mail address.", code=2)
    grants = _grants(role or [], scope or ["all"])
    with records() as opened:
        # A file in a folder reaches nobody: whoever sits at the server gets the link at once.
        by_mail = bool(opened.settings.smtp_host) and not no_mail
        with opened.transaction() as session:
            user_id = _known_or_new(session, email, name, grants)
            try:
                made = inviting.send_link(session, opened.settings, CLI, user_id, opened.now(), by_mail=by_mail)
            except users.UnknownUser as err:
                raise UserError(f"{email} was switched off.") from err
        if made.mailed:
            opened.wake(QueueName.MAIL)
    _say_invited(made, email, as_json=as_json)


def _known_or_new(session: Session, email: str, name: str, grants: list[Grant]) -> UUID:
    user_id = users.find_user(session, email)
    if user_id and grants:
        raise UserError(f"{email} is known already: leave out --role for a new link, or see `copbridge user grant`.")
    if user_id is not None:
        return user_id
    if not grants or not name.strip():
        raise UserError("Somebody new needs --name and at least one --role.", code=2)
    return users.create_user(session, CLI, email, name, grants)


def _say_invited(made: Invited, email: str, *, as_json: bool) -> None:
    link = None if made.mailed else made.link
    if as_json:
        say_json({"user": str(made.user_id), "link": link, "hours": made.hours, "mailed": made.mailed})
    elif made.mailed:
        say(f"A mail to {email} is on its way: the link in it sets a password once, within {made.hours} hours.")
    else:
        say(f"Set a password once, within {made.hours} hours:\n{link}")


def _grants(roles: list[Role], scopes: list[str]) -> list[Grant]:
    try:
        return [Grant(role, *parse_scope(scope)) for role in roles for scope in scopes]
    except ValueError as err:
        raise UserError(f"{err}: expected all, PROGRAM, PROGRAM/REGION or community:ID.", code=2) from err


@group.command("list")
def list_users(
    role: Annotated[Role | None, typer.Option(help="Only those with this role.")] = None,
    off: Annotated[bool, typer.Option("--off", help="Those who were switched off.")] = False,
    as_json: AsJson = False,
) -> None:
    """Who signs in, with which roles, and when last."""
    with records() as opened, opened.transaction() as session:
        lines = [line for found in _pages(session, role, off=off) for line in found.lines]
    if as_json:
        say_json(
            [
                {
                    "user": str(line.id),
                    "email": line.email,
                    "name": line.name,
                    "active": line.active,
                    "grants": [{"role": str(g.role), "scope": shown_scope(g)} for g in line.grants],
                    "last_sign_in": line.last_sign_in,
                }
                for line in lines
            ]
        )
        return
    rows = [
        (
            line.email,
            line.name,
            "; ".join(f"{grant.role} {shown_scope(grant)}" for grant in line.grants),
            "invited" if line.invited else minute(line.last_sign_in),
        )
        for line in lines
    ]
    table("", ("e-mail", "name", "roles", "last sign-in"), rows)


def _pages(session: Session, role: Role | None, *, off: bool) -> Iterator[Listed]:
    found = listed(session, CLI, Wanted(role=role, off=off), size=A_PAGE)
    yield found
    while found.after:
        found = listed(session, CLI, Wanted(role=role, off=off, after=found.after), size=A_PAGE)
        yield found


@contextmanager
def _about(email: str) -> Iterator[tuple[Opened, Session, UUID]]:
    """Somebody's account in a transaction; what stands in the way becomes a sentence."""
    with records() as opened:
        try:
            with opened.transaction() as session:
                user_id = users.find_user(session, email)
                if user_id is None:
                    raise UserError(f"Nobody signs in as {email}: see `copbridge user list`.")
                yield opened, session, user_id
        except GrantError as err:
            raise UserError(FAULTS[err.fault].format(email=email)) from err


@group.command()
def deactivate(email: Email) -> None:
    """Switch an account off: its sign-ins, links and tokens end at once; what was done stays."""
    with _about(email) as (opened, session, user_id):
        granting.switch_off(session, CLI, user_id, opened.now())
    say(f"{email} is switched off.")


@group.command()
def reactivate(email: Email) -> None:
    """Switch an account on again, with the roles that it had."""
    with _about(email) as (_opened, session, user_id):
        granting.switch_on(session, CLI, user_id)
    say(f"{email} is switched on.")


@group.command()
def grant(email: Email, role: Roles = None, scope: Scopes = None) -> None:
    """Give somebody more roles."""
    wanted = _wanted(role, scope)
    with _about(email) as (_opened, session, user_id):
        for each in wanted:
            granting.give(session, CLI, user_id, each)
    say(f"Given to {email}: {_told(wanted)}.")


@group.command()
def withdraw(email: Email, role: Roles = None, scope: Scopes = None) -> None:
    """Take roles from somebody."""
    wanted = _wanted(role, scope)
    with _about(email) as (_opened, session, user_id):
        for each in wanted:
            granting.withdraw(session, CLI, user_id, each)
    say(f"Withdrawn from {email}: {_told(wanted)}.")


def _wanted(roles: list[Role] | None, scopes: list[str] | None) -> list[Grant]:
    wanted = _grants(roles or [], scopes or ["all"])
    if not wanted:
        raise UserError("Which role? Name it with --role.", code=2)
    return wanted


def _told(grants: list[Grant]) -> str:
    return ", ".join(f"{grant.role} {shown_scope(grant)}" for grant in grants)
