"""The milestones that people recorded, as far as the actor's scope reaches."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.actor import Actor
from records.keys import among
from records.models import Community, Membership, MilestoneRow, Organisation, ProgramRow, SessionRow, Team


@dataclass(frozen=True, slots=True)
class Shown:
    """A recorded milestone. `happened_at` is aware UTC."""

    id: UUID
    program: str
    code: str
    subject_kind: str
    subject: str
    """The code of a team, organisation or program; topic and region of a community; the person's id of a participant
    (names are shown on pages alone)."""
    cycle: str
    session: str
    happened_at: datetime
    evidence: list[dict[str, str]]
    withdrawn: bool


def listed(
    session: Session, actor: Actor, *, program: str = "", code: str = "", withdrawn: bool = False
) -> list[Shown]:
    """The current versions, the latest first. Only for an actor whose scope is everything: milestones of whole
    organisations and programs are among them. Raises PermissionError."""
    if not actor.unlimited:
        raise PermissionError("only an actor whose scope is everything may list all milestones")
    row = MilestoneRow
    wanted = (
        select(row, ProgramRow.code, SessionRow.code)
        .join(ProgramRow, ProgramRow.id == row.program_id)
        .outerjoin(SessionRow, SessionRow.id == row.session_id)
        .where(row.superseded_at.is_(None))
        .order_by(row.happened_at.desc(), row.key)
    )
    if program:
        wanted = wanted.where(ProgramRow.code == program)
    if code:
        wanted = wanted.where(row.code == code)
    if not withdrawn:
        wanted = wanted.where(row.ended.is_(None))
    found = session.execute(wanted).all()
    names = names_of(session, {(m.subject_kind, m.subject_id) for m, _, _ in found})
    return [
        Shown(
            m.id,
            of_program,
            m.code,
            m.subject_kind,
            names.get((m.subject_kind, m.subject_id), str(m.subject_id)),
            m.cycle,
            follows or "",
            m.happened_at,
            m.evidence,
            m.ended is not None,
        )
        for m, of_program, follows in found
    ]


def names_of(session: Session, subjects: Iterable[tuple[str, UUID]]) -> dict[tuple[str, UUID], str]:
    """What subjects are called, without the name of any person."""
    by_kind: dict[str, set[UUID]] = {}
    for kind, subject in subjects:
        by_kind.setdefault(kind, set()).add(subject)
    tables: dict[str, tuple[Any, Any]] = {
        "participant": (Membership.id, Membership.person_id),
        "team": (Team.id, Team.code),
        "organisation": (Organisation.id, Organisation.code),
        "community": (Community.id, Community.topic + " " + Community.region),
        "program": (ProgramRow.id, ProgramRow.code),
    }
    found = {}
    for kind, ids in by_kind.items():
        key, name = tables[kind]
        for subject, called in session.execute(select(key, name).where(among(key, ids))):
            found[(kind, subject)] = str(called)
    return found
