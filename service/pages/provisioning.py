"""Provision files, for IT: the list, and a file with its versions, its files of people, and its courses."""

from datetime import timedelta
from http import HTTPStatus

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records import long_work, provisioning
from records.csv_file import MAX_BYTES
from records.models import LongJob
from records.people_file import PeopleError, read_people
from records.queries import provisioning as queries
from records.queries.provisioning import FilePage
from service import provision_console_words as words
from service import work_words
from service.access import actor, may
from service.context import context
from service.pages.live import reading
from service.pages.provision_text import Fault, checked
from service.permissions import Permission

blueprint = Blueprint("provisioning", __name__)
TIMEZONE = "UTC"
"""Of times of a site, as its log has them."""
JOBS = 6
KINDS = ("provision_plan", "provision_apply", "provision_close")


@blueprint.before_request
def reaches_all() -> None:
    """Sites belong to no program: to whoever reaches less than everything, nothing of it exists."""
    if not actor().unlimited:
        abort(404)


@blueprint.get("/provisioning")
def listed() -> str:
    """The provision files, with how far their courses are."""
    with reading() as session:
        found = queries.listed(session, actor())
        terms = {row.newest.code: checked(session, row.newest.text) for row in found}
    return render_template(
        "provision_files.html", who=g.signed_in, found=found, terms=terms, words=words, timezone=TIMEZONE
    )


@blueprint.get("/provisioning/<code>")
def show(code: str) -> str:
    """One file."""
    return _page(code)


@blueprint.get("/provisioning/<code>/versions/<int:number>")
def version(code: str, number: int) -> str:
    """A version of a file, as it was kept."""
    with reading() as session:
        found = queries.version(session, actor(), code, number)
        if found is None:
            abort(404)
    lines: list[tuple[int, str, list[Fault]]] = [(n, line, []) for n, line in enumerate(found.text.splitlines(), 1)]
    return render_template(
        "provision_version.html", who=g.signed_in, found=found, lines=lines, words=words, timezone=TIMEZONE
    )


@blueprint.post("/provisioning/<code>/people")
def people(code: str) -> Response | tuple[str, int]:
    """Keep a file of people that the provision file names, encrypted; one that can't be used isn't kept."""
    here, upload, name = context(), request.files.get("file"), request.form.get("name", "")
    with Session(here.engine) as session, session.begin():
        found = queries.one(session, actor(), code)
        if found is None:
            abort(404)
        look = checked(session, found.row.newest.text)
        if upload is None or name not in look.people:
            abort(400)
        content = upload.read(MAX_BYTES + 1)
        try:
            read_people({name: content}, look.wanted)
        except PeopleError as err:
            faults = err.problems
        else:
            faults = []
            provisioning.keep_people(session, code, name, content, actor(), here.settings.encryption_key)
    if faults:
        return _page(code, name, faults), HTTPStatus.BAD_REQUEST
    return redirect(url_for("provisioning.show", code=code, done="people", _anchor="people"), 303)


def _page(code: str, wrong: str = "", faults: list[str] | None = None) -> str:
    with reading() as session:
        found = file_of(session, code)
        look = checked(session, found.row.newest.text)
        jobs = [
            job
            for kind in KINDS
            for job in long_work.listed(session, actor(), kind=kind, asked={"code": code}, limit=JOBS)
        ]
    days = timedelta(days=context().settings.payload_retention_days)
    kept = {one.name: one for one in found.people}
    return render_template(
        "provision_file.html",
        who=g.signed_in,
        found=found,
        look=look,
        jobs=sorted(jobs, key=lambda job: job.id, reverse=True)[:JOBS],
        plan=plan_to_apply(jobs, found),
        names=[(name, kept.get(name)) for name in look.people],
        lacking=[name for name in look.people if name not in kept],
        retention=days,
        sees=may(Permission.SEE_PEOPLE) is not None,
        wrong=wrong,
        faults=faults or [],
        done=words.DONE.get(request.args.get("done", "")),
        words=words,
        work=work_words,
        megabytes=MAX_BYTES // 1_000_000,
        timezone=TIMEZONE,
    )


def file_of(session: Session, code: str) -> FilePage:
    """A file; 404 for one that isn't there."""
    found = queries.one(session, actor(), code)
    return found if found is not None else abort(404)


def plan_to_apply(jobs: list[LongJob], found: FilePage) -> LongJob | None:
    """The latest plan, where it is of the newest version, was looked at to its end, and nothing was done since."""
    acts = [one for one in jobs if one.asked.get("show") != "drift"]
    last = max(acts, key=lambda one: one.id, default=None)
    if last is None or (last.kind, last.status) != ("provision_plan", "done"):
        return None
    return last if last.asked["file"] == str(found.row.newest.id) else None
