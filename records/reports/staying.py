"""From what a report has written to when somebody was there."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from mappings.intervals import MINUTE, Interval
from records.csv_file import Problem, Wrong, optional_text
from records.reports.clock import LONGEST_TEXT, Written, moments, order_of, seconds_of, written
from records.reports.columns import Entry, Found
from records.reports.report import Report, ReportPerson

TOLERANCE = 2 * MINUTE
"""Seconds by which a stated duration may differ from the clock: products round minutes, up or down."""
DAY = timedelta(days=1)


@dataclass(slots=True)
class _Stay:
    """An entry with its times understood."""

    entry: Entry
    joined: Written | None = None
    left: Written | None = None
    seconds: int | None = None

    @property
    def times(self) -> list[Written]:
        return [w for w in (self.joined, self.left) if w]


@dataclass(slots=True)
class Reading:
    """The reading of one report, whatever product wrote it."""

    found: Found
    zone: ZoneInfo
    order: str | None
    """As the caller states it."""
    starts_at: datetime | None
    ends_at: datetime | None
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def report(self, name: str) -> Report:
        """All that the report says."""
        stays = [stay for entry in self.found.entries if (stay := self._understood(entry))]
        started, ended = written(self.found.started), written(self.found.ended)
        times = [stay.times for stay in stays] + [[w for w in (started, ended) if w]]
        report = Report(name, self.found.title, stated_zone=self._stated_zone(times))
        order = order_of(times) or self.order
        report.asks = self._asks(stays, order)
        if order:
            report.started_at, report.ended_at = self._moment(started, order), self._moment(ended, order)
        for stay in stays:
            if report.asks:
                report.people.append(ReportPerson(stay.entry.line, stay.entry.who, host=stay.entry.host))
            elif person := self._person(stay, order or "", report):
                report.people.append(person)
        report.problems = sorted([*self.found.problems, *self.problems], key=lambda p: p.line)
        report.notes = sorted([*self.found.notes, *self.notes], key=lambda p: p.line)
        return report

    def _understood(self, entry: Entry) -> _Stay | None:
        """None, and a problem, where the row can't be used."""
        wrong: list[Problem] = []
        for key, text in entry.who.items():
            try:
                optional_text(text)
            except Wrong as err:
                wrong.append(Problem(entry.line, key, str(err)))
        if not entry.who:
            wrong.append(Problem(entry.line, "name", "is empty, and so is the e-mail address"))
        stay = _Stay(entry, written(entry.joined), written(entry.left), seconds_of(entry.lasted))
        missing = (("joined", entry.joined, stay.joined), ("left", entry.left, stay.left))
        for column, text, understood in (*missing, ("duration", entry.lasted, stay.seconds)):
            if text and understood is None:
                wrong.append(Problem(entry.line, column, f"'{text[:LONGEST_TEXT]}' is not understood"))
        self.problems += wrong
        return None if wrong else stay

    def _stated_zone(self, times: Sequence[Sequence[Written]]) -> str | None:
        if self.found.zone:
            return self.found.zone[0]
        zone = next((w.zone for row in times for w in row if w.zone), None)
        return str(zone) if zone else None

    def _asks(self, stays: Sequence[_Stay], order: str | None) -> str | None:
        """What the caller has to say before anything can be counted."""
        if order is None:
            message = "03/04 may be 3 April or 4 March, and nothing in the report decides: say which comes first"
            self.problems.append(Problem(0, "order", message))
            return "order"
        dateless = [stay for stay in stays if stay.joined and not stay.joined.numbers]
        if dateless and self.starts_at is None and any(stay.seconds is None for stay in dateless):
            self.problems.append(
                Problem(0, "day", "the report gives clock times without a date: say when the session was")
            )
            return "day"
        if dateless and self.starts_at is not None:
            day = self.starts_at.astimezone(self._zone_of(dateless[0].joined))
            message = (
                f"gives clock times without a date, which were taken as those around {day:%Y-%m-%d}, the session's day"
            )
            self.notes.append(Problem(0, "day", message))
        return None

    def _zone_of(self, when: Written | None) -> tzinfo:
        return (when and when.zone) or (self.found.zone[1] if self.found.zone else self.zone)

    def _moment(self, when: Written | None, order: str) -> datetime | None:
        return next(iter(self._moments(when, order)), None) if when else None

    def _moments(self, when: Written, order: str, after: datetime | None = None) -> list[datetime]:
        """The instants that a time may mean; of one without a date the nearest to the session's start, or of a leaving
        the next after the joining."""
        zone = self._zone_of(when)
        if day := when.day(order):
            return moments(datetime.combine(day, when.clock), zone)
        near = after or self.starts_at
        if when.numbers or near is None:
            return []
        local = near.astimezone(zone)
        days = (0, 1) if after else (-1, 0, 1)
        around = [m for n in days for m in moments(datetime.combine(local.date() + n * DAY, when.clock), zone)]
        if after:
            return [m for m in around if m >= after][:1]
        return sorted(around, key=lambda m: abs(m - near))[:1]

    def _person(self, stay: _Stay, order: str, report: Report) -> ReportPerson | None:
        entry = stay.entry
        undated = stay.joined and not stay.joined.numbers and self.starts_at is None
        if stay.joined is None or undated:
            return self._by_duration(stay)
        since = self._moments(stay.joined, order)
        if stay.left:
            until = self._moments(stay.left, order, None if stay.left.numbers else next(iter(since), None))
        else:
            until = self._still_there(stay, since[:1], report)
        interval = self._interval(stay, since, until)
        if interval is None or interval.until is None:
            return None
        clock = (interval.until - interval.since).total_seconds()
        if stay.seconds is not None and stay.left and abs(clock - stay.seconds) > TOLERANCE:
            if entry.summed and stay.seconds < clock:
                return ReportPerson(entry.line, entry.who, host=entry.host, minutes=_minutes(stay.seconds))
            self._note(
                entry, f"states {_minutes(stay.seconds)} minutes, and its times are {_minutes(clock)} apart: they stand"
            )
        return ReportPerson(entry.line, entry.who, (interval,), entry.host)

    def _by_duration(self, stay: _Stay) -> ReportPerson:
        if stay.seconds is None:
            self._note(stay.entry, "doesn't say for how long")
        minutes = None if stay.seconds is None else _minutes(stay.seconds)
        return ReportPerson(stay.entry.line, stay.entry.who, host=stay.entry.host, minutes=minutes)

    def _still_there(self, stay: _Stay, since: Sequence[datetime], report: Report) -> list[datetime]:
        """The end of a stay whose end isn't written: after its duration, else with the meeting, else the session."""
        for begun in since:
            if stay.seconds is not None:
                self._note(stay.entry, "has no time of leaving: its duration was added to its joining")
                return [begun + timedelta(seconds=stay.seconds)]
            for end, whose in ((report.ended_at, "the meeting's"), (self.ends_at, "the session's")):
                if end and end > begun:
                    self._note(stay.entry, f"has no time of leaving: taken as there until {whose} end")
                    return [end.astimezone(UTC)]
        return []

    def _interval(self, stay: _Stay, since: Sequence[datetime], until: Sequence[datetime]) -> Interval | None:
        """The pair of instants that fits: by the stated duration where an hour comes twice, else the earlier."""
        line, zone = stay.entry.line, self._zone_of(stay.joined)
        if not since or (stay.left and not until):
            column, text = ("left", stay.entry.left) if since else ("joined", stay.entry.joined)
            message = (
                f"'{text}' is no time that clocks in {zone} show: is that the zone, and the order of day and month?"
            )
            self.problems.append(Problem(line, column, message))
            return None
        if not until:
            self.problems.append(Problem(line, "left", "is empty, and nothing says when the meeting ended"))
            return None
        pairs = [(a, b) for a in since for b in until if b >= a]
        if not pairs:
            self.problems.append(Problem(line, "left", "is before the joining"))
            return None
        aim = stay.seconds
        chosen = min(pairs, key=lambda p: (abs((p[1] - p[0]).total_seconds() - aim) if aim is not None else 0, p))
        if len(pairs) > 1:
            self._note(
                stay.entry,
                f"is in the hour that came twice in {zone}: taken as {chosen[0]:%H:%M} to {chosen[1]:%H:%M} UTC",
            )
        return Interval(*chosen)

    def _note(self, entry: Entry, message: str) -> None:
        self.notes.append(Problem(entry.line, "", message))


def _minutes(seconds: float) -> int:
    return int(seconds + MINUTE / 2) // MINUTE
