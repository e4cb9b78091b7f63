"""What a job works with. RQ imports jobs by name, so the worker process sets this once before it begins."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import Engine

from jobs.letters import Writer
from records.database import check_database, make_engine
from records.settings import Settings


def utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Runtime:
    settings: Settings
    engine: Engine
    redis: Redis
    clock: Callable[[], datetime] = utcnow
    write: Writer | None = None
    """Words messages to participants; None in a process that sends none."""


_current: Runtime | None = None


def begin(runtime: Runtime) -> None:
    global _current
    _current = runtime


def current() -> Runtime:
    """The runtime of this process. Raises RuntimeError where no entry point has begun one."""
    if _current is None:
        raise RuntimeError("no runtime: a job runs in a process that called jobs.runtime.begin")
    return _current


def make_runtime(settings: Settings) -> Runtime:
    """Engine and Redis of the settings, after the database was checked (raises UnsafeDatabase)."""
    engine = make_engine(settings.database_url)
    check_database(engine)
    return Runtime(settings, engine, connect_redis(settings))


def connect_redis(settings: Settings) -> Redis:
    """A client that fails at once: whoever needs Redis later tries again by itself, nobody waits for it."""
    once = Retry(NoBackoff(), 0)
    return Redis.from_url(
        settings.redis_url, socket_connect_timeout=1, socket_timeout=30, health_check_interval=15, retry=once
    )


def configure_logging(settings: Settings) -> None:
    """Lines of JSON on standard error: static event names with fields, ids, never personal data."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
