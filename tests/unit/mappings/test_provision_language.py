"""The language of provision files: each of its keys is known to the loader, to editors and to people, and each, once
wrong, is told of by file, line, what was expected and where that is explained."""

import json

import pytest
from jsonschema import Draft202012Validator

from mappings import provision_fitting, provisioning
from mappings.findings import ProgramError
from mappings.loading import source_of
from mappings.provision_loading import courses_in, load_provision, provision_in
from mappings.provisioning import Provision
from mappings.schema import DRAFT, provision_schema
from tests.support.messages import unspoken
from tests.unit.mappings.provision_cases import (
    EVERYTHING,
    KEYS,
    MISSING,
    NAME,
    PROGRAM,
    ROOT,
    SMALL,
    SOURCE,
    UNFITTING,
    Key,
    all_problems,
    changed,
    problems_of,
    with_value,
)
from tests.unit.mappings.test_language import as_json, declared, keys_in, language, misspelt

PLACES = dict(keys_in(SOURCE.root, Provision))
SHIPPED = sorted((ROOT / "provision").glob("*.yaml"))


def test_a_file_uses_every_key_of_the_language() -> None:
    assert set(PLACES) == {declared(model, name) for model in language(Provision) for name in model.model_fields}
    provision, source = load_provision(EVERYTHING)
    assert len(courses_in(provision, source, PROGRAM)) == 4


def test_every_key_is_wrong_once() -> None:
    assert set(KEYS) == set(PLACES)


@pytest.mark.parametrize(
    ("key", "number"), [(key, number) for key in sorted(KEYS) for number in range(len(KEYS[key]))], ids=str
)
def test_a_wrong_value_is_told_with_file_line_and_where_to_read_on(key: Key, number: int) -> None:
    place, value, message = KEYS[key][number]
    text, path = with_value(place, value)
    (problem,) = problems_of(text)
    line, link = SOURCE.line(path), f"(docs/provisioning.md#{path[0]})"
    if "calendar" in message:
        # Such a file is no YAML that could be read any further.
        assert problem == f"{NAME}:{line}: {message} (docs/provisioning.md#the-file)"
        return
    begin, _, rest = problem.partition(": ")
    assert begin == f"{NAME}:{line}", problem
    at, _, told = rest.partition(": ")
    # What is wrong among the parts of a value may lie deeper.
    assert at.startswith(place), problem
    assert told.startswith(message), problem
    assert told.endswith(link), problem


@pytest.mark.parametrize(("old", "new", "problem"), [*MISSING, *UNFITTING])
def test_what_is_missing_unknown_or_unfitting_is_told_once(old: str, new: str, problem: str) -> None:
    found = problems_of(changed(old, new))
    assert any(one.startswith(f"{NAME}:{problem}") for one in found), found
    assert all("(docs/provisioning.md#" in one for one in found)
    # One slip, one problem; an ID number that all courses share is two.
    assert len(found) == (2 if new in ("COP-MATH-BAY", "COP-MATH-{region}") else 1), found


def test_the_small_file_is_fine() -> None:
    assert problems_of(SMALL) == []


def test_every_message_is_exercised() -> None:
    # What a tuple of a category may hold is an annotation.
    assert unspoken((provisioning, provision_fitting), all_problems()) == []


@pytest.mark.parametrize("key", sorted(PLACES), ids="-".join)
def test_a_misspelt_key_is_told_with_the_right_one(key: Key) -> None:
    place = PLACES[key]
    with pytest.raises(ProgramError) as caught:
        provision_in(misspelt(place, SOURCE))
    told = [finding for finding in caught.value.findings if f"unknown key '{key[1]}x'" in finding.message]
    assert [finding.line for finding in told] == [SOURCE.line(place)], caught.value.problems
    assert f"did you mean '{key[1]}'?" in told[0].message
    assert told[0].link == f"docs/provisioning.md#{place[0]}"


def test_what_is_no_provision_file_is_told_how_one_begins() -> None:
    assert problems_of("- a") == [
        f"{NAME}:1: expected keys and values, beginning with 'provision:' (docs/provisioning.md#the-file)"
    ]


def test_problems_come_in_the_order_of_the_lines() -> None:
    text = SMALL.replace("site: main", "site: a b").replace("starts: 2026-09-01", "starts: x")
    assert [problem.split(":")[1] for problem in problems_of(text)] == ["2", "8"]


VALIDATOR = Draft202012Validator(provision_schema())


def test_the_schema_is_kept_beside_the_documentation() -> None:
    """`copbridge provision schema --output docs/provision.schema.json` writes it anew."""
    kept = json.loads((ROOT / "docs" / "provision.schema.json").read_text(encoding="utf-8"))
    assert kept == provision_schema()
    assert kept["$schema"] == DRAFT
    Draft202012Validator.check_schema(kept)


@pytest.mark.parametrize("path", [*SHIPPED, EVERYTHING], ids=lambda path: path.name)
def test_files_are_as_the_schema_says(path: object) -> None:
    assert isinstance(path, type(EVERYTHING))
    assert [error.message for error in VALIDATOR.iter_errors(as_json(source_of(path).data))] == []


@pytest.mark.parametrize(
    "wrong",
    [{"zzz": 1}, {"provision": "a b"}, {"starts": 5}, {"matrix": {"topics": []}}, {"category": []}],
    ids=str,
)
def test_the_schema_finds_what_is_wrong_in_itself(wrong: dict[str, object]) -> None:
    assert list(VALIDATOR.iter_errors(as_json(SOURCE.data) | wrong))


def test_every_key_is_described() -> None:
    schema = provision_schema()
    parts = {"Provision": schema} | schema["$defs"]
    bare = [
        f"{part}.{key}"
        for part, one in parts.items()
        for key, value in one["properties"].items()
        if not value.get("description")
    ]
    assert bare == []
