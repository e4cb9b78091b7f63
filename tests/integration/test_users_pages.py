"""The pages of users: who gives what to whom, invitations, switching off; what the records hold afterwards."""

import re
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from records import api_tokens, granting, sign_ins, users
from records.actor import CLI, SYSTEM, Actor, Grant, Role, Scope
from records.granting import Fault, GrantError
from records.mail import Kind
from records.models import ApiToken, AuditEntry, Mail, SetupLink, SignIn, User, uuid7
from records.secrets import unseal
from records.settings import Settings
from tests.support import seed
from tests.support.cli import Cli
from tests.support.seed import BAY, LA, PROGRAM, Seeded
from tests.support.web import application

BAY_REGION = (Scope.REGION, f"{PROGRAM}/BAY")
NOW = datetime.now(UTC)


@pytest.fixture
def app(settings: Settings, seeded: Seeded) -> Iterator[Flask]:
    assert seeded
    with application(settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_sender": "b@example.org"})) as made:
        yield made


def signed(app: Flask, engine: Engine, *grants: Grant, email: str = "robin@example.org") -> FlaskClient:
    client = app.test_client()
    seed.sign_in(client, engine, list(grants), email)
    return client


def send(client: FlaskClient, page: str, path: str, **form: object) -> TestResponse:
    """Post a form of a page."""
    html = client.get(page).get_data(as_text=True)
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found, html
    return client.post(path, data={"csrf_token": found[1], **form})


def invited(client: FlaskClient, email: str = "ana@example.org", **form: object) -> TestResponse:
    typed = {"email": email, "name": "Ana", "language": "en", "role": "staff", "scope": f"region:{PROGRAM}/BAY"}
    return send(client, "/users/new", "/users/new", **typed | form)


def make(engine: Engine, email: str, *grants: Grant) -> UUID:
    with Session(engine) as session, session.begin():
        return users.create_user(session, SYSTEM, email, f"Name of {email}", grants)


def held(engine: Engine, email: str) -> set[tuple[str, str]]:
    with Session(engine) as session:
        user_id = users.find_user(session, email)
        return {(str(g.role), g.scope) for g in sign_ins.grants_of(session, user_id)} if user_id else set()


def audited(engine: Engine, action: str) -> list[AuditEntry]:
    with Session(engine) as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))


def test_an_invitation_is_mailed_in_the_readers_language(app: Flask, engine: Engine, settings: Settings) -> None:
    client = signed(app, engine, Grant(Role.PROGRAM_ADMIN, *BAY_REGION))
    answer = invited(client, language="es")
    assert answer.status_code == 303
    assert held(engine, "ana@example.org") == {("staff", f"{PROGRAM}/BAY")}
    with Session(engine) as session:
        mail = session.scalars(select(Mail)).one()
        text = unseal(mail.content or b"", settings.encryption_key)
        user = session.scalars(select(User).where(User.email == "ana@example.org")).one()
    assert (mail.kind, mail.user_id, user.language) == (Kind.INVITATION, user.id, "es")
    token = re.search(r"/set-up/([\w-]+)", text)
    assert token
    with Session(engine) as session:
        assert users.setup_email(session, token[1], NOW) == "ana@example.org"
    shown = client.get(answer.headers["Location"]).get_data(as_text=True)
    assert "on its way" in shown
    assert token[1] not in shown
    (told,) = [entry for entry in audited(engine, "user.created") if entry.actor != "system"]
    assert told.after == {"grants": [{"role": "staff", "scope_kind": "region", "scope": f"{PROGRAM}/BAY"}]}
    # The same address in other letters is the same user, who gets the role and is told.
    assert invited(client, "ANA@Example.org", role="auditor").status_code == 303
    assert held(engine, "ana@example.org") == {("staff", f"{PROGRAM}/BAY"), ("auditor", f"{PROGRAM}/BAY")}
    with Session(engine) as session:
        assert [m.kind for m in session.scalars(select(Mail).order_by(Mail.id))] == ["invitation", "granted"]


