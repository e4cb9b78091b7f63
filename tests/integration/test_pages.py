"""The pages as people get them: figures, explanations, refreshing, headers, errors."""

import re
from collections.abc import Iterator
from datetime import timedelta
from time import perf_counter

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from mappings.facts import State
from records.actor import Grant, Role
from records.database import UnsafeDatabase
from records.models import Decision, MirrorModule, Site, uuid7
from records.settings import Settings
from service.app import create_app
from tests.support import readings, seed
from tests.support.seed import BAY, START, Seeded
from tests.support.servers import Servers
from tests.support.web import application


@pytest.fixture
def app(settings: Settings) -> Iterator[Flask]:
    with application(settings) as made:
        yield made


@pytest.fixture
def client(app: Flask, engine: Engine) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        seed.sign_in(made, engine, [Grant(Role.IT), Grant(Role.STAFF)])
        yield made


def words(html: str) -> str:
    """What people read, bars' texts among it."""
    html = re.sub(r'<svg[^>]*aria-label="([^"]*)"', r" \1 <svg", html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&#39;", "'")


def stable(html: str) -> str:
    """A page without what differs at every load."""
    return re.sub(r'name="csrf_token" value="[^"]*"', "", html)


def read(client: FlaskClient, path: str, status: int = 200) -> str:
    with client.get(path) as response:
        assert response.status_code == status, response.get_data(as_text=True)
        return words(response.get_data(as_text=True))


def part(page: str, begin: str, end: str = "") -> str:
    found = page[page.index(begin) :]
    return found[: found.index(end)] if end else found


@pytest.mark.usefixtures("seeded")
def test_board_averages_active_participants_only(client: FlaskClient) -> None:
    page = read(client, "/")
    # 18 h, 15 h, 7 h 30, 30 min, 0 and 18 h 20 of six; neither who left nor the facilitator counts.
    bay = part(page, "Bay Area Evidence", "Los Angeles Evidence")
    assert "spring 6 9 h 53 min of 16–20 h: average" in bay
    assert "2 of 6" in bay
    assert "Math Instructional Strategies Math Strategies, Los Angeles 0 nobody enrolled yet" in page


@pytest.mark.usefixtures("seeded")
def test_board_filters_by_address(client: FlaskClient) -> None:
    page = read(client, "/?region=LA&topic=MATH")
    table = part(page, "Communities by region and topic")
    assert "Math Instructional Strategies" in table
    assert "Evidence-Based Writing" not in table
    assert "No community matches this filter" in read(client, "/?region=NOWHERE")
    assert client.get("/?region=NOWHERE%00").status_code == 404


@pytest.mark.usefixtures("seeded")
def test_board_names_courses_that_are_refused(client: FlaskClient) -> None:
    assert "The topic “EBRI” needs an hour band of its own" in read(client, "/")


def test_community_tells_of_a_copy_that_waits(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    readings.take_in(engine, seeded.site, [readings.course(99, "COP-EBWI-LA", fullname="Again", copy_of=BAY)])
    page = read(client, f"/communities/{seeded.communities[BAY]}")
    assert "A copy of this course waits for adoption Again : 0 people enrolled" in page
    assert re.search(r"At the command line: copbridge adoption show [a-z]+ 99", page)


@pytest.mark.usefixtures("seeded")
def test_board_tells_of_a_copy_of_a_site(client: FlaskClient, engine: Engine) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(Site).values(refused_wwwroot="https://staging.example.org", refused_at=START))
    assert "They come from https://staging.example.org and are refused" in read(client, "/")


def test_an_empty_installation_says_what_to_do(client: FlaskClient) -> None:
    page = read(client, "/")
    assert "No community yet" in page
    assert "There is none yet: ask your IT staff." in page
    assert "No Moodle site is connected yet." in page


def test_community_lists_everybody_those_in_need_first(client: FlaskClient, seeded: Seeded) -> None:
    page = read(client, f"/communities/{seeded.communities[BAY]}")
    people = part(page, "Participants and their hours", "Facilitators")
    order = ["Whitfield", "Raman", "Tanaka", "Herrera", "Okafor", "Delgado", "Lindqvist"]
    places = [people.index(name) for name in order]
    assert places == sorted(places)
    # Of who left no standing is told, and nothing to do.
    away = people.rsplit("Lindqvist", 1)[1]
    assert " left " in away
    assert not [one for one in ("to go", "Not started", "In progress") if one in away]
    assert "15 h of 16–20 h: online 4 h 30 min, face-to-face 10 h 30 min 15 h In progress 1 h to go" in people
    assert "online 30 min 30 min In progress 15 h 30 min to go · 1 requirement open" in people
    assert "Marsh" not in people
    assert "Dana Marsh" in part(page, "Facilitators", "Sessions")


def test_community_shows_what_earns_and_what_does_not(client: FlaskClient, seeded: Seeded) -> None:
    page = read(client, f"/communities/{seeded.communities[BAY]}")
    assert "Action plan After session 2 Assignment action-plan online 1 h 30 min" in page
    assert "Coffee corner Chat, General · no rule of the program matches it" in page
    assert "Face-to-face session 1 S1 Jan 26, 2026, 10:00 AM PST face-to-face 4" in page


def test_a_change_that_would_move_hours_is_shown_as_proposed(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    path = f"/communities/{seeded.communities[BAY]}"
    before = read(client, path)
    renamed = readings.module(
        seed.modules_of(BAY)[3],
        BAY,
        "ACT-10",
        kind="assign",
        name="The big one",
        at=readings.READ_AT + timedelta(days=2),
    )
    seed.take_in(engine, seeded.site, [renamed])
    after = read(client, path)
    assert "it earns 1 h online (rule quiz)" in after
    assert "“The big one”, which would earn 1 h 30 min online (rule action-plan)" in after
    assert part(before, "Participants and their", "Facilitators") == part(
        after, "Participants and their", "Facilitators"
    )
    assert "1 change to decide" in read(client, "/")


def test_person_explains_each_minute(client: FlaskClient, seeded: Seeded) -> None:
    page = read(client, f"/people/{seeded.persons[13]}")
    assert "Introduce yourself Forum Jan 12, 2026, 11:00 PM PST introduction version 1 online 30 min" in page
    there = "Face-to-face session 1 face-to-face Recorded by: File. Jan 26, 2026, 10:00 AM PST"
    assert f"{there} attendance:face_to_face version 1" in page
    assert "Coffee corner Chat Jan 18, 2026, 7:00 AM PST" not in page
    assert "Coffee corner Chat Jan 17, 2026, 10:00 AM PST No rule of the program gives minutes" in page


def test_person_shows_what_was_taken_back(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    undone = readings.completion(13, seed.modules_of(BAY)[0], BAY, State.INCOMPLETE, at=START + timedelta(days=30))
    seed.take_in(engine, seeded.site, [undone])
    page = read(client, f"/people/{seeded.persons[13]}")
    nothing = part(page, "What earned nothing", "The ledger")
    assert "Introduce yourself Forum" in nothing
    assert "It was marked as not done again in Moodle." in nothing
    ledger = part(page, "The ledger: 5 entries")
    assert "Introduce yourself Marked as not done again in Moodle." in ledger
    assert "−30 min" in ledger


def test_person_shows_decisions_with_their_reason(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    with Session(engine) as session, session.begin():
        session.add(
            Decision(
                kind="adjustment",
                membership_id=seed.membership(engine, seeded, 14),
                actor="cli",
                actor_role="staff",
                reason="Make-up at another agency",
                data={"minutes": 90, "component": "face_to_face"},
                decided_at=START,
                correlation_id=uuid7(),
            )
        )
    page = read(client, f"/people/{seeded.persons[14]}")
    assert "Adjustment: Make-up at another agency" in page
    assert "1 h 30 min" in page


def test_a_person_without_a_name_yet_is_called_by_the_moodle_id(
    client: FlaskClient, engine: Engine, seeded: Seeded
) -> None:
    seed.take_in(engine, seeded.site, [readings.enrolment(77, BAY)])
    assert "Moodle user 77" in read(client, f"/communities/{seeded.communities[BAY]}")


def test_an_untracked_activity_is_named(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    with Session(engine) as session, session.begin():
        session.execute(update(MirrorModule).values(tracking=0))
    assert "Moodle doesn't track its completion" in read(client, f"/communities/{seeded.communities[BAY]}")


@pytest.mark.parametrize("page", ["board", "community", "person"])
def test_a_page_is_sent_again_only_when_it_changed(
    client: FlaskClient, engine: Engine, seeded: Seeded, page: str
) -> None:
    path = {
        "board": "/?region=BAY",
        "community": f"/communities/{seeded.communities[BAY]}",
        "person": f"/people/{seeded.persons[14]}",
    }[page]
    html = client.get(path).text
    again = re.search(r'hx-get="([^"]+/live[^"]*)"', html)
    assert again
    address = again[1].replace("&amp;", "&")
    assert client.get(address).status_code == 204
    seed.finish(engine, seeded, 14, seed.modules_of(BAY)[4])
    changed = client.get(address)
    assert changed.status_code == 200
    assert address not in changed.text
    assert "<html" not in changed.text


def test_freshness_is_sent_again_only_when_it_changed(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    again = re.search(r'hx-get="(/freshness[^"]*)"', client.get("/").text)
    assert again
    assert client.get(again[1]).status_code == 204
    seed.received(engine, seeded, START)
    assert "Last news from CALPRO Moodle: Jan 12, 2026, 10:00 AM PST" in words(client.get(again[1]).text)


def test_names_from_moodle_cannot_become_markup(client: FlaskClient, engine: Engine, seeded: Seeded) -> None:
    nasty = readings.account(11, at=readings.READ_AT + timedelta(days=1)) | {"firstname": "<script>x</script>"}
    seed.take_in(engine, seeded.site, [nasty])
    for path in (f"/communities/{seeded.communities[BAY]}", f"/people/{seeded.persons[11]}"):
        html = client.get(path).text
        assert "<script>x" not in html
        assert "&lt;script&gt;x" in html


def test_headers(client: FlaskClient, seeded: Seeded) -> None:
    for path in ("/", "/sign-in", f"/people/{seeded.persons[11]}", "/nope", "/set-up/none"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "unsafe" not in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"


def test_no_page_holds_inline_style_or_script_or_a_foreign_address(client: FlaskClient, seeded: Seeded) -> None:
    paths = ("/", "/sign-in", f"/communities/{seeded.communities[BAY]}", f"/people/{seeded.persons[11]}")
    for path in paths:
        html = client.get(path).text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", html), path
        assert not re.search(r"""(?:src|href|action|hx-get)=["'](?:https?:)?//""", html), path


@pytest.mark.parametrize(
    ("public_url", "secure"), [("http://127.0.0.1:8080", False), ("https://cop.example.org", True)]
)
def test_cookies(settings: Settings, engine: Engine, public_url: str, secure: bool) -> None:
    link = seed.user_link(engine, "robin@example.org", [Grant(Role.STAFF)])
    with application(settings.model_copy(update={"public_url": public_url})) as app, app.test_client() as client:
        token = form_token(client.get(link, base_url=public_url).text)
        form = {"csrf_token": token, "password": seed.PASSWORD, "repeated": seed.PASSWORD}
        response = client.post(link, data=form, base_url=public_url, headers={"Referer": public_url + link})
        assert response.status_code == 303
        cookies = [cookie for cookie in response.headers.getlist("Set-Cookie") if "form" not in cookie]
        assert len(cookies) == 1
        assert "HttpOnly" in cookies[0]
        assert "SameSite=Lax" in cookies[0]
        assert ("Secure" in cookies[0]) is secure
        assert cookies[0].startswith("__Host-") is secure
        assert client.get("/", base_url=public_url).status_code == 200


def form_token(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found
    return found[1]


def test_sign_in_leads_back_and_sign_out_ends_it(app: Flask, engine: Engine) -> None:
    link = seed.user_link(engine, "robin@example.org", [Grant(Role.STAFF)])
    with app.test_client() as client:
        form = {"csrf_token": form_token(client.get(link).text), "password": seed.PASSWORD, "repeated": "another"}
        refused = client.post(link, data=form)
        assert "The two entries differ" in refused.text
        assert client.post(link, data={**form, "password": "short", "repeated": "short"}).status_code == 400
        assert client.post(link, data={**form, "repeated": seed.PASSWORD}).status_code == 303
        assert client.get(link).status_code == 404
        page = client.get("/")
        client.post("/sign-out", data={"csrf_token": form_token(page.text)})
        asked = client.get("/?region=BAY")
        assert asked.headers["Location"] == "/sign-in?next=/?region%3DBAY"
        form = {"csrf_token": form_token(client.get(asked.headers["Location"]).text), "next": "/?region=BAY"}
        wrong = client.post("/sign-in", data={**form, "email": "robin@example.org", "password": "wrong"})
        unknown = client.post("/sign-in", data={**form, "email": "nobody@example.org", "password": "wrong"})
        assert wrong.status_code == unknown.status_code == 401
        assert stable(wrong.text).replace("robin", "nobody") == stable(unknown.text)
        right = client.post("/sign-in", data={**form, "email": "robin@example.org", "password": seed.PASSWORD})
        assert right.headers["Location"] == "/?region=BAY"


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x", "/a\nb"]
)
def test_sign_in_leads_nowhere_else(app: Flask, elsewhere: str) -> None:
    with app.test_client() as client:
        html = client.get("/sign-in", query_string={"next": elsewhere}).text
    assert 'name="next" value="/"' in html


def test_a_form_that_is_too_large_is_refused(app: Flask) -> None:
    with app.test_client() as client:
        assert client.post("/sign-in", data={"email": "x" * 100_000}).status_code == 413


def test_without_a_database_it_starts_says_503_and_recovers(settings: Settings, servers: Servers) -> None:
    missing = settings.model_copy(update={"database_url": servers.database("copbridge_test_none").url})
    with application(missing) as app, app.test_client() as client:
        for path in ("/", "/healthz", "/sign-in"):
            response = client.get(path)
            assert (response.status_code, response.headers["Retry-After"]) == (503, "30")
        with client.get("/static/css/base.css") as kept:
            assert kept.status_code == 200


def test_an_unsafe_database_is_no_start(settings: Settings) -> None:
    with pytest.raises(UnsafeDatabase):
        create_app(settings.model_copy(update={"database_url": settings.migration_database_url}))


def test_an_error_tells_nothing(app: Flask, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a secret detail")

    monkeypatch.setattr("service.pages.board.board", broken)
    with app.test_client() as client:
        seed.sign_in(client, engine, [Grant(Role.STAFF)])
        # The database isn't asked for what waits either.
        monkeypatch.setattr("service.pages.to_decide.reading", broken)
        with capture_logs() as logs:
            response = client.get("/")
    assert response.status_code == 500
    (told,) = [line for line in logs if line["event"] == "page_failed"]
    assert f"<code>{told['reference']}</code>" in response.text
    assert ">Messages</a>" in response.text
    assert "Something went wrong on our side" in response.text
    assert "secret detail" not in response.text


@pytest.mark.usefixtures("seeded")
def test_ten_thousand_memberships_paint_in_a_second(client: FlaskClient, owner_engine: Engine) -> None:
    with owner_engine.begin() as connection:
        connection.execute(text(CROWD))
        connection.execute(text("ANALYZE"))
    # In the grid the crowd is one cell, which leads to the list.
    for view, links in (("grid", 3), ("list", 3 + 160)):
        client.get(f"/?view={view}")
        begun = perf_counter()
        page = client.get(f"/?view={view}").text
        took = perf_counter() - begun
        assert page.count('id="c-') == links
        assert took < 1


CROWD = """
    WITH program AS (SELECT id FROM programs),
    made AS (
        INSERT INTO communities (id, program_id, topic, region, timezone)
        SELECT gen_random_uuid(), program.id, 'IET', 'LA', 'America/Los_Angeles' FROM program, generate_series(1, 160)
        RETURNING id
    ),
    people AS (INSERT INTO persons (id) SELECT gen_random_uuid() FROM generate_series(1, 63) RETURNING id),
    meetings AS (
        INSERT INTO sessions (id, community_id, code, title, starts_at, timezone, mode)
        SELECT gen_random_uuid(), id, 'S1', 'Session 1', now(), 'America/Los_Angeles', 'virtual' FROM made
    ),
    members AS (
        INSERT INTO memberships (id, community_id, person_id, role, dirty_at)
        SELECT gen_random_uuid(), made.id, people.id, 'participant', NULL FROM made, people RETURNING id
    )
    INSERT INTO standings (membership_id, minutes, by_component, status, band_min, band_max, on_their_way, computed_at)
    SELECT id, 600, '{"online": 600}', 'behind', 960, 1200, 1, now() FROM members
"""
