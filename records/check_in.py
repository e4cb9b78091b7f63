"""Checking in to a session with the code on its screen: who came, who left again, and the end for who is still there.

Every arrival and every leaving takes turns on the session's row: of two at once the second one sees the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from mappings.attending import Way, present_status, rule_of, whole
from mappings.earning import AttendanceRule
from mappings.intervals import Interval
from records import audit, presences, roster
from records.actor import Actor
from records.models import Account, Presence, SessionRow, SiteSecret, uuid7
from records.presences import NewPresence
from records.secrets import Purpose
from records.sessions import communities_of

LONGEST = timedelta(hours=16)
"""A check-in that nobody ends is over after this time, and nobody is said to have stayed for longer."""
PARTICIPANT = Actor(None, "participant", ())
"""Whoever checks in: of all that is recorded the presence alone says who."""
SEEN_TO_COME = (Way.CHECK_IN, Way.BIGBLUEBUTTON)
"""Ways that see people come, and not always go."""


class Refusal(StrEnum):
    """Why somebody isn't checked in or out, or a check-in isn't opened."""

    CANCELLED = "cancelled"
    TOO_EARLY = "too_early"
    """Before the session's day."""
    TOO_LATE = "too_late"
    """By now a change is a correction with a reason: the roster takes it."""
    CLOSED = "closed"
    """The check-in isn't open, or not any more."""
    USED = "used"
    """The code that was scanned has been used to check in already."""
    STRUCK = "struck"
    """Whoever runs the meeting took the check-in back."""
    GONE = "gone"
    """The person left already, or never came."""


class Refused(Exception):
    """Nothing was recorded."""

    def __init__(self, why: Refusal) -> None:
        super().__init__(str(why))
        self.why = why


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is at the browser: an account, or a Moodle user whom no account is known of yet."""

    account_id: UUID | None
    user: int | None = None

    @property
    def who(self) -> dict[str, str] | None:
        """What is kept of somebody without an account."""
        return None if self.account_id else {"user": str(self.user)}


@dataclass(frozen=True, slots=True)
class Arrival:
    """Somebody's check-in: this one, or (`again`) the one that there was before."""

    presence_id: UUID
    since: datetime
    again: bool = False
    waits: bool = False
    """It counts when staff say who it is."""
    left_at: datetime | None = None


def is_open(row: SessionRow, now: datetime) -> bool:
    """Whether people can check in now."""
    begun = row.check_in_opened_at
    return begun is not None and row.check_in_ended_at is None and not row.cancelled_at and now < begun + LONGEST


def open_now(session: Session, now: datetime) -> list[UUID]:
    """The sessions that people can check in to now."""
    s = SessionRow
    return list(
        session.scalars(
            select(s.id).where(
                s.check_in_opened_at > now - LONGEST, s.check_in_ended_at.is_(None), s.cancelled_at.is_(None)
            )
        )
    )


def rule_at(session: Session, session_id: UUID) -> AttendanceRule:
    """What being at the session earns, as the program was then."""
    held = presences.held(session, [session_id])[session_id]
    return rule_of(held.program, held.row.kind)


def counts_minutes(rule: AttendanceRule) -> bool:
    """Whether it matters when somebody leaves."""
    return rule.earns == "present"


def lacks_length(rule: AttendanceRule, row: SessionRow) -> bool:
    """Whether nobody earns anything before the session's length is stated."""
    return not counts_minutes(rule) and whole(rule, row.planned_minutes) is None


def sites_of(session: Session, row: SessionRow) -> set[UUID]:
    """The sites whose users may check in: those where the session's communities have a course."""
    return roster.sites_of(session, communities_of(session, row))


def no_more(session: Session, row: SessionRow, now: datetime) -> Refusal | None:
    """Why a check-in can't be opened and nothing of it be changed by hand now; None: it can."""
    shut = roster.shut(row, now)
    if shut:
        return Refusal(str(shut))
    late = roster.wants_reason(session, presences.held(session, [row.id])[row.id], now)
    return Refusal.TOO_LATE if late else None


def asserting(session: Session, sites: set[UUID]) -> set[UUID]:
    """Those of the sites whose companion plugin can say who somebody is."""
    s = SiteSecret
    wire = (s.purpose == str(Purpose.WIRE), s.retired_at.is_(None))
    return set(session.scalars(select(s.site_id).where(s.site_id.in_(sites), *wire).distinct()))


