"""All settings, read in one place; entry points build them and pass them on. docs/settings.md lists them."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, model_validator
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
    sign_in_idle_minutes: Annotated[
        int, Field(ge=5, description="A sign-in that nobody used for so long ends; a page left open is no use.")
    ] = 120
    sign_ins_per_minute: Annotated[
        int,
        Field(ge=1, description="At most so many tries to sign in, to set a password or to reset it from one network."),
    ] = 60
    open_pages_per_minute: Annotated[
        int,
        Field(
            ge=1,
            description="At most so many requests for the other pages that need no sign-in from one network: the"
            " check-in of a whole room is one.",
        ),
    ] = 3_000
    api_requests_per_minute: Annotated[
        int, Field(ge=1, description="At most so many requests with one token of the API.")
    ] = 600
    trusted_proxies: Annotated[
        int,
        Field(ge=0, description="So many proxies stand before it, each adding to X-Forwarded-For what asked it."),
    ] = 0
    setup_link_hours: Annotated[int, Field(ge=1, description="A set-up link can be used this long.")] = 72
    reset_link_hours: Annotated[int, Field(ge=1, description="A link to reset a password can be used this long.")] = 2
    smtp_host: Annotated[
        str | None,
        Field(description="The server that mail is handed to. Without it mails are written into `MAIL_FOLDER`."),
    ] = None
    smtp_port: Annotated[int, Field(ge=1, le=65535, description="Its port.")] = 587
    smtp_security: Annotated[
        Literal["starttls", "tls", "none"],
        Field(
            description="`starttls`, `tls` (from the first byte, mostly port 465) or `none` (a relay on this machine)."
            " A password is never sent without TLS."
        ),
    ] = "starttls"
    smtp_user: Annotated[str | None, Field(description="Whom to log in as, where the server asks for it.")] = None
    smtp_password: Annotated[SecretStr | None, Field(description="The password of `SMTP_USER`.")] = None
    smtp_sender: Annotated[str | None, Field(description="The address that mail comes from; `SMTP_HOST` needs it.")] = (
        None
    )
    mail_folder: Annotated[
        Path | None,
        Field(
            description="Where mails are written as files (0600) while there is no `SMTP_HOST`; `copbridge up` sets it."
            " With neither, the console shows the links of invitations, and no password can be reset by mail."
        ),
    ] = None
    nudge_again_days: Annotated[
        int, Field(ge=0, description="Whoever was written to within so many days is left out of the next message.")
    ] = 7
    page_language: Annotated[str, Field(pattern=r"^[a-z]{2}$", description="The language of pages.")] = "en"
    log_level: Annotated[str, Field(description="DEBUG, INFO, WARNING or ERROR.")] = "INFO"

    @model_validator(mode="after")
    def _mail_is_whole(self) -> Self:
        if self.smtp_host and not self.smtp_sender:
            raise ValueError("SMTP_HOST needs SMTP_SENDER, the address that mail comes from")
        if self.smtp_user and (self.smtp_password is None or self.smtp_security == "none"):
            raise ValueError("SMTP_USER needs SMTP_PASSWORD, and SMTP_SECURITY other than none")
        return self

    @property
    def sends_mail(self) -> bool:
        """Whether mail goes anywhere: to a server, or into a folder."""
        return bool(self.smtp_host or self.mail_folder)
