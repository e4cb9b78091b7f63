"""The roster of a session, for a phone: who was there, with the exceptions; the sheet to print, and its quick entry."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, jsonify, redirect, render_template, request, url_for
from pydantic import ValidationError
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from mappings.attending import rule_of
from records import presences, roster, roster_saving, sheet_entry
from records.models import Community, uuid7
from records.presences import Held
from records.roster import Group, Noted, RosterPerson
from records.roster_saving import Change, Refused, Saved, WalkIn, What
from records.sessions import find
from records.sheet import code_of
from service import roster_form, roster_words
from service.access import actor
from service.context import context
from service.i18n import _
from service.pages.live import NO_CONTENT, VERSION_LENGTH, reading
from service.pages.titles import region_title, topic_title
from service.sheet_pdf import Heading, sheet
from service.wording import moment

blueprint = Blueprint("roster", __name__)


@dataclass(frozen=True, slots=True)
class Roster:
    """A session with everybody on its roster, and what may be recorded now."""

    meeting: Held
    people: list[RosterPerson]
    noted: list[Noted]
    shut: str
    """Why nothing can be recorded, in words; empty: it can."""
    wants_reason: bool
    community: str

    @property
    def id(self) -> UUID:
        return self.meeting.row.id

    def told(self) -> list[dict[str, Any]]:
        """Everybody, as the page and its script need it."""
        return [roster_words.told(person, self.meeting) for person in self.people]


@blueprint.get("/sessions/<uuid:session_id>/roster")
def show(session_id: UUID) -> str:
    """The roster."""
    with reading() as session:
        return _page(_read(session, session_id))


@blueprint.get("/sessions/<uuid:session_id>/roster/state")
def state(session_id: UUID) -> Response:
    """What is recorded of everybody, if it changed: somebody else may be recording, too."""
    with reading() as session:
        found = _read(session, session_id)
    answer = _state(found)
    if request.args.get("seen") == answer["revision"]:
        return Response(status=NO_CONTENT)
    return jsonify(answer)


@blueprint.post("/sessions/<uuid:session_id>/roster")
def save(session_id: UUID) -> Response | str:
    """Take changes, as JSON or as the page's own form."""
    if request.is_json:
        try:
            sent = roster_form.Sent.model_validate(request.get_json())
        except ValidationError:
            abort(400)
        saved = _save(session_id, [one.change for one in sent.changes], sent.reason)
        with reading() as session:
            return jsonify(_state(_read(session, session_id)) | _outcome(saved))
    with reading() as session:
        before = _read(session, session_id)
    changes = roster_form.changes_of(request.form, before.people)
    saved = _save(session_id, changes, request.form.get("reason", ""))
    if not (saved.clashes or saved.refused):
        return redirect(url_for(".show", session_id=session_id), 303)
    with reading() as session:
        return _page(_read(session, session_id), messages=_messages(before, changes, saved))


@blueprint.post("/sessions/<uuid:session_id>/roster/walk-in")
def walk_in(session_id: UUID) -> Response | str:
    """Add somebody who came: by an exact key, or else by name, for staff to say who it is; or take such a note
    back."""
    form, here = request.form, context()
    if "back" in form:
        return _take_note_back(session_id, roster_form.identifier(form["back"]))
    mode, minutes = form.get("mode") or None, roster_form.number(form.get("whole"))
    change_id = roster_form.identifier(form.get("id")) or uuid7()
    key, name = form.get("key", "").strip(), form.get("name", "").strip()
    why: str | None = None
    with Session(here.engine) as session, session.begin():
        if find(session, actor(), session_id) is None:
            abort(404)
        account = roster_saving.find(session, session_id, key) if key else None
        if account is None and name:
            guest = WalkIn(change_id, name, key, minutes, mode)
            refused = roster_saving.note(session, session_id, guest, actor(), here.clock())
            why = _(roster_words.REFUSED[refused]) if refused else None
        elif account is None:
            why = _("No account has exactly this key. Check it, or note the name: program staff will say who it is.")
    if account is not None:
        # Minutes given here are this person's, and not the session's length.
        what = What.PRESENT if minutes is None else What.MINUTES
        change = Change(change_id, account, what, minutes=minutes, mode=mode)
        saved = _save(session_id, [change], form.get("reason", ""))
        refusal = saved.refused.get(change_id)
        why = _(roster_words.REFUSED[refusal]) if refusal else None
    if why is None:
        return redirect(url_for(".show", session_id=session_id), 303)
    with reading() as session:
        return _page(_read(session, session_id), messages=[why], guest=form)


def _take_note_back(session_id: UUID, presence_id: UUID | None) -> Response:
    with Session(context().engine) as session, session.begin():
        if find(session, actor(), session_id) is None:
            abort(404)
        if presence_id:
            roster_saving.take_note_back(session, session_id, presence_id, actor())
    return redirect(url_for(".show", session_id=session_id), 303)


