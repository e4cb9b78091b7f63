"""Import attendance: what a file's rows mean, the plan of what would change, and its carrying out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from records import audit
from records.actor import Actor
from records.attendance_file import AttendanceRow, Problem
from records.attendance_lookup import Lookup, Unknown
from records.facts import NewFact, record_facts
from records.keys import among
from records.memberships import ensure_memberships, mark_dirty
from records.models import Community, FactRow, Membership, SessionRow, uuid7

STATED = ("title", "starts_at", "timezone", "mode", "planned_minutes", "module")
"""What rows say of a session; all that say something have to agree."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A session as a row states it; None: the row doesn't say."""

    community_id: UUID
    code: str
    starts_at: datetime
    mode: str
    timezone: str
    title: str | None
    planned_minutes: int | None
    module: tuple[UUID, int] | None


@dataclass(frozen=True, slots=True)
class Presence:
    """One person at one session, resolved to what the records know."""

    line: int
    meeting: Meeting
    site_id: UUID
    account_id: UUID
    person_id: UUID
    minutes: int
    member: bool
    """False: somebody without a membership so far."""


@dataclass(frozen=True, slots=True)
class PlannedFact:
    """What importing one row amounts to: `new`, `changed` (from `before` minutes) or `unchanged`."""

    presence: Presence
    session_id: UUID
    action: str
    before: int | None


@dataclass(slots=True)
class Plan:
    """What an import would do. Nothing is written while it is made."""

    sessions: list[tuple[UUID, Meeting]] = field(default_factory=list)
    """To be made."""
    linked: list[tuple[UUID, Meeting]] = field(default_factory=list)
    """Known ones that now say more than before (a title, planned minutes, an activity)."""
    facts: list[PlannedFact] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def count(self, action: str) -> int:
        return sum(fact.action == action for fact in self.facts)

    @property
    def walk_ins(self) -> int:
        return len(
            {(f.presence.person_id, f.presence.meeting.community_id) for f in self.facts if not f.presence.member}
        )

    @property
    def changes(self) -> bool:
        return bool(self.sessions or self.linked) or any(fact.action != "unchanged" for fact in self.facts)


def plan_attendance(
    session: Session, rows: Sequence[AttendanceRow], problems: Iterable[Problem], now: datetime
) -> Plan:
    """What the rows would change. Locks their communities, so that imports take turns until the transaction ends."""
    plan = Plan(problems=list(problems))
    lookup = Lookup(session, rows)
    presences = _without_conflicts(
        [p for row in rows if (p := _resolve(lookup, row, now, plan.problems))], plan.problems
    )
    communities = sorted({p.meeting.community_id for p in presences})
    session.execute(
        select(Community.id).where(Community.id.in_(communities)).order_by(Community.id).with_for_update(key_share=True)
    )
    known = _sessions(session, communities)
    presences = _agreeing(presences, known, plan.problems)
    ids = _plan_sessions(presences, known, plan)
    wanted = {attendance_key(ids[_name(p.meeting)], p.account_id): p for p in presences}
    current = select(FactRow).where(among(FactRow.key, wanted), FactRow.superseded_at.is_(None))
    held = {fact.key: fact for fact in session.scalars(current)}
    for key, presence in wanted.items():
        fact = held.get(key)
        same = fact is not None and (fact.minutes, fact.happened_at) == (presence.minutes, presence.meeting.starts_at)
        action = "unchanged" if same else "changed" if fact else "new"
        plan.facts.append(PlannedFact(presence, ids[_name(presence.meeting)], action, fact.minutes if fact else None))
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def apply_plan(session: Session, plan: Plan, *, actor: Actor, digest: str) -> int:
    """Carry a plan out in the transaction that made it. Returns how many facts got a version.

    `digest` names the file in the audit trail.
    """
    if not plan.changes:
        return 0
    for session_id, meeting in plan.sessions:
        session.add(_session_row(session_id, meeting))
    for session_id, meeting in plan.linked:
        _complete(session.get_one(SessionRow, session_id), meeting)
    session.flush()
    ensure_memberships(session, {(f.presence.meeting.community_id, f.presence.person_id) for f in plan.facts})
    correlation = uuid7()
    facts = [_fact(f) for f in plan.facts if f.action != "unchanged"]
    written = record_facts(session, facts, {fact.key: correlation for fact in facts})
    # A known session that an activity stands for from now on may count otherwise for whoever did both.
    communities = {meeting.community_id for _, meeting in plan.linked}
    mark_dirty(session, select(Membership.id).where(Membership.community_id.in_(communities)))
    after = {
        "sessions": len(plan.sessions),
        "new": plan.count("new"),
        "changed": plan.count("changed"),
        "skipped": len(plan.problems),
    }
    audit.record(session, actor, "attendance.import", str(correlation), after={"sha256": digest, **after})
    return written


