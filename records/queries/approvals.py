"""What waits for a second person: reported hours, and adjustments that are large by the program of their day."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal,
    literal_column,
    or_,
    select,
)
from sqlalchemy.orm import Session

from mappings.program import Program, ProgramVersion, version_at
from records import settled
from records.actor import Actor, in_scope
from records.decisions import Kind
from records.keys import among
from records.merged import root_of
from records.models import Community, Decision, Membership
from records.programs import newest, versions_by_program
from records.queries.community import names_of
from records.supposing import Supposed, approved, suppose

HOURS: BindParameter[list[str]] = bindparam("hours", list(settled.HOURS), expanding=True, literal_execute=True)
"""What may wait. Written into the statement, so that the database sees that its index on them is enough."""
REPORT: BindParameter[str] = bindparam("report", str(Kind.SELF_REPORT), literal_execute=True)
ADJUSTED: BindParameter[str] = bindparam("adjusted", str(Kind.ADJUSTMENT), literal_execute=True)
Versions = Mapping[UUID, tuple[ProgramVersion, ...]]
"""Every program's versions, by program id (records.programs.versions_by_program)."""
SIZE: ColumnElement[int] = literal_column("abs((decisions.data ->> 'minutes')::integer)", Integer)
"""The minutes of an adjustment, as that index has them."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Something that waits for approval. Whole minutes; moments are aware UTC."""

    id: UUID
    kind: str
    membership_id: UUID
    """The one in which it counts."""
    person_id: UUID
    name: str
    account: int
    """Moodle's id of the participant, where there is no name."""
    community_id: UUID
    program: Program
    topic: str
    region: str
    timezone: str
    minutes: int
    component: str
    happened_at: datetime
    """When it was done; of an adjustment, when it was decided."""
    decided_at: datetime
    actor: str
    reason: str
    evidence: list[dict[str, str]]
    supposed: Supposed | None
    """The membership without and with this one being approved."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some of what waits, the oldest first; `after`: what the next page begins behind, if there is one."""

    rows: list[Waiting]
    after: UUID | None


def how_many(session: Session, actor: Actor) -> int:
    """How much waits that the actor may approve: never one's own."""
    return session.scalar(counted(actor, versions_by_program(session))) or 0


def counted(actor: Actor, programs: Versions) -> Select[int]:
    """The query for how much waits, with the programs' versions."""
    found = _of_anybody(programs).where(in_scope(actor), Decision.actor != actor.name)
    return found.with_only_columns(func.count(Decision.id))


def oldest(session: Session, actor: Actor) -> datetime | None:
    """Since when the oldest of it waits."""
    found = _waiting(session, actor).where(Decision.actor != actor.name)
    return session.scalar(found.with_only_columns(func.min(Decision.decided_at)))


def own(session: Session, actor: Actor) -> int:
    """How much waits that the actor entered, and somebody else has to approve."""
    found = _waiting(session, actor).where(Decision.actor == actor.name)
    return session.scalar(found.with_only_columns(func.count(Decision.id))) or 0


def waiting(
    session: Session, actor: Actor, now: datetime, *, limit: int, after: UUID | None = None, own: bool = False
) -> Page:
    """A page of what waits; `own`: of what the actor entered, instead of what others did."""
    mine = Decision.actor == actor.name if own else Decision.actor != actor.name
    wanted = _waiting(session, actor).where(mine).order_by(Decision.id).limit(limit + 1)
    if after:
        wanted = wanted.where(Decision.id > after)
    rows = session.execute(wanted).all()
    more = rows[limit - 1].Decision.id if len(rows) > limit else None
    return Page(_shown(session, rows[:limit], now), more)


def chosen(session: Session, actor: Actor, ids: Collection[UUID], now: datetime) -> list[Waiting]:
    """What waits of what was chosen; what doesn't wait any more, and what isn't the actor's to approve, is left
    out. What each would change is told as if all of them were approved."""
    wanted = _waiting(session, actor).where(Decision.actor != actor.name, among(Decision.id, ids))
    return _shown(session, session.execute(wanted.order_by(Decision.id)).all(), now, together=True)


def in_reach(session: Session, actor: Actor, ids: Collection[UUID]) -> list[UUID]:
    """Those of the ids that are reports or adjustments about memberships in scope, whatever became of them; of one
    person after the other."""
    wanted = (
        select(Decision.id)
        .join(Membership, Membership.id == Decision.membership_id)
        .join(Community, Community.id == Membership.community_id)
        .where(Decision.kind.in_(HOURS), among(Decision.id, ids), in_scope(actor))
        .order_by(Membership.person_id, Decision.id)
    )
    return list(session.scalars(wanted))