@blueprint.get("/sessions/<uuid:session_id>/sheet.pdf", endpoint="sheet")
def sheet_pdf(session_id: UUID) -> Response:
    """The sign-in sheet, to print."""
    with reading() as session:
        found = _read(session, session_id)
    row = found.meeting.row
    heading = Heading(row.title, moment(row.starts_at, row.timezone), row.place, found.community)
    lines = [
        (code_of(row.id, person.account_id), person.name or _("Moodle user %(id)s", id=person.user))
        for person in found.people
        if person.group is not Group.FACILITATOR and person.user >= 0
    ]
    answer = Response(sheet(heading, lines), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = 'inline; filename="sign-in-sheet.pdf"'
    return answer


@blueprint.get("/sessions/<uuid:session_id>/sheet")
def quick(session_id: UUID) -> str:
    """Where a filled sheet is typed in."""
    with reading() as session:
        return _sheet_page(_read(session, session_id), taken=request.args.get("taken", type=int))


@blueprint.post("/sessions/<uuid:session_id>/sheet")
def take_sheet(session_id: UUID) -> Response | str:
    """Show what typed lines mean; or take them, those apart that something is wrong with."""
    form, here = request.form, context()
    text, others, reason = form.get("lines", ""), "others" in form, form.get("reason", "").strip()
    length, taken = roster_form.number(form.get("whole")), None
    # What was read is shown after the commit.
    with Session(here.engine, expire_on_commit=False) as session, session.begin():
        if "take" in form and find(session, actor(), session_id) is not None:
            session.expire_all()
            roster_saving.keep_length(session, session_id, length, actor(), here.clock(), reason)
        found = _read(session, session_id)
        entries = sheet_entry.entries(found.meeting, found.people, text, others=others, length=length)
        lacks_reason = found.wants_reason and not reason
        if "take" in form and not found.shut and not lacks_reason:
            taken = sheet_entry.take(session, found.meeting, entries, actor(), reason)
            entries = [entry for entry in entries if entry.wrong]
            text = "\n".join(entry.line.text for entry in entries if entry.line)
    if taken:
        wake(here.redis, QueueName.ATTENDANCE)
    if taken is not None and not entries:
        return redirect(url_for(".quick", session_id=session_id, taken=taken), 303)
    lacking = lacks_reason and "take" in form
    return _sheet_page(
        found,
        text=text,
        others=others,
        reason=reason,
        entries=entries,
        taken=taken,
        lacks_reason=lacking,
        length=length,
    )


def _read(session: Session, session_id: UUID) -> Roster:
    """A session's roster; 404 where it isn't the actor's to see."""
    row, now = find(session, actor(), session_id), context().clock()
    if row is None:
        abort(404)
    meeting = presences.held(session, {session_id})[session_id]
    closed = roster.shut(row, now)
    community = session.get_one(Community, row.community_id)
    place = (topic_title(meeting.program, community.topic), region_title(meeting.program, community.region))
    return Roster(
        meeting,
        roster.of_meeting(session, meeting, actor()),
        roster.noted(session, session_id),
        _(roster_words.SHUT[closed]) if closed else "",
        roster.wants_reason(session, meeting, now),
        _("%(topic)s, %(region)s", topic=place[0], region=place[1]),
    )


def _save(session_id: UUID, changes: Sequence[Change], reason: str) -> Saved:
    here = context()
    with Session(here.engine) as session, session.begin():
        if find(session, actor(), session_id) is None:
            abort(404)
        # Corrections ask to be alone before anything is read: the look above held nothing.
        session.expire_all()
        saved = roster_saving.save(session, session_id, changes, actor(), here.clock(), reason)
    wake(here.redis, QueueName.ATTENDANCE)
    return saved


def _state(found: Roster) -> dict[str, Any]:
    answer = {
        "people": found.told(),
        "shut": found.shut,
        "wants_reason": found.wants_reason,
        "noted": len(found.noted),
        "full": roster_words.full_length(found.meeting),
    }
    revision = hashlib.sha256(json.dumps(answer, sort_keys=True).encode()).hexdigest()[:VERSION_LENGTH]
    return answer | {"revision": revision}


def _outcome(saved: Saved) -> dict[str, Any]:
    return {
        "taken": list(map(str, saved.taken)),
        "clashes": [str(change.id) for change in saved.clashes],
        "refused": {str(change): _(roster_words.REFUSED[why]) for change, why in saved.refused.items()},
        "again": [str(change) for change, why in saved.refused.items() if why is Refused.NO_REASON],
    }


def _messages(before: Roster, changes: Sequence[Change], saved: Saved) -> list[str]:
    """What wasn't taken of a form, by name."""
    names = {person.account_id: person.name for person in before.people}
    about = {change.id: names.get(change.account_id, "") for change in changes}
    clash = _("Somebody else has recorded something different meanwhile: look, and choose again if it is wrong.")
    told = [f"{about[change.id]}: {clash}" for change in saved.clashes]
    return told + [f"{about[change]}: {_(roster_words.REFUSED[why])}" for change, why in saved.refused.items()]


def _page(found: Roster, *, messages: Sequence[str] = (), guest: Mapping[str, str] | None = None) -> str:
    rule = rule_of(found.meeting.program, found.meeting.row.kind)
    told = {one["account"]: one for one in found.told()}
    mine = [person for person in found.people if person.group is not Group.FACILITATOR]
    return render_template(
        "roster.html",
        who=g.signed_in,
        found=found,
        row=found.meeting.row,
        groups=[(group, [p for p in found.people if p.group is group]) for group in Group],
        told=told,
        recorded=sum(person.recorded for person in mine),
        counted=len(mine),
        weights=rule.weights,
        full=roster_words.full_length(found.meeting),
        likely=roster_words.likely_length(found.meeting),
        hybrid=found.meeting.row.mode == "hybrid",
        modes=roster_saving.MODES,
        data=_state(found) | {"user": actor().name, "texts": roster_words.script_texts()},
        written=roster_form.written,
        new_id=uuid7,
        messages=messages,
        guest=guest or {},
        me=actor().name,
    )


def _sheet_page(found: Roster, **values: Any) -> str:
    entries = values.get("entries", [])
    row = found.meeting.row
    return render_template(
        "sheet.html",
        who=g.signed_in,
        found=found,
        row=row,
        words=[roster_words.entry_words(entry, row) for entry in entries],
        wrong=sum(entry.wrong is not None and entry.line is not None for entry in entries),
        asks_length=roster_words.full_length(found.meeting) is None
        and not rule_of(found.meeting.program, row.kind).weights,
        likely=roster_words.likely_length(found.meeting),
        **values,
    )