def test_without_mail_the_link_is_shown_once_and_to_nobody_whom_it_lets_in_further(
    settings: Settings, engine: Engine, seeded: Seeded
) -> None:
    assert seeded
    with application(settings) as bare:
        admin = signed(bare, engine, Grant(Role.PROGRAM_ADMIN))
        page = invited(admin).get_data(as_text=True)
        token = re.search(r"/set-up/([\w-]+)</textarea>", page)
        assert token
        with Session(engine) as session:
            ana = users.find_user(session, "ana@example.org")
            assert users.setup_email(session, token[1], NOW) == "ana@example.org"
            assert session.scalars(select(Mail)).all() == []
        # IT looks after the account, and would see people's hours with her link.
        it = signed(bare, engine, Grant(Role.IT), email="it@example.org")
        refused = send(it, f"/users/{ana}", f"/users/{ana}/link")
        assert (refused.status_code, "/set-up/" in refused.get_data(as_text=True)) == (400, False)
        with Session(engine) as session:
            assert users.setup_email(session, token[1], NOW)


@pytest.mark.parametrize(
    ("own", "role", "scope", "expected"),
    [
        (Grant(Role.PROGRAM_ADMIN, *BAY_REGION), "staff", f"region:{PROGRAM}/BAY", 303),
        (Grant(Role.PROGRAM_ADMIN, *BAY_REGION), "program_admin", f"region:{PROGRAM}/BAY", 303),
        (Grant(Role.PROGRAM_ADMIN, *BAY_REGION), "staff", "community:bay", 303),
        (Grant(Role.PROGRAM_ADMIN, *BAY_REGION), "staff", "community:la", 400),
        (Grant(Role.PROGRAM_ADMIN, *BAY_REGION), "staff", f"region:{PROGRAM}/LA", 400),
        (Grant(Role.PROGRAM_ADMIN, *BAY_REGION), "staff", f"program:{PROGRAM}", 400),
        (Grant(Role.PROGRAM_ADMIN, *BAY_REGION), "staff", "all", 400),
        (Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, PROGRAM), "facilitator", f"region:{PROGRAM}/LA", 303),
        (Grant(Role.PROGRAM_ADMIN, Scope.PROGRAM, PROGRAM), "staff", "program:another", 400),
        (Grant(Role.PROGRAM_ADMIN), "it", "all", 400),
        (Grant(Role.IT), "it", "all", 303),
        (Grant(Role.IT), "staff", f"region:{PROGRAM}/BAY", 400),
        (Grant(Role.IT), "auditor", "all", 400),
        (Grant(Role.IT), "program_admin", "all", 400),
        (Grant(Role.PROGRAM_ADMIN), "staff", "community:none", 400),
        (Grant(Role.PROGRAM_ADMIN), "boss", "all", 400),
        (Grant(Role.PROGRAM_ADMIN), "staff", "region:no-region", 400),
    ],
)
def test_nobody_gives_what_isnt_his_or_hers(
    bench_app: tuple[Flask, Engine, Seeded], own: Grant, role: str, scope: str, expected: int
) -> None:
    app, engine, seeded = bench_app
    email = f"{uuid7()}@example.org"
    for name, community in (("bay", seeded.communities[BAY]), ("la", seeded.communities[LA]), ("none", uuid7())):
        scope = scope.replace(f"community:{name}", f"community:{community}")
    client = signed(app, engine, own, email=f"{uuid7()}@example.com")
    assert invited(client, email, role=role, scope=scope).status_code == expected
    assert held(engine, email) == ({(role, scope.partition(":")[2])} if expected == 303 else set())


