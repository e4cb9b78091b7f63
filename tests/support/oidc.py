"""OpenID providers for tests: a whole one that somebody else wrote, and one of our own whose answers can be spoilt."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import requests
from flask import Flask, request
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from records import identities
from records.actor import CLI
from tests.support.settings import ENCRYPTION_KEY
from tests.support.up import free_port

START_SECONDS = 60
CLIENT_ID = "copbridge"
SECRET = "a secret of the district"


def trust(engine: Engine, issuer: str, code: str = "district", **more: Any) -> None:
    """Have a provider trusted, as `copbridge provider add` does."""
    given: dict[str, Any] = {
        "name": "Bay District",
        "issuer": issuer,
        "client_id": CLIENT_ID,
        "secret": SECRET,
        "domains": [],
    }
    given["any_domain"] = "domains" not in more
    with Session(engine) as session, session.begin():
        identities.add_provider(session, CLI, code, encryption_key=ENCRYPTION_KEY, **{**given, **more})


@contextmanager
def whole_provider(*people: dict[str, Any]) -> Iterator[str]:
    """oidc-provider-mock, as a process of its own; its issuer. Each of the people has a `sub`, and claims."""
    port = free_port()
    users = [argument for claims in people for argument in ("--user-claims", json.dumps(claims))]
    command = [sys.executable, "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce", "true", *users]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    issuer = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{issuer}/.well-known/openid-configuration", process)
        yield issuer
    finally:
        process.terminate()
        process.wait(10)


def _wait_for(address: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            requests.get(address, timeout=5)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the provider didn't start")


def consent(address: str, subject: str, action: str = "authorize") -> str:
    """Sign in at the whole provider as a person does; the path that the browser is sent back to."""
    answer = requests.post(address, data={"sub": subject, "action": action}, allow_redirects=False, timeout=10)
    back = urlsplit(answer.headers["Location"])
    return f"{back.path}?{back.query}"


@dataclass
class Spoilt:
    """A provider whose answers a test changes."""

    issuer: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Said instead of what is right."""
    claims: dict[str, Any] = field(default_factory=dict)
    """In the ID token; None leaves one out."""
    signed: Callable[[dict[str, Any]], str] | None = None
    """Signs in another way."""
    token: tuple[int, Any] | None = None
    """What the token endpoint answers, instead of tokens."""
    info: dict[str, Any] = field(default_factory=dict)
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one"}))
    seen: list[dict[str, str]] = field(default_factory=list)
    """What the token endpoint was sent."""
    keys_asked: int = 0
    nonce: str = ""

    def id_token(self) -> str:
        """As it will be answered."""
        now = int(time.time())
        right = {"iss": self.issuer, "aud": CLIENT_ID, "sub": "s-1", "iat": now, "exp": now + 300, "nonce": self.nonce}
        claims = {name: value for name, value in {**right, **self.claims}.items() if value is not None}
        return (self.signed or self._sign)(claims)

    def _sign(self, claims: dict[str, Any]) -> str:
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def answer(self, client: FlaskClient, wanted: str = "/review", **changed: str) -> tuple[str, str]:
        """Begin at our sign-in page: the address that the browser is sent to, and the path of the way back."""
        begun = client.get("/sign-in/with/district", query_string={"next": wanted})
        address = begun.headers["Location"]
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        self.nonce = asked["nonce"]
        query = {"state": asked["state"], "code": "c-1", **changed}
        return address, "/sign-in/with/district/back?" + "&".join(f"{n}={v}" for n, v in query.items() if v)


def _application(provider: Spoilt) -> Flask:
    app = Flask("provider")

    @app.get("/.well-known/openid-configuration")
    def about() -> dict[str, Any]:
        here = provider.issuer
        right = {
            "issuer": here,
            "authorization_endpoint": f"{here}/authorize?tenant=7",
            "token_endpoint": f"{here}/token",
            "jwks_uri": f"{here}/keys",
            "userinfo_endpoint": f"{here}/me",
        }
        return {**right, **provider.metadata}

    @app.get("/keys")
    def keys() -> Any:
        provider.keys_asked += 1
        return KeySet([provider.key]).as_dict(private=False)

    @app.post("/token")
    def token() -> Any:
        provider.seen.append({**request.form.to_dict(), "authorization": request.headers.get("Authorization", "")})
        if provider.token:
            return provider.token[1], provider.token[0]
        return {"access_token": "a-1", "token_type": "Bearer", "expires_in": 60, "id_token": provider.id_token()}

    @app.get("/me")
    def me() -> Any:
        assert request.headers["Authorization"] == "Bearer a-1"
        return {"sub": "s-1", "email": "robin@example.org", "email_verified": True, **provider.info}

    return app


@contextmanager
def spoilt_provider() -> Iterator[Spoilt]:
    """One that is served in this process; all is right until the test spoils it."""
    provider = Spoilt()
    server = make_server("127.0.0.1", 0, _application(provider), threaded=True)
    provider.issuer = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
