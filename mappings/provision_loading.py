"""Read a provision file; every problem names the file, the line, what was expected, and where that is explained."""

from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from mappings.base import Misplaced
from mappings.findings import Finding, ProgramError
from mappings.loading import source_of
from mappings.plain import complaints
from mappings.program import Program
from mappings.provision_wanted import WantedCourse, wanted_courses
from mappings.provisioning import Provision
from mappings.source import Source, read

DOCS = "docs/provisioning.md"
GENERAL = "the-file"


def load_provision(path: Path) -> tuple[Provision, Source]:
    """The provision file, and its source for further messages. Raises ProgramError, also for a file that can't be
    read."""
    return provision_in(source_of(path))


def parse_provision(text: str, name: str = "provision") -> tuple[Provision, Source]:
    """The same of a text; `name` stands for the file in messages. Raises ProgramError."""
    return provision_in(read(text, name))


def provision_in(source: Source) -> tuple[Provision, Source]:
    """The provision file that a source holds. Raises ProgramError with all that is wrong with it."""
    try:
        return Provision.model_validate(source.data), source
    except ValidationError as err:
        found = [_finding(source, one.place, one.message) for one in complaints(err, source.data, Provision)]
    raise ProgramError(sorted(found, key=lambda finding: finding.line))


def courses_in(provision: Provision, source: Source, program: Program) -> tuple[WantedCourse, ...]:
    """The courses that a file asks for. Raises ProgramError with what doesn't fit the program."""
    courses, problems = wanted_courses(provision, program)
    if problems:
        raise ProgramError(_misplaced(source, one) for one in problems)
    return courses


def _misplaced(source: Source, one: Misplaced) -> Finding:
    return _finding(source, one.place, str(one))


def _finding(source: Source, place: tuple[str | int, ...], message: str) -> Finding:
    found = source.finding(place, message)
    anchor = found.anchor if found.anchor in Provision.model_fields else GENERAL
    return replace(found, anchor=anchor, docs=DOCS)
