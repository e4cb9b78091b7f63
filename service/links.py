"""Addresses that commands print: what people open, and what a Moodle site posts to."""

from records.settings import Settings


def _under(settings: Settings, path: str) -> str:
    return f"{settings.public_url.rstrip('/')}/{path}"


def sign_in_page(settings: Settings) -> str:
    return _under(settings, "sign-in")


def setup_link(settings: Settings, token: str) -> str:
    """The one-time address at which the token's user sets a password."""
    return _under(settings, f"set-up/{token}")


def webhook_address(settings: Settings, slug: str, kind: str = "events") -> str:
    """Where a site posts to; `kind` is `events` or `local_webhooks`."""
    return _under(settings, f"webhooks/{slug}/{kind}")
