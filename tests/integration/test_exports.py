"""Every table as a file and as a page to print: the rows of its page and no others, whole, inert, and streamed."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from openpyxl import load_workbook
from redis import Redis
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from benchmarks.console import counted
from jobs import reconcile
from records import closings, deciding, users
from records.actor import CLI, Grant, Role, Scope
from records.deciding import By
from records.models import Account, ClosedMember, Membership, Nudge, NudgeMessage, StandingRow, uuid7
from records.settings import Settings
from service.pages import exports
from tests.support import core_districts, readings, seed
from tests.support.seed import BAY, LA, MATH_LA, Seeded
from tests.support.web import application

EVERYTHING = [Grant(Role.PROGRAM_ADMIN)]
IN_LA = [Grant(Role.PROGRAM_ADMIN, Scope.REGION, f"{seed.PROGRAM}/LA")]
MORE = 4_000
MANY = """
WITH person AS (INSERT INTO persons (id) SELECT gen_random_uuid() FROM generate_series(1, :more) RETURNING id),
account AS (
    INSERT INTO accounts (id, site_id, moodle_user_id, person_id, firstname, lastname)
    SELECT gen_random_uuid(), :site, 10000 + row_number() OVER (), id, 'Ana', 'Lima ' || row_number() OVER ()
    FROM person
)
INSERT INTO memberships (id, community_id, person_id, role, dirty_at)
SELECT gen_random_uuid(), :community, id, 'participant', NULL FROM person
"""


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, EVERYTHING)
        yield made


def rows(client: FlaskClient, path: str) -> list[list[str]]:
    """The rows of a CSV, its head first."""
    with client.get(path) as answer:
        assert answer.status_code == 200, path
        return list(csv.reader(io.StringIO(answer.get_data().decode("utf-8-sig"))))


def names(client: FlaskClient, path: str) -> list[str]:
    return [row[0] for row in rows(client, path)[1:]]


def on_page(client: FlaskClient, path: str) -> list[str]:
    """The names of a page's table of people, in its order."""
    return re.findall(r'<a id="p-[^"]+" href="/people/[^"]+"><bdi>([^<]+)</bdi>', client.get(path).text)


def decide(engine: Engine, seeded: Seeded, user: int, course: int = BAY) -> None:
    with Session(engine) as session, session.begin():
        member, by = seed.membership(engine, seeded, user, course), By(CLI, Role.STAFF, "=1+1", readings.NOW)
        draft = deciding.adjust(session, member, minutes=90, component="face_to_face", now=readings.NOW)
        deciding.write(session, draft, by)
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)


def nudge(engine: Engine, seeded: Seeded, *people: tuple[int, int]) -> UUID:
    with Session(engine) as session, session.begin():
        made = Nudge(
            **{"id": uuid7(), "channel": "mail", "template": "own", "subject": "@Hello", "body": "Hello", "asked": {}},
            **{"actor": "cli", "status": "done", "due_at": seed.START, "finished_at": seed.START},
        )
        session.add(made)
        session.flush()
        for user, course in people:
            member = seed.membership(engine, seeded, user, course)
            session.add(NudgeMessage(id=uuid7(), nudge_id=made.id, membership_id=member, status="sent"))
        return made.id


def close(engine: Engine) -> tuple[UUID, str]:
    """Close January. Returns the closing's id and the hash."""
    with Session(engine) as session, session.begin():
        days = date(2026, 1, 1), date(2026, 1, 31)
        snapshot = closings.begin(session, seed.PROGRAM, *days, "January", readings.NOW)
        for _ in closings.fill(session, snapshot, readings.NOW):
            pass
        made = closings.close(session, snapshot, actor=CLI, role="it", reason="Over", now=readings.NOW)
        return made, snapshot.sha256


def test_people_are_those_of_the_page_in_its_order(client: FlaskClient, seeded: Seeded) -> None:
    del seeded
    for query in ("", "region=LA", "status=met", "q=whitfield", "sort=name", "region=NOWHERE"):
        assert names(client, f"/exports/people.csv?{query}") == on_page(client, f"/people?{query}"), query


