"""OpenID Connect: asking a provider who somebody is, and believing it no more than it proves.

The code flow, with PKCE, state and nonce. What a provider says of itself and its keys is kept for an hour; every
request has a timeout, and follows no redirect.
"""

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import requests
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from records.identities import is_safe

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""Signatures with the provider's own key: never a secret that is shared, never none."""
SCOPE = "openid email"
TIMEOUT = (3.0, 5.0)
"""Seconds to connect, and between two pieces of an answer."""
KEPT_SECONDS = 3600
ASKED_AGAIN_SECONDS = 60
"""A key that isn't known yet makes the keys be fetched again, but no more often."""
LEEWAY = 60
"""Seconds that the provider's clock may be wrong by."""
LONGEST = 1_000_000
"""Bytes of an answer."""
PIECE = 65_536


class Unreachable(Exception):
    """The provider doesn't answer, or not with what it should; somebody may try again later. `why` is a code."""


class NotProven(Exception):
    """The provider's answer doesn't prove who somebody is. `why` is a code."""


@dataclass(frozen=True, slots=True)
class Client:
    """Us, as a provider knows us."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class Asked:
    """What the browser takes along, to the provider and back: good for one answer."""

    state: str
    nonce: str
    verifier: str


class Providers:
    """What providers say of themselves, as far as it is known already; one for each process."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = Lock()
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def metadata(self, issuer: str) -> dict[str, Any]:
        """The provider's own description. Raises Unreachable."""
        found = self._fetched(f"{issuer.rstrip('/')}/.well-known/openid-configuration", KEPT_SECONDS)
        # Just as it was entered, or else somebody else could answer for it.
        if found.get("issuer") != issuer:
            raise Unreachable("another_issuer")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(name), str) or not is_safe(found[name]):
                raise Unreachable("endpoints")
        return found

    def keys(self, metadata: dict[str, Any], *, again: bool = False) -> KeySet:
        """The keys that the provider signs with. Raises Unreachable."""
        found = self._fetched(metadata["jwks_uri"], ASKED_AGAIN_SECONDS if again else KEPT_SECONDS)
        try:
            return KeySet.import_key_set(found)  # type: ignore[arg-type]
        except (JoseError, ValueError, KeyError, TypeError, AttributeError) as err:
            raise Unreachable("keys") from err

    def _fetched(self, address: str, seconds: float) -> dict[str, Any]:
        with self._lock:
            at, found = self._kept.get(address, (float("-inf"), {}))
        if self._clock() - at < seconds:
            return found
        found = _json(address, {})
        with self._lock:
            self._kept[address] = (self._clock(), found)
        return found


def ask(providers: Providers, client: Client) -> tuple[str, Asked]:
    """The address that a browser is sent to, and what its answer is held against. Raises Unreachable."""
    metadata = providers.metadata(client.issuer)
    asked = Asked(*(secrets.token_urlsafe(48) for _ in range(3)))
    with _session(client, metadata) as session:
        address, _ = session.create_authorization_url(
            metadata["authorization_endpoint"], state=asked.state, nonce=asked.nonce, code_verifier=asked.verifier
        )
    return str(address), asked


def answered(providers: Providers, client: Client, asked: Asked, answer: dict[str, str], now: float) -> dict[str, Any]:
    """The claims that a provider's answer proves, `sub` among them. Raises NotProven, Unreachable.

    `answer` is the query that the browser came back with; whether its state is ours is looked at first. `now`: seconds
    since 1970, for the ID token's times.
    """
    if not secrets.compare_digest(answer.get("state", "").encode(), asked.state.encode()):
        raise NotProven("state")
    metadata = providers.metadata(client.issuer)
    named = answer.get("iss")
    if named != client.issuer and (named or metadata.get("authorization_response_iss_parameter_supported")):
        raise NotProven("iss_parameter")
    if not answer.get("code"):
        raise NotProven("refused")
    with _session(client, metadata) as session:
        try:
            token = session.fetch_token(
                metadata["token_endpoint"], code=answer["code"], code_verifier=asked.verifier, allow_redirects=False
            )
        except (requests.RequestException, ValueError) as err:
            raise Unreachable("token") from err
        except AuthlibBaseError as err:
            raise NotProven("token_refused") from err
    claims = _proven(providers, client, metadata, token, asked.nonce, now)
    if "email" not in claims and isinstance(metadata.get("userinfo_endpoint"), str):
        return _with_user_info(metadata["userinfo_endpoint"], str(token.get("access_token", "")), claims)
    return claims


def _session(client: Client, metadata: dict[str, Any]) -> OAuth2Session:
    offered = metadata.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    method = "client_secret_basic" if "client_secret_basic" in offered else "client_secret_post"
    return OAuth2Session(
        client.client_id,
        client.client_secret,
        token_endpoint_auth_method=method if client.client_secret else "none",
        scope=SCOPE,
        redirect_uri=client.redirect_uri,
        code_challenge_method="S256",
        default_timeout=TIMEOUT,
    )


def _proven(
    providers: Providers, client: Client, metadata: dict[str, Any], token: dict[str, Any], nonce: str, now: float
) -> dict[str, Any]:
    """The ID token's claims: signed by the provider, for us, for this very request, and still good."""
    said = token.get("id_token")
    if not isinstance(said, str):
        raise NotProven("no_id_token")
    try:
        try:
            decoded = jwt.decode(said, providers.keys(metadata), algorithms=ALGORITHMS)
        except InvalidKeyIdError:
            decoded = jwt.decode(said, providers.keys(metadata, again=True), algorithms=ALGORITHMS)
        options = {
            "iss": {"essential": True, "values": [client.issuer]},
            "aud": {"essential": True, "values": [client.client_id]},
            "exp": {"essential": True},
            "nonce": {"essential": True},
        }
        params = {"nonce": nonce, "client_id": client.client_id, "access_token": token.get("access_token")}
        claims = CodeIDToken(decoded.claims, decoded.header, options, params)
        claims.validate(now=int(now), leeway=LEEWAY)
    except (JoseError, AuthlibBaseError, ValueError, KeyError, TypeError) as err:
        # Named by what it is about, never by what it says.
        raise NotProven(f"id_token_{getattr(err, 'claim', None) or getattr(err, 'error', None) or 'bad'}") from err
    return dict(claims)


def _with_user_info(address: str, access_token: str, claims: dict[str, Any]) -> dict[str, Any]:
    """With what the provider says of the user beside the ID token, if it is about the same one."""
    if not is_safe(address):
        raise Unreachable("endpoints")
    found = _json(address, {"Authorization": f"Bearer {access_token}"})
    if found.get("sub") != claims["sub"]:
        raise NotProven("userinfo_subject")
    return {**found, **claims}


def _json(address: str, headers: dict[str, str]) -> dict[str, Any]:
    accepted = {"Accept": "application/json", **headers}
    try:
        with requests.get(address, timeout=TIMEOUT, allow_redirects=False, stream=True, headers=accepted) as answer:
            body = _body(answer) if answer.status_code == requests.codes.ok else b""
        found = json.loads(body)
    except (requests.RequestException, ValueError) as err:
        raise Unreachable(type(err).__name__) from err
    if not isinstance(found, dict):
        raise Unreachable("answer")
    return found


def _body(answer: requests.Response) -> bytes:
    body = b""
    for piece in answer.iter_content(PIECE):
        body += piece
        if len(body) > LONGEST:
            raise Unreachable("too_long")
    return body
