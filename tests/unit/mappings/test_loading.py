"""Whatever is wrong with a program file is told by file, line, what was expected, and where it is explained."""

from pathlib import Path

import pytest

from mappings import base, earning, findings, loading, periods, places, plain, program, requirements, source, wholeness
from mappings.loading import ProgramError, load_program, parse_program
from tests.support.messages import unspoken
from tests.support.small_program import SMALL, changed, problems_of
from tests.unit.mappings.provision_cases import all_problems

Case = tuple[str, str, str]

VALUES: list[Case] = [
    ("title: {en: A small program}\n", "", "1: title: is missing (docs/programs.md#title)"),
    ("timezone: America/Los_Angeles", "timezone: Pacific", "4: timezone: 'Pacific' is not a time zone name such as"),
    ("effective_from: 2026-01-01", "effective_from: soon", "3: effective_from: expected a date such as 2026-07-01, n"),
    ("effective_from: 2026-01-01", "effective_from: 2026-01-01 10:00", "3: effective_from: expected a date such"),
    ("min_hours: 16", "min_hours: sixteen", "5: commitment.min_hours: expected a number, not 'sixteen' (docs/"),
    ("min_hours: 16", "min_hours: 0", "5: commitment.min_hours: has to be more than 0.0 (docs/programs.md#commitment)"),
    ("min_hours: 16", "min_hours: 16000", "5: commitment.min_hours: has to be at most 10000"),
    ("min_hours: 16", "min_hours: 24", "5: commitment: max_hours 20.0 is below min_hours 24.0"),
    (
        "{min_hours: 16, max_hours: 20}",
        "[16, 20]",
        "5: commitment: expected keys and values such as {a: b}, not a list",
    ),
    (
        "commitment: {min_hours: 16, max_hours: 20}",
        "hours_from_moodle: {min_hours: 9}",
        "5: hours_from_moodle: max_hours 8 is below min_hours 9.0",
    ),
    (
        "commitment: {min_hours: 16, max_hours: 20}",
        "hours_from_moodle: {take: acept}",
        "5: hours_from_moodle.take: expected 'ignore' or 'propose' or 'accept', not 'acept'",
    ),
    ("{min_hours: 16, max_hours: 20}", "16", "5: commitment: expected keys and values such as {a: b}, not '16'"),
    ("program: small", "program: a small one", "1: program: 'a small one' is not a code: up to 40 letters, digits, -"),
    ("program: small", "program: 12", "1: program: expected text, not 12 (put it in quotes)"),
    ("program: small", "program:", "1: program: expected text, not nothing"),
    ("[online, face_to_face]", "[]", "6: components: needs at least one"),
    ("[online, face_to_face]", "[online, 5]", "6: components.1: expected text, not 5 (put it in quotes)"),
    ("{en: Math}", "{english: Math}", "8: topics.0.title.english: 'english' is not a language such as en or es-MX"),
    (
        "{en: Math}}",
        "{en: Math}, commitment: later}",
        "8: topics.0.commitment: expected keys and values such as {a: b} or",
    ),
    (
        "{en: Math}}",
        "{en: Math}, commitment: {min_hours: x, max_hours: 3}}",
        "8: topics.0.commitment.min_hours: expected",
    ),
    (
        "{en: Bay Area}}",
        "{en: Bay Area}, statewide: often}",
        "11: regions.0.statewide: expected true or false, not 'oft",
    ),
    ("{face_to_face: face_to_face}", "{zoom: online}", "17: attendance.components.zoom: expected 'face_to_face' or 'v"),
    ("minutes: 60", "minutes: -60", "19: activities.0.minutes: has to be at least 0"),
    ("minutes: 60", "minutes: 60.5", "19: activities.0.minutes: expected a whole number or 'to_be_set', not '60.5'"),
    ("minutes: 60", "minutes: [60]", "19: activities.0.minutes: expected a whole number or 'to_be_set', not a list"),
    (
        "minutes: 60",
        "minutes: {a: 1}",
        "19: activities.0.minutes: expected a whole number or 'to_be_set', not keys and values",
    ),
    ("minutes: 60", "minutes:", "19: activities.0.minutes: expected a whole number or 'to_be_set', not nothing"),
    ("minutes: 60, ", "", "19: activities.0.minutes: is missing"),
    (
        "minutes: 60",
        "minutes: 60, earns: {complete: x}",
        "19: activities.0.earns.complete: expected 'all' or 'none' or a",
    ),
    ("kind: [quiz]", "kind: quiz", "19: activities.0.kind: expected a list such as [a, b], not 'quiz'"),
    ("kind: [quiz]", "idnumber: '['", "19: activities.0.idnumber: is not a regular expression: unterminated"),
    ("", "school_year: {starts: 13-01}", "21: school_year.starts: '13-01' is not a day of the year such as 07-01"),
    ("", "self_reported: true", "21: self_reported: expected a list such as [a, b], not 'true'"),
]
KEYS: list[Case] = [
    ("min_hours", "minimum", "5: commitment.minimum: unknown key 'minimum'; did you mean 'min_hours'? (docs/"),
    (
        "program: small",
        "progam: small",
        "1: progam: unknown key 'progam'; did you mean 'program'? (docs/programs.md#pro",
    ),
    ("code: BAY", "code: BAY, zzz: 1", "11: regions.0.zzz: unknown key 'zzz'; what can stand here: statewide"),
    ("", "zzz: 1", "21: zzz: unknown key 'zzz'; what can stand here: description, contact"),
]
YAML: list[Case] = [
    (
        "regions:\n",
        "program: twice\nregions:\n",
        "10: 'program' stands twice (first on line 1) (docs/programs.md#how-a",
    ),
    ("regions:\n", "regions: [\n", "11: not YAML: "),
    ("regions:\n", "a: b: c\nregions:\n", "10: not YAML: mapping values are not allowed here"),
    (
        "",
        "teams: {group_idnumber: SCH-(?P<organisation>.+)}",
        "21: not YAML: expected ',' or '}', but got '?' (words or patterns with ? : , { } [ ] need quotes)",
    ),
    ("", "teams: {group_idnumber: A{2}}", "21: not YAML: expected ',' or '}', but got '{' (words or patterns with"),
    ("kind: [quiz]", "name: Read: me", "19: not YAML: expected ',' or '}', but got ':' (words or patterns with"),
    ("kind: [quiz]", 'idnumber: "F2F-\\d+"', "19: not YAML: found unknown escape character 'd' (single quotes leave a"),
    ("regions:\n", "1: one\nregions:\n", "10: a key has to be text: put it in quotes"),
    ("regions:\n", "? [a]\n: b\nregions:\n", "10: a key has to be text: put it in quotes"),
    ("program: small", "program: !!python/object:os.system small", "1: not YAML: could not determine a constructor"),
    ("program: small", "program: \x00", "1: not YAML: special characters are not allowed"),
    ("participant_roles: [student]", "participant_roles: \x07", "14: not YAML: special characters are not allowed"),
    ("[student]", "&all [*all]", "14: an alias stands for something that it is a part of"),
    (SMALL, "", "1: expected keys and values, beginning with 'program:'"),
    (SMALL, "- a list", "1: expected keys and values, beginning with 'program:'"),
    (SMALL, "a: " + "[" * 5_000, "1: is nested too deeply"),
    (
        SMALL,
        "a: &a [" + "1," * 99 + "]\nb: &b [" + "*a," * 99 + "]\nc: [" + "*b," * 99 + "]",
        "3: holds too much, once its aliases are written out",
    ),
]
PARTS: list[Case] = [
    ("(?P<topic>[A-Z]+)", "(?P<topic>[A-Z]+", "13: communities.0.course_idnumber: is not a regular expression"),
    (
        "(?P<topic>[A-Z]+)",
        "([A-Z]+)",
        "13: communities.0: needs 'topic', or a pattern with the named group (?P<topic>...)",
    ),
    (
        "  - course_idnumber: ",
        "  - group_idnumber: ",
        "13: communities.0: needs course_idnumber, course_shortname, cat",
    ),
    (
        "  - course_idnumber: ",
        "  - course_shortname: (?P<topic>.+)\n    course_idnumber: ",
        "13: communities.0: the named group 'topic' stands in two patterns",
    ),
    ("", "teams: {}", "21: teams: needs group_idnumber or grouping"),
    (
        "",
        "particulars: [{starts: 2026-02-01, ends: 2026-01-01}]",
        "21: particulars.0: ends 2026-01-01 before it starts",
    ),
    ("", "period: {years: 2}", "21: period: 'years' belongs to 'every: years', and only there"),
    ("", "period: {every: rolling}", "21: period: 'days' belongs to 'every: rolling', and only there"),
    ("", "period: {every: years, years: 2}", "21: period: 'every: years' needs an anchor to count from"),
    ("", "period: {every: community, anchor: designation}", "21: period: 'every: community' has no anchor"),
    (
        "",
        "period: {every: community, carry_over: {max_hours: 2}}",
        "21: period: only a school year or a term that repeats hands hours on",
    ),
    (
        "attendance:\n",
        "attendance:\n  minutes: 5\n",
        "16: attendance: 'minutes' belongs to 'earns: fixed', and only ther",
    ),
    (
        "attendance:\n",
        "attendance:\n  earns: weighted\n",
        "16: attendance: 'weights' belongs to 'earns: weighted', and",
    ),
    (
        "",
        "milestones: [{milestone: a, title: {en: A}, of: team, from_activity: {}}]",
        "21: milestones.0.from_activity: needs idnumber, kind, section or name",
    ),
    (
        "",
        "milestones: [{milestone: a, title: {en: A}, of: team, phase: plan}]",
        "21: milestones.0: a phase belongs to a cycle: 'cycle' and 'phase' go together",
    ),
    (
        "",
        "milestones: [{milestone: a, title: {en: A}, of: team, minutes: 5}]",
        "21: milestones.0: 'minutes' and 'component' go together",
    ),
    (
        "",
        "milestones: [{milestone: a, title: {en: A}, of: community, minutes: 5, component: online}]",
        "21: milestones.0: only a participant's or a team's milestone earns 'minutes'",
    ),
    (
        "",
        "milestones: [{milestone: a, title: {en: A}, of: team, minutes: 5, component: online,"
        " from_activity: {idnumber: A}}]",
        "21: milestones.0: with 'from_activity' the activity's own rule gives the minutes",
    ),
    ("", "requirements: [{requirement: a, title: {en: A}}]", "21: requirements.0: needs exactly one of hours, activ"),
    (
        "",
        "requirements: [{requirement: a, title: {en: A}, hours: {min_hours: 1}, due: {}}]",
        "21: requirements.0.due: needs exactly one of on, after, at",
    ),
    (
        "",
        "requirements: [{requirement: a, title: {en: A}, hours: {min_hours: 1}, due: {after: session}}]",
        "21: requirements.0.due: 'after' goes with either days or months",
    ),
    ("", "notices: [{notice: a, title: {en: A}, of: team}]", "21: notices.0: needs exactly one of members, teams"),
    ("", "notices: [{notice: a, title: {en: A}, of: team, members: {}}]", "21: notices.0.members: needs min or max"),
    (
        "",
        "notices: [{notice: a, title: {en: A}, of: team, members: {min: 3, max: 2}}]",
        "21: notices.0.members: max 2 is below min 3",
    ),
    (
        "",
        "notices: [{notice: a, title: {en: A}, of: program, members: {min: 3}}]",
        "21: notices.0: 'members' is asked of a team or community, not of a program",
    ),
]
WHOLE: list[Case] = [
    ("[online, face_to_face]", "[online, face_to_face, online]", "6: components.2: 'online' stands twice"),
    ("code: IET", "code: MATH", "9: topics.1: 'MATH' stands twice"),
    ("rule: rest,", "rule: quiz,", "20: activities.1: 'quiz' stands twice"),
    (
        "facilitator_roles: [editingteacher]",
        "facilitator_roles: [student]",
        "15: facilitator_roles: 'student' stands in participant_roles and in facilitator_roles",
    ),
    (
        "{face_to_face: face_to_face}",
        "{virtual: remote}",
        "17: attendance.components.virtual: components does not list 'remote' (docs/programs.md#attendance)",
    ),
    (
        "minutes: 60, component: online",
        "minutes: 60, component: on-line",
        "19: activities.0.component: components does not list 'on-line'; did you mean 'online'? (docs/",
    ),
    ("", "self_reported: [oneline]", "21: self_reported.0: components does not list 'oneline'; did you mean 'online'?"),
    ("", "shared: {counts_in: one, prefer: [LA]}", "21: shared.prefer.0: regions does not list 'LA'"),
    (
        "",
        "notices: [{notice: a, title: {en: A}, of: team, roles_covered: {teacher: 1}}]",
        "21: notices.0.roles_covered.teacher: job_roles does not list 'teacher'",
    ),
    (
        "rule: rest,",
        "rule: rest, kind: [quiz],",
        "20: activities.1: rule 'rest' can never match: 'quiz' before it takes it all",
    ),
    ("rule: quiz, kind: [quiz],", "rule: quiz,", "20: activities.1: rule 'rest' can never match"),
    (
        "",
        "cycles: [{cycle: pdsa, title: {en: PDSA}, phases: [plan], full: [plan, do]}]",
        "21: cycles.0.full.1: the cycle 'pdsa' has no phase 'do'",
    ),
    (
        "",
        "cycles: [{cycle: pdsa, title: {en: PDSA}, phases: [plan], full: [plan]}]\n"
        "milestones: [{milestone: a, title: {en: A}, of: team, cycle: pdsa, phase: do}]",
        "22: milestones.0.phase: the cycle 'pdsa' has no phase 'do'",
    ),
    ("", "period: {every: school_year}", "21: period: needs 'school_year': the day on which it begins"),
    ("", "period: {every: term}", "21: period: needs 'terms'"),
    ("", "caps: [{cap: a, per: term, minutes: 5}]", "21: caps.0: needs 'terms'"),
    (
        "",
        "period: {every: rolling, days: 90}\ncaps: [{cap: a, per: period, minutes: 5}]",
        "22: caps.0.per: a rolling period has no borders to count within",
    ),
    ("", "caps: [{cap: a, session_kinds: [x], minutes: 5}]", "21: caps.0.session_kinds.0: session_kinds does not list"),
    (
        "commitment: {min_hours: 16, max_hours: 20}",
        "pace: {behind_by_percent: 10}",
        "5: pace: 'pace' needs a commitment",
    ),
]
CASES = [*VALUES, *KEYS, *YAML, *PARTS, *WHOLE]


