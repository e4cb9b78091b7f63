"""Parameters of web services as PHP reads them, and the errors that Moodle makes of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

Params = dict[str, str]

PROTOCOL_FIELDS = frozenset(
    {"wstoken", "wsfunction", "moodlewsrestformat", "moodlewssettingfilter", "moodlewssettinglang"}
)
MAX_INPUT_VARS = 1_000
"""PHP's default: what comes after is lost without a word."""


class MoodleError(Exception):
    """An error as Moodle words it; HTTP says 200 all the same."""

    def __init__(self, exception: str, errorcode: str, message: str) -> None:
        super().__init__(errorcode)
        self.payload = {"exception": exception, "errorcode": errorcode, "message": message}


def invalid_parameter() -> MoodleError:
    """Without debugging Moodle never says which parameter it was."""
    name = "core\\exception\\invalid_parameter_exception"
    return MoodleError(name, "invalidparameter", "Invalid parameter value detected")


def own(form: Mapping[str, str]) -> Params:
    """The function's own parameters, as many as PHP lets through."""
    kept = list(form.items())[:MAX_INPUT_VARS]
    return {key: value for key, value in kept if key not in PROTOCOL_FIELDS}


def check(params: Params, *known: str) -> None:
    """One parameter too many fails the whole call."""
    if any(key.partition("[")[0] not in known for key in params):
        raise invalid_parameter()


def integer(params: Params, name: str, default: int | None = None) -> int:
    """A whole number; an empty text isn't one."""
    value = params.get(name)
    if value is None and default is not None:
        return default
    if value is None or not value.strip().lstrip("-").isdecimal():
        raise invalid_parameter()
    return int(value)


def boolean(params: Params, name: str, default: bool | None = None) -> bool:
    """Moodle takes 1 and 0 for a boolean and nothing else."""
    value = params.get(name)
    if value is None and default is not None:
        return default
    if value not in ("0", "1"):
        raise invalid_parameter()
    return value == "1"


def options(params: Params) -> dict[str, str]:
    """The name-value list `options[0][name]`; unknown names are silently ignored."""
    return {row.get("name", ""): row.get("value", "") for row in rows(params, "options")}


def values(params: Params, name: str) -> list[str]:
    """The list `name[0]`, `name[1]`, in the order of its numbers."""
    found = {int(m[1]): params[key] for key, m in _matches(params, rf"{name}\[(\d+)\]")}
    return [found[number] for number in sorted(found)]


def rows(params: Params, name: str) -> list[dict[str, str]]:
    """The list of rows `name[0][field]`, in the order of its numbers."""
    found: dict[int, dict[str, str]] = {}
    for key, match in _matches(params, rf"{name}\[(\d+)\]\[(\w+)\]"):
        found.setdefault(int(match[1]), {})[match[2]] = params[key]
    return [found[number] for number in sorted(found)]


def integers(params: Params, name: str) -> list[int]:
    """A list of whole numbers."""
    found = {str(place): value for place, value in enumerate(values(params, name))}
    return [integer(found, place) for place in found]


def _matches(params: Params, pattern: str) -> Iterable[tuple[str, re.Match[str]]]:
    shape = re.compile(pattern)
    return [(key, match) for key in params if (match := shape.fullmatch(key))]
