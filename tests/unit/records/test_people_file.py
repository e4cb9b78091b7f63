"""Files of people: CSV or XLSX, each line one person in one community, and every problem by file and line."""

import io

import openpyxl
import pytest

from mappings.provision_loading import courses_in, parse_provision
from mappings.provision_wanted import WantedCourse, WantedPerson
from records.people_file import PeopleError, keys_of, read_people
from tests.unit.mappings.provision_cases import PROGRAM, SMALL

FILES = """\
people: {files: [people.csv, people.xlsx]}
communities:
  - {topic: PST, region: LA, people: {files: [la.csv], participant_role: learner, facilitator_role: guide}}
"""
ALL = "community,user,idnumber,email,username,firstname,lastname,role,team"


@pytest.fixture(scope="module")
def wanted() -> tuple[WantedCourse, ...]:
    provision, source = parse_provision(SMALL + FILES)
    return courses_in(provision, source, PROGRAM)


def workbook(*rows: tuple[object, ...], hidden: bool = False) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    if hidden:
        book.create_sheet("Notes", 0).sheet_state = "hidden"
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def problems(wanted: tuple[WantedCourse, ...], content: str | bytes, name: str = "people.csv") -> list[str]:
    data = content.encode() if isinstance(content, str) else content
    with pytest.raises(PeopleError) as caught:
        read_people({name: data}, wanted)
    assert str(caught.value) == "\n".join(caught.value.problems)
    return caught.value.problems


def test_a_line_is_somebody_in_a_community(wanted: tuple[WantedCourse, ...]) -> None:
    text = f"{ALL}\nMATH/BAY,7,A7,Pat@example.org,Pat,Pat,Doe,student,TEAM-1\nCOP-PST-BAY,,,x@example.org,,,,,\n"
    found = read_people({"people.csv": text.encode()}, wanted)
    assert found == {
        "MATH/BAY": (
            WantedPerson(
                row=2,
                file="people.csv",
                moodle_id=7,
                idnumber="A7",
                email="Pat@example.org",
                username="Pat",
                firstname="Pat",
                lastname="Doe",
                role="student",
                group="TEAM-1",
            ),
        ),
        "PST/BAY": (WantedPerson(row=3, file="people.csv", email="x@example.org", role="student"),),
    }
    (person,) = found["MATH/BAY"]
    assert list(keys_of(person)) == [("id", "7"), ("idnumber", "A7"), ("email", "Pat@example.org"), ("username", "pat")]


def test_a_role_is_that_of_the_provision_file_or_one_of_moodles(wanted: tuple[WantedCourse, ...]) -> None:
    roles = ("", "participant", "Participant", "facilitator", "FACILITATOR", "teacher")
    lines = "".join(f"{{}},{number},{role}\n" for number, role in enumerate(roles, 1))
    files = {
        "people.csv": f"community,user,role\n{lines.replace('{}', 'MATH/BAY')}".encode(),
        "la.csv": f"community,user,role\n{lines.replace('{}', 'PST/LA')}".encode(),
    }
    found = read_people(files, wanted)
    assert [one.role for one in found["MATH/BAY"]] == [*["student"] * 3, *["editingteacher"] * 2, "teacher"]
    assert [one.role for one in found["PST/LA"]] == [*["learner"] * 3, *["guide"] * 2, "teacher"]


def test_several_files_name_people_of_one_community_in_their_order(wanted: tuple[WantedCourse, ...]) -> None:
    files = {
        "people.csv": b"community;idnumber\n\nMATH/BAY;A\n",
        "people.xlsx": workbook(("Community", "IDnumber"), ("MATH/BAY", "B")),
    }
    found = read_people(files, wanted)["MATH/BAY"]
    assert [(one.file, one.row, one.idnumber) for one in found] == [("people.csv", 3, "A"), ("people.xlsx", 2, "B")]


