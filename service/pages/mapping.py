"""Activities that were changed in Moodle and would earn something else: which form counts is for staff to say."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records.queries import mapping as queries
from service import mapping_words
from service.access import actor, by, may
from service.context import context
from service.pages.live import reading
from service.pages.titles import region_title, topic_title
from service.permissions import Permission

blueprint = Blueprint("mapping", __name__)
SHOWN = 25
NAMED = 200
"""So many of the people whom a change would move are named."""


@blueprint.get("/mapping")
def show() -> str:
    """The changes that wait, and hours in Moodle that are never taken."""
    after = _after()
    with reading() as session:
        found, following = queries.changed(session, actor(), after=after, limit=SHOWN)
        refused = [] if after else queries.refused(session, actor())
    return render_template(
        "mapping.html",
        who=g.signed_in,
        found=found,
        following=following,
        refused=refused,
        done=mapping_words.DONE.get(request.args.get("done", "")),
        words=mapping_words,
        topic_title=topic_title,
        region_title=region_title,
    )


@blueprint.get("/mapping/<uuid:binding_id>")
def change(binding_id: UUID) -> str:
    """One change: the form that counts, the proposed one, and who would gain and lose."""
    return _page(binding_id)


@blueprint.post("/mapping/<uuid:binding_id>")
def decide(binding_id: UUID) -> Response | tuple[str, int]:
    """Accept the proposed form, or reject it."""
    decider, choice = by(request.form.get("reason", "").strip()), request.form.get("choice", "")
    if choice not in ("accept", "reject"):
        abort(400)
    if not decider.reason:
        return _page(binding_id, mapping_words.fault("reason")), HTTPStatus.BAD_REQUEST
    here = context()
    with Session(here.engine) as session, session.begin():
        done = queries.decide(session, actor(), binding_id, decider, accept=choice == "accept")
    wake(here.redis, QueueName.RECONCILE)
    said = {"accept": "accepted", "reject": "rejected"}[choice] if done else "gone"
    return redirect(url_for("mapping.show", done=said), 303)


def _page(binding_id: UUID, fault: str = "") -> str:
    sees = may(Permission.SEE_PEOPLE)
    with reading() as session:
        found = queries.one(session, actor(), binding_id)
        if found is None:
            abort(404)
        effect = queries.effect(session, sees or actor(), binding_id, context().clock())
    return render_template(
        "mapping_change.html",
        who=g.signed_in,
        found=found,
        effect=effect,
        names=bool(sees),
        most=NAMED,
        fault=fault,
        reason=request.form.get("reason", ""),
        topic_title=topic_title,
        region_title=region_title,
    )


def _after() -> UUID | None:
    text = request.args.get("after", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)
