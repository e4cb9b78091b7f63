"""Who is to have a session's Moodle activity complete, and what Moodle answered when it was told.

Only programs that say so (`write_back: presence`) are told of (law 5), and only of activities that somebody tied to a
session here: mod_attendance's own sessions come from Moodle. What was told is remembered, so that it is told once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, cast, exists, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by, insert
from sqlalchemy.orm import Session, aliased

from mappings.attending import rule_of, worth
from mappings.program import version_at
from records.keys import among
from records.memberships import mark_sites
from records.models import (
    Account,
    Community,
    FactRow,
    MirrorEnrolment,
    MirrorModule,
    SessionRow,
    Site,
    ToldPresence,
)
from records.presences import Held, held
from records.programs import versions_by_program

AT_ONCE = 200
"""So many people at sessions are looked at in one turn."""
NOTHING_TO_TELL = "nothing_to_tell"
"""Somebody wasn't there, and Moodle was never told otherwise."""
FINAL = "changed_since"
"""Somebody in Moodle decided otherwise, and that stands."""
AGAIN_AFTER = timedelta(days=1)
TO_TRY_AGAIN = ("not_enrolled", "not_tracked", "not_there", "failed")
"""What may be otherwise another day."""


@dataclass(frozen=True, slots=True)
class PresenceTelling:
    """Somebody at a session, and what Moodle is to be told of it."""

    session_id: UUID
    account_id: UUID
    user: int
    course: int
    module: int
    present: bool
    facts: str
    """A hash of the facts behind it."""
    known: bool
    """Moodle needn't be told."""


def switched_on(session: Session, now: datetime) -> set[UUID]:
    """The programs whose version in force has presence written into Moodle."""
    return {
        program
        for program, versions in versions_by_program(session).items()
        if version_at(versions, now).program.write_back.presence
    }


def due(session: Session, site_id: UUID, programs: set[UUID], now: datetime) -> list[PresenceTelling]:
    """The next people at sessions whose attendance changed since Moodle was told of it; at most AT_ONCE."""
    if not programs:
        return []
    s, a, there, t, m = SessionRow, aliased(Account), aliased(Account), ToldPresence, MirrorModule
    facts = func.md5(func.string_agg(cast(FactRow.id, Text), aggregate_order_by(literal(","), FactRow.id)))
    rows = session.execute(
        select(s.id, there.id, there.moodle_user_id, m.course_id, m.module_id, there.person_id, t.present, facts)
        .join(Community, Community.id == s.community_id)
        .join(FactRow, (FactRow.session_id == s.id) & FactRow.superseded_at.is_(None))
        .join(a, a.id == FactRow.account_id)
        .join(there, (there.person_id == a.person_id) & (there.site_id == site_id))
        .join(m, (m.site_id == s.module_site_id) & (m.module_id == s.module_id))
        .outerjoin(t, (t.session_id == s.id) & (t.account_id == there.id) & (t.module_id == s.module_id))
        .where(
            among(Community.program_id, programs),
            s.module_site_id == site_id,
            s.source == "",
            m.present,
            there.present,
            there.moodle_user_id > 0,
            _enrolled(there, m),
            or_(t.outcome.is_(None), t.outcome != FINAL),
        )
        .group_by(s.id, there.id, m.course_id, m.module_id, t.present, t.told_at, t.outcome, t.facts)
        .having(
            or_(
                t.told_at.is_(None),
                facts != t.facts,
                t.outcome.in_(TO_TRY_AGAIN) & (t.told_at < now - AGAIN_AFTER),
            )
        )
        .order_by(s.id, there.id)
        .limit(AT_ONCE)
    ).all()
    attended = _attended(session, {(meeting, person) for meeting, _, _, _, _, person, _, _ in rows})
    return [
        PresenceTelling(
            meeting, account, user, course, module, (meeting, person) in attended, seen,
            known=(meeting, person) not in attended and not told,
        )
        for meeting, account, user, course, module, person, told, seen in rows
    ]  # fmt: skip


def _enrolled(account: Any, module: Any) -> ColumnElement[bool]:
    e = MirrorEnrolment
    return exists().where(
        e.site_id == module.site_id,
        e.course_id == module.course_id,
        e.moodle_user_id == account.moodle_user_id,
        e.present,
    )


def _attended(session: Session, pairs: Iterable[tuple[UUID, UUID]]) -> set[tuple[UUID, UUID]]:
    """Which of (session, person) were there for long enough to earn something, under whichever account."""
    wanted = set(pairs)
    f = FactRow
    rows = session.execute(
        select(f.session_id, Account.person_id, f.minutes, f.presence)
        .join(Account, Account.id == f.account_id)
        .where(among((f.session_id, Account.person_id), wanted), f.superseded_at.is_(None), f.ended.is_(None))
    ).all()
    meetings = held(session, {meeting for meeting, _ in wanted})
    return {
        (meeting, person)
        for meeting, person, minutes, status in rows
        if meeting is not None and _earns(meetings[meeting], minutes, status)
    }


def _earns(meeting: Held, minutes: int | None, status: str | None) -> bool:
    amount = worth(rule_of(meeting.program, meeting.row.kind), minutes, status, meeting.row.planned_minutes)
    return isinstance(amount, int) and amount > 0


def remember(
    session: Session, told: Sequence[PresenceTelling], outcomes: Mapping[tuple[int, int], str], now: datetime
) -> None:
    """Note what Moodle answered, by (activity, user); of those that it needn't be told that there was nothing."""
    rows = [
        {
            "session_id": one.session_id,
            "account_id": one.account_id,
            "module_id": one.module,
            "present": one.present,
            "outcome": NOTHING_TO_TELL if one.known else outcomes[one.module, one.user],
            "facts": one.facts,
            "told_at": now,
        }
        for one in told
    ]
    if rows:
        statement = insert(ToldPresence)
        kept = {name: statement.excluded[name] for name in ("present", "outcome", "facts", "told_at")}
        session.execute(
            statement.on_conflict_do_update(index_elements=["session_id", "account_id", "module_id"], set_=kept), rows
        )


def write_as(session: Session, site_id: UUID, user: int) -> None:
    """Note whom Moodle will name as who overrode the completions, before the first is written: none of them earns."""
    known = session.scalars(select(Site.own_users).where(Site.id == site_id).with_for_update()).one()
    if user not in known:
        session.execute(update(Site).where(Site.id == site_id).values(own_users=[*known, user]))
        mark_sites(session, {site_id})
