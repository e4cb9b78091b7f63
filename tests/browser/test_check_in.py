"""The code on the screen in the room, phones that scan it, and a photo of it that comes too late."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit
from uuid import UUID

import pytest
import segno
from flask import Flask, redirect, request
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.actor import Grant, Role
from records.models import Site
from records.settings import Settings
from service import personal_links
from service.context import EXTENSION
from tests.browser.conftest import DESKTOP, PHONE
from tests.browser.looks import check
from tests.support import checking_in, seed
from tests.support.checking_in import Clock, account_of, assertion, meeting, rows_of
from tests.support.seed import Seeded
from tests.support.web import application, served

AMARA, LUIS = 11, 12
WAIT = 20_000
USER = "X-Moodle-User"
"""What a browser tells the Moodle of this test: who is signed in."""


@dataclass(frozen=True)
class Room:
    """A session whose check-in is open, in a running application."""

    address: str
    engine: Engine
    settings: Settings
    clock: Clock
    session_id: UUID
    person: Callable[..., Page]
    """Somebody's browser, by its size and what it sends along."""

    def scanned(self, screen: Page) -> str:
        """The address that the drawn QR code holds, as a phone reads it."""
        square = screen.get_by_role("img", name="QR code that opens the check-in")
        address = square.get_attribute("data-address") or ""
        drawn = segno.make_qr(address, error="m").svg_inline(svgclass="qr-drawn", lineclass=None, omitsize=True)
        line = square.locator("path").get_attribute("d") or "nothing"
        assert f'd="{line}"' in drawn
        assert address.startswith(self.address)
        return address


def moodle(clock: Clock, address: list[str]) -> Flask:
    """A Moodle whose companion plugin says at once who is signed in."""
    app = Flask("moodle")

    @app.get("/local/copbridge/checkin.php")
    def answer() -> Response:
        text = assertion(request.url, int(request.headers[USER]), "calpro", clock.now)
        return redirect(f"{address[0]}/identify/calpro?assertion={text}")

    return app


@pytest.fixture
def room(settings: Settings, engine: Engine, seeded: Seeded, browser: Browser) -> Iterator[Room]:
    checking_in.with_plugin(engine, settings, seeded.site)
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def person(size: tuple[int, int] = PHONE, **headers: str) -> Page:
        width, height = size
        names = {USER: headers["user"]} if headers else {}
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, extra_http_headers=names))
        opened = contexts[-1].new_page()
        opened.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        return opened

    with application(settings) as app, served(app) as address:
        clock = checking_in.with_clock(app)
        held = app.extensions[EXTENSION]
        app.extensions[EXTENSION] = replace(held, settings=settings.model_copy(update={"public_url": address}))
        with served(moodle(clock, [address])) as wwwroot:
            with Session(engine) as session, session.begin():
                session.execute(update(Site).values(wwwroot=wwwroot))
            at = meeting(engine, seeded, clock.now)
            yield Room(address, engine, settings, clock, at, person)
            for context in contexts:
                context.close()
    # A browser reports every refusal as an error, too.
    assert [said for said in complaints if "status of 4" not in said] == []


def on_screen(room: Room, size: tuple[int, int] = DESKTOP) -> Page:
    """The facilitator's page, in the room."""
    screen = room.person(size)
    token = seed.signed_in_cookie(room.engine, f"{size[0]}@example.org", [Grant(Role.FACILITATOR)])
    screen.context.add_cookies([{"name": "copbridge", "value": token, "url": room.address}])
    screen.goto(f"{room.address}/sessions/{room.session_id}/check-in")
    return screen