@pytest.fixture(scope="module")
def bench_app(request: pytest.FixtureRequest) -> Iterator[tuple[Flask, Engine, Seeded]]:
    """One filled database and application for all of the table above."""
    from records.database import make_engine
    from tests.support.settings import make_settings

    servers = request.getfixturevalue("servers")
    source, seeded = request.getfixturevalue("seeded_template")
    database = servers.create(f"{source}_users", source)
    settings = make_settings(database, servers.redis_url)
    engine = make_engine(database.url)
    with application(settings.model_copy(update={"smtp_host": "127.0.0.1", "smtp_sender": "b@example.org"})) as made:
        yield made, engine, seeded
    engine.dispose()
    servers.drop(f"{source}_users")


def test_switching_off_ends_everything_at_once_and_can_be_undone(app: Flask, engine: Engine) -> None:
    ana = make(engine, "ana@example.org", Grant(Role.STAFF, *BAY_REGION))
    with Session(engine) as session, session.begin():
        cookie = sign_ins.begin(session, ana, "password", now=NOW, hours=1)
        link = users.make_setup_link(session, CLI, ana, now=NOW, hours=1)
        api_tokens.make(session, Actor.user(ana, ()), "sheet", [api_tokens.ApiScope.READ], 3, NOW)
    hers = app.test_client()
    hers.set_cookie("copbridge", cookie)
    assert hers.get("/account").status_code == 200
    admin = signed(app, engine, Grant(Role.PROGRAM_ADMIN, *BAY_REGION))
    answer = send(admin, f"/users/{ana}", f"/users/{ana}/off")
    assert answer.status_code == 303
    assert hers.get("/account").status_code == 303
    with Session(engine) as session:
        assert session.scalars(select(SignIn).where(SignIn.user_id == ana, SignIn.ended_at.is_(None))).all() == []
        assert (
            session.scalars(select(SetupLink).where(SetupLink.user_id == ana, SetupLink.used_at.is_(None))).all() == []
        )
        assert (
            session.scalars(select(ApiToken).where(ApiToken.user_id == ana, ApiToken.revoked_at.is_(None))).all() == []
        )
        assert users.setup_email(session, link, NOW) is None
    (told,) = audited(engine, "user.switched_off")
    assert (told.subject, told.before) == (str(ana), {"active": True})
    again = send(admin, f"/users/{ana}", f"/users/{ana}/on")
    assert again.status_code == 303
    assert hers.get("/account").status_code == 303
    assert held(engine, "ana@example.org") == {("staff", f"{PROGRAM}/BAY")}


def test_the_last_without_limits_stays_and_nobody_acts_on_the_own_account(app: Flask, engine: Engine) -> None:
    client = signed(app, engine, Grant(Role.PROGRAM_ADMIN), Grant(Role.IT))
    with Session(engine) as session:
        me = users.find_user(session, "robin@example.org")
        assert me
    for path, form in (
        ("off", {}),
        ("roles/withdraw", {"role": "it", "scope": "all"}),
        ("roles", {"role": "it", "scope": "all"}),
    ):
        answer = send(client, f"/users/{me}", f"/users/{me}/{path}", **form)
        assert answer.status_code == 400
        assert "own account" in answer.get_data(as_text=True)
    other = make(engine, "other@example.org", Grant(Role.IT, *BAY_REGION))
    second = signed(app, engine, Grant(Role.IT), email="second@example.org")
    # Of program administrators there is one; of IT there are two.
    refused = send(second, f"/users/{me}", f"/users/{me}/off")
    assert (refused.status_code, "Nobody else has this role everywhere" in refused.get_data(as_text=True)) == (
        400,
        True,
    )
    assert send(second, f"/users/{me}", f"/users/{me}/roles/withdraw", role="it", scope="all").status_code == 303
    assert held(engine, "robin@example.org") == {("program_admin", "")}
    assert send(second, f"/users/{other}", f"/users/{other}/off").status_code == 303


