"""Sites and their secrets: through the functions, and through `copbridge site`."""

import base64
from uuid import UUID, uuid4

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from records import secrets, sites
from records.actor import CLI
from records.models import AuditEntry, Site, SiteSecret
from records.secrets import Purpose, SecretError
from records.settings import Settings
from records.sites import SiteError
from service.intake.sites import KnownSite, is_this_site
from tests.support.cli import Cli


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


def key(settings: Settings) -> SecretStr:
    return settings.encryption_key


def test_adding_a_site_prints_address_and_secret_once(cli: Cli, engine: Engine, settings: Settings) -> None:
    answer = cli("site", "add", "moodle", "--wwwroot", "https://moodle.example.org/", "--name", "Our Moodle", "--json")
    assert answer.code == 0
    assert answer.data["address"] == "http://bridge.example.org/webhooks/moodle/events"
    secret = answer.data["secret"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    with Session(engine) as session:
        site = sites.find_site(session, "moodle")
        assert site.wwwroot == "https://moodle.example.org"
        assert secrets.active_secrets(session, site.id, "wire", key(settings)) == [secret]
    assert secret not in cli("site", "list", "--json").out
    assert secret not in cli("site", "list").out


def test_a_token_comes_from_standard_input_and_is_encrypted(cli: Cli, engine: Engine, settings: Settings) -> None:
    token = "0123456789abcdef0123456789abcdef"
    arguments = ("--wwwroot", "https://moodle.example.org", "--name", "Our Moodle", "--token-from-stdin")
    answer = cli("site", "add", "moodle", *arguments, stdin=f"{token}\n")
    assert answer.code == 0
    assert token not in answer.out
    with Session(engine) as session:
        site_id = sites.find_site(session, "moodle").id
        assert secrets.active_secrets(session, site_id, "web_services", key(settings)) == [token]
        assert all(token.encode() not in row.ciphertext for row in secrets.listed(session, site_id))
        told = session.scalars(select(AuditEntry)).all()
        assert token not in str([(entry.before, entry.after) for entry in told])


def test_an_empty_token_adds_no_site(cli: Cli, engine: Engine) -> None:
    arguments = ("--wwwroot", "https://moodle.example.org", "--name", "Our Moodle", "--token-from-stdin")
    assert cli("site", "add", "moodle", *arguments, stdin="\n").code == 1
    with Session(engine) as session:
        assert session.scalar(select(func.count()).select_from(Site)) == 0


@pytest.mark.parametrize(
    ("slug", "wwwroot", "says"),
    [
        ("Moodle", "https://moodle.example.org", "lower-case letters"),
        ("moo dle", "https://moodle.example.org", "lower-case letters"),
        ("moodle", "moodle.example.org", "not an address"),
        ("moodle", "ftp://moodle.example.org", "not an address"),
        ("moodle", "https://", "not an address"),
        ("moodle", "https://moodle.example.org:port", "not an address"),
        ("moodle", "https://moodle.example.org/?a=1", "no user name"),
        ("moodle", "https://me:pass@moodle.example.org", "no user name"),
        ("moodle", "https://moodle.example.org/" + "a" * 255, "longer than"),
        ("taken", "https://other.example.org", "belongs to the site"),
        ("moodle", "https://TAKEN.example.org/", "belongs to the site 'taken'"),
    ],
)
def test_a_wrong_or_taken_site_is_refused_in_one_sentence(cli: Cli, slug: str, wwwroot: str, says: str) -> None:
    assert cli("site", "add", "taken", "--wwwroot", "https://taken.example.org", "--name", "Taken").code == 0
    answer = cli("site", "add", slug, "--wwwroot", wwwroot, "--name", "A site")
    assert answer.code == 1
    assert says in answer.err
    assert answer.err.count("\n") == 1


def test_rotating_a_secret(cli: Cli, engine: Engine, settings: Settings) -> None:
    first = cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M", "--json").data["secret"]
    second = cli("site", "secret", "add", "m", "--json").data
    with Session(engine) as session:
        site_id = sites.find_site(session, "m").id
        assert secrets.active_secrets(session, site_id, "wire", key(settings)) == [second["secret"], first]
        old = next(row.id for row in secrets.listed(session, site_id) if str(row.id) != second["id"])
    assert cli("site", "secret", "retire", "m", str(old)).code == 0
    with Session(engine) as session:
        assert secrets.active_secrets(session, site_id, "wire", key(settings)) == [second["secret"]]
    last = cli("site", "secret", "retire", "m", second["id"])
    assert last.code == 1
    assert "last active wire secret" in last.err
    assert cli("site", "secret", "retire", "m", str(old)).code == 1
    assert cli("site", "secret", "retire", "m", second["id"], "--last").code == 0


def test_a_shared_token_for_local_webhooks(cli: Cli) -> None:
    cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M")
    made = cli("site", "secret", "add", "m", "--purpose", "local_webhooks", "--json").data
    assert len(made["secret"]) >= 43
    assert cli("site", "secret", "add", "m", "--purpose", "web_services").code == 2


def test_another_encryption_key_is_told_and_shows_nothing(engine: Engine, cli: Cli) -> None:
    cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M")
    with Session(engine) as session:
        site_id = sites.find_site(session, "m").id
        with pytest.raises(SecretError, match="another ENCRYPTION_KEY"):
            secrets.active_secrets(session, site_id, "wire", SecretStr(Fernet.generate_key().decode()))
        with pytest.raises(SecretError, match="not a Fernet key"):
            secrets.active_secrets(session, site_id, "wire", SecretStr("short"))


def test_secrets_are_in_no_repr(engine: Engine, settings: Settings) -> None:
    with Session(engine) as session, session.begin():
        site = sites.add_site(session, "m", "M", "https://m.example.org", actor=CLI)
        row = secrets.keep_secret(session, site.id, Purpose.WEB_SERVICES, "the-token", key(settings))
        assert "the-token" not in repr(row) + str(row) + repr(site)


def refuse(engine: Engine, epoch: UUID, wwwroot: str) -> None:
    with engine.begin() as connection:
        connection.execute(update(Site).values(refused_epoch=epoch, refused_wwwroot=wwwroot, refused_at=func.now()))


def test_confirming_a_refused_sender(cli: Cli, engine: Engine) -> None:
    cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M")
    epoch = uuid4()
    nothing = cli("site", "confirm", "m", "--epoch", str(epoch))
    assert nothing.code == 1
    assert "nothing to confirm" in nothing.err
    refuse(engine, epoch, "https://m.example.org/")
    assert str(epoch) in cli("site", "list").out
    assert cli("site", "confirm", "m", "--epoch", str(uuid4())).code == 1
    assert cli("site", "confirm", "m", "--epoch", str(epoch)).code == 0
    with Session(engine) as session:
        site = sites.find_site(session, "m")
        assert (site.epoch, site.wwwroot, site.refused_epoch) == (epoch, "https://m.example.org", None)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "site.confirm")).one()
        assert entry.after == {"epoch": str(epoch), "wwwroot": "https://m.example.org"}


