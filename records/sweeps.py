"""Sweeps as rows: asked for, claimed with a lease, carried on by whoever comes next, done or failed.

A sweep talks to Moodle, so that no row lock may live as long as it does: its holder has a fencing token, which every
write of its own checks. Who was frozen and is overtaken writes nothing any more.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session, aliased

from records.keys import among
from records.models import CommunityCourse, CourseCopy, InboxItem, MirrorCourse, Reread, SiteSecret, Sweep, uuid7

LEASE = timedelta(seconds=120)
"""A holder that wrote nothing for so long is taken for dead."""
MAX_ATTEMPTS = 12
"""Turns that ended with an error that time may heal; after them the sweep has failed until the next is due."""
SETTLING = timedelta(seconds=60)
"""An author changes many things of a course one after another: so long is waited for the next change."""
PAUSE = timedelta(minutes=15)
"""Between two sweeps of a course that events ask for."""
LOOKED_AT = 200
"""So many waiting items are looked at for the courses that they are about."""
OPEN = ("due", "running")


class LeaseLost(Exception):
    """Somebody else has taken the sweep over: nothing may be written for it any more."""


@dataclass(frozen=True, slots=True)
class Task:
    """A claimed sweep: what its holder has to know. `course_id` None: the site's list of courses."""

    id: UUID
    site_id: UUID
    course_id: int | None
    holder: UUID
    started_at: datetime
    allow_absences: bool
    pending: list[int] | None
    total: int
    calls: int


def ask(
    session: Session,
    site_id: UUID,
    courses: Iterable[int | None],
    reason: str,
    *,
    allow_absences: bool = False,
    wait: timedelta = timedelta(0),
) -> list[UUID]:
    """Have courses (None: the site's list) swept, once while a sweep of it is open. Returns the sweeps.

    `reason` is `scheduled`, `asked` or `event`; a sweep that somebody asked for goes before the others.
    """
    due = func.clock_timestamp() + wait
    rows = [
        {"id": uuid7(), "site_id": site_id, "course_id": course, "reason": reason, "allow_absences": allow_absences}
        for course in sorted(set(courses), key=lambda c: (c is not None, c))
    ]
    found: list[UUID] = []
    for row in rows:
        statement = insert(Sweep).values(**row, due_at=due)
        new = statement.excluded
        found += session.scalars(
            statement.on_conflict_do_update(
                index_elements=["site_id", "course_id"],
                index_where=text("status IN ('due', 'running')"),
                set_={
                    "due_at": func.least(Sweep.due_at, new.due_at),
                    "allow_absences": or_(Sweep.allow_absences, new.allow_absences),
                    "reason": func.least(Sweep.reason, new.reason),
                },
            ).returning(Sweep.id)
        )
    return found


def has_token(site_id: object) -> ColumnElement[bool]:
    """Whether a site has a web-services token: without one nothing can be read."""
    s = SiteSecret
    return select(s.id).where(s.site_id == site_id, s.purpose == "web_services", s.retired_at.is_(None)).exists()


def targets(session: Session, site_id: UUID) -> list[int]:
    """The courses that are swept: communities, and copies of them, so that their mapping can be reviewed."""
    c, copy, course = CommunityCourse, CourseCopy, MirrorCourse
    there = select(course.course_id).where(course.site_id == site_id, course.present)
    of_communities = select(c.course_id).where(c.site_id == site_id, c.course_id.in_(there))
    copies = select(copy.course_id).where(copy.site_id == site_id, copy.course_id.in_(there))
    return sorted(session.scalars(of_communities.union(copies)))


def goes_by_plugin(session: Session, site_id: UUID) -> bool:
    """Whether the latest sweep that was carried out on a site went by the companion plugin."""
    s = Sweep
    carried_out = select(s.way).where(s.site_id == site_id, s.status == "done", s.way != "")
    return session.scalar(carried_out.order_by(s.finished_at.desc()).limit(1)) == "plugin"


