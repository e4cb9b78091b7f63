"""One act about many memberships: planned with what it moves, carried out in one transaction, undone as a whole."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, insert, select
from sqlalchemy.orm import Session

from mappings.facts import Adjustment
from mappings.program import Program, version_at
from records import effects
from records.actor import Actor, in_scope
from records.deciding import MAX_MINUTES, By, DecisionError
from records.decision_faults import Why
from records.decisions import Kind, standing_decisions
from records.effects import Looked
from records.keys import among, put
from records.memberships import mark_persons
from records.merged import root_of
from records.models import AuditEntry, Community, Decision, Membership, uuid7
from records.programs import newest, versions_by_program
from records.queries.community import names_of
from records.settled import settle
from records.supposing import Change, adjusted, suppose, waived

ACTS = frozenset({Kind.ADJUSTMENT, Kind.WAIVER})
"""What is done to many at once here. Other decisions come in batches, too."""
AT_ONCE = 500
"""So many memberships at most: their people are locked until the transaction ends."""


class LeftOut(StrEnum):
    """Why nothing is decided about one of those who were chosen."""

    NOT_A_PARTICIPANT = "not_a_participant"
    LEFT = "left"
    MERGED = "merged"
    COMPONENT = "component"
    """Another program, without this component."""
    NOT_ASKED = "not_asked"
    """Another program, without this requirement."""
    STANDS = "stands"
    """It is waived already."""


class Changed(Exception):
    """Something moved since it was planned; `plan` is how it would be now."""

    def __init__(self, plan: "Plan") -> None:
        super().__init__("something changed since it was planned")
        self.plan = plan


@dataclass(frozen=True, slots=True)
class Act:
    """What is done to each: minutes in a component given or taken, or a requirement waived."""

    kind: Kind
    minutes: int = 0
    component: str = ""
    requirement: str = ""

    @property
    def data(self) -> dict[str, Any]:
        """What each decision holds of it."""
        if self.kind is Kind.ADJUSTMENT:
            return {"minutes": self.minutes, "component": self.component}
        return {"requirement": self.requirement}


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody who was chosen. `account`: Moodle's id, where there is no name."""

    membership_id: UUID
    person_id: UUID
    name: str
    account: int
    program: Program
    topic: str
    region: str
    community_id: UUID


@dataclass(frozen=True, slots=True)
class Line:
    """Somebody about whom it is decided, before and after. `waits`: it counts once another person approved it."""

    member: Member
    before: Looked
    after: Looked
    waits: bool

    @property
    def turns(self) -> bool:
        """Whether the standing becomes another one."""
        return self.before.status != self.after.status

    @property
    def below_zero(self) -> bool:
        """Whether the hours become less than nothing by it."""
        return effects.falls_below_zero(self.before, self.after)


@dataclass(frozen=True, slots=True)
class Plan:
    """What an act would move. `digest`: the same while it would move the same."""

    act: Act
    lines: list[Line] = field(default_factory=list)
    left_out: list[tuple[Member, LeftOut]] = field(default_factory=list)
    components: tuple[str, ...] = ()
    requirements: dict[str, Program] = field(default_factory=dict)
    """What the programs of those who were chosen ask of participants, with the program whose words say so."""

    @property
    def below_zero(self) -> bool:
        """Whether somebody's hours become less than nothing by it."""
        return any(line.below_zero for line in self.lines)

    @property
    def digest(self) -> str:
        """Over everything that is decided and shown."""
        told = [
            (str(line.member.membership_id), *_figures(line.before), *_figures(line.after), line.waits)
            for line in self.lines
        ]
        rest = sorted((str(member.membership_id), why) for member, why in self.left_out)
        return hashlib.sha256(json.dumps([self.act.data, sorted(told), rest], default=str).encode()).hexdigest()[:32]


def _figures(looked: Looked) -> tuple[int, str]:
    return looked.counting, looked.status


@dataclass(frozen=True, slots=True)
class _Row:
    membership: Membership
    community: Community
    member: Member
    in_force: Program
    """As of now: what is asked, and which components there are."""


def plan(session: Session, actor: Actor, ids: Collection[UUID], act: Act, now: datetime) -> Plan:
    """What an act about memberships would move. Raises DecisionError for ids that aren't there, or not in the
    actor's scope, for too many of them, and for an amount that can't be."""
    if len(ids) > AT_ONCE:
        raise DecisionError(f"At most {AT_ONCE} memberships at once.", Why.AMOUNT)
    rows = _rows(session, actor, ids, now)
    found = replace(_asked(rows), act=act)
    if act.kind is Kind.ADJUSTMENT and not 0 < abs(act.minutes) <= MAX_MINUTES:
        raise DecisionError(f"An adjustment is of 1 to {MAX_MINUTES} minutes, given or taken.", Why.AMOUNT)
    already = _waived(session, ids, act)
    mine: dict[UUID, _Row] = {}
    for row in rows:
        why = _left_out(row, act, already)
        if why:
            found.left_out.append((row.member, why))
        else:
            mine[row.membership.id] = row
    changes = {membership: _change(act, now) for membership in mine}
    for membership, seen in suppose(session, changes, now).items():
        found.lines.append(Line(mine[membership].member, seen.before, seen.after, _waits(mine[membership], act)))
    found.lines.sort(key=lambda line: (line.member.name.casefold(), line.member.membership_id))
    return found


