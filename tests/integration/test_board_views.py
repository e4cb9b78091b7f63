"""The board as a grid and as a list: filters, periods, order; what is shown is in the address."""

import re
from collections.abc import Iterator
from datetime import date
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from records import closings
from records.actor import CLI, Grant, Role, Scope
from records.models import Community, Membership, Organisation, StandingRow, uuid7
from records.settings import Settings
from service.pages import board
from tests.integration.test_pages import part, read
from tests.support import readings, seed
from tests.support.seed import BAY, LA, MATH_LA, Seeded
from tests.support.web import application

WRITING, MATHS = "Evidence-Based Writing Instruction for ESL", "Math Instructional Strategies"


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.STAFF)])
        yield made


def stand(engine: Engine, seeded: Seeded, user: int, **values: object) -> None:
    with Session(engine) as session, session.begin():
        held = select(Membership.id).where(Membership.person_id == seeded.persons[user])
        session.execute(update(StandingRow).where(StandingRow.membership_id.in_(held)).values(**values))


def hosted(engine: Engine, community: UUID) -> None:
    with Session(engine) as session, session.begin():
        host = Organisation(id=uuid7(), code="oakland-as", name="Oakland Adult School", kind="agency")
        session.add(host)
        session.flush()
        session.execute(update(Community).where(Community.id == community).values(host_id=host.id))


def shown(client: FlaskClient, query: str) -> list[str]:
    """The communities in the list, in its order."""
    answer = client.get(f"/?view=list&{query}")
    assert answer.status_code == 200
    return re.findall(r'id="c-([0-9a-f-]{36})"', answer.text)


