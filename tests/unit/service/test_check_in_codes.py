"""A check-in's codes are good in their window alone, for their session alone, and only whole."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from service.check_in_codes import (
    ALPHABET,
    GOOD_FOR,
    MILLISECOND,
    SHORT_GOOD_FOR,
    SHORT_STEP,
    long_code,
    session_of,
    session_of_short,
    short_code,
)
from service.personal_links import account_of, make

KEY, OTHER_KEY = SecretStr("k" * 32), SecretStr("o" * 32)
URL_SAFE = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
ids = st.uuids()
moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
seconds = st.floats(-(10**6), 10**6).map(lambda value: timedelta(seconds=value))


@given(ids, moments, st.one_of(seconds, st.floats(-1, 21).map(lambda value: timedelta(seconds=value))))
def test_a_code_is_good_for_twenty_seconds_and_no_longer(session: UUID, made_at: datetime, later: timedelta) -> None:
    found = session_of(KEY, long_code(KEY, session, made_at), made_at + later)
    # A code names its instant in whole milliseconds: it may end that much sooner, and never later.
    if timedelta(0) <= later < GOOD_FOR - MILLISECOND:
        assert found == session
    if later < -MILLISECOND or later >= GOOD_FOR:
        assert found is None


@given(ids, moments, st.integers(0, 50), st.sampled_from(URL_SAFE))
def test_any_altered_character_makes_it_worthless(session: UUID, now: datetime, place: int, letter: str) -> None:
    code = long_code(KEY, session, now)
    altered = code[:place] + letter + code[place + 1 :]
    assert session_of(KEY, altered, now) == (session if altered == code else None)


@given(ids, moments, st.text(max_size=80))
def test_whatever_else_is_scanned_is_no_code(session: UUID, now: datetime, text: str) -> None:
    code = long_code(KEY, session, now)
    assert session_of(OTHER_KEY, code, now) is None
    assert session_of(KEY, text, now) is None
    assert session_of(KEY, code + text, now) == (None if text else session)


def test_no_letter_of_a_short_code_looks_like_another() -> None:
    for alike in ("0O", "1IL", "2Z", "5S", "8B", "UV"):
        assert len(set(alike) & set(ALPHABET)) <= 1, alike
    assert len(ALPHABET) == len(set(ALPHABET)) == 27


def test_a_code_fits_a_qr_code_that_is_easily_scanned() -> None:
    code = long_code(KEY, UUID(int=1), datetime(2026, 1, 1, tzinfo=UTC))
    assert len(code) == 51
    assert set(code) <= set(URL_SAFE)


@given(ids, ids, moments, seconds)
def test_a_short_code_is_good_for_a_minute_at_most(
    session: UUID, other: UUID, shown_at: datetime, later: timedelta
) -> None:
    code = short_code(KEY, session, shown_at)
    found = session_of_short(KEY, code, [session], shown_at + later)
    if timedelta(0) <= later < timedelta(seconds=SHORT_STEP):
        assert found == session
    if later < -timedelta(seconds=SHORT_STEP) or later >= SHORT_GOOD_FOR:
        assert found is None
    if other != session:
        assert session_of_short(KEY, code, [other], shown_at) is None
        assert session_of_short(KEY, code, [other, session], shown_at) == session


@given(ids, moments)
def test_the_last_moment_of_a_short_code(session: UUID, now: datetime) -> None:
    begun = datetime.fromtimestamp(int(now.timestamp()) // SHORT_STEP * SHORT_STEP, UTC)
    code = short_code(KEY, session, begun)
    assert session_of_short(KEY, code, [session], begun + SHORT_GOOD_FOR - timedelta(milliseconds=1)) == session
    assert session_of_short(KEY, code, [session], begun + SHORT_GOOD_FOR) is None


@given(ids, moments, st.integers(0, 6), st.sampled_from(ALPHABET + "0O1IL "))
def test_an_altered_short_code_is_none(session: UUID, now: datetime, place: int, letter: str) -> None:
    code = short_code(KEY, session, now)
    altered = code[:place] + letter + code[place + 1 :]
    assert session_of_short(KEY, altered, [session], now) == (session if altered == code else None)


@given(ids, moments)
def test_a_short_code_is_read_however_it_is_typed(session: UUID, now: datetime) -> None:
    code = short_code(KEY, session, now)
    assert set(code) <= set(ALPHABET)
    assert session_of_short(KEY, f" {code[:3].lower()}-{code[3:].lower()} ", [session], now) == session
    assert session_of_short(KEY, "", [session], now) is None


@given(ids, st.text(max_size=60))
def test_a_personal_link_is_of_one_account_for_a_year(account: UUID, text: str) -> None:
    now = datetime.now(UTC)
    token = make(KEY, account)
    assert account_of(KEY, token, now + timedelta(days=364)) == account
    assert account_of(KEY, token, now + timedelta(days=365, seconds=2)) is None
    assert account_of(OTHER_KEY, token, now) is None
    assert account_of(KEY, text, now) is None
    # Neither code passes as the other.
    assert session_of(KEY, token, now) is None
    assert account_of(KEY, long_code(KEY, account, now), now) is None
