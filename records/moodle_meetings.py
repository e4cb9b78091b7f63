"""Sessions of Moodle's attendance activities (mod_attendance) as sessions here, and who was at them.

A reading of an activity tells all its sessions, with all that was recorded of each: after it our rows say the same,
and the same reading again writes nothing. Of the times of readings the latest stands (`mirror_attendances`), whatever
the order in which they are worked off.

**Which session is which.** A session there is the one here that bears its id (`source_id`). Where staff planned the
session by hand and tied it to the activity, it is that one: if both begin at the same moment, or if the activity has
no other session. It gets the id then, stays that session however it is moved, and becomes no other one when
it is gone. Any other becomes a new session here
(`source` mod_attendance).

**Whose words stand.** Title, beginning and length of a session that came from Moodle are Moodle's, and are written
again when they change *there*; what staff change here stands until then. What is gone there is cancelled here, and
comes back with it; what staff cancel or restore stays so. A session made by hand is the staff's alone.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from mappings.program import version_at
from records import presences, sessions
from records.actor import SYSTEM
from records.keys import among
from records.models import (
    Community,
    CommunityCourse,
    MirrorAttendance,
    MirrorModule,
    Presence,
    SessionChange,
    SessionRow,
    SharedSession,
    uuid7,
)
from records.moodle_log import AttendanceRead, ModuleKey, TheirSession, mirror_log
from records.programs import versions_by_program

SOURCE = "mod_attendance"
MAX_TITLE = 200


@dataclass(slots=True)
class _Known:
    """What is here of an activity: its sessions, the communities of its course by group (0: the whole course), and
    what Moodle said last of each session."""

    rows: list[SessionRow]
    communities: dict[int, UUID]
    told: dict[UUID, dict[str, object]]
    cancelled: set[UUID]
    """Those that were cancelled because they were gone there, as Moodle told last."""
    name: str
    """The activity's."""
    shared: dict[UUID, set[UUID]] = field(default_factory=dict)


@dataclass(slots=True)
class _Plan:
    """What a reading changes of the sessions, and which is which."""

    new: list[TheirSession] = field(default_factory=list)
    linked: list[tuple[SessionRow, int]] = field(default_factory=list)
    changed: list[tuple[SessionRow, dict[str, Any]]] = field(default_factory=list)
    gone: list[SessionRow] = field(default_factory=list)
    back: list[SessionRow] = field(default_factory=list)
    same: dict[UUID, TheirSession] = field(default_factory=dict)
    """By session here."""

    @property
    def is_news(self) -> bool:
        return bool(self.new or self.linked or self.changed or self.gone or self.back)


def is_news(session: Session, reads: Iterable[AttendanceRead]) -> bool:
    """Whether readings change sessions, and not only who was there: others build on which sessions there are."""
    return any(_plan(read, _known(session, read)).is_news for read in _latest(reads))


def take(session: Session, reads: Iterable[AttendanceRead]) -> None:
    """Have the sessions here be as they were read. Who was there becomes presences; whoever calls folds them, or leaves
    it to jobs.attendance."""
    for read in _latest(reads):
        if _stands(session, read):
            _take(session, read)


def _latest(reads: Iterable[AttendanceRead]) -> list[AttendanceRead]:
    """One of each activity, in one order for everybody."""
    latest = {read.module: read for read in sorted(reads, key=lambda read: read.read_at)}
    return [latest[module] for module in sorted(latest, key=str)]


def _stands(session: Session, read: AttendanceRead) -> bool:
    """Whether a reading is later than all before it. Who else reads of the activity waits until this is committed."""
    statement = insert(MirrorAttendance).values(site_id=read.module[0], module_id=read.module[1], as_of=read.read_at)
    later = statement.on_conflict_do_update(
        index_elements=["site_id", "module_id"],
        set_={"as_of": statement.excluded.as_of},
        where=MirrorAttendance.as_of < statement.excluded.as_of,
    ).returning(MirrorAttendance.module_id)
    return session.scalar(later) is not None


