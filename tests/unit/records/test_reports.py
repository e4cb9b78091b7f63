"""Times, durations and orders of day and month as meeting products write them, and reports with odd values."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mappings.intervals import minutes_of
from records.csv_file import UnreadableFile
from records.reports import detect, read
from records.reports.clock import order_of, seconds_of, written

PACIFIC = ZoneInfo("America/Los_Angeles")
ZOOM = "Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes)\n"
MEET = "Name,Email,Duration,Time joined,Time exited\n"


@pytest.mark.parametrize(
    ("text", "understood"),
    [
        ("11/19/2021 09:54:15 AM", (9, 54, 15, "?")),
        ("7/22/26, 7:02:11\u202fPM", (19, 2, 11, "?")),
        ("12:30 AM", (0, 30, 0, None)),
        ("12:30 p.\u00a0m.", (12, 30, 0, None)),
        ("18.04.2022, 14:05", (14, 5, 0, "2022-04-18")),
        ("2024-01-15T10:02:34.123Z", (10, 2, 34, "2024-01-15")),
        ("2022/3/1 19:00", (19, 0, 0, "2022-03-01")),
        ("Sep 26, 2026, 10:07:00 AM", (10, 7, 0, "2026-09-26")),
        ("26 September 2026 10:07", (10, 7, 0, "2026-09-26")),
        ("9:00:12", (9, 0, 12, None)),
        ("\uff11\uff18:\uff10\uff10", (18, 0, 0, None)),
    ],
)
def test_times_that_are_understood(text: str, understood: tuple[int, int, int, str | None]) -> None:
    when = written(text)

    assert when
    day = None if when.numbers is None else str(when.day("dmy")) if when.order else "?"
    assert (when.clock.hour, when.clock.minute, when.clock.second, day) == understood


@pytest.mark.parametrize(
    "text",
    ["", "soon", "25:00", "13:00 PM", "0:30 AM", "10:60", "13/25/2026 10:00", "31.02.2026 10:00", "2026-03-14",
     "3/4/1899 10:00", "6:00 PM PDT", "10:00 +99:00", "1" * 4000 + ":00", "Brumaire 3, 2026 10:00", "3/4 10:00"],
)  # fmt: skip
def test_times_that_are_not(text: str) -> None:
    when = written(text)

    assert when is None or (text.endswith("+99:00") and when.zone is None)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("62", 3720), ("62,5", 3750), ("1:02:03", 3723), ("1h 2m 3s", 3723), ("45m", 2700), ("1 hr 2 min", 3720),
     ("59 Min. 3 Sek.", 3543), ("1 Std. 5 Min.", 3900), ("2 hours", 7200), ("1 hora 2 minutos", 3720), ("0s", 0),
     ("1:02", None), ("", None), ("a while", None), ("-5", None), ("5 apples", None), ("9" * 300, None)],
)  # fmt: skip
def test_durations(text: str, seconds: int | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize(
    ("texts", "order"),
    [
        (["03/04/2026 10:00"], None),
        (["04/04/2026 10:00"], "dmy"),
        (["03/04/2026 10:00", "13/04/2026 10:00"], "dmy"),
        (["03/04/2026 10:00", "04/13/2026 10:00"], "mdy"),
        (["13/04/2026 10:00", "04/13/2026 10:00"], None),
        (["03/31/2026 23:00", "04/01/2026 00:30"], "mdy"),
        (["03/04/2026 23:00", "04/04/2026 00:30"], "dmy"),
        (["04/03/2026 23:00", "04/04/2026 00:30"], "mdy"),
        (["2026-03-04 10:00", "03/04/2026 10:00"], "mdy"),
        (["10:00"], "dmy"),
        ([], "dmy"),
    ],
)
def test_the_file_as_a_whole_decides_which_comes_first(texts: list[str], order: str | None) -> None:
    assert order_of([[when] for text in texts if (when := written(text))]) == order


def test_a_stated_order_never_beats_the_file() -> None:
    data = (ZOOM + "Ada,,03/14/2026 10:00,03/14/2026 11:00,60\n").encode()

    report = read(data, zone=PACIFIC, order="dmy")

    assert (report.asks, report.problems) == (None, [])
    assert report.people[0].intervals[0].since == datetime(2026, 3, 14, 17, tzinfo=UTC)


def test_who_has_no_time_of_leaving_stays_as_long_as_is_known() -> None:
    rows = "Ada,,2026-03-14 10:00,,20\nBen,,2026-03-14 10:15,,\nCleo,,2026-03-14 12:15,,\n"
    ends_at = datetime(2026, 3, 14, 12, tzinfo=PACIFIC)

    report = read((ZOOM + rows).encode(), zone=PACIFIC, ends_at=ends_at)

    assert [(p.who["name"], minutes_of(p.intervals)) for p in report.people] == [("Ada", 20), ("Ben", 105)]
    assert [note.line for note in report.notes] == [2, 3]
    assert [(p.line, p.column) for p in report.problems] == [(4, "left")]


def test_clock_times_without_a_day_ask_for_it_where_nothing_else_says_how_long() -> None:
    data = (MEET + "Ada,,,10:00,10:30\n").encode()

    report = read(data, zone=PACIFIC)

    assert report.asks == "day"
    assert [(p.intervals, p.minutes) for p in report.people] == [((), None)]
    given_day = read(data, zone=PACIFIC, starts_at=datetime(2026, 3, 14, 9, 55, tzinfo=PACIFIC))
    assert [minutes_of(p.intervals) for p in given_day.people] == [30]


def test_a_zone_that_is_not_known_is_noted_and_an_offset_is_used() -> None:
    preamble = "Topic,Meeting ID,Time zone\nTalk,1,Pacific Time (US and Canada)\n\n"
    data = (preamble + ZOOM + "Ada,,2026-03-14T10:00:00-05:00,2026-03-14T11:00:00-05:00,60\n").encode()

    report = read(data, zone=PACIFIC)

    assert report.stated_zone == "UTC-05:00"
    assert report.people[0].intervals[0].since == datetime(2026, 3, 14, 15, tzinfo=UTC)
    assert [note.line for note in report.notes] == [2]


def test_a_report_of_several_meetings_is_refused() -> None:
    header = "Topic,Meeting ID,Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes)\n"
    row = "Talk,{},Ada,,03/14/2026 10:00,03/14/2026 11:00,60\n"
    with pytest.raises(UnreadableFile, match="2 meetings: export the participants of each"):
        read((header + row.format(1) + row.format(2)).encode(), zone=PACIFIC)


def test_a_table_of_ones_own_is_no_report() -> None:
    data = b"site,community,session,person,minutes\nmain,A,1,2,60\n"

    assert detect(data) is None
    with pytest.raises(UnreadableFile, match="not those of a report"):
        read(data, zone=PACIFIC)
    with pytest.raises(UnreadableFile, match="not those of a report"):
        read((MEET + "Ada,,58 min,18:02,19:00\n").encode(), format="teams", zone=PACIFIC)


def test_odd_names_are_kept_and_unprintable_ones_refused() -> None:
    rows = '"O\'Brien, =1+1 (she/her)",,,,5\n"two\nlines",,,,5\n'
    report = read((ZOOM + rows).encode(), zone=PACIFIC)

    assert [p.who for p in report.people] == [{"name": "O'Brien, =1+1 (she/her)"}]
    assert [(p.line, p.column) for p in report.problems] == [(3, "name")]


@settings(max_examples=200)
@given(st.lists(st.lists(st.text("0123456789:/-. APMhms,TZ+", max_size=24), min_size=3, max_size=3), max_size=4))
@example([["31/12/2100 23:59", "1/1/2101 0:00", "9999999999"]])
@example([["1/1/2000 0:00 +14:59", "31/12/2000 23:59 -14:59", "0"]])
def test_no_value_breaks_the_reading_and_no_stay_is_negative(rows: list[list[str]]) -> None:
    lines = "".join(f'Ada,a@x.example,"{joined}","{left}","{lasted}"\n' for joined, left, lasted in rows)

    for header in (ZOOM, MEET.replace("Duration,Time joined,Time exited", "Time joined,Time exited,Duration")):
        report = read((header + lines).encode(), zone=PACIFIC, starts_at=datetime(2026, 3, 14, tzinfo=PACIFIC))
        for person in report.people:
            assert person.minutes is None or person.minutes >= 0
            assert all(i.until and i.since <= i.until for i in person.intervals)
            assert sum((i.until - i.since for i in person.intervals if i.until), timedelta()) >= timedelta()
