"""Facts: what was achieved, as versioned rows. A completion fact is a function of the mirror alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from mappings.completion import achieved
from records.adoptions import copies_above
from records.completions import CompletionKey, from_row
from records.keys import among, put
from records.memberships import mark_dirty, of_persons
from records.mirror import NEVER, PairKey
from records.models import (
    Account,
    CommunityCourse,
    FactRow,
    Membership,
    MirrorCompletion,
    MirrorEnrolment,
    MirrorModule,
    MirrorParticipation,
    SessionRow,
    SharedSession,
    uuid7,
)
from records.people import ensure_accounts

SAME = (
    *("account_id", "course_id", "happened_at", "state", "minutes", "presence", "mode", "ended", "overrideby"),
    "provisional",
)
"""A fact whose current version agrees in these is known already."""


@dataclass(frozen=True, slots=True)
class NewFact:
    """A fact as it is now; `None` values mean that it doesn't apply to the kind."""

    key: str
    kind: str
    account_id: UUID
    site_id: UUID
    happened_at: datetime
    course_id: int | None = None
    module_id: int | None = None
    session_id: UUID | None = None
    state: int | None = None
    minutes: int | None = None
    presence: str | None = None
    mode: str | None = None
    ended: str | None = None
    overrideby: int | None = None
    provisional: bool = False


def completion_key(site_id: UUID, module_id: int, account_id: UUID) -> str:
    """The key of a completion's fact. It never holds Moodle's id of a person: the ledger repeats it for ever."""
    return f"completion:{site_id}:{module_id}:{account_id}"


def keys_of_pairs(session: Session, pairs: Iterable[PairKey]) -> set[CompletionKey]:
    """The completion rows of users in courses."""
    wanted = list(pairs)
    if not wanted:
        return set()
    c = MirrorCompletion
    found = session.execute(
        select(c.site_id, c.module_id, c.moodle_user_id).where(
            among((c.site_id, c.course_id, c.moodle_user_id), wanted)
        )
    )
    return {(site, module, user) for site, module, user in found}


def keys_of_modules(session: Session, modules: Iterable[tuple[UUID, int]]) -> set[CompletionKey]:
    """The completion rows of modules."""
    wanted = list(modules)
    if not wanted:
        return set()
    c = MirrorCompletion
    found = session.execute(
        select(c.site_id, c.module_id, c.moodle_user_id).where(among((c.site_id, c.module_id), wanted))
    )
    return {(site, module, user) for site, module, user in found}


def refresh_completion_facts(session: Session, correlations: Mapping[CompletionKey, UUID]) -> int:
    """Bring the facts of completion rows in line with the mirror. Returns how many versions were added.

    `correlations` names the rows and what caused the look at each.
    """
    keys = sorted(correlations, key=str)
    if not keys:
        return 0
    c, m, e, p = MirrorCompletion, MirrorModule, MirrorEnrolment, MirrorParticipation
    same_pair = and_(e.site_id == c.site_id, e.course_id == c.course_id, e.moodle_user_id == c.moodle_user_id)
    enrolled = exists().where(same_pair, e.present)
    ever_enrolled = or_(
        exists().where(same_pair),
        exists().where(
            p.site_id == c.site_id, p.course_id == c.course_id, p.moodle_user_id == c.moodle_user_id, p.read_at > NEVER
        ),
    )
    rows = session.execute(
        select(c, func.coalesce(m.present, True), or_(enrolled, ~ever_enrolled))
        .outerjoin(m, and_(m.site_id == c.site_id, m.module_id == c.module_id))
        .where(among((c.site_id, c.module_id, c.moodle_user_id), keys))
        .execution_options(populate_existing=True)
    ).all()
    accounts = ensure_accounts(session, {(row.site_id, row.moodle_user_id) for row, _, _ in rows})
    facts: dict[str, NewFact] = {}
    causes: dict[str, UUID] = {}
    for row, module_present, is_enrolled in rows:
        found = achieved(from_row(row), module_present=module_present, enrolled=is_enrolled)
        if found is None:
            continue
        account = accounts[(row.site_id, row.moodle_user_id)]
        name = completion_key(row.site_id, row.module_id, account)
        causes[name] = correlations[(row.site_id, row.module_id, row.moodle_user_id)]
        facts[name] = NewFact(
            key=name,
            kind="completion",
            account_id=account,
            site_id=row.site_id,
            course_id=row.course_id,
            module_id=row.module_id,
            happened_at=found.happened_at,
            state=int(found.state),
            ended=found.ended,
            overrideby=found.overrideby,
            provisional=found.provisional,
        )
    _mark_copied(session, facts.values())
    return record_facts(session, facts.values(), causes)


