"""Periods of programs: those that are closed, and closing one for good."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from mappings.periods import Calendar, Span
from mappings.program import Program
from records import closings, late_changes, long_work, period_checks
from records.models import ProgramRow
from records.programs import newest, versions_by_program
from records.queries import periods as queries
from service import period_words
from service.access import able, actor, by, may
from service.context import context
from service.pages.live import reading
from service.pages.titles import program_title
from service.permissions import Permission

blueprint = Blueprint("periods", __name__)
READ_AT_ONCE = 2_000
"""A snapshot of no more members is read again whenever somebody looks at it; a larger one, when asked to."""
MAX_LABEL = 60


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed into the form, as it was; days as far as they are some."""

    first: str = ""
    last: str = ""
    label: str = ""
    days: tuple[date, date] | None = None
    faults: Mapping[str, str] = field(default_factory=dict)


@blueprint.get("/periods")
def listed() -> str:
    """The programs with their closed periods, and which could be closed."""
    with reading() as session:
        found = queries.periods(session, actor(), context().clock())
        closing = long_work.listed(session, actor(), kind="close_period", only_open=True)
    return render_template(
        "periods.html",
        who=g.signed_in,
        found=found,
        closing=closing,
        words=period_words,
        program_title=program_title,
    )


@blueprint.get("/periods/<uuid:closing_id>")
def show(closing_id: UUID) -> str:
    """A closed period: who closed it, what it holds, whether its snapshot is intact, and what came late for it."""
    lets_in = may(Permission.APPROVE_HOURS)
    with reading() as session:
        found = queries.period(session, actor(), closing_id)
        if found is None:
            abort(404)
        closed, row = found
        read = closed.members <= READ_AT_ONCE or "check" in request.args
        intact = closings.intact(session, row, closed.program.program) if read else None
        late = late_changes.waiting(session, lets_in, closing_id) if lets_in else None
        let_in = late_changes.let_in(session, row)
    return render_template(
        "period.html",
        who=g.signed_in,
        closed=closed,
        intact=intact,
        late=late,
        let_in=let_in,
        words=period_words,
        program_title=program_title,
    )


@blueprint.get("/periods/close/<program>")
def checks(program: str) -> str:
    """Choose days, and see what ought to be settled before they are closed."""
    typed = _typed(request.args) if request.args else Typed()
    return _closing(program, typed)


@blueprint.post("/periods/close/<program>")
def close(program: str) -> Response | tuple[str, int]:
    """Have a worker close the days for good."""
    here, decider = context(), by(request.form.get("reason", "").strip())
    typed = _typed(request.form)
    with Session(here.engine) as session, session.begin():
        row, asked = _program(session, program)
        faults = dict(typed.faults)
        if not decider.reason:
            faults["reason"] = period_words.fault("no_reason")
        if typed.days and period_checks.blocks(
            period_checks.checks(session, row, _span(asked, typed.days), decider.now)
        ):
            faults["blocked"] = period_words.fault("blocked")
        if not faults and typed.days:
            first, last = (day.isoformat() for day in typed.days)
            arguments = {"program": program, "first": first, "last": last, "label": typed.label}
            job = long_work.ask(
                session,
                decider.actor,
                decider.role,
                "close_period",
                arguments | {"reason": decider.reason},
                {"program": program},
                roles=able(),
                once=True,
            )
    if faults:
        return _closing(program, typed, faults, decider.reason), HTTPStatus.BAD_REQUEST
    wake(here.redis, QueueName.LONG_WORK)
    return redirect(url_for("work.show", job_id=job), 303)


def _program(session: Session, code: str) -> tuple[ProgramRow, Program]:
    row = queries.whole_program(session, actor(), code)
    versions = versions_by_program(session).get(row.id) if row else None
    if row is None or not versions:
        abort(404)
    return row, newest(versions)


def _typed(given: Mapping[str, str]) -> Typed:
    first, last = given.get("first", "").strip(), given.get("last", "").strip()
    label = given.get("label", "").strip()[:MAX_LABEL]
    faults: dict[str, str] = {}
    try:
        days = date.fromisoformat(first), date.fromisoformat(last)
    except ValueError:
        return Typed(first, last, label, None, {"days": period_words.fault("no_days")})
    if days[1] < days[0]:
        faults["days"] = period_words.fault("backwards")
    if not label:
        faults["label"] = period_words.fault("no_label")
    return Typed(first, last, label, None if "days" in faults else days, faults)


def _span(program: Program, days: tuple[date, date]) -> Span:
    calendar = Calendar(program.zone)
    try:
        return Span(calendar.midnight(days[0]), calendar.midnight(days[1] + timedelta(days=1)))
    except OverflowError:
        abort(404)


def _closing(code: str, typed: Typed, faults: Mapping[str, str] | None = None, reason: str = "") -> str:
    now = context().clock()
    with reading() as session:
        row, program = _program(session, code)
        of = next(one for one in queries.periods(session, actor(), now) if one.id == row.id)
        found = period_checks.checks(session, row, _span(program, typed.days), now) if typed.days else None
    return render_template(
        "period_close.html",
        who=g.signed_in,
        of=of,
        typed=typed,
        faults=typed.faults if faults is None else faults,
        reason=reason,
        found=found,
        blocked=period_checks.blocks(found) if found else False,
        words=period_words,
        program_title=program_title,
    )
