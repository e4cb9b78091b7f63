"""`copbridge import organisations`: schools, districts and what is above them, out of a CSV file."""

import hashlib
from datetime import date
from pathlib import Path
from uuid import UUID

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, aliased

from jobs.queues import QueueName, queue
from records.models import Account, AuditEntry, Community, Membership, Organisation, Person, Site, uuid7
from records.organisations import plan_organisations
from records.programs import add_version
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.house import LAB

HEADER = "code,name,kind,level,designation,designated_on,parent"
COUNTY = "ALA,Alameda County,county_office,,,,"
DISTRICT = "OUSD,Oakland Unified,district,,,,ALA"
SCHOOL = "OUSD-1,Elmhurst,school,MS,distinguished,2024-07-01,OUSD"
FILE = (SCHOOL, DISTRICT, COUNTY)
"""Each parent stands after its child: the order of the lines is of no matter."""


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


def write(folder: Path, *rows: str, header: str = HEADER) -> str:
    file = folder / "organisations.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return str(file)


def recorded(engine: Engine) -> dict[str, tuple[str, str, str | None, str | None, date | None, str | None]]:
    """By code: name, kind, level, designation, its day, the parent's code."""
    o, parent = Organisation, aliased(Organisation)
    with Session(engine) as session:
        rows = session.execute(
            select(o.code, o.name, o.kind, o.level, o.designation, o.designated_on, parent.code).outerjoin(
                parent, parent.id == o.parent_id
            )
        )
        return {code: (name, kind, level, what, day, above) for code, name, kind, level, what, day, above in rows}


def audits(engine: Engine) -> list[dict[str, object] | None]:
    with Session(engine) as session:
        found = select(AuditEntry.after).where(AuditEntry.action == "organisations.import").order_by(AuditEntry.id)
        return list(session.scalars(found))


def members_of(engine: Engine, *codes: str) -> dict[str, UUID]:
    """A membership for each organisation, which the account's profile names; none of them marked."""
    with Session(engine) as session, session.begin():
        version, _ = add_version(session, LAB + "profile: {organisation: works_at}\n", "lab.yaml")
        site = Site(slug="m", name="M", wwwroot="https://m.example.org")
        session.add(site)
        community = Community(
            id=uuid7(), program_id=version.program_id, topic="EBWI", region="BAY", timezone="America/Los_Angeles"
        )
        session.add(community)
        session.flush()
        made = {}
        for number, code in enumerate(codes, start=11):
            person = Person(id=uuid7())
            session.add(person)
            session.flush()
            profile: dict[str, object] = {"works_at": code}
            session.add(Account(site_id=site.id, moodle_user_id=number, person_id=person.id, profile=profile))
            organisation = session.scalars(select(Organisation.id).where(Organisation.code == code)).one()
            row = Membership(
                id=uuid7(), community_id=community.id, person_id=person.id, organisation_id=organisation, dirty_at=None
            )
            session.add(row)
            made[code] = row.id
        session.flush()
        session.execute(update(Membership).values(dirty_at=None))
    return made


def marked(engine: Engine) -> set[UUID]:
    with Session(engine) as session:
        return set(session.scalars(select(Membership.id).where(Membership.dirty_at.is_not(None))))