def attendance_key(session_id: UUID, account_id: UUID) -> str:
    return f"attendance:{session_id}:{account_id}"


def _resolve(lookup: Lookup, row: AttendanceRow, now: datetime, problems: list[Problem]) -> Presence | None:
    """A row in the records' terms; None where it names something unknown, which is noted."""
    try:
        site_id = lookup.site(row.site)
        community = lookup.community(site_id, row.community)
        account = lookup.account(site_id, row.user, row.idnumber)
        module = lookup.module(site_id, community.id, row.activity) if row.activity else None
        starts_at = _moment(row, row.timezone or community.timezone)
        if starts_at > now:
            raise Unknown(
                "date", f"the session begins at {row.day} {row.start:%H:%M}, which is yet to come: nobody attended it"
            )
    except Unknown as err:
        problems.append(Problem(row.line, err.column, err.message))
        return None
    meeting = Meeting(
        community.id,
        row.session,
        starts_at,
        row.mode,
        row.timezone or community.timezone,
        row.title or None,
        row.planned_minutes,
        module,
    )
    member = lookup.is_member(community.id, account.person_id)
    return Presence(row.line, meeting, site_id, account.id, account.person_id, row.minutes, member)


def _moment(row: AttendanceRow, timezone: str) -> datetime:
    local = datetime.combine(row.day, row.start, ZoneInfo(timezone))
    moment = local.astimezone(UTC)
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Unknown(
            "start", f"{row.start:%H:%M} doesn't exist on {row.day} in {timezone}: the clocks go forward then"
        )
    return moment


def _name(meeting: Meeting) -> tuple[UUID, str]:
    return meeting.community_id, meeting.code


def _without_conflicts(presences: list[Presence], problems: list[Problem]) -> list[Presence]:
    """One presence for each person and session. Where lines disagree on the minutes, none of them is taken."""
    by_person: dict[tuple[UUID, str, UUID], list[Presence]] = {}
    for presence in presences:
        by_person.setdefault((*_name(presence.meeting), presence.account_id), []).append(presence)
    kept = []
    for same in by_person.values():
        if len({p.minutes for p in same}) == 1:
            kept.append(same[0])
            continue
        for presence in same:
            other = next(p for p in same if p.minutes != presence.minutes)
            text = (
                f"says {presence.minutes} for a person of whom line {other.line} says {other.minutes} at that session"
            )
            problems.append(Problem(presence.line, "minutes", text))
    return kept


