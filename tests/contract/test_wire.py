"""The wire's JSON Schema and what intake does agree, but for the differences that are listed here with a reason."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from jobs.kinds.events import INTERESTING, READERS
from jobs.wire import Event, reading_adapter
from sandbox.load import Load, batches
from sandbox.site import Site
from sandbox.term import Term
from tests.golden import case as golden
from tests.support.bench import Bench
from tests.support.house import House

FOLDER = Path(__file__).parents[2] / "docs" / "wire"
SCHEMA = json.loads((FOLDER / "v1.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER)
AT = 1_795_290_000.25
MUTANTS = settings(max_examples=1_500, deadline=None, derandomize=True)

READINGS: dict[str, dict[str, Any]] = {
    "course": {"course": 2, "present": True, "shortname": "C", "fullname": "A course", "idnumber": "COP-EBWI-BAY"}
    | {"category": 1, "category_idnumber": "COP", "fields": {"region": "Bay Area"}}
    | {"visible": True, "startdate": 1_795_000_000, "enddate": 0, "copy_of": 7},
    "module": {"module": 3, "course": 2, "present": True, "modname": "page", "name": "A page", "idnumber": ""}
    | {"section_number": 1, "section_name": "One", "visible": True, "tracking": 2}
    | {"minutes": 90, "component": "online"},
    "role": {"role": 5, "shortname": "student"},
    "account": {"user": 6, "present": True, "username": "p001", "idnumber": "", "email": "p001@example.org"}
    | {"firstname": "Amara", "lastname": "Okafor", "suspended": False, "profile": {"agency": "BAY"}},
    "enrolment": {
        "course": 2,
        "user": 6,
        "enrolments": [{"id": 1, "method": "manual", "status": 0, "timestart": 0, "timeend": 1_795_000_000}],
        "roles": [{"id": 1, "role": 5, "shortname": "student"}],
        "groups": [{"id": 1, "name": "A", "idnumber": "", "groupings": ["TEAMS", "Evening groups"]}],
    },
    "completion": {"module": 3, "course": 2, "user": 6, "present": True, "state": 1, "timemodified": 1_795_000_000}
    | {"overrideby": None},
    "completions": {
        "course": 2,
        "user": 6,
        "among": [3],
        "rows": [{"module": 3, "state": 1, "timemodified": 1_795_000_000, "overrideby": None}],
    },
    "attendance": {
        "course": 2,
        "module": 3,
        "sessions": [
            {"id": 1, "starts_at": 1_795_000_000, "seconds": 3600, "title": "One", "group": 0, "most": 2}
            | {"log": [{"user": 6, "status": "P", "points": 2, "listed": True}]}
        ],
    },
}
EVENT = {
    "id": "018f6c2e-0000-7000-8000-0000000000ab",
    "sequence": 1,
    "data": golden.recorded("sequences/complete_manual")[1],
}
MEETINGS = "\\mod_bigbluebuttonbn\\event\\"
ODD: list[Any] = [None, True, False, 0, 1, -1, 2, 5, 1.0, 1.5, 2**63 - 1, 2**63, 4_102_444_800, 4_102_444_801, "", "6"]
ODD += ["x", "x" * 51, "x" * 101, "x" * 1_334, "a\x00b", "\ud800", [], {}, [1], {"a": 1}, "1.5", "true", "2026-11-21"]


def readings() -> list[dict[str, Any]]:
    return [{"kind": kind, "read_at": AT} | values for kind, values in READINGS.items()]


def envelope(events: list[Any], found: list[Any]) -> dict[str, Any]:
    parts = {"version": 1, "wwwroot": "https://moodle.example.org", "epoch": EVENT["id"], "sent_at": AT}
    return parts | {"events": events, "readings": found}


def by_schema(item: Any) -> bool:
    is_event = isinstance(item, dict) and "data" in item
    batch = envelope([item], []) if is_event else envelope([], [item])
    return VALIDATOR.is_valid(batch)


def by_intake(item: Any) -> bool:
    """What service.intake asks before it accepts an item."""
    try:
        if "data" in item:
            Event.model_validate(item)
        else:
            reading_adapter.validate_python(item)
    except ValidationError:
        return False
    return True


def places(thing: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a JSON value."""
    if path:
        yield path
    if isinstance(thing, dict | list):
        for key, value in thing.items() if isinstance(thing, dict) else enumerate(thing):
            yield from places(value, (*path, key))


GONE = object()