def _take(session: Session, read: AttendanceRead) -> None:
    known = _known(session, read)
    if not known.communities:
        return
    plan = _plan(read, known)
    if plan.is_news:
        _carry_out(session, read, known, plan)
    mirror_log(session, read, [row.id for row in known.rows], plan.same)


def _known(session: Session, read: AttendanceRead) -> _Known:
    site, module = read.module
    s, c, m = SessionRow, CommunityCourse, MirrorModule
    wanted = select(s).where(s.module_site_id == site, s.module_id == module).order_by(s.created_at, s.id)
    rows = list(session.scalars(wanted.execution_options(populate_existing=True)))
    places = session.execute(
        select(c.group_id, c.community_id).where(c.site_id == site, c.course_id == read.course).order_by(c.group_id)
    )
    name = session.scalar(select(m.name).where(m.site_id == site, m.module_id == module))
    known = _Known(rows, {group: community for group, community in places}, {}, set(), name or "")  # noqa: C416 - rows
    h = SessionChange
    history = session.execute(
        select(h.session_id, h.what, h.after)
        .where(among(h.session_id, [row.id for row in rows]), h.actor == SYSTEM.name)
        .order_by(h.at, h.id)
    )
    for session_id, what, after in history:
        if what in ("cancelled", "restored"):
            (known.cancelled.add if what == "cancelled" else known.cancelled.discard)(session_id)
        else:
            known.told.setdefault(session_id, {}).update(after)
    shares = select(SharedSession.session_id, SharedSession.community_id)
    for session_id, community in session.execute(shares.where(among(SharedSession.session_id, [r.id for r in rows]))):
        known.shared.setdefault(session_id, set()).add(community)
    return known


def _communities(known: _Known, group: int | None) -> list[UUID]:
    """Whose session it is: of the group's community, else of the course's; where a course holds the communities of
    several groups, everybody's session is one of each of them."""
    if group and group in known.communities:
        return [known.communities[group]]
    if 0 in known.communities:
        return [known.communities[0]]
    return sorted(set(known.communities.values()))


def _plan(read: AttendanceRead, known: _Known) -> _Plan:
    plan = _Plan()
    if not known.communities:
        return plan
    which = _which(read, known)
    for theirs in read.sessions:
        row = which.get(theirs.id)
        if row is None:
            plan.new.append(theirs)
        else:
            _plan_same(plan, row, theirs, known)
    missing = [row for row in known.rows if row.source == SOURCE and row.id not in plan.same]
    plan.gone += [row for row in missing if row.id not in known.cancelled]
    return plan


def _plan_same(plan: _Plan, row: SessionRow, theirs: TheirSession, known: _Known) -> None:
    plan.same[row.id] = theirs
    if row.source != SOURCE:
        if row.source_id != theirs.id:
            plan.linked.append((row, theirs.id))
        return
    told = known.told.get(row.id, {})
    changes = {n: v for n, v in _said(theirs, known).items() if n not in told or told[n] != _kept(v)}
    if changes:
        plan.changed.append((row, changes))
    if row.id in known.cancelled:
        plan.back.append(row)


def _which(read: AttendanceRead, known: _Known) -> dict[int, SessionRow]:
    """The session here that each of theirs is: one made by hand before one that was read."""
    there = {theirs.id for theirs in read.sessions}
    by_hand = sorted(known.rows, key=lambda row: not row.source)
    found = {row.source_id: row for row in by_hand if row.source_id is not None and row.source_id in there}
    for row in known.rows:
        if row.source or row.source_id in there or row.cancelled_at is not None:
            continue
        own = {row.community_id, *known.shared.get(row.id, ())}
        possible = [theirs for theirs in read.sessions if own & set(_communities(known, theirs.group))]
        alike = [theirs for theirs in possible if theirs.starts_at == row.starts_at]
        # One whose session is gone there isn't the next best.
        alike = alike or (possible if row.source_id is None else [])
        if len(alike) == 1:
            found[alike[0].id] = row
    return found


