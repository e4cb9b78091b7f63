"""What a site has to grant: the functions that are called, and the capabilities without which something is lost.

Found by recordings (docs/wire and tests/fixtures/moodle), by Moodle's source (4.5 and 5.0), and by leaving out one
at a time on Moodle 4.5 and 5.0: see docs/doctor.md.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from jobs.sweep import attendance
from jobs.sweep import plugin as sweep_plugin
from mappings.program import Program
from moodle_client import NEEDS, Function

SITE_INFO = str(Function.SITE_INFO)
COURSES = str(Function.COURSES)
CATEGORIES = str(Function.CATEGORIES)
CONTENTS = str(Function.CONTENTS)
COURSE_MODULE = str(Function.COURSE_MODULE)
ENROLLED_USERS = str(Function.ENROLLED_USERS)
USERS_COURSES = str(Function.USER_COURSES)
PROFILES = str(Function.COURSE_PROFILES)
USERS_BY_FIELD = str(Function.USERS_BY_FIELD)
COURSE_GROUPS = str(Function.COURSE_GROUPS)
COURSE_GROUPINGS = str(Function.COURSE_GROUPINGS)
GROUPINGS = str(Function.GROUPINGS)
COMPLETIONS = str(Function.ACTIVITY_COMPLETIONS)


class Use(StrEnum):
    """What a program may make of a site: some capabilities are needed for that alone."""

    CATEGORY_IDNUMBERS = "category_idnumbers"
    MODULE_IDNUMBERS = "module_idnumbers"


FUNCTIONS = (
    SITE_INFO, COURSES, CATEGORIES, CONTENTS, COURSE_MODULE, ENROLLED_USERS, USERS_COURSES, PROFILES, USERS_BY_FIELD,
    COURSE_GROUPS, COURSE_GROUPINGS, GROUPINGS, COMPLETIONS,
)  # fmt: skip
"""Every function that is called where the plugin's can't be."""

REST = "webservice/rest:use"
VIEW = "moodle/course:view"
HIDDEN_COURSES = "moodle/course:viewhiddencourses"
HIDDEN_SECTIONS = "moodle/course:viewhiddensections"
HIDDEN_ACTIVITIES = "moodle/course:viewhiddenactivities"
RESTRICTED = "moodle/course:ignoreavailabilityrestrictions"
ENROL_REVIEW = "moodle/course:enrolreview"
DETAILS = "moodle/user:viewdetails"
ALL_DETAILS = "moodle/user:viewalldetails"
FULL_NAMES = "moodle/site:viewfullnames"
IDENTITY = "moodle/site:viewuseridentity"
ALL_GROUPS = "moodle/site:accessallgroups"
PROGRESS = "report/progress:view"
MANAGE_GROUPS = "moodle/course:managegroups"
MANAGE_ACTIVITIES = "moodle/course:manageactivities"
MANAGE_CATEGORIES = "moodle/category:manage"
UPDATE_COURSES = "moodle/course:update"

READING = (
    REST, VIEW, HIDDEN_COURSES, HIDDEN_SECTIONS, HIDDEN_ACTIVITIES, RESTRICTED, ENROL_REVIEW,
    DETAILS, ALL_DETAILS, FULL_NAMES, IDENTITY, ALL_GROUPS, PROGRESS,
)  # fmt: skip
"""None of these lets its holder change anything. moodle/course:viewparticipants is not among them: where
moodle/course:enrolreview is granted, Moodle doesn't ask for it."""
CHANGING = (UPDATE_COURSES, MANAGE_GROUPS)
"""Only who may change courses is told their ID numbers, and only who may change groups may read them. Each sweep
reads both: without the first no course is taken for a community, without the second a sweep of a course fails."""
ALWAYS = (*READING, *CHANGING)
KINDS_WITH_VIEW = (
    "assign",
    "bigbluebuttonbn",
    "data",
    "feedback",
    "glossary",
    "h5pactivity",
    "lti",
    "quiz",
    "workshop",
)
"""Moodle's activities that are hidden from who lacks mod/...:view, and that not every account sees."""
KINDS_SEEN_BY_ALL = ("chat", "choice", "folder", "imscp", "label", "lesson", "page", "resource", "url")
"""The same, but Moodle gives mod/...:view of these to every account (role "Authenticated user")."""
KINDS_WITHOUT = ("book", "forum", "scorm", "subsection", "survey", "wiki", "qbank")
"""Whether these are seen hangs on no mod/...:view."""
PLUGIN_READING = sweep_plugin.FUNCTIONS
"""Those of the plugin's functions by which sweeps go."""
STATUS = Function.GET_STATUS
PING = Function.PING
PROVISIONING = (
    *(Function.GET_SITE_SETUP, Function.GET_COURSE_SETUP, Function.CREATE_ACTIVITIES, Function.SET_ACTIVITIES),
    *(Function.SET_SECTIONS, Function.ADD_COHORT_ENROLMENT, Function.SET_COURSE_FIELDS),
)
"""Those that another token is for, of the plugin's second service."""
PLUGIN_FUNCTIONS = tuple(function for function in Function if function.of_plugin and function not in PROVISIONING)
"""Those that are called with the everyday token."""
PLUGIN_CAPABILITIES = tuple(
    dict.fromkeys((REST, VIEW, HIDDEN_COURSES, *(c for f in PLUGIN_FUNCTIONS for c in NEEDS[f])))
)
"""All that the account needs where these are called."""
BY_USE: dict[Use, str] = {
    Use.MODULE_IDNUMBERS: MANAGE_ACTIVITIES,
    Use.CATEGORY_IDNUMBERS: MANAGE_CATEGORIES,
}
"""These let their holder change things: Moodle tells what we read to nobody else."""
USE_OF = {capability: use for use, capability in BY_USE.items()}