def mutant(item: Any, path: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(item)
    inner = made
    for step in path[:-1]:
        inner = inner[step]
    if value is GONE:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return made


NUMBERS = {"read_at", "sequence", "course", "module", "user", "role", "id", "category", "startdate", "enddate"}
NUMBERS |= {"among", "copy_of", "timestart", "timeend", "timemodified", "overrideby", "section_number", "minutes"}
NUMBERS |= {"starts_at", "seconds", "group", "points", "most"}
SWITCHES = {"present", "visible", "suspended", "listed"}
ENUMS = {"state", "status", "tracking"}
TIMES = {"startdate", "enddate", "timestart", "timeend", "timemodified"}


def more_lenient(field: Any, value: Any) -> str | None:
    """Why intake takes what the schema forbids: Moodle's PHP is careless with types, and means the same."""
    if field in NUMBERS and isinstance(value, str):
        return "a number as text"
    if field in SWITCHES and value in (0, 1, 1.0, "true"):
        return "a boolean in another spelling"
    if field in ENUMS | {"section_number", "sequence"} and isinstance(value, bool):
        return "PHP's true and false are 1 and 0"
    if field in TIMES and (value is None or value is False):
        return "no time is null, or PHP's false"
    if field in TIMES and isinstance(value, float):
        return "a time with decimals"
    if field == "category" and value is None:
        return "no id is null"
    return None


def stricter(path: tuple[Any, ...], value: Any) -> str | None:
    """Why intake quarantines what the schema lets through."""
    if value in ("a\x00b", "\ud800"):
        return "PostgreSQL can't hold it, and JSON Schema can't say so"
    if path[0] == "data":
        return "the schema leaves get_data() to Moodle; intake knows what it reads of it"
    return None


@MUTANTS
@given(data=st.data())
def test_schema_and_intake_agree_on_mutants(data: st.DataObject) -> None:
    item = data.draw(st.sampled_from([*readings(), EVENT]))
    path = data.draw(st.sampled_from(sorted(places(item), key=str)))
    value = data.draw(st.sampled_from([GONE, *ODD]))
    made = mutant(item, path, value)
    schema, intake = by_schema(made), by_intake(made)
    if intake and not schema:
        field = next(step for step in reversed(path) if isinstance(step, str))
        assert more_lenient(field, value), (path, value)
    if schema and not intake:
        assert stricter(path, value), (path, value)


@pytest.mark.parametrize("item", [*readings(), EVENT], ids=lambda item: item.get("kind", "event"))
def test_the_samples_are_good_and_name_every_field(item: dict[str, Any]) -> None:
    assert by_schema(item)
    assert by_intake(item)
    kind = item.get("kind", "event")
    assert set(SCHEMA["$defs"][kind]["properties"]) <= set(item)
    for field, form in SCHEMA["$defs"][kind]["properties"].items():
        if "properties" in form.get("items", {}):
            assert set(form["items"]["properties"]) == set(item[field][0])


@pytest.mark.parametrize(("kind", "field"), [("course", "category_idnumber"), ("course", "fields")])
def test_what_a_reading_may_leave_out(kind: str, field: str) -> None:
    item = {"kind": kind, "read_at": AT} | READINGS[kind]
    del item[field]
    assert by_schema(item)
    assert by_intake(item)


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("course", ("fields",), {f"field{n}": "" for n in range(51)}),
        ("course", ("fields",), {"x" * 1_334: ""}),
        ("course", ("fields", "region"), None),
        ("course", ("category_idnumber",), 7),
        ("account", ("profile",), {"x" * 1_334: ""}),
        ("enrolment", ("groups", 0, "groupings"), ["x"] * 51),
        ("enrolment", ("groups", 0, "groupings"), "TEAMS"),
        ("enrolment", ("groups", 0, "groupings"), [{"idnumber": "TEAMS"}]),
    ],
)
def test_both_forbid_the_same_maps_and_lists(kind: str, path: tuple[Any, ...], value: Any) -> None:
    item = mutant({"kind": kind, "read_at": AT} | READINGS[kind], path, value)
    assert not by_schema(item)
    assert not by_intake(item)


def test_a_group_may_leave_its_groupings_out() -> None:
    item = mutant({"kind": "enrolment", "read_at": AT} | READINGS["enrolment"], ("groups", 0, "groupings"), GONE)
    assert by_schema(item)
    assert by_intake(item)


def test_both_know_the_same_kinds() -> None:
    kinds = SCHEMA["$defs"]["reading"]["properties"]["kind"]["enum"]
    assert sorted(kinds) == sorted(READERS) == sorted(READINGS)
    assert all(name.startswith(("\\core\\event\\", "\\mod_attendance\\event\\", MEETINGS)) for name in INTERESTING)


