"""Tables out of uploaded files: what they say, and that no file does harm."""

import codecs
import io
import struct
import tracemalloc
import zipfile
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any

import openpyxl
import pytest

from records import csv_file, tables, workbooks
from records.csv_file import UnreadableFile
from records.tables import open_table

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_ENTITIES = (
    '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
_OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY c SYSTEM "file:///etc/hostname">]>'
_DTD_ELSEWHERE = '<?xml version="1.0"?><!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">'


def _rows(data: bytes, **asked: str) -> list[tuple[int, list[str]]]:
    return list(open_table(data, **asked).rows())


def _refused(data: bytes) -> str:
    with pytest.raises(UnreadableFile) as refused:
        _rows(data)
    return str(refused.value)


def _book(
    body: str = "",
    *,
    before: str = "",
    compression: int = zipfile.ZIP_DEFLATED,
    more: Mapping[str, bytes | str] | None = None,
) -> bytes:
    """A workbook of one sheet with this XML as its rows. `more` adds members, or replaces them, by name."""
    parts: dict[str, bytes | str] = {
        "[Content_Types].xml": f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPES}.sheet.main+xml"/>'
        f'<Override PartName="/xl/sharedStrings.xml" ContentType="{_TYPES}.sharedStrings+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPES}.worksheet+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{_RELS}"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="People" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_RELS}"><Relationship Id="r1" '
        f'Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/sharedStrings.xml": f'<sst xmlns="{_MAIN}"/>',
        "xl/worksheets/sheet1.xml": f'{before}<worksheet xmlns="{_MAIN}"><sheetData>{body}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in {**parts, **(more or {})}.items():
            archive.writestr(name, content)
    return out.getvalue()


