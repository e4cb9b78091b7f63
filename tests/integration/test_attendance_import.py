"""`copbridge import attendance`: real sessions and attendance facts out of a CSV file."""

from pathlib import Path

import pytest
from redis import Redis
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from jobs.queues import QueueName, queue
from mappings.attending import Way
from records.actor import CLI
from records.models import Account, AuditEntry, FactRow, Membership, Presence, SessionChange, SessionRow, uuid7
from records.presences import NewPresence, add, fold
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.community import AMARA, COURSE, FACILITATOR, HAO, SESSION_ACTIVITY, WALK_IN, Place
from tests.support.readings import account, completion, enrolment, settle, take_in

HEADER = "site,community,session,title,date,start,timezone,mode,planned_minutes,activity,user,idnumber,minutes"
ROW = "moodle,COP-EBWIESL-BAY,F2F-1,Session 1,2026-01-17,09:00,,face_to_face,360,,{user},{idnumber},{minutes}"


@pytest.fixture
def cli(settings: Settings) -> Cli:
    return Cli(settings)


@pytest.fixture
def place(placed: Place) -> Place:
    return placed


def row(user: int | str = "", minutes: int | str = 240, idnumber: str = "") -> str:
    return ROW.format(user=user, idnumber=idnumber, minutes=minutes)


def write(folder: Path, *rows: str, header: str = HEADER) -> str:
    file = folder / "attendance.csv"
    file.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return str(file)


def facts(engine: Engine) -> list[tuple[int, int | None, bool]]:
    """(version, minutes, current) of the attendance facts."""
    with Session(engine) as session:
        rows = session.scalars(
            select(FactRow).where(FactRow.kind == "attendance").order_by(FactRow.key, FactRow.version)
        )
        return [(f.version, f.minutes, f.superseded_at is None) for f in rows]


def test_a_file_makes_a_session_and_hours(cli: Cli, place: Place, tmp_path: Path, redis: "Redis") -> None:
    file = write(tmp_path, row(AMARA), row(idnumber="E0002", minutes=180))
    answer = cli("import", "attendance", file, "--json")
    assert answer.code == 0
    assert answer.data["counts"] == {"new": 2, "changed": 0, "unchanged": 0}
    assert queue(redis, QueueName.RECONCILE).count == 1
    settle(place.engine)
    assert place.standing(AMARA) == (240, {"face_to_face": 240})
    assert place.standing(HAO) == (180, {"face_to_face": 180})
    with Session(place.engine) as session:
        meeting = session.scalars(select(SessionRow)).one()
        assert (meeting.code, meeting.title, meeting.mode, meeting.planned_minutes) == (
            "F2F-1",
            "Session 1",
            "face_to_face",
            360,
        )
        # Nine in the morning of a January day in California.
        assert meeting.starts_at.isoformat() == "2026-01-17T17:00:00+00:00"
        assert meeting.timezone == "America/Los_Angeles"
        (made,) = session.scalars(select(SessionChange)).all()
        assert (made.what, made.actor, made.session_id, made.before, meeting.revision) == (
            *("made", "cli", meeting.id, {}),
            0,
        )
        assert made.after == {
            "title": "Session 1",
            "code": "F2F-1",
            "starts_at": "2026-01-17T17:00:00+00:00",
            "timezone": "America/Los_Angeles",
            "mode": "face_to_face",
            "planned_minutes": 360,
        }
        assert session.scalar(select(func.count()).where(AuditEntry.action == "attendance.import")) == 1


def test_the_same_file_twice_changes_nothing_and_says_so(cli: Cli, place: Place, tmp_path: Path) -> None:
    file = write(tmp_path, row(AMARA), row(HAO, 0))
    assert cli("import", "attendance", file).code == 0
    settle(place.engine)
    again = cli("import", "attendance", file)
    assert again.code == 0
    assert again.out.startswith("Nothing to do: 0 new sessions; of 2 attendances: 0 new, 0 changed, 2 unchanged.")
    assert facts(place.engine) == [(1, 0, True), (1, 240, True)] or facts(place.engine) == [
        (1, 240, True),
        (1, 0, True),
    ]
    with Session(place.engine) as session:
        assert session.scalar(select(func.count()).where(Membership.dirty_at.is_not(None))) == 0
        assert session.scalar(select(func.count()).where(AuditEntry.action == "attendance.import")) == 1


