"""What checks find: codes with a severity and parameters. The words for them are the command line's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self


class Severity(StrEnum):
    OK = "ok"
    NOTE = "note"
    """Good to know; nothing is lost that is in use."""
    WARNING = "warning"
    """Something is lost, late or riskier than it has to be."""
    ERROR = "error"
    """Hours are wrong or don't come at all until somebody mends it."""

    @property
    def rank(self) -> int:
        return list(Severity).index(self)


class Code(StrEnum):
    """A finding. Its severity belongs to it: docs/doctor.md explains each."""

    severity: Severity

    def __new__(cls, name: str, severity: Severity = Severity.NOTE) -> Self:
        member = str.__new__(cls, name)
        member._value_ = name
        member.severity = severity
        return member

    TOKEN_ABSENT = ("token_absent", Severity.ERROR)
    WIRE_SECRET_ABSENT = ("wire_secret_absent", Severity.WARNING)
    SECRETS_UNREADABLE = ("secrets_unreadable", Severity.ERROR)

    TLS_ABSENT = ("tls_absent", Severity.WARNING)
    CERTIFICATE_UNTRUSTED = ("certificate_untrusted", Severity.ERROR)
    CERTIFICATE_EXPIRES = ("certificate_expires", Severity.NOTE)

    UNREACHABLE = ("unreachable", Severity.ERROR)
    REDIRECTED = ("redirected", Severity.ERROR)
    NOT_MOODLE = ("not_moodle", Severity.ERROR)
    WEB_SERVICES_OFF = ("web_services_off", Severity.ERROR)
    MAINTENANCE = ("maintenance", Severity.ERROR)
    SERVER_FAILED = ("server_failed", Severity.ERROR)
    TOKEN_INVALID = ("token_invalid", Severity.ERROR)
    TOKEN_REFUSED = ("token_refused", Severity.ERROR)
    CALL_FAILED = ("call_failed", Severity.ERROR)

    OTHER_ADDRESS = ("other_address", Severity.ERROR)
    VERSION_UNTRIED = ("version_untried", Severity.NOTE)
    TOKEN_OF_ADMIN = ("token_of_admin", Severity.WARNING)
    FUNCTION_MISSING = ("function_missing", Severity.ERROR)
    FUNCTIONS_BEYOND = ("functions_beyond", Severity.NOTE)
    PLUGIN_FUNCTIONS_MISSING = ("plugin_functions_missing", Severity.ERROR)
    PLUGIN_FUNCTIONS_FEWER = ("plugin_functions_fewer", Severity.WARNING)
    CLOCK_OFF = ("clock_off", Severity.WARNING)
    CLOCK_FAR_OFF = ("clock_far_off", Severity.ERROR)

    NO_COURSE = ("no_course", Severity.WARNING)
    COURSE_GONE = ("course_gone", Severity.WARNING)
    COURSES_NOT_CHOSEN = ("courses_not_chosen", Severity.WARNING)
    NOTHING_CHOSEN = ("nothing_chosen", Severity.WARNING)
    CAPABILITY_MISSING = ("capability_missing", Severity.ERROR)
    CAPABILITY_ONE_OF = ("capability_one_of", Severity.ERROR)
    CAPABILITY_WANTED = ("capability_wanted", Severity.WARNING)
    CAPABILITY_BEYOND = ("capability_beyond", Severity.NOTE)
    PEOPLE_UNCOUNTED = ("people_uncounted", Severity.NOTE)

    ATTENDANCE_UNREADABLE = ("attendance_unreadable", Severity.WARNING)
    ATTENDANCE_REFUSED = ("attendance_refused", Severity.WARNING)
    MESSAGES_UNSENDABLE = ("messages_unsendable", Severity.WARNING)
    MESSAGES_REFUSED = ("messages_refused", Severity.WARNING)

    COMPLETION_OFF = ("completion_off", Severity.ERROR)
    COMPLETION_OFF_IN_COURSE = ("completion_off_in_course", Severity.WARNING)
    CRON_UNKNOWN = ("cron_unknown", Severity.NOTE)
    CRON_NEVER = ("cron_never", Severity.ERROR)
    CRON_LATE = ("cron_late", Severity.ERROR)
    PLUGIN_ABSENT = ("plugin_absent", Severity.NOTE)
    PLUGIN_FAILED = ("plugin_failed", Severity.WARNING)
    PLUGIN_OLDER = ("plugin_older", Severity.NOTE)
    PLUGIN_NEWER = ("plugin_newer", Severity.NOTE)
    PLUGIN_UNCONFIRMED = ("plugin_unconfirmed", Severity.ERROR)
    PLUGIN_OTHER_EPOCH = ("plugin_other_epoch", Severity.ERROR)
    PLUGIN_REFUSED = ("plugin_refused", Severity.WARNING)
    PLUGIN_SILENT = ("plugin_silent", Severity.WARNING)
    PLUGIN_WAITING = ("plugin_waiting", Severity.WARNING)
    PLUGIN_GAVE_UP = ("plugin_gave_up", Severity.WARNING)
    PLUGIN_DROPPED = ("plugin_dropped", Severity.WARNING)
    PLUGIN_UNWRITTEN = ("plugin_unwritten", Severity.WARNING)

    EVENTS_NEVER = ("events_never", Severity.WARNING)
    EVENTS_SILENT = ("events_silent", Severity.WARNING)
    COPY_REFUSED = ("copy_refused", Severity.WARNING)
    PING_FAILED = ("ping_failed", Severity.ERROR)
    ROUND_TRIP_FAILED = ("round_trip_failed", Severity.ERROR)
    INBOX_DEAD = ("inbox_dead", Severity.WARNING)
    INBOX_QUARANTINED = ("inbox_quarantined", Severity.WARNING)
    INBOX_WAITING = ("inbox_waiting", Severity.NOTE)
    INBOX_BEHIND = ("inbox_behind", Severity.WARNING)
    SWEEP_NEVER = ("sweep_never", Severity.WARNING)
    SWEEP_LATE = ("sweep_late", Severity.WARNING)
    SWEEP_FAILED = ("sweep_failed", Severity.WARNING)

    COMMUNITIES_NONE = ("communities_none", Severity.WARNING)
    COURSE_IDNUMBERS_MISSING = ("course_idnumbers_missing", Severity.NOTE)
    COURSE_IDNUMBERS_DOUBLED = ("course_idnumbers_doubled", Severity.WARNING)
    MODULE_IDNUMBERS_MISSING = ("module_idnumbers_missing", Severity.NOTE)
    MODULE_IDNUMBERS_DOUBLED = ("module_idnumbers_doubled", Severity.WARNING)
    ACTIVITIES_UNRULED = ("activities_unruled", Severity.NOTE)
    ACTIVITIES_UNTRACKED = ("activities_untracked", Severity.WARNING)
    RULES_UNMATCHED = ("rules_unmatched", Severity.NOTE)

    PROVIDER_NAMES_ANYBODY = ("provider_names_anybody", Severity.WARNING)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to tell. `params` hold names, ids and numbers: nobody's data, no token."""

    code: Code
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def severity(self) -> Severity:
        return self.code.severity


@dataclass(frozen=True, slots=True)
class Result:
    """What a check came to. `because`: the check whose error stands in the way, so that nothing was looked at.
    `told`: what was seen, for who asks what "ok" means."""

    check: str
    findings: tuple[Finding, ...] = ()
    told: Mapping[str, Any] = field(default_factory=dict)
    because: str = ""

    @property
    def severity(self) -> Severity:
        return max((finding.severity for finding in self.findings), key=lambda s: s.rank, default=Severity.OK)


@dataclass(frozen=True, slots=True)
class Report:
    """All checks of a site, in order."""

    site: str
    results: tuple[Result, ...]

    @property
    def severity(self) -> Severity:
        return max((result.severity for result in self.results), key=lambda s: s.rank, default=Severity.OK)

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(finding for result in self.results for finding in result.findings)
