"""What schools, teams, communities and programs achieve together: an overview, and a page of each."""

from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

from flask import Blueprint, abort, g, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName, wake
from mappings.program import version_at
from records import milestones as recording
from records.milestones import MilestoneError
from records.models import MilestoneRow
from records.programs import versions_by_program
from records.queries import milestone_overview, milestone_reach, milestone_subject
from records.queries.milestone_overview import Overview, Wanted, Why
from records.queries.milestone_reach import Asking, Reach
from records.queries.milestone_subject import Recorded, Subject
from service import milestone_words, session_words
from service.access import actor, may
from service.context import context
from service.explanations import requirement
from service.i18n import language_now
from service.pages.live import reading
from service.pages.milestone_form import Form, FormFault, Typed, line_of, offered, refused
from service.pages.milestone_rows import acts_address, address_of, columns, due, guidelines, place, rows
from service.pages.taking import form_id
from service.pages.titles import program_title, region_title
from service.permissions import Permission
from service.sentences import Teller

blueprint = Blueprint("milestones", __name__)
Page = str | tuple[str, int] | Response
BAD_REQUEST = 400


@blueprint.get("/milestones")
def show() -> str:
    """Who has reached what, and what is due next: a page of organisations or communities of one program."""
    now = context().clock()
    with reading() as session:
        programs = milestone_reach.programs(session, actor())
        asking = _asking(programs)
        if asking is None:
            return render_template("milestones.html", who=g.signed_in, asking=None, programs=programs)
        views, wanted = _views(asking), _wanted(asking)
        places = milestone_overview.regions(session, actor(), asking.id)
        found = milestone_overview.overview(session, actor(), asking, wanted, now)
    if found is None:
        abort(404)
    teller = Teller(found.program, found.program.timezone, language_now())
    told = rows(found, asking, teller)
    return render_template(
        "milestones.html",
        who=g.signed_in,
        programs=programs,
        asking=asking,
        views=views,
        wanted=wanted,
        regions=[
            (code, region_title(found.program, code)) for code in dict.fromkeys(region for region, _t, _i in places)
        ],
        communities=[(str(key), place(found.program, topic, region)) for region, topic, key in places],
        rows=told,
        columns=columns(told, found.program, teller),
        due=due(found, teller),
        late=[row for row in told if row.guidelines],
        address=lambda **other: _address(asking, wanted, **other),
        pages=_pages(asking, wanted, found),
        by_words=session_words.by,
        words=milestone_words,
        program_title=program_title,
    )


def asked_for(session: Session) -> tuple[Asking, Wanted] | None:
    """What the address narrows the overview down to, from its first page on; None where no program asks anything."""
    asking = _asking(milestone_reach.programs(session, actor()))
    return (asking, replace(_wanted(asking), after=None, before=None)) if asking else None


def _asking(programs: list[Asking]) -> Asking | None:
    code = request.args.get("program", "")
    found = next((one for one in programs if code in ("", one.program.program)), None)
    return found or (abort(404) if code else None)


def _views(asking: Asking) -> list[str]:
    """What the program has anything of: organisations, communities with their teams."""
    kinds = milestone_reach.kinds_asked(asking.program)
    found = ["organisation"] if "organisation" in kinds else []
    return found + (["community"] if kinds & {"community", "team"} or not found else [])


def _wanted(asking: Asking) -> Wanted:
    args = request.args
    views = _views(asking)
    of = next((view for view in views if view == args.get("of")), views[0])
    try:
        ids = {name: UUID(args[name]) for name in ("community", "after", "before") if args.get(name)}
    except ValueError:
        abort(404)
    return Wanted(of, args.get("region", "")[:40], organisation=args.get("organisation", "").strip()[:80], **ids)


def _address(asking: Asking, wanted: Wanted, **other: str | UUID | None) -> str:
    values: dict[str, str | UUID | None] = {
        "program": asking.program.program,
        "of": wanted.of,
        "region": wanted.region,
        "community": wanted.community,
        "organisation": wanted.organisation,
    }
    given = {name: str(value) for name, value in (values | other).items() if value}
    return url_for("milestones.show", **given)  # type: ignore[arg-type]


def _pages(asking: Asking, wanted: Wanted, found: Overview) -> tuple[str, str]:
    before = _address(asking, wanted, before=found.before) if found.before else ""
    return before, _address(asking, wanted, after=found.after) if found.after else ""


