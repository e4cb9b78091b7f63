"""The names of Moodle's functions that this client has methods for, and whether a call may be repeated.

Names: https://docs.moodle.org/dev/Web_service_API_functions
"""

from enum import StrEnum
from typing import Self


class Repeat(StrEnum):
    """What a second call does that follows a first one whose answer was lost."""

    READS = "reads"
    """Nothing: the function only reads."""
    HARMLESS = "harmless"
    """Nothing more than the first one did: the state is the same, no event is fired."""
    HARMFUL = "harmful"
    """Something new, or an error because the first one succeeded: never repeated by this client."""


class Function(StrEnum):
    """A function's name is its value; `repeat` says whether the client may call it again by itself."""

    repeat: Repeat

    def __new__(cls, name: str, repeat: Repeat = Repeat.READS) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.repeat = repeat
        return member

    SITE_INFO = "core_webservice_get_site_info"
    COURSES = "core_course_get_courses_by_field"
    CATEGORIES = "core_course_get_categories"
    CONTENTS = "core_course_get_contents"
    COURSE_MODULE = "core_course_get_course_module"
    ENROLLED_USERS = "core_enrol_get_enrolled_users"
    COURSE_GROUPS = "core_group_get_course_groups"
    COURSE_GROUPINGS = "core_group_get_course_groupings"
    GROUPINGS = "core_group_get_groupings"
    ACTIVITY_COMPLETIONS = "core_completion_get_activities_completion_status"
    USER_COURSES = "core_enrol_get_users_courses"
    COURSE_PROFILES = "core_user_get_course_user_profiles"
    USERS_BY_FIELD = "core_user_get_users_by_field"
    FIND_USERS = "core_user_get_users"
    ATTENDANCE_SESSIONS = "mod_attendance_get_sessions"
    CALENDAR_EVENTS = "core_calendar_get_calendar_events"

    CREATE_CATEGORIES = ("core_course_create_categories", Repeat.HARMFUL)
    CREATE_COURSES = ("core_course_create_courses", Repeat.HARMFUL)
    DUPLICATE_COURSE = ("core_course_duplicate_course", Repeat.HARMFUL)
    # Another course_updated is fired, of a state that is the same.
    UPDATE_COURSES = ("core_course_update_courses", Repeat.HARMLESS)
    CREATE_CALENDAR_EVENTS = ("core_calendar_create_calendar_events", Repeat.HARMFUL)
    CREATE_USERS = ("core_user_create_users", Repeat.HARMFUL)
    ENROL_USERS = ("enrol_manual_enrol_users", Repeat.HARMLESS)
    UNENROL_USERS = ("enrol_manual_unenrol_users", Repeat.HARMLESS)
    CREATE_GROUPS = ("core_group_create_groups", Repeat.HARMFUL)
    ADD_GROUP_MEMBERS = ("core_group_add_group_members", Repeat.HARMLESS)
    DELETE_GROUP_MEMBERS = ("core_group_delete_group_members", Repeat.HARMLESS)
    OVERRIDE_COMPLETION = ("core_completion_override_activity_completion_status", Repeat.HARMLESS)
    # The gradebook keeps a history and fires user_graded twice a write.
    UPDATE_GRADES = ("core_grades_update_grades", Repeat.HARMFUL)
    SEND_INSTANT_MESSAGES = ("core_message_send_instant_messages", Repeat.HARMFUL)

    GET_COURSES = "local_copbridge_get_courses"
    GET_COURSE_MAP = "local_copbridge_get_course_map"
    GET_ROSTER = "local_copbridge_get_roster"
    GET_COMPLETIONS = "local_copbridge_get_completions"
    GET_DIGEST = "local_copbridge_get_digest"
    GET_STATUS = "local_copbridge_get_status"
    GET_SITE_SETUP = "local_copbridge_get_site_setup"
    GET_COURSE_SETUP = "local_copbridge_get_course_setup"
    # Each one sends an event.
    PING = ("local_copbridge_ping", Repeat.HARMFUL)
    SET_STANDINGS = ("local_copbridge_set_standings", Repeat.HARMLESS)
    SET_PRESENCE = ("local_copbridge_set_presence", Repeat.HARMLESS)
    CREATE_ACTIVITIES = ("local_copbridge_create_activities", Repeat.HARMLESS)
    SET_ACTIVITIES = ("local_copbridge_set_activities", Repeat.HARMLESS)
    SET_SECTIONS = ("local_copbridge_set_sections", Repeat.HARMLESS)
    ADD_COHORT_ENROLMENT = ("local_copbridge_add_cohort_enrolment", Repeat.HARMLESS)
    SET_COURSE_FIELDS = ("local_copbridge_set_course_fields", Repeat.HARMLESS)

    @property
    def of_plugin(self) -> bool:
        """Whether it is the companion plugin's, which not every site has."""
        return self.startswith("local_copbridge_")

    @property
    def of_core(self) -> bool:
        """Whether it is Moodle's own, or of an enrolment method that comes with it."""
        return not self.startswith(("local_", "mod_"))

    @property
    def reads(self) -> bool:
        return self.repeat is Repeat.READS

    @property
    def repeatable(self) -> bool:
        """Whether the client repeats a call of it by itself after a transient failure."""
        return self.repeat is not Repeat.HARMFUL


def known(name: str) -> Function | None:
    """The function of that name, if the client has a method for it."""
    try:
        return Function(name)
    except ValueError:
        return None
