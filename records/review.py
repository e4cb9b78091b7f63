"""What waits for staff: people nobody knows, what is held, ways that disagree, and who came without being enrolled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, Text, cast, func, select, tuple_, union
from sqlalchemy.orm import Session

from mappings.attending import Way, rule_of
from records import presences
from records.actor import Actor, in_scope
from records.keys import among
from records.matching_people import Who, roster, suggested
from records.models import (
    Account,
    Community,
    Dispute,
    Membership,
    Presence,
    ProgramRow,
    SessionRow,
    SharedSession,
)
from records.presences import Held, Key, Stated, as_values
from records.review_items import Conflict, HeldBack, Meeting, Named, Review, Side, Unmatched, Waits, WalkIn

AT_MOST = 300
"""So many rows of each kind are looked at: who has more waiting decides on some first."""


def places(actor: Actor) -> Select[Any]:
    """(session, community) of the sessions in the actor's scope, each with its communities that are."""
    own = select(SessionRow.id.label("session_id"), SessionRow.community_id.label("community_id"))
    shared = select(SharedSession.session_id, SharedSession.community_id)
    every = union(own, shared).subquery()
    return (
        select(every.c.session_id, every.c.community_id)
        .join(Community, Community.id == every.c.community_id)
        .join(ProgramRow, ProgramRow.id == Community.program_id)
        .where(in_scope(actor))
    )


def how_many(session: Session, actor: Actor) -> int:
    """How much waits for somebody to decide."""
    return session.scalar(counted(actor)) or 0


def counted(actor: Actor) -> Select[int]:
    """The query for how much waits, for the badge: cheap, by two small indexes."""
    mine = places(actor).subquery()
    here = select(mine.c.session_id)
    p = Presence
    # As they are grouped where they are shown.
    one_each = func.coalesce(cast(p.account_id, Text), cast(p.who, Text), cast(p.id, Text))
    opened = (
        select(p.session_id, p.report_id, one_each.label("one"))
        .where(*_is_open(), p.session_id.in_(here))
        .distinct()
        .subquery()
    )
    disputes = select(func.count()).select_from(Dispute).where(Dispute.session_id.in_(here))
    return select(select(func.count()).select_from(opened).scalar_subquery() + disputes.scalar_subquery())


def oldest(session: Session, actor: Actor) -> datetime | None:
    """When the oldest of it was recorded."""
    here, p = select(places(actor).subquery().c.session_id), Presence
    disputed = select(Dispute.session_id, Dispute.account_id)
    opened = select(func.min(p.recorded_at)).where(*_is_open(), p.session_id.in_(here))
    disputes = select(func.min(p.recorded_at)).where(
        p.withdrawn_at.is_(None), p.session_id.in_(here), tuple_(p.session_id, p.account_id).in_(disputed)
    )
    return session.scalar(select(func.least(opened.scalar_subquery(), disputes.scalar_subquery())))


def _is_open() -> tuple[Any, ...]:
    """As the partial index says it."""
    p = Presence
    return p.withdrawn_at.is_(None), (p.account_id.is_(None)) | (p.held.is_not(None))


def meetings_of(
    session: Session, actor: Actor, session_ids: Iterable[UUID], community_id: UUID | None = None
) -> dict[UUID, Meeting]:
    """Those of the sessions that are in the actor's scope, by id."""
    mine = places(actor).subquery()
    wanted = set(session_ids)
    found = select(mine.c.session_id, mine.c.community_id).where(among(mine.c.session_id, wanted))
    communities: dict[UUID, set[UUID]] = {}
    for meeting, community in session.execute(found):
        communities.setdefault(meeting, set()).add(community)
    rows = session.scalars(select(SessionRow).where(among(SessionRow.id, communities)))
    return {
        row.id: Meeting(
            row.id,
            row.title,
            row.code,
            row.starts_at,
            row.timezone,
            row.mode,
            row.community_id,
            tuple(sorted(communities[row.id])),
        )
        for row in rows
        if community_id is None or community_id in communities[row.id]
    }


@dataclass(frozen=True, slots=True)
class Filter:
    """What is asked for; None: everything."""

    community_id: UUID | None = None
    session_id: UUID | None = None
    kind: Waits | None = None

    def asks(self, kind: Waits) -> bool:
        return self.kind in (None, kind)

    def where(self, column: Any, actor: Actor) -> tuple[Any, ...]:
        """The conditions on a column of session ids."""
        mine = places(actor).subquery()
        here = select(mine.c.session_id)
        if self.community_id:
            here = here.where(mine.c.community_id == self.community_id)
        return (column.in_(here), *([column == self.session_id] if self.session_id else []))