def begin(session: Session, session_id: UUID, now: datetime, by: Actor) -> None:
    """Open the check-in, again if it was ended. Raises Refused before the session's day, long after it, and for one
    that was cancelled."""
    row = alone_at(session, session_id)
    check_time(session, row, now)
    if is_open(row, now):
        return
    row.check_in_opened_at, row.check_in_ended_at = now, None
    audit.record(session, by, "check_in.opened", str(session_id))


def end(session: Session, session_id: UUID, until: datetime | None, now: datetime, by: Actor) -> int:
    """End the check-in. Whoever is still there is said to have left at `until`; None: nobody says when.

    Returns how many people that is said of: who came after `until` isn't among them. To be told again is no harm.
    Raises Refused where `until` is given and it is too late to say so.
    """
    row = alone_at(session, session_id)
    if row.check_in_opened_at and row.check_in_ended_at is None:
        row.check_in_ended_at = now
        audit.record(session, by, "check_in.ended", str(session_id))
    if until is None:
        return 0
    check_time(session, row, now)
    there = [one for one in groups_still_there(session, session_id) if _arrived(one) < until]
    for one in there:
        _see_off(session, one, until, by)
    return len(there)


def arrive(
    session: Session,
    session_id: UUID,
    visitor: Visitor,
    now: datetime,
    *,
    grant: UUID,
    device: str | None = None,
    mode: str | None = None,
) -> Arrival:
    """Check somebody in. `grant` is what the scanned code gave the browser: good for one check-in ever, and the id
    of what is recorded. `device`: a hash that tells browsers apart.

    Whoever is checked in already stays so, and nothing is added. Raises Refused.
    """
    row = alone_at(session, session_id)
    check_open(row, now)
    before = arrival_of(session, session_id, visitor)
    if before:
        return replace(before, again=True)
    if session.scalar(select(Presence.id).where(Presence.id == grant)):
        raise Refused(Refusal.USED)
    rule = rule_at(session, session_id)
    by_minutes = counts_minutes(rule)
    # Somebody else checked in with this very browser: staff look at it before it counts.
    held = "device" if device and _others_with(session, session_id, device) else None
    new = NewPresence(
        session_id,
        visitor.account_id,
        Way.CHECK_IN,
        minutes=None if by_minutes else whole(rule, row.planned_minutes),
        status=None if by_minutes else present_status(rule),
        mode=mode,
        intervals=(Interval(now, None),),
        who=visitor.who,
        held=held,
        device=device,
        id=grant,
    )
    presences.add(session, [new], by=PARTICIPANT, correlation_id=uuid7())
    return Arrival(grant, now, waits=bool(held) or visitor.account_id is None)


def arrival_of(session: Session, session_id: UUID, visitor: Visitor) -> Arrival | None:
    """Somebody's check-in at a session, if there is one. Raises Refused where it was taken back."""
    rows = check_ins(session, session_id, _same_person(visitor.account_id, visitor.who))
    standing = [row for row in rows if row.withdrawn_at is None]
    if standing:
        return arrival(standing)
    if rows:
        raise _withdrawn(rows)
    return None


def arrival_by(session: Session, session_id: UUID, presence_id: UUID) -> Arrival | None:
    """The check-in that a browser was told the id of, if there is one. Raises Refused where it was taken back."""
    row = row_of(session, session_id, presence_id)
    return arrival(_standing(session, row)) if row else None


def leave(session: Session, session_id: UUID, presence_id: UUID, now: datetime) -> Arrival:
    """Check out whose check-in has this id. Raises Refused."""
    row = alone_at(session, session_id)
    check_open(row, now)
    came = row_of(session, session_id, presence_id)
    if came is None:
        raise Refused(Refusal.GONE)
    standing = _standing(session, came)
    before = arrival(standing)
    if before.left_at or not counts_minutes(rule_at(session, session_id)):
        raise Refused(Refusal.GONE)
    _see_off(session, standing, now, PARTICIPANT)
    return replace(before, left_at=now)


