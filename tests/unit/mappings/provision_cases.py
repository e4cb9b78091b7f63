"""Provision files that are wrong: every key of the language once, and what doesn't fit its program."""

from functools import cache
from pathlib import Path

import yaml

import mappings
from mappings.findings import Place, ProgramError
from mappings.loading import parse_program, source_of
from mappings.provision_loading import courses_in, parse_provision
from mappings.provision_wanted import WantedCourse

ROOT = Path(mappings.__file__).parents[1]
EVERYTHING = ROOT / "tests" / "fixtures" / "provision" / "everything.yaml"
SHIPPED = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"
PROGRAM = parse_program(
    SHIPPED.read_text(encoding="utf-8") + "session_kinds: [{kind: gathering, title: {en: Gathering}}]\n"
)
SOURCE = source_of(EVERYTHING)
TEXT = EVERYTHING.read_text(encoding="utf-8")
SMALL = """\
provision: fall
site: main
program: calpro-regional
term: {code: 26F}
template: T
naming: {fullname: "{topic_title} {region_title}", shortname: "{topic}-{region}", idnumber: "COP-{topic}-{region}"}
category: [{name: CoPs, idnumber: COPS}]
starts: 2026-09-01
ends: 2026-12-18
matrix: {topics: [MATH, PST], regions: all}
"""
NAME = "fall.yaml"
Key = tuple[str, str]

