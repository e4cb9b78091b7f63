"""Likely slips in a program file that can be used are told: named parts, kinds, milestones and cycles."""

import pytest

from mappings import lint_slips
from tests.support.messages import unspoken
from tests.support.small_program import changed, warnings_of

GROUP = "  - course_idnumber: ^COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)$"
KINDS = "session_kinds: [{kind: hours, title: {en: Office hours}}, {kind: workshop, title: {en: Workshop}}]\n"
CYCLE = "teams: {grouping: Teams}\ncycles: [{cycle: pdsa, title: {en: PDSA}, phases: [plan, do], full: [plan, do]}]\n"
PLAN = "  - {milestone: plan, title: {en: Plan}, of: team, cycle: pdsa, phase: plan"
DO = "  - {milestone: do, title: {en: Do}, of: team, cycle: pdsa, phase: do}\n"
NOTE = "milestones:\n  - {milestone: note, title: {en: Note}, of: organisation, after: hours}\n"
ONCE = "milestones:\n  - {milestone: letter, title: {en: Letter}, of: organisation}\n"
NEED = "requirements:\n  - {requirement: a, title: {en: A}, "
FULL = NEED + "of: team, cycles: {cycle: pdsa, at_least: 1}}"

CASES: list[tuple[str, str, str]] = [
    (
        GROUP,
        f"{GROUP[:-1]}(-(?P<comunity>.+))?$",
        "13: warning: communities.0.course_idnumber: nothing reads the part '(?P<comunity>...)'; did you mean"
        " '(?P<community>...)'? (docs/programs.md#communities)",
    ),
    (
        GROUP,
        f"{GROUP}\n    field: {{term: '(?P<half>.+)'}}",
        "14: warning: communities.0.field.term: nothing reads the part '(?P<half>...)'; what can stand here:"
        " (?P<topic>...), (?P<region>...), (?P<community>...), (?P<host>...)",
    ),
    (
        "",
        "teams: {group_idnumber: 'T-(?P<org>.+)'}",
        "22: warning: teams.group_idnumber: nothing reads the part '(?P<org>...)'; what can stand here: (?P<organi",
    ),
    (
        "kind: [quiz]",
        "idnumber: 'REC-(?P<sesion>.+)'",
        "19: warning: activities.0.idnumber: nothing reads the part '(?P<sesion>...)'; did you mean '(?P<session>",
    ),
    (
        "kind: [quiz]",
        "name: 'Recording (?P<session>.+)'",
        "19: warning: activities.0.name: nothing reads the part '(?P<session>...)' (docs",
    ),
    (
        "",
        CYCLE + f"milestones:\n{PLAN}, from_activity: {{idnumber: 'CYC-(?P<cycel>.+)'}}}}\n{DO}{FULL}",
        "25: warning: milestones.0.from_activity.idnumber: nothing reads the part '(?P<cycel>...)'; did you mean",
    ),
    (
        "",
        CYCLE + f"milestones:\n{PLAN}, from_activity: {{kind: [assign], idnumber: CYC-PLAN}}}}\n{DO}{FULL}",
        "25: warning: milestones.0.from_activity: 'idnumber' needs a part (?P<cycle>...): nothing says which cycle"
        " 'pdsa' an activity is of",
    ),
    (
        "kind: [quiz]",
        "kind: [quiz, hours]",
        "19: warning: activities.0.kind.1: 'hours' is a kind of session, and here kinds of Moodle activities stand (",
    ),
    (
        "",
        "caps: [{cap: a, kind: [hours], minutes: 5}]",
        "22: warning: caps.0.kind.0: 'hours' is a kind of session, and here kinds of Moodle activities stand:"
        " 'session_kinds' names those",
    ),
    (
        "",
        CYCLE + f"milestones:\n{PLAN}}}\n{DO.replace('of: team', 'of: organisation')}{FULL}",
        "26: warning: milestones.1.of: 'do' is achieved by an organisation, and 'plan' of the same cycle 'pdsa' by a"
        " team: nobody goes through the whole cycle",
    ),
    (
        "",
        NOTE + NEED + "of: organisation, milestones: {milestone: note, each_session: hours},"
        " due: {after: designation, days: 5}}",
        "25: warning: requirements.0.due: all that 'each_session' asks for is due on one day: 'after: session' is so",
    ),
    (
        "",
        ONCE + NEED + "of: organisation, milestones: {milestone: letter, at_least: 2}}",
        "25: warning: requirements.0.milestones: asks for 2 of 'letter', which is recorded once: several need a cycle",
    ),
    (
        "",
        ONCE + NEED + "milestones: {milestone: letter}}",
        "25: warning: requirements.0.milestones: 'letter' is achieved by an organisation, and this is asked of each"
        " participant: is 'of: organisation' missing?",
    ),
    (
        "",
        ONCE + "notices: [{notice: a, title: {en: A}, of: participant, reach: {any_of: [{milestones:"
        " {milestone: letter}}]}}]",
        "24: warning: notices.0.reach.any_of.0.milestones: 'letter' is achieved by an organisation, and this is",
    ),
    (
        "",
        ONCE + NEED + "of: organisation, milestones: {milestone: letter, each_session: hours}}",
        "25: warning: requirements.0.milestones: 'letter' has no 'after: hours': nobody can enter which session it",
    ),
    *(
        (
            "",
            CYCLE + f"milestones:\n{PLAN}}}\n{DO.replace('of: team', f'of: {of}')}{FULL}",
            f"26: warning: milestones.1.of: 'do' is achieved by a {of}, and 'plan' of the same cycle",
        )
        for of in ("participant", "community", "program")
    ),
]


