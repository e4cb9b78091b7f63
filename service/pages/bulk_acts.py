"""One act about many people: who is meant, what it would change for each, done as a whole, undone as a whole."""

from collections.abc import Sequence
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import bulk
from records.bulk import AT_ONCE, Act, Changed, Member, Plan
from records.deciding import DecisionError
from records.decision_faults import Why
from records.decisions import Kind
from records.models import uuid7
from records.queries import decided
from records.queries.decided import STANDS, WAITS, Asked
from records.queries.filters import PeopleFilter
from records.queries.going_on import going_on
from service import wording
from service.access import actor, by
from service.context import context
from service.i18n import _, language_now
from service.pages import act_words, taking
from service.pages.act_forms import Typed
from service.pages.live import reading
from service.pages.titles import region_title, topic_title
from service.sentences import Teller

blueprint = Blueprint("bulk_acts", __name__)
Page = str | tuple[str, int] | Response
BAD_REQUEST = 400
ACTS = ("adjust", "waive")


@blueprint.get("/several")
def show() -> Page:
    """The form about those whom the filters in the address find."""
    asked = PeopleFilter.of(request.args, request.args.getlist("membership"))
    if not asked.without("who").values() and not asked.memberships:
        return _form([])
    with reading() as session:
        ids = list(session.scalars(asked.found(actor()).limit(AT_ONCE + 1)))
    return _form(ids)


@blueprint.post("/several")
def choose() -> Page:
    """The form about those who were ticked in a list; also the way back from the preview."""
    return _form(_ids(), Typed.of(request.form))


@blueprint.post("/several/preview")
def preview() -> Page:
    """What it would change."""
    ids, typed = _ids(), Typed.of(request.form)
    try:
        if not typed["reason"]:
            raise DecisionError("A decision needs a reason.", Why.NO_REASON)
        with reading() as session:
            plan = bulk.plan(session, actor(), ids, _act(typed), context().clock())
    except DecisionError as err:
        return _form(ids, typed, err)
    return _preview(plan, ids, typed)


@blueprint.post("/several/do")
def carry_out() -> Page:
    """Do it for all of them, or for nobody."""
    ids, typed, batch, here = _ids(), Typed.of(request.form), taking.form_id("once"), context()
    try:
        act, decider = _act(typed), by(typed["reason"])
        with Session(here.engine) as session, session.begin():
            bulk.carry_out(session, ids, act, decider, request.form.get("digest", ""), batch)
    except DecisionError as err:
        return _form(ids, typed, err)
    except Changed as err:
        return _preview(err.plan, ids, typed, changed=True)
    wake(here.redis, QueueName.RECONCILE)
    return redirect(url_for("bulk_acts.done", batch_id=batch), 303)


@blueprint.get("/several/<uuid:batch_id>")
def done(batch_id: UUID) -> str:
    """What was done, and the way to take all of it back."""
    return _done(batch_id)


@blueprint.post("/several/<uuid:batch_id>/undo")
def undo(batch_id: UUID) -> Page:
    """Take the whole of it back."""
    here = context()
    try:
        with Session(here.engine) as session, session.begin():
            bulk.undo(session, actor(), batch_id, by(request.form.get("reason", "")))
    except DecisionError as err:
        if err.why is Why.NOT_THERE:
            abort(404)
        return _done(batch_id, act_words.fault(err)), BAD_REQUEST
    wake(here.redis, QueueName.RECONCILE)
    return redirect(url_for("bulk_acts.done", batch_id=batch_id), 303)


def _ids() -> list[UUID]:
    """Those who were chosen, each once; 404 for what is no id."""
    try:
        return [UUID(text) for text in dict.fromkeys(request.form.getlist("membership"))]
    except ValueError:
        abort(404)


def _act(typed: Typed) -> Act:
    """What was asked for. Raises DecisionError."""
    if request.form.get("act") == "waive":
        return Act(Kind.WAIVER, requirement=typed["code"])
    return Act(Kind.ADJUSTMENT, minutes=typed.amount, component=typed["component"])


def _form(ids: list[UUID], typed: Typed | None = None, err: DecisionError | None = None) -> Page:
    members, choices = list[Member](), Plan(Act(Kind.ADJUSTMENT))
    if len(ids) <= AT_ONCE:
        with reading() as session:
            try:
                members, choices = bulk.choices(session, actor(), ids, context().clock())
            except DecisionError:
                abort(404)
    act = request.form.get("act", ACTS[0])
    page = render_template(
        "bulk.html",
        who=g.signed_in,
        members=members,
        too_many=act_words.too_many() if len(ids) > AT_ONCE else "",
        components=[(code, wording.component(code)) for code in choices.components],
        requirements=_requirements(choices),
        typed=typed.values if typed else Typed.of({}).values,
        act=act if act in ACTS else ACTS[0],
        field=act_words.FIELDS.get(err.why, "") if err else "",
        fault=act_words.fault(err) if err else "",
        words=act_words,
        topic_title=topic_title,
        region_title=region_title,
    )
    return (page, BAD_REQUEST) if err or len(ids) > AT_ONCE else page


def _requirements(choices: Plan) -> list[tuple[str, str]]:
    language = language_now()
    return [
        (code, Teller(program, program.timezone, language).requirement(code))
        for code, program in choices.requirements.items()
    ]


def _preview(plan: Plan, ids: Sequence[UUID], typed: Typed, *, changed: bool = False) -> str:
    onward = {}
    if plan.act.kind is Kind.ADJUSTMENT:
        with reading() as session:
            onward = going_on(session, actor(), {line.member.membership_id for line in plan.lines})
    return render_template(
        "bulk_preview.html",
        who=g.signed_in,
        plan=plan,
        ids=ids,
        typed=typed.values,
        act="waive" if plan.act.kind is Kind.WAIVER else "adjust",
        what=_what(plan),
        once=uuid7(),
        onward=onward,
        changed=changed,
        words=act_words,
        topic_title=topic_title,
        region_title=region_title,
    )


def _what(plan: Plan) -> str:
    """What is done to each."""
    program = plan.requirements.get(plan.act.requirement)
    return act_words.described(plan.act.kind, plan.act.data, program, program.timezone if program else "UTC")


def _done(batch_id: UUID, fault: str = "") -> str:
    with reading() as session:
        found = decided.page(session, actor(), Asked(batch=str(batch_id)), limit=2 * AT_ONCE)
    lines = [line for line in found.lines if line.row.kind != Kind.UNDO]
    if not lines:
        abort(404)
    return render_template(
        "bulk_done.html",
        who=g.signed_in,
        batch_id=batch_id,
        lines=lines,
        standing=sum(line.state in (STANDS, WAITS) for line in lines),
        waiting=sum(line.state == WAITS for line in lines),
        fault=fault,
        title=_("%(kind)s for several people", kind=act_words.kind(lines[0].row.kind)),
        words=act_words,
        topic_title=topic_title,
        region_title=region_title,
    )
