"""What can go wrong, told by Moodle's errorcode: exception classes differ from version to version."""

from enum import StrEnum


class Reason(StrEnum):
    """A machine-readable reason."""

    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a reason, no secret
    NO_ACCESS = "no_access"
    NO_PERMISSION = "no_permission"
    NOT_FOUND = "not_found"
    INVALID_PARAMETER = "invalid_parameter"
    MAINTENANCE = "maintenance"
    WEB_SERVICES_OFF = "web_services_off"
    UNREACHABLE = "unreachable"
    SERVER_FAILED = "server_failed"
    NOT_MOODLE = "not_moodle"
    OTHER = "other"


BY_ERRORCODE = {
    "invalidtoken": Reason.INVALID_TOKEN,
    "accessexception": Reason.NO_ACCESS,
    "wsaccessusersuspended": Reason.NO_ACCESS,
    "requireloginerror": Reason.NO_PERMISSION,
    "errorcoursecontextnotvalid": Reason.NO_PERMISSION,
    "nopermissions": Reason.NO_PERMISSION,
    "nopermission": Reason.NO_PERMISSION,
    "invalidrecordunknown": Reason.NOT_FOUND,
    "invalidrecord": Reason.NOT_FOUND,
    "invalidparameter": Reason.INVALID_PARAMETER,
    "sitemaintenance": Reason.MAINTENANCE,
}
TRANSIENT = frozenset({Reason.MAINTENANCE, Reason.UNREACHABLE, Reason.SERVER_FAILED})


class MoodleError(Exception):
    """A call failed. Holds the function and the reason, never the token, a parameter's value or Moodle's text
    (which may quote a person's data)."""

    def __init__(self, function: str, reason: Reason, errorcode: str = "", retry_after: int | None = None) -> None:
        super().__init__(f"{function}: {reason}{f' ({errorcode})' if errorcode else ''}")
        self.function = function
        self.reason = reason
        self.errorcode = errorcode
        self.retry_after = retry_after
        """Seconds that Moodle asked to wait, where it did."""

    @property
    def permanent(self) -> bool:
        """Whether trying again can't help until somebody changes something."""
        return self.reason not in TRANSIENT
