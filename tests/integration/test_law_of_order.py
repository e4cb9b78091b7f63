"""Law 2: the same inputs give the same net, to the minute, whatever their order, repetition and batching."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import Engine

from records.settings import Settings
from tests.support.house import House
from tests.support.lab import STUDENT, TEACHER, Item, Lab, Module

USERS = [6, 7]
MODULES = [3, 4, 13]
FORMS = [("Read: why write", ""), ("A page", ""), ("A page", "ACT-LOG"), ("Read: how to write", "")]
"""Worth 45, 20, 60 and 45 minutes."""
EXAMPLES = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@dataclass
class Bench:
    """A house whose tables are emptied between two runs."""

    house: House
    owner: Engine

    def outcome(self, deliveries: Sequence[Sequence[tuple[int, int, Item]]], *, pauses: set[int]) -> dict[str, Any]:
        """What the books say after these deliveries of (number, copy, item); work is done after those in `pauses`."""
        self.house.reset(self.owner)
        for turn, delivery in enumerate(deliveries):
            events = [item.as_event(number, copy) for number, copy, item in delivery if item.sender == "wire"]
            readings = [item.content for _, _, item in delivery if item.sender == "reading"]
            if events or readings:
                self.house.post(events, readings)
            for _, _, item in delivery:
                if item.sender == "local_webhooks":
                    self.house.post_local_webhooks(item.content)
            if turn in pauses:
                self.house.work()
        self.house.work()
        assert self.house.differences() == []
        assert self.house.waiting("dead", "quarantined") == []
        return self.house.books()


@pytest.fixture
def bench(settings: Settings, engine: Engine, owner_engine: Engine, redis: Redis) -> Iterator[Bench]:
    """A house for many examples."""
    yield Bench(House(settings, engine, redis), owner_engine)


def act(draw: st.DrawFn, lab: Lab) -> None:
    """One thing that happens at the site, or is read of it."""
    user, module = draw(st.sampled_from(USERS)), draw(st.sampled_from(MODULES))
    sender = draw(st.sampled_from(["wire", "wire", "wire", "local_webhooks"]))
    actions = {
        "state": lambda: lab.set_state(module, user, draw(st.sampled_from([0, 1, 2, 3])), sender=sender),
        "view": lambda: lab.view(module, user),
        "override": lambda: lab.set_state(module, user, draw(st.sampled_from([0, 1])), by=44),
        "phantom": lambda: lab.set_state(module, user, 1, sender="local_webhooks", keep=False),
        "enrol": lambda: lab.enrol(user, draw(st.sampled_from([STUDENT, STUDENT, TEACHER]))),
        "leave": lambda: lab.leave(user),
        "suspend": lambda: lab.suspend(user, draw(st.sampled_from([0, 1]))),
        "role": lambda: lab.assign_role(user, draw(st.sampled_from([STUDENT, TEACHER]))),
        "unassign": lambda: lab.unassign_roles(user),
        "group": lambda: lab.group(user, 1, member=draw(st.booleans())),
        "rename": lambda: rename(lab, module, draw(st.sampled_from(FORMS))),
        "place": lambda: place(lab, draw(st.sampled_from(["", "COP-EBWI-BAY", "COP-IDL-LA", "COP-EBRI-BAY"]))),
        "delete_module": lambda: lab.delete_module(module),
        "reset": lab.reset,
        "delete_account": lambda: lab.delete_account(user),
        "read_course": lab.read_course,
        "read_module": lambda: lab.read_module(module),
        "read_pair": lambda: lab.read_pair(user),
        "read_account": lambda: lab.read_account(user),
        "read_completion": lambda: lab.read_completion(module, user),
        "read_role": lambda: lab.read_role(draw(st.sampled_from([STUDENT, TEACHER]))),
        "sweep": lambda: lab.read_everything(USERS),
    }
    actions[draw(st.sampled_from(sorted(actions)))]()


def rename(lab: Lab, module: int, form: tuple[str, str]) -> None:
    if lab.modules[module].present:
        lab.modules[module] = Module(*form)


def place(lab: Lab, idnumber: str) -> None:
    lab.idnumber = idnumber


@st.composite
def streams(draw: st.DrawFn) -> list[Item]:
    """What a site sends over some seconds; often several things within one second."""
    forms = draw(st.lists(st.sampled_from(FORMS), min_size=len(MODULES), max_size=len(MODULES)))
    lab = Lab(modules={module: Module(*form) for module, form in zip(MODULES, forms, strict=True)})
    lab.idnumber = draw(st.sampled_from(["COP-EBWI-BAY", "COP-EBWI-BAY", ""]))
    if draw(st.booleans()):
        lab.read_everything(USERS)
        lab.now += 1
    if draw(st.booleans()):
        for user in USERS:
            lab.enrol(user)
    for _ in range(draw(st.integers(3, 14))):
        lab.now += draw(st.sampled_from([0, 0, 1, 5]))
        act(draw, lab)
    return lab.items


@st.composite
def deliveries(draw: st.DrawFn, items: list[Item]) -> list[list[tuple[int, int, Item]]]:
    """The items in another order, some of them twice, cut into batches."""
    numbered = [(number, 0, item) for number, item in enumerate(items)]
    again = draw(st.lists(st.sampled_from(numbered), max_size=4)) if numbered else []
    copies = [(number, draw(st.integers(0, 1)), item) for number, _, item in again]
    order = draw(st.permutations(numbered + copies))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=5)) | {0, len(order)})
    return [list(order[a:b]) for a, b in zip(cuts, cuts[1:], strict=False)]


@EXAMPLES
@given(data=st.data(), items=streams())
def test_any_order_repetition_and_batching_gives_the_same_books(
    bench: Bench, data: st.DataObject, items: list[Item]
) -> None:
    straight = [[(number, 0, item)] for number, item in enumerate(items)]
    expected = bench.outcome([[step[0] for step in straight]], pauses=set())
    shuffled = data.draw(deliveries(items))
    pauses = data.draw(st.sets(st.integers(0, 5)))
    assert bench.outcome(shuffled, pauses=pauses) == expected