def test_the_small_program_is_fine() -> None:
    assert problems_of(SMALL) == []


@pytest.mark.parametrize(("old", "new", "problem"), CASES)
def test_a_problem_names_file_line_what_was_expected_and_where_to_read_on(old: str, new: str, problem: str) -> None:
    problems = problems_of(changed(old, new))
    assert any(found.startswith(f"small.yaml:{problem}") for found in problems), problems
    assert all("(docs/programs.md#" in found and found.endswith(")") for found in problems)
    # One slip, one problem.
    assert len(problems) == 1 or new == "[]" or "kind: [quiz]" in old, problems


def test_every_message_is_exercised(tmp_path: Path) -> None:
    said = [problem for old, new, _ in CASES for problem in problems_of(changed(old, new))]
    said += [str(error.value) for error in (_unreadable(tmp_path / "none.yaml"), _latin(tmp_path))]
    # Some are about what only provision files hold.
    said += all_problems()
    modules = (base, periods, earning, places, requirements, program, wholeness, source, plain, loading, findings)
    # An annotation, and what is cut off.
    besides = {"Annotated[tuple[Condition, ...], Field(min_length=1)]", "Value error, "}
    assert unspoken(modules, said, besides) == []


def _unreadable(path: Path) -> pytest.ExceptionInfo[ProgramError]:
    with pytest.raises(ProgramError) as caught:
        load_program(path)
    return caught