def view_of(kind: str) -> str:
    """The capability without which activities of a kind are hidden, if Moodle or the plugin has it."""
    return f"mod/{kind}:view"


def has_view(kind: str) -> bool:
    """Whether activities of a kind may be hidden for want of a capability: of a plugin's nobody knows."""
    return kind not in KINDS_WITHOUT


def own_capability(function: Function) -> str:
    """The plugin's own capability of one of its functions: the others are Moodle's, for entering a course."""
    return next(name for name in NEEDS[function] if name.startswith("local/copbridge:"))


@dataclass(frozen=True, slots=True)
class Needs:
    """What to grant without the plugin, for the programs that are loaded, and what else could be; and with it."""

    functions: tuple[str, ...]
    capabilities: tuple[str, ...]
    of_plugins: tuple[str, ...]
    """mod/...:view of activities that aren't Moodle's own: not each of them has it."""
    optional: tuple[Use, ...]
    """What no program here uses."""
    plugin_functions: tuple[str, ...] = (SITE_INFO, *map(str, PLUGIN_FUNCTIONS))
    """With the plugin, these instead of all others, whatever programs there are."""
    plugin_capabilities: tuple[str, ...] = PLUGIN_CAPABILITIES


def uses_of(programs: Iterable[Program]) -> frozenset[Use]:
    """What programs make of a site beyond what every site has to grant."""
    found = set()
    for program in programs:
        if any(match.category_idnumber for match in program.communities):
            found.add(Use.CATEGORY_IDNUMBERS)
        patterns = [rule.idnumber for rule in program.activities]
        patterns += [one.from_activity.idnumber for one in program.milestones if one.from_activity]
        if any(patterns):
            found.add(Use.MODULE_IDNUMBERS)
    return frozenset(found)


def needs(uses: Iterable[Use], kinds: Iterable[str] = ()) -> Needs:
    """The lists for IT. `kinds`: of the activities that are known on the site."""
    wanted, kinds = set(uses), set(kinds)
    standard = {*KINDS_WITH_VIEW, *KINDS_SEEN_BY_ALL, *KINDS_WITHOUT}
    of_plugins = [view_of(kind) for kind in sorted(kinds - standard)]
    found = Needs(
        FUNCTIONS,
        (*ALWAYS, *map(view_of, KINDS_WITH_VIEW), *(name for use, name in BY_USE.items() if use in wanted)),
        tuple(of_plugins),
        tuple(use for use in BY_USE if use not in wanted),
    )
    if attendance.KIND not in kinds:
        return found
    taking = NEEDS[Function.ATTENDANCE_SESSIONS][-1]
    return replace(
        found,
        functions=(*FUNCTIONS, *(str(name) for name in attendance.FUNCTIONS if name not in FUNCTIONS)),
        of_plugins=(*of_plugins, taking),
        plugin_functions=(*found.plugin_functions, *map(str, attendance.FUNCTIONS)),
        plugin_capabilities=(*found.plugin_capabilities, view_of(attendance.KIND), taking),
    )
