"""The sign-in form as a browser sends it, and a clock that tests set."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from records import users
from records.actor import CLI, Grant, Role
from service.context import EXTENSION

EMAIL = "robin@example.org"
PASSWORD = "a long enough password"
NOW = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)
TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')


@dataclass
class Clock:
    """What an application takes for now."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def on(self, **amounts: float) -> None:
        """Let so much time pass."""
        self.now += timedelta(**amounts)


def set_clock(app: Flask) -> Clock:
    """Give an application a clock that stands still."""
    clock = Clock()
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], clock=clock)
    return clock


def make_user(engine: Engine, email: str = EMAIL, password: str | None = PASSWORD) -> str:
    """Somebody of the office with a password, or with an open link alone; the link's token."""
    with Session(engine) as session, session.begin():
        user_id = users.create_user(session, CLI, email, "Robin Ellery", [Grant(Role.STAFF)])
        token = users.make_setup_link(session, CLI, user_id, now=NOW, hours=72)
        if password:
            users.use_setup_link(session, token, password, NOW)
    return token


def post(client: FlaskClient, path: str, form: dict[str, str], came_from: str = "", **more: str) -> TestResponse:
    """Send a form as the page at `came_from` (or at the same path) has it."""
    page = client.get(came_from or path, headers=more)
    token = TOKEN.search(page.get_data(as_text=True))
    assert token, page.status
    return client.post(path, data={"csrf_token": token[1], **form}, headers=more)


def try_it(client: FlaskClient, email: str = EMAIL, password: str = PASSWORD, **more: str) -> TestResponse:
    """Sign in by password."""
    return post(client, "/sign-in", {"email": email, "password": password}, **more)