def _said(theirs: TheirSession, known: _Known) -> dict[str, Any]:
    """The columns that are Moodle's."""
    title = " ".join((theirs.title or known.name).split())[:MAX_TITLE]
    return {
        "title": title or f"attendance-{theirs.id}",
        "starts_at": theirs.starts_at,
        "planned_minutes": theirs.minutes,
    }


def _kept(value: object) -> object:
    """As the history keeps it."""
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value


def _carry_out(session: Session, read: AttendanceRead, known: _Known, plan: _Plan) -> None:
    now = session.scalars(select(func.clock_timestamp())).one()
    touched: set[UUID] = set()
    for row, theirs_id in plan.linked:
        row.source_id = theirs_id
    for theirs in plan.new:
        row, communities = _make(session, read.module, theirs, known, now)
        plan.same[row.id] = theirs
        known.rows.append(row)
        touched |= communities
    for row, changes in plan.changed:
        before = {name: _kept(getattr(row, name)) for name in changes}
        for name, value in changes.items():
            setattr(row, name, value)
        if "starts_at" in changes:
            row.ends_at = None
        if changes.keys() & {"starts_at", "planned_minutes"}:
            # What the ways that recorded it earn may be otherwise, and so which of them stands.
            presences.touch(session, Presence.session_id == row.id)
        what = "moved" if "starts_at" in changes else "changed"
        after = {name: _kept(value) for name, value in changes.items()}
        sessions.note(session, row, what, before, after, SYSTEM, now, "")
    for row in plan.gone:
        row.cancelled_at = row.cancelled_at or now
        sessions.note(session, row, "cancelled", {}, {"cancelled_at": _kept(now)}, SYSTEM, now, "")
        presences.touch(session, Presence.session_id == row.id)
    for row in plan.back:
        before = {"cancelled_at": _kept(row.cancelled_at)}
        row.cancelled_at = None
        sessions.note(session, row, "restored", before, {}, SYSTEM, now, "")
        presences.touch(session, Presence.session_id == row.id)
    session.flush()
    for row in (*(row for row, _ in (*plan.linked, *plan.changed)), *plan.gone, *plan.back):
        touched |= {row.community_id, *known.shared.get(row.id, ())}
    sessions.mark(session, touched)


def _make(
    session: Session, module: ModuleKey, theirs: TheirSession, known: _Known, now: datetime
) -> tuple[SessionRow, set[UUID]]:
    """A session of theirs as one here, and whose it is."""
    owner, *others = _communities(known, theirs.group)
    community = session.get_one(Community, owner)
    versions = versions_by_program(session)[community.program_id]
    said = _said(theirs, known)
    row = SessionRow(
        id=uuid7(),
        community_id=owner,
        code=_code(session, owner, theirs.id),
        timezone=community.timezone,
        mode=_mode(version_at(versions, theirs.starts_at).program.attendance.components),
        module_site_id=module[0],
        module_id=module[1],
        source=SOURCE,
        source_id=theirs.id,
        revision=-1,
        created_at=now,
        **said,
    )
    session.add(row)
    session.flush()
    session.add_all(SharedSession(session_id=row.id, community_id=other) for other in others)
    sessions.note(session, row, "made", {}, {name: _kept(v) for name, v in said.items()}, SYSTEM, now, "")
    known.shared[row.id] = set(others)
    return row, {owner, *others}


def _code(session: Session, community: UUID, theirs_id: int) -> str:
    """What names it in files; somebody may have given the name to another session."""
    s, code = SessionRow, f"attendance-{theirs_id}"
    taken = session.scalar(select(s.id).where(s.community_id == community, s.code == code))
    return code if taken is None else f"{code}-{uuid7().hex[-8:]}"


def _mode(components: dict[Any, str]) -> str:
    """Moodle doesn't tell how a session is held: face to face, unless that earns nothing in the program and another
    mode does."""
    return "face_to_face" if not components or "face_to_face" in components else sorted(components)[0]
