"""Record milestones, as versioned rows: what lines mean, the plan of what would change, and its carrying out."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from mappings.earning import Milestone
from mappings.earning import Subject as SubjectKind
from mappings.facts import Ended
from records import audit, teams
from records.actor import Actor
from records.attendance_lookup import Unknown
from records.csv_file import Problem
from records.keys import among, put
from records.memberships import mark_persons
from records.merged import root_of
from records.milestone_file import Evidence, MilestoneLine
from records.milestone_lookup import MilestoneLookup
from records.mirror import everywhere_alone
from records.models import Community, Membership, MilestoneRow, SessionRow, Team, uuid7
from records.queries.milestone_reach import may_record
from records.reached import Subject

ACTIONS = ("new", "changed", "withdrawn", "unchanged")
SAME = ("happened_at", "evidence", "ended")
"""A milestone whose current version agrees in these is known already."""


class MilestoneError(Exception):
    """A milestone can't be recorded; the message says why, and what to do."""


class NotTheirs(MilestoneError):
    """The subject isn't the actor's to record for: see records.queries.milestone_reach.may_record."""


@dataclass(frozen=True, slots=True)
class NewMilestone:
    """A milestone as it is now. `happened_at` is aware UTC; `ended`: `withdrawn`, or None while it stands."""

    program_id: UUID
    code: str
    subject: Subject
    happened_at: datetime
    cycle: str = ""
    session_id: UUID | None = None
    evidence: tuple[Evidence, ...] = ()
    ended: str | None = None

    @property
    def key(self) -> str:
        return key_of(self.code, self.subject, self.cycle, self.session_id)


def key_of(code: str, subject: Subject, cycle: str, session_id: UUID | None) -> str:
    """One of each: what it is, whose, in which cycle, after which session."""
    kind, subject_id = subject
    return f"{code}:{kind}:{subject_id}:{cycle}:{session_id or ''}"


@dataclass(frozen=True, slots=True)
class Planned:
    """What taking in one line amounts to; `action` is one of ACTIONS."""

    line: int
    milestone: NewMilestone
    action: str
    unproven: bool
    """The program asks for evidence, and there is none: it doesn't count until there is."""


@dataclass(slots=True)
class Plan:
    """What would be recorded. Nothing is written while it is made."""

    milestones: list[Planned] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def count(self, action: str) -> int:
        return sum(planned.action == action for planned in self.milestones)

    @property
    def unproven(self) -> int:
        return sum(planned.unproven for planned in self.milestones)

    @property
    def changes(self) -> bool:
        return any(planned.action != "unchanged" for planned in self.milestones)


@dataclass(frozen=True, slots=True)
class _Meant:
    """A line in the records' terms. `happened_at` None: the line takes something back without a date."""

    row: MilestoneLine
    milestone: Milestone
    program_id: UUID
    subject: Subject
    session_id: UUID | None
    zone: ZoneInfo
    happened_at: datetime | None

    @property
    def key(self) -> str:
        return key_of(self.milestone.milestone, self.subject, self.row.cycle, self.session_id)


def plan_milestones(
    session: Session, rows: Sequence[MilestoneLine], problems: Iterable[Problem], now: datetime
) -> Plan:
    """What the rows would change. Nothing else is at work on any site until the transaction ends: a team's milestone
    counts for everybody in it, those included that another transaction is about to make members."""
    everywhere_alone(session)
    plan = Plan(problems=list(problems))
    lookup = MilestoneLookup(session, rows)
    meant = [found for row in rows if (found := _resolve(lookup, row, now, plan.problems))]
    by_key: dict[str, list[_Meant]] = {}
    for found in meant:
        by_key.setdefault(found.key, []).append(found)
    held = _held(session, by_key)
    for key, same in by_key.items():
        planned = _planned(same, held.get(key), plan.problems)
        if planned:
            plan.milestones.append(planned)
    plan.problems.sort(key=lambda problem: problem.line)
    return plan


def apply_plan(session: Session, plan: Plan, *, actor: Actor, digest: str = "") -> int:
    """Carry a plan out in the transaction that made it. Returns how many versions were added.

    `digest` names the file in the audit trail; empty where there is none.
    """
    if not plan.changes:
        return 0
    correlation = uuid7()
    wanted = [planned.milestone for planned in plan.milestones if planned.action != "unchanged"]
    written = record_milestones(session, wanted, actor=actor, correlation_id=correlation)
    counts = {action: plan.count(action) for action in ACTIONS[:-1]} | {"skipped": len(plan.problems)}
    after = ({"sha256": digest} if digest else {}) | counts
    action = "milestones.import" if digest else "milestone.recorded"
    audit.record(session, actor, action, str(correlation), after=after)
    return written


def record_one(session: Session, row: MilestoneLine, *, actor: Actor, now: datetime) -> Planned:
    """Record one milestone, as a line of a file would. Raises MilestoneError."""
    plan = plan_milestones(session, [row], (), now)
    if plan.problems:
        problem = plan.problems[0]
        raise MilestoneError(f"{problem.column}: {problem.message}." if problem.column else f"{problem.message}.")
    apply_plan(session, plan, actor=actor)
    return plan.milestones[0]


