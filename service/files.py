"""Tables as files: CSV or XLSX, row after row, in which no text runs as a formula; and as a page to print."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import IO

import xlsxwriter
from flask import g, send_file, stream_template, stream_with_context
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.inert import inert
from service import wording
from service.context import context
from service.pages.live import reading

KINDS = ("csv", "xlsx")
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PRINT = "print"
AT_ONCE = 100
"""Rows of a CSV file that go out together."""
Cell = str | int | date | None


class Minutes(int):
    """An amount of time: whole minutes in a file, which computes with them; hours and minutes where people read it."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table that people take along. `name`: the file's, without its ending; `title`: the sheet's."""

    name: str
    title: str
    head: Sequence[str]
    rows: Callable[[Session], Iterable[Sequence[Cell]]]
    """Reads them in the state of the database that the answer is of. Amounts of time are whole minutes."""


def as_file(table: Table, kind: str) -> Response:
    """The table as a download; `kind` is one of KINDS."""
    if kind == "xlsx":
        return send_file(_workbook(table), XLSX, as_attachment=True, download_name=f"{table.name}.xlsx")
    headers = {"Content-Disposition": f'attachment; filename="{table.name}.csv"'}
    return Response(stream_with_context(_lines(table)), mimetype="text/csv", headers=headers)


def as_page(table: Table, about: Sequence[str], timezone: str) -> Response:
    """The whole table as a page to print, row after row. `about`: what was asked for, in words."""
    page = stream_template(
        "printed.html",
        who=g.signed_in,
        table=table,
        about=about,
        rows=_printed(table),
        at=context().clock(),
        timezone=timezone,
    )
    return Response(page, mimetype="text/html")


def _printed(table: Table) -> Iterator[list[str]]:
    with reading() as session:
        for row in table.rows(session):
            yield [wording.hours(cell) if isinstance(cell, Minutes) else str(_bare(cell)) for cell in row]


def _lines(table: Table) -> Iterator[bytes]:
    with reading() as session:
        yield b"\xef\xbb\xbf" + _written([table.head])
        rows = iter(table.rows(session))
        while some := list(islice(rows, AT_ONCE)):
            yield _written(some)


def _written(rows: Iterable[Sequence[Cell]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([_text(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _text(cell: Cell) -> str | int:
    return inert(cell) if isinstance(cell, str) else _bare(cell)


def _bare(cell: Cell) -> str | int:
    if isinstance(cell, date):
        return cell.isoformat()
    return "" if cell is None else cell


def _workbook(table: Table) -> IO[bytes]:
    """A workbook on disk, which is gone once it is sent."""
    data = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    # No text becomes a formula or a link by its looks, and rows are written as they come.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(data, options) as book, reading() as session:
        sheet = book.add_worksheet(_sheet_name(table.title))
        sheet.freeze_panes(1, 0)
        sheet.write_row(0, 0, table.head, book.add_format({"bold": True}))
        for number, row in enumerate(table.rows(session), start=1):
            for column, cell in enumerate(row):
                shown = _text(cell)
                if isinstance(shown, int):
                    sheet.write_number(number, column, shown)
                else:
                    sheet.write_string(number, column, shown)
    data.seek(0)
    return data


def _sheet_name(title: str) -> str:
    """As Excel takes it: 31 characters, and none of those that it refuses."""
    return "".join(" " if c in "[]:*?/\\" else c for c in title).strip(" '")[:31] or "1"
