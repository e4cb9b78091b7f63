"""Signing in by the page: lock-out, sessions that are replaced and end, limits, headers."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from redis import Redis
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from jobs import runtime, tasks
from records import lockout, sign_ins, users
from records.actor import CLI
from records.models import AuditEntry, SignIn, SignInFailures, User
from records.settings import Settings
from service import limits
from tests.support.signing_in import EMAIL, NOW, PASSWORD, Clock, make_user, post, set_clock, try_it
from tests.support.web import application

WRONG = "not the password"


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def clock(app: Flask) -> Clock:
    return set_clock(app)


def guess(app: Flask, times: int, email: str = EMAIL, **more: str) -> list[str]:
    """Pages that wrong passwords are answered with, without what differs at every load."""
    pages = []
    with app.test_client() as client:
        for _ in range(times):
            answer = try_it(client, email, WRONG, **more)
            assert answer.status_code == 401
            pages.append(re.sub(r'name="csrf_token" value="[^"]*"', "", answer.text).replace(email, "EMAIL"))
    return pages


def gets_in(app: Flask, email: str = EMAIL, **more: str) -> bool:
    with app.test_client() as client:
        return try_it(client, email, PASSWORD, **more).status_code == 303


def audited(engine: Engine, action: str) -> list[AuditEntry]:
    with Session(engine) as session:
        found = session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id))
        return list(found)


def test_five_wrong_passwords_lock_for_longer_each_time(app: Flask, engine: Engine, clock: Clock) -> None:
    make_user(engine)
    guess(app, 4)
    assert gets_in(app), "four are forgiven"
    guess(app, 4)
    assert not audited(engine, "sign_in.locked"), "the right one between them began anew"
    guess(app, 1)
    for minutes in (1, 5, 15, 60):
        clock.on(minutes=minutes, seconds=-1)
        assert not gets_in(app), minutes
        clock.on(seconds=1)
        guess(app, 1)
    clock.on(minutes=60)
    assert gets_in(app)


def test_the_lock_is_in_the_database_and_holds_no_address(
    app: Flask, engine: Engine, clock: Clock, redis: Redis
) -> None:
    make_user(engine)
    guess(app, 5)
    redis.flushdb()
    assert not gets_in(app)
    with Session(engine) as session:
        rows = session.scalars(select(SignInFailures).order_by(SignInFailures.failures)).all()
        who = session.scalar(select(User.id))
    assert [row.failures for row in rows] == [5, 6], "the refused try counts for the network alone"
    assert "robin" not in repr([vars(row) for row in rows])
    assert [(e.actor, e.subject, e.after) for e in audited(engine, "sign_in.locked")] == [
        ("system", str(who), {"of": "address"})
    ]
    assert clock.now == NOW


def test_nobody_can_tell_which_addresses_have_an_account(app: Flask, engine: Engine) -> None:
    make_user(engine)
    make_user(engine, "off@example.org")
    make_user(engine, "invited@example.org", password=None)
    with Session(engine) as session, session.begin():
        session.execute(update(User).where(User.email == "off@example.org").values(active=False))
    known, *others = (
        guess(app, 6, email) for email in (EMAIL, "nobody@example.org", "off@example.org", "invited@example.org")
    )
    assert len(set(known)) == 1, "locked or not, the same page"
    assert all(pages == known for pages in others)
    with Session(engine) as session:
        locked = session.scalars(select(SignInFailures).where(SignInFailures.locked_until.is_not(None))).all()
    assert len(locked) == 4
    assert len({row.failures for row in locked}) == 1


def test_a_link_lets_in_whoever_is_locked_out(app: Flask, engine: Engine, clock: Clock) -> None:
    make_user(engine)
    guess(app, 5)
    assert not gets_in(app)
    with Session(engine) as session, session.begin():
        user_id = users.find_user(session, EMAIL)
        assert user_id
        token = users.make_setup_link(session, CLI, user_id, now=clock.now, hours=1)
    with app.test_client() as client:
        fresh = {"password": "quite another password", "repeated": "quite another password"}
        assert post(client, f"/set-up/{token}", fresh).status_code == 303
        assert client.get("/").status_code == 200
    with app.test_client() as client:
        assert try_it(client, EMAIL, "quite another password").status_code == 303, "no lock is left"


def test_a_network_is_locked_by_many_and_others_are_not(
    app: Flask, engine: Engine, clock: Clock, settings: Settings
) -> None:
    make_user(engine)
    theirs, ours = {"REMOTE_ADDR": "203.0.113.7"}, {"REMOTE_ADDR": "198.51.100.2"}
    with Session(engine) as session, session.begin():
        for number in range(lockout.NETWORK_TRIES - 1):
            lockout.begin(session, settings.secret_key, f"{number}@example.org", theirs["REMOTE_ADDR"], clock.now)
    with app.test_client() as client:
        client.environ_base |= theirs
        assert try_it(client, "last@example.org", WRONG).status_code == 401
        assert try_it(client).status_code == 401
    with app.test_client() as client:
        client.environ_base |= ours
        assert try_it(client).status_code == 303
    assert [e.after for e in audited(engine, "sign_in.locked")] == [{"of": "network"}]
    clock.on(minutes=90)
    with app.test_client() as client:
        client.environ_base |= theirs
        assert try_it(client).status_code == 303
        assert try_it(client, "one@example.org", WRONG).status_code == 401
        assert try_it(client).status_code == 303, "the quiet minutes were taken off"


def test_tries_at_once_get_no_further_than_one_after_the_other(engine: Engine, settings: Settings) -> None:
    # As if ten requests had come in before the first password was looked at.
    tried = []
    for _ in range(10):
        with Session(engine) as session, session.begin():
            tried.append(lockout.begin(session, settings.secret_key, EMAIL, "203.0.113.7", NOW))
    assert [each.locked is None for each in tried] == [True] * 5 + [False] * 5


def test_failures_and_old_sign_ins_are_pruned_daily(
    app: Flask, engine: Engine, clock: Clock, settings: Settings
) -> None:
    make_user(engine)
    assert gets_in(app)
    guess(app, 1, "typo@example.org")
    clock.on(days=29)
    runtime.begin(runtime.Runtime(settings, engine, None, clock))  # type: ignore[arg-type]
    tasks.prune_inbox()
    with Session(engine) as session:
        assert session.scalars(select(SignInFailures)).all() == []
        assert len(session.scalars(select(SignIn)).all()) == 1
    clock.on(days=3)
    tasks.prune_inbox()
    with Session(engine) as session:
        assert session.scalars(select(SignIn)).all() == []


def test_the_cookie_is_replaced_once_an_hour(app: Flask, engine: Engine, clock: Clock) -> None:
    make_user(engine)
    with app.test_client() as client:
        begun = try_it(client)
        assert "HttpOnly" in begun.headers["Set-Cookie"]
        assert "SameSite=Lax" in begun.headers["Set-Cookie"]
        first = client.get_cookie("copbridge")
        assert first
        clock.on(minutes=59)
        client.get("/")
        assert client.get_cookie("copbridge") == first
        clock.on(minutes=1)
        client.get("/board/live", headers={"HX-Request": "true"})
        client.post("/sign-out", data={"csrf_token": "none"})
        assert client.get_cookie("copbridge") == first, "by a page alone"
        client.get("/")
        second = client.get_cookie("copbridge")
        assert second
        assert second.value != first.value
        assert client.get("/").status_code == 200
    with app.test_client() as late:
        late.set_cookie("copbridge", first.value)
        assert late.get("/").status_code == 200, "it was under way"
        left = late.get_cookie("copbridge")
        assert left
        assert left.value == first.value
        clock.on(minutes=1)
        assert late.get("/").status_code == 303
    with Session(engine) as session:
        assert session.scalars(select(SignIn.way)).all() == ["password"]


def test_a_page_that_is_merely_open_keeps_nobody_signed_in(app: Flask, engine: Engine, clock: Clock) -> None:
    make_user(engine)
    with app.test_client() as client:
        try_it(client)
        clock.on(minutes=100)
        assert client.get("/").status_code == 200
        clock.on(minutes=100)
        polled = client.get("/board/live?seen=none", headers={"HX-Request": "true"})
        assert polled.status_code == 200
        clock.on(minutes=20)
        assert client.get("/").status_code == 303
    with app.test_client() as client:
        try_it(client)
        for _ in range(7):
            clock.on(minutes=100)
            assert client.get("/").status_code == 200
        clock.on(minutes=20)
        assert client.get("/").status_code == 303, "twelve hours, however busy"


def test_that_somebody_is_there_is_written_once_a_minute(engine: Engine) -> None:
    make_user(engine)
    clock = Clock()
    with Session(engine) as session, session.begin():
        token = sign_ins.sign_in(session, EMAIL, PASSWORD, now=NOW, hours=12)
        assert token
        for _ in range(4):
            clock.on(seconds=30)
            assert sign_ins.signed_in(session, token, clock.now, idle_minutes=120)
            seen = session.scalar(select(SignIn.seen_at), execution_options={"populate_existing": True})
            assert seen
            assert (clock.now - seen).total_seconds() in (0, 30)
        assert sign_ins.rotated(session, token, clock.now) is None


def test_signing_in_again_ends_the_browsers_former_sign_in(app: Flask, engine: Engine) -> None:
    make_user(engine)
    with app.test_client() as client:
        try_it(client)
        first = client.get_cookie("copbridge")
        try_it(client)
        second = client.get_cookie("copbridge")
    assert first
    assert second
    assert first.value != second.value
    with Session(engine) as session:
        ended = session.scalars(select(SignIn.ended_at).order_by(SignIn.created_at)).all()
    assert [at is None for at in ended].count(True) == 1


@pytest.fixture
def long_minutes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow machine may take longer than a minute for some requests: what was counted is still known."""
    monkeypatch.setattr(limits, "SECONDS", 3600)


