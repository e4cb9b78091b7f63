"""Periods: what a requirement is counted within. Borders are local midnights, daylight saving included."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from mappings.base import Code, Hours, Model, Text, ToBeSet

MonthDay = Annotated[str, Field(pattern=r"^(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])$")]
"""A day of each year, such as 07-01."""


class SchoolYear(Model):
    """When a school year, or a program's year, begins; it lasts until the next one begins."""

    starts: MonthDay
    """Its first day."""


class Term(Model):
    """A part of each year, such as a semester."""

    term: Code
    """Its code."""
    title: Text | None = None
    """Its name, in words."""
    starts: MonthDay
    """The first day."""
    ends: MonthDay
    """The last day, included."""


class CarryOver(Model):
    """What a period hands on to the next one: what was earned above its maximum."""

    max_hours: Hours
    """No more than this."""


class Period(Model):
    """Within what something is counted."""

    every: Literal["all_time", "community", "school_year", "term", "years", "rolling"] = "all_time"
    """`all_time`, each `school_year` or `term` by itself, `community`: from its first to its last day, `years`: so many
    from the anchor's day, or `rolling`: the last days."""
    years: Annotated[int | None, Field(ge=1, le=50)] = None
    """With `every: years`: how many."""
    days: Annotated[int | None, Field(ge=1, le=20_000)] = None
    """With `every: rolling`: how many."""
    anchor: Literal["designation"] | None = None
    """The day of the organisation that it is about: that very term, school year or number of years, and no other."""
    carry_over: CarryOver | None = None
    """What is handed on from the period before. Left out: nothing."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.years is None) != (self.every != "years"):
            raise ValueError("'years' belongs to 'every: years', and only there")
        if (self.days is None) != (self.every != "rolling"):
            raise ValueError("'days' belongs to 'every: rolling', and only there")
        if self.every == "years" and not self.anchor:
            raise ValueError("'every: years' needs an anchor to count from")
        if self.anchor and self.every in ("all_time", "community", "rolling"):
            raise ValueError(f"'every: {self.every}' has no anchor")
        if self.carry_over and (self.anchor or self.every not in ("school_year", "term")):
            raise ValueError("only a school year or a term that repeats hands hours on")
        return self


@dataclass(frozen=True, slots=True)
class Span:
    """From `start` (included) to `end` (excluded), aware UTC; None: without a border on that side."""

    start: datetime | None = None
    end: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)


ALWAYS = Span()


@dataclass(frozen=True, slots=True)
class Calendar:
    """What a period's borders are computed from."""

    zone: ZoneInfo
    school_year: SchoolYear | None = None
    terms: tuple[Term, ...] | ToBeSet = ()
    community: Span = ALWAYS
    """The community's own dates."""
    anchor: date | None = None
    """The organisation's designation."""

    def midnight(self, day: date) -> datetime:
        """The instant at which a local day begins."""
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def day(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()


def span_at(period: Period, calendar: Calendar, now: datetime) -> Span | None:
    """The period that `now` lies in, or the anchored one. None: the calendar doesn't say what it needs to.

    Between two terms the next one counts.
    """
    if period.every == "all_time":
        return ALWAYS
    if period.every == "community":
        return calendar.community
    if period.every == "rolling":
        first = calendar.day(now) - timedelta(days=(period.days or 1) - 1)
        return Span(calendar.midnight(first), calendar.midnight(calendar.day(now) + timedelta(days=1)))
    if period.anchor and calendar.anchor is None:
        return None
    day = calendar.anchor if period.anchor and calendar.anchor else calendar.day(now)
    days = _days(period, calendar, day)
    return Span(calendar.midnight(days[0]), calendar.midnight(days[1])) if days else None


def before(period: Period, calendar: Calendar, span: Span) -> Span | None:
    """The period before one that repeats."""
    if period.anchor or period.every not in ("school_year", "term") or span.start is None:
        return None
    last = calendar.day(span.start) - timedelta(days=1)
    found = _term_before(calendar, last) if period.every == "term" else _days(period, calendar, last)
    return Span(calendar.midnight(found[0]), calendar.midnight(found[1])) if found else None


def _days(period: Period, calendar: Calendar, day: date) -> tuple[date, date] | None:
    """(First day, first day after) of the period that a day lies in."""
    if period.every == "years":
        return day, months_later(day, 12 * (period.years or 1))
    if period.every == "school_year":
        if calendar.school_year is None:
            return None
        start = _of_year(calendar.school_year.starts, day.year)
        start = start if start <= day else _of_year(calendar.school_year.starts, day.year - 1)
        return start, _of_year(calendar.school_year.starts, start.year + 1)
    return next((term for term in _terms(calendar, day.year) if day < term[1]), None)


def _terms(calendar: Calendar, year: int) -> list[tuple[date, date]]:
    """Terms around a year as (first day, first day after), the earliest first."""
    if calendar.terms == "to_be_set":
        return []
    found = []
    for number in (year - 1, year, year + 1):
        for term in calendar.terms:
            start, end = _of_year(term.starts, number), _of_year(term.ends, number)
            # One that ends before it starts goes over the turn of the year.
            end = end if end >= start else _of_year(term.ends, number + 1)
            found.append((start, end + timedelta(days=1)))
    return sorted(found)


def _term_before(calendar: Calendar, last: date) -> tuple[date, date] | None:
    return next((term for term in reversed(_terms(calendar, last.year)) if term[1] <= last + timedelta(days=1)), None)


def _of_year(month_day: str, year: int) -> date:
    month, day = (int(part) for part in month_day.split("-"))
    while True:
        # The 29th of February of another year, or a 31st that the month doesn't have: the last day there is.
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1


def months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last one of a shorter month."""
    years, month = divmod(day.month - 1 + months, 12)
    return _of_year(f"{month + 1:02}-{day.day:02}", day.year + years)
