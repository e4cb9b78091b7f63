"""Every route as every role, as somebody without a role, and as nobody; in scope, out of scope, and unknown."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from records import users
from records.actor import CLI, Actor, Grant, Role, Scope
from records.attendance_reports import upload
from records.models import Community, Membership, Nudge, NudgeMessage, SessionRow, uuid7
from records.settings import Settings
from service import access
from service.permissions import DECISIONS, ByToken, Door, Permission
from tests.integration.access_expected import EXPECTED, SCOPED, SIGNED_OUT, SIGNED_OUT_GET, UNLIMITED
from tests.support import readings, seed
from tests.support.seed import Seeded
from tests.support.web import application

TOKEN = "no-such-token"
SCOPES = {
    "all": (Scope.ALL, ""),
    "program": (Scope.PROGRAM, seed.PROGRAM),
    "region": (Scope.REGION, f"{seed.PROGRAM}/BAY"),
}


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


def opened_by_token(endpoint: str) -> bool:
    return DECISIONS[endpoint] is Door.TOKEN or isinstance(DECISIONS[endpoint], ByToken)


def routes(app: Flask) -> set[tuple[str, str]]:
    return {
        (method, rule.endpoint)
        for rule in app.url_map.iter_rules()
        # What is opened by tokens has a table of its own: test_api_access.py.
        if not opened_by_token(rule.endpoint)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def meeting_of(app: Flask, community: UUID) -> UUID:
    """The id of a session of a community, which is made where it has none; of an unknown community, an unknown id."""
    with Session(app.extensions["copbridge"].engine) as session, session.begin():
        if session.get(Community, community) is None:
            return uuid7()
        of_community = select(SessionRow.id).where(SessionRow.community_id == community).order_by(SessionRow.id)
        found = session.scalars(of_community.limit(1)).one_or_none()
        if found is None:
            found = uuid7()
            session.add(
                SessionRow(
                    id=found,
                    community_id=community,
                    code="S1",
                    title="Face-to-face session 1",
                    starts_at=seed.START,
                    timezone="America/Los_Angeles",
                    mode="face_to_face",
                )
            )
    return found


def report_of(app: Flask, community: UUID) -> UUID:
    """The id of a file of attendance that was uploaded in a community; of an unknown community, an unknown id."""
    with Session(app.extensions["copbridge"].engine) as session, session.begin():
        if session.get(Community, community) is None:
            return uuid7()
        kept = upload(
            session, b"E-mail,Minutes\n", name="a.csv", kind="table", community_id=community, options={}, by=CLI
        )
        return kept.report.id


def nudge_of(app: Flask, community: UUID) -> UUID:
    """The id of a message to somebody in a community; of an unknown community, an unknown id."""
    with Session(app.extensions["copbridge"].engine) as session, session.begin():
        of_community = select(Membership.id).where(Membership.community_id == community).order_by(Membership.id)
        member = session.scalars(of_community.limit(1)).one_or_none()
        if member is None:
            return uuid7()
        nudge = Nudge(
            **{"id": uuid7(), "channel": "mail", "template": "own", "subject": "Hello", "body": "Hello", "asked": {}},
            **{"actor": "cli", "status": "done", "due_at": seed.START, "finished_at": seed.START},
        )
        session.add(nudge)
        session.flush()
        session.add(NudgeMessage(id=uuid7(), nudge_id=nudge.id, membership_id=member, status="sent"))
        return nudge.id


def user_of(app: Flask, community: UUID) -> UUID:
    """The id of a facilitator of a community; of an unknown community, an unknown id."""
    with Session(app.extensions["copbridge"].engine) as session, session.begin():
        if session.get(Community, community) is None:
            return uuid7()
        grant, email = Grant(Role.FACILITATOR, Scope.COMMUNITY, str(community)), f"{community}@example.org"
        return users.find_user(session, email) or users.create_user(session, CLI, email, "Dana", [grant])


def membership_of(app: Flask, community: UUID, person: UUID) -> UUID:
    """The id of a person's membership in a community; of an unknown one, an unknown id."""
    wanted = select(Membership.id).where(Membership.community_id == community, Membership.person_id == person)
    with Session(app.extensions["copbridge"].engine) as session:
        return session.scalar(wanted) or uuid7()


