"""What is looked at before a period is closed for good, each with what it found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal, select
from sqlalchemy.orm import Session, aliased

from mappings.periods import Span
from records.actor import Actor, Grant, Role, Scope
from records.models import Binding as BindingRow
from records.models import (
    Closing,
    Community,
    CommunityCourse,
    CourseCopy,
    Dispute,
    InboxItem,
    LedgerEntry,
    Membership,
    Presence,
    ProgramRow,
    SessionRow,
    Site,
)
from records.queries import approvals
from records.queries.drift import last_readings

COUNTED_TO = 10_000
"""More than this is as good as this, and would take longer to count."""
SWEPT_WITHIN = timedelta(days=1)
NAMED = 5
"""So many of what was found are named."""


class Check(StrEnum):
    """What is looked at, in the order in which it is shown."""

    OVERLAPS = "overlaps"
    NOT_OVER = "not_over"
    NOBODY = "nobody"
    MOVING = "moving"
    EVENTS_WAIT = "events_wait"
    EVENTS_STUCK = "events_stuck"
    SWEEPS = "sweeps"
    WITHOUT_ATTENDANCE = "without_attendance"
    UNKNOWN_PEOPLE = "unknown_people"
    DISPUTES = "disputes"
    APPROVALS = "approvals"
    FORMS = "forms"
    COPIES = "copies"


class Says(StrEnum):
    """What a check says."""

    OK = "ok"
    LOOK = "look"
    """It may be closed all the same; then what comes of it is late."""
    BLOCKS = "blocks"


BLOCKING = frozenset({Check.OVERLAPS, Check.NOT_OVER, Check.MOVING})


@dataclass(frozen=True, slots=True)
class Checked:
    """A check with what it found. `named`: (id, title) of the first of them, where they are sessions or periods."""

    check: Check
    count: int
    named: list[tuple[UUID, str]] = field(default_factory=list)
    since: datetime | None = None
    """Of sweeps: the oldest of the latest ones."""

    @property
    def says(self) -> Says:
        if not self.count:
            return Says.OK
        return Says.BLOCKS if self.check in BLOCKING else Says.LOOK


@dataclass(frozen=True, slots=True)
class _About:
    session: Session
    program_id: UUID
    program: str
    span: Span
    now: datetime

    def count(self, *where: ColumnElement[bool], of: type[object]) -> int:
        """How many rows there are, counted no further than anybody reads."""
        some = select(literal(1)).select_from(of).where(*where).limit(COUNTED_TO).subquery()
        return self.session.scalar(select(func.count()).select_from(some)) or 0

    @property
    def communities(self) -> ColumnElement[bool]:
        """The condition on a column of communities is made of this SELECT."""
        return Community.program_id == self.program_id


def checks(session: Session, program: ProgramRow, span: Span, now: datetime) -> list[Checked]:
    """Look at everything that ought to be settled before the days of a program are closed. `span` has two borders."""
    about = _About(session, program.id, program.code, span, now)
    return [look(about) for look in _LOOKS]


def blocks(found: Sequence[Checked]) -> bool:
    """Whether something has to be over first."""
    return any(one.says is Says.BLOCKS for one in found)


def _overlaps(about: _About) -> Checked:
    rows = about.session.execute(
        select(Closing.id, Closing.label).where(
            Closing.program_id == about.program_id,
            Closing.starts_at < about.span.end,
            Closing.ends_at > about.span.start,
        )
    ).all()
    return Checked(Check.OVERLAPS, len(rows), [(row.id, row.label) for row in rows[:NAMED]])


def _not_over(about: _About) -> Checked:
    return Checked(Check.NOT_OVER, int(about.span.end is None or about.span.end > about.now))


def _nobody(about: _About) -> Checked:
    """Days without any hours are the wrong days, most likely."""
    mine = select(Membership.id).join(Community, Community.id == Membership.community_id).where(about.communities)
    reversal = aliased(LedgerEntry)
    some = about.session.scalar(
        select(LedgerEntry.id)
        .where(
            LedgerEntry.membership_id.in_(mine),
            LedgerEntry.happened_at >= about.span.start,
            LedgerEntry.happened_at < about.span.end,
            LedgerEntry.reverses.is_(None),
            ~select(reversal.id).where(reversal.reverses == LedgerEntry.id).exists(),
        )
        .limit(1)
    )
    return Checked(Check.NOBODY, int(some is None))


def _moving(about: _About) -> Checked:
    mine = select(Community.id).where(about.communities)
    dirty = about.count(Membership.community_id.in_(mine), Membership.dirty_at.is_not(None), of=Membership)
    return Checked(Check.MOVING, dirty)


def _sites(about: _About) -> list[UUID]:
    of = select(CommunityCourse.site_id).distinct().join(Community, Community.id == CommunityCourse.community_id)
    return list(about.session.scalars(of.where(about.communities)))


def _events(check: Check, *statuses: str) -> Callable[[_About], Checked]:
    def look(about: _About) -> Checked:
        sites = _sites(about)
        # The status is written out so that the partial index of that status serves.
        counts = [
            about.count(
                InboxItem.status == literal(status, literal_execute=True), InboxItem.site_id.in_(sites), of=InboxItem
            )
            for status in statuses
        ]
        return Checked(check, sum(counts))

    return look


def _sweeps(about: _About) -> Checked:
    sites = about.session.scalars(select(Site.id).where(Site.id.in_(_sites(about)))).all()
    read = last_readings(about.session, sites)
    old = [at for _able, at in read.values() if at is None or at < about.now - SWEPT_WITHIN]
    told = [at for at in old if at]
    return Checked(Check.SWEEPS, len(old), since=min(told) if len(told) == len(old) and told else None)


def _in_days(about: _About) -> tuple[ColumnElement[bool], ...]:
    mine = select(Community.id).where(about.communities)
    return (
        SessionRow.community_id.in_(mine),
        SessionRow.starts_at >= about.span.start,
        SessionRow.starts_at < about.span.end,
    )


def _without_attendance(about: _About) -> Checked:
    said = select(Presence.id).where(Presence.session_id == SessionRow.id, Presence.withdrawn_at.is_(None)).exists()
    where = (*_in_days(about), SessionRow.cancelled_at.is_(None), ~said)
    rows = about.session.execute(
        select(SessionRow.id, SessionRow.title).where(*where).order_by(SessionRow.starts_at, SessionRow.id).limit(NAMED)
    ).all()
    count = about.count(*where, of=SessionRow) if rows else 0
    return Checked(Check.WITHOUT_ATTENDANCE, count, [(row.id, row.title) for row in rows])


def _unknown_people(about: _About) -> Checked:
    here = select(SessionRow.id).where(*_in_days(about))
    waits = Presence.account_id.is_(None) | Presence.held.is_not(None)
    return Checked(
        Check.UNKNOWN_PEOPLE,
        about.count(Presence.withdrawn_at.is_(None), waits, Presence.session_id.in_(here), of=Presence),
    )


def _disputes(about: _About) -> Checked:
    here = select(SessionRow.id).where(*_in_days(about))
    return Checked(Check.DISPUTES, about.count(Dispute.session_id.in_(here), of=Dispute))


def _approvals(about: _About) -> Checked:
    """Of any day: what somebody approves may be about other days than it was entered on."""
    whole = Actor(None, "", (Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, about.program),))
    return Checked(Check.APPROVALS, approvals.how_many(about.session, whole))


def _forms(about: _About) -> Checked:
    c = CommunityCourse
    here = (
        select(c.course_id)
        .join(Community, Community.id == c.community_id)
        .where(about.communities, c.site_id == BindingRow.site_id, c.course_id == BindingRow.course_id)
    )
    return Checked(Check.FORMS, about.count(BindingRow.status == "proposed", here.exists(), of=BindingRow))


def _copies(about: _About) -> Checked:
    c = CommunityCourse
    here = (
        select(c.course_id)
        .join(Community, Community.id == c.community_id)
        .where(about.communities, c.site_id == CourseCopy.site_id, c.course_id == CourseCopy.original_id)
    )
    return Checked(Check.COPIES, about.count(CourseCopy.status == "proposed", here.exists(), of=CourseCopy))


_LOOKS: tuple[Callable[[_About], Checked], ...] = (
    _overlaps,
    _not_over,
    _nobody,
    _moving,
    _events(Check.EVENTS_WAIT, "pending"),
    _events(Check.EVENTS_STUCK, "waiting", "quarantined", "dead"),
    _sweeps,
    _without_attendance,
    _unknown_people,
    _disputes,
    _approvals,
    _forms,
    _copies,
)
