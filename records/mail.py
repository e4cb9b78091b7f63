"""Mail to people who sign in: queued here, encrypted, and emptied once it was sent or given up.

The database is the queue of truth. Claiming a mail counts the attempt and puts the next one off, in a commit of its
own: whoever dies while sending leaves it to be sent again, a while later.
"""

import json
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from records.models import Mail, User, uuid7
from records.secrets import SecretError, seal, unseal

BACK_OFF = (300, 900, 3600, 4 * 3600, 12 * 3600)
"""Seconds after each attempt; after the one that follows the last it is given up. Longer than any attempt takes."""
DAY = timedelta(days=1)


class Kind(StrEnum):
    """What a mail is about."""

    INVITATION = "invitation"
    RESET = "reset"
    CHANGED = "password_changed"
    GRANTED = "granted"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A mail to be sent now. `attempt` counts from 1; what it says stays out of any repr."""

    id: UUID
    kind: str
    attempt: int
    address: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)


def post(session: Session, user_id: UUID, kind: Kind, subject: str, text: str, encryption_key: SecretStr) -> UUID:
    """Queue a mail; its id. Of invitations the newest alone is sent: it ended the earlier ones' links.

    Wake QueueName.MAIL after the commit.
    """
    if kind is Kind.INVITATION:
        earlier = (Mail.user_id == user_id, Mail.kind == str(kind), Mail.status == "waiting")
        session.execute(update(Mail).where(*earlier).values(status="failed", error="superseded", content=None))
    mail_id = uuid7()
    content = seal(json.dumps([subject, text]), encryption_key)
    session.add(Mail(id=mail_id, user_id=user_id, kind=str(kind), content=content))
    session.flush()
    return mail_id


def posted_within_a_day(session: Session, user_id: UUID, kind: Kind) -> int:
    """How many mails of a kind somebody was written within the last 24 hours, sent or not."""
    since = func.clock_timestamp() - DAY
    counted = select(func.count()).where(Mail.user_id == user_id, Mail.kind == str(kind), Mail.created_at > since)
    return session.scalar(counted) or 0


def claim(session: Session, encryption_key: SecretStr) -> Claimed | None:
    """The mail that is due for longest, for the caller alone: commit before it is sent.

    One that can't be read any more, or whose user was switched off, is given up on the way.
    """
    due = (Mail.status == "waiting", Mail.due_at <= func.clock_timestamp())
    wanted = select(Mail, User.email, User.active).join(User).where(*due).order_by(Mail.due_at, Mail.id)
    while True:
        found = session.execute(wanted.limit(1).with_for_update(of=Mail, skip_locked=True)).one_or_none()
        if found is None:
            return None
        mail: Mail = found.Mail
        claimed = _opened(mail, found.email, encryption_key) if found.active else "switched_off"
        if isinstance(claimed, Claimed):
            wait = BACK_OFF[min(mail.attempts, len(BACK_OFF) - 1)]
            mail.attempts += 1
            mail.due_at = func.clock_timestamp() + timedelta(seconds=wait)
            session.flush()
            return claimed
        _give_up(mail, claimed)
        session.flush()


def _opened(mail: Mail, address: str, encryption_key: SecretStr) -> Claimed | str:
    if mail.attempts > len(BACK_OFF):
        # Whoever sent it died each time.
        return "died"
    try:
        subject, text = json.loads(unseal(mail.content or b"", encryption_key))
    except SecretError:
        return "unreadable"
    return Claimed(mail.id, mail.kind, mail.attempts + 1, address, subject, text)


def _give_up(mail: Mail, code: str) -> None:
    mail.status, mail.error, mail.content = "failed", code, None


def sent(session: Session, claimed: Claimed) -> None:
    """Say that a mail went out; it is emptied."""
    session.execute(
        update(Mail)
        .where(Mail.id == claimed.id, Mail.status == "waiting")
        .values(status="sent", error="", content=None, sent_at=func.clock_timestamp())
    )


def failed(session: Session, claimed: Claimed, code: str, *, permanent: bool) -> bool:
    """Say that a mail didn't go out. Whether it is given up: nothing helps, or it was tried often enough."""
    over = permanent or claimed.attempt > len(BACK_OFF)
    values: dict[str, object] = {"error": code}
    if over:
        values |= {"status": "failed", "content": None}
    # Somebody else may have claimed it meanwhile: then what comes of that is what is kept.
    ours = (Mail.id == claimed.id, Mail.status == "waiting", Mail.attempts == claimed.attempt)
    session.execute(update(Mail).where(*ours).values(**values))
    return over
