"""Merging two people: what is shown before, who may be one, the pages and the commands."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records.actor import CLI, Actor, Grant, Role, Scope
from records.merge_plan import plan_merge
from records.models import Base, uuid7
from records.queries.merges import candidates, look_for, merge_of, merges
from records.settings import Settings
from tests.support import readings, seed
from tests.support.cli import Cli
from tests.support.deeds import BAY, LA, net
from tests.support.house import House
from tests.support.readings import account
from tests.support.seed import Seeded
from tests.support.two_people import (
    BOTH,
    ONE,
    OTHER,
    PROGRAM,
    THIRD,
    attend,
    finish,
    furnish,
    merge,
    person,
    present,
)
from tests.support.web import application


@pytest.fixture
def house(settings: Settings, engine: Engine, redis: Redis) -> House:
    return House(settings, engine, redis, program=PROGRAM)


def rows(house: House) -> dict[str, list[tuple[object, ...]]]:
    """Everything in the database."""
    with Session(house.engine) as session:
        tables = Base.metadata.sorted_tables
        return {t.name: sorted(map(tuple, session.execute(select(t)).all()), key=str) for t in tables}


def test_a_preview_says_what_comes_and_writes_nothing(house: House) -> None:
    furnish(house, BOTH)
    for user in (ONE, OTHER):
        attend(house, user, BAY, minutes=60 + user)
        finish(house, user, BAY)
        present(house, user, BAY)
    finish(house, ONE, LA)
    house.work()
    before = rows(house)
    ids = person(house, ONE), person(house, OTHER)
    with Session(house.engine) as session, session.begin():
        plan = plan_merge(session, *ids, actor=CLI, now=house.now)
        bay, la = plan.communities
        shown = [a.moodle_user_id for a in (*plan.from_accounts, *plan.into_accounts)]
    assert rows(house) == before
    assert shown == [ONE, OTHER]
    assert (bay.theirs.minutes, bay.own.minutes, bay.after.minutes, bay.less) == (161, 162, 162, 161)  # type: ignore[union-attr]
    assert {(t.what, t.title, t.minutes) for t in bay.twice} == {
        ("session", "Session S1", 71),
        ("activity", "Quiz 31", 60),
        ("milestone", "artifact", 30),
    }
    assert (la.own, la.after.minutes, la.less, la.twice) == (None, 60, 0, ())
    merge(house, ONE, OTHER)
    house.work()
    assert (net(house, OTHER), net(house, OTHER, "LA")) == (162, 60)


def test_candidates_share_an_exact_key(house: House) -> None:
    furnish(house, BOTH)
    same = {"email": "U11@Example.org"}
    house.post([], [account(OTHER, "E0012", at=datetime(2026, 2, 2, tzinfo=UTC)) | same])
    house.work()
    one, other, third = (person(house, user) for user in (ONE, OTHER, THIRD))
    bay = Actor.user(uuid7(), (Grant(Role.PROGRAM_ADMIN, Scope.REGION, "deeds/BAY"),))
    la = Actor.user(uuid7(), (Grant(Role.PROGRAM_ADMIN, Scope.REGION, "deeds/LA"),))
    with Session(house.engine) as session:
        found = candidates(session, CLI)
        assert [({c.one.id, c.other.id}, c.keys) for c in found] == [({one, other}, ("email",))]
        assert (len(candidates(session, bay)), candidates(session, la)) == (1, [])
        assert candidates(session, CLI, person_id=third) == []
        assert [s.id for s in look_for(session, bay, "last 1", but=one)] == [other]
        assert look_for(session, la, "last 12", but=one) == look_for(session, CLI, " ", but=one) == []
    decision = merge(house, ONE, OTHER)
    with Session(house.engine) as session:
        assert candidates(session, CLI) == []
        assert [m.merged.id for m in merges(session, bay, person_id=other)] == [decision]
        nowhere = Actor.user(uuid7(), (Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, "another"),))
        assert merge_of(session, nowhere, decision) is None


def test_at_the_terminal(house: House) -> None:
    furnish(house, BOTH)
    house.now = datetime.now(UTC)
    finish(house, ONE, BAY)
    finish(house, OTHER, BAY)
    house.work()
    cli = Cli(house.settings)
    assert "Nobody was merged." in cli("person", "merges").out
    words = ("person", "merge", "lab:11", "lab:12", "--reason", "One person")
    dry = cli(*words, "--dry-run")
    assert (dry.code, "activity Quiz 31 1:00" in dry.out, "1:00 hours fewer" in dry.out) == (0, True, True), dry
    assert (cli(*words, stdin="n\n").code, "Nobody was merged." in cli("person", "merges").out) == (1, True)
    done = cli(*words, "--yes")
    assert (done.code, "Decided: " in done.out) == (0, True), done.err
    house.work()
    decision = done.out.rpartition("Decided: ")[2].split(".")[0]
    assert decision in cli("person", "merges").out
    assert "1 account of" in cli("decision", "list").out
    assert cli(*words, "--yes").err.startswith("copbridge: These are one person already")
    assert cli("decision", "undo", decision, "--reason", "Two after all", "--yes").code == 0
    house.work()
    assert (net(house, ONE), net(house, OTHER), house.differences()) == (60, 60, [])
    assert "Nobody shares" in cli("person", "merges", "--suggest").out


@pytest.fixture
def app(settings: Settings, redis: Redis) -> Iterator[Flask]:  # noqa: ARG001 - asked for so that nothing is left in it
    with application(settings) as made:
        yield made


ADMIN = [Grant(Role.PROGRAM_ADMIN)]
TWICE = (11, 31)
"""Amara in BAY, and Teo in LA who has finished something there."""


def text_of(client: FlaskClient, path: str, expected: int = 200) -> str:
    with client.get(path) as response:
        assert response.status_code == expected, path
        return response.get_data(as_text=True)


def send(client: FlaskClient, path: str, form: str, **values: str) -> tuple[int, str]:
    """Post the form of a page."""
    token = re.search(r'name="csrf_token" value="([^"]*)"', text_of(client, form))
    assert token is not None
    with client.post(path, data={"csrf_token": token[1], **values}) as response:
        return response.status_code, response.headers.get("Location") or response.get_data(as_text=True)


def test_the_pages(app: Flask, engine: Engine, seeded: Seeded) -> None:
    one, other = (seeded.persons[user] for user in TWICE)
    later = readings.account(31, "E0031", at=readings.READ_AT + timedelta(days=1))
    seed.take_in(engine, seeded.site, [later | {"email": "U11@example.org", "firstname": "Amara", "lastname": "O."}])
    preview = f"/people/{one}/merge/{other}"
    with app.test_client() as client:
        seed.sign_in(client, engine, ADMIN)
        assert f'href="/people/merge?person={one}"' in text_of(client, f"/people/{one}")
        listed = text_of(client, "/people/merge")
        assert ('<span class="tag">the same e-mail' in listed, f"/merge/{one}" in listed) == (True, True)
        assert f'/people/{one}/merge/{seeded.persons[12]}"' in text_of(client, f"/people/merge?person={one}&q=Herrera")
        assert "Nobody else here is called so." in text_of(client, f"/people/merge?person={one}&q=Zzz")
        for nobody in ("x", uuid7()):
            text_of(client, f"/people/merge?person={nobody}", 404)
        shown = text_of(client, preview)
        assert ("They are one person" in shown, "not a member" in shown) == (True, True)
        assert "This is one person already" in text_of(client, f"/people/{one}/merge/{one}", 400)
        status, page = send(client, preview, preview, reason=" ")
        assert (status, "Say why they are one person" in page) == (400, True)
        assert send(client, preview, preview, reason="Two accounts") == (303, f"/people/{other}")
        seed.take_in(engine, seeded.site, [])
        with client.get(f"/people/{one}") as response:
            assert (response.status_code, response.headers["Location"]) == (302, f"/people/{other}")
        both = text_of(client, f"/people/{other}")
        assert ("Bay Area" in both, "Los Angeles" in both) == (True, True)
        decision = re.search(r"/people/merges/([0-9a-f-]{36})", both)
        assert decision is not None
        stands = f"/people/merges/{decision[1]}"
        page = text_of(client, stands)
        assert "Two accounts" in page
        # When, in the community's time zone, and by whom.
        assert re.search(r"(PST|PDT) · Robin Ellery", page), page
        status, page = send(client, f"{stands}/undo", stands, reason="")
        assert (status, "Say why they are two people" in page) == (400, True)
        assert "One of them was merged into another person already" in text_of(client, preview, 400)
        assert send(client, f"{stands}/undo", stands, reason="Two after all") == (303, f"/people/{other}")
        seed.take_in(engine, seeded.site, [])
        assert "Los Angeles" not in text_of(client, f"/people/{one}")
        text_of(client, stands, 404)


def test_out_of_scope_there_is_nobody(app: Flask, engine: Engine, seeded: Seeded) -> None:
    one, other = (seeded.persons[user] for user in TWICE)
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.PROGRAM_ADMIN, Scope.REGION, f"{seed.PROGRAM}/BAY")])
        mine = f"/people/{one}/merge/{seeded.persons[12]}"
        assert "They are one person" in text_of(client, mine)
        assert text_of(client, f"/people/{one}/merge/{other}", 404) == text_of(
            client, f"/people/{one}/merge/{uuid7()}", 404
        )
        assert send(client, f"/people/{one}/merge/{other}", mine, reason="Two accounts")[0] == 404
        # In LA, too, where this administrator isn't.
        seed.take_in(engine, seeded.site, [readings.enrolment(12, seed.LA)])
        assert "that you don't look after" in re.sub("&#39;", "'", text_of(client, mine, 400))
        assert send(client, mine, f"/people/{one}/merge/{seeded.persons[13]}", reason="Two accounts")[0] == 400
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.STAFF)], "staff@example.org")
        assert "/people/merge" not in text_of(client, f"/people/{one}")
