"""The person's page: totals by period, and what was decided as a history in words."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs import reconcile
from records import closings, deciding, users
from records.actor import CLI, SYSTEM, Actor, Grant, Role
from records.deciding import By
from records.models import Decision, LedgerEntry, StandingRow
from records.settings import Settings
from tests.support import readings, seed
from tests.support.seed import BAY, START, Seeded
from tests.support.web import application

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


def read(app: Flask, engine: Engine, path: str, role: Role) -> str:
    """What somebody reads there."""
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(role)], f"{role}@example.org")
        with client.get(path) as response:
            assert response.status_code == 200
            html = response.get_data(as_text=True)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#39;", "'")


def part(page: str, begin: str, end: str) -> str:
    found = page[page.index(begin) :]
    return found[: found.index(end)]


def decide(engine: Engine, membership: UUID, user: Actor, minutes: int, reason: str) -> UUID:
    """An adjustment, and the ledger after it."""
    with Session(engine) as session, session.begin():
        draft = deciding.adjust(session, membership, minutes=minutes, component="online", now=NOW)
        decision = deciding.write(session, draft, By(user, "staff", reason, NOW))
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)
    return decision


def test_what_was_decided_reads_as_a_history(app: Flask, engine: Engine, seeded: Seeded) -> None:
    member = seed.membership(engine, seeded, 14)
    with Session(engine) as session, session.begin():
        user = Actor.user(users.create_user(session, SYSTEM, "pat@example.org", "Pat Ibarra", [Grant(Role.STAFF)]), ())
    given = decide(engine, member, user, 90, "Make-up at another agency")
    taken = decide(engine, member, user, -30, "Counted twice")
    with Session(engine) as session, session.begin():
        by = By(CLI, "program_admin", "It was once after all", NOW + timedelta(hours=1))
        deciding.write(session, deciding.undo(session, taken), by)
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)
    path = f"/people/{seeded.persons[14]}"
    story = part(read(app, engine, path, Role.STAFF), "What was decided, the latest first", "The ledger")
    rows = ["Took back: an adjustment", "Adjusted: 30 min online taken away taken back", "Adjusted: 1 h 30 min online"]
    places = [story.index(row) for row in rows]
    assert places == sorted(places)
    assert "It was once after all" in story
    assert "Program administrator, at the command line" in story
    assert "Make-up at another agency" in story
    assert "Pat Ibarra, Program staff" in story
    # By the ledger: 30 minutes of an activity, 90 given, 30 taken.
    assert "from 30 min to 2 h" in story
    assert "from 2 h to 1 h 30 min" in story
    with Session(engine) as session:
        kinds = session.scalars(select(Decision.kind).where(Decision.membership_id == member)).all()
        held = sum(session.scalars(select(LedgerEntry.minutes).where(LedgerEntry.membership_id == member)))
    assert sorted(kinds) == ["adjustment", "adjustment", "undo"]
    assert held == 120
    assert given != taken
    told = part(read(app, engine, path, Role.FACILITATOR), "What was decided, the latest first", "The ledger")
    assert "Pat Ibarra" not in told
    assert "Program staff" in told


def test_looking_back_leaves_out_what_was_decided_later(app: Flask, engine: Engine, seeded: Seeded) -> None:
    decide(engine, seed.membership(engine, seeded, 14), CLI, 90, "Make-up at another agency")
    path = f"/people/{seeded.persons[14]}"
    assert "Make-up at another agency" in read(app, engine, path, Role.STAFF)
    assert "Make-up at another agency" not in read(app, engine, f"{path}?known_on=2026-05-30", Role.AUDITOR)


def test_totals_by_period(app: Flask, engine: Engine, seeded: Seeded) -> None:
    path, member = f"/people/{seeded.persons[11]}", seed.membership(engine, seeded, 11)
    assert "Hours by program and period" not in read(app, engine, path, Role.STAFF)
    with Session(engine) as session, session.begin():
        first, last = date(2026, 1, 1), date(2026, 1, 31)
        snapshot = closings.begin(session, seed.PROGRAM, first, last, "January", NOW)
        for _ in closings.fill(session, snapshot, NOW):
            pass
        closings.close(session, snapshot, actor=CLI, role="program_admin", reason="The year is over", now=NOW)
        held = next(row["minutes"] for row in snapshot.members if row["membership_id"] == member)
        ever = session.get_one(StandingRow, member).all_minutes
    reconcile.reconcile_dirty(engine, lambda: readings.NOW)
    assert 0 < held < ever
    totals = part(read(app, engine, path, Role.AUDITOR), "Hours by program and period", "A closed period shows")
    amount = f"{held // 60} h" + (f" {held % 60} min" if held % 60 else "")
    assert f"January closed Jan 1, 2026 to Jan 31, 2026 {amount}" in totals
    assert f"All time {ever // 60} h" in totals


def test_a_second_community_is_added_up(app: Flask, engine: Engine, seeded: Seeded) -> None:
    seed.take_in(engine, seeded.site, [readings.enrolment(11, seed.LA)])
    seed.take_in(engine, seeded.site, [readings.completion(11, seed.modules_of(seed.LA)[0], seed.LA, at=START)])
    with Session(engine) as session:
        members = [seed.membership(engine, seeded, 11, course) for course in (BAY, seed.LA)]
        ever = sum(session.get_one(StandingRow, member).all_minutes for member in members)
    page = read(app, engine, f"/people/{seeded.persons[11]}", Role.STAFF)
    assert f"All time {ever // 60} h" in page[page.index("Hours by program and period") :]
