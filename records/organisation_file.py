"""Read a file of organisations: schools, districts, agencies and what is above them, one line each."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from records.csv_file import Layout, Line, Problem, Wrong, code, day, optional_text, read_rows, some_text

LAYOUT = Layout(
    required=("code", "name", "kind"),
    optional=("level", "designation", "designated_on", "parent"),
)
MAX_DESIGNATION = 40

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """One organisation, as a line says. None: it has none, or the file lacks the column (see `stated`)."""

    line: int
    code: str
    name: str
    kind: str
    level: str | None
    designation: str | None
    designated_on: date | None
    parent: str | None
    """The code of the organisation above it."""
    stated: frozenset[str]
    """The columns that the file has: of the others it says nothing."""


def read_organisations(data: bytes) -> tuple[list[OrganisationRow], list[Problem]]:
    """The rows of a file that are right in themselves, and the problems of the others.

    Raises UnreadableFile where the file as a whole is wrong.
    """
    return read_rows(data, LAYOUT, _row)


def _row(line: Line) -> OrganisationRow:
    return OrganisationRow(
        line=line.number,
        code=line.take("code", _key, ""),
        name=line.take("name", some_text, ""),
        kind=line.take("kind", _kind, ""),
        level=_optional(line, "level", _level),
        designation=_optional(line, "designation", _designation),
        designated_on=_optional(line, "designated_on", day),
        parent=_optional(line, "parent", _key),
        stated=line.columns,
    )


def _optional(line: Line, column: str, convert: Callable[[str], T]) -> T | None:
    return line.take(column, convert, None) if line.values[column] else None


def _key(text: str) -> str:
    # A long number that Excel took for one comes as 1.61126E+12: which one it was, nobody can tell.
    if re.fullmatch(r"\d+(?:[.,]\d+)?E\+\d+", code(text), re.ASCII):
        raise Wrong(f"'{text}' is a number that the spreadsheet cut short: format the column as text")
    return text


def _word(text: str, what: str) -> str:
    # As the codes of program files, which name organisations' kinds and levels.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", text):
        raise Wrong(f"'{optional_text(text)}' is no code: expected up to 40 letters, digits, - and _, such as {what}")
    return text


def _kind(text: str) -> str:
    return _word(some_text(text), "school, district or county_office")


def _level(text: str) -> str:
    return _word(text, "ES, MS or HS")


def _designation(text: str) -> str:
    if len(optional_text(text)) > MAX_DESIGNATION:
        raise Wrong(f"is longer than {MAX_DESIGNATION} characters")
    return text
