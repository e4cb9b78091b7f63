"""The check-in as a participant sees it, from the code or from a personal link to the answer."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, make_response, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import check_in
from records.check_in import Arrival, Refusal, Refused
from records.models import SessionRow, Site
from records.queries.check_in import link_holder
from service import check_in_codes, personal_links, visitors
from service.context import context
from service.pages.live import reading
from service.visitors import Grant, Known

blueprint = Blueprint("arrive", __name__)
Page = str | tuple[str, int] | Response
STATUSES = {Refusal.USED: HTTPStatus.CONFLICT, Refusal.STRUCK: HTTPStatus.CONFLICT}
"""What else is refused is gone."""
MODES = ("face_to_face", "virtual")
"""What somebody at a hybrid session says of where he or she is."""


@blueprint.get("/c/<code>")
def scan(code: str) -> Page:
    """Take the code in the address of a QR code."""
    here = context()
    session_id = check_in_codes.session_of(here.settings.secret_key, code, here.clock())
    return _granted(session_id) if session_id else _too_old()


@blueprint.get("/check-in")
def enter() -> Page:
    """The form for the short code."""
    return render_template("short_code.html")


@blueprint.post("/check-in")
def enter_submit() -> Page:
    """Take a short code."""
    here = context()
    now = here.clock()
    with reading() as session:
        sessions = check_in.open_now(session, now)
    typed = request.form.get("code", "")
    session_id = check_in_codes.session_of_short(here.settings.secret_key, typed, sessions, now)
    if session_id is None:
        return render_template("short_code.html", wrong=True), HTTPStatus.BAD_REQUEST
    return _granted(session_id)


@blueprint.get("/check-in/here")
def here() -> Page:
    """Where somebody is on the way from the code to the answer."""
    now = context().clock()
    with reading() as session:
        grant, there = visitors.granted(now), visitors.there(now)
        if grant:
            return _before(session, grant)
        return _after(session, there) if there else _too_old()


@blueprint.post("/check-in/here")
def arrived() -> Page:
    """Check in: the one thing that the code was good for."""
    at = context()
    now = at.clock()
    grant = visitors.granted(now)
    if grant is None:
        return _refused(Refusal.USED)
    try:
        with Session(at.engine) as session, session.begin():
            row, who = session.get(SessionRow, grant.session_id), visitors.known(session, now)
            if row is None or who is None or who.erased or not _may(session, row, who):
                return redirect(url_for("arrive.here"), 303)
            arrival = check_in.arrive(
                session,
                row.id,
                who.visitor,
                now,
                grant=grant.nonce,
                device=visitors.device(request),
                mode=_mode(row),
            )
    except Refused as err:
        visitors.use_up()
        return _refused(err.why)
    wake(at.redis, QueueName.ATTENDANCE)
    visitors.use_up()
    visitors.checked_in(grant.session_id, arrival.presence_id, now)
    return redirect(url_for("arrive.here", again=1 if arrival.again else None), 303)


@blueprint.post("/check-in/leave")
def left() -> Page:
    """Check out."""
    at = context()
    now = at.clock()
    there = visitors.there(now)
    if there is None:
        return _refused(Refusal.GONE)
    try:
        with Session(at.engine) as session, session.begin():
            check_in.leave(session, there.session_id, there.nonce, now)
    except Refused as err:
        return _refused(err.why)
    wake(at.redis, QueueName.ATTENDANCE)
    return redirect(url_for("arrive.here"), 303)


@blueprint.post("/check-in/forget")
def forget() -> Response:
    """Somebody else is at the browser than it said."""
    visitors.forget()
    return redirect(url_for("arrive.here"), 303)


@blueprint.get("/me/<token>")
def personal(token: str) -> Page:
    """Take a personal link. It says who somebody is, and checks nobody in by itself."""
    at = context()
    now = at.clock()
    account_id = personal_links.account_of(at.settings.secret_key, token, now)
    with reading() as session:
        account = link_holder(session, account_id) if account_id else None
        if account is None:
            return render_template("personal_link.html", name=None), HTTPStatus.NOT_FOUND
        name = f"{account.firstname} {account.lastname}".strip()
    visitors.introduce(account.id, now)
    if visitors.granted(now):
        return redirect(url_for("arrive.here"), 303)
    return render_template("personal_link.html", name=name)


def _granted(session_id: UUID) -> Page:
    now = context().clock()
    with reading() as session:
        row = session.get(SessionRow, session_id)
        if row is None:
            return _too_old()
        if not check_in.is_open(row, now):
            return _refused(Refusal.CANCELLED if row.cancelled_at else Refusal.CLOSED)
    visitors.grant(session_id, now)
    return visitors.mark(request, redirect(url_for("arrive.here"), 303))


def _before(session: Session, grant: Grant) -> Page:
    """With a code: who is it, and is he or she checked in already?"""
    now = context().clock()
    row = session.get(SessionRow, grant.session_id)
    if row is None:
        abort(404)
    if not check_in.is_open(row, now):
        return _refused(Refusal.CANCELLED if row.cancelled_at else Refusal.CLOSED)
    who = visitors.known(session, now)
    if who is None or not _may(session, row, who):
        return _ask_who(session, row, who)
    if who.erased:
        return render_template("arrive_erased.html", row=row), HTTPStatus.FORBIDDEN
    try:
        arrival = check_in.arrival_of(session, row.id, who.visitor)
    except Refused as err:
        return _refused(err.why)
    if arrival is None:
        return render_template("arrive.html", row=row, who=None, name=who.name, known=who, modes=_modes(row))
    visitors.checked_in(row.id, arrival.presence_id, now)
    # The code isn't used up: somebody else may have the phone now, and say so.
    return _there(session, row, arrival, again=True, name=who.name)


def _after(session: Session, there: Grant) -> Page:
    """Checked in by this browser."""
    row = session.get(SessionRow, there.session_id)
    try:
        arrival = check_in.arrival_by(session, there.session_id, there.nonce) if row else None
    except Refused as err:
        return _refused(err.why)
    if row is None or arrival is None:
        return _too_old()
    return _there(session, row, arrival, again="again" in request.args)


def _there(session: Session, row: SessionRow, arrival: Arrival, *, again: bool, name: str = "") -> str:
    rule = check_in.rule_at(session, row.id)
    may_leave = check_in.counts_minutes(rule) and arrival.left_at is None and check_in.is_open(row, context().clock())
    return render_template("arrived.html", row=row, arrival=arrival, again=again, may_leave=may_leave, name=name)


def _may(session: Session, row: SessionRow, who: Known) -> bool:
    """Whether it is a user of a site that the session's communities have a course on."""
    return who.site_id in check_in.sites_of(session, row)


def _ask_who(session: Session, row: SessionRow, who: Known | None) -> str:
    sites = check_in.asserting(session, check_in.sites_of(session, row))
    found = session.scalars(select(Site).where(Site.id.in_(sites)).order_by(Site.name)).all()
    return render_template("arrive_who.html", row=row, sites=found, elsewhere=who is not None)


def _modes(row: SessionRow) -> tuple[str, ...]:
    """What somebody has to say of where he or she is."""
    return MODES if row.mode == "hybrid" else ()


def _mode(row: SessionRow) -> str | None:
    said: Any = request.form.get("mode")
    return said if said in _modes(row) else None


def _too_old() -> Page:
    return make_response(render_template("code_too_old.html"), HTTPStatus.GONE)


def _refused(why: Refusal) -> Page:
    return make_response(render_template("arrive_refused.html", why=str(why)), STATUSES.get(why, HTTPStatus.GONE))
