"""The intake of the real application in this process, with a clock of the test's and signed requests."""

import json
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from sqlalchemy import Engine, Text, select, text
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from jobs import process, reconcile
from records.database import make_engine
from records.inbox import release_waiting
from records.models import Base, InboxItem
from records.secrets import Purpose
from records.settings import Settings
from service.context import EXTENSION
from service.intake.blueprint import Desk
from service.intake.sites import Sites
from service.intake.store import Store
from tests.support.sender import WWWROOT, Sender, make_site, sign
from tests.support.servers import Servers
from tests.support.settings import make_settings
from tests.support.web import application

EPOCH = "018f6c2e-0000-7000-8000-0000000000aa"
NOW = datetime.fromtimestamp(1_795_300_100, UTC)
COURSE, MODULE, USER = 7, 71, 701
"""What `readings` speak of."""


class Intake:
    """One site's way in. Times and secrets are the test's to change."""

    def __init__(self, app: Flask, engine: Engine, settings: Settings, sender: Sender) -> None:
        self.now = NOW
        self.engine, self.settings, self.sender = engine, settings, sender
        self.context = replace(app.extensions[EXTENSION], clock=lambda: self.now)
        self.sites = Sites()
        app.extensions["copbridge.intake"] = Desk(self.context, self.sites, Store(self.context.engine))
        self.client = app.test_client()

    def post(self, body: bytes, secret: str | None = None, path: str | None = None, **headers: str) -> TestResponse:
        """Post a body, signed. `headers` replace those of the signature."""
        signed = sign(secret or self.sender.secret, body, self.now)
        signed |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.post(path or self.sender.path, data=body, headers=signed)

    def send(
        self, events: Sequence[Any] = (), readings: Sequence[Any] = (), **envelope: Any
    ) -> list[tuple[str, str | None]]:
        """Post a batch that has to be taken. Returns (result, reason) of each item."""
        response = self.post(batch(events, readings, **envelope))
        assert response.status_code == 200, response.get_data(as_text=True)
        return [(item["result"], item["reason"]) for item in response.get_json()["results"]]

    def work(self) -> None:
        """What worker and scheduler do, until nothing is left to do."""
        while True:
            done = process.drain(self.engine, self.settings.encryption_key) + reconcile.reconcile_dirty(
                self.engine, lambda: self.now
            )
            with Session(self.engine) as session, session.begin():
                done += release_waiting(session)
            if not done:
                return

    def statuses(self) -> list[tuple[str, str | None]]:
        """(status, reason) of every item in the inbox, in the order of arrival."""
        with self.engine.connect() as connection:
            found = connection.execute(select(InboxItem.status, InboxItem.reason).order_by(InboxItem.id))
            return [(status, reason) for status, reason in found]

    def everything(self) -> str:
        """All rows of all tables, as text; payloads readable."""
        with self.engine.connect() as connection:
            connection.execute(text("SET bytea_output = 'escape'"))
            rows = [
                connection.scalars(select(table.table_valued().cast(Text))) for table in Base.metadata.sorted_tables
            ]
            return "\n".join(row for found in rows for row in found)


@contextmanager
def opened(engine: Engine, settings: Settings, sender: Sender | None = None) -> Iterator[Intake]:
    """The intake of a site, which is made unless it is given."""
    with application(settings) as app:
        yield Intake(app, engine, settings, sender or make_site(engine, settings))


@dataclass(frozen=True)
class Gate:
    """The application and a database for a whole module of tests: `intake` forgets all that the last one left."""

    app: Flask
    engine: Engine
    owner: Engine
    settings: Settings

    def intake(self, purpose: Purpose = Purpose.WIRE) -> Intake:
        """The intake of a new site, beside which there is nothing."""
        with self.owner.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                connection.execute(table.delete())
        return Intake(self.app, self.engine, self.settings, make_site(self.engine, self.settings, purpose=purpose))


@contextmanager
def one_gate(servers: Servers, template: str) -> Iterator[Gate]:
    """A gate with a database of its own."""
    database = servers.create(f"{template}_{secrets.token_hex(4)}", template)
    engine, owner = make_engine(database.url), make_engine(database.owner_url)
    settings = make_settings(database, servers.redis_url)
    try:
        with application(settings) as app:
            yield Gate(app, engine, owner, settings)
    finally:
        engine.dispose()
        owner.dispose()
        servers.drop(database.name)


def batch(events: Any = (), readings: Any = (), **envelope: Any) -> bytes:
    """The body of a batch. `envelope` replaces its fields; None takes one out."""
    content: dict[str, Any] = {"version": 1, "wwwroot": WWWROOT, "epoch": EPOCH, "sent_at": NOW.timestamp()}
    content |= {"events": events, "readings": readings} | envelope
    return json.dumps({name: value for name, value in content.items() if value is not None}).encode()


def event(number: int = 1, name: str = r"\core\event\course_module_completion_updated", **data: Any) -> dict[str, Any]:
    """A completion of MODULE by USER, the n-th of its sender; `data` replaces fields of get_data()."""
    content = {
        "eventname": name,
        "timecreated": int(NOW.timestamp()) - 60,
        "objectid": 5,
        "contextlevel": 70,
        "contextinstanceid": MODULE,
        "userid": USER,
        "courseid": COURSE,
        "relateduserid": USER,
        "other": {"relateduserid": USER, "overrideby": None, "completionstate": 1},
    } | data
    return {"id": f"00000000-0000-4000-8000-{number:012d}", "sequence": number, "data": content}


def readings(course: int = COURSE, module: int = MODULE, user: int = USER) -> list[dict[str, Any]]:
    """A course with one module, and somebody enrolled in it."""
    at = NOW.timestamp() - 120
    role = {"id": 9, "role": 5, "shortname": "student"}
    enrolment = {"id": 8, "method": "manual", "status": 0, "timestart": 0, "timeend": 0}
    return [
        {"kind": "course", "read_at": at, "course": course, "present": True, "idnumber": "COP-MATH-LA"},
        {"kind": "module", "read_at": at, "module": module, "course": course, "present": True, "modname": "choice"},
        {
            "kind": "account",
            "read_at": at,
            "user": user,
            "present": True,
            "username": "amara",
            "email": "amara@example.org",
        },
        {
            "kind": "enrolment",
            "read_at": at,
            "course": course,
            "user": user,
            "enrolments": [enrolment],
            "roles": [role],
            "groups": [],
        },
    ]