def schedule(session: Session, site_id: UUID, every: timedelta) -> int:
    """Ask for whatever was not swept for so long, and for what events left open. Returns how many were asked for."""
    s = Sweep
    asked_at = select(s.course_id, func.max(s.asked_at)).where(s.site_id == site_id).group_by(s.course_id)
    last = {course: moment for course, moment in session.execute(asked_at)}  # noqa: C416 - dict() of rows has no type
    now = session.scalars(select(func.clock_timestamp())).one()
    due = [c for c in [None, *targets(session, site_id)] if c not in last or last[c] < now - every]
    asked = ask(session, site_id, due, "scheduled")
    return len(asked) + _for_events(session, site_id, now)


def _for_events(session: Session, site_id: UUID, now: datetime) -> int:
    """Sweeps of courses that changed in a way that events don't tell, or in which items wait for an activity that
    nobody knows; of the list, where items wait for such a course."""
    r, i, s = Reread, InboxItem, Sweep
    ours = set(targets(session, site_id))
    # Those about one activity's sessions are answered by themselves.
    whole = (r.moodle_user_id.is_(None), r.module_id.is_(None))
    open_questions = select(r.course_id).distinct().where(r.site_id == site_id, r.done_at.is_(None), *whole)
    wanted = (set(session.scalars(open_questions)) | _with_strangers(session, site_id)) & ours
    recent = select(s.course_id).where(
        s.site_id == site_id, or_(s.status.in_(OPEN), and_(s.reason == "event", s.finished_at > now - PAUSE))
    )
    done = set(session.scalars(recent))
    asked = ask(session, site_id, wanted - done, "event", wait=SETTLING)
    waits = (i.site_id == site_id, i.status == "waiting", i.reason == "unknown_course", i.received_at > now - PAUSE)
    if None not in done and session.scalar(select(i.id).where(*waits).limit(1)) is not None:
        asked += ask(session, site_id, [None], "event", wait=SETTLING)
    return len(asked)


def _with_strangers(session: Session, site_id: UUID) -> set[int]:
    """The courses of items that wait for an activity and came after the course was last swept."""
    i, s = InboxItem, Sweep
    waits = (i.site_id == site_id, i.status == "waiting", i.reason == "unknown_module")
    found: dict[int, datetime] = {}
    rows = select(i.payload, i.received_at).where(*waits).order_by(i.received_at.desc()).limit(LOOKED_AT)
    for payload, received_at in session.execute(rows):
        item = json.loads(payload)
        course = str(item.get("courseid") or item.get("course"))
        if course.isdecimal():
            found.setdefault(int(course), received_at)
    begun = select(s.course_id, func.max(s.started_at)).where(s.site_id == site_id, s.finished_at.is_not(None))
    last = {course: moment for course, moment in session.execute(begun.group_by(s.course_id)) if moment}
    return {course for course, received_at in found.items() if course not in last or last[course] < received_at}


def claim(session: Session, only: Sequence[UUID] = ()) -> Task | None:
    """Take a due sweep, or one whose holder is dead; one a site at a time, so that a site's pace is kept.

    `only`: of these. None where there is nothing to do. The caller commits before it begins.
    """
    session.execute(select(func.pg_advisory_xact_lock(func.hashtext("sweeps"))))
    s, other = Sweep, aliased(Sweep)
    now = func.clock_timestamp()
    alive = and_(other.status == "running", other.heartbeat_at > now - LEASE, other.site_id == s.site_id)
    free = or_(s.status == "due", and_(s.status == "running", s.heartbeat_at <= now - LEASE))
    due = select(s.id).where(free, s.due_at <= now, has_token(s.site_id), ~select(other.id).where(alive).exists())
    if only:
        due = due.where(s.id.in_(only))
    # `asked` before `event` before `scheduled`; the site's list before its courses.
    best = session.scalar(due.order_by(s.reason, s.course_id.asc().nulls_first(), s.due_at, s.id).limit(1))
    if best is None:
        return None
    holder = uuid7()
    row = session.execute(
        update(s)
        .where(s.id == best)
        .values(status="running", holder=holder, heartbeat_at=now, started_at=func.coalesce(s.started_at, now))
        .returning(s.site_id, s.course_id, func.coalesce(s.started_at, now).label("started_at"))
        .returning(s.allow_absences, s.pending, s.total, s.calls),
        execution_options={"synchronize_session": False},
    ).one()
    return Task(
        id=best,
        site_id=row.site_id,
        course_id=row.course_id,
        holder=holder,
        started_at=row.started_at,
        allow_absences=row.allow_absences,
        pending=row.pending,
        total=row.total,
        calls=row.calls,
    )


