"""A program office that writes to participants: the console, a folder for mail, and a Moodle that takes messages."""

import email
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.policy import default
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from jobs.nudging import Post, turn
from moodle_client import Function
from records import nudges, secrets
from records.models import Membership, Nudge, NudgeMessage, uuid7
from records.secrets import Purpose
from records.settings import Settings
from service.nudge_words import write
from tests.support.fake_moodle import FakeMoodle
from tests.support.seed import BAY, Seeded, membership


@dataclass
class Office:
    """The console, a folder for mail, and a Moodle that keeps what is sent to it."""

    engine: Engine
    seeded: Seeded
    settings: Settings
    client: FlaskClient
    moodle: FakeMoodle = field(default_factory=FakeMoodle)
    got: list[tuple[int, str]] = field(default_factory=list)
    """(user, text) of each message in Moodle."""
    ahead: timedelta = timedelta(0)

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def connect(self) -> None:
        """A token, and a Moodle that takes messages."""
        with Session(self.engine) as session, session.begin():
            token = "5eaa41f0b1d44c9d8f0d0b0e0a1c2d3e"
            secrets.keep_secret(session, self.seeded.site, Purpose.WEB_SERVICES, token, self.settings.encryption_key)
        self.moodle.functions[Function.SEND_INSTANT_MESSAGES] = "2024100700"
        self.moodle.answers[Function.SEND_INSTANT_MESSAGES] = self.take

    def take(self, params: dict[str, str]) -> Any:
        user, text = int(params["messages[0][touserid]"]), params["messages[0][text]"]
        assert params["messages[0][textformat]"] == "1"
        self.got.append((user, text))
        return [{"msgid": len(self.got), "text": text, "conversationid": 1, "timecreated": 1}]

    def work(self, ahead: timedelta = nudges.GRACE + timedelta(seconds=1)) -> int:
        """A worker works, so much later than now."""
        self.ahead = ahead
        with self.moodle.serving():
            return turn(Post(self.engine, self.settings, write, self.now))

    def token(self) -> str:
        """A form's token, as any page has it."""
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.page("/messages"))
        assert found
        return found[1]

    def page(self, path: str, status: int = 200) -> str:
        answer = self.client.get(path)
        assert answer.status_code == status, (path, answer.status_code)
        return answer.get_data(as_text=True)

    def post(self, path: str, status: int, **form: object) -> str:
        answer = self.client.post(path, data={"csrf_token": self.token(), **form})
        text = answer.get_data(as_text=True)
        assert answer.status_code == status, (path, answer.status_code, text[-1500:])
        return str(answer.headers.get("Location", text))

    def typed(self, **changed: str) -> dict[str, str]:
        own = {"channel": "mail", "template": "behind", "language": "en", "subject": "Hours in {community}"}
        return own | {"body": "Hello {first_name}, {hours} of {band}, {missing} missing. {link} {contact}"} | changed

    def send(self, query: str, form: UUID | None = None, shown: int = 50, **changed: str) -> UUID:
        own = {"form": str(form or uuid7()), "shown": str(shown)}
        address = self.post(f"/messages?{query}", 303, **self.typed(**changed), **own)
        return UUID(address.rsplit("/", 1)[1])

    def became(self, nudge_id: UUID) -> dict[int, tuple[str, str]]:
        """(status, reason) by Moodle user."""
        users = {person: user for user, person in self.seeded.persons.items()}
        with Session(self.engine) as session:
            rows = session.execute(
                select(Membership.person_id, NudgeMessage.status, NudgeMessage.reason)
                .join(NudgeMessage, NudgeMessage.membership_id == Membership.id)
                .where(NudgeMessage.nudge_id == nudge_id)
            )
            return {users[row.person_id]: (row.status, row.reason) for row in rows}

    def status(self, nudge_id: UUID) -> str:
        with Session(self.engine) as session:
            return session.get_one(Nudge, nudge_id).status

    def mails(self) -> list[EmailMessage]:
        assert self.settings.mail_folder
        files = sorted(self.settings.mail_folder.glob("*.eml"))
        found = [email.message_from_bytes(file.read_bytes(), policy=default) for file in files]
        return [one for one in found if isinstance(one, EmailMessage)]

    def ticked(self, *users: int, course: int = BAY) -> str:
        return "&".join(f"membership={membership(self.engine, self.seeded, user, course)}" for user in users)
