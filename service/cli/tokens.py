"""`copbridge token`: the tokens of the API, as IT sees them."""

from typing import Annotated
from uuid import UUID

import typer

from records import api_tokens, users
from records.actor import CLI
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, minute, say, say_json, table

group = typer.Typer(help="Tokens of the REST API. People make their own in the console.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="token")


@group.command("list")
def show(
    user: Annotated[str, typer.Option(help="Only this user's: the e-mail address.", metavar="EMAIL")] = "",
    every: Annotated[bool, typer.Option("--all", help="Those that have ended, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List tokens: whose, what for, what each may do, until when. Never themselves."""
    with records() as opened, opened.transaction() as session:
        user_id = users.find_user(session, user) if user else None
        if user and user_id is None:
            raise UserError(f"Nobody signs in with '{clean(user)}'.", code=2)
        now = opened.now()
        rows = [row for row in api_tokens.listed(session, user_id) if every or row.usable(now)]
    if as_json:
        say_json(
            {
                "tokens": [
                    {
                        "id": row.id,
                        "user": row.user_id,
                        "name": row.name,
                        "scopes": row.scopes,
                        "created_at": row.created_at,
                        "expires_at": row.expires_at,
                        "used_at": row.used_at,
                        "revoked_at": row.revoked_at,
                        "usable": row.usable(now),
                    }
                    for row in rows
                ]
            }
        )
        return
    if not rows:
        say("There is no token.")
        return
    cells = [
        (
            str(row.id),
            clean(row.email),
            clean(row.name),
            " ".join(row.scopes),
            minute(row.expires_at),
            minute(row.used_at) if row.used_at else "never",
            "" if row.usable(now) else "ended",
        )
        for row in rows
    ]
    table("", ("id", "user", "what for", "scopes", "ends", "used", ""), cells)


@group.command()
def revoke(
    token: Annotated[UUID, typer.Argument(help="The token's id: see `token list`.", metavar="TOKEN")],
    as_json: AsJson = False,
) -> None:
    """End a token at once."""
    with records() as opened, opened.transaction() as session:
        ended = api_tokens.revoke(session, CLI, token, opened.now())
    if not ended:
        raise UserError(f"There is no token {token} that could be revoked: see `copbridge token list`.", code=2)
    if as_json:
        say_json({"revoked": token})
        return
    say(f"Revoked {token}: whatever uses it stops working at once.")
