"""What pydantic found wrong, in plain words and with the place in the file."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mappings.base import Disorder, Model
from mappings.findings import Place, nearest
from mappings.program import Program

EXPECTED = {
    "bool": "true or false",
    "date": "a date such as 2026-07-01",
    "dict": "keys and values such as {a: b}",
    "float": "a number",
    "int": "a whole number",
    "model": "keys and values such as {a: b}",
    "string": "text",
    "tuple": "a list such as [a, b]",
}
"""By how pydantic's names of errors about a wrong kind of value begin."""
WRONG_KIND = re.compile(r"(bool|date|dict|float|int|model|string|tuple)_(\w+_)?(type|parsing|from_\w+|inexact|size)$")
LIMITS = {
    "greater_than": "has to be more than {gt}",
    "greater_than_equal": "has to be at least {ge}",
    "less_than_equal": "has to be at most {le}",
    "too_short": "needs at least one",
    "string_too_short": "is empty",
    "string_too_long": "is longer than {max_length} characters",
    "missing": "is missing",
}
FORMS = {
    r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$": "is not a code: up to 40 letters, digits, - and _",
    r"^[a-z]{2}(-[A-Z]{2})?$": "is not a language such as en or es-MX (words with a comma or a colon need quotes)",
    r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$": "is not a day of the year such as 07-01",
    r"^([01]\d|2[0-3]):[0-5]\d$": "is not a time such as 09:00",
    r"^[A-Za-z0-9-]{1,40}$": "is not a host's code: up to 40 letters, digits and -",
    r"^[a-z][a-z0-9_]{0,19}$": "is not the name of a way to sign in, such as manual or oidc",
    r"^https?://\S+$": "is not an address that begins with https://",
    r"^\S(.*\S)?$": "is not an ID number: text without blanks at its beginning or end",
    r"^[^\x00-\x1f\x7f]+$": "has to be one line of text",
}
"""By the pattern that a text has to match."""
LOOSELY = 0.4


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something wrong in a file."""

    place: Place
    message: str
    needs: tuple[str, ...] = ()
    """The top-level keys on which it rests beside its own."""
    meant: str | None = None
    """For an unknown key: the nearest right one."""


def complaints(err: ValidationError, data: Mapping[str, Any], root: type[Model] = Program) -> list[Complaint]:
    """What is wrong with a file's content, each once. `root`: what the file as a whole is."""
    unions: dict[Place, list[ErrorDetails]] = {}
    for error in err.errors(include_url=False):
        unions.setdefault(_place(error, data)[1], []).append(error)
    found = dict.fromkeys(one for at, errors in unions.items() for one in _told(at, errors, data, root))
    # A misspelt key is there, in a way.
    meant = {(*one.place[:-1], one.meant) for one in found if one.meant}
    return [one for one in found if one.place not in meant or one.message != LIMITS["missing"]]


def model_at(place: Place, root: type[Model] = Program) -> type[Model] | None:
    """The part of the language that a place belongs to."""
    model: type[Model] | None = root
    for step in place:
        if isinstance(step, str) and model:
            field = model.model_fields.get(step)
            model = _model_in(field.annotation) if field else None
    return model


def _model_in(annotation: object) -> type[Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part))), None)


def _place(error: ErrorDetails, data: Mapping[str, Any]) -> tuple[Place, Place]:
    """Where an error is, and where the several things that could stand there begin: pydantic's path names each."""
    place: Place = ()
    union: Place | None = None
    node: Any = data
    for number, step in enumerate(error["loc"]):
        inside = isinstance(node, dict) and step in node
        if inside or (isinstance(node, list) and isinstance(step, int) and step < len(node)):
            place, node = (*place, step), node[step]
        elif error["type"] == "missing" and number == len(error["loc"]) - 1:
            place = (*place, step)
        elif union is None:
            union = place
    return place, place if union is None else union


def _told(at: Place, errors: list[ErrorDetails], data: Mapping[str, Any], root: type[Model]) -> Iterator[Complaint]:
    """One place's errors. Where several things could stand there, what was nearly right counts, else all of them."""
    kinds = [error for error in errors if _place(error, data)[0] == at and _expected(error)]
    others = [error for error in errors if error not in kinds]
    if not others:
        expected = " or ".join(dict.fromkeys(_expected(error) or "" for error in kinds))
        yield Complaint(at, f"expected {expected}, not {_shown(kinds[0])}")
    for error in others:
        yield from _one(error, data, root)


def _expected(error: ErrorDetails) -> str | None:
    """What kind of value an error asks for; None: it is about something else."""
    if error["type"] == "literal_error":
        return " or ".join(str(error["ctx"]["expected"]).replace(" or ", ", ").split(", "))
    found = WRONG_KIND.fullmatch(error["type"])
    return EXPECTED[found[1]] if found else None


def _shown(error: ErrorDetails) -> str:
    """What was found instead."""
    value = error["input"]
    if isinstance(value, dict):
        return "keys and values"
    if isinstance(value, list | tuple):
        return "a list"
    if value is None:
        return "nothing"
    if error["type"] == "string_type":
        return f"{value} (put it in quotes)"
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    return repr(shown[:60])


def _one(error: ErrorDetails, data: Mapping[str, Any], root: type[Model]) -> Iterator[Complaint]:
    place, kind, ctx = _place(error, data)[0], error["type"], error.get("ctx", {})
    raised = ctx.get("error")
    if isinstance(raised, Disorder):
        yield from (Complaint((*place, *one.place), str(one), one.needs) for one in raised.problems)
    elif kind == "extra_forbidden":
        yield _unknown(place, data, root)
    elif kind == "too_short" and error["input"]:
        # Its items are wrong, each of which is told.
        return
    elif expected := _expected(error):
        yield Complaint(place, f"expected {expected}, not {_shown(error)}")
    elif kind == "string_pattern_mismatch" and ctx["pattern"] in FORMS:
        yield Complaint(place, f"{_shown(error)} {FORMS[ctx['pattern']]}")
    else:
        words = LIMITS[kind].format_map(ctx) if kind in LIMITS else str(error["msg"])
        yield Complaint(place, words.removeprefix("Value error, "))


def _unknown(place: Place, data: Mapping[str, Any], root: type[Model]) -> Complaint:
    """A key that the language doesn't have there."""
    here: Any = data
    for step in place[:-1]:
        here = here[step]
    model = model_at(place[:-1], root)
    free = {name: field for name, field in model.model_fields.items() if name not in here} if model else {}
    # What is missing was probably meant, even if it looks a little different.
    needed = [name for name, field in free.items() if field.is_required()]
    meant = nearest(str(place[-1]), free) or nearest(str(place[-1]), needed, LOOSELY)
    hint = f"did you mean '{meant}'?" if meant else f"what can stand here: {', '.join(free)}"
    return Complaint(place, f"unknown key '{place[-1]}'; {hint}", meant=meant)
