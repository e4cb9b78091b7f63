"""Take a decision in a page: see what it would move, then take it, only if it still moves that; once, if sent twice."""

import hashlib
from dataclasses import dataclass, replace
from uuid import UUID

from flask import abort, request
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs.queues import QueueName, wake
from records import deciding, effects
from records.actor import Actor, in_scope
from records.deciding import By, DecisionError, Draft
from records.decision_faults import Why
from records.effects import Effect
from records.keys import among
from records.models import Community, Decision, uuid7
from records.programs import newest, versions_by_program
from service.access import by
from service.context import context
from service.pages.act_forms import Act
from service.pages.titles import region_title, topic_title

PREVIEW, DO, EDIT = "preview", "do", "edit"
STEPS = (PREVIEW, DO, EDIT)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a decision would move. `digest`: the same while it would move the same. `once`: the id that it will have.
    `waits`: it counts when somebody else has approved it. `changed`: something moved since it was looked at."""

    act: Act
    moved: Effect
    elsewhere: int
    """How many memberships out of the actor's scope it would move, too."""
    digest: str
    once: UUID
    waits: bool
    changed: bool = False


def step() -> str:
    """Whether the form asks for a preview, for the decision itself, or to be filled in once more."""
    wanted = request.form.get("step", PREVIEW)
    return wanted if wanted in STEPS else PREVIEW


def form_id(name: str) -> UUID:
    """An id in the form; 404 for what is none, like for what isn't there."""
    try:
        return UUID(request.form.get(name, ""))
    except ValueError:
        abort(404)


def preview(act: Act, reason: str) -> Preview:
    """What an act would move. Nothing of it is kept. Raises DecisionError."""
    decider = by(reason)
    # Not a reading: it is carried out, looked at, and left without a commit.
    with Session(context().engine) as session:
        _decision, moved, draft = _carry_out(session, act, decider, None)
        return _preview(session, act, moved, draft, decider, changed=False)


def take(act: Act, reason: str) -> UUID | Preview:
    """Take a decision; its id, or a preview, where it would move something else by now than what was looked at.
    Raises DecisionError."""
    once, digest, here = form_id("once"), request.form.get("digest", ""), context()
    decider = by(reason)
    with Session(here.engine) as session:
        # The same form twice at once: the second one waits for what became of the first.
        session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"decision:{once}", 0))))
        earlier = session.get(Decision, once)
        if earlier:
            return _taken(earlier, decider)
        decision, moved, draft = _carry_out(session, act, decider, once)
        if _digest(moved) != digest:
            return _preview(session, act, moved, draft, decider, changed=True)
        differing = {one.membership_id: (one.before, one.after) for one in moved.moved}
        effects.keep(session, decider.actor, differing, decision)
        session.commit()
    wake(here.redis, QueueName.RECONCILE)
    return decision


def _preview(session: Session, act: Act, moved: Effect, draft: Draft, decider: By, *, changed: bool) -> Preview:
    waits = deciding.waits_for_approval(session, draft, decider.now)
    seen, elsewhere = _in_scope(session, decider.actor, moved)
    return Preview(act, seen, elsewhere, _digest(moved), uuid7(), waits, changed)


def undo(session: Session, decision_id: UUID, decider: By, *, below_zero: bool = False) -> UUID:
    """Take a decision back, with what that moves in the audit trail. Raises DecisionError, without `below_zero` also
    where a total would be less than nothing by it."""
    return effects.settle(session, deciding.undo(session, decision_id), decider, below_zero=below_zero)


def _taken(earlier: Decision, decider: By) -> UUID:
    """The form came twice: it was done the first time."""
    if earlier.actor != decider.actor.name:
        raise DecisionError("That was decided by somebody else.", Why.OTHER)
    return earlier.id


def _carry_out(session: Session, act: Act, decider: By, once: UUID | None) -> tuple[UUID, Effect, Draft]:
    if not decider.reason.strip():
        raise DecisionError("A decision needs a reason.", Why.NO_REASON)
    draft = act.draft(session, decider)
    was = effects.before(session, draft, decider.now)
    decision = deciding.write(session, draft, decider, once)
    return decision, effects.effect(session, draft, was, decider.now), draft


def _digest(moved: Effect) -> str:
    return hashlib.sha256(repr(moved).encode()).hexdigest()[:32]


def _in_scope(session: Session, who: Actor, moved: Effect) -> tuple[Effect, int]:
    """An effect with what lies in the actor's scope alone, each community by its titles, and how many other
    memberships it moves."""
    communities = select(Community).where(among(Community.id, {m.community_id for m in moved.moved}), in_scope(who))
    versions, places = versions_by_program(session), dict[UUID, str]()
    for place in session.scalars(communities):
        program = newest(versions[place.program_id])
        places[place.id] = f"{topic_title(program, place.topic)}, {region_title(program, place.region)}"
    seen = tuple(replace(one, community=places[one.community_id]) for one in moved.moved if one.community_id in places)
    return replace(moved, moved=seen), len(moved.moved) - len(seen)
