"""The language of program files: each of its keys is known to the loader, to editors and to people."""

import copy
import datetime
import inspect
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from jsonschema import Draft202012Validator

import mappings
from mappings.base import Model
from mappings.findings import Place
from mappings.loading import ProgramError, load_program, program_in, source_of
from mappings.program import Program
from mappings.schema import DRAFT, program_schema
from mappings.source import Source

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((Path(mappings.__file__).parent / "programs").glob("*.yaml"))
EXAMPLE = ROOT / "docs" / "examples" / "river-county.yaml"
EVERYTHING = ROOT / "tests" / "fixtures" / "programs" / "everything.yaml"
Key = tuple[str, str]
"""The model that brings a key into the language, and the key."""


def models_in(annotation: object) -> Iterator[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def language(root: type[Model] = Program) -> set[type[Model]]:
    """Every part of a program file, or of another one."""
    found: set[type[Model]] = set()
    left: list[type[Model]] = [root]
    while left:
        model = left.pop()
        if model not in found:
            found.add(model)
            left += [inner for field in model.model_fields.values() for inner in models_in(field.annotation)]
    return found


def declared(model: type[Model], name: str) -> Key:
    """Where a key of a model comes from: a requirement has those of a condition."""
    return next((base.__name__, name) for base in reversed(model.__mro__) if name in inspect.get_annotations(base))


def keys_in(node: yaml.Node, model: type[Model], at: Place = ()) -> Iterator[tuple[Key, Place]]:
    """Each key of the language in a file, with its place."""
    if isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            yield from keys_in(item, model, (*at, number))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield declared(model, key.value), (*at, key.value)
            for inner in models_in(model.model_fields[key.value].annotation):
                yield from keys_in(value, inner, (*at, key.value))
                break


SOURCE = source_of(EVERYTHING)
PLACES = dict(keys_in(SOURCE.root, Program))


def misspelt(place: Place, source: Source = SOURCE) -> Source:
    """The file with one letter too many in a key."""
    changed = copy.deepcopy(source)
    node: Any = changed.root
    data: Any = changed.data
    *path, name = place
    for step in path:
        data = data[step]
        node = node.value[step] if isinstance(step, int) else next(v for k, v in node.value if k.value == step)
    data[f"{name}x"] = data.pop(name)
    next(k for k, _ in node.value if k.value == name).value = f"{name}x"
    return changed


def test_a_file_uses_every_key_of_the_language() -> None:
    assert set(PLACES) == {declared(model, name) for model in language() for name in model.model_fields}
    assert load_program(EVERYTHING).program == "everything"


@pytest.mark.parametrize("key", sorted(PLACES), ids="-".join)
def test_a_misspelt_key_is_told_with_the_right_one(key: Key) -> None:
    place = PLACES[key]
    with pytest.raises(ProgramError) as caught:
        program_in(misspelt(place))
    told = [finding for finding in caught.value.findings if f"unknown key '{key[1]}x'" in finding.message]
    assert [finding.line for finding in told] == [SOURCE.line(place)], caught.value.problems
    assert f"did you mean '{key[1]}'?" in told[0].message
    assert told[0].anchor == place[0]


def as_json(value: Any) -> Any:
    """A file's content as an editor has it: days are text."""
    return json.loads(json.dumps(value, default=datetime.date.isoformat))


VALIDATOR = Draft202012Validator(program_schema())


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(program_schema())
    assert program_schema()["$schema"] == DRAFT


def test_the_schema_is_kept_beside_the_documentation() -> None:
    """`copbridge program schema --output docs/program.schema.json` writes it anew."""
    assert json.loads((ROOT / "docs" / "program.schema.json").read_text(encoding="utf-8")) == program_schema()


@pytest.mark.parametrize("path", [*SHIPPED, EXAMPLE, EVERYTHING], ids=lambda path: path.name)
def test_files_are_as_the_schema_says(path: Path) -> None:
    assert [error.message for error in VALIDATOR.iter_errors(as_json(source_of(path).data))] == []


@pytest.mark.parametrize(
    "wrong",
    [{"zzz": 1}, {"title": {"english": "x"}}, {"hour_minutes": 10}, {"program": "a b"}, {"components": []}],
    ids=str,
)
def test_the_schema_finds_what_is_wrong_in_itself(wrong: dict[str, object]) -> None:
    assert list(VALIDATOR.iter_errors(as_json(SOURCE.data) | wrong))


def test_every_key_is_described() -> None:
    schema = program_schema()
    parts = {"Program": schema} | schema["$defs"]
    bare = [
        f"{part}.{name}"
        for part, one in parts.items()
        for name, key in one["properties"].items()
        if not key.get("description")
    ]
    assert bare == []
