"""Files of attendance: uploaded, looked at, taken in with progress, and undone."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, flash, g, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import attendance_reports as reports
from records.attendance_columns import OURS, Reading
from records.attendance_tally import MOST_ROWS, Tally
from records.csv_file import MAX_BYTES, UnreadableFile
from records.inert import inert
from records.models import AttendanceReport, SessionRow
from records.queries.imports import Person, Place, people, place, sessions
from records.sessions import find
from service import import_words
from service.access import actor
from service.context import context
from service.i18n import _
from service.pages.import_forms import ASKED, filled_in, first_options, reads
from service.pages.live import if_changed, live_part, reading
from service.pages.titles import program_title, region_title, topic_title

blueprint = Blueprint("imports", __name__)
PAGE_ROWS = 100
RUNNING = ("due", "running")


@dataclass(frozen=True, slots=True)
class Told:
    """A row of a report as the table shows it."""

    line: int
    action: str
    session: str = ""
    account: str | None = None
    who: str = ""
    before: str = ""
    now: str = ""
    other_name: bool = False
    """The file calls the person otherwise than the account does."""
    column: str = ""
    message: str = ""
    said_once: bool = False
    """What is wrong was said for all rows, and not by this one."""
    person: Person | None = None

    @property
    def named(self) -> str:
        """Who is meant."""
        if self.person is None:
            return self.who
        return self.person.name or _("Moodle user %(id)s", id=self.person.moodle_user_id)


@blueprint.get("/communities/<uuid:community_id>/attendance/import")
def form(community_id: UUID) -> str:
    """Choose a file."""
    with reading() as session:
        found = _place(session, community_id)
        wanted = _wanted(session, found)
        return _page("import.html", found, wanted=wanted, megabytes=MAX_BYTES // 1_000_000, wrong="")


@blueprint.post("/communities/<uuid:community_id>/attendance/import")
def upload(community_id: UUID) -> Response | tuple[str, int]:
    """Keep a file, and look at it at once where nothing has to be asked."""
    here = context()
    with Session(here.engine) as session, session.begin():
        found = _place(session, community_id)
        wanted = _wanted(session, found)
        given = request.files.get("file")
        data = given.read() if given else b""
        try:
            if not data:
                raise UnreadableFile(_("The file is empty.") if given and given.filename else _("Choose a file first."))
            kind = reports.detect(data)
            options = first_options(session, data, kind, found, wanted)
        except UnreadableFile as err:
            page = _page("import.html", found, wanted=wanted, megabytes=MAX_BYTES // 1_000_000, wrong=str(err))
            return page, 400
        name = (given.filename if given else None) or ""
        kept = reports.upload(session, data, name=name, kind=kind, community_id=found.id, options=options, by=actor())
        if kept.again:
            flash(_("This very file was uploaded before: here it is. Nothing was changed."))
        elif reads(data, kept.report, _session_of(session, kept.report)).ready:
            reports.ask(kept.report, "look")
        report_id = kept.report.id
    wake(here.redis, QueueName.ATTENDANCE)
    return _to_report(community_id, report_id)


@blueprint.get("/communities/<uuid:community_id>/attendance/reports")
def history(community_id: UUID) -> str:
    """All files of a community, the latest first."""
    with reading() as session:
        found = _place(session, community_id)
        told = [(report, reports.tally_of(report)) for report in reports.listing(session, found.id)]
        return _page("imports.html", found, told=told)


@blueprint.get("/communities/<uuid:community_id>/attendance/reports/<uuid:report_id>")
def report(community_id: UUID, report_id: UUID) -> str:
    """A file: how it is read, what it would do, how far it is, what came of it."""
    with reading() as session:
        found, one = _report(session, community_id, report_id)
        return _shown(session, found, one)


@blueprint.get("/communities/<uuid:community_id>/attendance/reports/<uuid:report_id>/live")
def live(community_id: UUID, report_id: UUID) -> Response | str:
    """How far the work is; once it is done the page loads itself again, for then there is something to decide."""
    with reading() as session:
        _found, one = _report(session, community_id, report_id)
        if one.status not in RUNNING:
            return Response(status=204, headers={"HX-Refresh": "true"})
        return if_changed(_progress(one))


@blueprint.post("/communities/<uuid:community_id>/attendance/reports/<uuid:report_id>/look")
def look(community_id: UUID, report_id: UUID) -> Response | tuple[str, int]:
    """Say how the file is read, and have it looked at."""
    here = context()
    with Session(here.engine) as session, session.begin():
        found, one = _report(session, community_id, report_id, lock=True)
        try:
            options, wrong = filled_in(session, actor(), found, one, _payload(session, one), request.form)
            one.options = {**one.options, **options}
            if not wrong:
                reports.ask(one, "look")
        except (reports.ReportError, UnreadableFile) as err:
            wrong = str(err)
        if wrong:
            session.flush()
            return _shown(session, found, one, wrong), 400
    wake(here.redis, QueueName.ATTENDANCE)
    return _to_report(community_id, report_id)


@blueprint.post("/communities/<uuid:community_id>/attendance/reports/<uuid:report_id>/take")
def take(community_id: UUID, report_id: UUID) -> Response | tuple[str, int]:
    """Have the file taken in as it was looked at."""
    here = context()
    with Session(here.engine) as session, session.begin():
        found, one = _report(session, community_id, report_id, lock=True)
        try:
            _may_be_taken(session, one)
            reports.ask(one, "take")
        except reports.ReportError as err:
            return _shown(session, found, one, str(err)), 409
    wake(here.redis, QueueName.ATTENDANCE)
    return _to_report(community_id, report_id)


@blueprint.post("/communities/<uuid:community_id>/attendance/reports/<uuid:report_id>/undo")
def undo(community_id: UUID, report_id: UUID) -> Response | tuple[str, int]:
    """Take back what the file said."""
    here = context()
    with Session(here.engine) as session, session.begin():
        found, one = _report(session, community_id, report_id)
        try:
            reports.undo(session, one.id, by=actor(), now=here.clock())
        except reports.ReportError as err:
            return _shown(session, found, one, str(err)), 409
    wake(here.redis, QueueName.ATTENDANCE)
    return _to_report(community_id, report_id)


@blueprint.get("/communities/<uuid:community_id>/attendance/reports/<uuid:report_id>/rows.csv")
def rows(community_id: UUID, report_id: UUID) -> Response:
    """The rows as the table shows them, all of them."""
    with reading() as session:
        _found, one = _report(session, community_id, report_id)
        told = _known(session, _rows(_tally(one), one))
    text = io.StringIO()
    writer = csv.writer(text)
    head = (_("Line"), _("What"), _("Session"), _("Who"), _("In the file"), _("Before"), _("Now"), _("Column"))
    writer.writerow([inert(cell) for cell in (*head, _("What is wrong"))])
    for row in told:
        what = import_words.action_words(row.action)
        before, now = import_words.there_words(row.before), import_words.there_words(row.now)
        message = import_words.other_name() if row.other_name else row.message
        cells = (what, row.session, row.named, row.who, before, now, row.column, message)
        writer.writerow([row.line, *(inert(cell) for cell in cells)])
    headers = {"Content-Disposition": f'attachment; filename="attendance-{report_id}.csv"'}
    return Response(text.getvalue().encode("utf-8-sig"), mimetype="text/csv", headers=headers)


def _to_report(community_id: UUID, report_id: UUID) -> Response:
    return redirect(url_for("imports.report", community_id=community_id, report_id=report_id), 303)


def _place(session: Session, community_id: UUID) -> Place:
    found = place(session, actor(), community_id)
    if found is None:
        abort(404)
    return found


def _wanted(session: Session, found: Place) -> SessionRow | None:
    """The session that the address names, where it is one of this community."""
    try:
        row = find(session, actor(), UUID(request.args.get("session", "")))
    except ValueError:
        return None
    return row if row and row.community_id == found.id else None


def _report(
    session: Session, community_id: UUID, report_id: UUID, *, lock: bool = False
) -> tuple[Place, AttendanceReport]:
    found = _place(session, community_id)
    one = reports.of_community(session, found.id, report_id, lock=lock)
    if one is None:
        abort(404)
    return found, one


def _payload(session: Session, one: AttendanceReport) -> bytes:
    data = session.scalar(select(AttendanceReport.payload).where(AttendanceReport.id == one.id))
    if data is None:
        raise reports.ReportError(_("The file isn't kept any more: upload it again."))
    return data


def _tally(one: AttendanceReport) -> Tally:
    """What is shown row by row: what a taking in wasn't told is told by the look before it."""
    taken, planned = reports.tally_of(one), reports.tally_of(one, "plan")
    if one.status in ("done", "undone"):
        taken.rows = taken.rows or planned.rows
        return taken
    return planned


