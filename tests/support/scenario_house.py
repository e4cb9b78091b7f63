"""The house of a scenario: its sites, its programs, the real intake and the real jobs."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID, uuid5

from flask import Flask
from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from jobs import process, reconcile
from records import inbox, ledger, sites
from records.actor import CLI
from records.models import Base, InboxItem, Membership, Site
from records.program_loading import load_version
from records.secrets import Purpose, keep_secret, make_secret
from records.settings import Settings
from service.context import EXTENSION, Context
from service.intake import register_intake
from tests.support.house import KEPT
from tests.support.readings import Reading
from tests.support.scenario import Scenario, program_text
from tests.support.sender import sign

EPOCHS = UUID("018f6c2e-0000-7000-8000-0000000000bb")


class ScenarioHouse:
    """Sites that send signed batches, and what they arrive at."""

    def __init__(self, settings: Settings, engine: Engine, redis: Redis, scenario: Scenario) -> None:
        self.settings, self.engine = settings, engine
        self.now = datetime(2024, 8, 1, tzinfo=UTC)
        self.sites: dict[str, UUID] = {}
        self._secrets: dict[str, str] = {}
        with Session(engine) as session, session.begin():
            for slug in scenario.sites:
                site = sites.add_site(session, slug, slug, wwwroot(slug), actor=CLI)
                site.epoch = uuid5(EPOCHS, slug)
                self.sites[slug], self._secrets[slug] = site.id, make_secret(Purpose.WIRE)
                keep_secret(session, site.id, Purpose.WIRE, self._secrets[slug], settings.encryption_key)
            for name, filled_in in scenario.programs.items():
                load_version(session, program_text(name, filled_in), name, actor=CLI, reason="A scenario")
        app = Flask("intake")
        app.extensions[EXTENSION] = Context(settings, engine, redis, self.clock)
        register_intake(app)
        self._client = app.test_client()

    def clock(self) -> datetime:
        return self.now

    def until(self, moment: datetime) -> None:
        """Let time pass."""
        self.now = max(self.now, moment)
        reconcile.mark_due(self.engine, self.clock)

    def send(self, slug: str, readings: Sequence[Reading]) -> None:
        """Post a batch, signed, all of which has to be taken."""
        envelope = {"version": 1, "wwwroot": wwwroot(slug), "epoch": str(uuid5(EPOCHS, slug))}
        envelope |= {"sent_at": self.now.timestamp(), "events": [], "readings": list(readings)}
        body = json.dumps(envelope).encode()
        signed = sign(self._secrets[slug], body, self.now)
        answer = self._client.post(f"/webhooks/{slug}/events", data=body, headers=signed)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        fates = {item["result"] for item in answer.get_json()["results"]}
        assert fates <= {"accepted", "waiting"}, answer.get_json()

    def work(self) -> None:
        """What a worker and the scheduler do, until nothing is left to do."""
        while True:
            done = process.drain(self.engine, self.settings.encryption_key)
            done += reconcile.reconcile_dirty(self.engine, self.clock)
            with Session(self.engine) as session, session.begin():
                done += inbox.release_waiting(session)
            if not done:
                return

    def settled(self) -> None:
        """Make sure that nothing failed, waits or was put aside."""
        with Session(self.engine) as session:
            left = select(InboxItem.kind, InboxItem.status, InboxItem.reason).where(InboxItem.status != "done")
            assert session.execute(left).all() == []
            dirty = select(Membership.id).where(Membership.dirty_at.is_not(None))
            assert session.scalars(dirty).all() == [], "a membership can't be reconciled"

    def differences(self) -> list[ledger.Difference]:
        """What a recomputation from the inputs says otherwise than the books."""
        with Session(self.engine) as session:
            members = list(session.scalars(select(Membership.id).order_by(Membership.id)))
            return ledger.compare(session, members, self.clock())

    def forget(self, owner: Engine) -> None:
        """Empty every table but those of sites and programs."""
        self.now = datetime(2024, 8, 1, tzinfo=UTC)
        with owner.begin() as connection:
            for table in reversed(Base.metadata.sorted_tables):
                if table.name not in KEPT:
                    connection.execute(table.delete())
            connection.execute(update(Site).values(refused_epoch=None))


def wwwroot(slug: str) -> str:
    return f"https://{slug}.example.org"
