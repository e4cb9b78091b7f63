"""A provision file's text as somebody typed, uploaded or had it written: what is wrong with it, line by line, and how
it differs from the newest version."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs.provision.opening import program_in_force
from jobs.provision.plan import InTheWay
from mappings.findings import ProgramError
from mappings.provision_loading import courses_in, parse_provision
from mappings.provision_wanted import WantedCourse, people_files
from mappings.provisioning import Provision
from mappings.source import Source
from records import provisioning
from records.models import Site
from records.provisioning import Saved
from service import provision_console_words as words

LONGEST = 300_000
"""Characters of a file."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and in which line, from 1."""

    line: int
    text: str
    place: str = ""
    """Of the file, such as `naming.idnumber`; empty: the text says it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a difference: `sign` is `+`, `-`, a blank, or `@` where lines are left out."""

    sign: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """A text that was looked at. Without faults, there are `provision` and `site_id`."""

    text: str
    faults: tuple[Fault, ...]
    provision: Provision | None = None
    site_id: UUID | None = None
    wanted: tuple[WantedCourse, ...] = ()
    before: Saved | None = None
    """The newest version of the file."""

    @property
    def code(self) -> str:
        return self.provision.provision if self.provision else ""

    @property
    def people(self) -> list[str]:
        """The files of people that it names."""
        return people_files(self.provision) if self.provision else []

    @property
    def diff(self) -> list[Line]:
        """How it differs from the newest version; of a new file nothing."""
        return list(_diff(self.before.text, self.text)) if self.before else []

    @property
    def lines(self) -> list[tuple[int, str, list[Fault]]]:
        """Number, text and faults of each line."""
        return [
            (number, line, [fault for fault in self.faults if fault.line == number])
            for number, line in enumerate(self.text.splitlines(), 1)
        ]


def tidy(text: str) -> str:
    """A text with the line ends that files have; forms send others."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip("\n") + "\n"


def checked(session: Session, text: str, code: str = "") -> Checked:
    """What a text amounts to; `code`: of the file that it is to be a version of."""
    if len(text) > LONGEST:
        return Checked("", (Fault(1, words.too_long(LONGEST)),))
    try:
        provision, source = parse_provision(text)
    except ProgramError as err:
        return Checked(text, _faults(err))
    before = provisioning.newest(session, provision.provision)
    site = session.execute(select(Site.id, Site.slug).where(Site.slug == provision.site)).one_or_none()
    faults = []
    if code and provision.provision != code:
        faults.append(Fault(source.line(("provision",)), words.other_code(code)))
    if site is None:
        faults.append(Fault(source.line(("site",)), words.no_site(provision.site)))
    elif before and before.site_id != site.id:
        faults.append(Fault(source.line(("site",)), words.other_site(provision.provision)))
    wanted, more = _wanted(session, provision, source)
    return Checked(text, (*faults, *more), provision, site.id if site else None, wanted, before)


def _wanted(
    session: Session, provision: Provision, source: Source
) -> tuple[tuple[WantedCourse, ...], tuple[Fault, ...]]:
    try:
        return courses_in(provision, source, program_in_force(session, provision.program)), ()
    except InTheWay:
        return (), (Fault(source.line(("program",)), words.no_program(provision.program)),)
    except ProgramError as err:
        return (), _faults(err)


def _faults(err: ProgramError) -> tuple[Fault, ...]:
    return tuple(Fault(max(1, one.line), one.message, one.place) for one in err.findings)


def _diff(before: str, after: str) -> Iterator[Line]:
    for number, line in enumerate(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="")):
        # The first two name the files.
        if number > 1:
            yield Line("@", "") if line.startswith("@@") else Line(line[0], line[1:])
