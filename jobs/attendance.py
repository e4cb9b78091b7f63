"""Facts of who was at which session, made of what was recorded since the last look."""

from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import presences, review_waiting
from records.mirror import everywhere_alone

AT_ONCE = 500
"""People at sessions in one transaction: nothing else is at work on any site meanwhile."""


def anything_due(session: Session) -> bool:
    """Whether something was recorded that no fact says yet."""
    return bool(presences.due(session, limit=1))


def fold_due(engine: Engine) -> int:
    """Make the facts that are due, as many as go at once. Returns of how many people at sessions."""
    with Session(engine) as session, session.begin():
        everywhere_alone(session)
        keys = presences.due(session, AT_ONCE)
        presences.fold(session, keys)
    return len(keys)


def match_waiting(engine: Engine, encryption_key: SecretStr) -> int:
    """Match people whom nobody knew and who are known by now, and leave those who were erased. Returns how many."""
    with Session(engine) as session, session.begin():
        review_waiting.leave_erased(session, encryption_key)
    # Apart: whoever asks to be alone must not hold rows that somebody who is alone may wait for.
    with Session(engine) as session, session.begin():
        return review_waiting.match_waiting(session)