def _saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _filled(*rows: list[Any]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    return book


@pytest.mark.parametrize(
    ("data", "rows"),
    [
        (b"a,b\n1,2\n", [(1, ["a", "b"]), (2, ["1", "2"])]),
        (b"\xef\xbb\xbfa;b\r\n\r\n 1 ;2;\r\n", [(1, ["a", "b"]), (3, ["1", "2"])]),
        (b"sep=;\na;b\n", [(2, ["a", "b"])]),
        (b'a\tb\n"two\nlines"\t2\n3\n', [(1, ["a", "b"]), (2, ["two\nlines", "2"]), (4, ["3"])]),
        (b"1. Summary\nTitle\tone, two, three\nStart\t7/2/26, 9:00\n", [
            (1, ["1. Summary"]), (2, ["Title", "one, two, three"]), (3, ["Start", "7/2/26, 9:00"]),
        ]),
        ("a\tñ\n".encode("utf-16"), [(1, ["a", "ñ"])]),
        ("a\tñ\n".encode("utf-16-le"), [(1, ["a", "ñ"])]),
        (codecs.BOM_UTF16_BE + "a\tñ\n".encode("utf-16-be"), [(1, ["a", "ñ"])]),
        (b"only\none\n", [(1, ["only"]), (2, ["one"])]),
        (b"a,b\n=1+1,@x\n", [(1, ["a", "b"]), (2, ["=1+1", "@x"])]),
    ],
)  # fmt: skip
def test_rows_of_text(data: bytes, rows: list[tuple[int, list[str]]]) -> None:
    table = open_table(data)

    assert table.kind == "csv"
    assert list(table.rows()) == rows
    assert list(table.rows()) == rows


def test_rows_of_a_workbook() -> None:
    book = _filled(
        ["  name ", "when", None],
        [],
        [
            "Ada",
            datetime.combine(date(2026, 3, 14), time(18, 0, 29, 600_000)),
            date(2026, 3, 14),
            time(18, 0),
            timedelta(hours=26, minutes=5),
        ],
        [5, 5.0, 0.1, -1.5, 1e-7, 123456789012345, True, False, "=A1", "007"],
    )
    book.create_sheet("Other").append(["else"])
    book.create_sheet("Hidden").sheet_state = "hidden"
    data = _saved(book)

    table = open_table(data)

    assert (table.kind, table.sheets, table.sheet) == ("xlsx", ("Sheet", "Other"), "Sheet")
    assert list(table.rows()) == [
        (1, ["name", "when"]),
        (3, ["Ada", "2026-03-14 18:00:30", "2026-03-14", "18:00:00", "26:05:00"]),
        (4, ["5", "5", "0.1", "-1.5", "0.0000001", "123456789012345", "TRUE", "FALSE", "", "007"]),
    ]
    assert [(p.line, p.column) for p in table.problems] == [(4, "I")]
    assert _rows(data, sheet="Other") == [(1, ["else"])]
    with pytest.raises(UnreadableFile, match=r"no sheet 'Third'\. It has: Sheet, Other"):
        open_table(data, sheet="Third")


def test_a_time_at_midnight_is_a_time_and_a_day_is_a_day() -> None:
    day = datetime.combine(date(2026, 3, 14), time())
    book = _filled([day, day])
    assert book.active is not None
    book.active["A1"].number_format = "yyyy-mm-dd hh:mm"
    book.active["B1"].number_format = '"hours" yyyy-mm-dd'

    assert _rows(_saved(book)) == [(1, ["2026-03-14 00:00:00", "2026-03-14"])]


def test_formulas_give_the_value_that_is_kept() -> None:
    cells = "".join(
        f'<c r="{at}"{kind}><f>{formula}</f>{value}</c>'
        for at, kind, formula, value in [
            ("A1", "", "1+1", "<v>2</v>"),
            ("B1", ' t="str"', "HYPERLINK(&quot;http://127.0.0.1&quot;)", "<v>=cmd|x</v>"),
            ("C1", "", "NOW()", ""),
            ("D1", ' t="e"', "1/0", "<v>#DIV/0!</v>"),
        ]
    )
    table = open_table(_book(f'<row r="1">{cells}</row>'))

    assert list(table.rows()) == [(1, ["2", "=cmd|x", "", "#DIV/0!"])]
    assert [(p.line, p.column) for p in table.problems] == [(1, "C")]
    assert "open the workbook in Excel" in table.problems[0].message


def test_a_declared_range_that_is_too_small_hides_nothing() -> None:
    sheet = (
        f'<worksheet xmlns="{_MAIN}"><dimension ref="A1"/><sheetData><row><c><v>1</v></c><c><v>2</v></c></row>'
        "<row><c><v>3</v></c></row></sheetData></worksheet>"
    )
    assert _rows(_book(more={"xl/worksheets/sheet1.xml": sheet})) == [(1, ["1", "2"]), (2, ["3"])]


@pytest.mark.parametrize(
    ("data", "what_to_do"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        ("name,café\nAda,é\n".encode("cp1252"), "Line 1 is not UTF-8 .* Latin-1.*: save the file as 'CSV UTF-8'"),
        (b"ok,ok\n" * 400_000 + b"\xff,ok\n", "Line 400001 is not UTF-8"),
        ("ab\n".encode("utf-16") + b"\x00\xd8", "damaged"),
        (codecs.BOM_UTF16_LE + b"a", "damaged"),
        (b"a,b\nx\0y,1\n", "Line 2 holds NUL"),
        (b'a,b\n"never closed\n', "is not CSV"),
        (b'a,b\n"x"y,1\n', "Line 2 is not CSV"),
        (b"x" * 1_500_000, "Line 1 is not CSV"),
        (b"a,b\n" + b"x,\n" * 10 + b"," * 1_500_000, "Line 12 is not CSV: it goes on for more than 1,000,000"),
        (b"a,b\n1," + b'"x\n",' * 400_000, "is not CSV: it goes on for more than 1,000,000"),
        (b"," * 300 + b"x\n", "Row 1 has more than 200 columns"),
        (b"%PDF-1.7\n", "PDF"),
        (b"\xef\xbb\xbf \n<HTML><body><table>", "web page"),
        (b'<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "web page or XML"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), r"old Excel workbook \(.xls\)"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "password"),
        (b"\x1f\x8b\x08\x00", "archive"),
        (b"PK\x05\x06" + bytes(18), "ZIP archive"),
        (b"PK\x03\x04 and nothing more", "damaged"),
        (_book()[:-40], "damaged"),
        (_book("<row><c t='s'><v>99</v></c></row>"), "damaged"),
        (_book("<row><c><v>one</v></c></row>"), "damaged"),
        (_book("<row>"), "damaged"),
        (_book(more={"xl/workbook.xml": f'<workbook xmlns="{_MAIN}"/>'}), "damaged|no sheet"),
        (_book(more={"xl/workbook.bin": b""}), "binary"),
        (_book(more={"content.xml": b""}), r"OpenDocument sheet \(.ods\)"),
        (_book("<row r='10001'><c><v>1</v></c></row>"), "far larger than its table"),
        (_book("".join(f"<row><c r='XFD{n}'><v/></c></row>" for n in range(1, 100))), "far larger than its table"),
        (_book("<row><c r='GT1'><v>1</v></c></row>"), "more than 200 columns"),
        (_book("<row><c t='inlineStr'><is><t>&c;</t></is></c></row>", before=_ENTITIES), "entities"),
        (_book("<row><c t='inlineStr'><is><t>&c;</t></is></c></row>", before=_OUTSIDE), "entities"),
        (_book(more={"xl/workbook.xml": f'{_ENTITIES}<workbook xmlns="{_MAIN}"/>'}), "entities"),
        (_book(more={"xl/sharedStrings.xml": f'{_ENTITIES}<sst xmlns="{_MAIN}"><si>&c;</si></sst>'}), "entities"),
        (_book(more={"[Content_Types].xml": f"{_OUTSIDE}<Types/>"}), "entities"),
        (_book(compression=zipfile.ZIP_LZMA), "damaged"),
        (_book(more={"xl/media/zeros.bin": bytes(30_000_000)}), "unpacks to 30 MB"),
        (_book(more={f"xl/media/{n}": b"" for n in range(2_001)}), "in 2007 parts"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused(data: bytes, what_to_do: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_CELLS", 1_000_000)
    monkeypatch.setattr(workbooks, "LAST_ROW", 10_000)
    with pytest.raises(UnreadableFile, match=what_to_do):
        _rows(data)


def test_a_document_type_alone_fetches_nothing() -> None:
    """The tests' network is off: were the address asked, this would fail."""
    assert _rows(_book("<row><c><v>1</v></c></row>", before=_DTD_ELSEWHERE)) == [(1, ["1"])]


def test_openpyxl_parses_with_defusedxml() -> None:
    """Only its switch makes the refusals above; lxml, were it there, would be used in its place."""
    assert openpyxl.DEFUSEDXML
    assert not openpyxl.LXML


def test_an_archive_of_workbooks_is_not_unpacked() -> None:
    inner = _book("<row><c><v>1</v></c></row>")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("report.xlsx", inner)

    assert "ZIP archive" in _refused(out.getvalue())
    # An embedded file is no part of any sheet.
    assert _rows(_book("<row><c><v>1</v></c></row>", more={"xl/embeddings/again.xlsx": inner})) == [(1, ["1"])]


def test_a_member_that_unpacks_to_more_than_it_declares_is_cut_off() -> None:
    """The check goes by the archive's own figures; a lie about them must not unpack more."""
    body = "<row>" + "<c><v>1</v></c>" * 100_000 + "</row>"
    data = bytearray(_book(body))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size
    for at in range(len(data) - 4):
        if data[at : at + 4] == struct.pack("<I", size):
            data[at : at + 4] = struct.pack("<I", 200)

    assert "damaged" in _refused(bytes(data))


def test_the_limit_is_refused_before_anything_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "larger than 20 MB: split it" in _refused(bytes(100_000_000))
    monkeypatch.setattr(csv_file, "MAX_BYTES", 1_000)
    assert "larger than" in _refused(_book(more={"xl/media/noise": bytes(2_000)}, compression=zipfile.ZIP_STORED))


@pytest.mark.parametrize("data", [b"a\n" * 12, _book("<row><c><v>1</v></c></row>" * 12)])
def test_more_rows_than_the_limit_are_refused_on_the_way(data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_ROWS", 10)
    rows = open_table(data).rows()

    assert [next(rows)[0] for _ in range(10)] == list(range(1, 11))
    with pytest.raises(UnreadableFile, match="more than 10 rows: split it"):
        next(rows)


def test_memory_does_not_grow_with_the_table() -> None:
    """Rows come one after the other: reading four times as many takes hardly more."""
    cell = f"<c t='inlineStr'><is><t>{'x' * 1_000}</t></is></c>"
    peaks = []
    for count in (1_000, 4_000):
        files = (
            b"name,minutes\n" + b"Ada Nova of the long name,60\n" * count,
            _book(f"<row>{cell}</row>" * count),
        )
        for data in files:
            tracemalloc.start()
            try:
                assert sum(1 for _ in open_table(data).rows()) >= count
                peaks.append(tracemalloc.get_traced_memory()[1])
            finally:
                tracemalloc.stop()
    small_csv, small_book, large_csv, large_book = peaks
    assert large_csv < small_csv + 200_000
    # What is left of each row of a workbook is an empty element, some hundred bytes.
    assert large_book < small_book + 3_000 * 400
