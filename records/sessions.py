"""Sessions of communities: plan them, move, cancel and restore them, with their history."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from mappings.attending import earned_at
from records import audit, presences
from records.actor import Actor, in_scope
from records.keys import among
from records.memberships import mark_persons
from records.mirror import everywhere_alone
from records.models import Community, Membership, Presence, SessionChange, SessionRow, SharedSession, uuid7
from records.presences import held, stated
from records.session_checks import (
    MOST_IN_A_SERIES,
    Draft,
    Fault,
    SessionError,
    check,
    closed_period,
    moment,
    plain,
    shares,
)

WHEN = ("starts_at", "ends_at", "timezone")
"""Who changes one of these moves the session."""
COUNTS = ("title", "code", "starts_at", "mode", "kind", "planned_minutes", "makes_up", "module", "shared_with")
"""What hours and requirements, or what is told of them, depend on."""
Values = Mapping[str, object]


def find(session: Session, actor: Actor, session_id: UUID) -> SessionRow | None:
    """A session; None for one that doesn't exist, and for one none of whose communities is in the actor's scope."""
    row = session.get(SessionRow, session_id)
    if row is None:
        return None
    own = select(Community.id).where(among(Community.id, communities_of(session, row)), in_scope(actor))
    return row if session.scalar(own.limit(1)) else None


def plans(session: Session, actor: Actor, row: SessionRow) -> bool:
    """Whether it is the actor's to change: its own community is in scope. Others may only share it."""
    own = select(Community.id).where(Community.id == row.community_id, in_scope(actor))
    return session.scalar(own) is not None


def communities_of(session: Session, row: SessionRow) -> set[UUID]:
    """All communities that it is a session of."""
    return {row.community_id, *shares(session, row.id)}


def visible_people(
    session: Session, persons: set[UUID], all_of: Iterable[UUID], in_scope_of: Collection[UUID]
) -> set[UUID]:
    """The people of these communities, and those who are in none."""
    m = Membership
    rows = session.execute(
        select(m.person_id, m.community_id).where(among(m.person_id, persons), among(m.community_id, all_of))
    ).all()
    members = {person for person, _ in rows}
    return (persons - members) | {person for person, community in rows if community in in_scope_of}


def shown_people(session: Session, actor: Actor, communities: Collection[UUID], persons: set[UUID]) -> set[UUID]:
    """Those whom an actor may see at a session of these communities."""
    mine = session.scalars(select(Community.id).where(among(Community.id, communities), in_scope(actor))).all()
    return visible_people(session, persons, communities, mine)


def draft_of(session: Session, row: SessionRow) -> Draft:
    """A session as people state it."""
    own = {name: getattr(row, name) for name in _names() if name not in ("module", "shared_with")}
    module = (row.module_site_id, row.module_id) if row.module_site_id and row.module_id is not None else None
    return Draft(**own, module=module, shared_with=frozenset(shares(session, row.id)))


def make(session: Session, community_id: UUID, draft: Draft, by: Actor, now: datetime, *, reason: str = "") -> UUID:
    """Plan a session. Returns its id. Raises SessionError."""
    everywhere_alone(session)
    return _make(session, _community(session, community_id, by), plain(draft), by, now, reason)


def make_series(
    session: Session,
    community_id: UUID,
    draft: Draft,
    dates: Sequence[date],
    by: Actor,
    now: datetime,
    *,
    reason: str = "",
) -> list[UUID]:
    """Plan a session a date, at the draft's clock times, with the codes `<code>-1` and on. Raises SessionError."""
    everywhere_alone(session)
    draft = plain(draft)
    community = _community(session, community_id, by)
    days = sorted(dates)
    if not days or len(days) > MOST_IN_A_SERIES or len(set(days)) != len(days):
        raise SessionError(Fault.DATES, most=MOST_IN_A_SERIES)
    if draft.module:
        # It would stand for all of them.
        raise SessionError(Fault.MODULE_TAKEN, code=f"{draft.code}-1")
    drafts = [
        plain(replace(_on(draft, day), code=f"{draft.code}-{number}", series=draft.series or draft.code))
        for number, day in enumerate(days, 1)
    ]
    return [_make(session, community, each, by, now, reason) for each in drafts]


