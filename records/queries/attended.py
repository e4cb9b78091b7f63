"""What there is to say about an attendance beside its minutes: which ways reported it, and what somebody decided."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import presences
from records.counted import NOW, AsOf
from records.decisions import Kind, standing_decisions
from records.keys import among
from records.models import Decision, Presence, User
from records.presences import Key, attendance_key


@dataclass(frozen=True, slots=True)
class Value:
    """What counted, or counts since. None: nothing was known."""

    minutes: int | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Choice:
    """A decision about an attendance that stands."""

    id: str
    by: str
    """The user's name; empty for the command line and for who isn't a user any more."""
    role: str
    at: datetime
    reason: str
    chosen: str
    """The way whose word was taken; empty: a value of one's own."""
    before: Value | None
    after: Value


@dataclass(frozen=True, slots=True)
class Attended:
    """Of one attendance."""

    ways: tuple[Way, ...]
    """Those that say something of it; not what was decided."""
    disputed: bool
    """They would earn different things, and nobody decided."""
    decided: tuple[Choice, ...]
    """The latest first."""


def attended(session: Session, keys: Iterable[str], as_of: AsOf = NOW) -> dict[str, Attended]:
    """By the key of the attendance's fact; as it was known then."""
    wanted = {_key(key): key for key in keys if key.startswith("attendance:")}
    if not wanted:
        return {}
    said = _said(session, wanted, as_of)
    meetings = presences.held(session, {meeting for meeting, _ in said})
    decided = _decided(session, said, as_of)
    found = {}
    for key, of in said.items():
        verdict = meetings[key[0]].judged(of)
        ways = tuple(sorted((o.said.way for o in of if o.said.way is not Way.DECIDED), key=tuple(Way).index))
        found[attendance_key(*key)] = Attended(ways, bool(verdict and verdict.disputed), decided.get(key, ()))
    return found


def _key(key: str) -> Key:
    _, meeting, account = key.split(":")
    return UUID(meeting), UUID(account)


def _said(session: Session, keys: Iterable[Key], as_of: AsOf) -> dict[Key, list[presences.Stated]]:
    p = Presence
    wanted = select(p).where(among((p.session_id, p.account_id), set(keys)), p.held.is_(None))
    if as_of.known_on is None:
        wanted = wanted.where(p.withdrawn_at.is_(None))
    else:
        since = p.withdrawn_at.is_(None) | (p.withdrawn_at > as_of.known_on)
        wanted = wanted.where(p.recorded_at <= as_of.known_on, since)
    rows: dict[Key, list[Presence]] = {}
    for row in session.scalars(wanted.order_by(p.recorded_at, p.id)):
        if row.account_id:
            rows.setdefault((row.session_id, row.account_id), []).append(row)
    begins = presences.beginnings(session, {meeting for meeting, _ in rows})
    return {key: presences.stated_of(of, begins[key[0]]) for key, of in rows.items()}


def _decided(
    session: Session, said: Mapping[Key, list[presences.Stated]], as_of: AsOf
) -> dict[Key, tuple[Choice, ...]]:
    if not any(one.said.way is Way.DECIDED for of in said.values() for one in of):
        return {}
    p, d = Presence, Decision
    of_keys = select(p.decision_id).where(among((p.session_id, p.account_id), said), p.decision_id.is_not(None))
    rows = session.scalars(
        standing_decisions(as_of)
        .where(d.kind == str(Kind.PRESENCE), d.id.in_(of_keys))
        .order_by(d.decided_at.desc(), d.id.desc())
    ).all()
    names = {str(id_): name for id_, name in session.execute(select(User.id, User.name))} if rows else {}
    found: dict[Key, tuple[Choice, ...]] = {}
    for row in rows:
        key = UUID(str(row.data["session"])), UUID(str(row.data["account"]))
        found[key] = (*found.get(key, ()), _choice(row, names))
    return found


def _choice(row: Decision, names: Mapping[str, str]) -> Choice:
    data: Mapping[str, Any] = row.data
    before = data.get("before")
    return Choice(
        str(row.id),
        names.get(row.actor, ""),
        row.actor_role,
        row.decided_at,
        row.reason,
        data.get("chosen") or "",
        Value(before["minutes"], before["status"]) if before else None,
        Value(data["minutes"], data["status"]),
    )
