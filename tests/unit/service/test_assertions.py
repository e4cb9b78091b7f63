"""An assertion counts only whole, in time, for its site and for the browser that asked."""

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.assertions import NotAsserted, read

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EPOCH = UUID("3f0c8a52-6a0c-4d8e-9a54-0f6f4d9f7c11")
WIRE = Path(__file__).parents[3] / "docs" / "wire" / "README.md"
STATE = "a-state-of-this-browser-only"
NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
CLAIMS: dict[str, Any] = {
    "v": 1,
    "site": "main",
    "epoch": str(EPOCH),
    "user": 7,
    "state": STATE,
    "iat": int(NOW.timestamp()),
    "exp": int(NOW.timestamp()) + 120,
}


def url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def made(secret: str = SECRET, **claims: Any) -> str:
    body = url64(json.dumps(CLAIMS | claims).encode())
    key = hmac.digest(base64.b64decode(secret.removeprefix("whsec_")), b"copbridge-checkin-v1", hashlib.sha256)
    return f"{body}.{url64(hmac.digest(key, body.encode(), hashlib.sha256))}"


def asked(text: str, *, now: datetime = NOW, state: str = STATE, site: str = "main", epoch: UUID | None = EPOCH) -> int:
    return read(text, site=site, epoch=epoch, state=state, secrets=["whsec_" + "A" * 32, SECRET], now=now)


def test_what_the_plugin_makes_is_read() -> None:
    """docs/wire has this assertion, and the plugin's own test makes the same bytes."""
    text = re.search(r"^[\w-]+\.[\w-]{43}$", WIRE.read_text(encoding="utf-8"), re.MULTILINE)
    assert text
    epoch = UUID("0190f5a0-7c1e-7000-8000-000000000001")
    now = datetime.fromtimestamp(1_760_000_010, UTC)
    state = "abcdefABCDEF0123456789_-"
    assert read(text.group(), site="demo", epoch=epoch, state=state, secrets=[SECRET], now=now) == 42


def test_whoever_moodle_names_is_known_by_any_active_secret() -> None:
    assert asked(made()) == 7
    assert asked(made(), epoch=None) == 7


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (made("whsec_" + "B" * 32), "signature"),
        (made()[:-2], "signature"),
        ("x" + made(), "signature"),
        ("", "signature"),
        ("ä.ö", "signature"),
        ("A" * 3_000, "signature"),
        (made(user="all"), "shape"),
        (made(user=0), "shape"),
        (made(v=2), "shape"),
        (made(site="other"), "site"),
        (made(epoch="11111111-1111-4111-8111-111111111111"), "site"),
        (made(state="of-another-browser"), "state"),
    ],
)
def test_anything_else_says_nothing(text: str, why: str) -> None:
    with pytest.raises(NotAsserted, match=why):
        asked(text)


@pytest.mark.parametrize("minutes", [-2, 4, 600])
def test_an_old_or_early_one_says_nothing(minutes: int) -> None:
    with pytest.raises(NotAsserted, match="time"):
        asked(made(), now=NOW + timedelta(minutes=minutes))


def test_nobody_makes_one_that_lasts() -> None:
    with pytest.raises(NotAsserted, match="time"):
        asked(made(exp=CLAIMS["exp"] + 86_400), now=NOW + timedelta(minutes=10))


@given(st.text(max_size=200))
def test_strange_text_is_refused_and_nothing_breaks(text: str) -> None:
    with pytest.raises(NotAsserted):
        asked(text)
