"""The shipped template: what its program credits, 18 hours in all, and nothing that a copy couldn't be held against."""

from pathlib import Path

import pytest
from pydantic import ValidationError

import mappings
from mappings.facts import Activity
from mappings.loading import load_program
from mappings.matching import rule_for
from mappings.source import read
from mappings.template import Template

FOLDER = Path(mappings.__file__).parent
FILES = sorted((FOLDER / "templates").glob("*.yaml"))


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def template(request: pytest.FixtureRequest) -> Template:
    path: Path = request.param
    found = Template.model_validate(read(path.read_text(encoding="utf-8"), path.name).data)
    assert found.template == path.stem
    return found


def test_its_activities_are_told_apart_by_id_number_and_all_are_tracked(template: Template) -> None:
    idnumbers = [one.idnumber for one in template.activities]
    assert len(idnumbers) == len(set(idnumbers)) > 10
    assert {one.completion.tracking for one in template.activities} <= {"automatic", "manual"}
    for one in template.activities:
        rules = one.completion.model_dump(exclude={"tracking"})
        assert any(rules.values()) == (one.completion.tracking == "automatic"), one.idnumber


def test_the_hours_that_it_declares_are_those_that_the_program_credits(template: Template) -> None:
    program = load_program(FOLDER / "programs" / f"{template.program}.yaml")
    declared = dict.fromkeys(program.components, 0)
    for section in template.sections:
        for one in section.activities:
            form = Activity(one.idnumber, one.kind, section.name, one.name)
            rule = rule_for(program, form)
            assert rule, one.idnumber
            if one.minutes is not None:
                assert (rule.minutes, rule.component) == (one.minutes, one.component), one.idnumber
                declared[rule.component] += one.minutes
    assert sum(declared.values()) == 18 * 60
    assert (declared["online"], declared["face_to_face"]) == (600, 480)


def test_what_the_plugin_cannot_make_is_refused() -> None:
    good = read(FILES[0].read_text(encoding="utf-8"), "t").data
    changes: tuple[dict[str, object], ...] = (
        {"sections": []},
        {"sections": [{"name": "A", "activities": [{"idnumber": "X", "kind": "lesson", "name": "L"}]}]},
        {"idnumber": " T"},
        {"further": 1},
    )
    for change in changes:
        with pytest.raises(ValidationError):
            Template.model_validate(good | change)