def said(old: str, new: str) -> list[str]:
    """The warnings about a small program that names session kinds, too."""
    text = changed(old, new) if old else changed("", KINDS + new)
    return warnings_of(text if not old else text + KINDS)


@pytest.mark.parametrize(("old", "new", "warning"), CASES)
def test_a_likely_slip_is_told(old: str, new: str, warning: str) -> None:
    found = said(old, new)
    assert any(one.startswith(f"small.yaml:{warning}") for one in found), found


def test_every_message_is_exercised() -> None:
    everything = [one for old, new, _ in CASES for one in said(old, new)]
    assert unspoken((lint_slips,), everything) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # The pattern itself comes back to its part.
        ("kind: [quiz]", "name: '(?P<a>.+) and (?P=a)'"),
        ("kind: [quiz]", r"name: '(?P<a>\()?B(?(a)\))'"),
        # An activity of Moodle and a kind of session of one name.
        ("kind: [quiz]", "kind: [workshop]"),
        (
            "",
            CYCLE + f"milestones:\n{PLAN}, from_activity: {{idnumber: 'CYC-(?P<cycle>.+)'}}}}\n{DO}"
            + NEED + "of: team, milestones: {milestone: plan, at_least: 2}}",
        ),
        (
            "",
            NOTE + NEED + "of: organisation, milestones: {milestone: note, each_session: hours},"
            " due: {after: session, days: 5}}\n"
            "  - {requirement: b, title: {en: B}, of: organisation, milestones: {milestone: note, at_least: 2}}\n",
        ),
        # A community's teams count together.
        (
            "",
            "teams: {grouping: Teams}\n" + ONCE.replace("of: organisation", "of: team")
            + NEED + "of: community, milestones: {milestone: letter, at_least: 2}}",
        ),
        ("", ONCE + NEED + "of: organisation, due: {after: designation, days: 5}, milestones: {milestone: letter}}"),
    ],
)  # fmt: skip
def test_no_false_alarms(old: str, new: str) -> None:
    found = said(old, new)
    assert [one for one in found if "nothing asks for the cycle" not in one] == []


@pytest.mark.parametrize(
    "cap",
    [
        "{cap: a, session_kinds: [hours], minutes: 5}, {cap: b, component: face_to_face, minutes: 9}",
        "{cap: a, session_kinds: [hours], minutes: 5}, {cap: b, session_kinds: [workshop], minutes: 9}",
    ],
)
def test_caps_of_sessions_that_do_not_cross(cap: str) -> None:
    assert said("", f"caps: [{cap}]") == []


@pytest.mark.parametrize(
    ("caps", "warning"),
    [
        (
            "{cap: a, session_kinds: [hours, workshop], minutes: 5}, {cap: b, session_kinds: [workshop], kind: [quiz],"
            " minutes: 9}",
            "22: warning: caps.1: nothing earns what the cap 'b' limits",
        ),
        (
            "{cap: a, session_kinds: [hours], component: online, minutes: 5}",
            "22: warning: caps.0: nothing earns what the cap 'a' limits",
        ),
        (
            "{cap: a, session_kinds: [hours], minutes: 5}, {cap: b, minutes: 7}",
            None,
        ),
    ],
)
def test_caps_of_sessions_that_limit_nothing(caps: str, warning: str | None) -> None:
    found = said("", f"caps: [{caps}]")
    assert bool(found) == bool(warning)
    assert warning is None or any(one.startswith(f"small.yaml:{warning}") for one in found), found


def test_terms_that_a_cap_goes_by_are_used() -> None:
    terms = "terms: [{term: a, starts: 01-01, ends: 05-31}]\n"
    assert len(warnings_of(changed("", terms))) == 1
    assert warnings_of(changed("", terms + "caps: [{cap: a, per: term, minutes: 5}]")) == []
