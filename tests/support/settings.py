"""Settings for tests."""

import secrets

from cryptography.fernet import Fernet
from pydantic import SecretStr

from records.settings import Settings
from tests.support.servers import Database

ENCRYPTION_KEY = SecretStr(Fernet.generate_key().decode())
"""One for the whole run, so that helpers know it that are given no settings."""


def make_settings(database: Database, redis_url: str) -> Settings:
    """Settings for a database, with secrets made for it."""
    return Settings.model_validate(
        {
            "database_url": database.url,
            "migration_database_url": database.owner_url,
            "redis_url": redis_url,
            "secret_key": secrets.token_urlsafe(32),
            "encryption_key": ENCRYPTION_KEY,
        }
    )
