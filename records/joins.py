"""Joins of BigBlueButton meetings: Moodle tells that somebody came into a meeting's room, and never that they left.

A join counts for the session that is tied to the meeting's activity: of several in time the nearest one. Without such
a session nothing is kept, since nobody could say what it was a meeting of.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way
from mappings.intervals import Interval
from records import presences
from records.actor import SYSTEM
from records.forgotten import NOBODY
from records.keys import among
from records.models import Account, Membership, SessionRow
from records.people import AccountKey, ensure_accounts
from records.presences import NewPresence

AROUND = timedelta(minutes=60)
"""Who comes so long before the beginning, or after the end, came to the session."""


@dataclass(frozen=True, slots=True)
class Joined:
    """That a Moodle user came into the room of an activity. `module`: (site, Moodle's id of the activity)."""

    module: tuple[UUID, int]
    user: int
    at: datetime
    cause: UUID

    @property
    def account(self) -> AccountKey:
        return self.module[0], self.user


def take(session: Session, joins: Iterable[Joined]) -> None:
    """Record who came, each join once however often it is told."""
    found = [join for join in joins if join.user != NOBODY]
    s = SessionRow
    rows = session.scalars(
        select(s)
        .where(among((s.module_site_id, s.module_id), {join.module for join in found}), s.cancelled_at.is_(None))
        .order_by(s.starts_at, s.id)
    ).all()
    tied: dict[tuple[UUID | None, int | None], list[SessionRow]] = {}
    for row in rows:
        tied.setdefault((row.module_site_id, row.module_id), []).append(row)
    found = [join for join in found if _nearest(tied.get(join.module, ()), join.at)]
    accounts = ensure_accounts(session, {join.account for join in found})
    for join in found:
        account = accounts[join.account]
        for row in _theirs(session, _nearest(tied[join.module], join.at), account):
            presence = NewPresence(
                row.id,
                account,
                Way.BIGBLUEBUTTON,
                intervals=(Interval(join.at, None),),
                # Moodle's clock has whole seconds: the same second told twice is one join.
                id=uuid5(row.id, f"{join.module[0]}:{join.user}:{join.at.isoformat()}"),
            )
            presences.add(session, [presence], by=SYSTEM, correlation_id=join.cause)


def _nearest(rows: Iterable[SessionRow], at: datetime) -> list[SessionRow]:
    """The session of each community in whose time a moment lies; of several the one that begins nearest to it."""
    found: dict[UUID, SessionRow] = {}
    for row in rows:
        ends = row.ends_at or row.starts_at + timedelta(minutes=row.planned_minutes or 0)
        best = found.get(row.community_id)
        near = best is None or abs(row.starts_at - at) < abs(best.starts_at - at)
        if near and row.starts_at - AROUND <= at <= ends + AROUND:
            found[row.community_id] = row
    return list(found.values())


def _theirs(session: Session, rows: list[SessionRow], account: UUID) -> list[SessionRow]:
    """Where one activity stands for sessions of several communities: those of the communities that somebody is in."""
    if len(rows) < 2:
        return rows
    m = Membership
    person = select(Account.person_id).where(Account.id == account).scalar_subquery()
    own = set(session.scalars(select(m.community_id).where(m.person_id == person)))
    return [row for row in rows if row.community_id in own]
