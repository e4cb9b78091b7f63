"""The roster of a session: everybody who belongs there or was seen there, and what each way says of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Said, Verdict, Way
from mappings.intervals import Interval
from records.actor import CLI, Actor
from records.keys import among
from records.matching_people import folded
from records.models import (
    Account,
    Closing,
    Community,
    CommunityCourse,
    Membership,
    MirrorEnrolment,
    Presence,
    SessionRow,
)
from records.presences import Held, Stated, held, stated
from records.sessions import shown_people

BY_HAND = (Way.DECIDED, Way.ROSTER)
"""What people said of somebody here; the first that says anything stands."""


class Group(StrEnum):
    """Where somebody stands on the roster."""

    PARTICIPANT = "participant"
    """An active member of one of the communities; one whose role isn't known yet, too."""
    FACILITATOR = "facilitator"
    GUEST = "guest"
    """Somebody who was seen there, and is no active member."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one way says of somebody, with the row that says it last."""

    said: Said
    row_id: UUID
    seen: tuple[Interval, ...]
    open: bool
    """Came, and wasn't seen to leave."""
    held: bool = False
    """It waits for staff, and doesn't count."""

    @property
    def values(self) -> tuple[int | None, str | None, str | None]:
        """What it amounts to: (minutes, status, mode)."""
        return self.said.minutes, self.said.status, self.said.mode


@dataclass(frozen=True, slots=True)
class RosterPerson:
    """Somebody on the roster, once, however many accounts."""

    account_id: UUID
    """The account that was recorded by hand, else the one that takes part: what is recorded goes there."""
    membership_id: UUID | None
    person_id: UUID
    name: str
    """Empty: erased, or not read yet."""
    user: int
    """The Moodle user id; below 0: erased."""
    role: str
    status: str
    group: Group
    told: tuple[Told, ...]
    """What each way says."""
    stands: Said | None
    """What counts of it; None: nothing does yet."""
    disputed: bool
    accounts: tuple[UUID, ...]
    """All that the person has here, `account_id` the first of them."""

    @property
    def by_hand(self) -> Told | None:
        """What the roster says, or what was decided instead."""
        found = [one for one in self.told if not one.held]
        return next((one for way in BY_HAND for one in found if one.said.way is way), None)

    @property
    def version(self) -> UUID | None:
        """The row that says what stands by hand: a change names the one that it was made on."""
        return self.by_hand.row_id if self.by_hand else None

    @property
    def others(self) -> tuple[Told, ...]:
        """What the other ways say."""
        return tuple(one for one in self.told if one.said.way not in BY_HAND)

    @property
    def recorded(self) -> bool:
        """Whether anything says already how long the person was there."""
        return self.by_hand is not None or self.stands is not None


@dataclass(slots=True)
class _Around:
    """What is read beside the presences."""

    members: dict[UUID, Membership] = field(default_factory=dict)
    """By person: the membership that says most of them here."""
    accounts: list[Account] = field(default_factory=list)
    there: set[UUID] = field(default_factory=set)
    """Accounts with a presence at the session."""
    sites: set[UUID] = field(default_factory=set)
    enrolled: set[tuple[UUID, int]] = field(default_factory=set)
    """Users of sites who are in one of the communities' courses."""


def people(session: Session, session_id: UUID, actor: Actor = CLI) -> list[RosterPerson]:
    """Everybody on a session's roster: participants, then facilitators, then guests, each by name; but for those of
    communities out of the actor's scope only."""
    return of_meeting(session, held(session, {session_id})[session_id], actor)


def of_meeting(session: Session, meeting: Held, actor: Actor) -> list[RosterPerson]:
    """As `people`, of a session that is read already."""
    around = _around(session, meeting)
    shown = shown_people(session, actor, meeting.communities, {account.person_id for account in around.accounts})
    around.accounts = [account for account in around.accounts if account.person_id in shown]
    meeting_id = meeting.row.id
    ways = stated(session, {(meeting_id, account.id) for account in around.accounts})
    waiting = _held(session, meeting_id)
    said = {account.id: ways.get((meeting_id, account.id), []) for account in around.accounts}
    found = [_person(mine, around, meeting, said, waiting) for mine in _by_person(around, said)]
    order = list(Group)
    return sorted(found, key=lambda p: (order.index(p.group), *_by_name(p), str(p.account_id)))


