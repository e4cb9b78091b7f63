"""Passwords: which are taken, and their hashes (argon2)."""

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_LENGTH = range(12, 1025)
"""A longer one would only keep the hash function busy."""


class WeakPassword(Exception):
    """The password breaks a rule; `reason` is `too_short`, `too_long`, or `is_email`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()


@cache
def _hash_of_nobody() -> str:
    return _hasher().hash(secrets.token_urlsafe())


def check(password: str, email: str) -> None:
    """Raises WeakPassword for one that nobody should have, least of all whoever has this e-mail address."""
    if len(password) < PASSWORD_LENGTH.start:
        raise WeakPassword("too_short")
    if len(password) not in PASSWORD_LENGTH:
        raise WeakPassword("too_long")
    if password.strip().lower() == email.strip().lower():
        raise WeakPassword("is_email")


def hashed(password: str) -> str:
    """What is kept of a password."""
    return _hasher().hash(password)


def matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the password; never where there is none.

    Both take one run of the hash function, so that the time doesn't tell them apart.
    """
    right = _verify(password_hash or _hash_of_nobody(), password)
    return right and password_hash is not None


def outdated(password_hash: str) -> bool:
    """Whether it was made with weaker parameters than are used by now."""
    return _hasher().check_needs_rehash(password_hash)


def _verify(password_hash: str, password: str) -> bool:
    if len(password) >= PASSWORD_LENGTH.stop:
        return False
    try:
        return _hasher().verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False
