"""Messages that were sent: the batches, one batch with its recipients, and those to one person."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import case, exists, func, select, tuple_
from sqlalchemy.orm import Session

from records.actor import Actor, in_scope
from records.keys import among
from records.merged import persons_behind
from records.models import Community, CommunityCourse, Membership, Nudge, NudgeMessage, User
from records.nudge_recipients import Channel
from records.nudges import Template, covers, lost, reaches
from records.queries.community import names_of

PAGE = 50
RECIPIENTS = 100
LATELY = timedelta(days=7)
UNKNOWN = "unknown"
"""What becomes of a message that nobody knows of whether it went out."""
STATES = ("waiting", "sending", "sent", "failed", UNKNOWN, "skipped")


Place = tuple[UUID, str, str]
"""Where a community is: its program's id, region and topic."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A text that was sent to a number of people. Counts are of those within the actor's scope."""

    id: UUID
    channel: Channel
    template: Template
    subject: str
    body: str
    by: str
    """Who ordered it: a user's name, or `cli`."""
    status: str
    created_at: datetime
    due_at: datetime
    finished_at: datetime | None
    counts: Mapping[str, int]
    """By STATES."""
    communities: int
    """In so many of them its recipients are."""
    place: Place | None
    """Of the only one, if it is one."""

    @property
    def total(self) -> int:
        """All to whom it was to go."""
        return sum(number for state, number in self.counts.items() if state != "skipped")

    @property
    def done(self) -> int:
        """Of those, how many were dealt with."""
        return self.total - self.counts.get("waiting", 0) - self.counts.get("sending", 0)


@dataclass(frozen=True, slots=True)
class Message:
    """A message to one participant, by what became of it."""

    id: UUID
    person_id: UUID
    name: str
    account: int
    community_id: UUID
    state: str
    reason: str
    attempts: int
    at: datetime | None
    """When it was sent, else tried last."""


@dataclass(frozen=True, slots=True)
class ToPerson:
    """A message as a person's page lists it."""

    nudge_id: UUID
    channel: Channel
    template: Template
    subject: str
    place: Place
    by: str
    created_at: datetime
    state: str
    reason: str
    at: datetime | None


def _within(actor: Actor) -> Any:
    """The condition on `nudges` that somebody in scope was written to."""
    msg, m = NudgeMessage, Membership
    inside = (msg.nudge_id == Nudge.id, m.id == msg.membership_id, Community.id == m.community_id, in_scope(actor))
    return exists().where(*inside).correlate(Nudge)


def batches(session: Session, actor: Actor, after: UUID | None = None, size: int = PAGE) -> tuple[list[Batch], bool]:
    """The batches that went to somebody in scope, the latest first, and whether there are more of them."""
    n = Nudge
    wanted = select(n).where(_within(actor)).order_by(n.created_at.desc(), n.id.desc()).limit(size + 1)
    if after:
        row = session.execute(select(n.created_at, n.id).where(n.id == after)).one_or_none()
        if row is not None:
            wanted = wanted.where(tuple_(n.created_at, n.id) < tuple_(row.created_at, row.id))
    rows = session.scalars(wanted).all()
    return _batches(session, actor, rows[:size]), len(rows) > size


def batch(session: Session, actor: Actor, nudge_id: UUID) -> Batch | None:
    """A batch; None for one that isn't there or went to nobody in scope."""
    rows = session.scalars(select(Nudge).where(Nudge.id == nudge_id, _within(actor))).all()
    return next(iter(_batches(session, actor, rows)), None)


def may_change(session: Session, actor: Actor, nudge_id: UUID) -> tuple[bool, bool]:
    """Whether the actor may call a batch off; and whether he or she may send what failed again."""
    found = session.execute(select(reaches(actor), covers(actor)).where(Nudge.id == nudge_id)).one_or_none()
    return (found[0], found[1]) if found else (False, False)


def _state() -> Any:
    # When it was lost is for the database's clock to say: both processes have the same one.
    return case((lost(func.now()), UNKNOWN), else_=NudgeMessage.status)


def _batches(session: Session, actor: Actor, rows: Sequence[Nudge]) -> list[Batch]:
    msg, m, state = NudgeMessage, Membership, _state().label("state")
    counted = session.execute(
        select(msg.nudge_id, state, func.count())
        .join(m, m.id == msg.membership_id)
        .join(Community, Community.id == m.community_id)
        .where(among(msg.nudge_id, [row.id for row in rows]), in_scope(actor))
        .group_by(msg.nudge_id, state)
    )
    counts: defaultdict[UUID, dict[str, int]] = defaultdict(dict)
    for nudge, found, number in counted:
        counts[nudge][found] = number
    names = _users(session, [row.actor for row in rows])
    where = _where(session, actor, [row.id for row in rows])
    return [
        Batch(
            *(row.id, Channel(row.channel), Template(row.template), row.subject, row.body),
            *(names.get(row.actor, row.actor), row.status, row.created_at, row.due_at, row.finished_at),
            counts=counts[row.id],
            communities=len(where[row.id]),
            place=where[row.id][0] if len(where[row.id]) == 1 else None,
        )
        for row in rows
    ]


