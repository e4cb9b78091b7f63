"""Parameters as form fields in PHP's array syntax, and long lists in parts.

https://docs.moodle.org/dev/Creating_a_web_service_client#REST ; what Moodle takes and refuses was recorded.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_FIELDS = 900
"""PHP drops fields over max_input_vars (1,000 by default) silently: a longer call is never sent."""
Fields = list[tuple[str, str]]

_NAME = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class BadText(ValueError):
    """A text that can't reach Moodle as it is. Its text is the parameter's name, never the value."""


def encode(params: Mapping[str, Any]) -> Fields:
    """Form fields in PHP's array syntax; booleans as 1 and 0, the only ones that Moodle takes.

    An empty list or mapping makes no field: PHP can't tell it from one that was left out.
    Raises TypeError for what has no form there (None, bytes, NaN, a name that PHP would change) and BadText for
    text that isn't valid Unicode or holds a NUL, which Moodle would cut out.
    """
    return [pair for name, value in params.items() for pair in _encode(_name(name), value)]


def _encode(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _encode(f"{name}[{_name(key)}]", part)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        for number, part in enumerate(value):
            yield from _encode(f"{name}[{number}]", part)
    else:
        yield name, _scalar(name, value)


def _scalar(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, str):
        return _text(name, value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return str(value)
    raise TypeError(f"{name}: a {type(value).__name__} can't be sent to Moodle")


def _text(name: str, value: str) -> str:
    # A lone surrogate comes from text that was read with errors="surrogateescape".
    if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
        raise BadText(name)
    return str(value)


def _name(name: Any) -> str:
    # PHP turns dots and spaces of a name into underscores and reads brackets as array keys.
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise TypeError("a parameter's name has letters, digits, _ and - only")
    return str(name)


def parts(name: str, rows: Sequence[Any], room: int, most: int = MAX_FIELDS) -> Iterator[Sequence[Any]]:
    """The rows of a list parameter in parts of at most `room` fields and `most` rows each, in their order.

    A row that is longer than that stands alone: whoever sends it refuses it.
    """
    start, used = 0, 0
    for number, row in enumerate(rows):
        size = len(encode({name: [row]}))
        if number > start and (used + size > room or number - start >= most):
            yield rows[start:number]
            start, used = number, 0
        used += size
    if start < len(rows):
        yield rows[start:]
