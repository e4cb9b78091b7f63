"""Messages to participants: asked for, called off, claimed one by one, and what became of each.

A message is claimed (`sending`) in a commit of its own before anybody outside hears of it. Whoever dies meanwhile
leaves it so: nobody knows whether it went out, and it is sent again by nobody but staff.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from records import audit
from records.actor import Actor, in_scope
from records.keys import put
from records.models import Community, Membership, Nudge, NudgeMessage, User, uuid7
from records.nudge_recipients import Asking, Channel, Recipient, Why, left_out, recipients
from records.queries.filters import PeopleFilter

GRACE = timedelta(seconds=60)
"""So long a message can be called off before the first is sent."""
MOST = 5_000
"""Recipients of one batch."""
MOST_TRIES = 5
FIRST_WAIT, GROWTH = 60, 4
"""Seconds after the first try that failed, and by how much each wait is longer than the one before."""
LOST_AFTER = timedelta(minutes=10)
"""A message that has been on its way for so long has lost its worker."""
UNKNOWN = "unknown"
"""The reason of a message whose sending wasn't answered: it may have gone out."""
FOR_LAPSED = frozenset({"behind", "cannot_reach", "not_started"})
"""Templates for those who haven't met it."""


class Template(StrEnum):
    """What a text began with."""

    BEHIND = "behind"
    CANNOT_REACH = "cannot_reach"
    NOT_STARTED = "not_started"
    HOURS = "hours"
    """How far somebody is, whatever the pace."""
    UPCOMING = "upcoming"
    FINISHED = "finished"
    OWN = "own"


class NudgeFault(StrEnum):
    """Why messages aren't sent, or called off."""

    NOBODY = "nobody"
    TOO_MANY = "too_many"
    MORE = "more"
    """More people would get it than were shown."""
    NOT_THERE = "not_there"
    OVER = "over"
    """Everything was sent already, or called off."""


class NudgeError(Exception):
    """Something can't be done to messages."""

    def __init__(self, fault: NudgeFault) -> None:
        super().__init__(str(fault))
        self.fault = fault


@dataclass(frozen=True, slots=True)
class Text:
    """What is sent, with placeholders; it names nobody."""

    channel: Channel
    template: Template
    language: str
    subject: str
    body: str
    names_session: bool = False

    def asking(self, again_days: int, but: UUID | None = None) -> Asking:
        """What the text asks of those it goes to."""
        return Asking(self.channel, self.template in FOR_LAPSED, self.names_session, again_days, but)


@dataclass(frozen=True, slots=True)
class Plan:
    """Who would get a text, how many are left out for which reason, and those of them that the actor may know of."""

    to: tuple[UUID, ...]
    out: Mapping[Why, int]
    left_out: tuple[tuple[UUID, Why], ...]


def plan(session: Session, actor: Actor, asked: PeopleFilter, text: Text, again_days: int, now: datetime) -> Plan:
    """Look at whoever was asked for. Raises NudgeError for more than MOST."""
    ids = session.scalars(asked.found(actor).order_by(Membership.id).limit(MOST + 1)).all()
    if len(ids) > MOST:
        raise NudgeError(NudgeFault.TOO_MANY)
    missing = sorted(asked.memberships - set(ids)) if asked.memberships else []
    found = left_out(session, ids, text.asking(again_days), now) | dict.fromkeys(missing, Why.NOT_THERE)
    counted = Counter(why for why in found.values() if why)
    # Who lies out of scope isn't there for the actor: counted, and never named.
    out = tuple((one, why) for one, why in found.items() if why and why is not Why.NOT_THERE)
    return Plan(tuple(one for one, why in found.items() if not why), counted, out)


@dataclass(frozen=True, slots=True)
class Order:
    """What somebody asks to be sent. `id` is that of the form: the same form sent twice is one order."""

    id: UUID
    text: Text
    whom: PeopleFilter
    shown: int
    """How many recipients were shown before."""
    again_days: int


