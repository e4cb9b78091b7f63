"""What a request works with; it hangs on the application as `app.extensions["copbridge"]`."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app
from redis import Redis
from sqlalchemy import Engine

from records.settings import Settings

EXTENSION = "copbridge"


@dataclass(frozen=True, slots=True)
class Context:
    """Engine and Redis connect when they are first used, so that a forked process has its own connections."""

    settings: Settings
    engine: Engine
    redis: Redis
    clock: Callable[[], datetime]


def context() -> Context:
    """The context of the application that serves the current request."""
    found: Context = current_app.extensions[EXTENSION]
    return found
