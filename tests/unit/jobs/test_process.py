"""The inbox is worked off: what fails fails alone, nothing is lost, and what was put aside can be replayed."""

import json
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from jobs import process
from jobs.kinds.events import INTERESTING, READERS
from records import inbox
from records.models import InboxItem, MirrorRole, uuid7
from tests.support import books
from tests.support.house import House
from tests.support.lab import STUDENT, Lab, Module

AT = 1_795_290_000.5
OTHER_EPOCH = "018f6c2e-0000-7000-8000-0000000000ee"


@pytest.fixture
def lab() -> Lab:
    return Lab(modules={3: Module("Read: why write")})


def role(number: int) -> dict[str, Any]:
    return {"kind": "role", "read_at": AT, "role": number, "shortname": f"role{number}"}


def put(house: House, kind: str, content: Any, status: str = "pending") -> int:
    """Put an item into the inbox as no intake would."""
    payload = content if isinstance(content, bytes) else json.dumps(content).encode()
    with Session(house.engine) as session, session.begin():
        item = InboxItem(
            site_id=house.site_id, sender="wire", kind=kind, payload=payload, correlation_id=uuid7(), status=status
        )
        session.add(item)
        session.flush()
        return item.id


def rows(house: House) -> dict[int, tuple[str, str | None, int]]:
    """By inbox id: status, reason, failures."""
    with Session(house.engine) as session:
        return {i.id: (i.status, i.reason, i.failures) for i in session.scalars(select(InboxItem))}


def make_due(house: House) -> None:
    """Let the time pass after which a failed item is tried again."""
    with Session(house.engine) as session, session.begin():
        session.execute(text("UPDATE inbox SET due_at = now() WHERE status = 'pending'"))


def roles(house: House) -> set[int]:
    with Session(house.engine) as session:
        return set(session.scalars(select(MirrorRole.role_id)))


@pytest.fixture
def poison(monkeypatch: pytest.MonkeyPatch) -> None:
    """Role 13 can't be digested, for a reason that no check foresees."""
    digest = READERS["role"]

    def handle(batch: Any, source: Any, reading: Any) -> None:
        if reading.role == 13:
            raise ArithmeticError("a secret: p001@example.org")
        digest(batch, source, reading)

    monkeypatch.setitem(READERS, "role", handle)


@pytest.mark.usefixtures("poison")
def test_a_poisoned_item_becomes_a_dead_letter_alone(house: House, capsys: pytest.CaptureFixture[str]) -> None:
    house.post(readings=[role(number) for number in range(10, 17)])
    failures = []
    for _ in range(inbox.MAX_FAILURES):
        process.drain(house.engine, house.settings.encryption_key)
        status, reason, failed = next(row for row in rows(house).values() if row[0] != "done")
        failures.append((status, reason, failed))
        make_due(house)
    assert roles(house) == {10, 11, 12, 14, 15, 16}
    assert failures == [("pending", "ArithmeticError", n) for n in range(1, inbox.MAX_FAILURES)] + [
        ("dead", "ArithmeticError", inbox.MAX_FAILURES)
    ]
    assert process.drain(house.engine, house.settings.encryption_key) == 0
    assert {failed for status, _, failed in rows(house).values() if status == "done"} == {0}
    logged = capsys.readouterr().out
    assert "inbox_item_failed" in logged
    assert "example.org" not in logged


