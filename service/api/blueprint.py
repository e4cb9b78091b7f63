"""The API's blueprint, on which the resources put their routes; what every route's answers have in common."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask_openapi.blueprint import APIBlueprint
from flask_openapi.models.tag import Tag
from pydantic import BaseModel
from werkzeug.wrappers import Response

from service import limits
from service.api.problems import MEDIA_TYPE, correlation_id

F = TypeVar("F", bound=Callable[..., Any])
Json = dict[str, Any]
PROBLEM: Json = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
ALWAYS = {
    401: "No token, or one that isn't valid",
    403: "The token's scope or its user's role doesn't allow it",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "The database can't be reached",
}
OF_ID = {404: "There is nothing of this id that the token's user covers"}
OF_QUERY = {422: "A parameter can't be used"}
OF_BODY = {
    400: "The body can't be read",
    409: "Something else stands there, or the same request is under way",
    412: "It was changed since the state that If-Match names",
    413: "The body is too large",
    415: "The body isn't JSON",
    422: "A value can't be used, or it can't be done",
}
SECURITY: list[dict[str, list[str]]] = [{"token": []}]

blueprint = APIBlueprint("api", __name__, url_prefix="/api/v1")


def _problems(*sorts: dict[int, str]) -> dict[int, Json]:
    return {status: {"description": words} | PROBLEM for sort in sorts for status, words in sorted(sort.items())}


def read(rule: str, answers: type[BaseModel], tag: str) -> Callable[[F], F]:
    """A GET route that answers with a model."""
    responses: dict[int, Any] = {200: answers, 304: {"description": "The client has this representation already"}}
    responses |= _problems(ALWAYS, OF_QUERY, OF_ID)
    return _route(blueprint.get, rule, tag, responses)


def write(
    rule: str, answers: type[BaseModel], tag: str, *, status: int = 200, if_match: bool = False
) -> Callable[[F], F]:
    """A POST route that answers with a model; `if_match`: it wants an If-Match."""
    needed = {428: "It needs an If-Match"} if if_match else {}
    responses: dict[int, Any] = {status: answers} | _problems(ALWAYS, OF_ID, OF_BODY, needed)
    return _route(blueprint.post, rule, tag, responses)


def _route(method: Callable[..., Any], rule: str, tag: str, responses: dict[int, Any]) -> Callable[[F], F]:
    def put(view: F) -> F:
        method(
            rule,
            tags=[Tag(name=tag)],
            operation_id=view.__name__,
            security=SECURITY,
            responses=responses,
            # An OPTIONS that Flask answers by itself would be one that nobody has documented.
            provide_automatic_options=False,
        )(view)
        return view

    return put


@blueprint.after_request
def mark(response: Response) -> Response:
    """Every answer names its request, and how much a token may ask for yet."""
    response.headers["X-Correlation-Id"] = str(correlation_id())
    response.headers.update(limits.left())
    return response
