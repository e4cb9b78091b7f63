"""Titles out of program files, in the language of the pages. A code without a title stands for itself."""

from mappings.base import words
from mappings.program import Program
from service.i18n import language_now


def program_title(program: Program) -> str:
    """The program's title."""
    return words(program.title, language_now()) or program.program


def topic_title(program: Program, code: str) -> str:
    """A topic's title."""
    found = program.topic(code)
    return words(found.title, language_now()) if found else code


def region_title(program: Program, code: str) -> str:
    """A region's title."""
    found = program.region(code)
    return words(found.title, language_now()) if found else code
