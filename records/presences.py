"""Who was at which session, as each way of recording says it: the only source of attendance facts.

A row is added, and withdrawn; never changed. What one way says is its latest row that still stands, or the union of
the intervals that it saw somebody there; and the fact is what mappings.attending.judge makes of all ways. So taking in
a report twice changes nothing, and undoing one gives exactly what would be there without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mappings.attending import Said, Verdict, Way, earned_at, judge, present_status, rule_of
from mappings.facts import Ended
from mappings.facts import Session as Meeting
from mappings.intervals import Interval, minutes_of, since
from mappings.program import Program, version_at
from records.actor import Actor
from records.facts import NewFact, record_facts
from records.keys import among
from records.memberships import ensure_memberships
from records.models import (
    Account,
    Community,
    Decision,
    Dispute,
    FactRow,
    Membership,
    Presence,
    SessionRow,
    SharedSession,
    uuid7,
)
from records.programs import versions_by_program

Key = tuple[UUID, UUID]
"""(session, account)."""


@dataclass(frozen=True, slots=True)
class NewPresence:
    """What a way says of somebody. `account_id` None: nobody knows yet who it is, and `who` says what was said."""

    session_id: UUID
    account_id: UUID | None
    way: Way
    minutes: int | None = None
    status: str | None = None
    mode: str | None = None
    intervals: tuple[Interval, ...] = ()
    who: Mapping[str, str] | None = None
    held: str | None = None
    device: str | None = None
    reason: str = ""
    report_id: UUID | None = None
    report_line: int | None = None
    decision_id: UUID | None = None
    id: UUID | None = None
    """Given by who may send it twice: the second time nothing is added."""


@dataclass(frozen=True, slots=True)
class Stated:
    """What one way says at present, with the row that says it last."""

    said: Said
    row: Presence
    open: bool = False
    """Somebody came and wasn't seen to leave: the minutes are those until then."""


def attendance_key(session_id: UUID, account_id: UUID) -> str:
    return f"attendance:{session_id}:{account_id}"


def add(session: Session, presences: Iterable[NewPresence], *, by: Actor, correlation_id: UUID) -> list[UUID]:
    """Add rows; `fold` makes facts of them, in this transaction or soon. Returns the ids of those that are new."""
    rows = [
        {
            "id": p.id or uuid7(),
            **{name: getattr(p, name) for name in NewPresence.__slots__ if name not in ("id", "way", "intervals")},
            "way": str(p.way),
            "intervals": [interval.as_json() for interval in p.intervals],
            "recorded_by": by.name,
            "correlation_id": correlation_id,
        }
        for p in presences
    ]
    if not rows:
        return []
    added = insert(Presence).on_conflict_do_nothing(index_elements=["id"]).returning(Presence.id)
    return list(session.scalars(added, rows))


def withdraw(session: Session, *which: Any, by: Actor) -> int:
    """Take rows back, given as conditions. Returns how many there were."""
    gone = (
        update(Presence)
        .where(Presence.withdrawn_at.is_(None), *which)
        .values(withdrawn_at=func.clock_timestamp(), withdrawn_by=by.name, folded_at=None)
        .returning(Presence.id)
    )
    return len(session.scalars(gone, execution_options={"synchronize_session": False}).all())


def take_back(session: Session, decision_id: UUID, *, by: Actor) -> None:
    """Undo what a decision says of who was there, if it does; the caller is alone on every site then."""
    p = Presence
    said = session.execute(select(p.session_id, p.account_id).where(p.decision_id == decision_id)).all()
    if said and withdraw(session, p.decision_id == decision_id, by=by):
        fold(session, [(meeting, account) for meeting, account in said if account])


def touch(session: Session, *which: Any) -> None:
    """Have facts be made anew of rows: they are somebody's now, or their session was moved."""
    session.execute(
        update(Presence).where(*which).values(folded_at=None), execution_options={"synchronize_session": False}
    )


def due(session: Session, limit: int = 1000) -> list[Key]:
    """Whose facts aren't up to date."""
    p = Presence
    rows = session.execute(
        select(p.session_id, p.account_id)
        .where(p.folded_at.is_(None), p.account_id.is_not(None))
        .distinct()
        .order_by(p.session_id, p.account_id)
        .limit(limit)
    )
    return [(meeting, account) for meeting, account in rows if account]


def stated(session: Session, keys: Iterable[Key]) -> dict[Key, list[Stated]]:
    """What the ways say of people at sessions, by what counts of it; nothing of who is nowhere."""
    wanted = set(keys)
    rows = session.scalars(
        select(Presence)
        .where(
            among((Presence.session_id, Presence.account_id), wanted),
            Presence.withdrawn_at.is_(None),
            Presence.held.is_(None),
        )
        .order_by(Presence.recorded_at, Presence.id)
        .execution_options(populate_existing=True)
    )
    by_key: dict[Key, list[Presence]] = {}
    for row in rows:
        if row.account_id:
            by_key.setdefault((row.session_id, row.account_id), []).append(row)
    begins = beginnings(session, {meeting for meeting, _ in by_key})
    return {key: stated_of(same, begins[key[0]]) for key, same in by_key.items()}


