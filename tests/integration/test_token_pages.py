"""The page of one's tokens, and `copbridge token`: make one that is shown once, revoke, list."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records.actor import Grant, Role
from records.models import ApiToken, AuditEntry
from records.settings import Settings
from tests.support.api import Api, problem, token_of
from tests.support.cli import Cli
from tests.support.seed import sign_in
from tests.support.web import application


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        sign_in(made, engine, [Grant(Role.STAFF)])
        yield made


def send(client: FlaskClient, path: str, **form: object) -> tuple[int, str]:
    """Post a form of the page: (status, body)."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/tokens").get_data(as_text=True))
    assert found
    answer = client.post(path, data={"csrf_token": found[1], **form})
    return answer.status_code, answer.get_data(as_text=True)


def test_a_token_is_made_shown_once_and_revoked(client: FlaskClient, app: Flask, engine: Engine) -> None:
    empty = client.get("/tokens").get_data(as_text=True)
    assert "You have no token." in empty
    # Staff have no use for what only IT may.
    assert "operations:read" not in empty
    status, page = send(client, "/tokens", name="Nightly <b>report</b>", scopes=["read", "people:read"], days="30")
    found = re.search(r'value="(cbt_[\w-]{40,})"', page)
    assert status == 200
    assert found
    assert "<b>" not in page
    again = client.get("/tokens").get_data(as_text=True)
    assert found[1] not in again
    assert "Nightly" in again
    api = Api.of(app, found[1])
    assert api.get("/token").get_json()["scopes"] == ["people:read", "read"]
    with Session(engine) as session:
        row = session.scalars(select(ApiToken)).one()
        assert found[1] not in str(vars(row))
        assert (row.expires_at - row.created_at).days == 30
    assert send(client, f"/tokens/{row.id}/revoke")[0] == 303
    problem(api.get("/token"), 401, "token-refused")
    assert "revoked on" in client.get("/tokens").get_data(as_text=True)
    with Session(engine) as session:
        acts = session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("api_token"))).all()
    assert acts == ["api_token.made", "api_token.revoked"]


def test_what_is_wrong_is_said_beside_its_field_and_what_was_typed_stays(client: FlaskClient, engine: Engine) -> None:
    for form, words in (
        ({"name": " ", "scopes": ["read"], "days": "30"}, "Say in at most 100 characters"),
        ({"name": "Report", "scopes": [], "days": "30"}, "Choose at least one"),
        ({"name": "Report", "scopes": ["everything"], "days": "30"}, "Choose at least one"),
        ({"name": "Report", "scopes": ["read"], "days": "366"}, "from 1 to 365 days"),
        ({"name": "Report", "scopes": ["read"], "days": "soon"}, "from 1 to 365 days"),
    ):
        status, page = send(client, "/tokens", **form)
        assert (status, words in page, 'aria-invalid="true"' in page or "scopes-fault" in page) == (400, True, True)
        assert f'value="{form["name"]}"' in page
    with Session(engine) as session:
        assert session.scalars(select(ApiToken)).all() == []


def test_tokens_of_others_are_nobody_elses(client: FlaskClient, engine: Engine) -> None:
    token_of(engine, [Grant(Role.STAFF)], email="other@example.org")
    with Session(engine) as session:
        other = session.scalars(select(ApiToken.id)).one()
    assert "tests" not in re.sub(r"<head>.*</head>", "", client.get("/tokens").get_data(as_text=True), flags=re.S)
    assert send(client, f"/tokens/{other}/revoke")[0] == 404
    with Session(engine) as session:
        assert session.scalars(select(ApiToken.revoked_at)).one() is None


def test_without_a_role_there_is_nothing_to_make(app: Flask, engine: Engine) -> None:
    with app.test_client() as client:
        sign_in(client, engine, [])
        assert "You have no role yet" in client.get("/tokens").get_data(as_text=True)
        assert send(client, "/tokens", name="Report", scopes=["read"], days="30")[0] == 403


def test_the_command_line_lists_and_revokes(app: Flask, engine: Engine, settings: Settings) -> None:
    cli, token = Cli(settings), token_of(engine, [Grant(Role.STAFF)])
    shown = cli("token", "list")
    assert "robin@example.org" in shown.out
    assert token not in shown.out
    (row,) = cli("token", "list", "--user", "robin@example.org", "--json").data["tokens"]
    assert cli("token", "revoke", row["id"]).code == 0
    problem(Api.of(app, token).get("/token"), 401, "token-refused")
    assert cli("token", "list").out.strip() == "There is no token."
    assert "ended" in cli("token", "list", "--all").out
    assert cli("token", "revoke", row["id"]).code == 2
    assert cli("token", "list", "--user", "nobody@example.org").code == 2
