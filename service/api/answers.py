"""Answers: representations with their strong ETag, pages of lists, and writes that happen once."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from flask import request
from pydantic import BaseModel
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import idempotency
from records.idempotency import OtherRequest, UnderWay
from service.api.door import bearer
from service.api.problems import Refusal, Wrong
from service.context import context

JSON = "application/json"
ETAG_DIGITS = 32
MAX_CURSOR = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a write."""

    body: BaseModel
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


def etag_of(body: bytes) -> str:
    """The strong ETag of a representation, without its quotes."""
    return hashlib.sha256(body).hexdigest()[:ETAG_DIGITS]


def encoded(model: BaseModel) -> bytes:
    """A representation as it is sent."""
    return model.model_dump_json().encode()


@contextmanager
def reading() -> Iterator[Session]:
    """A session that sees one state of the database, and can't change it."""
    with context().engine.connect() as connection:
        still = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        with Session(still) as session:
            yield session


def shown(model: BaseModel, headers: Mapping[str, str] | None = None) -> Response:
    """A representation; 304 for who has it already."""
    body = encoded(model)
    tag = etag_of(body)
    known = request.if_none_match.contains(tag)
    answer = Response(b"" if known else body, 304 if known else 200, mimetype=JSON)
    answer.headers.update(headers or {})
    answer.set_etag(tag)
    return answer


def page(model: BaseModel, following: str | None) -> Response:
    """A piece of a list, with the address of the next one in its `Link` header."""
    if following is None:
        return shown(model)
    args = [(name, value) for name, value in request.args.items(multi=True) if name != "cursor"]
    address = f"{request.path}?{urlencode([*args, ('cursor', following)])}"
    return shown(model, {"Link": f'<{address}>; rel="next"'})


def cursor_after(key: UUID | int | None) -> str | None:
    """The cursor that goes on after a row; None: there is nothing to go on with."""
    return base64.urlsafe_b64encode(str(key).encode()).decode().rstrip("=") if key is not None else None


def after_id(cursor: str | None) -> UUID | None:
    """The id that a list goes on after. Raises Refusal."""
    try:
        return UUID(_uncovered(cursor)) if cursor is not None else None
    except ValueError:
        raise _no_cursor() from None


def after_number(cursor: str | None) -> int | None:
    """The same of a list whose keys are numbers. Raises Refusal."""
    if cursor is None:
        return None
    text = _uncovered(cursor)
    if not (text.isascii() and text.isdigit() and int(text[:20]) <= MAX_CURSOR):
        raise _no_cursor()
    return int(text)


def _uncovered(cursor: str) -> str:
    try:
        return base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode("ascii")
    except (ValueError, binascii.Error):
        raise _no_cursor() from None


def _no_cursor() -> Refusal:
    wrong = Wrong(parameter="cursor", detail="It is none of ours: take `next` of the page before, or leave it out.")
    return Refusal("invalid", errors=[wrong])


def as_it_was(model: BaseModel, *, needed: bool) -> None:
    """Raises Refusal where `If-Match` names another representation than this one; `needed`: and where there is
    none."""
    if "If-Match" not in request.headers:
        if needed:
            raise Refusal("if-match")
        return
    if not request.if_match.contains(etag_of(encoded(model))):
        raise Refusal("changed")


def written(act: Callable[[Session], Done], *wakes: QueueName) -> Response:
    """Do something in one transaction, and answer; with an Idempotency-Key only once, however often it is asked.

    A refusal rolls everything back and isn't kept: the same key may be used again.
    """
    here, key = context(), _key()
    now, sealed_by = here.clock(), here.settings.encryption_key
    asked = idempotency.request_hash(request.method, request.full_path, request.get_data())
    with Session(here.engine) as session, session.begin():
        before = _answered(session, key, asked)
        if before is not None:
            return _again(before)
        done = act(session)
        body = encoded(done.body)
        answer = idempotency.Answer(done.status, {**done.headers, "ETag": f'"{etag_of(body)}"'}, body)
        if key:
            idempotency.keep(session, bearer().token_id, key, asked, answer, now, sealed_by)
    for name in wakes:
        wake(here.redis, name)
    return _response(answer)


def _answered(session: Session, key: str, asked: str) -> idempotency.Answer | None:
    if not key:
        return None
    here = context()
    try:
        return idempotency.begin(session, bearer().token_id, key, asked, here.clock(), here.settings.encryption_key)
    except UnderWay as err:
        raise Refusal("under-way", headers={"Retry-After": "1"}) from err
    except OtherRequest as err:
        raise Refusal("key-reused") from err


def _key() -> str:
    key = request.headers.get("Idempotency-Key", "")
    if len(key) > idempotency.MAX_KEY or not (key.isascii() and (key.isprintable() or not key)):
        limit = f"An Idempotency-Key has at most {idempotency.MAX_KEY} visible ASCII characters."
        raise Refusal("invalid", errors=[Wrong(parameter="Idempotency-Key", detail=limit)])
    return key


def _again(before: idempotency.Answer) -> Response:
    answer = _response(before)
    answer.headers["Idempotency-Replayed"] = "true"
    return answer


def _response(answer: idempotency.Answer) -> Response:
    made = Response(answer.body, answer.status, mimetype=JSON)
    made.headers.update(answer.headers)
    return made
