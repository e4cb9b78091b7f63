"""Which events of Moodle are ours, what each needs to be understood, and who handles it."""

from collections.abc import Callable

from jobs.kinds import attendance, completion, course, people
from jobs.kinds.batch import Batch, Source
from jobs.wire import EventData, MalformedEvent
from records.inbox import Question

COURSE_LEVEL = 50
"""Moodle's CONTEXT_COURSE: a role assigned elsewhere makes nobody a participant."""

UNTOLD = "override_untold"
ENROLMENT_UPDATED = r"\core\event\user_enrolment_updated"
"""Something about a user in a course changed, and only a reading can tell what: no row has to be named."""


def _completed(batch: Batch, source: Source, data: EventData) -> None:
    """A completion; of a sender that doesn't tell whether it was overridden, Moodle is asked."""
    completion.from_event(batch, source, data)
    if not data.tells("overrideby"):
        asked = Question(source.site_id, data.course, data.participant, data.module, UNTOLD, data.timecreated)
        batch.questions.append(asked)


JOINED = r"\mod_bigbluebuttonbn\event\meeting_joined"

INTERESTING: dict[str, Callable[..., None]] = {
    r"\core\event\course_module_completion_updated": _completed,
    r"\core\event\user_enrolment_created": people.enrolment_created,
    r"\core\event\user_enrolment_deleted": people.enrolment_deleted,
    ENROLMENT_UPDATED: people.enrolment_updated,
    r"\core\event\role_assigned": people.role_assigned,
    r"\core\event\role_unassigned": people.role_unassigned,
    r"\core\event\group_member_added": people.group_member_added,
    r"\core\event\group_member_removed": people.group_member_removed,
    r"\core\event\user_deleted": people.user_deleted,
    r"\core\event\course_module_deleted": course.module_deleted,
    r"\core\event\course_module_created": course.ask_for_course,
    r"\core\event\course_module_updated": course.ask_for_course,
    r"\core\event\course_updated": course.ask_for_course,
    r"\core\event\course_restored": course.course_restored,
    r"\core\event\course_reset_ended": course.ask_for_course,
    r"\core\event\course_deleted": course.course_deleted,
    r"\mod_attendance\event\attendance_taken": attendance.ask_for_sessions,
    r"\mod_attendance\event\attendance_taken_by_student": attendance.ask_for_sessions,
    r"\mod_attendance\event\session_added": attendance.ask_for_sessions,
    r"\mod_attendance\event\session_updated": attendance.ask_for_sessions,
    r"\mod_attendance\event\session_duration_updated": attendance.ask_for_sessions,
    r"\mod_attendance\event\session_deleted": attendance.ask_for_sessions,
    JOINED: attendance.meeting_joined,
}

READERS: dict[str, Callable[..., None]] = {
    "course": course.course_reading,
    "module": course.module_reading,
    "role": people.role_reading,
    "account": people.account_reading,
    "enrolment": people.enrolment_reading,
    "completion": completion.from_reading,
    "completions": completion.from_readings,
    "attendance": attendance.attendance_reading,
}

_ABOUT_USERS = {
    name for name in INTERESTING if any(part in name for part in ("enrolment", "role_", "group_", "completion"))
}
_ABOUT_ROWS = {
    name for name in INTERESTING if any(part in name for part in ("enrolment", "role_", "group_", "user_deleted"))
} - {ENROLMENT_UPDATED}
_ABOUT_COURSES = set(INTERESTING) - {r"\core\event\user_deleted"}
_OF_MODULES = {name for name in INTERESTING if name.startswith(r"\mod_")}
_ABOUT_MODULES = {
    r"\core\event\course_module_completion_updated",
    r"\core\event\course_module_deleted",
    *_OF_MODULES,
}


def known_event(data: EventData) -> bool:
    """Whether an event is ours to keep. Roles count where they are assigned in a course."""
    if "role_" in data.eventname and data.contextlevel != COURSE_LEVEL:
        return False
    return data.eventname in INTERESTING


def check_event(data: EventData) -> None:
    """Raise MalformedEvent where an event of ours lacks an id, or has one that no row can have."""
    name = data.eventname
    for names, part in (
        (_ABOUT_COURSES, "course"),
        (_ABOUT_USERS, "participant"),
        (_ABOUT_ROWS, "row"),
        (_ABOUT_MODULES, "module"),
    ):
        # Whom a key names is looked up when the event is worked off.
        if name in names and not (part == "participant" and data.relatedkey):
            getattr(data, part)
    if name == JOINED:
        _ = data.actor
    if name.endswith("completion_updated"):
        completion.state_of(data)
        data.detail("overrideby")
    if name.endswith("course_restored"):
        data.detail("originalcourseid")
        data.detail("target")
    if "enrolment" in name:
        people.method_of(data)
    if "role_" in name and (data.detail("id") or 0) < 1:
        raise MalformedEvent("other.id has to be the id of a row")


def needs(data: EventData) -> tuple[int | None, set[int]]:
    """The course and modules that have to be known before an event can be understood; None: no course."""
    if data.eventname.endswith("completion_updated") or data.eventname in _OF_MODULES:
        return data.course, {data.module}
    return (data.course if data.eventname in _ABOUT_USERS else None), set()
