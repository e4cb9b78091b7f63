"""Two people who are one: who may be, what a merge would change, the merge, and its undoing."""

from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import deciding, merging
from records.actor import Role
from records.deciding import By, DecisionError
from records.merge_plan import MergePlan, accounts_of, plan_merge
from records.merging import Fault, MergeError, reaches
from records.queries.merges import MergeShown, Somebody, candidates, look_for, merge_of, timezone_of
from service import session_words
from service.access import actor
from service.context import context
from service.i18n import _
from service.merge_words import key_words, twice_words, why_not
from service.pages.live import reading
from service.pages.titles import program_title, region_title, topic_title

blueprint = Blueprint("merging", __name__)


@blueprint.get("/people/merge")
def show() -> str:
    """Who may be one, by what their accounts have in common; of one person, with a search for the other."""
    person_id, wanted = _asked_person(), request.args.get("q", "")
    with reading() as session:
        whose = None
        if person_id:
            if not reaches(session, person_id, actor()):
                abort(404)
            whose = Somebody(person_id, accounts_of(session, [person_id])[person_id])
        return render_template(
            "merge_candidates.html",
            who=g.signed_in,
            whose=whose,
            wanted=wanted,
            found=look_for(session, actor(), wanted, but=person_id) if person_id else [],
            candidates=candidates(session, actor(), person_id=person_id),
            key_words=key_words,
        )


def _asked_person() -> UUID | None:
    text = request.args.get("person", "")
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)


@blueprint.get("/people/<uuid:person_id>/merge/<uuid:other_id>")
def preview(person_id: UUID, other_id: UUID) -> tuple[str, int]:
    """What would change if one person were merged into the other."""
    return _preview(person_id, other_id)


@blueprint.post("/people/<uuid:person_id>/merge/<uuid:other_id>")
def carry_out(person_id: UUID, other_id: UUID) -> Response | tuple[str, int]:
    """Merge one person into the other."""
    here = context()
    by = _by()
    if not by.reason:
        return _preview(person_id, other_id, _("Say why they are one person: it is kept with the decision."))
    try:
        with Session(here.engine) as session, session.begin():
            merging.merge(session, person_id, other_id, by)
    except MergeError as err:
        return _preview(person_id, other_id, _unless_unknown(err))
    wake(here.redis, QueueName.RECONCILE)
    return redirect(url_for("person.show", person_id=other_id), 303)


def _by() -> By:
    return By(actor(), str(Role.PROGRAM_ADMIN), request.form.get("reason", "").strip(), context().clock())


def _unless_unknown(err: MergeError) -> str:
    """What is wrong; of what isn't there, or isn't the actor's to know, just that there is no such page."""
    if err.fault is Fault.NOT_THERE:
        abort(404)
    return why_not(err)


def _preview(person_id: UUID, other_id: UUID, fault: str = "") -> tuple[str, int]:
    here = context()
    plan: MergePlan | None = None
    # Not a reading: it is carried out, looked at, and left without a commit.
    with Session(here.engine) as session:
        try:
            plan = plan_merge(session, person_id, other_id, actor=actor(), now=here.clock())
        except MergeError as err:
            fault = _unless_unknown(err)
        page = render_template(
            "merge_preview.html",
            who=g.signed_in,
            plan=plan,
            person_id=person_id,
            other_id=other_id,
            fault=fault,
            reason=request.form.get("reason", ""),
            twice_words=twice_words,
            program_title=program_title,
            topic_title=topic_title,
            region_title=region_title,
        )
    return page, HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK


@blueprint.get("/people/merges/<uuid:decision_id>")
def merged(decision_id: UUID) -> tuple[str, int]:
    """A merge that stands, and the form that undoes it."""
    return _merged(decision_id)


@blueprint.post("/people/merges/<uuid:decision_id>/undo")
def undo(decision_id: UUID) -> Response | tuple[str, int]:
    """Take a merge back."""
    here, by = context(), _by()
    with Session(here.engine) as session, session.begin():
        found = merge_of(session, actor(), decision_id)
    if found is None:
        abort(404)
    if not by.reason:
        return _merged(decision_id, _("Say why they are two people: it is kept with the decision."))
    try:
        with Session(here.engine) as session, session.begin():
            _check_reach(session, found)
            deciding.write(session, deciding.undo(session, decision_id), by)
    except DecisionError as err:
        return _merged(decision_id, why_not(err))
    wake(here.redis, QueueName.RECONCILE)
    return redirect(url_for("person.show", person_id=found.merged.into_person), 303)


def _check_reach(session: Session, found: MergeShown) -> None:
    """Raises MergeError where the actor's scope reaches a part of it alone."""
    if merging.beyond(session, (found.merged.from_person, found.merged.into_person), actor()):
        raise MergeError(Fault.BEYOND, "A part of it is out of scope.")


def _merged(decision_id: UUID, fault: str = "") -> tuple[str, int]:
    with reading() as session:
        found = merge_of(session, actor(), decision_id)
        if found is None:
            abort(404)
        accounts = accounts_of(session, [found.merged.into_person], only=found.merged.accounts)
        page = render_template(
            "merged.html",
            who=g.signed_in,
            found=found,
            accounts=accounts[found.merged.into_person],
            timezone=timezone_of(session, actor(), found.merged.into_person),
            by_words=session_words.by,
            fault=fault,
            reason=request.form.get("reason", ""),
        )
    return page, HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK
