"""The pages about changed activities: who gains and loses, accept and reject, and whose they are to decide."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from records.actor import Grant, Role, Scope
from records.models import Account, AuditEntry, Binding, Community, CommunityCourse, Decision, uuid7
from records.settings import Settings
from tests.support.community import ACTION_PLAN, AMARA, COURSE, HAO, Place
from tests.support.forms import send, token
from tests.support.readings import READ_AT, completion, module, settle, take_in
from tests.support.seed import PROGRAM, sign_in
from tests.support.web import application

LATER = READ_AT + timedelta(days=7)
NAME = "Peer reflection on the plan"


@pytest.fixture
def place(engine: Engine, placed: Place) -> Place:
    """The action plan, which two people completed for 90 minutes, became a forum's reflection, worth 60."""
    take_in(engine, placed.site_id, [completion(user, ACTION_PLAN, COURSE) for user in (AMARA, HAO)])
    take_in(engine, placed.site_id, [module(ACTION_PLAN, COURSE, "", kind="forum", name=NAME, at=LATER)])
    with Session(engine) as session, session.begin():
        named = update(Account).where(Account.moodle_user_id == AMARA)
        session.execute(named.values(firstname="Amara", lastname="<b>Okafor"))
    return placed


@pytest.fixture
def client(settings: Settings, place: Place) -> Iterator[FlaskClient]:
    with application(settings) as app, app.test_client() as made:
        sign_in(made, place.engine, [Grant(Role.STAFF, Scope.REGION, f"{PROGRAM}/BAY")])
        yield made


def page(client: FlaskClient, path: str) -> str:
    answer = client.get(path)
    assert answer.status_code == 200, (path, answer.status_code)
    return answer.get_data(as_text=True)


def address(engine: Engine) -> str:
    with Session(engine) as session:
        return f"/mapping/{session.scalars(select(Binding.id).where(Binding.status == 'proposed')).one()}"


def test_accepting_a_change(client: FlaskClient, place: Place) -> None:
    listed = page(client, "/mapping")
    for words in (NAME, "1 h 30 min", "(rule reflection)", 'class="places-count">1'):
        assert words in listed, words
    path = address(place.engine)
    shown = page(client, path)
    assert "Amara &lt;b&gt;Okafor" in shown
    for words in ("2 people completed it.", "2 would have fewer hours.", "3 h now, 2 h then", "can't be taken back"):
        assert words in shown, words
    assert send(client, path, choice="accept", reason=" ").status_code == 400
    assert send(client, path, choice="perhaps", reason="Why").status_code == 400
    assert place.standing(AMARA)[0] == 90
    done = send(client, path, choice="accept", reason="The forum replaces the plan")
    assert "Accepted" in page(client, done.headers["Location"])
    settle(place.engine)
    assert (place.standing(AMARA)[0], place.standing(HAO)[0]) == (60, 60)
    with Session(place.engine) as session:
        decision = session.scalars(select(Decision)).one()
        assert (decision.kind, decision.actor_role, decision.reason) == (
            "binding",
            "staff",
            "The forum replaces the plan",
        )
        assert session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "binding.accepted")).one() == (
            decision.actor
        )
    assert client.get(path).status_code == 404
    late = send(client, path, choice="reject", reason="Too late")
    assert "Somebody has decided about it in the meantime" in page(client, late.headers["Location"])
    assert "No changed activity waits." in page(client, "/mapping")


def test_rejecting_a_change(client: FlaskClient, place: Place) -> None:
    send(client, address(place.engine), choice="reject", reason="A mistake in Moodle")
    settle(place.engine)
    assert place.standing(AMARA)[0] == 90
    with Session(place.engine) as session:
        assert session.scalars(select(Binding.status).where(Binding.decision_id.is_not(None))).all() != []
        assert session.scalars(select(Binding).where(Binding.status == "proposed")).all() == []


def test_hours_that_are_never_taken_are_told(client: FlaskClient, place: Place) -> None:
    at = LATER + timedelta(days=1)
    changed = module(ACTION_PLAN, COURSE, "", kind="forum", name=NAME, at=at, stated=(60 * 90, ""))
    take_in(place.engine, place.site_id, [changed])
    shown = page(client, "/mapping")
    assert "90 h" in shown
    assert "more hours than the program takes" in shown


def test_out_of_scope_and_half_in_scope(settings: Settings, client: FlaskClient, place: Place) -> None:
    engine, path = place.engine, address(place.engine)
    with application(settings) as app, app.test_client() as other:
        sign_in(other, engine, [Grant(Role.STAFF, Scope.REGION, f"{PROGRAM}/LA")], "la@example.org")
        assert NAME not in other.get("/mapping").get_data(as_text=True)
        assert other.get(path).status_code == 404
        data = {"csrf_token": token(other), "choice": "accept", "reason": "Mine"}
        other.post(path, data=data)
    with Session(engine) as session, session.begin():
        mine = session.scalars(select(Community)).one()
        beside = Community(id=uuid7(), program_id=mine.program_id, topic="EBRI", region="LA", timezone="UTC")
        session.add(beside)
        session.flush()
        session.add(
            CommunityCourse(
                site_id=place.site_id, course_id=COURSE, group_id=7, community_id=beside.id, basis_as_of=READ_AT
            )
        )
    assert "communities outside of your scope, too" in page(client, path)
    send(client, path, choice="accept", reason="Mine alone")
    with Session(engine) as session:
        assert session.scalars(select(Decision)).all() == []
