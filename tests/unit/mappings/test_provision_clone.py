"""Next term's provision file: the same text with its days moved, and nobody in it."""

from datetime import date

import pytest

from mappings.base import Misplaced
from mappings.findings import ProgramError
from mappings.provision_clone import cloned
from mappings.provision_loading import courses_in, parse_provision
from tests.unit.mappings.provision_cases import PROGRAM, SMALL, TEXT

FILE = SMALL.replace('"{topic}-{region}"', '"{topic}-{region}-{term}"').replace(
    '"COP-{topic}-{region}"', '"COP-{topic}-{region}-{term}"'
)


def clone(
    text: str, code: str = "next", term: str = "27S", title: str = "Spring 2027", starts: date = date(2027, 1, 5)
) -> str:
    provision, source = parse_provision(text)
    return cloned(text, source, provision, code=code, term=term, title=title, starts=starts)


EXPECTED = (
    TEXT.replace("provision: everything-26f", "provision: next")
    .replace("code: 26F #", "code: 27S #")
    .replace("title: Otoño 2026", 'title: "Spring 2027"')
    # 18 weeks later.
    .replace("starts: 2026-09-01", "starts: 2027-01-05")
    .replace("ends: 2026-12-18", "ends: 2027-04-23")
    .replace("on: 2026-09-12", "on: 2027-01-16")
    .replace("ends: 2026-12-11", "ends: 2027-04-16")
    .replace("  files:\n    - applicants.csv\n    - more.xlsx # from the regions\n", "  files: []\n")
    .replace('starts: "2027', 'starts: "2026')
)


def test_days_move_and_all_the_rest_stays_with_its_comments() -> None:
    made = clone(TEXT)
    assert made == EXPECTED
    assert 'fields: {cop: "{topic}/{region}", starts: "2026-09-01"}' in made
    provision, source = parse_provision(made)
    assert {course.shortname.split("-")[-1].split()[0] for course in courses_in(provision, source, PROGRAM)} == {"27S"}


def test_a_clone_of_a_clone() -> None:
    made = clone(clone(TEXT), "after-next", "27F", 'Fall "2027": \\o/', date(2027, 9, 7))
    provision, _ = parse_provision(made)
    assert (provision.provision, provision.term.code, provision.term.title) == (
        "after-next",
        "27F",
        'Fall "2027": \\o/',
    )
    assert (provision.starts, provision.ends) == (date(2027, 9, 7), date(2027, 12, 24))
    assert "# as it stands in names" in made


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("provision: fall", "provision: 'fall'"),
        ("{code: 26F}", "{code: 26F, title: Fall}"),
        ("{code: 26F}", '{title: "Fall, 26", code: "26F"}'),
        ("{code: 26F}", "\n  code: 26F\n  # A comment.\n  title: Fall"),
        ("{code: 26F}", "\n    code: 26F"),
        ("2026-09-01", "'2026-09-01'"),
        ("2026-09-01", '"2026-09-01" # the first Tuesday'),
        ("2026-09-01", "2026-9-1 00:00:00"),
        ("2026-09-01", "2026-09-01 00:00:00"),
        ("2026-09-01", "&first 2026-09-01"),
        ("matrix", "people: {files: [a.csv, 'b.csv']}\nmatrix"),
        ("matrix", "people:\n  files:\n  - a.csv\n  - b.csv\n# after\nmatrix"),
        ("matrix", "people:\n  create_users: false\n  files: # them\n    # These.\n    - a.csv\n\n# after\nmatrix"),
        ("matrix", "overrides:\n  - topic: MATH\n    starts: 2026-09-08\n    people: {files: [a.csv]}\nmatrix"),
        ("matrix", "communities: [{topic: PST, region: LA, ends: 2026-12-01, people: {files: [a]}}]\nmatrix"),
        (
            "matrix",
            "sessions: [{code: S, title: S, on: 2026-10-01, start: '10:00', minutes: 9, mode: hybrid}]\nmatrix",
        ),
        ("provision: fall\n", "provision: fall\r\n"),
        ("provision: fall", "# The beginning: 2026-09-01\nprovision: fall"),
    ],
)
def test_however_it_is_written(old: str, new: str) -> None:
    assert old in FILE
    text = FILE.replace(old, new, 1)
    provision, _ = parse_provision(clone(text))
    before, _ = parse_provision(text)
    assert before.starts is not None
    assert (provision.provision, provision.term.code, provision.term.title) == ("next", "27S", "Spring 2027")
    assert (provision.starts, provision.ends) == (date(2027, 1, 5), date(2027, 4, 23))
    parts = [provision, *provision.overrides, *provision.communities]
    assert not any(part.people.files for part in parts if part.people)
    for mine, theirs in zip(parts, [before, *before.overrides, *before.communities], strict=True):
        for key in ("starts", "ends"):
            now, then = getattr(mine, key), getattr(theirs, key)
            assert (now and then and (now - then).days) in (None, 126)
        for session, other in zip(mine.sessions or (), theirs.sessions or (), strict=True):
            assert session.on
            assert other.on
            assert (session.on - other.on).days == 126
    comments = [line[line.index("#") :] for line in text.splitlines() if "#" in line]
    assert [comment for comment in comments if comment not in clone(text) and comment != "# These."] == []


