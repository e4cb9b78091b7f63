"""Districts' own sign-in, by OpenID Connect: which providers are trusted, and who somebody is to them.

A provider never makes anybody: it can only say that somebody is a user whom we know already.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records import audit, secrets
from records.actor import Actor
from records.models import Identity, IdentityProvider, SignIn, User, uuid7

CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
SUBJECT_LENGTH = 255


class ProviderError(Exception):
    """A provider can't be added or found; the message says what to do, and holds no secret."""


class NotLinked(Exception):
    """The provider says who it is, and that is nobody here. `reason` is a code, for the log:

    `no_subject`, `unverified` (it doesn't vouch for the e-mail address), `domain` (it may not name anybody of the
    address's domain), `unknown` (nobody who may sign in has the address), `another` (the user is somebody else to the
    provider already: an address that was given to somebody new), `inactive`.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Said:
    """What a provider says of who has signed in there."""

    subject: str
    email: str
    email_verified: bool

    @classmethod
    def of(cls, claims: dict[str, Any]) -> "Said":
        """From verified claims. Only a true `email_verified` is one; some providers write it as text."""
        email = claims.get("email")
        verified = claims.get("email_verified")
        return cls(
            subject=str(claims.get("sub", "")),
            email=email.strip() if isinstance(email, str) else "",
            email_verified=verified is True or verified == "true",
        )


def is_safe(address: str) -> bool:
    """Whether an address may be asked: by https, or on this machine."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
    return safe and bool(parts.hostname) and parts.username is None and address.isprintable() and " " not in address


def add_provider(
    session: Session,
    actor: Actor,
    code: str,
    *,
    name: str,
    issuer: str,
    client_id: str,
    secret: str | None,
    domains: Iterable[str],
    any_domain: bool = False,
    encryption_key: SecretStr,
) -> IdentityProvider:
    """Trust a provider. `any_domain`: it may name anybody; without, it is held to its domains. Raises
    ProviderError."""
    wanted = _held_to(domains, any_domain=any_domain)
    if not CODE.fullmatch(code):
        raise ProviderError(f"'{code}' is no code: small letters, digits and hyphens, 40 at most.")
    if not is_safe(issuer) or urlsplit(issuer).query or urlsplit(issuer).fragment:
        raise ProviderError(
            "The issuer has to be an address that begins with https://, just as the provider writes it."
        )
    if not name.strip() or not client_id.strip():
        raise ProviderError("A provider needs a name for its button, and the client ID that it gave to CoP Bridge.")
    values = {
        "id": uuid7(),
        "code": code,
        "name": name.strip(),
        "issuer": issuer.strip(),
        "client_id": client_id.strip(),
        "client_secret": secrets.seal(secret, encryption_key) if secret else None,
        "domains": wanted,
    }
    made = session.scalars(
        insert(IdentityProvider).values(values).on_conflict_do_nothing().returning(IdentityProvider)
    ).one_or_none()
    if made is None:
        raise ProviderError(f"There is a provider '{code}' already: see `copbridge provider list`.")
    audit.record(session, actor, "provider.added", str(made.id), after={"code": code, "domains": wanted})
    return made


def _held_to(domains: Iterable[str], *, any_domain: bool) -> list[str]:
    """The domains as they are kept: none where any is meant, and said to be. Raises ProviderError."""
    wanted = sorted({domain.strip().lower().removeprefix("@") for domain in domains})
    wrong = [domain for domain in wanted if not DOMAIN.fullmatch(domain)]
    if wrong:
        raise ProviderError(f"'{wrong[0]}' is no domain of e-mail addresses, such as district.example.org.")
    if any_domain == bool(wanted):
        # Whoever may name anybody can sign in as everybody here: nobody trusts that far without having said so.
        raise ProviderError(
            "Say whom it may name: at least one --domain of its own e-mail addresses, or --any-domain for anybody at"
            " all, administrators here among them."
        )
    return wanted


def hold_to(
    session: Session, actor: Actor, code: str, domains: Iterable[str], *, any_domain: bool = False
) -> list[str]:
    """Hold a provider to other domains, from the next sign-in of somebody whom it hasn't named before; as they are
    kept. Raises ProviderError."""
    provider = _provider(session, code)
    before, wanted = list(provider.domains), _held_to(domains, any_domain=any_domain)
    provider.domains = wanted
    session.flush()
    audit.record(
        session, actor, "provider.held", str(provider.id), before={"domains": before}, after={"domains": wanted}
    )
    return wanted


def naming_anybody(session: Session) -> list[str]:
    """The codes of active providers that are held to no domain."""
    p = IdentityProvider
    return [row.code for row in session.scalars(select(p).where(p.active).order_by(p.code)) if not row.domains]


