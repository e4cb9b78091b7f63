"""Every shipped program file loads; versions of a program, and what a program answers."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import mappings
from mappings.base import words
from mappings.facts import Activity
from mappings.loading import load_program, parse_program
from mappings.matching import rule_for
from mappings.program import Program, ProgramVersion, next_version_at, version_at
from sandbox import content
from tests.support.small_program import SMALL

SHIPPED = sorted((Path(mappings.__file__).parent / "programs").glob("*.yaml"))
CALPRO = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_every_shipped_file_loads(path: Path) -> None:
    assert load_program(path).program == path.stem


def test_there_are_shipped_files() -> None:
    assert CALPRO in SHIPPED


def test_calpro_has_its_sixteen_topics_and_band() -> None:
    program = load_program(CALPRO)
    assert len(program.topics) == 16
    assert {topic.code for topic in program.topics if topic.commitment == "to_be_set"} == {"EBRI"}
    for topic in program.topics:
        band = program.band(topic.code)
        if topic.code == "EBRI":
            assert band is None
        else:
            assert band is not None
            assert (band.min_minutes, band.max_minutes) == (960, 1200)


def test_calpro_gives_the_sandbox_eighteen_hours() -> None:
    program = load_program(CALPRO)
    earned: dict[str, int] = {}
    for activity in content.ACTIVITIES:
        form = Activity(activity.idnumber, activity.modname, content.SECTIONS[activity.section], activity.name)
        rule = rule_for(program, form)
        # All but the announcements forum, which nobody completes.
        assert (rule is None) == (activity.tracking == 0), activity
        if rule:
            earned[rule.component] = earned.get(rule.component, 0) + rule.worth
    assert earned == {"online": 600, "face_to_face": 480}


def test_a_topic_without_any_band_has_no_commitment() -> None:
    program = parse_program(SMALL.replace("commitment: {min_hours: 16, max_hours: 20}\n", ""))
    assert program.band("MATH") is None


def test_a_topic_may_have_a_band_of_its_own() -> None:
    program = parse_program(SMALL.replace("{en: Math}}", "{en: Math}, commitment: {min_hours: 40, max_hours: 40.5}}"))
    band = program.band("MATH")
    assert band is not None
    assert (band.min_minutes, band.max_minutes) == (2400, 2430)


def versions(*dates: date) -> tuple[ProgramVersion, ...]:
    program = parse_program(SMALL)
    return tuple(
        ProgramVersion(id=str(number), number=number, program=program.model_copy(update={"effective_from": day}))
        for number, day in enumerate(dates, start=1)
    )


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        # Before the first date the first version counts.
        (datetime(2020, 1, 1, tzinfo=UTC), 1),
        # The day is the program's: midnight in California is 8:00 in UTC.
        (datetime(2026, 7, 1, 6, 59, tzinfo=UTC), 1),
        (datetime(2026, 7, 1, 7, 0, tzinfo=UTC), 3),
        (datetime(2027, 1, 1, 7, 59, tzinfo=UTC), 3),
        (datetime(2027, 1, 1, 8, 0, tzinfo=UTC), 4),
    ],
)
def test_the_version_in_force_at_a_moment(moment: datetime, number: int) -> None:
    loaded = versions(date(2026, 1, 1), date(2026, 7, 1), date(2026, 7, 1), date(2027, 1, 1))
    assert version_at(loaded, moment).number == number
    assert version_at(loaded[::-1], moment).number == number


def test_the_next_version_comes_into_force_at_midnight_of_the_program() -> None:
    two = versions(date(2026, 7, 1), date(2027, 1, 1))
    before = datetime(2026, 12, 1, tzinfo=UTC)
    assert next_version_at(two, before) == datetime(2027, 1, 1, 8, tzinfo=UTC)
    assert next_version_at(two, datetime(2027, 1, 1, 8, tzinfo=UTC)) is None


def test_words_in_a_language_or_english() -> None:
    assert words({"en": "Hours", "es": "Horas"}, "es") == "Horas"
    assert words({"en": "Hours", "es": "Horas"}, "fr") == "Hours"
    assert words({"es": "Horas"}, "fr") == "Horas"
    assert words({}, "fr") == ""


def test_a_program_is_frozen() -> None:
    program: Program = parse_program(SMALL)
    with pytest.raises(ValueError, match="frozen"):
        program.timezone = "UTC"  # type: ignore[misc]
