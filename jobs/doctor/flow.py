"""Whether events come, and what becomes of them: the plugin, Moodle's cron, the inbox, the sweeps."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import Look, told
from moodle_client import MoodleError

STATUS = "local_copbridge_get_status"
SEND_TEST = "local_copbridge_send_test"
SILENT = timedelta(hours=72)
"""Longer than a weekend."""
CRON_EVERY = timedelta(minutes=15)
BEHIND = timedelta(minutes=15)
WAITING = timedelta(hours=1)
ROUND_TRIP_SECONDS = 20.0
SHOWN = 5


def plugin(look: Look) -> Iterator[Finding]:
    """The companion plugin is there and well."""
    if not look.has(STATUS):
        yield Finding(Code.PLUGIN_ABSENT)
        return
    status, failure = _status(look)
    if failure:
        yield failure
        return
    if str(status.get("lasterror") or ""):
        yield Finding(Code.PLUGIN_FAILED, {"function": STATUS, "why": "last_error"})
    waiting = _number(status.get("pending"))
    oldest = _number(status.get("oldestpending"))
    if waiting and oldest and look.now() - datetime.fromtimestamp(oldest, UTC) > BEHIND:
        params = {"count": waiting, "since": f"{datetime.fromtimestamp(oldest, UTC):%Y-%m-%d %H:%M} UTC"}
        yield Finding(Code.PLUGIN_WAITING, params)


def _status(look: Look) -> tuple[dict[str, Any], Finding | None]:
    try:
        found = look.moodle.call(STATUS, reads=True).data
    except MoodleError as err:
        return {}, Finding(Code.PLUGIN_FAILED, {"function": STATUS, "why": err.errorcode or str(err.reason)})
    return (found if isinstance(found, dict) else {}), None


def _number(value: Any) -> int:
    try:
        return int(value or 0)
    except (TypeError, ValueError):
        return 0


def cron(look: Look) -> Iterator[Finding]:
    """Moodle's cron runs: late completions, the plugin's batches and expiring enrolments hang on it."""
    ran_at = _number(_status(look)[0].get("lastcron")) if look.has(STATUS) else 0
    if not ran_at:
        yield Finding(Code.CRON_UNKNOWN, {"wwwroot": look.books.wwwroot})
        return
    late = look.now() - datetime.fromtimestamp(ran_at, UTC)
    if late > CRON_EVERY:
        yield Finding(Code.CRON_LATE, {"minutes": int(late.total_seconds() // 60)})


def events(look: Look, sleep: Callable[[float], None] = time.sleep) -> Iterator[Finding]:
    """Events have come, not long ago, and from the site itself."""
    books = look.books
    if books.refused_wwwroot:
        params = {"wwwroot": books.refused_wwwroot, "at": _minute(books.refused_at), "site": books.slug}
        yield Finding(Code.COPY_REFUSED, params)
    if look.has(SEND_TEST):
        yield from _round_trip(look, sleep)
    elif books.last_event_at is None:
        yield Finding(Code.EVENTS_NEVER, {"site": books.slug})
    elif look.now() - books.last_event_at > SILENT:
        hours = int((look.now() - books.last_event_at).total_seconds() // 3600)
        yield Finding(Code.EVENTS_SILENT, {"at": _minute(books.last_event_at), "hours": hours})


def _round_trip(look: Look, sleep: Callable[[float], None]) -> Iterator[Finding]:
    """Have the plugin send a batch now, and see it come."""
    before = look.received()
    try:
        look.moodle.call(SEND_TEST)
    except MoodleError as err:
        yield told(err)
        return
    waited = 0.0
    while look.received() == before:
        if waited >= ROUND_TRIP_SECONDS:
            yield Finding(Code.ROUND_TRIP_FAILED, {"seconds": int(waited), "site": look.books.slug})
            return
        sleep(0.5)
        waited += 0.5


def _minute(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if moment else "?"


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