def order(session: Session, actor: Actor, wanted: Order, now: datetime) -> UUID:
    """Have messages be sent after the grace, in the caller's transaction. Returns the batch's id.

    Raises NudgeError: for nobody, for too many, for more than were shown, and NOT_THERE for a form of somebody else's.
    """
    text = wanted.text
    names = {name: value for name, value in wanted.whom.values().items() if name != "q"}
    # What is searched for is a part of somebody's name: it isn't kept. Nor are ids, for the messages have them.
    asked = {"language": text.language, "filters": names, "searched": bool(wanted.whom.q)}
    row = {
        **{"id": wanted.id, "channel": str(text.channel), "template": str(text.template), "subject": text.subject},
        **{"body": text.body, "asked": asked | {"ticked": len(wanted.whom.memberships)}, "actor": actor.name},
        **{"created_at": now, "due_at": now + GRACE},
    }
    # The form's id decides who of two is first: the other one waits here for the first one's commit.
    new = session.scalar(insert(Nudge).values(row).on_conflict_do_nothing().returning(Nudge.id))
    if new is None:
        if session.scalar(select(Nudge.actor).where(Nudge.id == wanted.id)) != actor.name:
            raise NudgeError(NudgeFault.NOT_THERE)
        return wanted.id
    found = plan(session, actor, wanted.whom, text, wanted.again_days, now)
    if not found.to:
        raise NudgeError(NudgeFault.NOBODY)
    if len(found.to) > wanted.shown:
        raise NudgeError(NudgeFault.MORE)
    _add(session, wanted.id, [(one, "waiting", "") for one in found.to])
    there = [(one, "skipped", str(why)) for one, why in found.left_out]
    _add(session, wanted.id, there)
    after = {"channel": str(text.channel), "template": str(text.template), "to": len(found.to), "left_out": len(there)}
    audit.record(session, actor, "nudge.ordered", str(wanted.id), after=after)
    return wanted.id


def _add(session: Session, nudge_id: UUID, members: Sequence[tuple[UUID, str, str]]) -> None:
    rows: list[dict[str, Any]] = [
        {"id": uuid7(), "nudge_id": nudge_id, "membership_id": one, "status": status, "reason": reason, "attempts": 0}
        for one, status, reason in members
    ]
    if rows:
        session.execute(put(NudgeMessage, rows))


def reaches(actor: Actor) -> Any:
    """The condition on `nudges` that all who were written to lie in the actor's scope, or that it is his own: such a
    batch may be called off."""
    return or_(Nudge.actor == actor.name, covers(actor))


def covers(actor: Actor) -> Any:
    """The condition on `nudges` that all who were written to lie in the actor's scope, as it is by now: only then may
    anything go out."""
    n, msg, m = Nudge, NudgeMessage, Membership
    inside = select(Community.id).where(in_scope(actor)).correlate(None)
    to = select(msg.id).join(m, m.id == msg.membership_id).where(msg.nudge_id == n.id, m.community_id.not_in(inside))
    return ~to.correlate(n).exists()


def call_off(session: Session, actor: Actor, nudge_id: UUID, now: datetime) -> int:
    """Send no more of it. Returns how many weren't sent. Raises NudgeError."""
    row = _locked(session, nudge_id, reaches(actor))
    if row.status != "due":
        raise NudgeError(NudgeFault.OVER)
    msg = NudgeMessage
    left = session.execute(
        update(msg)
        .where(msg.nudge_id == nudge_id, msg.status == "waiting")
        .values(status="skipped", reason=str(Why.CALLED_OFF))
        .returning(msg.id)
    ).all()
    row.status, row.finished_at = "cancelled", now
    audit.record(session, actor, "nudge.called_off", str(nudge_id), after={"not_sent": len(left)})
    return len(left)


def send_again(session: Session, actor: Actor, nudge_id: UUID, now: datetime) -> int:
    """Send those again that failed, and those of which nobody knows whether they went out. Returns how many; raises
    NudgeError."""
    row = _locked(session, nudge_id, covers(actor))
    if row.status == "cancelled":
        raise NudgeError(NudgeFault.OVER)
    msg = NudgeMessage
    wanted = update(msg).where(msg.nudge_id == nudge_id, or_(msg.status == "failed", lost(now)))
    fresh = {"status": "waiting", "reason": "", "attempts": 0, "tried_at": None}
    ids = session.scalars(wanted.values(fresh).returning(msg.id)).all()
    if not ids:
        raise NudgeError(NudgeFault.OVER)
    row.status, row.finished_at, row.due_at = "due", None, now
    audit.record(session, actor, "nudge.sent_again", str(nudge_id), after={"messages": len(ids)})
    return len(ids)


