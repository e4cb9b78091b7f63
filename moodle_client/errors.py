"""What can go wrong, told by Moodle's errorcode: exception classes differ from version to version."""

import re
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Reason(StrEnum):
    """A machine-readable reason."""

    INVALID_TOKEN = "invalid_token"  # noqa: S105 - a reason, no secret
    INVALID_LOGIN = "invalid_login"
    """login/token.php: wrong name or password."""
    NO_ACCESS = "no_access"
    """The token may not call this function. An expired token says so once; Moodle then deletes it (INVALID_TOKEN)."""
    NO_PERMISSION = "no_permission"
    """The token's user lacks a capability there, or isn't let into the course."""
    NOT_FOUND = "not_found"
    """No such course, activity, user, or no such function."""
    INVALID_PARAMETER = "invalid_parameter"
    CONFLICT = "conflict"
    """It exists already, or is done already."""
    PARTLY_FAILED = "partly_failed"
    """A write answered with warnings: see PartialFailure."""
    MAINTENANCE = "maintenance"
    WEB_SERVICES_OFF = "web_services_off"
    """Web services or the REST protocol are switched off."""
    UNREACHABLE = "unreachable"
    UNTRUSTED = "untrusted"
    """The site's certificate can't be verified."""
    BUSY = "busy"
    """HTTP 429: somebody in front of Moodle limits the rate."""
    SERVER_FAILED = "server_failed"
    BROKEN = "broken"
    """Moodle's own code failed over this call (a PHP error, an answer that it can't build): repeating won't help."""
    REDIRECTED = "redirected"
    """The site's address is another one: a redirect isn't followed, for it would carry the token elsewhere."""
    TOO_LARGE = "too_large"
    """The answer is longer than `max_bytes`."""
    NOT_MOODLE = "not_moodle"
    """What answered isn't Moodle's REST server, or not as any known Moodle answers."""
    OTHER = "other"


BY_ERRORCODE = {
    "invalidtoken": Reason.INVALID_TOKEN,
    "invalidtimedtoken": Reason.INVALID_TOKEN,
    "invalidlogin": Reason.INVALID_LOGIN,
    "wrongusernamepassword": Reason.INVALID_LOGIN,
    "accessexception": Reason.NO_ACCESS,
    "invalidiptoken": Reason.NO_ACCESS,
    "wsaccessusersuspended": Reason.NO_ACCESS,
    "wsaccessuserdeleted": Reason.NO_ACCESS,
    "wsaccessuserunconfirmed": Reason.NO_ACCESS,
    "wsaccessuserexpired": Reason.NO_ACCESS,
    "wsaccessusernologin": Reason.NO_ACCESS,
    "usernotconfirmed": Reason.NO_ACCESS,
    "usernotallowed": Reason.NO_ACCESS,
    "passwordisexpired": Reason.NO_ACCESS,
    "servicenotavailable": Reason.NO_ACCESS,
    "servicerequireslogin": Reason.NO_ACCESS,
    "missingrequiredcapability": Reason.NO_ACCESS,
    "sitepolicynotagreed": Reason.NO_ACCESS,
    "enablewsdescription": Reason.WEB_SERVICES_OFF,
    "requireloginerror": Reason.NO_PERMISSION,
    "errorcoursecontextnotvalid": Reason.NO_PERMISSION,
    "errorcatcontextnotvalid": Reason.NO_PERMISSION,
    "nopermissions": Reason.NO_PERMISSION,
    "nopermission": Reason.NO_PERMISSION,
    "cannotviewprofile": Reason.NO_PERMISSION,
    "wsusercannotassign": Reason.NO_PERMISSION,
    "errorreportview": Reason.NO_PERMISSION,
    # The companion plugin's: the course isn't among those that are handed over.
    "notchosen": Reason.NO_PERMISSION,
    "invalidrecordunknown": Reason.NOT_FOUND,
    "invalidrecord": Reason.NOT_FOUND,
    "invalidcourseid": Reason.NOT_FOUND,
    "invaliduser": Reason.NOT_FOUND,
    "unknowcategory": Reason.NOT_FOUND,
    "usernotenroled": Reason.NOT_FOUND,
    "invalidparameter": Reason.INVALID_PARAMETER,
    "errorinvalidparam": Reason.INVALID_PARAMETER,
    "invalidfieldparameter": Reason.INVALID_PARAMETER,
    "keyalreadyset": Reason.INVALID_PARAMETER,
    "shortnametaken": Reason.CONFLICT,
    "courseidnumbertaken": Reason.CONFLICT,
    "categoryidnumbertaken": Reason.CONFLICT,
    "provision_busy": Reason.BUSY,
    "provision_nocourse": Reason.NOT_FOUND,
    "provision_enrolmentdiffers": Reason.CONFLICT,
    "useralreadymarkedcomplete": Reason.CONFLICT,
    "sitemaintenance": Reason.MAINTENANCE,
    "dmlreadexception": Reason.SERVER_FAILED,
    "dmlwriteexception": Reason.SERVER_FAILED,
    "dbconnectionfailed": Reason.SERVER_FAILED,
    "codingerror": Reason.BROKEN,
    "invalidresponse": Reason.BROKEN,
    "err_system": Reason.BROKEN,
}
TRANSIENT = frozenset({Reason.MAINTENANCE, Reason.UNREACHABLE, Reason.SERVER_FAILED, Reason.BUSY})
OVERLOAD = TRANSIENT
"""These may say that the site has too much to do: the pace slackens."""
UNANSWERED = frozenset({Reason.UNREACHABLE, Reason.SERVER_FAILED, Reason.NOT_MOODLE, Reason.TOO_LARGE})