def test_another_address_is_only_taken_when_it_is_named(cli: Cli, engine: Engine) -> None:
    cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M")
    cli("site", "add", "n", "--wwwroot", "https://n.example.org", "--name", "N")
    epoch = uuid4()
    with engine.begin() as connection:
        where = update(Site).where(Site.slug == "m")
        connection.execute(where.values(refused_epoch=epoch, refused_wwwroot="https://new.example.org"))
    silent = cli("site", "confirm", "m", "--epoch", str(epoch))
    assert silent.code == 1
    assert "--wwwroot https://new.example.org" in silent.err
    assert cli("site", "confirm", "m", "--epoch", str(epoch), "--wwwroot", "https://new.example.org/").code == 0
    with Session(engine) as session:
        assert sites.find_site(session, "m").wwwroot == "https://new.example.org"
    with engine.begin() as connection:
        where = update(Site).where(Site.slug == "m")
        connection.execute(where.values(refused_epoch=epoch, refused_wwwroot="https://n.example.org"))
    with Session(engine) as session, session.begin(), pytest.raises(SiteError, match="belongs to the site 'n'"):
        sites.confirm_epoch(session, sites.find_site(session, "m"), epoch, actor=CLI, wwwroot="https://n.example.org")


def test_an_unknown_site_names_the_known_ones(cli: Cli) -> None:
    cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M")
    answer = cli("site", "secret", "add", "other")
    assert (answer.code, "sites: m" in answer.err) == (1, True)


def test_every_secret_is_kept_encrypted(cli: Cli, engine: Engine, settings: Settings) -> None:
    made = cli("site", "add", "m", "--wwwroot", "https://m.example.org", "--name", "M", "--json").data["secret"]
    with Session(engine) as session:
        row = session.scalars(select(SiteSecret)).one()
    assert made.encode() not in row.ciphertext
    assert Fernet(key(settings).get_secret_value()).decrypt(row.ciphertext).decode() == made


def test_a_first_batch_that_another_thread_overtakes_comes_from_the_site_all_the_same(engine: Engine) -> None:
    """The epoch becomes known between two looks at it."""
    epoch, wwwroot = UUID("018f6c2e-0000-7000-8000-0000000000aa"), "https://m.example.org"

    class Overtaken(KnownSite):
        looks = 0

        def __getattribute__(self, name: str) -> object:
            if name != "epoch":
                return super().__getattribute__(name)
            Overtaken.looks += 1
            return None if Overtaken.looks == 1 else epoch

    with Session(engine) as session, session.begin():
        row = Site(slug="m", name="M", wwwroot=wwwroot, epoch=epoch)
        session.add(row)
        session.flush()
        site = Overtaken(row.id, wwwroot, None, {})
    assert is_this_site(engine, site, wwwroot, epoch)
    with Session(engine) as session:
        assert session.scalars(select(Site.refused_epoch)).one() is None
