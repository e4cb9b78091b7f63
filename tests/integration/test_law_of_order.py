"""Law 2: the same inputs give the same net, to the minute, whatever their order, repetition and batching."""

import itertools
import random
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.kinds.events import INTERESTING
from tests.golden import case as golden
from tests.support.bench import Bench, open_bench
from tests.support.house import LAB
from tests.support.lab import START, STUDENT, TEACHER, Item, Lab, Module
from tests.support.servers import Servers

USERS = [6, 7]
MODULES = [3, 4, 13]
FORMS = [("Read: why write", ""), ("A page", ""), ("A page", "ACT-LOG"), ("Read: how to write", "")]
"""Worth 45, 20, 60 and 45 minutes."""
STATED = [(None, ""), (30, ""), (90, "face_to_face"), (90, "unheard"), (9_000, "online")]
"""Hours in an activity's form; the last two are never taken."""
EXAMPLES = settings(
    max_examples=14,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


Delivery = Sequence[tuple[int, int, Item]]
"""(number in the stream, copy, item) of what comes together."""


def outcome(bench: Bench, deliveries: Sequence[Delivery], *, pauses: Collection[int] = ()) -> dict[str, Any]:
    """What the books say after these deliveries; work is done after those in `pauses`, and in the end."""
    house = bench.emptied()
    for turn, delivery in enumerate(deliveries):
        events = [item.as_event(number, copy) for number, copy, item in delivery if item.sender == "wire"]
        readings = [item.content for _, _, item in delivery if item.sender == "reading"]
        if events or readings:
            house.post(events, readings)
        for _, _, item in delivery:
            if item.sender == "local_webhooks":
                house.post_local_webhooks(item.content)
        if turn in pauses:
            house.work()
    house.work()
    assert house.differences() == []
    assert house.waiting("dead", "quarantined") == []
    return house.books()


def act(draw: st.DrawFn, lab: Lab) -> None:
    """One thing that happens at the site, or is read of it."""
    user, module = draw(st.sampled_from(USERS)), draw(st.sampled_from(MODULES))
    sender = draw(st.sampled_from(["wire", "wire", "wire", "local_webhooks"]))
    actions: dict[str, Callable[[], None]] = {
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
        "lose": lambda: lab.lose(user),
        "reset": lab.reset,
        "delete_account": lambda: lab.delete_account(user),
        "read_course": lab.read_course,
        "read_module": lambda: lab.read_module(module, hours=draw(st.booleans())),
        "declare": lambda: declare(lab, module, draw(st.sampled_from(STATED))),
        "read_pair": lambda: lab.read_pair(user),
        "read_roughly": lambda: lab.read_roughly(user),
        "read_completions": lambda: lab.read_completions(user),
        "read_account": lambda: lab.read_account(user),
        "read_completion": lambda: lab.read_completion(module, user, whole=draw(st.booleans())),
        "read_role": lambda: lab.read_role(draw(st.sampled_from([STUDENT, TEACHER]))),
        "sweep": lambda: lab.read_everything(USERS),
    }
    actions[draw(st.sampled_from(sorted(actions)))]()


def rename(lab: Lab, module: int, form: tuple[str, str]) -> None:
    if lab.modules[module].present:
        lab.modules[module] = replace(lab.modules[module], name=form[0], idnumber=form[1])


def declare(lab: Lab, module: int, stated: tuple[int | None, str]) -> None:
    """Another amount in an activity's form, which is read soon or later."""
    lab.modules[module] = replace(lab.modules[module], minutes=stated[0], component=stated[1])


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
def deliveries(draw: st.DrawFn, items: list[Item]) -> list[Delivery]:
    """The items in another order, some of them twice, cut into batches."""
    numbered = [(number, 0, item) for number, item in enumerate(items)]
    again = draw(st.lists(st.sampled_from(numbered), max_size=4)) if numbered else []
    copies = [(number, draw(st.integers(0, 1)), item) for number, _, item in again]
    order = draw(st.permutations(numbered + copies))
    cuts = sorted(draw(st.sets(st.integers(0, len(order)), max_size=5)) | {0, len(order)})
    return [list(order[a:b]) for a, b in itertools.pairwise(cuts)]


@pytest.fixture(scope="module")
def accepting_bench(servers: Servers, template: str) -> Iterator[Bench]:
    """A house whose program takes hours from Moodle at once."""
    with open_bench(servers, template, f"{LAB}hours_from_moodle: {{take: accept, max_hours: 4}}\n") as opened:
        yield opened


@settings(EXAMPLES, max_examples=8)
@given(data=st.data(), items=streams())
def test_hours_that_count_at_once_count_the_same_in_any_order(
    accepting_bench: Bench, data: st.DataObject, items: list[Item]
) -> None:
    expected = outcome(accepting_bench, straight(items))
    shuffled = data.draw(deliveries(items))
    assert outcome(accepting_bench, shuffled, pauses=data.draw(st.sets(st.integers(0, 5)))) == expected


def straight(items: Sequence[Item]) -> list[Delivery]:
    return [[(number, 0, item) for number, item in enumerate(items)]]


@EXAMPLES
@given(data=st.data(), items=streams())
def test_any_order_repetition_and_batching_gives_the_same_books(
    bench: Bench, data: st.DataObject, items: list[Item]
) -> None:
    expected = outcome(bench, straight(items))
    shuffled = data.draw(deliveries(items))
    assert outcome(bench, shuffled, pauses=data.draw(st.sets(st.integers(0, 5)))) == expected


RECORDED = [
    "assign_graded_completes",
    "grade_to_null",
    "grade_again",
    "quiz_fail",
    "quiz_fail_then_pass",
    "complete_by_view_page",
    "override_complete",
    "view_after_override",
    "override_incomplete",
    "manual_complete_for_course",
    "uncomplete_after_course_completed",
    "recomplete",
    "re_enrol",
    "emit_enrolment_deleted",
    "emit_enrolment_suspended",
    "role_assign",
    "role_unassign",
    "user_delete",
    "completion_settings_back",
    "cohort_add_member_synced",
    "cohort_remove_member_synced",
    "course_delete",
]


def recorded_stream() -> list[Item]:
    """What was recorded of one course, after what was read of it first, and before it was read again."""
    case = {"courses": [2, 3, 4, 5], "students": {2: "6-9,12,37,46"}}
    items = [Item("reading", reading) for reading in golden.given_readings(case)]
    for name in RECORDED:
        events = golden.recorded(f"sequences/{name}")
        items += [Item("wire", e) for e in events if e["eventname"].rsplit("\\", 1)[1] in OURS]
    gone = {"kind": "completion", "course": 2, "present": False}
    items.append(Item("reading", gone | {"read_at": 1_795_293_906.5, "module": 6, "user": 6}))
    held = gone | {"present": True, "state": 0, "timemodified": 1_795_293_850, "overrideby": None}
    items.append(Item("reading", held | {"read_at": 1_795_293_850.9, "module": 4, "user": 12}))
    return items


OURS = {name.rsplit("\\", 1)[1] for name in INTERESTING}


@settings(EXAMPLES, max_examples=8)
@given(data=st.data())
def test_a_recorded_stream_in_any_order_gives_the_same_books(bench: Bench, data: st.DataObject) -> None:
    items = recorded_stream()
    expected = outcome(bench, straight(items))
    assert len(expected["facts"]) > 15
    shuffled = data.draw(deliveries(items))
    assert outcome(bench, shuffled, pauses=data.draw(st.sets(st.integers(0, 5)))) == expected


Play = Callable[[Lab], object]


def lines(*steps: Play, idnumber: str = "COP-EBWI-BAY") -> list[Item]:
    """What is sent while these things happen, one a second."""
    lab = Lab(modules={module: Module("Read: why write") for module in MODULES}, idnumber=idnumber)
    for step in steps:
        step(lab)
        lab.now += 1
    return lab.items


def together(*acts: Play) -> Play:
    """Things of one second."""

    def all_of_them(lab: Lab) -> None:
        for act in acts:
            act(lab)

    return all_of_them


def base(lab: Lab) -> None:
    lab.read_role(STUDENT)
    lab.read_course()
    lab.read_module(3)


SMALL = {
    "an activity is renamed and deleted": lines(
        lambda lab: lab.read_module(3),
        together(lambda lab: rename(lab, 3, FORMS[2]), lambda lab: lab.read_module(3)),
        lambda lab: lab.delete_module(3),
        lambda lab: lab.read_course(),
    ),
    "an activity gets a form that earns, and another": lines(
        together(lambda lab: rename(lab, 3, ("Odd", "")), lambda lab: lab.read_module(3)),
        together(lambda lab: rename(lab, 3, FORMS[2]), lambda lab: lab.read_module(3)),
        together(lambda lab: rename(lab, 3, FORMS[0]), lambda lab: lab.read_module(3)),
        lambda lab: lab.read_course(),
    ),
    "hours are stated, by who can tell and who can't": lines(
        lambda lab: lab.read_course(),
        together(lambda lab: declare(lab, 3, (30, "")), lambda lab: lab.read_module(3, hours=True)),
        together(lambda lab: rename(lab, 3, FORMS[2]), lambda lab: lab.read_module(3)),
        together(lambda lab: declare(lab, 3, (90, "face_to_face")), lambda lab: lab.read_module(3, hours=True)),
    ),
    "hours are withdrawn and the activity is deleted": lines(
        lambda lab: lab.read_course(),
        together(lambda lab: declare(lab, 3, (30, "")), lambda lab: lab.read_module(3, hours=True)),
        together(lambda lab: declare(lab, 3, (None, "")), lambda lab: lab.read_module(3, hours=True)),
        lambda lab: lab.delete_module(3),
    ),
    "a community's course is renamed": lines(
        lambda lab: lab.read_course(),
        lambda lab: lab.enrol(6),
        together(lambda lab: place(lab, "COP-IDL-LA"), lambda lab: lab.read_course()),
        lambda lab: lab.read_role(STUDENT),
    ),
    "enrolled, read, gone, and back": lines(
        together(lambda lab: lab.enrol(6), lambda lab: lab.read_pair(6)),
        lambda lab: lab.leave(6),
        lambda lab: lab.read_course(),
    ),
    "a reading leaves out what an event told before": lines(
        lambda lab: lab.enrol(6),
        together(lambda lab: lab.lose(6), lambda lab: lab.read_pair(6)),
        lambda lab: lab.read_course(),
    ),
    "suspended in between": lines(
        lambda lab: lab.enrol(6, until=START + 500_000),
        together(lambda lab: lab.suspend(6, 1), lambda lab: lab.read_pair(6)),
        lambda lab: lab.read_course(),
    ),
    "done, reset and deleted": lines(
        lambda lab: lab.read_course(),
        lambda lab: lab.read_module(3),
        lambda lab: lab.set_state(3, 6, 2),
        together(lambda lab: lab.reset(), lambda lab: lab.read_completion(3, 6)),
    ),
    "read in the very second of the tick": lines(
        base,
        together(
            lambda lab: lab.read_completion(3, 6, whole=True),
            lambda lab: lab.set_state(3, 6, 1),
        ),
    ),
    "roughly read, and gone": lines(
        lambda lab: lab.enrol(6),
        lambda lab: lab.read_roughly(6),
        lambda lab: lab.leave(6),
        lambda lab: lab.read_course(),
    ),
    "roughly read, suspended, and read by rows": lines(
        together(lambda lab: lab.enrol(6), lambda lab: lab.read_roughly(6)),
        together(lambda lab: lab.suspend(6, 1), lambda lab: lab.read_roughly(6)),
        lambda lab: lab.read_pair(6),
        lambda lab: lab.read_course(),
    ),
    "all completions at once, and a tick": lines(
        base,
        lambda lab: lab.read_module(4),
        lambda lab: lab.read_module(13),
        lambda lab: lab.set_state(3, 6, 1),
        together(lambda lab: lab.reset(), lambda lab: lab.read_completions(6)),
        lambda lab: lab.set_state(4, 6, 2),
    ),
    "a phantom, and what Moodle has": lines(
        base,
        lambda lab: lab.set_state(3, 6, 1, sender="local_webhooks", keep=False),
        lambda lab: lab.read_completion(3, 6),
    ),
}


@pytest.mark.parametrize("name", SMALL)
def test_other_orders_of_few_things_give_the_same_books(bench: Bench, name: str) -> None:
    check_orders(bench, name)


@pytest.mark.parametrize("name", [name for name in SMALL if "hours" in name])
def test_other_orders_of_hours_that_count_at_once_give_the_same_books(accepting_bench: Bench, name: str) -> None:
    check_orders(accepting_bench, name)


def check_orders(bench: Bench, name: str) -> None:
    """Each item worked off by itself; the orders are drawn once and for all, the reverse is among them."""
    numbered = [(number, 0, item) for number, item in enumerate(SMALL[name])]
    expected = outcome(bench, straight(SMALL[name]))
    orders = list(itertools.permutations(numbered))
    for order in [numbered, numbered[::-1], *random.Random(name).sample(orders, 5)]:
        found = outcome(bench, [[step] for step in order], pauses=range(len(order)))
        assert found == expected, [step[0] for step in order]
