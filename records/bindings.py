"""Proposed changes of what an activity earns: how many credited minutes each would move, and the decision."""

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.credit import credits_of
from mappings.facts import Activity, Fact, Hours
from mappings.matching import HoursRefused, hours_refused
from records import answers, audit
from records.actor import Actor
from records.continuing import goes_on_with
from records.mirror import side_by_side
from records.models import (
    Account,
    Binding,
    Community,
    CommunityCourse,
    Decision,
    FactRow,
    Membership,
    MirrorModule,
    uuid7,
)
from records.module_forms import activity_of, decide_bindings
from records.programs import versions_by_program
from records.surroundings import item_of


class BindingError(Exception):
    """A proposal can't be decided; the message says why."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A form of an activity that would earn something else than the form that counts now."""

    id: UUID
    site_id: UUID
    course_id: int
    module_id: int
    since: datetime
    now: Activity
    now_rule: str | None
    now_hours: Hours | None
    """What a form declares and the program takes; None: the rule says what it earns."""
    then: Activity
    then_rule: str | None
    then_hours: Hours | None
    members: int
    """Memberships with a fact of this activity."""
    minutes_before: int
    minutes_after: int
    """Credited minutes of those memberships in all, as it is and as it would be."""


@dataclass(frozen=True, slots=True)
class RefusedHours:
    """Hours in Moodle that a program never takes, and why."""

    site_id: UUID
    course_id: int
    module_id: int
    activity: Activity
    program: str
    hours: Hours
    why: HoursRefused


def refused_hours(session: Session) -> list[RefusedHours]:
    """The hours of activities in communities that the newest version of their program looks at and never takes."""
    m, c = MirrorModule, CommunityCourse
    rows = session.execute(
        select(m, Community.program_id)
        .join(c, (c.site_id == m.site_id) & (c.course_id == m.course_id))
        .join(Community, Community.id == c.community_id)
        .where(m.present, m.minutes.is_not(None))
        .distinct()
        .order_by(m.site_id, m.course_id, m.module_id, Community.program_id)
    ).all()
    newest = {of: versions[-1].program for of, versions in versions_by_program(session).items()} if rows else {}
    found = []
    for module, program_id in rows:
        program, activity = newest[program_id], activity_of(module)
        hours = activity.declared
        if hours is None or program.hours_from_moodle.take == "ignore":
            continue
        why = hours_refused(program, activity, hours)
        if why:
            place = (module.site_id, module.course_id, module.module_id)
            found.append(RefusedHours(*place, activity, program.program, hours, why))
    return found


def proposals(session: Session, now: datetime) -> list[Proposal]:
    """Every proposal that waits for staff, with what accepting it would change."""
    rows = session.scalars(
        select(Binding).where(Binding.status == "proposed").order_by(Binding.basis_as_of, Binding.id)
    )
    return [_proposal(session, binding, now) for binding in rows.all()]


@dataclass(frozen=True, slots=True)
class Move:
    """A membership with a fact of an activity: its credited minutes in all, as it is and as it would be."""

    membership_id: UUID
    person_id: UUID
    community_id: UUID
    before: int
    after: int


def moves(session: Session, binding: Binding, now: datetime) -> list[Move]:
    """What accepting a proposed form would do to each membership in which the activity counts."""
    members = _members(session, binding)
    found = []
    for start in range(0, len(members), answers.AT_ONCE):
        for item in answers.inputs_of(session, members[start : start + answers.AT_ONCE]):
            m = item.membership
            minutes = _minutes(item, now), _minutes(_as_if(item, binding), now)
            found.append(Move(m.id, m.person_id, m.community_id, *minutes))
    return found


def _proposal(session: Session, binding: Binding, now: datetime) -> Proposal:
    active, then = _active(session, binding), activity_of(binding)
    counts = activity_of(active) if active else replace(then, hours=None)
    moved = moves(session, binding, now)
    return Proposal(
        id=binding.id,
        site_id=binding.site_id,
        course_id=binding.course_id,
        module_id=binding.module_id,
        since=binding.basis_as_of,
        now=counts,
        now_rule=active.rule if active else None,
        now_hours=counts.hours,
        then=then,
        then_rule=binding.rule,
        then_hours=then.hours,
        members=len(moved),
        minutes_before=sum(move.before for move in moved),
        minutes_after=sum(move.after for move in moved),
    )


def _active(session: Session, binding: Binding) -> Binding | None:
    """The form that counts now. None: the activity earns nothing, whatever form it has."""
    same = (Binding.site_id == binding.site_id, Binding.module_id == binding.module_id)
    return session.scalars(select(Binding).where(*same, Binding.status == "active")).one_or_none()