@pytest.mark.usefixtures("long_minutes")
def test_a_network_that_asks_too_often_is_told_to_wait(settings: Settings, engine: Engine, redis: Redis) -> None:
    make_user(engine)
    few = settings.model_copy(update={"sign_ins_per_minute": 3, "open_pages_per_minute": 6})
    with application(few) as app, app.test_client() as client:
        for _ in range(3):
            assert try_it(client, EMAIL, WRONG).status_code == 401
        refused = try_it(client)
        assert refused.status_code == 429
        assert "A little too often" in refused.text
        assert 1 <= int(refused.headers["Retry-After"]) <= limits.SECONDS
        assert [client.get("/check-in").status_code for _ in range(3)] == [200, 200, 429]
        client.environ_base["REMOTE_ADDR"] = "2001:db8:1:2:3::4"
        assert try_it(client).status_code == 303, "another network"
        assert client.get("/").status_code == 200
    assert redis.keys("LIMITS*")


@pytest.mark.usefixtures("long_minutes")
def test_without_redis_each_process_counts_by_itself(settings: Settings, engine: Engine) -> None:
    make_user(engine)
    # Nobody listens there.
    away = settings.model_copy(update={"sign_ins_per_minute": 2, "redis_url": "redis://127.0.0.1:1/0"})
    with application(away) as app, app.test_client() as client:
        assert [try_it(client, EMAIL, WRONG).status_code for _ in range(3)] == [401, 401, 429]


