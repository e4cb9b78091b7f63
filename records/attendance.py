"""Import attendance: what a file's rows mean, the plan of what would change, and its carrying out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records import audit, meetings
from records.actor import Actor
from records.attendance_conflicts import Earlier, without_conflicts
from records.attendance_file import AttendanceRow
from records.attendance_lookup import Lookup
from records.attendance_rows import Means, People, Presence, belonging, measured, resolve
from records.csv_file import Problem
from records.keys import among
from records.meetings import Meeting, Name, Stated
from records.memberships import mark_persons
from records.mirror import everywhere_alone
from records.models import Membership, uuid7
from records.models import Presence as PresenceRow
from records.presences import NewPresence, add, fold, said_by, touch, withdraw
from records.programs import versions_by_program


@dataclass(frozen=True, slots=True)
class PlannedFact:
    """What importing one row amounts to: `new`, `changed` (from what `before` and the others say), `unchanged`,
    or `unmatched`: it waits until staff say who it is."""

    presence: Presence
    session_id: UUID
    action: str
    before: int | None
    before_status: str | None = None
    before_mode: str | None = None


@dataclass(slots=True)
class Plan:
    """What an import would do. Nothing is written while it is made."""

    made_at: datetime
    sessions: list[tuple[UUID, Meeting]] = field(default_factory=list)
    """To be made."""
    linked: list[tuple[UUID, Meeting]] = field(default_factory=list)
    """Known ones that now say more than before (a title, planned minutes, an activity)."""
    facts: list[PlannedFact] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    stated: dict[UUID, Meeting] = field(default_factory=dict)
    """What the rows themselves say of each session, be it recorded or new."""
    recorded: dict[UUID, Meeting] = field(default_factory=dict)
    """What was recorded of those that say more now."""
    taken_back: list[int] = field(default_factory=list)
    """Lines of earlier pieces of the same file that don't count after all."""

    def count(self, action: str) -> int:
        return sum(fact.action == action for fact in self.facts)

    @property
    def walk_ins(self) -> int:
        """People who get a membership by it."""
        there = (f.presence for f in self.facts)
        new = (p for p in there if p.person_id and not (p.member or p.visitor))
        return len({(p.person_id, p.meeting.community_id) for p in new})

    @property
    def visitors(self) -> int:
        """People who were at a session that is open to others, and are members of no community of it."""
        return len({f.presence.person_id for f in self.facts if f.presence.visitor})

    @property
    def changes(self) -> bool:
        return bool(self.sessions or self.linked) or any(fact.action != "unchanged" for fact in self.facts)


def plan_attendance(
    session: Session,
    rows: Sequence[AttendanceRow],
    problems: Iterable[Problem],
    now: datetime,
    *,
    within: UUID | None = None,
    earlier: Earlier | None = None,
) -> Plan:
    """What the rows would change. Nothing else is at work on any site until the transaction ends: a session counts
    for everybody in its communities, those included that another transaction is about to make members.

    `within`: the one community whose sessions the rows may be about. `earlier`: of a file taken in by pieces.
    """
    everywhere_alone(session)
    return preview(session, rows, problems, now, within=within, earlier=earlier)