def test_changed_minutes_are_another_version_of_the_fact(cli: Cli, place: Place, tmp_path: Path) -> None:
    cli("import", "attendance", write(tmp_path, row(AMARA)))
    answer = cli("import", "attendance", write(tmp_path, row(AMARA, 200)), "--json")
    assert answer.data["rows"][0] | {"account": ""} == {
        "line": 2,
        "session": "F2F-1",
        "account": "",
        "action": "changed",
        "before": 240,
        "minutes": 200,
        "status": None,
        "attended_as": None,
    }
    assert facts(place.engine) == [(1, 240, False), (2, 200, True)]
    settle(place.engine)
    assert place.standing(AMARA) == (200, {"face_to_face": 200})


def test_what_a_file_adds_to_a_session_has_others_judged_again(cli: Cli, place: Place, tmp_path: Path) -> None:
    cli("import", "attendance", write(tmp_path, row(AMARA).replace(",360,", ",,")))
    with Session(place.engine) as session, session.begin():
        meeting = session.scalars(select(SessionRow.id)).one()
        hao = session.scalars(select(Account.id).where(Account.moodle_user_id == HAO)).one()
        add(session, [NewPresence(meeting, hao, Way.ROSTER, 400)], by=CLI, correlation_id=uuid7())
        fold(session, [(meeting, hao)])
    wanted = select(Presence.folded_at).where(Presence.way == str(Way.ROSTER))
    with Session(place.engine) as session:
        before = session.scalars(wanted).one()
    assert cli("import", "attendance", write(tmp_path, row(AMARA))).code == 0
    with Session(place.engine) as session:
        assert session.scalars(wanted).one() != before


def test_a_dry_run_says_what_would_be_done_and_does_nothing(cli: Cli, place: Place, tmp_path: Path) -> None:
    file = write(tmp_path, row(AMARA), row(WALK_IN, 60))
    answer = cli("import", "attendance", file, "--dry-run")
    assert answer.code == 0
    assert "Would be taken in: 1 new session; of 2 attendances: 2 new" in answer.out
    assert "1 person is not in the community yet" in answer.out
    assert "2026-01-17 09:00" in answer.out
    assert facts(place.engine) == []
    with Session(place.engine) as session:
        assert session.scalar(select(func.count()).select_from(SessionRow)) == 0


def test_the_best_of_session_and_moodle_activity_counts_once(cli: Cli, place: Place, tmp_path: Path) -> None:
    take_in(place.engine, place.site_id, [completion(u, SESSION_ACTIVITY, COURSE) for u in (AMARA, HAO)])
    assert place.standing(AMARA) == (240, {"face_to_face": 240})
    with_activity = [row(AMARA, 300), row(HAO, 100)]
    file = write(tmp_path, *(line.replace(",360,,", ",360,F2F-1,") for line in with_activity))
    assert cli("import", "attendance", file).code == 0
    settle(place.engine)
    assert place.standing(AMARA) == (300, {"face_to_face": 300})
    assert place.standing(HAO) == (240, {"face_to_face": 240})


def test_an_activity_linked_later_counts_once_from_then_on(cli: Cli, place: Place, tmp_path: Path) -> None:
    take_in(place.engine, place.site_id, [completion(u, SESSION_ACTIVITY, COURSE) for u in (AMARA, HAO)])
    cli("import", "attendance", write(tmp_path, row(AMARA, 300), row(HAO, 100)))
    settle(place.engine)
    assert place.standing(HAO)[0] == 340
    # One line is enough to say which activity stands for the session: it counts for everybody.
    linking = write(tmp_path, row(AMARA, 300).replace(",360,,", ",360,F2F-1,"))
    assert cli("import", "attendance", linking).code == 0
    settle(place.engine)
    assert place.standing(AMARA)[0] == 300
    assert place.standing(HAO)[0] == 240
    assert cli("rebuild").code == 0
    with Session(place.engine) as session:
        # The calendars of those who subscribed take up what changed.
        assert session.scalars(select(SessionRow.revision)).one() == 1
        changes = session.scalars(select(SessionChange).order_by(SessionChange.id)).all()
        linked = f"{place.site_id}:{SESSION_ACTIVITY}"
        assert [(one.what, one.before, one.after.get("module")) for one in changes] == [
            ("made", {}, None),
            ("changed", {"module": None}, linked),
        ]