def _mine(session: Session, task: Task, **values: object) -> None:
    changed = session.execute(
        update(Sweep)
        .where(Sweep.id == task.id, Sweep.holder == task.holder, Sweep.status == "running")
        .values(heartbeat_at=func.clock_timestamp(), **values),
        execution_options={"synchronize_session": False},
    )
    if changed.rowcount != 1:  # type: ignore[attr-defined]
        raise LeaseLost


def beat(session: Session, task: Task) -> None:
    """Renew the lease. Raises LeaseLost."""
    _mine(session, task)


def progress(session: Session, task: Task, pending: Sequence[int], *, total: int, calls: int, way: str) -> None:
    """Say what is still to be read, in the transaction that stores what was. Raises LeaseLost."""
    left = list(pending)
    _mine(session, task, pending=left, total=total, done=total - len(left), calls=calls, way=way, error="")


def pause(session: Session, task: Task, *, calls: int) -> None:
    """Let the sweep go, to be carried on at the next turn. Raises LeaseLost."""
    _mine(session, task, status="due", holder=None, calls=calls)


def finish(session: Session, task: Task, *, calls: int, highest_course: int | None = None) -> None:
    """All was read: what was asked about the course before the sweep began is answered, as is what was asked about
    people, where they were read; of what Moodle wouldn't tell now there is nothing to learn. Raises LeaseLost."""
    _mine(
        session,
        task,
        status="done",
        holder=None,
        calls=calls,
        pending=None,
        finished_at=func.clock_timestamp(),
        highest_course=highest_course,
    )
    r = Reread
    people_too = select(Sweep.id).where(Sweep.id == task.id, Sweep.total > 0).exists()
    session.execute(
        update(r)
        .where(r.site_id == task.site_id, r.course_id == task.course_id, or_(r.moodle_user_id.is_(None), people_too))
        .where(r.done_at.is_(None), r.as_of <= task.started_at)
        .values(done_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )


def fail(
    session: Session, task: Task, error: str, *, calls: int, retry_after: int | None = None, for_good: bool
) -> None:
    """An error ended a turn: the sweep is due again later, each time later, or has failed. Raises LeaseLost."""
    attempts = session.scalars(select(Sweep.attempts).where(Sweep.id == task.id)).one() + 1
    ends = for_good or attempts >= MAX_ATTEMPTS
    wait = timedelta(seconds=max(retry_after or 0, min(30 * 2**attempts, 3600)))
    _mine(
        session,
        task,
        status="failed" if ends else "due",
        holder=None,
        attempts=attempts,
        calls=calls,
        error=error[:200],
        finished_at=func.clock_timestamp() if ends else None,
        pending=None if ends else Sweep.pending,
        due_at=func.clock_timestamp() + wait,
    )


def anything_due(session: Session) -> bool:
    """Whether a sweep waits to be claimed."""
    s, now = Sweep, func.clock_timestamp()
    free = or_(s.status == "due", and_(s.status == "running", s.heartbeat_at <= now - LEASE))
    return session.scalar(select(s.id).where(free, s.due_at <= now, has_token(s.site_id)).limit(1)) is not None


def open_among(session: Session, sweeps: Collection[UUID]) -> tuple[int, int, int]:
    """(How many of these sweeps are open, people read by them, people in all as far as is known)."""
    s = Sweep
    row = session.execute(
        select(
            func.count().filter(s.status.in_(OPEN)),
            func.coalesce(func.sum(s.done), 0),
            func.coalesce(func.sum(s.total), 0),
        ).where(among(s.id, sweeps))
    ).one()
    return int(row[0]), int(row[1]), int(row[2])
