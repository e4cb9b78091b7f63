"""Form fields as PHP reads them: the other side of the client's encoding, for tests."""

import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def parsed(fields: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Nested arrays as $_POST has them: lists where the keys count up from 0, all leaves text."""
    tree: dict[str, Any] = {}
    for name, value in fields:
        found = NAME.fullmatch(name)
        assert found, name
        # PHP: dots and spaces of the first part become underscores.
        steps = [re.sub(r"[ .]", "_", found[1]), *re.findall(r"\[([^\[\]]*)\]", found[2])]
        place = tree
        for step in steps[:-1]:
            place = place.setdefault(step, {})
        place[steps[-1]] = value
    return {key: _listed(value) for key, value in tree.items()}


def parsed_body(body: str | bytes | None) -> dict[str, Any]:
    text = body.decode() if isinstance(body, bytes) else body or ""
    return parsed(parse_qsl(text, keep_blank_values=True))


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and list(value) == [str(number) for number in range(len(value))]:
        return [_listed(part) for part in value.values()]
    return {key: _listed(part) for key, part in value.items()}
