"""Sessions of a community: the list, the form, one session with its history."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import calendar_feed, sessions
from records.actor import Actor
from records.models import Community, SessionRow
from records.queries import sessions as queries
from records.queries.session_choices import Choices, choices
from records.queries.sessions import Place
from records.session_checks import Fault, SessionError
from service import links, session_words
from service.access import actor, may
from service.context import context
from service.i18n import language_now
from service.pages import session_form
from service.pages.live import reading
from service.pages.titles import region_title, topic_title
from service.permissions import Permission

blueprint = Blueprint("sessions", __name__)
Page = str | tuple[str, int] | Response
Given = tuple[str, int]
"""The reason, and the revision that was looked at."""
BAD_REQUEST, CONFLICT = 400, 409


@blueprint.get("/communities/<uuid:community_id>/sessions")
def listed(community_id: UUID) -> str:
    """The sessions of a community, and its calendar's address."""
    here = context()
    now = here.clock()
    with reading() as session:
        found = queries.listed(session, actor(), community_id, now)
        if found is None:
            abort(404)
        community = session.get_one(Community, community_id)
        token = calendar_feed.token_of(community, here.settings.secret_key.get_secret_value())
    who = may(Permission.RECORD_ATTENDANCE)
    return render_template(
        "sessions.html",
        who=g.signed_in,
        found=found,
        community=_title(found.place),
        coming=[line for line in found.lines if line.row.starts_at > now],
        past=[line for line in reversed(found.lines) if line.row.starts_at <= now],
        plans=who is not None and who.reaches(found.place.program.program, found.place.region, community_id),
        kind_words=_kinds(found.place),
        calendar=links.calendar_address(here.settings, token),
    )


@blueprint.get("/communities/<uuid:community_id>/sessions/new")
def new(community_id: UUID) -> str:
    """The form of a new session; with `makes_up` in the address: of one that is held again for that one."""
    with reading() as session:
        found = _choices(session, community_id)
        values = session_form.values_of(None, found)
        made_up = request.args.get("makes_up", "")
        original = next((row for row in found.sessions if str(row.id) == made_up), None)
        if original:
            same = session_form.values_of(sessions.draft_of(session, original), found)
            values = same | {"makes_up": made_up, "code": "", "day": "", "end_day": "", "module": "", "series": ""}
    return _form(found, values)


@blueprint.post("/communities/<uuid:community_id>/sessions")
def create(community_id: UUID) -> Page:
    """Plan a session, or a series of them."""
    here = context()
    try:
        with Session(here.engine) as session, session.begin():
            typed = session_form.typed(request.form, _choices(session, community_id))
            about = (session, community_id, typed.draft)
            if len(typed.dates) > 1:
                sessions.make_series(*about, typed.dates, actor(), here.clock(), reason=typed.reason)
                address = url_for("sessions.listed", community_id=community_id)
            else:
                made = sessions.make(*about, actor(), here.clock(), reason=typed.reason)
                address = url_for("sessions.show", session_id=made)
    except SessionError as err:
        with reading() as session:
            found = _choices(session, community_id)
        return _form(found, session_form.values_typed(request.form), err), BAD_REQUEST
    return _done(address)


@blueprint.get("/sessions/<uuid:session_id>")
def show(session_id: UUID) -> str:
    """One session."""
    return _page(session_id)


@blueprint.get("/sessions/<uuid:session_id>/edit")
def edit(session_id: UUID) -> str:
    """The form of a session."""
    with reading() as session:
        found = _own(session, session_id)
        values = _values(session, found)
    return _form(found, values)


@blueprint.post("/sessions/<uuid:session_id>/edit")
def save(session_id: UUID) -> Page:
    """Change a session."""
    here = context()
    try:
        with Session(here.engine) as session, session.begin():
            found = _own(session, session_id)
            typed = session_form.typed(request.form, found, sessions.draft_of(session, _row(found)))
            revision = session_form.revision_of(request.form)
            about = (session, session_id, typed.draft)
            sessions.change(*about, actor(), here.clock(), reason=typed.reason, revision=revision)
    except SessionError as err:
        with reading() as session:
            found = _own(session, session_id)
            values = session_form.values_typed(request.form)
            if err.fault is Fault.MEANWHILE:
                values = _values(session, found) | {"reason": values.get("reason", "")}
        return _form(found, values, err), _status(err)
    return _done(url_for("sessions.show", session_id=session_id))


@blueprint.post("/sessions/<uuid:session_id>/move")
def move(session_id: UUID) -> Page:
    """Have a session begin and end at other moments."""

    def act(session: Session, row: SessionRow, by: Actor, given: Given) -> None:
        times = session_form.moved_to(request.form, row)
        sessions.move(session, session_id, *times, by, context().clock(), reason=given[0], revision=given[1])

    return _act(session_id, act)