def _by_name(person: RosterPerson) -> tuple[bool, str]:
    # Who has no name stands last.
    return not person.name, folded(person.name)


def _around(session: Session, meeting: Held) -> _Around:
    around = _Around()
    m, p = Membership, Presence
    rows = session.scalars(select(m).where(among(m.community_id, meeting.communities), m.merged_into.is_(None)))
    for row in sorted(rows, key=lambda row: (_rank(row), row.community_id != meeting.row.community_id, str(row.id))):
        around.members.setdefault(row.person_id, row)
    there = select(p.account_id).where(p.session_id == meeting.row.id, p.withdrawn_at.is_(None)).distinct()
    around.there = {account for account in session.scalars(there) if account}
    around.sites = sites_of(session, meeting.communities)
    listed = [person for person, row in around.members.items() if _group(row) is not Group.GUEST]
    # Two queries: either condition has an index of its own.
    by_id = {a.id: a for a in session.scalars(select(Account).where(among(Account.person_id, listed)))}
    came = list(session.scalars(select(Account.person_id).where(among(Account.id, around.there)).distinct()))
    by_id |= {a.id: a for a in session.scalars(select(Account).where(among(Account.person_id, came)))}
    around.accounts = list(by_id.values())
    e, c = MirrorEnrolment, CommunityCourse
    course = (c.site_id == e.site_id) & (c.course_id == e.course_id)
    inside = select(e.site_id, e.moodle_user_id).join(c, course).where(among(c.community_id, meeting.communities))
    users = {(a.site_id, a.moodle_user_id) for a in around.accounts}
    for site, user in session.execute(inside.where(e.present, among((e.site_id, e.moodle_user_id), users)).distinct()):
        around.enrolled.add((site, user))
    return around


def _rank(row: Membership) -> int:
    group = _group(row)
    return list(Group).index(group) if row.role != "unknown" else len(Group)


def _group(row: Membership | None) -> Group:
    if row is None or row.status != "active" or row.role == "other":
        return Group.GUEST
    return Group.FACILITATOR if row.role == "facilitator" else Group.PARTICIPANT


def sites_of(session: Session, communities: Iterable[UUID]) -> set[UUID]:
    """The sites on which communities have their courses."""
    c = CommunityCourse
    return set(session.scalars(select(c.site_id).where(among(c.community_id, communities)).distinct()))


def _by_person(around: _Around, said: Mapping[UUID, Sequence[Stated]]) -> list[list[Account]]:
    """The accounts of everybody: first the one of which something was decided, else recorded on the roster, else the
    one that takes part in the communities' courses, on their sites, present, the oldest."""
    of: dict[UUID, list[Account]] = {}
    for account in around.accounts:
        of.setdefault(account.person_id, []).append(account)

    def rank(account: Account) -> tuple[object, ...]:
        ways = {one.said.way for one in said[account.id]}
        enrolled = (account.site_id, account.moodle_user_id) in around.enrolled
        by_hand = [way not in ways for way in BY_HAND]
        return *by_hand, not enrolled, account.site_id not in around.sites, not account.present, str(account.id)

    return [sorted(mine, key=rank) for mine in of.values()]


def _held(session: Session, session_id: UUID) -> dict[UUID, list[Presence]]:
    """What waits for staff, by account."""
    p = Presence
    found: dict[UUID, list[Presence]] = {}
    rows = select(p).where(p.session_id == session_id, p.withdrawn_at.is_(None), p.held.is_not(None))
    for row in session.scalars(rows.order_by(p.recorded_at, p.id)):
        if row.account_id:
            found.setdefault(row.account_id, []).append(row)
    return found


