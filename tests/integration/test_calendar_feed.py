"""A community's sessions as other programs read them: when, what became of them, and nobody's name."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import calendar_feed, sessions
from records.actor import CLI
from records.models import Community, SessionRow, uuid7
from records.session_checks import Draft, moment
from records.settings import Settings
from tests.support import seed
from tests.support.seed import BAY, LA, Seeded
from tests.support.web import application

ZONE = "America/Los_Angeles"
NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


def address(engine: Engine, settings: Settings, community_id: UUID) -> str:
    with Session(engine) as session:
        community = session.get_one(Community, community_id)
        return f"/calendars/{calendar_feed.token_of(community, settings.secret_key.get_secret_value())}.ics"


def events(client: FlaskClient, path: str) -> dict[str, Any]:
    """By title; of a feed that anybody can read."""
    with client.get(path) as answer:
        assert (answer.status_code, answer.content_type) == (200, "text/calendar; charset=utf-8")
        calendar = Calendar.from_ical(answer.data)
        for name in [*(f"{first} {last}" for first, last, _ in seed.PEOPLE.values()), "Okafor", "Robin"]:
            assert name.encode() not in answer.data
    assert isinstance(calendar, Calendar)
    return {str(event["summary"]): event for event in calendar.walk("VEVENT")}


def draft(title: str, day: date, **more: object) -> Draft:
    return replace(Draft(title, title, moment(day, time(9), ZONE), ZONE, "virtual"), **more)  # type: ignore[arg-type]


def test_what_a_calendar_program_reads(app: Flask, engine: Engine, settings: Settings, seeded: Seeded) -> None:
    bay, la = seeded.communities[BAY], seeded.communities[LA]
    link = "https://meet.example.org/a?b=1"
    with Session(engine) as session, session.begin():
        # The clocks go forward between the two.
        before = draft("Before", date(2026, 3, 7), planned_minutes=90, place="Room 4; Oak, hall")
        sessions.make(session, bay, before, CLI, NOW)
        after = sessions.make(session, bay, draft("After", date(2026, 3, 14), link=link), CLI, NOW)
        ends_at = moment(date(2026, 3, 21), time(11), ZONE)
        shared = draft("Shared", date(2026, 3, 21), ends_at=ends_at, shared_with=frozenset({bay}))
        sessions.make(session, la, shared, CLI, NOW)
    path = address(engine, settings, bay)
    with app.test_client() as client:
        found = events(client, path)
        assert {"Before", "After", "Shared", "Face-to-face session 1"} <= found.keys()
        starts = {title: found[title]["dtstart"].dt for title in ("Before", "After", "Shared")}
        assert [starts[title].hour for title in ("Before", "After")] == [17, 16]
        assert {moment.utcoffset() for moment in starts.values()} == {timedelta()}
        assert found["Before"]["dtend"].dt - starts["Before"] == timedelta(minutes=90)
        assert found["Shared"]["dtend"].dt - starts["Shared"] == timedelta(hours=2)
        assert "dtend" not in found["After"]
        assert (str(found["Before"]["location"]), str(found["After"]["location"])) == ("Room 4; Oak, hall", link)
        assert (found["After"]["uid"], found["After"]["sequence"]) == (f"{after}@copbridge", 0)
        assert "Shared" in events(client, address(engine, settings, la))
        with client.get(path) as answer:
            etag = answer.headers["ETag"]
            assert answer.headers["Cache-Control"] == "private, no-cache"
        with client.get(path, headers={"If-None-Match": etag}) as answer:
            assert (answer.status_code, answer.data) == (304, b"")
        with Session(engine) as session, session.begin():
            later = moment(date(2026, 3, 15), time(9), ZONE)
            sessions.move(session, after, later, None, CLI, NOW + timedelta(hours=1))
            sessions.cancel(session, after, CLI, "Nobody is there, says Amara Okafor", NOW + timedelta(hours=2))
        with client.get(path, headers={"If-None-Match": etag}) as answer:
            assert answer.status_code == 200
        event = events(client, path)["After"]
        assert (event["uid"], event["sequence"], event["status"]) == (f"{after}@copbridge", 2, "CANCELLED")
        assert (event["dtstart"].dt, event["last-modified"].dt) == (later, NOW + timedelta(hours=2))
        assert found["After"]["status"] == "CONFIRMED"


def test_an_address_is_the_key(app: Flask, engine: Engine, settings: Settings, seeded: Seeded) -> None:
    bay, la = (address(engine, settings, seeded.communities[place]) for place in (BAY, LA))
    with app.test_client() as client:
        forged = [
            "/calendars/x.ics",
            f"/calendars/{seeded.communities[BAY].hex}.ics",
            bay[:-5] + ("0" if bay[-5] != "0" else "1") + ".ics",
            bay.replace(seeded.communities[BAY].hex, seeded.communities[LA].hex),
            bay.replace(seeded.communities[BAY].hex, uuid7().hex),
            "/calendars/\u00fc.ics",
        ]
        for path in forged:
            assert client.get(path).status_code == 404, path
        with Session(engine) as session, session.begin():
            assert calendar_feed.renew(session, CLI, seeded.communities[BAY])
            assert not calendar_feed.renew(session, CLI, uuid7())
        assert (client.get(bay).status_code, client.get(la).status_code) == (404, 200)
        renewed = address(engine, settings, seeded.communities[BAY])
        assert renewed != bay
        with Session(engine) as session:
            titles = {row.title for row in session.query(SessionRow)}
        assert set(events(client, renewed)) == titles