def test_a_hybrid_session_says_how_each_was_there(cli: Cli, place: Place, tmp_path: Path) -> None:
    header, hybrid = f"{HEADER},attended_as", ROW.replace("face_to_face", "hybrid")
    lines = [hybrid.format(user=user, idnumber="", minutes=240) for user in (AMARA, HAO)]
    first = write(tmp_path, f"{lines[0]},virtual", f"{lines[1]},face_to_face", header=header)
    assert cli("import", "attendance", first, "--dry-run").out.count("240 virtual") == 1
    assert cli("import", "attendance", first).code == 0
    settle(place.engine)
    assert place.standing(AMARA) == (240, {"online": 240})
    assert place.standing(HAO) == (240, {"face_to_face": 240})
    again = write(tmp_path, f"{lines[0]},", f"{lines[1]},face_to_face", header=header)
    assert cli("import", "attendance", again, "--json").data["counts"] == {"new": 0, "changed": 1, "unchanged": 1}
    settle(place.engine)
    assert place.standing(AMARA) == (240, {"face_to_face": 240})
    both = write(tmp_path, f"{lines[0]},", f"{lines[0]},virtual", header=header)
    answer = cli("import", "attendance", both)
    assert "line 2: attended_as: says nothing for a person of whom line 3 says virtual at that session" in answer.out


def test_one_activity_stands_for_one_session(cli: Cli, place: Place, tmp_path: Path) -> None:
    first = row(AMARA).replace(",360,,", ",360,F2F-1,")
    second = first.replace(",F2F-1,Session 1,2026-01-17", ",F2F-2,Session 2,2026-01-24")
    answer = cli("import", "attendance", write(tmp_path, first, second))
    assert answer.code == 1
    assert "line 3: activity: the activity stands for the session 'F2F-1' already" in answer.out
    assert facts(place.engine) == []


def test_a_walk_in_becomes_a_member_and_earns_once_enrolled(cli: Cli, place: Place, tmp_path: Path) -> None:
    answer = cli("import", "attendance", write(tmp_path, row(WALK_IN)), "--json")
    assert answer.data["walk_ins"] == 1
    settle(place.engine)
    assert place.standing(WALK_IN) == (0, {})
    take_in(place.engine, place.site_id, [enrolment(WALK_IN, COURSE)])
    assert place.standing(WALK_IN) == (240, {"face_to_face": 240})


def test_a_facilitator_earns_nothing(cli: Cli, place: Place, tmp_path: Path) -> None:
    assert cli("import", "attendance", write(tmp_path, row(FACILITATOR))).code == 0
    settle(place.engine)
    assert place.standing(FACILITATOR) == (0, {})


def test_community_and_person_by_other_keys(cli: Cli, place: Place, tmp_path: Path) -> None:
    line = row(AMARA, idnumber="E0001").replace("COP-EBWIESL-BAY", str(place.community_id))
    assert cli("import", "attendance", write(tmp_path, line)).code == 0


def changed(old: str, new: str) -> str:
    return row(AMARA).replace(old, new)


