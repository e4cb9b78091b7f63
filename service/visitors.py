"""Who is at a browser that nobody signed in to CoP Bridge with: what its signed cookie says, and for how long.

`moodle` is what the companion plugin asserted (service/pages/identify.py), `personal` whose personal link was opened.
`grant` is what a scanned code gave: one check-in, within ten minutes, however long the sign-in to Moodle takes.
`there` is the check-in that this browser made.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from flask import Request, session
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.check_in import LONGEST, Visitor
from records.forgotten import erased_among
from records.models import Account, Site, uuid7
from records.queries.check_in import link_holder
from service import access
from service.context import context

MOODLE, PERSONAL, GRANT, THERE = "moodle", "personal", "grant", "there"
GRANTED_FOR = timedelta(minutes=10)
PERSONAL_FOR = timedelta(hours=12)
DEVICE_DAYS = 365
DEVICE_BYTES = 24


@dataclass(frozen=True, slots=True)
class Known:
    """Somebody, with the site of the account and the name; the name is empty where Moodle hasn't told it."""

    visitor: Visitor
    site_id: UUID
    name: str
    erased: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """One check-in at a session."""

    session_id: UUID
    nonce: UUID


def known(database: Session, now: datetime) -> Known | None:
    """Who is at the browser; None: nobody knows, or not any more."""
    by_moodle = _kept(MOODLE, now)
    if by_moodle:
        return _by_moodle(database, by_moodle["site"], by_moodle["user"])
    by_link = _kept(PERSONAL, now)
    account = link_holder(database, UUID(by_link["account"])) if by_link else None
    return _known(account) if account else None


def forget() -> None:
    """Know nobody any more: somebody else has the browser now."""
    session.pop(MOODLE, None)
    session.pop(PERSONAL, None)


def introduce(account_id: UUID, now: datetime) -> None:
    """Keep whose personal link was opened."""
    forget()
    session[PERSONAL] = {"account": str(account_id), "until": (now + PERSONAL_FOR).timestamp()}


def grant(session_id: UUID, now: datetime) -> None:
    """Give the browser one check-in at a session."""
    until = (now + GRANTED_FOR).timestamp()
    session[GRANT] = {"session": str(session_id), "nonce": str(uuid7()), "until": until}


def granted(now: datetime) -> Grant | None:
    """The check-in that the browser may make."""
    kept = _kept(GRANT, now)
    return Grant(UUID(kept["session"]), UUID(kept["nonce"])) if kept else None


def use_up() -> None:
    session.pop(GRANT, None)


def checked_in(session_id: UUID, presence_id: UUID, now: datetime) -> None:
    """Keep the check-in that the browser made."""
    until = (now + LONGEST).timestamp()
    session[THERE] = {"session": str(session_id), "nonce": str(presence_id), "until": until}


def there(now: datetime) -> Grant | None:
    """The check-in that the browser made: its `nonce` is the presence's id."""
    kept = _kept(THERE, now)
    return Grant(UUID(kept["session"]), UUID(kept["nonce"])) if kept else None


def device(request: Request) -> str | None:
    """A hash of what tells this browser from others; None where it has nothing yet."""
    kept = request.cookies.get(_device_cookie())
    return hashlib.sha256(kept.encode()).hexdigest() if kept else None


def mark(request: Request, answer: Response) -> Response:
    """Give the browser something to tell it by, if it has nothing yet: it says nothing of whose it is."""
    if not request.cookies.get(_device_cookie()):
        answer.set_cookie(
            _device_cookie(),
            secrets.token_urlsafe(DEVICE_BYTES),
            max_age=DEVICE_DAYS * 86_400,
            path="/",
            secure=access.is_https(),
            httponly=True,
            samesite="Lax",
        )
    return answer


def _device_cookie() -> str:
    return "__Host-copbridge-device" if access.is_https() else "copbridge-device"


def _kept(name: str, now: datetime) -> dict[str, Any] | None:
    kept: dict[str, Any] | None = session.get(name)
    return kept if kept and now.timestamp() < kept["until"] else None


def _by_moodle(database: Session, slug: str, user: int) -> Known | None:
    site = database.scalar(select(Site.id).where(Site.slug == slug))
    if site is None:
        return None
    account = database.scalars(
        select(Account).where(Account.site_id == site, Account.moodle_user_id == user)
    ).one_or_none()
    if account:
        return _known(account)
    erased = bool(erased_among(database, context().settings.encryption_key, [(site, user)]))
    return Known(Visitor(None, user), site, "", erased)


def _known(account: Account) -> Known:
    name = f"{account.firstname} {account.lastname}".strip()
    return Known(Visitor(account.id), account.site_id, name)
