"""What is strange about a program file that can be used is told, and nothing else is."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mappings
from mappings import lint as lint_module
from mappings import lint_rules
from mappings.examples import examples
from mappings.lint import lint
from mappings.loading import program_in, source_of
from tests.support.messages import unspoken
from tests.support.small_program import SMALL, changed, warnings_of

CALPRO = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"
REGIONS = "  - {code: BAY, title: {en: Bay Area}}\n"
RULE = "  - {rule: quiz, kind: [quiz], minutes: 60, component: online}\n"
REST = "  - {rule: rest, minutes: 30, component: online}\n"
PDSA = "cycles: [{cycle: pdsa, title: {en: PDSA}, phases: [plan, do], full: FULL}]"
PLAN = "  - {milestone: plan, title: {en: Plan}, of: organisation, cycle: pdsa, phase: plan}\n"
NEED = "requirements:\n  - {requirement: a, title: {en: A}, "
NOTICE = "notices:\n  - {notice: a, title: {en: A}, "
TEACHER = "job_roles: [{code: teacher, title: {en: Teacher}}]\n"

Case = tuple[str, str, str]


def rules(first: str, second: str) -> str:
    """Two rules in place of the first."""
    return "".join(
        f"  - {{rule: {n}, {one}, minutes: 5, component: online}}\n" for n, one in (("a", first), ("b", second))
    )


OPEN: list[Case] = [
    (
        "title: {en: Math}}",
        "title: {en: Math}, commitment: to_be_set}",
        "8: warning: topics.0.commitment: is yet to be set: communities of the topic 'MATH' are refused until then"
        " (docs/programs.md#topics)",
    ),
    (
        "minutes: 60",
        "minutes: to_be_set",
        "19: warning: activities.0.minutes: is yet to be set: what falls under the rule 'quiz' is listed and adds",
    ),
    (
        "",
        "terms: to_be_set\nperiod: {every: term}",
        "21: warning: terms: is yet to be set: what is counted by term waits",
    ),
    (
        "",
        PDSA.replace("FULL", "to_be_set"),
        "21: warning: cycles.0.full: is yet to be set: no cycle 'pdsa' is a full one until then",
    ),
    (
        "",
        NEED + "hours: {min_hours: to_be_set}}",
        "22: warning: requirements.0.hours.min_hours: is yet to be set: the requirement 'a' waits for it",
    ),
    (
        "",
        NOTICE + "of: community, teams: {max: to_be_set}}",
        "22: warning: notices.0.teams.max: is yet to be set: the notice 'a' waits for it",
    ),
]
NEVER: list[Case] = [
    (
        RULE,
        rules(f"idnumber: '{first}'", f"idnumber: '{second}'{others}"),
        "20: warning: activities.1: rule 'b' can never match: 'a' before it takes all that it would",
    )
    for first, second, others in (
        (r"ACT-\d+", "ACT-10", ""),
        (r"ACT-\d+", "ACT-(08|10)", ""),
        ("ACT-.*", "ACT-1[0-9]", ""),
        ("ACT-.*", r"ACT-\d\d?", ", kind: [quiz]"),
        ("ACT-10", "ACT-10", ", name: Quiz"),
    )
] + [
    (
        RULE,
        rules("kind: [quiz, page]", "kind: [page]"),
        "20: warning: activities.1: rule 'b' can never match: 'a' before",
    ),
    (
        RULE + REST,
        rules("kind: [quiz]", "kind: [page]") + "  - {rule: c, kind: [page, quiz], minutes: 5, component: online}\n",
        "21: warning: activities.2: rule 'c' can never match: 'b' and 'a' before it take all that it would",
    ),
]
BOTH: list[Case] = [
    (
        RULE,
        rules(first, second),
        f"20: warning: activities.1: an activity of the {shown} falls under 'b' and 'a' on line 19, which counts since",
    )
    for first, second, shown in (
        (r"idnumber: ACT-\d+, kind: [quiz]", "idnumber: ACT-10", "idnumber 'ACT-10'"),
        ("idnumber: ACT-1.*", "idnumber: ACT-.*0", "idnumber 'ACT-10'"),
        ("name: Read.*, section: A", "name: Read me", "name 'Read me'"),
    )
]
UNUSED: list[Case] = [
    ("{face_to_face: face_to_face}", "{}", "6: warning: components.1: nothing earns in the component 'face_to_face'"),
    ("", "phases: [before]", "21: warning: phases.0: no activity is of the phase 'before'"),
    ("", TEACHER, "21: warning: job_roles.0: nothing names the job role 'teacher'"),
    (
        "minutes: 60",
        "minutes: 60, alternative: x",
        "19: warning: activities.0.alternative: is the only rule of the alternative 'x': of all its activities one",
    ),
    ("", "school_year: {starts: 07-01}", "21: warning: school_year: nothing is counted by school year"),
    ("", "terms: [{term: a, starts: 01-01, ends: 05-31}]", "21: warning: terms: nothing is counted by term"),
    (
        "",
        "milestones: [{milestone: m, title: {en: M}, of: organisation}]",
        "21: warning: milestones.0: nothing asks for the milestone 'm'",
    ),
    ("", PDSA.replace("FULL", "[plan]"), "21: warning: cycles.0: nothing asks for the cycle 'pdsa'"),
    (
        "",
        PDSA.replace("FULL", "[plan, do]") + f"\nmilestones:\n{PLAN}",
        "21: warning: cycles.0: no milestone is the phase 'do': a cycle 'pdsa' can never be a full one",
    ),
]
AROUND: list[Case] = [
    ("code: IET", "code: IET2", "9: warning: topics.1: no pattern of 'communities' fits the topic 'IET2'"),
    ("code: BAY", "code: bay", "11: warning: regions.0: no pattern of 'communities' fits the region 'bay'"),
    (
        REGIONS,
        REGIONS + "  - {code: RURAL, title: {en: Rural}, statewide: true}\n",
        "12: warning: regions.1: one may be in a community of 'RURAL' and in a regional one: 'shared' says",
    ),
    (
        "",
        "shared: {counts_in: both, prefer: [BAY]}",
        "21: warning: shared.prefer: has no meaning with 'counts_in: both'",
    ),
    (
        "{face_to_face: face_to_face}",
        "{face_to_face: face_to_face, virtual: online}",
        "17: warning: attendance.components: a session of the mode 'hybrid' earns nothing",
    ),
    (
        "  components: {face_to_face: face_to_face}",
        "  at_least: 5",
        "16: warning: attendance: without 'components' no session earns anything",
    ),
    (
        "",
        "caps: [{cap: a, kind: [page, quiz], minutes: 5}, {cap: b, rules: [quiz], minutes: 5},"
        " {cap: c, kind: [url, page], minutes: 5}]",
        "21: warning: caps.2: the caps 'a' and 'c' cross: their order decides what each leaves",
    ),
    (
        "",
        "caps: [{cap: a, rules: [quiz], component: face_to_face, minutes: 5}]",
        "21: warning: caps.0: nothing earns what the cap 'a' limits",
    ),
    (
        "",
        TEACHER + NOTICE + "of: participant, role_alike: true}",
        "1: warning: profile: job roles are asked for: 'job_role' has to name the profile field",
    ),
    (
        "",
        NOTICE + "of: participant, organisation_kinds: [school]}",
        "1: warning: profile: organisations are asked for: 'organisation' has to name the profile field",
    ),
    ("", NOTICE + "of: team, members: {min: 4}}", "22: warning: notices.0: 'teams' has to say which groups are teams"),
]
ASKED: list[Case] = [
    (
        "",
        NEED + "only: {newcomers: true}, hours: {min_hours: 1}}",
        "22: warning: requirements.0.only: a newcomer is who hasn't completed the like at this site: name",
    ),
    (
        "",
        NEED + "of: organisation, only: {newcomers: true}, activities: {rules: [quiz]}}",
        "22: warning: requirements.0.only.newcomers: can't be fulfilled by an organisation: this is asked of nobody",
    ),
    (
        "",
        NOTICE + "of: program, only: {topics: [MATH]}, reach: {hours: {min_hours: 1}}}",
        "22: warning: notices.0.only.topics: can't be fulfilled by a program: this is asked of nobody",
    ),
    (
        "",
        "teams: {grouping: Teams}\n" + NEED + "of: team, only: {job_roles: []}, hours: {min_hours: 1}}\n"
        "  - {requirement: b, title: {en: B}, of: team, only: {newcomers: true}, activities: {rules: [quiz]}}\n"
        "  - {requirement: c, title: {en: C}, of: community, only: {levels: [HS]}, hours: {min_hours: 1}}",
        "24: warning: requirements.1.only.newcomers: can't be fulfilled by a team: this is asked of nobody",
    ),
    (
        "",
        NEED + "due: {after: session, days: 5}, hours: {min_hours: 1}}",
        "22: warning: requirements.0.due: 'after: session' needs a milestone with 'each_session': it is never due",
    ),
    (
        "",
        NEED + "due: {at: period_end}, hours: {min_hours: 1}}",
        "22: warning: requirements.0.due: a period of 'every: all_time' has no end: it is never due",
    ),
    (
        "",
        NEED + "hours: {min_hours: 3, max_hours: 2}}",
        "22: warning: requirements.0: max_hours 2.0 is below min_hours 3.0",
    ),
    (
        "",
        NEED + "n_of: {at_least: 2, of: [{hours: {min_hours: 3}}]}}",
        "22: warning: requirements.0: asks for 2 of 1: nobody can meet it",
    ),
    (
        "",
        NEED + "any_of: [{activities: {rules: [quiz], at_least: 2}}]}",
        "22: warning: requirements.0.any_of.0: asks for activities under 2 of 1 rules: nobody can meet it",
    ),
]
CASES = [*OPEN, *NEVER, *BOTH, *UNUSED, *AROUND, *ASKED]


def test_nothing_is_strange_about_the_small_program() -> None:
    assert warnings_of(SMALL) == []


@pytest.mark.parametrize(("old", "new", "warning"), CASES)
def test_what_is_strange_is_told(old: str, new: str, warning: str) -> None:
    found = warnings_of(changed(old, new))
    assert any(one.startswith(f"small.yaml:{warning}") for one in found), found


def test_every_message_is_exercised() -> None:
    said = [one for old, new, _ in CASES for one in warnings_of(changed(old, new))]
    assert unspoken((lint_module, lint_rules), said, {lint_rules.OTHER}) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # The narrower rule stands first, as it should.
        (RULE, rules("idnumber: ACT-10", r"idnumber: ACT-\d+")),
        (RULE, rules("idnumber: ACT-1.*", "idnumber: ACT-.*")),
        (RULE, rules("name: Read.*, kind: [page]", "kind: [page, url]")),
        # Nothing falls under both, or nobody can tell.
        (RULE, rules("idnumber: ACT-10, kind: [quiz]", "idnumber: ACT-10, kind: [page]")),
        (RULE, rules("name: Read.*", "section: Before")),
        (RULE, rules("idnumber: A.*", "idnumber: '(?=B)B.*'")),
        # One mode alone is meant so; every region is statewide; a program without hours has one component.
        ("{face_to_face: face_to_face}", "{virtual: face_to_face}"),
        ("{en: Bay Area}}", "{en: Bay Area}, statewide: true}"),
        # Nested caps, and caps apart.
        ("", "caps: [{cap: a, minutes: 9}, {cap: b, kind: [quiz], minutes: 5}, {cap: c, kind: [url], minutes: 5}]"),
        # What comes of itself needs nobody who asks for it.
        ("", "milestones: [{milestone: m, title: {en: M}, of: community, from_activity: {idnumber: M}}]"),
        ("", TEACHER + "profile: {job_role: role}"),
        ("", "teams: {group_idnumber: '(?P<organisation>.+)'}\n" + NOTICE + "of: community, same: level}"),
        # A part of a pattern that looks back can't be judged alone.
        (r"-(?P<region>[A-Z]+)$", r"-(x)?(?P<region>(?(1)A|[A-Z(\[]+))$"),
        ("course_idnumber: ^COP-(?P<topic>[A-Z]+)-", r"topic: MATH\n    course_idnumber: ^([(\])]\()?"),
    ],
)
def test_no_false_alarms(old: str, new: str) -> None:
    text = changed(old, new.replace("\\n", "\n"))
    assert [one for one in warnings_of(text) if "'IET'" not in one] == []


def test_calpro_has_yet_to_state_what_its_description_leaves_open_and_nothing_else() -> None:
    source = source_of(CALPRO)
    finding, *minutes = lint(program_in(source), source)
    assert ["'orientation'" in minutes[0].message, "'classroom-evidence'" in minutes[1].message] == [True, True]
    assert len(minutes) == 2
    assert "the topic 'EBRI'" in finding.message
    assert "code: EBRI" in CALPRO.read_text(encoding="utf-8").splitlines()[finding.line - 1]


@pytest.mark.parametrize(
    ("pattern", "texts"),
    [
        ("ACT-10", {"ACT-10"}),
        (r"^A(B|C)?\.$", {"A.", "AB.", "AC."}),
        ("[a-c]{2}", {a + b for a in "abc" for b in "abc"}),
        ("(?:x|(?P<y>y))", {"x", "y"}),
        ("", {""}),
    ],
)
def test_all_texts_of_a_plain_pattern(pattern: str, texts: set[str]) -> None:
    found = examples(pattern)
    assert (set(found.texts), found.complete) == (texts, True)


@pytest.mark.parametrize(
    "pattern", [r"\w+", "a*", ".", r"\d{5}", "(?=a)a", r"a\b", "[^a]", "x{2,}", "a{30}", "[ -~]{9}"]
)
def test_patterns_of_which_not_all_texts_can_be_told(pattern: str) -> None:
    found = examples(pattern)
    assert not found.complete
    assert all(re.fullmatch(pattern, text) for text in found.texts)


# Python warns of brackets within brackets.
@pytest.mark.filterwarnings("ignore::FutureWarning")
@given(st.text(alphabet=r"ab1-.\d[]()|?*+{}^$", max_size=12))
def test_examples_of_any_pattern_match_it(pattern: str) -> None:
    try:
        compiled = re.compile(pattern)
    except (re.error, RecursionError):
        return
    assert all(compiled.fullmatch(text) for text in examples(pattern).texts)
