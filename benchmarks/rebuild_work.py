"""The work that benchmarks.rebuild measures, as one process does it: the house's own functions, chunk by chunk.

Relies on `answers.inputs_of`, `answers.answer` and `ledger.reconcile` alone.
"""

import gc
import os
import resource
import time
from array import array
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait
from threading import Thread
from uuid import UUID

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from benchmarks.rebuild_seed import membership_id
from records import answers, ledger
from records.database import make_engine
from records.models import Membership

CHUNK = answers.AT_ONCE
LOCKED = 200
"""As many as jobs.reconcile locks at once."""
NOW = datetime(2026, 3, 1, tzinfo=UTC)
"""After all that was seeded."""
MARKS = (0.1, 0.5, 1.0)
"""The parts of the work after which the peak of memory is noted."""


@dataclass(frozen=True)
class Work:
    """What one process did. `began`, `ended` in seconds of a clock that all processes share, `cpu` in seconds;
    `peaks` in MiB, at MARKS; `minutes` of each membership in order, or entries written of each chunk."""

    began: float
    ended: float
    cpu: float
    peaks: tuple[float, ...]
    minutes: "array[int]"


def chunks_of(url: str, members: range) -> list[list[UUID]]:
    """The ids of memberships, by their places from 1 in the order in which `copbridge rebuild` reads them: those of
    one community together."""
    engine = make_engine(url, pool_size=1)
    try:
        with Session(engine) as session:
            ordered = select(Membership.id).order_by(Membership.community_id, Membership.id)
            return _cut(list(session.scalars(ordered.offset(members.start - 1).limit(len(members)))), CHUNK)
    finally:
        engine.dispose()


def _cut(ids: list[UUID], size: int) -> list[list[UUID]]:
    return [ids[start : start + size] for start in range(0, len(ids), size)]


def recompute(url: str, members: range) -> Work:
    """Compute every membership from its inputs, as `copbridge rebuild` does, and keep its minutes alone."""
    return _worked(url, chunks_of(url, members), _compute)


def reconcile(url: str, members: range) -> Work:
    """Bring the ledger in line, a transaction a chunk, as the worker does: those marked first come first, whatever
    their communities."""
    return _worked(url, _cut([membership_id(number) for number in members], LOCKED), _write)


def _compute(engine: Engine, ids: list[UUID]) -> Iterator[int]:
    with Session(engine) as session:
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
        inputs = answers.inputs_of(session, ids)
        minutes = {item.membership.id: answers.answer(item, NOW).standing.minutes for item in inputs}
        yield from (minutes[membership] for membership in ids)


def _write(engine: Engine, ids: list[UUID]) -> Iterator[int]:
    with Session(engine) as session, session.begin():
        yield ledger.reconcile(session, ids, NOW)


def _worked(url: str, chunks: list[list[UUID]], work: Callable[[Engine, list[UUID]], Iterator[int]]) -> Work:
    # As the command line does.
    gc.freeze()
    marks = [max(1, round(len(chunks) * mark)) for mark in MARKS]
    # Eight bytes a membership: what is kept must not look like memory that the engine needs.
    found, peaks = array("q"), list[float]()
    engine = make_engine(url, pool_size=1)
    try:
        began, cpu = time.monotonic(), time.process_time()
        for number, ids in enumerate(chunks, 1):
            found.extend(work(engine, ids))
            peaks += [_peak()] * marks.count(number)
        return Work(began, time.monotonic(), time.process_time() - cpu, tuple(peaks), found)
    finally:
        engine.dispose()


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def spread(work: Callable[[str, range], Work], url: str, members: range, processes: int) -> list[Work]:
    """The same work by fresh processes, each on a range of the ids."""
    edges = [members.start + len(members) * number // processes for number in range(processes + 1)]
    shares = [range(*edge) for edge in pairwise(edges)]
    # Out of a server that holds the imports and no more: a peak of memory must be the work's own.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_end_with_parent) as pool:
        return list(pool.map(work, [url] * processes, shares))


def _end_with_parent() -> None:
    """A worker whose parent was killed would wait for work for ever."""
    parent = parent_process()
    if parent is not None:
        Thread(target=_watch, args=(parent.sentinel,), daemon=True).start()


def _watch(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
