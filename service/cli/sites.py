"""`copbridge site`: the Moodle sites of this installation and their secrets."""

import sys
from typing import Annotated
from uuid import UUID

import typer
from sqlalchemy import select
from sqlalchemy.orm import Session

from records import audit, secrets
from records import sites as records_sites
from records.actor import CLI
from records.models import Site, SiteSecret
from records.secrets import Purpose
from records.settings import Settings
from service.cli.doctor import needed_here
from service.cli.errors import UserError
from service.cli.opening import records
from service.cli.output import clean, counted, minute, say, say_json, table
from service.cli.site_guide import steps
from service.links import webhook_address

group = typer.Typer(help="The Moodle sites of this installation and their secrets.", no_args_is_help=True)
secret = typer.Typer(help="Add and retire the secrets of a site.", no_args_is_help=True)
group.add_typer(secret, name="secret")

Slug = Annotated[str, typer.Argument(help="The site's short name.", metavar="SLUG")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]

MADE_IN_MOODLE = (Purpose.WEB_SERVICES, Purpose.PROVISIONING)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.add_typer(group, name="site")


def _given() -> str:
    """A secret from standard input: an argument would be seen by everybody on the machine."""
    if sys.stdin.isatty():
        return str(typer.prompt("Token", hide_input=True))
    return sys.stdin.readline().strip()