def about(session: Session, ids: Collection[UUID]) -> set[UUID]:
    """The memberships that decisions are about."""
    found = session.scalars(select(Decision.membership_id).where(among(Decision.id, ids)))
    return {membership for membership in found if membership}


def still_wait(session: Session, membership_ids: Collection[UUID]) -> set[UUID]:
    """The decisions about some memberships that wait for approval; for whoever may see these memberships."""
    found = _of_anybody(versions_by_program(session)).where(among(Decision.membership_id, membership_ids))
    return set(session.scalars(found.with_only_columns(Decision.id)))


def _waiting(session: Session, actor: Actor) -> Select[Decision, Membership, Community]:
    return _of_anybody(versions_by_program(session)).where(in_scope(actor))


def _of_anybody(programs: Versions) -> Select[Decision, Membership, Community]:
    return (
        select(Decision, Membership, Community)
        .select_from(Decision)
        .join(Membership, Membership.id == Decision.membership_id)
        .join(Community, Community.id == Membership.community_id)
        .where(Decision.id == func.any(_candidates(programs)), or_(Decision.kind == REPORT, *_large(programs)))
    )


def _candidates(programs: Versions) -> ColumnElement[Any]:
    """The ids of what may wait, wherever it is. As an array, of which the database expects few: it then looks up the
    membership of each, instead of reading all memberships."""
    least = min((limit for versions in programs.values() for limit, _days in _limits(versions)), default=None)
    adjusted = [] if least is None else [and_(Decision.kind == ADJUSTED, literal(least) < SIZE)]
    wanted = select(Decision.id).where(~Decision.settled, or_(Decision.kind == REPORT, *adjusted)).correlate(None)
    return func.array(wanted.scalar_subquery())


def _large(programs: Versions) -> list[ColumnElement[bool]]:
    """The conditions by which an adjustment is large: by the version of its program that was in force on its day."""
    return [
        and_(Decision.kind == ADJUSTED, Community.program_id == program_id, *days, literal(limit) < SIZE)
        for program_id, versions in programs.items()
        for limit, days in _limits(versions)
    ]


def _limits(versions: tuple[ProgramVersion, ...]) -> Iterator[tuple[int, list[ColumnElement[bool]]]]:
    """Each limit, and from when until when it holds. Which version is in force changes only where one begins."""
    starts = sorted({version.starts for version in versions})
    for place, start in enumerate(starts):
        limit = version_at(versions, start).program.adjustments.approval_above_minutes
        if limit is None:
            continue
        days = [Decision.decided_at >= start] if place else []
        days += [Decision.decided_at < starts[place + 1]] if place + 1 < len(starts) else []
        yield limit, days


def _shown(session: Session, rows: Sequence[Any], now: datetime, *, together: bool = False) -> list[Waiting]:
    at = {row.Decision.id: _counts_at(session, row.Membership) for row in rows}
    names = names_of(session, (row.Membership.person_id for row in rows))
    versions = versions_by_program(session)
    supposed = _supposed(session, at, now, together=together)
    found = []
    for decision, membership, community in rows:
        data: Mapping[str, Any] = decision.data
        happened_at = datetime.fromisoformat(data["happened_at"]) if "happened_at" in data else decision.decided_at
        found.append(
            Waiting(
                decision.id,
                decision.kind,
                at[decision.id],
                membership.person_id,
                *names.get(membership.person_id, ("", 0)),
                community.id,
                newest(versions[community.program_id]),
                community.topic,
                community.region,
                community.timezone,
                int(data["minutes"]),
                str(data["component"]),
                happened_at,
                decision.decided_at,
                decision.actor,
                decision.reason,
                list(data.get("evidence", ())),
                supposed.get(decision.id),
            )
        )
    return found


def _counts_at(session: Session, membership: Membership) -> UUID:
    return root_of(session, membership.id) if membership.merged_into else membership.id


def _supposed(session: Session, at: Mapping[UUID, UUID], now: datetime, *, together: bool) -> dict[UUID, Supposed]:
    """What approving each decision would change, or all of them; several of one membership take a look each."""
    found: dict[UUID, Supposed] = {}
    rest = dict(at)
    while rest:
        # Of each membership one at a time, unless all of them are meant.
        by_membership: dict[UUID, set[UUID]] = {}
        for decision, membership in rest.items():
            if together or membership not in by_membership:
                by_membership.setdefault(membership, set()).add(decision)
        changes = {m: approved(frozenset(map(str, decisions))) for m, decisions in by_membership.items()}
        seen = suppose(session, changes, now)
        for membership, decisions in by_membership.items():
            for decision in decisions:
                del rest[decision]
                if membership in seen:
                    found[decision] = seen[membership]
    return found
