"""The API's OpenAPI document: made of the routes and their models, served, and committed as docs/api/openapi.json.

`python -m service.api.document` writes it.
"""

import json
import sys
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from flask import current_app, request
from flask_openapi.models.info import Info
from flask_openapi.models.security_scheme import SecurityScheme
from flask_openapi.openapi import OpenAPI
from werkzeug.wrappers import Response

from service.api.answers import etag_of
from service.api.problems import Problem, of_validation
from service.api.resources import blueprint
from service.permissions import DECISIONS, ByToken

Json = dict[str, Any]
COMMITTED = Path(__file__).parents[2] / "docs" / "api" / "openapi.json"
VERSION = "1.0.0"
OPENAPI = "3.1.0"
ABOUT = (
    "Communities of Practice: who has completed what, and why. Amounts of time are whole minutes, moments are RFC 3339."
    " See docs/api.md for paging, errors and repeated writes."
)
KEY_HEADER: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Of your own making: the same request sent again with it is answered alike, and does nothing.",
    "schema": {"type": "string", "maxLength": 255, "pattern": "^[!-~]+$"},
}
MATCH_HEADER: Json = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag of what was read: where it is another one by now, nothing is done.",
    "schema": {"type": "string"},
}
NONE_MATCH_HEADER: Json = MATCH_HEADER | {
    "name": "If-None-Match",
    "description": "The ETag of what the client has: it isn't sent again.",
}
TEXT: Json = {"schema": {"type": "string"}}
ETAG: Json = {"ETag": {"description": "Of this representation."} | TEXT}
LINK: Json = {"Link": {"description": "Where the list goes on, as `next`."} | TEXT}
LOCATION: Json = {"Location": {"description": "Where it is."} | TEXT}
AGAIN: Json = {"Idempotency-Replayed": {"description": "It was answered before."} | TEXT}
RETRY: Json = {"Retry-After": {"description": "Seconds to wait."} | TEXT}


def put_on(app: OpenAPI) -> None:
    """Give an application the API's routes."""
    app.register_api(blueprint)


def configured() -> Json:
    """What an OpenAPI application is made with. None of the library's own pages: they would load scripts from
    elsewhere."""
    return {
        "info": Info(title="CoP Bridge", version=VERSION, description=ABOUT),
        "security_schemes": {"token": SecurityScheme(type="http", scheme="bearer", description="`cbt_...`")},
        "validation_error_model": Problem,
        "validation_error_callback": of_validation,
        "doc_ui": False,
    }


def document(app: OpenAPI) -> Json:
    """The document of an application's API."""
    found: Json = deepcopy(app.api_doc)
    found["openapi"] = OPENAPI
    found["servers"] = [{"url": "/"}]
    found["paths"] = {path: found["paths"][path] for path in sorted(found["paths"])}
    for path, item in found["paths"].items():
        for method, operation in item.items():
            _complete(path, method, operation)
    found["components"]["responses"] = _shared(found["paths"])
    schemas = found["components"]["schemas"]
    found["components"]["schemas"] = {name: schemas[name] for name in sorted(schemas)}
    return found


def _shared(paths: Json) -> Json:
    """The problems that routes may answer, once each; in their places references to them."""
    names: dict[str, str] = {}
    shared: Json = {}
    for item in paths.values():
        for operation in item.values():
            for status, response in operation["responses"].items():
                if status < "400":
                    continue
                same = json.dumps(response, sort_keys=True)
                if same not in names:
                    taken = sum(name.startswith(f"Problem{status}") for name in shared)
                    names[same] = f"Problem{status}{'abc'[taken - 1] if taken else ''}"
                    shared[names[same]] = response
                operation["responses"][status] = {"$ref": f"#/components/responses/{names[same]}"}
    return {name: shared[name] for name in sorted(shared)}


def _complete(path: str, method: str, operation: Json) -> None:
    """What the library doesn't know of: headers, and who may."""
    parameters: list[Json] = operation.setdefault("parameters", [])
    responses = operation["responses"]
    operation.setdefault("deprecated", False)
    if method == "get":
        parameters.append(NONE_MATCH_HEADER)
        listed = any(each["name"] == "cursor" for each in parameters)
        responses["200"]["headers"] = ETAG | (LINK if listed else {})
    elif not path.endswith("/search"):
        parameters.append(KEY_HEADER)
        if path.endswith(("/move", "/cancel", "/undo")):
            parameters.append(MATCH_HEADER)
        made = "201" if "201" in responses else "200"
        responses[made]["headers"] = ETAG | AGAIN | (LOCATION if path.endswith("/sessions") else {})
    for status in ("429", "503"):
        responses[status]["headers"] = RETRY
    decision = DECISIONS[f"api.{operation['operationId']}"]
    if isinstance(decision, ByToken):
        operation["x-scope"] = str(decision.scope)
        operation["description"] = f"Scope `{decision.scope}`."
    else:
        operation["description"] = "Any token."


@blueprint.get("/openapi.json", doc_ui=False, endpoint="document", provide_automatic_options=False)
def served() -> Response:
    """The document, for everybody: it says nothing of what this installation holds."""
    app = cast(OpenAPI, current_app)
    return shown_as(document(app))


def shown_as(found: Json) -> Response:
    """The document as an answer, with its ETag."""
    body = json.dumps(found).encode()
    answer = Response(body, mimetype="application/json")
    answer.set_etag(etag_of(body))
    return answer.make_conditional(request)


def made() -> Json:
    """The document, without an installation."""
    app = OpenAPI("service.api", **configured())
    put_on(app)
    return document(app)


def written(found: Json) -> str:
    """As it is committed."""
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    """Write the committed document."""
    COMMITTED.parent.mkdir(exist_ok=True)
    COMMITTED.write_text(written(made()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
