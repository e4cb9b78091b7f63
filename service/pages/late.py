"""What came late for closed periods: let in one by one, chosen ones, or all of a period."""

from datetime import UTC, datetime
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import late_changes, long_work
from records.actor import Actor
from records.closings import Late
from records.models import Closing, ProgramRow
from records.programs import newest, versions_by_program
from service import period_words
from service.access import able, actor, by
from service.context import context
from service.i18n import _
from service.pages.live import reading
from service.pages.titles import region_title, topic_title

blueprint = Blueprint("late", __name__)
UNKNOWN = datetime.min.replace(tzinfo=UTC)
PARTS = 5


@blueprint.get("/late")
def show() -> str:
    """What waits, in all closed periods or in one."""
    return _page()


@blueprint.post("/late")
def admit() -> Response | tuple[str, int]:
    """Let in what was chosen."""
    chosen, decider = [_change(text) for text in request.form.getlist("change")], by(request.form.get("reason", ""))
    faults = {}
    if not chosen:
        faults["chosen"] = _("Choose at least one of them.")
    if not decider.reason.strip():
        faults["reason"] = period_words.fault("no_reason")
    if faults:
        return _page(faults), HTTPStatus.BAD_REQUEST
    here = context()
    with Session(here.engine) as session, session.begin():
        admitted = late_changes.admit_chosen(session, actor(), chosen, decider)
    wake(here.redis, QueueName.RECONCILE)
    return redirect(url_for("late.show", closing=_asked("closing"), admitted=admitted, of=len(chosen)), 303)


@blueprint.post("/late/<uuid:closing_id>/all")
def admit_all(closing_id: UUID) -> Response | tuple[str, int]:
    """Have all that came late for one period be let in, as far as one's scope reaches."""
    here, decider = context(), by(request.form.get("reason", "").strip())
    with Session(here.engine) as session, session.begin():
        program = _program_of(session, actor(), closing_id)
        if decider.reason:
            asked = {"closing": str(closing_id), "reason": decider.reason}
            total = late_changes.members_with(session, actor(), closing_id)
            scope = {"program": program}
            job = long_work.ask(
                session,
                decider.actor,
                decider.role,
                "admit_late",
                asked,
                scope,
                total=total,
                roles=able(),
                once=True,
            )
    if not decider.reason:
        return _page({"all": period_words.fault("no_reason")}), HTTPStatus.BAD_REQUEST
    wake(here.redis, QueueName.LONG_WORK)
    return redirect(url_for("work.show", job_id=job), 303)


def _program_of(session: Session, who: Actor, closing_id: UUID) -> str:
    """The code of the program that a closing is of; 404 where nothing that waits for it lies in scope."""
    row = next((row for row in late_changes.closings_with(session, who) if row.id == closing_id), None)
    if row is None:
        abort(404)
    return session.get_one(ProgramRow, row.program_id).code


def _page(faults: dict[str, str] | None = None) -> str:
    closing_id, after = _id("closing"), _id("after")
    with reading() as session:
        closings = late_changes.closings_with(session, actor())
        programs = versions_by_program(session)
        found = late_changes.waiting(session, actor(), closing_id, after)
        return render_template(
            "late.html",
            who=g.signed_in,
            found=found,
            count=late_changes.how_many(session, actor()),
            closings=closings,
            chosen=_named(closings, closing_id),
            programs={row.id: newest(programs[row.program_id]) for row in closings},
            ticked=request.form.getlist("change"),
            value=_value,
            reason=request.form.get("reason", ""),
            faults=faults or {},
            admitted=request.args.get("admitted", type=int),
            asked=request.args.get("of", type=int),
            words=period_words,
            topic_title=topic_title,
            region_title=region_title,
        )


def _named(closings: list[Closing], closing_id: UUID | None) -> Closing | None:
    return next((row for row in closings if row.id == closing_id), None)


def _value(change: Late) -> str:
    """A change as the form names it: what it is, and as what it was shown."""
    return f"{change.closing_id} {change.membership_id} {change.held} {change.would_be} {change.key}"


def _change(text: str) -> Late:
    """What a form names; 404 for what is no such thing."""
    try:
        closing, membership, held, would_be, key = text.split(" ", PARTS - 1)
        return Late(UUID(closing), "", UUID(membership), key, UNKNOWN, int(held), int(would_be))
    except ValueError:
        abort(404)


def _id(name: str) -> UUID | None:
    text = request.args.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)


def _asked(name: str) -> str | None:
    return request.args.get(name) or None
