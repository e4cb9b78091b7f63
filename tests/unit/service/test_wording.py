"""Amounts, bands and times as people read them."""

from datetime import UTC, datetime

import pytest

from service import wording


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0 h"), (45, "45 min"), (60, "1 h"), (690, "11 h 30 min"), (-30, "−30 min"), (-90, "−1 h 30 min")],
)
def test_hours(minutes: int, text: str) -> None:
    assert wording.hours(minutes) == text


@pytest.mark.parametrize(
    ("low", "high", "text"), [(960, 1200, "16–20 h"), (960, 960, "16 h"), (990, 1200, "16 h 30 min to 20 h")]
)
def test_band(low: int, high: int, text: str) -> None:
    assert wording.band(low, high) == text


@pytest.mark.parametrize(
    ("when", "text"),
    [
        (datetime(2026, 1, 12, 8, 5, tzinfo=UTC), "Jan 12, 2026, 12:05 AM PST"),
        (datetime(2026, 1, 12, 20, 0, tzinfo=UTC), "Jan 12, 2026, 12:00 PM PST"),
        # The night in which the clocks went forward: the day is the community's, not the server's.
        (datetime(2026, 3, 9, 5, 30, tzinfo=UTC), "Mar 8, 2026, 10:30 PM PDT"),
    ],
)
def test_moment(when: datetime, text: str) -> None:
    assert wording.moment(when, "America/Los_Angeles") == text


def test_a_code_that_only_a_program_file_knows_reads_as_it_is() -> None:
    assert wording.component("classroom_visits") == "classroom visits"


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 418, 500, 502, 503])
def test_every_error_has_a_title_and_a_text(status: int) -> None:
    title, text = wording.error(status)
    assert title
    assert text.endswith(".")
