"""What can be decided about a membership, a community, a team, an organisation or a program: seen first, then done."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from mappings.earning import Subject as SubjectKind
from records.deciding import DecisionError
from records.decision_faults import Why
from records.models import Decision
from records.queries import acts as queries
from records.queries.acts import Choice, OfMembership, OfSubject
from service import wording
from service.access import actor, by
from service.context import context
from service.i18n import _, language_now
from service.pages import act_forms, act_words, taking
from service.pages.act_forms import Typed
from service.pages.live import reading
from service.pages.taking import Preview
from service.pages.titles import program_title, region_title, topic_title
from service.sentences import Teller

blueprint = Blueprint("acts", __name__)
Page = str | tuple[str, int] | Response
BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in which form, beside which field."""

    act: str
    field: str
    text: str
    unless_meant: UUID | None = None
    """The decision that is taken back once somebody says that this is meant."""


@blueprint.get("/memberships/<uuid:membership_id>/acts")
def show(membership_id: UUID) -> Page:
    """Everything that can be done about a membership, and what was decided."""
    found = _membership(membership_id)
    if found.membership_id != membership_id:
        return redirect(url_for("acts.show", membership_id=found.membership_id))
    return _page(found)


@blueprint.post("/memberships/<uuid:membership_id>/acts/adjust")
def adjust(membership_id: UUID) -> Page:
    """Give or take minutes."""
    return _about(membership_id, "adjust")


@blueprint.post("/memberships/<uuid:membership_id>/acts/report")
def report(membership_id: UUID) -> Page:
    """Enter hours that a participant reports."""
    return _about(membership_id, "report")


@blueprint.post("/memberships/<uuid:membership_id>/acts/waive")
def waive(membership_id: UUID) -> Page:
    """Have a requirement not be asked."""
    return _about(membership_id, "waive")


@blueprint.post("/memberships/<uuid:membership_id>/acts/explain")
def explain(membership_id: UUID) -> Page:
    """Record why a guideline isn't kept."""
    return _about(membership_id, "explain")


@blueprint.post("/memberships/<uuid:membership_id>/acts/transfer")
def transfer(membership_id: UUID) -> Page:
    """Have the hours of another membership add up in this one."""
    return _about(membership_id, "transfer")


@blueprint.post("/memberships/<uuid:membership_id>/acts/undo")
def undo(membership_id: UUID) -> Page:
    """Take a decision about a membership back."""
    found = _membership(membership_id)
    known = {line.row.id for line in found.decisions}
    return _undo(
        known, lambda fault: _page(found, fault=fault), url_for("acts.show", membership_id=found.membership_id)
    )


@blueprint.get("/acts/<subject_kind>/<uuid:subject_id>")
def subject(subject_kind: str, subject_id: UUID) -> str:
    """What can be waived or explained of a community, team, organisation or program, and what was."""
    return _subject_page(_subject(subject_kind, subject_id))


@blueprint.post("/acts/<subject_kind>/<uuid:subject_id>/waive")
def waive_subject(subject_kind: str, subject_id: UUID) -> Page:
    """Have a requirement not be asked of it."""
    return _about_subject(_subject(subject_kind, subject_id), "waive")


@blueprint.post("/acts/<subject_kind>/<uuid:subject_id>/explain")
def explain_subject(subject_kind: str, subject_id: UUID) -> Page:
    """Record why it doesn't keep a guideline."""
    return _about_subject(_subject(subject_kind, subject_id), "explain")


@blueprint.post("/acts/<subject_kind>/<uuid:subject_id>/undo")
def undo_subject(subject_kind: str, subject_id: UUID) -> Page:
    """Take a waiver or rationale back."""
    found = _subject(subject_kind, subject_id)
    known = {line.row.id for line in found.decisions}

    def again(fault: Fault) -> tuple[str, int]:
        return _subject_page(found, fault=fault), BAD_REQUEST

    return _undo(known, again, _subject_address(found))


