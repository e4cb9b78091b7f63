"""What came late for closed periods, as staff decide about it: whoever has some is known by the standings."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, String, cast, func, select
from sqlalchemy.orm import Session, aliased

from records import answers, closings
from records.actor import Actor, in_scope
from records.closings import Late
from records.deciding import By
from records.decisions import Kind
from records.keys import among
from records.models import AuditEntry, Closing, Community, Decision, Membership, SessionRow, StandingRow
from records.queries.community import names_of

AT_ONCE = 40
"""So many memberships are looked at for a page, and in a piece of letting in all."""


@dataclass(frozen=True, slots=True)
class WaitingLate:
    """A late change, and whose it is."""

    change: Late
    person_id: UUID
    name: str
    """Empty of an erased person, or one without a name."""
    moodle_user_id: int
    community: Community
    own: bool
    """It comes of the actor's own decision: somebody else has to let it in."""


@dataclass(frozen=True, slots=True)
class Found:
    """Late changes of some memberships. `after`: the membership to go on after; None: there are no more."""

    changes: list[WaitingLate]
    looked_at: int
    after: UUID | None


def _members(actor: Actor, closing_id: UUID | None = None) -> Select[UUID]:
    """Memberships in scope with late changes; of a closing: in its program, since only computing tells of which."""
    wanted = (
        select(Membership.id)
        .join(StandingRow, StandingRow.membership_id == Membership.id)
        .join(Community, Community.id == Membership.community_id)
        .where(StandingRow.late > 0, Membership.merged_into.is_(None), in_scope(actor))
    )
    if closing_id:
        program = select(Closing.program_id).where(Closing.id == closing_id).scalar_subquery()
        wanted = wanted.where(Community.program_id == program)
    return wanted


def of_community(session: Session, community_id: UUID) -> int:
    """How many late changes wait in a community that the caller has checked; as of the last computing."""
    s = StandingRow
    wanted = (
        select(func.coalesce(func.sum(s.late), 0))
        .join(Membership, Membership.id == s.membership_id)
        .where(s.late > 0, Membership.merged_into.is_(None), Membership.community_id == community_id)
    )
    return int(session.scalar(wanted) or 0)


def how_many(session: Session, actor: Actor) -> int:
    """How many late changes wait in scope."""
    return int(session.scalar(counted(actor)) or 0)


def counted(actor: Actor) -> Select[int]:
    """The query for how many; as of the last computing, so that it costs next to nothing."""
    return _members(actor).with_only_columns(func.coalesce(func.sum(StandingRow.late), 0))


def members_with(session: Session, actor: Actor, closing_id: UUID | None = None) -> int:
    """How many memberships in scope have late changes, in the program of a closing or at all."""
    return int(session.scalar(_members(actor, closing_id).with_only_columns(func.count())) or 0)


def closings_with(session: Session, actor: Actor) -> list[Closing]:
    """The closed periods of the programs in which something waits, the latest first."""
    programs = _members(actor).with_only_columns(Community.program_id).distinct()
    wanted = select(Closing).where(Closing.program_id.in_(programs)).order_by(Closing.starts_at.desc(), Closing.id)
    return list(session.scalars(wanted))


@dataclass(frozen=True, slots=True)
class LetIn:
    """What was let into a closed period since, and stands: how many changes, and whole minutes more or less."""

    count: int
    minutes: int


def let_in(session: Session, closing: Closing) -> LetIn:
    """What was let into a closing that the caller has checked, by what the audit trail says that each changed."""
    undoing = aliased(Decision)
    d, of = Decision, AuditEntry.after
    moved = of["would_be"].as_integer() - of["held"].as_integer()
    found = session.execute(
        select(func.count(d.id.distinct()), func.coalesce(func.sum(moved), 0))
        .outerjoin(
            AuditEntry,
            (AuditEntry.subject == cast(d.membership_id, String))
            & (AuditEntry.action == closings.ADMITTED)
            & (of["decision"].as_string() == cast(d.id, String)),
        )
        .where(
            d.kind == str(Kind.ADMISSION),
            d.data["closing"].as_string() == str(closing.id),
            ~select(undoing.id).where(undoing.undoes == d.id).exists(),
        )
    ).one()
    return LetIn(int(found[0]), int(found[1]))