def preview(
    session: Session,
    rows: Sequence[AttendanceRow],
    problems: Iterable[Problem],
    now: datetime,
    *,
    within: UUID | None = None,
    earlier: Earlier | None = None,
) -> Plan:
    """What the rows would change as things are; others go on working meanwhile, so it is for looking at only."""
    earlier = earlier if earlier is not None else Earlier()
    plan = Plan(now, problems=list(problems))
    lookup = Lookup(
        session,
        {row.site for row in rows},
        users={row.user for row in rows if row.user is not None},
        idnumbers={row.idnumber for row in rows if row.idnumber},
        modules=any(row.activity for row in rows),
    )
    means = Means(lookup, People(session, lookup, rows), versions_by_program(session), now, within)
    resolved = [p for row in rows if (p := resolve(means, row, plan.problems))]
    presences = without_conflicts(resolved, earlier, plan.problems)
    plan.taken_back, earlier.taken_back = earlier.taken_back, []
    known = earlier.sessions | meetings.recorded(session, {p.meeting.community_id for p in presences})
    described, wrong = meetings.agreed([Stated(p.line, p.meeting) for p in presences], known, plan.problems)
    said = meetings.together(p.meeting for p in presences if p.line not in wrong)
    presences = [
        belonging(replace(p, meeting=described[p.meeting.name]), means) for p in presences if p.line not in wrong
    ]
    presences = [p for p in presences if measured(p, means.versions, plan.problems)]
    ids = _plan_sessions(presences, known, plan)
    _plan_facts(session, presences, ids, plan)
    plan.stated = {session_id: said[name] for name, session_id in ids.items()}
    earlier.sessions |= {meeting.name: (session_id, meeting) for session_id, meeting in (*plan.sessions, *plan.linked)}
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def _plan_facts(session: Session, presences: Sequence[Presence], ids: Mapping[Name, UUID], plan: Plan) -> None:
    held = said_by(session, Way.FILE, {(ids[p.meeting.name], p.account_id) for p in presences if p.account_id})
    for presence in presences:
        session_id = ids[presence.meeting.name]
        if presence.account_id is None:
            plan.facts.append(PlannedFact(presence, session_id, "unmatched", None))
            continue
        said = held.get((session_id, presence.account_id))
        if said is None:
            plan.facts.append(PlannedFact(presence, session_id, "new", None))
            continue
        now = presence.minutes, presence.status, presence.mode
        action = "unchanged" if (said.minutes, said.status, said.mode) == now else "changed"
        plan.facts.append(PlannedFact(presence, session_id, action, said.minutes, said.status, said.mode))


@dataclass(frozen=True, slots=True)
class Source:
    """The report that rows come from, and which taking in of it this is."""

    report_id: UUID
    run: UUID
    """Another one each time that a report is taken in: what was undone stays undone."""

    def row_id(self, line: int) -> UUID:
        """Of the presence that a line makes: the same whenever it is tried again."""
        return uuid5(self.run, str(line))


def apply_plan(session: Session, plan: Plan, *, actor: Actor, digest: str, source: Source | None = None) -> int:
    """Carry a plan out in the transaction that made it. Returns how many facts got a version.

    `digest` names the file in the audit trail, `source` the report that its presences belong to.
    """
    if not plan.changes and not source:
        return 0
    correlation = source.run if source else uuid7()
    written = write(session, plan, actor=actor, source=source, correlation_id=correlation)
    after = {
        "sessions": len(plan.sessions),
        "new": plan.count("new"),
        "changed": plan.count("changed"),
        "skipped": len(plan.problems),
    }
    audit.record(session, actor, "attendance.import", str(correlation), after={"sha256": digest, **after})
    return written


def write(session: Session, plan: Plan, *, actor: Actor, source: Source | None, correlation_id: UUID) -> int:
    """Make the sessions, presences and facts of a plan. Returns how many facts got a version.

    What a report says that is known already is kept, too: it still stands when what said it first is undone.
    """
    meetings.write(session, plan.sessions, plan.linked, by=actor, now=plan.made_at)
    # What other ways said of a session may earn otherwise now that more is known of it.
    touch(session, among(PresenceRow.session_id, [session_id for session_id, _ in plan.linked]))
    news = [fact for fact in plan.facts if source or fact.action != "unchanged"]
    add(session, (_presence(fact, source) for fact in news), by=actor, correlation_id=correlation_id)
    keys = {(fact.session_id, who) for fact in news if (who := fact.presence.account_id)}
    if source and plan.taken_back:
        p = PresenceRow
        lines = (p.correlation_id == source.run) & among(p.report_line, plan.taken_back)
        taken = session.execute(select(p.session_id, p.account_id).where(lines))
        keys |= {(meeting, who) for meeting, who in taken if who}
        withdraw(session, lines, by=actor)
    written = fold(session, keys)
    # What is still to do depends on the sessions there are, for those who weren't there, too; and an activity that
    # stands for one from now on may count otherwise for whoever did both.
    communities = {c for _, meeting in (*plan.sessions, *plan.linked) for c in meeting.communities}
    mark_persons(session, select(Membership.id).where(among(Membership.community_id, communities)))
    return written


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
            plan.recorded[session_id] = before
    return ids


def _presence(planned: PlannedFact, source: Source | None) -> NewPresence:
    presence = planned.presence
    return NewPresence(
        planned.session_id,
        presence.account_id,
        Way.FILE,
        presence.minutes,
        presence.status,
        presence.mode,
        who=None if presence.account_id else presence.who,
        report_id=source.report_id if source else None,
        report_line=presence.line,
        id=source.row_id(presence.line) if source else None,
    )
