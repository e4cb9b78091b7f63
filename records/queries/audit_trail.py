"""The audit trail as it is read: who did what to what, with before and after.

It knows no scope: only whoever reaches everything may read it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import literal, select, union_all
from sqlalchemy.orm import Session

from records.actor import Actor
from records.keys import among
from records.models import AuditEntry, Community, Membership, Person, User

PAGE = 50
LATEST = 5_000
"""Among so many entries it is looked which actions there are."""
KINDS: dict[str, Any] = {"membership": Membership, "person": Person, "community": Community, "user": User}


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: by a user's id, `cli` or `system`; of an action or a group of them; about an id; from and until
    (aware UTC); `before`: older than the entry of this id."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; `name`: of the user who did it, empty for the command line and the system."""

    id: UUID
    at: datetime
    actor: str
    name: str
    action: str
    subject: str
    before: dict[str, Any]
    after: dict[str, Any]


def entries(session: Session, actor: Actor, wanted: Wanted, limit: int = PAGE) -> list[Entry]:
    """Entries, the latest first: a page, and one more if there are more; nothing for whoever reaches less than all."""
    if not actor.unlimited:
        return []
    a = AuditEntry
    which = [
        *([a.actor == wanted.actor] if wanted.actor else []),
        *([(a.action == wanted.action) | a.action.startswith(f"{wanted.action}.")] if wanted.action else []),
        *([a.subject == wanted.subject] if wanted.subject else []),
        *([a.at >= wanted.since] if wanted.since else []),
        *([a.at < wanted.until] if wanted.until else []),
        *([a.id < wanted.before] if wanted.before else []),
    ]
    rows = session.scalars(select(a).where(*which).order_by(a.id.desc()).limit(limit + 1)).all()
    names = _names(session, {row.actor for row in rows})
    return [
        Entry(row.id, row.at, row.actor, names.get(row.actor, ""), row.action, row.subject, *_changed(row))
        for row in rows
    ]


def actions(session: Session, actor: Actor) -> list[str]:
    """The names of what was done lately; nothing for whoever reaches less than all."""
    if not actor.unlimited:
        return []
    latest = select(AuditEntry.action).order_by(AuditEntry.id.desc()).limit(LATEST).subquery()
    return sorted(session.scalars(select(latest.c.action).distinct()))


def kinds(session: Session, found: Iterable[Entry]) -> dict[str, str]:
    """What the entries' subjects are, as one of KINDS; without those that are something else, or there no more."""
    ids = {one for entry in found if (one := _id(entry.subject)) is not None}
    if not ids:
        return {}
    wanted = (select(literal(kind).label("kind"), of.id).where(among(of.id, ids)) for kind, of in KINDS.items())
    return {str(row.id): row.kind for row in session.execute(union_all(*wanted))}


def _changed(row: AuditEntry) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was there before and after, without what stayed the same."""
    before, after = dict(row.before or {}), dict(row.after or {})
    same = {name for name in before if name in after and before[name] == after[name]}
    return tuple({n: v for n, v in side.items() if n not in same} for side in (before, after))  # type: ignore[return-value]


def _names(session: Session, actors: set[str]) -> dict[str, str]:
    ids = {found for actor in actors if (found := _id(actor)) is not None}
    if not ids:
        return {}
    return {str(user): name for user, name in session.execute(select(User.id, User.name).where(User.id.in_(ids)))}


def _id(actor: str) -> UUID | None:
    try:
        return UUID(actor)
    except ValueError:
        return None