def at_session(session: Session, row: SessionRow, persons: Collection[UUID]) -> dict[UUID, int]:
    """Whose attendance of a session came late for a closed period: the minutes that it would be, by person. It costs
    next to nothing where the session lies in no closed period, or nobody there has anything late."""
    inside = select(Closing).where(Closing.starts_at <= row.starts_at, Closing.ends_at > row.starts_at)
    rows = session.scalars(inside).all()
    if not rows or not persons:
        return {}
    of = (
        select(Membership.id)
        .join(StandingRow, StandingRow.membership_id == Membership.id)
        .where(StandingRow.late > 0, Membership.merged_into.is_(None), among(Membership.person_id, persons))
    )
    about, found = f"attendance:{row.id}:", dict[UUID, int]()
    for item in answers.inputs_of(session, list(session.scalars(of))):
        for change in closings.late_of(item, rows):
            if change.key.startswith(about):
                found[item.membership.person_id] = change.would_be
    return found


def waiting(session: Session, actor: Actor, closing_id: UUID | None = None, after: UUID | None = None) -> Found:
    """What waits in the memberships that come next, in all closed periods or in one."""
    wanted = _members(actor, closing_id).order_by(Membership.id).limit(AT_ONCE + 1)
    ids = session.scalars(wanted.where(Membership.id > after) if after else wanted).all()
    following = ids[AT_ONCE - 1] if len(ids) > AT_ONCE else None
    ids = ids[:AT_ONCE]
    changes = [(item, change) for item, change in _late_of(session, ids) if closing_id in (None, change.closing_id)]
    names = names_of(session, {item.membership.person_id for item, _ in changes})
    own = _own(session, actor, {change.decision for _, change in changes if change.decision})
    return Found(
        [
            WaitingLate(
                change,
                item.membership.person_id,
                *names.get(item.membership.person_id, ("", 0)),
                item.community,
                change.decision in own,
            )
            for item, change in changes
        ],
        len(ids),
        following,
    )


def _late_of(session: Session, ids: Collection[UUID]) -> list[tuple[answers.Inputs, Late]]:
    if not ids:
        return []
    rows = session.scalars(select(Closing).order_by(Closing.starts_at)).all()
    return [(item, change) for item in answers.inputs_of(session, list(ids)) for change in closings.late_of(item, rows)]


def _own(session: Session, actor: Actor, decisions: set[str]) -> set[str]:
    if not decisions:
        return set()
    mine = select(Decision.id).where(Decision.id.in_([UUID(one) for one in decisions]), Decision.actor == actor.name)
    return {str(found) for found in session.scalars(mine)}


def admit_chosen(session: Session, actor: Actor, chosen: Iterable[Late], by: By) -> int:
    """Let late changes into their closed periods, each as it was shown. Returns how many were let in: those that
    aren't late any more, would be something else by now, lie out of scope, or come of the actor's own decision are
    passed over. Raises ClosingError without a reason."""
    wanted = {(one.closing_id, one.membership_id, one.key, one.held, one.would_be) for one in chosen}
    ids = {membership for _, membership, *_ in wanted}
    # Whoever lets in the same change waits, and then finds that it isn't late any more.
    held = _members(actor).where(Membership.id.in_(ids)).order_by(Membership.id).with_for_update(of=Membership)
    found = _late_of(session, session.scalars(held).all())
    own = _own(session, actor, {change.decision for _, change in found if change.decision})
    admitted = 0
    for _item, change in found:
        as_it_is = (change.closing_id, change.membership_id, change.key, change.held, change.would_be)
        if as_it_is in wanted and change.decision not in own:
            closings.admit(session, change, actor=by.actor, role=by.role, reason=by.reason, now=by.now)
            admitted += 1
    return admitted
