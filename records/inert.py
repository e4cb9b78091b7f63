"""Text that a spreadsheet shows and never runs: what every text cell of an export passes through."""

import re
import unicodedata

_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?%?", re.ASCII)
_STARTS = frozenset("=+-@\t\r\n|")


def inert(value: str) -> str:
    """The same text, with an apostrophe before it where a spreadsheet could take it for a formula.

    That is a first character =, +, -, @, |, tab, CR or LF, also full-width or behind spaces and invisible characters;
    a plain number (-30, +1.5) stays as it is. Source: OWASP, "CSV Injection".
    """
    # Most texts: a letter or a digit of ASCII begins no formula.
    if value[:1].isalnum() and value[0].isascii():
        return value
    if _NUMBER.fullmatch(value):
        return value
    first = next((c for c in value if c in "\t\r\n" or not _is_blank(c)), "")
    return "'" + value if unicodedata.normalize("NFKC", first)[:1] in _STARTS and first else value


def _is_blank(character: str) -> bool:
    return character.isspace() or unicodedata.category(character) in {"Cf", "Cc", "Zs"}
