"""Decide: adjustments, reports, waivers, transfers and the like, each with a reason; and undo what was decided.

A decision is drafted first: everything is checked and locked then. Written, it is an input like a fact.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, cast
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from mappings.earning import Subject as SubjectKind
from mappings.program import Program, ProgramVersion, version_at
from records import audit, presences, unmerging
from records.actor import Actor
from records.decision_faults import Why
from records.decisions import Kind, decided, standing_decisions
from records.memberships import mark_persons
from records.merged import root_of
from records.milestone_file import Evidence
from records.mirror import everywhere_alone
from records.models import Community, Decision, Membership, ProgramRow, Team, uuid7
from records.programs import newest, versions_by_program
from records.reached import Subject
from records.settled import settle

MAX_MINUTES = 10_000
UNAUDITED = ("evidence", "note")
"""What people wrote stays out of the audit trail, which nothing is taken out of."""
ELSEWHERE = {
    Kind.BINDING: "it says which form of an activity counts. When the activity changes again, decide on that change:"
    " see `copbridge binding list`",
    Kind.CLOSING: "a closed period stays closed. Single late changes can be let in: see `copbridge period --help`",
    Kind.ADOPTION: "it says what a copied course is. Decide about that course again: see `copbridge adoption --help`",
    Kind.UNDO: "it undid another one. Decide that one anew instead",
}
"""Decisions that `undo` refuses, and what to do instead."""


class DecisionError(Exception):
    """A decision can't be taken; the message says why, and what to do, at the terminal. Pages have words for `why`."""

    def __init__(self, message: str, why: Why = Why.OTHER) -> None:
        super().__init__(message)
        self.why = why


@dataclass(frozen=True, slots=True)
class By:
    """Who decides, as what, why, and when (aware UTC)."""

    actor: Actor
    role: str
    reason: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Draft:
    """A decision that was checked. `data` is as records.decisions.Kind says."""

    kind: Kind
    data: dict[str, Any]
    membership_id: UUID | None = None
    program_id: UUID | None = None
    undoes: UUID | None = None
    moves: tuple[UUID, ...] = ()
    """Memberships whose hours or standing it may move."""
    subject: Subject | None = None
    """The team, organisation, community or program that it is about."""
    carry_out: Callable[[Session], None] | None = None
    """What else is done when it is written."""


def write(session: Session, draft: Draft, by: By, decision_id: UUID | None = None) -> UUID:
    """Write a drafted decision in the transaction that drafted it, and have what it moves computed again.

    Returns its id, which a form may have brought along so that sending it twice decides once. Raises DecisionError
    without a reason.
    """
    if not by.reason.strip():
        raise DecisionError("A decision needs a reason.", Why.NO_REASON)
    decision = Decision(
        id=decision_id or uuid7(),
        kind=str(draft.kind),
        program_id=draft.program_id,
        membership_id=draft.membership_id,
        actor=by.actor.name,
        actor_role=by.role,
        reason=by.reason.strip(),
        data=draft.data,
        undoes=draft.undoes,
        decided_at=by.now,
        correlation_id=uuid7(),
    )
    session.add(decision)
    session.flush()
    if draft.undoes:
        presences.take_back(session, draft.undoes, by=by.actor)
    if draft.undoes or draft.kind is Kind.APPROVAL:
        settle(session, [draft.undoes or decision.id])
    if draft.carry_out:
        draft.carry_out(session)
    if draft.moves:
        mark_persons(session, select(Membership.id).where(Membership.id.in_(draft.moves)))
    about = {"membership": draft.membership_id, "program": draft.program_id, "undoes": draft.undoes}
    after = {name: str(value) for name, value in about.items() if value}
    after |= {name: value for name, value in draft.data.items() if name not in UNAUDITED}
    audit.record(session, by.actor, f"decision.{draft.kind}", str(decision.id), after=after)
    return decision.id