def _on(draft: Draft, day: date) -> Draft:
    """A draft on another day, at the same times by the clock."""
    zone = ZoneInfo(draft.timezone)
    starts = draft.starts_at.astimezone(zone)
    ends = draft.ends_at.astimezone(zone) if draft.ends_at else None
    since = moment(day, starts.time(), draft.timezone)
    until = moment(day + (ends.date() - starts.date()), ends.time(), draft.timezone) if ends else None
    return replace(draft, starts_at=since, ends_at=until)


def change(
    session: Session,
    session_id: UUID,
    draft: Draft,
    by: Actor,
    now: datetime,
    *,
    reason: str = "",
    revision: int | None = None,
) -> str | None:
    """Have a session be as stated. Returns `moved` or `changed`, None where it is so already. Raises SessionError.

    `revision`, here and below: the one that was looked at; where it is another one now, nothing is done.
    """
    everywhere_alone(session)
    row, community = _hold(session, session_id, by, revision)
    draft = plain(draft)
    check(session, row, community, draft, by)
    before = draft_of(session, row)
    names = _differing(before, draft)
    if not names:
        return None
    what = "moved" if any(name in WHEN for name in names) else "changed"
    touched = {row.community_id, *before.shared_with, *draft.shared_with}
    if any(name in COUNTS for name in names):
        _ask_why(session, touched, (before.starts_at, draft.starts_at), reason)
    _put(session, row, draft)
    note(session, row, what, _values(before, names), _values(draft, names), by, now, reason)
    if any(name in COUNTS for name in names):
        presences.touch(session, Presence.session_id == row.id)
        mark(session, touched)
    return what


def move(
    session: Session,
    session_id: UUID,
    starts_at: datetime,
    ends_at: datetime | None,
    by: Actor,
    now: datetime,
    *,
    reason: str = "",
    revision: int | None = None,
) -> str | None:
    """Have a session begin and end at other moments, and leave the rest. Raises SessionError."""
    everywhere_alone(session)
    row, _ = _hold(session, session_id, by, revision)
    draft = replace(draft_of(session, row), starts_at=starts_at, ends_at=ends_at)
    return change(session, session_id, draft, by, now, reason=reason)


def cancel(
    session: Session, session_id: UUID, by: Actor, reason: str, now: datetime, *, revision: int | None = None
) -> None:
    """Call a session off. Raises SessionError without a reason, and where somebody's attendance counts."""
    everywhere_alone(session)
    row, _ = _hold(session, session_id, by, revision)
    if row.cancelled_at:
        raise SessionError(Fault.CANCELLED)
    if not reason.strip():
        raise SessionError(Fault.REASON)
    people = attended(session, row.id)
    if people:
        raise SessionError(Fault.ATTENDED, people=people)
    row.cancelled_at = now
    note(session, row, "cancelled", {}, {"cancelled_at": now.isoformat()}, by, now, reason)
    presences.touch(session, Presence.session_id == row.id)
    mark(session, communities_of(session, row))


def restore(
    session: Session, session_id: UUID, by: Actor, reason: str, now: datetime, *, revision: int | None = None
) -> None:
    """Hold a session after all. Raises SessionError."""
    everywhere_alone(session)
    row, _ = _hold(session, session_id, by, revision)
    if not row.cancelled_at:
        raise SessionError(Fault.NOT_CANCELLED)
    before: dict[str, object] = {"cancelled_at": row.cancelled_at.isoformat()}
    communities = communities_of(session, row)
    _ask_why(session, communities, (row.starts_at,), reason)
    row.cancelled_at = None
    note(session, row, "restored", before, {}, by, now, reason)
    presences.touch(session, Presence.session_id == row.id)
    mark(session, communities)


def attended(session: Session, session_id: UUID) -> int:
    """How many people's attendance of a session counts, or will when they leave."""
    p = Presence
    known = p.session_id == session_id, p.withdrawn_at.is_(None), p.account_id.is_not(None)
    accounts = set(session.scalars(select(p.account_id).where(*known)))
    meeting = held(session, [session_id])[session_id]
    found = stated(session, [(session_id, account) for account in accounts if account])
    earned = earned_at(meeting.program, meeting.meeting)
    people = 0
    for said in found.values():
        verdict = meeting.judged(said)
        there = verdict is not None and ((verdict.stands.minutes or 0) > 0 or earned(verdict.stands)[0] > 0)
        people += there or any(one.open for one in said)
    return people