def test_a_dead_letter_is_replayed_once_it_can_be_digested(
    house: House, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = READERS["role"]
    request.getfixturevalue("poison")
    house.post(readings=[role(13)])
    for _ in range(inbox.MAX_FAILURES):
        process.drain(house.engine, house.settings.encryption_key)
        make_due(house)
    assert house.waiting() == [("dead", "ArithmeticError")]
    monkeypatch.setitem(READERS, "role", digest)
    with Session(house.engine) as session, session.begin():
        assert inbox.replay(session, ["quarantined"]) == 0
        assert inbox.replay(session, ["dead"]) == 1
    house.work()
    assert roles(house) == {13}
    assert house.waiting() == []


def test_a_failed_item_is_not_due_at_once(house: House, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue("poison")
    house.post(readings=[role(13)])
    assert process.drain(house.engine, house.settings.encryption_key) == 1
    with Session(house.engine) as session:
        wait = session.scalar(select(InboxItem.due_at - InboxItem.received_at))
    assert wait is not None
    assert wait.total_seconds() >= 1


def test_what_kills_its_process_again_and_again_is_buried(house: House) -> None:
    """An attempt without an error died with its process; nobody else's work waits for it forever."""
    house.post(readings=[role(10)])
    with Session(house.engine) as session, session.begin():
        session.execute(update(InboxItem).values(attempts=inbox.MAX_ATTEMPTS))
    process.drain(house.engine, house.settings.encryption_key)
    assert house.waiting() == [("dead", "every attempt died with its process")]
    assert roles(house) == set()


def test_an_attempt_is_counted_before_the_work(house: House) -> None:
    house.post(readings=[role(10)])
    with Session(house.engine) as session, session.begin():
        (item,) = inbox.claim(session, 10)
    with Session(house.engine) as session:
        assert session.get_one(InboxItem, item).attempts == 1


def test_an_item_that_somebody_else_works_on_is_left_alone(house: House) -> None:
    house.post(readings=[role(10), role(11)])
    first, second = sorted(rows(house))
    with Session(house.engine) as other, other.begin():
        assert [item.id for item in inbox.take(other, [first])] == [first]
        process.process(house.engine, house.settings.encryption_key, [first, second])
        assert roles(house) == {11}
    house.work()
    assert roles(house) == {10, 11}


def test_malformed_items_are_quarantined_when_they_are_taken(house: House) -> None:
    bad = [
        put(house, "reading.role", b"{"),
        put(house, "reading.role", {"kind": "role"}),
        put(house, "event", {"eventname": "\\core\\event\\role_assigned", "timecreated": 1, "contextlevel": 50}),
    ]
    good = put(house, "reading.role", role(10))
    process.drain(house.engine, house.settings.encryption_key)
    assert {item: row[:2] for item, row in rows(house).items()} == {
        **dict.fromkeys(bad, ("quarantined", "malformed")),
        good: ("done", None),
    }


def test_what_waits_is_taken_up_when_its_course_and_its_activity_are_known(house: House, lab: Lab) -> None:
    lab.read_role(STUDENT)
    lab.enrol(6)
    lab.set_state(3, 6, 1)
    events = [item.as_event(n) for n, item in enumerate(lab.items) if item.sender == "wire"]
    assert house.post(events) == [("waiting", "unknown_course")] * 3
    house.work()
    lab.items = []
    lab.read_course()
    lab.read_module(3)
    lab.read_role(STUDENT)
    course, module, named = (item.content for item in lab.items)
    house.post(readings=[course, named])
    house.work()
    assert house.waiting() == [("waiting", "unknown_module")]
    house.post(readings=[module])
    house.work()
    assert house.waiting() == []
    assert house.books()["standings"]["EBWI-BAY/6"]["minutes"] == 45


def test_a_confirmed_copy_is_replayed_with_all_that_it_sent(house: House, lab: Lab) -> None:
    """Among it what isn't ours to keep: the copy's items were stored before anybody looked at their kind."""
    lab.read_course()
    readings = [item.content for item in lab.items]
    lab.items = []
    lab.event("user_graded", objectid=1, contextlevel=50, contextinstanceid=2, relateduserid=6)
    lab.event("role_assigned", objectid=5, contextlevel=40, contextinstanceid=1, relateduserid=6, other={"id": 1})
    events = [item.as_event(n) for n, item in enumerate(lab.items)]
    batch = house.envelope(events, readings) | {"epoch": OTHER_EPOCH}
    status, answer = house.send(batch)
    assert status == 200
    assert {item["reason"] for item in answer["results"]} == {"unconfirmed_copy"}
    with Session(house.engine) as session, session.begin():
        assert inbox.replay(session, ["quarantined"]) == 0
        session.execute(text("UPDATE sites SET epoch = :epoch"), {"epoch": OTHER_EPOCH})
        inbox.replay(session, ["quarantined"])
    house.work()
    assert house.waiting() == []
    assert house.books()["courses"] == {2: "COP-EBWI-BAY"}
    assert house.books()["roles"] == {}


def test_a_database_that_is_away_is_nobodys_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worker stops and comes back; no item is counted as failed."""
    house.post(readings=[role(10)])

    class Gone(Exception):
        sqlstate = "57P01"

    def away(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Gone())

    monkeypatch.setattr(inbox, "take", away)
    with pytest.raises(OperationalError):
        process.drain(house.engine, house.settings.encryption_key)
    assert [row[0::2] for row in rows(house).values()] == [("pending", 0)]


@pytest.mark.parametrize("code", sorted(process.TRANSIENT))
def test_a_deadlock_or_a_time_out_makes_no_dead_letter(
    code: str, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.post(readings=[role(10)])
    right = inbox.take

    class Unlucky(Exception):
        sqlstate = code

    def unlucky(*_: object, **__: object) -> None:
        raise OperationalError("SELECT", {}, Unlucky())

    monkeypatch.setattr(inbox, "take", unlucky)
    for _ in range(inbox.MAX_FAILURES + 1):
        process.drain(house.engine, house.settings.encryption_key)
        make_due(house)
    assert [row[0::2] for row in rows(house).values()] == [("pending", 0)]
    monkeypatch.setattr(inbox, "take", right)
    house.work()
    assert roles(house) == {10}


def test_every_kind_of_event_has_a_handler_that_its_recording_went_through() -> None:
    """A new kind needs a golden pair: this list and tests/golden are to be changed together."""
    of_modules = {name.rpartition("\\")[2]: found for name, found in INTERESTING.items() if "\\mod_" in name}
    recorded = {"attendance_taken", "session_added", "session_deleted", "meeting_joined"}
    # Of these no recording was at hand: they go the very way of those that were recorded.
    alike = {"attendance_taken_by_student", "session_updated", "session_duration_updated"}
    assert of_modules.keys() == recorded | alike
    assert {of_modules[name] for name in alike} == {of_modules["attendance_taken"]}
    assert sorted(name.rpartition("\\")[2] for name in INTERESTING if "\\mod_" not in name) == [
        "course_deleted",
        "course_module_completion_updated",
        "course_module_created",
        "course_module_deleted",
        "course_module_updated",
        "course_reset_ended",
        "course_restored",
        "course_updated",
        "group_member_added",
        "group_member_removed",
        "role_assigned",
        "role_unassigned",
        "user_deleted",
        "user_enrolment_created",
        "user_enrolment_deleted",
        "user_enrolment_updated",
    ]


def asks(house: House) -> list[str]:
    with Session(house.engine) as session:
        return books.asks(session)


def test_a_question_is_closed_by_the_reading_that_answers_it(house: House, lab: Lab) -> None:
    lab.read_role(STUDENT)
    lab.read_everything([6])
    lab.enrol(6)
    lab.read_completion(3, 6)
    early = lab.items.pop().content
    lab.now += 1
    lab.view(3, 6)
    lab.suspend(6, 1)
    events = [item.as_event(n) for n, item in enumerate(lab.items) if item.sender == "wire"]
    house.post(events, [item.content for item in lab.items if item.sender == "reading"])
    house.work()
    asked = ["2/6 user_enrolment_updated", "2/6/3 several_in_one_second"]
    assert asks(house) == asked
    house.post(readings=[early])
    house.work()
    assert asks(house) == asked, "a reading from before the events answers nothing"
    lab.items = []
    lab.read_completion(3, 6)
    lab.read_pair(6)
    completion, pair = (item.content for item in lab.items)
    house.post(readings=[completion])
    house.work()
    assert asks(house) == asked[:1]
    house.post(readings=[pair])
    house.work()
    assert asks(house) == []


def test_a_question_is_listed_once_while_it_is_open(house: House, lab: Lab) -> None:
    lab.read_everything([])
    lab.enrol(6)
    for status in (1, 0, 1):
        lab.now += 1
        lab.suspend(6, status)
    events = [item.as_event(n) for n, item in enumerate(lab.items) if item.sender == "wire"]
    house.post(events[:-1], [item.content for item in lab.items if item.sender == "reading"])
    house.work()
    house.post(events[-1:])
    house.work()
    assert asks(house) == ["2/6 user_enrolment_updated"]


def test_on_a_tie_in_time_a_reading_beats_an_event(house: House, lab: Lab) -> None:
    lab.read_everything([])
    lab.set_state(3, 6, 1)
    lab.completions[3, 6] = (0, lab.now, None)
    lab.read_completion(3, 6, whole=True)
    events = [item.as_event(n) for n, item in enumerate(lab.items) if item.sender == "wire"]
    house.post(events, [item.content for item in lab.items if item.sender == "reading"])
    house.work()
    row = house.books()["completions"]["3/6"]
    assert (row["state"], row["as_of"]) == (0, lab.now)
