"""Whatever a sender can send: never a 5xx, one bad item spoils no other, nothing bad reaches the books."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from records.models import InboxItem
from tests.support.intake import COURSE, MODULE, NOW, USER, Gate, Intake, batch, event, one_gate, readings
from tests.support.sender import load_program
from tests.support.servers import Servers

BIG = 2**63
YEAR_3000 = 32_503_680_000


@pytest.fixture(scope="module")
def gate(servers: Servers, template: str) -> Iterator[Gate]:
    with one_gate(servers, template) as found:
        yield found


@pytest.fixture
def intake(gate: Gate, redis: Redis) -> Intake:
    assert redis.ping()
    return gate.intake()


# Bodies as a whole.

GOOD = batch([event(1)], readings())
BODIES = {
    "empty": b"",
    "truncated": GOOD[:-40],
    "not JSON": b"eventname=x&token=y",
    "a number": b"7",
    "a list": b"[" + GOOD + b"]",
    "null": b"null",
    "invalid UTF-8": GOOD.replace(b"accepted", b"\xff").replace(b"amara", b"am\xc3\x28ra"),
    "UTF-16": GOOD.decode().encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf" + GOOD,
    "NaN": batch().replace(b'"version": 1', b'"version": NaN'),
    "Infinity": batch().replace(b'"version": 1', b'"version": -Infinity'),
    "an int of 5000 digits": batch(sent_at="N").replace(b'"N"', b"9" * 5000),
    "an int of 4000 digits": batch(sent_at="N").replace(b'"N"', b"9" * 4000),
    "a float beyond all": batch(sent_at="N").replace(b'"N"', b"1e999"),
    "deep lists": b"[" * 200_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "too many events": batch([{}] * 1001),
    "too many readings": batch([], [{}] * 5001),
    "events of a wrong type": batch(events={"0": event(1)}),
    "another version": batch(version="1.0"),
    "no epoch": batch(epoch=None),
    "an epoch that is none": batch(epoch="\x00"),
    "a wwwroot that is none": batch(wwwroot="moodle"),
    "a wwwroot with NUL": batch(wwwroot="https://moodle.example.org/\x00"),
    "a long wwwroot": batch(wwwroot="https://moodle.example.org/" + "x" * 300),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_signed_body_that_is_no_batch_is_400(intake: Intake, name: str) -> None:
    answer = intake.post(BODIES[name])
    assert (answer.status_code, answer.get_json()["error"]) == (400, "malformed")
    assert answer.get_json()["errors"]
    assert intake.statuses() == []


def test_every_depth_is_answered(intake: Intake) -> None:
    """Somewhere reading, checking and writing JSON each reach their limit; none of them may be a crash."""
    for depth in (*range(100, 1100, 25), 5_000, 50_000):
        deep = b'{"id":' + b"[" * depth + b"]" * depth + b"}"
        body = batch(["HERE"], ["HERE"]).replace(b'"HERE"', deep)
        assert intake.post(body).status_code in {200, 400}, depth


# Items, one by one.

MALFORMED_EVENTS: dict[str, Any] = {
    "no object": 7,
    "no id": {"sequence": 1, "data": event(1)["data"]},
    "an id that is none": event(1) | {"id": "x"},
    "a negative sequence": event(1) | {"sequence": -1},
    "a sequence beyond its column": event(1) | {"sequence": BIG},
    "no data": event(1) | {"data": None},
    "no name": event(1, name=""),
    "a name with NUL": event(1, name="\\core\\event\\\x00"),
    "a name with a surrogate": event(1, name="\\core\\event\\\ud800"),
    "a long name": event(1, name="\\core\\" + "x" * 300),
    "the year 3000": event(1, timecreated=YEAR_3000),
    "a time before time": event(1, timecreated=-1),
    "a time of a wrong type": event(1, timecreated=[1]),
    "a time of 400 digits": event(1, timecreated=10**400),
    "a negative course": event(1, courseid=-7),
    "no course": event(1, courseid=0),
    "a course beyond its column": event(1, courseid=BIG),
    "a module beyond its column": event(1, contextinstanceid=str(BIG)),
    "a user who is a fraction": event(1, relateduserid=1.5),
    "a user who is a truth": event(1, relateduserid=True),
    "a user of 4000 digits": event(1, relateduserid="9" * 4000),
    "a negative user": event(1, relateduserid="-1"),
    "no user": event(1, relateduserid=None),
    "no other": event(1, other=None),
    "an unknown state": event(1, other={"completionstate": 9}),
    "a state of a wrong type": event(1, other={"completionstate": {"a": 1}}),
    "an override beyond its column": event(1, other={"completionstate": 1, "overrideby": BIG}),
    "an override of a wrong type": event(1, other={"completionstate": 1, "overrideby": [2]}),
    "a role without its row": event(1, r"\core\event\role_assigned", contextlevel=50, other=[]),
    "an enrolment without its row": event(1, r"\core\event\user_enrolment_created", objectid=None),
    "an enrolment method with NUL": event(1, r"\core\event\user_enrolment_created", other={"enrol": "\x00"}),
    "an enrolment method of a surrogate": event(1, r"\core\event\user_enrolment_deleted", other={"enrol": "\ud800"}),
}


def changed(number: int, **values: Any) -> dict[str, Any]:
    return readings()[number] | values


MALFORMED_READINGS: dict[str, Any] = {
    "no object": [],
    "no kind": {"read_at": 1},
    "an unknown kind": {"kind": "grade", "read_at": 1},
    "a kind of a wrong type": {"kind": ["course"], "read_at": 1},
    "the year 3000": changed(0, read_at=YEAR_3000),
    "a time of 400 digits": changed(0, read_at=10**400),
    "a time that is a truth": changed(0, read_at=True),
    "a start of 400 digits": changed(0, startdate=10**400),
    "a negative course": changed(0, course=-1),
    "a course beyond its column": changed(0, course=BIG),
    "a name with NUL": changed(0, fullname="a\x00b"),
    "a name with a surrogate": changed(0, fullname="a\ud800b"),
    "a long name": changed(0, fullname="x" * 1334),
    "a section beyond its column": changed(1, section_number=2**31),
    "a tracking that is none": changed(1, tracking=3),
    "a profile with NUL": changed(2, profile={"a\x00": "b"}),
    "a large profile": changed(2, profile={str(n): "b" for n in range(51)}),
    "an e-mail of a wrong type": changed(2, email=["amara@example.org"]),
    "too many roles": changed(3, roles=[{"id": n, "role": 5, "shortname": "x"} for n in range(1, 52)]),
    "an enrolment's unknown status": changed(
        3, enrolments=[{"id": 1, "method": "m", "status": 2, "timestart": 0, "timeend": 0}]
    ),
    "a role's name with NUL": changed(3, roles=[{"id": 1, "role": 5, "shortname": "\x00"}]),
    "no groups": {name: value for name, value in readings()[3].items() if name != "groups"},
}


@pytest.mark.parametrize("name", MALFORMED_EVENTS)
def test_a_malformed_event_is_quarantined_and_its_neighbours_are_taken(intake: Intake, name: str) -> None:
    sent = intake.send([MALFORMED_EVENTS[name], event(2)], readings())
    assert sent == [("quarantined", "malformed"), *5 * [("accepted", None)]]
    replayed(intake)


@pytest.mark.parametrize("name", MALFORMED_READINGS)
def test_a_malformed_reading_is_quarantined_and_its_neighbours_are_taken(intake: Intake, name: str) -> None:
    sent = intake.send([event(1)], [MALFORMED_READINGS[name], *readings()])
    assert sorted(sent) == [*5 * [("accepted", None)], ("quarantined", "malformed")] or sent[1] == (
        "quarantined",
        "malformed",
    )
    replayed(intake)


def replayed(intake: Intake) -> None:
    """What was malformed is malformed when it is replayed, too, and no dead letter."""
    with Session(intake.engine) as session, session.begin():
        for item in session.scalars(select(InboxItem).where(InboxItem.status == "quarantined")):
            item.status = "pending"
    intake.work()
    assert sorted(intake.statuses(), key=str) == [*5 * [("done", None)], ("quarantined", "malformed")]


@pytest.mark.parametrize("ahead", [2 * 86_400, 10 * 365 * 86_400])
def test_a_time_to_come_is_quarantined(intake: Intake, ahead: int) -> None:
    soon = int(NOW.timestamp()) + ahead
    assert intake.send([event(1, timecreated=soon)], [changed(0, read_at=soon)]) == 2 * [("quarantined", "future_time")]


def test_one_bad_item_among_500(intake: Intake) -> None:
    intake.send([], readings())
    intake.work()
    events: list[Any] = [event(number) for number in range(1, 501)]
    events[333] = event(334, relateduserid="\ud800")
    results = intake.send(events)
    assert [results.count(found) for found in (("accepted", None), ("quarantined", "malformed"))] == [499, 1]
    intake.work()
    assert [intake.statuses().count(found) for found in (("done", None), ("quarantined", "malformed"))] == [503, 1]


def test_what_fails_within_a_batch_fails_alone(intake: Intake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A poisoned item ends as a dead letter after its attempts; the others of its batch are taken."""
    from jobs.kinds import events as kinds

    def poisoned(batch: Any, source: Any, data: Any) -> None:
        if data.relateduserid == 666:
            raise RuntimeError("amara@example.org")
        original(batch, source, data)

    name = r"\core\event\course_module_completion_updated"
    original: Callable[..., None] = kinds.INTERESTING[name]
    monkeypatch.setitem(kinds.INTERESTING, name, poisoned)
    intake.send([event(number) for number in range(1, 100)] + [event(100, relateduserid=666)], readings())
    for _ in range(8):
        intake.work()
        with Session(intake.engine) as session, session.begin():
            # The pauses between attempts are over.
            for item in session.scalars(select(InboxItem).where(InboxItem.status == "pending")):
                item.due_at = item.received_at
    assert [intake.statuses().count(found) for found in (("done", None), ("dead", "RuntimeError"))] == [103, 1]


