"""Workers side by side: the books say what they would have said one after another."""

import threading
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import process, reconcile
from records import inbox
from records.database import make_engine
from records.models import InboxItem, LedgerEntry
from tests.support.bench import Bench
from tests.support.house import House
from tests.support.lab import STUDENT, Item, Lab, Module
from tests.support.servers import Database

USER, OTHER, PAGE, LOG = 6, 7, 3, 4
OVERLAP_SECONDS = 0.4
"""So long a transaction is kept open beside another one, which is done or waits for it by then."""


def fresh_lab() -> Lab:
    return Lab(modules={PAGE: Module("Read: why write"), LOG: Module("A page", "ACT-LOG")})


def send(house: House, items: list[Item]) -> list[int]:
    """Post items as one batch. Returns the inbox ids that are due."""
    events = [item.as_event(zlib.crc32(repr(item).encode())) for item in items if item.sender == "wire"]
    house.post(events, [item.content for item in items if item.sender == "reading"])
    with Session(house.engine) as session:
        return list(session.scalars(select(InboxItem.id).where(InboxItem.status == "pending").order_by(InboxItem.id)))


def overlapped(house: House, first: list[int], second: list[int]) -> None:
    """Process `first`, and `second` with its reconciling before `first` commits."""

    def other() -> None:
        process.process(house.engine, house.settings.encryption_key, second)
        reconcile.reconcile_dirty(house.engine, house.clock)

    thread = threading.Thread(target=other)

    def begin(*, alone: bool) -> None:
        with Session(house.engine) as session, session.begin():
            process.work_off(session, house.settings.encryption_key, inbox.take(session, first), alone=alone)
            thread.start()
            thread.join(OVERLAP_SECONDS)

    try:
        begin(alone=False)
    except process.NeedsToBeAlone:
        begin(alone=True)
    thread.join()


Act = Callable[[Lab], None]


def known(lab: Lab) -> None:
    """The course is a community, its activities are known."""
    lab.read_role(STUDENT)
    lab.read_everything([])


def member(lab: Lab) -> None:
    known(lab)
    lab.enrol(USER)


def no_community(lab: Lab) -> None:
    lab.idnumber = ""
    known(lab)


def member_of_none(lab: Lab) -> None:
    no_community(lab)
    lab.enrol(USER)


def done_in_none(lab: Lab) -> None:
    no_community(lab)
    complete(lab)


def done_without_role(lab: Lab) -> None:
    lab.read_everything([])
    complete(lab)


def done_in_other_form(lab: Lab) -> None:
    """Known in a form that no rule matches."""
    lab.modules[PAGE] = Module("Odd", modname="workshop")
    known(lab)
    complete(lab)
    lab.modules[PAGE] = Module("Read: why write")


def complete(lab: Lab) -> None:
    lab.set_state(PAGE, USER, 1)


def enrol(lab: Lab) -> None:
    lab.enrol(USER)


def leave(lab: Lab) -> None:
    lab.leave(USER)


def delete(lab: Lab) -> None:
    lab.delete_module(PAGE)


def place(lab: Lab) -> None:
    lab.idnumber = "COP-EBWI-BAY"
    lab.read_course()


def new_activity(lab: Lab) -> None:
    lab.modules[13] = Module("Check your knowledge", modname="quiz")
    lab.read_module(13)
    lab.set_state(13, USER, 2)


def name_role(lab: Lab) -> None:
    lab.read_role(STUDENT)


def read_page(lab: Lab) -> None:
    lab.read_module(PAGE)


CASES: dict[str, tuple[Act, Act, Act]] = {
    "completion and enrolment": (known, complete, enrol),
    "completion and leaving": (member, complete, leave),
    "completion and the end of its activity": (member, complete, delete),
    "completion and a course that becomes a community": (member_of_none, complete, place),
    "enrolment and a course that becomes a community": (done_in_none, enrol, place),
    "an activity and a course that becomes a community": (member_of_none, new_activity, place),
    "an enrolment and its role's name": (done_without_role, enrol, name_role),
    "an enrolment and an activity's first form that earns": (done_in_other_form, enrol, read_page),
}


@pytest.mark.parametrize("turned", [False, True], ids=["one-other", "other-one"])
@pytest.mark.parametrize("name", CASES)
def test_two_at_once_are_as_good_as_one_after_another(name: str, turned: bool, house: House, bench: Bench) -> None:
    before, one, other = CASES[name]
    lab = fresh_lab()
    parts = []
    for act in (before, one, other):
        act(lab)
        lab.now += 1
        parts.append(lab.items)
        lab.items = []
    for part in parts:
        send(house, part)
        house.work()
    expected = house.books()
    bench.emptied()
    send(house, parts[0])
    house.work()
    first = send(house, parts[1])
    second = [item for item in send(house, parts[2]) if item not in first]
    overlapped(house, *((second, first) if turned else (first, second)))
    house.work()
    assert house.books() == expected
    assert house.differences() == []


def test_eight_workers_on_one_stream_credit_nothing_twice(house: House, bench: Bench) -> None:
    lab = fresh_lab()
    lab.read_everything([USER, OTHER])
    users = list(range(10, 22))
    for user in users:
        lab.enrol(user)
    for turn in range(3):
        for user in users:
            lab.now += 1
            lab.view(PAGE, user)
            lab.set_state(LOG, user, turn % 2)
            lab.read_completion(LOG, user)
    items = lab.items
    send(house, items)
    house.work()
    expected = house.books()
    bench.emptied()
    for start in range(0, len(items), 9):
        send(house, items[start : start + 9])
    errors = work_by_eight(house, bench.database)
    assert errors == []
    house.work()
    assert house.books() == expected
    assert house.differences() == []
    with Session(house.engine) as session:
        standing = select(LedgerEntry.credit_key, LedgerEntry.membership_id, func.sum(LedgerEntry.minutes))
        nets = session.execute(standing.group_by(LedgerEntry.credit_key, LedgerEntry.membership_id)).all()
    assert {minutes for _, _, minutes in nets} <= {0, 45, 60}


def work_by_eight(house: House, database: Database) -> list[BaseException]:
    """Eight workers, each with connections of its own, process and reconcile until nothing is left."""
    gate = threading.Barrier(8)
    errors: list[BaseException] = []

    def worker(_: int) -> None:
        engine = make_engine(database.url, pool_size=2)
        try:
            gate.wait()
            while process.drain(engine, house.settings.encryption_key, batch=7) + reconcile.reconcile_dirty(
                engine, house.clock
            ):
                pass
        except Exception as err:  # noqa: BLE001 - whatever it was, the test has to say so
            errors.append(err)
        finally:
            engine.dispose()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(worker, range(8)))
    return errors