@blueprint.get("/milestones/<subject_kind>/<uuid:subject_id>")
def subject(subject_kind: str, subject_id: UUID) -> str:
    """What a team, organisation, community or program has reached, and what is recorded of it."""
    return _subject_page(subject_kind, subject_id)


@blueprint.post("/milestones/<subject_kind>/<uuid:subject_id>/record")
def record(subject_kind: str, subject_id: UUID) -> Page:
    """Record a milestone, or correct one."""
    here, typed = context(), Typed.of(request.form)
    try:
        with Session(here.engine) as session, session.begin():
            of = _theirs(session, subject_kind, subject_id)
            key, action = _record(session, of, typed)
            made = session.scalars(select(MilestoneRow.id).where(_current(key))).one()
    except FormFault as err:
        return _subject_page(subject_kind, subject_id, typed, {err.field: err.text}), BAD_REQUEST
    wake(here.redis, QueueName.RECONCILE)
    return redirect(address_of(subject_kind, subject_id, of.program_code, done=str(made), act=action), 303)


def _record(session: Session, of: Reach, typed: Typed) -> tuple[str, str]:
    """(Key, action) of what was recorded. Raises FormFault."""
    now = context().clock()
    program = version_at(versions_by_program(session)[of.program_id], now).program
    zone = ZoneInfo(of.community.timezone) if of.community else program.zone
    gatherings = {one.id: one for one in milestone_subject.gatherings(session, actor(), of, program)}
    line = line_of(typed, of, program, zone, gatherings, now)
    plan = recording.plan_milestones(session, [line], (), now)
    if plan.problems:
        raise refused(plan.problems[0].column, plan.problems[0].message)
    planned = plan.milestones[0]
    if (
        typed.correct
        and str(session.scalar(select(MilestoneRow.id).where(_current(planned.milestone.key)))) != typed.correct
    ):
        raise FormFault("milestone", milestone_words.fault("stale"))
    recording.apply_plan(session, plan, actor=actor())
    return planned.milestone.key, planned.action


def _current(key: str) -> ColumnElement[bool]:
    return (MilestoneRow.key == key) & MilestoneRow.superseded_at.is_(None)


@blueprint.post("/milestones/<subject_kind>/<uuid:subject_id>/withdraw")
def withdraw(subject_kind: str, subject_id: UUID) -> Page:
    """Take a milestone back."""
    return _turn(subject_kind, subject_id, "withdrawn")


@blueprint.post("/milestones/<subject_kind>/<uuid:subject_id>/restore")
def restore(subject_kind: str, subject_id: UUID) -> Page:
    """Have one stand again that was taken back."""
    return _turn(subject_kind, subject_id, "restored")


def _turn(kind: str, subject_id: UUID, action: str) -> Page:
    here, milestone_id = context(), form_id("milestone")
    act = recording.withdraw if action == "withdrawn" else recording.restore
    m = MilestoneRow
    try:
        with Session(here.engine) as session, session.begin():
            of = _theirs(session, kind, subject_id)
            mine = (m.subject_kind == of.kind, m.subject_id == of.id, m.program_id == of.program_id)
            key = session.scalar(select(m.key).where(m.id == milestone_id, *mine)) or abort(404)
            act(session, milestone_id, actor=actor())
            made = session.scalars(select(m.id).where(_current(key))).one()
    except MilestoneError:
        return _subject_page(kind, subject_id, stale=True), BAD_REQUEST
    wake(here.redis, QueueName.RECONCILE)
    return redirect(address_of(kind, subject_id, of.program_code, done=str(made), act=action), 303)


def _theirs(session: Session, kind: str, subject_id: UUID) -> Reach:
    """A subject that whoever asks records for: what isn't theirs is answered like what doesn't exist."""
    found = milestone_reach.reach(session, actor(), kind, subject_id, request.args.get("program", ""))
    if found is None or not milestone_reach.may_record(session, actor(), found.program_id, found.kind, found.id):
        abort(404)
    return found


