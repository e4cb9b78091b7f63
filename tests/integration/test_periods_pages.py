"""The pages about periods: the checks, closing by a worker, what comes late, and who may do which of it."""

import html
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, func, select, text, update
from sqlalchemy.orm import Session

from jobs import long_work
from records import models
from records.actor import CLI, Actor, Grant, Role, Scope
from records.approving import approve
from records.deciding import By, report, write
from records.models import (
    Account,
    AuditEntry,
    ClosedMember,
    Closing,
    Decision,
    LedgerEntry,
    LongJob,
    Membership,
    SessionRow,
    StandingRow,
    User,
    uuid7,
)
from records.program_loading import load_version
from records.settings import Settings
from tests.support.cli import Cli
from tests.support.community import ACTION_PLAN, AMARA, COURSE, HAO, SESSION_ACTIVITY, Place
from tests.support.community import PROGRAM as PROGRAM_FILE
from tests.support.forms import send, token
from tests.support.readings import NOW, READ_AT, completion, settle, take_in
from tests.support.seed import PROGRAM, sign_in
from tests.support.web import application

DAYS = {"first": "2026-01-01", "last": "2026-02-28", "label": "Winter 2026"}
CHECKS = f"/periods/close/{PROGRAM}"


@pytest.fixture
def place(engine: Engine, placed: Place) -> Place:
    """Two people completed the action plan, for 90 minutes each."""
    take_in(engine, placed.site_id, [completion(user, ACTION_PLAN, COURSE) for user in (AMARA, HAO)])
    return placed


@pytest.fixture
def client(settings: Settings, place: Place) -> Iterator[FlaskClient]:
    with application(settings) as app, app.test_client() as made:
        sign_in(made, place.engine, [Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, PROGRAM)])
        yield made


def page(client: FlaskClient, path: str, **query: str) -> str:
    answer = client.get(path, query_string=query or None)
    assert answer.status_code == 200, (path, answer.status_code)
    return html.unescape(answer.get_data(as_text=True))


def work(engine: Engine) -> None:
    while long_work.turn(engine, lambda: datetime.now(UTC)):
        settle(engine)


def close(client: FlaskClient, engine: Engine) -> UUID:
    """Close the days; the closing's id."""
    answer = send(client, CHECKS, **DAYS, reason="The report of the winter")
    assert answer.status_code == 303
    work(engine)
    with Session(engine) as session:
        return session.scalars(select(Closing.id)).one()


def whole(engine: Engine) -> int:
    with Session(engine) as session:
        return int(session.scalar(select(func.sum(LedgerEntry.minutes))) or 0)


def member(engine: Engine, user: int) -> UUID:
    with Session(engine) as session:
        of = select(Membership.id).join(Account, Account.person_id == Membership.person_id)
        return session.scalars(of.where(Account.moodle_user_id == user)).one()


def values(shown: str) -> list[str]:
    return re.findall(r'name="change" value="([^"]+)"', shown)


