"""Read a provision file; every problem names the file, the line, what was expected, and where that is explained."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from mappings.base import Misplaced
from mappings.findings import Finding, Place, ProgramError
from mappings.loading import source_of
from mappings.plain import complaints
from mappings.program import Program
from mappings.provision_fitting import misfits
from mappings.provision_wanted import WantedCourse, wanted_courses
from mappings.provisioning import Provision
from mappings.source import Source, read

DOCS = "docs/provisioning.md"
GENERAL = "the-file"


def load_provision(path: Path) -> tuple[Provision, Source]:
    """The provision file, and its source for further messages. Raises ProgramError, also for a file that can't be
    read."""
    with _explained_here():
        source = source_of(path)
    return provision_in(source)


def parse_provision(text: str, name: str = "provision") -> tuple[Provision, Source]:
    """The same of a text; `name` stands for the file in messages. Raises ProgramError."""
    with _explained_here():
        source = read(text, name)
    return provision_in(source)


@contextmanager
def _explained_here() -> Iterator[None]:
    """What is no YAML is told as of a provision file."""
    try:
        yield
    except ProgramError as err:
        said = (replace(one, message=one.message.replace("'program:'", "'provision:'")) for one in err.findings)
        raise ProgramError(replace(one, anchor=GENERAL, docs=DOCS) for one in said) from err


def provision_in(source: Source) -> tuple[Provision, Source]:
    """The provision file that a source holds. Raises ProgramError with all that is wrong with it."""
    try:
        return Provision.model_validate(source.data), source
    except ValidationError as err:
        found = [_finding(source, one.place, one.message, one.meant) for one in complaints(err, source.data, Provision)]
    raise ProgramError(sorted(found, key=lambda finding: finding.line))


def courses_in(provision: Provision, source: Source, program: Program) -> tuple[WantedCourse, ...]:
    """The courses that a file asks for. Raises ProgramError with what doesn't fit the program."""
    asked = wanted_courses(provision, program)
    if problems := misfits(provision, program, asked):
        raise ProgramError(sorted((_misplaced(source, one) for one in problems), key=lambda finding: finding.line))
    return tuple(one.course for one in asked)


def _misplaced(source: Source, one: Misplaced) -> Finding:
    return _finding(source, one.place, str(one))


def _finding(source: Source, place: Place, message: str, meant: str | None = None) -> Finding:
    """`meant`: a misspelt top-level key is explained where the right one is."""
    found = source.finding(place, message)
    anchor = found.anchor if found.anchor in Provision.model_fields else meant or GENERAL
    return replace(found, anchor=anchor, docs=DOCS)
