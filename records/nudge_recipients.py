"""Who can be written to, and what a message to somebody is filled in with; as it is at the moment one looks."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session

from mappings.conditions import Lacks, Missing
from mappings.program import Program, version_at
from mappings.standing import REACHED
from records.keys import among
from records.models import (
    Account,
    Community,
    CommunityCourse,
    Membership,
    MirrorEnrolment,
    Nudge,
    NudgeMessage,
    Person,
    SessionRow,
    SharedSession,
    Site,
    StandingRow,
    ToldStanding,
)
from records.opt_outs import opted_out
from records.programs import versions_by_program

AT_ONCE = 1_000
"""Memberships a statement."""


class Channel(StrEnum):
    """How a message goes."""

    MOODLE = "moodle"
    MAIL = "mail"


class Why(StrEnum):
    """Why somebody is left out."""

    NOT_THERE = "not_there"
    """No such membership within the actor's scope: somebody else may know more."""
    ERASED = "erased"
    LEFT = "left"
    SUSPENDED = "suspended"
    NOT_PARTICIPANT = "not_participant"
    OPTED_OUT = "opted_out"
    NO_ADDRESS = "no_address"
    RECENTLY = "recently"
    MET = "met"
    """Has met it by now, and the text is for those who haven't."""
    NO_SESSION = "no_session"
    """The text names the next session, and none is planned."""
    CALLED_OFF = "called_off"


@dataclass(frozen=True, slots=True)
class Asking:
    """What a message asks of those it goes to."""

    channel: Channel
    for_lapsed: bool = False
    """Only for those who haven't met it."""
    names_session: bool = False
    again_days: int = 0
    but: UUID | None = None
    """Messages of this nudge don't count as written a short while ago."""


@dataclass(frozen=True, slots=True)
class Meet:
    """The next session of a community."""

    title: str
    starts_at: datetime
    timezone: str
    place: str


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody to write to, with what a text is filled in with. Its repr names nobody."""

    membership_id: UUID
    person_id: UUID
    community_id: UUID
    program: Program
    topic: str
    region: str
    timezone: str
    site_id: UUID | None
    moodle_user: int | None
    link: str
    """The participant's own page in Moodle, or the course."""
    minutes: int
    band_min: int | None
    band_max: int | None
    status: str
    missing: tuple[Missing, ...]
    next_session: Meet | None
    first_name: str = field(repr=False)
    name: str = field(repr=False)
    email: str = field(repr=False)


def left_out(session: Session, ids: Sequence[UUID], asking: Asking, now: datetime) -> dict[UUID, Why | None]:
    """Each membership, in the order given: why somebody is left out, None for who gets the message."""
    found: dict[UUID, Why | None] = {}
    for start in range(0, len(ids), AT_ONCE):
        part = ids[start : start + AT_ONCE]
        rows = {row.id: row for row in session.execute(_looked_at(part, asking, now))}
        silent = opted_out(session, (row.person_id for row in rows.values()))
        found |= {one: _why(rows.get(one), silent, asking) for one in part}
    return found


def _looked_at(ids: Collection[UUID], asking: Asking, now: datetime) -> Any:
    m = Membership
    return (
        select(
            *(m.id, m.person_id, m.role, m.status, Person.erased_at, StandingRow.status.label("standing")),
            exists().where(_reachable(asking.channel)).label("reachable"),
            (exists().where(_written_to(asking, now)) if asking.again_days else false()).label("recently"),
            exists().where(_meets(now)).label("meets"),
        )
        .join(Person, Person.id == m.person_id)
        .outerjoin(StandingRow, StandingRow.membership_id == m.id)
        .where(among(m.id, ids), m.merged_into.is_(None))
    )


def _why(row: Any, silent: Collection[UUID], asking: Asking) -> Why | None:
    if row is None:
        return Why.NOT_THERE
    checks = (
        (row.erased_at is not None, Why.ERASED),
        (row.status == "left", Why.LEFT),
        (row.status == "suspended", Why.SUSPENDED),
        (row.role != "participant", Why.NOT_PARTICIPANT),
        (row.person_id in silent, Why.OPTED_OUT),
        (asking.for_lapsed and row.standing in REACHED, Why.MET),
        (asking.names_session and not row.meets, Why.NO_SESSION),
        (not row.reachable, Why.NO_ADDRESS),
        (row.recently, Why.RECENTLY),
    )
    return next((why for holds, why in checks if holds), None)


def _reachable(channel: Channel) -> ColumnElement[bool]:
    """An account of the member that a message can go to."""
    a, m, c = Account, Membership, CommunityCourse
    there = and_(a.person_id == m.person_id, a.present, ~a.suspended)
    if channel is Channel.MAIL:
        return and_(there, a.email.like("_%@_%"))
    here = exists().where(c.community_id == m.community_id, c.site_id == a.site_id).correlate(a, m)
    return and_(there, a.moodle_user_id > 0, here)


