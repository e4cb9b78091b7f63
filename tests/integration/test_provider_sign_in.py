"""Sign-in by a district's OpenID Connect: whom it lets in, and all that it doesn't believe."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from records import identities
from records.actor import CLI
from records.models import AuditEntry, Identity, IdentityProvider, SignIn, User
from records.settings import Settings
from service import openid
from service.openid import Client
from tests.support.oidc import CLIENT_ID, SECRET, Spoilt, consent, spoilt_provider, trust, whole_provider
from tests.support.signing_in import EMAIL, NOW, make_user
from tests.support.web import application

ROBIN = {"sub": "s-1", "email": EMAIL, "email_verified": True}
STRANGER = {"sub": "s-2", "email": "stranger@example.org", "email_verified": True}
UNVERIFIED = {"sub": "s-3", "email": EMAIL, "email_verified": False}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with whole_provider(ROBIN, STRANGER, UNVERIFIED) as started:
        yield started


@pytest.fixture
def provider() -> Iterator[Spoilt]:
    with spoilt_provider() as started:
        yield started


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


def nobody_came_in(engine: Engine) -> bool:
    with Session(engine) as session:
        return not session.scalar(select(func.count()).select_from(SignIn).where(SignIn.way == "provider"))


def linked(engine: Engine) -> list[str]:
    with Session(engine) as session:
        return list(session.scalars(select(Identity.subject)))


def test_somebody_whom_we_know_signs_in_at_a_whole_provider(app: Flask, engine: Engine, issuer: str) -> None:
    make_user(engine, password=None)
    trust(engine, issuer, domains=["example.org"])
    for _ in range(2):
        with app.test_client() as client:
            page = client.get("/sign-in?next=/review").text
            assert "Sign in with Bay District" in page
            assert 'href="/sign-in/with/district?next=/review"' in page
            begun = client.get("/sign-in/with/district?next=/review")
            assert begun.status_code == 303
            asked = parse_qs(urlsplit(begun.headers["Location"]).query)
            assert asked["code_challenge_method"] == ["S256"]
            assert asked["redirect_uri"] == ["http://127.0.0.1:8080/sign-in/with/district/back"]
            back = consent(begun.headers["Location"], "s-1")
            come = client.get(back)
            assert (come.status_code, come.headers["Location"]) == (303, "/review")
            assert "Robin Ellery" in client.get("/").text
            assert client.get(back).status_code == 400, "an answer is good for once"
    with Session(engine) as session:
        assert session.scalars(select(SignIn.way)).all() == ["provider", "provider"]
        told = session.scalars(select(AuditEntry).where(AuditEntry.action == "identity.linked")).all()
        assert [entry.after for entry in told] == [{"provider": "district"}]
        kept = session.scalars(select(IdentityProvider.client_secret)).one()
    assert linked(engine) == ["s-1"]
    assert kept
    assert SECRET.encode() not in kept


def test_nobody_is_made_and_an_address_has_to_be_vouched_for(app: Flask, engine: Engine, issuer: str) -> None:
    make_user(engine, password=None)
    trust(engine, issuer)
    for subject in ("s-2", "s-3"):
        with app.test_client() as client:
            begun = client.get("/sign-in/with/district")
            refused = client.get(consent(begun.headers["Location"], subject))
            assert refused.status_code == 403
            assert "Ask your program administrator to invite you" in refused.text
            assert client.get("/").status_code == 303
    assert nobody_came_in(engine)
    assert linked(engine) == []
    with Session(engine) as session:
        assert session.scalars(select(User.email)).all() == [EMAIL]


def test_who_says_no_there_is_told_so_here(app: Flask, engine: Engine, issuer: str) -> None:
    trust(engine, issuer)
    with app.test_client() as client:
        begun = client.get("/sign-in/with/district")
        refused = client.get(consent(begun.headers["Location"], "s-1", "deny"))
    assert refused.status_code == 400
    assert (
        "can&#39;t be used: it was refused there" in refused.text
        or "can't be used: it was refused there" in refused.text
    )


def other_key(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, RSAKey.generate_key(2048))


def with_our_secret(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))


def unsigned(claims: dict[str, Any]) -> str:
    parts = (json.dumps(part).encode() for part in ({"alg": "none", "typ": "JWT"}, claims))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts) + "."


def claims(**said: Any) -> Callable[[Spoilt], None]:
    return lambda provider: provider.claims.update(said)


def signed(how: Callable[[dict[str, Any]], str]) -> Callable[[Spoilt], None]:
    return lambda provider: setattr(provider, "signed", how)


def token(status: int, answer: Any) -> Callable[[Spoilt], None]:
    return lambda provider: setattr(provider, "token", (status, answer))


def test_the_provider_that_is_not_spoilt_is_believed(app: Flask, engine: Engine, provider: Spoilt) -> None:
    make_user(engine, password=None)
    trust(engine, provider.issuer)
    with app.test_client() as client:
        address, back = provider.answer(client)
        assert address.startswith(f"{provider.issuer}/authorize?tenant=7&")
        assert client.get(back).status_code == 303
    sent = provider.seen[0]
    assert sent["authorization"].startswith("Basic ")
    assert sent["grant_type"] == "authorization_code"
    challenge = parse_qs(urlsplit(address).query)["code_challenge"][0]
    digest = hashlib.sha256(sent["code_verifier"].encode()).digest()
    assert challenge == base64.urlsafe_b64encode(digest).decode().rstrip("=")


SPOILT: dict[str, Callable[[Spoilt], None]] = {
    "another issuer": claims(iss="https://evil.example.org"),
    "no issuer": claims(iss=None),
    "for somebody else": claims(aud="somebody-else"),
    "for several, and asked by none of them": claims(aud=[CLIENT_ID, "somebody-else"]),
    "asked by somebody else": claims(azp="somebody-else"),
    "expired": claims(exp=int(time.time()) - 3600),
    "never expires": claims(exp=None),
    "from the future": claims(iat=int(time.time()) + 3600),
    "another request's": claims(nonce="another"),
    "no request's": claims(nonce=None),
    "of nobody": claims(sub=None),
    "another access token": claims(at_hash="AAAA"),
    "another key": signed(other_key),
    "signed with the secret that we know, too": signed(with_our_secret),
    "unsigned": signed(unsigned),
    "no token": signed(lambda _: "no token"),
    "no ID token": token(200, {"access_token": "a-1", "token_type": "Bearer"}),
    "the code is refused": token(400, {"error": "invalid_grant"}),
    "the e-mail of somebody else": lambda provider: provider.info.update(sub="s-9"),
}


def test_an_answer_that_proves_nothing_lets_nobody_in(app: Flask, engine: Engine, provider: Spoilt) -> None:
    make_user(engine, password=None)
    trust(engine, provider.issuer)
    right = replace(provider)
    for what, spoil in SPOILT.items():
        provider.claims, provider.info, provider.seen = {}, {}, []
        provider.signed = provider.token = None
        spoil(provider)
        with app.test_client() as client:
            refused = client.get(provider.answer(client)[1])
            assert refused.status_code == 400, what
            assert "The answer of Bay District can" in refused.text
        assert len(provider.seen) == 1, f"{what}: it got as far as the provider"
    assert nobody_came_in(engine)
    assert linked(engine) == []
    provider.info, provider.token, provider.claims = right.info, None, {}
    with app.test_client() as client:
        assert client.get(provider.answer(client)[1]).status_code == 303, "all else was right"


def test_an_answer_to_another_question_is_not_even_asked_about(app: Flask, engine: Engine, provider: Spoilt) -> None:
    make_user(engine, password=None)
    trust(engine, provider.issuer)
    for changed in ({"state": "another"}, {"state": ""}, {"code": ""}, {"iss": "https://evil.example.org"}):
        with app.test_client() as client:
            assert client.get(provider.answer(client, **changed)[1]).status_code == 400, changed
    with app.test_client() as client, app.test_client() as other:
        assert other.get(provider.answer(client)[1]).status_code == 400, "another browser's"
    assert provider.seen == []


def test_of_two_providers_one_cannot_answer_for_the_other(app: Flask, engine: Engine, provider: Spoilt) -> None:
    make_user(engine, password=None)
    trust(engine, provider.issuer)
    trust(engine, provider.issuer, "county", name="County")
    with app.test_client() as client:
        back = provider.answer(client)[1].replace("/district/", "/county/")
        assert client.get(back).status_code == 400
    assert provider.seen == []


def test_a_provider_that_describes_itself_wrongly_is_not_gone_to(
    settings: Settings, engine: Engine, provider: Spoilt
) -> None:
    trust(engine, provider.issuer)
    for wrong in (
        {"issuer": "https://evil.example.org"},
        {"jwks_uri": "http://evil.example.org/keys"},
        {"token_endpoint": None},
    ):
        provider.metadata = wrong
        client = Client(provider.issuer, CLIENT_ID, None, "https://cop.example.org/back")
        with pytest.raises(openid.Unreachable):
            openid.ask(openid.Providers(), client)
    with application(settings) as app, app.test_client() as browser:
        away = browser.get("/sign-in/with/district")
    assert away.status_code == 502
    assert "Bay District doesn" in away.text


def test_a_provider_that_is_down_is_said_in_words(app: Flask, engine: Engine, provider: Spoilt) -> None:
    make_user(engine, password=None)
    trust(engine, "http://127.0.0.1:1", "gone", name="Gone District")
    trust(engine, provider.issuer)
    provider.token = (503, "down")
    with app.test_client() as client:
        away = client.get("/sign-in/with/gone")
        assert away.status_code == 502
        assert "Gone District doesn" in away.text
        assert client.get(provider.answer(client)[1]).status_code == 502
    assert nobody_came_in(engine)


def test_a_key_that_the_provider_changed_is_fetched(app: Flask, engine: Engine, provider: Spoilt) -> None:
    seconds = [0.0]
    app.extensions["copbridge.openid"] = openid.Providers(lambda: seconds[0])
    make_user(engine, password=None)
    trust(engine, provider.issuer)
    with app.test_client() as client:
        assert client.get(provider.answer(client)[1]).status_code == 303
        assert client.get(provider.answer(client)[1]).status_code == 303
        assert provider.keys_asked == 1
        provider.key = RSAKey.generate_key(2048, {"kid": "two"})
        # Fetched a moment ago: not again at once, whatever somebody sends.
        assert client.get(provider.answer(client)[1]).status_code == 400
        assert provider.keys_asked == 1
        seconds[0] += 60
        assert client.get(provider.answer(client)[1]).status_code == 303
        assert provider.keys_asked == 2


def test_a_public_client_shows_no_secret(app: Flask, engine: Engine, provider: Spoilt) -> None:
    make_user(engine, password=None)
    trust(engine, provider.issuer, secret=None)
    with app.test_client() as client:
        assert client.get(provider.answer(client)[1]).status_code == 303
    assert provider.seen[0]["authorization"] == ""
    assert provider.seen[0]["client_id"] == CLIENT_ID
    assert provider.seen[0]["code_verifier"]


def test_the_way_back_leads_nowhere_else(app: Flask, engine: Engine, provider: Spoilt) -> None:
    make_user(engine, password=None)
    trust(engine, provider.issuer)
    for wanted in ("https://evil.example.org", "//evil.example.org", "/\\evil.example.org"):
        with app.test_client() as client:
            come = client.get(provider.answer(client, wanted=wanted)[1])
        assert (come.status_code, come.headers["Location"]) == (303, "/")


def test_a_provider_that_is_off_lets_nobody_in_and_ends_what_it_let_in(
    app: Flask, engine: Engine, provider: Spoilt
) -> None:
    make_user(engine, password=None)
    trust(engine, provider.issuer)
    with app.test_client() as client:
        client.get(provider.answer(client)[1])
        assert client.get("/").status_code == 200
        with Session(engine) as session, session.begin():
            assert identities.switch(session, CLI, "district", False, NOW) == 1
        assert client.get("/").status_code == 303
        assert client.get("/sign-in/with/district").status_code == 404
        assert "Bay District" not in client.get("/sign-in").text
        assert client.get("/sign-in/with/nobody").status_code == 404
        assert client.get("/sign-in/with/No%20Code").status_code == 404


def test_what_the_browser_takes_along_is_for_it_alone(app: Flask, engine: Engine, provider: Spoilt) -> None:
    trust(engine, provider.issuer)
    with app.test_client() as client:
        begun = client.get("/sign-in/with/district")
        kept = begun.headers["Set-Cookie"]
        assert {"HttpOnly", "SameSite=Lax"} <= set(kept.split("; "))
        verifier = json.dumps(begun.headers["Location"])
        with client.session_transaction() as session:
            assert session["provider"]["verifier"] not in verifier
            session["provider"] = session["provider"] | {"at": session["provider"]["at"] - 601}
        state = parse_qs(urlsplit(begun.headers["Location"]).query)["state"][0]
        assert client.get(f"/sign-in/with/district/back?state={state}&code=c-1").status_code == 400, "too late"
    assert provider.seen == []