def test_the_grid_tells_each_topic_in_each_region_and_the_sums(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    stand(engine, seeded, 14, status="cannot_reach")
    stand(engine, seeded, 13, status="behind")
    page = read(client, "/?view=grid")
    assert f"{WRITING}, Bay Area: 9 h 53 min" in page
    bay = part(page, f"{WRITING}, Bay Area", f"{WRITING}, Los Angeles")
    assert "6 people ✓ 2 met it ▾ 1 behind ✕ 1 cannot reach it" in bay
    assert f"{MATHS}, Los Angeles: nobody yet" in page
    # Both regions together are weighed by people: 59 h 20 of six, and 30 min of two.
    assert f"{WRITING}: 7 h 29 min" in page
    assert "Los Angeles: 15 min" in part(page, "All topics")
    links = dict(re.findall(r'id="(c-[^"]+)" href="([^"]+)"', client.get("/?view=grid").text))
    assert links[f"c-{seeded.communities[BAY]}"] == f"/communities/{seeded.communities[BAY]}"


def test_a_cell_of_several_communities_leads_to_their_list(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    with Session(engine) as session, session.begin():
        moved = update(Community).where(Community.id == seeded.communities[MATH_LA])
        session.execute(moved.values(topic="EBWIESL"))
    html = client.get("/?view=grid&status=").text
    found = re.search(r'id="g-calpro-regional-[^"]*Los Angeles" href="([^"]+)"', html)
    assert found
    both = shown(client, found[1].removeprefix("/?").replace("&amp;", "&"))
    assert sorted(both) == sorted(str(seeded.communities[course]) for course in (LA, MATH_LA))


def test_filters_ask_for_host_facilitator_and_standing(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    bay, la = str(seeded.communities[BAY]), seeded.communities[LA]
    hosted(engine, la)
    stand(engine, seeded, 31, status="cannot_reach")
    assert shown(client, "host=oakland-as") == [str(la)]
    assert shown(client, f"facilitator={seeded.persons[seed.FACILITATOR]}") == [bay]
    assert shown(client, "status=cannot_reach") == [str(la)]
    assert shown(client, "status=met") == [bay]
    assert shown(client, "status=met&host=oakland-as") == []
    assert "Nobody is like that here" in read(client, "/?status=met&host=oakland-as")
    page = read(client, "/?view=list")
    assert "Host All Oakland Adult School" in page
    assert "Facilitator All Dana Marsh" in page


@pytest.mark.parametrize("name", ["program", "region", "topic", "host", "facilitator", "status", "period"])
def test_what_nobody_knows_is_an_empty_helpful_page(client: FlaskClient, seeded: Seeded, name: str) -> None:
    assert seeded
    for value in ("nonsense", str(uuid7())):
        for view in ("grid", "list", "neither"):
            page = read(client, f"/?view={view}&{name}={value}")
            assert "No community matches this filter" in page
            assert "Show all communities" in page


def test_who_facilitates_is_told_to_nobody_who_may_not_see_people(app: Flask, engine: Engine, seeded: Seeded) -> None:
    asked = f"facilitator={seeded.persons[seed.FACILITATOR]}"
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.IT), Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")])
        assert "No community matches" in read(client, f"/?view=list&{asked}")
        assert "Dana Marsh" not in client.get("/").text
        assert f"/communities/{seeded.communities[BAY]}" not in client.get("/?view=grid").text
    with app.test_client() as client:
        # Not even whether it is somebody whose id is known.
        seed.sign_in(client, engine, [Grant(Role.IT)], "it@example.org")
        assert "No community matches" in read(client, f"/?view=list&{asked}")


def test_all_time_and_a_closed_period(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    with Session(engine) as session, session.begin():
        snapshot = closings.begin(session, seed.PROGRAM, date(2026, 1, 1), date(2026, 1, 20), "Start", readings.NOW)
        for _ in closings.fill(session, snapshot, readings.NOW):
            pass
        closing = closings.close(session, snapshot, actor=CLI, role="it", reason="A test", now=readings.NOW)
    # The period over, Amara earned more, which its snapshot doesn't know.
    stand(engine, seeded, 11, minutes=6000, all_minutes=7200)
    held = {row["membership_id"]: row["minutes"] for row in snapshot.members}
    now, ever, then = (read(client, f"/?view=list&region=BAY&period={period}") for period in ("", "all", closing))
    there = [held[seed.membership(engine, seeded, user)] for user in seed.PROGRESS]
    average = round(sum(there) / len(there))
    assert f"{average // 60} h {average % 60} min" in part(then, "Average hours")
    assert "This is the period as it was closed" in then
    assert "Period The present one All time Start" in now
    bay = round((sum(3 * [0]) + 7200 + 900 + 450 + 30 + 0 + 1100) / 6)
    assert f"{bay // 60} h {bay % 60} min" in ever
    assert "Hours are those of all time" in ever
    people = client.get(f"/people?period={closing}&sort=name&q=okafor").text
    amara = held[seed.membership(engine, seeded, 11)]
    assert f"{amara // 60} h" in people
    assert "120 h" not in people


def test_the_list_can_be_put_in_order(client: FlaskClient, seeded: Seeded) -> None:
    bay, la, maths = (str(seeded.communities[course]) for course in (BAY, LA, MATH_LA))
    assert shown(client, "") == shown(client, "sort=nonsense") == [bay, la, maths]
    assert shown(client, "sort=-region") == [la, maths, bay]
    assert shown(client, "sort=participants") == [bay, la, maths]
    # The least first, for they need help; whoever has nobody comes last.
    assert shown(client, "sort=average") == [la, bay, maths]
    assert shown(client, "sort=-average")[0] == maths
    assert shown(client, "sort=topic") == [bay, la, maths]
    html = client.get("/?view=list&region=LA&sort=met").text
    assert re.search(r'aria-sort="descending"><a id="sort-met" href="/\?[^"]*sort=-met[^"]*"', html)
    assert re.search(r'<a id="sort-average" href="/\?[^"]*region=LA[^"]*"', html)


def test_a_long_list_has_pages(client: FlaskClient, seeded: Seeded, monkeypatch: pytest.MonkeyPatch) -> None:
    bay, la, maths = (str(seeded.communities[course]) for course in (BAY, LA, MATH_LA))
    monkeypatch.setattr(board, "ROWS", 2)
    assert shown(client, "") == [bay, la]
    onwards = re.search(r'rel="next" href="/\?([^"]+)"', client.get("/?view=list").text)
    assert onwards
    assert shown(client, onwards[1].replace("&amp;", "&")) == [maths]
    assert 'rel="prev"' in client.get(f"/?view=list&from={maths}").text


def test_an_open_grid_is_sent_again_only_when_it_changed(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    again = re.search(r'hx-get="(/board/live[^"]*)"', client.get("/?view=grid&region=BAY").text)
    assert again
    address = again[1].replace("&amp;", "&")
    assert client.get(address).status_code == 204
    assert client.get(address, headers={"Accept-Language": "es"}).status_code == 200
    seed.finish(engine, seeded, 31, seed.modules_of(LA)[4], LA)
    assert client.get(address).status_code == 204
    seed.finish(engine, seeded, 14, seed.modules_of(BAY)[4])
    assert client.get(address).status_code == 200


def test_many_communities_are_a_grid_unless_the_address_says_so(
    client: FlaskClient, seeded: Seeded, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert seeded
    assert "All topics" not in read(client, "/")
    monkeypatch.setattr(board, "GRID_FROM", 3)
    assert "All topics" in read(client, "/")
    assert "All topics" not in read(client, "/?view=list")
