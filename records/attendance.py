"""Import attendance: what a file's rows mean, the plan of what would change, and its carrying out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way
from mappings.program import Program, ProgramVersion, version_at
from records import audit, meetings
from records.actor import Actor
from records.attendance_file import AttendanceRow
from records.attendance_lookup import Lookup, Unknown
from records.csv_file import Problem
from records.keys import among
from records.meetings import Meeting, Name, Stated
from records.memberships import mark_persons
from records.mirror import everywhere_alone
from records.models import Membership, uuid7
from records.presences import NewPresence, add, fold, said_by
from records.programs import newest, versions_by_program


@dataclass(frozen=True, slots=True)
class Presence:
    """One person at one session, resolved to what the records know."""

    line: int
    meeting: Meeting
    program_id: UUID
    site_id: UUID
    account_id: UUID
    person_id: UUID
    minutes: int | None
    """None: the status says how much of the session counts."""
    status: str | None
    member: bool = False
    """False: somebody without a membership so far, in any of the communities whose session it is."""
    visitor: bool = False
    """Somebody who isn't a member, at a session that is open to others: recorded, and no membership is made."""


@dataclass(frozen=True, slots=True)
class PlannedFact:
    """What importing one row amounts to: `new`, `changed` (from what `before` and `before_status` say) or
    `unchanged`."""

    presence: Presence
    session_id: UUID
    action: str
    before: int | None
    before_status: str | None = None


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
        """People who get a membership by it."""
        there = (f.presence for f in self.facts)
        return len({(p.person_id, p.meeting.community_id) for p in there if not (p.member or p.visitor)})

    @property
    def visitors(self) -> int:
        """People who were at a session that is open to others, and are members of no community of it."""
        return len({f.presence.person_id for f in self.facts if f.presence.visitor})

    @property
    def changes(self) -> bool:
        return bool(self.sessions or self.linked) or any(fact.action != "unchanged" for fact in self.facts)


def plan_attendance(
    session: Session, rows: Sequence[AttendanceRow], problems: Iterable[Problem], now: datetime
) -> Plan:
    """What the rows would change. Nothing else is at work on any site until the transaction ends: a session counts
    for everybody in its communities, those included that another transaction is about to make members."""
    everywhere_alone(session)
    plan = Plan(problems=list(problems))
    lookup = Lookup(
        session,
        {row.site for row in rows},
        users={row.user for row in rows if row.user is not None},
        idnumbers={row.idnumber for row in rows if row.idnumber},
        modules=any(row.activity for row in rows),
    )
    versions = versions_by_program(session)
    presences = _without_conflicts(
        [p for row in rows if (p := _resolve(lookup, versions, row, now, plan.problems))], plan.problems
    )
    known = meetings.recorded(session, {p.meeting.community_id for p in presences})
    described, wrong = meetings.agreed([Stated(p.line, p.meeting) for p in presences], known, plan.problems)
    presences = [
        _belonging(replace(p, meeting=described[p.meeting.name]), lookup, versions)
        for p in presences
        if p.line not in wrong
    ]
    presences = [p for p in presences if _measured(p, versions, plan.problems)]
    ids = _plan_sessions(presences, known, plan)
    _plan_facts(session, presences, ids, plan)
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def _plan_facts(session: Session, presences: Sequence[Presence], ids: Mapping[Name, UUID], plan: Plan) -> None:
    wanted = {(ids[p.meeting.name], p.account_id): p for p in presences}
    held = said_by(session, Way.FILE, wanted)
    for key, presence in wanted.items():
        said, session_id = held.get(key), ids[presence.meeting.name]
        if said is None:
            plan.facts.append(PlannedFact(presence, session_id, "new", None))
            continue
        action = "unchanged" if (said.minutes, said.status) == (presence.minutes, presence.status) else "changed"
        plan.facts.append(PlannedFact(presence, session_id, action, said.minutes, said.status))


def apply_plan(session: Session, plan: Plan, *, actor: Actor, digest: str, report_id: UUID | None = None) -> int:
    """Carry a plan out in the transaction that made it. Returns how many facts got a version.

    `digest` names the file in the audit trail, `report_id` the report that its presences belong to.
    """
    if not plan.changes:
        return 0
    meetings.write(session, plan.sessions, plan.linked)
    correlation = uuid7()
    news = [f for f in plan.facts if f.action != "unchanged"]
    add(session, (_presence(f, report_id) for f in news), by=actor, correlation_id=correlation)
    written = fold(session, [(f.session_id, f.presence.account_id) for f in news])
    # What is still to do depends on the sessions there are, for those who weren't there, too; and an activity that
    # stands for one from now on may count otherwise for whoever did both.
    communities = {c for _, meeting in (*plan.sessions, *plan.linked) for c in meeting.communities}
    mark_persons(session, select(Membership.id).where(among(Membership.community_id, communities)))
    after = {
        "sessions": len(plan.sessions),
        "new": plan.count("new"),
        "changed": plan.count("changed"),
        "skipped": len(plan.problems),
    }
    audit.record(session, actor, "attendance.import", str(correlation), after={"sha256": digest, **after})
    return written


