"""What the sandbox and the load generator send is what the wire's schema says, and true."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from sandbox.load import Load, batches, event_batches
from sandbox.site import Site
from sandbox.term import Term

SCHEMA = Path(__file__).parents[2] / "docs" / "wire" / "v1.schema.json"
BAY = "COP-EBWIESL-BAY"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A fresh sandbox site that sends nothing."""
    with Site(tmp_path / "site.db") as fresh:
        yield fresh


@pytest.fixture(scope="module")
def schema() -> Draft202012Validator:
    """The wire's schema, formats checked."""
    text = SCHEMA.read_text(encoding="utf-8")
    checker = Draft202012Validator.FORMAT_CHECKER
    return Draft202012Validator(json.loads(text), format_checker=checker)


def test_the_whole_site_is_told_by_the_schema(site: Site, schema: Draft202012Validator) -> None:
    found = site.full_batches()
    for batch in found:
        schema.validate(batch)
    kinds = {reading["kind"] for batch in found for reading in batch["readings"]}
    assert kinds == {"role", "course", "module", "account", "enrolment"}


def test_categories_and_groupings_are_told(site: Site) -> None:
    found = [reading for batch in site.full_batches() for reading in batch["readings"]]
    courses = {r["idnumber"]: (r["category_idnumber"], r["fields"]) for r in found if r["kind"] == "course"}
    assert courses[BAY] == ("COP-BAY", {})
    groupings = [g["groupings"] for r in found if r["kind"] == "enrolment" for g in r["groups"]]
    assert groupings
    assert all(names == ["WORKING"] for names in groupings)
    with site.store.write() as db:
        db.execute("UPDATE groupings SET idnumber = ''")
        db.execute("DELETE FROM course_categories")
    found = [reading for batch in site.full_batches() for reading in batch["readings"]]
    assert {r["category_idnumber"] for r in found if r["kind"] == "course"} == {""}
    assert next(g["groupings"] for r in found if r["kind"] == "enrolment" for g in r["groups"]) == ["Working groups"]


def test_a_state_file_of_before_has_neither(tmp_path: Path, schema: Draft202012Validator) -> None:
    path = tmp_path / "old.db"
    with Site(path) as old, old.store.write() as db:
        db.execute("DROP TABLE groupings_groups")
        db.execute("DROP TABLE groupings")
        db.execute("DROP TABLE course_categories")
    with Site(path) as site:
        for batch in site.full_batches():
            schema.validate(batch)


def test_a_whole_term_is_sent_by_the_schema_and_true(site: Site, schema: Draft202012Validator) -> None:
    term = Term(site, seconds=0)
    steps = term.plan()
    term.play(steps)
    assert (term.progress.played, term.progress.refused) == (len(steps), 0)
    batch = site.pending_batch()
    schema.validate(batch)
    for full in site.full_batches():
        schema.validate(full)
        for reading in full["readings"]:
            if reading["kind"] == "completion":
                assert _row(site, reading) == _told(reading)


def test_readings_are_taken_at_sending_time(site: Site, schema: Draft202012Validator) -> None:
    user, module = site.user("e0001"), site.module(BAY, "ACT-08")
    site.act.tick(user, module)
    site.act.untick(user, module)
    site.act.leave(user, site.course(BAY))
    batch = site.pending_batch()
    schema.validate(batch)
    states = [e["data"]["other"].get("completionstate") for e in batch["events"]]
    assert states[:2] == [1, 0]
    by_kind = {reading["kind"]: reading for reading in batch["readings"]}
    assert by_kind["completion"]["state"] == 0
    assert by_kind["enrolment"]["enrolments"] == by_kind["enrolment"]["roles"] == []
    assert set(by_kind) == {"course", "module", "account", "enrolment", "completion"}


def test_an_event_of_a_module_without_a_row_reads_its_absence(site: Site) -> None:
    user, module = site.user("e0001"), site.module(BAY, "ACT-01")
    site.act.view(user, module)
    with site.store.write() as db:
        db.execute("DELETE FROM course_modules_completion")
    reading = site.pending_batch()["readings"][-1]
    assert (reading["kind"], reading["present"]) == ("completion", False)


@pytest.mark.parametrize("complete", [True, False])
def test_load_is_told_by_the_schema(complete: bool, schema: Draft202012Validator) -> None:
    load = Load(users=7, modules=5, events=100, per_batch=16, complete_readings=complete)
    found = list(batches(load))
    for batch in found:
        schema.validate(batch)
    assert sum(len(batch["events"]) for batch in found) == 100
    ids = [event["id"] for batch in found for event in batch["events"]]
    assert len(set(ids)) == 100


def test_load_is_the_same_for_the_same_seed() -> None:
    load = Load(users=3, modules=4, events=30, per_batch=7, seed=5)
    assert list(batches(load)) == list(batches(load))
    other = Load(users=3, modules=4, events=30, per_batch=7, seed=6)
    assert list(event_batches(load)) != list(event_batches(other))


def _row(site: Site, reading: dict[str, Any]) -> tuple[int, int, int | None]:
    row = site.rows(
        "SELECT * FROM course_modules_completion WHERE coursemoduleid = ? AND userid = ?",
        reading["module"],
        reading["user"],
    )[0]
    return row["completionstate"], row["timemodified"], row["overrideby"]


def _told(reading: dict[str, Any]) -> tuple[int, int, int | None]:
    return reading["state"], reading["timemodified"], reading["overrideby"]
