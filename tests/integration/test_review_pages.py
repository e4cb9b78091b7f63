"""The page of the review queue and `copbridge review`: what they show, and that their forms do what they say."""

import re
from collections.abc import Iterator
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.orm import Session

from mappings.attending import Way
from records.actor import Grant, Role
from records.models import Account
from tests.support.attended import account_id, counted, meeting, record, said, whole_net
from tests.support.cli import Cli
from tests.support.deeds import AMARA, HAO, LENA, net
from tests.support.house import House
from tests.support.seed import sign_in
from tests.support.web import application


@pytest.fixture
def house(deeds: House) -> House:
    return deeds


@pytest.fixture
def client(house: House) -> Iterator[FlaskClient]:
    with application(house.settings) as app, app.test_client() as made:
        sign_in(made, house.engine, [Grant(Role.STAFF)])
        yield made


def page(client: FlaskClient, path: str = "/review") -> str:
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.get_data(as_text=True)


def send(client: FlaskClient, path: str, **form: object) -> str:
    """Post a form; the page that it leads to."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page(client))
    assert found
    answer = client.post(path, data={"csrf_token": found[1], **form})
    assert answer.status_code == 303, (path, answer.status_code)
    return page(client, answer.headers["Location"])


def undo_of(html: str) -> dict[str, str]:
    names = re.findall(r'name="(what|of|held)" value="([^"]*)"', html)
    return {name: value for name, value in names if name != "held" or value}


def test_what_the_page_shows_and_does(house: House, client: FlaskClient) -> None:
    assert "Nothing waits" in page(client)
    there, amara, hao = meeting(house), account_id(house, AMARA), account_id(house, HAO)
    with Session(house.engine) as session, session.begin():
        session.execute(update(Account).where(Account.id == hao).values(firstname="María", lastname="García <b>"))
    (loose,) = record(house, said(there, None, Way.ZOOM, 45, who={"name": "Garcia B, Maria", "email": "m@x.org"}))
    (held,) = record(house, said(there, amara, Way.CHECK_IN, 30, held="device", device="d"))
    record(house, said(there, account_id(house, LENA), Way.PAPER, 60))
    for user, minutes in ((AMARA, 90), (HAO, 80)):
        record(
            house, *(said(there, account_id(house, user), w, m) for w, m in ((Way.ROSTER, 120), (Way.MEET, minutes)))
        )
    house.work()
    before = whole_net(house)
    shown = page(client)
    assert "<b>" not in shown
    for words in (
        "This is María García &lt;b&gt;",
        "the same name, turned round",
        "One device checked in more than one person.",
        "counts until then",
        "Roster for all 2",
        "would earn 1 h 20 min",
        'class="places-count">4<',
    ):
        assert words in shown, words
    assert "Garcia B, Maria" not in page(client, "/review?kind=conflict")
    assert client.get("/review?session=nonsense").status_code == 404

    matched = send(client, "/review/match", presence=loose, account=hao)
    assert "It is counted for this person now." in matched
    send(client, "/review/undo", **undo_of(matched))
    accepted = send(client, "/review/accept", presence=held, held="device")
    send(client, "/review/undo", **undo_of(accepted))
    assert "Say why" in send(client, "/review/dismiss", presence=loose, reason="")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page(client))
    nul = {"csrf_token": token and token[1], "presence": loose, "reason": "A \0"}
    assert client.post("/review/dismiss", data=nul).status_code == 400
    dismissed = send(client, "/review/dismiss", presence=loose, reason="A guest.")
    assert "Garcia B, Maria" not in dismissed
    assert "Garcia B, Maria" in send(client, "/review/undo", **undo_of(dismissed))
    house.work()
    assert whole_net(house) == before

    path = f"/sessions/{there}/conflicts"
    preview = page(client, f"{path}?take=roster")
    assert "Decide so for 2 people" in preview
    assert whole_net(house) == before
    assert "a reason is needed" in send(client, path, account=[amara, hao], take="roster", reason=" ")
    decided = send(client, path, account=[amara, hao], take="roster", reason="The room was full.")
    assert (counted(house, there, amara), counted(house, there, hao)) == (120, 120)
    send(client, "/review/undo", **undo_of(decided))
    house.work()
    assert whole_net(house) == before
    send(client, path, account=hao, minutes="100", reason="Came late.")
    assert counted(house, there, hao) == 100
    house.work()
    person = page(client, f"/people/{person_of(house, hao)}")
    assert "Recorded by: Roster, Google Meet." in person
    assert re.search(r"Decided by Robin Ellery on [^:]+: 1 h 40 min in place of 1 h 20 min\. Came late\.", person)
    for wrong in ({"account": hao}, {"account": [hao, amara], "minutes": "5"}, {"account": hao, "take": "guess"}):
        assert _status(client, path, **wrong) == 400
    assert _status(client, "/review/match", presence=loose, account="x") == 404


def _status(client: FlaskClient, path: str, **form: object) -> int:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page(client))
    assert found
    return client.post(path, data={"csrf_token": found[1], "reason": "Why", **form}).status_code


def person_of(house: House, account: UUID) -> UUID:
    with Session(house.engine) as session:
        return session.get_one(Account, account).person_id


def test_the_commands(house: House) -> None:
    cli = Cli(house.settings)
    assert cli("review", "list").out == "Nothing waits.\n"
    there, hao = meeting(house), account_id(house, HAO)
    (loose, other) = record(house, *(said(there, None, Way.ZOOM, 45, who={"name": name}) for name in ("Last 12", "X")))
    (held,) = record(house, said(there, account_id(house, AMARA), Way.CHECK_IN, 30, held="device"))
    record(house, said(there, hao, Way.ROSTER, 120), said(there, hao, Way.MEET, 80))
    told = cli("review", "list", "--json").data
    assert told["counts"] == {"unmatched": 2, "conflict": 1, "held": 1, "walk_in": 0}
    assert told["conflicts"][0]["says"]["meet"] == {"minutes": 80, "status": None, "earns": 80, "counts": True}
    assert all(word in cli("review", "list").out for word in ("Last 12", "*meet 1:20", "device"))
    for command in (
        ("decide", str(there), "lab:12", "--take", "roster", "--reason", "The list is right."),
        ("match", str(loose), "lab:12"),
        ("accept", str(held)),
        ("dismiss", str(other), "--reason", "A guest."),
    ):
        answer = cli("review", *command)
        assert answer.code == 0, answer.err
    house.work()
    assert net(house, HAO) == 120
    listed = cli("decision", "list", "--kind", "presence")
    assert "2:00 at the session" in listed.out
    assert "as roster says" in listed.out
    (decision,) = cli("decision", "list", "--kind", "presence", "--json").data
    assert cli("decision", "undo", decision["id"], "--reason", "No.", "--yes").code == 0
    for wrong, code in (
        (("match", str(loose), "lab:12"), 1),
        (("match", str(there), "lab:12"), 1),
        (("match", str(loose), "lab:999"), 1),
        (("match", str(loose), "twelve"), 2),
        (("decide", str(there), "lab:12", "--reason", "No."), 2),
        (("decide", str(there), "lab:11", "--take", "paper", "--reason", "No."), 1),
    ):
        answer = cli("review", *wrong)
        assert (answer.code, answer.err.count("\n")) == (code, 1), (wrong, answer.err)
