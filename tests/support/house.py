"""One Moodle site and one program in a test's database: its real intake, its real jobs, and what they wrote."""

import json
from collections.abc import Iterable, Sequence
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from flask import Flask
from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session
from standardwebhooks import Webhook

from jobs import attendance, process, reconcile
from records import inbox, ledger
from records.models import Base, InboxItem, Membership, Site
from records.programs import add_version
from records.secrets import Purpose, keep_secret, make_secret
from records.settings import Settings
from service.context import EXTENSION, Context
from service.intake import register_intake
from tests.support import books

LAB = (Path(__file__).parents[1] / "fixtures" / "programs" / "lab.yaml").read_text(encoding="utf-8")
WWWROOT = "https://moodle.example.org"
EPOCH = UUID("018f6c2e-0000-7000-8000-0000000000aa")
NOW = datetime.fromtimestamp(1_795_300_000, UTC)
"""After everything that was recorded."""
SLUG = "lab"
KEPT = {"sites", "site_secrets", "programs", "program_versions", "users", "grants"}
"""What `reset` leaves in place."""


class House:
    """A site named `lab` and the program of fixtures/programs/lab.yaml."""

    def __init__(self, settings: Settings, engine: Engine, redis: Redis, *, program: str = LAB) -> None:
        self.now = NOW
        self.wire_secret = make_secret(Purpose.WIRE)
        self.token = make_secret(Purpose.LOCAL_WEBHOOKS)
        with Session(engine) as session, session.begin():
            site = Site(slug=SLUG, name="The recorded site", wwwroot=WWWROOT, epoch=EPOCH)
            session.add(site)
            session.flush()
            self.site_id = site.id
            keep_secret(session, site.id, Purpose.WIRE, self.wire_secret, settings.encryption_key)
            keep_secret(session, site.id, Purpose.LOCAL_WEBHOOKS, self.token, settings.encryption_key)
            version, _ = add_version(session, program, "lab.yaml")
            self.version_id = version.id
        self._open(settings, engine, redis)

    def copied(self, settings: Settings, engine: Engine, redis: Redis) -> "House":
        """The same house in a copy of its database, with the clock where it stands here."""
        found = copy(self)
        found._open(settings, engine, redis)
        return found

    def _open(self, settings: Settings, engine: Engine, redis: Redis) -> None:
        self.settings, self.engine, self.redis = settings, engine, redis
        self.app = Flask("intake")
        self.app.extensions[EXTENSION] = Context(settings, engine, redis, self.clock)
        register_intake(self.app)
        self.client = self.app.test_client()

    def clock(self) -> datetime:
        return self.now

    def envelope(self, events: Sequence[Any] = (), readings: Sequence[Any] = ()) -> dict[str, Any]:
        """A batch of the wire as the site itself sends it."""
        return {
            "version": 1,
            "wwwroot": WWWROOT,
            "epoch": str(EPOCH),
            "sent_at": self.now.timestamp(),
            "events": list(events),
            "readings": list(readings),
        }

    def send(self, batch: Any) -> tuple[int, dict[str, Any]]:
        """Post a batch, signed. Returns the status and the answer."""
        body = batch if isinstance(batch, str) else json.dumps(batch)
        signature = Webhook(self.wire_secret).sign("msg_1", self.now, body)
        headers = {
            "webhook-id": "msg_1",
            "webhook-timestamp": str(int(self.now.timestamp())),
            "webhook-signature": signature,
        }
        response = self.client.post(
            f"/webhooks/{SLUG}/events", data=body.encode(), headers=headers, content_type="application/json"
        )
        answer: dict[str, Any] = response.get_json()
        return response.status_code, answer

    def post(self, events: Sequence[Any] = (), readings: Sequence[Any] = ()) -> list[tuple[str, str | None]]:
        """Post a batch that has to be taken. Returns (result, reason) of each item."""
        status, answer = self.send(self.envelope(events, readings))
        assert status == 200, answer
        return [(item["result"], item["reason"]) for item in answer["results"]]

    def post_local_webhooks(self, event: dict[str, Any]) -> tuple[str, str | None]:
        """Post one event as the local_webhooks plugin does."""
        body = event | {"host": "127.0.0.1", "token": self.token, "extra": "extra-data"}
        response = self.client.post(f"/webhooks/{SLUG}/local_webhooks", json=body)
        assert response.status_code == 200, response.get_data(as_text=True)
        item = response.get_json()["results"][0]
        return item["result"], item["reason"]

    def work(self) -> None:
        """What a worker and the scheduler's look do, until nothing is left to do."""
        while True:
            done = process.drain(self.engine, self.settings.encryption_key)
            done += attendance.fold_due(self.engine) + reconcile.reconcile_dirty(self.engine, self.clock)
            with Session(self.engine) as session, session.begin():
                done += inbox.release_waiting(session)
            if not done:
                break
        with Session(self.engine) as session:
            left = session.execute(
                select(InboxItem.id, InboxItem.reason).where((InboxItem.status == "pending") | (InboxItem.failures > 0))
            )
            assert left.all() == [], "an item failed"

    def books(self) -> dict[str, Any]:
        """What mirror, facts, bindings, ledger and standings say, in Moodle's ids."""
        with Session(self.engine) as session:
            return books.snapshot(session)

    def differences(self) -> list[ledger.Difference]:
        """What a recomputation from the inputs says otherwise than the books; nothing should."""
        with Session(self.engine) as session:
            members = list(session.scalars(select(Membership.id).order_by(Membership.id)))
            return ledger.compare(session, members, self.clock())

    def waiting(self, *statuses: str) -> list[tuple[str, str | None]]:
        """(status, reason) of items that were put aside."""
        with Session(self.engine) as session:
            rows = session.execute(
                select(InboxItem.status, InboxItem.reason)
                .where(InboxItem.status.in_(statuses or ("waiting", "quarantined", "dead")))
                .order_by(InboxItem.id)
            )
            return [(row.status, row.reason) for row in rows]

    def reset(self, owner_engine: Engine) -> None:
        """Empty every table but those of site and program. Much cheaper than another database."""
        self.now = NOW
        self.app.extensions["copbridge.intake"].sites.forget(SLUG)
        with owner_engine.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in KEPT:
                    connection.execute(table.delete())
            connection.execute(update(Site).values(epoch=EPOCH, refused_epoch=None))


def people(house: House, users: Iterable[int]) -> dict[int, UUID]:
    """The membership ids of Moodle users, where there is one community."""
    with Session(house.engine) as session:
        return {user: found for user, found in books.memberships(session).items() if user in set(users)}