def withdraw(session: Session, milestone_id: UUID, *, actor: Actor) -> None:
    """Take back the milestone of which this is the current version. Raises MilestoneError."""
    row = _current(session, milestone_id)
    if row.ended:
        raise MilestoneError(f"The milestone {milestone_id} was withdrawn already.")
    _turn(session, row, str(Ended.WITHDRAWN), "milestone.withdrawn", actor)


def restore(session: Session, milestone_id: UUID, *, actor: Actor) -> None:
    """Have the withdrawn milestone of which this is the current version stand again. Raises MilestoneError."""
    row = _current(session, milestone_id)
    if not row.ended:
        raise MilestoneError(f"The milestone {milestone_id} stands.")
    _turn(session, row, None, "milestone.restored", actor)


def _current(session: Session, milestone_id: UUID) -> MilestoneRow:
    everywhere_alone(session)
    row = session.get(MilestoneRow, milestone_id, populate_existing=True)
    if row is None or row.superseded_at is not None:
        raise MilestoneError(f"There is no milestone {milestone_id}, or it was changed since: see `milestone list`.")
    return row


def _turn(session: Session, row: MilestoneRow, ended: str | None, action: str, actor: Actor) -> None:
    correlation = uuid7()
    record_milestones(session, [replace(_as_new(row), ended=ended)], actor=actor, correlation_id=correlation)
    audit.record(session, actor, action, str(row.id), after={"correlation": str(correlation)})


