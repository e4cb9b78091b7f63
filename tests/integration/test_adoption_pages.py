"""The pages about copied courses: what a decision would change, deciding, deciding again, and whose it is."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from records.actor import Grant, Role, Scope
from records.models import Account, ContinuedModule, CourseCopy, Decision
from records.settings import Settings
from tests.support.copies import AMARA, HAO, LOG, NEW, PAGE, QUIZ, copied, minutes, original, restored
from tests.support.forms import send, token
from tests.support.house import House
from tests.support.places import snapshot, take_in
from tests.support.seed import sign_in
from tests.support.web import application

EARNED = {AMARA: 105, HAO: 50}


@pytest.fixture
def house(settings: Settings, engine: Engine, redis: Redis) -> House:
    """The original in the Bay Area, and a copy of it that waits and is called Los Angeles."""
    made = House(settings, engine, redis)
    take_in(made, *original(), *copied(), restored())
    with Session(engine) as session, session.begin():
        session.execute(update(Account).where(Account.moodle_user_id == HAO).values(firstname="Hao", lastname="Lin"))
    return made


@pytest.fixture
def client(house: House) -> Iterator[FlaskClient]:
    with application(house.settings) as app, app.test_client() as made:
        sign_in(made, house.engine, [Grant(Role.PROGRAM_ADMIN)])
        yield made


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def address(house: House) -> str:
    return f"/adoptions/{house.site_id}/{NEW}"


def status(house: House) -> str:
    with Session(house.engine) as session:
        return session.scalars(select(CourseCopy.status)).one()


def test_a_copy_goes_on_and_is_decided_about_again(house: House, client: FlaskClient) -> None:
    assert f"{NEW}" in page(client, "/adoptions")
    path = address(house)
    shown = page(client, path)
    assert "earns nothing" in shown
    assert 'class="places-count">1' in shown
    pairs = {f"pair-{new * 10}": str(new) for new in (LOG, PAGE, QUIZ)}
    for new, old in pairs.items():
        select_of = shown.split(f'name="{new}"')[1].split("</select>")[0]
        assert f'<option value="{old}" selected>' in select_of, "as proposed"
    looked = send(client, f"{path}/preview", choice="continuation", **pairs | {f"pair-{QUIZ * 10}": ""})
    assert looked.status_code == 200
    assert "Decide so" in looked.get_data(as_text=True)
    assert status(house) == "proposed", "a look changes nothing"
    assert send(client, path, choice="continuation", reason="", **pairs).status_code == 400
    done = send(client, path, choice="continuation", reason="The autumn term", **pairs | {f"pair-{QUIZ * 10}": ""})
    house.work()
    assert "Goes on with the original" in page(client, done.headers["Location"])
    assert minutes(house) == EARNED
    with Session(house.engine) as session:
        assert dict(session.execute(select(ContinuedModule.module_id, ContinuedModule.original_id)).all()) == {
            LOG * 10: LOG,
            PAGE * 10: PAGE,
        }
        decision = session.scalars(select(Decision)).one()
        assert (decision.kind, decision.actor_role, decision.reason) == (
            "adoption",
            "program_admin",
            "The autumn term",
        )
    assert "No copied course waits." in page(client, "/adoptions")
    send(client, path, choice="new_community", reason="Other people after all")
    house.work()
    assert status(house) == "new_community"
    assert sorted(snapshot(house)["communities"]) == ["lab/2", "lab/20"]
    send(client, path, choice="proposed", reason="Not sure")
    house.work()
    assert (status(house), minutes(house)) == ("proposed", EARNED)
    assert house.differences() == []


def test_what_it_would_change_names_people(house: House, client: FlaskClient) -> None:
    send(client, address(house), choice="continuation", reason="At first", **{f"pair-{QUIZ * 10}": str(QUIZ)})
    house.work()
    wrong = send(client, f"{address(house)}/preview", choice="continuation", **{f"pair-{QUIZ * 10}": "999"})
    assert wrong.status_code == 400
    assert "One of the activities isn&#39;t there any more" in wrong.get_data(as_text=True)
    assert send(client, f"{address(house)}/preview", choice="whatever").status_code == 400
    nothing = send(client, f"{address(house)}/preview", choice="ignored").get_data(as_text=True)
    assert "0 would have fewer hours." in nothing
    assert client.get(f"/adoptions/{house.site_id}/4711").status_code == 404
    assert client.get(f"/adoptions/{house.site_id}/{10**25}").status_code == 404


def test_scopes(house: House) -> None:
    path = address(house)
    with application(house.settings) as app, app.test_client() as other:
        sign_in(other, house.engine, [Grant(Role.STAFF, Scope.REGION, "lab/LA")], "la@example.org")
        assert other.get(path).status_code == 404
        assert path not in page(other, "/adoptions")
        other.post(path, data={"csrf_token": token(other), "choice": "ignored", "reason": "Mine"})
    with application(house.settings) as app, app.test_client() as other:
        sign_in(other, house.engine, [Grant(Role.STAFF, Scope.REGION, "lab/BAY")], "bay@example.org")
        assert path in page(other, "/adoptions")
        # A community of its own would be one of Los Angeles.
        refused = send(other, path, choice="new_community", reason="Begin anew")
        assert refused.status_code == 400
        assert status(house) == "proposed"
        assert send(other, path, choice="ignored", reason="A backup").status_code == 303
    assert status(house) == "ignored"
