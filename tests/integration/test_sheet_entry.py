"""The sign-in sheet: printed, and typed in."""

from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from mappings.attending import Way
from records.models import Presence
from records.settings import Settings
from records.sheet import code_of
from tests.support import roster as built
from tests.support.roster import minutes, sign_in

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
"""Noon of a Saturday in Los Angeles."""


@pytest.fixture
def app(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    with built.application_at(settings, monkeypatch, NOW) as made:
        yield made


def test_the_sheet(app: Flask, engine: Engine) -> None:
    people = [("Thị Hương", "Nguyễn"), ("Łukasz", "Żak"), ("محمد", "علي"), ("小明", "王")]
    meeting = built.make(engine, people, NOW)
    codes = {user: code_of(meeting.session, account) for user, account in meeting.accounts.items()}
    address = f"/sessions/{meeting.session}/sheet"
    with sign_in(app, engine, meeting.community) as client:
        answer = client.get(f"{address}.pdf")
        assert (answer.mimetype, answer.data[:5]) == ("application/pdf", b"%PDF-")
        lines = f"{codes[101]} 45\nlukasz zak 12:00-13:10\nnobody\n{codes[103]} -30\n{codes[101]} 50"
        looked = client.post(address, data={"lines": lines, "look": "1", "others": "1"}).text
        assert "Nobody on the roster has this code or name." in looked
        assert "An earlier line says something else" in looked
        assert said_on_paper(engine) == {}
        for _ in range(2):
            taken = client.post(address, data={"lines": lines, "take": "1", "others": "1"}).text
            assert ">nobody\n" in taken
            # What was recorded leaves the table, and what is left is counted by lines.
            assert "lukasz" not in taken
            assert "2 lines are left" in taken
        for line, says in (
            (f"{codes[102]} 99999", "“99999” can&#39;t be read"),
            (f"{codes[102]} -200", "longer than the session"),
            (f"{codes[102]} 4:10-3:50", "The session: 11:30 AM to 1:00 PM."),
            (f"{codes[102]} 12:10-1:00", "write 12:10-13:00 if"),
        ):
            page = client.post(address, data={"lines": line, "look": "1", "others": "1"}).text
            assert says in page, line
        # With nothing left the answer is another page, so that going back sends nothing again.
        whole = client.post(address, data={"lines": f"{codes[103]} -30", "take": "1"})
        assert whole.status_code == 303
        assert "0 people recorded" in client.get(whole.location).text
    expected = {101: 45, 102: 70, 103: 60, 104: 90}
    assert [minutes(engine, meeting, user) for user in expected] == list(expected.values())
    assert len(said_on_paper(engine)) == len(expected)


def said_on_paper(engine: Engine) -> dict[UUID, int | None]:
    with Session(engine) as session:
        rows = session.execute(select(Presence.id, Presence.minutes).where(Presence.way == str(Way.PAPER)))
        return {row: minutes for row, minutes in rows}  # noqa: C416 - dict() of rows loses their types
