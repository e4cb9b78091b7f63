"""The codes on the screen of a check-in: pure functions of the secret key, the session and a moment.

The long one is in the QR code: it names the session and the instant it was made at, and is good for 20 seconds from
then. So a photo of it that is passed on is worth nothing.

The short one is for whoever has no camera: 7 characters out of 27, so one of 27**7 = 10,460,353,203, and at any moment
two of them are good for a session. Somebody who sent ten guesses a second through a session of three hours would hit
with a chance of 1 in 48,000, and could then check in as nobody else than who he or she is.
"""

import base64
import hashlib
import hmac
import math
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from pydantic import SecretStr

from service.assertions import from_base64url

GOOD_FOR = timedelta(seconds=20)
"""A long code's life, from when it was made."""
LONG_LABEL = b"copbridge-check-in-code-v1"
SHORT_LABEL = b"copbridge-check-in-short-code-v1"
ID_BYTES, MOMENT_BYTES, SIGNATURE_BYTES = 16, 6, 16
ALPHABET = "23456789ACDEFGHJKMNPQRTVWXY"
"""Without what looks like something else: 0 and O, 1, I and L, 2 and Z, 5 and S, 8 and B, U and V."""
SHORT_LENGTH = 7
SHORT_STEP = 30
"""Seconds after which another short code is shown."""
SHORT_GOOD_FOR = timedelta(seconds=2 * SHORT_STEP)
"""A short code's life, from when it can first be shown: who reads it has half of that left at least."""
MILLISECOND = timedelta(milliseconds=1)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def long_code(secret_key: SecretStr, session_id: UUID, made_at: datetime) -> str:
    """The code for the address in the QR code: 51 characters that need no escaping."""
    moment = (made_at - EPOCH) // MILLISECOND
    body = session_id.bytes + moment.to_bytes(MOMENT_BYTES, "big")
    signature = hmac.digest(_key(secret_key, LONG_LABEL), body, hashlib.sha256)[:SIGNATURE_BYTES]
    return base64.urlsafe_b64encode(body + signature).decode().rstrip("=")


def session_of(secret_key: SecretStr, code: str, now: datetime) -> UUID | None:
    """The session that a long code is good for now; None for an old one, and for what is none."""
    data = from_base64url(code)
    if len(data) != ID_BYTES + MOMENT_BYTES + SIGNATURE_BYTES:
        return None
    session_id = UUID(bytes=data[:ID_BYTES])
    milliseconds = int.from_bytes(data[ID_BYTES : ID_BYTES + MOMENT_BYTES], "big")
    age = (now - EPOCH) - milliseconds * MILLISECOND
    # Compared as text: of several spellings of the same bytes one alone is ours.
    if not timedelta(0) <= age < GOOD_FOR:
        return None
    good = long_code(secret_key, session_id, now - age)
    return session_id if hmac.compare_digest(good.encode(), code.encode()) else None


def short_code(secret_key: SecretStr, session_id: UUID, now: datetime) -> str:
    """The short code that is shown for a session at a moment."""
    return _short(secret_key, session_id, _step(now))


def session_of_short(secret_key: SecretStr, typed: str, sessions: Iterable[UUID], now: datetime) -> UUID | None:
    """Of the sessions (those whose check-in is open) the one that a short code is good for now, however it was typed:
    in small letters, with blanks or hyphens. None where it is good for none."""
    code = "".join(letter for letter in typed.upper() if letter not in " -")
    if len(code) != SHORT_LENGTH or not set(code) <= set(ALPHABET):
        return None
    steps = (_step(now), _step(now) - 1)
    found = [one for one in sessions if any(hmac.compare_digest(_short(secret_key, one, step), code) for step in steps)]
    return found[0] if len(found) == 1 else None


def _short(secret_key: SecretStr, session_id: UUID, step: int) -> str:
    body = session_id.bytes + step.to_bytes(MOMENT_BYTES, "big")
    number = int.from_bytes(hmac.digest(_key(secret_key, SHORT_LABEL), body, hashlib.sha256), "big")
    letters = []
    for _ in range(SHORT_LENGTH):
        number, place = divmod(number, len(ALPHABET))
        letters.append(ALPHABET[place])
    return "".join(letters)


def _step(moment: datetime) -> int:
    return math.floor(moment.timestamp() / SHORT_STEP)


def _key(secret_key: SecretStr, label: bytes) -> bytes:
    return hmac.digest(secret_key.get_secret_value().encode(), label, hashlib.sha256)
