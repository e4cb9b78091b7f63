"""Files of people or applicants: who shall take part in which community, as CSV or XLSX."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from mappings.provision_wanted import WantedCourse, WantedPerson
from records.csv_file import Layout, Line, Problem, UnreadableFile, Wrong, optional_text, read_rows
from records.workbooks import open_workbook

KEYS = ("user", "idnumber", "email", "username")
LAYOUT = Layout(
    required=("community",),
    optional=(*KEYS, "firstname", "lastname", "role", "team"),
    either=KEYS,
)
ROLES = {"": "participant_role", "participant": "participant_role", "facilitator": "facilitator_role"}
"""What `role` may say beside the short name of a Moodle role, and the key of the provision file that names it."""
MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
ZIP = b"PK\x03\x04"


class PeopleError(Exception):
    """A file of people can't be used; `problems` holds one line of text each: `file:line: column: what`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def read_people(files: Mapping[str, bytes], wanted: tuple[WantedCourse, ...]) -> dict[str, tuple[WantedPerson, ...]]:
    """Who shall take part, by the key of the course; `files`: contents by name. A line names its course by the
    community's key in the provision file (TOPIC/REGION), or by the course's ID number. Raises PeopleError."""
    courses = {name: course for course in wanted for name in (course.key, course.idnumber)}
    found: dict[str, list[WantedPerson]] = {}
    problems: list[str] = []
    for name, content in files.items():
        try:
            rows, wrong = read_rows(_as_csv(content), LAYOUT, partial(_row, name=name))
        except UnreadableFile as err:
            problems.append(f"{name}: {err}")
            continue
        for community, person in rows:
            course = courses.get(community)
            if course is None:
                wrong.append(
                    Problem(person.row, "community", f"{_named(community)} is no community of the provision file")
                )
            elif name not in course.enrolling.files:
                said = f"{_named(community)} takes nobody from this file: name it in its 'people'"
                wrong.append(Problem(person.row, "community", said))
            else:
                found.setdefault(course.key, []).append(_in(course, person))
        problems += _told(name, wrong)
    if problems:
        raise PeopleError(problems)
    return {key: tuple(people) for key, people in found.items()}


def _told(name: str, wrong: list[Problem]) -> Iterator[str]:
    """Problems in the order of their lines; what is wrong with many lines alike is said once."""
    alike: dict[tuple[str, str], list[int]] = {}
    for one in sorted(wrong, key=lambda problem: problem.line):
        alike.setdefault((one.column, one.message), []).append(one.line)
    for (column, message), lines in alike.items():
        more = f" (... and {len(lines) - 1} more)" if len(lines) > 1 else ""
        yield f"{name}:{lines[0]}: {column + ': ' if column else ''}{message}{more}"


def _named(community: str) -> str:
    """What a line says instead of a community: an address may have come into the wrong column, and is repeated
    nowhere."""
    return "what stands there" if MAIL.fullmatch(community) else f"'{community}'"


def _as_csv(content: bytes) -> bytes:
    """A workbook's first sheet as CSV, line by line, so that problems name its rows; CSV as it is."""
    if not content.startswith(ZIP):
        return content
    book = open_workbook(content)
    problems: list[Problem] = []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    written = 0
    for number, values in book.rows(book.sheets[0], problems):
        text.write("\n" * (number - written - 1))
        writer.writerow([" ".join(value.split()) for value in values])
        written = number
    if problems:
        first = problems[0]
        raise UnreadableFile(f"Row {first.line}, column {first.column}: {first.message}.")
    return text.getvalue().encode()


def _row(line: Line, name: str) -> tuple[str, WantedPerson]:
    person = WantedPerson(
        row=line.number,
        file=name,
        moodle_id=line.take("user", _moodle_id, 0),
        idnumber=line.take("idnumber", optional_text, ""),
        email=line.take("email", _mail, ""),
        username=line.take("username", optional_text, ""),
        firstname=line.take("firstname", optional_text, ""),
        lastname=line.take("lastname", optional_text, ""),
        role=line.take("role", optional_text, ""),
        group=line.take("team", optional_text, ""),
    )
    if not line.values["community"]:
        line.refuse("community", "is empty: it takes TOPIC/REGION, or the course's ID number")
    if not line.problems and not any(line.values[key] for key in KEYS):
        line.refuse("", f"says nothing of who it is: it needs {', '.join(KEYS[:-1])} or {KEYS[-1]}")
    return line.values["community"], person


def _in(course: WantedCourse, person: WantedPerson) -> WantedPerson:
    """The person with the Moodle role that is meant."""
    key = ROLES.get(person.role.lower())
    return replace(person, role=getattr(course.enrolling, key)) if key else person


def _moodle_id(text: str) -> int:
    if not text:
        return 0
    if not re.fullmatch(r"[1-9][0-9]{0,17}", text, re.ASCII):
        raise Wrong("is no id of a Moodle user: a whole number")
    return int(text)


def _mail(text: str) -> str:
    if text and not MAIL.fullmatch(text):
        raise Wrong("is no e-mail address")
    return optional_text(text)


def keys_of(person: WantedPerson) -> Iterator[tuple[str, str]]:
    """What somebody is known by, as Moodle names it: field and value. An e-mail counts in any letter case."""
    values = (("id", str(person.moodle_id or "")), ("idnumber", person.idnumber))
    for field, value in (*values, ("email", person.email), ("username", person.username.lower())):
        if value:
            yield field, value
