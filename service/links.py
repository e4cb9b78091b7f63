"""Addresses that commands print, and commands that pages name: what people open, type, and have Moodle post to."""

from records.settings import Settings

ADD_SITE = 'copbridge site add main --wwwroot https://moodle.example.org --name "Our Moodle"'


def connecting_commands(slug: str) -> tuple[str, ...]:
    """A secret for the plugin, the token for this service, and what is still missing."""
    secret = f"copbridge site secret add {slug}"
    return secret, f"{secret} --purpose web_services --from-stdin", f"copbridge doctor {slug}"


def _under(settings: Settings, path: str) -> str:
    return f"{settings.public_url.rstrip('/')}/{path}"


def sign_in_page(settings: Settings) -> str:
    return _under(settings, "sign-in")


def provider_answer(settings: Settings, code: str) -> str:
    """Where an identity provider sends browsers back to: its redirect address."""
    return _under(settings, f"sign-in/with/{code}/back")


def setup_link(settings: Settings, token: str) -> str:
    """The one-time address at which the token's user sets a password."""
    return _under(settings, f"set-up/{token}")


def webhook_address(settings: Settings, slug: str, kind: str = "events") -> str:
    """Where a site posts to; `kind` is `events` or `local_webhooks`."""
    return _under(settings, f"webhooks/{slug}/{kind}")


def calendar_address(settings: Settings, token: str) -> str:
    """Where a community's sessions are read as a calendar."""
    return _under(settings, f"calendars/{token}.ics")


def scan_address(settings: Settings, code: str) -> str:
    """What a check-in's QR code opens."""
    return _under(settings, f"c/{code}")


def check_in_page(settings: Settings) -> str:
    """Where a check-in's short code is typed."""
    return _under(settings, "check-in")


def personal_link(settings: Settings, token: str) -> str:
    """The address that says who somebody is, to check in."""
    return _under(settings, f"me/{token}")
