"""Redis says when to look, and only that; periodic jobs are claimed rows."""

from datetime import timedelta

import pytest
from redis import Redis
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from jobs import process, runtime, scheduler, tasks
from jobs.queues import FLAG_SECONDS, JOBS, QueueName, flag, lower_flag, queue, wake
from records.models import InboxItem, MirrorRole, PeriodicJob
from tests.support.bench import Bench
from tests.support.house import House
from tests.support.lab import STUDENT, Lab, Module


@pytest.fixture
def house(bench: Bench, redis: Redis) -> House:
    """An empty house, and the jobs' runtime on it."""
    house = bench.emptied()
    runtime.begin(runtime.Runtime(house.settings, house.engine, redis, house.clock))
    return house


def role(number: int) -> dict[str, object]:
    return {"kind": "role", "read_at": 1_795_290_000.5, "role": number, "shortname": "student"}


def work_through(redis: Redis) -> None:
    """Real RQ, in this process, until every queue is empty."""
    queues = [queue(redis, name) for name in QueueName]
    SimpleWorker(queues, connection=redis, serializer=JSONSerializer).work(burst=True, with_scheduler=False)


def roles(house: House) -> int:
    with Session(house.engine) as session:
        return session.scalar(select(func.count()).select_from(MirrorRole)) or 0


def test_many_wakes_are_one_job(redis: Redis) -> None:
    assert all(wake(redis, QueueName.INBOX) for _ in range(50))
    assert len(queue(redis, QueueName.INBOX)) == 1
    assert 0 < redis.ttl(flag(QueueName.INBOX)) <= FLAG_SECONDS


def test_each_queue_has_a_wake_of_its_own(redis: Redis) -> None:
    for name in JOBS:
        wake(redis, name)
    assert {name: len(queue(redis, name)) for name in QueueName} == dict.fromkeys(JOBS, 1) | {"periodic": 0}


def test_once_a_job_begins_the_next_wake_is_a_job_again(redis: Redis) -> None:
    wake(redis, QueueName.INBOX)
    lower_flag(redis, QueueName.INBOX)
    wake(redis, QueueName.INBOX)
    assert len(queue(redis, QueueName.INBOX)) == 2


