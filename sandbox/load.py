"""Wire batches for load: a synthetic course of any size, the same ones for the same seed."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.recording import Event, Scene, play, recorded

Batch = dict[str, Any]
Reading = dict[str, Any]

MAX_READINGS = 5_000
STUDENT = 5


@dataclass(frozen=True)
class Load:
    """A course of `users` times `modules`, and how its events are cut into batches.

    Times begin at `start` and pass at `per_second` events a second of Moodle's clock. Every
    activity is ticked once by everyone before anything is taken back and ticked again.
    """

    users: int = 100
    modules: int = 12
    events: int = 1_000
    per_batch: int = 50
    seed: int = 1
    start: int = 1_795_300_000
    per_second: int = 20
    course: int = 900
    course_idnumber: str = "COP-EBWIESL-BAY"
    wwwroot: str = "https://moodle.example.org"
    epoch: str = "018f6c2e-0000-7000-8000-0000000000aa"
    complete_readings: bool = True
    """Whether a batch holds every reading that its events need, or the completion rows alone."""


def site_batches(load: Load) -> Iterator[Batch]:
    """Readings of the course, its modules and people, to be sent before any event."""
    found = [_role(), _course(load)]
    found += [_module(load, number) for number in range(load.modules)]
    for number in range(load.users):
        found += [_account(load, number), _enrolment(load, number)]
    for start in range(0, len(found), MAX_READINGS):
        yield _batch(load, float(load.start), [], found[start : start + MAX_READINGS])


def event_batches(load: Load) -> Iterator[Batch]:
    """`load.events` completion events, each batch with the readings that it needs."""
    states: dict[tuple[int, int], tuple[int, int]] = {}
    steps = _steps(load)
    ids = random.Random(f"ids {load.seed}")
    for first in range(0, load.events, load.per_batch):
        events, touched = [], []
        for sequence in range(first, min(first + load.per_batch, load.events)):
            user, module = next(steps)
            now = load.start + sequence // load.per_second
            state = 1 - states.get((user, module), (0, 0))[0]
            states[user, module] = (state, now)
            touched.append((user, module))
            identity = str(uuid.UUID(int=ids.getrandbits(128), version=4))
            data = _event(load, user, module, state, now)
            events.append({"id": identity, "sequence": sequence + 1, "data": data})
        yield _batch(load, now + 0.9, events, _readings(load, touched, states))


def batches(load: Load) -> Iterator[Batch]:
    """The site's readings, then the events."""
    yield from site_batches(load)
    yield from event_batches(load)


def user_id(load: Load, number: int) -> int:
    """The Moodle id of the n-th person."""
    return load.course * 100_000 + number + 1


def module_id(load: Load, number: int) -> int:
    """The Moodle id of the n-th activity."""
    return load.course * 1_000 + number + 1


def _steps(load: Load) -> Iterator[tuple[int, int]]:
    lots = random.Random(load.seed)
    pairs = [(user, module) for user in range(load.users) for module in range(load.modules)]
    while True:
        lots.shuffle(pairs)
        yield from pairs


def _event(load: Load, user: int, module: int, state: int, now: int) -> Event:
    person = user_id(load, user)
    scene = Scene(
        participant=person,
        actor=person,
        contact=person,
        course=load.course,
        course_context=load.course,
        now=now,
        numbers=_no_numbers,
        module=module_id(load, module),
        module_context=module_id(load, module),
        modname="page",
        instance=module + 1,
        rows={"course_modules_completion": _row_id(load, user, module)},
    )
    return play(recorded("complete_manual" if state else "manual_uncomplete_p3"), scene)[0]


def _no_numbers(kind: str, key: str) -> int:
    """Ticking and un-ticking speak of nothing that has no table."""
    raise LookupError(f"a tick has no {kind} {key}")


def _row_id(load: Load, user: int, module: int) -> int:
    return load.course * 1_000_000 + user * load.modules + module + 1


def _readings(
    load: Load, touched: list[tuple[int, int]], states: dict[tuple[int, int], tuple[int, int]]
) -> list[Reading]:
    pairs = sorted(set(touched))
    found: list[Reading] = []
    if load.complete_readings:
        found.append(_course(load))
        found += [_module(load, number) for number in sorted({module for _, module in pairs})]
        people = sorted({user for user, _ in pairs})
        found += [_account(load, number) for number in people]
        found += [_enrolment(load, number) for number in people]
    return found + [_completion(load, *pair, *states[pair]) for pair in pairs]


def _batch(load: Load, now: float, events: list[Any], found: list[Reading]) -> Batch:
    return {
        "version": 1,
        "wwwroot": load.wwwroot,
        "epoch": load.epoch,
        "sent_at": now,
        "events": events,
        "readings": [{"kind": r["kind"], "read_at": now} | r for r in found],
    }


def _role() -> Reading:
    return {"kind": "role", "role": STUDENT, "shortname": "student"}


def _course(load: Load) -> Reading:
    return {
        "kind": "course",
        "course": load.course,
        "present": True,
        "shortname": f"LOAD-{load.course}",
        "fullname": "A community for load",
        "idnumber": load.course_idnumber,
        "category": 2,
        "visible": True,
        "startdate": load.start - 86_400,
        "enddate": 0,
    }


def _module(load: Load, number: int) -> Reading:
    return {
        "kind": "module",
        "module": module_id(load, number),
        "course": load.course,
        "present": True,
        "modname": "page",
        "name": f"Activity {number + 1}",
        "idnumber": f"ACT-{number + 1:02}",
        "section_number": 1,
        "section_name": "Before session 1",
        "visible": True,
        "tracking": 1,
    }


def _account(load: Load, number: int) -> Reading:
    name = f"load{load.course}-{number + 1:06}"
    return {
        "kind": "account",
        "user": user_id(load, number),
        "present": True,
        "username": name,
        "idnumber": name.upper(),
        "email": f"{name}@example.org",
        "firstname": "Load",
        "lastname": f"Person {number + 1}",
        "suspended": False,
        "profile": {},
    }


def _enrolment(load: Load, number: int) -> Reading:
    row = load.course * 100_000 + number + 1
    enrolment = {"id": row, "method": "manual", "status": 0, "timestart": 0, "timeend": 0}
    return {
        "kind": "enrolment",
        "course": load.course,
        "user": user_id(load, number),
        "enrolments": [enrolment],
        "roles": [{"id": row, "role": STUDENT, "shortname": "student"}],
        "groups": [],
    }


def _completion(load: Load, user: int, module: int, state: int, time: int) -> Reading:
    return {
        "kind": "completion",
        "module": module_id(load, module),
        "course": load.course,
        "user": user_id(load, user),
        "present": True,
        "state": state,
        "timemodified": time,
        "overrideby": None,
    }