@pytest.mark.parametrize(
    ("trusted", "expected"),
    [
        (0, {"203.0.113.9": "127.0.0.1"}),
        (
            1,
            {
                "203.0.113.9": "203.0.113.9",
                "198.51.100.1, 203.0.113.8": "203.0.113.8",
                "2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
                "::ffff:203.0.113.7": "203.0.113.7",
                "nonsense": "",
            },
        ),
        (2, {"198.51.100.1, 203.0.113.9": "198.51.100.1"}),
    ],
)
def test_the_network_is_learnt_from_trusted_proxies_alone(
    settings: Settings, engine: Engine, trusted: int, expected: dict[str, str]
) -> None:
    with application(settings.model_copy(update={"trusted_proxies": trusted})) as app, app.test_client() as client:
        set_clock(app)
        for forwarded in expected:
            try_it(client, EMAIL, WRONG, **{"X-Forwarded-For": forwarded})
    for network in expected.values():
        key = lockout.key_of(settings.secret_key, lockout.Of.NETWORK, network)
        with Session(engine) as session:
            assert session.get(SignInFailures, key), network


def test_headers_and_cookies_where_people_come_by_https(settings: Settings, engine: Engine) -> None:
    make_user(engine)
    https = settings.model_copy(update={"public_url": "https://cop.example.org"})
    with application(https) as app, app.test_client() as client:
        client.environ_base["wsgi.url_scheme"] = "https"
        # A form is sent by a page of the same site.
        answer = try_it(client, Referer="https://localhost/sign-in")
        assert answer.status_code == 303
        names = [cookie.split("=")[0] for cookie in answer.headers.getlist("Set-Cookie")]
        assert "__Host-copbridge" in names
        for cookie in answer.headers.getlist("Set-Cookie"):
            assert cookie.startswith("__Host-")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; ")), cookie
            assert "Domain" not in cookie
        page = client.get("/")
    assert page.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "camera=()" in page.headers["Permissions-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


def test_without_https_browsers_are_not_told_to_insist_on_it(app: Flask) -> None:
    with app.test_client() as client:
        assert "Strict-Transport-Security" not in client.get("/sign-in").headers


def test_nobody_is_signed_in_by_somebody_elses_page(app: Flask, engine: Engine) -> None:
    make_user(engine)
    with app.test_client() as attacker, app.test_client() as victim:
        page = attacker.get("/sign-in").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token
        form = {"email": EMAIL, "password": PASSWORD, "csrf_token": token[1]}
        assert victim.post("/sign-in", data=form).status_code == 400
        assert victim.get_cookie("copbridge") is None