def _locked(session: Session, nudge_id: UUID, within: Any) -> Nudge:
    found = session.scalars(
        select(Nudge).where(Nudge.id == nudge_id, within).with_for_update().execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NudgeError(NudgeFault.NOT_THERE)
    return found


def lost(now: Any) -> Any:
    """The condition on messages of which nobody knows whether they went out. `now`: a moment, or the database's."""
    msg = NudgeMessage
    return and_(msg.status == "sending", or_(msg.reason == UNKNOWN, msg.tried_at < now - LOST_AFTER))


def due(session: Session, now: datetime) -> list[UUID]:
    """The batches that have messages to be sent now, or nothing left to do."""
    n = Nudge
    return list(session.scalars(select(n.id).where(n.status == "due", n.due_at <= now).order_by(n.due_at, n.id)))


def anything_due(session: Session, now: datetime) -> bool:
    """Whether a worker should look."""
    ready = exists().where(NudgeMessage.nudge_id == Nudge.id, or_(_ready(now), ~_open(now)))
    wanted = select(Nudge.id).where(Nudge.status == "due", Nudge.due_at <= now, ready).limit(1)
    return session.scalar(wanted) is not None


def _open(now: datetime) -> Any:
    """Whether any message of a batch waits or is on its way."""
    msg = NudgeMessage
    under_way = and_(msg.status == "sending", ~lost(now))
    return exists().where(msg.nudge_id == Nudge.id, or_(msg.status == "waiting", under_way)).correlate(Nudge)


def _ready(now: datetime) -> Any:
    msg = NudgeMessage
    wait = func.make_interval(0, 0, 0, 0, 0, 0, FIRST_WAIT * func.power(GROWTH, msg.attempts - 1))
    return and_(msg.status == "waiting", or_(msg.attempts == 0, msg.tried_at <= now - wait))


@dataclass(frozen=True, slots=True)
class Claimed:
    """A message to be sent now."""

    id: UUID
    nudge_id: UUID
    attempts: int
    """With this one."""
    text: Text
    to: Recipient
    contact: str
    """Whom to ask: who ordered it."""
    reply_to: str


def claim(session: Session, nudge_id: UUID, again_days: int, now: datetime) -> Claimed | UUID | None:
    """The next message of a batch, marked as on its way; the id of one that was skipped; None where none is ready.

    Commit it before anybody hears of it. How the recipient stands is looked at now.
    """
    # In the order of whoever calls the batch off: first the batch, then its messages.
    nudge = session.scalars(
        select(Nudge).where(Nudge.id == nudge_id, Nudge.status == "due", Nudge.due_at <= now).with_for_update(read=True)
    ).one_or_none()
    if nudge is None:
        return None
    msg = NudgeMessage
    ready = select(msg).where(msg.nudge_id == nudge_id, _ready(now)).order_by(msg.id).limit(1)
    found = session.scalars(ready.with_for_update(skip_locked=True)).one_or_none()
    if found is None:
        return None
    text = text_of(nudge)
    why = left_out(session, [found.membership_id], text.asking(again_days, but=nudge.id), now)[found.membership_id]
    if why:
        found.status, found.reason, found.tried_at = "skipped", str(why), now
        return found.id
    found.status, found.reason, found.tried_at = "sending", "", now
    found.attempts += 1
    to = recipients(session, [found.membership_id], now)[found.membership_id]
    contact, reply_to = contact_of(session, nudge.actor)
    return Claimed(found.id, nudge.id, found.attempts, text, to, contact, reply_to)


def text_of(nudge: Nudge) -> Text:
    """The text of a batch."""
    names_session = "{next_session}" in nudge.body + nudge.subject
    language = str(nudge.asked.get("language", ""))
    template = Template(nudge.template)
    return Text(Channel(nudge.channel), template, language, nudge.subject, nudge.body, names_session)


def contact_of(session: Session, actor: str) -> tuple[str, str]:
    """How participants reach who writes, and his or her address; empty for who is no user."""
    try:
        user = session.get(User, UUID(actor))
    except ValueError:
        return "", ""
    return (f"{user.name}, {user.email}", user.email) if user else ("", "")


def went_out(session: Session, message_id: UUID, now: datetime) -> None:
    """It was sent."""
    _became(session, message_id, status="sent", reason="", sent_at=now)


def nobody_knows(session: Session, message_id: UUID) -> None:
    """There was no answer: it may have been sent."""
    _became(session, message_id, status="sending", reason=UNKNOWN)


def failed(session: Session, claimed: Claimed, code: str, *, permanent: bool) -> bool:
    """It wasn't sent; it is tried again later unless that can't help. Returns whether it was given up."""
    over = permanent or claimed.attempts >= MOST_TRIES
    _became(session, claimed.id, status="failed" if over else "waiting", reason=code)
    return over


def _became(session: Session, message_id: UUID, **values: Any) -> None:
    msg = NudgeMessage
    # One that was sent again meanwhile, since its worker seemed lost, belongs to somebody else by now.
    session.execute(update(msg).where(msg.id == message_id, msg.status == "sending").values(values))


def finish(session: Session, nudge_id: UUID, now: datetime) -> bool:
    """Close a batch of which nothing waits any more. Returns whether it was so."""
    closing = update(Nudge).where(Nudge.id == nudge_id, Nudge.status == "due", Nudge.due_at <= now, ~_open(now))
    return session.scalar(closing.values(status="done", finished_at=now).returning(Nudge.id)) is not None
