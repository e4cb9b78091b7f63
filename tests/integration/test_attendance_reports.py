"""Files of attendance: looked at, taken in by pieces, undone; whatever is wrong with some of their rows."""

import random
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from datetime import timedelta
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from jobs import attendance_reports
from records import taking_attendance
from records.actor import CLI
from records.attendance_reports import ReportError, prune, tally_of
from records.database import make_engine
from records.models import AttendanceReport, Presence, SessionChange, SessionRow, uuid7
from records.settings import Settings
from records.taking_attendance import Work, pieces
from tests.support.attendance_files import (
    COLUMNS,
    FIRST,
    NOW,
    PEOPLE,
    SESSIONS,
    SPOILED,
    as_csv,
    as_xlsx,
    ask,
    crowd,
    good,
    good_rows,
    net,
    read,
    spoiled,
    take,
    undo,
    uploaded,
    work,
)
from tests.support.cli import Cli
from tests.support.community import Place
from tests.support.readings import settle
from tests.support.servers import Servers


@pytest.fixture
def place(engine: Engine) -> Place:
    return crowd(engine)


@pytest.fixture(scope="module")
def shared(servers: Servers, template: str) -> Iterator[Place]:
    """One crowd for all orders of undoing: each leaves it as it found it."""
    name = f"{template}_undone"
    engine = make_engine(servers.create(name, template).url)
    yield crowd(engine)
    engine.dispose()
    servers.drop(name)


def mixed() -> tuple[list[dict[str, str]], dict[int, tuple[str, str]]]:
    """400 good rows with the spoiled ones strewn among them, and what has to be said of which line."""
    rows: list[tuple[dict[str, str], tuple[str, str] | None]] = [(row, None) for row in good_rows()]
    spread = random.Random(7)
    for row, column, says in spoiled():
        rows.insert(spread.randrange(1, len(rows)), (row, (column, says)))
    expected = {number: wrong for number, (_, wrong) in enumerate(rows, start=2) if wrong}
    return [row for row, _ in rows], expected


def test_thirty_kinds_of_bad_rows_stop_none_of_the_good_ones(place: Place) -> None:
    rows, expected = mixed()
    assert len(SPOILED) >= 30
    before = net(place.engine)
    report = uploaded(place.engine, as_csv(rows))
    ask(place.engine, report, "look")
    work(place.engine)
    looked = tally_of(read(place.engine, report), "plan")
    assert net(place.engine) == before
    for number, (column, says) in expected.items():
        said = [problem for problem in looked.problems if problem.line == number]
        assert [problem.column for problem in said] == [column], (number, said)
        assert says in said[0].message, (number, said)
    assert {problem.line for problem in looked.problems} == expected.keys()
    assert looked.counts == {"new": PEOPLE * SESSIONS, "changed": 0, "unchanged": 0, "unmatched": 0}
    assert len(looked.codes) == SESSIONS
    done = take(place.engine, report)
    taken = tally_of(done)
    assert (done.status, done.done, done.total) == ("done", len(rows), len(rows))
    assert (taken.counts, taken.wrong, taken.problems) == (looked.counts, looked.wrong, looked.problems)
    # The activity of the first participant stands for no session here: it counts besides.
    total = sum(net(place.engine).values()) - sum(before.values())
    assert total == sum(int(row["minutes"]) for row in good_rows())
    # Nothing of it is left after the undo, and all of it is there again after the next time.
    there = net(place.engine)
    assert undo(place.engine, report) == PEOPLE * SESSIONS
    assert net(place.engine) == before
    with pytest.raises(ReportError, match="undone already"):
        undo(place.engine, report)
    assert take(place.engine, report).status == "done"
    assert net(place.engine) == there


