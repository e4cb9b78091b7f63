"""Read a program file; every problem names the file, the line, what was expected, and where that is explained."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mappings.findings import GENERAL, Finding, Place, ProgramError
from mappings.plain import Complaint, complaints
from mappings.program import Program
from mappings.source import Source, read

__all__ = ["ProgramError", "load_program", "parse_program", "program_in", "source_of"]

STAND_INS: dict[str, Any] = {
    "program": "x",
    "title": {},
    "effective_from": "2000-01-01",
    "timezone": "UTC",
    "components": ["x"],
    "topics": [{"code": "x", "title": {}}],
    "regions": [{"code": "x", "title": {}}],
    "communities": [{"course_idnumber": "x", "topic": "x", "region": "x"}],
    "participant_roles": ["x"],
}
"""For what a file has to hold, while the rest of it is looked at."""


def parse_program(text: str, name: str = "program") -> Program:
    """The program in a YAML text; `name` stands for the file in messages. Raises ProgramError."""
    return program_in(read(text, name))


def program_in(source: Source) -> Program:
    """The program that a file holds. Raises ProgramError with all that is wrong with it."""
    try:
        return Program.model_validate(source.data)
    except ValidationError as err:
        found = complaints(err, source.data)
        # Only where every part is right in itself, pydantic looks at the whole.
        whole = all(error["loc"] == () for error in err.errors())
    if not whole:
        found += _beyond(source.data, found)
    raise ProgramError(sorted((_finding(source, one) for one in found), key=lambda finding: finding.line))


def load_program(path: Path) -> Program:
    """The program in a file. Raises ProgramError, also for a file that can't be read."""
    return program_in(source_of(path))


def source_of(path: Path) -> Source:
    """What a file holds. Raises ProgramError, also for a file that can't be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as err:
        raise ProgramError([Finding(str(path), 1, "", "cannot be read: it is not UTF-8 text")]) from err
    except OSError as err:
        raise ProgramError([Finding(str(path), 1, "", f"cannot be read: {err.strerror or err}")]) from err
    return read(text, str(path))


def _finding(source: Source, one: Complaint) -> Finding:
    found = source.finding(one.place, one.message)
    if found.anchor in Program.model_fields:
        return found
    # A misspelt top-level key is explained where the right one is.
    return replace(found, anchor=one.meant or GENERAL)


def _beyond(data: dict[str, Any], found: Iterable[Complaint]) -> list[Complaint]:
    """Whether the rest of a file fits together, without the parts that are wrong in themselves."""
    wrong = {one.place[:2] if _is_item(one.place) else one.place[:1] for one in found}
    rest, kept, gone = _without(data, wrong)
    # A misspelt key stands for the right one.
    touched = {str(place[0]) for place in wrong} | {one.meant for one in found if len(one.place) == 1}
    try:
        Program.model_validate(rest)
    except ValidationError as err:
        # What rests on a part that was left out is no problem of its own.
        further = [one for one in complaints(err, rest) if one.place[0] not in gone and not touched & {*one.needs}]
        return [replace(one, place=_in_file(one.place, kept)) for one in further]
    return []


def _is_item(place: Place) -> bool:
    return len(place) > 1 and isinstance(place[1], int)


def _without(data: dict[str, Any], wrong: set[Place]) -> tuple[dict[str, Any], dict[str, list[int]], set[str]]:
    """A file without some parts, with stand-ins for what it has to hold. Also: which items of each list are left,
    and which keys are left out altogether."""
    rest: dict[str, Any] = {}
    kept: dict[str, list[int]] = {}
    for key, value in data.items():
        if isinstance(value, list):
            kept[key] = [number for number in range(len(value)) if (key, number) not in wrong]
            value = [value[number] for number in kept[key]]
        if (key,) not in wrong and (value or key not in STAND_INS):
            rest[key] = value
    return STAND_INS | rest, kept, {*data, *STAND_INS} - {*rest}


def _in_file(place: Place, kept: dict[str, list[int]]) -> Place:
    """A place as the whole file counts."""
    if len(place) > 1 and isinstance(number := place[1], int):
        return (place[0], kept[str(place[0])][number], *place[2:])
    return place
