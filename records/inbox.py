"""The inbox: the queue of truth. Items are stored in one statement, taken under row locks, and never lost."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    LargeBinary,
    Text,
    Uuid,
    bindparam,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from records.keys import among
from records.models import IgnoredCount, InboxItem, MirrorCourse, MirrorModule, Reread, Site, uuid7

SWEEP = "sweep"
"""The sender of what we read of Moodle by ourselves."""
ATTENDANCE = "attendance_taken"
"""Why the sessions of an attendance activity are to be read again."""
ROOT_DIGITS = 12
ALONE = 3
"""An item that was in so many attempts is tried alone; before that in batches, each so many times smaller."""
SHRINKS = 8
MAX_FAILURES = 5
"""An item that ended this many attempts with an error is a dead letter."""
NEVER = datetime.min.replace(tzinfo=UTC)
MAX_ATTEMPTS = 25
"""An item whose attempts died without a word this often is one, too: it may be what kills the worker."""


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item to store. `item_id` None: readings have none, and are always taken."""

    site_id: UUID
    sender: str
    correlation_id: UUID
    kind: str
    payload: bytes
    item_id: str | None = None
    status: str = "pending"
    reason: str | None = None
    waits_for: str | None = None


_COLUMNS = {
    "site_id": Uuid,
    "sender": Text,
    "correlation_id": Uuid,
    "kind": Text,
    "payload": LargeBinary,
    "item_id": Text,
    "status": Text,
    "reason": Text,
    "waits_for": Text,
}
_STORE = text(
    """
    INSERT INTO inbox (site_id, sender, correlation_id, kind, payload, item_id, status, reason, waits_for)
    SELECT * FROM unnest(
        :site_id, :sender, :correlation_id, :kind, :payload, :item_id, :status, :reason, :waits_for
    )
    ON CONFLICT DO NOTHING
    RETURNING site_id, sender, item_id
    """
).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in _COLUMNS.items()))


def copy_mark(epoch: UUID | None, wwwroot: str) -> str:
    """What an item of an unconfirmed copy waits for: that the site has this epoch and this address. A restored
    backup has the site's own epoch, so that neither is enough."""
    root = hashlib.md5(wwwroot.rstrip("/").lower().encode(), usedforsecurity=False).hexdigest()
    return f"epoch:{epoch or ''}@{root[:ROOT_DIGITS]}"


def store(connection: Connection, items: Sequence[NewItem]) -> set[tuple[UUID, str, str]]:
    """Store items in one statement. Returns the (site, sender, id) that were new: others were known.

    Ordered by id, so that two senders of the same items never wait for each other in a circle.
    """
    if not items:
        return set()
    ordered = sorted(items, key=lambda item: item.item_id or "")
    found = connection.execute(_STORE, {name: [getattr(item, name) for item in ordered] for name in _COLUMNS})
    return {(row.site_id, row.sender, row.item_id) for row in found if row.item_id is not None}


