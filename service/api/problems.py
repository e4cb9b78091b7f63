"""What went wrong, as application/problem+json (RFC 9457): a type, a title, and a detail that says what to do."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from uuid import UUID

import structlog
from flask import g, has_request_context, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response

from records.models import uuid7

log = structlog.get_logger()
PREFIX = "/api/"
MEDIA_TYPE = "application/problem+json"
URN = "urn:copbridge:problem:"
KINDS: dict[str, tuple[int, str, str]] = {
    "malformed": (400, "The request can't be read", "Send a JSON object, encoded as UTF-8."),
    "no-token": (
        401,
        "No token",
        "Send a token of yours as `Authorization: Bearer cbt_...`; pages never open the API.",
    ),
    "token-refused": (
        401,
        "The token isn't valid",
        "It was revoked, has ended, or never was one. Make another one on the page of your tokens.",
    ),
    "scope-missing": (403, "The token isn't meant for this", "Make a token with the scope that is needed."),
    "role-missing": (403, "Your role doesn't allow this", "Ask a program admin or IT for a role that does."),
    "not-found": (404, "Not found", "There is nothing of this id or address that your account covers."),
    "method": (405, "The address knows no such method", "See the header `Allow` for those that it knows."),
    "conflict": (409, "Something else stands there", "Read it again, and decide whether it still has to change."),
    "under-way": (409, "The same request is under way", "Try again in a moment with the same Idempotency-Key."),
    "changed": (412, "It was changed meanwhile", "Read it again, and send the new ETag as `If-Match`."),
    "too-large": (413, "The body is too large", "Send less at a time."),
    "not-json": (415, "The body isn't JSON", "Send `Content-Type: application/json`."),
    "invalid": (422, "Some values can't be used", "See `errors`: what is wrong with which field."),
    "refused": (422, "It can't be done", "See `errors`."),
    "key-reused": (
        422,
        "The Idempotency-Key was used with another request",
        "Use a new key for each request, and the same one only to repeat it.",
    ),
    "if-match": (428, "If-Match is needed", "Read it first, and send its ETag as `If-Match`."),
    "too-many": (429, "Too many requests", "Wait for as many seconds as `Retry-After` says."),
    "failed": (500, "Something went wrong here", "Tell IT the correlation id: it leads to what was logged."),
    "unavailable": (503, "The database can't be reached", "Try again as `Retry-After` says."),
}
BY_STATUS = {
    400: "malformed",
    401: "no-token",
    403: "role-missing",
    404: "not-found",
    405: "method",
    413: "too-large",
    415: "not-json",
    429: "too-many",
    503: "unavailable",
}


class Wrong(BaseModel):
    """What is wrong with one field, or with one parameter of the address."""

    model_config = ConfigDict(title="Wrong")
    pointer: str | None = Field(default=None, description="Where in the body, as a JSON pointer.")
    parameter: str | None = Field(default=None, description="Which parameter of the address.")
    detail: str


class Problem(BaseModel):
    """An answer that says what went wrong, and what to do."""

    model_config = ConfigDict(title="Problem")
    type: str = Field(description="What kind of problem it is: a URN that stays the same.")
    title: str
    status: int
    detail: str
    correlation_id: UUID = Field(description="Leads IT to what was logged about this request.")
    errors: list[Wrong] = Field(default_factory=list)


class Refusal(Exception):
    """Ends a request with a problem; whatever its transaction did is rolled back."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        *,
        errors: Sequence[Wrong] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind, self.detail, self.errors, self.headers = kind, detail, errors, dict(headers or {})


def asked() -> bool:
    """Whether the request is one to the API, whose errors are problems and no pages."""
    return has_request_context() and request.path.startswith(PREFIX)


def correlation_id() -> UUID:
    """The request's own id: in its problem, in a header of every answer, and in what is logged."""
    if "correlation_id" not in g:
        g.correlation_id = uuid7()
    found: UUID = g.correlation_id
    return found


def respond(
    kind: str, detail: str = "", errors: Sequence[Wrong] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The answer for a kind of problem."""
    status, title, general = KINDS[kind]
    problem = Problem(
        type=f"{URN}{kind}",
        title=title,
        status=status,
        detail=detail or general,
        correlation_id=correlation_id(),
        errors=list(errors),
    )
    log.info("api_refused", endpoint=request.endpoint, problem=kind, correlation_id=str(problem.correlation_id))
    answer = Response(problem.model_dump_json(exclude_none=True), status, mimetype=MEDIA_TYPE)
    # Where no route was found, none of the API's own marks it.
    answer.headers["X-Correlation-Id"] = str(problem.correlation_id)
    answer.headers.update(headers or {})
    return answer


def of_refusal(err: Refusal) -> Response:
    """The answer that a Refusal asks for."""
    return respond(err.kind, err.detail, err.errors, err.headers)


def of_status(status: int, err: HTTPException | None = None) -> Response:
    """The answer for an error that carries nothing but its status."""
    headers = {}
    if isinstance(err, MethodNotAllowed) and err.valid_methods:
        headers["Allow"] = ", ".join(sorted(err.valid_methods))
    if status not in BY_STATUS:
        status = 500 if status >= HTTPStatus.INTERNAL_SERVER_ERROR else 400
    return respond(BY_STATUS.get(status, "failed"), headers=headers)


def of_validation(err: ValidationError) -> Response:
    """The answer for values that don't fit: which, and why; the values themselves aren't repeated."""
    in_address = err.title.endswith("Query")
    errors = []
    for each in err.errors(include_url=False, include_context=False, include_input=False):
        where = [str(part) for part in each["loc"]]
        if in_address:
            errors.append(Wrong(parameter=".".join(where), detail=each["msg"]))
        else:
            pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in where)
            errors.append(Wrong(pointer=pointer, detail=each["msg"]))
    return respond("invalid", errors=errors)