KEYS: dict[Key, list[tuple[str, str, str]]] = {
    ("Provision", "provision"): [("provision", "fall 26", "'fall 26' is not a code: up to 40 letters")],
    ("Provision", "site"): [("site", "26", "expected text, not 26 (put it in quotes)")],
    ("Provision", "program"): [("program", "[a]", "expected text, not a list")],
    ("Provision", "language"): [("language", "Spanish", "'Spanish' is not a language such as en or es-MX")],
    ("Provision", "term"): [("term", "26F", "expected keys and values such as {a: b}, not '26F'")],
    ("Provision", "matrix"): [("matrix", "all", "expected keys and values such as {a: b}, not 'all'")],
    ("Provision", "communities"): [
        ("communities", "{topic: MATH, region: BAY}", "expected a list such as [a, b], not keys and values"),
        (
            "communities",
            "[{topic: MATH, region: LA}, {topic: MATH, region: LA}]",
            "MATH/LA stands twice: give each a 'code' of its own",
        ),
    ],
    ("Provision", "overrides"): [("overrides", "all", "expected a list such as [a, b], not 'all'")],
    ("Provision", "limits"): [("limits", "30", "expected keys and values such as {a: b}, not '30'")],
    ("Part", "template"): [
        ("template", "' T'", "' T' is not an ID number: text without blanks at its beginning or end"),
        ("template", f"{'T' * 101}", "is longer than 100 characters"),
    ],
    ("Part", "naming"): [("naming", "'{topic}'", "expected keys and values such as {a: b}, not '{topic}'")],
    ("Part", "category"): [("category", "[]", "needs at least one")],
    ("Part", "starts"): [
        ("starts", "soon", "expected a date such as 2026-07-01, not 'soon'"),
        ("starts", "2026-02-30", "'2026-02-30' is no day of the calendar"),
        ("starts", "2026-09-01 10:00:00", "expected a date such as 2026-07-01, not '2026-09-01 10:00:00'"),
        ("starts", "1999-12-31", "1999-12-31 is not a day from 2000-01-01 to 2100-12-31"),
        ("starts", "9999-12-31", "9999-12-31 is not a day from 2000-01-01 to 2100-12-31"),
    ],
    ("Part", "ends"): [
        ("ends", "2026-08-31", "2026-08-31 is before it starts, on 2026-09-01"),
        ("ends", "2101-01-01", "2101-01-01 is not a day from 2000-01-01 to 2100-12-31"),
    ],
    ("Part", "timezone"): [("timezone", "Pacific", "'Pacific' is not a time zone name such as America/Los_Angeles")],
    ("Part", "host"): [("communities.0.host", "a b", "'a b' is not a host's code: up to 40 letters, digits and -")],
    ("Part", "visible"): [("visible", "sometimes", "expected true or false, not 'sometimes'")],
    ("Part", "fields"): [
        ("fields", "[cop]", "expected keys and values such as {a: b}, not a list"),
        ("fields.cop", "3", "expected text, not 3 (put it in quotes)"),
    ],
    ("Part", "groups"): [
        ("groups", "TEAM-1", "expected a list such as [a, b], not 'TEAM-1'"),
        (
            "groups",
            "[{idnumber: T, name: a}, {idnumber: T, name: b}]",
            "'T' stands twice: each has its own ID number",
        ),
    ],
    ("Part", "cohorts"): [("cohorts", "C", "expected a list such as [a, b], not 'C'")],
    ("Part", "people"): [("people", "people.csv", "expected keys and values such as {a: b}, not 'people.csv'")],
    ("Part", "sessions"): [
        ("sessions", "{code: S}", "expected a list such as [a, b], not keys and values"),
        (
            "sessions",
            "[&s {code: S, title: a, after_days: 1, start: '10:00', minutes: 5, mode: hybrid}, *s]",
            "'s' stands twice: each has its own code",
        ),
    ],
    ("Part", "welcome"): [
        ("welcome", "''", "is empty"),
        ("welcome", "Dear {name}", "{name} means nothing; what can stand in braces: topic, topic_title, region"),
    ],
    ("Naming", "fullname"): [
        ("naming.fullname", '""', "is empty"),
        ("naming.fullname", '"{topic} {number}"', "{number} means nothing; what can stand in braces: topic, "),
        ("naming.fullname", '"{topic"', "is not a pattern: expected '}' before end of string; a brace that is meant"),
        ("naming.fullname", '"{}"', "{} means nothing"),
        ("naming.fullname", '"a\\nb"', "'a\\nb' has to be one line of text"),
    ],
    ("Naming", "shortname"): [
        ("naming.shortname", '"{topic:>9}"', "{topic:>9} means nothing"),
        ("naming.shortname", '"{topic:{evil}}"', "{topic:{evil}} means nothing"),
    ],
    ("Naming", "idnumber"): [
        ("naming.idnumber", '"{topic!r}"', "{topic!r} means nothing"),
        ("naming.idnumber", '"{topic.code}"', "{topic.code} means nothing"),
    ],
    ("CategoryStep", "name"): [("category.0.name", "7", "expected text, not 7 (put it in quotes)")],
    ("CategoryStep", "idnumber"): [("category.0.idnumber", "''", "is empty")],
    ("Group", "idnumber"): [("groups.0.idnumber", "5", "expected text, not 5 (put it in quotes)")],
    ("Group", "name"): [("groups.0.name", "'{team}'", "{team} means nothing")],
    ("CohortEnrolment", "cohort"): [("cohorts.0.cohort", "''", "is empty")],
    ("CohortEnrolment", "role"): [("cohorts.0.role", "5", "expected text, not 5 (put it in quotes)")],
    ("CohortEnrolment", "group"): [("cohorts.0.group", "[TEAM]", "expected text, not a list")],
    ("People", "files"): [("people.files", "people.csv", "expected a list such as [a, b], not 'people.csv'")],
    ("People", "create_users"): [
        ("people.create_users", "maybe", "expected true or false, not 'maybe'"),
        ("people", "{create_users: true}", "create_users needs 'auth', the way in which new people sign in"),
    ],
    ("People", "auth"): [("people.auth", "By mail", "'By mail' is not the name of a way to sign in, such as manual")],
    ("People", "participant_role"): [("people.participant_role", "''", "is empty")],
    ("People", "facilitator_role"): [("people.facilitator_role", "''", "is empty")],
    ("Session", "code"): [("sessions.0.code", "F2F 1", "'F2F 1' is not a code")],
    ("Session", "title"): [("sessions.0.title", "'{session}'", "{session} means nothing")],
    ("Session", "on"): [
        ("sessions.0.on", "Saturday", "expected a date such as 2026-07-01, not 'Saturday'"),
        (
            "sessions",
            "[{code: S, title: a, start: '10:00', minutes: 5, mode: hybrid}]",
            "needs either 'on', a day, or 'after_days'",
        ),
        (
            "sessions",
            "[{code: S, title: a, on: 2026-10-01, after_days: 1, start: '10:00', minutes: 5, mode: hybrid}]",
            "needs either 'on', a day, or 'after_days'",
        ),
    ],
    ("Session", "after_days"): [
        ("sessions.1.after_days", "-1", "has to be at least 0"),
        ("sessions.1.after_days", "1001", "has to be at most 1000"),
    ],
    ("Session", "start"): [
        ("sessions.0.start", "9:00", "'9:00' is not a time such as 09:00"),
        ("sessions.0.start", "'24:00'", "'24:00' is not a time such as 09:00"),
    ],
    ("Session", "end"): [
        ("sessions.0.end", "'08:00'", "is 08:00, and it starts at 09:00: it has to end later, on the same day"),
    ],
    ("Session", "minutes"): [
        ("sessions.0.minutes", "1500", "has to be at most 1440"),
        (
            "sessions",
            "[{code: S, title: a, on: 2026-10-01, start: '10:00', mode: hybrid}]",
            "needs 'end' or 'minutes'",
        ),
    ],
    ("Session", "mode"): [
        ("sessions.0.mode", "online", "expected 'face_to_face' or 'virtual' or 'hybrid', not 'online'"),
    ],
    ("Session", "kind"): [("sessions.0.kind", "a b", "'a b' is not a code")],
    ("Session", "place"): [("sessions.0.place", f"{'R' * 251}", "is longer than 250 characters")],
    ("Session", "link"): [
        ("sessions.1.link", "meet.example.org", "'meet.example.org' is not an address that begins with https://"),
    ],
    ("Session", "activity"): [("sessions.1.activity", "''", "is empty")],
    ("Session", "required"): [("sessions.0.required", "perhaps", "expected true or false, not 'perhaps'")],
    ("Session", "calendar"): [("sessions.1.calendar", "perhaps", "expected true or false, not 'perhaps'")],
    ("Term", "code"): [("term.code", "Fall 26", "'Fall 26' is not a code")],
    ("Term", "title"): [("term.title", "2026", "expected text, not 2026 (put it in quotes)")],
    ("Matrix", "topics"): [
        ("matrix.topics", "MATH", "expected 'all' or a list such as [a, b], not 'MATH'"),
        ("matrix.topics", "[]", "needs at least one"),
    ],
    ("Matrix", "regions"): [("matrix.regions", "BAY", "expected 'all' or a list such as [a, b], not 'BAY'")],
    ("Matrix", "without"): [
        ("matrix.without", "PST", "expected a list such as [a, b], not 'PST'"),
        ("matrix.without", "[{}]", "needs 'topic' or 'region', or both"),
    ],
    ("Some", "topic"): [
        ("overrides.0.topic", "A B", "'A B' is not a code"),
        ("overrides", "[{ends: 2026-12-01}]", "needs 'topic' or 'region', or both"),
    ],
    ("Some", "region"): [("overrides.0.region", "9", "expected text, not 9 (put it in quotes)")],
    ("Place", "topic"): [("communities.0.topic", "A B", "'A B' is not a code")],
    ("Place", "region"): [("communities.0.region", "9", "expected text, not 9 (put it in quotes)")],
    ("Place", "code"): [("communities.0.code", "a/b", "'a/b' is not a code")],
    ("Limits", "people_percent"): [
        ("limits.people_percent", "0", "has to be at least 1"),
        ("limits.people_percent", "101", "has to be at most 100"),
    ],
}
"""By key: where in the file with all keys another value is put, and what is told of it there."""

