"""Checking in by the code on the screen: who, once, in time, and what becomes of it."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs import attendance
from records import check_in, erasure
from records.actor import CLI
from records.check_in import Visitor
from records.models import Account, FactRow, Membership, Presence, SessionRow, uuid7
from records.settings import Settings
from service import check_in_codes, personal_links
from tests.support import checking_in
from tests.support.checking_in import (
    HERE,
    Clock,
    account_of,
    check_in_as,
    checked_out_at,
    key_of,
    meeting,
    post,
    rows_of,
    said,
    scan,
    sign_in_by_moodle,
    with_clock,
)
from tests.support.seed import BAY, Seeded
from tests.support.web import application

AMARA, LUIS, MEI, NEW = 11, 12, 13, 4711


@pytest.fixture
def app(settings: Settings, engine: Engine, seeded: Seeded) -> Iterator[Flask]:
    checking_in.with_plugin(engine, settings, seeded.site)
    with application(settings) as made:
        yield made


@pytest.fixture
def clock(app: Flask) -> Clock:
    return with_clock(app)


@pytest.fixture
def at(engine: Engine, seeded: Seeded, clock: Clock) -> UUID:
    """A session whose check-in is open."""
    return meeting(engine, seeded, clock.now)


def test_from_the_code_over_moodle_to_minutes(app: Flask, engine: Engine, clock: Clock, at: UUID) -> None:
    client = app.test_client()
    status, page = scan(client, app, at)
    assert (status, "Sign in with Moodle" in page) == (200, True)
    # Signing in may take longer than the code lives.
    clock.pass_by(minutes=5)
    page = sign_in_by_moodle(client, AMARA, clock.now).text
    assert "You are Amara Okafor." in page
    assert "Saturday meeting" in page
    page = post(client, HERE, page).text
    assert "You are checked in" in page
    assert said(engine, at, AMARA) is None, "nobody knows yet how long"
    assert "You are checked out" in checked_out_at(clock, client, 50)
    attendance.fold_due(engine)
    assert said(engine, at, AMARA) == (50, None)
    with Session(engine) as session:
        fact = session.scalars(select(FactRow).where(FactRow.session_id == at)).one()
        assert (fact.minutes, fact.superseded_at) == (50, None)


def test_a_person_is_checked_in_once_however_often_it_is_tried(
    app: Flask, engine: Engine, clock: Clock, at: UUID
) -> None:
    client, other = app.test_client(), app.test_client()
    check_in_as(client, app, at, AMARA)
    clock.pass_by(minutes=3)
    assert "You are checked in already" in scan(client, app, at)[1]
    # On another phone, too.
    scan(other, app, at)
    assert "You are checked in already" in sign_in_by_moodle(other, AMARA, clock.now).text
    assert len(rows_of(engine, at)) == 1


def test_two_at_once_make_one_row(engine: Engine, clock: Clock, at: UUID) -> None:
    account, barrier = account_of(engine, AMARA), threading.Barrier(2)
    known: list[bool] = []

    def arrive() -> None:
        with Session(engine) as session, session.begin():
            barrier.wait(10)
            known.append(check_in.arrive(session, at, Visitor(account), clock.now, grant=uuid7()).again)

    threads = [threading.Thread(target=arrive) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(known) == [False, True]
    assert len(rows_of(engine, at)) == 1


def test_a_photo_and_a_code_of_another_session(
    app: Flask, engine: Engine, seeded: Seeded, clock: Clock, at: UUID
) -> None:
    client, elsewhere = app.test_client(), meeting(engine, seeded, clock.now, is_open=False)
    code = check_in_codes.long_code(key_of(app), at, clock.now)
    clock.pass_by(seconds=20)
    assert client.get(f"/c/{code}").status_code == 410
    assert client.get(HERE).status_code == 410, "an old code gives nothing"
    status, page = scan(client, app, elsewhere)
    assert (status, "The check-in isn't open" in page) == (410, True)
    # A code names its session: what it gives is good for that one alone.
    check_in_as(client, app, at, AMARA)
    assert (len(rows_of(engine, at)), rows_of(engine, elsewhere)) == (1, [])


def test_a_grant_is_good_once_for_ten_minutes_and_in_one_browser(
    app: Flask, engine: Engine, clock: Clock, at: UUID
) -> None:
    client, other = app.test_client(), app.test_client()
    scan(client, app, at)
    page = sign_in_by_moodle(client, AMARA, clock.now).text
    kept = client.get_cookie("copbridge-form")
    assert kept
    post(client, HERE, page)
    answer = post(client, HERE, page)
    assert (answer.status_code, "This code was used already" in answer.text) == (409, True)
    # Even a copy of the cookie, from before it was used, is worth nothing: not for somebody else.
    other.set_cookie("copbridge-form", kept.value)
    page = sign_in_by_moodle(other, LUIS, clock.now).text
    answer = post(other, HERE, page)
    assert (answer.status_code, "This code was used already" in answer.text) == (409, True)
    late = app.test_client()
    scan(late, app, at)
    page = sign_in_by_moodle(late, MEI, clock.now).text
    clock.pass_by(minutes=10)
    assert post(late, HERE, page).status_code == 409
    assert len(rows_of(engine, at)) == 1


def test_forms_want_their_token(app: Flask, engine: Engine, clock: Clock, at: UUID) -> None:
    client = app.test_client()
    scan(client, app, at)
    sign_in_by_moodle(client, AMARA, clock.now)
    for path in (HERE, "/check-in", "/check-in/leave", "/check-in/forget"):
        assert client.post(path).status_code == 400, path
    assert rows_of(engine, at) == []


def test_the_short_code(app: Flask, engine: Engine, seeded: Seeded, clock: Clock, at: UUID) -> None:
    client, shut = app.test_client(), meeting(engine, seeded, clock.now, is_open=False)
    form = client.get("/check-in").text
    code = check_in_codes.short_code(key_of(app), at, clock.now)
    closed = check_in_codes.short_code(key_of(app), shut, clock.now)
    for wrong in ("", closed, code[:-1], "x" * 5_000):
        assert post(client, "/check-in", form, code=wrong).status_code == 400
    page = post(client, "/check-in", form, code=f"{code[:3]} {code[3:]}".lower()).text
    assert "Who are you?" in page
    clock.pass_by(seconds=60)
    assert post(client, "/check-in", form, code=code).status_code == 400


def test_one_phone_and_two_people(app: Flask, engine: Engine, clock: Clock, at: UUID) -> None:
    client = app.test_client()
    check_in_as(client, app, at, AMARA)
    page = scan(client, app, at)[1]
    assert "You are checked in already" in page
    page = post(client, "/check-in/forget", page).text
    assert "Who are you?" in page
    page = post(client, HERE, sign_in_by_moodle(client, LUIS, clock.now).text).text
    assert "Recorded; program staff confirm it" in page
    first, second = rows_of(engine, at)
    assert (first.held, second.held, first.device == second.device) == (None, "device", True)
    # Whoever waits and leaves stays one row in the queue, with both moments.
    checked_out_at(clock, client, 30)
    waiting = [row for row in rows_of(engine, at) if row.held]
    assert [[until is not None for _, until in row.intervals] for row in waiting] == [[True]]
    assert said(engine, at, LUIS) is None


def test_who_has_no_account_here_yet_waits_and_who_was_erased_leaves_no_trace(
    app: Flask, engine: Engine, settings: Settings, seeded: Seeded, clock: Clock, at: UUID
) -> None:
    client = app.test_client()
    assert "Recorded; program staff confirm it" in check_in_as(client, app, at, NEW)
    (row,) = rows_of(engine, at)
    assert (row.account_id, row.who, row.held) == (None, {"user": str(NEW)}, None)
    account = account_of(engine, MEI)
    link = f"/me/{personal_links.make(settings.secret_key, account)}"
    assert "You are Mei Tanaka" in app.test_client().get(link).text
    with Session(engine) as session, session.begin():
        erasure.erase(
            session,
            seeded.persons[MEI],
            actor=CLI,
            reason="asked for it",
            encryption_key=settings.encryption_key,
            now=clock.now,
        )
    gone = app.test_client()
    assert gone.get(link).status_code == 404
    scan(gone, app, at)
    answer = sign_in_by_moodle(gone, MEI, clock.now)
    assert (answer.status_code, "Nothing is kept about you here" in answer.text) == (403, True)
    form = gone.get("/check-in").text
    assert post(gone, HERE, form).status_code == 403
    assert len(rows_of(engine, at)) == 1


def test_at_a_hybrid_session_everybody_says_where(app: Flask, engine: Engine, seeded: Seeded, clock: Clock) -> None:
    at, client = meeting(engine, seeded, clock.now, mode="hybrid"), app.test_client()
    scan(client, app, at)
    page = sign_in_by_moodle(client, AMARA, clock.now).text
    post(client, HERE, page, mode="virtual")
    assert [row.mode for row in rows_of(engine, at)] == ["virtual"]


def test_two_accounts_of_one_person_are_one_check_in(engine: Engine, clock: Clock, at: UUID) -> None:
    first = account_of(engine, AMARA)
    with Session(engine) as session, session.begin():
        known = session.get_one(Account, first)
        second = Account(id=uuid7(), site_id=known.site_id, moodle_user_id=9_999, person_id=known.person_id)
        session.add(second)
        session.flush()
        assert not check_in.arrive(session, at, Visitor(first), clock.now, grant=uuid7()).again
        assert check_in.arrive(session, at, Visitor(second.id), clock.now, grant=uuid7()).again


def test_somebody_who_came_along_becomes_a_member_when_it_is_folded(
    app: Flask, engine: Engine, seeded: Seeded, clock: Clock, at: UUID
) -> None:
    check_in_as(app.test_client(), app, at, 31)
    with Session(engine) as session, session.begin():
        check_in.end(session, at, clock.now + timedelta(minutes=60), clock.now, CLI)
    attendance.fold_due(engine)
    with Session(engine) as session:
        m = Membership
        place = (m.person_id == seeded.persons[31], m.community_id == seeded.communities[BAY])
        assert session.scalars(select(m.role).where(*place)).one() == "unknown"
        assert session.scalar(select(Presence.folded_at.is_(None)).where(Presence.session_id == at).limit(1)) is False
        assert session.get_one(SessionRow, at).check_in_ended_at == clock.now
