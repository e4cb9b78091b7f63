"""Who takes part as what, and until when: pure rules over the mirror's rows."""

from datetime import UTC, datetime, timedelta

import pytest

from mappings.loading import parse_program
from records.memberships import Participation, role_in, status_at
from tests.support.house import LAB

NOW = datetime(2026, 11, 21, tzinfo=UTC)
BEFORE, AFTER, LATER = NOW - timedelta(1), NOW + timedelta(1), NOW + timedelta(2)
PROGRAM = parse_program(LAB)
Row = tuple[bool, int, datetime | None, datetime | None]


@pytest.mark.parametrize(
    ("rows", "read", "status", "until"),
    [
        ([], False, "active", None),
        ([], True, "left", None),
        ([(False, 0, None, None)], False, "left", None),
        ([(True, 0, None, None)], False, "active", None),
        ([(True, 1, None, None)], False, "suspended", None),
        ([(True, 1, None, AFTER)], False, "suspended", None),
        ([(True, 0, None, AFTER)], False, "active", AFTER),
        ([(True, 0, None, NOW)], False, "suspended", None),
        ([(True, 0, NOW, None)], False, "active", None),
        ([(True, 0, AFTER, LATER)], False, "suspended", AFTER),
        ([(True, 0, BEFORE, LATER), (True, 0, AFTER, None)], False, "active", AFTER),
        ([(False, 0, None, AFTER), (True, 1, None, None)], False, "suspended", None),
        ([(True, 1, None, None), (True, 0, None, None)], False, "active", None),
    ],
)
def test_status_and_the_next_instant_that_changes_it(
    rows: list[Row], read: bool, status: str, until: datetime | None
) -> None:
    assert status_at(Participation(enrolments=rows, read=read), NOW) == (status, until)


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ([], "unknown"),
        ([(True, None)], "unknown"),
        ([(True, "student")], "participant"),
        ([(True, "teacher")], "facilitator"),
        ([(True, "teacher"), (True, "student")], "participant"),
        ([(True, "teacher"), (True, None)], "facilitator"),
        ([(True, "manager")], "other"),
        ([(True, "manager"), (True, None)], "unknown"),
        ([(False, "student")], "participant"),
        ([(False, "student"), (True, "teacher")], "facilitator"),
        ([(False, "teacher"), (False, "student")], "participant"),
    ],
)
def test_role(roles: list[tuple[bool, str | None]], expected: str) -> None:
    """Who left keeps the role that he or she had; whoever is there has what Moodle says now."""
    assert role_in(PROGRAM, Participation(roles=roles)) == expected
