"""What a caller may do: everything, but for what the account was made to lack.

Some of it is refused with an error, most of it only makes answers shrink, without a word. Both are
tables here; `docs/sandbox.md` says what was recorded and what was composed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sandbox.parameters import MoodleError

if TYPE_CHECKING:
    from sandbox.site import Site

COURSE_VIEW = "moodle/course:view"
HIDDEN_COURSES = "moodle/course:viewhiddencourses"
HIDDEN_ACTIVITIES = "moodle/course:viewhiddenactivities"
MANAGE_ACTIVITIES = "moodle/course:manageactivities"
MANAGE_CATEGORIES = "moodle/category:manage"
PARTICIPANTS = "moodle/course:viewparticipants"
USER_DETAILS = "moodle/user:viewdetails"
ENROL_REVIEW = "moodle/course:enrolreview"

REFUSED = {
    "core_enrol_get_enrolled_users": (PARTICIPANTS, "View participants"),
    "core_completion_get_activities_completion_status": (
        "report/progress:view",
        "View activity completion reports",
    ),
    "core_group_get_course_groups": ("moodle/course:managegroups", "Manage groups"),
    "core_group_get_course_groupings": ("moodle/course:managegroups", "Manage groups"),
    "core_group_get_groupings": ("moodle/course:managegroups", "Manage groups"),
}
"""Functions that fail with `nopermissions`, by the capability and its title."""

LOGIN_REQUIRED = frozenset(
    {"core_completion_get_activities_completion_status", "core_course_get_course_module", "core_group_get_groupings"}
)
"""Functions that say `requireloginerror` to who can't see the course; others name its context."""

FIELDS_OF = {
    "moodle/user:viewalldetails": frozenset(
        {"username", "idnumber", "department", "auth", "suspended", "confirmed", "lang", "theme", "timezone"}
        | {"mailformat", "trackforums"}
    ),
    "moodle/site:viewfullnames": frozenset({"firstname", "lastname"}),
    "moodle/site:viewuseridentity": frozenset({"email"}),
}
"""The fields of a person that are left out without a word."""


@dataclass(frozen=True)
class Caller:
    """Whose token it is, and what this account may not do."""

    user: int
    lacking: frozenset[str] = frozenset()

    def may(self, capability: str) -> bool:
        """Whether the account has this capability."""
        return capability not in self.lacking

    def unseen(self) -> frozenset[str]:
        """Fields of other people that this caller doesn't get."""
        return frozenset(field for cap, fields in FIELDS_OF.items() if not self.may(cap) for field in fields)

    def demand(self, capability: str, title: str) -> None:
        """Fail as Moodle does without this capability."""
        if not self.may(capability):
            name = "core\\exception\\required_capability_exception"
            text = f"Sorry, but you do not currently have permissions to do that ({title})."
            raise MoodleError(name, "nopermissions", text)


def caller_of(site: Site, user: int) -> Caller:
    """The caller with what the account lacks."""
    rows = site.rows("SELECT capability FROM lacking WHERE userid = ?", user)
    return Caller(user, frozenset(row["capability"] for row in rows))


def enter_course(site: Site, caller: Caller, function: str, course: int) -> None:
    """Who neither takes part nor has `moodle/course:view` gets no further; then the function's own
    capability is asked for."""
    if not caller.may(COURSE_VIEW) and not _takes_part(site, caller.user, course):
        text = "Course or activity not accessible."
        if function in LOGIN_REQUIRED:
            raise MoodleError("core\\exception\\require_login_exception", "requireloginerror", text)
        context = f"You cannot execute functions in the course context (course id:{course})."
        said = f"{context} The context error message was: {text}"
        raise MoodleError("core\\exception\\moodle_exception", "errorcoursecontextnotvalid", said)
    if function in REFUSED:
        caller.demand(*REFUSED[function])


def _takes_part(site: Site, user: int, course: int) -> bool:
    sql = "SELECT 1 FROM user_enrolments WHERE course = ? AND userid = ? AND status = 0"
    return bool(site.rows(sql, course, user))
