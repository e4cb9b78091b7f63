"""What the checks share: the records, the client, and what Moodle has told so far."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from jobs.doctor.books import Books
from jobs.doctor.findings import Code, Finding
from jobs.doctor.needs import FUNCTIONS, PLUGIN_FUNCTIONS, PLUGIN_READING, Use, uses_of
from moodle_client import Course, MoodleClient, MoodleError, PluginStatus, Reason, SiteInfo
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
    pings: Callable[[], int]
    """How many of the plugin's pings have come, asked anew."""
    wanted: tuple[int, ...] = ()
    """The courses to look at; empty: some of the communities."""
    most: int = 5
    """So many communities are looked at where none is named; 0: all."""
    shipped: int = 0
    """The version of the plugin that comes with this release; 0: none came."""
    address: str = ""
    """Where the plugin has to send events."""
    info: SiteInfo | None = None
    status: PluginStatus | MoodleError | None = None
    """What the plugin told of itself, or why not; None: it wasn't asked."""
    features: dict[str, int] = field(default_factory=dict)
    skew: float = 0.0
    """Moodle's clock less ours, in seconds: by the answer's Date, which has whole seconds, or by the plugin."""
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

    @property
    def has_plugin(self) -> bool:
        """Whether the token's service holds any of the plugin's functions."""
        return any(map(self.has, PLUGIN_FUNCTIONS))

    @property
    def by_plugin(self) -> bool:
        """Whether sweeps go by the plugin's functions, or lack less for that than for going by Moodle's own."""
        return self.has_plugin and self._lacks(PLUGIN_READING) <= self._lacks(FUNCTIONS)

    def _lacks(self, functions: Iterable[str]) -> int:
        return sum(not self.has(function) for function in functions)


def refused(err: MoodleError, capability: str) -> Finding:
    """A failed call as a finding, where want of this capability may be what made it fail."""
    if err.reason is not Reason.NO_PERMISSION:
        return told(err)
    params = {"capability": capability, "shown": "refused", "function": err.function, "course": 0, "what": ""}
    return Finding(Code.CAPABILITY_MISSING, params)


def told(err: MoodleError) -> Finding:
    """A failed call as a finding; nothing of Moodle's text is in it."""
    params: dict[str, Any] = {"function": err.function, "reason": str(err.reason), "errorcode": err.errorcode}
    return Finding(Code.CALL_FAILED, params)