def count_ignored(connection: Connection, site_id: UUID, day: date, names: Iterable[tuple[str, str]]) -> None:
    """Count what isn't ours to keep: (name, reason) pairs, one for each time."""
    counts: dict[tuple[str, str], int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    rows = [
        {"site_id": site_id, "day": day, "name": n, "reason": r, "count": c} for (n, r), c in sorted(counts.items())
    ]
    if rows:
        statement = insert(IgnoredCount)
        added = IgnoredCount.count + statement.excluded.count
        connection.execute(
            statement.on_conflict_do_update(index_elements=["site_id", "day", "name", "reason"], set_={"count": added}),
            rows,
        )


def heard_of(connection: Connection, site_id: UUID) -> None:
    """A sender said nothing that is kept, as it does from time to time: its silence would mean something."""
    at = {"last_received_at": func.clock_timestamp()}
    connection.execute(update(Site).where(Site.id == site_id).values(at))


def claim(session: Session, limit: int) -> list[int]:
    """Ids of due items, with the attempt counted: the caller commits before it begins the work.

    Fresh items come together. Those of an attempt that failed, or died with its process, come in ever
    smaller company, and at last alone: what fails alone is what fails.
    """
    due = (InboxItem.status == "pending", InboxItem.due_at <= func.clock_timestamp())
    for attempts in range(ALONE + 1):
        same = InboxItem.attempts == attempts if attempts < ALONE else InboxItem.attempts >= ALONE
        size = max(limit // SHRINKS**attempts, 1) if attempts < ALONE else 1
        rows = select(InboxItem.id).where(*due, same).order_by(InboxItem.due_at, InboxItem.id).limit(size)
        ids = list(session.scalars(rows.with_for_update(skip_locked=True)))
        if ids:
            session.execute(
                update(InboxItem).where(among(InboxItem.id, ids)).values(attempts=InboxItem.attempts + 1),
                execution_options={"synchronize_session": False},
            )
            return ids
    return []


def take(session: Session, ids: Sequence[int]) -> list[InboxItem]:
    """The claimed items that nobody else holds, locked until the transaction ends, in the order of arrival."""
    rows = select(InboxItem).where(among(InboxItem.id, ids), InboxItem.status == "pending").order_by(InboxItem.id)
    return list(session.scalars(rows.with_for_update(skip_locked=True).execution_options(populate_existing=True)))


def finish(session: Session, ids: Sequence[int]) -> None:
    session.execute(
        update(InboxItem)
        .where(among(InboxItem.id, ids))
        .values(status="done", reason=None, processed_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )


def put_aside(session: Session, item_id: int, status: str, reason: str, waits_for: str | None = None) -> None:
    """Mark an item `waiting`, `quarantined` or `dead`, with its reason; it stays and can be replayed."""
    session.execute(
        update(InboxItem)
        .where(InboxItem.id == item_id)
        .values(status=status, reason=reason[:200], waits_for=waits_for, attempts=0, failures=0),
        execution_options={"synchronize_session": False},
    )


def fail(session: Session, item_id: int, reason: str) -> str:
    """Count an attempt that ended with an error; the item is due again later, or a dead letter. Returns its status."""
    row = session.execute(
        update(InboxItem)
        .where(InboxItem.id == item_id)
        .values(
            failures=InboxItem.failures + 1,
            reason=reason[:200],
            due_at=func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, func.power(2, InboxItem.failures)),
            status=text(f"CASE WHEN failures + 1 >= {MAX_FAILURES} THEN 'dead' ELSE 'pending' END"),
        )
        .returning(InboxItem.status),
        execution_options={"synchronize_session": False},
    ).one()
    return str(row[0])


def put_off(session: Session, item_id: int) -> str:
    """Make an item due again a little later as if this attempt had not been: whoever is in its way may be
    frozen for long, and that makes it no dead letter. Returns its status."""
    later = func.clock_timestamp() + func.make_interval(0, 0, 0, 0, 0, 0, 2)
    session.execute(
        update(InboxItem)
        .where(InboxItem.id == item_id)
        .values(attempts=func.greatest(InboxItem.attempts - 1, ALONE), due_at=later),
        execution_options={"synchronize_session": False},
    )
    return "pending"


def bury_silent_deaths(session: Session) -> int:
    """Dead letters of items whose attempts ended without a word too often: they may kill what touches them."""
    result = session.execute(
        update(InboxItem)
        .where(InboxItem.status == "pending", InboxItem.attempts >= MAX_ATTEMPTS)
        .values(status="dead", reason=func.coalesce(InboxItem.reason, "every attempt died with its process")),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def release_waiting(session: Session) -> int:
    """Make items due whose course or module is known by now. Returns how many."""
    waits = InboxItem.waits_for
    number = func.split_part(waits, ":", 2).cast(BigInteger)
    known_course = (
        select(MirrorCourse.course_id)
        .where(MirrorCourse.site_id == InboxItem.site_id, MirrorCourse.course_id == number)
        .exists()
    )
    known_module = (
        select(MirrorModule.module_id)
        .where(MirrorModule.site_id == InboxItem.site_id, MirrorModule.module_id == number)
        .exists()
    )
    result = session.execute(
        update(InboxItem)
        .where(
            InboxItem.status == "waiting",
            or_(waits.startswith("course:") & known_course, waits.startswith("module:") & known_module),
        )
        .values(status="pending", reason=None, waits_for=None, due_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def release_named(session: Session, marks: Iterable[tuple[UUID, str]]) -> int:
    """Make items due that wait for an account of their site, by its mark. Returns how many."""
    wanted = set(marks)
    if not wanted:
        return 0
    result = session.execute(
        update(InboxItem)
        .where(InboxItem.status == "waiting", among((InboxItem.site_id, InboxItem.waits_for), wanted))
        .values(status="pending", reason=None, waits_for=None, due_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def known(
    connection: Connection | Session, site_id: UUID, courses: Iterable[int], modules: Iterable[int]
) -> tuple[set[int], set[int]]:
    """Those of the courses and modules that the mirror knows, gone ones too."""
    wanted_courses, wanted_modules = set(courses), set(modules)
    c, m = MirrorCourse, MirrorModule
    found_courses = (
        connection.execute(select(c.course_id).where(c.site_id == site_id, c.course_id.in_(wanted_courses)))
        if wanted_courses
        else ()
    )
    found_modules = (
        connection.execute(select(m.module_id).where(m.site_id == site_id, m.module_id.in_(wanted_modules)))
        if wanted_modules
        else ()
    )
    return {row[0] for row in found_courses}, {row[0] for row in found_modules}


def replay(session: Session, statuses: Sequence[str], site_id: UUID | None = None, ids: Sequence[int] = ()) -> int:
    """Make put-aside items due again; what made them so is checked again when they are taken. Returns how many.

    Items of a copy of the site stay until IT has confirmed that copy.
    """
    root = func.left(func.md5(func.lower(func.rtrim(Site.wwwroot, "/"))), ROOT_DIGITS)
    mark = func.concat("epoch:", Site.epoch, "@", root)
    confirmed = select(Site.id).where(Site.id == InboxItem.site_id, InboxItem.waits_for == mark).exists()
    of_a_copy = InboxItem.waits_for.startswith("epoch:").is_(True)
    statement = update(InboxItem).where(InboxItem.status.in_(statuses), or_(~of_a_copy, confirmed))
    if site_id:
        statement = statement.where(InboxItem.site_id == site_id)
    if ids:
        statement = statement.where(among(InboxItem.id, ids))
    result = session.execute(
        statement.values(status="pending", waits_for=None, attempts=0, failures=0, due_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def prune(session: Session, days: int) -> int:
    """Delete processed items older than the retention. Returns how many."""
    old = func.clock_timestamp() - func.make_interval(0, 0, 0, days)
    result = session.execute(
        text("DELETE FROM inbox WHERE status = 'done' AND processed_at < :old").bindparams(
            old=session.scalar(select(old))
        )
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Question:
    """Something to be read again: a user's completion of a module, a user's part in a course (`module`
    None), the sessions of an attendance activity (`user` None), or a whole course (both None). `as_of` is the time of
    the report that raised it."""

    site_id: UUID
    course: int
    user: int | None
    module: int | None
    reason: str
    as_of: datetime


def ask(session: Session, questions: Iterable[Question]) -> None:
    """List what has to be read again, once while it is open."""
    latest: dict[tuple[object, ...], Question] = {}
    for q in questions:
        name = (q.site_id, q.course, q.user, q.module, q.reason)
        if name not in latest or latest[name].as_of < q.as_of:
            latest[name] = q
    rows = [
        {"id": uuid7(), "site_id": q.site_id, "course_id": q.course, "moodle_user_id": q.user, "module_id": q.module}
        | {"reason": q.reason[:40], "as_of": q.as_of}
        for _, q in sorted(latest.items(), key=str)
    ]
    if rows:
        statement = insert(Reread)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["site_id", "course_id", "moodle_user_id", "module_id", "reason"],
                index_where=Reread.done_at.is_(None),
                set_={"as_of": func.greatest(Reread.as_of, statement.excluded.as_of)},
            ),
            rows,
        )


def answered(session: Session, readings: Iterable[tuple[UUID, int, int, int | None, datetime]]) -> None:
    """Close the questions that readings answer: (site, course, user, module or None, read_at)."""
    latest = {reading[:4]: reading[4] for reading in sorted(readings, key=lambda reading: reading[4])}
    pairs = {name[:3] for name in latest}
    if not pairs:
        return
    r = Reread
    found = session.execute(
        select(r.id, r.site_id, r.course_id, r.moodle_user_id, r.module_id, r.as_of).where(
            r.done_at.is_(None), among((r.site_id, r.course_id, r.moodle_user_id), pairs)
        )
    )
    ids = [q.id for q in found if q.as_of <= latest.get((q.site_id, q.course_id, q.moodle_user_id, q.module_id), NEVER)]
    if ids:
        session.execute(
            update(Reread).where(among(Reread.id, ids)).values(done_at=func.clock_timestamp()),
            execution_options={"synchronize_session": False},
        )


def settle(session: Session, site_id: UUID, course_id: int, user: int, read_at: datetime, *, completions: bool) -> None:
    """Close the questions about a user's completions in a course, or about how the user takes part in it, that
    Moodle was asked as of `read_at`."""
    session.execute(
        update(Reread)
        .where(
            Reread.done_at.is_(None),
            Reread.site_id == site_id,
            Reread.course_id == course_id,
            Reread.moodle_user_id == user,
            Reread.module_id.is_not(None) if completions else Reread.module_id.is_(None),
            Reread.as_of <= read_at,
        )
        .values(done_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )


def settle_sessions(session: Session, site_id: UUID, module: int, read_at: datetime) -> None:
    """Close the questions about the sessions of an attendance activity that Moodle was asked as of `read_at`."""
    session.execute(
        update(Reread)
        .where(*open_about_sessions(site_id), Reread.module_id == module, Reread.as_of <= read_at)
        .values(done_at=func.clock_timestamp()),
        execution_options={"synchronize_session": False},
    )


def open_about_sessions(site_id: UUID) -> tuple[ColumnElement[bool], ...]:
    """The questions about sessions of attendance activities of a site that are open, as conditions."""
    r = Reread
    return r.site_id == site_id, r.done_at.is_(None), r.reason == ATTENDANCE, r.module_id.is_not(None)
