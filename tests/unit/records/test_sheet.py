"""The codes of the sign-in sheet, and the lines that are typed from a filled one."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from records.sheet import ALPHABET, Names, NoSuchTime, Spec, Wrong, as_code, code_of, moments, read_lines

MEETING = UUID(int=1)
ZONE = "America/Los_Angeles"
WORDS = st.text(st.characters(blacklist_categories=("Cc", "Cs", "Z")), min_size=1, max_size=8)


def spec(text: str, *statuses: str) -> tuple[str, Spec]:
    (line,) = read_lines(text, statuses)
    return line.who, line.spec


@given(st.uuids(), st.uuids())
def test_a_code_is_read_as_it_is_written_and_as_it_is_mistaken(meeting: UUID, account: UUID) -> None:
    code = code_of(meeting, account)
    assert code == code_of(meeting, account)
    assert len(code) == 4
    assert set(code) <= set(ALPHABET)
    assert as_code(f" {code.lower()} ") == code
    for shown, typed in (("1", "l"), ("1", "I"), ("0", "o")):
        assert as_code(code.replace(shown, typed)) == code


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("K7M2", ("K7M2", Spec())),
        ("  K7M2 45 ", ("K7M2", Spec(minutes=45))),
        ("K7M2, 0", ("K7M2", Spec(minutes=0))),
        ("K7M2 -15", ("K7M2", Spec(early=15))),
        ("K7M2 \u221215", ("K7M2", Spec(early=15))),
        ("K7M2\t14:05-15:40", ("K7M2", Spec(clocks=(14, 5, 15, 40)))),
        ("Nguyễn Thị Hương 9.30 \u2013 10.15", ("Nguyễn Thị Hương", Spec(clocks=(9, 30, 10, 15)))),
        ("45", ("45", Spec())),
        ("Ana L", ("Ana L", Spec())),
        ("K7M2 99999", ("K7M2 99999", Spec())),
        ("14:05-15:40", ("14:05-15:40", Spec())),
    ],
)
def test_what_a_line_says(text: str, expected: tuple[str, Spec]) -> None:
    assert spec(text) == expected


def test_a_status_is_one_where_the_program_weighs_them() -> None:
    assert spec("Ana l", "P", "L") == ("Ana", Spec(status="L"))


@given(st.lists(st.lists(WORDS, max_size=4).map(" ".join), max_size=6).map("\n".join))
def test_any_text_is_read(text: str) -> None:
    lines = read_lines(text, ("P", "L"))
    assert len(lines) == sum(bool(raw.strip()) for raw in text.splitlines())
    for line in lines:
        assert line.who or not line.text.strip(" ,;")
        Names(MEETING, {UUID(int=2): "Ana Abara"}).find(line.who)
        if line.spec.clocks:
            try:
                since, until = moments(line.spec.clocks, datetime(2026, 11, 21, 20, tzinfo=UTC), ZONE)
            except NoSuchTime:
                continue
            assert timedelta() < until - since <= timedelta(hours=12)


def test_whom_a_line_means() -> None:
    people = {
        UUID(int=n): name for n, name in enumerate(("Ana Abara", "Ana Abara-Brandt", "Łukasz Dąbrowski", "Bo Li"))
    }
    names = Names(MEETING, people)
    for typed, expected in (
        ("ana abara", 0),
        ("brandt", 1),
        ("LUKASZ DABROWSKI", 2),
        (code_of(MEETING, UUID(int=3)).lower(), 3),
        ("ana", Wrong.SEVERAL),
        ("zoe", Wrong.NOBODY),
        ("", Wrong.NOBODY),
    ):
        found = names.find(typed)
        assert (found.account_id.int if found.account_id else found.wrong) == expected, typed


def test_a_name_that_is_also_the_code_of_another_is_nobodys() -> None:
    other = next(UUID(int=n) for n in range(10**7) if code_of(MEETING, UUID(int=n)).startswith("ANN"))
    code = code_of(MEETING, other)
    found = Names(MEETING, {other: "Bo Li", UUID(int=10**9): code.title()}).find(code)
    assert (found.account_id, found.wrong) == (None, Wrong.SEVERAL)


@pytest.mark.parametrize(
    ("clocks", "starts_at", "expected"),
    [
        # Over midnight, and on the day after the one on which the session began.
        ((23, 30, 1, 0), "2026-11-21T23:00", ("2026-11-22T07:30", "2026-11-22T09:00")),
        ((0, 10, 1, 0), "2026-11-21T23:30", ("2026-11-22T08:10", "2026-11-22T09:00")),
        # The night in which the clocks go back has an hour more.
        ((0, 30, 3, 0), "2026-11-01T00:00", ("2026-11-01T07:30", "2026-11-01T11:00")),
    ],
)
def test_times_of_day(clocks: tuple[int, int, int, int], starts_at: str, expected: tuple[str, str]) -> None:
    from zoneinfo import ZoneInfo

    begins = datetime.fromisoformat(starts_at).replace(tzinfo=ZoneInfo(ZONE))
    assert moments(clocks, begins, ZONE) == tuple(datetime.fromisoformat(one).replace(tzinfo=UTC) for one in expected)


def test_times_that_there_are_not() -> None:
    spring = datetime(2026, 3, 8, 9, tzinfo=UTC)
    with pytest.raises(NoSuchTime):
        moments((24, 0, 25, 0), spring, ZONE)
    # 2:30 is left out that night; on the days around it there is one, far from the session.
    with pytest.raises(NoSuchTime):
        moments((2, 30, 4, 0), spring, ZONE)


@pytest.mark.parametrize(
    ("clocks", "length", "wrong", "instead"),
    [
        ((13, 10, 14, 30), 90, None, ""),
        ((11, 30, 13, 20), 90, None, ""),
        ((16, 10, 15, 50), 90, Wrong.ENDS_BEFORE, ""),
        ((4, 10, 3, 50), 90, Wrong.ENDS_BEFORE, ""),
        ((1, 30, 2, 45), 90, Wrong.HALF_DAY, "13:30-14:45"),
        ((12, 45, 2, 15), None, Wrong.HALF_DAY, "12:45-14:15"),
        ((8, 0, 10, 30), 90, Wrong.OTHER_TIME, ""),
        ((18, 40, 19, 0), 90, Wrong.OTHER_TIME, ""),
        ((18, 40, 19, 0), None, None, ""),
        ((0, 30, 13, 30), 90, Wrong.HALF_DAY, "12:30-13:30"),
    ],
)
def test_times_far_from_the_session(
    clocks: tuple[int, int, int, int], length: int | None, wrong: Wrong | None, instead: str
) -> None:
    """At a session from 1 PM on."""
    starts_at = datetime(2026, 11, 21, 21, 0, tzinfo=UTC)
    ends_at = starts_at + timedelta(minutes=length) if length else None
    if wrong is None:
        since, until = moments(clocks, starts_at, ZONE, ends_at)
        assert since < until
        return
    with pytest.raises(NoSuchTime) as told:
        moments(clocks, starts_at, ZONE, ends_at)
    assert (told.value.wrong, told.value.instead) == (wrong, instead)


def test_a_value_that_cant_be_read_is_told_from_a_name_that_nobody_has() -> None:
    names = Names(MEETING, {UUID(int=1): "Keoni Abara", UUID(int=2): "Samuel Ortiz"}, {UUID(int=1): [UUID(int=7)]})
    code = code_of(MEETING, UUID(int=7))
    for text, who, unread in (
        ("Keoni 99999", 1, "99999"),
        ("Samuel L", 2, "L"),
        (f"{code} rather late", 1, "rather late"),
        ("Keoni 1:30 PM - 2:45 PM", 1, "1:30 PM - 2:45 PM"),
        (code, 1, ""),
        ("Samuel Ramirez", None, ""),
        ("Zoe 99999", None, ""),
    ):
        found, line = names.find_line(read_lines(text)[0])
        assert (found.account_id and found.account_id.int, line.spec.unread) == (who, unread), text
