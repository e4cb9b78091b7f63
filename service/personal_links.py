"""Personal links: who can't sign in to Moodle at a meeting shows with one who it is, to check in and for nothing else.

A link is a key: whoever has it can check in as that person, where a code is on the screen. It holds the account's id
and when it was made, and nobody keeps a list of them.
"""

from datetime import datetime, timedelta
from uuid import UUID

from itsdangerous import BadData, URLSafeTimedSerializer
from pydantic import SecretStr

SALT = "copbridge-personal-link-v1"
GOOD_FOR = timedelta(days=365)
LONGEST = 200
"""No link of ours has more characters."""


def make(secret_key: SecretStr, account_id: UUID) -> str:
    """The token of a link, made now."""
    return _serializer(secret_key).dumps(account_id.hex)


def account_of(secret_key: SecretStr, token: str, now: datetime) -> UUID | None:
    """The account whose link it is; None for one that is too old, and for what is none."""
    if len(token) > LONGEST:
        return None
    try:
        account, made_at = _serializer(secret_key).loads(token, return_timestamp=True)
        return UUID(account) if now - made_at < GOOD_FOR else None
    except (BadData, ValueError):
        return None


def _serializer(secret_key: SecretStr) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key.get_secret_value(), salt=SALT)
