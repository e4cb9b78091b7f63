"""Who comes in with a token: checked before every route of the API, as service/permissions.py decides it."""

from typing import Any, cast

import structlog
from flask import g, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge

from records import api_tokens
from records.api_tokens import Bearer
from service.api.problems import Refusal, Wrong
from service.context import context
from service.permissions import ROLES, ByToken, Door

log = structlog.get_logger()
MAX_BYTES = 64_000
SCHEME = "bearer"
REALM = 'Bearer realm="CoP Bridge"'
WITH_BODY = frozenset({"POST"})


def come_in(decision: Door | ByToken) -> None:
    """Let the request in, with `g.actor` as far as its permission reaches; raises Refusal."""
    found = _bearer()
    g.bearer, g.signed_in, g.actor = found, found.who, found.who.actor
    if isinstance(decision, ByToken):
        if decision.scope not in found.scopes:
            challenge = f'{REALM}, error="insufficient_scope", scope="{decision.scope}"'
            raise Refusal(
                "scope-missing",
                f"It needs the scope `{decision.scope}`: make a token that has it.",
                headers={"WWW-Authenticate": challenge},
            )
        g.actor = found.who.actor.only(ROLES[decision.permission])
        if not g.actor.grants:
            log.info("access_refused", permission=str(decision.permission), user=found.who.actor.name)
            raise Refusal("role-missing")
    if any("\0" in value for _, value in request.args.items(multi=True)):
        raise Refusal("not-found")
    if request.method in WITH_BODY:
        _check_body()


def bearer() -> Bearer:
    """The token that came in."""
    return cast(Bearer, g.bearer)


def _bearer() -> Bearer:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != SCHEME or not token.strip():
        raise Refusal("no-token", headers={"WWW-Authenticate": REALM})
    here = context()
    now = here.clock()
    with Session(here.engine) as session:
        found = api_tokens.bearer(session, token.strip(), now)
        if found is None:
            challenge = f'{REALM}, error="invalid_token"'
            raise Refusal("token-refused", headers={"WWW-Authenticate": challenge})
        if api_tokens.used(session, found, now):
            session.commit()
    return found


def _check_body() -> None:
    """Raises Refusal for a body that isn't a JSON object, is too large, or holds text that nothing can keep."""
    request.max_content_length = MAX_BYTES
    if (request.content_length or 0) > MAX_BYTES:
        raise Refusal("too-large")
    if request.mimetype != "application/json":
        raise Refusal("not-json")
    try:
        given = request.get_json()
    except RequestEntityTooLarge as err:
        raise Refusal("too-large") from err
    except (BadRequest, RecursionError) as err:
        raise Refusal("malformed") from err
    if not isinstance(given, dict):
        raise Refusal("invalid", errors=[Wrong(pointer="", detail="The body has to be a JSON object.")])
    if not _can_be_kept(given):
        raise Refusal("malformed", "A text holds U+0000 or half of a surrogate pair: nothing can keep that.")


def _can_be_kept(value: Any) -> bool:
    """Whether no text in it holds what PostgreSQL can't: U+0000, lone surrogates."""
    if isinstance(value, str):
        return "\0" not in value and not any("\ud800" <= each <= "\udfff" for each in value)
    if isinstance(value, dict):
        return all(_can_be_kept(key) and _can_be_kept(each) for key, each in value.items())
    return all(map(_can_be_kept, value)) if isinstance(value, list) else True
