"""Every route of the API as nobody, as somebody without a role, as every role; in scope, out of scope and unknown;
with the scope, with another one, revoked and expired."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from records import api_tokens
from records.actor import SYSTEM, Grant, Role, Scope
from records.api_tokens import ApiScope
from records.models import ApiToken, InboxItem, SessionRow, uuid7
from records.settings import Settings
from service.permissions import DECISIONS, ByToken, Door
from tests.support import seed
from tests.support.api import EVERYTHING, Api, problem, token_of
from tests.support.seed import BAY, LA, Seeded
from tests.support.web import application

PEOPLE = dict.fromkeys(Role, 200) | {Role.IT: 403}
# What is sent lacks what every write needs: it gets as far as its body.
RECORDS = dict.fromkeys(Role, 403) | dict.fromkeys((Role.PROGRAM_ADMIN, Role.STAFF, Role.FACILITATOR), 422)
DECIDES = RECORDS | {Role.FACILITATOR: 403}
MACHINE = dict.fromkeys(Role, 403) | dict.fromkeys((Role.IT, Role.PROGRAM_ADMIN), 200)
# What each route answers each role whose grant reaches everything.
EXPECTED: dict[tuple[str, str], dict[Role, int]] = {
    ("GET", "api.token"): dict.fromkeys(Role, 200),
    ("GET", "api.communities"): dict.fromkeys(Role, 200),
    ("GET", "api.community"): dict.fromkeys(Role, 200),
    ("GET", "api.standings"): dict.fromkeys(Role, 200),
    ("GET", "api.community_standing"): dict.fromkeys(Role, 200),
    ("GET", "api.memberships"): PEOPLE,
    ("GET", "api.membership"): PEOPLE,
    ("GET", "api.membership_standing"): PEOPLE,
    ("GET", "api.explanation"): PEOPLE,
    ("POST", "api.find_people"): {role: 422 if answer == 200 else answer for role, answer in PEOPLE.items()},
    ("GET", "api.person"): PEOPLE,
    ("GET", "api.sessions"): PEOPLE,
    ("GET", "api.session"): PEOPLE,
    ("POST", "api.plan_session"): RECORDS,
    ("POST", "api.move_session"): RECORDS,
    ("POST", "api.cancel_session"): RECORDS,
    ("GET", "api.attendance"): PEOPLE,
    ("POST", "api.record_attendance"): RECORDS,
    ("GET", "api.adjustments"): PEOPLE,
    ("POST", "api.adjust"): DECIDES,
    ("POST", "api.undo_adjustment"): DECIDES,
    ("GET", "api.sites"): MACHINE,
    ("GET", "api.site"): MACHINE,
    ("GET", "api.events"): MACHINE,
    ("GET", "api.event"): MACHINE,
    ("GET", "api.jobs"): MACHINE,
    ("GET", "api.job"): {role: 404 if answer == 200 else answer for role, answer in MACHINE.items()},
    ("GET", "api.periodic_jobs"): MACHINE,
}
# About the whole installation: to who reaches less of it, they don't exist.
UNLIMITED = {"api.sites", "api.site", "api.events", "api.event", "api.periodic_jobs"}
# Name something that lies in a scope; and a body that would be taken.
SCOPED: dict[str, Any] = {
    **dict.fromkeys(("api.community", "api.community_standing", "api.memberships", "api.membership")),
    **dict.fromkeys(("api.membership_standing", "api.explanation", "api.person", "api.sessions", "api.session")),
    **dict.fromkeys(("api.attendance", "api.adjustments")),
    "api.plan_session": {
        **{"title": "A", "code": "A1", "starts_at": "2026-03-02T10:00:00Z", "mode": "virtual", "planned_minutes": 60},
    },
    "api.move_session": {"starts_at": "2026-03-02T10:00:00Z"},
    "api.cancel_session": {"reason": "ill"},
    "api.record_attendance": {"person": str(uuid7()), "what": "present", "reason": "there"},
    "api.adjust": {"minutes": 30, "component": "online", "reason": "a mistake"},
    "api.undo_adjustment": {"reason": "none"},
}


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


class Known:
    """Ids of things in a community that exists, or in none."""

    def __init__(self, engine: Engine, seeded: Seeded, course: int | None, user: int = 0) -> None:
        self.values: dict[str, Any] = {"event_id": 10**12}
        if course is None:
            return
        with Session(engine) as session, session.begin():
            community = seeded.communities[course]
            of_community = select(SessionRow.id).where(SessionRow.community_id == community).limit(1)
            meeting = session.scalars(of_community).first()
            if meeting is None:
                meeting = uuid7()
                session.add(
                    SessionRow(
                        **{"id": meeting, "community_id": community, "code": "S1", "title": "S1"},
                        **{"starts_at": seed.START, "timezone": "America/Los_Angeles", "mode": "virtual"},
                    )
                )
            event = session.scalars(select(InboxItem.id).limit(1)).one()
        self.values = {
            "community_id": community,
            "membership_id": seed.membership(engine, seeded, user, course),
            "person_id": seeded.persons[user],
            "session_id": meeting,
            "site_id": seeded.site,
            "event_id": event,
        }

    def path(self, app: Flask, endpoint: str) -> str:
        rule = next(rule for rule in app.url_map.iter_rules() if rule.endpoint == endpoint)
        wanted = {name: self.values.get(name, uuid7()) for name in rule.arguments}
        with app.test_request_context():
            return str(app.url_for(endpoint, **wanted)).removeprefix("/api/v1")


def ask(api: Api, method: str, path: str, body: Any = None) -> int:
    answer = api.get(path) if method == "GET" else api.post(path, body or {})
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json"
    return answer.status_code


def test_every_route_has_its_expectation(app: Flask) -> None:
    routes = {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        if DECISIONS[rule.endpoint] is Door.TOKEN or isinstance(DECISIONS[rule.endpoint], ByToken)
        for method in (rule.methods or set()) - {"HEAD"}
    }
    assert routes == set(EXPECTED)


def test_nobody_and_whoever_is_signed_in_in_a_browser(app: Flask, engine: Engine, seeded: Seeded) -> None:
    known = Known(engine, seeded, BAY, 11)
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.PROGRAM_ADMIN)])
        for method, endpoint in EXPECTED:
            path = f"/api/v1{known.path(app, endpoint)}"
            for headers in ({}, {"Authorization": "Basic cm9iaW46"}, {"Authorization": "Bearer "}):
                answer = client.open(path, method=method, json={} if method == "POST" else None, headers=headers)
                problem(answer, 401, "no-token")
                assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            answer = client.open(path, method=method, headers={"Authorization": "Bearer cbt_no-such-token"})
            problem(answer, 401, "token-refused")


def test_a_token_opens_no_page(app: Flask, engine: Engine) -> None:
    token = token_of(engine, [Grant(Role.PROGRAM_ADMIN)])
    with app.test_client() as client:
        assert client.get("/", headers={"Authorization": f"Bearer {token}"}).status_code == 303
        assert client.get("/tokens", headers={"Authorization": f"Bearer {token}"}).status_code == 303


def test_without_a_role(app: Flask, engine: Engine, seeded: Seeded) -> None:
    known, api = Known(engine, seeded, BAY, 11), Api.of(app, token_of(engine, []))
    for method, endpoint in EXPECTED:
        expected = 200 if endpoint == "api.token" else 403
        assert ask(api, method, known.path(app, endpoint)) == expected, endpoint


def test_roles_in_every_scope_that_reaches(app: Flask, engine: Engine, seeded: Seeded) -> None:
    known = Known(engine, seeded, BAY, 11)
    reaching = {
        "all": (Scope.ALL, ""),
        "region": (Scope.REGION, f"{seed.PROGRAM}/BAY"),
        "community": (Scope.COMMUNITY, str(seeded.communities[BAY])),
    }
    for role, (kind, (scope, name)) in product(Role, reaching.items()):
        api = Api.of(app, token_of(engine, [Grant(role, scope, name)], email=f"{role}-{kind}@example.org"))
        for (method, endpoint), answers in EXPECTED.items():
            expected = answers[role]
            if endpoint in UNLIMITED and scope is not Scope.ALL and expected == 200:
                expected = 404
            assert ask(api, method, known.path(app, endpoint)) == expected, (role, kind, endpoint)


def test_out_of_scope_is_answered_like_unknown(app: Flask, engine: Engine, seeded: Seeded) -> None:
    outside, unknown = Known(engine, seeded, LA, 31), Known(engine, seeded, None)
    elsewhere = {
        "program": (Scope.PROGRAM, "another-program"),
        "region": (Scope.REGION, f"{seed.PROGRAM}/BAY"),
        "community": (Scope.COMMUNITY, str(seeded.communities[BAY])),
    }
    for role, (kind, (scope, name)) in product(Role, elsewhere.items()):
        api = Api.of(app, token_of(engine, [Grant(role, scope, name)], email=f"{role}-{kind}@example.org"))
        for endpoint, body in SCOPED.items():
            method = "GET" if body is None else "POST"
            expected = 403 if EXPECTED[method, endpoint][role] == 403 else 404
            for ids in (outside, unknown):
                assert ask(api, method, ids.path(app, endpoint), body) == expected, (role, kind, endpoint)


def test_lists_and_searches_hold_nothing_of_other_scopes(app: Flask, engine: Engine, seeded: Seeded) -> None:
    api = Api.of(app, token_of(engine, [Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")]))
    bay = str(seeded.communities[BAY])
    for path in ("/communities", "/standings"):
        answer = api.get(path).get_data(as_text=True)
        assert str(seeded.communities[LA]) in answer
        assert bay not in answer
    assert api.post("/people/search", {"key": "E0011"}).get_json() == {"items": []}
    assert api.get(f"/people/{seeded.persons[11]}").status_code == 404


def test_the_wrong_scope_of_a_token_opens_nothing(app: Flask, engine: Engine, seeded: Seeded) -> None:
    known = Known(engine, seeded, BAY, 11)
    wanted = {name: each.scope for name, each in DECISIONS.items() if isinstance(each, ByToken)}
    for scope in ApiScope:
        others = [each for each in EVERYTHING if each is not scope]
        api = Api.of(app, token_of(engine, [Grant(Role.PROGRAM_ADMIN)], others, f"{scope.name}@example.org"))
        for method, endpoint in EXPECTED:
            if wanted.get(endpoint) is scope:
                path = known.path(app, endpoint)
                answer = api.get(path) if method == "GET" else api.post(path, {})
                found = problem(answer, 403, "scope-missing")
                assert f"`{scope}`" in found["detail"]


def test_a_revoked_an_ended_and_a_foreign_token(app: Flask, engine: Engine) -> None:
    now = datetime.now(UTC)
    revoked, ended = (token_of(engine, [Grant(Role.STAFF)], email=f"{n}@example.org") for n in ("a", "b"))
    with Session(engine) as session, session.begin():
        ids: list[UUID] = [row.id for row in reversed(api_tokens.listed(session))]
        assert api_tokens.revoke(session, SYSTEM, ids[0], now)
        assert not api_tokens.revoke(session, SYSTEM, ids[0], now)
        session.execute(update(ApiToken).where(ApiToken.id == ids[1]).values(expires_at=now - timedelta(seconds=1)))
    for token in (revoked, ended, revoked.removeprefix("cbt_"), "cbt_", "cbt_é"):
        with app.test_client() as client:
            headers = {"Authorization": f"Bearer {token}".encode().decode("latin-1")}
            problem(client.get("/api/v1/token", headers=headers), 401, "token-refused")
