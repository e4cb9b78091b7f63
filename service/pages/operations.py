"""How the machine runs, for IT: sites, events, jobs, drift; and trying again what was put aside."""

from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.alive import workers
from jobs.queues import QueueName, wake
from records import long_work
from records.models import LongJob
from records.queries import operations
from records.queries.operations import Item, Wanted
from records.stuck import STATUSES, replay, stuck
from service import moodle_words, operation_words, work_words
from service.access import actor, may
from service.context import context
from service.pages import work
from service.pages.live import if_changed, live_part, reading
from service.permissions import Permission
from service.work_words import About

blueprint = Blueprint("operations", __name__)
JOBS = 10
"""The latest of the long work."""
MARKS = ("pending", *STATUSES, "done")
TIMEZONE = "UTC"
"""Of times beside each other from several sites, as their logs have them."""


@blueprint.before_request
def _reaches_all() -> None:
    # Sites and the inbox belong to no program.
    if not actor().unlimited:
        abort(404)


@blueprint.get("/operations")
def show() -> str:
    """The whole machine at a glance."""
    with reading() as session:
        part = _part(session)[0]
    return render_template("operations.html", who=g.signed_in, part=part, fresh="")


@blueprint.get("/operations/live")
def live() -> Response | str:
    """The part of the page that changes, if it did."""
    with reading() as session:
        return if_changed(_part(session))


def _part(session: Session) -> tuple[Markup, str]:
    here = context()
    return live_part(
        "parts/operations.html",
        url_for("operations.live"),
        "refresh-slowly",
        backlog=operations.backlog(session, actor()),
        periodic=operations.periodic(session, actor(), here.clock()),
        sites=operations.sites(session, actor()),
        stuck=stuck(session),
        workers=workers(here.redis),
        mails=operations.undelivered(session, actor()),
        jobs=[_job(job) for job in long_work.listed(session, actor(), limit=JOBS)],
        work_words=work_words,
        counted_to=operations.COUNTED_TO,
        words=operation_words,
        drift_words=moodle_words.kind,
        timezone=TIMEZONE,
    )


def _job(job: LongJob) -> tuple[LongJob, About, bool]:
    """A job, its words, and whether who asks may open its page, where it can be asked for again."""
    return job, work_words.about(job.kind), work.may_see(job)


@blueprint.get("/operations/events")
def events() -> str:
    """What sites sent, the latest first."""
    with reading() as session:
        wanted = asked_for(session)
        found = list(operations.items(session, actor(), wanted))
        known = operations.sites(session, actor())
    more = len(found) > operations.PAGE
    found = found[: operations.PAGE]
    chosen = {name: value for name in ("site", "status", "reason", "kind") if (value := request.args.get(name, ""))}
    return render_template(
        "events.html",
        who=g.signed_in,
        items=found,
        sites=known,
        chosen=chosen,
        marks=MARKS,
        after=url_for("operations.events", before=found[-1].id, **chosen) if more else "",  # type: ignore[arg-type]
        words=operation_words,
        timezone=TIMEZONE,
        operates=may(Permission.OPERATE) is not None,
        replayed=request.args.get("replayed", type=int),
        left=request.args.get("left", 0, type=int),
    )


def asked_for(session: Session) -> Wanted:
    """Which events the address asks for; 404 for a site that isn't known."""
    slug, site_id = request.args.get("site", ""), None
    if slug:
        site_id = next((site.id for site in operations.sites(session, actor()) if site.slug == slug), None)
        if site_id is None:
            abort(404)
    given = {name: request.args.get(name, "") for name in ("status", "reason", "kind")}
    return Wanted(site_id, before=request.args.get("before", type=int), **given)


@blueprint.get("/operations/events/<int:item_id>")
def event(item_id: int) -> str:
    """One item: where it came from, its attempts, why it was put aside. What was sent isn't shown: it names people."""
    with reading() as session:
        found = operations.item(session, actor(), item_id)
    if found is None:
        abort(404)
    return render_template(
        "event.html",
        who=g.signed_in,
        item=found,
        words=operation_words,
        timezone=TIMEZONE,
        again=_may_again(found),
    )


def _may_again(found: Item) -> bool:
    return found.status in STATUSES and may(Permission.OPERATE) is not None


@blueprint.post("/operations/replay")
def again() -> Response:
    """Try items again that were put aside: one, or all of a status and site."""
    item, status, slug = (request.form.get(name, "") for name in ("item", "status", "site"))
    if (item and not item.isdecimal()) or (status and status not in STATUSES) or not (item or status):
        abort(400)
    here = context()
    with Session(here.engine) as session, session.begin():
        site = _site_id(session, slug)
        ids = [int(item)] if item else []
        done, left = replay(session, actor(), [status] if status else STATUSES, site, ids)
    if done:
        wake(here.redis, QueueName.INBOX)
    return redirect(url_for("operations.events", replayed=done, left=left, **({"site": slug} if slug else {})), 303)  # type: ignore[arg-type]


def _site_id(session: Session, slug: str) -> UUID | None:
    if not slug:
        return None
    found = next((site.id for site in operations.sites(session, actor()) if site.slug == slug), None)
    return found if found is not None else abort(404)