def alone_at(session: Session, session_id: UUID) -> SessionRow:
    """The session, locked against other check-ins; presences may be added by other ways meanwhile."""
    return session.scalars(
        select(SessionRow)
        .where(SessionRow.id == session_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    ).one()


def check_time(session: Session, row: SessionRow, now: datetime) -> None:
    refusal = no_more(session, row, now)
    if refusal:
        raise Refused(refusal)


def check_open(row: SessionRow, now: datetime) -> None:
    if row.cancelled_at:
        raise Refused(Refusal.CANCELLED)
    if not is_open(row, now):
        raise Refused(Refusal.CLOSED)


def check_ins(session: Session, session_id: UUID, *which: ColumnElement[bool]) -> Sequence[Presence]:
    """Rows of check-ins, in the order in which they were recorded."""
    p = Presence
    return session.scalars(
        select(p)
        .where(p.session_id == session_id, p.way == str(Way.CHECK_IN), *which)
        .order_by(p.recorded_at, p.id)
        .execution_options(populate_existing=True)
    ).all()


def row_of(session: Session, session_id: UUID, presence_id: UUID) -> Presence | None:
    return next(iter(check_ins(session, session_id, Presence.id == presence_id)), None)


def same_check_in(session: Session, row: Presence) -> Sequence[Presence]:
    """All rows of the check-in that a row belongs to."""
    return check_ins(session, row.session_id, _same_person(row.account_id, row.who))


def _standing(session: Session, row: Presence) -> Sequence[Presence]:
    """The rows of a check-in that count, whoever it turned out to be since. Raises Refused where there is none."""
    rows = same_check_in(session, row)
    standing = [one for one in rows if one.withdrawn_at is None]
    if not standing:
        raise _withdrawn(rows)
    return standing


def _withdrawn(rows: Sequence[Presence]) -> Refused:
    """Why there is nothing left of a check-in: somebody took it back, unless leaving replaced it."""
    struck = any(row.withdrawn_by != PARTICIPANT.name for row in rows)
    return Refused(Refusal.STRUCK if struck else Refusal.GONE)


def _same_person(account_id: UUID | None, who: dict[str, str] | None) -> ColumnElement[bool]:
    """A person may have accounts on several sites, and is one person in the room."""
    if account_id is None:
        return Presence.account_id.is_(None) & (Presence.who == who)
    person = select(Account.person_id).where(Account.id == account_id).scalar_subquery()
    return Presence.account_id.in_(select(Account.id).where(Account.person_id == person))


def _others_with(session: Session, session_id: UUID, device: str) -> bool:
    return bool(check_ins(session, session_id, Presence.device == device, Presence.withdrawn_at.is_(None)))


def grouped(rows: Sequence[Presence]) -> list[list[Presence]]:
    """Rows by whom and by which way they are about."""
    groups: dict[tuple[str, str], list[Presence]] = {}
    for row in rows:
        name = str(row.account_id) if row.account_id else str(sorted((row.who or {"": str(row.id)}).items()))
        groups.setdefault((row.way, name), []).append(row)
    return list(groups.values())


def _intervals(rows: Sequence[Presence]) -> list[Interval]:
    return [Interval.from_json(pair) for row in rows for pair in row.intervals]


def arrival(rows: Sequence[Presence]) -> Arrival:
    seen = _intervals(rows)
    left = [interval.until for interval in seen if interval.until]
    return Arrival(
        rows[0].id,
        min((interval.since for interval in seen), default=rows[0].recorded_at),
        waits=any(row.held or row.account_id is None for row in rows),
        left_at=max(left) if left else None,
    )


def _arrived(rows: Sequence[Presence]) -> datetime:
    """When whoever is still there came (the last time, where somebody left in between)."""
    return max(one.since for one in _unended(rows))


def _unended(rows: Sequence[Presence]) -> list[Interval]:
    """The open intervals whose end nothing else says."""
    seen = _intervals(rows)
    ended = [(one.since, one.until) for one in seen if one.until]
    return [one for one in seen if one.until is None and not any(since <= one.since <= until for since, until in ended)]


def groups_still_there(session: Session, session_id: UUID) -> list[list[Presence]]:
    p = Presence
    rows = session.scalars(
        select(p)
        .where(
            p.session_id == session_id,
            p.way.in_([str(way) for way in SEEN_TO_COME]),
            p.withdrawn_at.is_(None),
            # Who is known to get the whole session needn't be seen to leave.
            p.minutes.is_(None),
            p.status.is_(None),
        )
        .order_by(p.recorded_at, p.id)
        .execution_options(populate_existing=True)
    ).all()
    return [group for group in grouped(rows) if _unended(group)]


def _see_off(session: Session, rows: Sequence[Presence], until: datetime, by: Actor) -> None:
    """Add that somebody left at a moment. What waits for staff stays one row, so that it is looked at once."""
    last = rows[-1]
    waiting = [row.id for row in rows if row.held or row.account_id is None]
    if waiting:
        presences.withdraw(session, Presence.id.in_(waiting), by=PARTICIPANT)
    new = NewPresence(
        last.session_id,
        last.account_id,
        Way(last.way),
        mode=last.mode,
        intervals=tuple(Interval(one.since, min(until, one.since + LONGEST)) for one in _unended(rows)),
        who=last.who if last.account_id is None else None,
        held=last.held,
        device=last.device,
    )
    presences.add(session, [new], by=by, correlation_id=uuid7())
