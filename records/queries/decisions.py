"""The decisions that were taken, and what became of each, as far as the actor's scope reaches."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from records.actor import Actor
from records.decisions import Kind
from records.models import Community, Decision, Membership, ProgramRow
from records.queries import approvals
from records.queries.milestones import names_of


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision. `decided_at` is aware UTC."""

    id: UUID
    kind: str
    state: str
    """`stands`, `undone`, or of a report or large adjustment `waits` until it is approved."""
    decided_at: datetime
    actor: str
    role: str
    reason: str
    membership_id: UUID | None
    about: str
    """Whom it concerns: a person's id with the community, or another subject's code; names are shown on pages alone."""
    data: Mapping[str, Any]
    undoes: UUID | None


def listed(
    session: Session,
    actor: Actor,
    *,
    person_id: UUID | None = None,
    program: str = "",
    kind: str = "",
    undone: bool = False,
) -> list[Shown]:
    """Decisions, the latest first. Only for an actor whose scope is everything: decisions about whole programs are
    among them. Raises PermissionError."""
    if not actor.unlimited:
        raise PermissionError("only an actor whose scope is everything may list all decisions")
    owner = select(ProgramRow.id).where(ProgramRow.code == program).scalar_subquery()
    wanted = (
        select(Decision, Membership.person_id, Community)
        .outerjoin(Membership, Membership.id == Decision.membership_id)
        .outerjoin(Community, Community.id == Membership.community_id)
        .order_by(Decision.decided_at.desc(), Decision.id.desc())
    )
    if person_id:
        named = (Decision.data[name].as_string() == str(person_id) for name in ("from", "into"))
        wanted = wanted.where(
            or_(Membership.person_id == person_id, and_(Decision.kind == str(Kind.MERGE), or_(*named)))
        )
    if program:
        wanted = wanted.where(or_(Decision.program_id == owner, Community.program_id == owner))
    if kind:
        wanted = wanted.where(Decision.kind == kind)
    rows = session.execute(wanted).all()
    taken_back = set(session.scalars(select(Decision.undoes).where(Decision.undoes.is_not(None))))
    waits = approvals.still_wait(session, {row.membership_id for row, *_ in rows if row.membership_id})
    names = names_of(session, _subjects(rows))
    found = []
    for row, person, community in rows:
        state = "undone" if row.id in taken_back else "stands"
        if row.id in waits:
            state = "waits"
        if state == "undone" and not undone:
            continue
        found.append(_shown(row, state, _about(row, person, community, names)))
    return found


def _subjects(rows: Any) -> set[tuple[str, UUID]]:
    found = {subject for row, _, _ in rows if (subject := _subject(row))}
    return found | {("program", row.program_id) for row, _, _ in rows if row.program_id}


def _subject(row: Decision) -> tuple[str, UUID] | None:
    if "subject_id" not in row.data:
        return None
    return str(row.data["subject_kind"]), UUID(str(row.data["subject_id"]))


def _about(row: Decision, person: UUID | None, community: Community | None, names: Mapping[Any, str]) -> str:
    if person and community:
        return f"person {person} in {community.topic} {community.region}"
    if row.kind == Kind.MERGE:
        return f"person {row.data['from']} into person {row.data['into']}"
    subject = _subject(row) or (("program", row.program_id) if row.program_id else None)
    return f"{subject[0]} {names.get(subject, subject[1])}" if subject else ""


def _shown(row: Decision, state: str, about: str) -> Shown:
    return Shown(
        row.id,
        row.kind,
        state,
        row.decided_at,
        row.actor,
        row.actor_role,
        row.reason,
        row.membership_id,
        about,
        row.data,
        row.undoes,
    )
