"""`copbridge provider`: districts whose own sign-in is trusted to say who somebody is (OpenID Connect)."""

import sys
from typing import Annotated, Any
from uuid import UUID

import typer
from sqlalchemy.orm import Session

from records import identities, users
from records.actor import CLI
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import say, say_json, table
from service.links import provider_answer

group = typer.Typer(help="Districts whose own sign-in may be used here (OpenID Connect).", no_args_is_help=True)
Code = Annotated[str, typer.Argument(help="The provider's short name here.", metavar="CODE")]
Email = Annotated[str, typer.Argument(help="The e-mail address that the user signs in with here.", metavar="EMAIL")]
AnyDomain = Annotated[bool, typer.Option("--any-domain", help="It may name anybody here, administrators among them.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="provider")


@group.command()
def add(
    code: Code,
    name: Annotated[str, typer.Option(help="What its button says.")],
    issuer: Annotated[str, typer.Option(help="The provider's issuer address, just as it writes it.")],
    client_id: Annotated[str, typer.Option(help="The client ID that the provider gave to CoP Bridge.")],
    secret_from_stdin: Annotated[
        bool, typer.Option("--secret-from-stdin", help="Read the client secret from standard input; none: PKCE alone.")
    ] = False,
    domain: Annotated[
        list[str] | None,
        typer.Option(help="It may name people with e-mail addresses of this domain; may be given more than once."),
    ] = None,
    any_domain: AnyDomain = False,
    as_json: AsJson = False,
) -> None:
    """Trust a provider: a button for it is on the sign-in page from now on."""
    if any_domain == bool(domain):
        raise UserError("Say whom it may name: either --domain, at least once, or --any-domain for anybody.", code=2)
    secret = sys.stdin.readline().strip() if secret_from_stdin else None
    if secret_from_stdin and not secret:
        raise UserError("There was no secret on standard input.", code=2)
    with records() as opened:
        with opened.transaction() as session:
            made = identities.add_provider(
                session,
                CLI,
                code,
                name=name,
                issuer=issuer,
                client_id=client_id,
                secret=secret,
                domains=domain or [],
                any_domain=any_domain,
                encryption_key=opened.settings.encryption_key,
            )
        back = provider_answer(opened.settings, made.code)
    if as_json:
        say_json({"provider": str(made.id), "code": made.code, "redirect_uri": back})
        return
    say(f"People can sign in with {made.name} now. Enter this redirect address at the provider:\n{back}")
    if not made.domains:
        say(f"It may name anybody who signs in here. `copbridge provider hold {made.code} --domain D` ends that.")


@group.command()
def hold(
    code: Code,
    domain: Annotated[list[str] | None, typer.Option(help="A domain of its e-mail addresses; once for each.")] = None,
    any_domain: AnyDomain = False,
) -> None:
    """Hold a provider to e-mail addresses of these domains, in place of those before. Whom it has named stays known."""
    with records() as opened, opened.transaction() as session:
        held = identities.hold_to(session, CLI, code, domain or [], any_domain=any_domain)
    say(f"'{code}' may name {'people of ' + ', '.join(held) if held else 'anybody'} from now on.")


@group.command(name="list")
def list_providers(as_json: AsJson = False) -> None:
    """The providers, and how many people each has named."""
    with records() as opened, opened.transaction() as session:
        rows: list[dict[str, Any]] = [
            {
                "code": provider.code,
                "name": provider.name,
                "issuer": provider.issuer,
                "client_id": provider.client_id,
                "secret": provider.client_secret is not None,
                "domains": provider.domains,
                "active": provider.active,
                "people": people,
            }
            for provider, people in identities.listed(session)
        ]
    if as_json:
        say_json(rows)
        return
    if not rows:
        say("There is none: everybody signs in with a password.")
        return
    shown = [
        (
            r["code"],
            "on" if r["active"] else "off",
            r["name"],
            r["issuer"],
            ", ".join(r["domains"]) or "any",
            r["people"],
        )
        for r in rows
    ]
    table("Providers", ("code", "is", "button", "issuer", "e-mail domains", "people"), shown, right=("people",))


@group.command(name="switch-off")
def switch_off(code: Code) -> None:
    """Trust it no more; whoever signed in with it is signed out."""
    ended = _switch(code, False)
    say(f"Nobody can sign in with '{code}' any more. {ended} sign-ins ended.")


@group.command(name="switch-on")
def switch_on(code: Code) -> None:
    """Trust it again."""
    _switch(code, True)
    say(f"People can sign in with '{code}' again.")


@group.command()
def link(
    code: Code,
    email: Email,
    subject: Annotated[str, typer.Option(help="The provider's own name for the user: `sub` in its ID tokens.")],
) -> None:
    """Say who a user is to a provider, where it doesn't vouch for e-mail addresses."""
    with records() as opened, opened.transaction() as session:
        identities.link(session, CLI, code, _user(session, email), subject)
    say(f"{email} can sign in with '{code}' now.")


@group.command()
def unlink(code: Code, email: Email) -> None:
    """Forget who a user is to a provider, such as after the district gave somebody a new account."""
    with records() as opened, opened.transaction() as session:
        known = identities.unlink(session, CLI, code, _user(session, email))
    say(f"{email} is nobody to '{code}' any more." if known else f"'{code}' has never named {email}.")


def _user(session: Session, email: str) -> UUID:
    user_id = users.find_user(session, email)
    if user_id is None:
        raise UserError(f"Nobody with the address {email} signs in here.")
    return user_id


def _switch(code: str, active: bool) -> int:
    with records() as opened, opened.transaction() as session:
        return identities.switch(session, CLI, code, active, opened.now())