def _members(session: Session, binding: Binding) -> list[UUID]:
    """The memberships in which a completion of the activity counts, or of one that goes on with it."""
    modules = goes_on_with(session, (binding.site_id, binding.module_id))
    of_module = (FactRow.site_id == binding.site_id, FactRow.module_id.in_(modules))
    found = session.scalars(
        select(Membership.id)
        .distinct()
        .join(Account, Account.person_id == Membership.person_id)
        .join(FactRow, FactRow.account_id == Account.id)
        .join(
            CommunityCourse,
            (CommunityCourse.community_id == Membership.community_id)
            & (CommunityCourse.site_id == FactRow.site_id)
            & (CommunityCourse.course_id == FactRow.course_id),
        )
        .where(*of_module, FactRow.kind == "completion", FactRow.superseded_at.is_(None))
        .order_by(Membership.id)
    )
    return list(found)


def _as_if(item: answers.Inputs, binding: Binding) -> answers.Inputs:
    """The inputs as they would be if the binding's form counted."""
    named, form = item_of(binding.site_id, binding.module_id), activity_of(binding)
    return replace(item, facts=[as_form(f, form) if f.item == named else f for f in item.facts])


def as_form(fact: Fact, form: Activity) -> Fact:
    """A fact as if another form of its activity counted. What Moodle's form declares is what it is."""
    return replace(fact, activity=replace(form, declared=fact.activity.declared if fact.activity else None))


def _minutes(item: answers.Inputs, now: datetime) -> int:
    return sum(credit.minutes for credit in credits_of(answers.answer(item, now).lines))


def accept(session: Session, binding_id: UUID, *, actor: Actor, role: str, reason: str, now: datetime) -> None:
    """Have the proposed form count from now on, for facts of any date. Raises BindingError."""
    proposed = _proposed(session, binding_id)
    _decided(session, proposed, proposed, actor, role, reason, now)


def reject(session: Session, binding_id: UUID, *, actor: Actor, role: str, reason: str, now: datetime) -> None:
    """Have the form that counts now go on counting, and propose this one no more. Raises BindingError."""
    proposed = _proposed(session, binding_id)
    proposed.status = "rejected"
    session.flush()
    _decided(session, proposed, _active(session, proposed), actor, role, reason, now)


def still_waits(session: Session, binding_id: UUID) -> bool:
    """Whether a change waits for a decision; until the transaction ends nobody else decides about it."""
    try:
        _proposed(session, binding_id)
    except BindingError:
        return False
    return True


def _proposed(session: Session, binding_id: UUID) -> Binding:
    module = session.execute(select(Binding.site_id, Binding.module_id).where(Binding.id == binding_id)).one_or_none()
    if module is None:
        raise BindingError(f"There is no change {binding_id}: see `copbridge binding list`.")
    # Who completes the activity while its form changes finds either the one or the other, and is marked.
    side_by_side(session, [module.site_id], alone=True)
    # The module's row first: whoever decides about its forms takes that lock, too.
    session.execute(
        select(MirrorModule.module_id)
        .where(MirrorModule.site_id == module.site_id, MirrorModule.module_id == module.module_id)
        .with_for_update()
    )
    binding = session.get_one(Binding, binding_id, populate_existing=True)
    if binding.status != "proposed":
        raise BindingError(f"The change {binding_id} doesn't wait for a decision: it is '{binding.status}'.")
    return binding


def _decided(
    session: Session, proposed: Binding, counts: Binding | None, actor: Actor, role: str, reason: str, now: datetime
) -> None:
    """Write the decision that `counts` is the form that counts, and bring the bindings in line with it. None: as
    before, no form does."""
    if not reason.strip():
        raise BindingError("A decision needs a reason.")
    decision = Decision(
        kind="binding",
        actor=actor.name,
        actor_role=role,
        reason=reason.strip(),
        data={
            "binding": str(counts.id) if counts else None,
            "module": f"{proposed.site_id}:{proposed.module_id}",
            "proposed": str(proposed.id),
        },
        decided_at=now,
        correlation_id=uuid7(),
    )
    session.add(decision)
    session.flush()
    proposed.decision_id = decision.id
    session.flush()
    decide_bindings(session, [(proposed.site_id, proposed.module_id)])
    action = "binding.accepted" if proposed is counts else "binding.rejected"
    after = {"decision": str(decision.id), "counts": decision.data["binding"]}
    audit.record(session, actor, action, str(proposed.id), after=after)
