"""Intervals in which somebody was there: what several sightings amount to together."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

MINUTE = 60


@dataclass(frozen=True, slots=True)
class Interval:
    """From when until when, in aware time. `until` None: nobody has seen the end yet."""

    since: datetime
    until: datetime | None

    def as_json(self) -> list[str | None]:
        """As the records keep it: ISO 8601 in UTC."""
        until = self.until.astimezone(UTC).isoformat() if self.until else None
        return [self.since.astimezone(UTC).isoformat(), until]

    @classmethod
    def from_json(cls, pair: list[str | None]) -> "Interval":
        """What `as_json` gave."""
        since, until = pair
        if since is None:
            raise ValueError("an interval needs a beginning")
        return cls(datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None)


def union(intervals: Iterable[Interval]) -> list[Interval]:
    """The moments that lie in any of the closed intervals, as intervals that don't touch, the earliest first.

    The order of the arguments doesn't matter, nor how often each comes. One that ends before it begins is empty.
    """
    # In UTC first: two times of one zone are compared by what clocks show, also where an hour comes twice.
    closed = [(i.since.astimezone(UTC), i.until.astimezone(UTC)) for i in intervals if i.until]
    joined: list[tuple[datetime, datetime]] = []
    for since, until in sorted(pair for pair in closed if pair[0] < pair[1]):
        if joined and since <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(until, joined[-1][1])
        else:
            joined.append((since, until))
    return [Interval(since, until) for since, until in joined]


def since(begins: datetime, intervals: Iterable[Interval]) -> list[Interval]:
    """What of the closed intervals lies after a moment, joined."""
    return union(Interval(max(i.since, begins), i.until) for i in union(intervals))


def minutes_of(intervals: Iterable[Interval]) -> int:
    """The whole minutes that intervals cover together, half a minute up."""
    seconds = sum((i.until - i.since).total_seconds() for i in union(intervals) if i.until)
    return int(seconds + MINUTE / 2) // MINUTE