def test_a_workbook_says_the_same_as_the_csv(shared: Place) -> None:
    place = shared
    rows, expected = mixed()
    found = {}
    for name, data in (("csv", as_csv(rows)), ("xlsx", as_xlsx(rows))):
        report = uploaded(place.engine, data)
        ask(place.engine, report, "look")
        work(place.engine)
        found[name] = tally_of(read(place.engine, report), "plan")
    assert {problem.line for problem in found["xlsx"].problems} == expected.keys()
    assert [row[:4] + row[5:] for row in found["xlsx"].rows] == [row[:4] + row[5:] for row in found["csv"].rows]
    assert found["xlsx"].counts == found["csv"].counts


def test_the_same_file_twice_is_one_report(shared: Place) -> None:
    place = shared
    data = as_csv(good_rows()[:30])
    first = uploaded(place.engine, data)
    take(place.engine, first)
    there = net(place.engine)
    assert uploaded(place.engine, data) == first
    with pytest.raises(ReportError, match="undo that first"):
        ask(place.engine, first, "take")
    # A file that says the same in other words adds nothing, and stands when the first is undone.
    second = uploaded(place.engine, as_csv(reversed(good_rows()[:30])))
    assert tally_of(take(place.engine, second)).counts["unchanged"] == 30
    assert net(place.engine) == there
    undo(place.engine, first)
    assert net(place.engine) == there
    undo(place.engine, second)


def test_what_pieces_say_against_each_other_is_taken_from_neither(
    shared: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = shared
    monkeypatch.setattr(taking_attendance, "AT_ONCE", 3)
    before = net(place.engine)
    rows = [good(1, 0), good(1, 1), good(1, 2), good(1, 0, minutes="5"), good(1, 3), good(1, 0), good(1, 4)]
    report = uploaded(place.engine, as_csv(rows))
    ask(place.engine, report, "look")
    work(place.engine)
    looked = tally_of(read(place.engine, report), "plan")
    done = take(place.engine, report)
    for tally in (looked, tally_of(done)):
        assert sorted(problem.line for problem in tally.problems) == [2, 5, 7]
        assert tally.counts["new"] == 4
    taken = sum(net(place.engine).values()) - sum(before.values())
    assert taken == sum(int(row["minutes"]) for row in rows[1:3] + rows[4:5] + rows[6:])
    undo(place.engine, report)


ENTRIES = st.tuples(st.integers(0, 1), st.integers(0, 4), st.sampled_from(["30", "60", "90"]))


@hypothesis_settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    files=st.tuples(st.lists(ENTRIES, min_size=1, max_size=6), st.lists(ENTRIES, min_size=1, max_size=6)),
    tied=st.tuples(st.booleans(), st.booleans()),
    first=st.booleans(),
)
def test_undo_in_any_order_gives_what_would_be_there_without_it(
    shared: Place, files: tuple[list[tuple[int, int, str]], ...], tied: tuple[bool, bool], first: bool
) -> None:
    """Of two files that overlap, and that tie an activity to a session that was there before, or don't."""
    engine = shared.engine
    planned = uploaded(engine, as_csv([good(n, 9, title="", planned_minutes="") for n in (0, 1)]))
    take(engine, planned)
    start = net(engine)
    data = []
    for entries, tie in zip(files, tied, strict=True):
        said = {(meeting, person): minutes for meeting, person, minutes in entries}
        data.append(
            as_csv(
                good(meeting, person, minutes=minutes, title="", activity="F2F-1" if tie and meeting == 0 else "")
                for (meeting, person), minutes in said.items()
            )
        )
    alone = []
    for one in data:
        report = uploaded(engine, one)
        take(engine, report)
        alone.append(net(engine))
        undo(engine, report)
        assert net(engine) == start
    reports = [uploaded(engine, one) for one in data]
    for report in dict.fromkeys(reports):
        take(engine, report)
    undone, kept = (0, 1) if first else (1, 0)
    if reports[0] != reports[1]:
        undo(engine, reports[undone])
        assert net(engine) == alone[kept]
    undo(engine, reports[kept])
    assert net(engine) == start
    undo(engine, planned)
    check_history(engine)


