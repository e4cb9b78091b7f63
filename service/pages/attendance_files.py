"""Attendance as files: of a session, of a community; CSV or XLSX, row after row."""

import csv
import io
import tempfile
from collections.abc import Callable, Iterator
from typing import IO
from uuid import UUID

import xlsxwriter
from flask import Blueprint, abort, send_file, stream_with_context
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.inert import inert
from records.queries.attendance_export import Attended, of_community, of_session
from records.queries.imports import place
from records.sessions import find
from service.access import actor
from service.i18n import _
from service.pages.live import reading
from service.wording import way_words

blueprint = Blueprint("attendance_files", __name__)
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Read = Callable[[Session], Iterator[Attended]]


@blueprint.get("/sessions/<uuid:session_id>/attendance.<any(csv,xlsx):kind>", endpoint="of_session")
def session_file(session_id: UUID, kind: str) -> Response:
    """Who was at a session."""
    whose = actor()
    with reading() as session:
        if find(session, whose, session_id) is None:
            abort(404)
    return _file(f"session-{session_id}", kind, lambda session: of_session(session, whose, session_id))


@blueprint.get("/communities/<uuid:community_id>/attendance.<any(csv,xlsx):kind>", endpoint="of_community")
def community_file(community_id: UUID, kind: str) -> Response:
    """Who was at which session of a community."""
    whose = actor()
    with reading() as session:
        if place(session, whose, community_id) is None:
            abort(404)
    return _file(f"community-{community_id}", kind, lambda session: of_community(session, whose, community_id))


def _file(name: str, kind: str, read: Read) -> Response:
    if kind == "xlsx":
        return send_file(_workbook(read), XLSX, as_attachment=True, download_name=f"{name}.xlsx")
    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(stream_with_context(_lines(read)), mimetype="text/csv", headers=headers)


def _head() -> list[str]:
    return [
        *(
            _("Person"),
            _("Moodle user"),
            _("Session"),
            _("Title"),
            _("Date"),
            _("Recorded by"),
            _("Minutes that count"),
        ),
        *(_("Status"), _("Disputed")),
    ]


def _cells(row: Attended) -> list[str | int]:
    ways = ", ".join(way_words(way) for way in row.ways)
    disputed = _("yes") if row.disputed else ""
    texts = (row.session, row.title, row.day.isoformat(), ways)
    return [
        *(inert(row.person), row.moodle_user_id),
        *(inert(text) for text in texts),
        *(row.minutes, inert(row.status), disputed),
    ]


def _lines(read: Read) -> Iterator[bytes]:
    yield b"\xef\xbb\xbf"
    with reading() as session:
        yield _line(_head())
        for row in read(session):
            yield _line(_cells(row))


def _line(cells: list[str] | list[str | int]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def _workbook(read: Read) -> IO[bytes]:
    """A workbook on disk, which is gone once it is sent."""
    data = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    # No text becomes a formula or a link by its looks, and rows are written as they come.
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(data, options) as book, reading() as session:
        sheet = book.add_worksheet(_("Attendance"))
        sheet.write_row(0, 0, _head(), book.add_format({"bold": True}))
        for number, row in enumerate(read(session), start=1):
            for column, cell in enumerate(_cells(row)):
                if isinstance(cell, int):
                    sheet.write_number(number, column, cell)
                else:
                    sheet.write_string(number, column, cell)
    data.seek(0)
    return data
