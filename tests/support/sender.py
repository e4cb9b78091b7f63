"""A Moodle site as a sender: its row, its secret, and signed requests."""

import base64
import hmac
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import secrets, sites
from records.actor import CLI
from records.models import uuid7
from records.programs import add_version
from records.secrets import Purpose
from records.settings import Settings

PROGRAM = Path(__file__).parents[2] / "mappings" / "programs" / "calpro-regional.yaml"
WWWROOT = "https://moodle.example.org"


@dataclass(frozen=True)
class Sender:
    """One site and the secret of one purpose."""

    slug: str
    site_id: UUID
    secret: str

    @property
    def path(self) -> str:
        return f"/webhooks/{self.slug}/events"

    def headers(self, body: bytes, when: datetime | None = None) -> dict[str, str]:
        """The headers of Standard Webhooks for a body, which may be no text at all."""
        return sign(self.secret, body, when or datetime.now(UTC))


def sign(secret: str, body: bytes, when: datetime) -> dict[str, str]:
    """Headers as the specification words them; the published library signs text only, and a body may be none."""
    identity = f"msg_{uuid7()}"
    timestamp = str(int(when.timestamp()))
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{identity}.{timestamp}.".encode() + body, "sha256")
    return {
        "content-type": "application/json",
        "webhook-id": identity,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }


def make_site(engine: Engine, settings: Settings, slug: str = "demo", purpose: Purpose = Purpose.WIRE) -> Sender:
    """A site with one secret."""
    secret = secrets.make_secret(purpose)
    with Session(engine) as session, session.begin():
        site = sites.add_site(session, slug, slug, f"{WWWROOT}/{slug}" if slug != "demo" else WWWROOT, actor=CLI)
        secrets.keep_secret(session, site.id, purpose, secret, settings.encryption_key)
        return Sender(slug, site.id, secret)


def load_program(engine: Engine) -> None:
    """CALPRO's program, as the demo has it."""
    with Session(engine) as session, session.begin():
        add_version(session, PROGRAM.read_text(), PROGRAM.name)


class Client:
    """One connection that is kept open; a new one after anything went wrong."""

    def __init__(self, port: int, timeout: float = 2.0) -> None:
        self._port, self._timeout = port, timeout
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Any]:
        """Status and JSON; (0, None) where no answer came."""
        try:
            if self._connection is None:
                self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout)
            self._connection.request("POST", path, body, dict(headers))
            response = self._connection.getresponse()
            content = response.read()
            return response.status, json.loads(content) if response.status == 200 else None
        except (OSError, http.client.HTTPException):
            self.close()
            return 0, None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
