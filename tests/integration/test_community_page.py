"""The community's page: pages and filter of the roster, sessions, mapping coverage, hours over time, rationales."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, event, select, text
from sqlalchemy.orm import Session

from records.actor import Actor, Grant, Role
from records.models import LedgerEntry, Membership, MirrorModule, SessionRow, SharedSession, uuid7
from records.queries import members
from records.queries.hours_over_time import hours_over_time
from records.settings import Settings
from tests.support import readings, seed
from tests.support.seed import BAY, LA, START, Seeded
from tests.support.web import application

EVERYTHING = Actor.user(UUID(int=1), (Grant(Role.STAFF),))
CROWD = """
INSERT INTO persons (id) SELECT gen_random_uuid() FROM generate_series(1, 250);
INSERT INTO accounts (id, site_id, moodle_user_id, person_id, firstname, lastname)
    SELECT gen_random_uuid(), :site, 10000 + row_number() OVER (), id, 'Many', 'Person ' || row_number() OVER ()
    FROM persons WHERE id NOT IN (SELECT person_id FROM accounts);
INSERT INTO memberships (id, community_id, person_id, role, dirty_at)
    SELECT gen_random_uuid(), :community, person_id, 'participant', NULL FROM accounts WHERE firstname = 'Many';
"""


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.STAFF)])
        yield made


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    with client.get(path) as response:
        assert response.status_code == status, response.get_data(as_text=True)
        return response.get_data(as_text=True)


def people_in(page: str) -> list[str]:
    return re.findall(r'id="p-([0-9a-f-]{36})"', page)


def crowd(engine: Engine, seeded: Seeded) -> None:
    with engine.begin() as connection:
        for statement in CROWD.split(";")[:-1]:
            connection.execute(text(statement), {"site": seeded.site, "community": seeded.communities[BAY]})


def test_the_roster_goes_page_by_page_and_back(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    crowd(engine, seeded)
    path = f"/communities/{seeded.communities[BAY]}"
    pages = [read(client, path)]
    while after := re.search(r'rel="next" href="([^"]+)"', pages[-1]):
        pages.append(read(client, after[1].replace("&amp;", "&")))
    found = [person for page in pages for person in people_in(page)]
    assert [len(people_in(page)) for page in pages] == [100, 100, 57]
    assert len(set(found)) == 257
    # Active people first: who left comes last of all.
    assert found[-1] == str(seeded.persons[seed.LEAVER])
    assert found[0] == str(seeded.persons[15])
    before = re.search(r'rel="prev" href="([^"]+)"', pages[2])
    assert before
    again = read(client, before[1].replace("&amp;", "&"))
    assert people_in(again) == people_in(pages[1])
    assert "256" in pages[0]


def test_no_page_of_the_roster_asks_more_of_the_database_than_another(
    client: FlaskClient, app: Flask, engine: Engine, seeded: Seeded
) -> None:
    asked: list[str] = []
    event.listen(app.extensions["copbridge"].engine, "before_cursor_execute", lambda *args: asked.append(str(args[2])))
    path = f"/communities/{seeded.communities[BAY]}"
    read(client, path)
    few = len(asked)
    crowd(engine, seeded)
    asked.clear()
    read(client, path)
    assert len(asked) == few


def test_the_filter_is_in_the_address(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    path = f"/communities/{seeded.communities[BAY]}"
    page = read(client, f"{path}?status=away")
    assert people_in(page) == [str(seeded.persons[seed.LEAVER])]
    assert '<option value="away" selected>' in page
    met = people_in(read(client, f"{path}?status=met"))
    with Session(engine) as session:
        sums = members.sums(session, seeded.communities[BAY])
    assert len(met) == sums.held["met"] > 0
    # The part that renews itself keeps to the filter.
    assert re.search(r'hx-get="[^"]+/live\?status=met&amp;seen=', read(client, f"{path}?status=met"))
    assert "Nobody stands there." in read(client, f"{path}?status=cannot_reach")
    for nonsense in ("status=rich", "after=x", f"after={uuid7()}", f"before={seeded.persons[11]}"):
        read(client, f"{path}?{nonsense}", 404)


def test_a_position_of_another_community_is_unknown(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    elsewhere = seed.membership(engine, seeded, 31, LA)
    read(client, f"/communities/{seeded.communities[BAY]}?after={elsewhere}", 404)


def test_right_to_left_names_are_kept_apart(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    name = {"firstname": "فاطمة", "lastname": "الزهراء"}
    seed.take_in(engine, seeded.site, [readings.account(11, at=readings.READ_AT + timedelta(days=1)) | name])
    assert "<bdi>فاطمة الزهراء</bdi>" in read(client, f"/communities/{seeded.communities[BAY]}")
    assert "<h1><bdi>فاطمة الزهراء</bdi></h1>" in read(client, f"/people/{seeded.persons[11]}")


def meeting(community: UUID, code: str, at: datetime) -> SessionRow:
    return SessionRow(
        id=uuid7(), community_id=community, code=code, title=f"Meeting {code}", starts_at=at, timezone="UTC",
        mode="virtual",
    )  # fmt: skip


def test_the_next_and_the_last_sessions_and_a_way_to_all(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    now, bay = datetime.now(UTC), seeded.communities[BAY]
    with Session(engine) as session, session.begin():
        session.add_all(meeting(bay, f"N{n}", now + timedelta(days=n)) for n in range(1, 6))
        session.add_all(meeting(bay, f"L{n}", now - timedelta(days=n)) for n in range(1, 8))
        shared = meeting(seeded.communities[LA], "SHARED", now + timedelta(hours=1))
        session.add(shared)
        session.flush()
        session.add(SharedSession(session_id=shared.id, community_id=bay))
    page = read(client, f"/communities/{bay}")
    assert re.findall(r">Meeting (\w+)</a>", page) == ["SHARED", "N1", "N2", "L5", "L4", "L3", "L2", "L1"]
    assert "All 15 sessions" in page


def test_coverage_says_how_much_of_the_band_activities_give(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    path = f"/communities/{seeded.communities[BAY]}"
    page = read(client, path)
    # 7 h 30 of 16: the file's minutes of eight activities; orientation counts as zero.
    assert re.search(r"<p>8 of 11 activities earn hours: 7 h 30 min in all, 47% of the 16 h that are asked\.", page)
    assert 'aria-label="7 h 30 min of 16–20 h: online 7 h 30 min"' in page
    assert "nobody can earn" not in page
    nothing = page.split("These earn nothing", 1)[1]
    assert nothing.count("<li>") >= 3
    assert "the program file has yet to state how many minutes it earns" in nothing
    with Session(engine) as session, session.begin():
        module = {"site_id": seeded.site, "module_id": seed.modules_of(BAY)[0]}
        session.get_one(MirrorModule, module).tracking = 0
    assert "Moodle doesn't track the completion of 1 of them: nobody can earn its hours." in read(client, path)


def test_hours_over_time_come_to_what_the_ledger_holds(engine: Engine, seeded: Seeded) -> None:
    bay, now = seeded.communities[BAY], START + timedelta(days=60)
    with Session(engine) as session:
        found = hours_over_time(session, EVERYTHING, bay, now)
        active = select(Membership.id).where(
            Membership.community_id == bay, Membership.role == "participant", Membership.status == "active"
        )
        held = session.execute(
            select(LedgerEntry.happened_at, LedgerEntry.minutes).where(LedgerEntry.membership_id.in_(active))
        ).all()
    assert found
    assert found.people == 6
    assert found.band == (960, 1200)
    for point in found.points[1:]:
        assert point.minutes == sum(m for at, m in held if at < point.at) / 6
    assert found.points[-1].at == now
    assert found.points[-1].minutes == sum(minutes for _, minutes in held) / 6 > 0
    # Weeks are whole ones of the community's own clock, the last one as far as it is.
    assert {later.at - earlier.at for earlier, later in zip(found.points[1:-1], found.points[2:-1], strict=False)} <= {
        timedelta(days=7), timedelta(days=7, hours=1), timedelta(days=6, hours=23),
    }  # fmt: skip


def test_the_pace_is_even_from_the_first_to_the_last_day(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    bay = seeded.communities[BAY]
    path = f"/communities/{bay}/hours"
    first, last = START - timedelta(days=4), START + timedelta(days=600)
    dated = readings.course(BAY, seed.COURSES[BAY][0], at=readings.READ_AT + timedelta(days=3)) | {
        "fullname": seed.COURSES[BAY][1],
        "startdate": int(first.timestamp()),
        "enddate": int(last.timestamp()),
    }
    seed.take_in(engine, seeded.site, [dated])
    with Session(engine) as session:
        found = hours_over_time(session, EVERYTHING, bay, START + timedelta(days=298))
    assert found
    assert (found.start, found.end) == (first, last)
    assert found.paced
    assert round(found.pace_at(first + (last - first) / 4)) == 240
    assert (found.pace_at(first - timedelta(days=9)), found.pace_at(last + timedelta(days=9))) == (0, 960)
    page = read(client, path)
    assert re.search(r'role="img" aria-label="Average hours over time: 9 h 53 min by [^"]+; an even pace to 16 h', page)
    assert "The same as a table" in page
    assert not re.search(r"<style|\sstyle=|<script", page)


def test_a_community_without_anybody_says_so(client: FlaskClient, seeded: Seeded) -> None:
    assert "Nobody takes part yet" in read(client, f"/communities/{seeded.communities[seed.MATH_LA]}/hours")
    assert "Nobody takes part yet. Enrol" in read(client, f"/communities/{seeded.communities[seed.MATH_LA]}")
