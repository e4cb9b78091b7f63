"""`copbridge user`: who may sign in."""

import re
from typing import Annotated

import typer

from records import users
from records.actor import CLI, Grant, Role, Scope
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import say, say_json
from service.links import setup_link

group = typer.Typer(help="The people who work in CoP Bridge. Participants stay in Moodle.", no_args_is_help=True)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MAX_EMAIL = 254


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="user")


@group.callback()
def _group() -> None:
    """Keep `invite` a command of the group while it is the only one."""


def parse_scope(text: str) -> tuple[Scope, str]:
    """`all`, `PROGRAM`, `PROGRAM/REGION` or `community:ID`. Raises ValueError."""
    if text == "all":
        return Scope.ALL, ""
    if text.startswith("community:"):
        return Scope.COMMUNITY, text.removeprefix("community:")
    return (Scope.REGION if "/" in text else Scope.PROGRAM), text


@group.command()
def invite(
    email: Annotated[str, typer.Argument(help="The e-mail address to sign in with.", metavar="EMAIL")],
    name: Annotated[str, typer.Option(help="The person's name.")] = "",
    role: Annotated[list[Role] | None, typer.Option(help="What the person is; may be given more than once.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="all, PROGRAM, PROGRAM/REGION or community:ID; may be given more than once. Default: all."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON.")] = False,
) -> None:
    """Invite somebody: print a one-time link at which to set a password.

    For somebody who is known already, without --role: print a new link; earlier ones stop working.
    """
    if not EMAIL.fullmatch(email) or len(email) > MAX_EMAIL or not email.isprintable():
        raise UserError(f"'{email}' is not an e-mail address.", code=2)
    grants = _grants(role or [], scope or ["all"])
    with records() as opened:
        hours = opened.settings.setup_link_hours
        with opened.transaction() as session:
            user_id = users.find_user(session, email)
            if user_id and grants:
                raise UserError(f"{email} is known already: leave out --role to print a new link.")
            if user_id is None:
                if not grants or not name.strip():
                    raise UserError("Somebody new needs --name and at least one --role.", code=2)
                user_id = users.create_user(session, CLI, email, name, grants)
            try:
                token = users.make_setup_link(session, CLI, user_id, now=opened.now(), hours=hours)
            except users.UnknownUser as err:
                raise UserError(f"{email} was switched off.") from err
        link = setup_link(opened.settings, token)
    if as_json:
        say_json({"user": str(user_id), "link": link, "hours": hours})
        return
    say(f"Set a password once, within {hours} hours:\n{link}")


def _grants(roles: list[Role], scopes: list[str]) -> list[Grant]:
    try:
        return [Grant(role, *parse_scope(scope)) for role in roles for scope in scopes]
    except ValueError as err:
        raise UserError(f"{err}: expected all, PROGRAM, PROGRAM/REGION or community:ID.", code=2) from err
