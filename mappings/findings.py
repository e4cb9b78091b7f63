"""What is to be said about a program file, or a provision file: with file, line and where it is explained."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Place = tuple[str | int, ...]
"""The path to a part of a file: keys, and numbers of list items from 0."""
DOCS = "docs/programs.md"
GENERAL = "how-a-file-is-written"
"""The section of the documentation about what belongs to no key."""

ALIKE = 0.6
"""How much two words have to share, from 0 to 1, for one to be taken for a slip of the other."""


def nearest(word: str, known: Iterable[str], alike: float = ALIKE) -> str | None:
    """What somebody may have meant."""
    return next(iter(difflib.get_close_matches(word, list(known), 1, alike)), None)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell about a file."""

    file: str
    line: int
    place: str
    """Such as `activities.0.minutes`; empty: the file as a whole."""
    message: str
    level: Literal["error", "warning"] = "error"
    anchor: str = GENERAL
    """The section of `docs` that explains the key."""
    docs: str = DOCS

    @property
    def link(self) -> str:
        return f"{self.docs}#{self.anchor}"

    def __str__(self) -> str:
        warning = "warning: " if self.level == "warning" else ""
        place = f"{self.place}: " if self.place else ""
        return f"{self.file}:{self.line}: {warning}{place}{self.message} ({self.link})"


class ProgramError(Exception):
    """A program file can't be used. `problems` holds one line of text each: `file:line: place: what (link)`."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = list(findings)
        self.problems = [str(finding) for finding in self.findings]
        super().__init__("\n".join(self.problems))
