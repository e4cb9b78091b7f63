"""Every shipped program file loads; a wrong one is told by file, line and what was expected."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

import mappings
from mappings.facts import Activity
from mappings.loading import ProgramError, load_program, parse_program
from mappings.matching import rule_for
from mappings.program import Program, ProgramVersion, next_version_at, version_at, words
from sandbox import content

SHIPPED = sorted((Path(mappings.__file__).parent / "programs").glob("*.yaml"))
CALPRO = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"

SMALL = """\
program: small
title: {en: A small program}
effective_from: 2026-01-01
timezone: America/Los_Angeles
commitment: {min_hours: 16, max_hours: 20}
components: [online, face_to_face]
topics:
  - {code: MATH, title: {en: Math}}
  - {code: IET, title: {en: Integrated Education and Training}}
regions:
  - {code: BAY, title: {en: Bay Area}}
communities:
  - course_idnumber: ^COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)$
participant_roles: [student]
facilitator_roles: [editingteacher]
attendance:
  components: {face_to_face: face_to_face}
activities:
  - {rule: quiz, kind: [quiz], minutes: 60, component: online}
  - {rule: rest, minutes: 30, component: online}
"""


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
            earned[rule.component] = earned.get(rule.component, 0) + rule.minutes
    assert earned == {"online": 600, "face_to_face": 480}


def broken(old: str, new: str) -> list[str]:
    assert SMALL.count(old) >= 1
    with pytest.raises(ProgramError) as caught:
        parse_program(SMALL.replace(old, new, 1), "small.yaml")
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("title: {en: A small program}\n", "", "1: title: Field required"),
        ("timezone: America/Los_Angeles", "timezone: Pacific", "4: timezone: 'Pacific' is not a time zone name"),
        ("effective_from: 2026-01-01", "effective_from: soon", "3: effective_from: Input should be a valid date"),
        ("min_hours: 16", "min_hours: sixteen", "5: commitment.min_hours: Input should be a valid number"),
        ("min_hours: 16", "min_hours: 0", "5: commitment.min_hours: Input should be greater than 0"),
        ("min_hours: 16", "min_hours: 24", "5: commitment: max_hours 20.0 is below min_hours 24.0"),
        ("min_hours", "minimum", "5: commitment.minimum: Extra inputs are not permitted"),
        ("program: small", "program: a small one", "1: program: String should match pattern"),
        ("program: small", "progam: small", "1: progam: Extra inputs are not permitted"),
        ("components: [online, face_to_face]", "components: []", "6: components: Tuple should have at least 1 item"),
        ("[online, face_to_face]", "[online, online]", "6: components.1: 'online' stands twice"),
        ("code: IET", "code: MATH", "9: topics.1: 'MATH' stands twice"),
        ("{en: Math}", "{english: Math}", "8: topics.0.title.english.[key]: String should match pattern"),
        ("{en: Math}}", "{en: Math}, commitment: later}", "8: topics.0.commitment"),
        ("(?P<topic>[A-Z]+)", "([A-Z]+)", "13: communities.0: course_idnumber needs the named group(s) topic"),
        ("(?P<topic>[A-Z]+)", "(?P<topic>[A-Z]+", "13: communities.0.course_idnumber: is not a regular expression"),
        ("facilitator_roles: [editingteacher]", "facilitator_roles: [student]", "15: facilitator_roles: 'student'"),
        ("{face_to_face: face_to_face}", "{zoom: online}", "17: attendance.components.zoom.[key]: Input should be"),
        (
            "{face_to_face: face_to_face}",
            "{virtual: remote}",
            "17: attendance.components.virtual: components does not list 'remote'",
        ),
        ("minutes: 60", "minutes: -60", "19: activities.0.minutes: Input should be greater than or equal to 0"),
        ("minutes: 60", "minutes: 60.5", "19: activities.0.minutes: Input should be a valid integer"),
        (
            "minutes: 60, component: online",
            "minutes: 60, component: on-line",
            "19: activities.0.component: components does not",
        ),
        ("minutes: 60, ", "", "19: activities.0.minutes: Field required"),
        ("rule: rest,", "rule: quiz,", "20: activities.1: 'quiz' stands twice"),
        ("rule: rest,", "rule: rest, kind: [quiz],", "20: activities.1: rule 'rest' can never match: 'quiz' before it"),
        ("rule: quiz, kind: [quiz],", "rule: quiz,", "20: activities.1: rule 'rest' can never match"),
        ("kind: [quiz]", "idnumber: '['", "19: activities.0.idnumber: is not a regular expression"),
        ("kind: [quiz]", "kind: quiz", "19: activities.0.kind: Input should be a valid tuple"),
        ("regions:\n", "program: twice\nregions:\n", "10: 'program' stands twice (first on line 1)"),
        ("regions:\n", "regions: [\n", "11"),
        ("program: small\n", "program: !!python/object:os.system small\n", "1: could not determine a constructor"),
        (SMALL, "", "1: expected a mapping that begins with 'program:'"),
        (SMALL, "- a list", "1: expected a mapping that begins with 'program:'"),
        ("program: small", "program: \x00", "1: not YAML"),
    ],
)
def test_a_problem_names_file_line_and_what_was_expected(old: str, new: str, problem: str) -> None:
    problems = broken(old, new)
    assert any(found.startswith(f"small.yaml:{problem}") for found in problems), problems


def test_all_problems_of_a_file_come_at_once() -> None:
    source = SMALL.replace("min_hours: 16", "min_hours: x").replace("minutes: 60", "minutes: y")
    with pytest.raises(ProgramError) as caught:
        parse_program(source, "small.yaml")
    assert [problem.split(":")[1] for problem in caught.value.problems] == ["5", "19"]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ProgramError, match="cannot be read"):
        load_program(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes("title: Séance".encode("latin-1"))
    with pytest.raises(ProgramError, match=r"latin\.yaml:1: cannot be read"):
        load_program(tmp_path / "latin.yaml")


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
