"""Adjustments: minutes that staff give or take, with a reason; and taking one back."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from jobs.queues import QueueName
from records import deciding, effects
from records.deciding import MAX_MINUTES, DecisionError
from records.decision_faults import Why as Fault
from records.queries import adjustments as queries
from records.queries import membership_list
from records.queries.adjustments import Adjusted
from service.access import actor, by
from service.api.answers import Done, after_id, as_it_was, cursor_after, page, reading, written
from service.api.blueprint import read, write
from service.api.problems import Refusal
from service.api.resources.sessions import Why
from service.api.wire import Given, MembershipPath, Page, PageQuery, Reason, Told, Whole
from service.context import context


class Adjustment(Told):
    """Minutes that somebody gave or took."""

    id: UUID
    membership: UUID
    minutes: int
    component: str
    reason: str
    decided_by: str = Field(description="A user's id, or `cli`.")
    role: str
    decided_at: datetime
    state: str = Field(description="`stands`, `waits` (until somebody else has approved it) or `undone`.")
    undone_by: UUID | None = Field(description="The decision that took it back.")


class Adjustments(Page):
    """A piece of the list of a membership's adjustments."""

    items: list[Adjustment]


class NewAdjustment(Given):
    """Minutes to give, or to take."""

    minutes: Whole = Field(ge=-MAX_MINUTES, le=MAX_MINUTES, description="Below 0: taken. Never 0.")
    component: str = Field(min_length=1, max_length=100, description="The component that they count in.")
    reason: Reason
    below_zero: bool = Field(
        default=False, description="It is meant, though the membership's total would be less than nothing by it."
    )


class Undoing(Why):
    """Why it is taken back."""

    below_zero: bool = Field(
        default=False, description="It is meant, though the membership's total would be less than nothing by it."
    )


class AdjustmentPath(BaseModel):
    """Which adjustment."""

    adjustment_id: UUID


def _adjustment(row: Adjusted) -> Adjustment:
    return Adjustment(
        id=row.id,
        membership=row.membership_id,
        minutes=row.minutes,
        component=row.component,
        reason=row.reason,
        decided_by=row.actor,
        role=row.role,
        decided_at=row.decided_at,
        state=row.state,
        undone_by=row.undone_by,
    )


def _shown(session: Session, decision_id: UUID) -> Adjustment:
    row = queries.one(session, actor(), decision_id)
    if row is None:
        raise Refusal("not-found")
    return _adjustment(row)


def _refused(err: DecisionError, kind: str) -> Refusal:
    """The answer to what can't be decided; `kind`: of the problem, but for a total below zero."""
    if err.why is Fault.BELOW_ZERO:
        return Refusal("refused", f"{err} Send `below_zero` where that is meant.")
    return Refusal(kind, str(err))


@read("/memberships/<uuid:membership_id>/adjustments", Adjustments, "adjustments")
def adjustments(path: MembershipPath, query: PageQuery) -> Response:
    """A membership's adjustments, those that were taken back among them."""
    after = after_id(query.cursor)
    with reading() as session:
        rows = queries.of_membership(session, actor(), path.membership_id, after=after, limit=query.limit + 1)
    if rows is None:
        raise Refusal("not-found")
    following = cursor_after(rows[query.limit - 1].id) if len(rows) > query.limit else None
    return page(Adjustments(items=[_adjustment(row) for row in rows[: query.limit]], next=following), following)


@write("/memberships/<uuid:membership_id>/adjustments", Adjustment, "adjustments", status=201)
def adjust(path: MembershipPath, body: NewAdjustment) -> Response:
    """Give a membership minutes, or take some; more than there are only where `below_zero` says so. Hours follow
    within seconds."""

    def act(session: Session) -> Done:
        if membership_list.one(session, actor(), path.membership_id) is None:
            raise Refusal("not-found")
        session.expire_all()
        now = context().clock()
        try:
            draft = deciding.adjust(
                session, path.membership_id, minutes=body.minutes, component=body.component, now=now
            )
            made = effects.settle(session, draft, by(body.reason), below_zero=body.below_zero)
        except DecisionError as err:
            raise _refused(err, "refused") from err
        return Done(_shown(session, made), 201)

    return written(act, QueueName.RECONCILE)


@write("/adjustments/<uuid:adjustment_id>/undo", Adjustment, "adjustments")
def undo_adjustment(path: AdjustmentPath, body: Undoing) -> Response:
    """Take an adjustment back; with `If-Match` only as it was read; to less than nothing only where `below_zero` says
    so."""

    def act(session: Session) -> Done:
        before = _shown(session, path.adjustment_id)
        as_it_was(before, needed=False)
        if before.undone_by:
            raise Refusal("conflict", f"It was taken back already, by the decision {before.undone_by}.")
        session.expire_all()
        try:
            draft = deciding.undo(session, path.adjustment_id)
            effects.settle(session, draft, by(body.reason), below_zero=body.below_zero)
        except DecisionError as err:
            raise _refused(err, "conflict") from err
        return Done(_shown(session, path.adjustment_id))

    return written(act, QueueName.RECONCILE)
