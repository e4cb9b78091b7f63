"""Tokens of the REST API: each acts as its user, as far as its scopes and that user's present grants go.

A token is shown once, when it is made; only its hash is kept.
"""

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from records import audit
from records.actor import Actor
from records.models import ApiToken, User, uuid7
from records.sign_ins import SignedIn, grants_of

PREFIX = "cbt_"
"""What a token begins with, so that one that leaked can be told for what it is."""
TOKEN_BYTES = 32
MAX_DAYS = 365
MAX_NAME = 100
MOST = 50
"""So many usable tokens somebody may have at a time."""
USED_EVERY = timedelta(minutes=1)


class ApiScope(StrEnum):
    """What a token is for. Its user's roles decide besides: a scope gives nobody anything."""

    READ = "read"
    """Communities, their standings in numbers, their sessions."""
    PEOPLE_READ = "people:read"
    """People, their memberships, standings, explanations, attendance and adjustments."""
    ATTENDANCE_WRITE = "attendance:write"
    """Plan, move and cancel sessions; record who was there."""
    ADJUSTMENTS_WRITE = "adjustments:write"
    """Adjust hours, and undo that."""
    OPERATIONS_READ = "operations:read"
    """Sites, events and jobs: how the machine runs."""


class TokenFault(StrEnum):
    """Why a token can't be made."""

    NAME = "name"
    """Empty, longer than MAX_NAME, or with characters that nobody sees."""
    SCOPES = "scopes"
    """None, or one that there isn't."""
    DAYS = "days"
    """Not from 1 to MAX_DAYS."""
    TOO_MANY = "too_many"
    """The user has MOST usable tokens already."""


class TokenError(Exception):
    """A token can't be made; `fault` says why."""

    def __init__(self, fault: TokenFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who a token stands for now."""

    token_id: UUID
    name: str
    who: SignedIn
    """The token's user with the present grants; `expires_at` is the token's end."""
    scopes: frozenset[ApiScope]
    used_at: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A token as it is listed: never itself."""

    id: UUID
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    """To the minute."""
    revoked_at: datetime | None
    user_id: UUID
    email: str
    active: bool
    """Whether its user is: a token ends with its user."""

    def usable(self, now: datetime) -> bool:
        """Whether it opens anything."""
        return self.active and self.revoked_at is None and self.expires_at > now


def _digest(token: str) -> str:
    # Tokens are long and random: a plain hash can't be guessed back, and can be looked up.
    return hashlib.sha256(token.encode(errors="surrogatepass")).hexdigest()


def make(session: Session, by: Actor, name: str, scopes: Collection[str], days: int, now: datetime) -> tuple[UUID, str]:
    """A new token of the actor's own, which ends after so many days: its id, and the token itself, which is told this
    once. Raises TokenError."""
    if by.user_id is None:
        raise ValueError("a token belongs to somebody who signs in")
    name = " ".join(name.split())
    if not name or len(name) > MAX_NAME or not name.isprintable():
        raise TokenError(TokenFault.NAME)
    wanted = set(scopes)
    if not wanted or not wanted <= set(ApiScope):
        raise TokenError(TokenFault.SCOPES)
    if not 1 <= days <= MAX_DAYS:
        raise TokenError(TokenFault.DAYS)
    # Two at a time would each find one place left.
    session.execute(select(User.id).where(User.id == by.user_id).with_for_update())
    if held(session, by.user_id, now) >= MOST:
        raise TokenError(TokenFault.TOO_MANY)
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    row = ApiToken(
        id=uuid7(),
        user_id=by.user_id,
        name=name,
        token_hash=_digest(token),
        scopes=sorted(map(str, wanted)),
        created_at=now,
        expires_at=now + timedelta(days=days),
    )
    session.add(row)
    session.flush()
    audit.record(session, by, "api_token.made", str(row.id), after={"scopes": row.scopes, "days": days})
    return row.id, token


def _open(now: datetime) -> tuple[ColumnElement[bool], ...]:
    return ApiToken.revoked_at.is_(None), ApiToken.expires_at > now


def held(session: Session, user_id: UUID, now: datetime) -> int:
    """How many tokens of a user can be used."""
    wanted = select(func.count()).select_from(ApiToken).where(ApiToken.user_id == user_id, *_open(now))
    return session.scalar(wanted) or 0


def bearer(session: Session, token: str, now: datetime) -> Bearer | None:
    """Who a token stands for; None for one that isn't, was revoked or ended, and for one whose user was switched
    off."""
    if not token.startswith(PREFIX):
        return None
    row = session.execute(
        select(ApiToken, User.name, User.language)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_hash == _digest(token), User.active, *_open(now))
    ).one_or_none()
    if row is None:
        return None
    token_row: ApiToken = row.ApiToken
    actor = Actor.user(token_row.user_id, grants_of(session, token_row.user_id))
    scopes = frozenset(ApiScope(scope) for scope in token_row.scopes if scope in set(ApiScope))
    who = SignedIn(actor, row.name, token_row.expires_at, language=row.language)
    return Bearer(token_row.id, token_row.name, who, scopes, token_row.used_at)


def used(session: Session, found: Bearer, now: datetime) -> bool:
    """Write down that a token was used, at most once a minute. Returns whether that was due."""
    due = now - USED_EVERY
    if found.used_at is not None and found.used_at > due:
        return False
    stale = or_(ApiToken.used_at.is_(None), ApiToken.used_at <= due)
    session.execute(update(ApiToken).where(ApiToken.id == found.token_id, stale).values(used_at=now))
    return True


def listed(session: Session, user_id: UUID | None = None) -> list[Listed]:
    """The tokens of a user, or of everybody, the latest first. Each user has few: there is no paging."""
    wanted = select(ApiToken, User.email, User.active).join(User, User.id == ApiToken.user_id)
    if user_id is not None:
        wanted = wanted.where(ApiToken.user_id == user_id)
    rows = session.execute(wanted.order_by(ApiToken.id.desc()))
    return [
        Listed(
            row.id,
            row.name,
            tuple(row.scopes),
            row.created_at,
            row.expires_at,
            row.used_at,
            row.revoked_at,
            row.user_id,
            email,
            active,
        )
        for row, email, active in rows
    ]


def revoke(session: Session, by: Actor, token_id: UUID, now: datetime, *, of_user: UUID | None = None) -> bool:
    """End a token at once. `of_user`: only one of that user's. Returns whether there was one to end."""
    own = (ApiToken.user_id == of_user,) if of_user else ()
    ended = session.scalar(
        update(ApiToken)
        .where(ApiToken.id == token_id, ApiToken.revoked_at.is_(None), *own)
        .values(revoked_at=now)
        .returning(ApiToken.id)
    )
    if ended is None:
        return False
    audit.record(session, by, "api_token.revoked", str(ended))
    return True


def revoke_all(session: Session, by: Actor, user_id: UUID, now: datetime) -> int:
    """End all tokens of a user, for good: switching the user on again brings none of them back. Returns how many."""
    open_ones = select(ApiToken.id).where(ApiToken.user_id == user_id, *_open(now))
    ids = session.scalars(open_ones.order_by(ApiToken.id)).all()
    return sum(revoke(session, by, token_id, now) for token_id in ids)