MISSING: list[tuple[str, str, str]] = [
    ("provision: fall\n", "", "1: provision: is missing (docs/provisioning.md#provision)"),
    ("site: main\n", "", "1: site: is missing (docs/provisioning.md#site)"),
    ("term: {code: 26F}\n", "", "1: term: is missing (docs/provisioning.md#term)"),
    ("template: T\n", "", "1: template: is missing: it is said at the top of the file, and may be said otherwise"),
    ("starts: 2026-09-01\n", "", "1: starts: is missing: it is said at the top of the file"),
    ("matrix: {topics: [MATH, PST], regions: all}\n", "", "1: needs 'matrix' or 'communities', or both"),
    ("site: main", "sit: main", "2: sit: unknown key 'sit'; did you mean 'site'? (docs/provisioning.md#site)"),
    ("site: main", "zzz: 1\nsite: main", "2: zzz: unknown key 'zzz'; what can stand here: timezone, host"),
    ("{code: 26F}", "{cod: 26F}", "4: term.cod: unknown key 'cod'; did you mean 'code'? (docs/provisioning.md#term)"),
    ("site: main", "site: main\nsite: x", "3: 'site' stands twice (first on line 2) (docs/provisioning.md#the-file)"),
    ("[MATH, PST]", "[MATH", "10: not YAML: "),
]
"""A small file changed in one place, and what is told."""