def _names() -> list[str]:
    return [each.name for each in fields(Draft)]


def _community(session: Session, community_id: UUID, by: Actor) -> Community:
    found = session.scalars(select(Community).where(Community.id == community_id, in_scope(by))).one_or_none()
    if found is None:
        raise SessionError(Fault.COMMUNITY)
    return found


def _hold(session: Session, session_id: UUID, by: Actor, revision: int | None = None) -> tuple[SessionRow, Community]:
    """A session for who may change it, locked; as it was looked at, where a revision is given."""
    wanted = select(SessionRow).where(SessionRow.id == session_id).with_for_update()
    row = session.scalars(wanted.execution_options(populate_existing=True)).one_or_none()
    if row is None:
        raise SessionError(Fault.COMMUNITY)
    community = _community(session, row.community_id, by)
    if revision is not None and row.revision != revision:
        raise SessionError(Fault.MEANWHILE)
    return row, community


def _make(session: Session, community: Community, draft: Draft, by: Actor, now: datetime, reason: str) -> UUID:
    check(session, None, community, draft, by)
    communities = {community.id, *draft.shared_with}
    _ask_why(session, communities, (draft.starts_at,), reason)
    row = SessionRow(id=uuid7(), community_id=community.id, created_at=now, revision=-1)
    _put(session, row, draft)
    note(session, row, "made", {}, _stated(draft), by, now, reason)
    mark(session, communities)
    return row.id


def note_taken_in(session: Session, row: SessionRow, before: Draft | None, by: Actor, now: datetime) -> None:
    """Write down what a file made of a session, which is there by now: of what was there before, None: of nothing."""
    after = draft_of(session, row)
    if before is None:
        note(session, row, "made", {}, _stated(after), by, now, "")
        return
    names = _differing(before, after)
    if names:
        note(session, row, "changed", _values(before, names), _values(after, names), by, now, "")


def _differing(before: Draft, after: Draft) -> list[str]:
    return [name for name in _names() if getattr(before, name) != getattr(after, name)]


def _stated(draft: Draft) -> dict[str, object]:
    """What a draft says of a session, as the history keeps it."""
    return _values(draft, [name for name in _names() if getattr(draft, name) not in (None, "", False, frozenset())])


def _put(session: Session, row: SessionRow, draft: Draft) -> None:
    for name in _names():
        if name not in ("module", "shared_with"):
            setattr(row, name, getattr(draft, name))
    row.module_site_id, row.module_id = draft.module or (None, None)
    session.add(row)
    session.flush()
    s = SharedSession
    there = shares(session, row.id)
    session.execute(delete(s).where(s.session_id == row.id, among(s.community_id, there - draft.shared_with)))
    new = [{"session_id": row.id, "community_id": c} for c in sorted(draft.shared_with - there)]
    if new:
        session.execute(insert(s), new)


def _ask_why(session: Session, communities: set[UUID], moments: Sequence[datetime], reason: str) -> None:
    label = None if reason.strip() else closed_period(session, communities, moments)
    if label is not None:
        raise SessionError(Fault.CLOSED, label=label)


def _values(draft: Draft, names: Sequence[str]) -> dict[str, object]:
    return {name: _value(getattr(draft, name)) for name in names}


def _value(value: object) -> object:
    """As the history keeps it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, frozenset):
        return sorted(map(str, value))
    if isinstance(value, tuple):
        return f"{value[0]}:{value[1]}"
    return str(value) if isinstance(value, UUID) else value


def note(
    session: Session,
    row: SessionRow,
    what: str,
    before: dict[str, object],
    after: dict[str, object],
    by: Actor,
    now: datetime,
    reason: str,
) -> None:
    """Write an act down. The audit trail is kept for ever: it says which columns changed, and no text of theirs."""
    row.revision += 1
    session.add(
        SessionChange(
            session_id=row.id,
            what=what,
            before=before,
            after=after,
            reason=" ".join(reason.split()),
            actor=by.name,
            at=now,
        )
    )
    session.flush()
    columns = sorted({*before, *after})
    audit.record(session, by, f"session.{what}", str(row.id), after={"revision": row.revision, "columns": columns})


def mark(session: Session, communities: set[UUID]) -> None:
    """What is still to do depends on the sessions there are, for those who weren't there, too."""
    mark_persons(session, select(Membership.id).where(among(Membership.community_id, communities)))
