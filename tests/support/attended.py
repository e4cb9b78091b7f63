"""Sessions of a house and who was there, as each way of recording says it; and the whole ledger's net."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records.actor import CLI, Actor, Role
from records.deciding import By
from records.memberships import mark_persons
from records.mirror import everywhere_alone
from records.models import Account, FactRow, LedgerEntry, Membership, SessionRow, uuid7
from records.presences import NewPresence, add, fold
from tests.support.deeds import community_id
from tests.support.house import House

HELD_AT = datetime(2026, 1, 17, 17, tzinfo=UTC)
REASON = "The host's log shows it."


def meeting(house: House, code: str = "S1", region: str = "BAY", **columns: Any) -> UUID:
    """A session of a community, of 120 planned minutes; `columns` are those of SessionRow."""
    values: dict[str, Any] = {
        "title": f"Session {code}",
        "starts_at": HELD_AT,
        "timezone": "America/Los_Angeles",
        "mode": "face_to_face",
        "planned_minutes": 120,
    }
    row = SessionRow(id=uuid7(), community_id=community_id(house, region), code=code, **values | columns)
    with Session(house.engine) as session, session.begin():
        session.add(row)
        session.flush()
        mark_persons(session, select(Membership.id).where(Membership.community_id == row.community_id))
        return row.id


def account_id(house: House, user: int) -> UUID:
    with Session(house.engine) as session:
        return session.scalars(
            select(Account.id).where(Account.site_id == house.site_id, Account.moodle_user_id == user)
        ).one()


def said(session_id: UUID, account: UUID | None, way: Way, minutes: int | None = None, **more: Any) -> NewPresence:
    return NewPresence(session_id, account, way, minutes, **more)


def record(house: House, *presences: NewPresence) -> list[UUID]:
    """Add rows as any way does, and make the facts. Returns their ids."""
    with Session(house.engine) as session, session.begin():
        everywhere_alone(session)
        added = add(session, presences, by=CLI, correlation_id=uuid7())
        fold(session, [(p.session_id, p.account_id) for p in presences if p.account_id])
    return added


def by(house: House, actor: Actor = CLI, reason: str = REASON) -> By:
    return By(actor, Role.STAFF, reason, house.now)


def whole_net(house: House) -> dict[tuple[str, str], int]:
    """Everybody's minutes in the ledger, by membership and credit key; what nets to nothing isn't there."""
    e = LedgerEntry
    total = func.sum(e.minutes)
    wanted = select(e.membership_id, e.credit_key, total).group_by(e.membership_id, e.credit_key).having(total != 0)
    with Session(house.engine) as session:
        return {(str(membership), key): int(net) for membership, key, net in session.execute(wanted)}


def counted(house: House, session_id: UUID, account: UUID) -> int | None:
    """The minutes of the attendance fact; None: there is none, or it was taken back."""
    with Session(house.engine) as session:
        return session.scalar(
            select(FactRow.minutes).where(
                FactRow.session_id == session_id,
                FactRow.account_id == account,
                FactRow.superseded_at.is_(None),
                FactRow.ended.is_(None),
            )
        )
