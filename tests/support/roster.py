"""A session with many people on its roster, for tests."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records import presences
from records.actor import Grant, Role, Scope
from records.mirror import everywhere_alone
from records.models import Account, Community, FactRow, SessionRow, Site, uuid7
from records.programs import add_version
from records.settings import Settings
from service.context import EXTENSION
from tests.support import readings, seed
from tests.support.web import application

PROGRAM = """\
program: small
title: {en: A small program}
effective_from: 2026-01-01
timezone: America/Los_Angeles
components: [online, face_to_face, virtual]
topics: [{code: MATH, title: {en: Math}}]
regions: [{code: BAY, title: {en: Bay Area}}]
communities:
  - course_idnumber: ^COP-(?P<topic>[A-Z]+)-(?P<region>[A-Z]+)$
participant_roles: [student]
facilitator_roles: [editingteacher]
attendance: {components: {face_to_face: face_to_face, virtual: virtual, hybrid: face_to_face}}
session_kinds:
  - {kind: weighed, title: {en: Weighed}, attendance: {earns: weighted, weights: {P: 100, L: 50, A: 0}}}
  - {kind: fixed, title: {en: Fixed}, attendance: {earns: fixed, minutes: 60}}
activities: []
"""
COURSE, FACILITATOR = 2, 900
FIRST = ("Ana", "Bo", "Chidi", "Dilek", "Ewa", "Farid", "Gül", "Hana")
LAST = ("Abara", "Brandt", "Castillo", "Dąbrowska", "Eriksen")


def names(count: int) -> list[tuple[str, str]]:
    """Different first and last names."""
    return [(FIRST[at % len(FIRST)], f"{LAST[at // len(FIRST) % len(LAST)]}") for at in range(count)]


@dataclass(frozen=True)
class Meeting:
    """What was made."""

    site: UUID
    community: UUID
    session: UUID
    accounts: dict[int, UUID]
    """By Moodle user id: 101, 102, ... in the order of the names."""


def make(engine: Engine, people: Sequence[tuple[str, str]], now: datetime, **columns: Any) -> Meeting:
    """A community of these people (first and last name) and a facilitator, with a session that began half an hour
    ago and is planned for 90 minutes."""
    site = uuid7()
    with Session(engine) as session, session.begin():
        session.add(Site(id=site, slug="lab", name="Lab", wwwroot="https://moodle.example.org"))
        add_version(session, PROGRAM, "small.yaml")
    users = {101 + at: name for at, name in enumerate(people)}
    found = [readings.course(COURSE, "COP-MATH-BAY")]
    for user, (first, last) in {**users, FACILITATOR: ("Dana", "Marsh")}.items():
        role = readings.EDITING_TEACHER if user == FACILITATOR else readings.STUDENT
        found += [
            readings.account(user, f"E{user}") | {"firstname": first, "lastname": last},
            readings.enrolment(user, COURSE, role),
        ]
    seed.take_in(engine, site, found)
    with Session(engine) as session:
        community = session.scalars(select(Community.id)).one()
        accounts = dict(session.execute(select(Account.moodle_user_id, Account.id)).all())
    return Meeting(site, community, add_session(engine, community, now, **columns), accounts)


def add_session(engine: Engine, community: UUID, now: datetime, **columns: Any) -> UUID:
    """Another session of the community."""
    values = {
        "title": "Saturday session",
        "starts_at": now.astimezone(UTC).replace(second=0, microsecond=0) - timedelta(minutes=30),
        "timezone": "America/Los_Angeles",
        "mode": "face_to_face",
        "planned_minutes": 90,
    }
    made = uuid7()
    with Session(engine) as session, session.begin():
        session.add(SessionRow(id=made, community_id=community, code=f"S{made.hex[-6:]}", **(values | columns)))
    return made


def minutes(engine: Engine, meeting: Meeting, user: int) -> int | None:
    """What the fact says, after the job."""
    with Session(engine) as session, session.begin():
        everywhere_alone(session)
        presences.fold(session, presences.due(session))
        key = presences.attendance_key(meeting.session, meeting.accounts[user])
        return session.scalars(
            select(FactRow.minutes).where(FactRow.key == key, FactRow.superseded_at.is_(None))
        ).one_or_none()


@contextmanager
def application_at(settings: Settings, monkeypatch: pytest.MonkeyPatch, now: datetime) -> Iterator[Flask]:
    """The application, to which it is always this moment."""
    with application(settings) as made:
        monkeypatch.setitem(made.extensions, EXTENSION, replace(made.extensions[EXTENSION], clock=lambda: now))
        yield made


def sign_in(app: Flask, engine: Engine, community: UUID) -> FlaskClient:
    """A facilitator of a community, whose requests carry the form token."""
    client = app.test_client()
    grants = [Grant(Role.FACILITATOR, Scope.COMMUNITY, str(community))]
    client.set_cookie("copbridge", seed.signed_in_cookie(engine, "dana@example.org", grants))
    client.environ_base["HTTP_X_CSRFTOKEN"] = fields(client.get("/").text)["csrf_token"]
    return client


def fields(page: str) -> dict[str, str]:
    """The fields of the roster's form, as a browser without scripts sends them."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page)
    found += re.findall(r'<input type="radio" name="([^"]+)" value="([^"]*)" checked>', page)
    found += re.findall(r'name="([^"]+)" type="number"[^>]* value="([^"]*)">', page)
    return dict(found)