def test_a_file_makes_organisations_in_any_order_of_its_lines(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    file = write(tmp_path, *FILE)
    answer = cli("import", "organisations", file)
    assert (answer.code, answer.out) == (0, "Taken in: of 3 organisations: 3 new, 0 changed, 0 unchanged.\n")
    assert recorded(engine) == {
        "ALA": ("Alameda County", "county_office", None, None, None, None),
        "OUSD": ("Oakland Unified", "district", None, None, None, "ALA"),
        "OUSD-1": ("Elmhurst", "school", "MS", "distinguished", date(2024, 7, 1), "OUSD"),
    }
    digest = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    assert audits(engine) == [{"sha256": digest, "new": 3, "changed": 0, "skipped": 0}]


def test_the_same_file_twice_changes_nothing_and_says_so(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    file = write(tmp_path, *FILE)
    cli("import", "organisations", file)
    members_of(engine, "OUSD", "OUSD-1")
    before = recorded(engine)
    again = cli("import", "organisations", file)
    assert (again.code, again.out) == (0, "Nothing to do: of 3 organisations: 0 new, 0 changed, 3 unchanged.\n")
    assert recorded(engine) == before
    assert marked(engine) == set()
    assert len(audits(engine)) == 1


def test_what_changed_has_its_members_computed_again(cli: Cli, engine: Engine, tmp_path: Path, redis: "Redis") -> None:
    cli("import", "organisations", write(tmp_path, *FILE))
    assert queue(redis, QueueName.RECONCILE).count == 0
    members = members_of(engine, "OUSD", "OUSD-1")
    file = write(tmp_path, SCHOOL.replace("2024-07-01", "2025-07-01"), DISTRICT)
    answer = cli("import", "organisations", file, "--json")
    assert answer.code == 0
    assert answer.data == {
        "written": True,
        "counts": {"new": 0, "changed": 1, "unchanged": 1},
        "marked": 1,
        "rows": [
            {
                "line": 2,
                "code": "OUSD-1",
                "action": "changed",
                "changes": [{"column": "designated_on", "before": "2024-07-01", "after": "2025-07-01"}],
            },
            {"line": 3, "code": "OUSD", "action": "unchanged", "changes": []},
        ],
        "problems": [],
    }
    assert marked(engine) == {members["OUSD-1"]}
    assert queue(redis, QueueName.RECONCILE).count == 1
    assert recorded(engine)["OUSD-1"][4] == date(2025, 7, 1)
    # An organisation that no line names stays.
    assert "ALA" in recorded(engine)
    told = cli("import", "organisations", write(tmp_path, SCHOOL.replace("Elmhurst", "Elmhurst United")))
    assert "0 new, 1 changed, 0 unchanged. 1 membership is computed again." in told.out


def test_a_dry_run_shows_before_and_after_and_does_nothing(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    cli("import", "organisations", write(tmp_path, *FILE))
    before = recorded(engine)
    members_of(engine, "OUSD-1")
    changed = "OUSD-1,Elmhurst United,school,,distinguished,2025-07-01,ALA"
    answer = cli(
        "import", "organisations", write(tmp_path, changed, DISTRICT, "SUSD,Stockton Unified,district,,,,"), "--dry-run"
    )
    assert answer.code == 0
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    for shown in (
        "2 OUSD-1 changed name Elmhurst -> Elmhurst United",
        "2 OUSD-1 changed level MS -> -",
        "2 OUSD-1 changed designated_on 2024-07-01 -> 2025-07-01",
        "2 OUSD-1 changed parent OUSD -> ALA",
        "4 SUSD new Stockton Unified",
        "Would be taken in: of 3 organisations: 1 new, 1 changed, 1 unchanged.",
    ):
        assert shown in lines
    assert recorded(engine) == before
    assert marked(engine) == set()
    assert len(audits(engine)) == 1


def test_a_column_that_the_file_lacks_says_nothing(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    cli("import", "organisations", write(tmp_path, *FILE))
    answer = cli(
        "import", "organisations", write(tmp_path, "OUSD-1,Elmhurst,school", header="code,name,kind"), "--json"
    )
    assert answer.data["counts"] == {"new": 0, "changed": 0, "unchanged": 1}
    # An empty cell does say something.
    cli("import", "organisations", write(tmp_path, "OUSD-1,Elmhurst,school,,,,"))
    assert recorded(engine)["OUSD-1"] == ("Elmhurst", "school", None, None, None, None)


def test_another_designation_takes_the_day_of_the_former_along(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    cli("import", "organisations", write(tmp_path, *FILE))
    header = "code,name,kind,designation"
    cli("import", "organisations", write(tmp_path, "OUSD-1,Elmhurst,school,distinguished", header=header))
    assert recorded(engine)["OUSD-1"][3:5] == ("distinguished", date(2024, 7, 1))
    cli("import", "organisations", write(tmp_path, "OUSD-1,Elmhurst,school,pivotal", header=header))
    assert recorded(engine)["OUSD-1"][3:5] == ("pivotal", None)
    dated = "code,name,kind,designated_on"
    cli("import", "organisations", write(tmp_path, "OUSD-1,Elmhurst,school,2026-01-05", header=dated))
    assert recorded(engine)["OUSD-1"][3:5] == ("pivotal", date(2026, 1, 5))


UNKNOWN = "no organisation of the code '{}' is recorded, and no right line of this file has it"
NO_CODE = "is no code: expected up to 40 letters, digits, - and _, such as"
WRONG = (
    (",Elmhurst,school,,,,", "code: is empty"),
    (f"{'x' * 81},Elmhurst,school,,,,", "code: is longer than 80 characters"),
    ("a\x1bb,Elmhurst,school,,,,", "code: holds characters that can't be printed"),
    (
        "1.61126E+12,Elmhurst,school,,,,",
        "code: '1.61126E+12' is a number that the spreadsheet cut short: format the column as text",
    ),
    ("A,,school,,,,", "name: is empty"),
    (f"A,{'x' * 1_334},school,,,,", "name: is longer than 1333 characters"),
    ("A,Elm\x07hurst,school,,,,", "name: holds characters that can't be printed"),
    ("A,Elmhurst,,,,,", "kind: is empty"),
    ("A,Elmhurst,county office,,,,", f"kind: 'county office' {NO_CODE} school, district or county_office"),
    (f"A,Elmhurst,{'k' * 41},,,,", f"kind: '{'k' * 41}' {NO_CODE} school, district or county_office"),
    ("A,Elmhurst,sch\x1bool,,,,", "kind: holds characters that can't be printed"),
    ("A,Elmhurst,school,K–8,,,", f"level: 'K–8' {NO_CODE} ES, MS or HS"),
    (f"A,Elmhurst,school,,{'d' * 41},,", "designation: is longer than 40 characters"),
    ("A,Elmhurst,school,,d\x1b,,", "designation: holds characters that can't be printed"),
    (
        "A,Elmhurst,school,,x,07/01/2024,",
        "designated_on: '07/01/2024' is not a date: expected YYYY-MM-DD, such as 2026-03-14",
    ),
    ("A,Elmhurst,school,,x,2024-02-30,", "designated_on: '2024-02-30' is not a day of the calendar"),
    (
        "LONE,Elmhurst,school,,,2024-07-01,",
        "designated_on: is given without a designation: expected one in 'designation', or no date",
    ),
    ("B,Elmhurst,school,,,,1E+05", "parent: '1E+05' is a number that the spreadsheet cut short"),
    (f"B,Elmhurst,school,,,,{'x' * 81}", "parent: is longer than 80 characters"),
    ("ORPHAN,Elmhurst,school,,,,NOWHERE", f"parent: {UNKNOWN.format('NOWHERE')}"),
    ("UNDER-LONE,Elmhurst,school,,,,LONE", f"parent: {UNKNOWN.format('LONE')}"),
    ("UNDER-ORPHAN,Elmhurst,school,,,,ORPHAN", f"parent: {UNKNOWN.format('ORPHAN')}"),
    ("SELF,Elmhurst,school,,,,SELF", "parent: 'SELF' would be above itself: SELF under SELF"),
    ("C1,One,district,,,,C2", "parent: 'C1' would be above itself: C1 under C2 under C3 under C1"),
    ("C2,Two,district,,,,C3", "parent: 'C2' would be above itself: C2 under C3 under C1 under C2"),
    ("C3,Three,district,,,,C1", "parent: 'C3' would be above itself: C3 under C1 under C2 under C3"),
    ("UNDER-C1,Elmhurst,school,,,,C1", f"parent: {UNKNOWN.format('C1')}"),
    ("TWICE,Elmhurst,school,,,,", "code: 'TWICE' stands on line 31 too, which says otherwise of it"),
    ("TWICE,Elmhurst United,school,,,,", "code: 'TWICE' stands on line 30 too, which says otherwise of it"),
    ("A,Elmhurst,school,,,,,more", "has 8 values, and the first line names 7 columns"),
)
"""Lines that are wrong, and what has to be said of each; the first is the third line of its file."""


def test_each_wrong_row_is_named_with_its_line_and_nothing_is_written(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    answer = cli("import", "organisations", write(tmp_path, COUNTY, *(line for line, _ in WRONG)))
    assert answer.code == 1
    said = answer.out.splitlines()
    assert len(said) == len(WRONG) + 1
    for number, (_, says) in enumerate(WRONG, start=3):
        assert said[number - 3].startswith(f"line {number}: {says}")
    assert said[-1] == f"Nothing was written: {len(WRONG)} rows are wrong."
    assert recorded(engine) == {}
    assert audits(engine) == []


def test_several_things_wrong_with_one_row_are_all_said(cli: Cli, tmp_path: Path) -> None:
    answer = cli("import", "organisations", write(tmp_path, "A,,county office,,,soon,"))
    assert [line.split(": ")[1] for line in answer.out.splitlines()[:-1]] == ["name", "kind", "designated_on"]
    assert answer.out.endswith("Nothing was written: 1 row is wrong.\n")


def test_wrong_rows_can_be_left_out(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    file = write(tmp_path, COUNTY, *(line for line, _ in WRONG), DISTRICT)
    answer = cli("import", "organisations", file, "--skip-errors", "--json")
    assert answer.code == 1
    assert (answer.data["written"], answer.data["counts"]["new"]) == (True, 2)
    assert [problem["line"] for problem in answer.data["problems"]] == list(range(3, 3 + len(WRONG)))
    assert set(recorded(engine)) == {"ALA", "OUSD"}
    (entry,) = audits(engine)
    assert entry is not None
    assert (entry["new"], entry["skipped"]) == (2, len(WRONG))
    again = cli("import", "organisations", file, "--skip-errors")
    assert (again.code, again.out.splitlines()[-1]) == (
        1,
        "Nothing to do: of 2 organisations: 0 new, 0 changed, 2 unchanged.",
    )


def test_a_circle_through_what_is_recorded(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    cli("import", "organisations", write(tmp_path, *FILE))
    answer = cli("import", "organisations", write(tmp_path, COUNTY + "OUSD-1"))
    assert answer.code == 1
    assert "line 2: parent: 'ALA' would be above itself: ALA under OUSD-1 under OUSD under ALA" in answer.out
    assert recorded(engine)["ALA"][5] is None
    # Two that change places are none, in one file.
    turned = ("ALA,Alameda County,county_office,,,,OUSD", "OUSD,Oakland Unified,district,,,,")
    assert cli("import", "organisations", write(tmp_path, *turned)).code == 0
    assert (recorded(engine)["ALA"][5], recorded(engine)["OUSD"][5]) == ("OUSD", None)


def test_a_row_that_is_left_out_leaves_its_parent_as_recorded(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    """The file alone would be in order; without its wrong row the recorded parent makes a circle of it."""
    cli("import", "organisations", write(tmp_path, *FILE))
    rows = ("ALA,Alameda County,county_office,,,,OUSD", "OUSD,Oakland Unified,district,,,2024-07-01,")
    answer = cli("import", "organisations", write(tmp_path, *rows), "--skip-errors")
    assert "line 2: parent: 'ALA' would be above itself: ALA under OUSD under ALA" in answer.out
    assert (recorded(engine)["ALA"][5], recorded(engine)["OUSD"][5]) == (None, "ALA")


def test_a_long_circle_is_shown_in_part(cli: Cli, tmp_path: Path) -> None:
    rows = [f"C{n},Name,district,,,,C{(n + 1) % 9}" for n in range(9)]
    answer = cli("import", "organisations", write(tmp_path, *rows))
    assert answer.out.splitlines()[0] == (
        "line 2: parent: 'C0' would be above itself: C0 under C1 under C2 under C3 under C4 under C5 under ... under C0"
    )


def test_many_rows_under_a_wrong_one(cli: Cli, tmp_path: Path) -> None:
    rows = [f"N{n},Name,district,,,,N{n + 1}" for n in range(5_000)]
    answer = cli("import", "organisations", write(tmp_path, *rows), "--json")
    assert len(answer.data["problems"]) == 5_000


def test_the_same_line_twice_is_no_contradiction(cli: Cli, tmp_path: Path) -> None:
    answer = cli("import", "organisations", write(tmp_path, COUNTY, COUNTY), "--json")
    assert (answer.code, answer.data["counts"]["new"]) == (0, 1)


def test_what_excel_writes(cli: Cli, engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "excel.csv"
    lines = [HEADER, SCHOOL.replace("Elmhurst", '"Elmhurst ""United"""'), "", DISTRICT, COUNTY, "," * 9]
    for separator, expected in ((";", "new"), ("\t", "unchanged"), (",", "unchanged")):
        content = "\r\n".join(line.replace(",", separator) for line in lines) + "\r\n"
        file.write_bytes(b"\xef\xbb\xbf" + content.encode())
        assert cli("import", "organisations", str(file), "--json").data["counts"][expected] == 3
    assert recorded(engine)["OUSD-1"][0] == 'Elmhurst "United"'


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "The file is empty; its first line has to name the columns: code, name, kind.\n"),
        (f"{HEADER}\nA,S\u00e9quoia,school".encode("latin-1"), "Line 2 is not UTF-8"),
        (HEADER.encode("utf-16"), "The file is UTF-16"),
        (b"PK\x03\x04rest", "a workbook, not CSV"),
        (b"x" * 20_000_001, "The file is larger than 20 MB"),
        (
            HEADER.replace("parent", "above").encode(),
            "'above' is no column of this file. Known: code, name, kind, level",
        ),
        (HEADER.replace(",kind", "").encode(), "'kind' is missing"),
        (f"{HEADER},code".encode(), "'code' stands twice"),
        (f'{HEADER}\n"never closed'.encode(), "is not CSV"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "organisations.csv"
    file.write_bytes(data)
    # It is told before anything else is looked at, settings and database too.
    answer = Cli()("import", "organisations", str(file))
    assert (answer.code, says in answer.err) == (1, True), answer.err
    assert answer.err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    answer = Cli()("import", "organisations", str(tmp_path / "no.csv"))
    assert answer.code == 1
    assert "can't be read" in answer.err


def test_imports_take_turns_and_readers_go_on(engine: Engine) -> None:
    with Session(engine) as one, one.begin():
        plan_organisations(one, [], [])
        with Session(engine) as other, other.begin():
            assert other.scalar(select(func.count()).select_from(Organisation)) == 0
            # As a membership does that names its organisation.
            other.execute(text("SELECT 1 FROM organisations FOR KEY SHARE"))
            other.execute(text("SET LOCAL lock_timeout = '50ms'"))
            with pytest.raises(OperationalError, match="lock timeout"):
                plan_organisations(other, [], [])