def test_closing_a_period(client: FlaskClient, place: Place) -> None:
    assert "No period of this program is closed." in page(client, "/periods")
    shown = page(client, CHECKS, **DAYS)
    assert "Not every course was read within the last day" in shown
    assert "A closed period can't be opened again." in shown
    without = send(client, CHECKS, **DAYS, reason=" ")
    assert without.status_code == 400
    assert "Say why: it is kept with the decision." in without.get_data(as_text=True)
    answer = send(client, CHECKS, **DAYS, reason="The report of the winter")
    twice = send(client, CHECKS, **DAYS, reason="The report of the winter")
    assert answer.headers["Location"] == twice.headers["Location"], "sent twice, closed once"
    assert "is being closed" in page(client, "/periods")
    work(place.engine)
    done = page(client, answer.headers["Location"])
    with Session(place.engine) as session:
        closing = session.scalars(select(Closing)).one()
        assert (closing.label, closing.closed_at > NOW) == ("Winter 2026", True)
        held = session.scalars(select(ClosedMember.minutes).order_by(ClosedMember.minutes)).all()
        assert held == [0, 90, 90]
        decision = session.get_one(Decision, closing.decision_id)
        assert decision.reason == "The report of the winter"
        assert decision.actor == str(session.scalars(select(User.id)).one())
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.action == "period.closed")).one()
        job = session.scalars(select(LongJob)).one()
        assert (job.status, job.done, job.total) == ("done", 3, 3)
        assert "reason" not in job.asked, "what was typed isn't kept twice"
    assert f"/periods/{closing.id}" in done
    shown = page(client, f"/periods/{closing.id}")
    for words in ("Winter 2026", "3 h", "Robin Ellery", "nothing in it was changed", closing.sha256, "Nothing waits."):
        assert words in shown, words
    again = page(client, CHECKS, **DAYS | {"last": "2026-03-31"})
    assert "A closed period has some of these days." in again
    assert "Close it for good" not in again
    refused = send(client, CHECKS, **DAYS, reason="Once more")
    assert refused.status_code == 400


def test_the_checks_say_what_ought_to_be_settled(client: FlaskClient, place: Place) -> None:
    engine = place.engine
    with Session(engine) as session, session.begin():
        session.add(
            SessionRow(
                id=uuid7(),
                community_id=place.community_id,
                code="S1",
                title="The first meeting",
                starts_at=READ_AT,
                timezone="America/Los_Angeles",
                mode="virtual",
            )
        )
        session.execute(text("UPDATE memberships SET dirty_at = now() WHERE id = :id"), {"id": member(engine, HAO)})
        session.execute(text("UPDATE sites SET last_received_at = now()"))
    shown = page(client, CHECKS, **DAYS)
    assert "The hours of one membership are being computed" in shown
    assert "The first meeting" in shown
    assert "Close it for good" not in shown
    assert send(client, CHECKS, **DAYS, reason="Now").status_code == 400
    assert "It isn't over yet" in page(client, CHECKS, **DAYS | {"last": f"{datetime.now(UTC):%Y}-12-31"})
    assert "Nobody has any hours in these days" not in shown
    empty = page(client, CHECKS, **DAYS | {"first": "2024-01-01", "last": "2024-01-31"})
    assert "Nobody has any hours in these days" in empty
    for wrong in ({"first": "2026-02-30"}, {"last": "2025-01-01"}, {"label": ""}):
        assert send(client, CHECKS, **DAYS | wrong, reason="Now").status_code == 400, wrong
        assert 'class="fault"' in page(client, CHECKS, **DAYS | wrong), wrong
    assert client.get(CHECKS, query_string=DAYS | {"last": "9999-12-31"}).status_code in (200, 404)
    with Session(engine) as session:
        assert session.scalars(select(LongJob)).all() == []


def test_a_program_that_began_to_move_fails_in_words(client: FlaskClient, place: Place) -> None:
    answer = send(client, CHECKS, **DAYS, reason="The report of the winter")
    with Session(place.engine) as session, session.begin():
        session.execute(text("UPDATE memberships SET dirty_at = now()"))
    assert long_work.turn(place.engine, lambda: datetime.now(UTC))
    shown = page(client, answer.headers["Location"])
    assert "Hours were still being computed. Nothing was closed." in shown
    with Session(place.engine) as session:
        assert session.scalars(select(Closing)).all() == []


def test_a_changed_snapshot_is_told(client: FlaskClient, place: Place, owner_engine: Engine) -> None:
    closing = close(client, place.engine)
    with owner_engine.begin() as connection:
        connection.execute(text("UPDATE closed_members SET minutes = minutes + 1"))
    assert "It isn't what was closed" in page(client, f"/periods/{closing}")