def _resolve(
    lookup: Lookup,
    versions: Mapping[UUID, tuple[ProgramVersion, ...]],
    row: AttendanceRow,
    now: datetime,
    problems: list[Problem],
) -> Presence | None:
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
        _check_kind(row.kind, versions[community.program_id], starts_at)
        shared = {lookup.community(site_id, name, "shared_with").id for name in row.shared_with}
        if community.id in shared:
            raise Unknown("shared_with", "names the session's own community: expected others")
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
        row.kind or None,
        frozenset(shared) or None,
    )
    program = community.program_id
    return Presence(row.line, meeting, program, site_id, account.id, account.person_id, row.minutes, row.status or None)


def _moment(row: AttendanceRow, timezone: str) -> datetime:
    local = datetime.combine(row.day, row.start, ZoneInfo(timezone))
    moment = local.astimezone(UTC)
    if moment.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Unknown(
            "start", f"{row.start:%H:%M} doesn't exist on {row.day} in {timezone}: the clocks go forward then"
        )
    return moment


def _check_kind(kind: str, versions: tuple[ProgramVersion, ...], starts_at: datetime) -> None:
    """Raises Unknown where the program, as it was then and as it was loaded last, has no such kind of session."""
    programs = (version_at(versions, starts_at).program, newest(versions))
    if kind and not any(kind in program.kinds_by_name for program in programs):
        known = ", ".join(programs[0].kinds_by_name)
        expected = f"expected {known}, or nothing" if known else "it names none"
        raise Unknown("kind", f"'{kind}' is no kind of session of the program {programs[0].program}: {expected}")


def _program(presence: Presence, versions: Mapping[UUID, tuple[ProgramVersion, ...]]) -> Program:
    return version_at(versions[presence.program_id], presence.meeting.starts_at).program


def _belonging(presence: Presence, lookup: Lookup, versions: Mapping[UUID, tuple[ProgramVersion, ...]]) -> Presence:
    """With what the person is to the communities whose session it is."""
    member = any(lookup.is_member(community, presence.person_id) for community in presence.meeting.communities)
    kind = _program(presence, versions).kinds_by_name.get(presence.meeting.kind or "")
    return replace(presence, member=member, visitor=not member and kind is not None and kind.voluntary)


def _measured(presence: Presence, versions: Mapping[UUID, tuple[ProgramVersion, ...]], problems: list[Problem]) -> bool:
    """Whether there is what the program's attendance asks for: minutes, or a status that it weighs. Else it is
    noted."""
    program = _program(presence, versions)
    kind = program.kinds_by_name.get(presence.meeting.kind or "")
    rule = (kind.attendance if kind else None) or program.attendance
    if rule.earns == "weighted" and (presence.status or "") not in rule.weights:
        said = f"'{presence.status}' has no weight" if presence.status else "is empty"
        text = f"{said}: the program weighs attendance by status, expected one of {', '.join(rule.weights)}"
        problems.append(Problem(presence.line, "status", text))
        return False
    if rule.earns != "weighted" and presence.minutes is None:
        text = "is empty, and the program counts minutes here, no statuses: expected a whole number"
        problems.append(Problem(presence.line, "minutes", text))
        return False
    return True


def _without_conflicts(presences: list[Presence], problems: list[Problem]) -> list[Presence]:
    """One presence for each person and session. Where lines disagree about it, none of them is taken."""
    by_person: dict[tuple[UUID, str, UUID], list[Presence]] = {}
    for presence in presences:
        by_person.setdefault((*presence.meeting.name, presence.account_id), []).append(presence)
    kept = []
    for same in by_person.values():
        if len({(p.minutes, p.status) for p in same}) == 1:
            kept.append(same[0])
            continue
        for presence in same:
            said = (presence.minutes, presence.status)
            other = next(p for p in same if (p.minutes, p.status) != said)
            column = "minutes" if presence.minutes != other.minutes else "status"
            text = (
                f"says {_said(presence, column)} for a person of whom line {other.line} says {_said(other, column)}"
                " at that session"
            )
            problems.append(Problem(presence.line, column, text))
    return kept


def _said(presence: Presence, column: str) -> str:
    value = getattr(presence, column)
    return "nothing" if value is None else str(value)


def _plan_sessions(
    presences: list[Presence], known: Mapping[Name, tuple[UUID, Meeting]], plan: Plan
) -> dict[Name, UUID]:
    """The ids of all sessions; those that are to be made or completed go into the plan."""
    ids: dict[Name, UUID] = {}
    for presence in presences:
        meeting = presence.meeting
        if meeting.name in ids:
            continue
        session_id, before = known.get(meeting.name, (uuid7(), None))
        ids[meeting.name] = session_id
        if before is None:
            plan.sessions.append((session_id, meeting))
        elif before != meeting:
            plan.linked.append((session_id, meeting))
    return ids


def _presence(planned: PlannedFact, report_id: UUID | None) -> NewPresence:
    presence = planned.presence
    return NewPresence(
        planned.session_id,
        presence.account_id,
        Way.FILE,
        presence.minutes,
        presence.status,
        report_id=report_id,
        report_line=presence.line,
    )