UNFITTING: list[tuple[str, str, str]] = [
    ("calpro-regional", "calpro", "3: program: 'calpro' is another program than that of the program file, 'calpro-r"),
    ("[MATH, PST]", "[MAHT, PST]", "10: matrix.topics.0: 'MAHT' is no topic of the program calpro-regional; did you m"),
    ("regions: all", "regions: [X]", "10: matrix.regions.0: 'X' is no region of the program calpro-regional; there "),
    (
        "regions: all",
        "regions: all, without: [{region: BYA}]",
        "10: matrix.without.0.region: 'BYA' is no region of the program calpro-regional; did you mean 'BAY'?",
    ),
    ("matrix", "overrides: [{topic: X, host: H}]\nmatrix", "10: overrides.0.topic: 'X' is no topic of the program"),
    ("matrix", "communities: [{topic: MATH, region: Q}]\nmatrix", "10: communities.0.region: 'Q' is no region of the"),
    (
        "COP-{topic}-{region}",
        "{topic}-{region}",
        "6: naming.idnumber: MATH/BAY: the program calpro-regional doesn't take 'MATH-BAY' for a community: its"
        " 'communities' say which courses are (... and 3 more) (docs/provisioning.md#naming)",
    ),
    (
        "COP-{topic}-{region}",
        "COP-MATH-{region}",
        "6: naming.idnumber: PST/BAY: the program calpro-regional takes 'COP-MATH-BAY' for MATH/BAY (... and 1 more)",
    ),
    ("COP-{topic}-{region}", "COP-MATH-BAY", "6: naming.idnumber: MATH/LA: the program calpro-regional takes 'COP-MA"),
    (
        '"{topic}-{region}"',
        '"{topic}"',
        "6: naming.shortname: MATH/BAY and MATH/LA would both be 'MATH' (... and 1 more) (docs/provisioning.md#naming)",
    ),
    (
        "[MATH, PST]",
        "[EBRI, MATH]",
        "10: matrix.topics: EBRI/BAY: the program calpro-regional hasn't set the hours of EBRI yet: set them there"
        " (commitment), or leave them out here (... and 1 more) (docs/provisioning.md#matrix)",
    ),
    (
        "matrix: {topics: [MATH, PST]",
        "communities:\n  - {topic: EBRI, region: LA}\nmatrix: {topics: [MATH, PST]",
        "11: communities.0.topic: EBRI/LA: the program calpro-regional hasn't set the hours of EBRI yet",
    ),
    ("matrix", "overrides: [{topic: SALE, ends: 2026-12-01}]\nmatrix", "10: overrides.0: no community of this file"),
    ("regions: all", "regions: all, without: [{topic: SALE}]", "10: matrix.without.0: the matrix has none of these"),
    ("regions: all", "regions: [LA], without: [{region: LA}]", "10: matrix: no community is left of the matrix"),
    (
        "matrix",
        "overrides: [{topic: MATH, starts: 2027-01-01}]\nmatrix",
        "9: ends: MATH/BAY: 2026-12-18 is before it starts, on 2027-01-01 (... and 1 more) (docs/provisioning.md#ends)",
    ),
    ("matrix", "host: OAKLAND\nmatrix", "10: host: MATH/BAY: the program calpro-regional takes 'nobody' for its host"),
    ("idnumber: COPS", "idnumber: '{code}'", "7: category.0.idnumber: MATH/BAY: nothing is left of it, since what"),
    (
        "idnumber: COPS",
        f"idnumber: '{'X' * 98}{{region}}'",
        "7: category.0.idnumber: MATH/BAY: it has 101 characters t",
    ),
    ("name: CoPs", "name: <b>CoPs", "7: category.0.name: MATH/BAY: Moodle takes '<' for HTML: write '<b>CoPs' without"),
    (
        "name: CoPs",
        "name: '{topic}'",
        "7: category.0: 'COPS' is one category in MATH/BAY and another one in PST/BAY: their names, or what they lie"
        " in, differ (... and 1 more)",
    ),
    (
        "[{name: CoPs, idnumber: COPS}]",
        "[{name: CoPs, idnumber: COPS}, {name: CoPs, idnumber: COPS}]",
        "7: category.1: 'COPS' is one category in MATH/BAY and another one in MATH/BAY",
    ),
    (
        "matrix",
        "groups: [{idnumber: '{term}', name: a}, {idnumber: 26F, name: b}]\nmatrix",
        "10: groups.1: MATH/BAY: '26F' stands twice in groups (... and 3 more)",
    ),
    ("matrix", "cohorts: [{cohort: A}, {cohort: A}]\nmatrix", "10: cohorts.1: MATH/BAY: 'A' stands twice in cohorts"),
    (
        "matrix",
        "sessions: [{code: S, title: S, on: 2027-03-14, start: '02:30', minutes: 60, mode: virtual}]\nmatrix",
        "10: sessions.0.start: on 2027-03-14 the clocks of America/Los_Angeles leave 02:30 out (... and 3 more)",
    ),
    (
        "matrix",
        "sessions: [{code: S, title: S, on: 2026-10-01, start: '02:30', minutes: 60, mode: virtual, kind: x}]\nmatrix",
        "10: sessions.0.kind: 'x' is none of the program's 'session_kinds'; there are: gathering (... and 3 more)",
    ),
]
"""The same, held against the program."""


