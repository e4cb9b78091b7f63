"""Standard Webhooks signatures over the raw bytes, with the clock and several secrets.

Source: the Standard Webhooks specification, version 1.0: HMAC-SHA256 over `id.timestamp.body`. The
published library takes its own clock and decodes the body first, so it signs in tests and sandbox, and
this verifies.
"""

import base64
import binascii
import hmac
from collections.abc import Iterable, Mapping
from datetime import datetime

TOLERANCE_SECONDS = 300


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_") + "==")


def _signatures(header: str) -> list[bytes]:
    found = []
    for part in header.split()[:10]:
        version, _, text = part.partition(",")
        try:
            if version == "v1":
                found.append(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError):
            continue
    return found


def verified(body: bytes, headers: Mapping[str, str], secrets: Iterable[str], now: datetime) -> bool:
    """Whether any active secret signed this body within five minutes of `now` (aware).

    Every secret is tried against every signature in constant time, and one is always tried, so that the
    time taken tells neither which secret fits nor whether the site exists.
    """
    sent = {name.lower(): value for name, value in headers.items()}
    message_id = sent.get("webhook-id", "")
    timestamp = sent.get("webhook-timestamp", "")
    signatures = _signatures(sent.get("webhook-signature", ""))
    fresh = timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12
    fresh = fresh and abs(int(timestamp) - now.timestamp()) <= TOLERANCE_SECONDS
    message = f"{message_id}.{timestamp}.".encode("utf-8", "replace") + body
    good = False
    for secret in secrets:
        expected = hmac.digest(_key(secret), message, "sha256")
        for signature in signatures:
            good |= hmac.compare_digest(expected, signature)
    return good and fresh and bool(message_id)
