"""Things that happen at the same time: all of them wait for one row, and are let go together."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from records.models import Membership

T = TypeVar("T")
WAITING = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")
PATIENCE = 20.0
"""Seconds."""


def at_once(
    engine: Engine,
    membership: UUID,
    acts: Sequence[Callable[[], T]],
    meanwhile: Callable[[Session], object] = lambda _session: None,
) -> list[T]:
    """Carry out acts in threads, none of which gets by a membership before all of them stand before a lock; what each
    returns. `meanwhile`: looked at while they stand there, in the session that holds the membership."""
    with ThreadPoolExecutor(len(acts)) as pool:
        with Session(engine) as holding, holding.begin():
            holding.execute(select(Membership.id).where(Membership.id == membership).with_for_update())
            futures = [pool.submit(act) for act in acts]
            began = time.monotonic()
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watching:
                while watching.scalar(WAITING) < len(acts) and not any(future.done() for future in futures):
                    assert time.monotonic() - began < PATIENCE, "they don't come to stand before the lock"
            meanwhile(holding)
        return [future.result() for future in futures]
