"""Messages to participants: write one, look at who gets it, send it, and see what became of it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.letters import Letter
from records import nudges, opt_outs
from records.actor import in_scope
from records.merging import reaches
from records.models import Community, Site
from records.nudge_recipients import Channel, recipients
from records.nudges import MOST, NudgeError, NudgeFault, Order, Plan
from records.programs import newest, versions_by_program
from records.queries import nudges as queries
from records.queries.community import names_of
from records.queries.filter_choices import choices
from records.queries.filters import NOBODY, PeopleFilter, as_id
from records.sweeps import has_token
from service import nudge_words
from service.access import actor
from service.context import context
from service.i18n import NAMES, _
from service.pages import freshness, nudge_form
from service.pages.filtering import OF_PEOPLE, offered, told
from service.pages.live import if_changed, live_part, reading
from service.pages.nudge_form import Typed
from service.pages.titles import region_title, topic_title

blueprint = Blueprint("nudges", __name__)
Page = Response | tuple[str, int]
Told = TypeVar("Told", queries.Batch, queries.ToPerson)
SAMPLES = 3
"""Recipients for whom the text is shown filled in."""
NAMED = 50
"""Of those who are left out, so many are named."""
FAULTS_BY_NAME = {fault.name.lower(): fault for fault in NudgeFault}


@blueprint.get("/messages")
def listed() -> str:
    """What was sent, the latest first."""
    with reading() as session:
        found, more = queries.batches(session, actor(), as_id(request.args.get("after", "")))
        zone = _timezone(session)
        titled = _titled(session, found)
    after = url_for("nudges.listed", after=found[-1].id) if more else ""
    first = url_for("nudges.listed") if "after" in request.args else ""
    return render_template(
        "messages.html", who=g.signed_in, batches=titled, words=nudge_words, timezone=zone, pages=(first, after)
    )


@blueprint.get("/messages/new")
def compose() -> Page:
    """A ready-made text to begin with, and whom it is for."""
    whom = nudge_form.whom()
    with reading() as session:
        return _compose(session, whom, nudge_form.begun(_channels(session)))


@blueprint.post("/messages/preview")
def preview() -> Page:
    """Who gets it and who doesn't, and how it reads; nothing is sent by that."""
    whom = nudge_form.whom()
    with reading() as session:
        typed = nudge_form.typed(_channels(session))
        if typed.faults or "edit" in request.form:
            return _compose(session, whom, typed)
        return _preview(session, whom, typed)


@blueprint.post("/messages")
def send() -> Page:
    """Have it be sent, after a while in which it can be called off. The same form twice sends once."""
    here, whom, form = context(), nudge_form.whom(), nudge_form.form_id()
    with reading() as session:
        typed = nudge_form.typed(_channels(session))
        if typed.faults:
            return _compose(session, whom, typed)
    wanted = Order(form, typed.text, whom, nudge_form.shown(), here.settings.nudge_again_days)
    try:
        with Session(here.engine) as session, session.begin():
            nudge_id = nudges.order(session, actor(), wanted, here.clock())
    except NudgeError as err:
        with reading() as session:
            return _preview(session, whom, typed, err.fault)
    return redirect(url_for("nudges.show", nudge_id=nudge_id), 303)


@blueprint.get("/messages/<uuid:nudge_id>")
def show(nudge_id: UUID) -> str:
    """One batch: how far it is, and what became of each message."""
    fault = FAULTS_BY_NAME.get(request.args.get("fault", ""))
    with reading() as session:
        part = _part(session, nudge_id)[0]
        found = queries.batch(session, actor(), nudge_id)
        title = _titled(session, [found])[0][1] if found else ""
        fresh = freshness.of_page(session)
    return render_template(
        "message.html",
        who=g.signed_in,
        part=part,
        fresh=fresh,
        batch=found,
        title=title,
        filed=found is not None and _to_files(found.channel),
        fault=_(nudge_words.FAULTS[fault]) if fault else "",
        words=nudge_words,
    )


@blueprint.get("/messages/<uuid:nudge_id>/live")
def live(nudge_id: UUID) -> Response | str:
    """The part of the page that changes, if it did."""
    with reading() as session:
        return if_changed(_part(session, nudge_id))


@blueprint.post("/messages/<uuid:nudge_id>/call-off")
def call_off(nudge_id: UUID) -> Response:
    """Send no more of it."""
    return _act(nudge_id, nudges.call_off)


