"""A client of the REST API for tests: a token of somebody new, requests through Flask's test client."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from records import api_tokens, users
from records.actor import SYSTEM, Actor, Grant
from records.api_tokens import ApiScope

EVERYTHING = tuple(ApiScope)


def token_of(
    engine: Engine,
    grants: Sequence[Grant],
    scopes: Collection[str] = EVERYTHING,
    email: str = "robin@example.org",
    days: int = 1,
) -> str:
    """A token of somebody new with these grants."""
    now = datetime.now(UTC)
    with Session(engine) as session, session.begin():
        user_id = users.create_user(session, SYSTEM, email, "Robin Ellery", grants)
        return api_tokens.make(session, Actor.user(user_id, tuple(grants)), "tests", scopes, days, now)[1]


@dataclass(frozen=True)
class Api:
    """Requests with a token, to addresses below /api/v1."""

    client: FlaskClient
    token: str

    @classmethod
    def of(cls, app: Flask, token: str) -> "Api":
        """Through a client of its own."""
        return cls(app.test_client(), token)

    def get(self, path: str, **headers: str) -> TestResponse:
        """Read something. Underscores of headers' names stand for hyphens."""
        return self.client.get(f"/api/v1{path}", headers=self._headers(headers))

    def post(self, path: str, body: Any, **headers: str) -> TestResponse:
        """Write something."""
        return self.client.post(f"/api/v1{path}", json=body, headers=self._headers(headers))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", **{name.replace("_", "-"): v for name, v in more.items()}}


def problem(answer: TestResponse, status: int, kind: str) -> dict[str, Any]:
    """The problem that an answer is; asserts that it is one, of this kind."""
    assert (answer.status_code, answer.mimetype) == (status, "application/problem+json"), answer.get_data(as_text=True)
    found: dict[str, Any] = answer.get_json()
    assert (found["status"], found["type"]) == (status, f"urn:copbridge:problem:{kind}")
    assert found["correlation_id"] == answer.headers["X-Correlation-Id"]
    assert found["detail"]
    return found