def _membership(membership_id: UUID) -> OfMembership:
    with reading() as session:
        found = queries.of_membership(session, actor(), membership_id, context().clock())
    return found or abort(404)


def _subject(kind: str, subject_id: UUID) -> OfSubject:
    if kind not in act_words.SUBJECTS:
        abort(404)
    program = request.args.get("program", "")
    with reading() as session:
        found = queries.of_subject(session, actor(), cast(SubjectKind, kind), subject_id, program, context().clock())
    return found or abort(404)


def _subject_address(found: OfSubject, endpoint: str = "acts.subject", **more: str) -> str:
    more |= {"program": found.program.program} if found.kind == "organisation" else {}
    return url_for(endpoint, subject_kind=found.kind, subject_id=found.id, **more)  # type: ignore[arg-type]


def _about(membership_id: UUID, name: str) -> Page:
    """A form about a membership was sent."""
    found, typed = _membership(membership_id), Typed.of(request.form)
    again = url_for("acts.show", membership_id=found.membership_id)

    def act() -> act_forms.Act:
        made = act_forms.of_membership(name, found.membership_id, typed, found.program, found.timezone)
        if name != "transfer":
            return made
        source = next((one for one in found.elsewhere if str(one.membership_id) == typed["source"]), None)
        if source is None:
            raise DecisionError("Another membership of the person is chosen.", Why.SAME)
        made.told.append((_("From"), _place(found, source.topic, source.region)))
        return made

    return _take(
        name, typed, act, again, lambda fault: _page(found, typed, fault), lambda seen: _seen(found, typed, seen)
    )


def _about_subject(found: OfSubject, name: str) -> Page:
    """A form about another subject was sent."""
    typed, teller = Typed.of(request.form), Teller(found.program, found.timezone, language_now())

    def act() -> act_forms.Act:
        return act_forms.of_subject(name, (found.kind, found.id), found.program_id, typed, teller)

    def again(fault: Fault | None) -> Page:
        page = _subject_page(found, typed, fault)
        return (page, BAD_REQUEST) if fault else page

    return _take(name, typed, act, _subject_address(found), again, lambda seen: _subject_seen(found, typed, seen))


def _take(
    name: str,
    typed: Typed,
    act: Callable[[], act_forms.Act],
    address: str,
    again: Callable[[Fault | None], Page],
    seen: Callable[[Preview], str],
) -> Page:
    """Preview an act, or take it, and lead to `address`; `again`: the form once more, with what is wrong; `seen`: the
    preview's page."""
    step = taking.step()
    if step == taking.EDIT:
        return again(None)
    try:
        if step == taking.PREVIEW:
            return seen(taking.preview(act(), typed["reason"]))
        taken = taking.take(act(), typed["reason"])
    except DecisionError as err:
        return again(Fault(name, act_words.FIELDS.get(err.why, ""), act_words.fault(err)))
    if isinstance(taken, Preview):
        return seen(taken)
    return redirect(f"{address}{'&' if '?' in address else '?'}done={taken}", 303)


def _undo(known: set[UUID], again: Callable[[Fault], Page], address: str) -> Page:
    """Take one of the decisions back that are listed on the page."""
    decision_id, here = taking.form_id("decision"), context()
    if decision_id not in known:
        abort(404)
    try:
        with Session(here.engine) as session, session.begin():
            if session.get_one(Decision, decision_id).kind not in act_words.UNDOABLE:
                abort(404)
            decider = by(request.form.get("reason", ""))
            taking.undo(session, decision_id, decider, below_zero="meant" in request.form)
    except DecisionError as err:
        asked = decision_id if err.why is Why.BELOW_ZERO else None
        return again(Fault("undo", "", act_words.fault(err), asked))
    wake(here.redis, QueueName.RECONCILE)
    return redirect(f"{address}{'&' if '?' in address else '?'}undone=1", 303)


def _place(found: OfMembership | OfSubject, topic: str, region: str) -> str:
    return f"{topic_title(found.program, topic)}, {region_title(found.program, region)}"