def test_what_the_sandbox_sends_is_good_for_both(tmp_path: Path) -> None:
    with Site(tmp_path / "site.db", "https://moodle.example.org") as site:
        term = Term(site, seconds=0)
        term.play(term.plan())
        sent = [site.pending_batch(), *site.full_batches(), *batches(Load(users=5, modules=4, events=40, per_batch=9))]
    for batch in sent:
        VALIDATOR.validate(batch)
        assert all(by_intake(item) for item in (*batch["events"], *batch["readings"]))
    assert sum(len(batch["events"]) for batch in sent) > 100


@pytest.fixture
def house(bench: Bench) -> House:
    house = bench.emptied()
    house.post(readings=readings())
    house.work()
    return house


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("kind",), "forum"),
        (("kind",), GONE),
        (("read_at",), "yesterday"),
        (("read_at",), 4_102_444_801),
        (("module",), 0),
        (("module",), 2**63),
        (("user",), 1.5),
        (("user",), True),
        (("present",), GONE),
        (("present",), "perhaps"),
        (("state",), 4),
        (("state",), "1"),
        (("timemodified",), -1),
        (("overrideby",), 0),
    ],
)
def test_a_malformed_reading_is_quarantined_and_spoils_no_other(house: House, path: Any, value: Any) -> None:
    good = next(reading for reading in readings() if reading["kind"] == "completion")
    bad = mutant(good, path, value)
    assert not by_schema(bad)
    assert house.post(readings=[good, bad, good]) == [
        ("accepted", None),
        ("quarantined", "malformed"),
        ("accepted", None),
    ]
    house.work()
    assert house.waiting() == [("quarantined", "malformed")]


@pytest.mark.parametrize(
    ("path", "value", "result"),
    [
        (("id",), "7", ("quarantined", "malformed")),
        (("id",), GONE, ("quarantined", "malformed")),
        (("sequence",), -1, ("quarantined", "malformed")),
        (("data",), [], ("quarantined", "malformed")),
        (("data", "eventname"), GONE, ("quarantined", "malformed")),
        (("data", "eventname"), "core\\event\\x", ("quarantined", "malformed")),
        (("data", "timecreated"), GONE, ("quarantined", "malformed")),
        (("data", "relateduserid"), None, ("quarantined", "malformed")),
        (("data", "relateduserid"), "0", ("quarantined", "malformed")),
        (("data", "contextinstanceid"), str(2**63), ("quarantined", "malformed")),
        (("data", "other"), None, ("quarantined", "malformed")),
        (("data", "other", "completionstate"), 7, ("quarantined", "malformed")),
        (("data", "timecreated"), 1_895_300_000, ("quarantined", "future_time")),
        (("data", "eventname"), "\\core\\event\\user_graded", ("ignored", "uninteresting_event")),
        (("data", "courseid"), 999, ("waiting", "unknown_course")),
        (("data", "contextinstanceid"), "999", ("waiting", "unknown_module")),
        (("data", "contextinstanceid"), 3, ("accepted", None)),
        (("data", "other", "completionstate"), "0", ("accepted", None)),
        (("data", "anonymous"), {"of": ["no", "interest"]}, ("accepted", None)),
    ],
)
def test_what_becomes_of_an_event(house: House, path: Any, value: Any, result: tuple[str, str | None]) -> None:
    event = mutant(EVENT, ("data", "contextinstanceid"), "3")
    assert house.post([mutant(event, path, value)]) == [result]
    house.work()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("version",), GONE),
        (("wwwroot",), "moodle"),
        (("wwwroot",), GONE),
        (("epoch",), "first"),
        (("epoch",), GONE),
        (("sent_at",), "now"),
        (("events",), {}),
        (("readings",), [{}] * 5_001),
        (("events",), [{}] * 1_001),
    ],
)
def test_an_envelope_that_the_schema_forbids_is_answered_400(house: House, path: Any, value: Any) -> None:
    batch = mutant(house.envelope(), path, value)
    assert not VALIDATOR.is_valid(batch)
    status, answer = house.send(batch)
    assert (status, answer["error"]) == (400, "malformed")
    assert path[0] in answer["errors"][0]
    assert "results" not in answer


def test_the_readme_lists_every_result_and_reason() -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for word in (
        *("accepted", "duplicate", "ignored", "waiting", "quarantined"),
        *("known_id", "uninteresting_event", "unknown_course", "unknown_module"),
        *("malformed", "future_time", "unconfirmed_copy"),
    ):
        assert f"`{word}`" in readme
