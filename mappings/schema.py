"""The JSON Schemas of program files and provision files, for editors: made from the models, and kept in docs."""

import json
from typing import Any

from mappings.base import Model
from mappings.program import Program
from mappings.provisioning import Provision

DRAFT = "https://json-schema.org/draft/2020-12/schema"


NOTHING = {"type": "null"}


def program_schema() -> dict[str, Any]:
    """What an editor may offer and complain about. The loader says more: what fits together only it knows."""
    return _schema(Program, "A program file of CoP Bridge")


def provision_schema() -> dict[str, Any]:
    """The same of provision files."""
    return _schema(Provision, "A provision file of CoP Bridge")


def _schema(model: type[Model], title: str) -> dict[str, Any]:
    schema: dict[str, Any] = _plain(model.model_json_schema())
    return {"$schema": DRAFT, "title": title} | schema


def schema_text(schema: dict[str, Any]) -> str:
    """A schema as it is kept."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _plain(value: Any, *, names: bool = False) -> Any:
    """A schema as people are shown it: no titles that repeat each key, no `null` where a key is simply left out, each
    description on one line. `names`: the keys are those of a file."""
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    if names:
        return {key: _plain(item) for key, item in value.items()}
    found = {key: _plain(item, names=key in ("properties", "$defs")) for key, item in value.items() if key != "title"}
    if "description" in found:
        found["description"] = " ".join(found["description"].split())
    if NOTHING in found.get("anyOf", ()):
        choices = [choice for choice in found.pop("anyOf") if choice != NOTHING]
        found |= choices[0] if len(choices) == 1 else {"anyOf": choices}
    if "patternProperties" in found:
        found["additionalProperties"] = False
    # An editor that offered whole parts, or nothing at all, as what to begin with would mislead.
    if not isinstance(found.get("default", 0), str | int | float):
        del found["default"]
    return found
