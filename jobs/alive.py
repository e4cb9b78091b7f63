"""Which workers are alive: what each says of itself in Redis. Nothing hangs on it but what people are shown."""

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Worker
from rq.worker import BaseWorker

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Alive:
    """A worker process. `busy`: it is at a job; `heard_at`: its latest heartbeat, aware UTC."""

    name: str
    busy: bool
    done: int
    failed: int
    heard_at: datetime | None


def workers(redis: Redis) -> list[Alive] | None:
    """The workers that are registered, by name; None where Redis can't be asked."""
    try:
        found = Worker.all(connection=redis)
        return sorted((_alive(worker) for worker in found), key=lambda each: each.name)
    except RedisError as err:
        log.warning("workers_unknown", error=type(err).__name__)
        return None


def _alive(worker: BaseWorker) -> Alive:
    heard = worker.last_heartbeat
    return Alive(
        worker.name,
        str(worker.get_state()) == "busy",
        worker.successful_job_count,
        worker.failed_job_count,
        heard.replace(tzinfo=UTC) if heard and heard.tzinfo is None else heard,
    )
