"""Who was at which session, by what ways it is known, and how many minutes of it count: for exports."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import earned_at
from records.actor import Actor, in_scope
from records.keys import among
from records.models import Account, Community, Presence, SessionRow, SharedSession
from records.presences import Held, Stated, held, stated
from records.sessions import visible_people


@dataclass(frozen=True, slots=True)
class Attended:
    """One person at one session."""

    person: str
    moodle_user_id: int
    session: str
    title: str
    day: date
    ways: tuple[str, ...]
    minutes: int
    """What counts of it by the program, before caps and the best of alternatives."""
    status: str
    disputed: bool


def of_session(session: Session, actor: Actor, session_id: UUID) -> Iterator[Attended]:
    """Everybody who is known to have been at a session, by name, but for those of communities out of scope only;
    nobody where it was cancelled."""
    p, meeting = Presence, held(session, [session_id])[session_id]
    accounts = session.scalars(
        select(Account)
        .join(p, p.account_id == Account.id)
        .where(p.session_id == session_id, p.withdrawn_at.is_(None))
        .distinct()
        .order_by(Account.lastname, Account.firstname, Account.moodle_user_id)
    ).all()
    mine = session.scalars(select(Community.id).where(among(Community.id, meeting.communities), in_scope(actor))).all()
    shown = visible_people(session, {account.person_id for account in accounts}, meeting.communities, mine)
    said = stated(session, [(session_id, account.id) for account in accounts if account.person_id in shown])
    for account in accounts:
        row = _attended(account, meeting, said.get((session_id, account.id), []))
        if row:
            yield row


def of_community(session: Session, actor: Actor, community_id: UUID) -> Iterator[Attended]:
    """The same of all sessions of a community and those shared with it, one session after the other."""
    shared = select(SharedSession.session_id).where(SharedSession.community_id == community_id)
    own = (SessionRow.community_id == community_id) | SessionRow.id.in_(shared)
    ids = session.scalars(select(SessionRow.id).where(own).order_by(SessionRow.starts_at, SessionRow.code)).all()
    for session_id in ids:
        yield from of_session(session, actor, session_id)
        session.expunge_all()


def _attended(account: Account, meeting: Held, said: list[Stated]) -> Attended | None:
    verdict = meeting.judged(said)
    if verdict is None:
        return None
    row = meeting.row
    minutes, _ = earned_at(meeting.program, meeting.meeting)(verdict.stands)
    return Attended(
        f"{account.firstname} {account.lastname}".strip(),
        account.moodle_user_id,
        row.code,
        row.title,
        row.starts_at.astimezone(ZoneInfo(row.timezone)).date(),
        tuple(str(one.said.way) for one in said),
        minutes,
        verdict.stands.status or "",
        verdict.disputed,
    )