def record_milestones(
    session: Session, milestones: Iterable[NewMilestone], *, actor: Actor, correlation_id: UUID
) -> int:
    """Add a version for each milestone that differs from what is known, and mark the memberships that it may count
    for. Returns how many versions were added. The caller is alone on all sites (records.mirror). Raises NotTheirs."""
    new = {milestone.key: milestone for milestone in milestones}
    for program_id, (kind, subject_id) in {(one.program_id, one.subject) for one in new.values()}:
        if not actor.unlimited and not may_record(session, actor, program_id, kind, subject_id):
            raise NotTheirs("Not all of the communities that it concerns are the actor's.")
    held = _held(session, new)
    rows: list[dict[str, Any]] = []
    for key in sorted(new):
        values = _values(new[key])
        if key in held and all(values[name] == getattr(held[key], name) for name in SAME):
            continue
        version = held[key].version + 1 if key in held else 1
        rows.append(
            {"id": uuid7(), "key": key, "version": version}
            | values
            | {"correlation_id": correlation_id, "recorded_by": actor.name}
        )
    if not rows:
        return 0
    old = [held[row["key"]].id for row in rows if row["key"] in held]
    session.execute(
        update(MilestoneRow).where(among(MilestoneRow.id, old)).values(superseded_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )
    session.execute(put(MilestoneRow, rows))
    _mark(session, {new[row["key"]].subject for row in rows})
    return len(rows)


def _held(session: Session, keys: Iterable[str]) -> dict[str, MilestoneRow]:
    """The current versions."""
    rows = session.scalars(
        select(MilestoneRow)
        .where(among(MilestoneRow.key, keys), MilestoneRow.superseded_at.is_(None))
        .order_by(MilestoneRow.key)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.key: row for row in rows}


def _values(milestone: NewMilestone) -> dict[str, Any]:
    return {
        "program_id": milestone.program_id,
        "code": milestone.code,
        "subject_kind": milestone.subject[0],
        "subject_id": milestone.subject[1],
        "cycle": milestone.cycle,
        "session_id": milestone.session_id,
        "happened_at": milestone.happened_at,
        "evidence": [{"kind": kind, "value": value} for kind, value in milestone.evidence],
        "ended": milestone.ended,
    }


def _as_new(row: MilestoneRow) -> NewMilestone:
    return NewMilestone(
        row.program_id,
        row.code,
        (cast(SubjectKind, row.subject_kind), row.subject_id),
        row.happened_at,
        row.cycle,
        row.session_id,
        tuple((piece["kind"], piece["value"]) for piece in row.evidence),
        row.ended,
    )


def _mark(session: Session, subjects: Iterable[Subject]) -> None:
    """Mark whoever a milestone of these subjects may count for."""
    by_kind: dict[str, set[UUID]] = {}
    for kind, subject in subjects:
        by_kind.setdefault(kind, set()).add(subject)
    m = Membership
    organisations = by_kind.get("organisation", set())
    participants = {root_of(session, membership) for membership in by_kind.get("participant", ())}
    in_teams = teams.members_of(
        session,
        session.scalars(
            select(Team.id).where(
                or_(among(Team.id, by_kind.get("team", ())), among(Team.organisation_id, organisations))
            )
        ),
    )
    of_program = select(Community.id).where(among(Community.program_id, by_kind.get("program", ())))
    mark_persons(
        session,
        select(m.id).where(
            or_(
                among(m.id, participants | {i for ids in in_teams.values() for i in ids}),
                among(m.organisation_id, organisations),
                among(m.community_id, by_kind.get("community", ())),
                m.community_id.in_(of_program),
            )
        ),
    )


def _resolve(lookup: MilestoneLookup, row: MilestoneLine, now: datetime, problems: list[Problem]) -> _Meant | None:
    """A line in the records' terms; None where it is wrong, which is noted."""
    try:
        return _meant(lookup, row, now)
    except Unknown as err:
        problems.append(Problem(row.line, err.column, err.message))
        return None


def _meant(lookup: MilestoneLookup, row: MilestoneLine, now: datetime) -> _Meant:
    program_id, versions = lookup.program(row)
    program, milestone = lookup.milestone(row, versions)
    _check_cycle(row, milestone)
    community = lookup.community(row, program_id)
    subject, community = lookup.subject(row, milestone.of, program_id, community)
    follows = None
    if milestone.after:
        if not row.session:
            raise Unknown("session", f"is empty: expected the code of the {milestone.after} that it follows")
        follows = lookup.session(row, milestone.after, program_id, community)
    elif row.session:
        raise Unknown("session", f"'{milestone.milestone}' follows no session: expected nothing")
    # An organisation's day is the program's, even where it follows a community's session.
    own = community if milestone.of not in ("organisation", "program") else None
    zone = ZoneInfo(own.timezone) if own else program.zone
    happened_at = _moment(row, zone, now, follows) if row.day else None
    return _Meant(row, milestone, program_id, subject, follows.id if follows else None, zone, happened_at)


def _check_cycle(row: MilestoneLine, milestone: Milestone) -> None:
    if milestone.cycle and not row.cycle:
        text = f"is empty: '{milestone.milestone}' is a phase of '{milestone.cycle}', expected the cycle's label"
        raise Unknown("cycle", f"{text}, such as 2026-1")
    if row.cycle and not milestone.cycle:
        raise Unknown("cycle", f"'{milestone.milestone}' is no phase of a cycle: expected nothing")


def _moment(row: MilestoneLine, zone: ZoneInfo, now: datetime, follows: SessionRow | None) -> datetime:
    if row.day is None:
        raise ValueError("the line names no day")
    local = datetime.combine(row.day, row.at or time(), zone)
    moment = local.astimezone(UTC)
    if row.at and moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise Unknown("time", f"{row.at:%H:%M} doesn't exist on {row.day} in {zone.key}: the clocks go forward then")
    if moment > now:
        raise Unknown("date", f"{row.day} is yet to come: a milestone is recorded once it is reached")
    if follows and row.day < follows.starts_at.astimezone(zone).date():
        raise Unknown("date", f"{row.day} is before the session '{follows.code}' that it follows")
    return moment


def _planned(same: list[_Meant], held: MilestoneRow | None, problems: list[Problem]) -> Planned | None:
    """What the lines about one milestone amount to. Where they disagree, none of them is taken."""
    first = same[0]
    if any(replace(other.row, line=first.row.line) != first.row for other in same):
        for found in same:
            other = next(o for o in same if replace(o.row, line=found.row.line) != found.row)
            text = f"line {other.row.line} says otherwise of the same one"
            problems.append(Problem(found.row.line, "milestone", text))
        return None
    before = _as_new(held) if held else None
    if first.happened_at is None or first.row.withdrawn:
        if before is None:
            text = "nothing like it is recorded: there is nothing to take back"
            problems.append(Problem(first.row.line, "withdrawn", text))
            return None
        action = "unchanged" if before.ended else "withdrawn"
        return Planned(first.row.line, replace(before, ended=str(Ended.WITHDRAWN)), action, unproven=False)
    wanted = NewMilestone(
        first.program_id,
        first.milestone.milestone,
        first.subject,
        _when(first, first.happened_at, before),
        first.row.cycle,
        first.session_id,
        _evidence(first.row, before.evidence if before else ()),
    )
    action = "new" if before is None else "unchanged" if before == wanted else "changed"
    unproven = first.milestone.evidence == "required" and not wanted.evidence
    return Planned(first.row.line, wanted, action, unproven)


def _when(found: _Meant, moment: datetime, before: NewMilestone | None) -> datetime:
    """The line's moment; the recorded one where the line names no time and the day is the same."""
    if before and found.row.at is None and before.happened_at.astimezone(found.zone).date() == found.row.day:
        return before.happened_at
    return moment


def _evidence(row: MilestoneLine, recorded: tuple[Evidence, ...]) -> tuple[Evidence, ...]:
    """What the line says; what it has no column for stays as it is recorded."""
    pieces = row.evidence if row.evidence is not None else tuple(p for p in recorded if p[0] != "note")
    if row.note is None:
        return (*pieces, *(p for p in recorded if p[0] == "note"))
    return (*pieces, ("note", row.note)) if row.note else pieces
