"""What a meeting's attendance report says, whatever product wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from mappings.intervals import Interval
from records.csv_file import Problem


@dataclass(frozen=True, slots=True)
class ReportPerson:
    """One row of the report: somebody's one stay, or their total where the product has added the stays up."""

    line: int
    """In the file, from 1."""
    who: Mapping[str, str]
    """`name` and `email` as written, trimmed; a key is missing where the report doesn't say."""
    intervals: tuple[Interval, ...] = ()
    """Closed, in aware UTC. Empty where the report gives a total only, or where the row has a problem."""
    host: bool = False
    """Host, co-host or organiser, as the report states it; never concluded from the name."""
    minutes: int | None = None
    """The stated total in whole minutes, half a minute up, where there are no intervals that say the same.
    None: the intervals say it (`mappings.intervals.minutes_of`); without intervals: they were there, and the report
    doesn't say for how long (it is noted)."""


@dataclass(slots=True)
class Report:
    """A report as a whole. Rows of one person aren't joined: exact keys do that, and who is meant is decided later."""

    format: str
    """One of `FORMATS`: the value of the `mappings.attending.Way`."""
    meeting_title: str = ""
    started_at: datetime | None = None
    """As stated in the report; aware UTC."""
    ended_at: datetime | None = None
    people: list[ReportPerson] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    """What could not be read: the line's row earns nothing until it is right. Line 0: the file as a whole."""
    notes: list[Problem] = field(default_factory=list)
    """What was read on an assumption that staff should know: a missing leave time, an hour that came twice."""
    stated_zone: str | None = None
    """The time zone that the file itself names, which was used in place of the caller's; None: it names none."""
    asks: str | None = None
    """`order`: 03/04 may be April or March and nothing in the file decides; call again with `order`. `day`: the file
    has clock times without a date; call again with `starts_at`. Nobody has intervals or minutes then."""
