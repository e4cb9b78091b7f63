"""Hours that wait for a second person: reports and large adjustments, the oldest first; approve or refuse them."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import approving, bulk, effects
from records.deciding import By, DecisionError, Draft
from records.decision_faults import Why
from records.decisions import Kind
from records.models import uuid7
from records.queries import approvals, deciders
from records.queries.approvals import Waiting
from records.queries.going_on import going_on
from service import session_words
from service.access import actor, by
from service.context import context
from service.i18n import N_, _
from service.pages import act_words, taking
from service.pages.live import reading
from service.pages.titles import region_title, topic_title

blueprint = Blueprint("approvals", __name__)
Page = str | tuple[str, int] | Response
SHOWN = 25
"""So many are shown at once: of each it is computed what it would change."""
TOGETHER = 100
"""So many are approved at once."""
BAD_REQUEST = 400
DONE = {
    "approved": N_("Approved: it counts now. The hours are being computed again."),
    "refused": N_("Refused: it doesn't count, and whoever entered it can see why."),
    "undone": N_("The approval was taken back: it waits again."),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, with one that waits, or with the page as a whole."""

    text: str
    of: UUID | None = None
    act: str = ""


@blueprint.get("/approvals")
def show() -> str:
    """What waits for the approval of whoever asks; with `own`, what waits for somebody else's."""
    return _page()


@blueprint.post("/approvals/preview")
def preview() -> Page:
    """What approving the chosen ones would change, all together."""
    ids = _ids()
    if not ids:
        return _page(Fault(_("Choose at least one first.")), typed=""), BAD_REQUEST
    return _preview(ids, "")


@blueprint.post("/approvals/approve")
def approve() -> Page:
    """Approve one, or several with one reason."""
    ids, batch = _ids(), uuid7()

    def draft(session: Session, decision_id: UUID, decider: By) -> Draft:
        made = approving.approve(session, decision_id, actor=decider.actor)
        return replace(made, data=made.data | {"batch": str(batch)})

    return _act(ids, "approve", draft, lambda: url_for("approvals.show", done="approved", batch=batch))


@blueprint.post("/approvals/refuse")
def refuse() -> Page:
    """Refuse one, and say why."""
    ids = _ids()
    if len(ids) != 1:
        abort(BAD_REQUEST)

    def draft(session: Session, decision_id: UUID, decider: By) -> Draft:
        return approving.refuse(session, decision_id, actor=decider.actor)

    return _act(ids, "refuse", draft, lambda: url_for("approvals.show", done="refused"))


@blueprint.post("/approvals/undo")
def undo() -> Page:
    """Take back what was approved a moment ago."""
    batch, here = taking.form_id("batch"), context()
    try:
        with Session(here.engine) as session, session.begin():
            bulk.undo(session, actor(), batch, by(_(act_words.UNDONE_WHY)), {Kind.APPROVAL})
    except DecisionError as err:
        if err.why is Why.NOT_THERE:
            abort(404)
        return _page(Fault(act_words.fault(err))), BAD_REQUEST
    wake(here.redis, QueueName.RECONCILE)
    return redirect(url_for("approvals.show", done="undone"), 303)


def _act(ids: list[UUID], name: str, draft: Callable[[Session, UUID, By], Draft], then: Callable[[], str]) -> Page:
    """Decide about all of them or none, and lead on."""
    here, reason = context(), request.form.get("reason", "")
    decider = by(reason)
    try:
        if not reason.strip():
            raise DecisionError("A decision needs a reason.", Why.NO_REASON)
        with Session(here.engine) as session, session.begin():
            reached = approvals.in_reach(session, actor(), ids)
            if not ids or len(reached) != len(ids):
                abort(404)
            bulk.lock(session, approvals.about(session, reached))
            for decision_id in reached:
                effects.settle(session, draft(session, decision_id, decider), decider)
    except DecisionError as err:
        text = act_words.fault(err)
        if request.form.get("together"):
            return _preview(ids, text)
        return _page(Fault(text, ids[0] if ids else None, name), typed=reason), BAD_REQUEST
    wake(here.redis, QueueName.RECONCILE)
    return redirect(then(), 303)


def _ids() -> list[UUID]:
    """The ids that were chosen, each once; 404 for what is none."""
    texts = list(dict.fromkeys(request.form.getlist("decision")))
    if len(texts) > TOGETHER:
        abort(BAD_REQUEST)
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        abort(404)


def _after() -> UUID | None:
    text = request.args.get("after", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)


def _page(fault: Fault | None = None, *, typed: str = "") -> str:
    own, done = bool(request.args.get("own")), request.args.get("done", "")
    here = context()
    with reading() as session:
        found = approvals.waiting(session, actor(), here.clock(), limit=SHOWN, after=_after(), own=own)
        total = approvals.how_many(session, actor())
        mine = approvals.own(session, actor())
        names = _names(session, found.rows)
        onward = going_on(session, actor(), {row.membership_id for row in found.rows})
    if fault and fault.of not in {row.id for row in found.rows}:
        # It isn't shown any more: the page as a whole says what is wrong.
        fault = replace(fault, of=None)
    return render_template(
        "approvals.html",
        who=g.signed_in,
        rows=found.rows,
        names=names,
        total=total,
        mine=mine,
        own=own,
        onward=onward,
        following=url_for("approvals.show", after=found.after, own=1 if own else None) if found.after else "",
        back=url_for("approvals.show", own=1 if own else None) if request.args.get("after") else "",
        done=_(DONE[done]) if done in DONE else "",
        batch=request.args.get("batch", "") if done == "approved" else "",
        fault=fault,
        typed=typed,
        words=act_words,
        by_words=session_words.by,
        topic_title=topic_title,
        region_title=region_title,
    )


def _preview(ids: list[UUID], fault: str) -> Page:
    with reading() as session:
        if len(approvals.in_reach(session, actor(), ids)) != len(ids):
            abort(404)
        rows = approvals.chosen(session, actor(), ids, context().clock())
        names = _names(session, rows)
        onward = going_on(session, actor(), {row.membership_id for row in rows})
    page = render_template(
        "approvals_preview.html",
        who=g.signed_in,
        rows=rows,
        names=names,
        gone=len(ids) - len(rows),
        onward=onward,
        below_zero=any(row.supposed and row.supposed.below_zero for row in rows),
        fault=fault,
        typed=request.form.get("reason", ""),
        words=act_words,
        by_words=session_words.by,
        topic_title=topic_title,
        region_title=region_title,
    )
    return (page, BAD_REQUEST) if fault else page


def _names(session: Session, rows: list[Waiting]) -> dict[str, str]:
    return deciders.names_of(session, (row.actor for row in rows))
