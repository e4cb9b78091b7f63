"""The check-in of a session as the facilitator sees it: the code on the screen, who came, and the end."""

import csv
import io
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import segno
from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records import audit, check_in, strikes
from records.check_in import Refused
from records.inert import inert
from records.models import SessionRow
from records.queries import check_in as seen
from records.sessions import find, plans
from service import check_in_codes, personal_links
from service.access import actor, may
from service.context import context
from service.i18n import _
from service.links import check_in_page, personal_link, scan_address
from service.pages.live import if_changed, live_part, reading
from service.permissions import Permission

blueprint = Blueprint("check_in", __name__)
ENDS = ("planned", "now", "open")
"""What is said of those who are still there when a check-in ends."""
LINKS_NAME = "personal-links.csv"


@blueprint.get("/sessions/<uuid:session_id>/check-in")
def show(session_id: UUID) -> str:
    """The page for the screen in the room, and below it, folded, for the facilitator."""
    now = context().clock()
    with reading() as session:
        row = _find(session, session_id)
        return render_template(
            "check_in.html",
            who=g.signed_in,
            row=row,
            is_open=check_in.is_open(row, now),
            part=_part(session, row)[0],
            code=_code(row, now) if check_in.is_open(row, now) else "",
            no_more=check_in.no_more(session, row, now),
            lacks_length=check_in.lacks_length(check_in.rule_at(session, row.id), row),
            still_there=seen.still_there(session, row.id),
            planned_end=_planned_end(row),
            may_export=_exports(session, row),
        )


@blueprint.get("/sessions/<uuid:session_id>/check-in/code")
def code(session_id: UUID) -> Response | str:
    """The code that is good now; where somebody ended the check-in meanwhile, the page is loaded again."""
    now = context().clock()
    with reading() as session:
        row = _find(session, session_id)
    if not check_in.is_open(row, now):
        return Response(status=204, headers={"HX-Refresh": "true"})
    return _code(row, now)


@blueprint.get("/sessions/<uuid:session_id>/check-in/live")
def live(session_id: UUID) -> Response | str:
    """How many came, and who, if that changed."""
    with reading() as session:
        return if_changed(_part(session, _find(session, session_id)))


@blueprint.post("/sessions/<uuid:session_id>/check-in/open")
def begin(session_id: UUID) -> Response:
    """Open the check-in."""
    here = context()
    with Session(here.engine) as session, session.begin():
        row = _find(session, session_id)
        # Where it is refused, the page that follows says why.
        with suppress(Refused):
            check_in.begin(session, row.id, here.clock(), actor())
    return _back(session_id)


@blueprint.post("/sessions/<uuid:session_id>/check-in/end")
def end(session_id: UUID) -> Response:
    """End the check-in, and say when those left who are still there."""
    here = context()
    now = here.clock()
    said = request.form.get("until", "")
    if said not in ENDS:
        abort(400)
    with Session(here.engine) as session, session.begin():
        row = _find(session, session_id)
        until = {"planned": _planned_end(row), "now": now}.get(said)
        with suppress(Refused):
            check_in.end(session, row.id, until, now, actor())
    wake(here.redis, QueueName.ATTENDANCE)
    return _back(session_id)


@blueprint.post("/sessions/<uuid:session_id>/check-in/strike")
def strike(session_id: UUID) -> Response:
    """Take somebody's check-in back."""
    return _about_one(session_id, seen.came, strikes.strike)


@blueprint.post("/sessions/<uuid:session_id>/check-in/let-in")
def let_in(session_id: UUID) -> Response:
    """Undo a strike."""
    return _about_one(session_id, seen.struck, strikes.let_in_again)


def _about_one(session_id: UUID, listed: Callable[..., Iterable[Any]], act: Callable[..., object]) -> Response:
    """Do something about one of those who are listed. Where it can't be done any more, the list says how it is now."""
    here = context()
    with Session(here.engine) as session, session.begin():
        row, presence = _find(session, session_id), _uuid(request.form.get("presence", ""))
        if any(one.presence_id == presence and one.hidden for one in listed(session, actor(), row)):
            abort(404)
        with suppress(Refused):
            act(session, row.id, presence, here.clock(), actor())
    wake(here.redis, QueueName.ATTENDANCE)
    return redirect(url_for("check_in.show", session_id=session_id, list="open", _anchor="came"), 303)


@blueprint.post("/communities/<uuid:community_id>/personal-links.csv")
def links(community_id: UUID) -> Response:
    """Everybody's personal link. They are keys, so it is written down who got them; hence no GET."""
    here = context()
    with Session(here.engine) as session, session.begin():
        accounts = seen.link_holders(session, actor(), community_id)
        if accounts is None:
            abort(404)
        audit.record(session, actor(), "personal_links.exported", str(community_id), after={"links": len(accounts)})
        rows = [
            (account.lastname, account.firstname, account.email, personal_link(here.settings, token))
            for account in accounts
            for token in (personal_links.make(here.settings.secret_key, account.id),)
        ]
    text = io.StringIO()
    written = csv.writer(text)
    written.writerow((_("Last name"), _("First name"), _("E-mail"), _("Personal link")))
    written.writerows(tuple(inert(cell) for cell in row) for row in rows)
    # Excel takes a file for UTF-8 if it begins so.
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    answer.headers.set("Content-Disposition", "attachment", filename=LINKS_NAME)
    return answer


def _find(session: Session, session_id: UUID) -> SessionRow:
    row = find(session, actor(), session_id)
    if row is None:
        abort(404)
    return row


def _part(session: Session, row: SessionRow) -> tuple[Markup, str]:
    return live_part(
        "parts/came.html",
        url_for("check_in.live", session_id=row.id),
        row=row,
        people=seen.came(session, actor(), row),
        struck=seen.struck(session, actor(), row) if check_in.is_open(row, context().clock()) else [],
        lists_open=bool(row.check_in_ended_at) and check_in.counts_minutes(check_in.rule_at(session, row.id)),
        may_strike=check_in.no_more(session, row, context().clock()) is None,
        unfolded=request.args.get("list") == "open",
    )


def _code(row: SessionRow, now: datetime) -> Markup:
    """A new code as a part of the page, with the seconds that it is good for."""
    settings = context().settings
    address = scan_address(settings, check_in_codes.long_code(settings.secret_key, row.id, now))
    short = check_in_codes.short_code(settings.secret_key, row.id, now)
    drawn = segno.make_qr(address, error="m").svg_inline(svgclass="qr-drawn", lineclass=None, omitsize=True)
    return Markup(  # noqa: S704 - jinja escaped it
        render_template(
            "parts/check_in_code.html",
            drawn=Markup(drawn),  # noqa: S704 - made of figures alone
            address=address,
            short=short,
            check_in_address=check_in_page(settings).split("://", 1)[-1],
            seconds=int(check_in_codes.GOOD_FOR.total_seconds()),
        )
    )


def _planned_end(row: SessionRow) -> datetime | None:
    """When it is meant to end; None: nobody said, and nobody said how long it is."""
    if row.ends_at:
        return row.ends_at
    return row.starts_at + timedelta(minutes=row.planned_minutes) if row.planned_minutes else None


def _exports(session: Session, row: SessionRow) -> bool:
    """Whether who asks is offered the personal links of the session's community."""
    who = may(Permission.DECIDE_ATTENDANCE)
    return bool(who and plans(session, who, row))


def _back(session_id: UUID) -> Response:
    return redirect(url_for("check_in.show", session_id=session_id), 303)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        abort(400)