def _subject_page(
    kind: str,
    subject_id: UUID,
    typed: Typed | None = None,
    faults: dict[str, str] | None = None,
    *,
    stale: bool = False,
) -> str:
    args = request.args if request.method == "GET" else {}
    seer, recorder = may(Permission.SEE_PEOPLE) or actor(), may(Permission.RECORD_MILESTONES)
    program = request.args.get("program", "")
    with reading() as session:
        of = milestone_reach.reach(session, seer, kind, subject_id, program) or abort(404)
        found = milestone_subject.of_subject(
            session, seer, of, context().clock(), everything="compute" in args, after=_id(args.get("after"))
        )
        records = recorder and milestone_reach.may_record(session, recorder, of.program_id, of.kind, of.id)
        offers = milestone_subject.gatherings(session, recorder, of, found.program) if records and recorder else []
    teller = Teller(found.program, found.timezone, language_now())
    names = {str(key): milestone_words.gathering(one) for key, one in found.gatherings.items()}
    form = _form(found, typed or Typed.of(args), faults or {}) if records else None
    return render_template(
        "milestone_subject.html",
        who=g.signed_in,
        found=found,
        title=_title(found),
        community=place(found.program, of.community.topic, of.community.region) if of.community else "",
        requirements=[requirement(o, teller, names) for o in found.together.outcomes] if found.together else [],
        guidelines=guidelines(found.together.notices, found.whys, teller) if found.together else [],
        waived=_waived(found, teller),
        cycles=milestone_words.cycles(found, teller),
        acts=_may_decide(found),
        entry=form,
        # Whose role records elsewhere is told why not here.
        not_theirs=bool(recorder) and not records,
        offers=[(str(one.id), _offer(found, one.topic, one.region, names[str(one.id)])) for one in offers],
        choices=[(one.milestone, milestone_words.choice(one, teller)) for one in offered(found.program, of.kind)],
        done=_done(found, args.get("done", "")),
        act=args.get("act", "") if args.get("act") in milestone_words.ACTIONS else "",
        stale=stale,
        today=context().clock().astimezone(ZoneInfo(found.timezone)).date().isoformat(),
        teller=teller,
        what=lambda row: milestone_words.what(row, teller, names),
        noticed=lambda notices: [(teller.notice(n.notice), teller.noticed(n)) for n in notices],
        place=lambda one: place(found.program, one.topic, one.region),
        address=lambda endpoint="milestones.subject", **more: address_of(
            of.kind, of.id, of.program_code, endpoint, **more
        ),
        address_of=lambda kind, key: address_of(kind, key, of.program_code),
        words=milestone_words,
        by_words=session_words.by,
        program_title=program_title,
    )


def _id(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        abort(404)


def _offer(found: Subject, topic: str, region: str, name: str) -> str:
    """A session to choose; with its community, where there are several."""
    return name if found.of.community else f"{name} · {place(found.program, topic, region)}"


def _title(found: Subject) -> str:
    of = found.of
    if of.kind == "community" and of.community:
        return place(found.program, of.community.topic, of.community.region)
    if of.kind == "program":
        return program_title(found.program)
    return found.name or (of.team.code if of.team else of.organisation.code if of.organisation else "")


def _may_decide(found: Subject) -> str:
    """Where to waive and explain; empty for who may not."""
    acts, of = may(Permission.ADJUST_HOURS), found.of
    if acts is None:
        return ""
    community = of.community
    reached = acts.reaches(of.program_code, community.region, community.id) if community else of.whole
    return acts_address(of.kind, of.id, of.program_code) if reached else ""


def _waived(found: Subject, teller: Teller) -> list[tuple[str, Why]]:
    codes = {one.requirement for one in found.program.requirements}
    return [(teller.requirement(code), why) for code, why in found.whys.items() if code in codes]


def _done(found: Subject, text: str) -> Recorded | None:
    """The milestone that was just recorded, taken back, or had stand again."""
    return next((one for one in found.recorded if str(one.row.id) == text), None)


def _form(found: Subject, typed: Typed, faults: dict[str, str]) -> Form:
    """The form as it was typed; of one to be corrected, what is recorded; of a new one, which it is about."""
    known = {one.milestone: one for one in offered(found.program, found.of.kind)}
    if typed.correct and not faults:
        again = next((one.row for one in found.recorded if str(one.row.id) == typed.correct), None)
        if again is None or again.code not in known:
            abort(404)
        typed = Typed.again(again, ZoneInfo(found.timezone))
    return Form(typed, known.get(typed.milestone), faults)