def _where(session: Session, actor: Actor, nudges: Sequence[UUID]) -> dict[UUID, list[Place]]:
    """Where those are to whom a batch goes."""
    msg, m, c = NudgeMessage, Membership, Community
    rows = session.execute(
        select(msg.nudge_id, c.program_id, c.region, c.topic, c.id)
        .join(m, m.id == msg.membership_id)
        .join(c, c.id == m.community_id)
        .where(among(msg.nudge_id, nudges), in_scope(actor))
        .distinct()
    )
    found: defaultdict[UUID, list[Place]] = defaultdict(list)
    for row in rows:
        found[row.nudge_id].append((row.program_id, row.region, row.topic))
    return found


def _users(session: Session, actors: Sequence[str]) -> dict[str, str]:
    ids = [UUID(actor) for actor in set(actors) if len(actor) == len(str(UUID(int=0)))]
    return {str(user): name for user, name in session.execute(select(User.id, User.name).where(among(User.id, ids)))}


def messages(
    session: Session,
    actor: Actor,
    nudge_id: UUID,
    state: str = "",
    after: UUID | None = None,
    size: int = RECIPIENTS,
) -> tuple[list[Message], bool]:
    """The messages of a batch to people in scope, and whether there are more; `state`: one of STATES, or all."""
    msg, m, found = NudgeMessage, Membership, _state()
    wanted = (
        select(msg, m.person_id, m.community_id, found.label("state"))
        .join(m, m.id == msg.membership_id)
        .join(Community, Community.id == m.community_id)
        .where(msg.nudge_id == nudge_id, in_scope(actor))
        .order_by(msg.id)
        .limit(size + 1)
    )
    wanted = wanted.where(found == state) if state in STATES else wanted
    wanted = wanted.where(msg.id > after) if after else wanted
    rows = session.execute(wanted).all()
    names = names_of(session, (row.person_id for row in rows))
    told = [
        Message(
            *(row[0].id, row.person_id, *names.get(row.person_id, ("", 0)), row.community_id),
            *(row.state, row[0].reason, row[0].attempts, row[0].sent_at or row[0].tried_at),
        )
        for row in rows[:size]
    ]
    return told, len(rows) > size


def of_person(session: Session, actor: Actor, person_id: UUID, most: int = 20) -> list[ToPerson]:
    """The latest messages to a person in communities within scope, and why one didn't go out."""
    msg, m = NudgeMessage, Membership
    persons = [person_id, *persons_behind(session, person_id)]
    rows = session.execute(
        select(msg, Nudge, _state().label("state"), Community)
        .join(Nudge, Nudge.id == msg.nudge_id)
        .join(m, m.id == msg.membership_id)
        .join(Community, Community.id == m.community_id)
        .where(among(m.person_id, persons), in_scope(actor))
        .order_by(Nudge.created_at.desc(), msg.id.desc())
        .limit(most)
    ).all()
    names = _users(session, [nudge.actor for _, nudge, _, _ in rows])
    return [
        ToPerson(
            *(nudge.id, Channel(nudge.channel), Template(nudge.template), nudge.subject),
            *((at.program_id, at.region, at.topic), names.get(nudge.actor, nudge.actor)),
            *(nudge.created_at, state, found.reason, found.sent_at or found.tried_at),
        )
        for found, nudge, state, at in rows
    ]


def named(session: Session, ids: Sequence[UUID]) -> dict[UUID, tuple[UUID, str, int]]:
    """Whose memberships these are: person, name and Moodle user id."""
    m = Membership
    persons = {one: person for one, person in session.execute(select(m.id, m.person_id).where(among(m.id, ids)))}  # noqa: C416 - rows aren't tuples
    names = names_of(session, persons.values())
    return {one: (person, *names.get(person, ("", 0))) for one, person in persons.items()}


def sent_in_moodle(session: Session, site_id: UUID, within: timedelta = LATELY) -> tuple[int, int]:
    """Messages that were to go by a site lately, and those of them that Moodle refused."""
    msg, m, c = NudgeMessage, Membership, CommunityCourse
    here = exists().where(m.id == msg.membership_id, c.community_id == m.community_id, c.site_id == site_id)
    refused = msg.reason.in_(("moodle_refused", "moodle_not_allowed", "moodle_disabled"))
    row = session.execute(
        select(func.count(), func.count().filter(msg.status == "failed", refused))
        .select_from(msg)
        .join(Nudge, Nudge.id == msg.nudge_id)
        .where(Nudge.channel == "moodle", Nudge.created_at > func.now() - within, msg.status != "skipped", here)
    ).one()
    return row[0], row[1]