def check_history(engine: Engine) -> None:
    """Each session's history leads from nothing to what it is, and its revision counts the acts."""
    with Session(engine) as session:
        for row in session.scalars(select(SessionRow)):
            told: dict[str, object] = {}
            changes = session.scalars(
                select(SessionChange).where(SessionChange.session_id == row.id).order_by(SessionChange.id)
            ).all()
            for one in changes:
                assert {name: told.get(name) for name in one.before} == one.before
                told |= one.after
            module = f"{row.module_site_id}:{row.module_id}" if row.module_id else None
            held = (row.title, row.planned_minutes, module, len(changes) - 1)
            assert (told["title"], told.get("planned_minutes"), told.get("module"), row.revision) == held


def test_a_killed_worker_leaves_whole_pieces_and_another_carries_on(place: Place) -> None:
    rows = good_rows()
    report = uploaded(place.engine, as_csv(rows))
    ask(place.engine, report, "take")
    with pytest.raises(subprocess.CalledProcessError):
        # It dies by SIGKILL in the middle of its third piece: after writing, before the commit.
        subprocess.run(
            [sys.executable, "-m", "tests.support.dying", str(place.engine.url.render_as_string(False))], check=True
        )
    half = read(place.engine, report)
    assert (half.status, half.done) == ("running", 200)
    assert not attendance_reports.turn(place.engine, lambda: NOW)
    with Session(place.engine) as session, session.begin():
        assert session.scalar(select(func.count()).select_from(Presence)) == half.done
        # A minute later nobody has heard of the one that died.
        session.execute(update(AttendanceReport).values(heartbeat_at=NOW - timedelta(days=400)))
    work(place.engine)
    done = read(place.engine, report)
    assert (done.status, tally_of(done).counts["new"]) == ("done", len(rows))
    there = net(place.engine)
    undo(place.engine, report)
    take(place.engine, report)
    assert net(place.engine) == there


