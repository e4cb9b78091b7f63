"""The one place that decides who may do what.

Every route has its decision in DECISIONS; one without stops the application from being made. A permission belongs to
roles; where it reaches is the scope of the grants that carry those roles.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

from records.actor import Role
from records.api_tokens import ApiScope


class Door(Enum):
    """Routes that ask for no permission."""

    OPEN = "open"
    """For everybody: sign-in itself, static files, the health check."""
    SENDER = "sender"
    """For Moodle sites: the route checks the sender's signature or token by itself, and reads no cookie."""
    SIGNED_IN = "signed_in"
    """For whoever is signed in, with whatever role."""
    TOKEN = "token"  # noqa: S105 - a kind of door
    """For whoever shows a token of the REST API, whatever its scopes; no cookie opens it."""


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

    SEE_DECISIONS = "see_decisions"
    """What was decided about whom, and why."""
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
    PROVISION = "provision"
    """Open a term's communities as Moodle courses, and close them."""
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
    Permission.SEE_DECISIONS: OFFICE | {Role.AUDITOR},
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
    Permission.PROVISION: frozenset({Role.IT}),
    Permission.SEE_AUDIT: MACHINE | {Role.AUDITOR},
}


@dataclass(frozen=True, slots=True)
class ByToken:
    """A route of the REST API: Door.TOKEN, for tokens of this scope whose user has this permission."""

    permission: Permission
    scope: ApiScope


