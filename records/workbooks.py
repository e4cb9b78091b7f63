"""XLSX workbooks, read row by row: what they unpack to is checked before anything is unpacked."""

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import islice, repeat
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from defusedxml import DefusedXmlException
from openpyxl.utils import get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.workbook.workbook import Workbook as OpenWorkbook

from records.csv_file import Problem, UnreadableFile

MAX_COLUMNS = 200
MAX_UNPACKED = 150_000_000
"""Bytes of all members together, as the archive declares them; zipfile never unpacks more of a member than that."""
MAX_RATIO = 100
"""Between unpacked and packed, of a workbook that is large when unpacked. Tables of equal rows stay under 40."""
LARGE = 5_000_000
MAX_MEMBERS = 2_000
MAX_CELLS = 5_000_000
"""That rows span, the empty ones too: a sheet may have one value at XFD1048576."""
LAST_ROW = 1_048_576
_BATCH = 500
_FORMULA = re.compile(rb"<(?:\w+:)?f[\s>/]")
_DAMAGE = (
    zipfile.BadZipFile,
    InvalidFileException,
    ParseError,
    zlib.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What zipfile and openpyxl raise for workbooks that aren't as they should be."""


class Workbook:
    """An open workbook. `sheets` are the names of its visible sheets; there is at least one."""

    def __init__(self, data: bytes, has_formulas: bool) -> None:
        self._values = _loaded(data, data_only=True)
        self._formulas = _loaded(data, data_only=False) if has_formulas else None
        self.sheets = tuple(s.title for s in self._values.worksheets if s.sheet_state == "visible")
        if not self.sheets:
            raise UnreadableFile("The workbook has no sheet with a table.")

    def rows(self, sheet: str, problems: list[Problem]) -> Iterator[tuple[int, list[str]]]:
        """The rows of a sheet by number, as text; formulas without a value are noted in `problems`."""
        spanned = 0
        formulas = _rows_of(self._formulas, sheet) if self._formulas else repeat(())
        for number, (cells, written) in enumerate(zip(_rows_of(self._values, sheet), formulas, strict=False), 1):
            spanned += len(cells)
            if number > LAST_ROW or spanned > MAX_CELLS:
                raise UnreadableFile(
                    "The sheet is far larger than its table: copy the table alone into a new workbook and upload that."
                )
            for column, (cell, formula) in enumerate(zip(cells, written, strict=False), 1):
                if cell.value is None and formula.data_type == "f":
                    problems.append(Problem(number, get_column_letter(column), _NO_VALUE))
            if cells:
                yield number, [_text(cell) for cell in cells]


_NO_VALUE = "is a formula without a value: open the workbook in Excel, save it, and upload it again"


def open_workbook(data: bytes) -> Workbook:
    """The workbook in these bytes, which begin as a ZIP archive does. Raises UnreadableFile, with what to do."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            _check_members(archive)
            has_formulas = _has_formulas(archive)
    except _DAMAGE as err:
        raise _damaged() from err
    return Workbook(data, has_formulas)


def _refusal(err: BaseException) -> UnreadableFile:
    """For what openpyxl raised, which may have wrapped what the parser raised."""
    cause: BaseException | None = err
    while cause is not None:
        if isinstance(cause, DefusedXmlException):
            return UnreadableFile("The workbook's XML declares entities, which no spreadsheet does: it isn't read.")
        cause = cause.__cause__ or cause.__context__
    return _damaged()


def _damaged() -> UnreadableFile:
    return UnreadableFile("The workbook is damaged: open it in Excel, save it as .xlsx, and upload that.")


def _check_members(archive: zipfile.ZipFile) -> None:
    members = archive.infolist()
    names = {member.filename for member in members}
    unpacked = sum(member.file_size for member in members)
    packed = sum(member.compress_size for member in members)
    if len(members) > MAX_MEMBERS or unpacked > MAX_UNPACKED or (unpacked > LARGE and unpacked > MAX_RATIO * packed):
        raise UnreadableFile(
            f"The workbook unpacks to {unpacked // 1_000_000} MB in {len(members)} parts, more than a table needs: "
            "copy the table alone into a new workbook, or save it as 'CSV UTF-8'."
        )
    if any(member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for member in members):
        # Of the others, zipfile unpacks all that a piece holds at once. Spreadsheets write none.
        raise _damaged()
    if any(member.flag_bits & 1 for member in members):
        raise UnreadableFile("The workbook is protected by a password: save it without one.")
    if "xl/workbook.bin" in names:
        raise UnreadableFile("The workbook is binary (.xlsb): save it as .xlsx or as 'CSV UTF-8'.")
    if "content.xml" in names:
        raise UnreadableFile("The file is an OpenDocument sheet (.ods): save it as .xlsx or as 'CSV UTF-8'.")
    if "[Content_Types].xml" not in names or not any(name.startswith("xl/") for name in names):
        raise UnreadableFile("The file is a ZIP archive or another document: upload the table itself, as .xlsx or CSV.")


def _has_formulas(archive: zipfile.ZipFile) -> bool:
    """Whether any sheet may have formulas. Streams: holds a piece of a member at a time."""
    for member in archive.infolist():
        if not member.filename.startswith("xl/worksheets/"):
            continue
        with archive.open(member) as part:
            tail = b""
            while piece := part.read(1 << 16):
                if _FORMULA.search(tail + piece):
                    return True
                tail = piece[-32:]
    return False


def _loaded(data: bytes, *, data_only: bool) -> OpenWorkbook:
    """Raises UnreadableFile. openpyxl parses with defusedxml where that is installed: entities are refused."""
    try:
        with warnings.catch_warnings(action="ignore", category=UserWarning):
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=data_only, keep_links=False)
    except _DAMAGE as err:
        raise _refusal(err) from err
    return book


def _rows_of(book: OpenWorkbook, sheet: str) -> Iterator[tuple[Any, ...]]:
    """The cells of each row from the first on. In batches: openpyxl warns of dates that are none, and the filter of
    warnings is the process's."""
    worksheet = book[sheet]
    # Some products declare a range that is too small.
    worksheet.reset_dimensions()
    rows = worksheet.iter_rows()
    while True:
        try:
            with warnings.catch_warnings(action="ignore", category=UserWarning):
                batch = list(islice(rows, _BATCH))
        except _DAMAGE as err:
            raise _refusal(err) from err
        if not batch:
            return
        yield from batch


def _text(cell: Any) -> str:
    value = cell.value
    match value:
        case None:
            return ""
        case str():
            return value.strip()
        case bool():
            return "TRUE" if value else "FALSE"
        case int() | float():
            return _number(value)
        case datetime():
            clock = value.replace(microsecond=0) if value.microsecond < 500_000 else value + timedelta(seconds=1)
            clock = clock.replace(microsecond=0)
            return clock.isoformat(" ") if clock.time() != time() or _shows_time(cell) else clock.date().isoformat()
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("seconds")
        case timedelta():
            minutes, seconds = divmod(round(value.total_seconds()), 60)
            return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
    return str(value).strip()


def _shows_time(cell: Any) -> bool:
    shown = re.sub(r'"[^"]*"|\[[^\]]*\]', "", cell.number_format or "")
    return "h" in shown.lower() or "s" in shown.lower()


def _number(value: float) -> str:
    if isinstance(value, int) or value.is_integer():
        return str(int(value))
    return format(value, ".15g") if abs(value) >= 1e-4 else format(value, ".15f").rstrip("0")
