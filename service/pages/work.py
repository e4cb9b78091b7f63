"""Long work that somebody asked for: how far it is, who asked, what came of it."""

from uuid import UUID

from flask import Blueprint, abort, g, render_template, url_for
from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records import long_work
from records.actor import Actor, Role, in_scope
from records.models import Community, LongJob, User
from service import session_words, work_words
from service.pages.live import if_changed, live_part, reading

blueprint = Blueprint("work", __name__)
OVER = frozenset({Role.PROGRAM_ADMIN})
"""Who sees the work of others within the own scope."""


@blueprint.get("/work/<uuid:job_id>")
def show(job_id: UUID) -> str:
    """A job: its progress, which goes on without the page; then its result, or what to do."""
    with reading() as session:
        job = _job(session, job_id)
        user_id = _uuid(job.actor)
        asker = session.get(User, user_id) if user_id else None
        return render_template(
            "work.html",
            who=g.signed_in,
            job=job,
            about=work_words.about(job.kind),
            words=work_words,
            asker=asker.name if asker else session_words.by(job.actor),
            mine=job.actor == g.signed_in.actor.name,
            timezone=_timezone(session),
            part=_progress(job)[0] if job.status in long_work.OPEN else None,
        )


@blueprint.get("/work/<uuid:job_id>/live")
def live(job_id: UUID) -> Response | str:
    """How far it is; once it is over the page loads itself again."""
    with reading() as session:
        job = _job(session, job_id)
        if job.status not in long_work.OPEN:
            return Response(status=204, headers={"HX-Refresh": "true"})
        return if_changed(_progress(job))


def _job(session: Session, job_id: UUID) -> LongJob:
    job = long_work.shown(session, _who(), job_id)
    if job is None:
        abort(404)
    return job


def may_see(job: LongJob) -> bool:
    """Whether who asks, and reaches everything, may open the page of a job."""
    mine: Actor = g.signed_in.actor
    return job.actor == mine.name or mine.only(OVER).unlimited


def _who() -> Actor:
    """Who asks: of others' work only what lies in the scope of somebody who administers a program."""
    mine: Actor = g.signed_in.actor
    return mine.only(OVER)


def _progress(job: LongJob) -> tuple[Markup, str]:
    address = url_for("work.live", job_id=job.id)
    return live_part("parts/work.html", address, job=job, about=work_words.about(job.kind), words=work_words)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _timezone(session: Session) -> str:
    where = select(Community.timezone).where(in_scope(g.signed_in.actor))
    return session.scalar(where.order_by(Community.created_at).limit(1)) or "UTC"