@cache
def values_of(app: Flask, community: UUID, person: UUID) -> dict[str, Any]:
    """What stands in the addresses of routes about this community or person."""
    return {
        "token": TOKEN,
        "code": TOKEN,
        "slug": "nowhere",
        "community_id": community,
        "person_id": person,
        "other_id": person,
        "decision_id": uuid7(),
        "token_id": uuid7(),
        "session_id": meeting_of(app, community),
        "report_id": report_of(app, community),
        "kind": "csv",
        "item_id": 10**9,
        "number": 1,
        "job_id": uuid7(),
        "program": "no-such-program",
        "closing_id": uuid7(),
        "binding_id": uuid7(),
        "course_id": 9_999,
        "site_id": uuid7(),
        "batch_id": uuid7(),
        "membership_id": membership_of(app, community, person),
        "subject_kind": "community",
        "subject_id": community,
        "user_id": user_of(app, community),
        "nudge_id": nudge_of(app, community),
    }


def path_of(app: Flask, endpoint: str, community: UUID, person: UUID) -> str:
    """The address of a route, about this community or person."""
    filename = "css/bootstrap.min.css" if endpoint.startswith("bootstrap") else "css/base.css"
    values = values_of(app, community, person) | {"filename": filename}
    wanted = next(app.url_map.iter_rules(endpoint)).arguments
    given = {name: value for name, value in values.items() if name in wanted}
    return app.url_map.bind("localhost").build(endpoint, given)


def ask(client: FlaskClient, method: str, path: str) -> tuple[int, str]:
    with client.open(path, method=method) as response:
        return response.status_code, response.get_data().decode(errors="replace")