def waiting(session: Session, actor: Actor, wanted: Filter | None = None) -> Review:
    """What waits for staff, the latest session first; only sessions of communities in the actor's scope."""
    wanted = wanted or Filter()
    found = Review()
    rows = _open_rows(session, actor, wanted)
    keys = _disputed(session, actor, wanted) if wanted.asks(Waits.CONFLICT) else []
    came = _walk_ins(session, actor, wanted) if wanted.asks(Waits.WALK_IN) else []
    ids = {row.session_id for row in rows} | {meeting for meeting, _ in (*keys, *came)}
    meetings = meetings_of(session, actor, ids)
    held = [(row.session_id, row.account_id) for row in rows if row.account_id]
    seen = visible(session, meetings, (*held, *keys, *came))
    people = named(session, {account for _, account in seen})
    if wanted.asks(Waits.UNMATCHED):
        _add_unmatched(session, found, [row for row in rows if row.account_id is None], meetings)
    if wanted.asks(Waits.HELD):
        back = [(row, row.account_id) for row in rows if row.account_id and (row.session_id, row.account_id) in seen]
        beside = _beside(session, [row for row, _ in back])
        found.held = [_held_back(row, meetings[row.session_id], people[account], beside) for row, account in back]
    found.conflicts = _conflicts(session, [key for key in keys if key in seen], meetings, people)
    found.walk_ins = [WalkIn(meetings[key[0]], people[key[1]]) for key in came if key in seen]
    for of in (found.unmatched, found.held, found.conflicts, found.walk_ins):
        _latest_first(of)
    return found


def _latest_first(of: Any) -> None:
    of.sort(key=lambda one: one.meeting.starts_at, reverse=True)


def visible(session: Session, meetings: Mapping[UUID, Meeting], keys: Iterable[Key]) -> set[Key]:
    """Those of whom the actor may see: everybody at a session of a community in scope; where that community only
    shares the session, its own members."""
    wanted = set(keys)
    found = {key for key in wanted if (m := meetings.get(key[0])) and m.community_id in m.mine}
    rest = wanted - found
    rows = session.execute(
        select(Account.id, Membership.community_id)
        .join(Membership, Membership.person_id == Account.person_id)
        .where(among(Account.id, {account for _, account in rest}))
    )
    member = {(account, community) for account, community in rows}
    return found | {
        key for key in rest if key[0] in meetings and any((key[1], c) in member for c in meetings[key[0]].mine)
    }


def _open_rows(session: Session, actor: Actor, wanted: Filter) -> Sequence[Presence]:
    p = Presence
    rows = select(p).where(*_is_open(), *wanted.where(p.session_id, actor)).order_by(p.recorded_at.desc(), p.id)
    return session.scalars(rows.limit(AT_MOST)).all()


def named(session: Session, account_ids: Iterable[UUID]) -> dict[UUID, Named]:
    """Accounts as they are shown, by id."""
    return {a.id: _named(a) for a in session.scalars(select(Account).where(among(Account.id, set(account_ids))))}


def _named(account: Account) -> Named:
    name = f"{account.firstname} {account.lastname}".strip()
    return Named(account.id, account.person_id, name, account.moodle_user_id)


def _add_unmatched(session: Session, found: Review, rows: Sequence[Presence], meetings: Mapping[UUID, Meeting]) -> None:
    groups: dict[tuple[Any, ...], list[Presence]] = {}
    for row in rows:
        said = tuple(sorted((row.who or {}).items()))
        groups.setdefault((row.session_id, row.report_id, said or row.id), []).append(row)
    rosters: dict[tuple[UUID, ...], list[Account]] = {}
    for same in groups.values():
        meeting, who = meetings[same[0].session_id], Who.said(same[0].who)
        if meeting.mine not in rosters:
            rosters[meeting.mine] = roster(session, meeting.mine)
        members = rosters[meeting.mine]
        found.people |= {account.id: _named(account) for account in members}
        found.rosters[meeting.id] = [account.id for account in members]
        stated = presences.stated_of(same, meeting.starts_at)
        found.unmatched.append(
            Unmatched(
                min(row.id for row in same),
                meeting,
                who,
                tuple(dict.fromkeys(Way(row.way) for row in same)),
                stated[0].said.minutes,
                tuple(suggested(members, who)),
            )
        )


