"""How much waits for somebody to decide: all queues counted by one statement, since every page tells the sum."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from records import late_changes, review
from records.actor import Actor
from records.programs import versions_by_program
from records.queries import adoptions, approvals, mapping


class Queue(StrEnum):
    """A queue of things to decide."""

    ATTENDANCE = "attendance"
    HOURS = "hours"
    MAPPING = "mapping"
    ADOPTIONS = "adoptions"
    LATE = "late"


COUNTED: dict[Queue, Callable[[Actor, approvals.Versions], Select[Any]]] = {
    Queue.ATTENDANCE: lambda actor, _programs: review.counted(actor),
    Queue.HOURS: approvals.counted,
    Queue.MAPPING: lambda actor, _programs: mapping.counted(actor),
    Queue.ADOPTIONS: lambda actor, _programs: adoptions.counted(actor),
    Queue.LATE: lambda actor, _programs: late_changes.counted(actor),
}
"""What counts each queue, in the actor's scope. It has to be cheap, whatever else the records hold."""
KEPT = 64
"""Of so many people the statement is kept, spelt out: to spell it costs more than to run it."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """The programs as they are loaded; the same while the versions are, which never change."""

    ids: tuple[str, ...]
    programs: approvals.Versions = field(compare=False)


def counts(session: Session, reach: Mapping[Queue, Actor]) -> dict[Queue, int]:
    """How much is in each queue of `reach`, for the actor who decides about that one."""
    if not reach:
        return {}
    programs = versions_by_program(session) if Queue.HOURS in reach else {}
    ids = tuple(version.id for versions in programs.values() for version in versions)
    row = session.execute(_counting(tuple(reach.items()), _Loaded(ids, programs))).one()
    return {queue: int(value or 0) for queue, value in zip(reach, row, strict=True)}


@lru_cache(maxsize=KEPT)
def _counting(reach: tuple[tuple[Queue, Actor], ...], loaded: _Loaded) -> Select[Any]:
    counted = [(queue, COUNTED[queue](actor, loaded.programs)) for queue, actor in reach]
    return select(*(wanted.scalar_subquery().label(queue) for queue, wanted in counted))