WRONG = (
    (row(AMARA, -5), "minutes: '-5' can't be minutes: expected a whole number from 0 to 1440"),
    (row(AMARA, 1441), "minutes: '1441' can't be minutes"),
    (row(AMARA, "4h"), "minutes: '4h' can't be minutes"),
    (row(AMARA, ""), "minutes: '' can't be minutes"),
    (row(), "user: names nobody: expected a Moodle user id here, or an idnumber"),
    (row("e11"), "user: 'e11' is not a Moodle user id"),
    (row(0), "user: '0' is not a Moodle user id"),
    (row(999), "user: no account has the Moodle user id 999 on that site"),
    (row(idnumber="E9999"), "idnumber: no account on that site has the idnumber 'E9999'"),
    (row(AMARA, idnumber="E0002"), "idnumber: Moodle user 11 has another idnumber than 'E0002'"),
    (
        changed("face_to_face", "in person"),
        "mode: 'in person' is not a mode: expected face_to_face, virtual or hybrid",
    ),
    (changed("2026-01-17", "01/17/2026"), "date: '01/17/2026' is not a date: expected YYYY-MM-DD"),
    (changed("2026-01-17", "2026-02-30"), "date: '2026-02-30' is not a day of the calendar"),
    (changed("2026-01-17", "2096-01-17"), "date: the session begins at 2096-01-17 09:00, which is yet to come"),
    (changed("09:00", "9 am"), "start: '9 am' is not a time: expected HH:MM"),
    (changed("2026-01-17,09:00", "2025-03-09,02:30"), "start: 02:30 doesn't exist on 2025-03-09"),
    (changed("09:00,,", "09:00,Pacific,"), "timezone: 'Pacific' is not a time zone"),
    (changed("moodle,", "elsewhere,"), "site: there is no site 'elsewhere'"),
    (
        changed("COP-EBWIESL-BAY", "COP-MATH-BAY"),
        "community: no community has a course or group of the idnumber 'COP-MATH-BAY'",
    ),
    (changed(",F2F-1,", ",,"), "session: is empty"),
    (changed(",F2F-1,", f",{'x' * 81},"), "session: is longer than 80 characters"),
    (changed(",360,,", ",360,F2F-9,"), "activity: no activity has the idnumber 'F2F-9' in the community's course"),
    (changed(",360,,", ",lots,,"), "planned_minutes: 'lots' can't be minutes"),
    (row(AMARA) + ",more", "has 14 values, and the first line names 13 columns"),
    (changed("Session 1", "Ses\x1bsion"), "title: holds characters that can't be printed"),
)
"""Lines that are wrong, and what has to be said of each."""


def test_each_wrong_row_is_named_with_its_line_and_nothing_is_written(cli: Cli, place: Place, tmp_path: Path) -> None:
    answer = cli("import", "attendance", write(tmp_path, row(HAO), *(line for line, _ in WRONG)))
    assert answer.code == 1
    said = answer.out.splitlines()
    assert len(said) == len(WRONG) + 1
    for number, (_, says) in enumerate(WRONG, start=3):
        assert said[number - 3].startswith(f"line {number}: {says}")
    assert said[-1] == f"Nothing was written: {len(WRONG)} rows are wrong."
    assert facts(place.engine) == []


def test_wrong_rows_can_be_left_out(cli: Cli, place: Place, tmp_path: Path) -> None:
    answer = cli("import", "attendance", write(tmp_path, row(HAO), row(999), row(AMARA, -1)), "--skip-errors", "--json")
    assert answer.code == 1
    assert answer.data["written"] is True
    assert [problem["line"] for problem in answer.data["problems"]] == [3, 4]
    again = cli("import", "attendance", str(tmp_path / "attendance.csv"), "--skip-errors")
    assert "Nothing to do: 0 new sessions; of 1 attendance: 0 new, 0 changed, 1 unchanged." in again.out
    assert facts(place.engine) == [(1, 240, True)]


def test_one_person_twice_with_different_minutes_is_taken_from_neither_line(
    cli: Cli, place: Place, tmp_path: Path
) -> None:
    lines = (row(AMARA, 240), row(idnumber="E0001", minutes=200), row(HAO), row(HAO))
    answer = cli("import", "attendance", write(tmp_path, *lines), "--skip-errors")
    assert "line 2: minutes: says 240 for a person of whom line 3 says 200 at that session" in answer.out
    assert "line 3: minutes: says 200 for a person of whom line 2 says 240 at that session" in answer.out
    # Twice the same is no contradiction.
    assert facts(place.engine) == [(1, 240, True)]