def choices(session: Session, actor: Actor, ids: Collection[UUID], now: datetime) -> tuple[list[Member], Plan]:
    """Those who were chosen, and a plan of nothing that names what can be done about them. Raises DecisionError."""
    rows = _rows(session, actor, ids, now)
    return [row.member for row in rows], _asked(rows)


def carry_out(session: Session, ids: Collection[UUID], act: Act, by: By, digest: str, batch: UUID) -> UUID:
    """Decide about all of them at once, if it still moves what was planned; returns the batch's id. Sent twice, it
    is done once. Raises DecisionError, and Changed."""
    if not by.reason.strip():
        raise DecisionError("A decision needs a reason.", Why.NO_REASON)
    lock(session, ids)
    # Taken back meanwhile, it was done all the same: a form that comes once more doesn't do it again.
    if session.scalar(select(Decision.id).where(_named(batch), Decision.undoes.is_(None)).limit(1)):
        return batch
    found = plan(session, by.actor, ids, act, by.now)
    if found.digest != digest or not found.lines:
        raise Changed(found)
    rows = [_decision(line, act, by, batch) for line in found.lines]
    session.execute(put(Decision, rows))
    members = [line.member.membership_id for line in found.lines]
    mark_persons(session, select(Membership.id).where(among(Membership.id, members)))
    audited = []
    for row, line in zip(rows, found.lines, strict=True):
        about = {"membership": str(line.member.membership_id), **row["data"]}
        audited.append(_audit(by, f"decision.{act.kind}", row["id"], None, about))
        if _figures(line.before) != _figures(line.after):
            was, now = ({about["membership"]: list(_figures(at))} for at in (line.before, line.after))
            audited.append(_audit(by, effects.MOVED, row["id"], was, now))
    session.execute(insert(AuditEntry), audited)
    return batch


def of_batch(session: Session, batch: UUID, kinds: Collection[Kind] = ACTS) -> list[UUID]:
    """The decisions of a batch of these kinds that nobody undid, first to last."""
    of = (_named(batch), Decision.kind.in_([str(kind) for kind in kinds]))
    return list(session.scalars(standing_decisions().where(*of).with_only_columns(Decision.id).order_by(Decision.id)))


def _named(batch: UUID) -> ColumnElement[bool]:
    named: ColumnElement[bool] = Decision.data["batch"].as_string() == str(batch)
    return named


def undo(session: Session, actor: Actor, batch: UUID, by: By, kinds: Collection[Kind] = ACTS) -> int:
    """Take a whole batch back, as far as nobody did so before. Returns of how many it was. Raises DecisionError for
    a batch that isn't there, that reaches beyond the actor's scope, or of which nothing is of these kinds: others,
    such as who was present, are taken back where they were decided, with all that hangs on them."""
    if not by.reason.strip():
        raise DecisionError("A decision needs a reason.", Why.NO_REASON)
    standing = set(of_batch(session, batch, kinds))
    wanted = (
        select(Decision.id, Decision.membership_id)
        .join(Membership, Membership.id == Decision.membership_id)
        .join(Community, Community.id == Membership.community_id)
        .where(among(Decision.id, standing), in_scope(actor))
    )
    rows = {row.id: row.membership_id for row in session.execute(wanted) if row.membership_id}
    if not rows or rows.keys() != standing:
        raise DecisionError(f"There is no batch {batch} to undo.", Why.NOT_THERE)
    lock(session, rows.values())
    rows = {decision: rows[decision] for decision in of_batch(session, batch, kinds) if decision in rows}
    if not rows:
        raise DecisionError(f"The batch {batch} was undone already.", Why.UNDONE)
    whose = sorted(set(rows.values()))
    was = effects.looks(session, whose, by.now)
    undoing = [
        _row(by, Kind.UNDO, membership, {"batch": str(batch)}, decision) for decision, membership in rows.items()
    ]
    session.execute(put(Decision, undoing))
    settle(session, rows)
    mark_persons(session, select(Membership.id).where(among(Membership.id, rows.values())))
    audited = [
        _audit(by, f"decision.{Kind.UNDO}", row["id"], None, {"undoes": str(row["undoes"]), **row["data"]})
        for row in undoing
    ]
    session.execute(insert(AuditEntry), [*audited, *_moved(session, by, undoing, was)])
    return len(rows)