def _beside(session: Session, rows: Sequence[Presence]) -> dict[tuple[UUID, str], list[Named]]:
    """Who was recorded by the same device, by (session, device)."""
    p = Presence
    wanted = {(row.session_id, row.device) for row in rows if row.device}
    pairs = session.execute(
        select(p.session_id, p.device, Account)
        .join(Account, Account.id == p.account_id)
        .where(among((p.session_id, p.device), wanted), p.withdrawn_at.is_(None))
        .order_by(p.recorded_at, p.id)
    )
    found: dict[tuple[UUID, str], list[Named]] = {}
    for meeting, device, account in pairs:
        people = found.setdefault((meeting, str(device)), [])
        if _named(account) not in people:
            people.append(_named(account))
    return found


def _held_back(
    row: Presence, meeting: Meeting, person: Named, beside: Mapping[tuple[UUID, str], Sequence[Named]]
) -> HeldBack:
    others = beside.get((row.session_id, row.device or ""), ())
    return HeldBack(
        row.id, meeting, person, Way(row.way), row.held or "", tuple(one for one in others if one != person)
    )


def _disputed(session: Session, actor: Actor, wanted: Filter) -> list[Key]:
    """Whom ways disagree about, by the table that `fold` keeps."""
    d = Dispute
    rows = session.execute(
        select(d.session_id, d.account_id)
        .join(SessionRow, SessionRow.id == d.session_id)
        .where(*wanted.where(d.session_id, actor))
        .order_by(SessionRow.starts_at.desc(), d.session_id, d.account_id)
        .limit(AT_MOST)
    )
    return [(meeting, account) for meeting, account in rows]


def _conflicts(
    session: Session, keys: Sequence[Key], meetings: Mapping[UUID, Meeting], people: Mapping[UUID, Named]
) -> list[Conflict]:
    """Judged again, by what is known now."""
    held = presences.held(session, {meeting for meeting, _ in keys})
    said = presences.stated(session, keys)
    still = presences.disputed(session, held, said)
    known = presences.decided_said(session, said)
    return [
        Conflict(
            meetings[key[0]],
            people[key[1]],
            sides(held[key[0]], said[key], known.get(key)),
            key in known,
            _weighed(held[key[0]]),
        )
        for key in keys
        if key in still
    ]


def _weighed(meeting: Held) -> tuple[str, ...]:
    rule = rule_of(meeting.program, meeting.row.kind)
    return tuple(rule.weights) if rule.earns == "weighted" else ()


def sides(meeting: Held, of: Sequence[Stated], known: Mapping[str, Any] | None) -> tuple[Side, ...]:
    """What each way says, side by side, and which counts; `known`: what the ways said when somebody decided."""
    verdict = meeting.judged(of)
    found = []
    for one in of:
        said = meeting.counting(one.said)
        minutes, component = meeting.earned(one.said)
        later = known is not None and said.way is not Way.DECIDED and known.get(str(said.way)) != as_values(one.said)
        stands = bool(verdict and verdict.stands.way is said.way)
        found.append(Side(said, minutes, component, stands, later, one.open))
    order = tuple(Way)
    return tuple(sorted(found, key=lambda side: order.index(side.said.way)))


def _walk_ins(session: Session, actor: Actor, wanted: Filter) -> list[Key]:
    """(session, account) of who was there and has a membership without a role: Moodle enrolled nobody yet."""
    p, m, mine = Presence, Membership, places(actor).subquery()
    rows = session.execute(
        select(p.session_id, p.account_id)
        .join(Account, Account.id == p.account_id)
        .join(m, (m.person_id == Account.person_id) & (m.role == "unknown") & m.merged_into.is_(None))
        .join(mine, (mine.c.session_id == p.session_id) & (mine.c.community_id == m.community_id))
        .where(p.withdrawn_at.is_(None), p.held.is_(None), Account.present, *wanted.where(p.session_id, actor))
        .where((p.minutes > 0) | (p.minutes.is_(None)))
        .distinct()
        .order_by(p.session_id, p.account_id)
        .limit(AT_MOST)
    )
    return [(meeting, account) for meeting, account in rows if account]