def test_late_changes_are_let_in_one_by_one(client: FlaskClient, place: Place) -> None:
    engine, closing = place.engine, close(client, place.engine)
    assert "Nothing came late." in page(client, "/late")
    take_in(engine, place.site_id, [completion(user, SESSION_ACTIVITY, COURSE) for user in (AMARA, HAO)])
    assert whole(engine) == 180, "it changes nothing by itself"
    with Session(engine) as session:
        assert session.scalars(select(StandingRow.late).order_by(StandingRow.late)).all() == [0, 1, 1]
    shown = page(client, "/late")
    assert "Session 1" in shown
    assert 'class="places-count">2' in shown, "the bar counts it"
    first, second = values(shown)
    assert send(client, "/late", change=first, reason="").status_code == 400
    assert send(client, "/late", reason="It was lost").status_code == 400
    done = send(client, "/late", change=[first, first.replace(" 240 ", " 241 ")], reason="It was lost on the way")
    settle(engine)
    told = page(client, done.headers["Location"])
    assert "1 change is let in" in told
    assert "1 that you chose was not" in told
    assert values(told) == [second]
    assert whole(engine) == 420
    with Session(engine) as session:
        admission = session.scalars(select(Decision).where(Decision.kind == "admission")).one()
        assert (admission.reason, admission.data["closing"]) == ("It was lost on the way", str(closing))
    assert send(client, "/late", change="nonsense", reason="x").status_code == 404
    shown = page(client, f"/periods/{closing}")
    assert "What came late" in shown
    assert "1 change was let in since: +4 h." in shown, "beside the snapshot's hours"


def test_all_that_came_late_is_let_in_by_a_worker(client: FlaskClient, place: Place) -> None:
    engine, closing = place.engine, close(client, place.engine)
    take_in(engine, place.site_id, [completion(user, SESSION_ACTIVITY, COURSE) for user in (AMARA, HAO)])
    address = f"/late/{closing}/all"
    assert send(client, address, reason="").status_code == 400
    assert send(client, f"/late/{uuid7()}/all", reason="All").status_code == 404
    answer = send(client, address, reason="All of it was lost")
    work(engine)
    assert "2 changes are let in" in page(client, answer.headers["Location"])
    assert whole(engine) == 660
    with Session(engine) as session:
        assert session.scalar(select(func.sum(StandingRow.late))) == 0
        assert session.scalars(select(LongJob.result).where(LongJob.kind == "admit_late")).one()["admitted"] == 2


def test_work_ends_with_the_asker_s_right_to_it(client: FlaskClient, place: Place, settings: Settings) -> None:
    engine, closing = place.engine, close(client, place.engine)
    take_in(engine, place.site_id, [completion(user, SESSION_ACTIVITY, COURSE) for user in (AMARA, HAO)])
    whose = select(User.id).where(User.email != "other@example.org").scalar_subquery()

    def ask_and_turn(grant: Grant, *, active: bool) -> str:
        """All is let in, as far as whoever asked is still this once a worker gets to it: what the job's page says."""
        answer = send(client, f"/late/{closing}/all", reason="All of it was lost")
        held = {"role": str(grant.role), "scope_kind": str(grant.scope_kind), "scope": grant.scope}
        with Session(engine) as session, session.begin():
            session.execute(update(User).where(User.id == whose).values(active=active))
            session.execute(update(models.Grant).where(models.Grant.user_id == whose).values(**held))
        work(engine)
        told = page(other, answer.headers["Location"])
        with Session(engine) as session, session.begin():
            first = {"active": True}, {"role": "program_admin", "scope_kind": "program", "scope": PROGRAM}
            session.execute(update(User).where(User.id == whose).values(first[0]))
            session.execute(update(models.Grant).where(models.Grant.user_id == whose).values(first[1]))
        return told

    with application(settings) as app:
        other = app.test_client()
        sign_in(other, engine, [Grant(Role.PROGRAM_ADMIN)], "other@example.org")
        told = ask_and_turn(Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, PROGRAM), active=False)
        assert "was switched off, so it was ended. Nothing was let in. Somebody who may" in told
        for grant in (
            Grant(Role.PROGRAM_ADMIN, Scope.REGION, f"{PROGRAM}/BAY"),
            Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, "another"),
            Grant(Role.FACILITATOR),
        ):
            assert "doesn't have the role for it any more where it was asked" in ask_and_turn(grant, active=True), grant
        assert whole(engine) == 180
        # What was asked lies in one program: another role there, or a wider one, lets somebody as well.
        assert "2 changes are let in" in ask_and_turn(Grant(Role.STAFF), active=True)
    assert whole(engine) == 660


