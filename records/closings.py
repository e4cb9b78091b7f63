"""Closed periods: a snapshot with a hash. What comes late is listed for staff, never silently added or dropped."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.credit import credits_of, late_minutes
from mappings.facts import Closing, Fact
from mappings.periods import Calendar, Span
from records import answers, audit
from records.actor import Actor
from records.decisions import Kind
from records.keys import put
from records.memberships import mark_dirty, mark_program
from records.models import ClosedMember, Community, Decision, Membership, ProgramRow, uuid7
from records.models import Closing as ClosingRow
from records.programs import newest, versions_by_program


class ClosingError(Exception):
    """A period can't be closed, or nothing can be let in; the message says why and what to do, `code` what it is."""

    def __init__(self, message: str, code: str = "refused") -> None:
        super().__init__(message)
        self.code = code


@dataclass(slots=True)
class Snapshot:
    """A period of a program as it would be closed, or was."""

    program_id: UUID
    program: str
    span: Span
    label: str
    members: list[dict[str, Any]] = field(default_factory=list)
    """Rows of `closed_members` without the closing's id."""
    id: UUID = field(default_factory=uuid7)
    """Of the closing."""

    @property
    def minutes(self) -> int:
        return sum(member["minutes"] for member in self.members)

    @property
    def sha256(self) -> str:
        """Over who had how much for what: canonical JSON, in the order of memberships and keys."""
        members = sorted(self.members, key=lambda member: str(member["membership_id"]))
        content = [
            self.program,
            *(edge.isoformat() if edge else None for edge in (self.span.start, self.span.end)),
            [[str(m["membership_id"]), m["minutes"], m["status"], m["credits"]] for m in members],
        ]
        return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def begin(session: Session, program: str, first: date, last: date, label: str, now: datetime) -> Snapshot:
    """An empty snapshot of the days from `first` to `last`, both included. Raises ClosingError.

    Nobody reconciles a membership of the program until the transaction ends.
    """
    row = session.scalars(select(ProgramRow).where(ProgramRow.code == program).with_for_update()).one_or_none()
    if row is None:
        raise ClosingError(f"There is no program '{program}': see `copbridge program list`.", "no_program")
    if last < first:
        raise ClosingError(f"The period ends on {last}, before it begins on {first}.", "backwards")
    calendar = Calendar(newest(versions_by_program(session)[row.id]).zone)
    span = Span(calendar.midnight(first), calendar.midnight(last + timedelta(days=1)))
    if span.end is None or span.end > now:
        raise ClosingError(f"{last} isn't over yet: a period can be closed from the day after on.", "not_over")
    held = select(ClosingRow).where(
        ClosingRow.program_id == row.id, ClosingRow.starts_at < span.end, ClosingRow.ends_at > span.start
    )
    other = session.scalars(held.limit(1)).first()
    if other:
        raise ClosingError(
            f"The period '{other.label}' is closed already, and has days in common with this one.", "overlaps"
        )
    _lock(session, row.id)
    return Snapshot(row.id, program, span, label)


def _lock(session: Session, program_id: UUID) -> None:
    """Hold all memberships of a program. Raises ClosingError while some are about to be reconciled."""
    rows = session.execute(
        select(Membership.id, Membership.dirty_at)
        .join(Community)
        .where(Community.program_id == program_id)
        .order_by(Membership.id)
        .with_for_update(of=Membership, key_share=True)
    ).all()
    dirty = sum(row.dirty_at is not None for row in rows)
    if dirty:
        raise ClosingError(
            f"{dirty} of {len(rows)} memberships are about to be computed again: wait until the workers are through.",
            "moving",
        )


def fill(session: Session, snapshot: Snapshot, now: datetime) -> Iterator[tuple[int, int]]:
    """Add every membership with its standing and credits in the span. Yields (looked at, of how many)."""
    ids = _memberships(session, snapshot.program_id)
    closing = Closing(str(snapshot.id), snapshot.span, None)
    for start in range(0, len(ids), answers.AT_ONCE):
        for item in answers.inputs_of(session, ids[start : start + answers.AT_ONCE]):
            about = replace(item, decisions=replace(item.decisions, closings=(*item.decisions.closings, closing)))
            answer = answers.answer(about, now)
            inside = [c for c in credits_of(answer.lines) if snapshot.span.holds(c.happened_at)]
            rows = [asdict(c) | {"happened_at": c.happened_at.isoformat()} for c in inside]
            snapshot.members.append(
                {
                    "membership_id": item.membership.id,
                    "minutes": sum(c.minutes for c in inside),
                    "status": str(answer.standing.status),
                    "credits": sorted(rows, key=lambda row: str(row["key"])),
                }
            )
        yield min(start + answers.AT_ONCE, len(ids)), len(ids)


def _memberships(session: Session, program_id: UUID) -> list[UUID]:
    m = Membership
    wanted = select(m.id).join(Community).where(Community.program_id == program_id, m.merged_into.is_(None))
    return list(session.scalars(wanted.order_by(Membership.community_id, Membership.id)))


