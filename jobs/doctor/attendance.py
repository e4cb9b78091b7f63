"""Attendance activities (mod_attendance) of communities: whether who was at their sessions can be read."""

from collections.abc import Iterator

from jobs.doctor.findings import Code, Finding
from jobs.doctor.look import Look
from jobs.sweep import attendance
from moodle_client import MoodleError

SHOWN = 5


def sessions(look: Look) -> Iterator[Finding]:
    """Looked at only where a community has such an activity; one of each course is tried."""
    found = [
        (course.id, module)
        for course in look.books.courses.values()
        for module in course.modules
        if course.present and module.kind == attendance.KIND
    ]
    missing = [str(function) for function in attendance.FUNCTIONS if not look.has(function)]
    if found and missing:
        names = [module.name for _, module in found][:SHOWN]
        yield Finding(Code.ATTENDANCE_UNREADABLE, {"count": len(found), "activities": names, "functions": missing})
        return
    for course, module in dict(found).items():
        try:
            attendance.sessions(look.moodle, course, module.id)
        except MoodleError as err:
            params = {"activity": module.name, "module": module.id, "reason": str(err.reason)}
            yield Finding(Code.ATTENDANCE_REFUSED, params)
