"""What the checks share: the records, the client, and what Moodle has told so far."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.doctor.books import Books
from jobs.doctor.findings import Code, Finding
from jobs.doctor.needs import Use, uses_of
from moodle_client import Course, MoodleClient, MoodleError, Reason, SiteInfo
from records.settings import Settings

BY_REASON = {
    Reason.UNREACHABLE: Code.UNREACHABLE,
    Reason.UNTRUSTED: Code.CERTIFICATE_UNTRUSTED,
    Reason.REDIRECTED: Code.REDIRECTED,
    Reason.NOT_MOODLE: Code.NOT_MOODLE,
    Reason.WEB_SERVICES_OFF: Code.WEB_SERVICES_OFF,
    Reason.MAINTENANCE: Code.MAINTENANCE,
    Reason.SERVER_FAILED: Code.SERVER_FAILED,
    Reason.BUSY: Code.SERVER_FAILED,
    Reason.INVALID_TOKEN: Code.TOKEN_INVALID,
    Reason.NO_ACCESS: Code.TOKEN_REFUSED,
}
"""What the failure of the very first call means."""
REFUSED = frozenset({Reason.NO_PERMISSION, Reason.NO_ACCESS, Reason.NOT_FOUND})


@dataclass(slots=True)
class Look:
    """One look at a site. Checks fill in what later ones need."""

    books: Books
    settings: Settings
    moodle: MoodleClient
    now: Callable[[], datetime]
    received: Callable[[], datetime | None]
    """When the site last sent anything, asked anew."""
    wanted: tuple[int, ...] = ()
    """The courses to look at; empty: some of the communities."""
    most: int = 5
    """So many communities are looked at where none is named; 0: all."""
    info: SiteInfo | None = None
    features: dict[str, int] = field(default_factory=dict)
    skew: float = 0.0
    """Moodle's clock less ours, in seconds; the answer's Date has whole seconds."""
    courses: dict[int, Course] = field(default_factory=dict)
    chosen: tuple[int, ...] = ()
    told: dict[str, list[str]] = field(default_factory=dict)
    """Of capabilities: which are shown to be granted, and of which nothing could show it."""

    @property
    def uses(self) -> frozenset[Use]:
        """What the loaded programs need beyond what every site has to grant."""
        return uses_of(self.books.programs)

    @property
    def site(self) -> SiteInfo:
        """What the site says of itself. Raises RuntimeError before it was asked."""
        if self.info is None:
            raise RuntimeError("the check has to come after the one that asks for the site's information")
        return self.info

    def has(self, function: str) -> bool:
        """Whether the token's service holds a function."""
        return self.info is not None and self.info.has(function)


def told(err: MoodleError) -> Finding:
    """A failed call as a finding; nothing of Moodle's text is in it."""
    params: dict[str, Any] = {"function": err.function, "reason": str(err.reason), "errorcode": err.errorcode}
    return Finding(Code.CALL_FAILED, params)
