"""Periods: school years, terms, anchored, rolling; leap days, years that turn, clocks that change."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.periods import ALWAYS, Calendar, Period, SchoolYear, Span, Term, before, months_later, span_at
from tests.unit.mappings.worlds import KOLKATA, LA, at, seconds, span

ZONES = [LA, KOLKATA, ZoneInfo("UTC"), ZoneInfo("America/Santiago"), ZoneInfo("Pacific/Apia")]


def terms(*pairs: tuple[str, str]) -> tuple[Term, ...]:
    return tuple(Term(term=f"t{n}", starts=start, ends=end) for n, (start, end) in enumerate(pairs))


def calendar(zone: ZoneInfo = LA, **more: Any) -> Calendar:
    return Calendar(zone, **more)


YEARS = Period(every="school_year")
TERMS = Period(every="term")
FALL = terms(("08-15", "12-20"), ("01-10", "06-10"))


@pytest.mark.parametrize(
    ("starts", "now", "start", "end"),
    [
        ("07-01", "2026-06-30T23:59:59", "2025-07-01", "2026-07-01"),
        ("07-01", "2026-07-01T00:00", "2026-07-01", "2027-07-01"),
        ("01-01", "2026-12-31T23:59:59", "2026-01-01", "2027-01-01"),
        ("02-29", "2024-02-28T12:00", "2023-02-28", "2024-02-29"),
        ("02-29", "2024-02-29T00:00", "2024-02-29", "2025-02-28"),
        ("02-29", "2025-02-28T00:00", "2025-02-28", "2026-02-28"),
        ("04-31", "2026-04-30T00:00", "2026-04-30", "2027-04-30"),
    ],
)
@pytest.mark.parametrize("zone", ZONES, ids=str)
def test_school_years(zone: ZoneInfo, starts: str, now: str, start: str, end: str) -> None:
    year = calendar(zone, school_year=SchoolYear(starts=starts))
    assert span_at(YEARS, year, at(now, zone)) == span(start, end, zone)


@pytest.mark.parametrize(
    ("now", "start", "end"),
    [
        ("2026-09-01T00:00", "2026-08-15", "2026-12-21"),
        ("2026-12-20T23:59:59", "2026-08-15", "2026-12-21"),
        # Between two terms the next one counts.
        ("2026-12-21T00:00", "2027-01-10", "2027-06-11"),
        ("2027-01-01T00:00", "2027-01-10", "2027-06-11"),
        ("2026-06-11T00:00", "2026-08-15", "2026-12-21"),
    ],
)
def test_terms(now: str, start: str, end: str) -> None:
    assert span_at(TERMS, calendar(terms=FALL), at(now, LA)) == span(start, end, LA)


@pytest.mark.parametrize("now", ["2026-10-01", "2026-12-31T23:59", "2027-01-01", "2027-02-15T23:59"])
def test_a_term_over_the_turn_of_the_year(now: str) -> None:
    over = calendar(terms=terms(("10-01", "02-15"), ("02-16", "09-30")))
    assert span_at(TERMS, over, at(now, LA)) == span("2026-10-01", "2027-02-16", LA)


def test_terms_with_leap_days_and_of_one_day() -> None:
    leap = calendar(terms=terms(("02-01", "02-29"), ("03-05", "03-05")))
    assert span_at(TERMS, leap, at("2024-02-29T12:00", LA)) == span("2024-02-01", "2024-03-01", LA)
    assert span_at(TERMS, leap, at("2025-02-28T12:00", LA)) == span("2025-02-01", "2025-03-01", LA)
    assert span_at(TERMS, leap, at("2025-03-05T12:00", LA)) == span("2025-03-05", "2025-03-06", LA)
    assert span_at(TERMS, leap, at("2025-03-06T00:00", LA)) == span("2026-02-01", "2026-03-01", LA)


@pytest.mark.parametrize(
    ("period", "anchor", "start", "end"),
    [
        ({"every": "term"}, date(2026, 9, 1), "2026-08-15", "2026-12-21"),
        ({"every": "term"}, date(2026, 7, 1), "2026-08-15", "2026-12-21"),
        ({"every": "school_year"}, date(2026, 6, 30), "2025-07-01", "2026-07-01"),
        ({"every": "years", "years": 2}, date(2024, 2, 29), "2024-02-29", "2026-02-28"),
        ({"every": "years", "years": 4}, date(2024, 2, 29), "2024-02-29", "2028-02-29"),
        ({"every": "years", "years": 1}, None, None, None),
        ({"every": "term"}, None, None, None),
    ],
)
def test_anchored_periods(period: dict[str, Any], anchor: date | None, start: str | None, end: str | None) -> None:
    here = calendar(terms=FALL, school_year=SchoolYear(starts="07-01"), anchor=anchor)
    wanted = Period(anchor="designation", **period)
    found = {span_at(wanted, here, at(now)) for now in ("1999-01-01", "2026-10-01", "2050-01-01")}
    assert found == {span(start, end, LA) if start else None}
    assert before(wanted, here, span("2026-08-15", "2026-12-21", LA)) is None


@pytest.mark.parametrize(
    ("days", "now", "start", "end"),
    [
        (1, "2026-03-08T12:00", "2026-03-08", "2026-03-09"),
        (2, "2026-03-09T00:00", "2026-03-08", "2026-03-10"),
        (30, "2026-03-08T23:59:59", "2026-02-07", "2026-03-09"),
        (365, "2024-12-31T00:00", "2024-01-02", "2025-01-01"),
    ],
)
def test_rolling(days: int, now: str, start: str, end: str) -> None:
    assert span_at(Period(every="rolling", days=days), calendar(), at(now, LA)) == span(start, end, LA)


def test_borders_are_local_midnights_over_a_change_of_clocks() -> None:
    found = span_at(Period(every="rolling", days=1), calendar(), at("2026-03-08T12:00", LA))
    assert found == Span(datetime(2026, 3, 8, 8, tzinfo=UTC), datetime(2026, 3, 9, 7, tzinfo=UTC))
    found = span_at(Period(every="rolling", days=1), calendar(KOLKATA), at("2026-03-08T12:00", KOLKATA))
    assert found == Span(datetime(2026, 3, 7, 18, 30, tzinfo=UTC), datetime(2026, 3, 8, 18, 30, tzinfo=UTC))


def test_periods_without_borders_or_without_a_calendar() -> None:
    now, own = at("2026-01-01"), span("2026-01-01", None)
    assert span_at(Period(), calendar(), now) == ALWAYS
    assert span_at(Period(every="community"), calendar(community=own), now) == own
    assert span_at(YEARS, calendar(), now) is None
    assert span_at(TERMS, calendar(), now) is None
    assert span_at(TERMS, calendar(terms="to_be_set"), now) is None
    for period in (Period(), Period(every="community"), Period(every="rolling", days=3)):
        assert before(period, calendar(), span("2026-01-01", "2027-01-01")) is None
    assert before(YEARS, calendar(school_year=SchoolYear(starts="07-01")), ALWAYS) is None


def test_the_term_before() -> None:
    here = calendar(terms=FALL)
    spring = span("2026-01-10", "2026-06-11", LA)
    fall = span("2025-08-15", "2025-12-21", LA)
    assert before(TERMS, here, spring) == fall
    assert before(TERMS, here, fall) == span("2025-01-10", "2025-06-11", LA)
    adjacent = calendar(terms=terms(("01-01", "06-30"), ("07-01", "12-31")))
    assert before(TERMS, adjacent, span("2026-01-01", "2026-07-01", LA)) == span("2025-07-01", "2026-01-01", LA)


@pytest.mark.parametrize(
    ("day", "months", "later"),
    [
        (date(2026, 1, 31), 1, date(2026, 2, 28)),
        (date(2024, 1, 31), 1, date(2024, 2, 29)),
        (date(2026, 12, 15), 1, date(2027, 1, 15)),
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2026, 5, 5), 24, date(2028, 5, 5)),
    ],
)
def test_months_later(day: date, months: int, later: date) -> None:
    assert months_later(day, months) == later


@pytest.mark.parametrize(
    ("start", "end", "moment", "holds"),
    [
        (None, None, "2026-01-01", True),
        ("2026-01-01", None, "2026-01-01", True),
        ("2026-01-01", None, "2025-12-31", False),
        (None, "2026-01-01", "2026-01-01", False),
        (None, "2026-01-01", "2025-12-31", True),
    ],
)
def test_a_span_holds_its_first_instant_and_not_its_end(
    start: str | None, end: str | None, moment: str, holds: bool
) -> None:
    assert span(start, end).holds(at(moment)) is holds


MOMENTS = st.integers(*seconds("1970-01-01", "2099-01-01")).map(partial(datetime.fromtimestamp, tz=UTC))
DAYS = st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(lambda day: f"{day:%m-%d}")


@given(MOMENTS, DAYS, st.sampled_from(ZONES))
def test_school_years_part_all_time(now: datetime, starts: str, zone: ZoneInfo) -> None:
    year = calendar(zone, school_year=SchoolYear(starts=starts))
    found = span_at(YEARS, year, now)
    assert found
    assert found.holds(now)
    assert found.start
    assert found.end
    assert timedelta(days=364) < found.end - found.start < timedelta(days=368)
    for inside in (found.start, found.end - timedelta(seconds=1)):
        assert span_at(YEARS, year, inside) == found
    following = span_at(YEARS, year, found.end)
    assert following
    assert following.start == found.end
    assert before(YEARS, year, following) == found


@given(MOMENTS, st.lists(DAYS, min_size=1, max_size=4, unique=True), st.sampled_from(ZONES))
def test_terms_that_meet_part_all_time(now: datetime, firsts: list[str], zone: ZoneInfo) -> None:
    """Each term ends on the day before the next one begins: as school years, but for leap days."""
    firsts = sorted("02-28" if day == "02-29" else day for day in firsts)
    if len(set(firsts)) < len(firsts):
        return
    days = [date(2023, int(day[:2]), int(day[3:])) for day in firsts]
    last = [f"{day - timedelta(days=1):%m-%d}" for day in [*days[1:], days[0]]]
    last = ["02-29" if day == "02-28" else day for day in last]
    here = calendar(zone, terms=terms(*zip(firsts, last, strict=True)))
    found = span_at(TERMS, here, now)
    assert found
    assert found.holds(now)
    assert found.end
    following = span_at(TERMS, here, found.end)
    assert following
    assert following.start == found.end
    assert before(TERMS, here, following) == found


@given(MOMENTS, st.integers(1, 400), st.sampled_from(ZONES))
def test_a_rolling_period_ends_with_the_day(now: datetime, days: int, zone: ZoneInfo) -> None:
    rolling = Period(every="rolling", days=days)
    found = span_at(rolling, calendar(zone), now)
    assert found
    assert found.start
    assert found.end
    assert found.holds(now)
    assert found.end - now <= timedelta(hours=25)
    assert span_at(rolling, calendar(zone), found.end - timedelta(microseconds=1)) == found
    assert span_at(rolling, calendar(zone), found.end) != found
    assert abs((found.end - found.start) - timedelta(days=days)) <= timedelta(days=1)
