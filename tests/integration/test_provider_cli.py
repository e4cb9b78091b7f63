"""`copbridge provider`: trusting a district's sign-in, from the command line."""

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records.models import AuditEntry, Identity, IdentityProvider
from records.secrets import unseal
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.signing_in import EMAIL, make_user

ADD = ("provider", "add", "bay", "--name", "Bay District", "--issuer", "https://id.example.org", "--client-id", "c-1")
SECRET = "the district's secret"


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


def test_from_adding_to_switching_off(cli: Cli, engine: Engine, settings: Settings) -> None:
    added = cli(*ADD, "--domain", "@Bay.example.org", "--secret-from-stdin", stdin=f"{SECRET}\n")
    assert added.code == 0, added.err
    assert "http://bridge.example.org/sign-in/with/bay/back" in added.out
    assert SECRET not in added.out
    with Session(engine) as session:
        kept = session.scalars(select(IdentityProvider)).one()
        assert kept.client_secret
        assert unseal(kept.client_secret, settings.encryption_key) == SECRET
        assert kept.domains == ["bay.example.org"]
    listed = cli("provider", "list", "--json").data
    assert [(row["code"], row["active"], row["secret"], row["people"]) for row in listed] == [("bay", True, True, 0)]
    assert "Bay District" in cli("provider", "list").out
    assert cli(*ADD, "--domain", "bay.example.org").code == 1
    assert cli("provider", "switch-off", "bay").code == 0
    assert not cli("provider", "list", "--json").data[0]["active"]
    assert cli("provider", "switch-on", "bay").code == 0
    assert cli("provider", "switch-off", "nobody").code == 1
    with Session(engine) as session:
        told = session.scalars(
            select(AuditEntry.action).where(AuditEntry.action.like("provider%")).order_by(AuditEntry.id)
        )
        assert told.all() == ["provider.added", "provider.switched", "provider.switched"]


def test_it_can_say_who_is_who(cli: Cli, engine: Engine) -> None:
    make_user(engine, password=None)
    make_user(engine, "other@example.org", password=None)
    assert cli("provider", "list").out.startswith("There is none")
    # Whoever may name anybody can sign in as everybody: it has to be said, and not by the way.
    for unclear in ((), ("--domain", "example.org", "--any-domain")):
        refused = cli(*ADD, *unclear)
        assert (refused.code, "--any-domain" in refused.err) == (2, True), unclear
    assert "may name anybody" in cli(*ADD, "--any-domain").out
    assert cli("provider", "hold", "bay").code == 1
    assert "example.org" in cli("provider", "hold", "bay", "--domain", "Example.org").out
    assert cli("provider", "list", "--json").data[0]["domains"] == ["example.org"]
    assert cli("provider", "link", "bay", EMAIL, "--subject", "s-1").code == 0
    for wrong in (
        ("bay", EMAIL, "--subject", "s-2"),
        ("bay", "other@example.org", "--subject", "s-1"),
        ("bay", "other@example.org", "--subject", ""),
        ("bay", "nobody@example.org", "--subject", "s-3"),
        ("gone", EMAIL, "--subject", "s-3"),
    ):
        assert cli("provider", "link", *wrong).code == 1, wrong
    with Session(engine) as session:
        assert session.scalars(select(Identity.subject)).all() == ["s-1"]
    assert "any more" in cli("provider", "unlink", "bay", EMAIL).out
    assert "never" in cli("provider", "unlink", "bay", EMAIL).out
    assert cli(*ADD, "--any-domain", "--secret-from-stdin", stdin="\n").code == 2
