"""Whether a session can be as somebody states it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from mappings.base import timezones
from mappings.program import version_at
from records.actor import Actor, in_scope
from records.attendance_file import DAY_MINUTES, MODES
from records.csv_file import MAX_CODE
from records.keys import among
from records.models import Closing, Community, CommunityCourse, MirrorModule, SessionRow, SharedSession
from records.programs import newest, versions_by_program

MAX_TITLE, MAX_PLACE, MAX_LINK, MAX_CAPACITY = 200, 500, 1000, 100_000
MOST_IN_A_SERIES = 60
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 31)
TEXTS = ("title", "code", "place", "link", "series")
Module = tuple[UUID, int]
"""(site, Moodle's id of the activity)."""


class Fault(StrEnum):
    """Why a session can't be as it was stated; service.session_words says what to do about it."""

    COMMUNITY = "community"
    """It isn't there, or out of the actor's scope."""
    TITLE = "title"
    CODE = "code"
    """`most` characters, and none of them invisible."""
    CODE_TAKEN = "code_taken"
    """`code`."""
    WHEN = "when"
    """A day or a time that is none."""
    DAY = "day"
    """Not from `first` to `last`."""
    TIMEZONE = "timezone"
    NO_SUCH_TIME = "no_such_time"
    """The clocks go forward then: `clock`, `day`, `timezone`."""
    ENDS = "ends"
    MODE = "mode"
    KIND = "kind"
    PLANNED = "planned"
    """`most` minutes."""
    LENGTH = "length"
    """Nobody says when it ends, nor how long it is."""
    CAPACITY = "capacity"
    PLACE = "place"
    LINK = "link"
    SERIES = "series"
    MAKES_UP = "makes_up"
    """The other session isn't one of the community."""
    MAKES_UP_ITSELF = "makes_up_itself"
    CHAIN = "chain"
    """The other session makes one up itself, or this one is made up by others."""
    MODULE = "module"
    """No activity of the session's communities that Moodle tracks."""
    MODULE_TAKEN = "module_taken"
    """It stands for the session `code` already."""
    SHARED = "shared"
    """A community that isn't there or out of the actor's scope, or the session's own."""
    DATES = "dates"
    """No dates, one twice, or more than `most`."""
    REASON = "reason"
    CLOSED = "closed"
    """It begins, or began, in the closed period `label`: that asks for a reason."""
    ATTENDED = "attended"
    """`people` were there."""
    CANCELLED = "cancelled"
    NOT_CANCELLED = "not_cancelled"
    MEANWHILE = "meanwhile"
    """Somebody changed it after it was looked at."""


class SessionError(Exception):
    """A session can't be made or changed so. `fault` with `params`; service.session_words has the sentence."""

    def __init__(self, fault: Fault, **params: object) -> None:
        super().__init__(f"{fault}: {params}" if params else str(fault))
        self.fault = fault
        self.params = params


@dataclass(frozen=True, slots=True)
class Draft:
    """A session as people state it. Moments are aware; `ends_at` None: nobody said."""

    title: str
    code: str
    starts_at: datetime
    timezone: str
    mode: str
    ends_at: datetime | None = None
    kind: str = ""
    planned_minutes: int | None = None
    place: str = ""
    link: str = ""
    capacity: int | None = None
    required: bool = False
    series: str = ""
    makes_up: UUID | None = None
    module: Module | None = None
    shared_with: frozenset[UUID] = frozenset()


def moment(day: date, clock: time, timezone: str) -> datetime:
    """The instant of a wall clock, in UTC; of a time that comes twice the first. Raises SessionError."""
    if not FIRST_DAY <= day <= LAST_DAY:
        raise SessionError(Fault.DAY, first=FIRST_DAY, last=LAST_DAY)
    _zone(timezone)
    local = datetime.combine(day, clock, ZoneInfo(timezone))
    found = local.astimezone(UTC)
    if found.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise SessionError(Fault.NO_SUCH_TIME, clock=f"{clock:%H:%M}", day=day, timezone=timezone)
    return found


def check_length(ends_at: datetime | None, planned_minutes: int | None) -> None:
    """Raises SessionError where nobody says how long a session is. Files and Moodle may leave it open."""
    if ends_at is None and planned_minutes is None:
        raise SessionError(Fault.LENGTH)


def with_length(draft: Draft) -> Draft:
    """A draft of a person: without planned minutes all of it is planned. Raises SessionError as check_length does."""
    check_length(draft.ends_at, draft.planned_minutes)
    if draft.planned_minutes is not None or draft.ends_at is None or draft.ends_at <= draft.starts_at:
        return draft
    minutes = int((draft.ends_at - draft.starts_at).total_seconds()) // 60
    # Nobody is there for more than a day: of a longer one it isn't known what is meant to count.
    return replace(draft, planned_minutes=minutes) if minutes <= DAY_MINUTES else draft


def _zone(timezone: str) -> None:
    if timezone not in timezones():
        raise SessionError(Fault.TIMEZONE, timezone=timezone)


def plain(draft: Draft) -> Draft:
    """The draft without needless blanks; raises SessionError for what is wrong whatever else there is."""
    texts: dict[str, Any] = {name: " ".join(getattr(draft, name).split()) for name in TEXTS}
    draft = replace(draft, **texts)
    _zone(draft.timezone)
    wrong: tuple[tuple[Fault, bool, dict[str, object]], ...] = (
        (Fault.TITLE, not 0 < len(draft.title) <= MAX_TITLE or not draft.title.isprintable(), {"most": MAX_TITLE}),
        (Fault.CODE, not 0 < len(draft.code) <= MAX_CODE or not draft.code.isprintable(), {"most": MAX_CODE}),
        (Fault.ENDS, draft.ends_at is not None and draft.ends_at <= draft.starts_at, {}),
        (Fault.MODE, draft.mode not in MODES, {"mode": draft.mode}),
        (
            Fault.PLANNED,
            draft.planned_minutes is not None and draft.planned_minutes not in range(DAY_MINUTES + 1),
            {"most": DAY_MINUTES},
        ),
        (
            Fault.CAPACITY,
            draft.capacity is not None and draft.capacity not in range(1, MAX_CAPACITY + 1),
            {"most": MAX_CAPACITY},
        ),
        (Fault.PLACE, len(draft.place) > MAX_PLACE or not draft.place.isprintable(), {"most": MAX_PLACE}),
        (Fault.LINK, not _is_link(draft.link), {}),
        (Fault.SERIES, len(draft.series) > MAX_CODE or not draft.series.isprintable(), {"most": MAX_CODE}),
    )
    for fault, is_wrong, params in wrong:
        if is_wrong:
            raise SessionError(fault, **params)
    return draft


def _is_link(text: str) -> bool:
    begins = text.startswith(("https://", "http://")) and text.isprintable() and " " not in text
    return not text or (begins and len(text) <= MAX_LINK)


def check(session: Session, row: SessionRow | None, community: Community, draft: Draft, by: Actor) -> None:
    """Raises SessionError for what doesn't fit what is recorded. `row`: the session as it is, None: a new one."""
    own = row.id if row else None
    if row is None or row.code != draft.code:
        _check_code(session, own, community.id, draft.code)
    if draft.kind and (row is None or draft.kind != row.kind):
        _check_kind(session, community, draft)
    kept = shares(session, own) if own else set()
    _check_shared(session, community.id, draft.shared_with, kept, by)
    if draft.makes_up:
        _check_make_up(session, own, community.id, draft.makes_up)
    if draft.module:
        _check_module(session, row, {community.id, *draft.shared_with}, draft.module)


def _check_code(session: Session, own: UUID | None, community_id: UUID, code: str) -> None:
    """Codes that differ in letter case alone are one to whoever types them."""
    s = SessionRow
    rows = session.execute(select(s.id, s.code).where(s.community_id == community_id))
    for other, taken in rows:
        if other != own and taken.casefold() == code.casefold():
            raise SessionError(Fault.CODE_TAKEN, code=taken)


def _check_kind(session: Session, community: Community, draft: Draft) -> None:
    versions = versions_by_program(session)[community.program_id]
    then, last = version_at(versions, draft.starts_at).program, newest(versions)
    if draft.kind not in then.kinds_by_name and draft.kind not in last.kinds_by_name:
        raise SessionError(Fault.KIND, kind=draft.kind)


def shares(session: Session, session_id: UUID) -> set[UUID]:
    """The other communities that a session is one of."""
    s = SharedSession
    return set(session.scalars(select(s.community_id).where(s.session_id == session_id)))


def _check_shared(session: Session, own: UUID, wanted: frozenset[UUID], kept: set[UUID], by: Actor) -> None:
    """What it is shared with already may lie out of scope: somebody else shared it."""
    new = set(wanted) - kept
    known = set(session.scalars(select(Community.id).where(among(Community.id, new), in_scope(by)))) if new else set()
    if own in wanted or new - known:
        raise SessionError(Fault.SHARED)


def _check_make_up(session: Session, own: UUID | None, community_id: UUID, makes_up: UUID) -> None:
    if makes_up == own:
        raise SessionError(Fault.MAKES_UP_ITSELF)
    other = session.get(SessionRow, makes_up)
    if other is None or other.community_id != community_id:
        raise SessionError(Fault.MAKES_UP)
    made_up = own and session.scalar(select(SessionRow.id).where(SessionRow.makes_up == own).limit(1))
    if other.makes_up or made_up:
        raise SessionError(Fault.CHAIN)


def _check_module(session: Session, row: SessionRow | None, communities: set[UUID], module: Module) -> None:
    if row is None or (row.module_site_id, row.module_id) != module:
        m, c = MirrorModule, CommunityCourse
        # An attendance activity has sessions whether or not its completion is tracked.
        tied = or_(m.tracking > 0, m.modname == "attendance")
        there = session.scalar(
            select(m.module_id)
            .join(c, (c.site_id == m.site_id) & (c.course_id == m.course_id))
            .where(m.site_id == module[0], m.module_id == module[1], m.present, tied)
            .where(among(c.community_id, communities))
            .limit(1)
        )
        if there is None:
            raise SessionError(Fault.MODULE)
    if row is None or not row.source:
        _check_taken(session, row.id if row else None, communities, module)


def _check_taken(session: Session, own: UUID | None, communities: Iterable[UUID], module: Module) -> None:
    """An activity that stood for two sessions of a community would count for both."""
    s, shared = SessionRow, SharedSession
    in_them = select(shared.session_id).where(among(shared.community_id, communities))
    rows = session.execute(
        select(s.id, s.code).where(
            s.module_site_id == module[0],
            s.module_id == module[1],
            # Those that were read from an attendance activity are many, and know which of them is which.
            s.source == "",
            or_(among(s.community_id, communities), s.id.in_(in_them)),
        )
    )
    for other, code in rows:
        if other != own:
            raise SessionError(Fault.MODULE_TAKEN, code=code)


def closed_period(session: Session, community_ids: Iterable[UUID], moments: Iterable[datetime]) -> str | None:
    """The label of a closed period of the communities' programs in which one of the moments lies."""
    c = Closing
    inside: list[Any] = [(c.starts_at <= moment) & (c.ends_at > moment) for moment in moments]
    programs = select(Community.program_id).where(among(Community.id, community_ids))
    return session.scalar(select(c.label).where(c.program_id.in_(programs), or_(*inside)).order_by(c.starts_at))