def _page(found: OfMembership, typed: Typed | None = None, fault: Fault | None = None) -> Page:
    page = render_template(
        "acts.html",
        found=found,
        community=_place(found, found.topic, found.region),
        sources=[(one.membership_id, _place(found, one.topic, one.region)) for one in found.elsewhere],
        today=context().clock().astimezone(found.program.zone).date().isoformat(),
        limit=found.program.adjustments.approval_above_minutes,
        **_shared(found, typed, fault),
    )
    return (page, BAD_REQUEST) if fault else page


def _subject_page(found: OfSubject, typed: Typed | None = None, fault: Fault | None = None) -> str:
    return render_template(
        "acts_subject.html",
        found=found,
        title=subject_title(found),
        community=_place(found, found.topic, found.region) if found.community_id else "",
        address=lambda endpoint: _subject_address(found, endpoint),
        **_shared(found, typed, fault),
    )


def subject_title(found: OfSubject) -> str:
    """What a subject is called."""
    if found.kind == "community":
        return _place(found, found.topic, found.region)
    return program_title(found.program) if found.kind == "program" else found.code


def _shared(found: OfMembership | OfSubject, typed: Typed | None, fault: Fault | None) -> dict[str, object]:
    """What the pages of both have in common."""
    teller = Teller(found.program, found.timezone, language_now())
    done = request.args.get("done", "") if request.method == "GET" else ""
    return {
        "who": g.signed_in,
        "typed": typed.values if typed else dict.fromkeys(act_forms.NAMES, ""),
        "of": fault.act if fault else request.form.get("of", ""),
        "fault": fault,
        "done": next((line for line in found.decisions if str(line.row.id) == done), None),
        "undone": request.method == "GET" and "undone" in request.args,
        "words": act_words,
        "topic_title": topic_title,
        "region_title": region_title,
        "named": lambda codes: [(code, wording.component(code)) for code in codes],
        "required_options": lambda choices: [(one.code, _stands(teller.requirement(one.code), one)) for one in choices],
        "noticed_options": lambda choices: [(one.code, _stands(teller.notice(one.code), one)) for one in choices],
    }


def _stands(title: str, choice: Choice) -> str:
    """A requirement or guideline, and how it stands."""
    status = act_words.requirement_status(choice.status)
    return _("%(title)s (now: %(status)s)", title=title, status=status) if status else title


def _seen(found: OfMembership, typed: Typed, preview: Preview) -> str:
    place = _place(found, found.topic, found.region)
    crumbs = [
        (_("People"), url_for("people.show")),
        (place, url_for("community.show", community_id=found.community_id)),
        (_name(found), url_for("person.show", person_id=found.person_id)),
        (_("Decisions"), url_for("acts.show", membership_id=found.membership_id)),
    ]
    address = url_for(f"acts.{preview.act.name}", membership_id=found.membership_id)
    return _preview(found, typed, preview, crumbs, address, f"{_name(found)}, {place}")


def _subject_seen(found: OfSubject, typed: Typed, preview: Preview) -> str:
    crumbs = [(subject_title(found), _subject_address(found))]
    address = _subject_address(found, f"acts.{preview.act.name}_subject")
    return _preview(found, typed, preview, crumbs, address, subject_title(found))


def _preview(
    found: OfMembership | OfSubject,
    typed: Typed,
    preview: Preview,
    crumbs: list[tuple[str, str]],
    address: str,
    whose: str,
) -> str:
    return render_template(
        "acts_preview.html",
        who=g.signed_in,
        preview=preview,
        title=_(act_words.ACTS[preview.act.name]),
        typed=typed.values,
        crumbs=crumbs,
        address=address,
        whose=whose,
        teller=Teller(found.program, found.timezone, language_now()),
        words=act_words,
        requirement_codes={one.requirement for one in found.program.requirements},
        membership=found.membership_id if isinstance(found, OfMembership) else None,
    )


def _name(found: OfMembership) -> str:
    return found.name or _("Moodle user %(id)s", id=found.account)
