"""Everything that is stored about a person, as one file: JSON for machines, tables for spreadsheets, a page to read."""

import csv
import io
import json
import tempfile
import zipfile
from collections.abc import Sequence
from http import HTTPStatus
from typing import IO, Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, send_file, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records import audit
from records.inert import inert
from records.merged import person_now, persons_behind
from records.merging import beyond, reaches
from records.queries.community import names_of
from records.queries.person_export import LEFT_OUT, Row, Stored, Why, stored_about
from service.access import actor
from service.context import context
from service.i18n import N_, _
from service.pages.live import reading

blueprint = Blueprint("person_file", __name__)
TITLES = {
    "persons": N_("The person"),
    "accounts": N_("Accounts in Moodle, with names and profile"),
    "memberships": N_("Memberships of communities"),
    "standings": N_("How the person stands now"),
    "ledger": N_("The ledger: every minute that was credited or taken back"),
    "facts": N_("What was finished or attended"),
    "presences": N_("Who said that the person was at which session"),
    "disputes": N_("Sessions about which reports disagree"),
    "decisions": N_("Decisions, with their reasons"),
    "closed_members": N_("What stood in closed periods"),
    "milestones": N_("Milestones, with their evidence"),
    "nudge_messages": N_("Messages that were sent"),
    "opt_outs": N_("The wish to get no messages"),
    "mirror_enrolments": N_("Enrolments, as Moodle told them"),
    "mirror_role_assignments": N_("Roles, as Moodle told them"),
    "mirror_group_members": N_("Groups, as Moodle told them"),
    "mirror_participations": N_("When Moodle was last read"),
    "mirror_completions": N_("Completions, as Moodle told them"),
    "rereads": N_("Questions to Moodle"),
    "provision_welcomes": N_("Welcome messages to a course"),
    "told_standings": N_("What Moodle was told of the standing, as a checksum"),
    "told_presences": N_("What Moodle was told of attendance"),
    "audit": N_("What was done about the person, as the audit trail has it"),
    "inbox": N_("What Moodle sent about the person, until its retention is over"),
}
REASONS = {
    Why.OTHERS: N_("Uploaded files of attendance: they name many people. What they say of this person is in here."),
    Why.HASHED: N_("Checksums of people who were erased: nobody can lead one back to a person."),
    Why.PASSING: N_("Lists of work to be done, which hold people's ids until it is done."),
    Why.STAFF: N_("Who works in the console: if this person does, the account there is another matter."),
    Why.NAMED: N_("Sites, communities, sessions and activities: those that the person has to do with are named."),
    Why.NOBODYS: N_("Everything else: program files, settings, counts. It says nothing about participants."),
}


@blueprint.get("/people/<uuid:person_id>/file")
def show(person_id: UUID) -> Response | str | tuple[str, int]:
    """What the file holds, and the button that makes it."""
    with reading() as session:
        now = _reached(session, person_id)
        if now != person_id:
            return redirect(url_for("person_file.show", person_id=now))
        return _page(session, person_id)


@blueprint.post("/people/<uuid:person_id>/file")
def download(person_id: UUID) -> Response | str | tuple[str, int]:
    """Make the file. That it was made is in the audit trail, with how much was in it."""
    with Session(context().engine) as session, session.begin():
        if _reached(session, person_id) != person_id:
            abort(404)
        if _beyond(session, person_id):
            return _page(session, person_id)
        stored = stored_about(session, person_id)
        audit.record(session, actor(), "person.exported", str(person_id), after={"rows": stored.counts})
    name = f"person-{person_id}.zip"
    return send_file(_archive(stored), "application/zip", as_attachment=True, download_name=name)


def _reached(session: Session, person_id: UUID) -> UUID:
    """Who a person is by now; what isn't the actor's to know is answered like what doesn't exist."""
    now = person_now(session, person_id)
    if not all(reaches(session, one, actor()) for one in {person_id, now}):
        abort(404)
    return now


def _beyond(session: Session, person_id: UUID) -> bool:
    return beyond(session, [person_id, *persons_behind(session, person_id)], actor())


def _page(session: Session, person_id: UUID) -> str | tuple[str, int]:
    name, account = names_of(session, [person_id]).get(person_id, ("", 0))
    refused = _beyond(session, person_id)
    page = render_template(
        "person_file.html",
        who=g.signed_in,
        person={"id": person_id, "name": name, "account": account},
        refused=refused,
        titles=[_(title) for title in TITLES.values()],
        reasons=[_(words) for words in REASONS.values()],
    )
    return (page, HTTPStatus.FORBIDDEN) if refused else page


def _archive(stored: Stored) -> IO[bytes]:
    """The file on disk, which is gone once it is sent."""
    data = tempfile.TemporaryFile()  # noqa: SIM115 - whoever sends it closes it
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        whole = {"person": str(stored.person_id), "stored": stored.tables, "named": stored.named}
        archive.writestr("person.json", json.dumps(whole, ensure_ascii=False, indent=1))
        parts = [(_(TITLES[name]), name, rows) for name, rows in stored.tables.items() if rows]
        archive.writestr("read-me-first.html", _readable(stored, parts))
        for _title, name, rows in [*parts, *(("", f"named-{n}", rows) for n, rows in stored.named.items() if rows)]:
            archive.writestr(f"tables/{name}.csv", _csv(rows))
    data.seek(0)
    return data


def _readable(stored: Stored, parts: Sequence[tuple[str, str, list[Row]]]) -> str:
    tables = [(title, name, _columns(rows), [_cells(row) for row in rows]) for title, name, rows in parts]
    nothing = [_(TITLES[name]) for name, rows in stored.tables.items() if not rows]
    reasons = [_(REASONS[why]) for why in Why if why in LEFT_OUT.values()]
    moment = context().clock()
    return render_template(
        "person_file_inside.html", stored=stored, tables=tables, nothing=nothing, reasons=reasons, now=moment
    )


def _csv(rows: list[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_columns(rows))
    writer.writerows([inert(cell) for cell in _cells(row)] for row in rows)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _columns(rows: list[Row]) -> list[str]:
    return list(rows[0])


def _cells(row: Row) -> list[str]:
    return [_cell(value) for value in row.values()]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
