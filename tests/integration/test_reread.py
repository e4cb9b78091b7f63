"""What arrived unconfirmed is asked of Moodle, over HTTP, and counts once Moodle has confirmed it."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

import mappings
from jobs import process, reconcile
from jobs.reread import reread
from moodle_client import MoodleClient
from records import inbox, secrets, sites
from records.actor import SYSTEM
from records.inbox import NewItem
from records.models import Account, FactRow, LedgerEntry, Membership, Reread, uuid7
from records.program_loading import load_version
from records.secrets import Purpose
from records.settings import Settings
from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.term import Term
from tests.support.settings import ENCRYPTION_KEY

PROGRAM = Path(mappings.__file__).parent / "programs" / "calpro-regional.yaml"


@contextmanager
def serving(site: Site) -> Iterator[str]:
    """The sandbox's web services on a free port."""
    server = make_server("127.0.0.1", 0, create_app(site, Term(site), "only-a-test"), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def take(engine: Engine, site: UUID, sender: str, found: list[tuple[str, dict[str, Any]]]) -> None:
    items = [NewItem(site, sender, uuid7(), kind, json.dumps(what).encode()) for kind, what in found]
    with engine.begin() as connection:
        inbox.store(connection, items)
    settle(engine)


def settle(engine: Engine) -> None:
    process.drain(engine, ENCRYPTION_KEY)
    reconcile.reconcile_dirty(engine, lambda: datetime.now(UTC))


def minutes(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.coalesce(func.sum(LedgerEntry.minutes), 0))) or 0


def open_questions(engine: Engine) -> int:
    with Session(engine) as session:
        return session.scalar(select(func.count()).select_from(Reread).where(Reread.done_at.is_(None))) or 0


@pytest.fixture
def moodle(tmp_path: Path) -> Iterator[Site]:
    # A minute ago: what is read now is later than all that happened.
    with Site(tmp_path / "site.db", "http://127.0.0.1", clock=lambda: time.time() - 60) as site:
        yield site


def connect(engine: Engine, settings: Settings, wwwroot: str, token: str) -> UUID:
    with Session(engine) as session, session.begin():
        site = sites.add_site(session, "demo", "Demo", wwwroot, actor=SYSTEM)
        load_version(session, PROGRAM.read_text(), str(PROGRAM), actor=SYSTEM, reason="A test")
        secrets.keep_secret(session, site.id, Purpose.WEB_SERVICES, token, settings.encryption_key)
        return site.id


def known_state(moodle: Site) -> list[tuple[str, dict[str, Any]]]:
    readings = [reading for batch in moodle.full_batches() for reading in batch["readings"]]
    return [(f"reading.{reading['kind']}", reading) for reading in readings]


def test_an_unconfirmed_completion_earns_once_moodle_has_confirmed_it(
    engine: Engine, settings: Settings, moodle: Site
) -> None:
    with serving(moodle) as wwwroot:
        site = connect(engine, settings, wwwroot, moodle.token)
        take(engine, site, "wire", known_state(moodle))
        done = moodle.act.complete(moodle.user("e0001"), moodle.module("COP-EBWIESL-BAY", "ACT-01"))
        events = [("event", event) for event in done.events if "completion_updated" in event["eventname"]]
        take(engine, site, "local_webhooks", events)
        assert minutes(engine) == 0
        with Session(engine) as session:
            assert session.scalars(select(FactRow.provisional).where(FactRow.superseded_at.is_(None))).all() == [True]
        assert open_questions(engine) > 0

        assert reread(engine, settings) == 1
        settle(engine)
    assert minutes(engine) > 0
    assert open_questions(engine) == 0


def test_a_phantom_never_earns(engine: Engine, settings: Settings, moodle: Site) -> None:
    """local_webhooks posts from within a transaction: what was rolled back has no row in Moodle."""
    with serving(moodle) as wwwroot:
        site = connect(engine, settings, wwwroot, moodle.token)
        take(engine, site, "wire", known_state(moodle))
        user, module = moodle.user("e0001"), moodle.module("COP-EBWIESL-BAY", "ACT-01")
        phantom = {
            "eventname": r"\core\event\course_module_completion_updated",
            "timecreated": int(time.time()) - 60,
            "courseid": "2",
            "contextinstanceid": str(module),
            "relateduserid": user,
            "other": {"completionstate": 1, "overrideby": None},
        }
        take(engine, site, "local_webhooks", [("event", phantom)])
        assert reread(engine, settings) == 1
        settle(engine)
    assert minutes(engine) == 0
    assert open_questions(engine) == 0


def test_a_site_that_does_not_answer_is_asked_again(engine: Engine, settings: Settings, moodle: Site) -> None:
    with serving(moodle) as wwwroot:
        site = connect(engine, settings, wwwroot, "not-the-token")
        take(engine, site, "wire", known_state(moodle))
        done = moodle.act.complete(moodle.user("e0001"), moodle.module("COP-EBWIESL-BAY", "ACT-01"))
        take(engine, site, "local_webhooks", [("event", e) for e in done.events if "completion" in e["eventname"]])
        assert reread(engine, settings) == 0
    once = partial(MoodleClient, tries=1)  # nobody waits for more tries here
    assert reread(engine, settings, once) == 0, "the site is down now"
    assert open_questions(engine) > 0


def test_who_was_suspended_is_asked_about_at_once(engine: Engine, settings: Settings, moodle: Site) -> None:
    with serving(moodle) as wwwroot:
        site = connect(engine, settings, wwwroot, moodle.token)
        take(engine, site, "wire", known_state(moodle))
        user, course = moodle.user("e0001"), moodle.course("COP-EBWIESL-BAY")
        done = moodle.act.suspend(user, course)
        take(engine, site, "wire", [("event", event) for event in done.events])
        assert open_questions(engine) == 1
        assert reread(engine, settings) == 1
        settle(engine)
    assert open_questions(engine) == 0
    with Session(engine) as session:
        states = session.scalars(
            select(Membership.status)
            .join(Account, Account.person_id == Membership.person_id)
            .where(Account.moodle_user_id == user)
        )
        assert states.all() == ["suspended"]