@blueprint.post("/sessions/<uuid:session_id>/cancel")
def cancel(session_id: UUID) -> Page:
    """Call a session off."""

    def act(session: Session, _row: SessionRow, by: Actor, given: Given) -> None:
        sessions.cancel(session, session_id, by, given[0], context().clock(), revision=given[1])

    return _act(session_id, act)


@blueprint.post("/sessions/<uuid:session_id>/restore")
def restore(session_id: UUID) -> Page:
    """Hold a session after all."""

    def act(session: Session, _row: SessionRow, by: Actor, given: Given) -> None:
        sessions.restore(session, session_id, by, given[0], context().clock(), revision=given[1])

    return _act(session_id, act)


def _act(session_id: UUID, act: Callable[[Session, SessionRow, Actor, Given], None]) -> Page:
    given = request.form.get("reason", ""), session_form.revision_of(request.form)
    try:
        with Session(context().engine) as session, session.begin():
            act(session, _row(_own(session, session_id)), actor(), given)
    except SessionError as err:
        return _page(session_id, err), _status(err)
    return _done(url_for("sessions.show", session_id=session_id))


def _status(err: SessionError) -> int:
    return CONFLICT if err.fault is Fault.MEANWHILE else BAD_REQUEST


def _values(session: Session, found: Choices) -> dict[str, Any]:
    """The fields as the session is now."""
    row = _row(found)
    return session_form.values_of(sessions.draft_of(session, row), found) | {"revision": row.revision}


def _done(address: str) -> Response:
    """On to a page after the commit. Facts and standings follow soon."""
    here = context()
    wake(here.redis, QueueName.ATTENDANCE)
    wake(here.redis, QueueName.RECONCILE)
    return redirect(address, 303)


def _choices(session: Session, community_id: UUID, row: SessionRow | None = None) -> Choices:
    found = choices(session, actor(), community_id, row)
    if found is None:
        abort(404)
    return found


def _own(session: Session, session_id: UUID) -> Choices:
    """What there is to choose from for a session that is the actor's to change."""
    row = sessions.find(session, actor(), session_id)
    if row is None:
        abort(404)
    return _choices(session, row.community_id, row)


def _row(found: Choices) -> SessionRow:
    if found.row is None:
        raise ValueError("these are the choices of a new session")
    return found.row


def _form(found: Choices, values: dict[str, Any], err: SessionError | None = None) -> str:
    place = Place(found.community.id, found.program, found.community.topic, found.community.region)
    return render_template(
        "session_form.html",
        who=g.signed_in,
        found=found,
        community=_title(place),
        values=values,
        options=session_form.options(found),
        further=session_form.FURTHER_DATES,
        fault=session_words.fault(err) if err else None,
        wrong=str(err.fault) if err else "",
    )


def _page(session_id: UUID, err: SessionError | None = None) -> str:
    here = context()
    # Whoever may look may look again: a form that was refused is answered with the page.
    who, records = may(Permission.SEE_PEOPLE) or actor(), may(Permission.RECORD_ATTENDANCE)
    with reading() as session:
        found = queries.one(session, who, session_id, here.clock())
        if found is None:
            abort(404)
        row = found.row
        may_record = records is not None and sessions.find(session, records, session_id) is not None
        may_plan = records is not None and sessions.plans(session, records, row)
        draft = sessions.draft_of(session, row)
    named = found.named | {str(place.id): _title(place)[1] for place in found.mentioned if place.in_scope}
    return render_template(
        "session.html",
        who=g.signed_in,
        found=found,
        row=row,
        community=_title(found.place),
        shared_with=[_title(place) for place in found.shared_with if place.in_scope],
        shared_elsewhere=sum(not place.in_scope for place in found.shared_with),
        kind_words=_kinds(found.place),
        begun=row.starts_at <= here.clock(),
        may_record=may_record,
        may_plan=may_plan,
        lets_in=may(Permission.APPROVE_HOURS) is not None,
        decides=may(Permission.DECIDE_ATTENDANCE) is not None,
        at=session_form.local_times(draft),
        history=[(each, session_words.changed(each.before, each.after, row.timezone, named)) for each in found.history],
        act_words=session_words.act,
        by_words=session_words.by,
        fault=session_words.fault(err) if err else None,
    )


def _title(place: Place) -> tuple[UUID, str]:
    """(Id, title) of a community."""
    return place.id, f"{topic_title(place.program, place.topic)}, {region_title(place.program, place.region)}"


def _kinds(place: Place) -> Callable[[str], str]:
    language = language_now()
    return lambda code: session_words.kind(place.program, code, language)
