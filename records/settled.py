"""Which reported or adjusted hours can't wait for approval any more: kept beside them, so that counting the rest, for
the bar of every page, costs no more as decisions pile up."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Text, cast, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from records.decisions import Kind, approves
from records.keys import among
from records.models import Decision

HOURS = (str(Kind.SELF_REPORT), str(Kind.ADJUSTMENT))
"""What may wait for approval."""


def settle(session: Session, decided: Collection[UUID]) -> None:
    """To be called, in the same transaction, for decisions that were approved or undone just now, and for approvals
    that were: what is settled by that is, and what waits again does. Whoever calls it holds their memberships."""
    d = Decision
    approvals = session.scalars(select(d).where(among(d.id, decided), d.kind == str(Kind.APPROVAL)))
    concerned = {*decided, *(UUID(approves(row)) for row in approvals)}
    undoing, approval, taken_back = aliased(d), aliased(d), aliased(d)
    undone = select(undoing.id).where(undoing.undoes == d.id).exists()
    # Both are about one membership: that is indexed.
    names = func.coalesce(approval.data["report"].as_string(), approval.data["adjustment"].as_string())
    approved = select(approval.id).where(
        approval.membership_id == d.membership_id,
        approval.kind == str(Kind.APPROVAL),
        names == cast(d.id, Text),
        ~select(taken_back.id).where(taken_back.undoes == approval.id).exists(),
    )
    wanted = update(d).where(among(d.id, concerned), d.kind.in_(HOURS))
    session.execute(
        wanted.values(settled=or_(undone, approved.exists())), execution_options={"synchronize_session": False}
    )
