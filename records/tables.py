"""Tables out of files that people upload, CSV or XLSX: rows of text, one after the other, and no harm done.

Nothing here trusts the file: its size, what it unpacks to, its XML, its encoding and its length are checked, before
it is opened where that can be known, else while it is read.
"""

import codecs
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from records.csv_file import (
    Problem,
    UnreadableFile,
    check_encoding,
    check_size,
    delimiter_of,
    first_lines,
    records_of,
)
from records.workbooks import MAX_COLUMNS, Workbook, open_workbook

MAX_ROWS = 200_000
_SAMPLE = 20
"""Lines that are looked at for what separates the columns: a report's title comes before its table."""
_ZIP = b"PK\x03\x04"
_EMPTY_ZIP = b"PK\x05\x06"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|head|body|meta|table|style|\?xml|workbook)\b", re.IGNORECASE)

Rows = Iterator[tuple[int, list[str]]]


@dataclass(slots=True)
class Table:
    """A sheet's rows, read as they are asked for."""

    kind: str
    """`csv` or `xlsx`."""
    _source: Callable[[list[Problem]], Rows] = field(repr=False)
    sheets: tuple[str, ...] = ()
    """The names of a workbook's visible sheets in order; none of a CSV file."""
    sheet: str | None = None
    """The one that is read: the first unless another was asked for; None of a CSV file."""
    problems: list[Problem] = field(default_factory=list)
    """Grows while `rows` runs, always before the row is given: a formula that the workbook keeps no value of (its cell
    reads as empty), with the row's number and the column's letter."""

    def rows(self) -> Rows:
        """The rows that aren't blank: number (from 1, as a spreadsheet or an editor shows it; of a CSV row over
        several lines the first) and the values as stripped text.

        Of XLSX: days as 2026-03-14, times as 18:00:00, both as 2026-03-14 18:00:00, spans as 1:30:00, numbers plain
        with a point, TRUE and FALSE; of formulas the value that the workbook keeps. Rows aren't padded: the first may
        be longer or shorter than the others. May be called again; each call begins anew.
        Raises UnreadableFile, also in the middle: more than MAX_ROWS or MAX_COLUMNS, a line without end, damage.
        """
        self.problems.clear()
        count = 0
        for number, values in self._source(self.problems):
            while values and not values[-1]:
                values.pop()
            if len(values) > MAX_COLUMNS:
                raise UnreadableFile(
                    f"Row {number} has more than {MAX_COLUMNS} columns: leave only those that are needed."
                )
            if not values:
                continue
            count += 1
            if count > MAX_ROWS:
                raise UnreadableFile(f"The table has more than {MAX_ROWS:,} rows: split it.")
            yield number, values


def open_table(data: bytes, *, sheet: str | None = None) -> Table:
    """The table in a file: CSV, TSV (UTF-8 or UTF-16) or XLSX. Raises UnreadableFile, with what to do instead.

    `sheet` names a workbook's sheet; one that isn't there is refused with the names of those that are.
    """
    check_size(data)
    if data.startswith((_ZIP, _EMPTY_ZIP)):
        return _of_workbook(open_workbook(data), sheet)
    _refuse_others(data)
    encoding = _encoding_of(data)
    check_encoding(data, encoding)
    lines = first_lines(data, encoding, _SAMPLE)
    if not lines:
        raise UnreadableFile("The file is empty.")
    delimiter = delimiter_of(lines)

    def rows(_: list[Problem]) -> Rows:
        for number, fields in records_of(data, encoding, delimiter):
            if any("\0" in value for value in fields):
                raise UnreadableFile(f"Line {number} holds NUL characters: this is no text, or it is damaged.")
            yield number, [value.strip() for value in fields]

    return Table("csv", rows)


def _of_workbook(book: Workbook, sheet: str | None) -> Table:
    if sheet is not None and sheet not in book.sheets:
        raise UnreadableFile(f"The workbook has no sheet '{sheet}'. It has: {', '.join(book.sheets)}.")
    name = sheet or book.sheets[0]
    return Table("xlsx", lambda problems: book.rows(name, problems), book.sheets, name)


def _refuse_others(data: bytes) -> None:
    """Raises UnreadableFile for what people take for a table and isn't one."""
    start = data[:1024].removeprefix(codecs.BOM_UTF8)
    if data.startswith(_OLE):
        if _ENCRYPTED in data:
            raise UnreadableFile("The workbook is protected by a password: save it without one.")
        raise UnreadableFile("The file is an old Excel workbook (.xls): save it as .xlsx or as 'CSV UTF-8'.")
    if data.startswith(b"%PDF-"):
        raise UnreadableFile("The file is a PDF: export the table as CSV or XLSX instead.")
    if _MARKUP.match(start):
        raise UnreadableFile(
            "The file is a web page or XML, whatever its name says: open it in Excel and save it as .xlsx."
        )
    if data.startswith((b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!")):
        raise UnreadableFile("The file is an archive: unpack it and upload the table in it.")


def _encoding_of(data: bytes) -> str:
    """UTF-16 with or without its mark (Teams writes UTF-16 LE with tabs), else UTF-8."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(data) >= 4 and data[0] and not data[1] and data[2] and not data[3]:
        return "utf-16-le"
    return "utf-8-sig"
