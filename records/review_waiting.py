"""People nobody knew who are known since; and those who were erased, whom nobody shall know again."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from pydantic import SecretStr
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from records import audit, presences
from records.actor import SYSTEM
from records.forgotten import Who as Named
from records.forgotten import erased_among
from records.keys import among
from records.matching_people import Who, keys_of, match, with_keys
from records.mirror import everywhere_alone
from records.models import Account, CommunityCourse, Presence, SessionRow, SharedSession

Waiting = tuple[UUID, UUID, Who]
"""(presence, session, what was said of who it is)."""
QUIETLY = {"synchronize_session": False}


def match_waiting(session: Session) -> int:
    """Match those whose exact key has become known since. Returns how many rows are somebody's now.

    One cheap query where nobody waits; alone on every site only where somebody may be found.
    """
    waiting = _waiting(session)
    known = {
        pair
        for account in with_keys(session, None, {pair for *_, who in waiting for pair in who.keys.items()})
        for pair in keys_of(account)
    }
    hopeful = [row for row, _, who in waiting if known & set(who.keys.items())]
    if not hopeful:
        return 0
    everywhere_alone(session)
    found = _matched(session, _waiting(session, among(Presence.id, hopeful)))
    for (meeting, account), rows in found.items():
        changed = update(Presence).where(among(Presence.id, rows)).values(account_id=account, folded_at=None)
        session.execute(changed, execution_options=QUIETLY)
        after = {"session": str(meeting), "account": str(account), "rows": len(rows)}
        audit.record(session, SYSTEM, "presence.matched", str(rows[0]), after=after)
    presences.fold(session, found)
    return sum(map(len, found.values()))


def _waiting(session: Session, *which: Any) -> list[Waiting]:
    p = Presence
    return _said(session, p.withdrawn_at.is_(None), p.account_id.is_(None), p.who.is_not(None), *which)


def _said(session: Session, *which: Any) -> list[Waiting]:
    p = Presence
    rows = session.execute(select(p.id, p.session_id, p.who).where(*which).order_by(p.id))
    return [(row, meeting, Who.said(who)) for row, meeting, who in rows]


def _matched(session: Session, waiting: Sequence[Waiting]) -> dict[presences.Key, list[UUID]]:
    """The rows of each (session, account)."""
    meetings = presences.held(session, {meeting for _, meeting, _ in waiting})
    together: dict[frozenset[UUID], list[Waiting]] = {}
    for one in waiting:
        together.setdefault(meetings[one[1]].communities, []).append(one)
    found: dict[presences.Key, list[UUID]] = {}
    for communities, ones in together.items():
        matches = match(session, communities, [who for *_, who in ones])
        for (row, meeting, _), matched in zip(ones, matches, strict=True):
            if matched.account_id:
                found.setdefault((meeting, matched.account_id), []).append(row)
    return found


def leave_erased(session: Session, encryption_key: SecretStr) -> int:
    """Dismiss open rows that name an erased person by a key, and forget what they say. Returns how many."""
    waiting = _waiting(session)
    sites = _sites(session, {meeting for _, meeting, _ in waiting})
    named = {row: {(site, key) for site in sites.get(m, ()) for key in _names(who)} for row, m, who in waiting}
    erased = erased_among(session, encryption_key, {key for keys in named.values() for key in keys})
    gone = [row for row, keys in named.items() if keys & erased]
    forget_rows(session, among(Presence.id, gone))
    return len(gone)


def rows_naming(session: Session, accounts: Iterable[Account]) -> list[UUID]:
    """Rows that are nobody's so far, or were dismissed, and name one of the accounts by a key."""
    said = _said(session, Presence.account_id.is_(None), Presence.who.is_not(None))
    sites = _sites(session, {meeting for _, meeting, _ in said})
    keys = {(account.site_id, pair) for account in accounts for pair in keys_of(account)}
    return [
        row
        for row, meeting, who in said
        if any((site, pair) in keys for site in sites.get(meeting, ()) for pair in who.keys.items())
    ]


def forget_rows(session: Session, *which: Any) -> None:
    """Withdraw rows, and take out of them what leads to somebody."""
    presences.withdraw(session, *which, by=SYSTEM)
    blank = {"who": None, "device": None, "reason": ""}
    session.execute(update(Presence).where(*which).values(**blank), execution_options=QUIETLY)


def _names(who: Who) -> Iterable[Named]:
    for name, value in who.keys.items():
        yield int(value) if name == "user" else (name, value)


def _sites(session: Session, session_ids: Iterable[UUID]) -> dict[UUID, set[UUID]]:
    """The sites of the communities of sessions."""
    ids, c = set(session_ids), CommunityCourse
    own = (
        select(SessionRow.id, c.site_id)
        .join(c, c.community_id == SessionRow.community_id)
        .where(among(SessionRow.id, ids))
    )
    shared = (
        select(SharedSession.session_id, c.site_id)
        .join(c, c.community_id == SharedSession.community_id)
        .where(among(SharedSession.session_id, ids))
    )
    found: dict[UUID, set[UUID]] = {}
    for meeting, site in session.execute(own.union(shared)):
        found.setdefault(meeting, set()).add(site)
    return found
