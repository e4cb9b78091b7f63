"""Nested parameters as Moodle describes them: which are there, which may be left out, and of which kind each is.

A description is a mapping of names (`name?` may be left out, a pair of kind and default has that one), a list of one
kind, or a kind. What doesn't fit fails the whole call, and a name too many does, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.parameters import Params, boolean, integer, invalid_parameter

Kind = Callable[[str], Any]


def whole(text: str) -> int:
    """An integer; an empty text isn't one."""
    return integer({"": text}, "")


def flag(text: str) -> bool:
    """1 or 0 and nothing else."""
    return boolean({"": text}, "")


def text(value: str) -> str:
    """Any text."""
    return value


def trimmed(value: str) -> str:
    """A text without spaces at its ends."""
    return value.strip()


def number(value: str) -> float:
    """A number that may have a fraction."""
    try:
        return float(value)
    except ValueError as err:
        raise invalid_parameter() from err


def parsed(params: Params, spec: Mapping[str, Any]) -> dict[str, Any]:
    """A call's parameters by their description."""
    tree: dict[str, Any] = {}
    for key, value in params.items():
        name, _, rest = key.partition("[")
        _put(tree, [name, *re.findall(r"([^\[\]]+)\]", rest)], value)
    found: dict[str, Any] = _shaped(tree, spec)
    return found


def _put(tree: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        tree = tree.setdefault(step, {})
        if not isinstance(tree, dict):
            raise invalid_parameter()
    tree[path[-1]] = value


def _shaped(value: Any, spec: Any) -> Any:
    if isinstance(spec, Mapping):
        return _mapping(value, spec)
    if isinstance(spec, list):
        if not isinstance(value, dict) or not all(key.isdecimal() for key in value):
            raise invalid_parameter()
        return [_shaped(value[key], spec[0]) for key in sorted(value, key=int)]
    if not isinstance(value, str):
        raise invalid_parameter()
    return spec(value)


def _mapping(value: Any, spec: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= {name.rstrip("?") for name in spec}:
        raise invalid_parameter()
    found: dict[str, Any] = {}
    for name, kind in spec.items():
        key, has_default = name.rstrip("?"), isinstance(kind, tuple)
        if key in value:
            found[key] = _shaped(value[key], kind[0] if has_default else kind)
        elif has_default:
            found[key] = kind[1]
        elif not name.endswith("?"):
            raise invalid_parameter()
    return found
