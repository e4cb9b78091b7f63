"""One's own account, and forgotten passwords: what ends, what is mailed, and what nobody learns."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from records import api_tokens, passwords, sign_ins, users
from records.actor import CLI, Actor, Grant, Role
from records.api_tokens import ApiScope
from records.models import AuditEntry, Identity, IdentityProvider, Mail, SetupLink, SignIn, User, uuid7
from records.secrets import unseal
from records.settings import Settings
from service.pages import resets
from tests.support.signing_in import set_clock
from tests.support.web import application

EMAIL = "ana@example.org"
PASSWORD = "a long enough password"
ANOTHER = "another one, just as long"


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    mailing = {"smtp_host": "127.0.0.1", "smtp_sender": "b@example.org"}
    with application(settings.model_copy(update=mailing)) as made:
        yield made


@pytest.fixture
def ana(engine: Engine) -> UUID:
    with Session(engine) as session, session.begin():
        made = users.create_user(session, CLI, EMAIL, "Ana", [Grant(Role.STAFF)])
        session.execute(update(User).where(User.id == made).values(password_hash=passwords.hashed(PASSWORD)))
    return made


def signed(app: Flask, engine: Engine, user: UUID) -> FlaskClient:
    client = app.test_client()
    with Session(engine) as session, session.begin():
        client.set_cookie("copbridge", sign_ins.begin(session, user, "password", now=datetime.now(UTC), hours=1))
    return client


def send(client: FlaskClient, page: str, path: str, **form: object) -> TestResponse:
    html = client.get(page).get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found
    answer = client.post(path, data={"csrf_token": found[1], **form}, headers={"Accept-Language": "es"})
    answer.get_data()
    # As when it has been sent.
    answer.close()
    return answer


def forgotten(client: FlaskClient, address: str) -> TestResponse:
    """Ask for a new password, and wait for what is done after the answer."""
    answer = send(client, "/forgotten", "/forgotten", email=address)
    resets.later().submit(int).result()
    return answer


def mails(engine: Engine) -> list[tuple[str, UUID]]:
    with Session(engine) as session:
        return [(mail.kind, mail.user_id) for mail in session.scalars(select(Mail).order_by(Mail.id))]


def open_sign_ins(engine: Engine, user: UUID) -> int:
    with Session(engine) as session:
        wanted = select(func.count()).where(SignIn.user_id == user, SignIn.ended_at.is_(None))
        return session.scalar(wanted) or 0


def token(engine: Engine, user: UUID) -> str:
    with Session(engine) as session, session.begin():
        return api_tokens.make(session, Actor.user(user, ()), "a sheet", [ApiScope.READ], 3, datetime.now(UTC))[1]


def opens(engine: Engine, token: str) -> bool:
    with Session(engine) as session:
        return api_tokens.bearer(session, token, datetime.now(UTC)) is not None


def ended_by(engine: Engine, action: str) -> list[dict[str, object]]:
    """What the trail says that ended with an act, each time."""
    with Session(engine) as session:
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
        return [dict(entry.after or {}) for entry in told]


def letter(engine: Engine, settings: Settings, kind: str) -> str:
    """The newest mail of a kind, as it is sent."""
    with Session(engine) as session:
        newest = session.scalars(select(Mail).where(Mail.kind == kind).order_by(Mail.id.desc()).limit(1)).one()
        return unseal(newest.content or b"", settings.encryption_key)


def sent_token(engine: Engine, settings: Settings) -> str:
    found = re.search(r"/set-up/([\w-]+)", letter(engine, settings, "reset"))
    assert found
    return found[1]


def test_everybody_who_forgot_is_answered_alike(app: Flask, engine: Engine, ana: UUID, settings: Settings) -> None:
    with Session(engine) as session, session.begin():
        off = users.create_user(session, CLI, "off@example.org", "Off", [])
        session.execute(update(User).where(User.id == off).values(active=False))
    client = app.test_client()
    answers = [forgotten(client, address) for address in ("ANA@example.org ", "off@example.org", "no@example.org", "")]
    assert len({(a.status_code, a.headers["Location"], a.get_data()) for a in answers}) == 1
    assert mails(engine) == [("reset", ana)]
    with Session(engine) as session:
        link = session.scalars(select(SetupLink)).one()
        assert link.user_id == ana
        assert link.expires_at - datetime.now(UTC) < timedelta(hours=settings.reset_link_hours)
    # More than a few a day are asked for in vain, and nobody is told.
    again = [forgotten(client, EMAIL) for _ in range(resets.A_DAY + 1)]
    assert {a.headers["Location"] for a in again} == {answers[0].headers["Location"]}
    assert mails(engine) == [("reset", ana)] * resets.A_DAY
    with Session(engine) as session:
        text = repr([(e.actor, e.action, e.before, e.after) for e in session.scalars(select(AuditEntry))])
    assert "example.org" not in text


def test_where_mails_are_files_nobody_is_sent_to_a_mailbox(settings: Settings, tmp_path: Path) -> None:
    with application(settings.model_copy(update={"mail_folder": tmp_path})) as app, app.test_client() as client:
        pages = [client.get(path).get_data(as_text=True) for path in ("/forgotten", "/forgotten?asked=1")]
    for page in pages:
        assert "mails are written to files" in page
        assert "mailbox" not in page
        assert "is mailed there" not in page


def test_the_look_up_begins_when_the_answer_is_out(app: Flask, engine: Engine, ana: UUID) -> None:
    client = app.test_client()
    html = client.get("/forgotten").get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found
    answer = client.post("/forgotten", data={"csrf_token": found[1], "email": EMAIL})
    resets.later().submit(int).result()
    assert (answer.status_code, mails(engine)) == (303, [])
    answer.close()
    resets.later().submit(int).result()
    assert mails(engine) == [("reset", ana)]


def test_a_reset_ends_all_sign_ins_and_tokens_and_is_told(
    app: Flask, engine: Engine, ana: UUID, settings: Settings
) -> None:
    elsewhere, secret = signed(app, engine, ana), token(engine, ana)
    with Session(engine) as session, session.begin():
        invitation = users.make_setup_link(session, CLI, ana, now=datetime.now(UTC), hours=72)
    client = app.test_client()
    forgotten(client, EMAIL)
    sent = sent_token(engine, settings)
    with Session(engine) as session:
        # Whoever asks takes nobody's invitation away.
        assert users.setup_email(session, invitation, datetime.now(UTC)) == EMAIL
    path = f"/set-up/{sent}"
    assert "your token of the API (1)" in client.get(path).get_data(as_text=True)
    assert opens(engine, secret), "looking at the link ends nothing"
    assert send(client, path, path, password=ANOTHER, repeated=ANOTHER).status_code == 303
    assert not opens(engine, secret)
    assert ended_by(engine, "setup_link.used") == [{"sign_ins_ended": 1, "tokens_ended": 1}]
    assert elsewhere.get("/account").status_code == 303
    assert client.get("/account").status_code == 200
    assert mails(engine) == [("reset", ana), ("password_changed", ana)]
    assert "token" in letter(engine, settings, "reset")
    assert "token" in letter(engine, settings, "password_changed")
    with Session(engine) as session:
        assert passwords.matches(session.get_one(User, ana).password_hash, ANOTHER)
        assert users.setup_email(session, invitation, datetime.now(UTC)) is None


def test_the_first_password_is_no_change(app: Flask, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        new = users.create_user(session, CLI, "new@example.org", "New", [])
        token = users.make_setup_link(session, CLI, new, now=datetime.now(UTC), hours=72)
    path = f"/set-up/{token}"
    assert send(app.test_client(), path, path, password=ANOTHER, repeated=ANOTHER).status_code == 303
    assert mails(engine) == []


def test_who_changes_the_password_stays_and_all_others_go(
    app: Flask, engine: Engine, ana: UUID, settings: Settings
) -> None:
    client, elsewhere = signed(app, engine, ana), signed(app, engine, ana)
    for form, beside in (
        ({"present": "wrong", "new": ANOTHER, "repeated": ANOTHER}, "present-fault"),
        ({"present": PASSWORD, "new": ANOTHER, "repeated": "x"}, "new-fault"),
        ({"present": PASSWORD, "new": "short", "repeated": "short"}, "new-fault"),
    ):
        refused = send(client, "/account", "/account/password", **form)
        assert refused.status_code == 400
        assert f'id="{beside}"' in refused.get_data(as_text=True)
    assert (mails(engine), open_sign_ins(engine, ana)) == ([], 2)
    done = send(client, "/account", "/account/password", present=PASSWORD, new=ANOTHER, repeated=ANOTHER)
    assert (done.status_code, client.get("/account").status_code) == (303, 200)
    assert (elsewhere.get("/account").status_code, open_sign_ins(engine, ana)) == (303, 1)
    assert mails(engine) == [("password_changed", ana)]
    assert "token" not in letter(engine, settings, "password_changed")
    with Session(engine) as session:
        assert passwords.matches(session.get_one(User, ana).password_hash, ANOTHER)


def test_who_changes_the_password_is_asked_about_the_tokens(app: Flask, engine: Engine, ana: UUID) -> None:
    client = signed(app, engine, ana)
    assert 'name="end_tokens"' not in client.get("/account").get_data(as_text=True)
    secret = token(engine, ana)
    page = client.get("/account").get_data(as_text=True)
    assert re.search(r'name="end_tokens" value="1" checked', page)
    assert "Also end my token of the API (1)" in page
    for present, new, more in ((PASSWORD, ANOTHER, {}), (ANOTHER, PASSWORD, {"end_tokens": "1"})):
        form = {"present": present, "new": new, "repeated": new, **more}
        assert send(client, "/account", "/account/password", **form).status_code == 303
        assert opens(engine, secret) is not bool(more)
    assert [told["tokens_ended"] for told in ended_by(engine, "password.changed")] == [0, 1]


def test_a_browser_that_was_left_open_is_no_place_to_guess(app: Flask, engine: Engine, ana: UUID) -> None:
    client = signed(app, engine, ana)
    # However long it takes here: the first lock ends after a minute.
    set_clock(app).now = datetime.now(UTC)
    for _ in range(6):
        send(client, "/account", "/account/password", present="wrong", new=ANOTHER, repeated=ANOTHER)
    locked = send(client, "/account", "/account/password", present=PASSWORD, new=ANOTHER, repeated=ANOTHER)
    # `send` asks for Spanish.
    assert (locked.status_code, "demasiadas veces" in locked.get_data(as_text=True)) == (400, True)
    with Session(engine) as session:
        assert passwords.matches(session.get_one(User, ana).password_hash, PASSWORD)


def test_the_other_sign_ins_are_seen_and_ended(app: Flask, engine: Engine, ana: UUID) -> None:
    with Session(engine) as session, session.begin():
        provider = IdentityProvider(id=uuid7(), code="sd", name="San Diego", issuer="https://id", client_id="c")
        session.add(provider)
        session.flush()
        session.add(Identity(provider_id=provider.id, subject="s", user_id=ana))
    client, elsewhere = signed(app, engine, ana), signed(app, engine, ana)
    shown = client.get("/account").get_data(as_text=True)
    assert (shown.count("with the password"), shown.count("this browser"), "San Diego" in shown) == (2, 1, True)
    assert send(client, "/account", "/account/sign-ins/end").status_code == 303
    assert (client.get("/account").status_code, elsewhere.get("/account").status_code) == (200, 303)
    assert open_sign_ins(engine, ana) == 1


def test_name_and_language_are_ones_own(app: Flask, engine: Engine, ana: UUID) -> None:
    client = signed(app, engine, ana)
    assert send(client, "/account", "/account", name="  ", language="es").status_code == 400
    assert send(client, "/account", "/account", name="Ana María", language="es").status_code == 303
    page = client.get("/account").get_data(as_text=True)
    assert ('<html lang="es">' in page, "Ana María" in page) == (True, True)
    assert send(client, "/account", "/account", name="Ana", language="").status_code == 303
    with Session(engine) as session:
        user = session.get_one(User, ana)
        assert (user.name, user.language) == ("Ana", None)
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "account.saved")).all()
    assert ("Ana" in repr([entry.after for entry in told]), len(told)) == (False, 2)


def test_who_isnt_signed_in_chooses_a_language_too(app: Flask) -> None:
    client = app.test_client()
    answer = send(client, "/sign-in", "/language", language="es", next="/sign-in?next=/users")
    assert answer.headers["Location"] == "/sign-in?next=/users"
    assert '<html lang="es">' in client.get("/sign-in").get_data(as_text=True)
    away = send(client, "/sign-in", "/language", language="xx", next="//example.org")
    assert (away.headers["Location"], "Set-Cookie" in away.headers) == ("/sign-in", False)
