"""What the companion plugin asserts of who is signed in to Moodle: signed with the site's secret, short-lived.

The form is docs/wire/README.md, "Who somebody is"; the key is derived, so that nothing that is signed here could ever
pass as a batch of the wire.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from records.secrets import WIRE_PREFIX

LABEL = b"copbridge-checkin-v1"
LONGEST = timedelta(minutes=2)
"""So long an assertion is good for at most, whatever it says."""
SKEW = timedelta(minutes=1)
"""So far apart Moodle's clock and ours may be."""
MAX_LENGTH = 2_000


class NotAsserted(Exception):
    """An assertion that says nothing here; the message is for the log, and names nobody."""


class Assertion(BaseModel):
    """Who is signed in to which site."""

    model_config = ConfigDict(frozen=True)

    v: int = Field(ge=1, le=1)
    site: str
    epoch: UUID
    user: int = Field(ge=1, le=2**63 - 1)
    state: str
    iat: int = Field(ge=0, le=2**40)
    exp: int = Field(ge=0, le=2**40)


def read(text: str, *, site: str, epoch: UUID | None, state: str, secrets: Iterable[str], now: datetime) -> int:
    """The Moodle user id of who is signed in. Raises NotAsserted.

    `state` is what the browser was sent to Moodle with: an assertion that was made for another browser is none.
    """
    body, _, signature = text.partition(".")
    if len(text) > MAX_LENGTH or not _signed(body, signature, secrets):
        raise NotAsserted("signature")
    try:
        found = Assertion.model_validate_json(from_base64url(body))
    except ValidationError as err:
        raise NotAsserted("shape") from err
    if found.site != site or (epoch is not None and found.epoch != epoch):
        raise NotAsserted("site")
    if not hmac.compare_digest(found.state.encode(), state.encode()):
        raise NotAsserted("state")
    moment = now.timestamp()
    until = min(found.exp, found.iat + LONGEST.total_seconds())
    if not found.iat - SKEW.total_seconds() <= moment < until + SKEW.total_seconds():
        raise NotAsserted("time")
    return found.user


def _signed(body: str, signature: str, secrets: Iterable[str]) -> bool:
    good = False
    for secret in secrets:
        key = hmac.digest(base64.b64decode(secret.removeprefix(WIRE_PREFIX)), LABEL, hashlib.sha256)
        good |= hmac.compare_digest(hmac.digest(key, body.encode(), hashlib.sha256), from_base64url(signature))
    return good


def from_base64url(text: str) -> bytes:
    """base64url without padding, as bytes; what isn't that is nothing."""
    try:
        return base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