def test_two_phones_a_live_count_and_a_strike(room: Room) -> None:
    screen = on_screen(room)
    check(screen)
    expect(screen.get_by_text("0 people have checked in")).to_be_visible()
    # One says who it is by Moodle, the other by a personal link.
    amara, luis = room.person(user=str(AMARA)), room.person()
    amara.goto(room.scanned(screen))
    check(amara)
    amara.get_by_role("link", name="Sign in with Moodle").click()
    expect(amara.get_by_text("You are Amara Okafor.")).to_be_visible()
    check(amara)
    amara.get_by_role("button", name="I'm here").click()
    expect(amara.get_by_role("heading", name="You are checked in")).to_be_visible()
    check(amara)
    expect(screen.get_by_text("1 person has checked in")).to_be_visible(timeout=WAIT)
    token = personal_links.make(room.settings.secret_key, account_of(room.engine, LUIS))
    luis.goto(f"{room.address}/me/{token}")
    check(luis)
    luis.goto(room.scanned(screen))
    luis.get_by_role("button", name="I'm here").click()
    expect(luis.get_by_role("heading", name="You are checked in")).to_be_visible()
    expect(screen.get_by_text("2 people have checked in")).to_be_visible(timeout=WAIT)
    # No name is on the screen before somebody unfolds the list.
    expect(screen.get_by_text("Amara Okafor").first).to_be_hidden()
    screen.get_by_text("Who came: names, for the facilitator alone").click()
    table = screen.get_by_role("table", name="Who checked in, the latest first")
    expect(table.get_by_role("rowheader").first).to_have_text("Luis Herrera-Castellanos")
    check(screen)
    table.locator("summary", has_text="Strike Luis Herrera-Castellanos").click()
    table.get_by_role("button", name="Yes, strike Luis Herrera-Castellanos").click()
    expect(table.get_by_role("rowheader")).to_have_text(["Amara Okafor"])
    luis.reload()
    expect(luis.get_by_role("heading", name="Your check-in was taken back")).to_be_visible()
    room.clock.pass_by(minutes=30)
    amara.get_by_role("button", name="I'm leaving").click()
    expect(amara.get_by_role("heading", name="You are checked out")).to_be_visible()
    assert len(rows_of(room.engine, room.session_id)) == 2


def test_a_photo_comes_too_late_and_the_screen_has_a_new_code(room: Room) -> None:
    screen = on_screen(room, PHONE)
    check(screen)
    photo = room.scanned(screen)
    room.clock.pass_by(seconds=20)
    friend = room.person(user=str(AMARA))
    friend.goto(photo)
    expect(friend.get_by_role("heading", name="This code is too old")).to_be_visible()
    check(friend)
    square = screen.get_by_role("img", name="QR code that opens the check-in")
    expect(square).not_to_have_attribute("data-address", photo, timeout=WAIT)
    assert urlsplit(room.scanned(screen)).path != urlsplit(photo).path
    # Without a camera: the short code, from the same screen.
    friend.get_by_role("link", name="Type the short code instead").click()
    check(friend)
    friend.get_by_label("Short code").fill(screen.locator(".short-code").inner_text())
    friend.get_by_role("button", name="Go on").click()
    expect(friend.get_by_role("heading", name="Who are you?")).to_be_visible()
    screen.get_by_text("End the check-in").first.click()
    screen.get_by_role("button", name="End the check-in").click()
    expect(screen.get_by_role("button", name="Open the check-in again")).to_be_visible()
    check(screen)


def test_a_screen_that_lost_its_line_shows_no_old_code(room: Room) -> None:
    screen = room.person(DESKTOP)
    screen.clock.install()
    token = seed.signed_in_cookie(room.engine, "line@example.org", [Grant(Role.FACILITATOR)])
    screen.context.add_cookies([{"name": "copbridge", "value": token, "url": room.address}])
    screen.goto(f"{room.address}/sessions/{room.session_id}/check-in")
    square = screen.get_by_role("img", name="QR code that opens the check-in")
    expect(square).to_be_visible()
    screen.route("**/check-in/**", lambda route: route.fulfill(status=204))
    screen.clock.run_for(21_000)
    expect(screen.get_by_text("This code is too old. A new one is shown")).to_be_visible()
    expect(square).to_be_hidden()