def test_a_workbook_names_its_own_rows(wanted: tuple[WantedCourse, ...]) -> None:
    content = workbook(
        ("community", "idnumber", "firstname"),
        (None, None, None),
        ("MATH/BAY", 1007, "Ana\nMaria"),
        ("MATH/BAY", "007", "O, Pat"),
        hidden=True,
    )
    found = read_people({"people.xlsx": content}, wanted)["MATH/BAY"]
    assert [(one.row, one.idnumber, one.firstname) for one in found] == [
        (3, "1007", "Ana Maria"),
        (4, "007", "O, Pat"),
    ]
    wrong = workbook(("community", "email"), (None, None), ("MATH/XX", "pat@example.org"), ("MATH/BAY", "nobody"))
    assert problems(wanted, wrong, "people.xlsx") == [
        "people.xlsx:3: community: 'MATH/XX' is no community of the provision file",
        "people.xlsx:4: email: is no e-mail address",
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("community,user\nMATH/XX,1\n", "2: community: 'MATH/XX' is no community of the provision file"),
        ("community,user\nmath/bay,1\n", "2: community: 'math/bay' is no community of the provision file"),
        ("community,user\n,1\n", "2: community: is empty: it takes TOPIC/REGION, or the course's ID number"),
        (
            "community,user\nPST/LA,1\n",
            "2: community: 'PST/LA' takes nobody from this file: name it in its 'people'",
        ),
        ("community,user\nMATH/BAY,first\n", "2: user: is no id of a Moodle user: a whole number"),
        ("community,user\nMATH/BAY,0\n", "2: user: is no id of a Moodle user: a whole number"),
        ("community,email\nMATH/BAY,pat at example.org\n", "2: email: is no e-mail address"),
        ("community,email\nMATH/BAY,pat@localhost\n", "2: email: is no e-mail address"),
        ("community,user,team\nMATH/BAY,1,T\x07\n", "2: team: holds characters that can't be printed"),
        (
            "community,user,firstname\nMATH/BAY,,Pat\n",
            "2: says nothing of who it is: it needs user, idnumber, email or username",
        ),
        ("community,user\nMATH/BAY,1,x\n", "2: has 3 values, and the first line names 2 columns"),
        ("", " The file is empty; its first line has to name the columns: community, and user or idnumber"),
        (
            "community,user,user\nMATH/BAY,1,2\n",
            " The columns are wrong: 'user' stands twice. Known: community, user, idnumber, email, username,",
        ),
        (
            "community,role\nMATH/BAY,x\n",
            " The columns are wrong: 'user' or 'idnumber' or 'email' or 'username' is mis",
        ),
        ("user,group\n1,x\n", " The columns are wrong: 'group' is no column of this file; 'community' is missing."),
        ('community,user\nMATH/BAY,"1\n', " Line 2 is not CSV: "),
    ],
)
def test_what_is_wrong_is_told_by_file_and_line(wanted: tuple[WantedCourse, ...], text: str, problem: str) -> None:
    (found,) = problems(wanted, text)
    assert found.startswith(f"people.csv:{problem}"), found


def test_all_that_is_wrong_is_told_at_once_in_the_order_of_the_lines(wanted: tuple[WantedCourse, ...]) -> None:
    text = "community,user,email\nMATH/XX,1,\nMATH/BAY,x,y\nMATH/BAY,,\n"
    assert problems(wanted, text) == [
        "people.csv:2: community: 'MATH/XX' is no community of the provision file",
        "people.csv:3: user: is no id of a Moodle user: a whole number",
        "people.csv:3: email: is no e-mail address",
        "people.csv:4: says nothing of who it is: it needs user, idnumber, email or username",
    ]


def test_what_is_wrong_with_many_lines_alike_is_told_once(wanted: tuple[WantedCourse, ...]) -> None:
    text = "community,user\nMATH/BAY,1\n" + "".join(f"MATH/XX,{number}\n" for number in range(1, 177))
    assert problems(wanted, text) == [
        "people.csv:3: community: 'MATH/XX' is no community of the provision file (... and 175 more)"
    ]


def test_nothing_of_a_person_is_in_a_problem(wanted: tuple[WantedCourse, ...]) -> None:
    text = (
        "community,idnumber,email,username,firstname,lastname\n"
        "pat@example.org,SECRET-1,MATH/BAY,SECRET-2,SECRET-3,SECRET-4\n"
        "pat@example.org,SECRET-1,lee@example.org,SECRET-2,SECRET-3,SECRET-4\n"
    )
    found = problems(wanted, text)
    assert found == [
        "people.csv:2: email: is no e-mail address",
        "people.csv:3: community: what stands there is no community of the provision file",
    ]


def test_files_that_are_no_table_are_told_with_the_others(wanted: tuple[WantedCourse, ...]) -> None:
    files = {"people.csv": b"\xff\xfea", "people.xlsx": b"PK\x03\x04broken", "la.csv": b"community,user\nPST/LA,x\n"}
    with pytest.raises(PeopleError) as caught:
        read_people(files, wanted)
    assert [problem.split(":")[0] for problem in caught.value.problems] == ["people.csv", "people.xlsx", "la.csv"]
    assert "UTF-16" in caught.value.problems[0]


def test_a_formula_without_a_value_is_told_by_its_cell(wanted: tuple[WantedCourse, ...]) -> None:
    content = workbook(("community", "idnumber"), ("MATH/BAY", "=A1"))
    (found,) = problems(wanted, content, "people.xlsx")
    assert found.startswith("people.xlsx: Row 2, column B: ")
