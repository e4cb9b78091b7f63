"""The worker process: RQ's SimpleWorker over all queues."""

from dataclasses import replace

import structlog
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from rq.worker import DequeueStrategy

from jobs.letters import Writer
from jobs.queues import QueueName, queue
from jobs.runtime import begin, configure_logging, make_runtime
from records.settings import Settings

log = structlog.get_logger()


def run(settings: Settings, *, burst: bool = False, write: Writer | None = None) -> None:
    """Work until SIGTERM. No fork a job: that costs four times a small batch, and a crash of the process
    loses nothing, since the inbox knows what was begun. `write` words messages to participants."""
    configure_logging(settings)
    runtime = replace(make_runtime(settings), write=write)
    begin(runtime)
    queues = [queue(runtime.redis, name) for name in QueueName]
    worker = SimpleWorker(queues, connection=runtime.redis, serializer=JSONSerializer, worker_ttl=60)
    log.info("worker_started")
    worker.work(
        dequeue_strategy=DequeueStrategy.ROUND_ROBIN, burst=burst, with_scheduler=False, logging_level="WARNING"
    )
