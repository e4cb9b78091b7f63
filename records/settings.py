"""All settings, read in one place; entry points build them and pass them on. docs/settings.md lists them."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

SECRETS_FOLDER = Path("/run/secrets")


class Settings(BaseSettings):
    """From the environment (DATABASE_URL, ...) or from files of the lower-case name in /run/secrets.

    Raises pydantic.ValidationError where one that has no default is missing.
    """

    model_config = SettingsConfigDict(extra="ignore", secrets_dir=SECRETS_FOLDER if SECRETS_FOLDER.is_dir() else None)

    database_url: Annotated[
        str, Field(repr=False, description="PostgreSQL for the application's role, which owns no table.")
    ]
    migration_database_url: Annotated[
        str | None,
        Field(
            repr=False, description="PostgreSQL for the role that owns the tables; only `copbridge migrate` needs it."
        ),
    ] = None
    redis_url: Annotated[
        str, Field(repr=False, description="Redis or Valkey, for the queue only: nothing that matters lives there.")
    ]
    secret_key: Annotated[
        SecretStr,
        Field(
            min_length=32,
            description="Signs form tokens, check-in codes, personal links and addresses of calendars: another key"
            " ends them.",
        ),
    ]
    encryption_key: Annotated[SecretStr, Field(description="A Fernet key; encrypts site tokens and secrets at rest.")]
    public_url: Annotated[
        str,
        Field(
            description="The address that people reach the board at, phones in the room included, without a trailing"
            " slash."
        ),
    ] = "http://127.0.0.1:8080"
    intake_max_bytes: Annotated[int, Field(ge=1024, description="A larger webhook body is refused with 413.")] = (
        5_000_000
    )
    payload_retention_days: Annotated[
        int,
        Field(
            ge=1,
            description="Payloads in the inbox are deleted this many days after they were processed, uploaded files of"
            " attendance this many days after their upload.",
        ),
    ] = 90
    sweep_hours: Annotated[
        int, Field(ge=1, description="Every community's state in Moodle is read again this often.")
    ] = 24
    plugin_sweep_hours: Annotated[
        int, Field(ge=1, description="The same, where the companion plugin is: there it takes a few calls a community.")
    ] = 1
    moodle_calls_per_minute: Annotated[
        int, Field(ge=1, description="At most so many web-service calls a minute are made to a site.")
    ] = 600
    moodle_calls_at_once: Annotated[
        int,
        Field(ge=1, le=32, description="At most so many calls to a site are under way at once; fewer when it slows."),
    ] = 4
    drift_alert: Annotated[
        int,
        Field(ge=1, description="So many differences of one kind in a community within a week are shown as an alert."),
    ] = 10
    sign_in_hours: Annotated[int, Field(ge=1, description="A sign-in lasts this long.")] = 12
    setup_link_hours: Annotated[int, Field(ge=1, description="A set-up link can be used this long.")] = 72
    page_language: Annotated[str, Field(pattern=r"^[a-z]{2}$", description="The language of pages.")] = "en"
    log_level: Annotated[str, Field(description="DEBUG, INFO, WARNING or ERROR.")] = "INFO"
