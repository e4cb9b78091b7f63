"""What waits for staff: people nobody knows, reports that disagree, oddities."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from mappings.attending import Way
from records import review, review_acts
from records.actor import Actor
from records.deciding import DecisionError
from records.deciding_presence import Choice
from records.models import Community
from records.programs import newest, versions_by_program
from records.review import Filter
from records.review_acts import NotThere, ReviewError
from records.review_items import Conflict, Meeting, Review, Waits
from service import review_words
from service.access import actor, by
from service.context import context
from service.i18n import _
from service.pages.live import reading
from service.pages.titles import region_title, topic_title

blueprint = Blueprint("review", __name__)
SHOWN = 50
"""So many things of each kind are shown at once; the rest follows when these are dealt with."""
FILTERS = ("community", "session", "kind")
UNDOES = ("matched", "accepted", "dismissed", "decided")
TOGETHER = 200
"""So many people are decided about at once."""


@dataclass(frozen=True, slots=True)
class OfSession:
    """The conflicts at one session, and the ways that several of them can be decided by."""

    meeting: Meeting
    conflicts: list[Conflict]
    ways: list[tuple[Way, int]]
    """(way, of how many people it says something)."""


@blueprint.get("/review")
def show() -> str:
    """Everything that waits, or what is asked for."""
    community, meeting = _id("community"), _id("session")
    kind = Waits(request.args["kind"]) if request.args.get("kind") in set(Waits) else None
    with reading() as session:
        found = review.waiting(session, actor(), Filter(community, meeting))
        communities = _communities(session, actor())
    return render_template(
        "review.html",
        who=g.signed_in,
        found=found,
        kinds=[one for one in Waits if kind in (None, one)],
        counts=found.counts,
        kind=kind,
        community=community,
        meeting=meeting,
        communities=communities,
        by_session=_by_session(found),
        shown=SHOWN,
        back=_back(),
        done=_done(),
        words=review_words,
    )


def _by_session(found: Review) -> list[OfSession]:
    together: dict[UUID, list[Conflict]] = {}
    for conflict in found.conflicts[:SHOWN]:
        together.setdefault(conflict.meeting.id, []).append(conflict)
    return [OfSession(of[0].meeting, of, _ways(of)) for of in together.values()]


def _ways(of: Sequence[Conflict]) -> list[tuple[Way, int]]:
    said = [side.said.way for conflict in of for side in conflict.sides if side.said.way is not Way.DECIDED]
    return [(way, said.count(way)) for way in Way if way in said]


def _communities(session: Session, who: Actor) -> list[tuple[UUID, str]]:
    """The communities in scope that have sessions, as a filter names them."""
    places = review.places(who).subquery()
    rows = session.scalars(select(Community).where(Community.id.in_(select(places.c.community_id)))).all()
    versions = versions_by_program(session)
    named = []
    for row in rows:
        program = newest(versions[row.program_id])
        named.append((row.id, f"{topic_title(program, row.topic)}, {region_title(program, row.region)}"))
    return sorted(named, key=lambda one: one[1])


def _id(name: str) -> UUID | None:
    """An id in the address; 404 for what is none."""
    text = request.args.get(name, "")
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)


def _back() -> dict[str, str]:
    """The filters of the address: what an act leads back to."""
    return {name: value for name in FILTERS if (value := request.args.get(name, ""))}


def _done() -> dict[str, str] | None:
    """What was done a moment ago, and what to take back; the address says it."""
    what, of = request.args.get("done", ""), request.args.get("of", "")
    if what in review_words.FAULTS_BY_NAME:
        return {"fault": _(review_words.FAULTS_BY_NAME[what])}
    if what not in review_words.DONE:
        return None
    undoes = what if what in UNDOES and of else ""
    return {"text": _(review_words.DONE[what]), "what": undoes, "of": of, "held": request.args.get("held", "")}


@blueprint.get("/sessions/<uuid:session_id>/conflicts")
def conflicts(session_id: UUID) -> str:
    """What taking one way's word for everybody at a session would change, before it is decided."""
    take = request.args.get("take", "")
    with reading() as session:
        meeting = review.meetings_of(session, actor(), [session_id]).get(session_id)
        if meeting is None:
            abort(404)
        found = review.waiting(session, actor(), Filter(session_id=session_id)).conflicts[:TOGETHER]
    way = Way(take) if take in {str(way) for way, _n in _ways(found)} else None
    rows = [(one, side) for one in found for side in one.sides if side.said.way is way]
    return render_template(
        "review_conflicts.html",
        who=g.signed_in,
        meeting=meeting,
        rows=rows,
        way=way,
        ways=_ways(found),
        words=review_words,
    )


