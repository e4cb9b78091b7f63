"""Answers of the companion plugin's functions. Readings are decoded and left as they are: whoever calls knows them."""

import json
from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, Field

from moodle_client.models import Answer, Flag, Text

ReadingRow = dict[str, Any]
"""What Moodle holds, as the plugin tells it: `kind`, `read_at` and more."""


def decoded(text: Any) -> Any:
    """JSON within the answer's JSON: Moodle's answers can't hold what differs from row to row."""
    if not isinstance(text, str):
        return text
    try:
        return json.loads(text)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err


class Readings(Answer):
    """Some of them. Where there are `more`, the next part begins after `last`."""

    readings: Annotated[list[ReadingRow], BeforeValidator(decoded)]
    last: int = 0
    more: Flag = False


class CompletionRow(NamedTuple):
    """A completion row as it is in Moodle's table."""

    module: int
    user: int
    state: int
    timemodified: int
    overrideby: int | None


class CompletionRows(Answer):
    """Rows of a course, ordered by activity and user, all read at `readat` or later."""

    readat: float
    """Unix seconds on Moodle's clock."""
    rows: Annotated[tuple[CompletionRow, ...], BeforeValidator(decoded)]
    more: Flag = False


class ModuleDigest(Answer):
    """Counts and sums over the completion rows of an activity: the same rows have the same ones."""

    module: int
    incomplete: int
    complete: int
    passed: int
    failed: int
    latest: int
    """The latest timemodified; 0: no rows."""
    highestid: int = 0
    users: int
    """The sum of the users' ids."""
    times: int
    """The sum of timemodified."""
    overridden: int
    """The sum of overrideby."""


class Digest(Answer):
    readat: float
    modules: tuple[ModuleDigest, ...]


class PluginStatus(Answer):
    """How the plugin is."""

    release: Text = ""
    version: Text = ""
    moodle: Text = ""
    """Moodle's release."""
    epoch: Text = ""
    wwwroot: Text = ""
    confirmed: Flag = True
    """False: the site has another address than when its epoch was made, and nothing is sent."""
    time: float
    """Moodle's clock."""
    lastcron: int = 0
    pending: int = 0
    """Events that wait to be sent."""
    oldestpending: int = 0
    dead: int = 0
    lastdelivery: int = 0
    lasterror: Text = ""
    outboxfailures: int = 0
    dropped: int = 0
    courses: int = 0
    """How many courses are handed over."""


class Ping(Answer):
    """What became of an event that was sent at once."""

    sent: Flag
    outcome: Text = ""
    httpstatus: int = 0


class RefusedStanding(Answer):
    courseid: int
    userid: int = 0
    reason: Text = ""


class StandingsKept(Answer):
    """How many were kept, in all parts of the call."""

    kept: int
    refused: tuple[RefusedStanding, ...] = Field(default=())
    held: int | None = None
    """How many the site holds in all by now."""


class Presence(Answer):
    """What became of one row: written, unchanged, changed_since, not_enrolled, not_tracked, not_there."""

    cmid: int
    userid: int
    outcome: str