def test_two_who_take_each_other_away_at_once_leave_one(engine: Engine) -> None:
    pair = [make(engine, f"{n}@example.org", Grant(Role.IT)) for n in range(2)]
    ready = threading.Barrier(2)
    results: list[Fault | None] = []

    def act(mine: UUID, other: UUID) -> None:
        with Session(engine) as session:
            ready.wait()
            try:
                granting.switch_off(session, Actor.user(mine, (Grant(Role.IT),)), other, NOW)
                session.commit()
                results.append(None)
            except GrantError as err:
                results.append(err.fault)

    threads = [threading.Thread(target=act, args=(pair[n], pair[1 - n])) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == [None, Fault.LAST]


def test_a_limited_administrator_knows_only_who_works_in_the_scope(app: Flask, engine: Engine) -> None:
    mine = make(engine, "mine@example.org", Grant(Role.STAFF, *BAY_REGION))
    both = make(engine, "both@example.org", Grant(Role.STAFF, *BAY_REGION), Grant(Role.AUDITOR))
    far = make(engine, "far@example.org", Grant(Role.STAFF, Scope.REGION, f"{PROGRAM}/LA"))
    client = signed(app, engine, Grant(Role.PROGRAM_ADMIN, *BAY_REGION))
    listed = client.get("/users").get_data(as_text=True)
    assert ("mine@" in listed, "both@" in listed, "far@" in listed) == (True, True, False)
    assert "1 more elsewhere" in listed
    assert client.get(f"/users/{far}").status_code == client.get(f"/users/{uuid7()}").status_code == 404
    for path in ("off", "on", "link"):
        assert send(client, "/users/new", f"/users/{far}/{path}").status_code == 404
    # Who is more elsewhere isn't theirs to switch off or to let in; nor is that told.
    shown = client.get(f"/users/{both}").get_data(as_text=True)
    assert "Auditor" not in shown.partition("What was done")[2]
    assert send(client, f"/users/{both}", f"/users/{both}/off").status_code == 400
    assert send(client, f"/users/{both}", f"/users/{both}/link").status_code == 400
    withdrawn = send(
        client, f"/users/{mine}", f"/users/{mine}/roles/withdraw", role="staff", scope=f"region:{PROGRAM}/BAY"
    )
    assert (withdrawn.status_code, withdrawn.headers["Location"]) == (303, "/users")
    assert [entry.before for entry in audited(engine, "grant.withdrawn")] == [
        {"role": "staff", "scope_kind": "region", "scope": f"{PROGRAM}/BAY"}
    ]


def test_a_list_goes_on_by_name_forwards_and_backwards(app: Flask, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        for n in range(120):
            users.create_user(session, SYSTEM, f"u{n}@example.org", f"Twin {n // 2:03}", [Grant(Role.AUDITOR)])
    client = signed(app, engine, Grant(Role.PROGRAM_ADMIN))
    seen, path, back = [], "/users?role=auditor", []
    while path:
        html = client.get(path).get_data(as_text=True)
        seen.append(re.findall(r"u\d+@example\.org", html))
        after = re.search(r'rel="next" href="([^"]+)"', html)
        path = after[1].replace("&amp;", "&") if after else ""
    assert [len(page) for page in seen] == [50, 50, 20]
    assert len({email for page in seen for email in page}) == 120
    before = re.search(r'rel="prev" href="([^"]+)"', html)
    while before:
        html = client.get(before[1].replace("&amp;", "&")).get_data(as_text=True)
        back.append(re.findall(r"u\d+@example\.org", html))
        before = re.search(r'rel="prev" href="([^"]+)"', html)
    assert back == seen[-2::-1]
    assert re.findall(r"u\d+@example\.org", client.get("/users?q=u11@").get_data(as_text=True)) == ["u11@example.org"]
    assert "Nobody here is like that" in client.get("/users?q=100%25").get_data(as_text=True)


def test_facilitators_are_invited_by_their_community(app: Flask, engine: Engine, seeded: Seeded) -> None:
    bay = f"/communities/{seeded.communities[BAY]}/facilitators"
    client = signed(app, engine, Grant(Role.STAFF, *BAY_REGION))
    with Session(engine) as session, session.begin():
        from records.models import Account

        dana = session.scalars(select(Account).where(Account.moodle_user_id == seed.FACILITATOR)).one()
        dana.email = "Dana@Example.org"
        person = dana.person_id
    offered = client.get(bay).get_data(as_text=True)
    assert "Nobody facilitates" in offered
    assert f"person={person}" in offered
    filled = client.get(f"{bay}?person={person}").get_data(as_text=True)
    assert 'value="Dana@Example.org"' in filled
    new = {"email": "dana@example.org", "name": "Dana Marsh", "language": "en"}
    assert send(client, bay, bay, **new).status_code == 303
    role = {("facilitator", str(seeded.communities[BAY]))}
    assert held(engine, "dana@example.org") == role
    after = client.get(bay).get_data(as_text=True)
    assert ("dana@example.org" in after, f"person={person}" in after) == (True, False)
    # Who has an account gets the role, and a mail; twice is told in words.
    make(engine, "far@example.org", Grant(Role.STAFF, Scope.REGION, f"{PROGRAM}/LA"))
    assert send(client, bay, bay, email="FAR@example.org", name="Far", language="en").status_code == 303
    assert role < held(engine, "far@example.org")
    assert send(client, bay, bay, email="far@example.org", name="Far", language="en").status_code == 400
    with Session(engine) as session:
        assert [mail.kind for mail in session.scalars(select(Mail).order_by(Mail.id))] == ["invitation", "granted"]
        ids = {email: str(users.find_user(session, email)) for email in ("dana@example.org", "far@example.org")}
    gone = send(client, bay, f"{bay}/withdraw", user=ids["dana@example.org"])
    assert (gone.status_code, held(engine, "dana@example.org")) == (303, set())
    assert send(client, bay, f"{bay}/withdraw", user=ids["dana@example.org"]).status_code == 400
    # Another community is nobody's here.
    la = f"/communities/{seeded.communities[LA]}/facilitators"
    assert client.get(la).status_code == send(client, bay, la, **new).status_code == 404
    assert held(engine, "dana@example.org") == set()


def test_what_is_wrong_is_said_beside_what_was_typed(app: Flask, engine: Engine) -> None:
    client = signed(app, engine, Grant(Role.PROGRAM_ADMIN))
    answer = invited(client, "ana@", name=" ", role="staff", scope="all")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    assert 'value="ana@"' in page
    assert 'id="email-fault"' in page
    assert 'id="name-fault"' in page
    assert '<option value="staff" selected>' in page


def test_the_command_line_does_it_too(settings: Settings, engine: Engine) -> None:
    cli = Cli(settings)
    ana = ("ana@example.org", "--role", "staff", "--scope", "calpro-regional/BAY")
    cli("user", "invite", *ana, "--name", "Ana")
    assert cli("user", "grant", "ANA@example.org", "--role", "it").code == 0
    assert cli("user", "list", "--json").data[0]["grants"] == [
        {"role": "it", "scope": "all"},
        {"role": "staff", "scope": "calpro-regional/BAY"},
    ]
    assert "ana@example.org" in cli("user", "list", "--role", "it").out
    last = cli("user", "withdraw", "ana@example.org", "--role", "it")
    assert (last.code, "give it to somebody else first" in last.err) == (1, True)
    assert cli("user", "withdraw", *ana).code == 0
    assert cli("user", "deactivate", "ana@example.org").code == 1
    make(engine, "second@example.org", Grant(Role.IT))
    assert cli("user", "deactivate", "ana@example.org").code == 0
    assert [row["email"] for row in cli("user", "list", "--off", "--json").data] == ["ana@example.org"]
    assert cli("user", "invite", "ana@example.org").code == 1
    assert cli("user", "reactivate", "ana@example.org").code == 0
    assert cli("user", "grant", "nobody@example.org", "--role", "it").code == 1
    assert {entry.actor for entry in audited(engine, "grant.given")} == {"cli"}
