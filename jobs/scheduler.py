"""Periodic jobs: one list, rows claimed on the database's clock, any number of schedulers."""

import signal
import threading

import structlog
from redis.exceptions import RedisError
from sqlalchemy import Engine, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jobs import tasks
from jobs.queues import QueueName, queue
from jobs.runtime import Runtime, begin, configure_logging, make_runtime
from records.models import PeriodicJob
from records.settings import Settings

log = structlog.get_logger()

PERIODIC = {
    tasks.look: 2,
    tasks.reread_accounts: 30,
    tasks.schedule_sweeps: 30,
    tasks.tell_standings: 15,
    tasks.tell_presences: 15,
    tasks.match_attendance: 60,
    tasks.send_mail: 30,
    tasks.prune_inbox: 86_400,
    tasks.prune_idempotency_keys: 3_600,
}
"""Every periodic job, with its interval in seconds."""
BY_NAME = {job.__name__: job for job in PERIODIC}
IN_PLACE = {"look"}
"""Done by the scheduler itself, since it is what helps when Redis or a worker doesn't."""
TICK_SECONDS = 1.0


def reconcile_jobs(engine: Engine) -> None:
    """Make the table say what the list says."""
    with Session(engine) as session, session.begin():
        statement = insert(PeriodicJob)
        session.execute(
            statement.on_conflict_do_update(
                index_elements=["name"], set_={"every_seconds": statement.excluded.every_seconds}
            ),
            [{"name": job.__name__, "every_seconds": every} for job, every in PERIODIC.items()],
        )
        for row in session.scalars(select(PeriodicJob).where(PeriodicJob.name.not_in(BY_NAME))):
            session.delete(row)


def claim(engine: Engine) -> list[str]:
    """The jobs that are due, claimed: of several schedulers one gets each."""
    with Session(engine) as session, session.begin():
        now = func.clock_timestamp()
        claimed = session.scalars(
            update(PeriodicJob)
            .where(PeriodicJob.due_at <= now)
            .values(claimed_at=now, due_at=now + func.make_interval(0, 0, 0, 0, 0, 0, PeriodicJob.every_seconds))
            .returning(PeriodicJob.name),
            execution_options={"synchronize_session": False},
        )
        return sorted(claimed)


def tick(runtime: Runtime) -> None:
    """Claim what is due, and do it or have it done."""
    for name in claim(runtime.engine):
        if name in IN_PLACE:
            BY_NAME[name]()
        else:
            queue(runtime.redis, QueueName.PERIODIC).enqueue(f"jobs.tasks.{name}", result_ttl=0, job_timeout=600)


def run(settings: Settings) -> None:
    """Tick until SIGTERM or SIGINT. A database or Redis that is away is waited for."""
    configure_logging(settings)
    runtime = make_runtime(settings)
    begin(runtime)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    reconcile_jobs(runtime.engine)
    log.info("scheduler_started")
    while not stop.wait(TICK_SECONDS):
        try:
            tick(runtime)
        except (OperationalError, RedisError) as err:
            log.warning("tick_failed", error=type(err).__name__)