def close(session: Session, snapshot: Snapshot, *, actor: Actor, role: str, reason: str, now: datetime) -> UUID:
    """Write a filled snapshot down. Returns the closing's id. Raises ClosingError without a reason."""
    if not reason.strip():
        raise ClosingError("Closing a period needs a reason.", "no_reason")
    closing_id = snapshot.id
    decision = Decision(
        id=uuid7(),
        kind=str(Kind.CLOSING),
        program_id=snapshot.program_id,
        actor=actor.name,
        actor_role=role,
        reason=reason.strip(),
        data={"closing": str(closing_id), "sha256": snapshot.sha256},
        decided_at=now,
        correlation_id=uuid7(),
    )
    session.add(decision)
    session.flush()
    session.add(
        ClosingRow(
            id=closing_id,
            program_id=snapshot.program_id,
            label=snapshot.label,
            starts_at=snapshot.span.start,
            ends_at=snapshot.span.end,
            sha256=snapshot.sha256,
            decision_id=decision.id,
            closed_at=now,
        )
    )
    session.flush()
    if snapshot.members:
        session.execute(put(ClosedMember, [{"closing_id": closing_id, **member} for member in snapshot.members]))
    mark_program(session, snapshot.program_id)
    after = {"closing": str(closing_id), "sha256": snapshot.sha256, "memberships": len(snapshot.members)}
    audit.record(session, actor, "period.closed", snapshot.program, after=after)
    return closing_id


def closings(session: Session) -> list[tuple[ClosingRow, str, bool]]:
    """Every closed period, its program, and whether the snapshot still has the hash that it had."""
    rows = session.execute(
        select(ClosingRow, ProgramRow.code)
        .join(ProgramRow, ProgramRow.id == ClosingRow.program_id)
        .order_by(ProgramRow.code, ClosingRow.starts_at)
    ).all()
    return [(row, code, intact(session, row, code)) for row, code in rows]


def intact(session: Session, row: ClosingRow, program: str) -> bool:
    """Whether the snapshot of a closed period still has the hash that it had: its rows are all read for that."""
    return _held(session, row, program).sha256 == row.sha256


def _held(session: Session, row: ClosingRow, program: str) -> Snapshot:
    members = session.scalars(select(ClosedMember).where(ClosedMember.closing_id == row.id))
    snapshot = Snapshot(row.program_id, program, Span(row.starts_at, row.ends_at), row.label)
    snapshot.members = [
        {"membership_id": m.membership_id, "minutes": m.minutes, "status": m.status, "credits": m.credits}
        for m in members
    ]
    return snapshot


ADMITTED = "late.admitted"
"""The audit trail's name for letting a late change in, with the minutes before and after."""


@dataclass(frozen=True, slots=True)
class Late:
    """A change that came after its period was closed. Whole minutes: what the snapshot has, what it would be."""

    closing_id: UUID
    label: str
    membership_id: UUID
    key: str
    happened_at: datetime
    held: int
    would_be: int
    decision: str | None = None
    """The decision that it comes of, where it comes of one."""
    kind: str = ""
    """Of the fact that it comes of: completion, attendance, milestone; empty where it comes of none that is known."""
    what: str = ""
    """What that is called: an activity's name, a session's title, a milestone's code."""


def late(session: Session, program: str | None = None) -> Iterator[tuple[list[Late], int, int]]:
    """What came late for closed periods, chunk by chunk. Yields (found, looked at, of how many)."""
    held = select(ClosingRow).join(ProgramRow, ProgramRow.id == ClosingRow.program_id).order_by(ClosingRow.starts_at)
    rows = session.scalars(held.where(ProgramRow.code == program) if program else held).all()
    ids = sorted({m for program_id in {row.program_id for row in rows} for m in _memberships(session, program_id)})
    for start in range(0, len(ids), answers.AT_ONCE):
        found = []
        for item in answers.inputs_of(session, ids[start : start + answers.AT_ONCE]):
            found += late_of(item, rows)
        yield found, min(start + answers.AT_ONCE, len(ids)), len(ids)


def late_of(item: answers.Inputs, rows: Sequence[ClosingRow]) -> list[Late]:
    """What came late of one membership for closed periods, by the periods' rows."""
    own = [row for row in rows if row.program_id == item.community.program_id]
    found = []
    for line in answers.lines_of(item):
        would_be = late_minutes(line)
        dated = line.credit or line.fact
        happened_at = dated.happened_at if dated else line.params["happened_at"]
        row = next((row for row in own if row.starts_at <= happened_at < row.ends_at), None)
        if would_be is None or row is None:
            continue
        key = line.fact.key if line.fact else line.credit.key if line.credit else f"decision:{line.decision}"
        minutes = line.credit.minutes if line.credit else 0
        found.append(
            Late(
                row.id,
                row.label,
                item.membership.id,
                key,
                happened_at,
                minutes,
                would_be,
                line.decision,
                *_about(line.fact),
            )
        )
    return found


def _about(fact: Fact | None) -> tuple[str, str]:
    if fact is None:
        return "", ""
    if fact.session:
        return str(fact.kind), fact.session.title
    if fact.milestone:
        return str(fact.kind), fact.milestone.code
    return str(fact.kind), fact.activity.name if fact.activity else ""


def admit(session: Session, change: Late, *, actor: Actor, role: str, reason: str, now: datetime) -> UUID:
    """Let a late change into its closed period: the snapshot stays, the ledger follows. Returns the decision's id."""
    if not reason.strip():
        raise ClosingError("Letting a late change in needs a reason.", "no_reason")
    decision = Decision(
        id=uuid7(),
        kind=str(Kind.ADMISSION),
        membership_id=change.membership_id,
        actor=actor.name,
        actor_role=role,
        reason=reason.strip(),
        data={"closing": str(change.closing_id), "key": change.key},
        decided_at=now,
        correlation_id=uuid7(),
    )
    session.add(decision)
    session.flush()
    mark_dirty(session, select(Membership.id).where(Membership.id == change.membership_id))
    after = {"decision": str(decision.id), "held": change.held, "would_be": change.would_be}
    audit.record(session, actor, ADMITTED, str(change.membership_id), after=after)
    return decision.id
