"""Approve or refuse what waits for another person: hours that participants report, and large adjustments."""

from uuid import UUID

from sqlalchemy.orm import Session

from records.actor import Actor
from records.deciding import DecisionError, Draft, Held, check_stands, hold, standing_of, undone_by
from records.decision_faults import Why
from records.decisions import Kind
from records.models import Decision

APPROVED = {Kind.SELF_REPORT: "report", Kind.ADJUSTMENT: "adjustment"}
"""What may wait for approval, and what the approval names it by."""


def approve(session: Session, decision_id: UUID, *, actor: Actor) -> Draft:
    """Have reported hours count, or an adjustment so large that another person has to approve it. Raises
    DecisionError."""
    row, held, noun = _waiting(session, decision_id)
    if undone_by(session, decision_id):
        raise DecisionError(f"The {noun} {decision_id} was undone: enter it again first.", Why.UNDONE)
    _check_other(row, actor, noun)
    _check_waits(session, row, held, noun)
    return Draft(Kind.APPROVAL, {noun: str(decision_id)}, row.membership_id, moves=held.moves)


def refuse(session: Session, decision_id: UUID, *, actor: Actor) -> Draft:
    """Undo what waits for approval, as another person than the one who entered it. Raises DecisionError."""
    row, held, noun = _waiting(session, decision_id)
    check_stands(session, decision_id)
    _check_other(row, actor, noun)
    _check_waits(session, row, held, noun)
    return Draft(Kind.UNDO, {"refused": True}, row.membership_id, undoes=decision_id, moves=held.moves)


def _waiting(session: Session, decision_id: UUID) -> tuple[Decision, Held, str]:
    """Something that may wait for approval, with its membership, and what it is called."""
    row = session.get(Decision, decision_id)
    if row is None or row.kind not in APPROVED or row.membership_id is None:
        says = f"There is no report {decision_id}, and no adjustment: see `copbridge decision list`."
        raise DecisionError(says, Why.NOT_THERE)
    return row, hold(session, row.membership_id), APPROVED[Kind(row.kind)]


def _check_other(row: Decision, actor: Actor, noun: str) -> None:
    # Whoever has the command line enters what others report on paper; of an adjustment that is the very thing.
    if row.actor == actor.name and (actor.user_id is not None or noun == "adjustment"):
        done = "reported hours" if noun == "report" else "adjusted hours"
        raise DecisionError(f"Who {done} can't approve them: somebody else has to.", Why.OWN)


def _check_waits(session: Session, row: Decision, held: Held, noun: str) -> None:
    if noun == "adjustment":
        limit = held.program_at(row.decided_at).adjustments
        if not limit.asks_approval(int(str(row.data["minutes"]))):
            raise DecisionError(f"The adjustment {row.id} needs no approval: it counts.", Why.COUNTS)
    other = standing_of(session, Kind.APPROVAL, Decision.data[noun].as_string() == str(row.id))
    if other:
        raise DecisionError(f"The {noun} {row.id} is approved already, by the decision {other.id}.", Why.APPROVED)