def switch(session: Session, actor: Actor, code: str, active: bool, now: datetime) -> int:
    """Trust a provider again, or no more: that ends the sign-ins it was good for; how many. Raises ProviderError."""
    provider = _provider(session, code)
    if provider.active == active:
        return 0
    provider.active = active
    before, after = {"active": not active}, {"active": active}
    audit.record(session, actor, "provider.switched", str(provider.id), before=before, after=after)
    if active:
        return 0
    theirs = select(Identity.user_id).where(Identity.provider_id == provider.id)
    ended = session.scalars(
        update(SignIn)
        .where(SignIn.user_id.in_(theirs), SignIn.way == "provider", SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .returning(SignIn.user_id),
        execution_options={"synchronize_session": False},
    )
    return len(ended.all())


def listed(session: Session) -> list[tuple[IdentityProvider, int]]:
    """All providers by code, each with how many users it has named."""
    count = select(func.count()).where(Identity.provider_id == IdentityProvider.id).scalar_subquery()
    rows = session.execute(select(IdentityProvider, count).order_by(IdentityProvider.code))
    return [(provider, number) for provider, number in rows]


def active_providers(session: Session) -> list[IdentityProvider]:
    """The providers that are trusted now, by name."""
    found = select(IdentityProvider).where(IdentityProvider.active)
    return list(session.scalars(found.order_by(IdentityProvider.name, IdentityProvider.code)))


def active_provider(session: Session, code: str) -> IdentityProvider | None:
    """One that is trusted now."""
    found = select(IdentityProvider).where(IdentityProvider.active, IdentityProvider.code == code)
    return session.scalars(found).one_or_none()


def recognise(session: Session, provider: IdentityProvider, said: Said, now: datetime) -> UUID:
    """Whom a provider means: the user it has named before, else whoever has the e-mail address that it vouches for.

    The latter is written down once and for all: from then on the provider's own name for the user counts, whatever
    becomes of the address. Raises NotLinked.
    """
    if not _is_subject(said.subject):
        raise NotLinked("no_subject")
    known = session.execute(
        select(Identity, User.active)
        .join(User, User.id == Identity.user_id)
        .where(Identity.provider_id == provider.id, Identity.subject == said.subject)
    ).one_or_none()
    if known is None:
        return _link(session, provider, said, now)
    identity: Identity = known.Identity
    if not known.active:
        raise NotLinked("inactive")
    identity.used_at = now
    return identity.user_id


def _link(session: Session, provider: IdentityProvider, said: Said, now: datetime) -> UUID:
    if not said.email_verified or not said.email or not said.email.isprintable():
        raise NotLinked("unverified")
    if provider.domains and said.email.rpartition("@")[2].lower() not in provider.domains:
        raise NotLinked("domain")
    # Its row lock lets one of two at once link; the other one finds that.
    wanted = select(User.id).where(func.lower(User.email) == said.email.lower(), User.active)
    user_id = session.scalar(wanted.with_for_update())
    if user_id is None:
        raise NotLinked("unknown")
    of_user = select(Identity.subject).where(Identity.provider_id == provider.id, Identity.user_id == user_id)
    before = session.scalars(of_user).all()
    if said.subject in before:
        return user_id
    if before:
        raise NotLinked("another")
    session.add(Identity(provider_id=provider.id, subject=said.subject, user_id=user_id, used_at=now))
    session.flush()
    audit.record(session, Actor.user(user_id, ()), "identity.linked", str(user_id), after={"provider": provider.code})
    return user_id


def link(session: Session, actor: Actor, code: str, user_id: UUID, subject: str) -> None:
    """Write down who a user is to a provider, as IT knows it: for one that vouches for no e-mail address.

    Raises ProviderError where the provider has named one of the two otherwise already.
    """
    provider = _provider(session, code)
    if not _is_subject(subject):
        raise ProviderError("That is no subject: the provider's own name for the user, as its ID tokens have it.")
    values = {"provider_id": provider.id, "subject": subject, "user_id": user_id}
    of_user = select(Identity.subject).where(Identity.provider_id == provider.id, Identity.user_id == user_id)
    if session.scalar(of_user) is not None:
        raise ProviderError("That user is somebody to the provider already: first `copbridge provider unlink`.")
    made = insert(Identity).values(values).on_conflict_do_nothing().returning(Identity.user_id)
    if session.scalar(made) is None:
        raise ProviderError("With that subject the provider names another user already.")
    audit.record(session, actor, "identity.linked", str(user_id), after={"provider": code})


def unlink(session: Session, actor: Actor, code: str, user_id: UUID) -> bool:
    """Forget who a user is to a provider, so that he or she can be named anew; False where nothing was known.

    Raises ProviderError for a code that is none.
    """
    provider = _provider(session, code)
    known = select(Identity).where(Identity.provider_id == provider.id, Identity.user_id == user_id)
    found = session.scalars(known).one_or_none()
    if found is None:
        return False
    session.delete(found)
    audit.record(session, actor, "identity.unlinked", str(user_id), before={"provider": code})
    return True


def _provider(session: Session, code: str) -> IdentityProvider:
    found = select(IdentityProvider).where(IdentityProvider.code == code)
    # Its lock lets nobody be linked twice at once.
    provider = session.scalars(found.with_for_update()).one_or_none()
    if provider is None:
        raise ProviderError(f"There is no provider '{code}': see `copbridge provider list`.")
    return provider


def _is_subject(subject: str) -> bool:
    return 0 < len(subject) <= SUBJECT_LENGTH and subject.isprintable()