def test_nobody_lets_in_what_comes_of_the_own_decision(client: FlaskClient, place: Place) -> None:
    engine = place.engine
    with Session(engine) as session:
        me = session.scalars(select(User.id)).one()
    with Session(engine) as session, session.begin():
        takes_reports = PROGRAM_FILE.read_text() + "\nself_reported: [online]\n"
        load_version(session, takes_reports, PROGRAM_FILE.name, actor=CLI, reason="A test")
    settle(engine)
    close(client, engine)
    with Session(engine) as session, session.begin():
        by = By(Actor.user(me, ()), "program_admin", "On paper", NOW)
        told = report(
            session,
            member(engine, HAO),
            minutes=30,
            component="online",
            day=(READ_AT + timedelta(days=2)).date(),
            evidence=[],
            now=NOW,
        )
        entered = write(session, told, by)
        write(session, approve(session, entered, actor=CLI), By(CLI, "cli", "Seen", NOW))
    settle(engine)
    shown = page(client, "/late")
    assert "It comes of your own decision" in shown
    assert values(shown) == []
    with Session(engine) as session:
        (decision,) = session.scalars(select(Decision.id).where(Decision.kind == "self_report")).all()
        closing = session.scalars(select(Closing.id)).one()
    forged = f"{closing} {member(engine, HAO)} 0 30 decision:{decision}"
    send(client, "/late", change=forged, reason="I say so")
    send(client, f"/late/{closing}/all", reason="I say so")
    work(engine)
    settle(engine)
    with Session(engine) as session:
        assert session.scalars(select(Decision).where(Decision.kind == "admission")).all() == []


@pytest.mark.parametrize(
    ("grant", "periods", "late"),
    [
        (Grant(Role.PROGRAM_ADMIN, Scope.REGION, f"{PROGRAM}/BAY"), 404, 1),
        (Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, "another"), 404, 0),
        (Grant(Role.STAFF, Scope.REGION, f"{PROGRAM}/LA"), 403, 0),
        (Grant(Role.STAFF), 403, 1),
        (Grant(Role.FACILITATOR), 403, None),
    ],
)
def test_scopes(
    settings: Settings, client: FlaskClient, place: Place, grant: Grant, periods: int, late: int | None
) -> None:
    closing = close(client, place.engine)
    take_in(place.engine, place.site_id, [completion(HAO, SESSION_ACTIVITY, COURSE)])
    (change,) = values(page(client, "/late"))
    with application(settings) as app, app.test_client() as other:
        sign_in(other, place.engine, [grant], "other@example.org")
        assert other.get(f"/periods/{closing}").status_code == periods
        assert other.get(CHECKS).status_code == periods
        answer = other.get("/late")
        assert answer.status_code == (403 if late is None else 200)
        if late is None:
            return
        assert len(values(answer.get_data(as_text=True))) == late
        data: dict[str, Any] = {"csrf_token": token(other), "change": change, "reason": "Mine"}
        assert other.post("/late", data=data).status_code == 303
    with Session(place.engine) as session:
        assert len(session.scalars(select(Decision).where(Decision.kind == "admission")).all()) == late


def test_the_command_line_lists_the_same(place: Place, client: FlaskClient, settings: Settings) -> None:
    close(client, place.engine)
    take_in(place.engine, place.site_id, [completion(HAO, SESSION_ACTIVITY, COURSE)])
    (change,) = Cli(settings)("period", "late", "--json").data
    assert (change["held"], change["would_be"]) == (0, 240)