def test_a_turn_ends_in_time_and_the_next_goes_on(shared: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place = shared
    monkeypatch.setattr(taking_attendance, "AT_ONCE", 100)
    report = uploaded(place.engine, as_csv(good_rows()))
    ask(place.engine, report, "take")
    assert attendance_reports.turn(place.engine, lambda: NOW, seconds=0)
    assert (read(place.engine, report).status, read(place.engine, report).done) == ("due", 100)
    work(place.engine)
    assert tally_of(read(place.engine, report)).counts["new"] == PEOPLE * SESSIONS
    undo(place.engine, report)


def test_people_by_name_and_mail_and_what_is_forgotten_in_time(place: Place) -> None:
    rows = [good(1, 0, user="", email="nobody@example.org", name="=1+1"), good(1, 1), good(1, 3, user="", name="Jo")]
    report = uploaded(place.engine, as_csv(rows))
    assert tally_of(take(place.engine, report)).counts == {"new": 1, "changed": 0, "unchanged": 0, "unmatched": 2}
    with Session(place.engine) as session, session.begin():
        p = Presence
        open_ones = session.scalars(select(p).where(p.account_id.is_(None)).order_by(p.report_line)).all()
        assert [row.who for row in open_ones] == [{"name": "=1+1", "email": "nobody@example.org"}, {"name": "Jo"}]
        # Somebody says who the first one is; then a year goes by.
        open_ones[0].account_id = session.scalars(select(p.account_id).where(p.account_id.is_not(None))).first()
        session.flush()
        for table in (AttendanceReport.created_at, Presence.recorded_at):
            session.execute(update(table.class_).values({table.key: NOW - timedelta(days=400)}))
        assert prune(session, 90) == 1
        assert prune(session, 90) == 0
    kept = read(place.engine, report)
    assert (kept.payload, kept.name) == (None, "")
    assert tally_of(kept).counts["new"] == 1
    assert (tally_of(kept).problems, tally_of(kept).rows) == ([], [])
    with Session(place.engine) as session:
        assert session.scalars(select(Presence.who).order_by(Presence.report_line)).all() == [
            None,
            None,
            {"name": "Jo"},
        ]
    undo(place.engine, report)
    with pytest.raises(ReportError, match="upload it again"):
        ask(place.engine, report, "take")


def test_a_large_file_is_read_piece_by_piece() -> None:
    """What is held at a time doesn't grow with the file."""
    line = as_csv([good(1, 0, user="888888", title="x" * 30)]).splitlines(keepends=True)
    data = line[0] + line[1] * 100_000
    assert len(data) > 10_000_000
    whole = Work(uuid7(), "table", data, {"columns": {c: c for c in COLUMNS}}, None, CLI)
    tracemalloc.start()
    try:
        rows = sum(len(piece.rows) for piece in islice(pieces(whole, size=100), 5))
        few = tracemalloc.get_traced_memory()[1]
        rows += sum(len(piece.rows) for piece in islice(pieces(whole, size=100), 40))
        many = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert rows == 4_500
    assert many < 1.5 * few
    assert many < len(data)


ZOOM = """Name (Original Name),User Email,Join Time,Leave Time,Duration (Minutes),Guest
First Last,{mail},03/02/2026 09:00:00 AM,03/02/2026 09:40:00 AM,40,No
First Last (phone),{mail},03/02/2026 09:30:00 AM,03/02/2026 10:30:00 AM,60,Yes
A visitor,,03/02/2026 09:00:00 AM,03/02/2026 10:00:00 AM,60,Yes
"""


MEET = """First name,Last name,Email,Duration,Time joined,Time exited
First,Last,{mail},1 hr 20 min,8:40 AM,10:00 AM
"""


def test_a_meeting_report_at_the_command_line(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    place, cli = crowd(engine), Cli(settings)
    table, call, again = (tmp_path / name for name in ("table.xlsx", "zoom.csv", "rest.csv"))
    table.write_bytes(as_xlsx([good(1, 1)]))
    assert cli("import", "attendance", str(table)).code == 0
    settle(engine)
    before = net(engine)
    call.write_text(ZOOM.format(mail=f"U{FIRST}@example.org"))
    asked = ("--format", "zoom", "--community", "COP-EBWIESL-BAY", "--session", "S-1", "--order", "mdy", "--json")
    answer = cli("import", "attendance", str(call), *asked)
    assert (answer.code, answer.data["counts"]["new"], answer.data["counts"]["unmatched"]) == (0, 1, 1), answer.out
    settle(engine)
    # Two devices at the same time are one person.
    assert sum(net(engine).values()) - sum(before.values()) == 90
    assert cli("import", "attendance", str(call), *asked).data["written"] is False
    again.write_text(ZOOM.format(mail=f"u{FIRST}@example.org").replace("10:30:00", "10:45:00").rsplit("A visitor")[0])
    assert cli("import", "attendance", str(again), *asked).data["counts"]["changed"] == 1
    settle(engine)
    assert sum(net(engine).values()) - sum(before.values()) == 105
    call.write_text(MEET.format(mail=f"U{FIRST + 2}@example.org"))
    assert cli("import", "attendance", str(call), *asked[:1], "meet", *asked[2:6], "--json").data["counts"]["new"] == 1
    settle(engine)
    # Clock times without a date are those of the session's day; who waited for it to begin wasn't there yet.
    assert sum(net(engine).values()) - sum(before.values()) == 105 + 60
    listed = cli("attendance", "list", "--json").data
    assert [one["format"] for one in listed] == ["meet", "zoom", "zoom", "table"]
    for one in listed[:3]:
        assert cli("attendance", "undo", one["report"]).code == 0
    settle(engine)
    assert net(engine) == before
    assert "undone already" in cli("attendance", "undo", listed[0]["report"]).err
    assert cli("attendance", "undo", str(place.community_id)).code == 1
