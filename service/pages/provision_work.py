"""Provisioning done by a worker: a plan, drift, an application, the end of a term; with its progress and its result."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, cast
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import long_work
from records.models import LongJob
from records.queries.deciders import names_of
from service import provision_console_words as words
from service import work_words
from service.access import able, actor, by
from service.context import context
from service.i18n import _
from service.pages import provisioning as files
from service.pages.live import if_changed, live_part, reading

blueprint = Blueprint("provision_work", __name__)
blueprint.before_request(files.reaches_all)
MOST = 9_999


@blueprint.post("/provisioning/<code>/plan")
def plan(code: str) -> Response:
    """Have a worker read the site, and say what an application would do, or what was changed since."""
    show_ = "drift" if request.form.get("show") == "drift" else "plan"
    return _ask(code, "provision_plan", show=show_)


@blueprint.post("/provisioning/<code>/apply")
def apply(code: str) -> Response:
    """Have a worker do what a plan says; `file`: the version that it is of; `hide` and `many` as it asks for them."""
    with reading() as session:
        newest = files.file_of(session, code).row.newest.id
    if request.form.get("file") != str(newest):
        return redirect(url_for("provisioning.show", code=code, done="changed"), 303)
    hide = request.form.get("hide", 0, type=int)
    return _ask(code, "provision_apply", hide=max(0, min(hide, MOST)), many=request.form.get("many") == "yes")


@blueprint.get("/provisioning/<code>/close")
def close_form(code: str) -> str:
    """How many courses would be hidden, and whether that is meant."""
    return _closing(code, "")


@blueprint.post("/provisioning/<code>/close")
def close(code: str) -> Response | tuple[str, int]:
    """Have a worker hide the courses of a term, once it was said how many there are."""
    with reading() as session:
        there = _open_courses(session, code)
    if not there or request.form.get("courses", type=int) != there:
        return _closing(code, _("Type the number of courses, to say that it is meant.")), HTTPStatus.BAD_REQUEST
    return _ask(code, "provision_close", courses=there)


def _closing(code: str, fault: str) -> str:
    with reading() as session:
        found = files.file_of(session, code)
        there = _open_courses(session, code)
    return render_template("provision_close.html", who=g.signed_in, found=found, courses=there, fault=fault)


def _open_courses(session: Session, code: str) -> int:
    courses = files.file_of(session, code).courses
    return sum(one.course_id is not None and one.stage != "closed" for one in courses)


def _ask(code: str, kind: str, **more: str | int | bool) -> Response:
    here, decider = context(), by("")
    with Session(here.engine) as session, session.begin():
        newest = files.file_of(session, code).row.newest
        asked = {"code": code, "file": str(newest.id), **more}
        job = long_work.ask(session, decider.actor, decider.role, kind, asked, {}, roles=able(), once=True)
    wake(here.redis, QueueName.LONG_WORK)
    return redirect(url_for("provision_work.show", code=code, job_id=job), 303)


@blueprint.get("/provisioning/<code>/work/<uuid:job_id>")
def show(code: str, job_id: UUID) -> str:
    """A job: its progress, which goes on without the page; then what it found or did."""
    with reading() as session:
        found = files.file_of(session, code)
        job = _job(session, code, job_id)
        names = names_of(session, [job.actor])
        part = _progress(code, job)[0] if job.status in long_work.OPEN else None
    what = words.what(job)
    return render_template(
        "provision_plan.html" if what in ("plan", "drift") else "provision_done.html",
        who=g.signed_in,
        found=found,
        job=job,
        what=what,
        courses=[_course(one, job.kind) for one in cast(list[dict[str, Any]], job.result.get("courses", []))],
        newest=job.asked["file"] == str(found.row.newest.id),
        by=names.get(job.actor, words.by(job.actor)),
        part=part,
        words=words,
        work=work_words,
        timezone=files.TIMEZONE,
    )


def _course(data: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """A course as a job kept it, with its differences as they are told."""
    if kind != "provision_plan":
        return dict(data)
    state = "left" if not data["kinds"] else "changed" if data["course"] else "created"
    return {**data, "state": state, "differences": [words.difference(one) for one in data["differences"]]}


@blueprint.get("/provisioning/<code>/work/<uuid:job_id>/live")
def live(code: str, job_id: UUID) -> Response | str:
    """How far it is; once it is over the page loads itself again."""
    with reading() as session:
        job = _job(session, code, job_id)
        if job.status not in long_work.OPEN:
            return Response(status=204, headers={"HX-Refresh": "true"})
        return if_changed(_progress(code, job))


def _job(session: Session, code: str, job_id: UUID) -> LongJob:
    job = long_work.shown(session, actor(), job_id)
    if job is None or job.kind not in files.KINDS or job.asked.get("code") != code:
        abort(404)
    return job


def _progress(code: str, job: LongJob) -> tuple[Markup, str]:
    address = url_for("provision_work.live", code=code, job_id=job.id)
    return live_part("parts/work.html", address, job=job, about=work_words.about(job.kind), words=work_words)
