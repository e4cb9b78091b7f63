"""The secrets of a site: encrypted at rest, several active per purpose so that one can be rotated without a gap."""

import base64
import secrets
from enum import StrEnum
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken
from pydantic import SecretStr
from sqlalchemy import func, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.orm import Session

from records.models import SiteSecret

WIRE_PREFIX = "whsec_"
"""Standard Webhooks: the prefix before the base64 of the key."""
WIRE_KEY_BYTES = 32
SHARED_TOKEN_BYTES = 32


class Purpose(StrEnum):
    WIRE = "wire"
    """Signs batches on the wire; made by us."""
    LOCAL_WEBHOOKS = "local_webhooks"
    """The shared token of the local_webhooks plugin; made by us."""
    XAPI = "xapi"
    """The password that logstore_xapi shows as its LRS auth secret; made by us."""
    TOOL_TRIGGER = "tool_trigger"
    """The bearer token in the headers of a tool_trigger workflow; made by us."""
    WEB_SERVICES = "web_services"
    """The token of Moodle's web services; given by IT."""
    PROVISIONING = "provisioning"
    """The token that courses are made with: its account may do what the everyday one may not; given by IT."""


SHARED = (Purpose.LOCAL_WEBHOOKS, Purpose.XAPI, Purpose.TOOL_TRIGGER)
"""Shown by the sender as they are, rather than signed with."""


class SecretError(Exception):
    """A secret can't be used or kept; the message says what to do, and holds no secret."""


def _fernet(encryption_key: SecretStr) -> Fernet:
    try:
        return Fernet(encryption_key.get_secret_value())
    except ValueError as err:
        raise SecretError("ENCRYPTION_KEY is not a Fernet key (32 bytes in url-safe base64).") from err


def seal(text: str, encryption_key: SecretStr) -> bytes:
    """A text, encrypted. Raises SecretError where ENCRYPTION_KEY is none."""
    return seal_bytes(text.encode(), encryption_key)


def unseal(sealed: bytes, encryption_key: SecretStr) -> str:
    """What `seal` encrypted. Raises SecretError where ENCRYPTION_KEY is another one than then."""
    return unseal_bytes(sealed, encryption_key).decode()


def seal_bytes(content: bytes, encryption_key: SecretStr) -> bytes:
    """Any content, encrypted. Raises SecretError where ENCRYPTION_KEY is none."""
    return _fernet(encryption_key).encrypt(content)


def unseal_bytes(sealed: bytes, encryption_key: SecretStr) -> bytes:
    """What `seal_bytes` encrypted. Raises SecretError where ENCRYPTION_KEY is another one than then."""
    try:
        return _fernet(encryption_key).decrypt(sealed)
    except InvalidToken as err:
        raise SecretError("It was encrypted with another ENCRYPTION_KEY.") from err


def active_secrets(reader: Session | Connection, site_id: UUID, purpose: str, encryption_key: SecretStr) -> list[str]:
    """The active secrets of a site for a purpose, decrypted, the newest first.

    Raises SecretError where ENCRYPTION_KEY isn't the one that they were encrypted with.
    """
    fernet = _fernet(encryption_key)
    rows = reader.execute(
        select(SiteSecret.ciphertext)
        .where(SiteSecret.site_id == site_id, SiteSecret.purpose == str(purpose), SiteSecret.retired_at.is_(None))
        .order_by(SiteSecret.id.desc())
    )
    try:
        return [fernet.decrypt(ciphertext).decode() for (ciphertext,) in rows]
    except InvalidToken as err:
        raise SecretError("The site's secrets were encrypted with another ENCRYPTION_KEY.") from err


def make_secret(purpose: Purpose) -> str:
    """A new secret for a purpose. Raises SecretError for one that only Moodle can make."""
    if purpose is Purpose.WIRE:
        return WIRE_PREFIX + base64.b64encode(secrets.token_bytes(WIRE_KEY_BYTES)).decode()
    if purpose in SHARED:
        return secrets.token_urlsafe(SHARED_TOKEN_BYTES)
    raise SecretError("A web_services token is made in Moodle, and given to us.")


def keep_secret(session: Session, site_id: UUID, purpose: Purpose, value: str, encryption_key: SecretStr) -> SiteSecret:
    """Keep a secret, encrypted, beside those that are active already. Raises SecretError for an empty one."""
    if not value or not value.isascii() or not value.isprintable() or " " in value:
        raise SecretError(
            "The secret is empty, or has characters in it that no token has (blanks, control characters)."
        )
    row = SiteSecret(site_id=site_id, purpose=str(purpose), ciphertext=_fernet(encryption_key).encrypt(value.encode()))
    session.add(row)
    session.flush()
    return row


def listed(session: Session, site_id: UUID) -> list[SiteSecret]:
    """All secrets of a site, still encrypted, the oldest first."""
    return list(session.scalars(select(SiteSecret).where(SiteSecret.site_id == site_id).order_by(SiteSecret.id)))


def retire_secret(session: Session, site_id: UUID, secret_id: UUID) -> SiteSecret:
    """Retire one secret. Raises SecretError where the site has no such active secret."""
    row: SiteSecret | None = session.scalar(
        update(SiteSecret)
        .where(SiteSecret.id == secret_id, SiteSecret.site_id == site_id, SiteSecret.retired_at.is_(None))
        .values(retired_at=func.now())
        .returning(SiteSecret)
    )
    if row is None:
        raise SecretError(f"The site has no active secret {secret_id}: see `copbridge site list`.")
    return row
