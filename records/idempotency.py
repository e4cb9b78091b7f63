"""Writes that come twice: what the first was answered is kept for a day, and a repetition is told the same.

The answer is kept in the transaction of the act itself: either both are there or neither. Answers may name people, so
that they are encrypted.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records.keys import among
from records.models import IdempotencyKey
from records.secrets import SecretError, seal, unseal

KEPT = timedelta(hours=24)
MAX_KEY = 255


class UnderWay(Exception):
    """The first request with this key isn't answered yet."""


class OtherRequest(Exception):
    """The key was used with another request."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a write was answered: its status, the headers that belong to it, and the body as it was sent."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def request_hash(method: str, path: str, body: bytes) -> str:
    """Tells one request from another."""
    return hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).hexdigest()


def begin(
    session: Session, token_id: UUID, key: str, asked: str, now: datetime, encryption_key: SecretStr
) -> Answer | None:
    """The first thing in a write's transaction: what it was answered before; None: it is the first of its kind.

    Others with the same key are told UnderWay until the transaction ends. Raises UnderWay, OtherRequest.
    """
    name = hashlib.blake2b(f"idempotency:{token_id}:{key}".encode(), digest_size=8).digest()
    # It is never waited for: nobody can come to stand in a circle by it.
    if not session.scalar(select(func.pg_try_advisory_xact_lock(int.from_bytes(name, "big", signed=True)))):
        raise UnderWay
    row = session.get(IdempotencyKey, (token_id, key))
    if row is None or row.created_at <= now - KEPT or row.status is None:
        return None
    if row.request_hash != asked or row.answer is None:
        # Of one that was forgotten nobody can say any more what came of it: it isn't done again either.
        raise OtherRequest
    try:
        kept = json.loads(unseal(row.answer, encryption_key))
    except SecretError:
        # ENCRYPTION_KEY is another one by now. To do it again would be worse than not to say what came of it.
        raise OtherRequest from None
    return Answer(row.status, kept["headers"], kept["body"].encode())


def keep(
    session: Session, token_id: UUID, key: str, asked: str, answer: Answer, now: datetime, encryption_key: SecretStr
) -> None:
    """The last thing in it: keep what it is answered."""
    content = json.dumps({"headers": dict(answer.headers), "body": answer.body.decode()})
    sealed = seal(content, encryption_key)
    row = {"request_hash": asked, "status": answer.status, "answer": sealed, "created_at": now}
    statement = insert(IdempotencyKey).values(token_id=token_id, key=key, **row)
    # One that is older than a day may not be pruned yet.
    session.execute(statement.on_conflict_do_update(index_elements=["token_id", "key"], set_=row))


def forget(session: Session, ids: Iterable[UUID], encryption_key: SecretStr) -> int:
    """Forget answers that name one of these people, memberships or accounts: their keys stay used. Returns how many."""
    wanted = [str(one) for one in ids]
    kept = select(IdempotencyKey.token_id, IdempotencyKey.key, IdempotencyKey.answer)
    rows = session.execute(kept.where(IdempotencyKey.answer.is_not(None)).execution_options(yield_per=500))
    gone = [(row.token_id, row.key) for row in rows if _names(row.answer, wanted, encryption_key)]
    named = among((IdempotencyKey.token_id, IdempotencyKey.key), gone)
    session.execute(
        update(IdempotencyKey).where(named).values(answer=None), execution_options={"synchronize_session": False}
    )
    return len(gone)


def _names(answer: bytes, wanted: Iterable[str], encryption_key: SecretStr) -> bool:
    try:
        said = unseal(answer, encryption_key)
    except SecretError:
        # Nobody can read it any more.
        return False
    return any(one in said for one in wanted)


def prune(session: Session, now: datetime) -> int:
    """Delete what is older than a day. Returns how many."""
    old = delete(IdempotencyKey).where(IdempotencyKey.created_at <= now - KEPT)
    result = session.execute(old, execution_options={"synchronize_session": False})
    return int(result.rowcount)  # type: ignore[attr-defined]
