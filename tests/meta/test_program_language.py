"""docs/programs.md explains every key of the language of program files, under the address that messages give."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from mappings.findings import DOCS, GENERAL
from mappings.lint import lint
from mappings.loading import parse_program, program_in, source_of
from mappings.program import Program
from mappings.schema import program_schema

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / DOCS).read_text(encoding="utf-8")
RIVER = ROOT / "docs" / "examples" / "river-county.yaml"


def anchors() -> list[str]:
    """The addresses of the headings, as GitHub and others make them."""
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings]


def values(schema: Any) -> Iterator[str]:
    """The words that a key may stand for, such as `to_be_set`."""
    if isinstance(schema, list):
        for one in schema:
            yield from values(one)
    elif isinstance(schema, dict):
        found = [*schema.get("enum", []), schema.get("const")]
        yield from (value for value in found if isinstance(value, str))
        for one in schema.values():
            yield from values(one)


def test_every_top_level_key_has_a_section_of_its_own() -> None:
    found = anchors()
    assert [key for key in (*Program.model_fields, GENERAL) if found.count(key) != 1] == []


def test_every_key_of_every_part_is_explained() -> None:
    keys = {(part, key) for part, one in program_schema()["$defs"].items() for key in one["properties"]}
    assert len(keys) > 150
    explained = set(re.findall(r"`([a-z_]+)`", TEXT))
    assert sorted((part, key) for part, key in keys if key not in explained) == []


def test_every_value_is_explained() -> None:
    known = set(values(program_schema()))
    assert {"to_be_set", "participant", "face_to_face"} <= known
    assert sorted(value for value in known if f"`{value}`" not in TEXT and f": {value}`" not in TEXT) == []


def blocks() -> list[str]:
    """The pieces of program files that the page shows."""
    return re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_whole_program_on_the_page_loads() -> None:
    (whole,) = [block for block in blocks() if block.startswith("program:")]
    assert parse_program(whole).program == "hill-valley-math"
    assert 20 <= whole.count("\n") <= 30


def test_each_piece_of_a_program_on_the_page_loads_as_a_part_of_the_larger_example() -> None:
    pieces = [yaml.safe_load(block) for block in blocks() if not block.startswith(("program:", "#"))]
    assert [key for piece in pieces for key in piece] == [
        "communities",
        "activities",
        "hours_from_moodle",
        "write_back",
    ]
    river = source_of(RIVER).data
    for piece in pieces:
        # What rests on the rules that an example leaves out goes with them.
        rest = {key: value for key, value in river.items() if key not in ("caps", "requirements")}
        assert Program.model_validate(rest | piece)


def test_the_larger_example_loads_and_only_what_it_leaves_open_is_told() -> None:
    source = source_of(RIVER)
    found = lint(program_in(source), source)
    assert [one.place for one in found] == ["activities.1.minutes", "notices.2.members.max"]
    assert all("is yet to be set" in one.message for one in found)
    assert "(examples/river-county.yaml)" in TEXT


def test_every_pattern_on_the_page_and_in_the_larger_example_is_quoted() -> None:
    text = "\n".join([*blocks(), RIVER.read_text(encoding="utf-8")])
    assert re.findall(r"(?:idnumber|shortname|name): (?=[^'\n]*[?*+\\])[^'].*", text) == []
