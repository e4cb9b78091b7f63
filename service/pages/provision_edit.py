"""A provision file typed, uploaded, edited or cloned: looked at, held against the version before, and then kept."""

from datetime import date
from http import HTTPStatus

from flask import Blueprint, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from mappings.base import Misplaced
from mappings.findings import ProgramError
from mappings.provision_clone import cloned
from mappings.provision_loading import parse_provision
from records import provisioning
from service import provision_console_words as words
from service.access import actor
from service.context import context
from service.i18n import _
from service.pages import provisioning as files
from service.pages.live import reading
from service.pages.provision_text import LONGEST, Checked, Fault, checked, tidy

blueprint = Blueprint("provision_edit", __name__)
blueprint.before_request(files.reaches_all)
EXAMPLES = 6
"""So many of the communities are named before a file is kept."""
Page = str | tuple[str, int] | Response


@blueprint.get("/provisioning/new")
def new() -> str:
    """Paste or upload a file."""
    return _form(Checked("", ()), "")


@blueprint.get("/provisioning/<code>/edit")
def edit(code: str) -> str:
    """Edit the newest version."""
    with reading() as session:
        text = files.file_of(session, code).row.newest.text
    return _form(Checked(text, ()), code)


@blueprint.post("/provisioning/look")
def look() -> Page:
    """Say what is wrong with a text, line by line; or how it differs, and ask whether to keep it."""
    code, upload = request.form.get("code", ""), request.files.get("file")
    text = tidy(request.form.get("text", ""))
    if upload is not None and upload.filename:
        try:
            text = tidy(upload.read(4 * LONGEST).decode("utf-8-sig"))
        except UnicodeDecodeError:
            fault = Fault(1, _("The file isn't UTF-8 text: save it as such in your editor."))
            return _form(Checked("", (fault,)), code), HTTPStatus.BAD_REQUEST
    with reading() as session:
        found = checked(session, text, code)
    return looked_at(found, code)


def looked_at(found: Checked, code: str = "") -> Page:
    """The page for a text that was looked at."""
    if found.faults:
        return _form(found, code), HTTPStatus.BAD_REQUEST
    if found.before and found.before.text == found.text:
        return redirect(url_for("provisioning.show", code=found.code, done="same"), 303)
    return _difference(found, code)


def _difference(found: Checked, code: str, moved: str = "") -> str:
    return render_template(
        "provision_look.html",
        who=g.signed_in,
        look=found,
        code=code,
        moved=moved,
        examples=found.wanted[:EXAMPLES],
        more=max(0, len(found.wanted) - EXAMPLES),
        words=words,
        timezone=files.TIMEZONE,
    )


@blueprint.post("/provisioning/change")
def change() -> str:
    """Go on with a text that was looked at."""
    return _form(Checked(tidy(request.form.get("text", "")), ()), request.form.get("code", ""))


@blueprint.post("/provisioning/save")
def save() -> Page:
    """Keep a text that was looked at, as the newest version; `number`: of the one that it was held against."""
    text, code = tidy(request.form.get("text", "")), request.form.get("code", "")
    number = request.form.get("number", 0, type=int)
    with Session(context().engine) as session, session.begin():
        found = checked(session, text, code)
        moved = bool(found.before) != bool(number) or (found.before is not None and found.before.number != number)
        if found.faults:
            return _form(found, code), HTTPStatus.BAD_REQUEST
        if not moved and found.site_id:
            provisioning.save(session, found.code, found.site_id, text, actor())
    if moved:
        said = _("Somebody kept another version meanwhile: this is how yours differs from that.")
        return _difference(found, code, said), HTTPStatus.CONFLICT
    return redirect(url_for("provisioning.show", code=found.code, done="saved"), 303)


@blueprint.get("/provisioning/<code>/clone")
def clone_form(code: str) -> str:
    """Next term's file out of this one: what it is called, and when it begins."""
    return _clone(code, {}, "")


@blueprint.post("/provisioning/<code>/clone")
def clone(code: str) -> Page:
    """Write next term's file, and look at it."""
    typed = {name: request.form.get(name, "").strip() for name in ("code", "term", "title", "starts")}
    try:
        day = date.fromisoformat(typed["starts"])
    except ValueError:
        return _clone(code, typed, _("Say on which day the new term begins.")), HTTPStatus.BAD_REQUEST
    with reading() as session:
        text = files.file_of(session, code).row.newest.text
        try:
            provision, source = parse_provision(text)
            new_one = {"code": typed["code"], "term": typed["term"], "title": typed["title"] or typed["term"]}
            found = checked(session, tidy(cloned(text, source, provision, starts=day, **new_one)))
        except Misplaced as err:
            return _clone(code, typed, f"{'.'.join(map(str, err.place))}: {err}"), HTTPStatus.BAD_REQUEST
        except ProgramError as err:
            return _clone(code, typed, "\n".join(err.problems)), HTTPStatus.BAD_REQUEST
    if found.before:
        return _clone(code, typed, _("There is a file with this code already.")), HTTPStatus.BAD_REQUEST
    return looked_at(found)


def _clone(code: str, typed: dict[str, str], fault: str) -> str:
    with reading() as session:
        found = files.file_of(session, code)
    return render_template("provision_clone.html", who=g.signed_in, found=found, typed=typed, fault=fault)


def _form(found: Checked, code: str) -> str:
    return render_template("provision_edit.html", who=g.signed_in, look=found, code=code)