def beginnings(session: Session, session_ids: Iterable[UUID]) -> dict[UUID, datetime]:
    """When sessions begin."""
    rows = session.execute(select(SessionRow.id, SessionRow.starts_at).where(among(SessionRow.id, session_ids)))
    return {meeting: moment for meeting, moment in rows}  # noqa: C416 - rows aren't tuples to mypy


def stated_of(rows: Iterable[Presence], begins: datetime) -> list[Stated]:
    """What the ways say by rows of one person at one session, the earliest first. `begins`: the session does."""
    by_way: dict[str, list[Presence]] = {}
    for row in rows:
        by_way.setdefault(row.way, []).append(row)
    return [_stated(Way(way), same, begins) for way, same in by_way.items()]


def _stated(way: Way, rows: Sequence[Presence], begins: datetime) -> Stated:
    """One way's rows as what it says: the latest one; where it saw people come and go, all of them together, from the
    session's beginning on: waiting for it is no part of it, and staying longer is."""
    last = rows[-1]
    seen = [Interval.from_json(pair) for row in rows for pair in row.intervals]
    minutes = last.minutes
    if seen and minutes is None:
        closed = [interval for interval in seen if interval.until is not None]
        minutes = minutes_of(since(begins, closed)) if closed else None
    is_open = minutes is None and any(interval.until is None for interval in seen)
    return Stated(Said(way, minutes, last.status, last.mode), last, is_open)


@dataclass(frozen=True, slots=True)
class Held:
    """A session with what judging it takes."""

    row: SessionRow
    communities: frozenset[UUID]
    program: Program

    @property
    def meeting(self) -> Meeting:
        row = self.row
        return Meeting(row.title, row.mode, row.code, row.kind, row.planned_minutes)

    def judged(self, of: Iterable[Stated]) -> Verdict | None:
        """What stands of what the ways say; nothing of a session that was cancelled."""
        if self.row.cancelled_at is not None:
            return None
        said = [self.counting(one.said) for one in of]
        return judge(
            [one for one in said if one.minutes is not None or one.status], earned_at(self.program, self.meeting)
        )

    def counting(self, said: Said) -> Said:
        """What a way says as it counts: who was seen there without a status was present."""
        full = present_status(rule_of(self.program, self.row.kind))
        return replace(said, status=said.status or (full if said.minutes else None))

    def earned(self, said: Said) -> tuple[int, str]:
        """The minutes that somebody would earn by what one way says, and the component."""
        return earned_at(self.program, self.meeting)(self.counting(said))


def held(session: Session, session_ids: Iterable[UUID]) -> dict[UUID, Held]:
    """Sessions by id, each with its communities and the program as it was then."""
    ids = set(session_ids)
    versions = versions_by_program(session)
    rows = session.execute(
        select(SessionRow, Community.program_id)
        .join(Community, Community.id == SessionRow.community_id)
        .where(among(SessionRow.id, ids))
        .execution_options(populate_existing=True)
    ).all()
    shared: dict[UUID, set[UUID]] = {}
    s = SharedSession
    for meeting, community in session.execute(select(s.session_id, s.community_id).where(among(s.session_id, ids))):
        shared.setdefault(meeting, set()).add(community)
    return {
        row.id: Held(
            row,
            frozenset(shared.get(row.id, set()) | {row.community_id}),
            version_at(versions[program], row.starts_at).program,
        )
        for row, program in rows
    }


