"""Attendance as files: of a session, of a community."""

from collections.abc import Callable, Iterator
from uuid import UUID

from flask import Blueprint, abort
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.queries.attendance_export import Attended, of_community, of_session
from records.queries.imports import place
from records.sessions import find
from service.access import actor
from service.files import Cell, Table, as_file
from service.i18n import _
from service.pages.live import reading
from service.wording import way_words

blueprint = Blueprint("attendance_files", __name__)
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
    head = [
        *(_("Person"), _("Moodle user"), _("Session"), _("Title"), _("Date"), _("Recorded by")),
        *(_("Minutes that count"), _("Status"), _("Disputed")),
    ]
    return as_file(Table(name, _("Attendance"), head, lambda session: map(_cells, read(session))), kind)


def _cells(row: Attended) -> list[Cell]:
    ways = ", ".join(way_words(way) for way in row.ways)
    disputed = _("yes") if row.disputed else ""
    about = (row.person, row.moodle_user_id, row.session, row.title, row.day)
    return [*about, ways, row.minutes, row.status, disputed]
