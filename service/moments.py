"""Days and moments as people type them, in an address or at the terminal."""

from datetime import date, datetime

from records.queries.look_back import When

EARLIEST = 1970


class NotADay(ValueError):
    """It is neither a day nor a moment."""


def read_when(text: str) -> When:
    """A day such as 2026-05-01, or an ISO moment. Raises NotADay."""
    for kind in (date, datetime):
        try:
            found: When = kind.fromisoformat(text.strip())
        except ValueError:
            continue
        if found.year >= EARLIEST:
            return found
    raise NotADay(text)