@pytest.mark.parametrize("term", ["27S", "2027", "2027-01-05", "true", "null", "A_1-b"])
def test_a_terms_code_is_text_whatever_it_looks_like(term: str) -> None:
    provision, _ = parse_provision(clone(FILE, term=term))
    assert provision.term.code == term


def test_a_day_in_an_alias_is_moved_once() -> None:
    text = FILE.replace("2026-09-01", "&first 2026-09-01").replace(
        "matrix", "overrides: [{topic: MATH, starts: *first}]\nmatrix"
    )
    provision, _ = parse_provision(clone(text))
    assert (provision.starts, provision.overrides[0].starts) == (date(2027, 1, 5), date(2027, 1, 5))


@pytest.mark.parametrize(
    ("text", "options", "place", "said"),
    [
        (SMALL, {}, "naming.shortname", "'{topic}-{region}' has no {term} in it, so that next term's courses would be"),
        (
            FILE.replace('"COP-{topic}-{region}-{term}"', '"COP-{topic}-{region}-26F"'),
            {},
            "naming.idnumber",
            "'COP-{topic}-{region}-26F' has no {term} in it",
        ),
        (
            FILE.replace(
                "matrix",
                "overrides:\n  - topic: MATH\n    naming: {fullname: M, shortname: R, idnumber: '{term}'}\nmatrix",
            ),
            {},
            "overrides.0.naming.shortname",
            "'R' has no {term} in it",
        ),
        (FILE, {"code": "fall"}, "provision", "'fall' is this file's code: the new one needs one of its own"),
        (FILE, {"term": "26F"}, "term.code", "'26F' is this file's term: the new one needs another"),
        (FILE, {"starts": date(9999, 12, 31)}, "starts", "9999-12-31 is not a day from 2000-01-01 to 2100-12-31"),
        (
            FILE.replace(
                "matrix",
                "people: {files: &f [a.csv]}\noverrides: [{topic: MATH, people: {files: *f}}]\nmatrix",
            ),
            {},
            "",
            "it can't be cloned as it is written: write days as 2026-09-01, and 'files' without & and *",
        ),
        (FILE.replace("2026-09-01", "1788220800"), {}, "", "it can't be cloned as it is written"),
    ],
)
def test_what_would_be_wrong_is_refused(text: str, options: dict[str, str], place: str, said: str) -> None:
    with pytest.raises(Misplaced) as caught:
        clone(text, **options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(said)
    assert ".".join(map(str, caught.value.place)) == place


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"code": "no code"}, "provision:1: provision: 'no code' is not a code"),
        ({"term": "27 S, title: x}"}, "provision:4: term.code: '27 S, title: x}' is not a code"),
        ({"title": "a\nb"}, "provision:4: term.title: 'a\\nb' has to be one line of text"),
        ({"starts": date(2100, 12, 1)}, "provision:9: ends: 2101-03-19 is not a day from 2000-01-01 to 2100-12-31"),
    ],
)
def test_what_is_given_wrongly_is_told_as_of_the_new_file(options: dict[str, str], said: str) -> None:
    with pytest.raises(ProgramError) as caught:
        clone(FILE, **options)  # type: ignore[arg-type]
    assert caught.value.problems[0].startswith(said)
