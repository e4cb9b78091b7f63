"""People who sign in: their grants, one-time set-up links, passwords and sign-ins."""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from uuid import UUID

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records import audit, models
from records.actor import Actor, Grant, Role, Scope
from records.models import SetupLink, SignIn, User, uuid7

PASSWORD_LENGTH = range(12, 1025)
"""A longer one would only keep the hash function busy."""
TOKEN_BYTES = 32


class UserExists(Exception):
    """Somebody with this e-mail address has an account already."""


class UnknownUser(Exception):
    """Nobody with this id may sign in."""


class WeakPassword(Exception):
    """The password breaks a rule; `reason` is `too_short`, `too_long`, or `is_email`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a sign-in's cookie stands for."""

    actor: Actor
    name: str
    expires_at: datetime
    language: str | None = None
    """Chosen by the user."""


def _digest(token: str) -> str:
    # Tokens are long and random: a plain hash can't be guessed back, and can be looked up.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe(TOKEN_BYTES))


def create_user(session: Session, actor: Actor, email: str, name: str, grants: Iterable[Grant]) -> UUID:
    """Somebody new, who can't sign in before a set-up link was used. Raises UserExists."""
    user_id = uuid7()
    made = session.scalar(
        insert(User)
        .values(id=user_id, email=email.strip(), name=name.strip())
        .on_conflict_do_nothing()
        .returning(User.id)
    )
    if made is None:
        raise UserExists
    wanted = sorted(set(grants), key=str)
    rows = [{"role": str(g.role), "scope_kind": str(g.scope_kind), "scope": g.scope} for g in wanted]
    if rows:
        session.execute(insert(models.Grant), [{"id": uuid7(), "user_id": user_id, **row} for row in rows])
    audit.record(session, actor, "user.created", str(user_id), after={"grants": rows})
    return user_id


def find_user(session: Session, email: str) -> UUID | None:
    """The id of whoever signs in with an e-mail address."""
    return session.scalar(select(User.id).where(func.lower(User.email) == email.strip().lower()))


def make_setup_link(session: Session, actor: Actor, user_id: UUID, *, now: datetime, hours: int) -> str:
    """The token of a new one-time link; earlier links of this user stop working. Raises UnknownUser."""
    if session.scalar(select(User.id).where(User.id == user_id, User.active).with_for_update()) is None:
        raise UnknownUser
    _end_links(session, user_id, now)
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(SetupLink(token_hash=_digest(token), user_id=user_id, expires_at=now + timedelta(hours=hours)))
    session.flush()
    audit.record(session, actor, "setup_link.made", str(user_id), after={"hours": hours})
    return token


def _end_links(session: Session, user_id: UUID, now: datetime) -> None:
    open_links = (SetupLink.user_id == user_id, SetupLink.used_at.is_(None))
    session.execute(update(SetupLink).where(*open_links).values(used_at=now))


def _usable(token: str, now: datetime) -> tuple[object, ...]:
    return (
        SetupLink.token_hash == _digest(token),
        SetupLink.used_at.is_(None),
        SetupLink.expires_at > now,
        User.active,
    )


def setup_email(session: Session, token: str, now: datetime) -> str | None:
    """The e-mail address that a link sets a password for; None where the link can't be used (any more)."""
    return session.scalar(select(User.email).join(SetupLink).where(*_usable(token, now)))  # type: ignore[arg-type]


def use_setup_link(session: Session, token: str, password: str, now: datetime) -> UUID | None:
    """Set the password that the link is for and end every other link and sign-in of that user.

    Returns the user's id; None where the link can't be used (any more). Raises WeakPassword, and the
    link stays usable.
    """
    # The link's row lock lets one of two at once through: the other finds it used.
    link = session.execute(
        select(SetupLink, User).join(User).where(*_usable(token, now)).with_for_update()  # type: ignore[arg-type]
    ).one_or_none()
    if link is None:
        return None
    user: User = link.User
    _check_password(password, user.email)
    user.password_hash = _hasher().hash(password)
    session.flush()
    _end_links(session, user.id, now)
    session.execute(update(SignIn).where(SignIn.user_id == user.id, SignIn.ended_at.is_(None)).values(ended_at=now))
    audit.record(session, Actor.user(user.id, ()), "setup_link.used", str(user.id))
    return user.id


def _check_password(password: str, email: str) -> None:
    if len(password) < PASSWORD_LENGTH.start:
        raise WeakPassword("too_short")
    if len(password) not in PASSWORD_LENGTH:
        raise WeakPassword("too_long")
    if password.strip().lower() == email.strip().lower():
        raise WeakPassword("is_email")


def sign_in(session: Session, email: str, password: str, *, now: datetime, hours: int) -> str | None:
    """The cookie of a new sign-in; None for an unknown address and for a wrong password alike.

    Both take one run of the hash function, so that the time doesn't tell them apart either.
    """
    # No address holds a NUL, and PostgreSQL takes none; the rest of the way is the same.
    wanted = email.strip().lower().replace("\x00", " ")
    user = session.scalars(select(User).where(func.lower(User.email) == wanted)).one_or_none()
    known = user.password_hash if user and user.active else None
    matches = _verify(known or _hash_of_nobody(), password)
    if user is None or known is None or not matches:
        return None
    if _hasher().check_needs_rehash(known):
        user.password_hash = _hasher().hash(password)
    return begin_sign_in(session, user.id, now=now, hours=hours)


def _verify(password_hash: str, password: str) -> bool:
    if len(password) >= PASSWORD_LENGTH.stop:
        return False
    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def begin_sign_in(session: Session, user_id: UUID, *, now: datetime, hours: int) -> str:
    """The cookie of a new sign-in of somebody who has just shown who he or she is."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    session.add(SignIn(token_hash=_digest(token), user_id=user_id, expires_at=now + timedelta(hours=hours)))
    session.flush()
    audit.record(session, Actor.user(user_id, ()), "sign_in.began", str(user_id))
    return token


def signed_in(session: Session, token: str, now: datetime) -> SignedIn | None:
    """Who a cookie stands for now; None where its sign-in ended or expired, or the user was switched off."""
    row = session.execute(
        select(User.id, User.name, User.language, SignIn.expires_at)
        .join(SignIn)
        .where(SignIn.token_hash == _digest(token), SignIn.ended_at.is_(None), SignIn.expires_at > now, User.active)
    ).one_or_none()
    if row is None:
        return None
    return SignedIn(Actor.user(row.id, grants_of(session, row.id)), row.name, row.expires_at, row.language)


def grants_of(session: Session, user_id: UUID) -> tuple[Grant, ...]:
    """A user's grants, in a stable order."""
    table = models.Grant
    rows = session.execute(
        select(table.role, table.scope_kind, table.scope)
        .where(table.user_id == user_id)
        .order_by(table.role, table.scope_kind, table.scope)
    )
    return tuple(Grant(Role(role), Scope(kind), scope) for role, kind, scope in rows)


def sign_out(session: Session, token: str, now: datetime) -> None:
    """End a sign-in. Its cookie is worth nothing from now on, wherever else it is kept."""
    ended = session.scalar(
        update(SignIn)
        .where(SignIn.token_hash == _digest(token), SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .returning(SignIn.user_id)
    )
    if ended:
        audit.record(session, Actor.user(ended, ()), "sign_in.ended", str(ended))