def _agreeing(
    presences: list[Presence], known: dict[tuple[UUID, str], SessionRow], problems: list[Problem]
) -> list[Presence]:
    """Those whose session is described as it is recorded, and as the lines before describe it."""
    described: dict[tuple[UUID, str], tuple[str, Meeting]] = {
        name: ("what is recorded", _meeting(row)) for name, row in known.items()
    }
    # An activity stands for one session at most: its completion would count twice otherwise.
    owners = {(name[0], meeting.module): name[1] for name, (_, meeting) in described.items() if meeting.module}
    kept = []
    for presence in presences:
        name = _name(presence.meeting)
        source, earlier = described.setdefault(name, (f"line {presence.line}", presence.meeting))
        stands_for = presence.meeting.module and owners.setdefault((name[0], presence.meeting.module), name[1])
        if stands_for and stands_for != name[1]:
            problems.append(
                Problem(presence.line, "activity", f"the activity stands for the session '{stands_for}' already")
            )
            continue
        against = next(
            (part for part in STATED if _contradict(getattr(earlier, part), getattr(presence.meeting, part))), None
        )
        if against:
            ours, theirs = _words(presence.meeting, against), _words(earlier, against)
            text = f"session '{presence.meeting.code}': {ours} contradicts {source}: {theirs}"
            problems.append(Problem(presence.line, _column(against), text))
            continue
        described[name] = (source, _merged(earlier, presence.meeting))
        kept.append(presence)
    return [replace(p, meeting=described[_name(p.meeting)][1]) for p in kept]


def _contradict(a: object, b: object) -> bool:
    return a is not None and b is not None and a != b


def _merged(earlier: Meeting, later: Meeting) -> Meeting:
    return replace(
        earlier,
        title=earlier.title or later.title,
        planned_minutes=later.planned_minutes if earlier.planned_minutes is None else earlier.planned_minutes,
        module=earlier.module or later.module,
    )


def _column(part: str) -> str:
    return {"starts_at": "date", "module": "activity"}.get(part, part)


def _words(meeting: Meeting, part: str) -> str:
    value = getattr(meeting, part)
    if part == "starts_at":
        return f"{meeting.starts_at.astimezone(ZoneInfo(meeting.timezone)):%Y-%m-%d %H:%M}"
    return f"module {value[1]}" if part == "module" else f"'{value}'"


def _sessions(session: Session, communities: list[UUID]) -> dict[tuple[UUID, str], SessionRow]:
    rows = session.scalars(
        select(SessionRow).where(SessionRow.community_id.in_(communities)).execution_options(populate_existing=True)
    )
    return {(row.community_id, row.code): row for row in rows}


def _meeting(row: SessionRow) -> Meeting:
    module = (row.module_site_id, row.module_id) if row.module_site_id and row.module_id is not None else None
    # A title that is the code stands for none.
    title = row.title if row.title != row.code else None
    return Meeting(
        row.community_id, row.code, row.starts_at, row.mode, row.timezone, title, row.planned_minutes, module
    )


def _plan_sessions(
    presences: list[Presence], known: dict[tuple[UUID, str], SessionRow], plan: Plan
) -> dict[tuple[UUID, str], UUID]:
    """The ids of all sessions; those that are to be made or completed go into the plan."""
    ids: dict[tuple[UUID, str], UUID] = {}
    for presence in presences:
        name = _name(presence.meeting)
        if name in ids:
            continue
        row = known.get(name)
        ids[name] = row.id if row else uuid7()
        if row is None:
            plan.sessions.append((ids[name], presence.meeting))
        elif _meeting(row) != presence.meeting:
            plan.linked.append((row.id, presence.meeting))
    return ids


def _session_row(session_id: UUID, meeting: Meeting) -> SessionRow:
    row = SessionRow(
        id=session_id,
        community_id=meeting.community_id,
        code=meeting.code,
        starts_at=meeting.starts_at,
        timezone=meeting.timezone,
        mode=meeting.mode,
    )
    _complete(row, meeting)
    return row


def _complete(row: SessionRow, meeting: Meeting) -> None:
    row.title = meeting.title or meeting.code
    row.planned_minutes = meeting.planned_minutes
    row.module_site_id, row.module_id = meeting.module or (None, None)


def _fact(planned: PlannedFact) -> NewFact:
    presence = planned.presence
    return NewFact(
        key=attendance_key(planned.session_id, presence.account_id),
        kind="attendance",
        account_id=presence.account_id,
        site_id=presence.site_id,
        happened_at=presence.meeting.starts_at,
        session_id=planned.session_id,
        minutes=presence.minutes,
    )
