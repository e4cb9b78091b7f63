"""Sessions of Moodle's attendance activities (mod_attendance), read by its own web services, whichever way the rest of
a course is read. Moodle's events name nobody, and a change by web service has none."""

import html
import re
from collections.abc import Iterable

import structlog

from jobs.sweep import core
from jobs.sweep.items import Reading, read_at
from moodle_client import AttendanceSession, Function, MoodleClient, MoodleError, SiteInfo

log = structlog.get_logger()
KIND = "attendance"
"""The kind of Moodle's activities."""
FUNCTIONS = (Function.COURSE_MODULE, Function.ATTENDANCE_SESSIONS)
MAX_STATUS = 100


def offered(site: SiteInfo) -> bool:
    """Whether the token's service holds what reading takes."""
    return all(site.has(function) for function in FUNCTIONS)


def of_course(moodle: MoodleClient, course_id: int, readings: Iterable[Reading]) -> list[Reading]:
    """The sessions of a course's attendance activities, which are among the readings of the course; none where the
    token's service can't read them, or Moodle won't tell of an activity: then all stays as it is."""
    modules = [r["module"] for r in readings if r["kind"] == "module" and r["present"] and r["modname"] == KIND]
    if not modules or not offered(moodle.site_info().data):
        return []
    return of_activities(moodle, course_id, modules)


def of_activities(moodle: MoodleClient, course_id: int, modules: Iterable[int]) -> list[Reading]:
    """The sessions of some attendance activities of a course, of those that Moodle tells of."""
    return [reading for module in modules if (reading := _or_nothing(moodle, course_id, module))]


def _or_nothing(moodle: MoodleClient, course_id: int, module_id: int) -> Reading | None:
    try:
        return sessions(moodle, course_id, module_id)
    except MoodleError as err:
        if not core.about_one(err):
            raise
        log.warning("sweep_attendance_failed", course=course_id, module=module_id, reason=str(err.reason))
        return None


def sessions(moodle: MoodleClient, course_id: int, module_id: int) -> Reading | None:
    """All sessions of an attendance activity, with what was recorded; None: it isn't one. Raises MoodleError."""
    module = moodle.course_module(module_id).data
    if module.modname != KIND or module.instance is None:
        return None
    reply = moodle.attendance_sessions(module.instance)
    reading: Reading = {"kind": "attendance", "read_at": read_at(reply), "course": course_id, "module": module_id}
    return reading | {"sessions": [_session(session) for session in reply.data]}


def _session(session: AttendanceSession) -> Reading:
    statuses = {status.id: status for status in session.statuses}
    listed = {user.id for user in session.users}
    log_of_session = []
    for entry in session.attendance_log:
        status = statuses.get(entry.statusid or 0)
        said = {"status": status.acronym[:MAX_STATUS], "points": status.grade} if status else {}
        log_of_session.append({"user": entry.studentid, "listed": entry.studentid in listed} | said)
    return {
        "id": session.id,
        "starts_at": session.sessdate,
        "seconds": max(0, session.duration),
        "title": plain(session.description)[: core.MAX_TEXT],
        "group": session.groupid,
        # Moodle tells the statuses of the session's own set alone.
        "most": max((status.grade for status in session.statuses), default=None),
        "log": log_of_session,
    }


def plain(text: str) -> str:
    """A description in HTML as one line of text."""
    spaced = re.sub(r"<(?:br|/p|/div|/li|/h\d)\b[^>]*>", " ", text, flags=re.IGNORECASE)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", spaced)).split())
