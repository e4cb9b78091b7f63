"""The one place that decides who may do what.

Every route has its decision in DECISIONS; one without stops the application from being made. A permission belongs to
roles; where it reaches is the scope of the grants that carry those roles.
"""

from enum import Enum, StrEnum

from records.actor import Role


class Door(Enum):
    """Routes that ask for no permission."""

    OPEN = "open"
    """For everybody: sign-in itself, static files, the health check."""
    SENDER = "sender"
    """For Moodle sites: the route checks the sender's signature or token by itself, and reads no cookie."""
    SIGNED_IN = "signed_in"
    """For whoever is signed in, with whatever role."""


class Permission(StrEnum):
    """What a role may do."""

    SEE_BOARD = "see_board"
    """Communities in numbers."""
    SEE_PEOPLE = "see_people"
    """Names and hours of the people in a community."""
    SEE_INTAKE = "see_intake"
    """What waits in the inbox, in numbers, and whether a copy of a site knocked."""
    ASK_MOODLE = "ask_moodle"
    """Have a community read from Moodle now."""
    CONNECT_SITES = "connect_sites"
    """The plugin for Moodle, and the addresses that sites post to."""
    RECORD_ATTENDANCE = "record_attendance"
    """Plan sessions, and record who was there."""
    DECIDE_ATTENDANCE = "decide_attendance"
    """Say who somebody is, and which of several reports is right."""
    MERGE_PEOPLE = "merge_people"
    """Say that two people are one."""

    ADJUST_HOURS = "adjust_hours"
    """Adjust, enter reported hours, waive, explain a deviation, transfer; and undo those."""
    APPROVE_HOURS = "approve_hours"
    """Have reported hours and large adjustments count, let in what came late: never one's own."""
    DECIDE_MAPPING = "decide_mapping"
    """Which form of an activity counts, and what a copied course is."""
    CLOSE_PERIODS = "close_periods"
    """Close a period of a program for good."""
    SEND_NUDGES = "send_nudges"
    """Write to participants who fall behind."""
    RECORD_MILESTONES = "record_milestones"
    """Record what teams, schools and communities achieved."""
    EXPORT_PEOPLE = "export_people"
    """Everything that is stored about a person, as a file."""
    ERASE_PEOPLE = "erase_people"
    """Have a person forgotten."""
    MANAGE_USERS = "manage_users"
    """Who signs in, with which roles, within one's own scope; which districts' sign-in is trusted."""
    INVITE_FACILITATORS = "invite_facilitators"
    """Invite facilitators to a community."""
    SEE_OPERATIONS = "see_operations"
    """Sites, events, jobs, drift: how the machine runs, without people's hours."""
    OPERATE = "operate"
    """Replay what was put aside, have work tried again."""
    SEE_AUDIT = "see_audit"
    """The audit trail, of everything."""


EVERY_ROLE = frozenset(Role)
OFFICE = frozenset({Role.PROGRAM_ADMIN, Role.STAFF})
MACHINE = frozenset({Role.IT, Role.PROGRAM_ADMIN})
ROLES: dict[Permission, frozenset[Role]] = {
    Permission.SEE_BOARD: EVERY_ROLE,
    # IT keeps the machine running: for that nobody has to know people's hours.
    Permission.SEE_PEOPLE: EVERY_ROLE - {Role.IT},
    Permission.SEE_INTAKE: MACHINE,
    Permission.ASK_MOODLE: OFFICE | {Role.IT},
    Permission.CONNECT_SITES: MACHINE,
    Permission.RECORD_ATTENDANCE: OFFICE | {Role.FACILITATOR},
    Permission.DECIDE_ATTENDANCE: OFFICE,
    Permission.MERGE_PEOPLE: frozenset({Role.PROGRAM_ADMIN}),
    Permission.ADJUST_HOURS: OFFICE,
    Permission.APPROVE_HOURS: OFFICE,
    Permission.DECIDE_MAPPING: OFFICE,
    Permission.CLOSE_PERIODS: frozenset({Role.PROGRAM_ADMIN}),
    Permission.SEND_NUDGES: OFFICE | {Role.FACILITATOR},
    Permission.RECORD_MILESTONES: OFFICE | {Role.FACILITATOR},
    Permission.EXPORT_PEOPLE: frozenset({Role.PROGRAM_ADMIN}),
    Permission.ERASE_PEOPLE: frozenset({Role.PROGRAM_ADMIN}),
    Permission.MANAGE_USERS: MACHINE,
    Permission.INVITE_FACILITATORS: OFFICE,
    Permission.SEE_OPERATIONS: MACHINE,
    Permission.OPERATE: MACHINE,
    Permission.SEE_AUDIT: MACHINE | {Role.AUDITOR},
}