def _may_be_taken(session: Session, one: AttendanceReport) -> None:
    """Raises ReportError where there is nothing to take in, or something to be looked at or said first."""
    if "plan" not in one.result:
        raise reports.ReportError(_("Look at what the file would do first."))
    if not any(reports.tally_of(one, "plan").counts.values()):
        raise reports.ReportError(_("Nothing of this file can be taken in."))
    if reads(_payload(session, one), one, _session_of(session, one)).outside and "all_the_same" not in request.form:
        raise reports.ReportError(import_words.outside())


def _said_once(one: AttendanceReport) -> set[str]:
    """The columns that all rows have from the form."""
    reading = Reading.of(one.options)
    return {column for column, value in reading.values.items() if value} - set(reading.columns.values())


def _rows(tally: Tally, one: AttendanceReport) -> list[Told]:
    """What asks for something first, each in the file's order."""
    once = _said_once(one)
    told = [
        Told(p.line, "wrong", column=p.column, message=p.message, said_once=p.column in once) for p in tally.problems
    ]
    told += [Told(p.line, "note", column=p.column, message=p.message) for p in tally.notes]
    order = ("unmatched", "changed", "new", "unchanged")
    # Reports of old have rows that don't say whether the name is another one.
    rows = sorted(tally.rows, key=lambda row: (not any(row[7:]), order.index(row[1]), row[0]))
    told += [Told(*row) for row in rows]
    return told