FREE_TEXT = "free text"
"""In the place of an errorcode that is none: some of Moodle's code puts whole sentences there."""


def safe_code(code: object) -> str:
    """An errorcode of Moodle's, if it looks like one; sentences might quote a person's data."""
    text = str(code or "")
    return text if not text or re.fullmatch(r"[\w\\/.:-]{1,100}", text, re.ASCII) else FREE_TEXT


class Warned(BaseModel):
    """An entry of an answer's `warnings`. Its message may quote personal data, so the repr leaves it out."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    warningcode: str = ""
    item: str | None = None
    """What it is about: "course", "user", or the name of a parameter."""
    itemid: str | None = None
    """The id of what it is about, as text: Moodle sends integers and strings."""
    message: str = Field(default="", repr=False)


class MoodleError(Exception):
    """A call failed. Holds the function and the reason, never the token, a parameter's value or Moodle's text
    (which may quote a person's data)."""

    parameters: tuple[str, ...] = ()
    """Names of the parameters that were sent, or of those that are wrong where that is known; never their values."""
    rows_done: int = 0
    """A long list is sent in parts: so many of its rows had been answered for when this part failed."""
    done: tuple[Any, ...] = ()
    """The answers to those earlier parts, as decoded. What they wrote stays written."""

    def __init__(self, function: str, reason: Reason, errorcode: str = "", retry_after: int | None = None) -> None:
        super().__init__(f"{function}: {reason}{f' ({errorcode})' if errorcode else ''}")
        self.function = str(function)
        self.reason = reason
        self.errorcode = errorcode
        self.retry_after = retry_after
        """Seconds that Moodle asked to wait, where it did."""

    @property
    def permanent(self) -> bool:
        """Whether trying again can't help until somebody changes something."""
        return self.reason not in TRANSIENT

    @property
    def outcome_unknown(self) -> bool:
        """Of a write: whether it may have happened all the same. Read the state before you send it again."""
        return self.reason in UNANSWERED

    def about(self, parameters: Iterable[str]) -> "MoodleError":
        """The same error with the names of parameters."""
        self.parameters = tuple(parameters)
        return self


class PartialFailure(MoodleError):
    """A write answered HTTP 200 with warnings: some of it, or all of it, wasn't done."""

    def __init__(self, function: str, warnings: tuple[Warned, ...], data: Any) -> None:
        codes = sorted({safe_code(warning.warningcode) for warning in warnings})
        ids = sorted({warning.itemid for warning in warnings if warning.itemid})[:10]
        about = f" for {', '.join(map(safe_code, ids))}" if ids else ""
        super().__init__(function, Reason.PARTLY_FAILED, f"{', '.join(codes)}{about}")
        self.warnings = warnings
        """Which items failed and by which warning codes."""
        self.data = data
        """The answer as decoded, with what was done."""