@group.command()
def add(
    slug: Slug,
    wwwroot: Annotated[str, typer.Option(help="The address of the site, as in Moodle's config.php.")],
    name: Annotated[str, typer.Option(help="The site's name for people.")],
    token_from_stdin: Annotated[
        bool, typer.Option("--token-from-stdin", help="Read the site's web-services token from standard input.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a site, and print its webhook address and its secret, once, and what is to be done in Moodle."""
    token = _given() if token_from_stdin else None
    with records() as opened:
        made = secrets.make_secret(Purpose.WIRE)
        with opened.transaction() as session:
            site = records_sites.add_site(session, slug, name, wwwroot, actor=CLI)
            _keep(session, site, Purpose.WIRE, made, opened.settings)
            if token is not None:
                _keep(session, site, Purpose.WEB_SERVICES, token, opened.settings)
            asked = needed_here(session)
        events = webhook_address(opened.settings, slug)
    if as_json:
        say_json({"site": slug, "address": events, "secret": made})
        return
    say(f"Address  {events}\nSecret   {made}")
    say("The secret isn't shown again. `copbridge site secret add` makes another.")
    say("\n".join(steps(slug, events, asked, has_token=token is not None)))


def _keep(session: Session, site: Site, purpose: Purpose, value: str, settings: Settings) -> SiteSecret:
    row = secrets.keep_secret(session, site.id, purpose, value, settings.encryption_key)
    audit.record(session, CLI, "site.secret.added", str(site.id), after={"secret": str(row.id), "purpose": purpose})
    return row


@group.command("list")
def list_sites(as_json: AsJson = False) -> None:
    """List the sites: when each was heard of last, its secrets (never their values), a refused copy."""
    with records() as opened, opened.transaction() as session:
        sites = list(session.scalars(select(Site).order_by(Site.slug)))
        kept = {site.id: secrets.listed(session, site.id) for site in sites}
    if as_json:
        say_json([_as_data(site, kept[site.id]) for site in sites])
        return
    if not sites:
        say("There is no site yet: `copbridge site add` makes one.")
        return
    listed = [(site.slug, site.name, site.wwwroot, minute(site.last_received_at) or "never") for site in sites]
    table("", ("site", "name", "wwwroot", "last received"), listed)
    rows = [
        (site.slug, row.purpose, row.id, minute(row.created_at), minute(row.retired_at))
        for site in sites
        for row in kept[site.id]
    ]
    table("Secrets", ("site", "purpose", "id", "made", "retired"), rows)
    for site in sites:
        if site.refused_epoch:
            name = clean(site.refused_wwwroot)
            say(f"The site '{site.slug}' refused a sender that calls itself {name}, at {minute(site.refused_at)}.")
            say(f"If it is the site itself: copbridge site confirm {site.slug} --epoch {site.refused_epoch}")


def _as_data(site: Site, kept: list[SiteSecret]) -> dict[str, object]:
    refused = {"epoch": site.refused_epoch, "wwwroot": site.refused_wwwroot, "at": site.refused_at}
    return {
        "site": site.slug,
        "name": site.name,
        "wwwroot": site.wwwroot,
        "epoch": site.epoch,
        "last_received_at": site.last_received_at,
        "refused": refused if site.refused_epoch else None,
        "secrets": [
            {"id": row.id, "purpose": row.purpose, "created_at": row.created_at, "retired_at": row.retired_at}
            for row in kept
        ],
    }


@group.command()
def confirm(
    slug: Slug,
    epoch: Annotated[UUID, typer.Option(help="The refused sender's epoch: see `copbridge site list`.")],
    wwwroot: Annotated[
        str | None, typer.Option(help="The refused sender's address, where it isn't the site's: becomes the site's.")
    ] = None,
) -> None:
    """Take a sender that was refused as a copy for the site itself, from now on.

    What posted as the site before is refused from then on.
    """
    with records() as opened, opened.transaction() as session:
        site = records_sites.find_site(session, slug)
        records_sites.confirm_epoch(session, site, epoch, actor=CLI, wwwroot=wwwroot)
        waiting = records_sites.quarantined_copies(session, site.id)
    say(f"The site '{slug}' is the sender with the epoch {epoch} from now on.")
    if waiting:
        say(
            f"{counted(waiting, 'item')} in quarantine for this: `copbridge replay --quarantined --site {slug}`"
            " takes in those that this sender sent."
        )


@secret.command("add")
def add_secret(
    slug: Slug,
    purpose: Annotated[Purpose, typer.Option(help="What it is for.")] = Purpose.WIRE,
    from_stdin: Annotated[
        bool, typer.Option("--from-stdin", help="Read it from standard input instead of making it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Add a secret beside those that are active, and print it, once.

    To rotate: add one, give it to Moodle, and retire the old one. A web_services or provisioning token is
    made in Moodle and read from standard input.
    """
    if purpose in MADE_IN_MOODLE and not from_stdin:
        raise UserError(f"A {purpose} token is made in Moodle: give it with --from-stdin.", code=2)
    value = _given() if from_stdin else secrets.make_secret(purpose)
    if from_stdin and purpose is Purpose.WIRE and not value.startswith(secrets.WIRE_PREFIX):
        raise UserError(f"A wire secret begins with {secrets.WIRE_PREFIX}, followed by base64.")
    with records() as opened, opened.transaction() as session:
        site = records_sites.find_site(session, slug)
        row = _keep(session, site, purpose, value, opened.settings)
        secret_id = str(row.id)
    if as_json:
        say_json({"site": slug, "purpose": purpose, "id": secret_id} | ({} if from_stdin else {"secret": value}))
        return
    say(f"Id       {secret_id}" if from_stdin else f"Id       {secret_id}\nSecret   {value}")


@secret.command("retire")
def retire_secret(
    slug: Slug,
    secret_id: Annotated[UUID, typer.Argument(help="The secret's id: see `copbridge site list`.", metavar="ID")],
    last: Annotated[bool, typer.Option("--last", help="Also if it is the last active one of its purpose.")] = False,
) -> None:
    """Retire a secret: within seconds nothing that it signs is taken any more."""
    with records() as opened, opened.transaction() as session:
        site = records_sites.find_site(session, slug)
        row = secrets.retire_secret(session, site.id, secret_id)
        active = [s for s in secrets.listed(session, site.id) if s.purpose == row.purpose and s.retired_at is None]
        if not active and not last:
            raise UserError(
                f"That is the last active {row.purpose} secret of '{slug}': add another first, or say --last."
            )
        audit.record(session, CLI, "site.secret.retired", str(site.id), before={"secret": str(secret_id)})
    say(f"The secret {secret_id} is retired.")
