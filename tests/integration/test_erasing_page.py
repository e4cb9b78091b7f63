"""Erasing a person in the console: what goes is told before, a reason and a word are asked, and it is gone."""

import json
import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import long_work, runtime
from records import api_tokens, idempotency
from records.actor import Actor, Grant, Role
from records.idempotency import Answer
from records.models import AuditEntry, IdempotencyKey, LongJob, Nudge, NudgeMessage, OptOut, Person, User, uuid7
from service.pages import erasing
from tests.support import seed
from tests.support.bench import Bench
from tests.support.erasure import USER, WHY, credited, everything, fill, make_lab, person_of, traces
from tests.support.house import NOW, House, people
from tests.support.web import application


@pytest.fixture
def house(bench: Bench) -> House:
    found = bench.emptied()
    fill(found, make_lab())
    return found


@pytest.fixture
def client(house: House) -> Iterator[FlaskClient]:
    with application(house.settings) as app, app.test_client() as made:
        seed.sign_in(made, house.engine, [Grant(Role.PROGRAM_ADMIN)], f"{uuid7()}@example.org")
        yield made


def post(client: FlaskClient, person: UUID, reason: str = WHY, word: str = "erase") -> tuple[int, str]:
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/").text)
    assert token
    form = {"reason": reason, "word": word, "csrf_token": token[1]}
    answer = client.post(f"/people/{person}/erase", data=form)
    return answer.status_code, answer.headers.get("Location", "") or answer.text


def test_what_goes_is_told_and_nothing_goes_without_reason_and_word(client: FlaskClient, house: House) -> None:
    person, before = person_of(house), everything(house)
    page = client.get(f"/people/{person}/erase").text
    assert 'Accounts: names, e-mail addresses, user names, ID numbers, profile <span class="quiet">1</span>' in page
    assert 'Completions, under a number that leads to nobody <span class="quiet">2</span>' in page
    assert (status := post(client, person, reason=" "))[0] == 400
    assert "Say why, without saying who" in status[1]
    refused = post(client, person, reason="Amaranta asked for it")
    assert refused[0] == 400
    assert "The reason says who the person is" in refused[1]
    assert "Amaranta asked for it" in refused[1]
    unsure = post(client, person, word="yes")
    assert unsure[0] == 400
    assert "Type the word “erase”" in unsure[1]
    assert WHY in unsure[1]
    assert everything(house) == before


def test_the_person_is_gone_and_the_amounts_stay(client: FlaskClient, house: House) -> None:
    person, member, before = person_of(house), people(house, [USER])[USER], credited(house)
    with Session(house.engine) as session, session.begin():
        nudge = Nudge(id=uuid7(), channel="mail", template="behind", subject="Hello", body="Hello {name}", asked={})
        nudge.actor, nudge.due_at = "cli", NOW
        session.add(nudge)
        session.flush()
        session.add(NudgeMessage(nudge_id=nudge.id, membership_id=member))
        session.add(OptOut(person_id=person, actor="participant"))
    assert post(client, person, word=" Erase ") == (303, f"/people/{person}")
    assert traces(house) == []
    assert credited(house) == before
    page = client.get(f"/people/{person}").text
    assert "This person was erased on" in page
    assert "Erase this person" not in page
    with Session(house.engine) as session:
        assert session.get_one(Person, person).erased_at
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "person.erased")).one()
        assert entry.actor in set(map(str, session.scalars(select(User.id))))
        message = session.scalars(select(NudgeMessage)).one()
        assert (message.status, message.reason) == ("skipped", "erased")
        assert session.scalars(select(OptOut)).all() == []
    again = post(client, person)
    assert again[0] == 400
    assert "This person was erased on" in again[1]


def test_what_the_api_answered_about_the_person_is_forgotten_and_not_done_again(
    client: FlaskClient, house: House
) -> None:
    person, key = person_of(house), house.settings.encryption_key
    with Session(house.engine) as session, session.begin():
        user = session.scalars(select(User.id)).first()
        assert user
        made, _token = api_tokens.make(session, Actor.user(user, ()), "tests", ["read"], 1, NOW)
        for name, whose in (("one", person), ("other", uuid7())):
            answer = Answer(200, {}, json.dumps({"person": str(whose), "name": "Amaranta"}).encode())
            idempotency.keep(session, made, name, "asked", answer, NOW, key)
    assert post(client, person)[0] == 303
    with Session(house.engine) as session:
        with pytest.raises(idempotency.OtherRequest):
            idempotency.begin(session, made, "one", "asked", NOW, key)
        assert idempotency.begin(session, made, "other", "asked", NOW, key)
        assert session.get_one(IdempotencyKey, (made, "one")).answer is None


def test_a_large_inbox_is_gone_through_by_long_work(
    client: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "AT_ONCE", 0)
    person = person_of(house)
    status, address = post(client, person)
    assert status == 303
    assert "/work/" in address
    # The person is gone at once, all but what the inbox says.
    assert {row.split(":")[0] for row in traces(house)} == {"inbox"}
    runtime.begin(runtime.Runtime(house.settings, house.engine, house.redis, house.clock))
    assert long_work.turn(house.engine, house.clock)
    assert traces(house) == []
    with Session(house.engine) as session:
        job = session.scalars(select(LongJob)).one()
    assert (job.kind, job.status) == ("redact_inbox", "done")
    assert client.get(address).status_code == 200
