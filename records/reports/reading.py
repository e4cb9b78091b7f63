"""Which product wrote a report, and what the report says."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from records.csv_file import Problem, UnreadableFile
from records.reports import meet, teams, zoom
from records.reports.clock import ORDERS
from records.reports.columns import Found, Rows
from records.reports.report import Report
from records.reports.staying import Reading
from records.tables import open_table

_FINDERS: dict[str, Callable[[Rows], Found | None]] = {"zoom": zoom.find, "teams": teams.find, "meet": meet.find}
FORMATS = tuple(_FINDERS)
MAX_ROWS = 20_000
"""Of a report; no meeting has that many joinings."""


def detect(data: bytes) -> str | None:
    """The format of a report by its columns; None: none of `FORMATS` (a table with its own columns, perhaps).

    Raises records.csv_file.UnreadableFile where the file can't be used at all.
    """
    found = _find(data, FORMATS)
    return found[0] if found else None


def read(
    data: bytes,
    *,
    format: str | None = None,  # noqa: A002 - the contract's name, and what it is called on the page
    zone: ZoneInfo,
    order: str | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Report:
    """What a report says. `format` None: found by `detect`.

    `zone` is the exporter's: the products write times without one; where the file states it, that one is used and
    reported (`stated_zone`). `order` (`dmy`, `mdy`) is asked for by `Report.asks` and used only where the file doesn't
    decide by itself. `starts_at` and `ends_at` are the session's, aware: clock times without a date are those nearest
    to its start, and who never leaves stays until the report's stated end, else until `ends_at`.
    Raises records.csv_file.UnreadableFile where the file as a whole can't be used, with what to do.
    """
    if order is not None and order not in ORDERS:
        raise ValueError(f"{order!r} is no order of day and month")
    found = _find(data, (format,) if format else FORMATS)
    if found is None:
        raise UnreadableFile(
            "The columns are not those of a report by Zoom, Microsoft Teams or Google Meet as they export it: "
            "export it again without changing it, or upload it as a table of your own."
        )
    name, seen, problems = found
    report = Reading(seen, zone, order, starts_at, ends_at).report(name)
    report.problems[:0] = problems
    return report


def _find(data: bytes, formats: tuple[str, ...]) -> tuple[str, Found, list[Problem]] | None:
    """The first format that any sheet is a report of, what was found there, and what the table says of itself."""
    first = open_table(data)
    for sheet in first.sheets or (None,):
        table = open_table(data, sheet=sheet) if sheet and sheet != first.sheet else first
        rows = []
        for row in table.rows():
            rows.append(row)
            if len(rows) > MAX_ROWS:
                return None
        for name in formats:
            if found := _FINDERS[name](rows):
                return name, found, list(table.problems)
    return None
