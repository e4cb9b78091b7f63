"""Copied courses: what each of them is is for staff to say, after a look at what would change."""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from records.actor import Actor
from records.adopting import AdoptionError, Wanted
from records.adoption_preview import AdoptionPreview, preview
from records.adoptions import Status
from records.claims import CourseKey
from records.module_pairs import Pairs
from records.queries import adoptions as queries
from records.queries.adoption_people import Somebody, people_of
from records.queries.adoptions import Place, Review
from service import mapping_words
from service.access import actor, by, may
from service.context import context
from service.i18n import _
from service.pages.live import reading
from service.pages.titles import program_title, region_title, topic_title
from service.permissions import Permission

blueprint = Blueprint("adoptions", __name__)
NAMED = 200
MAX_DIGITS = 18


@dataclass(frozen=True, slots=True)
class Looked:
    """What a decision would change, and whom of those that the reader may see."""

    found: AdoptionPreview
    people: list[Somebody]
    others: int


@blueprint.get("/adoptions")
def listed() -> str:
    """The copies that wait, and the latest that were decided about."""
    with reading() as session:
        waiting = queries.listed(session, actor())
        decided = queries.listed(session, actor(), decided=True)
    return render_template(
        "adoptions.html",
        who=g.signed_in,
        waiting=waiting,
        decided=decided,
        words=mapping_words,
        named=_named,
        timezone=_timezone(),
    )


@blueprint.get("/adoptions/<uuid:site_id>/<int:course_id>")
def show(site_id: UUID, course_id: int) -> str:
    """A copy: what it holds, what its original is, what it could be, and what was decided."""
    return _page((site_id, _number(course_id)))


@blueprint.post("/adoptions/<uuid:site_id>/<int:course_id>/preview")
def look(site_id: UUID, course_id: int) -> str | tuple[str, int]:
    """What a decision would change, before it is taken."""
    course = (site_id, _number(course_id))
    wanted, fault = _wanted(course)
    if wanted is None:
        return _page(course, fault), HTTPStatus.BAD_REQUEST
    try:
        looked = _looked(course, wanted)
    except AdoptionError as err:
        return _page(course, _fault(err), wanted), HTTPStatus.BAD_REQUEST
    return _page(course, wanted=wanted, looked=looked)


@blueprint.post("/adoptions/<uuid:site_id>/<int:course_id>")
def decide(site_id: UUID, course_id: int) -> Response | tuple[str, int]:
    """Decide what a copy is; the latest decision stands."""
    course = (site_id, _number(course_id))
    wanted, fault = _wanted(course)
    if wanted is None:
        return _page(course, fault), HTTPStatus.BAD_REQUEST
    here, decider = context(), by(request.form.get("reason", "").strip())
    try:
        if not decider.reason:
            looked = _looked(course, wanted)
            page = _page(course, wanted=wanted, looked=looked, why=mapping_words.fault("reason"))
            return page, HTTPStatus.BAD_REQUEST
        with Session(here.engine) as session, session.begin():
            queries.decide_as(session, actor(), course, wanted, decider)
    except AdoptionError as err:
        return _page(course, _fault(err), wanted), HTTPStatus.BAD_REQUEST
    wake(here.redis, QueueName.RECONCILE)
    return redirect(url_for("adoptions.show", site_id=site_id, course_id=course_id, done="decided"), 303)


def _looked(course: CourseKey, wanted: Wanted) -> Looked:
    here = context()
    with reading() as session:
        if not queries.reaches(session, actor(), course):
            raise AdoptionError("Not all of it is in scope.", "beyond")
    found = preview(here.engine, course, wanted, by(_("A look at what would change")))
    sees = may(Permission.SEE_PEOPLE)
    with reading() as session:
        people = people_of(session, sees, found.moved) if sees else []
    return Looked(found, people, len(found.moved) - len(people))


def _fault(err: AdoptionError) -> str:
    return mapping_words.fault(err.code)


def _named(places: list[Place]) -> str:
    """Communities by their titles."""
    return "; ".join(
        _(
            "%(topic)s, %(region)s (%(program)s)",
            topic=topic_title(one.program, one.topic),
            region=region_title(one.program, one.region),
            program=program_title(one.program),
        )
        for one in places
    )


def _number(course_id: object) -> int:
    """A Moodle id in the address; 404 for one that no column can hold."""
    number = int(str(course_id))
    if len(str(number)) > MAX_DIGITS:
        abort(404)
    return number


def _review(session: Session, who: Actor, course: CourseKey) -> Review:
    found = queries.looked_at(session, who, course)
    if found is None:
        abort(404)
    return found


def _wanted(course: CourseKey) -> tuple[Wanted | None, str]:
    """What the form says: the choice, and where its pairs differ from the proposed ones."""
    with reading() as session:
        found = _review(session, actor(), course)
    try:
        status = Status(request.form.get("choice", ""))
    except ValueError:
        return None, mapping_words.fault("choice")
    if status is not Status.CONTINUATION:
        return Wanted(status), ""
    put, taken = {}, set()
    for new in found.pairs.new:
        proposed = found.pairs.pairs.get(new)
        said = request.form.get(f"pair-{new}", str(proposed or ""))
        if not said and proposed:
            taken.add(new)
        elif said and said != str(proposed):
            if not (said.isascii() and said.isdecimal()) or int(said[:MAX_DIGITS]) not in found.pairs.old:
                return None, mapping_words.fault("pairs")
            put[new] = int(said)
    return Wanted(status, put, frozenset(taken)), ""


def _page(
    course: CourseKey, fault: str = "", wanted: Wanted | None = None, looked: Looked | None = None, why: str = ""
) -> str:
    with reading() as session:
        found = _review(session, actor(), course)
        whole = bool(queries.reaches(session, actor(), course))
    pairs = _pairs(found, wanted)
    return render_template(
        "adoption.html",
        who=g.signed_in,
        found=found,
        copy=found.adoption,
        whole=whole,
        pairs=pairs,
        choice=wanted.status if wanted else found.adoption.status,
        looked=looked,
        wanted=wanted,
        fault=fault,
        why=why,
        reason=request.form.get("reason", ""),
        done=mapping_words.DONE.get(request.args.get("done", "")),
        most=NAMED,
        words=mapping_words,
        named=_named,
        Status=Status,
        timezone=_timezone(),
    )


def _pairs(found: Review, wanted: Wanted | None) -> Pairs:
    """The pairs as they were chosen, as they were decided, or as they are proposed."""
    if wanted and wanted.status is Status.CONTINUATION:
        return found.pairs.changed(wanted.put, wanted.taken)
    if found.adoption.status is Status.CONTINUATION:
        decided = {new: old for new, old in found.decided.items() if new in found.pairs.new and old in found.pairs.old}
        return Pairs(found.pairs.new, found.pairs.old, decided)
    return found.pairs


def _timezone() -> str:
    with reading() as session:
        return queries.timezone(session, actor())