@pytest.mark.usefixtures("house")
def test_the_flag_is_down_before_the_work_begins(redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is committed while a job looks finds no flag in its way."""
    seen = []

    def drain(*_: object, **__: object) -> int:
        seen.append(redis.exists(flag(QueueName.INBOX)))
        return 0

    monkeypatch.setattr(process, "drain", drain)
    wake(redis, QueueName.INBOX)
    tasks.drain_inbox()
    assert seen == [0]


def test_intake_wakes_a_worker_and_hours_follow(house: House, redis: Redis) -> None:
    lab = Lab(modules={3: Module("Read: why write")})
    lab.read_role(STUDENT)
    lab.read_everything([])
    lab.enrol(6)
    lab.set_state(3, 6, 1)
    events = [item.as_event(n) for n, item in enumerate(lab.items) if item.sender == "wire"]
    house.post(events, [item.content for item in lab.items if item.sender == "reading"])
    assert len(queue(redis, QueueName.INBOX)) == 1
    work_through(redis)
    assert house.books()["standings"]["EBWI-BAY/6"]["minutes"] == 45
    assert not redis.keys("rq:job:*")


def test_nothing_that_matters_is_in_redis(house: House, redis: Redis) -> None:
    """Wiped between commit and work: the scheduler's look finds in the database what is due."""
    house.post(readings=[role(1), role(2)])
    redis.flushdb()
    work_through(redis)
    assert roles(house) == 0
    tasks.look()
    work_through(redis)
    assert roles(house) == 2


def test_redis_down_is_no_error() -> None:
    nobody = Redis.from_url("redis://127.0.0.1:1/0")
    assert wake(nobody, QueueName.INBOX) is False
    nobody.close()


def test_a_look_finds_what_was_left_dirty_and_what_is_due(house: House, redis: Redis) -> None:
    tasks.look()
    assert len(queue(redis, QueueName.INBOX)) == len(queue(redis, QueueName.RECONCILE)) == 0
    lab = Lab()
    lab.read_role(STUDENT)
    lab.read_course()
    lab.enrol(6, until=int(house.now.timestamp()) + 60)
    lab.read_pair(6)
    house.post(readings=[item.content for item in lab.items if item.sender == "reading"])
    house.work()
    redis.flushdb()
    assert house.books()["standings"]["EBWI-BAY/6"]["status"] == "active"
    tasks.look()
    assert len(queue(redis, QueueName.RECONCILE)) == 0
    house.now += timedelta(seconds=60)
    tasks.look()
    assert len(queue(redis, QueueName.RECONCILE)) == 1
    work_through(redis)
    assert house.books()["standings"]["EBWI-BAY/6"]["status"] == "suspended"


def test_a_look_takes_up_what_waits_for_something_known(house: House, redis: Redis) -> None:
    """Stored as waiting in the moment in which its course became known."""
    house.post(readings=[role(1)])
    with Session(house.engine) as session, session.begin():
        session.execute(update(InboxItem).values(status="waiting", waits_for="course:2"))
    tasks.look()
    assert house.waiting() == [("waiting", None)]
    lab = Lab()
    lab.read_course()
    house.post(readings=[lab.items[0].content])
    work_through(redis)
    tasks.look()
    work_through(redis)
    assert house.waiting() == []
    assert roles(house) == 1


@pytest.fixture
def schedule(house: House) -> Engine:
    """The periodic jobs' rows, all due."""
    scheduler.reconcile_jobs(house.engine)
    with Session(house.engine) as session, session.begin():
        session.execute(text("UPDATE periodic_jobs SET due_at = now() - interval '1 second'"))
    return house.engine


def test_of_two_schedulers_one_gets_each_job(schedule: Engine) -> None:
    every = sorted(scheduler.BY_NAME)
    assert scheduler.claim(schedule) == every
    assert scheduler.claim(schedule) == []


def test_two_schedulers_at_the_same_moment(schedule: Engine) -> None:
    """The second one waits for the first one's row, and then finds that it isn't due any more."""
    with Session(schedule) as first, first.begin():
        first.execute(update(PeriodicJob).values(due_at=func.now() + timedelta(hours=1)))
        with Session(schedule) as second, second.begin():
            second.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(Exception, match="lock timeout"):
                second.execute(text("UPDATE periodic_jobs SET claimed_at = now() WHERE due_at <= now()"))
    assert scheduler.claim(schedule) == []


def test_a_claimed_job_is_due_again_after_its_interval(schedule: Engine) -> None:
    scheduler.claim(schedule)
    with Session(schedule) as session:
        for row in session.scalars(select(PeriodicJob)):
            assert row.claimed_at is not None
            assert round((row.due_at - row.claimed_at).total_seconds(), 3) == row.every_seconds


def test_the_table_says_what_the_list_says(schedule: Engine) -> None:
    with Session(schedule) as session, session.begin():
        session.add(PeriodicJob(name="no_longer_there", every_seconds=5))
        session.execute(update(PeriodicJob).where(PeriodicJob.name == "look").values(every_seconds=77))
    scheduler.reconcile_jobs(schedule)
    with Session(schedule) as session:
        rows = {row.name: row.every_seconds for row in session.scalars(select(PeriodicJob))}
    assert rows == {job.__name__: seconds for job, seconds in scheduler.PERIODIC.items()}


def test_old_payloads_are_pruned_and_what_is_stuck_is_kept(house: House) -> None:
    house.post(readings=[role(1), role(2), {"kind": "role"}])
    house.work()
    with Session(house.engine) as session, session.begin():
        old = text(
            "UPDATE inbox SET processed_at = now() - interval '1 day' * :days WHERE id = (SELECT min(id) FROM inbox)"
        )
        session.execute(old, {"days": house.settings.payload_retention_days + 1})
    tasks.prune_inbox()
    with Session(house.engine) as session:
        assert sorted(session.scalars(select(InboxItem.status))) == ["done", "quarantined"]
