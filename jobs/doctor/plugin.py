"""What the companion plugin tells of itself, of its deliveries and of Moodle's cron."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import Look, refused
from jobs.doctor.needs import STATUS, own_capability
from moodle_client import MoodleError, PluginStatus, Reason

CRON_EVERY = timedelta(minutes=15)
BEHIND = timedelta(minutes=15)
SILENT = timedelta(hours=1)
"""A plugin that has nothing to tell says so every ten minutes."""


def status_of(look: Look) -> PluginStatus | None:
    """What the plugin tells of itself. It is asked once; its clock is finer than an answer's Date."""
    if look.status is None and look.has(STATUS):
        asked_at = look.now()
        try:
            reply = look.moodle.get_status()
        except MoodleError as err:
            look.status = err
        else:
            look.status = reply.data
            look.skew = reply.data.time - asked_at.timestamp() - reply.elapsed / 2
    return look.status if isinstance(look.status, PluginStatus) else None


def plugin(look: Look) -> Iterator[Finding]:
    """The companion plugin is there and well."""
    if not look.has_plugin:
        yield Finding(Code.PLUGIN_ABSENT)
        return
    status = status_of(look)
    if isinstance(look.status, MoodleError):
        yield _failed(look.status)
    if status is None:
        return
    yield from _which(look, status)
    if status.courses == 0 and not look.by_plugin:
        yield Finding(Code.NOTHING_CHOSEN)
    yield from _deliveries(look, status)
    for code, count in (
        (Code.PLUGIN_GAVE_UP, status.dead),
        (Code.PLUGIN_DROPPED, status.dropped),
        (Code.PLUGIN_UNWRITTEN, status.outboxfailures),
    ):
        if count > 0:
            yield Finding(code, {"count": count, "site": look.books.slug})


def _failed(err: MoodleError) -> Finding:
    if err.reason is Reason.NO_PERMISSION:
        return refused(err, own_capability(STATUS))
    return Finding(Code.PLUGIN_FAILED, {"function": str(STATUS), "why": err.errorcode or str(err.reason)})


def _which(look: Look, status: PluginStatus) -> Iterator[Finding]:
    """Which plugin it is, and which site's."""
    theirs = int(status.version) if status.version.isdecimal() else 0
    if theirs and look.shipped and theirs != look.shipped:
        code = Code.PLUGIN_OLDER if theirs < look.shipped else Code.PLUGIN_NEWER
        yield Finding(code, {"release": status.release or "?", "version": theirs, "shipped": look.shipped})
    if not status.confirmed:
        yield Finding(Code.PLUGIN_UNCONFIRMED, {"wwwroot": status.wwwroot or look.books.wwwroot})
    known = look.books.epoch
    if known is not None and status.epoch and status.epoch.casefold() != str(known):
        yield Finding(Code.PLUGIN_OTHER_EPOCH, {"epoch": _uuid(status.epoch), "known": str(known)})


def _uuid(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        return "?"


def _deliveries(look: Look, status: PluginStatus) -> Iterator[Finding]:
    delivered = _moment(status.lastdelivery)
    if status.lasterror:
        params = {"outcome": status.lasterror, "last": _minute(delivered), "address": look.address}
        yield Finding(Code.PLUGIN_REFUSED, params | {"site": look.books.slug})
    elif delivered and look.now() - delivered > SILENT:
        yield Finding(Code.PLUGIN_SILENT, {"at": _minute(delivered)})
    oldest = _moment(status.oldestpending)
    if status.pending > 0 and oldest and look.now() - oldest > BEHIND:
        yield Finding(Code.PLUGIN_WAITING, {"count": status.pending, "since": _minute(oldest)})


def cron(look: Look) -> Iterator[Finding]:
    """Moodle's cron runs: late completions, the plugin's batches and expiring enrolments hang on it."""
    status = status_of(look)
    if status is None:
        yield Finding(Code.CRON_UNKNOWN, {"wwwroot": look.books.wwwroot})
        return
    ran_at = _moment(status.lastcron)
    if ran_at is None:
        yield Finding(Code.CRON_NEVER)
    elif look.now() - ran_at > CRON_EVERY:
        yield Finding(Code.CRON_LATE, {"minutes": int((look.now() - ran_at).total_seconds() // 60)})


def _moment(seconds: int) -> datetime | None:
    """Unix seconds, of which 0 means never."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "never"
