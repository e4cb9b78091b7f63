"""The API's document is the one that the routes make, and says all that a client has to know."""

import json
import re

from service.api import document
from service.api.problems import KINDS
from service.permissions import DECISIONS, ByToken

GUIDE = document.COMMITTED.parents[1] / "api.md"


def test_the_committed_document_is_the_one_that_the_routes_make() -> None:
    committed = document.COMMITTED.read_text()
    assert document.written(document.made()) == committed, "run `python -m service.api.document`"


def test_every_route_is_documented_with_its_scope_and_its_errors() -> None:
    found = document.made()
    assert found["openapi"].startswith("3.1")
    operations = {
        operation["operationId"]: operation for item in found["paths"].values() for operation in item.values()
    }
    decided = {name.removeprefix("api.") for name in DECISIONS if name.startswith("api.")} - {"document"}
    assert set(operations) == decided
    for name, operation in operations.items():
        decision = DECISIONS[f"api.{name}"]
        assert operation.get("x-scope") == (str(decision.scope) if isinstance(decision, ByToken) else None)
        assert operation["security"] == [{"token": []}]
        assert {"401", "403", "404", "422", "429", "503"} <= set(operation["responses"])
        assert operation["summary"]


def test_no_reference_leads_nowhere() -> None:
    found = document.made()
    for name in set(re.findall(r'"\$ref": "#/components/([^"]+)"', json.dumps(found))):
        kind, _, what = name.partition("/")
        assert what in found["components"][kind], name


def test_the_guide_names_every_problem_and_every_scope() -> None:
    guide = GUIDE.read_text()
    for name in (*KINDS, *(each.scope for each in DECISIONS.values() if isinstance(each, ByToken))):
        assert f"`{name}`" in guide, name