def test_who_left_stands_as_on_the_page(client: FlaskClient, seeded: Seeded, engine: Engine) -> None:
    # What was computed while somebody was here is kept, and says nothing any more.
    with Session(engine) as session, session.begin():
        mine = session.get_one(Membership, seed.membership(engine, seeded, 13))
        mine.status, community = "left", mine.community_id
        assert session.get_one(StandingRow, mine.id).status not in ("left", "no_commitment")
    for path in ("/exports/people.csv?who=everybody", f"/communities/{community}/roster.csv?status=away"):
        head, *lines = rows(client, path)
        (left,) = (dict(zip(head, line, strict=True)) for line in lines if line[1] == "13")
        assert (left["Where it stands"], left["Requirements open"], left["To go (minutes)"]) == ("left", "", ""), path


def test_a_roster_is_that_of_the_page(client: FlaskClient, seeded: Seeded) -> None:
    path = f"/communities/{seeded.communities[BAY]}"
    # Facilitators are named below the participants, where everybody is asked for.
    for query, below in (("", ["Dana Marsh"]), ("status=met", []), ("status=away", [])):
        found = names(client, f"{path}/roster.csv?{query}")
        assert found == on_page(client, f"{path}?{query}") + below, query
    assert client.get(f"{path}/roster.csv?status=nonsense").status_code == 404