CONTRADICTIONS = (
    ("2026-01-17", "2026-01-18", "date: session 'F2F-1': 2026-01-18 09:00 contradicts line 2: 2026-01-17 09:00"),
    ("face_to_face", "virtual", "mode: session 'F2F-1': 'virtual' contradicts line 2: 'face_to_face'"),
    ("Session 1", "Another", "title: session 'F2F-1': 'Another' contradicts line 2: 'Session 1'"),
    (",360,", ",300,", "planned_minutes: session 'F2F-1': '300' contradicts line 2: '360'"),
)


@pytest.mark.usefixtures("place")
def test_a_session_described_in_two_ways(cli: Cli, tmp_path: Path) -> None:
    for old, new, says in CONTRADICTIONS:
        answer = cli("import", "attendance", write(tmp_path, row(AMARA), row(HAO).replace(old, new)))
        assert answer.code == 1
        assert f"line 3: {says}" in answer.out
    cli("import", "attendance", write(tmp_path, row(AMARA)))
    for old, new, says in CONTRADICTIONS:
        later = cli("import", "attendance", write(tmp_path, row(HAO).replace(old, new)))
        assert f"line 2: {says.replace('line 2', 'what is recorded')}" in later.out


def test_an_ambiguous_idnumber_asks_for_the_id(cli: Cli, place: Place, tmp_path: Path) -> None:
    take_in(place.engine, place.site_id, [account(77, "E0001")])
    answer = cli("import", "attendance", write(tmp_path, row(idnumber="E0001")))
    assert "line 2: idnumber: 2 accounts have the idnumber 'E0001': expected a Moodle user id in 'user'" in answer.out


def test_what_excel_writes(cli: Cli, place: Place, tmp_path: Path) -> None:
    lines = [HEADER, row(AMARA).replace("Session 1", '"Session ""1"""'), "", "," * 12]
    file = tmp_path / "excel.csv"
    for separator, expected in ((";", "new"), ("\t", "unchanged"), (",", "unchanged")):
        text = "\r\n".join(line.replace(",", separator) for line in lines) + "\r\n"
        file.write_bytes(b"\xef\xbb\xbf" + text.encode())
        assert cli("import", "attendance", str(file), "--json").data["counts"][expected] == 1
    with Session(place.engine) as session:
        assert session.scalars(select(SessionRow.title)).one() == 'Session "1"'


@pytest.mark.usefixtures("place")
def test_a_sep_line_is_understood(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "excel.csv"
    file.write_text(f"sep=;\n{HEADER.replace(',', ';')}\n{row(999).replace(',', ';')}\n")
    assert "line 3: user: no account" in cli("import", "attendance", str(file)).out


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "The file is empty"),
        (f"{HEADER}\n{row(AMARA)}\n".replace("Session 1", "S\u00e9ance").encode("latin-1"), "Line 2 is not UTF-8"),
        (HEADER.encode("utf-16"), "The file is UTF-16"),
        (b"PK\x03\x04rest", "a workbook, not CSV"),
        (HEADER.replace("minutes", "minuten").encode(), "'minuten' is no column of this file"),
        (HEADER.replace(",minutes", "").encode(), "'minutes' is missing"),
        (HEADER.replace(",user,idnumber", "").encode(), "'user' or 'idnumber' is missing"),
        (f"{HEADER},user".encode(), "'user' stands twice"),
        (f'{HEADER}\n"never closed'.encode(), "is not CSV"),
    ],
)
def test_a_file_that_is_wrong_as_a_whole(tmp_path: Path, data: bytes, says: str) -> None:
    file = tmp_path / "attendance.csv"
    file.write_bytes(data)
    # It is told before anything else is looked at, settings and database too.
    answer = Cli()("import", "attendance", str(file))
    assert (answer.code, says in answer.err) == (1, True), answer.err
    assert answer.err.count("\n") == 1


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    answer = Cli()("import", "attendance", str(tmp_path / "no.csv"))
    assert answer.code == 1
    assert "can't be read" in answer.err
