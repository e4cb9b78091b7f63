"""From a page on to what can be done about what it shows: links for those who may, and for nobody else."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from jobs import scheduler
from records import api_tokens
from records.actor import Actor, Grant, Role
from records.api_tokens import ApiScope
from records.models import LongJob, Mail, Membership, StandingRow, User, uuid7
from tests.support.deciding_pages import page
from tests.support.deeds import AMARA, community_id, membership_id
from tests.support.house import House
from tests.support.seed import sign_in
from tests.support.web import application


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


@pytest.fixture
def app(house: House) -> Iterator[Flask]:
    with application(house.settings) as made:
        yield made


def signed_in(app: Flask, house: House, role: Role) -> FlaskClient:
    client = app.test_client()
    sign_in(client, house.engine, [Grant(role)], f"{role}@example.org")
    return client


def test_people_lead_to_messages_and_to_acts_on_many(app: Flask, house: House) -> None:
    community = community_id(house, "BAY")
    with Session(house.engine) as session:
        person = session.get_one(Membership, membership_id(house, AMARA)).person_id
    with Session(house.engine) as session, session.begin():
        session.execute(
            update(StandingRow).where(StandingRow.membership_id == membership_id(house, AMARA)).values(late=2)
        )
    staff, auditor = (signed_in(app, house, role) for role in (Role.STAFF, Role.AUDITOR))
    about = f"community={community}"
    for address, links in (
        (f"/people/{person}", [f'href="/people/{person}/messages"']),
        (f"/communities/{community}", [f'href="/messages/new?{about}"', f'href="/several?{about}"', 'href="/late"']),
        (
            "/people?region=BAY",
            ['formaction="/messages/new"', 'formaction="/several"', 'href="/several?region=BAY"'],
        ),
    ):
        shown, read_only = page(staff, address), page(auditor, address)
        for link in links:
            assert link in shown, (address, link)
            assert link not in read_only, (address, link)
    assert "2 changes came late for closed periods" in page(auditor, f"/communities/{community}")
    # Everybody there is isn't chosen by a click.
    assert 'href="/several?' not in page(staff, "/people")
    assert page(staff, "/several?region=BAY&membership=").count('name="membership"') == 0
    ticked = membership_id(house, AMARA)
    assert page(staff, f"/several?region=BAY&membership=&membership={ticked}").count('name="membership"') == 1


def test_it_sees_what_failed_and_a_program_admin_where_to_ask_again(app: Flask, house: House) -> None:
    scheduler.reconcile_jobs(house.engine)
    admin, it = (signed_in(app, house, role) for role in (Role.PROGRAM_ADMIN, Role.IT))
    job = uuid7()
    with Session(house.engine) as session, session.begin():
        user = session.scalars(select(User.id).limit(1)).one()
        for error, attempts in (("unreachable", 6), ("superseded", 0)):
            session.add(Mail(id=uuid7(), user_id=user, kind="reset", status="failed", error=error, attempts=attempts))
        about = {"asked": {"closing": "x"}, "scope": {}, "result": {}, "actor": "cli", "actor_role": "it"}
        session.add(LongJob(id=job, kind="admit_late", status="failed", error="gave_up", **about))
    seen, more = page(it, "/operations"), page(admin, "/operations")
    for shown in (seen, more):
        assert "The mail server couldn&#39;t be reached." in shown
        assert "superseded" not in shown
        assert "Letting in what came late" in shown
        assert "Sends mail and messages whose turn has come" in shown
        assert 'href="/moodle-plugin"' in shown
    assert f'href="/work/{job}"' in more
    assert f'href="/work/{job}"' not in seen
    # It is no place in the bar, and lies within Operations.
    assert "/moodle-plugin" not in page(it, "/account")
    assert 'aria-current="page"' in page(it, "/moodle-plugin")


def test_a_token_speaks_its_users_language(app: Flask, house: House) -> None:
    signed_in(app, house, Role.STAFF)
    with Session(house.engine) as session, session.begin():
        user = session.scalars(select(User).where(User.email == "staff@example.org")).one()
        user.language = "es"
        session.flush()
        actor = Actor.user(user.id, (Grant(Role.STAFF),))
        _id, token = api_tokens.make(session, actor, "A dashboard", [ApiScope.PEOPLE_READ], 30, datetime.now(UTC))
        found = api_tokens.bearer(session, token, datetime.now(UTC))
        assert found is not None
        assert found.who.language == "es"
