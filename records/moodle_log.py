"""Who was at the sessions of Moodle's attendance activities (mod_attendance), as it was recorded there.

**What a status is worth.** Each person's row has the status's acronym, and minutes: of the planned ones the share that
the status has of the most points, as Moodle grades attendance (half of the points, half of the time). A program with
`earns: weighted` weighs the acronym; any other goes by the minutes. So the rows are the same whatever a program says.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from mappings.attending import Way, rule_of, whole
from records import presences
from records.actor import SYSTEM
from records.forgotten import NOBODY
from records.keys import among
from records.models import Account, Presence
from records.people import AccountKey, ensure_accounts
from records.presences import NewPresence

ModuleKey = tuple[UUID, int]
"""(site, Moodle's id of the activity)."""
Worth = tuple[int | None, str | None]
"""(minutes, status)."""
MAX_STATUS = 20


@dataclass(frozen=True, slots=True)
class Entry:
    """What was recorded of a Moodle user at a session. `points` None: Moodle doesn't tell of that status any more.
    `listed`: he or she takes part in the course."""

    user: int
    status: str
    points: float | None
    listed: bool


@dataclass(frozen=True, slots=True)
class TheirSession:
    """A session as Moodle has it. `group` None: of everybody; `minutes` None: no length was given; `most`: the points
    of the status that has most, None where that isn't told."""

    id: int
    starts_at: datetime
    minutes: int | None
    title: str
    group: int | None
    most: float | None
    log: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class AttendanceRead:
    """All sessions of an activity, as read at a moment of Moodle's clock."""

    module: ModuleKey
    course: int
    read_at: datetime
    cause: UUID
    sessions: tuple[TheirSession, ...]

    @property
    def users(self) -> set[AccountKey]:
        """The Moodle users that it names."""
        return {(self.module[0], entry.user) for each in self.sessions for entry in each.log}


def mirror_log(session: Session, read: AttendanceRead, rows: Sequence[UUID], same: dict[UUID, TheirSession]) -> None:
    """Have what stands of this way be what is recorded there; what agrees is left alone."""
    wanted, unknown = _wanted(session, read, same)
    p, a = Presence, Account
    of_way = (among(p.session_id, {*rows, *same}), p.way == Way.MOD_ATTENDANCE, p.withdrawn_at.is_(None))
    stand: dict[presences.Key, Worth] = {}
    outdated = []
    held = session.execute(
        select(p.id, p.session_id, p.account_id, p.minutes, p.status)
        # Nobody is left there who could be told of an erased person: the minutes stay.
        .join(a, (a.id == p.account_id) & (a.moodle_user_id > 0))
        .where(*of_way)
        .order_by(p.recorded_at.desc(), p.id.desc())
    )
    for row_id, meeting, account, minutes, status in held:
        if account is None or (meeting, account) in unknown:
            continue
        key = (meeting, account)
        if key not in stand and wanted.get(key) == (minutes, status):
            stand[key] = (minutes, status)
        else:
            outdated.append(row_id)
    if outdated:
        presences.withdraw(session, among(p.id, outdated), by=SYSTEM)
    news = [
        NewPresence(meeting, account, Way.MOD_ATTENDANCE, minutes=minutes, status=status)
        for (meeting, account), (minutes, status) in wanted.items()
        if (meeting, account) not in stand
    ]
    presences.add(session, news, by=SYSTEM, correlation_id=read.cause)


def _wanted(
    session: Session, read: AttendanceRead, same: dict[UUID, TheirSession]
) -> tuple[dict[presences.Key, Worth], set[presences.Key]]:
    """(Minutes, status) of everybody at each session; and of whom Moodle tells a status no more: that stays as it is.

    Whoever isn't known here and takes no part in the course is nobody's: mod_attendance makes such accounts for guests.
    """
    listed = {(read.module[0], e.user) for each in same.values() for e in each.log if e.listed and e.user != NOBODY}
    accounts = ensure_accounts(session, listed)
    a, others = Account, {user for _, user in read.users} - {user for _, user in listed}
    known = select(a.moodle_user_id, a.id).where(a.site_id == read.module[0], among(a.moodle_user_id, others))
    accounts |= {(read.module[0], user): account for user, account in session.execute(known)}
    meetings = presences.held(session, same)
    wanted: dict[presences.Key, Worth] = {}
    unknown = set()
    for session_id, theirs in same.items():
        meeting = meetings[session_id]
        if meeting.row.cancelled_at is not None:
            continue
        length = meeting.row.planned_minutes if meeting.row.planned_minutes is not None else theirs.minutes
        full = whole(rule_of(meeting.program, meeting.row.kind), length)
        for entry in theirs.log:
            account = accounts.get((read.module[0], entry.user))
            if account is None:
                continue
            if entry.points is None:
                unknown.add((session_id, account))
            else:
                status = entry.status[:MAX_STATUS] or None
                wanted[(session_id, account)] = _there(full, entry.points, theirs.most), status
    return wanted, unknown


def _there(full: int | None, points: float, most: float | None) -> int | None:
    """The minutes of a status with so many points; None where nobody knows how long the session is."""
    if points <= 0:
        return 0
    return full if full is None or most is None or points >= most else int(full * points / most)