def _person(
    accounts: Sequence[Account],
    around: _Around,
    meeting: Held,
    said: Mapping[UUID, Sequence[Stated]],
    waiting: Mapping[UUID, Sequence[Presence]],
) -> RosterPerson:
    first = accounts[0]
    member = around.members.get(first.person_id)
    told = [_told(one.said, one.row, is_open=one.open) for account in accounts for one in said[account.id]]
    told += [
        _told(Said(Way(row.way), row.minutes, row.status, row.mode), row, is_held=True)
        for account in accounts
        for row in waiting.get(account.id, ())
    ]
    verdict = best(meeting, [said[account.id] for account in accounts])
    return RosterPerson(
        first.id,
        member.id if member else None,
        first.person_id,
        f"{first.firstname} {first.lastname}".strip(),
        first.moodle_user_id,
        member.role if member else "",
        member.status if member else "",
        _group(member),
        tuple(told),
        verdict.stands if verdict else None,
        verdict.disputed if verdict else False,
        tuple(account.id for account in accounts),
    )


def best(meeting: Held, of_accounts: Iterable[Sequence[Stated]]) -> Verdict | None:
    """What stands of somebody with these accounts: each has a verdict of its own, and the one that earns most counts;
    disputed, where one of them is."""
    verdicts = [verdict for said in of_accounts if (verdict := meeting.judged(said))]
    if not verdicts:
        return None
    most = max(verdicts, key=lambda verdict: meeting.earned(verdict.stands)[0])
    return Verdict(most.stands, any(verdict.disputed for verdict in verdicts))


def _told(said: Said, row: Presence, *, is_open: bool = False, is_held: bool = False) -> Told:
    return Told(said, row.id, tuple(Interval.from_json(pair) for pair in row.intervals), is_open, is_held)


@dataclass(frozen=True, slots=True)
class Noted:
    """Somebody who was written down by hand and couldn't be told apart from others: staff will say who it is."""

    id: UUID
    who: Mapping[str, str]
    by: str
    """The name of the actor who noted it."""


def noted(session: Session, session_id: UUID) -> list[Noted]:
    """Who was noted at a session and waits for staff."""
    p = Presence
    rows = select(p.id, p.who, p.recorded_by).where(
        p.session_id == session_id,
        p.account_id.is_(None),
        p.withdrawn_at.is_(None),
        p.way.in_([str(Way.ROSTER), str(Way.PAPER)]),
    )
    found = session.execute(rows.order_by(p.recorded_at, p.id))
    return [Noted(row, who, by) for row, who, by in found if who]


class Shut(StrEnum):
    """Why nothing can be recorded."""

    CANCELLED = "cancelled"
    TOO_EARLY = "too_early"
    """Before the session's day: nobody was there yet."""


def shut(row: SessionRow, now: datetime) -> Shut | None:
    """Why a session's roster takes nothing now; None: it does."""
    if row.cancelled_at is not None:
        return Shut.CANCELLED
    return Shut.TOO_EARLY if now < _midnight(row, row.starts_at, 0) else None


def wants_reason(session: Session, meeting: Held, now: datetime) -> bool:
    """Whether a change is a correction by now: from the second day after the session on, and where it lies in a
    closed period of a program whose session it is."""
    row = meeting.row
    if now >= _midnight(row, row.ends_at or row.starts_at, 2):
        return True
    programs = select(Community.program_id).where(among(Community.id, meeting.communities))
    closed = select(Closing.id).where(
        Closing.program_id.in_(programs), Closing.starts_at <= row.starts_at, Closing.ends_at > row.starts_at
    )
    return session.scalars(closed.limit(1)).first() is not None


def _midnight(row: SessionRow, moment: datetime, days: int) -> datetime:
    """The beginning of the day that is so many days after a moment's, in the session's zone."""
    zone = ZoneInfo(row.timezone)
    return datetime.combine(moment.astimezone(zone).date() + timedelta(days=days), time(), zone)
