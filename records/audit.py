"""The audit trail: who did what to what. Opaque ids only; the database lets rows be added and nothing else."""

from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from records.actor import Actor
from records.models import AuditEntry, uuid7


def record(
    session: Session,
    actor: Actor,
    action: str,
    subject: str,
    *,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of what it tells of. `action` is a static name, `subject` an id."""
    session.execute(
        insert(AuditEntry).values(
            id=uuid7(), actor=actor.name, action=action, subject=subject, before=before, after=after
        )
    )
