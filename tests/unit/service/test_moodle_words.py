"""Words about readings of Moodle: every kind of drift, every way to fail, and what to do about it."""

from datetime import UTC, datetime

import pytest

from jobs.sweep.way import Suspicious
from moodle_client import Function, MoodleError, Reason
from records.drift import Drift
from records.queries.drift import Failure
from service import moodle_words

COMMUNITY = "0197f000-0000-7000-8000-000000000001"


def failure(error: str, course: str = "COP-BAY", site: str = "main") -> moodle_words.Told:
    return moodle_words.failure(Failure(error, site, course, datetime(2026, 1, 1, tzinfo=UTC)), COMMUNITY)


@pytest.mark.parametrize("kind", Drift)
def test_every_kind_of_drift_has_words(kind: Drift) -> None:
    title, sentence = moodle_words.kind(kind)
    assert title
    assert title[0].isupper()
    assert sentence.endswith(".")
    hint, command = moodle_words.hint(kind, "main")
    assert hint.endswith(":" if command else ".")


def test_lost_events_are_looked_for_with_the_doctor() -> None:
    assert moodle_words.hint(Drift.MISSED_COMPLETION, "main")[1] == "copbridge doctor main"
    assert moodle_words.hint(Drift.RESET, "main")[1] == ""


@pytest.mark.parametrize("reason", Reason)
@pytest.mark.parametrize("code", ["", "dmlreadexception"])
def test_every_way_to_fail_has_words(reason: Reason, code: str) -> None:
    told = failure(str(MoodleError(Function.COURSES, reason, code)))
    assert told.what.rstrip(")").endswith((".", "other"))
    assert bool(told.to_do) is bool(told.command)
    assert "{" not in told.command


def test_a_token_that_is_gone_is_replaced() -> None:
    told = failure(str(MoodleError(Function.COURSES, Reason.INVALID_TOKEN, "invalidtoken")))
    assert told.command == "copbridge site secret add main --purpose web_services --from-stdin"


@pytest.mark.parametrize(
    ("course", "named"), [("COP-BAY", "COP-BAY"), ("", COMMUNITY), ("COP BAY; rm", "'COP BAY; rm'")]
)
def test_many_people_gone_is_explained(course: str, named: str) -> None:
    told = failure(str(Suspicious(12, 20)), course)
    assert told.what.startswith("12 of the 20 participants can't be seen")
    assert told.command == f"copbridge sweep --community {named} --gone"


def test_what_nobody_foresaw_is_told_all_the_same() -> None:
    assert failure("something else").command == "copbridge doctor main"