DECISIONS: dict[str, Door | Permission | ByToken] = {
    "static": Door.OPEN,
    "bootstrap.static": Door.OPEN,
    "assets.htmx": Door.OPEN,
    "health.healthz": Door.OPEN,
    "sign_in.form": Door.OPEN,
    "sign_in.submit": Door.OPEN,
    "sign_in.setup_form": Door.OPEN,
    "sign_in.setup_submit": Door.OPEN,
    "sign_in.sign_out": Door.SIGNED_IN,
    "provider_sign_in.begin": Door.OPEN,
    "provider_sign_in.answer": Door.OPEN,
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
    "opt_out.show": Door.OPEN,
    # The link in a message is all that it takes; a mail program posts to it, too.
    "opt_out.stop": Door.SENDER,
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
    "hours_chart.show": Permission.SEE_PEOPLE,
    "moodle.live": Permission.SEE_PEOPLE,
    "moodle.ask": Permission.ASK_MOODLE,
    "plugin.show": Permission.CONNECT_SITES,
    "plugin.download": Permission.CONNECT_SITES,
    "people.show": Permission.SEE_PEOPLE,
    "person.show": Permission.SEE_PEOPLE,
    "person.live": Permission.SEE_PEOPLE,
    "person_file.show": Permission.EXPORT_PEOPLE,
    "person_file.download": Permission.EXPORT_PEOPLE,
    "erasing.show": Permission.ERASE_PEOPLE,
    "erasing.carry_out": Permission.ERASE_PEOPLE,
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
    "to_decide.show": Permission.DECIDE_ATTENDANCE,
    "acts.show": Permission.ADJUST_HOURS,
    "acts.adjust": Permission.ADJUST_HOURS,
    "acts.report": Permission.ADJUST_HOURS,
    "acts.waive": Permission.ADJUST_HOURS,
    "acts.explain": Permission.ADJUST_HOURS,
    "acts.transfer": Permission.ADJUST_HOURS,
    "acts.undo": Permission.ADJUST_HOURS,
    "acts.subject": Permission.ADJUST_HOURS,
    "acts.waive_subject": Permission.ADJUST_HOURS,
    "acts.explain_subject": Permission.ADJUST_HOURS,
    "acts.undo_subject": Permission.ADJUST_HOURS,
    "bulk_acts.show": Permission.ADJUST_HOURS,
    "bulk_acts.choose": Permission.ADJUST_HOURS,
    "bulk_acts.preview": Permission.ADJUST_HOURS,
    "bulk_acts.carry_out": Permission.ADJUST_HOURS,
    "bulk_acts.done": Permission.ADJUST_HOURS,
    "bulk_acts.undo": Permission.ADJUST_HOURS,
    "approvals.show": Permission.APPROVE_HOURS,
    "approvals.preview": Permission.APPROVE_HOURS,
    "approvals.approve": Permission.APPROVE_HOURS,
    "approvals.refuse": Permission.APPROVE_HOURS,
    "approvals.undo": Permission.APPROVE_HOURS,
    "decisions.listed": Permission.SEE_DECISIONS,
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
    "account.show": Door.SIGNED_IN,
    "account.save": Door.SIGNED_IN,
    "account.password": Door.SIGNED_IN,
    "account.end_others": Door.SIGNED_IN,
    "account.speak": Door.OPEN,
    "resets.form": Door.OPEN,
    "resets.ask": Door.OPEN,
    "users.listed": Permission.MANAGE_USERS,
    "users.new": Permission.MANAGE_USERS,
    "users.invite": Permission.MANAGE_USERS,
    "users.show": Permission.MANAGE_USERS,
    "users.give": Permission.MANAGE_USERS,
    "users.withdraw": Permission.MANAGE_USERS,
    "users.switch_off": Permission.MANAGE_USERS,
    "users.switch_on": Permission.MANAGE_USERS,
    "users.link": Permission.MANAGE_USERS,
    "facilitators.show": Permission.INVITE_FACILITATORS,
    "facilitators.invite": Permission.INVITE_FACILITATORS,
    "facilitators.withdraw": Permission.INVITE_FACILITATORS,
    "work.show": Door.SIGNED_IN,
    "work.live": Door.SIGNED_IN,
    "periods.listed": Permission.CLOSE_PERIODS,
    "periods.show": Permission.CLOSE_PERIODS,
    "periods.checks": Permission.CLOSE_PERIODS,
    "periods.close": Permission.CLOSE_PERIODS,
    "late.show": Permission.APPROVE_HOURS,
    "late.admit": Permission.APPROVE_HOURS,
    "late.admit_all": Permission.APPROVE_HOURS,
    "mapping.show": Permission.DECIDE_MAPPING,
    "mapping.change": Permission.DECIDE_MAPPING,
    "mapping.decide": Permission.DECIDE_MAPPING,
    "adoptions.listed": Permission.DECIDE_MAPPING,
    "adoptions.show": Permission.DECIDE_MAPPING,
    "adoptions.look": Permission.DECIDE_MAPPING,
    "adoptions.decide": Permission.DECIDE_MAPPING,
    "attendance_files.of_session": Permission.SEE_PEOPLE,
    "attendance_files.of_community": Permission.SEE_PEOPLE,
    "exports.communities": Permission.SEE_BOARD,
    "exports.people": Permission.SEE_PEOPLE,
    "exports.roster": Permission.SEE_PEOPLE,
    "exports.sessions": Permission.SEE_PEOPLE,
    "exports.decisions": Permission.SEE_DECISIONS,
    "exports.accounts": Permission.MANAGE_USERS,
    "exports.audit": Permission.SEE_AUDIT,
    "exports.events": Permission.SEE_OPERATIONS,
    "exports.messages": Permission.SEND_NUDGES,
    "exports.milestones": Permission.SEE_PEOPLE,
    "exports.recipients": Permission.SEND_NUDGES,
    "exports.snapshot": Permission.CLOSE_PERIODS,
    "exports.credited": Permission.CLOSE_PERIODS,
    "reports.show": Permission.SEE_BOARD,
    "nudges.listed": Permission.SEND_NUDGES,
    "nudges.compose": Permission.SEND_NUDGES,
    "nudges.preview": Permission.SEND_NUDGES,
    "nudges.send": Permission.SEND_NUDGES,
    "nudges.show": Permission.SEND_NUDGES,
    "nudges.live": Permission.SEND_NUDGES,
    "nudges.call_off": Permission.SEND_NUDGES,
    "nudges.again": Permission.SEND_NUDGES,
    "nudges.of_person": Permission.SEND_NUDGES,
    "nudges.say": Permission.SEND_NUDGES,
    "milestones.show": Permission.SEE_PEOPLE,
    "milestones.subject": Permission.SEE_PEOPLE,
    "milestones.record": Permission.RECORD_MILESTONES,
    "milestones.withdraw": Permission.RECORD_MILESTONES,
    "milestones.restore": Permission.RECORD_MILESTONES,
    "design.show": Door.SIGNED_IN,
    "operations.show": Permission.SEE_OPERATIONS,
    "operations.live": Permission.SEE_OPERATIONS,
    "operations.events": Permission.SEE_OPERATIONS,
    "operations.event": Permission.SEE_OPERATIONS,
    "operations.again": Permission.OPERATE,
    "provisioning.listed": Permission.PROVISION,
    "provisioning.show": Permission.PROVISION,
    "provisioning.version": Permission.PROVISION,
    "provisioning.people": Permission.PROVISION,
    "provision_edit.new": Permission.PROVISION,
    "provision_edit.edit": Permission.PROVISION,
    "provision_edit.look": Permission.PROVISION,
    "provision_edit.change": Permission.PROVISION,
    "provision_edit.save": Permission.PROVISION,
    "provision_edit.clone_form": Permission.PROVISION,
    "provision_edit.clone": Permission.PROVISION,
    "provision_wizard.form": Permission.PROVISION,
    "provision_wizard.write": Permission.PROVISION,
    "provision_work.plan": Permission.PROVISION,
    "provision_work.apply": Permission.PROVISION,
    "provision_work.close_form": Permission.PROVISION,
    "provision_work.close": Permission.PROVISION,
    "provision_work.show": Permission.PROVISION,
    "provision_work.live": Permission.PROVISION,
    "audit_trail.show": Permission.SEE_AUDIT,
    "tokens.listed": Door.SIGNED_IN,
    "tokens.make": Door.SIGNED_IN,
    "tokens.revoke": Door.SIGNED_IN,
    "api.document": Door.OPEN,
    "api.token": Door.TOKEN,
    "api.communities": ByToken(Permission.SEE_BOARD, ApiScope.READ),
    "api.community": ByToken(Permission.SEE_BOARD, ApiScope.READ),
    "api.standings": ByToken(Permission.SEE_BOARD, ApiScope.READ),
    "api.community_standing": ByToken(Permission.SEE_BOARD, ApiScope.READ),
    "api.memberships": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.membership": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.membership_standing": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.explanation": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.find_people": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.person": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.sessions": ByToken(Permission.SEE_PEOPLE, ApiScope.READ),
    "api.session": ByToken(Permission.SEE_PEOPLE, ApiScope.READ),
    "api.plan_session": ByToken(Permission.RECORD_ATTENDANCE, ApiScope.ATTENDANCE_WRITE),
    "api.move_session": ByToken(Permission.RECORD_ATTENDANCE, ApiScope.ATTENDANCE_WRITE),
    "api.cancel_session": ByToken(Permission.RECORD_ATTENDANCE, ApiScope.ATTENDANCE_WRITE),
    "api.attendance": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.record_attendance": ByToken(Permission.RECORD_ATTENDANCE, ApiScope.ATTENDANCE_WRITE),
    "api.adjustments": ByToken(Permission.SEE_PEOPLE, ApiScope.PEOPLE_READ),
    "api.adjust": ByToken(Permission.ADJUST_HOURS, ApiScope.ADJUSTMENTS_WRITE),
    "api.undo_adjustment": ByToken(Permission.ADJUST_HOURS, ApiScope.ADJUSTMENTS_WRITE),
    "api.sites": ByToken(Permission.SEE_OPERATIONS, ApiScope.OPERATIONS_READ),
    "api.site": ByToken(Permission.SEE_OPERATIONS, ApiScope.OPERATIONS_READ),
    "api.events": ByToken(Permission.SEE_OPERATIONS, ApiScope.OPERATIONS_READ),
    "api.event": ByToken(Permission.SEE_OPERATIONS, ApiScope.OPERATIONS_READ),
    "api.jobs": ByToken(Permission.SEE_OPERATIONS, ApiScope.OPERATIONS_READ),
    "api.job": ByToken(Permission.SEE_OPERATIONS, ApiScope.OPERATIONS_READ),
    "api.periodic_jobs": ByToken(Permission.SEE_OPERATIONS, ApiScope.OPERATIONS_READ),
}