def _moved(
    session: Session, by: By, undoing: Sequence[Mapping[str, Any]], was: Mapping[UUID, Looked]
) -> list[dict[str, Any]]:
    """What undoing moved, for the audit trail: of a membership with several decisions told by the last of them."""
    last = {row["membership_id"]: row["id"] for row in undoing}
    moved = []
    for membership, now in effects.looks(session, sorted(was), by.now).items():
        before, after = ({str(membership): list(_figures(at))} for at in (was[membership], now))
        if before != after:
            moved.append(_audit(by, effects.MOVED, last[membership], before, after))
    return moved


def _rows(session: Session, actor: Actor, ids: Collection[UUID], now: datetime) -> list[_Row]:
    found = session.execute(
        select(Membership, Community)
        .join(Community, Community.id == Membership.community_id)
        .where(among(Membership.id, ids), in_scope(actor))
        .order_by(Membership.id)
        .execution_options(populate_existing=True)
    ).all()
    if len(found) != len(set(ids)):
        raise DecisionError("Somebody of them isn't there.", Why.NOT_THERE)
    names = names_of(session, (row.Membership.person_id for row in found))
    versions = versions_by_program(session)
    rows = []
    for m, c in found:
        known = versions[c.program_id]
        name, account = names.get(m.person_id, ("", 0))
        member = Member(m.id, m.person_id, name, account, newest(known), c.topic, c.region, c.id)
        rows.append(_Row(m, c, member, version_at(known, now).program))
    return rows


def _asked(rows: Sequence[_Row]) -> Plan:
    """What can be done about somebody of them: components, and requirements of participants."""
    programs = {program.program: program for row in rows for program in (row.in_force,)}
    components = tuple(dict.fromkeys(code for program in programs.values() for code in program.components))
    requirements = {
        asked.requirement: program
        for program in programs.values()
        for asked in program.requirements
        if asked.of == "participant"
    }
    return Plan(Act(Kind.ADJUSTMENT), components=components, requirements=requirements)


def _waived(session: Session, ids: Collection[UUID], act: Act) -> set[UUID]:
    if act.kind is not Kind.WAIVER:
        return set()
    which = Decision.data["requirement"].as_string() == act.requirement
    wanted = standing_decisions().where(Decision.kind == str(Kind.WAIVER), which, among(Decision.membership_id, ids))
    found = session.scalars(wanted.with_only_columns(Decision.membership_id))
    return {membership for membership in found if membership}


def _left_out(row: _Row, act: Act, already: set[UUID]) -> LeftOut | None:
    if row.membership.merged_into:
        return LeftOut.MERGED
    if row.membership.role != "participant":
        return LeftOut.NOT_A_PARTICIPANT
    if row.membership.status == "left":
        return LeftOut.LEFT
    if act.kind is Kind.ADJUSTMENT:
        return None if act.component in row.in_force.components else LeftOut.COMPONENT
    asked = {r.requirement for r in row.in_force.requirements if r.of == "participant"}
    if act.requirement not in asked:
        return LeftOut.NOT_ASKED
    return LeftOut.STANDS if row.membership.id in already else None


def _change(act: Act, now: datetime) -> Change:
    supposed = uuid7()
    if act.kind is Kind.ADJUSTMENT:
        return adjusted(Adjustment(str(supposed), now, act.minutes, act.component))
    return waived(act.requirement, supposed)


def _waits(row: _Row, act: Act) -> bool:
    return act.kind is Kind.ADJUSTMENT and row.in_force.adjustments.asks_approval(act.minutes)


def lock(session: Session, ids: Collection[UUID]) -> None:
    """As whoever decides about one person does: all memberships of each, in the order of their ids, so that of those
    who decide about several nobody waits for somebody who waits for him."""
    m = Membership
    merged = session.scalars(select(m.id).where(among(m.id, ids), m.merged_into.is_not(None))).all()
    whose = {*ids, *(root_of(session, one) for one in merged)}
    persons = select(Membership.person_id).where(among(Membership.id, whose))
    wanted = select(Membership.id).where(Membership.person_id.in_(persons)).order_by(Membership.id)
    session.execute(wanted.with_for_update()).all()


def _decision(line: Line, act: Act, by: By, batch: UUID) -> dict[str, Any]:
    return _row(by, act.kind, line.member.membership_id, act.data | {"batch": str(batch)}, None)


def _row(by: By, kind: Kind, membership: UUID, data: Mapping[str, Any], undoes: UUID | None) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "kind": str(kind),
        "membership_id": membership,
        "actor": by.actor.name,
        "actor_role": by.role,
        "reason": by.reason.strip(),
        "data": dict(data),
        "undoes": undoes,
        "decided_at": by.now,
        "correlation_id": uuid7(),
    }


def _audit(by: By, action: str, decision: UUID, before: Any, after: Any) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "actor": by.actor.name,
        "action": action,
        "subject": str(decision),
        "before": before,
        "after": after,
    }
