"""Whom a district's provider means: linking, once, by an address that it vouches for; and which providers can be."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from records import identities
from records.actor import CLI
from records.identities import NotLinked, ProviderError, Said
from records.models import Identity, IdentityProvider, User
from tests.support.oidc import trust
from tests.support.signing_in import EMAIL, NOW, make_user


@pytest.fixture
def ready(engine: Engine) -> Iterator[Session]:
    """A session on one user and one provider that may name people of example.org."""
    make_user(engine, password=None)
    trust(engine, "https://id.example.org", domains=["example.org"])
    with Session(engine) as session:
        yield session


def recognise(session: Session, subject: str, email: str = EMAIL, verified: bool = True) -> UUID:
    provider = session.scalars(select(IdentityProvider)).one()
    return identities.recognise(session, provider, Said(subject, email, verified), NOW)


NOBODY = {
    ("", EMAIL, True): "no_subject",
    ("s" * 256, EMAIL, True): "no_subject",
    ("s\x00", EMAIL, True): "no_subject",
    ("s-1", EMAIL, False): "unverified",
    ("s-1", "", True): "unverified",
    ("s-1", EMAIL + "\x00", True): "unverified",
    ("s-1", "robin@other.example.org", True): "domain",
    ("s-1", "robin@example.org@other.org", True): "domain",
    ("s-1", "nobody@example.org", True): "unknown",
}


def test_who_is_not_linked(ready: Session) -> None:
    for said, reason in NOBODY.items():
        with pytest.raises(NotLinked) as caught:
            recognise(ready, *said)
        assert caught.value.reason == reason
    assert ready.scalars(select(Identity)).all() == []


def test_once_linked_the_providers_name_counts_and_not_the_address(ready: Session) -> None:
    user_id = recognise(ready, "s-1", EMAIL.upper())
    assert recognise(ready, "s-1", "moved@elsewhere.org", verified=False) == user_id
    # The district gave the address to somebody new.
    with pytest.raises(NotLinked) as caught:
        recognise(ready, "s-2")
    assert caught.value.reason == "another"
    assert identities.unlink(ready, CLI, "district", user_id)
    assert not identities.unlink(ready, CLI, "district", user_id)
    assert recognise(ready, "s-2") == user_id


def test_who_was_switched_off_stays_out(ready: Session) -> None:
    recognise(ready, "s-1")
    ready.execute(update(User).values(active=False))
    for subject, reason in (("s-1", "inactive"), ("s-2", "unknown")):
        with pytest.raises(NotLinked) as caught:
            recognise(ready, subject)
        assert caught.value.reason == reason


@pytest.mark.parametrize(
    ("claim", "verified"), [(True, True), ("true", True), (False, False), ("false", False), (None, False), (1, False)]
)
def test_only_true_is_verified(claim: object, verified: bool) -> None:
    assert Said.of({"sub": "s", "email": EMAIL, "email_verified": claim}).email_verified is verified


def test_a_provider_that_cannot_be(engine: Engine) -> None:
    wrong: list[dict[str, Any]] = [
        *({"issuer": f"{address}"} for address in ("http://id.example.org", "ftp://id.example.org", "https://")),
        *(
            {"issuer": f"https://{rest}"}
            for rest in ("id.example.org/?x=1", "user:pw@id.example.org", "id.example.org/ ")
        ),
        {"name": " "},
        {"client_id": ""},
        {"domains": ["no domain"]},
        {"domains": []},
        {"domains": ["example.org"], "any_domain": True},
        {"code": "No Code"},
    ]
    for each in wrong:
        with pytest.raises(ProviderError):
            trust(engine, **{"issuer": "https://id.example.org", "code": "other", **each})
    trust(engine, "https://id.example.org")
    with pytest.raises(ProviderError, match="already"):
        trust(engine, "https://id.example.org")
