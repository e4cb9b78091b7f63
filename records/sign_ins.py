"""Sign-ins: how they begin, whom their cookies stand for, and what ends them.

A sign-in ends when its hours are over, when nobody used it for a while, when the user signs out, and with all others of
the user when the password changes or the user is switched off. Its cookie is replaced once an hour; the one before is
still good for a minute, for requests that were under way with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from records import audit, models, passwords
from records.actor import Actor, Grant, Role, Scope
from records.models import SignIn, User
from records.secret_tokens import digest, new_token

Way = Literal["password", "setup_link", "provider"]
ROTATED_AFTER = timedelta(hours=1)
FORMER_GOOD_FOR = timedelta(minutes=1)
SEEN_EVERY = timedelta(minutes=1)
"""That somebody is there is written down at most so often."""
KEPT = timedelta(days=30)
"""Ended sign-ins are deleted this long after; that they began and ended stays in the audit trail."""


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a sign-in's cookie stands for."""

    actor: Actor
    name: str
    expires_at: datetime
    language: str | None = None
    """Chosen by the user."""
    old: bool = False
    """The cookie is to be replaced (see rotated)."""


def sign_in(
    session: Session, email: str, password: str, *, now: datetime, hours: int, locked: bool = False
) -> str | None:
    """The cookie of a new sign-in by password.

    None for an unknown address, for a wrong password, for a user who is switched off, and whatever the password while
    the address is `locked`: alike, and after one run of the hash function, so that the time tells none of them apart.
    """
    # No address holds a NUL, and PostgreSQL takes none; the rest of the way is the same.
    wanted = email.strip().lower().replace("\x00", " ")
    user = session.scalars(select(User).where(func.lower(User.email) == wanted)).one_or_none()
    known = user.password_hash if user and user.active else None
    right = passwords.matches(known, password)
    if user is None or known is None or not right or locked:
        return None
    if passwords.outdated(known):
        user.password_hash = passwords.hashed(password)
    return begin(session, user.id, "password", now=now, hours=hours)


def begin(session: Session, user_id: UUID, way: Way, *, now: datetime, hours: int) -> str:
    """The cookie of a new sign-in of somebody who has just shown who he or she is. Each has a token of its own."""
    token = new_token()
    session.add(
        SignIn(
            token_hash=digest(token),
            user_id=user_id,
            way=way,
            created_at=now,
            rotated_at=now,
            seen_at=now,
            expires_at=now + timedelta(hours=hours),
        )
    )
    session.flush()
    audit.record(session, Actor.user(user_id, ()), "sign_in.began", str(user_id), after={"way": way})
    return token


def signed_in(
    session: Session, token: str, now: datetime, *, idle_minutes: int, present: bool = True
) -> SignedIn | None:
    """Who a cookie stands for now; None where its sign-in ended or expired, or the user was switched off.

    It also ends for whoever wasn't there for `idle_minutes`. `present`: somebody asks, and not just an open page for
    news of itself; that is written down, so commit.
    """
    # With the grants, a row for each: this is asked for whatever is asked for.
    held, s = models.Grant, SignIn
    rows = session.execute(
        select(User.id, User.name, User.language, s.token_hash, s.expires_at, s.seen_at, s.rotated_at)
        .add_columns(held.role, held.scope_kind, held.scope)
        .join(s)
        .outerjoin(held, held.user_id == User.id)
        .where(_stands_for(token, now), s.seen_at > now - timedelta(minutes=idle_minutes), User.active)
        .order_by(held.role, held.scope_kind, held.scope)
    ).all()
    if not rows:
        return None
    row = rows[0]
    if present and row.seen_at <= now - SEEN_EVERY:
        unwritten = (SignIn.token_hash == row.token_hash, SignIn.seen_at == row.seen_at)
        session.execute(update(SignIn).where(*unwritten).values(seen_at=now))
    grants = tuple(Grant(Role(each.role), Scope(each.scope_kind), each.scope) for each in rows if each.role)
    old = row.token_hash == digest(token) and row.rotated_at <= now - ROTATED_AFTER
    return SignedIn(Actor.user(row.id, grants), row.name, row.expires_at, row.language, old)


def _stands_for(token: str, now: datetime) -> ColumnElement[bool]:
    hashed = digest(token)
    former = and_(SignIn.former_hash == hashed, SignIn.rotated_at > now - FORMER_GOOD_FOR)
    return and_(or_(SignIn.token_hash == hashed, former), SignIn.ended_at.is_(None), SignIn.expires_at > now)


def rotated(session: Session, token: str, now: datetime) -> str | None:
    """The cookie that takes the place of this one, which is an hour old; None where it isn't yet.

    Of several requests at once one gets the new cookie. The others' answers leave the browser's alone.
    """
    fresh = new_token()
    due = (SignIn.token_hash == digest(token), SignIn.rotated_at <= now - ROTATED_AFTER, SignIn.ended_at.is_(None))
    made = session.scalar(
        update(SignIn)
        .where(*due, SignIn.expires_at > now)
        .values(token_hash=digest(fresh), former_hash=SignIn.token_hash, rotated_at=now)
        .returning(SignIn.user_id),
        execution_options={"synchronize_session": False},
    )
    return fresh if made else None


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
        update(SignIn).where(_stands_for(token, now)).values(ended_at=now).returning(SignIn.user_id),
        execution_options={"synchronize_session": False},
    )
    if ended:
        audit.record(session, Actor.user(ended, ()), "sign_in.ended", str(ended))


def end_all(session: Session, user_id: UUID, now: datetime) -> int:
    """End all sign-ins of a user, as when the password changed or the user was switched off; how many there were.

    Whoever does that to himself or herself and stays gets a fresh one by `begin`.
    """
    ended = session.scalars(
        update(SignIn)
        .where(SignIn.user_id == user_id, SignIn.ended_at.is_(None))
        .values(ended_at=now)
        .returning(SignIn.token_hash),
        execution_options={"synchronize_session": False},
    )
    return len(ended.all())


def prune(session: Session, now: datetime) -> int:
    """Delete what ended or expired long ago; how many."""
    over = or_(SignIn.ended_at < now - KEPT, SignIn.expires_at < now - KEPT)
    gone = session.scalars(
        delete(SignIn).where(over).returning(SignIn.user_id), execution_options={"synchronize_session": False}
    )
    return len(gone.all())
