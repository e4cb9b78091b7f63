"""What was known, and what was true, on a past day or at a past moment."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from records.counted import AsOf

When = date | datetime
"""A day means its end, on the clock of whoever is looked at; so does a moment without a time zone mean that clock."""
MOMENT = timedelta(microseconds=1)


class LiesAhead(ValueError):
    """Nobody can look back on a day or moment that has yet to come."""


@dataclass(frozen=True, slots=True)
class LookBack:
    """As known on, as true on; neither: now."""

    known_on: When | None = None
    true_on: When | None = None

    def __bool__(self) -> bool:
        return self.known_on is not None or self.true_on is not None

    def as_of(self, timezone: str, now: datetime) -> AsOf:
        """The same as moments. Raises LiesAhead."""
        return AsOf(
            *(_moment(when, ZoneInfo(timezone), now) if when else None for when in (self.known_on, self.true_on))
        )


PRESENT = LookBack()


def seen_at(as_of: AsOf, now: datetime) -> datetime:
    """The moment whose status is told."""
    return min(moment for moment in (as_of.known_on, as_of.true_on, now) if moment)


def _moment(when: When, zone: ZoneInfo, now: datetime) -> datetime:
    if isinstance(when, datetime):
        moment = when if when.tzinfo else when.replace(tzinfo=zone)
        if moment > now:
            raise LiesAhead(when.isoformat())
        return moment
    if when > now.astimezone(zone).date():
        raise LiesAhead(when.isoformat())
    # Today isn't over yet.
    return min(now, datetime.combine(when + timedelta(days=1), time(), zone) - MOMENT)