def _mark_copied(session: Session, facts: Iterable[NewFact]) -> None:
    """Mark the memberships in which completions in copies of courses count: what came along with the copy, and was
    done again there, changes no fact, and counts all the same (see `records.counted`)."""
    done = [(fact, (fact.site_id, fact.course_id)) for fact in facts if fact.course_id is not None]
    copies = copies_above(session, {course for _, course in done})
    in_copies = [fact for fact, at in done if at in copies and fact.happened_at <= copies[at].copied_at]
    if in_copies:
        mark_dirty(session, _memberships_of(session, in_copies))


def record_facts(session: Session, facts: Iterable[NewFact], correlations: Mapping[str, UUID]) -> int:
    """Add a version for each fact that differs from what is known, and mark the memberships it counts in.

    Returns how many versions were added. The caller holds the lock of what the facts are made from.
    """
    new = {fact.key: fact for fact in facts}
    if not new:
        return 0
    current = {
        row.key: row
        for row in session.scalars(
            select(FactRow)
            .where(among(FactRow.key, new), FactRow.superseded_at.is_(None))
            .order_by(FactRow.key)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    }
    changed = [
        f
        for f in new.values()
        if f.key not in current or any(getattr(f, n) != getattr(current[f.key], n) for n in SAME)
    ]
    if not changed:
        return 0
    old = [current[fact.key].id for fact in changed if fact.key in current]
    if old:
        session.execute(
            update(FactRow).where(among(FactRow.id, old)).values(superseded_at=func.clock_timestamp()),
            execution_options={"synchronize_session": False},
        )
    rows: list[dict[str, Any]] = []
    for fact in sorted(changed, key=lambda f: f.key):
        version = current[fact.key].version + 1 if fact.key in current else 1
        rows.append(
            {"id": uuid7(), "version": version, "correlation_id": correlations[fact.key]}
            | {name: getattr(fact, name) for name in NewFact.__slots__}
        )
    session.execute(put(FactRow, rows))
    mark_dirty(session, _memberships_of(session, changed))
    return len(rows)


def _memberships_of(session: Session, facts: list[NewFact]) -> Any:
    """All memberships of the persons who are in a community in which facts count: that of the course, or of a group
    in it, or those of the session."""
    c = CommunityCourse
    courses = {(f.site_id, f.course_id) for f in facts}
    in_courses = select(c.site_id, c.course_id, c.community_id).where(among((c.site_id, c.course_id), courses))
    communities: dict[Any, set[UUID]] = {}
    for site, course, community in session.execute(in_courses):
        communities.setdefault((site, course), set()).add(community)
    in_sessions = select(SessionRow.id, SessionRow.community_id).where(
        among(SessionRow.id, {f.session_id for f in facts if f.session_id})
    )
    shares = select(SharedSession.session_id, SharedSession.community_id).where(
        among(SharedSession.session_id, {f.session_id for f in facts if f.session_id})
    )
    for session_id, community in session.execute(in_sessions.union(shares)):
        communities.setdefault(session_id, set()).add(community)
    owners = select(Account.id, Account.person_id).where(among(Account.id, {f.account_id for f in facts}))
    persons = dict(session.execute(owners).all())
    wanted = {
        (community, persons[f.account_id])
        for f in facts
        for community in communities.get(f.session_id or (f.site_id, f.course_id), ())
    }
    member = aliased(Membership)
    return of_persons(select(member.person_id).where(among((member.community_id, member.person_id), wanted)))