def test_hours_are_whole_minutes_by_component(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    head, *lines = rows(client, "/exports/people.csv?q=okafor")
    with Session(engine) as session:
        standing = session.get_one(StandingRow, seed.membership(engine, seeded, 11))
    told = dict(zip(head, lines[0], strict=True))
    assert told["Total (minutes)"] == str(standing.minutes)
    assert told["face-to-face (minutes)"] == str(standing.by_component["face_to_face"])
    assert (told["Asked at least (minutes)"], told["Asked at most (minutes)"]) == ("960", "1200")


def test_communities_are_those_of_the_board(client: FlaskClient, seeded: Seeded) -> None:
    del seeded
    head, *lines = rows(client, "/exports/communities.csv?sort=participants&view=list")
    where = [head.index(name) for name in ("Region", "Participants", "Met")]
    told = [[line[place] for place in where] for line in lines]
    assert told == [["Bay Area", "6", "2"], ["Los Angeles", "2", "0"], ["Los Angeles", "0", "0"]]
    assert len(rows(client, "/exports/communities.csv?region=BAY")) == 2


def test_files_end_where_the_scope_ends(app: Flask, engine: Engine, seeded: Seeded) -> None:
    decide(engine, seeded, 11)
    decide(engine, seeded, 31, LA)
    both, bay = nudge(engine, seeded, (11, BAY), (31, LA)), nudge(engine, seeded, (11, BAY))
    with Session(engine) as session, session.begin():
        inside = Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")
        users.create_user(session, CLI, "in@example.org", "Within", [inside])
        users.create_user(session, CLI, "out@example.org", "Beyond", [Grant(Role.STAFF)])
    with app.test_client() as client:
        seed.sign_in(client, engine, IN_LA)
        assert sorted(names(client, "/exports/people.csv")) == ["Ruth Abrams", "Teo Alvarez"]
        assert {row[1] for row in rows(client, "/exports/communities.csv")[1:]} == {"Los Angeles"}
        assert [row[3] for row in rows(client, "/exports/decisions.csv")[1:]] == ["Teo Alvarez"]
        assert names(client, "/exports/users.csv") == ["Robin Ellery", "Within"]
        assert names(client, f"/messages/{both}/recipients.csv") == ["Teo Alvarez"]
        assert len(rows(client, "/exports/messages.csv")) == 2
        for path in (
            *(f"/messages/{bay}/recipients.csv", f"/communities/{seeded.communities[BAY]}/roster.csv"),
            *(f"/communities/{seeded.communities[BAY]}/sessions.xlsx", "/exports/audit.csv", "/exports/events.print"),
            f"/communities/{seeded.communities[BAY]}/roster.print",
        ):
            assert client.get(path).status_code == 404, path


def test_nothing_that_somebody_is_called_runs(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    called = {11: "=HYPERLINK(1)", 12: "+1+cmd", 13: "@SUM(A1)", 14: "-2+3", 15: "<b>Eve</b>"}
    with Session(engine) as session, session.begin():
        for user, name in called.items():
            whose = update(Account).where(Account.moodle_user_id == user)
            session.execute(whose.values(firstname=name, lastname=""))
    path = f"/communities/{seeded.communities[BAY]}/roster"
    inert = {f"'{called[user]}" for user in (11, 12, 13, 14)}
    assert inert <= set(names(client, f"{path}.csv"))
    with client.get(f"{path}.xlsx") as answer:
        cells = [cell for row in load_workbook(io.BytesIO(answer.data)).worksheets[0].iter_rows() for cell in row]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    assert inert <= {cell.value for cell in cells}
    page = client.get(f"{path}.print").text
    assert "&lt;b&gt;Eve" in page
    assert "<b>Eve" not in page


def test_both_kinds_of_files_hold_the_same(client: FlaskClient, seeded: Seeded) -> None:
    del seeded
    with client.get("/exports/people.xlsx?region=LA") as answer:
        sheet = load_workbook(io.BytesIO(answer.data)).worksheets[0]
    told = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert told == rows(client, "/exports/people.csv?region=LA")


def test_every_table_is_whole_however_much_is_read_at_once(
    client: FlaskClient, engine: Engine, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    for user in (11, 12, 13, 14, 15):
        decide(engine, seeded, user)
        nudge(engine, seeded, (user, BAY), (31, LA))
    with Session(engine) as session, session.begin():
        for number in range(4):
            users.create_user(session, CLI, f"u{number}@example.org", f"User {number}", [Grant(Role.STAFF)])
    last = nudge(engine, seeded, (11, BAY), (12, BAY), (13, BAY), (31, LA), (32, LA))
    closing, _ = close(engine)
    paths = [f"/exports/{name}.csv" for name in ("people", "decisions", "users", "audit", "events", "messages")]
    paths += [f"/messages/{last}/recipients.csv", f"/communities/{seeded.communities[BAY]}/roster.csv"]
    paths += [f"/periods/{closing}/snapshot.csv", f"/periods/{closing}/credits.csv"]
    whole = {path: rows(client, path) for path in paths}
    assert min(len(told) for told in whole.values()) >= 6
    monkeypatch.setattr(exports, "AT_ONCE", 2)
    assert {path: rows(client, path) for path in paths} == whole


def test_thousands_of_rows_take_no_query_each(client: FlaskClient, engine: Engine, app: Flask, seeded: Seeded) -> None:
    with Session(engine) as session, session.begin():
        about = {"more": MORE, "site": seeded.site, "community": seeded.communities[MATH_LA]}
        session.execute(text(MANY), about)
    path = f"/communities/{seeded.communities[MATH_LA]}/roster.csv"
    for asked, least in ((path, MORE), ("/exports/people.csv?topic=MATH", MORE)):
        with counted(app.extensions["copbridge"].engine) as statements:
            found = names(client, asked)
        assert len(set(found)) == least
        assert len(statements) < 80, asked


def test_a_closed_period_is_told_as_it_was_closed(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    closing, sha256 = close(engine)
    decide(engine, seeded, 11)
    with client.get(f"/periods/{closing}/snapshot.csv") as answer:
        assert sha256 in answer.headers["Content-Disposition"]
    head, *lines = rows(client, f"/periods/{closing}/snapshot.csv")
    with Session(engine) as session:
        held = {str(row.membership_id): row for row in session.scalars(select(ClosedMember))}
    total, member = head.index("Total (minutes)"), head.index("Membership")
    assert {line[member]: int(line[total]) for line in lines} == {one: row.minutes for one, row in held.items()}
    head, *lines = rows(client, f"/periods/{closing}/credits.csv")
    assert sum(int(line[head.index("Credited (minutes)")]) for line in lines) == sum(r.minutes for r in held.values())
    assert sha256 in client.get(f"/periods/{closing}/snapshot.print").text


def test_sessions_and_decisions_say_what_their_pages_say(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    decide(engine, seeded, 11)
    told = rows(client, f"/communities/{seeded.communities[BAY]}/sessions.csv")[1:]
    assert [(row[0], row[3], row[10]) for row in told] == [
        ("S2", "2026-02-09 10:00 PST", "3"),
        ("S1", "2026-01-26 10:00 PST", "4"),
    ]
    (row,) = rows(client, "/exports/decisions.csv")[1:]
    assert (row[0], row[3], row[8]) == ("Adjustment", "Amara Okafor", "'=1+1")
    assert rows(client, "/exports/decisions.csv?kind=waiver")[1:] == []


def test_the_page_to_print_is_the_whole_table(client: FlaskClient, seeded: Seeded) -> None:
    page = client.get("/exports/people.print?region=LA").text
    assert re.findall(r'<th scope="row"><bdi>([^<]*)</bdi>', page) == names(client, "/exports/people.csv?region=LA")
    assert "Region: Los Angeles" in page
    # People read hours; a spreadsheet computes with minutes.
    assert "(minutes)" not in page
    assert "There is nothing in this table." in client.get("/exports/people.print?q=nobody").text
    for path in ("/", "/people", f"/communities/{seeded.communities[BAY]}", "/users"):
        assert re.search(r'href="/[^"]+\.print[^"]*"', client.get(f"{path}?q=a").text), path


def test_milestones_are_those_of_the_page_with_its_filters(
    app: Flask, client: FlaskClient, engine: Engine, settings: Settings, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    schools = core_districts.make_schools(settings, engine, redis)
    with Session(engine) as session, session.begin():
        oak, now = schools.organisations["OAK"], datetime.now(UTC)
        draft = deciding.waive(session, ("organisation", oak), schools.program, "site-council", now=now)
        deciding.write(session, draft, By(CLI, Role.STAFF, "=A council of the district", now))
    paths = [f"/exports/milestones.csv?{query}" for query in ("", "of=community", "of=community&region=SOUTH")]
    head, *lines = rows(client, paths[0])
    told = [dict(zip(head, line, strict=True)) for line in lines]
    assert list(dict.fromkeys(one["Name"] for one in told)) == ["Ash School", "Elm District", "Oak School"]
    council = {one["Code"]: one for one in told if one["What is asked"] == "A School Site Council exists"}
    assert (council["OAK"]["Where it stands"], council["OAK"]["Reason"]) == ("Waived", "'=A council of the district")
    assert council["ASH"]["Where it stands"] == "Open"
    cycles = next(one for one in told if one["What is asked"].startswith("Three full PDSA cycles"))
    assert date.fromisoformat(cycles["Due"]).strftime("%m-%d") == "06-30"

    both = rows(client, paths[1])
    order = [(of, where) for where in ("Bay Area", "Southern California") for of in ("Community", "Team")]
    assert list(dict.fromkeys((line[1], line[3]) for line in both[1:])) == order
    assert {line[0] for line in both if line[1] == "Team"} == {"Oak's team", "Ash's team"}
    guideline = next(line for line in both if line[5] == "Guideline" and line[6] == "Two to four school teams")
    assert guideline[7:9] == ["Deviates", "1 team; recommended: 2 to 4"]
    assert {line[3] for line in rows(client, paths[2])[1:]} == {"Southern California"}
    assert rows(client, "/exports/milestones.csv?organisation=oak")[1:] == [line for line in lines if line[2] == "OAK"]

    whole = {path: rows(client, path) for path in paths}
    monkeypatch.setattr(exports, "SUBJECTS_AT_ONCE", 1)
    assert {path: rows(client, path) for path in paths} == whole
    assert 'href="/exports/milestones.csv?of=community"' in client.get("/milestones?of=community").text
    with app.test_client() as other:
        inside = Grant(Role.STAFF, Scope.REGION, f"{core_districts.PROGRAM}/SOUTH")
        seed.sign_in(other, engine, [inside], "south@example.org")
        assert {row[2] for row in rows(other, paths[0])[1:]} == {"ASH"}
        assert rows(other, paths[1]) == whole[paths[2]]


def test_links_keep_the_filters(client: FlaskClient, seeded: Seeded) -> None:
    del seeded
    page = client.get("/people?region=LA&q=teo").text
    link = re.search(r'href="(/exports/people\.csv[^"]*)"', page)
    assert link
    assert names(client, link[1].replace("&amp;", "&")) == ["Teo Alvarez"]