def _written_to(asking: Asking, now: datetime) -> ColumnElement[bool]:
    """A message to the same person, in whatever community, that went out a short while ago or is about to."""
    other, of = NudgeMessage, Membership.__table__.alias("of")
    at = func.coalesce(other.sent_at, other.tried_at)
    mine = Membership.__table__.c
    underway = or_(
        and_(other.status.in_(("sent", "sending")), at > now - timedelta(days=asking.again_days)),
        and_(other.status == "waiting", exists().where(Nudge.id == other.nudge_id, Nudge.status == "due")),
    )
    recently = and_(other.membership_id == of.c.id, of.c.person_id == mine.person_id, underway)
    return and_(recently, other.nudge_id != asking.but) if asking.but else recently


def _meets(now: datetime) -> ColumnElement[bool]:
    s, shared, m = SessionRow, SharedSession, Membership
    of_others = exists().where(shared.session_id == s.id, shared.community_id == m.community_id).correlate(s, m)
    return and_(or_(s.community_id == m.community_id, of_others), s.starts_at > now, s.cancelled_at.is_(None))


def recipients(session: Session, ids: Iterable[UUID], now: datetime) -> dict[UUID, Recipient]:
    """What messages to a few members are filled in with; AT_ONCE of them at most, whoever is there."""
    wanted = list(ids)[:AT_ONCE]
    m = Membership
    rows = session.execute(
        select(m, Community, StandingRow)
        .join(Community, Community.id == m.community_id)
        .outerjoin(StandingRow, StandingRow.membership_id == m.id)
        .where(among(m.id, wanted))
    ).all()
    accounts = _accounts(session, wanted)
    meetings = _next(session, {community.id for _, community, _ in rows}, now)
    versions = versions_by_program(session)
    return {
        member.id: _recipient(
            member,
            community,
            standing,
            accounts.get(member.id),
            meetings.get(community.id),
            version_at(versions[community.program_id], now).program,
        )
        for member, community, standing in rows
    }


def _accounts(session: Session, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """The account by which each is in the community; of several the one that is enrolled there and has an address."""
    a, m, c, e, t = Account, Membership, CommunityCourse, MirrorEnrolment, ToldStanding
    enrolled = exists().where(
        e.site_id == c.site_id, e.course_id == c.course_id, e.moodle_user_id == a.moodle_user_id, e.present
    )
    shown = exists().where(t.account_id == a.id, t.course_id == c.course_id, t.digest != "")
    rows = session.execute(
        select(m.id.label("membership"), a, c.course_id, Site.wwwroot, shown.label("shown"))
        .select_from(m)
        .join(a, a.person_id == m.person_id)
        .outerjoin(c, (c.community_id == m.community_id) & (c.site_id == a.site_id))
        .join(Site, Site.id == a.site_id)
        .where(among(m.id, ids), a.present, ~a.suspended)
        .order_by(m.id, c.course_id.is_(None), ~enrolled, a.email == "", a.id, c.course_id)
    )
    found: dict[UUID, Any] = {}
    for row in rows:
        found.setdefault(row.membership, row)
    return found


def _recipient(
    member: Membership,
    community: Community,
    standing: StandingRow | None,
    seen: Any,
    meeting: Meet | None,
    program: Program,
) -> Recipient:
    account = seen.Account if seen else None
    lacks = [dict(one) for one in standing.missing] if standing else []
    return Recipient(
        membership_id=member.id,
        person_id=member.person_id,
        community_id=community.id,
        program=program,
        topic=community.topic,
        region=community.region,
        timezone=community.timezone,
        site_id=account.site_id if account and seen.course_id is not None else None,
        moodle_user=account.moodle_user_id if account else None,
        link=_link(seen) if seen else "",
        minutes=standing.minutes if standing else 0,
        band_min=standing.band_min if standing else None,
        band_max=standing.band_max if standing else None,
        status=standing.status if standing else "",
        missing=tuple(Missing(Lacks(str(one.pop("code"))), one) for one in lacks),
        next_session=meeting,
        first_name=account.firstname if account else "",
        name=f"{account.firstname} {account.lastname}".strip() if account else "",
        email=account.email if account else "",
    )


def _link(seen: Any) -> str:
    if seen.course_id is None:
        return str(seen.wwwroot)
    if seen.shown:
        return f"{seen.wwwroot}/local/copbridge/hours.php?courseid={seen.course_id}"
    return f"{seen.wwwroot}/course/view.php?id={seen.course_id}"


def _next(session: Session, communities: Collection[UUID], now: datetime) -> dict[UUID, Meet]:
    """The next session of each community, those that others share with it among them."""
    s, shared = SessionRow, SharedSession
    ahead = (s.starts_at > now, s.cancelled_at.is_(None))
    own = select(s.community_id, s.id, s.starts_at).where(among(s.community_id, communities), *ahead)
    of_others = (
        select(shared.community_id, s.id, s.starts_at)
        .join(s, s.id == shared.session_id)
        .where(among(shared.community_id, communities), *ahead)
    )
    rows = sorted(session.execute(own.union(of_others)).all(), key=lambda row: (row.starts_at, row.id))
    first: dict[UUID, UUID] = {}
    for row in rows:
        first.setdefault(row.community_id, row.id)
    known = {row.id: row for row in session.scalars(select(s).where(among(s.id, set(first.values()))))}
    meets = {key: Meet(row.title, row.starts_at, row.timezone, row.place or row.link) for key, row in known.items()}
    return {community: meets[meeting] for community, meeting in first.items()}
