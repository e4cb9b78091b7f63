"""A session with a check-in, the people who come, and an application whose clock a test can move."""

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from flask import Flask
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from records import check_in, presences, secrets
from records.actor import CLI
from records.models import Account, Presence, SessionRow, Site, uuid7
from records.secrets import Purpose
from records.settings import Settings
from service import check_in_codes
from service.context import EXTENSION
from tests.support.seed import BAY, Seeded
from tests.unit.service.test_assertions import EPOCH, SECRET, made

ZONE = "America/Los_Angeles"
HERE = "/check-in/here"


@dataclass
class Clock:
    """What the application takes for now."""

    now: datetime

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, **amount: float) -> None:
        self.now += timedelta(**amount)


def with_clock(app: Flask) -> Clock:
    """Give the application a clock that stands still until the test moves it; it begins now."""
    clock = Clock(datetime.now(UTC))
    app.extensions[EXTENSION] = replace(app.extensions[EXTENSION], clock=clock)
    return clock


def with_plugin(engine: Engine, settings: Settings, site: UUID) -> None:
    """Let the site's companion plugin say who somebody is."""
    with Session(engine) as session, session.begin():
        secrets.keep_secret(session, site, Purpose.WIRE, SECRET, settings.encryption_key)
        session.get_one(Site, site).epoch = EPOCH


def meeting(engine: Engine, seeded: Seeded, now: datetime, *, is_open: bool = True, **columns: object) -> UUID:
    """A session that began a quarter of an hour ago and is planned for two hours, with its check-in open."""
    made_id = uuid7()
    values: dict[str, object] = {
        "community_id": seeded.communities[BAY],
        "code": f"QR-{made_id}",
        "title": "Saturday meeting",
        "starts_at": now - timedelta(minutes=15),
        "ends_at": now + timedelta(minutes=105),
        "timezone": ZONE,
        "mode": "face_to_face",
        "planned_minutes": 120,
    }
    with Session(engine) as session, session.begin():
        session.add(SessionRow(id=made_id, **(values | columns)))
        session.flush()
        if is_open:
            check_in.begin(session, made_id, now, CLI)
    return made_id


def account_of(engine: Engine, user: int) -> UUID:
    with Session(engine) as session:
        return session.scalars(select(Account.id).where(Account.moodle_user_id == user)).one()


def rows_of(engine: Engine, session_id: UUID) -> list[Presence]:
    """What stands, in the order in which it was recorded."""
    with Session(engine) as session:
        p = Presence
        found = session.scalars(
            select(p).where(p.session_id == session_id, p.withdrawn_at.is_(None)).order_by(p.recorded_at, p.id)
        )
        return list(found)


def said(engine: Engine, session_id: UUID, user: int) -> tuple[int | None, str | None] | None:
    """(minutes, status) that stand of somebody; None: nothing does."""
    key = (session_id, account_of(engine, user))
    with Session(engine) as session:
        stated = presences.stated(session, [key]).get(key, [])
        verdict = presences.held(session, [session_id])[session_id].judged(stated)
    return (verdict.stands.minutes, verdict.stands.status) if verdict else None


def token_in(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, "a page without a form"
    return found.group(1)


def post(client: FlaskClient, path: str, page: str, **fields: object) -> TestResponse:
    """Send a form with the token of the page that it stands on."""
    return client.post(path, data={"csrf_token": token_in(page), **fields}, follow_redirects=True)


def assertion(begin_at: str, user: int, slug: str, now: datetime) -> str:
    """What the plugin answers to whom we sent to `begin_at`."""
    state = parse_qs(urlsplit(begin_at).query)["state"][0]
    moment = int(now.timestamp())
    return made(site=slug, epoch=str(EPOCH), user=user, state=state, iat=moment, exp=moment + 120)


def sign_in_by_moodle(client: FlaskClient, user: int, now: datetime, slug: str = "calpro") -> TestResponse:
    """Go to Moodle and come back: the answer is the page that the browser ends up at."""
    away = client.get(f"/identify/{slug}/begin?next=check-in")
    assert away.status_code == 303
    text = assertion(away.headers["Location"], user, slug, now)
    return client.get(f"/identify/{slug}", query_string={"assertion": text}, follow_redirects=True)


def key_of(app: Flask) -> SecretStr:
    key: SecretStr = app.extensions[EXTENSION].settings.secret_key
    return key


def scan(client: FlaskClient, app: Flask, session_id: UUID) -> tuple[int, str]:
    """Scan the code that is on the screen now."""
    code = check_in_codes.long_code(key_of(app), session_id, app.extensions[EXTENSION].clock())
    answer = client.get(f"/c/{code}", follow_redirects=True)
    return answer.status_code, answer.text


def check_in_as(client: FlaskClient, app: Flask, session_id: UUID, user: int) -> str:
    """From the code to the answer."""
    scan(client, app, session_id)
    page = sign_in_by_moodle(client, user, app.extensions[EXTENSION].clock()).text
    return post(client, HERE, page).text


def checked_out_at(clock: Clock, client: FlaskClient, minutes: int) -> str:
    clock.pass_by(minutes=minutes)
    return post(client, "/check-in/leave", client.get(HERE).text).text