def fold(session: Session, keys: Iterable[Key]) -> int:
    """Bring the facts of people at sessions in line with what the ways say. Returns how many versions were added.

    The caller is alone on every site (`records.mirror.everywhere_alone`): a session counts for everybody in its
    communities, those included that another transaction is about to make members.
    """
    wanted = sorted(set(keys), key=str)
    if not wanted:
        return 0
    p = Presence
    same = among((p.session_id, p.account_id), wanted)
    read = list(session.scalars(select(p.id).where(same, p.folded_at.is_(None)).with_for_update()))
    meetings = held(session, {meeting for meeting, _ in wanted})
    accounts = {
        row.id: row for row in session.scalars(select(Account).where(among(Account.id, {a for _, a in wanted})))
    }
    said = stated(session, wanted)
    facts = []
    for key in wanted:
        verdict = meetings[key[0]].judged(said.get(key, []))
        facts.append(_fact(meetings[key[0]].row, accounts[key[1]], verdict.stands if verdict else None))
    _keep_disputes(session, wanted, disputed(session, meetings, said))
    facts = _known_or_there(session, facts)
    _make_members(session, meetings, accounts, [f for f in facts if f.ended is None])
    # Of whom nothing is said any more, since the rows were somebody else's: that is a cause of its own.
    causes = {fact.key: uuid7() for fact in facts} | _causes(session, facts)
    written = record_facts(session, facts, causes)
    session.execute(
        update(p).where(among(p.id, read)).values(folded_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )
    return written


def disputed(session: Session, meetings: Mapping[UUID, Held], said: Mapping[Key, Sequence[Stated]]) -> set[Key]:
    """Those of whom the ways disagree and nobody has decided; and those of whom, since somebody decided, a way says
    something that it didn't say then, and that would earn something else."""
    known = decided_said(session, said)
    found = set()
    for key, of in said.items():
        meeting = meetings[key[0]]
        verdict = meeting.judged(of)
        if key not in known:
            news = bool(verdict and verdict.disputed)
        else:
            new = [one.said for one in of if known[key].get(str(one.said.way)) != as_values(one.said)]
            news = any(
                meeting.earned(one) != meeting.earned(verdict.stands)
                for one in new
                if verdict and one.way is not Way.DECIDED and (one.minutes is not None or one.status)
            )
        if news:
            found.add(key)
    return found


def decided_said(session: Session, said: Mapping[Key, Sequence[Stated]]) -> dict[Key, Mapping[str, Any]]:
    """What each way said, as `as_values` gives it, when somebody decided: of those of whom a decision stands."""
    rows = {key: one.row for key, of in said.items() for one in of if one.said.way is Way.DECIDED}
    d = Decision
    found = session.execute(select(d.id, d.data).where(among(d.id, {row.decision_id for row in rows.values()})))
    known: dict[UUID | None, Any] = {decision: data.get("said", {}) for decision, data in found}
    return {key: known.get(row.decision_id, {}) for key, row in rows.items()}


def as_values(said: Said) -> dict[str, Any]:
    """What a way says, as a decision keeps it."""
    return {"minutes": said.minutes, "status": said.status, "mode": said.mode}


def _keep_disputes(session: Session, keys: Sequence[Key], found: set[Key]) -> None:
    over = among((Dispute.session_id, Dispute.account_id), set(keys) - found)
    session.execute(delete(Dispute).where(over), execution_options={"synchronize_session": False})
    if found:
        rows = [{"session_id": meeting, "account_id": account} for meeting, account in sorted(found, key=str)]
        session.execute(insert(Dispute).on_conflict_do_nothing(), rows)


def _fact(meeting: SessionRow, account: Account, stands: Said | None) -> NewFact:
    return NewFact(
        key=attendance_key(meeting.id, account.id),
        kind="attendance",
        account_id=account.id,
        site_id=account.site_id,
        happened_at=meeting.starts_at,
        session_id=meeting.id,
        minutes=stands.minutes if stands else None,
        presence=stands.status if stands else None,
        mode=stands.mode if stands else None,
        ended=None if stands else str(Ended.WITHDRAWN),
    )


def _known_or_there(session: Session, facts: Sequence[NewFact]) -> list[NewFact]:
    """Without those that say that somebody wasn't there of whom nobody ever said so."""
    gone = {fact.key for fact in facts if fact.ended}
    known = set(session.scalars(select(FactRow.key).where(among(FactRow.key, gone)))) if gone else set()
    return [fact for fact in facts if fact.key not in gone or fact.key in known]


def _make_members(
    session: Session, meetings: Mapping[UUID, Held], accounts: Mapping[UUID, Account], facts: Sequence[NewFact]
) -> None:
    """A membership for whoever came and has none in any of the session's communities: Moodle's enrolment makes the
    minutes count. Who visits a session that is open to others stays a visitor."""
    pairs = {(f.session_id, accounts[f.account_id].person_id) for f in facts if f.session_id}
    m = Membership
    rows = session.execute(select(m.community_id, m.person_id).where(among(m.person_id, {p for _, p in pairs})))
    members = {(community, person) for community, person in rows}
    wanted = set()
    for meeting_id, person in pairs:
        meeting = meetings[meeting_id]
        kind = meeting.program.kinds_by_name.get(meeting.row.kind)
        if not (kind and kind.voluntary) and not any((c, person) in members for c in meeting.communities):
            wanted.add((meeting.row.community_id, person))
    ensure_memberships(session, wanted)


def _causes(session: Session, facts: Sequence[NewFact]) -> dict[str, UUID]:
    """The correlation id of what was said or withdrawn last about each."""
    p = Presence
    latest = func.greatest(p.recorded_at, func.coalesce(p.withdrawn_at, p.recorded_at))
    rows = session.execute(
        select(p.session_id, p.account_id, p.correlation_id)
        .where(among((p.session_id, p.account_id), {(f.session_id, f.account_id) for f in facts}))
        .order_by(latest, p.id)
    )
    return {attendance_key(meeting, account): cause for meeting, account, cause in rows if account}


def said_by(session: Session, way: Way, keys: Iterable[Key]) -> dict[Key, Said]:
    """What one way says of people at sessions."""
    found = stated(session, keys)
    return {key: one.said for key, of in found.items() for one in of if one.said.way is way}
