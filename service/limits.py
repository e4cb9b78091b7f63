"""How often a network may ask for pages that are open to everybody.

Counted a minute at a time in Redis, by all web processes together; in each process' own memory while Redis is away.
Nothing that matters hangs on these counts: that passwords can't be guessed is seen to in the database
(records/lockout.py).
"""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import structlog
from flask import Flask, current_app, g, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter
from redis import ConnectionPool
from redis.backoff import NoBackoff
from redis.retry import Retry
from werkzeug.middleware.proxy_fix import ProxyFix

from records.settings import Settings
from service.permissions import DECISIONS, ByToken, Door

log = structlog.get_logger()
EXTENSION = "copbridge.limits"
PREFIX = "copbridge-limits"
SECONDS = 60
HOUSEHOLD = 64
"""Bits of an IPv6 address that a provider gives to one household, or to one school; the rest anybody may choose."""


def network() -> str:
    """The network that asks: an IPv4 address, or the part of an IPv6 address that its user can't choose."""
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, HOUSEHOLD), strict=False))
    return str(found)


@dataclass(frozen=True, slots=True)
class Budget:
    """So many requests a minute, shared by all endpoints that it is named for."""

    name: str
    a_minute: Callable[[Settings], int]
    whose: Callable[[], str] = network
    """Who has used it up: called within the request."""


SIGN_IN = Budget("sign_in", lambda settings: settings.sign_ins_per_minute)
OPEN_PAGES = Budget("open_pages", lambda settings: settings.open_pages_per_minute)
API = Budget("api", lambda settings: settings.api_requests_per_minute, lambda: str(g.bearer.token_id))
BUDGETS: dict[str, Budget] = {
    "sign_in.submit": SIGN_IN,
    "sign_in.setup_submit": SIGN_IN,
    "resets.ask": SIGN_IN,
    "provider_sign_in.begin": SIGN_IN,
    "provider_sign_in.answer": SIGN_IN,
    "sign_in.form": OPEN_PAGES,
    "sign_in.setup_form": OPEN_PAGES,
    "resets.form": OPEN_PAGES,
    "account.speak": OPEN_PAGES,
    "identify.begin": OPEN_PAGES,
    "identify.answer": OPEN_PAGES,
    "arrive.scan": OPEN_PAGES,
    "arrive.enter": OPEN_PAGES,
    "arrive.enter_submit": OPEN_PAGES,
    "arrive.here": OPEN_PAGES,
    "arrive.arrived": OPEN_PAGES,
    "arrive.left": OPEN_PAGES,
    "arrive.forget": OPEN_PAGES,
    "arrive.personal": OPEN_PAGES,
    "calendars.feed": OPEN_PAGES,
    "opt_out.show": OPEN_PAGES,
    "opt_out.stop": OPEN_PAGES,
    "api.document": OPEN_PAGES,
    **{
        endpoint: API
        for endpoint, decision in DECISIONS.items()
        if decision is Door.TOKEN or isinstance(decision, ByToken)
    },
}
"""By endpoint. Add to it what else is to be held to one."""


def install(app: Flask, settings: Settings) -> None:
    """Hold each endpoint of BUDGETS to its own, and learn the clients' addresses from the proxies that are trusted.

    Call it when all routes are there.
    """
    if settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=0)  # type: ignore[method-assign]
    # A Redis that hangs must not hold up the pages.
    pool = ConnectionPool.from_url(
        settings.redis_url, socket_connect_timeout=1, socket_timeout=1, retry=Retry(NoBackoff(), 0)
    )
    limiter = Limiter(
        network,
        app=app,
        # The pool says where; this only that it is Redis, whatever REDIS_URL looks like.
        storage_uri="redis://",
        storage_options=cast(Any, {"connection_pool": pool}),
        strategy="fixed-window",
        in_memory_fallback_enabled=True,
        key_prefix=PREFIX,
    )
    app.extensions[EXTENSION] = limiter, pool
    for endpoint, budget in BUDGETS.items():
        limit = limiter.shared_limit(
            f"{budget.a_minute(settings)} per {SECONDS} second", scope=budget.name, key_func=budget.whose
        )
        view: Callable[..., ResponseReturnValue] = app.ensure_sync(app.view_functions[endpoint])
        app.view_functions[endpoint] = limit(view)


def close(app: Flask) -> None:
    """Close the connections of an application that serves no more."""
    app.extensions[EXTENSION][1].disconnect()


def retry_after() -> int:
    """Seconds until the budget that was used up in this request is full again."""
    found = current_app.extensions[EXTENSION][0].current_limit
    return min(SECONDS, max(1, round(found.reset_at - time.time()))) if found else SECONDS


def left() -> dict[str, str]:
    """Headers that say how much of this request's budget is left, and for how many seconds; none without a budget."""
    found = current_app.extensions[EXTENSION][0].current_limit if EXTENSION in current_app.extensions else None
    if found is None:
        return {}
    return {
        "RateLimit-Limit": str(found.limit.amount),
        "RateLimit-Remaining": str(max(0, found.remaining)),
        "RateLimit-Reset": str(retry_after()),
    }


def warn_of_untrusted_proxy(app: Flask, settings: Settings) -> None:
    """Log it once where a proxy seems to be in front, and TRUSTED_PROXIES doesn't say so: all clients look like one."""
    told: list[bool] = []

    @app.before_request
    def look() -> None:
        if told or settings.trusted_proxies or "X-Forwarded-For" not in request.headers:
            return
        told.append(True)
        log.warning("proxy_not_trusted", see="docs/deployment.md")