@blueprint.post("/messages/<uuid:nudge_id>/again")
def again(nudge_id: UUID) -> Response:
    """Send those again that failed, and those of which nobody knows."""
    return _act(nudge_id, nudges.send_again)


@blueprint.get("/people/<uuid:person_id>/messages")
def of_person(person_id: UUID) -> Page:
    """What was sent to a person, and whether he or she wants messages."""
    return _of_person(person_id)


@blueprint.post("/people/<uuid:person_id>/messages")
def say(person_id: UUID) -> Page:
    """Have a person get no messages, or get them again."""
    wants, note = request.form.get("wants", ""), request.form.get("note", "").strip()
    if wants not in ("none", "again"):
        abort(400)
    if not note:
        return _of_person(person_id, _("Say why, such as who asked for it: it is kept with your name."))
    try:
        with Session(context().engine) as session, session.begin():
            if not reaches(session, person_id, actor()):
                abort(404)
            opt_outs.say(session, actor(), person_id, stands=wants == "none", note=note)
    except opt_outs.TheirOwn:
        return _of_person(person_id, _("Only the person can take this back."))
    return redirect(url_for("nudges.of_person", person_id=person_id), 303)


def _act(nudge_id: UUID, act: Callable[..., int]) -> Response:
    here, fault = context(), None
    try:
        with Session(here.engine) as session, session.begin():
            act(session, actor(), nudge_id, here.clock())
    except NudgeError as err:
        if err.fault is NudgeFault.NOT_THERE:
            abort(404)
        fault = err.fault.name.lower()
    return redirect(url_for("nudges.show", nudge_id=nudge_id, fault=fault), 303)


def _channels(session: Session) -> tuple[Channel, ...]:
    """How messages can go here: by a Moodle site that there is a token for, and by mail where it goes anywhere."""
    found = (Channel.MOODLE,) if session.scalar(select(Site.id).where(has_token(Site.id)).limit(1)) else ()
    return (*found, Channel.MAIL) if context().settings.sends_mail else found


def _to_files(channel: str = Channel.MAIL) -> bool:
    """Whether what goes by this channel ends in a file: no mail server is set."""
    return channel == Channel.MAIL and not context().settings.smtp_host


def _titled(session: Session, found: Sequence[Told]) -> list[tuple[Told, str]]:
    """Messages with what each is called."""
    places = [one.place for one in found if one.place]
    programs = versions_by_program(session) if places else {}
    titles = {}
    for place in places:
        program = newest(programs[place[0]])
        titles[place] = f"{topic_title(program, place[2])}, {region_title(program, place[1])}"
    told = []
    for one in found:
        many = one.communities if isinstance(one, queries.Batch) else 1
        called = titles[one.place] if one.place else ""
        told.append((one, nudge_words.heading(one.subject, one.template, many, called)))
    return told


def _query(whom: PeopleFilter) -> list[tuple[str, str]]:
    """Whom it is for, as it stands in an address."""
    return [*whom.values().items(), *(("membership", str(one)) for one in sorted(whom.memberships))]


def _about(session: Session, whom: PeopleFilter) -> dict[str, Any]:
    """What every page on the way says of whom it is for."""
    chosen = told(offered(choices(session, actor(), actor()), whom, OF_PEOPLE))
    if whom.q:
        chosen.append(_("Search: “%(words)s”", words=whom.q))
    if whom.community:
        chosen += _community(session, whom.community)
    query = _query(whom)
    return {
        "whom": chosen,
        "ticked": len(whom.memberships - {NOBODY}),
        "fields": query,
        "query": urlencode(query),
        "words": nudge_words,
        "who": g.signed_in,
    }


def _community(session: Session, community: str) -> list[str]:
    """The one community that is asked for, by its titles; nothing for one out of scope."""
    row = session.scalars(select(Community).where(Community.id == as_id(community), in_scope(actor()))).one_or_none()
    if row is None:
        return []
    program = newest(versions_by_program(session)[row.program_id])
    return [f"{topic_title(program, row.topic)}, {region_title(program, row.region)}"]