@dataclass(frozen=True, slots=True)
class Held:
    """A membership, locked with all others of the person."""

    membership: Membership
    community: Community
    versions: tuple[ProgramVersion, ...]
    moves: tuple[UUID, ...]

    def program_at(self, moment: datetime) -> Program:
        """The program as in force at a moment."""
        return version_at(self.versions, moment).program


def hold(session: Session, membership_id: UUID) -> Held:
    """Whoever decides about a person takes turns, until the transaction ends; and an erasure is over, or waits.

    Of a membership that was merged into another one, that one is held: there it counts. Raises DecisionError.
    """
    found = session.get(Membership, root_of(session, membership_id))
    if found is None:
        raise DecisionError(f"There is no membership {membership_id}.", Why.NOT_THERE)
    mine = session.scalars(
        select(Membership)
        .where(Membership.person_id == found.person_id)
        .order_by(Membership.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if found not in mine or found.merged_into:
        raise DecisionError("Somebody else is changing this person: try again.", Why.BUSY)
    community = session.get_one(Community, found.community_id)
    versions = versions_by_program(session)[community.program_id]
    return Held(found, community, versions, tuple(row.id for row in mine))


def adjust(session: Session, membership_id: UUID, *, minutes: int, component: str, now: datetime) -> Draft:
    """Give a membership minutes, or take some. Raises DecisionError."""
    held = hold(session, membership_id)
    if not 0 < abs(minutes) <= MAX_MINUTES:
        raise DecisionError(f"An adjustment is of 1 to {MAX_MINUTES} minutes, given or taken.", Why.AMOUNT)
    _check_component(held.program_at(now).components, component, "has no component")
    data = {"minutes": minutes, "component": component}
    return Draft(Kind.ADJUSTMENT, data, held.membership.id, moves=held.moves)


def _check_component(known: Sequence[str], component: str, lacks: str) -> None:
    if component not in known:
        expected = f"expected {', '.join(known)}" if known else "it names none"
        raise DecisionError(f"The program {lacks} '{component}': {expected}.", Why.COMPONENT)


def report(
    session: Session,
    membership_id: UUID,
    *,
    minutes: int,
    component: str,
    day: date,
    evidence: Iterable[Evidence],
    now: datetime,
) -> Draft:
    """Enter hours that a participant reports; they count once somebody approved them. Raises DecisionError."""
    held = hold(session, membership_id)
    if not 0 < minutes <= MAX_MINUTES:
        raise DecisionError(f"A report is of 1 to {MAX_MINUTES} minutes.", Why.AMOUNT)
    happened_at = datetime.combine(day, time(), ZoneInfo(held.community.timezone)).astimezone(UTC)
    if happened_at > now:
        raise DecisionError(f"{day} is yet to come: hours are reported afterwards.", Why.AHEAD)
    _check_component(held.program_at(happened_at).self_reported, component, "takes no self-reported hours in")
    data = {
        "minutes": minutes,
        "component": component,
        "happened_at": happened_at.isoformat(),
        "evidence": [{"kind": kind, "value": value} for kind, value in evidence],
    }
    return Draft(Kind.SELF_REPORT, data, held.membership.id, moves=held.moves)


def waive(session: Session, subject: Subject, program_id: UUID | None, requirement: str, *, now: datetime) -> Draft:
    """Have a requirement not be asked of a membership, team, organisation, community or program.

    `program_id` is needed for an organisation. Raises DecisionError.
    """
    return _except(session, Kind.WAIVER, subject, program_id, requirement, now)


def explain(session: Session, subject: Subject, program_id: UUID | None, notice: str, *, now: datetime) -> Draft:
    """Have a deviation from a guideline be explained: the decision's reason is the rationale. Raises DecisionError."""
    return _except(session, Kind.RATIONALE, subject, program_id, notice, now)


def _except(session: Session, kind: Kind, subject: Subject, program_id: UUID | None, code: str, now: datetime) -> Draft:
    of, subject_id = subject
    name = "requirement" if kind is Kind.WAIVER else "notice"
    held = hold(session, subject_id) if of == "participant" else None
    program_id = _program_of(session, subject) or program_id
    if held:
        versions = held.versions
    elif program_id is None:
        raise DecisionError(f"Say of which program the {name} '{code}' is.", Why.PROGRAM)
    else:
        # Two at a time would each find nothing decided yet.
        session.execute(select(ProgramRow.id).where(ProgramRow.id == program_id).with_for_update(key_share=True))
        versions = versions_by_program(session)[program_id]
    _check_asked([version_at(versions, now).program, newest(versions)], name, code, of)
    whose = Decision.membership_id == (held.membership.id if held else subject_id)
    if not held:
        whose = and_(Decision.data["subject_id"].as_string() == str(subject_id), Decision.program_id == program_id)
    other = standing_of(session, kind, Decision.data[name].as_string() == code, whose)
    if other:
        done = "waived" if kind is Kind.WAIVER else "explained"
        raise DecisionError(f"'{code}' is {done} already, by the decision {other.id}: undo that one first.", Why.STANDS)
    if held:
        return Draft(kind, {name: code}, held.membership.id, moves=held.moves, subject=(of, held.membership.id))
    data = {name: code, "subject_kind": of, "subject_id": str(subject_id)}
    return Draft(kind, data, program_id=program_id, subject=subject)


def _program_of(session: Session, subject: Subject) -> UUID | None:
    """The program that a subject belongs to; None of an organisation, which may be in several."""
    kind, subject_id = subject
    if kind == "program":
        return subject_id
    community_id = session.scalar(select(Team.community_id).where(Team.id == subject_id)) if kind == "team" else None
    if kind == "community":
        community_id = subject_id
    return session.scalar(select(Community.program_id).where(Community.id == community_id))


def _check_asked(programs: Sequence[Program], name: str, code: str, of: str) -> None:
    """Raises DecisionError where neither the program in force nor the one loaded last asks this of such a subject."""
    known = {getattr(item, name): item.of for program in programs for item in getattr(program, f"{name}s")}
    if code not in known:
        expected = f"expected one of {', '.join(known)}" if known else "it has none"
        raise DecisionError(f"The program {programs[0].program} has no {name} '{code}': {expected}.", Why.NOT_ASKED)
    if known[code] != of:
        raise DecisionError(f"'{code}' is a {name} of a {known[code]}, and this is a {of}.", Why.NOT_ASKED)


def transfer(session: Session, from_id: UUID, to_id: UUID) -> Draft:
    """Have a membership go on in another one of the same person and program: its minutes add up there.

    Raises DecisionError.
    """
    held = hold(session, to_id)
    if from_id == to_id:
        raise DecisionError("A membership can't go on in itself: name two communities.", Why.SAME)
    before = session.get(Membership, from_id)
    if before is None or from_id not in held.moves:
        raise DecisionError("Both memberships have to be of one person.", Why.ONE_PERSON)
    if session.get_one(Community, before.community_id).program_id != held.community.program_id:
        raise DecisionError(
            "Both communities have to be of one program: hours of one don't count in another.", Why.PROGRAM
        )
    standing = {m: of.continues for m, of in decided(session, held.moves).items()}
    goes_on = next((m for m, earlier in standing.items() if from_id in earlier), None)
    if goes_on:
        where = "there" if goes_on == to_id else f"in the membership {goes_on}"
        raise DecisionError(f"The membership goes on {where} already: undo that transfer first.", Why.GOES_ON)
    chain, front = set[UUID](), [from_id]
    while front:
        chain.update(front)
        front = [m for earlier in front for m in standing.get(earlier, ()) if m not in chain]
    if to_id in chain:
        raise DecisionError(
            "The other membership goes on in this one already: transfers can't go round in a circle.", Why.CIRCLE
        )
    return Draft(Kind.TRANSFER, {"from": str(from_id)}, to_id, moves=held.moves)


def waits_for_approval(session: Session, draft: Draft, now: datetime) -> bool:
    """Whether what a draft says counts only once somebody else has approved it."""
    if draft.kind is Kind.ADJUSTMENT and draft.membership_id:
        program = hold(session, draft.membership_id).program_at(now)
        return program.adjustments.asks_approval(int(draft.data["minutes"]))
    return draft.kind is Kind.SELF_REPORT


def presence(session: Session, membership_id: UUID, data: dict[str, Any]) -> Draft:
    """Have what was checked elsewhere (records.deciding_presence) count of somebody at a session."""
    held = hold(session, membership_id)
    return Draft(Kind.PRESENCE, data, held.membership.id, moves=held.moves)


def program_named(session: Session, code: str) -> UUID:
    """A program's id by its code. Raises DecisionError."""
    found = session.scalar(select(ProgramRow.id).where(ProgramRow.code == code))
    if found is None:
        raise DecisionError(f"There is no program '{code}': see `copbridge program list`.")
    return found


def members_of(session: Session, program_id: UUID) -> tuple[UUID, ...]:
    """All memberships of a program."""
    wanted = select(Membership.id).join(Community).where(Community.program_id == program_id)
    return tuple(session.scalars(wanted.order_by(Membership.id)))


def undo(session: Session, decision_id: UUID) -> Draft:
    """Take a decision back. Raises DecisionError."""
    row = session.get(Decision, decision_id)
    if row is None:
        raise DecisionError(f"There is no decision {decision_id}: see `copbridge decision list`.", Why.NOT_THERE)
    kind = Kind(row.kind)
    if kind in ELSEWHERE:
        raise DecisionError(f"The decision {decision_id} can't be undone: {ELSEWHERE[kind]}.", Why.ELSEWHERE)
    if kind is Kind.PRESENCE:
        # The fact is made anew: see records.presences.fold.
        everywhere_alone(session)
    if kind is Kind.MERGE:
        return _undo_merge(session, row)
    moves: tuple[UUID, ...] = ()
    if row.membership_id:
        moves = hold(session, row.membership_id).moves
    elif kind is Kind.RECALCULATION and row.program_id:
        everywhere_alone(session)
        moves = members_of(session, row.program_id)
    else:
        session.execute(select(ProgramRow.id).where(ProgramRow.id == row.program_id).with_for_update(key_share=True))
    check_stands(session, decision_id)
    return Draft(Kind.UNDO, {}, row.membership_id, row.program_id, decision_id, moves, _subject(row))


def _undo_merge(session: Session, row: Decision) -> Draft:
    everywhere_alone(session)
    check_stands(session, row.id)
    try:
        undoing = unmerging.prepare(session, row)
    except unmerging.StillEntangled as err:
        raise DecisionError(f"The decision {row.id} can't be undone: {err}", Why.ELSEWHERE) from err
    return Draft(Kind.UNDO, {}, undoes=row.id, moves=undoing.moves, carry_out=undoing.carry_out)


def check_stands(session: Session, decision_id: UUID) -> None:
    """Raises DecisionError for a decision that was undone."""
    other = undone_by(session, decision_id)
    if other:
        raise DecisionError(f"The decision {decision_id} was undone already, by {other}.", Why.UNDONE)


def _subject(row: Decision) -> Subject | None:
    if "subject_id" not in row.data:
        return None
    return cast(SubjectKind, row.data["subject_kind"]), UUID(str(row.data["subject_id"]))


def undone_by(session: Session, decision_id: UUID) -> UUID | None:
    """The decision that undid another one."""
    return session.scalar(select(Decision.id).where(Decision.undoes == decision_id))


def standing_of(session: Session, kind: Kind, *about: Any) -> Decision | None:
    """A decision of a kind that nobody has undone, if there is one."""
    return session.scalars(standing_decisions().where(Decision.kind == str(kind), *about).limit(1)).first()
