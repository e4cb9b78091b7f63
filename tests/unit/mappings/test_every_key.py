"""Each key of the language, changed, changes an outcome: no key is idle, and none is without a test."""

import copy
import inspect
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

import mappings
from mappings.base import Model
from mappings.plain import model_at
from mappings.program import Program
from tests.unit.mappings.key_cases import SIMPLE, Case, Key
from tests.unit.mappings.key_cases_asked import ASKED
from tests.unit.mappings.worlds import BASE

ROOT = Path(mappings.__file__).parents[1]
CASES = SIMPLE | ASKED
WORDS: dict[str, set[str]] = {
    "Program": {"program", "title", "description", "contact", "how_to_join", "units"},
    "Contact": {"name", "email", "url", "phone"},
    "Unit": {"unit", "title", "minutes"},
    "Particulars": {"title", "contact"},
    **{
        name: {"title"}
        for name in ("Term", "Topic", "Region", "JobRole", "SessionKind", "Milestone", "Cycle", "Cap", "Requirement")
    },
    "Notice": {"title"},
}
"""Names and words for people, and units that amounts are shown in: nothing is computed from them."""
READ_BY: dict[Key, str] = {
    ("Region", "statewide"): "mappings/lint.py",
    ("HoursNeeded", "max_hours"): "mappings/lint.py",
    ("Particulars", "timezone"): "records/community_details.py",
    ("Particulars", "host"): "records/community_details.py",
    ("Particulars", "starts"): "records/surroundings.py",
    ("Particulars", "ends"): "records/surroundings.py",
    ("Program", "profile"): "records/affiliations.py",
    ("Profile", "organisation"): "records/affiliations.py",
    ("Profile", "job_role"): "records/affiliations.py",
    ("Program", "shared"): "records/counted.py",
    ("Shared", "counts_in"): "records/counted.py",
    ("Shared", "prefer"): "records/counted.py",
    ("Program", "write_back"): "records/telling.py",
    ("WriteBack", "standings"): "records/telling.py",
    ("WriteBack", "presence"): "records/telling_presence.py",
}
"""What the engine is given the consequences of: the file that reads it."""


def models_in(annotation: object) -> list[type[Model]]:
    own = [annotation] if isinstance(annotation, type) and issubclass(annotation, Model) else []
    return own + [model for part in get_args(annotation) for model in models_in(part)]


def language() -> set[Key]:
    """Every key, with the model that brings it into the language."""
    found: dict[str, type[Model]] = {}
    left: list[type[Model]] = [Program]
    while left:
        model = left.pop()
        for base in (model, *model.__bases__):
            if issubclass(base, Model) and base is not Model and base.__name__ not in found:
                found[base.__name__] = base
                left += [inner for field in base.model_fields.values() for inner in models_in(field.annotation)]
    return {(name, key) for name, model in found.items() for key in inspect.get_annotations(model)}


def changed(one: Case) -> dict[str, Any]:
    data: Any = copy.deepcopy(BASE | one.keys)
    inside = data
    for step in one.place[:-1]:
        inside = inside[step] if isinstance(step, int) else inside.setdefault(step, {})
    inside[one.place[-1]] = one.value
    return data  # type: ignore[no-any-return]


@pytest.mark.parametrize("key", sorted(CASES), ids="-".join)
def test_a_changed_key_changes_the_outcome(key: Key) -> None:
    one = CASES[key]
    model, name = model_at(one.place[:-1]), one.place[-1]
    assert model
    if name == key[1]:
        assert key[0] in {base.__name__ for base in model.__mro__}
    before = Program.model_validate(copy.deepcopy(BASE | one.keys))
    if one.look is None:
        with pytest.raises(ValidationError):
            Program.model_validate(changed(one))
        return
    after = Program.model_validate(changed(one))
    assert one.look(before) == one.look(Program.model_validate(copy.deepcopy(BASE | one.keys)))
    assert one.look(before) != one.look(after)


def test_no_key_is_without_an_entry() -> None:
    words = {(model, key) for model, keys in WORDS.items() for key in keys}
    groups = (set(CASES), words, set(READ_BY))
    assert set.union(*groups) == language()
    assert sum(map(len, groups)) == len(language())


@pytest.mark.parametrize("key", sorted(READ_BY), ids="-".join)
def test_what_the_engine_does_not_read_somebody_else_does(key: Key) -> None:
    assert f".{key[1]}" in (ROOT / READ_BY[key]).read_text(encoding="utf-8")
