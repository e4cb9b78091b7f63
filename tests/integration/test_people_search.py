"""The search over people: whom it finds and whom it doesn't, by name and by standing, page by page."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from records.actor import CLI, Actor, Grant, Role, Scope
from records.models import Account, Membership, StandingRow, uuid7
from records.queries.filters import PeopleFilter
from records.queries.members import sums
from records.settings import Settings
from service.pages import people
from tests.support import seed
from tests.support.seed import BAY, LA, PEOPLE, Seeded
from tests.support.web import application

ELSEWHERE = Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.STAFF)])
        yield made


def found(client: FlaskClient, query: str = "") -> list[UUID]:
    """The persons in the list, in its order."""
    answer = client.get(f"/people?{query}")
    assert answer.status_code == 200
    return [UUID(one) for one in re.findall(r'href="/people/([0-9a-f-]{36})"', answer.text)]


def who(seeded: Seeded, *users: int) -> list[UUID]:
    return [seeded.persons[user] for user in users]


def stand(engine: Engine, seeded: Seeded, status: str, *users: int) -> None:
    with Session(engine) as session, session.begin():
        held = select(Membership.id).where(Membership.person_id.in_(who(seeded, *users)))
        session.execute(update(StandingRow).where(StandingRow.membership_id.in_(held)).values(status=status))


def rename(engine: Engine, user: int, **values: str) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(Account).where(Account.moodle_user_id == user).values(**values))


@pytest.mark.parametrize("asked", ["whitfield", "WHITF", "jonah whit", "whit+jonah", "e0015", "15"])
def test_part_of_a_name_an_idnumber_or_a_moodle_id_is_enough(client: FlaskClient, seeded: Seeded, asked: str) -> None:
    assert found(client, f"q={asked}") == who(seeded, 15)


@pytest.mark.parametrize("asked", ["jose nunez", "JOSÉ", "NÚÑEZ", "jose.n@", "Øst", "ost", "яна", "ЯН", "%5B.*"])
def test_letter_case_and_accents_dont_matter_and_nothing_is_a_pattern(
    client: FlaskClient, engine: Engine, seeded: Seeded, asked: str
) -> None:
    rename(engine, 13, firstname="José", lastname="Núñez Østby Яна [.*", email="jose.n@example.org")
    assert found(client, f"q={asked}") == who(seeded, 13)


@pytest.mark.parametrize("asked", ["nobody", "1", "99999999999999999999999", "whitfield tanaka", ".", "%25"])
def test_what_nobody_is_called_finds_nobody_and_says_what_to_do(
    client: FlaskClient, seeded: Seeded, asked: str
) -> None:
    del seeded
    if asked != ".":
        assert found(client, f"q={asked}") == [] or asked == "1"
    assert "A part of a name is enough" in client.get("/people?q=nobody").text


def test_nobody_is_found_outside_of_the_scope(app: Flask, engine: Engine, seeded: Seeded) -> None:
    rename(engine, 15, email="jonah@example.org")
    with app.test_client() as client:
        seed.sign_in(client, engine, [ELSEWHERE, Grant(Role.IT)])
        for asked in ("q=whitfield", "q=15", "q=jonah@example.org", "q=E0015", f"community={seeded.communities[BAY]}"):
            page = client.get(f"/people?{asked}").text
            assert "Whitfield" not in page, asked
            assert found(client, asked) == [], asked
        assert sorted(found(client)) == sorted(who(seeded, 31, 32))
        # Nor is anybody offered in a filter whom one may not see.
        assert "Dana Marsh" not in client.get("/people").text


def test_by_standing_only_who_takes_part_those_in_need_first(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    stand(engine, seeded, "cannot_reach", 12, 14, seed.LEAVER, 31)
    stand(engine, seeded, "behind", 13)
    assert found(client, "region=BAY&status=cannot_reach") == who(seeded, 14, 12)
    # Priya and Teo have equally little.
    assert found(client, "status=cannot_reach")[2:] == who(seeded, 12)
    assert found(client, "region=BAY")[:3] == who(seeded, 14, 12, 13)
    assert found(client, "region=BAY&status=met") == who(seeded, 11, 16)
    assert seeded.persons[seed.LEAVER] not in found(client, "region=BAY")
    assert found(client, "region=BAY&who=everybody")[-1] == seeded.persons[seed.LEAVER]
    assert found(client, "region=NOWHERE") == found(client, "status=nonsense") == []


@pytest.mark.parametrize("sort", ["need", "name"])
def test_pages_hold_everybody_once_there_and_back(
    client: FlaskClient, engine: Engine, seeded: Seeded, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    stand(engine, seeded, "behind", 12, 13)
    everybody = found(client, f"who=everybody&sort={sort}")
    assert sorted(everybody) == sorted(seeded.persons[user] for user in PEOPLE)
    monkeypatch.setattr(people, "SIZE", 3)
    pages, address = [], f"who=everybody&sort={sort}"
    while address:
        pages.append(found(client, address))
        onwards = re.search(r'rel="next" href="/people\?([^"]+)"', client.get(f"/people?{address}").text)
        last, address = address, onwards[1].replace("&amp;", "&") if onwards else ""
    assert [one for page in pages for one in page] == everybody
    assert [len(page) for page in pages] == [3, 3, 3, 1]
    back = re.search(r'rel="prev" href="/people\?([^"]+)"', client.get(f"/people?{last}").text)
    assert back
    assert found(client, back[1].replace("&amp;", "&")) == pages[-2]
    # Addresses of pages name memberships, and nobody's name.
    assert re.fullmatch(rf"who=everybody&amp;({'' if sort == 'need' else 'sort=name&amp;'})?before=[0-9a-f-]+", back[1])


def test_a_page_after_what_is_gone_begins_at_the_start(client: FlaskClient, seeded: Seeded) -> None:
    assert seeded
    assert found(client, f"after={uuid7()}") == found(client, "after=nonsense") == found(client)


def test_nobody_is_chased_who_takes_no_part(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    bay = seeded.communities[BAY]
    listed = found(client, f"community={bay}")
    assert not {seeded.persons[seed.LEAVER], seeded.persons[seed.FACILITATOR]} & set(listed)
    with Session(engine) as session:
        assert len(listed) == sums(session, bay).participants
    page = client.get(f"/people?community={bay}").text
    assert f"Write to all {len(listed)} who match" in page
    assert len(memberships(engine, PeopleFilter(community=str(bay)))) == len(listed)
    # One may look for the others, too; of who left there is no standing, and nothing to do.
    assert "Look among everybody, with facilitators and those who left" in client.get("/people?q=nobody").text
    everybody = client.get(f"/people?community={bay}&who=everybody").text
    row = everybody.split(f"/people/{seeded.persons[seed.LEAVER]}", 1)[1].split("</tr>")[0]
    assert ">left<" in row or ">suspended<" in row
    assert "to go" not in row
    assert "Not started" not in row
    assert found(client, "who=nonsense") == []


def test_messages_begin_with_the_same_filter(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    stand(engine, seeded, "behind", 13)
    page = client.get("/people?region=BAY&status=behind").text
    assert 'href="/messages/new?region=BAY&amp;status=behind"' in page
    assert f'name="membership" value="{seed.membership(engine, seeded, 13)}"' in page
    assert '<input type="hidden" name="status" value="behind">' in page


def memberships(engine: Engine, asked: PeopleFilter, actor: Actor = CLI) -> set[UUID]:
    with Session(engine) as session:
        return set(session.scalars(asked.found(actor)))


def test_the_filter_for_others_to_use(engine: Engine, seeded: Seeded) -> None:
    amara, teo = seed.membership(engine, seeded, 11), seed.membership(engine, seeded, 31, LA)
    both = [str(amara), str(teo)]
    assert memberships(engine, PeopleFilter.of({}, both)) == {amara, teo}
    assert memberships(engine, PeopleFilter.of({"region": " LA "}, both)) == {teo}
    assert memberships(engine, PeopleFilter.of({}, both), Actor(None, "x", (ELSEWHERE,))) == {teo}
    # Ticking nobody means nobody.
    assert memberships(engine, PeopleFilter.of({}, [""])) == set()
    assert memberships(engine, PeopleFilter(facilitator=str(seeded.persons[seed.FACILITATOR]), q="okafor")) == {amara}
    for name in ("program", "region", "topic", "host", "facilitator", "status", "community", "period"):
        assert memberships(engine, PeopleFilter.of({name: "nonsense"})) == set(), name
    filled = PeopleFilter.of({"region": "LA", "q": "teo", "sort": "name", "period": "all"})
    assert filled.values() == {"region": "LA", "q": "teo", "period": "all"}
    assert PeopleFilter.of(filled.values()) == filled
    assert filled.without("q") == PeopleFilter(region="LA", period="all")
