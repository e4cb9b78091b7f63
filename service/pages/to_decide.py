"""What waits for somebody to decide: each queue with how much is in it, and since when."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import Blueprint, g, render_template
from sqlalchemy.orm import Session

from records import review
from records.actor import Actor
from records.queries import adoptions, approvals, mapping
from records.queries.waiting import Queue, counts
from service.access import may
from service.context import context
from service.i18n import N_
from service.pages.live import reading
from service.permissions import Permission

blueprint = Blueprint("to_decide", __name__)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A queue: where it is decided about, what it is called, for whom it is, and which one it is."""

    endpoint: str
    title: str
    permission: Permission
    queue: Queue
    about: str = ""
    """What waits there, in a sentence."""
    oldest: Callable[[Session, Actor], datetime | None] | None = None
    """Since when the oldest of it waits; only asked for where something does."""


QUEUES: tuple[Waiting, ...] = (
    Waiting(
        "review.show",
        N_("Attendance"),
        Permission.DECIDE_ATTENDANCE,
        Queue.ATTENDANCE,
        N_("People whom nobody knows, and reports of one session that disagree."),
        review.oldest,
    ),
    Waiting(
        "approvals.show",
        N_("Hours to approve"),
        Permission.APPROVE_HOURS,
        Queue.HOURS,
        N_("Hours that participants report, and large adjustments that another person entered."),
        approvals.oldest,
    ),
    Waiting(
        "mapping.show",
        N_("Changed activities"),
        Permission.DECIDE_MAPPING,
        Queue.MAPPING,
        N_("Activities that were changed in Moodle and would earn something else."),
        mapping.oldest,
    ),
    Waiting(
        "adoptions.listed",
        N_("Copied courses"),
        Permission.DECIDE_MAPPING,
        Queue.ADOPTIONS,
        N_("Copies of communities' courses, which earn nothing until somebody says what they are."),
        adoptions.oldest,
    ),
    Waiting(
        "late.show",
        N_("Late for closed periods"),
        Permission.APPROVE_HOURS,
        Queue.LATE,
        N_("What came, or was corrected, after a period was closed."),
    ),
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A queue as the page shows it. `days`: for how many days the oldest has waited."""

    queue: Waiting
    count: int
    days: int | None


def how_many(session: Session, _who: Actor) -> int:
    """What waits in all queues of whoever is signed in, for the bar."""
    return sum(counts(session, _reach()).values())


def _reach() -> dict[Queue, Actor]:
    """The queues of whoever is signed in, each with as far as he or she decides about it."""
    return {waiting.queue: who for waiting in QUEUES if (who := may(waiting.permission))}


@blueprint.get("/to-decide")
def show() -> str:
    """The queues, each only for who may decide about it."""
    now = context().clock()
    reach = _reach()
    with reading() as session:
        waits = counts(session, reach)
        shown = [_shown(session, one, who, waits[one.queue], now) for one in QUEUES if (who := reach.get(one.queue))]
    return render_template("to_decide.html", who=g.signed_in, shown=shown)


def _shown(session: Session, queue: Waiting, who: Actor, count: int, now: datetime) -> Shown:
    since = queue.oldest(session, who) if count and queue.oldest else None
    return Shown(queue, count, (now - since).days if since else None)
