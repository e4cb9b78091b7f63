"""People who sign in: their grants, and one-time links at which they set a password."""

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records import api_tokens, audit, models, passwords, sign_ins
from records.actor import Actor, Grant
from records.models import SetupLink, SignIn, User, uuid7
from records.secret_tokens import digest, new_token

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
MAX_EMAIL = 254


class UserExists(Exception):
    """Somebody with this e-mail address has an account already."""


class UnknownUser(Exception):
    """Nobody with this id may sign in."""


def create_user(
    session: Session, actor: Actor, email: str, name: str, grants: Iterable[Grant], *, language: str | None = None
) -> UUID:
    """Somebody new, who can't sign in before a set-up link was used. Raises UserExists.

    An address is one user's, in whatever letter case.
    """
    user_id = uuid7()
    made = session.scalar(
        insert(User)
        .values(id=user_id, email=email.strip(), name=name.strip(), language=language)
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


def make_setup_link(
    session: Session, actor: Actor, user_id: UUID, *, now: datetime, hours: int, ends_earlier: bool = True
) -> str:
    """The token of a new one-time link. Raises UnknownUser.

    Earlier links of this user stop working, unless anybody may have asked for this one (`ends_earlier` False): nobody
    takes somebody else's invitation away.
    """
    if session.scalar(select(User.id).where(User.id == user_id, User.active).with_for_update()) is None:
        raise UnknownUser
    if ends_earlier:
        _end_links(session, user_id, now)
    token = new_token()
    session.add(SetupLink(token_hash=digest(token), user_id=user_id, expires_at=now + timedelta(hours=hours)))
    session.flush()
    audit.record(session, actor, "setup_link.made", str(user_id), after={"hours": hours})
    return token


def _end_links(session: Session, user_id: UUID, now: datetime) -> None:
    open_links = (SetupLink.user_id == user_id, SetupLink.used_at.is_(None))
    session.execute(update(SetupLink).where(*open_links).values(used_at=now))


def _usable(token: str, now: datetime) -> tuple[object, ...]:
    return (
        SetupLink.token_hash == digest(token),
        SetupLink.used_at.is_(None),
        SetupLink.expires_at > now,
        User.active,
    )


def setup_email(session: Session, token: str, now: datetime) -> str | None:
    """The e-mail address that a link sets a password for; None where the link can't be used (any more)."""
    return session.scalar(select(User.email).join(SetupLink).where(*_usable(token, now)))  # type: ignore[arg-type]


def replaces_password(session: Session, token: str, now: datetime) -> bool:
    """Whether the user of a link that can be used has a password already."""
    known = select(User.password_hash).join(SetupLink).where(*_usable(token, now))  # type: ignore[arg-type]
    return session.scalar(known) is not None


def tokens_at_stake(session: Session, token: str, now: datetime) -> int:
    """How many tokens of the API using a link would end."""
    user_id = session.scalar(select(SetupLink.user_id).join(User).where(*_usable(token, now)))  # type: ignore[arg-type]
    return api_tokens.held(session, user_id, now) if user_id else 0


def use_setup_link(session: Session, token: str, password: str, now: datetime) -> UUID | None:
    """Set the password that the link is for and end every other link, sign-in and token of the API of that user:
    whoever needs a link may have lost the account to somebody else, who may have made himself a token.

    Returns the user's id; None where the link can't be used (any more). Raises passwords.WeakPassword, and the
    link stays usable.
    """
    # The link's row lock lets one of two at once through: the other finds it used.
    link = session.execute(
        select(SetupLink, User).join(User).where(*_usable(token, now)).with_for_update()  # type: ignore[arg-type]
    ).one_or_none()
    if link is None:
        return None
    user: User = link.User
    passwords.check(password, user.email)
    user.password_hash = passwords.hashed(password)
    session.flush()
    _end_links(session, user.id, now)
    me = Actor.user(user.id, ())
    ended = {"sign_ins_ended": sign_ins.end_all(session, user.id, now)}
    ended["tokens_ended"] = api_tokens.revoke_all(session, me, user.id, now)
    audit.record(session, me, "setup_link.used", str(user.id), after=ended)
    return user.id


def has_password(session: Session, user_id: UUID) -> bool:
    """Whether somebody signs in with a password, or has one to fall back on."""
    return session.scalar(select(User.password_hash).where(User.id == user_id)) is not None


def change_password(
    session: Session, user_id: UUID, present: str, new: str, now: datetime, *, end_tokens: bool
) -> bool:
    """Change somebody's own password, and end all sign-ins: whoever goes on gets a fresh one by `sign_ins.begin`.
    `end_tokens`: the tokens of the API, too.

    False where `present` isn't the password, or there is none. Raises passwords.WeakPassword.
    """
    user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one()
    if not passwords.matches(user.password_hash, present):
        return False
    passwords.check(new, user.email)
    user.password_hash = passwords.hashed(new)
    session.flush()
    _end_links(session, user_id, now)
    me = Actor.user(user_id, ())
    ended = {"sign_ins_ended": sign_ins.end_all(session, user_id, now)}
    ended["tokens_ended"] = api_tokens.revoke_all(session, me, user_id, now) if end_tokens else 0
    audit.record(session, me, "password.changed", str(user_id), after=ended)
    return True


def end_other_sign_ins(session: Session, user_id: UUID, cookie: str, now: datetime) -> int:
    """End all of somebody's sign-ins but the one that a cookie stands for; how many there were."""
    hashed = digest(cookie)
    another = SignIn.token_hash != hashed, func.coalesce(SignIn.former_hash, "") != hashed
    ended = session.scalars(
        update(SignIn)
        .where(SignIn.user_id == user_id, SignIn.ended_at.is_(None), *another)
        .values(ended_at=now)
        .returning(SignIn.token_hash),
        execution_options={"synchronize_session": False},
    ).all()
    audit.record(session, Actor.user(user_id, ()), "sign_ins.ended", str(user_id), after={"ended": len(ended)})
    return len(ended)


def save_own(session: Session, user_id: UUID, name: str, language: str | None) -> None:
    """Keep what somebody says of himself or herself; `language` None: as the browser asks."""
    user = session.scalars(select(User).where(User.id == user_id).with_for_update()).one()
    before = user.language
    changed = {"name_changed": user.name != name.strip()}
    user.name, user.language = name.strip(), language
    session.flush()
    me, after = Actor.user(user_id, ()), {"language": language, **changed}
    audit.record(session, me, "account.saved", str(user_id), before={"language": before}, after=after)


def is_address(email: str) -> bool:
    """Whether it has the form of an e-mail address that somebody may sign in with."""
    return len(email) <= MAX_EMAIL and email.isprintable() and EMAIL.fullmatch(email) is not None