def _compose(session: Session, whom: PeopleFilter, typed: Typed) -> tuple[str, int]:
    matches = session.scalar(select(func.count()).select_from(whom.found(actor()).subquery())) or 0
    page = render_template(
        "message_new.html",
        typed=typed,
        matches=matches,
        files=Channel.MAIL in _channels(session) and _to_files(),
        channels=[(str(one), nudge_words.channel(one)) for one in _channels(session)],
        templates=[(str(one), nudge_words.title(one)) for one in nudge_words.TITLES],
        languages_known=list(NAMES.items()),
        placeholders=[(name, _(about)) for name, about in nudge_words.PLACEHOLDERS.items()],
        most={"subject": nudge_words.SUBJECT_LENGTH, "body": nudge_words.BODY_LENGTH},
        **_about(session, whom),
    )
    return page, HTTPStatus.BAD_REQUEST if typed.faults else HTTPStatus.OK


def _preview(session: Session, whom: PeopleFilter, typed: Typed, fault: NudgeFault | None = None) -> tuple[str, int]:
    here = context()
    try:
        plan = nudges.plan(session, actor(), whom, typed.text, here.settings.nudge_again_days, here.clock())
    except NudgeError as err:
        too_many = {"channel": _(nudge_words.FAULTS[err.fault], most=MOST)}
        return _compose(session, whom, replace(typed, faults=too_many))
    page = render_template(
        "message_preview.html",
        typed=typed,
        plan=plan,
        samples=_samples(session, plan, typed),
        left_out=_named(session, plan),
        fault=_(nudge_words.FAULTS[fault], most=MOST) if fault else "",
        form=nudge_form.new_form(),
        again_days=here.settings.nudge_again_days,
        filed=_to_files(typed.channel),
        **_about(session, whom),
    )
    return page, HTTPStatus.CONFLICT if fault else HTTPStatus.OK


def _named(session: Session, plan: Plan) -> list[tuple[tuple[UUID, str, int] | None, str]]:
    """Who is left out, with the reason."""
    out = plan.left_out[:NAMED]
    names = queries.named(session, [one for one, _why in out])
    return [(names.get(one), nudge_words.why(why)) for one, why in out]


def _samples(session: Session, plan: Plan, typed: Typed) -> list[tuple[str, Letter]]:
    here = context()
    found = recipients(session, plan.to[:SAMPLES], here.clock())
    contact = nudges.contact_of(session, actor().name)[0]
    letters = []
    for to in found.values():
        # The real one is in nobody's hands but the recipient's.
        stop = f"{here.settings.public_url.rstrip('/')}/stop/…"
        letters.append((to.name, nudge_words.write(to, typed.text, contact, stop)))
    return letters


def _part(session: Session, nudge_id: UUID) -> tuple[Markup, str]:
    state, after = request.args.get("state", ""), as_id(request.args.get("after", ""))
    found = queries.batch(session, actor(), nudge_id)
    if found is None:
        abort(404)
    messages, more = queries.messages(session, actor(), nudge_id, state, after)
    asked = {name: value for name, value in (("state", state), ("after", str(after or ""))) if value}
    may_call_off, may_send = queries.may_change(session, actor(), nudge_id)
    return live_part(
        "parts/message.html",
        url_for("nudges.live", nudge_id=nudge_id, **asked),  # type: ignore[arg-type]
        batch=found,
        filed=_to_files(found.channel),
        messages=messages,
        state=state,
        states=[(one, nudge_words.state(one), found.counts[one]) for one in queries.STATES if found.counts.get(one)],
        may_call_off=may_call_off,
        may_send=may_send,
        pages=(
            url_for("nudges.show", nudge_id=nudge_id, state=state) if after else "",
            url_for("nudges.show", nudge_id=nudge_id, state=state, after=messages[-1].id) if more else "",
        ),
        words=nudge_words,
        timezone=_timezone(session),
    )


def _of_person(person_id: UUID, fault: str = "") -> tuple[str, int]:
    with reading() as session:
        if not reaches(session, person_id, actor()):
            abort(404)
        name, account = names_of(session, [person_id]).get(person_id, ("", 0))
        page = render_template(
            "person_messages.html",
            who=g.signed_in,
            person_id=person_id,
            whose={"name": name, "account": account},
            messages=_titled(session, queries.of_person(session, actor(), person_id)),
            files=_to_files(),
            wish=opt_outs.of_person(session, person_id),
            fault=fault,
            note=request.form.get("note", ""),
            words=nudge_words,
            timezone=_timezone(session),
        )
    return page, HTTPStatus.BAD_REQUEST if fault else HTTPStatus.OK


def _timezone(session: Session) -> str:
    """The time zone of most that is looked after here."""
    c = Community
    return session.scalar(select(c.timezone).group_by(c.timezone).order_by(func.count().desc()).limit(1)) or "UTC"
