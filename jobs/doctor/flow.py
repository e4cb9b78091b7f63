"""Whether events come, and what becomes of them: the round trip, the inbox, the sweeps; and who may sign people in."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import Look, refused
from jobs.doctor.needs import PING, own_capability
from moodle_client import MoodleError

SILENT = timedelta(hours=72)
"""Longer than a weekend."""
BEHIND = timedelta(minutes=15)
WAITING = timedelta(hours=1)
ROUND_TRIP_SECONDS = 20.0
DELIVERED = frozenset({"delivered", "idle"})
"""Of the plugin's outcomes, those in which nothing went wrong."""
GIVEN_UP = "given_up"
SHOWN = 5


def events(look: Look, sleep: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    """Events have come, not long ago, and from the site itself."""
    books = look.books
    if books.refused_wwwroot:
        params = {"wwwroot": books.refused_wwwroot, "at": _minute(books.refused_at), "site": books.slug}
        yield Finding(Code.COPY_REFUSED, params)
    if look.has(PING):
        yield from _round_trip(look, sleep)
    elif books.last_event_at is None:
        yield Finding(Code.EVENTS_NEVER, {"site": books.slug})
    elif look.now() - books.last_event_at > SILENT:
        hours = int((look.now() - books.last_event_at).total_seconds() // 3600)
        yield Finding(Code.EVENTS_SILENT, {"at": _minute(books.last_event_at), "hours": hours})


def _round_trip(look: Look, sleep: Callable[[float], None]) -> Iterator[Finding]:
    """Have the plugin send an event now, and see it come."""
    before = look.pings()
    try:
        answer = look.moodle.ping().data
    except MoodleError as err:
        yield refused(err, own_capability(PING))
        return
    params = {"site": look.books.slug, "address": look.address}
    if not answer.sent:
        # Delivered, and still there: the service has put aside this very event.
        outcome = GIVEN_UP if answer.outcome in DELIVERED else answer.outcome
        yield Finding(Code.PING_FAILED, params | {"outcome": outcome, "status": answer.httpstatus})
        return
    waited = 0.0
    while look.pings() == before:
        if waited >= ROUND_TRIP_SECONDS:
            yield Finding(Code.ROUND_TRIP_FAILED, params | {"seconds": int(waited)})
            return
        sleep(0.5)
        waited += 0.5


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "?"


def sign_in(look: Look) -> Iterator[Finding]:
    """No district's sign-in may name whom it likes."""
    if look.books.naming_anybody:
        yield Finding(Code.PROVIDER_NAMES_ANYBODY, {"providers": ", ".join(look.books.naming_anybody)})


def inbox(look: Look) -> Iterator[Finding]:
    """What came was taken in, and is worked on."""
    books, now = look.books, look.now()
    by_status = {"dead": Code.INBOX_DEAD, "quarantined": Code.INBOX_QUARANTINED, "waiting": Code.INBOX_WAITING}
    for status, code in by_status.items():
        items = [item for item in books.stuck if item.status == status]
        if status == "waiting":
            items = [item for item in items if now - item.oldest > WAITING]
        if items:
            reasons = sorted({item.reason for item in items if item.reason})[:SHOWN]
            count = sum(item.count for item in items)
            yield Finding(code, {"count": count, "reasons": reasons, "site": books.slug})
    if books.pending_since and now - books.pending_since > BEHIND:
        minutes = int((now - books.pending_since).total_seconds() // 60)
        yield Finding(Code.INBOX_BEHIND, {"minutes": minutes})


def sweeps(look: Look) -> Iterator[Finding]:
    """Each community's state was read again not long ago."""
    every = timedelta(hours=look.settings.sweep_hours)
    courses = [course for course in look.books.courses.values() if course.present]
    failed = [course for course in courses if course.sweep_error]
    for course in failed:
        params = {"course": course.idnumber or course.name, "id": course.id, "error": course.sweep_error}
        yield Finding(Code.SWEEP_FAILED, params)
    well = [course for course in courses if not course.sweep_error]
    never = [course.idnumber or course.name for course in well if course.swept_at is None]
    if never:
        yield Finding(Code.SWEEP_NEVER, {"count": len(never), "courses": never[:SHOWN], "site": look.books.slug})
    late = [one.idnumber or one.name for one in well if one.swept_at and look.now() - one.swept_at > 2 * every]
    if late:
        params = {"count": len(late), "courses": late[:SHOWN], "hours": 2 * look.settings.sweep_hours}
        yield Finding(Code.SWEEP_LATE, params)