# No personal data and no secret in a line of a log.


def test_logs_hold_ids_and_names_of_events_only(
    intake: Intake, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    load_program(intake.engine)
    caplog.set_level("DEBUG")
    intake.send([event(1), *MALFORMED_EVENTS.values()], [*readings(), *MALFORMED_READINGS.values()])
    intake.post(batch(wwwroot="https://amara.example.org"))
    intake.post(b'{"email": "amara@example.org"')
    intake.post(GOOD, secret="whsec_" + "QUFB" * 10)
    intake.work()
    out, err = capfd.readouterr()
    logged = (out + err + caplog.text).casefold()
    for word in ("amara", "example.org", intake.sender.secret, intake.sender.secret[6:], "whsec_"):
        assert word.casefold() not in logged


# Anything at all.

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(
        [
            0,
            1,
            -1,
            COURSE,
            MODULE,
            USER,
            BIG - 1,
            BIG,
            10**400,
            str(BIG),
            "1",
            "-1",
            1e300,
            4_102_444_800,
            4_102_444_801,
        ]
    )
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(["\x00", "\ud800", "course", "module", "x" * 2000, *[e["data"]["eventname"] for e in [event(1)]]])
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


def spoilt(good: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """A good item with some of its values, at any level, replaced or taken out."""
    names = st.sampled_from(sorted(good))
    return st.dictionaries(names, ANYTHING, max_size=3).map(lambda values: good | values)


EVENT_NAMES = st.sampled_from(
    [
        r"\core\event\course_module_completion_updated",
        r"\core\event\user_enrolment_created",
        r"\core\event\user_enrolment_deleted",
        r"\core\event\role_assigned",
        r"\core\event\group_member_added",
        r"\core\event\user_deleted",
        r"\core\event\course_module_deleted",
        r"\core\event\course_deleted",
        r"\core\event\course_restored",
    ]
)
EVENTS = st.builds(
    lambda name, data, other, number: (
        event(number) | {"data": data | {"eventname": name} | ({"other": other} if other else {})}
    ),
    EVENT_NAMES,
    spoilt(event(1)["data"]),
    st.none() | ANYTHING | spoilt({"completionstate": 1, "overrideby": 2, "id": 9, "enrol": "manual"}),
    st.integers(1, 40),
)
READINGS = st.sampled_from(readings()).flatmap(spoilt)
BATCHES = st.builds(
    lambda events, found, envelope: batch(**{"events": events, "readings": found} | envelope),
    st.lists(EVENTS | ANYTHING, max_size=4),
    st.lists(READINGS | ANYTHING, max_size=4),
    st.just({})
    | st.dictionaries(
        st.sampled_from(["version", "wwwroot", "epoch", "sent_at", "events", "more"]), ANYTHING, max_size=1
    ),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=BATCHES | st.binary(max_size=200))
def test_no_body_is_a_server_error(intake: Intake, body: bytes) -> None:
    """And what was accepted can be processed: nothing that came in by the gate fails behind it."""
    assert intake.post(body).status_code in {200, 400}
    intake.work()
    assert {status for status, _ in intake.statuses()} <= {"done", "waiting", "quarantined"}
    with Session(intake.engine) as session:
        assert session.scalars(select(InboxItem.reason).where(InboxItem.failures > 0)).all() == []


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    headers=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=40),
    )
)
def test_no_header_is_a_server_error(intake: Intake, headers: dict[str, str]) -> None:
    assert intake.client.post(intake.sender.path, data=GOOD, headers=headers).status_code == 401


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=EVENTS.map(lambda item: json.dumps(item["data"]).encode())
    | ANYTHING.map(lambda item: json.dumps(item).encode())
    | st.binary(max_size=100)
)
def test_no_request_of_local_webhooks_is_a_server_error(intake: Intake, body: bytes) -> None:
    assert intake.client.post(f"/webhooks/{intake.sender.slug}/local_webhooks", data=body).status_code == 401