def _known(session: Session, told: Sequence[Told]) -> list[Told]:
    """With the people of the rows."""
    found = people(session, (row.account for row in told if row.account))
    return [replace(row, person=found.get(row.account)) if row.account else row for row in told]


def _progress(one: AttendanceReport) -> tuple[Markup, str]:
    address = url_for("imports.live", community_id=one.community_id, report_id=one.id)
    return live_part("parts/import_progress.html", address, report=one, taking=one.options.get("step") == "take")


def _shown(session: Session, found: Place, one: AttendanceReport, wrong: str = "") -> str:
    """The page of a report."""
    tally = _tally(one)
    told = _rows(tally, one)
    meeting = _session_of(session, one)
    number = max(1, min(request.args.get("page", 1, type=int), -(-len(told) // PAGE_ROWS) or 1))
    asked = None
    if one.status in ("uploaded", "failed", "undone"):
        data = session.scalar(select(AttendanceReport.payload).where(AttendanceReport.id == one.id))
        asked = reads(data, one, meeting) if data else None
    return _page(
        "import_report.html",
        found,
        report=one,
        part=_progress(one)[0] if one.status in RUNNING else "",
        tally=tally,
        anything=any(tally.counts.values()),
        planned="plan" in one.result,
        rows=_known(session, told[(number - 1) * PAGE_ROWS : number * PAGE_ROWS]),
        at_page=number,
        pages=-(-len(told) // PAGE_ROWS),
        cut=len(tally.rows) >= MOST_ROWS,
        asked=asked,
        sessions=sessions(session, found.id) if asked else [],
        ours_columns=OURS,
        modes=import_words.held_as(),
        fixed=ASKED,
        meeting=meeting,
        wrong=wrong,
    )


def _session_of(session: Session, one: AttendanceReport) -> SessionRow | None:
    wanted = one.options.get("session")
    return session.get(SessionRow, UUID(str(wanted))) if wanted else None


def _page(template: str, found: Place, **values: Any) -> str:
    return render_template(
        template,
        who=g.signed_in,
        place=found,
        topic=topic_title(found.program, found.topic),
        region=region_title(found.program, found.region),
        program=program_title(found.program),
        words=import_words,
        **values,
    )
