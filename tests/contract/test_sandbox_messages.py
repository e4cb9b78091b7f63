"""The sandbox's messages are answered as the recorded ones, refusals included."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from sandbox import messages
from sandbox.pages import create_app
from sandbox.site import Site
from sandbox.term import Term
from tests.contract.test_sandbox_webservice import assert_shaped, call, keys, recorded

NAME = messages.FUNCTION


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with Site(tmp_path / "site.db") as fresh:
        yield fresh


@pytest.fixture
def client(site: Site) -> Iterator[FlaskClient]:
    term = Term(site)
    app = create_app(site, term, "for tests")
    app.testing = True
    with app.test_client() as made:
        yield made
    term.close()


def sent(client: FlaskClient, site: Site, user: int, text: str = "Hello &amp; <br>bye", **more: str) -> Any:
    row = {"touserid": str(user), "text": text, "textformat": "1"} | more
    return call(client, site.token, NAME, **{f"messages[0][{name}]": value for name, value in row.items()})


def test_a_message_arrives(client: FlaskClient, site: Site) -> None:
    user = site.user("e0001")
    answer = sent(client, site, user, clientmsgid="m-1")
    assert_shaped(answer, recorded(NAME))
    assert keys(answer[0]) == keys(recorded(NAME)[0])
    assert answer[0]["clientmsgid"] == "m-1"
    assert messages.of_user(site, user) == ["Hello & \nbye"]


def test_who_cannot_be_written_to(client: FlaskClient, site: Site) -> None:
    user = site.user("e0001")
    assert sent(client, site, 99999, "Hello") == recorded(f"{NAME}.err_user")
    assert json.dumps(sent(client, site, user, "x" * 4097)).count('"msgid": -1') == 1
    site.lacks("moodle/site:messageanyuser")
    assert sent(client, site, user) == recorded(f"{NAME}.err_not_contactable")
    site.lacks("moodle/site:sendmessage")
    assert sent(client, site, user)["errorcode"] == "nopermissions"
    assert messages.of_user(site, user) == []


def test_where_messages_are_switched_off(client: FlaskClient, site: Site) -> None:
    site.set_messaging(on=False)
    assert sent(client, site, site.user("e0001")) == recorded(f"{NAME}.err_disabled")
    site.set_messaging(on=True)
    assert sent(client, site, site.user("e0001"))[0]["msgid"] > 0


def test_a_blocked_sender_who_may_not_write_to_anybody(client: FlaskClient, site: Site) -> None:
    user, sender = site.user("e0001"), site.user("f0001")
    token = site.token_of(sender)
    row = {"messages[0][touserid]": str(user), "messages[0][text]": "Hello"}
    site.lacks("moodle/site:messageanyuser", user=sender)
    assert call(client, token, NAME, **row)[0]["msgid"] > 0, "they share a course"
    site.block(user, sender)
    assert call(client, token, NAME, **row) == recorded(f"{NAME}.err_not_contactable")