def stable(page: str) -> str:
    """A page without what differs at every load."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", page)


def test_every_route_has_its_expectation(app: Flask) -> None:
    assert routes(app) == set(EXPECTED)


def test_nobody(app: Flask, seeded: Seeded) -> None:
    with app.test_client() as client:
        for (method, endpoint), (expected, _, _) in EXPECTED.items():
            path = path_of(app, endpoint, seeded.communities[seed.BAY], seeded.persons[11])
            assert ask(client, method, path)[0] == expected, (method, endpoint)


def test_nobody_learns_which_ids_there_are(app: Flask, seeded: Seeded) -> None:
    with app.test_client() as client:
        for endpoint in SCOPED:
            known = path_of(app, endpoint, seeded.communities[seed.BAY], seeded.persons[11])
            unknown = path_of(app, endpoint, uuid7(), uuid7())
            assert ask(client, "GET", known)[0] == ask(client, "GET", unknown)[0] == SIGNED_OUT_GET


def test_without_a_role(app: Flask, engine: Engine, seeded: Seeded) -> None:
    with app.test_client() as client:
        seed.sign_in(client, engine, [])
        for (method, endpoint), (_, expected, _) in EXPECTED.items():
            path = path_of(app, endpoint, seeded.communities[seed.BAY], seeded.persons[11])
            assert ask(client, method, path)[0] == expected, (method, endpoint)


@pytest.mark.parametrize("role", Role)
def test_roles_in_every_scope_that_reaches(app: Flask, engine: Engine, seeded: Seeded, role: Role) -> None:
    bay = seeded.communities[seed.BAY]
    for kind, (scope, name) in {**SCOPES, "community": (Scope.COMMUNITY, str(bay))}.items():
        with app.test_client() as client:
            seed.sign_in(client, engine, [Grant(role, scope, name)], f"{kind}@example.org")
            for (method, endpoint), (_, _, expected) in EXPECTED.items():
                # Where a scope reaches matters to what is read of something that lies in one; permissions, and the
                # token that a form lacks, are looked at before, and the narrowest scope is asked for everything.
                if kind in ("program", "region") and endpoint not in (*SCOPED, *UNLIMITED):
                    continue
                path = path_of(app, endpoint, bay, seeded.persons[11])
                limited = kind != "all" and endpoint in UNLIMITED and expected[role] != 403
                assert ask(client, method, path)[0] == (404 if limited else expected[role]), (kind, method, endpoint)


@pytest.mark.parametrize("role", Role)
def test_out_of_scope_is_answered_like_unknown(app: Flask, engine: Engine, seeded: Seeded, role: Role) -> None:
    la, in_la = seeded.communities[seed.LA], seeded.persons[31]
    elsewhere = {
        "program": (Scope.PROGRAM, "another-program"),
        "region": SCOPES["region"],
        "region of another program": (Scope.REGION, "another-program/LA"),
        "community": (Scope.COMMUNITY, str(seeded.communities[seed.BAY])),
        "unknown community": (Scope.COMMUNITY, str(uuid7())),
    }
    nowhere, nobody = uuid7(), uuid7()
    for number, (kind, (scope, name)) in enumerate(elsewhere.items()):
        with app.test_client() as client:
            seed.sign_in(client, engine, [Grant(role, scope, name)], f"{role}{number}@example.org")
            for endpoint in SCOPED:
                outside = ask(client, "GET", path_of(app, endpoint, la, in_la))
                unknown = ask(client, "GET", path_of(app, endpoint, nowhere, nobody))
                # Who may see none of them at all is told so, whatever the id.
                expected = 403 if EXPECTED["GET", endpoint][2][role] == 403 else 404
                assert outside[0] == unknown[0] == expected, (kind, endpoint)
                assert stable(outside[1]) == stable(unknown[1]), (kind, endpoint)


def test_board_shows_what_the_scope_covers_and_nothing_else(app: Flask, engine: Engine, seeded: Seeded) -> None:
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")])
        page = ask(client, "GET", "/")[1]
    assert str(seeded.communities[seed.LA]) in page
    assert str(seeded.communities[seed.BAY]) not in page
    assert "Bay Area" not in page
    assert "EBRI" not in page


def test_who_may_not_see_people_sees_the_numbers_without_a_way_in(app: Flask, engine: Engine, seeded: Seeded) -> None:
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.IT), Grant(Role.STAFF, Scope.REGION, f"{seed.PROGRAM}/LA")])
        page = ask(client, "GET", "/")[1]
    assert "Bay Area" in page
    assert f"/communities/{seeded.communities[seed.LA]}" in page
    assert f"/communities/{seeded.communities[seed.BAY]}" not in page


def test_person_shows_only_communities_in_scope(app: Flask, engine: Engine, seeded: Seeded) -> None:
    # In both communities, asked for by somebody who covers one.
    seed.take_in(engine, seeded.site, [readings.enrolment(11, seed.LA)])
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.FACILITATOR, Scope.COMMUNITY, str(seeded.communities[seed.LA]))])
        page = ask(client, "GET", f"/people/{seeded.persons[11]}")[1]
    assert str(seeded.communities[seed.LA]) in page
    assert str(seeded.communities[seed.BAY]) not in page


@pytest.mark.parametrize(("role", "sees"), [(role, role in {Role.IT, Role.PROGRAM_ADMIN}) for role in Role])
def test_the_inbox_is_for_those_who_look_after_it(
    app: Flask, engine: Engine, seeded: Seeded, role: Role, sees: bool
) -> None:
    # Its module is unknown: it waits.
    seed.take_in(engine, seeded.site, [readings.completion(11, 999, seed.BAY)])
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(role)])
        assert ("Events in the inbox" in ask(client, "GET", "/")[1]) is sees


def test_a_permission_reaches_no_further_than_the_grants_that_carry_it() -> None:
    somebody = access.within(
        Actor.user(uuid7(), (Grant(Role.STAFF), Grant(Role.IT, Scope.PROGRAM, seed.PROGRAM))),
        Permission.SEE_INTAKE,
    )
    assert somebody.grants == (Grant(Role.IT, Scope.PROGRAM, seed.PROGRAM),)


def test_htmx_is_told_to_sign_in_again(app: Flask) -> None:
    with app.test_client() as client:
        response = client.get("/board/live", headers={"HX-Request": "true"})
        assert (response.status_code, response.headers["HX-Refresh"]) == (SIGNED_OUT, "true")


def test_routes_that_change_something_want_the_form_token(app: Flask, engine: Engine) -> None:
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.IT)])
        assert ask(client, "POST", "/sign-out")[0] == 400
        assert ask(client, "GET", "/")[0] == 200