@blueprint.post("/sessions/<uuid:session_id>/conflicts")
def decide(session_id: UUID) -> Response:
    """Decide what counts of people at a session: what one way says, or a value for one person."""
    accounts, take = _ids("account"), request.form.get("take", "")
    decider = by(request.form.get("reason", ""))

    def act(session: Session) -> tuple[str, UUID]:
        if take:
            return "decided", review_acts.decide(session, actor(), session_id, accounts, Way(take), decider)
        minutes, status = request.form.get("minutes", "").strip(), request.form.get("status", "").strip()
        if len(accounts) != 1 or not (minutes.isdecimal() or status):
            abort(400)
        value = int(minutes[:6]) if minutes.isdecimal() else None
        choice = Choice(session_id, accounts[0], minutes=value, status=status or None)
        return "decided", review_acts.decide_one(session, actor(), choice, decider)

    if (take and take not in set(Way)) or len(accounts) > TOGETHER:
        abort(400)
    return _act(act)


@blueprint.post("/review/match")
def match() -> Response:
    """Say who somebody is."""
    presence, account = _form_id("presence"), _form_id("account")

    def act(session: Session) -> tuple[str, UUID]:
        review_acts.match(session, actor(), presence, account)
        return "matched", presence

    return _act(act)


@blueprint.post("/review/accept")
def accept() -> Response:
    """Let count what was held back."""
    presence, why = _form_id("presence"), request.form.get("held", "")

    def act(session: Session) -> tuple[str, UUID]:
        review_acts.accept(session, actor(), presence)
        return "accepted", presence

    return _act(act, held=why)


@blueprint.post("/review/dismiss")
def dismiss() -> Response:
    """Say that something doesn't count, and why."""
    presence, reason = _form_id("presence"), request.form.get("reason", "")

    def act(session: Session) -> tuple[str, UUID]:
        review_acts.dismiss(session, actor(), presence, reason)
        return "dismissed", presence

    return _act(act)


@blueprint.post("/review/undo")
def undo() -> Response:
    """Take back what one did a moment ago."""
    what, of, why = request.form.get("what", ""), _form_id("of"), request.form.get("held", "")

    def act(session: Session) -> tuple[str, None]:
        if what == "matched":
            review_acts.unmatch(session, actor(), of)
        elif what == "accepted":
            review_acts.hold_again(session, actor(), of, why)
        elif what == "dismissed":
            review_acts.restore(session, actor(), of)
        elif what == "decided":
            review_acts.undecide(session, actor(), of, by(_(review_words.UNDONE_WHY)))
        else:
            abort(400)
        return "undone", None

    return _act(act)


def _act(act: Callable[[Session], tuple[str, UUID | None]], **more: str) -> Response:
    """Do it in one transaction, have hours be computed again, and lead back to what waits."""
    here = context()
    try:
        with Session(here.engine) as session, session.begin():
            done, of = act(session)
    except NotThere:
        abort(404)
    except ReviewError as err:
        done, of = err.fault.name.lower(), None
    except DecisionError:
        done, of = "undecided", None
    else:
        wake(here.redis, QueueName.RECONCILE)
    words: dict[str, Any] = _back() | {"done": done} | ({"of": str(of)} if of else {}) | more
    return redirect(url_for("review.show", **words), 303)


def _form_id(name: str) -> UUID:
    """An id in the form; 404 for what is none, like for what isn't there."""
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        abort(404)


def _ids(name: str) -> list[UUID]:
    try:
        return [UUID(text) for text in request.form.getlist(name)]
    except ValueError:
        abort(404)
