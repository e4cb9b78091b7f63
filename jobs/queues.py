"""The queues, and the one coalesced wake of each. Redis only says when to look: the database knows what is due."""

from enum import StrEnum

import structlog
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue
from rq.serializers import JSONSerializer

log = structlog.get_logger()


class QueueName(StrEnum):
    INBOX = "inbox"
    RECONCILE = "reconcile"
    SWEEP = "sweep"
    ATTENDANCE = "attendance"
    LONG_WORK = "long_work"
    MAIL = "mail"
    NUDGES = "nudges"
    PERIODIC = "periodic"


JOBS = {
    QueueName.INBOX: "jobs.tasks.drain_inbox",
    QueueName.RECONCILE: "jobs.tasks.reconcile_dirty",
    QueueName.SWEEP: "jobs.tasks.sweep",
    QueueName.ATTENDANCE: "jobs.tasks.take_attendance",
    QueueName.LONG_WORK: "jobs.tasks.take_long_work",
    QueueName.MAIL: "jobs.tasks.send_mail",
    QueueName.NUDGES: "jobs.tasks.send_nudges",
}
MOST_SECONDS = 600
"""A turn that takes longer is ended."""
TURN_SECONDS = {QueueName.LONG_WORK: 3_600}
"""Moodle may be silent for minutes while it copies a course, and isn't interrupted."""
FLAG_SECONDS = 5
"""A wake that got lost with its worker stops blocking others after this time."""


def queue(redis: Redis, name: QueueName) -> Queue:
    return Queue(str(name), connection=redis, serializer=JSONSerializer)


def flag(name: QueueName) -> str:
    return f"copbridge:wake:{name}"


def wake(redis: Redis, name: QueueName) -> bool:
    """Have a worker look at a queue's work, unless one is asked to already. False where Redis is down.

    Call it after the commit. The job takes the flag down before it looks, so that whatever is committed
    after its look asks anew.
    """
    try:
        if redis.set(flag(name), b"1", nx=True, ex=FLAG_SECONDS):
            seconds = TURN_SECONDS.get(name, MOST_SECONDS)
            queue(redis, name).enqueue(JOBS[name], result_ttl=0, failure_ttl=86_400, job_timeout=seconds)
    except RedisError as err:
        # The scheduler's tick looks at the database anyway.
        log.warning("wake_failed", queue=str(name), error=type(err).__name__)
        return False
    return True


def lower_flag(redis: Redis, name: QueueName) -> None:
    redis.delete(flag(name))