def with_value(place: str, value: str) -> tuple[str, Place]:
    """The file with all keys, with another value at a place; and the place."""
    node: yaml.Node = SOURCE.root
    path: list[str | int] = [int(step) if step.isdigit() else step for step in place.split(".")]
    begin = 0
    for step in path:
        assert isinstance(node, yaml.MappingNode | yaml.SequenceNode)
        if isinstance(step, int):
            node = node.value[step]
        else:
            key, node = next(pair for pair in node.value if pair[0].value == step)
            begin = TEXT.index(":", key.end_mark.index) + 1
    end = node.end_mark.index
    if not TEXT[begin:end].strip().startswith(("[", "{")) and "\n" in TEXT[begin:end]:
        # A block ends where the next key begins.
        end = TEXT.rindex("\n", begin, end)
    return f"{TEXT[:begin]} {value}{TEXT[end:]}", tuple(path)


def courses_of(text: str) -> tuple[WantedCourse, ...]:
    """The courses of a file. Raises ProgramError."""
    provision, source = parse_provision(text, NAME)
    return courses_in(provision, source, PROGRAM)


def problems_of(text: str) -> list[str]:
    """What is wrong with a file, one line each; nothing for one that can be used."""
    try:
        courses_of(text)
    except ProgramError as err:
        return err.problems
    return []


def changed(old: str, new: str) -> str:
    """The small file with one thing replaced."""
    assert old in SMALL, old
    return SMALL.replace(old, new, 1)


@cache
def all_problems() -> tuple[str, ...]:
    """Everything that any case is told."""
    texts = [with_value(place, value)[0] for cases in KEYS.values() for place, value, _ in cases]
    texts += [changed(old, new) for old, new, _ in (*MISSING, *UNFITTING)]
    return tuple(problem for text in texts for problem in problems_of(text))
