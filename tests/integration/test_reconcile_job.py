"""The jobs take turns, and one membership that can't be reconciled holds up no other."""

import json
from datetime import UTC, datetime
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from jobs import process, reconcile, runtime, tasks
from jobs.queues import QueueName, flag
from records import answers, inbox, ledger
from records.models import InboxItem, Membership, uuid7
from records.settings import Settings
from tests.support import readings
from tests.support.seed import seed


def now() -> datetime:
    return datetime.now(UTC)


def dirty(engine: Engine) -> list[UUID]:
    with Session(engine) as session:
        return list(session.scalars(select(Membership.id).where(Membership.dirty_at.is_not(None))))


def test_a_membership_that_cannot_be_reconciled_holds_up_no_other(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    seed(engine)
    with Session(engine) as session, session.begin():
        session.execute(update(Membership).values(dirty_at=func.now()))
        poisoned = session.scalars(select(Membership.id).order_by(Membership.id)).first()
    right = answers.answer

    def answer(inputs: answers.Inputs, moment: datetime) -> answers.Answer:
        if inputs.membership.id == poisoned:
            raise ArithmeticError("this one is broken")
        return right(inputs, moment)

    monkeypatch.setattr(ledger, "answer", answer)
    everybody = len(dirty(engine))
    assert reconcile.reconcile_dirty(engine, now) == everybody - 1
    assert dirty(engine) == [poisoned]
    monkeypatch.setattr(ledger, "answer", right)
    assert reconcile.reconcile_dirty(engine, now) == 1
    assert dirty(engine) == []


def test_a_steady_stream_of_events_leaves_reconciling_its_turn(
    engine: Engine, settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at the inbox ends after a few batches, with both queues asked for."""
    seeded = seed(engine)
    monkeypatch.setattr(tasks, "TURNS", 1)
    monkeypatch.setattr(process.drain, "__kwdefaults__", {"batch": 2, "turns": None})
    found = [json.dumps(readings.account(1_000 + number)).encode() for number in range(5)]
    with engine.begin() as connection:
        items = [inbox.NewItem(seeded.site, "wire", uuid7(), "reading.account", payload) for payload in found]
        inbox.store(connection, items)
    runtime.begin(runtime.Runtime(settings, engine, redis, now))
    assert tasks.drain_inbox() == 2
    with Session(engine) as session:
        assert session.scalar(select(func.count()).where(InboxItem.status == "pending")) == 3
    assert redis.exists(flag(QueueName.RECONCILE), flag(QueueName.INBOX)) == 2
