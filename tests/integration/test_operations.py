"""The pages of IT: what waits and why, trying again, workers and periodic jobs; and the audit trail."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from jobs import scheduler
from records import audit
from records.actor import Actor, Grant, Role, Scope
from records.models import AuditEntry, InboxItem, PeriodicJob, User, uuid7
from records.settings import Settings
from tests.integration.test_pages import form_token, read
from tests.support import readings, seed
from tests.support.seed import BAY, Seeded
from tests.support.web import application


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.IT)])
        yield made


@pytest.fixture
def stuck(engine: Engine, seeded: Seeded) -> int:
    """The id of an item that waits for an activity nobody knows."""
    seed.take_in(engine, seeded.site, [readings.completion(11, 999, BAY)])
    with Session(engine) as session:
        return session.scalars(select(InboxItem.id).where(InboxItem.status == "waiting")).one()


def raw(client: FlaskClient, path: str) -> str:
    with client.get(path) as answer:
        assert answer.status_code == 200
        return answer.get_data(as_text=True)


def test_what_was_put_aside_is_shown_with_its_reason_and_can_be_tried_again(
    client: FlaskClient, engine: Engine, stuck: int
) -> None:
    page = read(client, "/operations")
    assert "Moodle has yet to describe its activity." in page
    assert "No worker is alive" in page
    listed = raw(client, "/operations/events?status=waiting")
    assert f"/operations/events/{stuck}" in listed
    assert f"/operations/events/{stuck}" not in raw(client, "/operations/events?status=dead")
    one = raw(client, f"/operations/events/{stuck}")
    assert "module:999" in one
    form = {"csrf_token": form_token(one), "item": str(stuck)}
    with client.post("/operations/replay", data=form) as answer:
        assert answer.status_code == 303
        assert "replayed=1" in answer.location
    with Session(engine) as session:
        assert session.get_one(InboxItem, stuck).status == "pending"
        done = session.scalars(select(AuditEntry).where(AuditEntry.action == "inbox.replayed")).one()
    assert done.after == {"statuses": ["dead", "quarantined", "waiting"], "items": 1}


def test_names_that_were_sent_are_not_shown(client: FlaskClient, engine: Engine, stuck: int) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(InboxItem).where(InboxItem.id == stuck).values(payload=b'{"firstname": "Mariana"}'))
    pages = [read(client, path) for path in ("/operations", "/operations/events", f"/operations/events/{stuck}")]
    assert not [page for page in pages if "Mariana" in page]


def test_events_go_on_page_by_page(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    with Session(engine) as session, session.begin():
        for _ in range(60):
            shown = {"payload": b"{}", "correlation_id": uuid7(), "status": "dead", "reason": "malformed"}
            session.add(InboxItem(site_id=seeded.site, sender="wire", kind="event", **shown))
    first = raw(client, "/operations/events?status=dead")
    assert first.count('<tr role="row">') == 51
    following = first.split('rel="next" href="')[1].split('"')[0].replace("&amp;", "&")
    second = raw(client, following)
    assert second.count('<tr role="row">') == 11
    assert 'rel="next"' not in second


def test_a_scheduler_that_is_silent_is_told(client: FlaskClient, engine: Engine) -> None:
    scheduler.reconcile_jobs(engine)
    assert "No scheduler seems to run" not in read(client, "/operations")
    with Session(engine) as session, session.begin():
        session.execute(update(PeriodicJob).values(due_at=PeriodicJob.due_at - timedelta(hours=1)))
    assert "No scheduler seems to run" in read(client, "/operations")


def test_the_audit_trail_says_who_did_what(client: FlaskClient, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        robin_id, name = session.execute(select(User.id, User.name)).one()
        about = Actor.user(robin_id, ())
        audit.record(
            session, about, "grant.made", "some-id", before={"role": "staff", "x": 1}, after={"role": "it", "x": 1}
        )
        audit.record(session, about, "sign_ins.ended", "some-id", after={"at": "2026-03-02T17:00:00+00:00"})
        held = {"grants": [{"role": "it", "scope": "all"}], "open": True}
        audit.record(session, about, "user.created", str(robin_id), after=held)
    whole = raw(client, "/audit")
    assert "role: it; scope: all" in whole
    assert "<code>open</code>: yes" in whole
    assert f'<a href="/users/{robin_id}">Its page</a>' in whole
    assert '<option value="user.created" label="An account made">' in whole
    assert "All other sign-ins ended" in whole
    assert "Mar 2, 2026, 5:00 PM" in whole
    page = raw(client, "/audit?action=grant")
    assert "grant.made" in page
    assert name in page
    assert "staff" in page
    # What stayed the same isn't told.
    assert "<code>x</code>" not in page
    assert "No entry is like that." in read(client, "/audit?action=gran")
    assert "No entry is like that." in read(client, "/audit?subject=another-id")
    with client.get("/audit?since=tomorrow") as answer:
        assert answer.status_code == 400


def test_who_reaches_less_than_everything_finds_nothing(app: Flask, engine: Engine, stuck: int) -> None:
    with app.test_client() as limited:
        seed.sign_in(limited, engine, [Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, seed.PROGRAM)], "less@example.org")
        for path in ("/operations", "/operations/events", f"/operations/events/{stuck}", "/audit"):
            with limited.get(path) as answer:
                assert answer.status_code == 404