DECISIONS: dict[str, Door | Permission] = {
    "static": Door.OPEN,
    "bootstrap.static": Door.OPEN,
    "assets.htmx": Door.OPEN,
    "health.healthz": Door.OPEN,
    "sign_in.form": Door.OPEN,
    "sign_in.submit": Door.OPEN,
    "sign_in.setup_form": Door.OPEN,
    "sign_in.setup_submit": Door.OPEN,
    "sign_in.sign_out": Door.SIGNED_IN,
    "identify.begin": Door.OPEN,
    "identify.answer": Door.OPEN,
    "arrive.scan": Door.OPEN,
    "arrive.enter": Door.OPEN,
    "arrive.enter_submit": Door.OPEN,
    "arrive.here": Door.OPEN,
    "arrive.arrived": Door.OPEN,
    "arrive.left": Door.OPEN,
    "arrive.forget": Door.OPEN,
    "arrive.personal": Door.OPEN,
    "intake.take_batch": Door.SENDER,
    "intake.take_event": Door.SENDER,
    "intake.take_statements": Door.SENDER,
    "intake.about": Door.SENDER,
    "intake.take_trigger": Door.SENDER,
    "board.show": Permission.SEE_BOARD,
    "board.live": Permission.SEE_BOARD,
    "freshness.live": Permission.SEE_BOARD,
    "community.show": Permission.SEE_PEOPLE,
    "community.live": Permission.SEE_PEOPLE,
    "community.together": Permission.SEE_PEOPLE,
    "moodle.live": Permission.SEE_PEOPLE,
    "moodle.ask": Permission.ASK_MOODLE,
    "plugin.show": Permission.CONNECT_SITES,
    "plugin.download": Permission.CONNECT_SITES,
    "person.show": Permission.SEE_PEOPLE,
    "person.live": Permission.SEE_PEOPLE,
    "sessions.listed": Permission.SEE_PEOPLE,
    "sessions.show": Permission.SEE_PEOPLE,
    "sessions.new": Permission.RECORD_ATTENDANCE,
    "sessions.create": Permission.RECORD_ATTENDANCE,
    "sessions.edit": Permission.RECORD_ATTENDANCE,
    "sessions.save": Permission.RECORD_ATTENDANCE,
    "sessions.move": Permission.RECORD_ATTENDANCE,
    "sessions.cancel": Permission.RECORD_ATTENDANCE,
    "sessions.restore": Permission.RECORD_ATTENDANCE,
    "calendars.feed": Door.OPEN,
    "calendars.renew": Permission.RECORD_ATTENDANCE,
    "review.show": Permission.DECIDE_ATTENDANCE,
    "review.conflicts": Permission.DECIDE_ATTENDANCE,
    "review.decide": Permission.DECIDE_ATTENDANCE,
    "review.match": Permission.DECIDE_ATTENDANCE,
    "review.accept": Permission.DECIDE_ATTENDANCE,
    "review.dismiss": Permission.DECIDE_ATTENDANCE,
    "review.undo": Permission.DECIDE_ATTENDANCE,
    "merging.show": Permission.MERGE_PEOPLE,
    "merging.preview": Permission.MERGE_PEOPLE,
    "merging.carry_out": Permission.MERGE_PEOPLE,
    "merging.merged": Permission.MERGE_PEOPLE,
    "merging.undo": Permission.MERGE_PEOPLE,
    "roster.show": Permission.RECORD_ATTENDANCE,
    "roster.state": Permission.RECORD_ATTENDANCE,
    "roster.save": Permission.RECORD_ATTENDANCE,
    "roster.walk_in": Permission.RECORD_ATTENDANCE,
    "roster.sheet": Permission.RECORD_ATTENDANCE,
    "roster.quick": Permission.RECORD_ATTENDANCE,
    "roster.take_sheet": Permission.RECORD_ATTENDANCE,
    "check_in.show": Permission.RECORD_ATTENDANCE,
    "check_in.code": Permission.RECORD_ATTENDANCE,
    "check_in.live": Permission.RECORD_ATTENDANCE,
    "check_in.begin": Permission.RECORD_ATTENDANCE,
    "check_in.end": Permission.RECORD_ATTENDANCE,
    "check_in.strike": Permission.RECORD_ATTENDANCE,
    "check_in.let_in": Permission.RECORD_ATTENDANCE,
    "check_in.links": Permission.DECIDE_ATTENDANCE,
    "imports.form": Permission.RECORD_ATTENDANCE,
    "imports.upload": Permission.RECORD_ATTENDANCE,
    "imports.history": Permission.RECORD_ATTENDANCE,
    "imports.report": Permission.RECORD_ATTENDANCE,
    "imports.live": Permission.RECORD_ATTENDANCE,
    "imports.look": Permission.RECORD_ATTENDANCE,
    "imports.take": Permission.RECORD_ATTENDANCE,
    "imports.undo": Permission.RECORD_ATTENDANCE,
    "imports.rows": Permission.RECORD_ATTENDANCE,
    "attendance_files.of_session": Permission.SEE_PEOPLE,
    "attendance_files.of_community": Permission.SEE_PEOPLE,
}