def _latin(tmp_path: Path) -> pytest.ExceptionInfo[ProgramError]:
    (tmp_path / "latin.yaml").write_bytes("title: Séance".encode("latin-1"))
    return _unreadable(tmp_path / "latin.yaml")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert "none.yaml:1: cannot be read: No such file" in str(_unreadable(tmp_path / "none.yaml").value)
    assert "latin.yaml:1: cannot be read: it is not UTF-8 text" in str(_latin(tmp_path).value)


def lines_of(text: str) -> list[int]:
    return [int(problem.split(":")[1]) for problem in problems_of(text)]


def test_all_problems_of_all_parts_come_at_once() -> None:
    assert lines_of(SMALL.replace("min_hours: 16", "min_hours: x").replace("minutes: 60", "minutes: y")) == [5, 19]


def test_all_that_does_not_fit_together_comes_at_once() -> None:
    text = SMALL.replace("component: online", "component: remote").replace("code: IET", "code: MATH")
    assert lines_of(text) == [9, 19, 20]


def test_whether_the_rest_fits_together_is_looked_at_although_a_part_is_wrong() -> None:
    text = SMALL.replace("minutes: 60", "minutes: y").replace(
        "rest, minutes: 30, component: o", "rest, minutes: 3, component: x"
    )
    assert problems_of(text) == [
        "small.yaml:19: activities.0.minutes: expected a whole number or 'to_be_set', not 'y'"
        " (docs/programs.md#activities)",
        "small.yaml:20: activities.1.component: components does not list 'xnline'; did you mean 'online'?"
        " (docs/programs.md#activities)",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # Each leaves something out that other parts rest on, which is no problem of theirs.
        ("components: [", "componants: ["),
        ("components: [online, face_to_face]\n", ""),
        ("  - {rule: quiz,", "  - {rule: quiz, zzz: 1,"),
        ("regions:\n  - {code: BAY,", "regions:\n  - {code: B Y,"),
        ("  - course_idnumber: ^COP", "  - course_idnumber: ^COP)"),
        ("commitment: {min_hours: 16,", "pace: {behind_by_percent: 5}\ncommitment: {min_hours: x,"),
        ("program: small", "program: small\nperiod: {every: term}\nterms: [{term: a}]"),
    ],
)
def test_one_slip_is_not_told_again_by_what_rests_on_it(old: str, new: str) -> None:
    requirement = (
        "requirements: [{requirement: a, title: {en: A}, activities: {rules: [quiz]}, only: {regions: [BAY]}}]"
    )
    assert problems_of(f"{SMALL}{requirement}\n") == []
    problems = problems_of(changed(old, new) + requirement)
    assert len({problem.split(":")[1] for problem in problems}) == 1, problems


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "NO"])
def test_words_are_words(word: str) -> None:
    """YAML of old takes them for true and false: a region NO, or a key `on`, would be none."""
    assert parse_program(changed("code: BAY", f"code: {word}")).regions[0].code == word


def test_numbers_are_decimal() -> None:
    assert parse_program(changed("minutes: 60", "minutes: 060")).activities[0].minutes == 60


def test_true_and_false_are_as_ever() -> None:
    for word, statewide in (("true", True), ("false", False), ("yes", True), ("no", False)):
        text = changed("{en: Bay Area}}", f"{{en: Bay Area}}, statewide: {word}}}")
        assert parse_program(text).regions[0].statewide is statewide


def test_an_alias_stands_for_what_it_names() -> None:
    text = changed("[online, face_to_face]", "&parts [online, face_to_face]") + "self_reported: *parts\n"
    assert parse_program(text).self_reported == ("online", "face_to_face")
