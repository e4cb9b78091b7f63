"""docs/provisioning.md explains every key of provision files, every class of hand change and whatever is in the way."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from jobs.provision.differences import UNMENDABLE, Kind
from jobs.provision.plan import Problem
from mappings.loading import load_program
from mappings.provision_loading import DOCS, GENERAL, courses_in, parse_provision
from mappings.provisioning import NAMES, Provision
from mappings.schema import provision_schema
from mappings.template import Template
from records.people_file import LAYOUT, ROLES
from service.provision_words import KINDS, PROBLEMS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / DOCS).read_text(encoding="utf-8")
CLASSES = {"harmless": "Harmless", "adopt": "Adopt", "mend": "Mend"}


def anchors() -> list[str]:
    """The addresses of the headings, as GitHub and others make them."""
    headings = re.findall(r"^#+ (.+)$", TEXT, re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-") for heading in headings]


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables in a section."""
    section = re.split(r"^#+ ", TEXT.partition(f"\n{heading}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line for line in section.splitlines() if line.startswith("| ") and not line.startswith("| code |")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def blocks() -> list[str]:
    """The pieces of provision files that the page shows."""
    return re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def values(schema: Any) -> Iterator[str]:
    """The words that a key may stand for, such as `all`."""
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
    assert [key for key in (*Provision.model_fields, GENERAL) if found.count(key) != 1] == []


def test_every_key_and_every_value_is_explained() -> None:
    keys = {key for one in provision_schema()["$defs"].values() for key in one["properties"]}
    assert len(keys) > 40
    assert sorted(key for key in keys | {*values(provision_schema())} if f"`{key}`" not in TEXT) == []


def test_every_name_in_braces_is_explained() -> None:
    cells = [name for first, *_ in rows("### What can stand in braces") for name in re.findall(r"{(\w+)}", first)]
    assert sorted(cells) == sorted(NAMES)


def test_every_column_of_a_file_of_people_is_explained() -> None:
    cells = [name for first, *_ in rows("## Files of people") for name in re.findall(r"`(\w+)`", first)]
    assert sorted(cells) == sorted(LAYOUT.known)
    assert all(f"`{role}`" in TEXT for role in ROLES if role)


def test_the_whole_file_and_its_pieces_load() -> None:
    program = load_program(ROOT / "mappings" / "programs" / "calpro-regional.yaml")
    (whole,) = [block for block in blocks() if block.startswith("provision:")]
    pieces = [block for block in blocks() if not block.startswith(("provision:", "#"))]
    assert [key for piece in pieces for key in yaml.safe_load(piece)] == ["people", "communities", "overrides"]
    assert len(courses_in(*parse_provision(whole), program)) == 4
    for piece in pieces:
        assert courses_in(*parse_provision(whole + piece), program)


def test_every_hand_change_is_listed_with_its_class() -> None:
    """The table as it has to be stands in the message, for who changes a class."""
    wanted = [[f"`{kind}`", KINDS[kind], "In Moodle" if kind in UNMENDABLE else CLASSES[kind.weight]] for kind in Kind]
    assert rows("## What was changed by hand") == wanted, "\n".join(f"| {' | '.join(row)} |" for row in wanted)


def test_whatever_is_in_the_way_is_listed_with_its_sentence() -> None:
    wanted = [[f"`{problem}`", told(PROBLEMS[problem])] for problem in Problem]
    assert rows("## When something is in the way") == wanted, "\n".join(f"| {' | '.join(row)} |" for row in wanted)


def told(sentence: str) -> str:
    """A sentence with words for what is put into it."""
    return re.sub(r"%\((\w+)\)s", lambda match: match[1].upper(), sentence).replace("%%", "%")


def test_the_template_that_the_guide_builds_is_the_one_that_the_shipped_file_copies() -> None:
    path = ROOT / "mappings" / "templates" / "calpro-regional.yaml"
    template = Template.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    provision, _ = parse_provision((ROOT / "provision" / "calpro-regional-26f.yaml").read_text(encoding="utf-8"))
    assert provision.template == template.idnumber
    assert f"copbridge provision template {template.template} --site main" in TEXT
    assert template.idnumber.startswith("TEMPLATE-")
