"""The example client of the docs, against the service behind a real socket; and the document as it is served."""

import importlib.util
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask_openapi.openapi import OpenAPI
from sqlalchemy import Engine

from records.actor import Grant, Role
from records.database import make_engine
from records.settings import Settings
from service.api import document
from service.context import EXTENSION, Context
from tests.support import seed
from tests.support.api import Api, problem, token_of
from tests.support.seed import BAY, Seeded
from tests.support.web import application, served

CLIENT = document.COMMITTED.with_name("client.py")


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("copbridge_api_client", CLIENT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


def test_the_example_client(app: Flask, client: Any, engine: Engine, seeded: Seeded) -> None:
    token = token_of(engine, [Grant(Role.STAFF)])
    with served(app) as address:
        api = client.CopBridge(address, token)
        bay = next(each for each in api.communities(region="BAY") if each.id == str(seeded.communities[BAY]))
        people = {each.name: each for each in api.memberships(bay.id, role="participant")}
        mei = people["Mei Tanaka"]
        told = api.explanation(mei.id)
        assert told["minutes"] == mei.standing.minutes > 0
        made = api.adjust(mei.id, 30, next(iter(told["by_component"])), "A mistake of ours.")
        assert api.undo(made.id, "It was none.").state == "undone"
        all_and_more = -told["minutes"] - 1
        with pytest.raises(client.Problem, match="less than nothing"):
            api.adjust(mei.id, all_and_more, next(iter(told["by_component"])), "A mistake of ours.")
        api.adjust(mei.id, all_and_more, next(iter(told["by_component"])), "It is meant.", below_zero=True)
        with pytest.raises(client.Problem) as refused:
            api.adjust(mei.id, 30, "no-such-component", "A mistake of ours.")
        assert refused.value.type == "urn:copbridge:problem:refused"
        with pytest.raises(client.Problem, match="token"):
            next(client.CopBridge(address, "cbt_no-such-token").communities())
        api.http.close()


def test_the_document_is_served_to_everybody_as_it_is_committed(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/openapi.json")
    assert document.written(answer.get_json()) == document.COMMITTED.read_text()
    again = app.test_client().get("/api/v1/openapi.json", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_nothing_of_the_library_is_served_beside_it(app: Flask) -> None:
    assert isinstance(app, OpenAPI)
    for path in ("/openapi", "/openapi/", "/openapi/openapi.json", "/openapi/swagger"):
        assert app.test_client().get(path).status_code == 404
    # Pages' errors stay pages.
    assert app.test_client().get("/nothing").mimetype == "text/html"


def test_a_database_that_is_away_is_said(settings: Settings, engine: Engine) -> None:
    token = token_of(engine, [Grant(Role.STAFF)])
    with application(settings) as app:
        api = Api.of(app, token)
        assert api.get("/token").status_code == 200
        here = app.extensions["copbridge"].engine
        here.dispose()
        away = here.url.set(host="127.0.0.1", port=1, query={})
        old: Context = app.extensions[EXTENSION]
        gone = make_engine(away.render_as_string(hide_password=False))
        app.extensions[EXTENSION] = Context(old.settings, gone, old.redis, old.clock)
        found = problem(api.get("/token"), 503, "unavailable")
        assert found["title"]
        assert api.get("/token").headers["Retry-After"]
        gone.dispose()


def test_a_failure_of_ours_is_a_problem_without_its_words(settings: Settings, engine: Engine) -> None:
    token = token_of(engine, [Grant(Role.STAFF)])
    with application(settings) as app:
        secret = seed.SITE_NAME

        def broken(**_: Any) -> str:
            raise ValueError(secret)

        app.view_functions["api.token"] = broken
        found = problem(Api.of(app, token).get("/token"), 500, "failed")
        assert secret not in str(found)
