"""The blueprint of the webhook addresses, and what they share: the body, the answer, the errors."""

import json
from dataclasses import dataclass
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, request
from sqlalchemy.exc import DBAPIError

from records.database import is_unreachable
from service.context import Context
from service.intake.sites import Sites
from service.intake.store import Store

intake = Blueprint("intake", __name__)
log = structlog.get_logger()
RETRY_AFTER_SECONDS = 30


class Refused(Exception):
    """A request is refused as a whole, with an HTTP status and, for 400, where it is wrong."""

    def __init__(self, status: int, errors: list[str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.errors = errors or []


@dataclass(frozen=True, slots=True)
class Desk:
    """What intake works with: one an app."""

    context: Context
    sites: Sites
    store: Store


def desk() -> Desk:
    found: Desk = current_app.extensions["copbridge.intake"]
    return found


def body() -> bytes:
    """The raw body. Raises Refused(413) as soon as it is known to be over the limit."""
    limit = desk().context.settings.intake_max_bytes
    if (request.content_length or 0) > limit:
        raise Refused(413)
    data = request.stream.read(limit + 1)
    if len(data) > limit:
        raise Refused(413)
    return data


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def load_json(data: bytes) -> Any:
    """The JSON in a body. Raises Refused(400) for anything else, however deep, long or odd it is."""
    try:
        return json.loads(data.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as err:
        raise Refused(400, ["the body is not JSON in UTF-8"]) from err


def parse_json(data: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Refused(400) for anything else."""
    found = load_json(data)
    if not isinstance(found, dict):
        raise Refused(400, ["the body is not a JSON object"])
    return found


def answer(results: list[dict[str, Any]], **more: Any) -> Response:
    return Response(json.dumps({"results": results} | more), mimetype="application/json")


@intake.errorhandler(Refused)
def _refused(err: Refused) -> tuple[Response, int]:
    words = {400: "malformed", 401: "unauthorized", 413: "too_large"}
    content: dict[str, Any] = {"error": words[err.status]}
    if err.errors:
        content["errors"] = err.errors[:50]
    return Response(json.dumps(content), mimetype="application/json"), err.status


@intake.errorhandler(DBAPIError)
def _database(err: DBAPIError) -> tuple[Response, int]:
    """The database is away: the sender keeps what it has and comes back."""
    if not is_unreachable(err):
        raise err
    log.warning("intake_database_unreachable", error=type(err).__name__)
    response = Response(json.dumps({"error": "unavailable"}), mimetype="application/json")
    response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response, 503
